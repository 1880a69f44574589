/*
 * Whose packet is it, and what does it show?
 *
 * A reply is a probe's when address and ports fit; where several probes used the same
 * source port one after another (a walk), the acknowledged sequence number tells which.
 */
#include <string.h>

#include "engine_private.h"

/* Stamps of the wire and the monotonic clock may disagree by this much. */
#define CLOCK_SLACK_NS (5 * NS_PER_MS)

/* A scope that only one side tells (a group's addresses have none on the wire, nor has
 * anything where the link type does not name the interface) makes no difference. */
static bool is_host(const struct engine *e, const struct addr *a)
{
	struct addr host = e->addr, other = *a;

	if (!host.scope || !other.scope)
		host.scope = other.scope = 0;
	return addr_equal(&host, &other);
}

static bool same_port(const struct probe *p, uint8_t protocol, uint16_t local,
		      uint16_t remote)
{
	return p->protocol == protocol && p->local_port == local && p->port == remote;
}

/* The newest probe that was there at AT_NS. */
static struct probe *sender_of(struct engine *e, const struct packet *k, int64_t at_ns)
{
	size_t i;

	for (i = e->n_probes; i-- > 0;) {
		struct probe *p = e->probes[i];

		if (same_port(p, k->protocol, k->src_port, k->dst_port) &&
		    p->sent_ns <= at_ns + CLOCK_SLACK_NS)
			return p;
	}
	return NULL;
}

static struct probe *receiver_of(struct engine *e, uint8_t protocol, uint16_t local,
				 uint16_t remote, const uint32_t *isn)
{
	struct probe *newest = NULL;
	size_t i;

	for (i = e->n_probes; i-- > 0;) {
		struct probe *p = e->probes[i];

		if (!same_port(p, protocol, local, remote))
			continue;
		if (isn && p->has_isn && p->isn == *isn)
			return p;
		if (!newest)
			newest = p;
	}
	return newest;
}

/* The first counts, but what acknowledges another SYN is no answer: the kernel waits on,
 * and takes the next. */
static void take_mark(struct mark *m, const struct packet *k, int64_t at_ns,
		      const struct engine *e, const struct probe *p)
{
	bool right = p->has_isn && k->ack == p->isn + 1;

	if (m->seen && (m->ack_is_right || !right))
		return;
	*m = (struct mark){
		.seen = true,
		.at_ns = at_ns,
		.ttl = k->ttl,
		.tos = k->tos,
		.ip_id = k->ip_id,
		.flow_label = k->flow_label,
		.window = k->window,
		.flags = k->flags,
		.ack_is_right = right,
		.by_loopback = k->loopback && !e->route_is_local,
	};
}

static void tcp_in(struct engine *e, struct probe *p, const struct packet *k,
		   int64_t at_ns)
{
	struct wire_view *w = &p->wire;

	if (k->flags & PACKET_RST) {
		bool first = !w->reset.seen;

		/* The answer to a SYN begins at 0 and acknowledges it (RFC 9293
		 * 3.10.7.1); a RST that does not, behind a SYN-ACK, is about the
		 * connection. */
		if (w->syn_ack.seen && (k->seq || !(k->flags & PACKET_ACK))) {
			if (!w->late_reset.seen)
				take_mark(&w->late_reset, k, at_ns, e, p);
			return;
		}
		if (!first && k->window > p->last_window)
			w->reset_windows_rise = true;
		p->last_window = k->window;
		w->n_resets++;
		take_mark(&w->reset, k, at_ns, e, p);
	} else if ((k->flags & (PACKET_SYN | PACKET_ACK)) == (PACKET_SYN | PACKET_ACK)) {
		w->n_syn_acks++;
		take_mark(&w->syn_ack, k, at_ns, e, p);
	} else if (w->syn_ack.seen && !w->syn_ack.window && k->window) {
		w->window_opened = true;
	}
}

static void icmp_in(struct engine *e, const struct packet *k)
{
	const struct packet_quote *q = &k->quote;
	struct probe *p;

	if (!q->there || !is_host(e, &q->dst) || !q->has_ports)
		return;
	p = receiver_of(e, q->protocol, q->src_port, q->dst_port,
			q->has_seq ? &q->seq : NULL);
	if (!p || (q->has_seq && p->has_isn && p->isn != q->seq)) {
		e->n_stray_icmp++;
		if (p)
			p->wire.n_stray_icmp++;
		return;
	}
	p->wire.icmp_seen = true;
	p->wire.icmp_ttl = k->ttl;
	p->wire.has_quoted_tos = true;
	p->wire.quoted_tos = q->tos;
}

static void sent_out(struct probe *p, const struct packet *k)
{
	bool syn = (k->flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN;

	if (k->kind == PACKET_UDP) {
		p->wire.syns_out++;
	} else if (syn) {
		p->wire.syns_out++;
		p->has_isn = true;
		p->isn = k->seq;
	}
}

static void came_in(struct engine *e, const struct packet *k, int64_t at_ns)
{
	uint32_t isn = k->ack - 1;
	struct probe *p = receiver_of(e, k->protocol, k->dst_port, k->src_port,
				      k->flags & PACKET_ACK ? &isn : NULL);

	if (p)
		tcp_in(e, p, k, at_ns);
}

void wire_packet(struct engine *e, const struct packet *k, int64_t at_ns)
{
	bool to_it = is_host(e, &k->dst);
	struct probe *p = NULL;

	if (k->kind == PACKET_ICMP_ERROR) {
		icmp_in(e, k);
		return;
	}
	if (k->kind != PACKET_TCP && k->kind != PACKET_UDP)
		return;
	if (to_it && (k->loopback ? e->route_is_local : k->outgoing))
		p = sender_of(e, k, at_ns);
	if (p)
		sent_out(p, k);
	/* What leaves by lo also arrives there. */
	else if (!k->outgoing && k->kind == PACKET_TCP && is_host(e, &k->src))
		came_in(e, k, at_ns);
}

void wire_view_add(struct wire_view *all, const struct wire_view *one, bool with_marks)
{
	all->watched = one->watched;
	all->syns_out += one->syns_out;
	all->n_syn_acks += one->n_syn_acks;
	all->n_resets += one->n_resets;
	all->n_stray_icmp += one->n_stray_icmp;
	if (!all->icmp_seen && one->icmp_seen) {
		all->icmp_seen = true;
		all->icmp_ttl = one->icmp_ttl;
		all->has_quoted_tos = one->has_quoted_tos;
		all->quoted_tos = one->quoted_tos;
	}
	if (!with_marks)
		return;
	all->reset_windows_rise |= one->reset_windows_rise;
	all->window_opened |= one->window_opened;
	if (!all->syn_ack.seen)
		all->syn_ack = one->syn_ack;
	if (!all->reset.seen)
		all->reset = one->reset;
	if (!all->late_reset.seen)
		all->late_reset = one->late_reset;
}
