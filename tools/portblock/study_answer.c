/*
 * After an answer: who made this RST, and does an accepted connection stay?
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "first_bytes.h"
#include "study_private.h"
#include "ttl_search.h"
#include "walk.h"

/* A RST of this machine's own is back within the call. */
#define OWN_RESET_WAIT_NS (20 * NS_PER_MS)
/* How long an accepted connection is watched: what cuts it off does so at once, or when
 * the first bytes come by. */
#define HOLD_MIN_NS (400 * NS_PER_MS)
#define HOLD_RTTS   6
/* Connections that tell loss from luck. */
#define LOSS_TRIES   4
#define LOSS_WAIT_NS (1300 * NS_PER_MS) /* the kernel sends a SYN again after a second */

/* ---- a RST ---- */

/*
 * Was it made here? A rule of this machine can answer a SYN to somewhere else with a RST
 * that looks as if it came from there. Bound to lo nothing leaves the machine; if a RST
 * comes back all the same, it was made here. (IPv6 finds no route by lo: there only the
 * wire tells.)
 */
static void confirm_own(struct study *s, struct findings *f)
{
	struct probe *p;

	if (f->addr.family != AF_INET || f->route.kind != ROUTE_UNICAST ||
	    s->engine->capture)
		return;
	p = engine_probe(s->engine, IPPROTO_TCP, f->port);
	if (!p)
		return;
	p->by_loopback = true;
	f->reset_is_local = engine_ask(s->engine, p, OWN_RESET_WAIT_NS) &&
			    p->answer == ANSWER_RESET;
}

void after_reset(struct study *s, struct subject *t)
{
	struct findings *f = t->f;

	confirm_own(s, f);
	if (f->reset_is_local || f->wire.reset.by_loopback)
		return;
	if (s->engine->capture)
		f->tos_known = study_tos(s, f->port, &f->tos_echoed);
	if (!f->ttl && !engine_stopped(s->engine)) {
		f->ttl = ttl_search(s->engine, f->port, s->rtt_ns);
		f->ttl_source = f->ttl ? TTL_BISECTED : TTL_UNKNOWN;
	}
}

/* ---- a connection ---- */

struct held {
	struct subject *subject;
	struct probe *probe; /* is kept open, and spoken over */
	struct probe *plain[LOSS_TRIES];
	struct first_bytes_text text;
};

struct held_all {
	struct held ports[PORTBLOCK_MAX_PORTS];
	size_t n;
};

/* LEAST: the lowest TTL that is heard, from the beginning; LATER: once it is made. */
static struct probe *start_holding(struct study *s, struct held *h, uint8_t least,
				   uint8_t later)
{
	struct probe *p = engine_probe(s->engine, IPPROTO_TCP, h->subject->f->port);

	if (!p)
		return NULL;
	p->hold_ns = HOLD_MIN_NS + HOLD_RTTS * s->rtt_ns;
	p->min_ttl = least;
	p->hold_min_ttl = later;
	p->say = h->text.len ? h->text.bytes : NULL;
	p->say_len = h->text.len;
	engine_start(s->engine, p);
	return p;
}

static bool is_over(const struct probe *p)
{
	return !p || (probe_answered(p) && !p->holding);
}

static bool all_over(void *arg)
{
	const struct held_all *all = arg;
	size_t i, k;

	for (i = 0; i < all->n; i++) {
		if (!is_over(all->ports[i].probe))
			return false;
		for (k = 0; k < LOSS_TRIES; k++)
			if (!is_over(all->ports[i].plain[k]))
				return false;
	}
	return true;
}

static void run_held(struct study *s, struct held_all *all)
{
	size_t i, k;

	engine_run(s->engine,
		   clock_now_ns() + LOSS_WAIT_NS + HOLD_MIN_NS + HOLD_RTTS * s->rtt_ns,
		   all_over, all);
	for (i = 0; i < all->n; i++) {
		if (all->ports[i].probe)
			engine_stop(s->engine, all->ports[i].probe);
		for (k = 0; k < LOSS_TRIES; k++)
			if (all->ports[i].plain[k])
				engine_stop(s->engine, all->ports[i].plain[k]);
	}
}

static void count_one(struct findings *f, const struct probe *p)
{
	if (!p)
		return;
	f->tries++;
	f->resent += p->resent;
	f->answered += probe_answered(p) && !p->resent;
}

static void note_held(struct held *h)
{
	struct findings *f = h->subject->f;
	const struct probe *p = h->probe;
	size_t k;

	count_one(f, p);
	for (k = 0; k < LOSS_TRIES; k++)
		count_one(f, h->plain[k]);
	if (!p || p->answer != ANSWER_SYN_ACK)
		return;
	f->after = p->after;
	f->after_ns = p->after_ns;
	f->sent_bytes = p->say != NULL;
	f->first_sent = p->say ? h->text.name : NULL;
	if (p->wire.late_reset.seen)
		f->wire.late_reset = p->wire.late_reset;
	f->wire.window_opened |= p->wire.window_opened;
}

/* The wire's word on the RST that came last is read a little later. */
static void settle(struct study *s)
{
	if (s->engine->capture)
		engine_run(s->engine, clock_now_ns() + 2 * NS_PER_MS, NULL, NULL);
}

/* How it ends when only that is heard. */
static enum after_accept end_heard(struct study *s, struct held *h, uint8_t least,
				   uint8_t later)
{
	struct held_all one = { .n = 1 };

	one.ports[0] = *h;
	memset(one.ports[0].plain, 0, sizeof(one.ports[0].plain));
	one.ports[0].probe = start_holding(s, h, least, later);
	run_held(s, &one);
	return one.ports[0].probe ? one.ports[0].probe->after : AFTER_UNKNOWN;
}

