/*
 * nftables: what the kernel tells about tables, chains, rules and sets, taken apart.
 * Pure.
 */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "ruleset_private.h"

/* A rule that is longer is not of this world (linux: NFT_RULE_MAXEXPRS 128). */
#define STEPS_MAX 160
/* Of one set. */
#define ELEMENTS_MAX (1u << 20)

static int note_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= ATTRS_MAX)
		a->tb[type] = attr;
	return MNL_CB_OK;
}

static void read_message(struct attrs *a, const struct nlmsghdr *nlh)
{
	memset(a, 0, sizeof(*a));
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), note_attr, a);
}

static int parse_table(struct ruleset *r, const struct attrs *a, uint8_t family)
{
	const char *name = attrs_str(a, NFTA_TABLE_NAME);

	if (!name || !(attrs_u32(a, NFTA_TABLE_FLAGS) & NFT_TABLE_F_DORMANT))
		return 0;
	return ruleset_add_dormant(r, family, name);
}

static int parse_chain(struct ruleset *r, const struct attrs *a, uint8_t family)
{
	const char *table = attrs_str(a, NFTA_CHAIN_TABLE);
	const char *name = attrs_str(a, NFTA_CHAIN_NAME);
	const char *type = attrs_str(a, NFTA_CHAIN_TYPE);
	struct chain *c;
	struct attrs hook;

	if (!table || !name)
		return -EBADMSG;
	c = ruleset_add_chain(r, family, table, name);
	if (!c)
		return -ENOMEM;
	if (!a->tb[NFTA_CHAIN_HOOK])
		return 0;
	attrs_read_nested(&hook, a->tb[NFTA_CHAIN_HOOK]);
	c->base = true;
	c->hook = attrs_u32(&hook, NFTA_HOOK_HOOKNUM);
	c->priority = (int32_t)attrs_u32(&hook, NFTA_HOOK_PRIORITY);
	c->one_device = hook.tb[NFTA_HOOK_DEV] || hook.tb[NFTA_HOOK_DEVS];
	c->policy = a->tb[NFTA_CHAIN_POLICY] ? (int32_t)attrs_u32(a, NFTA_CHAIN_POLICY)
					     : NF_ACCEPT;
	c->nat = type && !strcmp(type, "nat");
	return 0;
}

static int parse_steps(struct ruleset *r, const struct nlattr *list, struct rule *rule)
{
	struct step steps[STEPS_MAX];
	const struct nlattr *attr;
	int err = 0;

	if (!list)
		return 0;
	mnl_attr_for_each_nested(attr, list) {
		if (rule->n == STEPS_MAX)
			return -E2BIG;
		err = ruleset_parse_step(r, attr, &steps[rule->n]);
		if (err)
			return err;
		rule->n++;
	}
	rule->steps = ruleset_keep(r, steps, rule->n * sizeof(*steps));
	return rule->steps ? 0 : -ENOMEM;
}

static int parse_rule(struct ruleset *r, const struct attrs *a, uint8_t family)
{
	const char *table = attrs_str(a, NFTA_RULE_TABLE);
	const char *name = attrs_str(a, NFTA_RULE_CHAIN);
	const struct nlattr *handle = a->tb[NFTA_RULE_HANDLE];
	struct chain *c = table && name ? ruleset_chain(r, family, table, name) : NULL;
	struct rule rule = { 0 };
	int err;

	if (!c)
		return -EBADMSG;
	if (handle && mnl_attr_get_payload_len(handle) >= sizeof(uint64_t))
		rule.handle = be64toh(mnl_attr_get_u64(handle));
	err = parse_steps(r, a->tb[NFTA_RULE_EXPRESSIONS], &rule);
	return err ? err : ruleset_add_rule(c, &rule);
}

static void parse_fields(struct set *s, const struct attrs *a)
{
	struct attrs desc, field;
	const struct nlattr *attr;

	attrs_read_nested(&desc, a->tb[NFTA_SET_DESC]);
	if (!desc.tb[NFTA_SET_DESC_CONCAT])
		return;
	mnl_attr_for_each_nested(attr, desc.tb[NFTA_SET_DESC_CONCAT]) {
		attrs_read_nested(&field, attr);
		if (s->n_fields == SET_FIELDS_MAX) {
			s->incomplete = true;
			return;
		}
		s->fields[s->n_fields++] = (uint8_t)min_size(
			attrs_u32(&field, NFTA_SET_FIELD_LEN), RULESET_REGISTERS_BYTES);
	}
}

