/*
 * Evidence of the walks: one line for the hops that let the packet pass, and one for each
 * that matters.
 */
#include "say_private.h"
#include "walk.h"

/* Addresses in a list. */
#define LISTED 4

static struct evidence hop_evidence(const struct telling *t, const struct walk *w,
				    int hop)
{
	return (struct evidence){ .kind = "hop",
				  .t_ms = told_at(t, w->hops[hop].at_ns),
				  .has_port = w->protocol != IPPROTO_ICMP,
				  .port = w->port,
				  .has_hop = true,
				  .hop = hop };
}

static void say_walked(struct buf *out, const struct walk *w)
{
	struct control c = { .protocol = w->protocol, .port = w->port };

	phrase_control(out, &c);
}

/* The hops before LAST that had it as well. */
static void tell_passed(struct telling *t, const struct walk *w, int last)
{
	struct evidence e = hop_evidence(t, w, last - 1);
	struct buf text = BUF_INIT;
	unsigned int n = 0, silent = 0;
	int ttl;

	for (ttl = 1; ttl < last; ttl++) {
		if (w->hops[ttl].state != HOP_EXCEEDED) {
			silent++;
			continue;
		}
		if (n < LISTED) {
			buf_adds(&text, n ? ", " : "");
			phrase_hop(&text, t->f, ttl);
		} else if (n == LISTED) {
			buf_adds(&text, ", ...");
		}
		n++;
	}
	if (!n) {
		buf_release(&text);
		return;
	}
	buf_addf(&text, " returned time exceeded");
	if (silent)
		buf_addf(&text, " (%u hop%s before hop %d answer%s nobody)", silent,
			 plural(silent), last, silent == 1 ? "s" : "");
	tell_evidence_buf(t, &e, &text);
}

static void tell_last(struct telling *t, const struct walk *w, int last)
{
	const struct hop *hop = &w->hops[last];
	struct evidence e = hop_evidence(t, w, last);
	struct buf text = BUF_INIT;

	e.address = hop->from;
	e.has_rtt = hop->rtt_ns >= 0;
	e.rtt_ms = ns_to_ms(hop->rtt_ns);
	e.has_ttl = hop->ttl_back != 0;
	e.ttl = hop->ttl_back;
	phrase_hop(&text, t->f, last);
	buf_addf(&text, " returned time exceeded for TTL %d", last);
	if (hop->rtt_ns >= 0) {
		buf_adds(&text, " in ");
		phrase_time(&text, hop->rtt_ns);
	}
	buf_addf(&text, ": it had the %s", packet_noun(t->f));
	tell_evidence_buf(t, &e, &text);
}

static void say_tries(struct buf *out, const struct hop *hop)
{
	if (hop->tries > 1)
		buf_addf(out, " (%u tries, a second apart)", hop->tries);
	else
		buf_adds(out, " (1 try)");
}

/* A hop that is silent for the port, and answers for the control. */
static void tell_difference(struct telling *t, int hop)
{
	const struct findings *f = t->f;
	const struct walk *c = &f->control_walk;
	struct evidence e = hop_evidence(t, &f->walk, hop);
	const struct addr *from = hop_address(f, hop);
	struct buf text = BUF_INIT;

	if (from)
		e.address = *from;
	phrase_hop(&text, f, hop);
	buf_adds(&text, " stays silent for this port");
	if (hop <= (int)f->walk.n_hops)
		say_tries(&text, &f->walk.hops[hop]);
	buf_adds(&text, ", but answers for ");
	say_walked(&text, c);
	tell_evidence_buf(t, &e, &text);
}

/* Hops FIRST to LAST, silent for the port; what the control says of them is told. */
static void tell_silent(struct telling *t, int first, int last)
{
	const struct findings *f = t->f;
	struct evidence e = hop_evidence(t, &f->walk, first);
	struct buf text = BUF_INIT;
	bool control = f->control_walk.n_hops >= (unsigned int)first;

	if (last > first)
		buf_addf(&text, "hops %d to %d stay silent for this port", first, last);
	else
		buf_addf(&text, "hop %d stays silent for this port", first);
	say_tries(&text, &f->walk.hops[first]);
	if (control) {
		buf_adds(&text, ", and for ");
		say_walked(&text, &f->control_walk);
	}
	tell_evidence_buf(t, &e, &text);
}

static bool answers_control(const struct findings *f, int hop)
{
	return hop <= (int)f->control_walk.n_hops &&
	       f->control_walk.hops[hop].state == HOP_EXCEEDED;
}

/* Where it ends: what comes behind LAST. */
static void tell_end(struct telling *t, int last)
{
	const struct findings *f = t->f;
	const struct walk *w = &f->walk;
	int end = (int)w->n_hops, ttl;

	for (ttl = last + 1; ttl <= end; ttl++) {
		struct evidence e = hop_evidence(t, w, ttl);
		const struct hop *hop = &w->hops[ttl];

		if (hop->state == HOP_ANSWERED)
			tell_evidence(t, &e, "with TTL %d the answer of the port came",
				      ttl);
		if (hop->state != HOP_ERROR)
			continue;
		e.address = hop->from;
		tell_evidence(t, &e, "with TTL %d the ICMP error came", ttl);
	}
	for (ttl = last + 1; ttl <= end; ttl++) {
		if (w->hops[ttl].state != HOP_SILENT)
			continue;
		if (answers_control(f, ttl)) {
			tell_difference(t, ttl);
			return;
		}
	}
	/* Nothing tells them apart: the host's own place is no silent hop. */
	if (t->j->target_hops > 0 && end >= t->j->target_hops)
		end = t->j->target_hops - 1;
	for (ttl = last + 1; ttl <= end && w->hops[ttl].state == HOP_SILENT; ttl++)
		;
	if (ttl > last + 1)
		tell_silent(t, last + 1, ttl - 1);
}

static void tell_target_hops(struct telling *t)
{
	const struct walk *c = &t->f->control_walk;
	unsigned int there = walk_answered(c);
	struct evidence e = hop_evidence(t, c, (int)there);
	struct buf text = BUF_INIT;

	if (!there)
		return;
	say_walked(&text, c);
	buf_addf(&text, " of the host answers from TTL %u on: the host is hop %u", there,
		 there);
	e.address = t->f->addr;
	tell_evidence_buf(t, &e, &text);
}

static void tell_loop(struct telling *t)
{
	const struct walk *w = &t->f->walk;
	int first, again;
	struct evidence e;

	if (!same_hop(w, &first, &again))
		return;
	e = hop_evidence(t, w, again);
	e.address = w->hops[first].from;
	tell_evidence(t, &e, "hop %d and hop %d are the same router: it goes in a circle",
		      first, again);
}

void say_hops(struct telling *t)
{
	const struct walk *w = &t->f->walk;
	int last = (int)walk_last(w);

	if (w->n_hops) {
		if (last > 1)
			tell_passed(t, w, last);
		if (last > 0)
			tell_last(t, w, last);
		tell_loop(t);
		tell_end(t, last);
	}
	tell_target_hops(t);
}