/* Was it made nearer, by somebody who begins with a lower TTL than the host does? TTL:
 * the host's, which has passed some routers on the way here. */
static bool is_nearer_with_less(struct study *s, struct held *h, uint8_t ttl)
{
	static const uint8_t tops[] = { 128, 64 };
	int passed = ttl_distance(ttl);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tops) && passed > 0; i++) {
		if (tops[i] >= ttl || passed >= tops[i])
			continue;
		if (end_heard(s, h, 0, (uint8_t)(tops[i] - passed + 1)) == AFTER_RESET)
			return end_heard(s, h, 0, (uint8_t)(tops[i] + 1)) == AFTER_QUIET;
	}
	return false;
}

/* Does the RST come from nearer than the host? TTL: of the host's own answers. */
static void place_reset(struct study *s, struct held *h, uint8_t ttl)
{
	struct findings *f = h->subject->f;
	enum after_accept above = ttl < 255 ? end_heard(s, h, 0, (uint8_t)(ttl + 1))
					    : AFTER_QUIET;

	if (above == AFTER_UNKNOWN)
		return;
	f->reset_is_nearer = above == AFTER_RESET;
	/* From below the host's, it was not made as the host's answers are. */
	f->reset_is_placed = f->reset_is_nearer || end_heard(s, h, ttl, 0) == AFTER_RESET;
	if (!f->reset_is_placed)
		f->reset_is_placed = f->reset_is_nearer = is_nearer_with_less(s, h, ttl);
}

/* It was reset: again, and does the RST come from nearer than the host? */
static void look_again(struct study *s, struct held *h)
{
	struct findings *f = h->subject->f;
	uint8_t ttl;

	f->after_repeats = end_heard(s, h, 0, 0) == AFTER_RESET;
	settle(s);
	if (s->engine->capture) {
		f->reset_is_placed = f->wire.late_reset.seen;
		return;
	}
	/* The port's own, before others': echoes may begin with another TTL. */
	if (!f->ttl) {
		f->ttl = ttl_search(s->engine, f->port, s->rtt_ns);
		f->ttl_source = f->ttl ? TTL_BISECTED : TTL_UNKNOWN;
	}
	ttl = f->ttl ? f->ttl : host_ttl(s);
	if (ttl && !engine_stopped(s->engine))
		place_reset(s, h, ttl);
}

/* Without a capture: does somebody nearer than the host make the handshake? */
static void look_for_proxy(struct study *s, struct findings *f)
{
	uint8_t ttl = host_ttl(s);

	if (f->ttl || !ttl || ttl == 255)
		return;
	if (ttl_at_least(s->engine, f->port, (uint8_t)(ttl + 1), s->rtt_ns) != 1)
		return;
	f->ttl = ttl_search(s->engine, f->port, s->rtt_ns);
	f->ttl_source = f->ttl ? TTL_BISECTED : TTL_UNKNOWN;
}

static bool is_odd(struct study *s, const struct findings *f)
{
	return f->after == AFTER_RESET || host_accepts_all(s) ||
	       (f->ttl && ttl_distance(f->ttl) < host_distance(s));
}

/* More connections, when one was lost: luck, or loss? */
static void measure_loss(struct study *s, struct held *h)
{
	struct held_all more = { .n = 1 };
	struct findings *f = h->subject->f;
	size_t k;

	if (f->answered == f->tries)
		return;
	more.ports[0].subject = h->subject;
	for (k = 0; k < LOSS_TRIES; k++) {
		more.ports[0].plain[k] = engine_probe(s->engine, IPPROTO_TCP, f->port);
		if (more.ports[0].plain[k])
			engine_start(s->engine, more.ports[0].plain[k]);
	}
	run_held(s, &more);
	for (k = 0; k < LOSS_TRIES; k++)
		count_one(f, more.ports[0].plain[k]);
}

static void after_one(struct study *s, struct held *h)
{
	struct findings *f = h->subject->f;

	note_held(h);
	measure_loss(s, h);
	if (!s->engine->capture)
		look_for_proxy(s, f);
	if (f->after == AFTER_RESET)
		look_again(s, h);
	if (!is_odd(s, f) || engine_stopped(s->engine))
		return;
	if (!s->control_walk.n_hops)
		controls_walk(s);
	walk_run(s->engine, &f->walk, f->protocol, f->port, &s->control_walk, s->rtt_ns,
		 true);
}

void after_accept(struct study *s)
{
	struct held_all all = { .n = 0 };
	size_t i, k;

	for (i = 0; i < s->n_subjects; i++) {
		struct findings *f = s->subjects[i].f;
		struct held *h = &all.ports[all.n];

		if (f->answer != ANSWER_SYN_ACK)
			continue;
		all.n++;
		h->subject = &s->subjects[i];
		first_bytes_for(&h->text, s->config->first_bytes, f->port, f->target,
				f->addr.family);
		h->probe = start_holding(s, h, 0, 0);
		for (k = 0; k < LOSS_TRIES; k++) {
			h->plain[k] = engine_probe(s->engine, IPPROTO_TCP, f->port);
			if (h->plain[k])
				engine_start(s->engine, h->plain[k]);
		}
	}
	if (!all.n)
		return;
	run_held(s, &all);
	settle(s);
	for (i = 0; i < all.n && !engine_stopped(s->engine); i++)
		after_one(s, &all.ports[i]);
}
