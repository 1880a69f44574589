/*
 * From the messages of nftrace to what became of the packets.
 *
 * The kernel sends a message for each rule that matches and each policy that applies,
 * with an id for the packet. The id is made from the address of the packet in memory, so
 * that a SYN and its repeat often have the same one, and from the interface by which it
 * came, so that over lo one packet has two. What begins a packet is therefore the
 * message of our own rule, which is the first that it meets.
 */
#include "rule_private.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

const char *rule_mark_chain(enum rule_mark mark)
{
	static const char *const names[MARK_COUNT] = {
		[MARK_NONE] = "",
		[MARK_OUTPUT] = "first_in_output",
		[MARK_POSTROUTING] = "first_in_postrouting",
		[MARK_LEFT] = "last_in_postrouting",
		[MARK_INGRESS] = "first_in_ingress",
		[MARK_PREROUTING] = "first_in_prerouting",
		[MARK_INPUT] = "first_in_input",
		[MARK_DELIVERED] = "last_in_input",
	};

	return names[mark];
}

const char *rule_hook_name(uint8_t family, uint32_t hook)
{
	static const char *const ip[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",	[NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward",		[NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting", [NF_INET_INGRESS] = "ingress",
	};
	static const char *const netdev[] = {
		[NF_NETDEV_INGRESS] = "ingress", [NF_NETDEV_EGRESS] = "egress"
	};

	if (family == NFPROTO_NETDEV)
		return hook < ARRAY_SIZE(netdev) ? netdev[hook] : "";
	/* A bridge's hooks have the numbers of IP's (linux/netfilter_bridge.h). */
	return hook < ARRAY_SIZE(ip) ? ip[hook] : "";
}

const char *rule_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_NETDEV:
		return "netdev";
	default:
		return "";
	}
}

static enum rule_mark mark_of(const struct rule_history *h, const struct rule_event *e)
{
	int mark;

	if (e->family != NFPROTO_INET || strcmp(e->table, h->table))
		return MARK_NONE;
	for (mark = MARK_OUTPUT; mark < MARK_COUNT; mark++)
		if (!strcmp(e->chain, rule_mark_chain((enum rule_mark)mark)))
			break;
	return mark < MARK_COUNT ? (enum rule_mark)mark : MARK_NONE;
}

static struct rule_packet *latest(struct rule_history *h, uint32_t id)
{
	size_t i;

	for (i = h->n_packets; i > 0; i--)
		if (h->packets[i - 1].id == id)
			return &h->packets[i - 1];
	return NULL;
}

/* Was something sent from this port to ours? */
static bool is_ours(const struct rule_history *h, uint16_t local_port)
{
	size_t i;

	for (i = 0; i < h->n_packets; i++)
		if (h->packets[i].first == MARK_OUTPUT &&
		    h->packets[i].local_port == local_port)
			return true;
	return false;
}

static struct rule_packet *begin(struct rule_history *h, const struct rule_event *e,
				 enum rule_mark mark)
{
	struct rule_packet *p;
	/* What was sent over lo comes in again. */
	bool sent = mark == MARK_OUTPUT || !e->has_ports ||
		    (is_ours(h, e->src_port) &&
		     !(e->src_port == h->port && is_ours(h, e->dst_port)));

	if (h->n_packets == ARRAY_SIZE(h->packets))
		return NULL;
	p = &h->packets[h->n_packets++];
	*p = (struct rule_packet){ .id = e->id, .first = mark, .answer = !sent };
	if (e->has_ports)
		p->local_port = sent ? e->src_port : e->dst_port;
	return p;
}

/* The packet that E is about, NULL: none of ours. */
static struct rule_packet *packet_of(struct rule_history *h, const struct rule_event *e,
				     enum rule_mark mark)
{
	struct rule_packet *p = latest(h, e->id);
	/* Some kernels tell the end of the rules as a rule, too, without a handle. */
	bool starts =
		e->type == NFT_TRACETYPE_RULE && e->handle &&
		(mark == MARK_OUTPUT || mark == MARK_INGRESS || mark == MARK_PREROUTING);

