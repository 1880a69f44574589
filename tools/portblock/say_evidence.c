/*
 * What was measured, and what it says. Which pieces bear on a cause is in one table.
 */
#include <string.h>

#include "say_private.h"

/* Columns of foreign text. */
#define SAID_COLUMNS 200

enum piece {
	PIECE_ROUTE = 1 << 0,
	PIECE_OUT = 1 << 1, /* did it leave? */
	PIECE_IN = 1 << 2,  /* what arrived? */
	PIECE_AFTER = 1 << 3,
	PIECE_TTL = 1 << 4,
	PIECE_TOS = 1 << 5,
	PIECE_CONTROLS = 1 << 6,
	PIECE_HOPS = 1 << 7,
	PIECE_NEIGHBOUR = 1 << 8,
	PIECE_COUNTER = 1 << 9,
	PIECE_NO_CAPTURE = 1 << 10, /* that nobody watched the wire */
};

#define PIECES_SILENCE                                                        \
	(PIECE_OUT | PIECE_IN | PIECE_CONTROLS | PIECE_HOPS | PIECE_COUNTER | \
	 PIECE_NO_CAPTURE)
#define PIECES_RESET (PIECE_TTL | PIECE_TOS | PIECE_CONTROLS | PIECE_NO_CAPTURE)

/* Name, packets sent, answer and rule are told wherever there were some. */
static const unsigned int pieces[CAUSE_COUNT] = {
	[CAUSE_OPEN] = PIECE_AFTER,
	[CAUSE_OPEN_BY_PROXY] = PIECE_AFTER | PIECE_TTL | PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_OPEN_LOSSY] = PIECE_AFTER | PIECE_CONTROLS,
	[CAUSE_ANSWERS_ALL] = PIECE_AFTER | PIECE_TTL | PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_PROXY_REFUSES] = PIECE_AFTER | PIECE_TTL | PIECE_CONTROLS | PIECE_IN |
				PIECE_HOPS,
	[CAUSE_RESET_AFTER] = PIECE_AFTER | PIECE_TTL | PIECE_CONTROLS,
	[CAUSE_RESET_AFTER_BOX] = PIECE_AFTER | PIECE_TTL | PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_LOCAL_DROP_OUT] = PIECE_ROUTE | PIECE_OUT | PIECE_CONTROLS |
				 PIECE_NO_CAPTURE,
	[CAUSE_LOCAL_REJECT] = PIECE_ROUTE | PIECE_OUT | PIECE_CONTROLS,
	[CAUSE_LOCAL_DROP_IN] = PIECE_ROUTE | PIECE_IN | PIECE_CONTROLS | PIECE_COUNTER |
				PIECE_NO_CAPTURE,
	[CAUSE_LOCAL_RP_FILTER] = PIECE_ROUTE | PIECE_IN | PIECE_COUNTER,
	[CAUSE_NO_ROUTE_LOCAL] = PIECE_ROUTE,
	[CAUSE_NEIGHBOUR_DOWN] = PIECE_ROUTE | PIECE_NEIGHBOUR | PIECE_CONTROLS,
	[CAUSE_GATEWAY_DOWN] = PIECE_ROUTE | PIECE_NEIGHBOUR | PIECE_CONTROLS,
	[CAUSE_NO_LISTENER] = PIECES_RESET,
	[CAUSE_NO_LISTENER_MAYBE] = PIECES_RESET,
	[CAUSE_RESET_BY_HOST_FIREWALL] = PIECES_RESET,
	[CAUSE_RESET_BY_BOX] = PIECES_RESET | PIECE_HOPS,
	[CAUSE_RESET_INJECTED] = PIECES_RESET | PIECE_IN | PIECE_HOPS,
	[CAUSE_RESET_NEAR] = PIECES_RESET | PIECE_HOPS,
	[CAUSE_REJECTED_BY_HOST] = PIECE_TTL | PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_REJECTED_BY_BOX] = PIECE_TTL | PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_NET_UNREACHABLE] = PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_HOST_UNREACHABLE] = PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_TIME_EXCEEDED] = PIECE_CONTROLS | PIECE_HOPS,
	[CAUSE_DROPPED_PATH] = PIECES_SILENCE,
	[CAUSE_DROPPED_LAST_HOP] = PIECES_SILENCE,
	[CAUSE_DROPPED_TARGET] = PIECES_SILENCE | PIECE_NEIGHBOUR,
	[CAUSE_DROPPED_SOMEWHERE] = PIECES_SILENCE,
	[CAUSE_HOST_SILENT] = PIECES_SILENCE | PIECE_NEIGHBOUR,
	[CAUSE_UDP_SILENT] = PIECES_SILENCE | PIECE_NEIGHBOUR,
	[CAUSE_LOSS_UNDECIDED] = PIECES_SILENCE,
	[CAUSE_LOCAL_ERROR] = PIECE_ROUTE,
};

