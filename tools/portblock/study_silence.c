/*
 * After silence: was it this machine that swallowed the answer?
 */
#include "clock.h"
#include "counters.h"
#include "study_private.h"

/* SYNs of one round, a little apart so that their answers are, too. */
#define ROUND_SYNS 4
#define SYN_GAP_NS (20 * NS_PER_MS)
/* How long answers of a round may take, beyond the round trip. */
#define ROUND_WAIT_NS (120 * NS_PER_MS)

/* What vanishes here in a while without our doing, and with N SYNs of ours. */
static int count_round(struct study *s, const struct findings *f, unsigned int n,
		       struct counters *ret_diff)
{
	struct probe *probes[ROUND_SYNS] = { 0 };
	struct counters before, after;
	unsigned int i;
	int err = counters_read(f->addr.family, &before);

	for (i = 0; !err && i < n; i++) {
		probes[i] = engine_probe(s->engine, f->protocol, f->port);
		if (!probes[i])
			break;
		engine_start(s->engine, probes[i]);
		engine_run(s->engine, clock_now_ns() + SYN_GAP_NS, NULL, NULL);
	}
	engine_run(s->engine, clock_now_ns() + ROUND_WAIT_NS + 2 * s->rtt_ns, NULL, NULL);
	for (i = 0; i < n && probes[i]; i++)
		engine_stop(s->engine, probes[i]);
	if (!err)
		err = counters_read(f->addr.family, &after);
	if (err)
		return err;
	ret_diff->vanished = after.vanished - before.vanished;
	ret_diff->rp_filter = after.rp_filter - before.rp_filter;
	return 0;
}

/*
 * For each SYN a packet that arrives and is neither delivered nor forwarded, and hardly
 * any while none are sent: the answers come, and are dropped here. Twice, since others'
 * traffic vanishes, too. (Earlier connections' SYN-ACKs are sent again meanwhile, so
 * the quiet while need not be empty.)
 */
static enum local_drop vanishing(struct study *s, const struct findings *f)
{
	struct counters quiet, sent;
	bool rp_filter = true;
	int round;

	for (round = 0; round < 2; round++) {
		if (count_round(s, f, 0, &quiet) < 0 ||
		    count_round(s, f, ROUND_SYNS, &sent) < 0 || engine_stopped(s->engine))
			return LOCAL_DROP_UNKNOWN;
		if (sent.vanished < ROUND_SYNS)
			return LOCAL_DROP_NO;
		if (quiet.vanished * 2 > sent.vanished)
			return LOCAL_DROP_UNKNOWN;
		rp_filter = rp_filter && sent.rp_filter >= ROUND_SYNS &&
			    quiet.rp_filter * 2 <= sent.rp_filter;
	}
	return rp_filter ? LOCAL_DROP_RP_FILTER : LOCAL_DROP_YES;
}

void after_silence(struct study *s, struct subject *t)
{
	struct findings *f = t->f;
	bool reply = f->wire.syn_ack.seen || f->wire.reset.seen;

	if (f->protocol != IPPROTO_TCP || f->kernel_kept_it ||
	    f->route.kind != ROUTE_UNICAST)
		return;
	if (f->neighbour == ROUTE_NEIGH_FAILED || f->neighbour == ROUTE_NEIGH_WAITING)
		return;
	/* The wire has said already that nothing comes. */
	if (s->engine->capture && !reply)
		return;
	f->local_drop = vanishing(s, f);
}
