/*
 * Silence: where does the SYN end, or its answer?
 */
#include <string.h>

#include "judge_private.h"
#include "walk.h"
#include "words.h"

/* A neighbour that has been silent this long has missed two requests (one a second:
 * RetransTimer, RFC 4861 10; ARP likewise in Linux). */
#define NEIGHBOUR_PATIENCE_NS (1 * NS_PER_S)
/* Silence by chance: beyond this it is no evidence, beyond the other it is weak. */
#define CHANCE_TOO_HIGH 0.2
#define CHANCE_WEAK	0.01

static bool is_own_address(const struct findings *f)
{
	return f->route_known && f->route.kind == ROUTE_LOCAL;
}

/* --rule saw a rule of this machine take the packet. */
static bool by_rule(struct judgement *j, const struct findings *f)
{
	const struct rule_found *r = &f->local_rule;
	bool out = !strcmp(r->hook, "output") || !strcmp(r->hook, "postrouting") ||
		   !strcmp(r->hook, "egress");

	if (!r->found)
		return false;
	/* What comes in at this machine's own address is the packet, not its answer. */
	if (!out && is_own_address(f)) {
		conclude(j, CAUSE_DROPPED_TARGET, VERDICT_DROPPED, WHERE_TARGET,
			 METHOD_DROP, CONFIDENCE_CERTAIN);
		return true;
	}
	conclude(j, out ? CAUSE_LOCAL_DROP_OUT : CAUSE_LOCAL_DROP_IN, VERDICT_DROPPED,
		 WHERE_LOCAL, METHOD_DROP, CONFIDENCE_CERTAIN);
	if (out)
		j->reason = REASON_LOCAL_REJECT;
	return true;
}

static bool is_neighbour_silent(const struct findings *f)
{
	return f->neighbour == ROUTE_NEIGH_FAILED || f->neighbour == ROUTE_NEIGH_WAITING;
}

/*
 * Nothing left, as far as the wire or the kernel shows. A filter makes sending fail,
 * which the kernel notices when it sends again; if that works and the wire shows
 * nothing, a queue to a program (NFQUEUE) took the packet, or IPsec hides it.
 */
static bool did_not_leave(struct judgement *j, const struct findings *f)
{
	bool vanished = f->wire.watched && !f->wire.syns_out && !f->capture_dropped &&
			!is_neighbour_silent(f);
	bool sent = f->resent > 0 || f->protocol == IPPROTO_UDP;

	if (!vanished && !f->kernel_kept_it)
		return false;
	conclude(j, CAUSE_LOCAL_DROP_OUT, VERDICT_DROPPED, WHERE_LOCAL, METHOD_DROP,
		 f->kernel_kept_it ? (vanished ? CONFIDENCE_CERTAIN : CONFIDENCE_HIGH)
		 : sent		   ? CONFIDENCE_LOW
				   : CONFIDENCE_MEDIUM);
	j->reason = REASON_LOCAL_REJECT;
	return true;
}

static bool on_this_machine(struct judgement *j, const struct findings *f)
{
	if (did_not_leave(j, f))
		return true;
	if ((f->wire.syn_ack.seen && f->wire.syn_ack.ack_is_right) ||
	    (f->wire.reset.seen && f->wire.reset.ack_is_right)) {
		conclude(j,
			 f->local_drop == LOCAL_DROP_RP_FILTER ? CAUSE_LOCAL_RP_FILTER
							       : CAUSE_LOCAL_DROP_IN,
			 VERDICT_DROPPED, WHERE_LOCAL, METHOD_DROP, CONFIDENCE_HIGH);
		return true;
	}
	switch (f->local_drop) {
	case LOCAL_DROP_YES:
		conclude(j, CAUSE_LOCAL_DROP_IN, VERDICT_DROPPED, WHERE_LOCAL,
			 METHOD_DROP, CONFIDENCE_MEDIUM);
		return true;
	case LOCAL_DROP_RP_FILTER:
		conclude(j, CAUSE_LOCAL_RP_FILTER, VERDICT_DROPPED, WHERE_LOCAL,
			 METHOD_DROP, CONFIDENCE_HIGH);
		return true;
	case LOCAL_DROP_UNKNOWN:
	case LOCAL_DROP_NO:
		break;
	}
	return false;
}

