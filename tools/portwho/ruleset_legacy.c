/*
 * iptables-legacy: its tables become chains and rules like those of nftables.
 */
#include "xtables.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "ruleset_private.h"

/* Before the matches and the target: protocol, two addresses, two devices, fragment. */
#define STEPS_MAX 32

static const char *const hook_names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					  "POSTROUTING" };

/* linux/netfilter_ipv4.h: NF_IP_PRI_*; of nat, of its first hooks. */
static const struct {
	const char *table;
	int priority;
} priorities[] = { { "raw", -300 },
		   { "mangle", -150 },
		   { "nat", -100 },
		   { "filter", 0 },
		   { "security", 50 } };

static int priority_of(const char *table)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		if (!strcmp(priorities[i].table, table))
			return priorities[i].priority;
	return 0;
}

/* ---- one rule ---- */

struct making {
	struct ruleset *ruleset;
	struct step steps[STEPS_MAX];
	size_t n;
	int err;
};

static struct step *next(struct making *m, enum step_kind kind)
{
	struct step *s = &m->steps[m->n];

	if (m->n == STEPS_MAX - 1)
		m->err = -E2BIG;
	else
		m->n++;
	*s = (struct step){ .kind = kind };
	return s;
}

static const uint8_t *keep(struct making *m, const void *bytes, size_t len)
{
	const uint8_t *kept = ruleset_keep(m->ruleset, bytes, len);

	if (!kept)
		m->err = -ENOMEM;
	return kept;
}

static void add_compare(struct making *m, const void *bytes, size_t len, bool invert)
{
	struct step *s = next(m, STEP_CMP);

	s->op = invert ? NFT_CMP_NEQ : NFT_CMP_EQ;
	s->len = (uint8_t)len;
	s->data = keep(m, bytes, len);
	s->data_len = len;
}

static void add_address(struct making *m, const struct addr *a, const struct addr *mask,
			size_t offset, bool invert)
{
	static const uint8_t none[16];
	size_t len = addr_len(a);
	struct step *s;

	if (!memcmp(mask->ip, none, len))
		return;
	s = next(m, STEP_PAYLOAD);
	s->key = NFT_PAYLOAD_NETWORK_HEADER;
	s->offset = (uint32_t)offset;
	s->len = (uint8_t)len;
	s = next(m, STEP_BITWISE);
	s->len = (uint8_t)len;
	s->data = keep(m, mask->ip, len);
	s->data2 = keep(m, none, len);
	add_compare(m, a->ip, len, invert);
}

/* "eth+": all whose names begin so. */
static void add_device(struct making *m, const char name[IF_NAMESIZE], uint32_t key,
		       bool invert)
{
	size_t len = strnlen(name, IF_NAMESIZE - 1);
	struct step *s;

	if (!len || !strcmp(name, "+"))
		return;
	s = next(m, STEP_META);
	s->key = key;
	add_compare(m, name, name[len - 1] == '+' ? len - 1 : len + 1, invert);
}

static void add_protocol(struct making *m, const struct xtables_entry *e)
{
	uint8_t protocol = (uint8_t)e->protocol;
	struct step *s;

	if (!e->protocol)
		return;
	s = next(m, STEP_META);
	s->key = NFT_META_L4PROTO;
	add_compare(m, &protocol, 1, e->inverse & XT_INV_PROTO);
}

/* Fragments but the first one: what is followed here is none. */
static void add_fragment(struct making *m, const struct xtables_entry *e)
{
	uint8_t offset[2] = { 0 };
	struct step *s;

	if (e->family != AF_INET || !(e->flags & IPT_F_FRAG))
		return;
	s = next(m, STEP_PAYLOAD);
	s->key = NFT_PAYLOAD_NETWORK_HEADER;
	s->offset = 7;
	s->len = 1;
	add_compare(m, offset, 1, !(e->inverse & IPT_INV_FRAG));
}

static void add_matches(struct making *m, const struct xtables_entry *e)
{
	struct xtables_match match;
	size_t at = 0;

	while (xtables_match_read(e, &at, &match)) {
		struct step *s = next(m, STEP_MATCH);

		s->name = (const char *)keep(m, match.name, sizeof(match.name));
		s->revision = match.revision;
		s->data = keep(m, match.data, match.len);
		s->data_len = match.len;
	}
}

/* Where a chain begins; sorted, since they are found so. */
struct start {
	size_t at;
	struct chain *chain;
};

struct starts {
	struct start *items;
	size_t n, cap;
};

