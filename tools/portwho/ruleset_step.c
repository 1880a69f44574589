/*
 * nftables: one expression of a rule, as the kernel tells it, becomes one step. Pure.
 */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>

#include "ruleset_private.h"

/* ---- attributes ---- */

static int note_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= ATTRS_MAX)
		a->tb[type] = attr;
	return MNL_CB_OK;
}

void attrs_read_nested(struct attrs *a, const struct nlattr *nest)
{
	memset(a, 0, sizeof(*a));
	if (nest)
		(void)mnl_attr_parse_nested(nest, note_attr, a);
}

uint32_t attrs_u32(const struct attrs *a, int type)
{
	const struct nlattr *attr = a->tb[type];

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(uint32_t))
		return 0;
	return be32toh(mnl_attr_get_u32(attr));
}

const char *attrs_str(const struct attrs *a, int type)
{
	const struct nlattr *attr = a->tb[type];
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	const char *s = attr ? mnl_attr_get_payload(attr) : NULL;

	return len && memchr(s, '\0', len) ? s : NULL;
}

int attrs_data(struct ruleset *r, const struct attrs *a, int type,
	       const uint8_t **ret_data, size_t *ret_len)
{
	struct attrs data;
	const struct nlattr *value;

	attrs_read_nested(&data, a->tb[type]);
	value = data.tb[NFTA_DATA_VALUE];
	*ret_data = NULL;
	*ret_len = 0;
	if (!value)
		return 0;
	*ret_len = min_size(mnl_attr_get_payload_len(value), NFT_DATA_VALUE_MAXLEN);
	*ret_data = ruleset_keep(r, mnl_attr_get_payload(value), *ret_len);
	return *ret_data ? 0 : -ENOMEM;
}

/* NFT_REG_1 to 4 have 16 bytes, NFT_REG32_00 and on 4. */
static uint8_t get_register(const struct attrs *a, int type)
{
	uint32_t n = a->tb[type] ? attrs_u32(a, type) : 0;

	if (n >= NFT_REG_1 && n <= NFT_REG_4)
		return (uint8_t)((n - NFT_REG_1) * NFT_REG_SIZE);
	if (n >= NFT_REG32_00 && n <= NFT_REG32_15)
		return (uint8_t)((n - NFT_REG32_00) * NFT_REG32_SIZE);
	return RULESET_NO_REG;
}

/* ---- expressions ---- */

/* What nft calls an expression is a step here. */
struct parsing {
	struct ruleset *ruleset;
	struct attrs attrs; /* of its NFTA_EXPR_DATA */
	struct step *step;
};

typedef int parse_fn(struct parsing *p);

static int parse_payload(struct parsing *p)
{
	struct step *s = p->step;

	s->key = attrs_u32(&p->attrs, NFTA_PAYLOAD_BASE);
	s->offset = attrs_u32(&p->attrs, NFTA_PAYLOAD_OFFSET);
	s->len = (uint8_t)min_size(attrs_u32(&p->attrs, NFTA_PAYLOAD_LEN), 255);
	s->dreg = get_register(&p->attrs, NFTA_PAYLOAD_DREG);
	s->kind = STEP_PAYLOAD;
	/* Of what is written, only addresses and ports change where a packet goes. */
	if (p->attrs.tb[NFTA_PAYLOAD_SREG])
		s->kind = (s->key == NFT_PAYLOAD_NETWORK_HEADER && s->offset >= 8) ||
					  (s->key == NFT_PAYLOAD_TRANSPORT_HEADER &&
					   s->offset < 4)
				  ? STEP_REWRITE
				  : STEP_NOTHING;
	if (s->kind == STEP_REWRITE)
		s->name = "a change of addresses or ports";
	return 0;
}

static int parse_meta(struct parsing *p)
{
	p->step->key = attrs_u32(&p->attrs, NFTA_META_KEY);
	p->step->dreg = get_register(&p->attrs, NFTA_META_DREG);
	p->step->kind = p->attrs.tb[NFTA_META_SREG] ? STEP_NOTHING : STEP_META;
	return 0;
}

static int parse_ct(struct parsing *p)
{
	const struct nlattr *direction = p->attrs.tb[NFTA_CT_DIRECTION];

	p->step->key = attrs_u32(&p->attrs, NFTA_CT_KEY);
	p->step->dreg = get_register(&p->attrs, NFTA_CT_DREG);
	p->step->op = direction && mnl_attr_get_payload_len(direction)
			      ? mnl_attr_get_u8(direction)
			      : 0;
	p->step->kind = p->attrs.tb[NFTA_CT_SREG] ? STEP_NOTHING : STEP_CT;
	return 0;
}

