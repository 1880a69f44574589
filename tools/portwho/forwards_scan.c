/*
 * Which ports do the rules forward, and where to?
 */
#include "forwards.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <stdlib.h>
#include <string.h>

#include "firewall_eval.h"

/* Of a wider range, or beyond so many in all, only the ends are asked for. */
#define RANGE_MAX 1024
#define PORTS_MAX 8192

/* Where the destination port is, behind the header of TCP and of UDP. */
#define PORT_AT 2

struct ports {
	bool named[65536];
	size_t n;
	bool wide;
};

/* ---- the ports that rules name ---- */

static void name_port(struct ports *p, unsigned int port)
{
	if (!port || port > 65535 || p->named[port])
		return;
	p->named[port] = true;
	p->n++;
}

static void name_range(struct ports *p, unsigned int first, unsigned int last)
{
	unsigned int i;

	if (last < first || first > 65535)
		return;
	last = last > 65535 ? 65535 : last;
	if (last - first >= RANGE_MAX || p->n + (last - first) >= PORTS_MAX) {
		/* "all of them" names none. */
		p->wide |= first > 1 || last < 65535;
		name_port(p, first);
		name_port(p, last);
		return;
	}
	for (i = first; i <= last; i++)
		name_port(p, i);
}

static unsigned int port_in(const uint8_t *key, size_t at)
{
	return (unsigned int)key[at] << 8 | key[at + 1];
}

static void name_of_set(struct ports *p, const struct set *set, size_t at)
{
	size_t i;

	if (!set || set->incomplete || at + 2 > set->key_len)
		return;
	for (i = 0; i < set->n; i++) {
		const struct element *e = &set->elements[i];

		if (!e->catchall)
			name_range(p, port_in(e->key, at),
				   port_in(e->end ? e->end : e->key, at));
	}
}

static void name_of_match(struct ports *p, const struct step *s)
{
	struct xt_tcp tcp;
	struct xt_udp udp;
	struct xt_multiport_v1 m;
	unsigned int i;

	if (!strcmp(s->name, "tcp") && s->data_len >= sizeof(tcp)) {
		memcpy(&tcp, s->data, sizeof(tcp));
		name_range(p, tcp.dpts[0], tcp.dpts[1]);
	} else if (!strcmp(s->name, "udp") && s->data_len >= sizeof(udp)) {
		memcpy(&udp, s->data, sizeof(udp));
		name_range(p, udp.dpts[0], udp.dpts[1]);
	} else if (!strcmp(s->name, "multiport") && s->data_len >= sizeof(m)) {
		memcpy(&m, s->data, sizeof(m));
		for (i = 0; i < m.count && i < XT_MULTI_PORTS; i++) {
			if (m.pflags[i] && i + 1 < m.count && i + 1 < XT_MULTI_PORTS) {
				name_range(p, m.ports[i], m.ports[i + 1]);
				i++;
			} else {
				name_port(p, m.ports[i]);
			}
		}
	}
}

/* Where in the registers the port is, while one rule is read. */
struct reading {
	struct ports *ports;
	size_t at; /* RULESET_NO_REG: it is not */
	unsigned int low;
};

static void read_compare(struct reading *r, const struct step *s)
{
	unsigned int port = port_in(s->data, r->at - s->sreg);

	switch (s->op) {
	case NFT_CMP_GTE:
	case NFT_CMP_GT:
		r->low = port + (s->op == NFT_CMP_GT);
		break;
	case NFT_CMP_LTE:
	case NFT_CMP_LT:
		name_range(r->ports, r->low, port - (s->op == NFT_CMP_LT));
		break;
	case NFT_CMP_EQ:
		name_port(r->ports, port);
		break;
	default:
		break;
	}
}

static void read_step(struct reading *r, const struct step *s)
{
	bool loads_port = s->kind == STEP_PAYLOAD &&
			  s->key == NFT_PAYLOAD_TRANSPORT_HEADER &&
			  s->offset <= PORT_AT && s->offset + s->len >= PORT_AT + 2;
	bool covered = r->at != RULESET_NO_REG && s->sreg <= r->at;

	if (loads_port) {
		r->at = s->dreg + PORT_AT - s->offset;
		r->low = 1;
	} else if (s->kind == STEP_CT && s->key == NFT_CT_PROTO_DST) {
		r->at = s->dreg;
		r->low = 1;
	} else if (s->kind == STEP_MATCH) {
		name_of_match(r->ports, s);
	} else if (!covered) {
		return;
	} else if (s->kind == STEP_CMP && r->at + 2 <= (size_t)s->sreg + s->len) {
		read_compare(r, s);
	} else if (s->kind == STEP_RANGE && r->at + 2 <= (size_t)s->sreg + s->len) {
		name_range(r->ports, port_in(s->data, r->at - s->sreg),
			   port_in(s->data2, r->at - s->sreg));
	} else if (s->kind == STEP_LOOKUP) {
		name_of_set(r->ports, s->set, r->at - s->sreg);
	}
}

static bool has_nat(const struct ruleset *r, const struct chain *c)
{
	size_t i;

	for (i = 0; i < r->n_bases; i++) {
		const struct chain *b = r->bases[i];

		if (b->nat && b->family == c->family && b->legacy == c->legacy &&
		    !strcmp(b->table, c->table))
			return true;
	}
	return false;
}