static const struct chain *chain_at(const struct starts *starts, size_t at)
{
	size_t low = 0, high = starts->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (starts->items[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < starts->n && starts->items[low].at == at ? starts->items[low].chain
							      : NULL;
}

static void add_target(struct making *m, const struct xtables_entry *e,
		       const struct starts *starts)
{
	struct step *s;

	if (e->target[0]) {
		s = next(m, STEP_TARGET);
		s->name = (const char *)keep(m, e->target, sizeof(e->target));
		s->revision = e->target_revision;
		s->data = keep(m, e->target_data, e->target_len);
		s->data_len = e->target_len;
		return;
	}
	/* A rule without a target goes on to the next one. */
	if (e->verdict >= 0 && (size_t)e->verdict == e->next)
		return;
	s = next(m, STEP_VERDICT);
	if (e->verdict >= 0) {
		s->verdict = e->flags & IPT_F_GOTO ? NFT_GOTO : NFT_JUMP;
		s->chain = chain_at(starts, (size_t)e->verdict);
	} else {
		/* The kernel's verdict V stands as -V - 1. */
		s->verdict = e->verdict == XT_RETURN ? NFT_RETURN : -e->verdict - 1;
	}
}

static int make_rule(struct ruleset *r, const struct xtables_entry *e,
		     const struct starts *starts, struct chain *chain, uint64_t number)
{
	struct making m = { .ruleset = r };
	struct rule rule = { .handle = number };
	bool v6 = e->family == AF_INET6;

	add_protocol(&m, e);
	add_address(&m, &e->src, &e->src_mask, v6 ? 8 : 12, e->inverse & IPT_INV_SRCIP);
	add_address(&m, &e->dst, &e->dst_mask, v6 ? 24 : 16, e->inverse & IPT_INV_DSTIP);
	add_device(&m, e->in, NFT_META_IIFNAME, e->inverse & IPT_INV_VIA_IN);
	add_device(&m, e->out, NFT_META_OIFNAME, e->inverse & IPT_INV_VIA_OUT);
	add_fragment(&m, e);
	add_matches(&m, e);
	add_target(&m, e, starts);
	if (m.err)
		return m.err;
	rule.n = m.n;
	rule.steps = ruleset_keep(r, m.steps, m.n * sizeof(*m.steps));
	return rule.steps ? ruleset_add_rule(chain, &rule) : -ENOMEM;
}

/* ---- one table ---- */

static int add_start(struct ruleset *r, struct starts *starts,
		     const struct xtables_table *t, size_t at, const char *name, int hook)
{
	uint8_t family = t->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct chain *c;

	if (starts->n == starts->cap) {
		size_t cap = starts->cap ? 2 * starts->cap : 16;
		struct start *more = reallocarray(starts->items, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		starts->items = more;
		starts->cap = cap;
	}
	c = ruleset_add_chain(r, family, t->name, name);
	if (!c)
		return -ENOMEM;
	c->legacy = true;
	c->nat = !strcmp(t->name, "nat");
	c->policy = NF_ACCEPT;
	c->base = hook >= 0;
	c->hook = hook >= 0 ? (uint32_t)hook : 0;
	c->priority = priority_of(t->name);
	if (c->nat && hook == NF_INET_LOCAL_IN)
		c->priority = 100; /* NF_IP_PRI_NAT_SRC */
	starts->items[starts->n].at = at;
	starts->items[starts->n++].chain = c;
	return 0;
}

static int find_starts(struct ruleset *r, const struct xtables_table *t,
		       struct starts *starts)
{
	char name[XT_EXTENSION_MAXNAMELEN + 1];
	struct xtables_entry e;
	int err = 0, hook;
	size_t at;

	for (at = 0; !err && at < t->size; at = e.next) {
		err = xtables_entry_read(t, at, &e);
		for (hook = 0; !err && hook < NF_INET_NUMHOOKS; hook++)
			if (t->valid_hooks & 1u << hook && t->hook_entry[hook] == at)
				err = add_start(r, starts, t, at, hook_names[hook], hook);
		if (err || strcmp(e.target, XT_ERROR_TARGET))
			continue;
		memset(name, 0, sizeof(name));
		memcpy(name, e.target_data, min_size(sizeof(name) - 1, e.target_len));
		/* The last entry of all is such a one, too. */
		if (e.next < t->size)
			err = add_start(r, starts, t, e.next, name, -1);
	}
	return err;
}

static bool is_policy(const struct xtables_table *t, const struct chain *c, size_t at)
{
	return c->base && t->underflow[c->hook] == at;
}

static int make_rules(struct ruleset *r, const struct xtables_table *t,
		      const struct starts *starts)
{
	struct xtables_entry e;
	size_t at, i = 0;
	uint64_t number = 0;
	int err = 0;

	for (at = 0; !err && at < t->size; at = e.next) {
		struct chain *c;

		err = xtables_entry_read(t, at, &e);
		if (err)
			break;
		while (i + 1 < starts->n && starts->items[i + 1].at <= at) {
			i++;
			number = 0;
		}
		if (!starts->n || !strcmp(e.target, XT_ERROR_TARGET))
			continue;
		c = starts->items[i].chain;
		if (is_policy(t, c, at))
			c->policy = e.verdict < 0 ? -e.verdict - 1 : NF_ACCEPT;
		else
			err = make_rule(r, &e, starts, c, ++number);
	}
	return err;
}

static int add_table(struct ruleset *r, const struct xtables_table *t)
{
	struct starts starts = { NULL };
	int err = find_starts(r, t, &starts);

	if (!err)
		err = make_rules(r, t, &starts);
	free(starts.items);
	return err;
}

static int load_family(struct ruleset *r, int family)
{
	char names[512], *name, *end;
	int fd PK_CLEANUP(fd_close) = -1;
	int err = xtables_read_names(family, names, sizeof(names));

	if (err <= 0)
		return err;
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -errno : 0;
	for (name = names; !err && *name; name = end) {
		struct xtables_table t = { .family = family };

		end = name + strcspn(name, "\n");
		if (*end)
			*end++ = '\0';
		if (!*name || strlen(name) >= sizeof(t.name))
			continue;
		memcpy(t.name, name, strlen(name) + 1);
		err = xtables_read_table(fd, &t);
		if (!err)
			err = add_table(r, &t);
		free(t.entries);
	}
	return err;
}

int ruleset_load_legacy(struct ruleset *r)
{
	int err = load_family(r, AF_INET);

	return err ? err : load_family(r, AF_INET6);
}