static int parse_fib(struct parsing *p)
{
	p->step->key = attrs_u32(&p->attrs, NFTA_FIB_RESULT);
	p->step->offset = attrs_u32(&p->attrs, NFTA_FIB_FLAGS);
	p->step->dreg = get_register(&p->attrs, NFTA_FIB_DREG);
	p->step->kind = STEP_FIB;
	return 0;
}

static int parse_cmp(struct parsing *p)
{
	struct step *s = p->step;
	int err =
		attrs_data(p->ruleset, &p->attrs, NFTA_CMP_DATA, &s->data, &s->data_len);

	s->kind = STEP_CMP;
	s->op = (uint8_t)attrs_u32(&p->attrs, NFTA_CMP_OP);
	s->sreg = get_register(&p->attrs, NFTA_CMP_SREG);
	s->len = (uint8_t)s->data_len;
	return err;
}

static int parse_range(struct parsing *p)
{
	struct step *s = p->step;
	size_t to_len = 0;
	int err = attrs_data(p->ruleset, &p->attrs, NFTA_RANGE_FROM_DATA, &s->data,
			     &s->data_len);

	if (!err)
		err = attrs_data(p->ruleset, &p->attrs, NFTA_RANGE_TO_DATA, &s->data2,
				 &to_len);
	s->kind = to_len == s->data_len ? STEP_RANGE : STEP_OPAQUE;
	s->invert = attrs_u32(&p->attrs, NFTA_RANGE_OP) == NFT_RANGE_NEQ;
	s->sreg = get_register(&p->attrs, NFTA_RANGE_SREG);
	s->len = (uint8_t)s->data_len;
	return err;
}

static int parse_bitwise(struct parsing *p)
{
	struct step *s = p->step;
	size_t xor_len = 0;
	int err = attrs_data(p->ruleset, &p->attrs, NFTA_BITWISE_MASK, &s->data,
			     &s->data_len);

	if (!err)
		err = attrs_data(p->ruleset, &p->attrs, NFTA_BITWISE_XOR, &s->data2,
				 &xor_len);
	s->sreg = get_register(&p->attrs, NFTA_BITWISE_SREG);
	s->dreg = get_register(&p->attrs, NFTA_BITWISE_DREG);
	s->len = (uint8_t)min_size(attrs_u32(&p->attrs, NFTA_BITWISE_LEN), 64);
	s->kind = attrs_u32(&p->attrs, NFTA_BITWISE_OP) == NFT_BITWISE_BOOL &&
				  s->data_len == s->len && xor_len == s->len
			  ? STEP_BITWISE
			  : STEP_SHIFT;
	return err;
}

static int parse_byteorder(struct parsing *p)
{
	p->step->kind = STEP_BYTEORDER;
	p->step->sreg = get_register(&p->attrs, NFTA_BYTEORDER_SREG);
	p->step->dreg = get_register(&p->attrs, NFTA_BYTEORDER_DREG);
	p->step->len = (uint8_t)min_size(attrs_u32(&p->attrs, NFTA_BYTEORDER_LEN), 64);
	p->step->key = attrs_u32(&p->attrs, NFTA_BYTEORDER_SIZE);
	return 0;
}

int attrs_verdict(struct ruleset *r, const struct attrs *a, int type, bool *ret_has,
		  int32_t *ret_verdict, const char **ret_chain)
{
	struct attrs data, verdict;
	const char *chain;

	*ret_has = false;
	attrs_read_nested(&data, a->tb[type]);
	if (!data.tb[NFTA_DATA_VERDICT])
		return 0;
	attrs_read_nested(&verdict, data.tb[NFTA_DATA_VERDICT]);
	*ret_has = true;
	*ret_verdict = (int32_t)attrs_u32(&verdict, NFTA_VERDICT_CODE);
	chain = attrs_str(&verdict, NFTA_VERDICT_CHAIN);
	if (chain && !(*ret_chain = ruleset_keep_str(r, chain)))
		return -ENOMEM;
	return 0;
}

