/*
 * The decision, from what is proven to what is likely: an answer speaks for itself,
 * then it matters who gave it; silence is explained by this machine first, then by its
 * own link, then by the way.
 */
#include "judge.h"

#include <errno.h>

#include "judge_private.h"
#include "walk.h"
#include "words.h"

void conclude(struct judgement *j, enum cause cause, enum verdict verdict,
	      enum where where, enum method method, enum confidence confidence)
{
	j->cause = cause;
	j->verdict = verdict;
	j->where = where;
	j->method = method;
	j->confidence = confidence;
}

static void fill_way(struct judgement *j, const struct findings *f)
{
	unsigned int answered = walk_answered(&f->walk);
	unsigned int there = walk_answered(&f->control_walk), own = judge_own_hop(f);

	j->last_hop = j->next_hop = j->target_hops = j->answer_hops = -1;
	if (f->walk.n_hops) {
		j->last_hop = (int)walk_last(&f->walk);
		if (j->last_hop > 0)
			j->last_hop_address = f->walk.hops[j->last_hop].from;
	}
	/* A router that rejects what it would have to pass on has said nothing else. */
	if (f->walk.n_hops) {
		const struct hop *end = &f->walk.hops[f->walk.n_hops];

		if (end->state == HOP_ERROR &&
		    !addr_equal(&end->from, &j->last_hop_address)) {
			j->last_hop = (int)f->walk.n_hops;
			j->last_hop_address = end->from;
		}
	}
	if (answered)
		j->answer_hops = (int)answered;
	/* Where it passes others on, the control's answer comes from behind it. */
	if (own || there)
		j->target_hops = (int)(own ? own : there);
}

/* ---- accepted ---- */

/* How many random high ports were accepted, and was any port refused? */
static unsigned int random_accepted(const struct findings *f, bool *ret_refused)
{
	unsigned int accepted = 0;
	size_t i;

	*ret_refused = false;
	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (c->protocol != IPPROTO_TCP)
			continue;
		accepted += c->high && c->answer == ANSWER_SYN_ACK;
		*ret_refused |= c->answer == ANSWER_RESET;
	}
	return accepted;
}

