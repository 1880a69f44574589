#include "walk.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include <linux/errqueue.h>

#include "clock.h"

/* A router may take its time over an error: it is no part of its fast path. */
#define HOP_WAIT_MIN_NS (300 * NS_PER_MS)
#define HOP_WAIT_MAX_NS (1 * NS_PER_S)
/* Linux: icmp_ratelimit, 1000 ms for each peer (Documentation/networking/ip-sysctl). */
#define HOP_AGAIN_NS (1050 * NS_PER_MS)
#define HOP_ROUNDS   2
/* Silent hops in a row after which one at a time is too slow. */
#define SILENT_RUN 2
/* Of a host that never answers, how far behind the last hop to look. */
#define BEYOND 6

static bool is_time_exceeded(const struct icmp_error *icmp)
{
	if (icmp->origin == SO_EE_ORIGIN_ICMP6)
		return icmp->type == ICMP6_TIME_EXCEEDED;
	return icmp->type == ICMP_TIME_EXCEEDED;
}

/* TARGET: whose answer ends the walk, be it a RST or an ICMP error of its own. */
static void note(struct hop *hop, const struct probe *p, const struct addr *target)
{
	hop->tries++;
	if (hop->state != HOP_UNASKED && hop->state != HOP_SILENT)
		return;
	hop->state = HOP_SILENT;
	if (!probe_answered(p) || p->answer == ANSWER_ERROR)
		return;
	hop->at_ns = p->answered_ns;
	hop->rtt_ns = probe_rtt_ns(p);
	if (p->answer != ANSWER_ICMP) {
		hop->state = HOP_ANSWERED;
		return;
	}
	hop->state = is_time_exceeded(&p->icmp)		 ? HOP_EXCEEDED
		     : addr_equal(&p->icmp.from, target) ? HOP_ANSWERED
							 : HOP_ERROR;
	hop->from = p->icmp.from;
	hop->ttl_back = p->icmp.ttl;
	hop->icmp_origin = p->icmp.origin;
	hop->icmp_type = p->icmp.type;
	hop->icmp_code = p->icmp.code;
}

static struct probe *hop_probe(struct engine *e, const struct walk *w, unsigned int ttl,
			       bool same_flow)
{
	struct probe *p = engine_probe(e, w->protocol, w->port);

	if (!p)
		return NULL;
	p->ttl = (uint8_t)ttl;
	if (same_flow && w->protocol != IPPROTO_ICMP)
		p->source_port = w->source_port;
	return p;
}

/* AGAIN: silent so far. Where nothing is known of the way, it may just be long. */
static int64_t hop_wait_ns(const struct walk *w, int64_t rtt_ns, bool again)
{
	int64_t longest_ns = rtt_ns;
	unsigned int i;

	if (again && !rtt_ns)
		return HOP_WAIT_MAX_NS;
	for (i = 1; i <= w->n_hops; i++)
		longest_ns = max_i64(longest_ns, w->hops[i].rtt_ns);
	return min_i64(max_i64(3 * longest_ns, HOP_WAIT_MIN_NS), HOP_WAIT_MAX_NS);
}

/* One hop at a time, with the same source port. Returns the TTL at which it stopped, 0
 * once the port answered or the last hop was asked. */
static unsigned int walk_serially(struct engine *e, struct walk *w, unsigned int end,
				  int64_t rtt_ns)
{
	unsigned int ttl, silent = 0;

	for (ttl = 1; ttl <= end && !engine_stopped(e); ttl++) {
		struct hop *hop = &w->hops[ttl];
		struct probe *p = hop_probe(e, w, ttl, true);

		if (!p)
			return 0;
		(void)engine_ask(e, p, hop_wait_ns(w, rtt_ns, false));
		if (!w->source_port && w->protocol != IPPROTO_ICMP)
			w->source_port = p->local_port;
		w->n_hops = ttl;
		note(hop, p, &e->addr);
		if (hop->state == HOP_ANSWERED || hop->state == HOP_ERROR)
			return 0;
		silent = hop->state == HOP_SILENT ? silent + 1 : 0;
		if (silent == SILENT_RUN)
			return ttl + 1;
	}
	return 0;
}

struct volley {
	const struct engine *engine;
	struct probe *probes[HOPS_MAX + 1];
};

static bool all_answered(void *arg)
{
	const struct volley *v = arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v->probes); i++)
		if (v->probes[i] && !probe_answered(v->probes[i]))
			return false;
	return true;
}