static bool on_this_link(struct judgement *j, const struct findings *f)
{
	bool gateway = f->route.gateway.family != AF_UNSPEC;
	bool sure = f->neighbour == ROUTE_NEIGH_FAILED ||
		    f->waited_ns >= NEIGHBOUR_PATIENCE_NS;

	/* With several gateways, this is not the one that others' packets took. */
	if (!is_neighbour_silent(f) || findings_alive(f) || walk_last(&f->walk))
		return false;
	conclude(j, gateway ? CAUSE_GATEWAY_DOWN : CAUSE_NEIGHBOUR_DOWN,
		 VERDICT_HOST_DOWN, gateway ? WHERE_PATH : WHERE_TARGET, METHOD_NONE,
		 sure ? CONFIDENCE_HIGH : CONFIDENCE_LOW);
	j->reason = REASON_HOST_DOWN;
	return true;
}

/* How likely it is that every SYN, or its answer, was lost by chance, as often as those
 * of the controls were. */
static double chance(const struct findings *f)
{
	unsigned int sent = 0, lost = 0, i;
	double all = 1;
	size_t k;

	for (k = 0; k < f->n_controls; k++) {
		const struct control *c = &f->controls[k];

		if (!control_is_of_host(&f->addr, c) || c->tries == 0)
			continue;
		sent += c->tries;
		lost += c->tries - 1;
	}
	if (!lost)
		return 0;
	for (i = 0; i < f->tries + f->resent && i < 64; i++)
		all *= (double)lost / sent;
	return all;
}

/* ---- the way ---- */

/* The first hop behind the last that had the SYN which answers for the control, and,
 * asked as well, not for the port; 0: none. THERE: the host's. */
static unsigned int first_missing(const struct findings *f, unsigned int there)
{
	const struct walk *w = &f->walk, *c = &f->control_walk;
	unsigned int ttl;

	for (ttl = walk_last(w) + 1; ttl <= c->n_hops && ttl <= w->n_hops; ttl++)
		if (ttl != there && c->hops[ttl].state == HOP_EXCEEDED &&
		    w->hops[ttl].state == HOP_SILENT)
			return ttl;
	return 0;
}

/* Other routers for the control than for the port. */
static bool ways_differ(const struct findings *f)
{
	const struct walk *w = &f->walk, *c = &f->control_walk;
	unsigned int ttl;

	for (ttl = 1; ttl <= w->n_hops && ttl <= c->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_EXCEEDED &&
		    c->hops[ttl].state == HOP_EXCEEDED &&
		    !addr_equal(&w->hops[ttl].from, &c->hops[ttl].from))
			return true;
	return false;
}

