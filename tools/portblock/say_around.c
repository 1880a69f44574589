/*
 * Evidence around the port: other ports of the host, and this machine itself.
 */
#include "say_private.h"

/* Controls that answered are told one by one up to this many. */
#define CONTROLS_TOLD 3
/* Columns of foreign text. */
#define TEXT_COLUMNS 300

/* ---- other ports of the host ---- */

static void tell_control(struct telling *t, const struct control *c)
{
	struct evidence e = { .kind = "control",
			      .t_ms = told_at(t, c->at_ns),
			      .has_port = c->protocol != IPPROTO_ICMP,
			      .port = c->port,
			      .has_ttl = c->ttl != 0,
			      .ttl = c->ttl,
			      .has_rtt = c->rtt_ns >= 0,
			      .rtt_ms = ns_to_ms(c->rtt_ns) };
	bool host = control_is_of_host(&t->f->addr, c);
	struct buf text = BUF_INIT;

	phrase_control(&text, c);
	buf_adds(&text, host ? " of the same host answered" : " was answered");
	if (c->rtt_ns >= 0) {
		buf_adds(&text, " in ");
		phrase_time(&text, c->rtt_ns);
	}
	buf_adds(&text, " (");
	if (c->answer == ANSWER_ICMP)
		buf_adds(&text, icmp_words(c->icmp.origin, c->icmp.type, c->icmp.code));
	else
		buf_adds(&text, c->answer == ANSWER_SYN_ACK ? "SYN-ACK"
				: c->answer == ANSWER_RESET ? "RST"
							    : "reply");
	if (c->answer == ANSWER_ICMP && !host && c->icmp.from.family != AF_UNSPEC) {
		buf_adds(&text, " from ");
		phrase_addr(&text, &c->icmp.from);
		e.address = c->icmp.from;
	} else if (c->ttl) {
		buf_adds(&text, ", ");
		phrase_distance(&text, c->ttl);
	}
	buf_addc(&text, ')');
	if (c->tries > 1)
		buf_addf(&text, ", at packet %u", c->tries);
	tell_evidence_buf(t, &e, &text);
}

static bool is_told(const struct findings *f, const struct control *c)
{
	if (c->answer == ANSWER_NONE || c->answer == ANSWER_ERROR)
		return false;
	return !(c->asked && c->port == f->port && c->protocol == f->protocol);
}

/* How much a control's answer tells: an open port most, then a closed one. */
static int rank(const struct findings *f, const struct control *c)
{
	if (!is_told(f, c))
		return 0;
	if (!control_is_of_host(&f->addr, c))
		return 1;
	return c->answer == ANSWER_SYN_ACK   ? 5
	       : c->answer == ANSWER_RESET   ? 4
	       : c->protocol == IPPROTO_ICMP ? 3
					     : 2;
}

static void tell_silent_controls(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "control",
			      .t_ms = told_at(t, 0),
			      .has_count = true };
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (c->answer != ANSWER_NONE ||
		    (c->asked && c->port == f->port && c->protocol == f->protocol))
			continue;
		buf_adds(&text, e.count ? ", " : "no answer either from ");
		phrase_control(&text, c);
		e.count++;
	}
	if (e.count)
		tell_evidence_buf(t, &e, &text);
}

/* The few that tell most, each kind of answer once, in the order of their worth. */
void tell_controls(struct telling *t)
{
	const struct findings *f = t->f;
	unsigned int told = 0;
	int wanted;
	size_t i;

	for (wanted = 5; wanted > 0 && told < CONTROLS_TOLD; wanted--) {
		for (i = 0; i < f->n_controls; i++) {
			if (rank(f, &f->controls[i]) != wanted)
				continue;
			tell_control(t, &f->controls[i]);
			told++;
			break;
		}
	}
	/* Where others answer, who else is silent says little. */
	if (!told || t->j->default_drop)
		tell_silent_controls(t);
}

/* ---- this machine ---- */

void tell_neighbour(struct telling *t)
{
	const struct findings *f = t->f;
	bool via = f->route.gateway.family != AF_UNSPEC;
	const struct addr *hop = via ? &f->route.gateway : &f->addr;
	struct evidence e = { .kind = "neighbour",
			      .t_ms = told_at(t, 0),
			      .address = *hop };
	struct buf text = BUF_INIT;

	if (f->neighbour == ROUTE_NEIGH_UNKNOWN || !f->route_known)
		return;
	phrase_addr(&text, hop);
	buf_addf(&text, "%s %s %s", via ? ", the gateway," : "",
		 f->neighbour == ROUTE_NEIGH_PRESENT ? "answers" : "does not answer",
		 neighbour_noun(hop));
	if (f->route.interface_name[0])
		buf_addf(&text, " on %s", f->route.interface_name);
	if (f->neighbour == ROUTE_NEIGH_FAILED)
		buf_adds(&text, " (neighbour state: failed)");
	else if (f->neighbour == ROUTE_NEIGH_WAITING)
		buf_adds(&text, " (neighbour state: incomplete)");
	tell_evidence_buf(t, &e, &text);
}

void tell_counter(struct telling *t)
{
	struct evidence e = { .kind = "counter", .t_ms = told_at(t, 0) };

	switch (t->f->local_drop) {
	case LOCAL_DROP_UNKNOWN:
		return;
	case LOCAL_DROP_NO:
		tell_evidence(t, &e,
			      "no packet vanished inside this machine while SYNs were "
			      "sent (kernel counters): no answer arrived");
		return;
	case LOCAL_DROP_YES:
		tell_evidence(t, &e,
			      "for each SYN a packet arrived and vanished inside this "
			      "machine (kernel counters, twice)");
		return;
	case LOCAL_DROP_RP_FILTER:
		tell_evidence(t, &e,
			      "for each SYN the reverse-path filter took one packet "
			      "(kernel counter IPReversePathFilter)");
		return;
	}
}

void tell_rule(struct telling *t)
{
	const struct rule_found *r = &t->f->local_rule;
	struct evidence e = { .kind = "rule", .t_ms = told_at(t, 0) };
	struct buf text = BUF_INIT;

	if (!r->asked)
		return;
	if (r->found) {
		phrase_rule(&text, r, TEXT_COLUMNS);
		if (r->hook[0])
			buf_addf(&text, " (hook %s, verdict %s)", r->hook, r->verdict);
	} else {
		buf_adds(&text, "no rule of this machine's own firewall was found");
		if (r->why[0]) {
			buf_adds(&text, ": ");
			phrase_foreign(&text, r->why, TEXT_COLUMNS);
		}
	}
	tell_evidence_buf(t, &e, &text);
}

void tell_capture(struct telling *t, bool wanted)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "capture", .t_ms = told_at(t, 0) };

	if (f->captured && f->capture_dropped) {
		e.has_count = true;
		e.count = f->capture_dropped;
		tell_evidence(t, &e,
			      "the capture lost %u packet%s: what it does not show may "
			      "have been there",
			      e.count, plural(e.count));
	} else if (!f->captured && wanted) {
		tell_evidence(t, &e, "the wire was not watched%s%s",
			      f->no_capture_why ? ": " : "",
			      f->no_capture_why ? f->no_capture_why : "");
	}
}
