/*
 * --explain: what else it could have been, and what speaks against it, or does not.
 */
#include "say_private.h"
#include "walk.h"

static void not_it(struct telling *t, const char *what, struct buf *because)
{
	tell_line(&t->account->ruled_out, "not %s: %s", what, because->data);
	t->account->ruled_out.failed |= because->failed;
	buf_release(because);
}

static void not_it_for(struct telling *t, const char *what, const char *because)
{
	tell_line(&t->account->ruled_out, "not %s: %s", what, because);
}

static void maybe(struct telling *t, const char *what, const char *because)
{
	tell_line(&t->account->ruled_out, "not excluded: %s, because %s", what, because);
}

/* Somebody beyond this machine had one of our packets for the port. */
static int seen_outside(const struct findings *f)
{
	return (int)walk_last(&f->walk);
}

static bool from_outside(const struct findings *f)
{
	switch (f->answer) {
	case ANSWER_SYN_ACK:
	case ANSWER_REPLY:
		return true;
	case ANSWER_RESET:
		/* What passed a router was not made here. */
		return !f->reset_is_local && !f->wire.reset.by_loopback &&
		       (f->captured || ttl_distance(f->ttl) > 0);
	case ANSWER_ICMP:
		return !f->icmp_from_self;
	case ANSWER_NONE:
	case ANSWER_ERROR:
		break;
	}
	return false;
}

static bool is_local_cause(enum cause cause)
{
	return cause == CAUSE_LOCAL_DROP_OUT || cause == CAUSE_LOCAL_REJECT ||
	       cause == CAUSE_LOCAL_DROP_IN || cause == CAUSE_LOCAL_RP_FILTER;
}

static void local_output(struct telling *t)
{
	static const char what[] = "this machine's own firewall on the way out";
	const struct findings *f = t->f;
	struct buf because = BUF_INIT;

	if (t->j->cause == CAUSE_LOCAL_DROP_OUT || t->j->cause == CAUSE_LOCAL_REJECT)
		return;
	if (f->wire.watched && f->wire.syns_out) {
		buf_addf(&because, "%u %s%s left it, as captured", f->wire.syns_out,
			 packet_noun(f), plural(f->wire.syns_out));
		not_it(t, what, &because);
	} else if (seen_outside(f)) {
		phrase_hop(&because, f, seen_outside(f));
		buf_addf(&because, " had a %s for this port", packet_noun(f));
		not_it(t, what, &because);
	} else if (from_outside(f)) {
		not_it_for(t, what, "the answer came from outside");
	} else {
		maybe(t, what, "nothing shows that a packet left this machine");
	}
}

/* Silence only: was an answer lost here? */
static void local_input(struct telling *t)
{
	static const char what[] = "this machine's own firewall on the way in";
	const struct findings *f = t->f;

	if (f->answer != ANSWER_NONE || t->j->cause == CAUSE_LOCAL_DROP_IN ||
	    t->j->cause == CAUSE_LOCAL_RP_FILTER)
		return;
	if (f->wire.watched && !f->wire.syn_ack.seen && !f->wire.reset.seen)
		not_it_for(t, what, "no answer came in, as captured");
	else if (f->local_drop == LOCAL_DROP_NO)
		not_it_for(t, what,
			   "the kernel's counters show no packet that vanished here");
	else if (t->j->cause == CAUSE_LOCAL_DROP_OUT)
		not_it_for(t, what, "nothing was sent that could be answered");
	else
		maybe(t, what, "nobody watched what arrives");
}

static void host_down(struct telling *t)
{
	static const char what[] = "a host that is down";
	const struct findings *f = t->f;
	const struct control *c = findings_alive(f);
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_NONE && f->answer != ANSWER_ICMP)
		return;
	if (t->j->cause == CAUSE_NEIGHBOUR_DOWN || t->j->cause == CAUSE_HOST_UNREACHABLE)
		return;
	if (c) {
		phrase_control(&because, c);
		buf_adds(&because, " of it answers");
		not_it(t, what, &because);
	} else if (f->route_known && f->route.gateway.family == AF_UNSPEC &&
		   f->neighbour == ROUTE_NEIGH_PRESENT) {
		buf_addf(&because, "it answers %s", neighbour_noun(&f->addr));
		not_it(t, what, &because);
	} else {
		maybe(t, what, "nothing of it answers");
	}
}

