/*
 * Evidence of packets: what left and arrived, and what their headers say of their maker.
 */
#include "say_private.h"

/* ---- what left and what came ---- */

void tell_left(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "wire", .t_ms = told_at(t, 0) };
	const char *noun = packet_noun(f);

	if (f->wire.watched) {
		e.has_count = true;
		e.count = f->wire.syns_out;
		if (!e.count)
			tell_evidence(t, &e,
				      "no %s left this machine: seen on no interface",
				      noun);
		else
			tell_evidence(t, &e, "%u %s%s left this machine%s%s, as captured",
				      e.count, noun, plural(e.count),
				      f->route.interface_name[0] ? " by " : "",
				      f->route.interface_name);
	}
	if (f->kernel_kept_it)
		tell_evidence(
			t, &(struct evidence){ .kind = "counter", .t_ms = told_at(t, 0) },
			"the kernel could not send: its repeats were refused "
			"(TCP_INFO)");
}

static void tell_mark(struct telling *t, const struct mark *m, const char *noun,
		      const char *what)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "wire",
			      .t_ms = told_at(t, m->at_ns),
			      .address = f->addr,
			      .has_ttl = true,
			      .ttl = m->ttl };
	struct buf text = BUF_INIT;

	if (!m->seen)
		return;
	buf_addf(&text, "the %s arrived", noun);
	if (m->at_ns >= f->sent_at_ns[0] && f->sent_at_ns[0] > 0) {
		buf_adds(&text, " after ");
		phrase_time(&text, m->at_ns - f->sent_at_ns[0]);
	}
	buf_addf(&text, " (TTL %u%s)%s", m->ttl,
		 m->by_loopback	    ? ", on lo"
		 : !m->ack_is_right ? ", not acknowledging our SYN"
				    : "",
		 what);
	tell_evidence_buf(t, &e, &text);
}

/* What arrived, though the socket may have had nothing of it. */
void tell_arrived(struct telling *t)
{
	const struct findings *f = t->f;
	const struct wire_view *w = &f->wire;
	const char *waits = f->answer == ANSWER_NONE ? ", and connect(2) still waits: "
						       "dropped on this machine"
						     : "";

	if (!w->watched)
		return;
	if (f->answer == ANSWER_NONE && !w->syn_ack.seen && !w->reset.seen) {
		tell_evidence(t,
			      &(struct evidence){ .kind = "wire", .t_ms = told_at(t, 0) },
			      "nothing came back on the wire, as captured");
		return;
	}
	tell_mark(t, &w->syn_ack, "SYN-ACK", waits);
	tell_mark(t, &w->reset, "RST", waits);
	if (w->reset_windows_rise)
		tell_evidence(t,
			      &(struct evidence){ .kind = "wire",
						  .t_ms = told_at(t, 0),
						  .has_count = true,
						  .count = w->n_resets },
			      "%u RSTs came, with rising windows: an injector's habit",
			      w->n_resets);
	if (w->syn_ack.seen && !w->syn_ack.window)
		tell_evidence(t,
			      &(struct evidence){ .kind = "wire", .t_ms = told_at(t, 0) },
			      "the SYN-ACK offers a window of 0%s: a SYN proxy's habit",
			      w->window_opened ? " and opens it later" : "");
}

void tell_stray(struct telling *t)
{
	unsigned int n = t->f->wire.n_stray_icmp;

	if (n)
		tell_evidence(t,
			      &(struct evidence){ .kind = "wire",
						  .t_ms = told_at(t, 0),
						  .has_count = true,
						  .count = n },
			      "%u ICMP error%s with other ports or sequence numbers "
			      "than ours: late or forged, not counted",
			      n, plural(n));
}

/* ---- who made the answer ---- */

static const char *ttl_how(const struct telling *t, enum ttl_source source)
{
	if (source != TTL_BISECTED)
		return "";
	return t->f->addr.family == AF_INET6 ? ", measured by IPV6_MINHOPCOUNT"
					     : ", measured by IP_MINTTL";
}

/* Compare TTL, the NOUN's, with the host's. */
static void tell_compared(struct telling *t, const char *noun, uint8_t ttl,
			  enum ttl_source source)
{
	const struct control *c = distance_control(t->f);
	struct evidence e = {
		.kind = "ttl", .t_ms = told_at(t, 0), .has_ttl = true, .ttl = ttl
	};
	struct buf text = BUF_INIT;
	int mine = ttl_distance(ttl), host = c ? ttl_distance(c->ttl) : -1;
	int apart = mine < host ? host - mine : mine - host;

	if (!ttl || !c)
		return;
	buf_addf(&text, "the %s has TTL %u%s, ", noun, ttl, ttl_how(t, source));
	phrase_control(&text, c);
	buf_addf(&text, " of the host answers with %u: ", c->ttl);
	if (!apart)
		buf_addf(&text, "made at the host's distance, %d router%s away", host,
			 plural((unsigned int)host));
	else
		buf_addf(&text, "it was made %d hop%s %s", apart,
			 plural((unsigned int)apart), mine < host ? "nearer" : "farther");
	tell_evidence_buf(t, &e, &text);
}

void tell_ttl(struct telling *t)
{
	const struct findings *f = t->f;

	if (f->answer == ANSWER_RESET)
		tell_compared(t, "RST", f->ttl, f->ttl_source);
	else if (f->answer == ANSWER_SYN_ACK)
		tell_compared(t, "SYN-ACK", f->ttl, f->ttl_source);
	else if (f->answer == ANSWER_ICMP && addr_equal(&f->icmp.from, &f->addr))
		tell_compared(t, "ICMP error", f->icmp_ttl, TTL_SOCKET);
	if (f->wire.late_reset.seen)
		tell_compared(t, "RST that ended it", f->wire.late_reset.ttl, TTL_WIRE);
	if (f->reset_is_nearer)
		tell_evidence(t,
			      &(struct evidence){ .kind = "ttl", .t_ms = told_at(t, 0) },
			      "the RST that ended it has passed fewer routers than the "
			      "host's answers, measured by its TTL: it was made nearer");
	if (f->reset_is_local)
		tell_evidence(
			t, &(struct evidence){ .kind = "answer", .t_ms = told_at(t, 0) },
			"the RST comes even to a connection bound to lo, which "
			"leaves nowhere: it was made on this machine");
}

void tell_tos(struct telling *t)
{
	const struct findings *f = t->f;
	struct evidence e = { .kind = "tos", .t_ms = told_at(t, 0) };
	const struct control *c;

	if (!f->tos_known || f->answer != ANSWER_RESET)
		return;
	if (f->tos_echoed) {
		tell_evidence(t, &e,
			      "the RST echoes our type of service, as a kernel's own "
			      "does and a firewall's does not");
		return;
	}
	for (c = f->controls; c < f->controls + f->n_controls; c++) {
		if (!c->tos_known || !c->tos_echoed)
			continue;
		/* Another maker's RST says nothing about this one's. */
		if (t->j->verdict == VERDICT_NO_LISTENER)
			continue;
		e.has_port = true;
		e.port = c->port;
		tell_evidence(t, &e,
			      "the RST does not echo our type of service, that of closed "
			      "port %u does: made by a firewall, not by the host's TCP",
			      c->port);
		return;
	}
	tell_evidence(t, &e,
		      "the RST does not echo our type of service: not a Linux host's "
		      "own, or the mark was cleared on the way");
}
