/*
 * The message where something answered: the host, or somebody in its stead.
 */
#include "icmp.h"
#include "say_private.h"
#include "walk.h"

/* A host-unreachable this late comes from a router that asked for the host in vain (RFC
 * 4861 10, Linux' mcast_solicit: three tries, a second apart), not from a rule. */
#define ASKED_IN_VAIN_NS (900 * NS_PER_MS)

/* "RST", "ICMP port unreachable": what came instead of a connection. */
static const char *answer_noun(const struct findings *f)
{
	return f->answer == ANSWER_RESET ? "RST" : icmp_text(f);
}

static void say_in(struct buf *out, int64_t rtt_ns)
{
	if (rtt_ns < 0)
		return;
	buf_adds(out, " in ");
	phrase_time(out, rtt_ns);
}

static void say_end(struct buf *out, const struct findings *f)
{
	/* Less shows as 0.00 ms. */
	if (f->after_ns >= 0 && f->after_ns < 5 * NS_PER_US) {
		buf_adds(out, " at once");
	} else if (f->after_ns >= 0) {
		buf_adds(out, " after ");
		phrase_time(out, f->after_ns);
	}
	if (f->sent_bytes && f->first_sent)
		buf_addf(out, ", once %s was sent", f->first_sent);
}

void message_open(struct buf *out, const struct findings *f, const struct judgement *j)
{
	bool udp = f->protocol == IPPROTO_UDP;

	(void)j;
	buf_adds(out, udp ? "answered" : "connected");
	say_in(out, f->rtt_ns);
	if (udp && f->said[0]) {
		buf_adds(out, ": ");
		phrase_foreign(out, f->said, WHY_COLUMNS);
		return;
	}
	switch (f->after) {
	case AFTER_UNKNOWN:
		break;
	case AFTER_QUIET:
		buf_adds(out, ", and the connection holds");
		break;
	case AFTER_DATA:
		buf_adds(out, ", and data comes back");
		break;
	case AFTER_FIN:
		buf_adds(out, ", but the host closes the connection");
		say_end(out, f);
		buf_adds(out, ": the service does that, no filter");
		return;
	case AFTER_RESET:
		buf_adds(out, ", then reset");
		say_end(out, f);
		return;
	}
	buf_adds(out, ": nothing blocks it");
}

void message_open_by_proxy(struct buf *out, const struct findings *f,
			   const struct judgement *j)
{
	if (f->protocol == IPPROTO_UDP) {
		buf_adds(out, "answered, but by ");
		phrase_by(out, f, j, "a box in between");
		buf_adds(out, ", nearer than the host: that says nothing about a service "
			      "of the host itself");
		return;
	}
	buf_adds(out, "works, but ");
	phrase_by(out, f, j, "a box in between");
	buf_adds(out, " makes the TCP handshake in the host's stead: being accepted says "
		      "little about the service");
}

void message_proxy_refuses(struct buf *out, const struct findings *f,
			   const struct judgement *j)
{
	phrase_by(out, f, j, "a box in between");
	buf_addf(
		out,
		" accepts in the host's stead (a SYN proxy), %s: the host behind it does "
		"not take the connection",
		f->after == AFTER_RESET ? "then resets"
					: "with a window of 0 that never opens");
}

void message_lossy(struct buf *out, const struct findings *f, const struct judgement *j)
{
	(void)j;
	buf_addf(out,
		 "open, but packets get lost: %u of %u attempts were answered at the "
		 "first %s: loss or a rate limit, no filter for this port",
		 f->answered, f->tries, packet_noun(f));
}

void message_answers_all(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	size_t i;

	(void)j;
	buf_adds(out, "something accepts every port in the host's stead");
	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (!c->high || c->answer != ANSWER_SYN_ACK)
			continue;
		buf_addf(out, ", even port %u where nothing should listen", c->port);
		break;
	}
	buf_adds(out, ": whether this one is open can't be known from here");
}