static int parse_immediate(struct parsing *p)
{
	struct step *s = p->step;
	bool has;
	int err = attrs_verdict(p->ruleset, &p->attrs, NFTA_IMMEDIATE_DATA, &has,
				&s->verdict, &s->name);

	s->kind = STEP_VERDICT;
	if (err || has)
		return err;
	s->kind = STEP_IMMEDIATE;
	s->dreg = get_register(&p->attrs, NFTA_IMMEDIATE_DREG);
	err = attrs_data(p->ruleset, &p->attrs, NFTA_IMMEDIATE_DATA, &s->data,
			 &s->data_len);
	s->len = (uint8_t)s->data_len;
	return err;
}

static int parse_lookup(struct parsing *p)
{
	const char *set = attrs_str(&p->attrs, NFTA_LOOKUP_SET);
	uint32_t dreg = attrs_u32(&p->attrs, NFTA_LOOKUP_DREG);

	p->step->kind = STEP_LOOKUP;
	p->step->sreg = get_register(&p->attrs, NFTA_LOOKUP_SREG);
	p->step->dreg = get_register(&p->attrs, NFTA_LOOKUP_DREG);
	/* Into the verdict's own register: a verdict map. */
	p->step->key = p->attrs.tb[NFTA_LOOKUP_DREG] && dreg == NFT_REG_VERDICT;
	p->step->invert = attrs_u32(&p->attrs, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	p->step->name = ruleset_keep_str(p->ruleset, set ? set : "");
	return p->step->name ? 0 : -ENOMEM;
}

static int parse_nat(struct parsing *p)
{
	struct step *s = p->step;
	const int first = NFTA_NAT_REG_ADDR_MIN, last = NFTA_NAT_REG_ADDR_MAX;

	s->kind = attrs_u32(&p->attrs, NFTA_NAT_TYPE) == NFT_NAT_DNAT ? STEP_DNAT
								      : STEP_SNAT;
	s->op = (uint8_t)attrs_u32(&p->attrs, NFTA_NAT_FAMILY);
	s->sreg = get_register(&p->attrs, first);
	s->dreg = get_register(&p->attrs, NFTA_NAT_REG_PROTO_MIN);
	/* A range of addresses; the kernel tells one address as a range as well. */
	s->invert = p->attrs.tb[last] && get_register(&p->attrs, last) != s->sreg;
	return 0;
}

static int parse_redirect(struct parsing *p)
{
	p->step->kind = STEP_REDIRECT;
	p->step->dreg = get_register(&p->attrs, NFTA_REDIR_REG_PROTO_MIN);
	return 0;
}

/* Of xtables; attributes of matches and targets are numbered alike. */
static int parse_xtables(struct parsing *p)
{
	const char *name = attrs_str(&p->attrs, NFTA_MATCH_NAME);
	const struct nlattr *info = p->attrs.tb[NFTA_MATCH_INFO];

	p->step->name = ruleset_keep_str(p->ruleset, name ? name : "?");
	p->step->revision = (uint8_t)attrs_u32(&p->attrs, NFTA_MATCH_REV);
	if (info) {
		p->step->data_len = mnl_attr_get_payload_len(info);
		p->step->data = ruleset_keep(p->ruleset, mnl_attr_get_payload(info),
					     p->step->data_len);
	}
	return p->step->name && (!info || p->step->data) ? 0 : -ENOMEM;
}

static int parse_match(struct parsing *p)
{
	p->step->kind = STEP_MATCH;
	return parse_xtables(p);
}

static int parse_target(struct parsing *p)
{
	p->step->kind = STEP_TARGET;
	return parse_xtables(p);
}

static int parse_objref(struct parsing *p)
{
	uint32_t type = attrs_u32(&p->attrs, NFTA_OBJREF_IMM_TYPE);

	p->step->kind = STEP_NOTHING;
	if (p->attrs.tb[NFTA_OBJREF_SET_NAME] || type == NFT_OBJECT_LIMIT ||
	    type == NFT_OBJECT_QUOTA || type == NFT_OBJECT_CONNLIMIT) {
		p->step->kind = STEP_SOMETIMES;
		p->step->name = "a limit";
	}
	if (type == NFT_OBJECT_SYNPROXY) {
		p->step->kind = STEP_TAKEN;
		p->step->name = "answered by synproxy";
	}
	return 0;
}

static int parse_exthdr(struct parsing *p)
{
	p->step->kind = STEP_UNKNOWN;
	p->step->dreg = get_register(&p->attrs, NFTA_EXTHDR_DREG);
	if (p->attrs.tb[NFTA_EXTHDR_SREG] || !p->attrs.tb[NFTA_EXTHDR_DREG])
		p->step->kind = STEP_NOTHING;
	return 0;
}

static int parse_dynset(struct parsing *p)
{
	/* With an expression (a meter), or where there is no room, it can say no. */
	p->step->kind = STEP_SOMETIMES;
	return 0;
}

/* NAME decides alone. */
static const struct expression {
	const char *name;
	enum step_kind kind; /* where there is nothing to parse but dreg */
	parse_fn *parse;
	int dreg;	  /* the attribute, for STEP_UNKNOWN */
	const char *what; /* what the outcome depends on */
} expressions[] = {
	{ "payload", .parse = parse_payload },
	{ "meta", .parse = parse_meta },
	{ "ct", .parse = parse_ct },
	{ "fib", .parse = parse_fib },
	{ "cmp", .parse = parse_cmp },
	{ "range", .parse = parse_range },
	{ "bitwise", .parse = parse_bitwise },
	{ "byteorder", .parse = parse_byteorder },
	{ "immediate", .parse = parse_immediate },
	{ "lookup", .parse = parse_lookup },
	{ "nat", .parse = parse_nat },
	{ "redir", .parse = parse_redirect },
	{ "match", .parse = parse_match },
	{ "target", .parse = parse_target },
	{ "objref", .parse = parse_objref },
	{ "exthdr", .parse = parse_exthdr, .what = "an option in the header" },
	{ "dynset", .parse = parse_dynset, .what = "earlier packets" },
	{ "reject", STEP_REJECT },
	{ "masq", STEP_SNAT },
	{ "notrack", STEP_NOTRACK },
	{ "counter", STEP_NOTHING },
	{ "log", STEP_NOTHING },
	{ "last", STEP_NOTHING },
	{ "dup", STEP_NOTHING },
	{ "flow_offload", STEP_SOMETIMES, .what = "established connections" },
	{ "limit", STEP_SOMETIMES, .what = "the rate" },
	{ "quota", STEP_SOMETIMES, .what = "a quota" },
	{ "connlimit", STEP_SOMETIMES, .what = "the number of connections" },
	{ "queue", STEP_TAKEN, .what = "handed to a program by queue" },
	{ "tproxy", STEP_TAKEN, .what = "handed to a proxy by tproxy" },
	{ "synproxy", STEP_TAKEN, .what = "answered by synproxy" },
	{ "fwd", STEP_TAKEN, .what = "sent on to another device" },
	{ "rt", STEP_UNKNOWN, .dreg = NFTA_RT_DREG, .what = "routing" },
	{ "socket", STEP_UNKNOWN, .dreg = NFTA_SOCKET_DREG, .what = "the socket" },
	{ "hash", STEP_UNKNOWN, .dreg = NFTA_HASH_DREG, .what = "a hash" },
	{ "numgen", STEP_UNKNOWN, .dreg = NFTA_NG_DREG, .what = "chance, or a count" },
	{ "osf", STEP_UNKNOWN, .dreg = NFTA_OSF_DREG, .what = "the sender's system" },
	{ "tunnel", STEP_UNKNOWN, .dreg = NFTA_TUNNEL_DREG, .what = "the tunnel" },
	{ "xfrm", STEP_UNKNOWN, .dreg = NFTA_XFRM_DREG, .what = "IPsec" },
};

int ruleset_parse_step(struct ruleset *r, const struct nlattr *nest, struct step *step)
{
	struct attrs outer;
	struct parsing p = { .ruleset = r, .step = step };
	const char *name;
	size_t i;

	attrs_read_nested(&outer, nest);
	name = attrs_str(&outer, NFTA_EXPR_NAME);
	attrs_read_nested(&p.attrs, outer.tb[NFTA_EXPR_DATA]);
	*step = (struct step){ .kind = STEP_OPAQUE,
			       .sreg = RULESET_NO_REG,
			       .dreg = RULESET_NO_REG };
	for (i = 0; name && i < ARRAY_SIZE(expressions); i++) {
		const struct expression *e = &expressions[i];

		if (strcmp(e->name, name))
			continue;
		step->kind = e->kind;
		step->name = e->what;
		if (e->dreg)
			step->dreg = get_register(&p.attrs, e->dreg);
		if (e->parse)
			return e->parse(&p);
		return 0;
	}
	step->name = ruleset_keep_str(r, name ? name : "?");
	return step->name ? 0 : -ENOMEM;
}