static void before_hop(struct judgement *j, const struct findings *f,
		       unsigned int missing)
{
	int own = judge_distances(f).own;
	bool sure =
		missing == walk_last(&f->walk) + 1 &&
		/* Routers limit their errors. */
		f->walk.hops[missing].tries > 1 && !ways_differ(f) &&
		/* It may be the host, by another of its addresses. */
		(own < 0 || own + 1 > (int)missing) &&
		/* UDP is limited where TCP is not. */
		(f->protocol != IPPROTO_UDP || f->control_walk.protocol == IPPROTO_UDP);

	j->next_hop = (int)missing;
	conclude(j, CAUSE_DROPPED_PATH, VERDICT_DROPPED, WHERE_PATH, METHOD_DROP,
		 sure ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
}

/* The port's packets ended in the walk with an ICMP error, and only there: errors are
 * limited, so that the first ones may be missing. */
static bool by_error_in_walk(struct judgement *j, const struct findings *f)
{
	const struct walk *w = &f->walk;
	const struct hop *end = &w->hops[w->n_hops];
	struct findings as_answer;

	if (!w->n_hops || end->from.family == AF_UNSPEC ||
	    (end->state != HOP_ERROR && end->state != HOP_ANSWERED))
		return false;
	as_answer = *f;
	as_answer.answer = ANSWER_ICMP;
	as_answer.icmp = (struct icmp_error){ .origin = end->icmp_origin,
					      .type = end->icmp_type,
					      .code = end->icmp_code,
					      .ttl = end->ttl_back,
					      .from = end->from };
	as_answer.icmp_ttl = end->ttl_back;
	as_answer.rtt_ns = as_answer.answer_after_ns = end->rtt_ns;
	j->reason = icmp_reason(end->icmp_origin, end->icmp_type, end->icmp_code);
	judge_icmp(j, &as_answer);
	if (j->confidence > CONFIDENCE_MEDIUM)
		j->confidence = CONFIDENCE_MEDIUM;
	return true;
}

static void dropped(struct judgement *j, enum cause cause, enum where where,
		    enum confidence confidence)
{
	conclude(j, cause, VERDICT_DROPPED, where, METHOD_DROP, confidence);
}

static void unknown(struct judgement *j, enum cause cause)
{
	conclude(j, cause, VERDICT_INCONCLUSIVE, WHERE_UNKNOWN, METHOD_NONE,
		 CONFIDENCE_LOW);
}

static void on_the_way(struct judgement *j, const struct findings *f)
{
	unsigned int last = walk_last(&f->walk);
	unsigned int there = walk_answered(&f->control_walk);
	unsigned int own = judge_own_hop(f), missing;
	bool asked = f->walk.n_hops && f->walk.n_hops + 1 >= there;

	if (own)
		there = own;
	missing = first_missing(f, there);
	if (by_error_in_walk(j, f))
		return;
	/* It does answer sometimes. */
	if (walk_answered(&f->walk))
		unknown(j, CAUSE_LOSS_UNDECIDED);
	else if (missing && (!there || missing < there))
		before_hop(j, f, missing);
	/* A UDP service may well be there and say nothing. */
	else if (f->protocol == IPPROTO_UDP)
		unknown(j, CAUSE_UDP_SILENT);
	else if (is_own_address(f))
		dropped(j, CAUSE_DROPPED_TARGET, WHERE_TARGET, CONFIDENCE_HIGH);
	else if (!there && !findings_alive(f))
		unknown(j, CAUSE_HOST_SILENT);
	/* No router between, or the host itself passes it on. (Whether it is the host's
	 * filter or its hypervisor's or switch's, is not seen.) */
	else if (there == 1 || (own && last == own))
		dropped(j, CAUSE_DROPPED_TARGET, WHERE_TARGET, CONFIDENCE_MEDIUM);
	else if (there && last + 1 >= there)
		dropped(j, CAUSE_DROPPED_LAST_HOP, WHERE_LAST_HOP, CONFIDENCE_MEDIUM);
	else
		dropped(j, CAUSE_DROPPED_SOMEWHERE, WHERE_UNKNOWN,
			asked ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
}

/* The capture does not show that it left, lost packets, and so nobody looked further. */
static bool is_unseen(const struct findings *f)
{
	return f->wire.watched && !f->wire.syns_out && f->capture_dropped &&
	       !f->walk.n_hops;
}

void judge_silence(struct judgement *j, const struct findings *f)
{
	double by_chance = chance(f);

	/* Before it was waited for, silence is none. */
	if (f->interrupted) {
		unknown(j, CAUSE_INTERRUPTED);
		return;
	}
	if (by_rule(j, f) || on_this_link(j, f) || on_this_machine(j, f))
		return;
	if (by_chance > CHANCE_TOO_HIGH || is_unseen(f)) {
		unknown(j, CAUSE_LOSS_UNDECIDED);
		return;
	}
	on_the_way(j, f);
	if (by_chance > CHANCE_WEAK && j->confidence > CONFIDENCE_LOW)
		j->confidence--;
}