/* For silence. */
static void no_listener(struct telling *t)
{
	static const char what[] = "a missing listener alone";
	const struct findings *f = t->f;
	const struct control *c = closed_control(f);
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_NONE)
		return;
	if (f->protocol == IPPROTO_UDP) {
		c = NULL;
		for (size_t i = 0; i < f->n_controls; i++)
			if (f->controls[i].protocol == IPPROTO_UDP &&
			    f->controls[i].answer == ANSWER_ICMP &&
			    control_is_of_host(&f->addr, &f->controls[i]))
				c = &f->controls[i];
	}
	if (c) {
		phrase_control(&because, c);
		buf_addf(&because, " of the host is closed and answers %s, so this would",
			 c->answer == ANSWER_RESET
				 ? "RST"
				 : icmp_words(c->icmp.origin, c->icmp.type,
					      c->icmp.code));
		not_it(t, what, &because);
	} else if (t->j->where == WHERE_PATH && t->j->next_hop > 0) {
		phrase_hop(&because, f, t->j->next_hop);
		buf_addf(&because, " never has the %s, so the host has none to answer",
			 packet_noun(f));
		not_it(t, what, &because);
	} else {
		maybe(t, "a missing listener on a host that drops instead of refusing",
		      "no closed port of it answers");
	}
}

static void by_loss(struct telling *t)
{
	static const char what[] = "packet loss";
	const struct findings *f = t->f;
	const struct control *c = findings_alive(f);
	unsigned int lost = 0;
	struct buf because = BUF_INIT;
	size_t i;

	if (f->answer != ANSWER_NONE || is_local_cause(t->j->cause) ||
	    t->j->cause == CAUSE_LOSS_UNDECIDED)
		return;
	for (i = 0; i < f->n_controls; i++)
		if (control_is_of_host(&f->addr, &f->controls[i]) &&
		    f->controls[i].tries > 1)
			lost += f->controls[i].tries - 1;
	if (!c || lost) {
		maybe(t, what,
		      lost ? "some packets for other ports were lost, too"
			   : "nothing of the host answers that could be compared");
		return;
	}
	buf_addf(&because, "%u %s%s stayed unanswered, and ", packets_sent(f),
		 packet_noun(f), plural(packets_sent(f)));
	phrase_control(&because, c);
	buf_adds(&because, " answered at once");
	not_it(t, what, &because);
}

/* The answer is lost, not the question. */
static void return_path(struct telling *t)
{
	static const char what[] = "an answer that is lost on its way back";
	const struct findings *f = t->f;
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_NONE || is_local_cause(t->j->cause))
		return;
	if (t->j->cause == CAUSE_DROPPED_PATH && t->j->next_hop > 0) {
		phrase_hop(&because, f, t->j->next_hop);
		buf_addf(&because, " never has the %s, so the host has none to answer",
			 packet_noun(f));
		not_it(t, what, &because);
		return;
	}
	maybe(t, what, "that looks the same from here; a capture on the host tells");
}

static void path_firewall(struct telling *t)
{
	static const char what[] = "a router on the path";
	const struct findings *f = t->f;
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_NONE || is_local_cause(t->j->cause))
		return;
	if (t->j->cause == CAUSE_DROPPED_TARGET && t->j->last_hop > 0) {
		phrase_hop(&because, f, t->j->last_hop);
		buf_addf(&because, " still has the %s", packet_noun(f));
		not_it(t, what, &because);
	} else if (t->j->cause == CAUSE_DROPPED_TARGET) {
		not_it_for(t, what, "there is none: the host is the first hop");
	}
	if (t->j->cause != CAUSE_DROPPED_LAST_HOP || t->j->last_hop <= 1)
		return;
	phrase_hop(&because, f, t->j->last_hop);
	buf_addf(&because, " still has the %s", packet_noun(f));
	not_it(t, "a router before the last one", &because);
}

/* For a RST that is taken to be the host's: who else could have made it? */
static void reset_in_between(struct telling *t)
{
	static const char what[] = "a box in between that resets";
	const struct findings *f = t->f;
	const struct control *c = distance_control(f);
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_RESET || t->j->where != WHERE_TARGET)
		return;
	if (f->route_known && f->route.kind == ROUTE_LOCAL) {
		not_it_for(t, what, "the address is one of this machine's own");
	} else if (f->ttl && c && ttl_distance(f->ttl) == ttl_distance(c->ttl)) {
		buf_addf(&because, "the RST has TTL %u, like the answers of ", f->ttl);
		phrase_control(&because, c);
		not_it(t, what, &because);
	} else if (f->tos_known && f->tos_echoed) {
		not_it_for(t, what,
			   "the RST echoes our type of service, as firewalls do not");
	} else if (f->ttl && c) {
		maybe(t, what, "the RST's TTL is not that of the host's other answers");
	} else {
		maybe(t, what, "there is no TTL to compare the RST's with");
	}
}