void message_reset_after(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	buf_adds(out, "accepted");
	say_in(out, f->rtt_ns);
	buf_adds(out, ", then reset");
	say_end(out, f);
	if (j->cause == CAUSE_RESET_AFTER && !f->reset_is_placed) {
		buf_adds(out,
			 ": by the service, its access list or a filter on the host, "
			 "unless a box in between does it");
		return;
	}
	if (j->cause == CAUSE_RESET_AFTER) {
		buf_adds(out, ", by the host: the service, its access list, or a filter "
			      "on the host ends it");
		return;
	}
	buf_adds(out, ", by ");
	phrase_by(out, f, j, "a box in between");
	buf_adds(out, ", nearer than the host: a filter there ends what the host "
		      "accepted");
}

void message_no_listener(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	bool maybe = j->cause == CAUSE_NO_LISTENER_MAYBE;
	const struct control *c = distance_control(f);
	int farther = c && f->ttl ? ttl_distance(f->ttl) - ttl_distance(c->ttl) : 0;

	buf_addf(out, "nothing listens there%s: the %s comes from ",
		 maybe ? ", or a firewall answers exactly like the host" : "",
		 answer_noun(f));
	if (f->route_known && f->route.kind == ROUTE_LOCAL)
		buf_adds(out, "this machine itself");
	else if (maybe && f->answer == ANSWER_RESET && farther > 0)
		buf_addf(out, "%d hop%s behind the host's other answers", farther,
			 plural((unsigned int)farther));
	else if (maybe && f->answer == ANSWER_RESET && (!c || !f->ttl))
		buf_adds(out, "the host's address");
	else
		buf_adds(out, "the host itself");
	if (f->rtt_ns >= 0) {
		buf_adds(out, ", after ");
		phrase_time(out, f->rtt_ns);
	}
}

void message_reset_by_host(struct buf *out, const struct findings *f,
			   const struct judgement *j)
{
	(void)j;
	if (f->route_known && f->route.kind == ROUTE_LOCAL)
		buf_adds(out, "rejected by this machine's own firewall: the address is "
			      "one of its own, but its TCP did not make the RST");
	else
		buf_adds(out,
			 "rejected by the host's own firewall: the RST comes from the "
			 "host's distance, but the host's TCP did not make it");
}

void message_reset_by_box(struct buf *out, const struct findings *f,
			  const struct judgement *j)
{
	const struct control *c = distance_control(f);
	int nearer = hops_nearer(f, f->ttl), d = ttl_distance(f->ttl);
	int came = (int)walk_answered(&f->walk);

	buf_adds(out, "reset by a box in between, not by the host: ");
	/* A RST can't have passed more routers than its SYN could. */
	if (came > 0 && d + 1 > came) {
		buf_adds(out, "its RST comes even for a SYN that ends at ");
		phrase_hop(out, f, came);
		if (j->target_hops > came)
			buf_addf(out, ", and the host is hop %d", j->target_hops);
		return;
	}
	buf_adds(out, "the RST comes from ");
	if (came > 0 && d + 2 < came) {
		buf_adds(out, "a place on the way");
	} else {
		phrase_by(out, f, j, "a place on the way");
		/* A bridge decrements no TTL. */
		if (by_hop(f, j) > 0)
			buf_adds(out, " or a bridge just before it");
	}
	if (!nearer)
		return;
	buf_addf(out, ", %d hop%s nearer than ", nearer, plural((unsigned int)nearer));
	if (!is_perhaps_forwarded(c) || j->confidence > CONFIDENCE_MEDIUM) {
		buf_adds(out, "the host");
		return;
	}
	phrase_control(out, c);
	buf_adds(out, "; unless the host passes that on, and this not");
}