/* All silent hops behind the last that answered, up to END, at once; each from a port of
 * its own, since one flow can have one connection only. */
static void ask_batch(struct engine *e, struct walk *w, unsigned int end, int64_t rtt_ns,
		      bool again)
{
	struct volley v = { .engine = e };
	unsigned int ttl;
	int64_t until_ns = clock_now_ns() + hop_wait_ns(w, rtt_ns, again);

	for (ttl = walk_last(w) + 1; ttl <= end; ttl++) {
		enum hop_state state = w->hops[ttl].state;

		if (state != HOP_UNASKED && state != HOP_SILENT)
			break;
		v.probes[ttl] = hop_probe(e, w, ttl, false);
		if (v.probes[ttl])
			engine_start(e, v.probes[ttl]);
	}
	engine_run(e, until_ns, all_answered, &v);
	for (ttl = 1; ttl <= end; ttl++) {
		if (!v.probes[ttl])
			continue;
		engine_stop(e, v.probes[ttl]);
		note(&w->hops[ttl], v.probes[ttl], &e->addr);
		if (ttl > w->n_hops)
			w->n_hops = ttl;
	}
}

/* What lies behind the first answer of the port itself is nothing. */
static void cut_off(struct walk *w)
{
	unsigned int ttl;

	for (ttl = 1; ttl <= w->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_ANSWERED || w->hops[ttl].state == HOP_ERROR)
			w->n_hops = ttl;
}

static unsigned int walk_end(const struct engine *e, const struct walk *w,
			     unsigned int target_hops)
{
	unsigned int max = e->config->max_hops;

	if (target_hops)
		return target_hops < max ? target_hops : max;
	if (walk_last(w) + BEYOND < max)
		return walk_last(w) + BEYOND;
	return max;
}

/* Batch by batch, as long as each finds hops further on. */
static void ask_silent(struct engine *e, struct walk *w, unsigned int target_hops,
		       int64_t rtt_ns, bool again)
{
	unsigned int before;

	do {
		before = walk_last(w);
		ask_batch(e, w, walk_end(e, w, target_hops), rtt_ns, again);
		cut_off(w);
	} while (!engine_stopped(e) && walk_last(w) > before && !walk_answered(w) &&
		 w->hops[w->n_hops].state != HOP_ERROR &&
		 walk_last(w) < walk_end(e, w, target_hops));
}

/* Is it worth a second to ask again what lies behind the last hop that answered? */
static bool is_missing_some(const struct engine *e, const struct walk *w,
			    const struct walk *control, unsigned int target_hops,
			    bool answers)
{
	unsigned int end = walk_end(e, w, target_hops), ttl;

	if (!answers)
		return !walk_answered(w) && w->hops[w->n_hops].state != HOP_ERROR &&
		       walk_last(w) < end;
	for (ttl = 1; control && ttl <= w->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_SILENT && ttl > walk_last(w) &&
		    control->hops[ttl].state == HOP_EXCEEDED)
			return true;
	return false;
}

void walk_run(struct engine *e, struct walk *ret_walk, uint8_t protocol, uint16_t port,
	      const struct walk *control, int64_t rtt_ns, bool answers)
{
	struct walk w = { .protocol = protocol, .port = port };
	unsigned int target_hops = control ? walk_answered(control) : 0;
	unsigned int stopped, round;
	int64_t asked_ns;

	stopped = walk_serially(e, &w,
				target_hops && target_hops < e->config->max_hops
					? target_hops
					: e->config->max_hops,
				rtt_ns);
	asked_ns = clock_now_ns();
	if (stopped)
		ask_silent(e, &w, target_hops, rtt_ns, false);
	for (round = 0; round < HOP_ROUNDS && !engine_stopped(e); round++) {
		if (!is_missing_some(e, &w, control, target_hops, answers))
			break;
		engine_run(e, asked_ns + HOP_AGAIN_NS, NULL, NULL);
		asked_ns = clock_now_ns();
		ask_silent(e, &w, target_hops, rtt_ns, true);
	}
	w.done = !engine_stopped(e);
	*ret_walk = w;
}

unsigned int walk_last(const struct walk *w)
{
	unsigned int ttl, last = 0;

	for (ttl = 1; ttl <= w->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_EXCEEDED)
			last = ttl;
	return last;
}

unsigned int walk_answered(const struct walk *w)
{
	unsigned int ttl;

	for (ttl = 1; ttl <= w->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_ANSWERED)
			return ttl;
	return 0;
}