static int parse_set(struct ruleset *r, const struct attrs *a, uint8_t family)
{
	const char *table = attrs_str(a, NFTA_SET_TABLE);
	const char *name = attrs_str(a, NFTA_SET_NAME);
	struct set *s = table && name ? ruleset_add_set(r, family, table, name) : NULL;

	if (!s)
		return table && name ? -ENOMEM : -EBADMSG;
	s->flags = attrs_u32(a, NFTA_SET_FLAGS);
	s->key_len = attrs_u32(a, NFTA_SET_KEY_LEN);
	s->incomplete = !s->key_len || s->key_len > RULESET_REGISTERS_BYTES;
	parse_fields(s, a);
	return 0;
}

/* A key as long as those of its set; NULL: shorter. */
static int get_key(struct ruleset *r, const struct set *s, const struct attrs *a,
		   int type, const uint8_t **ret_key)
{
	const uint8_t *data;
	size_t len;
	int err = attrs_data(r, a, type, &data, &len);

	*ret_key = !err && len >= s->key_len ? data : NULL;
	return err;
}

static bool has_limit(const struct nlattr *nest, bool list)
{
	struct attrs e;
	const struct nlattr *attr;
	const char *name;

	if (!nest)
		return false;
	if (list) {
		mnl_attr_for_each_nested(attr, nest)
			if (has_limit(attr, false))
				return true;
		return false;
	}
	attrs_read_nested(&e, nest);
	name = attrs_str(&e, NFTA_EXPR_NAME);
	return !name || (strcmp(name, "counter") && strcmp(name, "last"));
}

static int parse_element(struct ruleset *r, struct set *s, const struct nlattr *nest)
{
	struct element e = { 0 };
	struct attrs a;
	uint32_t flags;
	int err;

	attrs_read_nested(&a, nest);
	flags = attrs_u32(&a, NFTA_SET_ELEM_FLAGS);
	e.catchall = flags & NFT_SET_ELEM_CATCHALL;
	e.limited = has_limit(a.tb[NFTA_SET_ELEM_EXPR], false) ||
		    has_limit(a.tb[NFTA_SET_ELEM_EXPRESSIONS], true);
	err = get_key(r, s, &a, NFTA_SET_ELEM_KEY, &e.key);
	if (!err)
		err = get_key(r, s, &a, NFTA_SET_ELEM_KEY_END, &e.end);
	if (!err)
		err = attrs_verdict(r, &a, NFTA_SET_ELEM_DATA, &e.has_verdict, &e.verdict,
				    &e.chain_name);
	if (!err && !e.has_verdict)
		err = attrs_data(r, &a, NFTA_SET_ELEM_DATA, &e.data, &e.data_len);
	if (err)
		return err;
	if (!e.key && !e.catchall) {
		s->incomplete = true;
		return 0;
	}
	/* See join_ranges(). */
	if (flags & NFT_SET_ELEM_INTERVAL_END)
		e.end = e.key;
	return ruleset_add_element(s, &e);
}

static int parse_elements(struct ruleset *r, const struct attrs *a, uint8_t family)
{
	const char *table = attrs_str(a, NFTA_SET_ELEM_LIST_TABLE);
	const char *name = attrs_str(a, NFTA_SET_ELEM_LIST_SET);
	struct set *s = table && name ? ruleset_set(r, family, table, name) : NULL;
	const struct nlattr *attr;
	int err = 0;

	if (!s)
		return -EBADMSG;
	if (s->incomplete || !a->tb[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	mnl_attr_for_each_nested(attr, a->tb[NFTA_SET_ELEM_LIST_ELEMENTS]) {
		if (s->n >= ELEMENTS_MAX) {
			s->incomplete = true;
			return 0;
		}
		err = parse_element(r, s, attr);
		if (err)
			return err;
	}
	return 0;
}

int ruleset_parse(struct ruleset *r, const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct attrs a;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	read_message(&a, nlh);
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		return parse_table(r, &a, nfg->nfgen_family);
	case NFT_MSG_NEWCHAIN:
		return parse_chain(r, &a, nfg->nfgen_family);
	case NFT_MSG_NEWRULE:
		return parse_rule(r, &a, nfg->nfgen_family);
	case NFT_MSG_NEWSET:
		return parse_set(r, &a, nfg->nfgen_family);
	case NFT_MSG_NEWSETELEM:
		return parse_elements(r, &a, nfg->nfgen_family);
	default:
		return 0;
	}
}