/* ---- name, route, what was sent ---- */

static void tell_name(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "name", .address = f->addr };
	struct buf text = BUF_INIT;

	if (f->resolve_ns < 0)
		return;
	phrase_foreign(&text, f->target, SAID_COLUMNS);
	if (f->unresolved) {
		buf_adds(&text, ": the look-up failed after ");
		phrase_time(&text, f->resolve_ns);
		if (f->name_why) {
			buf_adds(&text, ": ");
			phrase_foreign(&text, f->name_why, SAID_COLUMNS);
		}
	} else {
		buf_adds(&text, " is ");
		phrase_addr(&text, &f->addr);
		buf_adds(&text, ", looked up in ");
		phrase_time(&text, f->resolve_ns);
	}
	tell_evidence_buf(t, &e, &text);
}

static void route_text(struct buf *out, const struct route *r)
{
	switch (r->kind) {
	case ROUTE_UNICAST:
	case ROUTE_BROADCAST:
	case ROUTE_MULTICAST:
		buf_adds(out, "the route goes ");
		if (r->gateway.family != AF_UNSPEC) {
			buf_adds(out, "by gateway ");
			phrase_addr(out, &r->gateway);
		} else {
			buf_adds(out, "straight to the host, on this machine's own link");
		}
		if (r->interface_name[0])
			buf_addf(out, " on %s", r->interface_name);
		if (r->source.family != AF_UNSPEC) {
			buf_adds(out, ", from ");
			phrase_addr(out, &r->source);
		}
		return;
	case ROUTE_LOCAL:
		buf_adds(out, "the address is one of this machine's own");
		return;
	case ROUTE_UNREACHABLE:
		buf_adds(out, "the route is of type unreachable");
		return;
	case ROUTE_PROHIBIT:
		buf_adds(out, "the route is of type prohibit");
		return;
	case ROUTE_BLACKHOLE:
		buf_adds(out, "the route is of type blackhole");
		return;
	case ROUTE_NONE:
		buf_adds(out, "the routing table has no route to it");
		return;
	}
}

static void tell_route(struct telling *t)
{
	struct evidence e = { .kind = "route", .address = t->f->route.gateway };
	struct buf text = BUF_INIT;

	if (!t->f->route_known)
		return;
	route_text(&text, &t->f->route);
	tell_evidence_buf(t, &e, &text);
}

static void tell_sent(struct telling *t)
{
	const struct findings *f = t->f;
	unsigned int n = packets_sent(f);
	struct evidence e = { .kind = "syn",
			      .t_ms = told_at(t, f->sent_at_ns[0]),
			      .has_count = true,
			      .count = n,
			      .address = f->source };
	struct buf text = BUF_INIT;
	char from[ADDR_ENDPOINT_SIZE];

	if (!n || f->answer == ANSWER_ERROR)
		return;
	buf_addf(&text, "%u %s%s", n, packet_noun(f), plural(n));
	if (f->answer == ANSWER_NONE && f->waited_ns > 0) {
		buf_adds(&text, " in ");
		phrase_time(&text, f->waited_ns);
	}
	if (f->source.family != AF_UNSPEC)
		buf_addf(&text, " from %s%s",
			 addr_endpoint_text(&f->source, f->source_port, from),
			 f->tries > 1 ? " and other ports" : "");
	if (f->answer == ANSWER_NONE)
		buf_adds(&text, ", no answer");
	else if (f->answered + 2 <= f->tries)
		buf_addf(&text, ": %u of %u attempts were answered at the first %s",
			 f->answered, f->tries, packet_noun(f));
	tell_evidence_buf(t, &e, &text);
}

/* ---- what came ---- */