/* What the RST is nearer than is an open port only. */
static bool is_perhaps_forwarded_only(const struct findings *f)
{
	const struct control *c = distance_control(f);

	return hops_nearer(f, f->ttl) > 0 && is_perhaps_forwarded(c);
}

static void reset_by_host_firewall(struct telling *t)
{
	static const char what[] = "a firewall on the host that resets";
	const struct findings *f = t->f;

	if (f->answer != ANSWER_RESET || t->j->cause == CAUSE_RESET_BY_HOST_FIREWALL)
		return;
	if (is_perhaps_forwarded_only(f) && t->j->confidence <= CONFIDENCE_MEDIUM)
		maybe(t, what,
		      "the port that answers from farther may be passed on by it");
	else if (hops_nearer(f, f->ttl) > 0)
		not_it_for(t, what, "the RST was made nearer than the host");
	else if (f->tos_known && f->tos_echoed)
		not_it_for(t, what,
			   "the RST echoes our type of service, as firewalls do not");
	else if (t->j->where == WHERE_TARGET)
		maybe(t, what, "it can answer exactly like the host's own TCP");
}

static void no_listener_resets(struct telling *t)
{
	static const char what[] = "a missing listener";
	const struct findings *f = t->f;
	const struct control *c = closed_control(f);
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_RESET || t->j->verdict == VERDICT_NO_LISTENER)
		return;
	if (f->wire.syn_ack.seen && f->wire.syn_ack.ack_is_right) {
		not_it_for(t, what, "the host's own SYN-ACK came as well");
	} else if (is_perhaps_forwarded_only(f) &&
		   t->j->confidence <= CONFIDENCE_MEDIUM) {
		maybe(t, what,
		      "the port that answers from farther may be passed on by the host");
	} else if (hops_nearer(f, f->ttl) > 0) {
		buf_addf(&because, "the RST comes from %d hop%s before the host",
			 hops_nearer(f, f->ttl),
			 plural((unsigned int)hops_nearer(f, f->ttl)));
		not_it(t, what, &because);
	} else if (f->tos_known && !f->tos_echoed && c && c->tos_echoed) {
		buf_addf(&because,
			 "closed port %u's RST echoes our type of service, this one "
			 "does not",
			 c->port);
		not_it(t, what, &because);
	} else {
		maybe(t, what, "the host behind was not heard");
	}
}

/* ICMP errors to TCP never mean that nothing listens; to UDP, the host's own do. */
static void no_listener_icmp(struct telling *t)
{
	const struct findings *f = t->f;

	if (f->answer != ANSWER_ICMP || t->j->verdict == VERDICT_NO_LISTENER)
		return;
	if (f->protocol == IPPROTO_TCP)
		not_it_for(t, "a missing listener",
			   "a TCP without a listener answers RST, not ICMP");
	else if (!addr_equal(&f->icmp.from, &f->addr))
		not_it_for(t, "a missing listener",
			   "the ICMP error is not the host's own");
}

static void accepted_in_stead(struct telling *t)
{
	static const char what[] = "a proxy that accepts in the host's stead";
	const struct findings *f = t->f;
	const struct control *c = distance_control(f);
	struct buf because = BUF_INIT;

	if (f->answer != ANSWER_SYN_ACK || t->j->verdict == VERDICT_PROXIED ||
	    t->j->cause == CAUSE_OPEN_BY_PROXY)
		return;
	if (f->route_known && f->route.kind == ROUTE_LOCAL)
		return;
	if (closed_control(f) && f->ttl && c &&
	    ttl_distance(f->ttl) >= ttl_distance(c->ttl)) {
		buf_addf(&because,
			 "port %u is refused, and the SYN-ACK comes from the host's "
			 "distance",
			 closed_control(f)->port);
		not_it(t, what, &because);
	} else if (f->after == AFTER_DATA) {
		not_it_for(t, "a SYN proxy with nothing behind it", "data came back");
	} else {
		maybe(t, what, "no other port of the host answers to compare with");
	}
}

void say_excluded(struct telling *t)
{
	enum cause cause = t->j->cause;

	if (cause == CAUSE_UNRESOLVED || cause == CAUSE_LOCAL_ERROR ||
	    cause == CAUSE_INTERRUPTED || cause == CAUSE_NO_ROUTE_LOCAL ||
	    cause == CAUSE_GATEWAY_DOWN || cause == CAUSE_NEIGHBOUR_DOWN)
		return;
	local_output(t);
	local_input(t);
	host_down(t);
	no_listener(t);
	no_listener_resets(t);
	no_listener_icmp(t);
	reset_in_between(t);
	reset_by_host_firewall(t);
	accepted_in_stead(t);
	path_firewall(t);
	return_path(t);
	by_loss(t);
}
