/*
 * The registers of a packet of which only a part is known, and what they are compared
 * with.
 */
#include "firewall_private.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define LOOPBACK_INDEX 1 /* linux/netdevice.h: LOOPBACK_IFINDEX */

/* ---- what is made of it ---- */

static enum fit bitwise(struct registers *r, const struct step *s)
{
	uint8_t value[RULESET_REGISTERS_BYTES], known[RULESET_REGISTERS_BYTES];
	const char *what = registers_what(r, s->sreg, s->len);
	enum tag tag = TAG_NONE;
	size_t i;

	if (!s->len || !registers_fit(s->sreg, s->len) || !registers_fit(s->dreg, s->len))
		return FIT_OPAQUE;
	/* The first byte tells loopback. */
	if (r->tag[s->sreg / 4] == TAG_NOT_LOOPBACK && s->data[0] == 0xff)
		tag = TAG_NOT_LOOPBACK;
	for (i = 0; i < s->len; i++) {
		value[i] = (r->bits.value[s->sreg + i] & s->data[i]) ^ s->data2[i];
		known[i] = r->bits.known[s->sreg + i] | (uint8_t)~s->data[i];
	}
	memcpy(r->bits.value + s->dreg, value, s->len);
	memcpy(r->bits.known + s->dreg, known, s->len);
	for (i = s->dreg / 4u; i < (s->dreg + s->len + 3u) / 4; i++) {
		r->what[i] = what;
		r->tag[i] = TAG_NONE;
	}
	r->tag[s->dreg / 4] = tag;
	return FIT_YES;
}

/* In pieces of 2, 4 or 8 bytes; both ways are the same, and none where bytes stand in
 * network order anyway. */
static enum fit byteorder(struct registers *r, const struct step *s)
{
	struct bits from = r->bits;
	const char *what = registers_what(r, s->sreg, s->len);
	size_t size = s->key, i;

	if (size < 2 || size > 8 || !s->len || s->len % size ||
	    !registers_fit(s->sreg, s->len) || !registers_fit(s->dreg, s->len))
		return FIT_OPAQUE;
	for (i = 0; i < s->len; i++) {
		size_t at = htobe16(1) == 1 ? i : i / size * size + size - 1 - i % size;

		r->bits.value[s->dreg + i] = from.value[s->sreg + at];
		r->bits.known[s->dreg + i] = from.known[s->sreg + at];
	}
	for (i = s->dreg / 4u; i < (s->dreg + s->len + 3u) / 4; i++) {
		r->what[i] = what;
		r->tag[i] = TAG_NONE;
	}
	return FIT_YES;
}

/* ---- comparing ---- */

/* The least and the greatest that LEN bytes at AT can be. */
static void bounds(const struct registers *r, size_t at, size_t len, uint8_t *low,
		   uint8_t *high)
{
	size_t i;

	for (i = 0; i < len; i++) {
		uint8_t known = r->bits.known[at + i];

		low[i] = r->bits.value[at + i] & known;
		high[i] = low[i] | (uint8_t)~known;
	}
}

/* Is all between LOW and HIGH what the unknown value can't be? */
static bool is_excluded(enum tag tag, int family, const uint8_t *low, const uint8_t *high,
			size_t len)
{
	static const uint8_t loopback6[16] = { [15] = 1 };
	uint32_t index = LOOPBACK_INDEX;

	switch (tag) {
	case TAG_NONE:
		return false;
	case TAG_NOT_LOOPBACK:
		if (family == AF_INET)
			return low[0] == 127 && high[0] == 127;
		return len == 16 && !memcmp(low, loopback6, 16) && !memcmp(high, low, 16);
	case TAG_NOT_LO:
		return len == 4 && !memcmp(low, &index, 4) && !memcmp(high, low, 4);
	case TAG_NOT_LO_NAME:
		return len >= 3 && !memcmp(low, "lo", 3) && !memcmp(high, low, len);
	}
	return false;
}

static enum fit opposite(enum fit fit)
{
	return fit == FIT_YES ? FIT_NO : fit == FIT_NO ? FIT_YES : fit;
}

/* Between FROM and TO, as numbers in network order. */
static enum fit in_range(const struct follower *f, size_t at, size_t len,
			 const uint8_t *from, const uint8_t *to)
{
	uint8_t low[RULESET_REGISTERS_BYTES], high[RULESET_REGISTERS_BYTES];
	size_t i;

	if (!len || !registers_fit(at, len))
		return FIT_OPAQUE;
	bounds(&f->registers, at, len, low, high);
	if (memcmp(high, from, len) < 0 || memcmp(low, to, len) > 0 ||
	    is_excluded(f->registers.tag[at / 4], f->packet->family, from, to, len))
		return FIT_NO;
	if (memcmp(low, from, len) >= 0 && memcmp(high, to, len) <= 0)
		return FIT_YES;
	/* One value alone: a bit may tell. */
	for (i = 0; !memcmp(from, to, len) && i < len; i++)
		if ((f->registers.bits.value[at + i] ^ from[i]) &
		    f->registers.bits.known[at + i])
			return FIT_NO;
	return FIT_MAYBE;
}

static enum fit compare(const struct follower *f, const struct step *s)
{
	static const uint8_t least[RULESET_REGISTERS_BYTES];
	uint8_t most[RULESET_REGISTERS_BYTES];
	const uint8_t *d = s->data;