static void icmp_answer(struct telling *t, struct evidence *e, struct buf *text)
{
	const struct findings *f = t->f;
	const struct icmp_error *icmp = &f->icmp;

	buf_addf(text, "%s (type %u, code %u)", icmp_text(f), icmp->type, icmp->code);
	if (icmp->from.family != AF_UNSPEC) {
		buf_adds(text, " from ");
		phrase_addr(text, &icmp->from);
	}
	if (f->icmp_from_self)
		buf_adds(text, ", this machine itself,");
	else if (addr_equal(&icmp->from, &f->addr))
		buf_adds(text, ", the host's address,");
	e->address = icmp->from;
	e->has_ttl = f->icmp_ttl != 0;
	e->ttl = f->icmp_ttl;
}

static void tell_answer(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "answer",
			      .t_ms = told_at(t, f->sent_at_ns[0]),
			      .address = f->addr,
			      .has_ttl = f->ttl != 0,
			      .ttl = f->ttl };
	struct buf text = BUF_INIT;

	switch (f->answer) {
	case ANSWER_NONE:
		return;
	case ANSWER_SYN_ACK:
		buf_adds(&text, "SYN-ACK");
		break;
	case ANSWER_RESET:
		buf_adds(&text, "RST");
		break;
	case ANSWER_REPLY:
		buf_adds(&text, "a datagram came back");
		break;
	case ANSWER_ICMP:
		icmp_answer(t, &e, &text);
		break;
	case ANSWER_ERROR:
		e.address = (struct addr){ .family = AF_UNSPEC };
		buf_addf(&text, "sending failed at once: %s", strerror(f->error));
		tell_evidence_buf(t, &e, &text);
		return;
	}
	if (f->answer_after_ns >= 0)
		e.t_ms = told_at(t, f->sent_at_ns[0] + f->answer_after_ns);
	if (f->rtt_ns >= 0) {
		e.has_rtt = true;
		e.rtt_ms = ns_to_ms(f->rtt_ns);
		buf_adds(&text, " after ");
		phrase_time(&text, f->rtt_ns);
	}
	if (e.has_ttl && !f->icmp_from_self) {
		buf_adds(&text, ", ");
		phrase_distance(&text, e.ttl);
	}
	if (f->answer == ANSWER_REPLY && f->said[0]) {
		buf_adds(&text, ": ");
		phrase_foreign(&text, f->said, SAID_COLUMNS);
	}
	tell_evidence_buf(t, &e, &text);
}

static void tell_after(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "after", .t_ms = told_at(t, 0) };
	struct buf text = BUF_INIT;

	if (f->after_ns >= 0 && f->answer_after_ns >= 0)
		e.t_ms = told_at(t, f->sent_at_ns[0] + f->answer_after_ns + f->after_ns);
	switch (f->after) {
	case AFTER_UNKNOWN:
		return;
	case AFTER_QUIET:
		buf_adds(&text, "the connection was held and stayed");
		break;
	case AFTER_DATA:
		buf_adds(&text, "the host sent data");
		break;
	case AFTER_FIN:
		buf_adds(&text, "the host closed the connection");
		break;
	case AFTER_RESET:
		buf_adds(&text, "the connection was reset");
		break;
	}
	if (f->after_ns >= 0) {
		buf_adds(&text, f->after == AFTER_QUIET ? " for " : " after ");
		phrase_time(&text, f->after_ns);
	}
	if (f->first_sent)
		buf_addf(&text, ", %s%s was sent", f->sent_bytes ? "once " : "before ",
			 f->first_sent);
	else if (f->after == AFTER_RESET || f->after == AFTER_FIN)
		buf_adds(&text, ", with nothing sent");
	if (f->after_repeats)
		buf_adds(&text, "; the same a second time");
	tell_evidence_buf(t, &e, &text);
}

void say_evidence(struct telling *t)
{
	unsigned int wanted = pieces[t->j->cause];

	tell_name(t);
	if (wanted & PIECE_ROUTE)
		tell_route(t);
	tell_sent(t);
	tell_answer(t);
	if (wanted & PIECE_OUT)
		tell_left(t);
	if (wanted & PIECE_IN)
		tell_arrived(t);
	if (wanted & PIECE_AFTER)
		tell_after(t);
	if (wanted & PIECE_TTL)
		tell_ttl(t);
	if (wanted & PIECE_TOS)
		tell_tos(t);
	if (wanted & PIECE_CONTROLS)
		tell_controls(t);
	if (wanted & PIECE_HOPS)
		say_hops(t);
	tell_stray(t);
	if (wanted & PIECE_NEIGHBOUR)
		tell_neighbour(t);
	if (wanted & PIECE_COUNTER)
		tell_counter(t);
	tell_rule(t);
	tell_capture(t, wanted & PIECE_NO_CAPTURE);
}