void message_injected(struct buf *out, const struct findings *f,
		      const struct judgement *j)
{
	const struct wire_view *w = &f->wire;

	phrase_by(out, f, j, "a box in between");
	if (w->syn_ack.seen && w->syn_ack.ack_is_right)
		buf_addf(out,
			 " injects a RST (TTL %u) beside the host's own SYN-ACK (TTL "
			 "%u): the port is open, and that box cuts it off",
			 w->reset.ttl, w->syn_ack.ttl);
	else if (w->reset_windows_rise)
		buf_addf(out,
			 " forges RSTs of the host: %u came, with rising windows, as no "
			 "host sends them",
			 w->n_resets);
	else
		buf_adds(out, " forges a RST of the host");
}

void message_reset_near(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	const struct control *c = distance_control(f);

	(void)j;
	buf_adds(out, "reset by this machine itself or by the very first box: the RST "
		      "passed no router");
	if (c)
		buf_addf(out, ", and the host's answers pass %d", ttl_distance(c->ttl));
}

void message_rejected(struct buf *out, const struct findings *f,
		      const struct judgement *j)
{
	const struct control *c = findings_alive(f);

	if (j->cause == CAUSE_REJECTED_BY_HOST) {
		buf_addf(out,
			 "rejected by the host's own firewall: %s from the host itself",
			 icmp_text(f));
		return;
	}
	buf_adds(out, j->where == WHERE_UNKNOWN
			      ? "rejected by a firewall at "
			      : "rejected on the path by a firewall at ");
	phrase_by(out, f, j, "an unknown place");
	buf_addf(out, ": it answers %s", icmp_text(f));
	if (addr_equal(&f->icmp.from, &f->addr)) {
		buf_adds(out, " in the host's name");
		return;
	}
	/* Routers say that, too, when nothing is forbidden. */
	if (!c || (j->reason != REASON_HOST_UNREACH && j->reason != REASON_NET_UNREACH &&
		   j->reason != REASON_NO_ROUTE))
		return;
	buf_adds(out, ", though the host is up (");
	phrase_control(out, c);
	buf_adds(out, " answers)");
}

void message_router_says(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	if (addr_equal(&j->by, &f->addr)) {
		buf_addf(out,
			 "the host passes this port on and says that what is behind it "
			 "can't be reached (%s",
			 icmp_text(f));
		if (f->answer_after_ns >= 0) {
			buf_adds(out, " after ");
			phrase_time(out, f->answer_after_ns);
		}
		buf_adds(out, "): that machine is likely down");
		return;
	}
	buf_adds(out, "the router at ");
	phrase_by(out, f, j, "an unknown place");
	if (j->cause == CAUSE_NET_UNREACHABLE) {
		buf_adds(out, " has no way to the host's network");
		if (f->answer == ANSWER_ICMP)
			buf_addf(out, ": it answers %s", icmp_text(f));
		return;
	}
	buf_adds(out, " says that the host can't be reached");
	if (f->answer == ANSWER_ICMP) {
		buf_addf(out, " (%s", icmp_text(f));
		if (f->answer_after_ns >= 0) {
			buf_adds(out, " after ");
			phrase_time(out, f->answer_after_ns);
		}
		buf_addc(out, ')');
	}
	buf_adds(out, f->answer_after_ns >= ASKED_IN_VAIN_NS
			      ? ": it asked for it in vain, so the host is likely down"
			      : ": the host is down, or a firewall there says so");
}

void message_time_exceeded(struct buf *out, const struct findings *f,
			   const struct judgement *j)
{
	const char *noun = packet_noun(f);
	int first, again;

	if (same_hop(&f->walk, &first, &again)) {
		buf_addf(out,
			 "a routing loop: the %s goes in a circle, hop %d and hop %d ",
			 noun, first, again);
		buf_adds(out, "are the same router (");
		phrase_addr(out, &f->walk.hops[first].from);
		buf_adds(out, "), and it never arrives");
		return;
	}
	buf_addf(out, "the %s runs out of hops at ", noun);
	phrase_by(out, f, j, "a router");
	buf_adds(out, " (ICMP time exceeded): a routing loop, or this machine's TTL is "
		      "too small for the way");
}