	if (!s->len)
		return FIT_OPAQUE;
	memset(most, 0xff, sizeof(most));
	switch (s->op) {
	case NFT_CMP_EQ:
		return in_range(f, s->sreg, s->len, d, d);
	case NFT_CMP_NEQ:
		return opposite(in_range(f, s->sreg, s->len, d, d));
	case NFT_CMP_LTE:
		return in_range(f, s->sreg, s->len, least, d);
	case NFT_CMP_GT:
		return opposite(in_range(f, s->sreg, s->len, least, d));
	case NFT_CMP_GTE:
		return in_range(f, s->sreg, s->len, d, most);
	case NFT_CMP_LT:
		return opposite(in_range(f, s->sreg, s->len, d, most));
	default:
		return FIT_OPAQUE;
	}
}

/* A key of several fields, each in words of its own. */
static enum fit fields_fit(const struct follower *f, const struct step *s,
			   const struct element *e, const uint8_t *end)
{
	const struct set *set = s->set;
	enum fit fit = FIT_YES;
	size_t at = 0, i;

	for (i = 0; i < set->n_fields; i++) {
		size_t len = set->fields[i];
		enum fit one;

		if (!len || at + len > set->key_len)
			return FIT_OPAQUE;
		one = in_range(f, s->sreg + at, len, e->key + at, end + at);
		if (one == FIT_NO || one == FIT_OPAQUE)
			return one;
		if (one == FIT_MAYBE)
			fit = FIT_MAYBE;
		at += (len + 3) / 4 * 4;
	}
	return fit;
}

enum fit follower_element(const struct follower *f, const struct step *s,
			  const struct element *e)
{
	const uint8_t *end = e->end ? e->end : e->key;
	enum fit fit;

	if (e->catchall)
		return FIT_MAYBE;
	fit = s->set->n_fields > 1 ? fields_fit(f, s, e, end)
				   : in_range(f, s->sreg, s->set->key_len, e->key, end);
	return fit == FIT_YES && e->limited ? FIT_MAYBE : fit;
}

static bool is_all_unknown(const struct registers *r, size_t at, size_t len)
{
	size_t i;

	for (i = at; i < at + len && i < RULESET_REGISTERS_BYTES; i++)
		if (r->bits.known[i])
			return false;
	return true;
}

/* In a set, or in a map that gives a value. */
static enum fit look_up(struct follower *f, const struct step *s)
{
	const struct element *found = NULL;
	enum fit fit = FIT_NO;
	bool blind;
	size_t i;

	if (!s->set || s->set->incomplete || s->set->flags & NFT_SET_OBJECT)
		return FIT_OPAQUE;
	/* Lists of senders are long; one that may fit says all. */
	blind = is_all_unknown(&f->registers, s->sreg, s->set->key_len);
	for (i = 0; i < s->set->n && fit != FIT_YES && !(blind && fit == FIT_MAYBE);
	     i++) {
		const struct element *e = &s->set->elements[i];
		enum fit one = follower_element(f, s, e);

		/* It fits whatever nothing else did. */
		if (e->catchall)
			one = fit == FIT_NO ? FIT_YES : FIT_MAYBE;
		if (one == FIT_OPAQUE)
			return FIT_OPAQUE;
		if (one != FIT_NO)
			fit = one;
		if (one == FIT_YES)
			found = e;
	}
	if (s->dreg != RULESET_NO_REG && s->set->flags & NFT_SET_MAP) {
		enum fit loaded =
			found && found->data_len
				? follower_load(f, s, found->data, found->data_len)
				: follower_load_unknown(f, s, 16, "a map", TAG_NONE);

		if (loaded == FIT_OPAQUE)
			return loaded;
	}
	return s->invert ? opposite(fit) : fit;
}

/* ---- steps ---- */

enum fit follower_step(struct follower *f, const struct step *s, const char **ret_what)
{
	struct registers *r = &f->registers;
	enum fit fit = FIT_OPAQUE;

	*ret_what = s->name;
	switch (s->kind) {
	case STEP_NOTHING:
		return FIT_YES;
	case STEP_SOMETIMES:
		return FIT_MAYBE;
	case STEP_PAYLOAD:
		return follower_load_payload(f, s);
	case STEP_META:
		return follower_load_meta(f, s);
	case STEP_CT:
		return follower_load_ct(f, s);
	case STEP_FIB:
		return follower_load_fib(f, s);
	case STEP_UNKNOWN:
		return follower_load_unknown(f, s, 16, s->name, TAG_NONE);
	case STEP_SHIFT:
		*ret_what = registers_what(r, s->sreg, s->len);
		return follower_load_unknown(f, s, min_size(s->len, 64),
					     *ret_what ? *ret_what : "a shifted value",
					     TAG_NONE);
	case STEP_BITWISE:
		return bitwise(r, s);
	case STEP_BYTEORDER:
		return byteorder(r, s);
	case STEP_IMMEDIATE:
		return follower_load(f, s, s->data, s->data_len);
	case STEP_CMP:
		*ret_what = registers_what(r, s->sreg, s->len);
		return compare(f, s);
	case STEP_RANGE:
		*ret_what = registers_what(r, s->sreg, s->len);
		fit = in_range(f, s->sreg, s->len, s->data, s->data2);
		return s->invert ? opposite(fit) : fit;
	case STEP_LOOKUP:
		*ret_what = s->set ? registers_what(r, s->sreg, s->set->key_len) : NULL;
		return look_up(f, s);
	case STEP_MATCH:
		return xt_match(f, s, ret_what);
	case STEP_REWRITE:
		*ret_what = "changes addresses or ports";
		return FIT_OPAQUE;
	case STEP_OPAQUE:
	case STEP_VERDICT:
	case STEP_REJECT:
	case STEP_DNAT:
	case STEP_REDIRECT:
	case STEP_SNAT:
	case STEP_NOTRACK:
	case STEP_TARGET:
	case STEP_TAKEN:
		break;
	}
	return FIT_OPAQUE;
}
