/*
 * A RST: of the host's kernel, its firewall, a box in between, this machine, or forged?
 */
#include "judge_private.h"
#include "walk.h"

/* A closed port whose RST comes from the same maker's distance echoes the type of
 * service, so that it is not cleared on the way, and the host's kernel does echo it. */
static bool control_echoes_tos(const struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (c->tos_known && c->tos_echoed &&
		    (!c->ttl || !f->ttl || c->ttl == f->ttl))
			return true;
	}
	return false;
}

static bool is_made_by_kernel(const struct findings *f)
{
	return f->tos_known && f->tos_echoed;
}

static bool is_made_by_firewall(const struct findings *f)
{
	return f->tos_known && !f->tos_echoed && control_echoes_tos(f);
}

/* The shortest time in which the host itself answered. */
static int64_t host_rtt_ns(const struct findings *f)
{
	int64_t best = -1;
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (control_is_of_host(&f->addr, c) && c->rtt_ns > 0 &&
		    (best < 0 || c->rtt_ns < best))
			best = c->rtt_ns;
	}
	return best;
}

static bool is_contradicted(const struct findings *f)
{
	return f->wire.syn_ack.seen && f->wire.syn_ack.ack_is_right;
}

/*
 * No other answer to compare the distance with, but RSTs alike. A router answers in
 * FORWARD only what it would have passed on: then the RST comes back at a TTL that is
 * two more than the routers it passed, a host's at one more.
 */
static bool distances_disagree(const struct findings *f, int d,
			       const struct distances *all)
{
	unsigned int answered = walk_answered(&f->walk);

	return all->own < 0 && all->open < 0 && d >= 0 && answered > 0 &&
	       (int)answered == d + 2;
}

/* The RST comes for a SYN that can't have come near the host. One hop less may be another
 * way of the same length but one. */
static bool is_from_far_before_host(const struct findings *f, int d)
{
	unsigned int there = walk_answered(&f->control_walk);

	return judge_came_too_early(f, d) && walk_answered(&f->walk) + 2 <= there;
}

static void by_host_firewall(struct judgement *j)
{
	conclude(j, CAUSE_RESET_BY_HOST_FIREWALL, VERDICT_REJECTED, WHERE_TARGET,
		 METHOD_TCP_RESET, CONFIDENCE_MEDIUM);
}

static void by_box(struct judgement *j, const struct findings *f, int d,
		   enum confidence confidence)
{
	conclude(j, CAUSE_RESET_BY_BOX, VERDICT_RESET_BY_MIDDLEBOX, WHERE_PATH,
		 METHOD_TCP_RESET, confidence);
	blame_box_on_way(j, f, d);
}

static void reset_of_host(struct judgement *j, const struct findings *f, int d)
{
	struct distances all = judge_distances(f);
	bool kernel = is_made_by_kernel(f);
	bool level = d >= 0 && (d == all.own || d == all.closed || d == all.open ||
				d + 1 == (int)judge_own_hop(f));

	if (is_made_by_firewall(f))
		by_host_firewall(j);
	else if (is_from_far_before_host(f, d))
		by_box(j, f, d, CONFIDENCE_MEDIUM);
	else if (!kernel && distances_disagree(f, d, &all))
		by_box(j, f, d, f->tos_known ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
	else if (kernel)
		conclude(j, CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET,
			 METHOD_NONE, level ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
	else
		conclude(j, CAUSE_NO_LISTENER_MAYBE, VERDICT_NO_LISTENER, WHERE_TARGET,
			 METHOD_NONE, level ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
}

static void reset_from_nearer(struct judgement *j, const struct findings *f, int d)
{
	unsigned int answered = walk_answered(&f->walk);
	bool way_agrees = answered && answered < walk_answered(&f->control_walk);
	int own = judge_distances(f).own_least;
	bool doubtful = judge_came_too_late(f, d) ||
			/* An initial TTL that nobody uses looks like a distance. */
			(!way_agrees && !judge_is_comparable(f, f->ttl)) ||
			/* Ping is answered from there, too: it may own the address. */
			(own >= 0 && own <= d);

	by_box(j, f, d, doubtful ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH);
}

/* Only open ports, which may be forwarded, answer from farther. */
static void reset_from_nearer_maybe(struct judgement *j, const struct findings *f, int d)
{
	if (is_made_by_kernel(f))
		conclude(j, CAUSE_NO_LISTENER_MAYBE, VERDICT_NO_LISTENER, WHERE_TARGET,
			 METHOD_NONE, CONFIDENCE_MEDIUM);
	else
		by_box(j, f, d, f->tos_known ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
}

/* Much too fast for the host: the very first box, or this machine. */
static bool too_fast(const struct findings *f)
{
	int64_t host = host_rtt_ns(f);

	return f->rtt_ns > 0 && host > NS_PER_MS && f->rtt_ns * 8 < host;
}

/* Without a capture an own RST over IPv6 looks like one of the first router's. */
static bool may_be_own(const struct findings *f, int d)
{
	int host = judge_distances(f).host;
	bool nearest = d == 0 && host != 0 &&
		       (host > 0 || f->walk.hops[1].state == HOP_ANSWERED);
	bool passed = f->walk.n_hops && f->walk.hops[1].state == HOP_EXCEEDED;

	return !f->captured && f->addr.family == AF_INET6 && !passed &&
	       (nearest || (d <= 0 && too_fast(f)));
}

void judge_reset(struct judgement *j, const struct findings *f)
{
	int d = ttl_distance(f->ttl);

	if (f->reset_is_local || f->wire.reset.by_loopback) {
		conclude(j, CAUSE_LOCAL_REJECT, VERDICT_REJECTED, WHERE_LOCAL,
			 METHOD_TCP_RESET, CONFIDENCE_CERTAIN);
		j->reason = REASON_LOCAL_REJECT;
		return;
	}
	if (f->route_known && f->route.kind == ROUTE_LOCAL) {
		if (is_made_by_firewall(f))
			by_host_firewall(j);
		else
			conclude(j, CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET,
				 METHOD_NONE, CONFIDENCE_HIGH);
		return;
	}
	if (is_contradicted(f) || f->wire.reset_windows_rise) {
		/* Of several attempts each may have met another machine behind a
		 * balancer. */
		bool sure = is_contradicted(f) && f->tries <= 1;

		conclude(j, CAUSE_RESET_INJECTED, VERDICT_RESET_BY_MIDDLEBOX, WHERE_PATH,
			 METHOD_TCP_RESET, sure ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
		if (judge_nearness(f, d) == NEARNESS_SURE)
			blame_box_on_way(j, f, d);
		return;
	}
	if (may_be_own(f, d)) {
		conclude(j, CAUSE_RESET_NEAR, VERDICT_RESET_BY_MIDDLEBOX, WHERE_UNKNOWN,
			 METHOD_TCP_RESET, CONFIDENCE_MEDIUM);
		return;
	}
	switch (judge_nearness(f, d)) {
	case NEARNESS_NONE:
		reset_of_host(j, f, d);
		return;
	case NEARNESS_MAYBE:
		reset_from_nearer_maybe(j, f, d);
		return;
	case NEARNESS_SURE:
		reset_from_nearer(j, f, d);
		return;
	}
}
