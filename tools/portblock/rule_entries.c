/*
 * The tables of iptables-legacy: chains, and which rules counted.
 */
#include "rule_private.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>

/* ---- chains ---- */

struct chain {
	size_t at;	    /* of its first rule */
	char name[32];	    /* XT_FUNCTION_MAXNAMELEN and more */
	unsigned int hooks; /* bits: from where it is reached */
	int base;	    /* NF_INET_*; -1: a chain of the user's */
};

struct chains {
	struct chain *chains; /* by `at` */
	size_t n, room;
};

static const char *const hook_chains[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					   "POSTROUTING" };

static int hook_at(const struct xtables_table *t, size_t at)
{
	int hook;

	for (hook = 0; hook < NF_INET_NUMHOOKS; hook++)
		if (t->valid_hooks & 1u << hook && t->hook_entry[hook] == at)
			return hook;
	return -1;
}

static int add_chain(struct chains *c, const struct chain *chain)
{
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		struct chain *more = reallocarray(c->chains, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->chains = more;
		c->room = room;
	}
	c->chains[c->n++] = *chain;
	return 0;
}

/* Whose rules stand at AT: the last chain that begins there or before. */
static struct chain *chain_of(const struct chains *c, size_t at)
{
	size_t low = 0, high = c->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (c->chains[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return c->n && c->chains[low].at <= at ? &c->chains[low] : NULL;
}

static bool is_error(const struct xtables_entry *e)
{
	return !strcmp(e->target, XT_ERROR_TARGET);
}

static int find_chains(const struct xtables_table *t, struct chains *c)
{
	struct xtables_entry e;
	size_t at;
	int err = 0;

	for (at = 0; !err && at < t->size; at = e.next) {
		struct chain chain = { .at = at, .base = hook_at(t, at) };

		err = xtables_entry_read(t, at, &e);
		if (err)
			break;
		if (chain.base >= 0) {
			chain.hooks = 1u << chain.base;
			rule_copy(chain.name, sizeof(chain.name),
				  hook_chains[chain.base]);
			err = add_chain(c, &chain);
		} else if (is_error(&e)) {
			chain.at = e.next;
			memcpy(chain.name, e.target_data,
			       min_size(sizeof(chain.name) - 1, e.target_len));
			err = add_chain(c, &chain);
		}
	}
	return err;
}

/* Pass the hooks on from each chain to those that it jumps to, until nothing changes. */
static int spread_hooks(const struct xtables_table *t, struct chains *c)
{
	struct xtables_entry e;
	bool changed = true;
	size_t at, rounds;

	for (rounds = 0; changed && rounds <= c->n; rounds++) {
		changed = false;
		for (at = 0; at < t->size; at = e.next) {
			struct chain *from = chain_of(c, at), *to;
			int err = xtables_entry_read(t, at, &e);

			if (err)
				return err;
			if (!from || e.target[0] || e.verdict < 0 ||
			    (size_t)e.verdict == e.next)
				continue;
			to = chain_of(c, (size_t)e.verdict);
			if (!to || (to->hooks | from->hooks) == to->hooks)
				continue;
			to->hooks |= from->hooks;
			changed = true;
		}
	}
	return 0;
}

/* ---- what a rule could have done to the packet ---- */

/* How it lets no packet pass; NULL: it does. */
static const char *taking_verdict(const struct xtables_entry *e)
{
	static const struct {
		const char *target, *verdict;
	} targets[] = {
		{ "REJECT", "reject" }, { "TARPIT", "stolen" }, { "STEAL", "stolen" },
		{ "CHAOS", "stolen" },	{ "DELUDE", "stolen" }, { "SYNPROXY", "stolen" },
		{ "NFQUEUE", "queue" },
	};
	size_t i;

	/* The kernel's verdict V stands as -V - 1. */
	if (!e->target[0])
		return e->verdict == -NF_DROP - 1    ? "drop"
		       : e->verdict == -NF_QUEUE - 1 ? "queue"
						     : NULL;
	for (i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(e->target, targets[i].target))
			return targets[i].verdict;
	return NULL;
}

static bool address_fits(const struct addr *rule, const struct addr *mask,
			 const struct addr *a, bool inverse)
{
	size_t i;
	bool same = true;

	for (i = 0; i < addr_len(a); i++)
		same &= (a->ip[i] & mask->ip[i]) == rule->ip[i];
	return same != inverse;
}

static bool port_in(const uint16_t range[2], uint16_t port, bool inverse)
{
	return (range[0] <= port && port <= range[1]) != inverse;
}

/* Only one of the two ports is known here: that of the traced service. */
static bool match_fits(const struct xtables_match *m, uint16_t port, bool answer)
{
	struct xt_tcp tcp;
	struct xt_udp udp;

	if (!strcmp(m->name, "tcp") && m->len >= sizeof(tcp)) {
		memcpy(&tcp, m->data, sizeof(tcp));
		return answer ? port_in(tcp.spts, port, tcp.invflags & XT_TCP_INV_SRCPT)
			      : port_in(tcp.dpts, port, tcp.invflags & XT_TCP_INV_DSTPT);
	}
	if (!strcmp(m->name, "udp") && m->len >= sizeof(udp)) {
		memcpy(&udp, m->data, sizeof(udp));
		return answer ? port_in(udp.spts, port, udp.invflags & XT_UDP_INV_SRCPT)
			      : port_in(udp.dpts, port, udp.invflags & XT_UDP_INV_DSTPT);
	}
	return strcmp(m->name, "icmp") && strcmp(m->name, "icmp6");
}

/* Could a packet to the service (ANSWER: from it) match E? What can't be told, counts as
 * yes. */
static bool fits(const struct xtables_entry *e, const struct rule_flow *flow, bool answer)
{
	struct xtables_match m;
	size_t at = 0;

	/* The numbers are those of IP6T_*, too. */
	if (e->protocol &&
	    (e->protocol == flow->protocol) == ((e->inverse & XT_INV_PROTO) != 0))
		return false;
	if (answer ? !address_fits(&e->src, &e->src_mask, &flow->addr,
				   e->inverse & IPT_INV_SRCIP)
		   : !address_fits(&e->dst, &e->dst_mask, &flow->addr,
				   e->inverse & IPT_INV_DSTIP))
		return false;
	while (xtables_match_read(e, &at, &m))
		if (!match_fits(&m, flow->port, answer))
			return false;
	return true;
}

static bool is_wanted(const struct xtables_entry *e, const struct chain *chain,
		      const struct legacy_wanted *wanted)
{
	if (wanted->hooks && !(chain->hooks & wanted->hooks))
		return false;
	if (!wanted->flow)
		return true;
	if (!wanted->any_direction)
		return fits(e, wanted->flow, wanted->answer);
	return fits(e, wanted->flow, false) || fits(e, wanted->flow, true);
}

static unsigned int number_of(const struct xtables_table *t, const struct chain *chain,
			      size_t at)
{
	unsigned int number = 1;
	struct xtables_entry e;
	size_t i;

	/* The policy stands behind the rules. */
	if (chain->base >= 0 && t->underflow[chain->base] == at)
		return 0;
	for (i = chain->at; i < at && xtables_entry_read(t, i, &e) == 0; i = e.next)
		number++;
	return number;
}

static int compare_entries(const struct xtables_table *before,
			   const struct xtables_table *after, const struct chains *chains,
			   const struct legacy_wanted *wanted,
			   struct legacy_rule *ret_rules, size_t *n)
{
	struct xtables_entry was, is;
	size_t at;

	for (at = 0; at < after->size; at = is.next) {
		const struct chain *chain = chain_of(chains, at);
		int err = xtables_entry_read(after, at, &is);
		const char *verdict;

		if (err || xtables_entry_read(before, at, &was))
			return err ? err : -EAGAIN;
		if (was.next != is.next || strcmp(was.target, is.target) ||
		    was.verdict != is.verdict || was.n_packets > is.n_packets)
			return -EAGAIN;
		verdict = taking_verdict(&is);
		if (!chain || !verdict || is.n_packets == was.n_packets ||
		    !is_wanted(&is, chain, wanted))
			continue;
		if (*n < LEGACY_RULES_MAX) {
			struct legacy_rule *r = &ret_rules[*n];

			*r = (struct legacy_rule){ .entry = is,
						   .number = number_of(after, chain, at),
						   .hooks = chain->hooks,
						   .verdict = verdict };
			memcpy(r->table, after->name, sizeof(r->table));
			memcpy(r->chain, chain->name, sizeof(r->chain));
		}
		++*n;
	}
	return 0;
}

int legacy_compare(const struct xtables_table *before, const struct xtables_table *after,
		   const struct legacy_wanted *wanted, struct legacy_rule *ret_rules,
		   size_t *n)
{
	struct chains chains = { NULL };
	int err;

	if (before->size != after->size || before->family != after->family)
		return -EAGAIN;
	err = find_chains(after, &chains);
	if (!err)
		err = spread_hooks(after, &chains);
	if (!err)
		err = compare_entries(before, after, &chains, wanted, ret_rules, n);
	free(chains.chains);
	return err;
}