	if (starts && !(p && p->mark == MARK_INGRESS && mark == MARK_PREROUTING))
		return begin(h, e, mark);
	/* Redirected to this machine itself: no rule of ours knows the new address. */
	if (!p && e->has_ports && is_ours(h, e->src_port) && mark != MARK_OUTPUT)
		return begin(h, e, MARK_PREROUTING);
	return p;
}

static void note_base(struct rule_history *h, struct rule_packet *p,
		      const struct rule_event *e)
{
	const struct rule_chain *c;
	size_t i;

	for (i = 0; i < h->chains->n_chains; i++) {
		c = &h->chains->chains[i];
		if (c->family != e->family || strcmp(c->name, e->chain) ||
		    strcmp(c->table, e->table))
			continue;
		rule_copy(p->base, sizeof(p->base), c->name);
		p->hook = c->hook;
		p->hook_family = c->family;
		return;
	}
}

void rule_history_add(struct rule_history *h, const struct rule_event *e)
{
	enum rule_mark mark = mark_of(h, e);
	struct rule_packet *p = packet_of(h, e, mark);

	if (!p || p->taken)
		return;
	p->queued = false; /* it came back */
	if (mark != MARK_NONE) {
		if (mark > p->mark)
			p->mark = mark;
		/* No chain behind this hook has been met yet. */
		p->base[0] = '\0';
		return;
	}
	note_base(h, p, e);
	/* A verdict of nft itself (NFT_JUMP, ...) is negative. */
	if (e->verdict < 0)
		return;
	switch (e->verdict & NF_VERDICT_MASK) {
	case NF_DROP:
	case NF_STOLEN:
		p->taken = true;
		p->by = *e;
		break;
	case NF_QUEUE:
		p->queued = true;
		p->by = *e;
		break;
	default:
		break;
	}
}

static const struct rule_packet *find(const struct rule_history *h, enum rule_mark first,
				      bool answer, uint16_t local_port)
{
	size_t i;

	for (i = 0; i < h->n_packets; i++) {
		const struct rule_packet *p = &h->packets[i];

		if ((p->first == MARK_OUTPUT) == (first == MARK_OUTPUT) &&
		    p->answer == answer && (!local_port || p->local_port == local_port))
			return p;
	}
	return NULL;
}

/* FATE_TAKEN, FATE_VANISHED; FATE_DELIVERED: P got as far as END. */
static enum rule_fate fate_of(const struct rule_packet *p, enum rule_mark end)
{
	if (p->taken || (p->queued && p->mark < end))
		return FATE_TAKEN;
	return p->mark < end ? FATE_VANISHED : FATE_DELIVERED;
}

enum rule_fate rule_history_fate(const struct rule_history *h, uint16_t source_port,
				 const struct rule_packet **ret_packet)
{
	const struct rule_packet *out = find(h, MARK_OUTPUT, false, source_port), *p;
	enum rule_fate fate;

	if (!out)
		return FATE_UNSEEN;
	p = out;
	fate = fate_of(p, MARK_LEFT);
	if (fate == FATE_DELIVERED) {
		/* The target is this machine, or the packet was sent back to it. */
		p = find(h, MARK_PREROUTING, false, out->local_port);
		fate = p ? fate_of(p, MARK_DELIVERED) : FATE_DELIVERED;
	}
	if (fate == FATE_DELIVERED) {
		p = find(h, MARK_PREROUTING, true, out->local_port);
		fate = p ? fate_of(p, MARK_DELIVERED) : FATE_NO_ANSWER;
	}
	if (fate == FATE_TAKEN || fate == FATE_VANISHED)
		*ret_packet = p;
	return fate;
}

const char *rule_packet_hook(const struct rule_packet *p)
{
	const char *hook = p->base[0] ? rule_hook_name(p->hook_family, p->hook) : "";

	if (hook[0])
		return hook;
	switch (p->mark) {
	case MARK_NONE:
	case MARK_OUTPUT:
		return "output";
	case MARK_POSTROUTING:
		return "postrouting";
	case MARK_LEFT:
		return "egress";
	case MARK_INGRESS:
		return "ingress";
	case MARK_PREROUTING:
		return "prerouting";
	case MARK_INPUT:
	case MARK_DELIVERED:
		break;
	}
	return "input";
}