static void judge_cut_off(struct judgement *j, const struct findings *f, bool nearer)
{
	int accepted = ttl_distance(f->ttl);
	int reset = ttl_distance(f->wire.late_reset.seen ? f->wire.late_reset.ttl : 0);
	/* Who accepted would reset from where it stands. */
	int by_who_accepted = accepted >= 0 ? accepted : judge_distances(f).host;
	bool other = accepted >= 0 && reset > accepted;
	bool no_window = f->wire.syn_ack.seen && !f->wire.syn_ack.window;

	if (f->reset_is_nearer || (reset >= 0 && reset < by_who_accepted && !nearer)) {
		conclude(j, CAUSE_RESET_AFTER_BOX, VERDICT_RESET_BY_MIDDLEBOX, WHERE_PATH,
			 METHOD_TCP_RESET,
			 f->after_repeats ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
		if (reset >= 0)
			blame_box_at(j, f, reset);
		return;
	}
	if (nearer || no_window || other) {
		conclude(j, CAUSE_PROXY_REFUSES, VERDICT_PROXIED, WHERE_PATH,
			 METHOD_TCP_RESET,
			 nearer || no_window ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
		if (nearer)
			blame_box_on_way(j, f, accepted);
		return;
	}
	conclude(j, CAUSE_RESET_AFTER, VERDICT_RESET_AFTER_ACCEPT, WHERE_TARGET,
		 METHOD_TCP_RESET,
		 f->after_repeats && f->reset_is_placed ? CONFIDENCE_HIGH
							: CONFIDENCE_MEDIUM);
}

static void judge_accepted(struct judgement *j, const struct findings *f)
{
	int accepted = ttl_distance(f->ttl);
	enum nearness nearness = judge_nearness(f, accepted);
	bool nearer = nearness == NEARNESS_SURE, refused;
	unsigned int random = random_accepted(f, &refused);

	if (random && !refused) {
		conclude(j, CAUSE_ANSWERS_ALL, VERDICT_PROXIED,
			 nearer ? WHERE_PATH : WHERE_UNKNOWN, METHOD_NONE,
			 nearer || random > 1 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM);
		if (nearer)
			blame_box_on_way(j, f, accepted);
		return;
	}
	if (f->after == AFTER_RESET) {
		judge_cut_off(j, f, nearer);
		return;
	}
	/* A SYN proxy accepts with window 0 until the server behind it has accepted,
	 * too. */
	if (f->wire.syn_ack.seen && !f->wire.syn_ack.window && !f->wire.window_opened &&
	    f->after == AFTER_QUIET) {
		conclude(j, CAUSE_PROXY_REFUSES, VERDICT_PROXIED, WHERE_PATH, METHOD_NONE,
			 CONFIDENCE_MEDIUM);
		if (nearer)
			blame_box_on_way(j, f, accepted);
		return;
	}
	/* One lost packet is nobody's fault. */
	if (f->tries >= f->answered + 2) {
		conclude(j, CAUSE_OPEN_LOSSY, VERDICT_LOSSY, WHERE_UNKNOWN, METHOD_NONE,
			 CONFIDENCE_HIGH);
		return;
	}
	if (nearer) {
		conclude(j, CAUSE_OPEN_BY_PROXY, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE,
			 CONFIDENCE_HIGH);
		blame_box_on_way(j, f, accepted);
		return;
	}
	/* That it is accepted is certain; what it is worth is less so where random
	 * ports are accepted as well, or only what may be forwarded answers from
	 * farther. */
	conclude(j, CAUSE_OPEN, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE,
		 random || nearness == NEARNESS_MAYBE ? CONFIDENCE_HIGH
						      : CONFIDENCE_CERTAIN);
}

/* A datagram that came back. Name servers are often answered for by a nearer box. */
static void judge_reply(struct judgement *j, const struct findings *f)
{
	int d = ttl_distance(f->ttl);

	if (judge_nearness(f, d) == NEARNESS_SURE) {
		conclude(j, CAUSE_OPEN_BY_PROXY, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE,
			 CONFIDENCE_MEDIUM);
		blame_box_on_way(j, f, d);
		return;
	}
	conclude(j, CAUSE_OPEN, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE,
		 CONFIDENCE_CERTAIN);
}

/* ---- all together ---- */

static enum port_reason default_reason(const struct findings *f)
{
	switch (f->answer) {
	case ANSWER_NONE:
		return REASON_NO_RESPONSE;
	case ANSWER_SYN_ACK:
		return REASON_SYN_ACK;
	case ANSWER_RESET:
		return REASON_RESET;
	case ANSWER_REPLY:
		return REASON_UDP_RESPONSE;
	case ANSWER_ICMP:
		return icmp_reason(f->icmp.origin, f->icmp.type, f->icmp.code);
	case ANSWER_ERROR:
		break;
	}
	return REASON_RESOURCE_LIMIT;
}

/* The reason says the state, but a RST that the host's TCP did not make is a filter's. */
static enum port_state state_of(const struct judgement *j, const struct findings *f)
{
	bool from_target =
		j->cause != CAUSE_REJECTED_BY_BOX &&
		(f->answer != ANSWER_ICMP || addr_equal(&f->icmp.from, &f->addr));

	switch (j->cause) {
	case CAUSE_RESET_BY_HOST_FIREWALL:
	case CAUSE_RESET_BY_BOX:
	case CAUSE_RESET_INJECTED:
	case CAUSE_RESET_NEAR:
	case CAUSE_RESET_AFTER_BOX:
		return STATE_FILTERED;
	case CAUSE_UNRESOLVED:
	case CAUSE_OPEN:
	case CAUSE_OPEN_BY_PROXY:
	case CAUSE_OPEN_LOSSY:
	case CAUSE_ANSWERS_ALL:
	case CAUSE_PROXY_REFUSES:
	case CAUSE_RESET_AFTER:
	case CAUSE_LOCAL_DROP_OUT:
	case CAUSE_LOCAL_REJECT:
	case CAUSE_LOCAL_DROP_IN:
	case CAUSE_LOCAL_RP_FILTER:
	case CAUSE_NO_ROUTE_LOCAL:
	case CAUSE_NEIGHBOUR_DOWN:
	case CAUSE_GATEWAY_DOWN:
	case CAUSE_NO_LISTENER:
	case CAUSE_NO_LISTENER_MAYBE:
	case CAUSE_REJECTED_BY_HOST:
	case CAUSE_REJECTED_BY_BOX:
	case CAUSE_NET_UNREACHABLE:
	case CAUSE_HOST_UNREACHABLE:
	case CAUSE_TIME_EXCEEDED:
	case CAUSE_DROPPED_PATH:
	case CAUSE_DROPPED_LAST_HOP:
	case CAUSE_DROPPED_TARGET:
	case CAUSE_DROPPED_SOMEWHERE:
	case CAUSE_HOST_SILENT:
	case CAUSE_UDP_SILENT:
	case CAUSE_LOSS_UNDECIDED:
	case CAUSE_LOCAL_ERROR:
	case CAUSE_INTERRUPTED:
		break;
	}
	/* UDP silence whose place is known is a filter's. */
	if (j->verdict == VERDICT_DROPPED)
		return STATE_FILTERED;
	return state_of_reason(j->reason, f->protocol, from_target);
}

static bool tcp_answers(const struct findings *f)
{
	return findings_control(f, IPPROTO_TCP, ANSWER_SYN_ACK) ||
	       findings_control(f, IPPROTO_TCP, ANSWER_RESET);
}

/* What never left this machine has passed no hop. */
static bool never_left(enum cause cause)
{
	return cause == CAUSE_LOCAL_DROP_OUT || cause == CAUSE_LOCAL_REJECT ||
	       cause == CAUSE_NO_ROUTE_LOCAL || cause == CAUSE_NEIGHBOUR_DOWN ||
	       cause == CAUSE_GATEWAY_DOWN;
}

/* Who answered with an error had the packet, though its hop was silent in the walk:
 * routers limit their errors. */
static void place_sender(struct judgement *j, const struct findings *f)
{
	int hop = ttl_distance(f->icmp_ttl) + 1;

	if (f->answer != ANSWER_ICMP || j->where != WHERE_PATH || j->by_inferred ||
	    !addr_equal(&j->by, &f->icmp.from) || hop <= j->last_hop ||
	    hop > (int)f->walk.n_hops || f->walk.hops[hop].state != HOP_SILENT)
		return;
	j->last_hop = hop;
	j->last_hop_address = j->by;
}

struct judgement judge(const struct findings *f)
{
	struct judgement j = { .by.family = AF_UNSPEC };

	fill_way(&j, f);
	j.reason = default_reason(f);
	if (f->unresolved) {
		conclude(&j, CAUSE_UNRESOLVED, VERDICT_UNRESOLVED, WHERE_UNKNOWN,
			 METHOD_NONE, CONFIDENCE_CERTAIN);
		j.reason = f->name_reason;
		j.state = STATE_UNRESOLVED;
		return j;
	}
	switch (f->answer) {
	case ANSWER_NONE:
		judge_silence(&j, f);
		break;
	case ANSWER_SYN_ACK:
		judge_accepted(&j, f);
		break;
	case ANSWER_RESET:
		judge_reset(&j, f);
		break;
	case ANSWER_REPLY:
		judge_reply(&j, f);
		break;
	case ANSWER_ICMP:
		judge_icmp(&j, f);
		break;
	case ANSWER_ERROR:
		judge_error(&j, f);
		break;
	}
	place_sender(&j, f);
	if (never_left(j.cause)) {
		j.last_hop = 0;
		j.last_hop_address = (struct addr){ .family = AF_UNSPEC };
	}
	/* The host's own answer came over the whole way. */
	if (j.target_hops < 0 && j.where == WHERE_TARGET && j.answer_hops > 0)
		j.target_hops = j.answer_hops;
	j.default_drop = f->answer == ANSWER_NONE && findings_alive(f) && !tcp_answers(f);
	/* What the capture lost might have told otherwise. */
	if (f->capture_dropped && j.confidence > CONFIDENCE_LOW &&
	    j.confidence < CONFIDENCE_CERTAIN)
		j.confidence--;
	j.state = state_of(&j, f);
	return j;
}