static void read_ports(const struct ruleset *r, int family, struct ports *ports)
{
	int other = family == AF_INET6 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	size_t i, k, m;

	for (i = 0; i < r->n_chains; i++) {
		const struct chain *c = r->chains[i];

		if (c->family == other || !has_nat(r, c))
			continue;
		for (k = 0; k < c->n; k++) {
			struct reading reading = { .ports = ports, .at = RULESET_NO_REG };

			for (m = 0; m < c->rules[k].n; m++)
				read_step(&reading, &c->rules[k].steps[m]);
		}
	}
}

/* ---- what becomes of packets to them ---- */

struct scanning {
	const struct ruleset *ruleset;
	const struct addr *addresses;
	size_t n_addresses; /* of the family */
	struct packet packet;
	struct forwards *forwards;
};

static bool is_forwarded(const struct scanning *s, struct fate *ret_fate)
{
	firewall_follow(s->ruleset, &s->packet, ret_fate);
	return ret_fate->fates & FATE_FORWARDED;
}

static void add_target(struct buf *out, const struct target *t, uint16_t port)
{
	char text[ADDR_ENDPOINT_SIZE];

	if (t->several && !t->has_addr)
		buf_adds(out, "several");
	else if (t->has_addr)
		buf_adds(out, addr_endpoint_text(&t->addr, t->has_port ? t->port : port,
						 text));
	else
		buf_addf(out, ":%u", t->has_port ? t->port : port);
}

static int add(struct scanning *s, const struct fate *fate, const struct addr *to)
{
	struct forwards *f = s->forwards;
	struct buf text = BUF_INIT;
	size_t i;

	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 16;
		struct forward *more = reallocarray(f->items, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->items = more;
		f->cap = cap;
	}
	for (i = 0; i < fate->n_targets; i++) {
		if (i)
			buf_adds(&text, ", ");
		add_target(&text, &fate->targets[i], s->packet.port);
	}
	f->items[f->n] = (struct forward){ .family = s->packet.family,
					   .protocol = s->packet.protocol,
					   .port = s->packet.port,
					   .to = *to,
					   .target = buf_steal(&text) };
	if (!f->items[f->n].target)
		return -ENOMEM;
	f->n++;
	return 0;
}

/* From this machine itself, to its loopback address. */
static int scan_loopback(struct scanning *s)
{
	static const struct addr v4 = { .family = AF_INET, .ip = { 127, 0, 0, 1 } },
				 v6 = { .family = AF_INET6, .ip = { [15] = 1 } };
	struct fate fate;
	int err = 0;

	s->packet.to = s->packet.family == AF_INET6 ? v6 : v4;
	s->packet.local = true;
	if (is_forwarded(s, &fate))
		err = add(s, &fate, &s->packet.to);
	s->packet.local = false;
	return err;
}

static int scan_port(struct scanning *s)
{
	const struct addr any = { .family = AF_UNSPEC };
	struct fate fate, first = { 0 };
	size_t i, n = 0;
	int err = 0;

	s->packet.to = any;
	if (!is_forwarded(s, &fate))
		return scan_loopback(s);
	for (i = 0; s->ruleset->looks_at_address && i < s->n_addresses; i++) {
		s->packet.to = s->addresses[i];
		if (is_forwarded(s, &first))
			n++;
	}
	if (n == s->n_addresses || !s->ruleset->looks_at_address)
		return add(s, &fate, &any);
	for (i = 0; !err && i < s->n_addresses; i++) {
		s->packet.to = s->addresses[i];
		if (is_forwarded(s, &fate))
			err = add(s, &fate, &s->packet.to);
	}
	return err ? err : scan_loopback(s);
}

int forwards_scan(const struct ruleset *r, int family, const struct addr *addresses,
		  size_t n_addresses, struct forwards *ret_forwards)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct forwards found = { NULL };
	struct scanning s = { .ruleset = r,
			      .addresses = addresses,
			      .n_addresses = n_addresses,
			      .packet.family = family,
			      .forwards = &found };
	struct ports *ports = calloc(1, sizeof(*ports));
	struct fate fate;
	size_t i;
	unsigned int port;
	int err = ports ? 0 : -ENOMEM;

	if (ports)
		read_ports(r, family, ports);
	for (i = 0; !err && i < ARRAY_SIZE(protocols); i++) {
		s.packet.protocol = protocols[i];
		for (port = 1; !err && ports->n && port <= 65535; port++) {
			s.packet.port = (uint16_t)port;
			if (ports->named[port])
				err = scan_port(&s);
		}
		/* No rule can name it. */
		s.packet.port = 0;
		s.packet.to = (struct addr){ .family = AF_UNSPEC };
		found.unnamed |= is_forwarded(&s, &fate);
	}
	found.wide = ports && ports->wide && found.n;
	free(ports);
	if (err) {
		forwards_release(&found);
		return err;
	}
	*ret_forwards = found;
	return 0;
}

void forwards_release(struct forwards *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->items[i].target);
	free(f->items);
	*f = (struct forwards){ NULL };
}
