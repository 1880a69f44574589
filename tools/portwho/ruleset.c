#include "ruleset_private.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Of a whole ruleset: a million elements and more. */
#define RULESET_MAX_BYTES ((size_t)512 << 20)
#define BLOCK_BYTES	  ((size_t)64 << 10)

/* ---- memory: all of it goes at once ---- */

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t bytes[];
};

static void *take(struct ruleset *r, size_t len)
{
	const size_t align = _Alignof(max_align_t);
	struct block *b = r->blocks;
	size_t size;
	void *at;

	if (len > RULESET_MAX_BYTES - r->n_bytes)
		return NULL;
	len = (len + align - 1) / align * align;
	if (!b || b->size - b->used < len) {
		size = len > BLOCK_BYTES ? len : BLOCK_BYTES;
		b = calloc(1, sizeof(*b) + size);
		if (!b)
			return NULL;
		b->size = size;
		b->next = r->blocks;
		r->blocks = b;
	}
	at = b->bytes + b->used;
	b->used += len;
	r->n_bytes = min_size(r->n_bytes + len, RULESET_MAX_BYTES);
	return at;
}

void *ruleset_keep(struct ruleset *r, const void *bytes, size_t len)
{
	void *at = take(r, len ? len : 1);

	if (at && bytes)
		memcpy(at, bytes, len);
	return at;
}

char *ruleset_keep_str(struct ruleset *r, const char *s)
{
	return ruleset_keep(r, s, strlen(s) + 1);
}

void ruleset_release(struct ruleset *r)
{
	struct block *b, *next;
	size_t i;

	for (i = 0; i < r->n_chains; i++)
		free(r->chains[i]->rules);
	for (i = 0; i < r->n_sets; i++)
		free(r->sets[i]->elements);
	free(r->chains);
	free(r->bases);
	free(r->sets);
	free(r->dormant);
	for (b = r->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	*r = (struct ruleset){ 0 };
}

/* Room for one more of SIZE bytes in *ITEMS. */
static int grow(void *items, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? 2 * *cap : 8;
	void *old, *new;

	if (n < *cap)
		return 0;
	memcpy(&old, items, sizeof(old));
	new = reallocarray(old, more, size);
	if (!new)
		return -ENOMEM;
	memcpy(items, &new, sizeof(new));
	*cap = more;
	/* cppcheck-suppress memleak; it is in *ITEMS */
	return 0;
}

struct chain *ruleset_add_chain(struct ruleset *r, uint8_t family, const char *table,
				const char *name)
{
	struct chain *c = ruleset_keep(r, NULL, sizeof(*c));

	if (!c || grow(&r->chains, r->n_chains, &r->cap_chains, sizeof(c)) < 0)
		return NULL;
	c->family = family;
	c->table = ruleset_keep_str(r, table);
	c->name = ruleset_keep_str(r, name);
	if (!c->table || !c->name)
		return NULL;
	c->order = r->n_chains;
	r->chains[r->n_chains++] = c;
	r->sorted = false;
	return c;
}

struct set *ruleset_add_set(struct ruleset *r, uint8_t family, const char *table,
			    const char *name)
{
	struct set *s = ruleset_keep(r, NULL, sizeof(*s));

	if (!s || grow(&r->sets, r->n_sets, &r->cap_sets, sizeof(s)) < 0)
		return NULL;
	s->family = family;
	s->table = ruleset_keep_str(r, table);
	s->name = ruleset_keep_str(r, name);
	if (!s->table || !s->name)
		return NULL;
	r->sets[r->n_sets++] = s;
	return s;
}

int ruleset_add_dormant(struct ruleset *r, uint8_t family, const char *table)
{
	const char *name = ruleset_keep_str(r, table);

	if (!name ||
	    grow(&r->dormant, r->n_dormant, &r->cap_dormant, sizeof(*r->dormant)) < 0)
		return -ENOMEM;
	r->dormant[r->n_dormant].family = family;
	r->dormant[r->n_dormant++].name = name;
	return 0;
}

int ruleset_add_rule(struct chain *c, const struct rule *rule)
{
	int err = grow(&c->rules, c->n, &c->cap, sizeof(*rule));

	if (!err)
		c->rules[c->n++] = *rule;
	return err;
}

int ruleset_add_element(struct set *s, const struct element *e)
{
	int err = grow(&s->elements, s->n, &s->cap, sizeof(*e));

	if (!err)
		s->elements[s->n++] = *e;
	return err;
}

/* ---- finding ---- */

static int compare_names(const struct chain *c, uint8_t family, const char *table,
			 const char *name)
{
	int d = (int)c->family - (int)family;

	if (!d)
		d = strcmp(c->name, name);
	return d ? d : strcmp(c->table, table);
}

static int compare_chains(const void *a, const void *b)
{
	const struct chain *x = *(struct chain *const *)a, *y = *(struct chain *const *)b;
	int d = compare_names(x, y->family, y->table, y->name);

	return d ? d : (int)x->legacy - (int)y->legacy;
}

/* There may be ten thousands, and as many jumps. Those of iptables-legacy are in it, too,
 * and never asked for by name. */
struct chain *ruleset_chain(struct ruleset *r, uint8_t family, const char *table,
			    const char *name)
{
	size_t low = 0, high = r->n_chains;

	if (!r->sorted && r->n_chains)
		qsort(r->chains, r->n_chains, sizeof(*r->chains), compare_chains);
	r->sorted = true;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_names(r->chains[mid], family, table, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n_chains && !compare_names(r->chains[low], family, table, name) &&
			       !r->chains[low]->legacy
		       ? r->chains[low]
		       : NULL;
}

struct set *ruleset_set(const struct ruleset *r, uint8_t family, const char *table,
			const char *name)
{
	size_t i;

	for (i = r->n_sets; i > 0; i--) {
		struct set *s = r->sets[i - 1];

		if (s->family == family && !strcmp(s->name, name) &&
		    !strcmp(s->table, table))
			return s;
	}
	return NULL;
}

void ruleset_name_rule(struct buf *out, const struct chain *chain,
		       const struct rule *rule)
{
	static const struct {
		uint8_t family;
		const char *word;
	} words[] = { { NFPROTO_IPV4, "ip" },	    { NFPROTO_IPV6, "ip6" },
		      { NFPROTO_INET, "inet" },	    { NFPROTO_NETDEV, "netdev" },
		      { NFPROTO_BRIDGE, "bridge" }, { NFPROTO_ARP, "arp" } };
	const char *word = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].family == chain->family)
			word = words[i].word;
	if (chain->legacy)
		word = chain->family == NFPROTO_IPV6 ? "ip6tables-legacy"
						     : "iptables-legacy";
	buf_addf(out, "%s %s ", rule ? "rule" : "the policy of", word);
	text_escape_str(out, chain->table);
	buf_addc(out, ' ');
	text_escape_str(out, chain->name);
	if (rule)
		buf_addf(out, " %s %llu", chain->legacy ? "number" : "handle",
			 (unsigned long long)rule->handle);
}

/* ---- linking ---- */

static bool looks_at_address(const struct chain *c, const struct step *s)
{
	/* The destination is at 16 of IPv4 and at 24 of IPv6. */
	if (s->kind == STEP_PAYLOAD)
		return s->key == NFT_PAYLOAD_NETWORK_HEADER &&
		       s->offset + s->len > (c->family == NFPROTO_IPV6 ? 24 : 16);
	if (s->kind == STEP_CT)
		return s->key == NFT_CT_DST || s->key == NFT_CT_DST_IP ||
		       s->key == NFT_CT_DST_IP6;
	return s->kind == STEP_MATCH && !strcmp(s->name, "iprange");
}

static void link_step(struct ruleset *r, const struct chain *c, struct step *s)
{
	if (s->kind == STEP_LOOKUP)
		s->set = ruleset_set(r, c->family, c->table, s->name);
	if (s->kind == STEP_VERDICT && s->name && !s->chain)
		s->chain = ruleset_chain(r, c->family, c->table, s->name);
	r->looks_at_interface |= s->kind == STEP_META &&
				 (s->key == NFT_META_IIF || s->key == NFT_META_IIFNAME);
	r->looks_at_address |= looks_at_address(c, s);
}

static bool is_end(const struct element *e)
{
	return e->end == e->key;
}

static int compare_elements(const void *a, const void *b, void *arg)
{
	const struct element *x = a, *y = b;
	const size_t *len = arg;
	int d = memcmp(x->key, y->key, *len);

	/* Where one range ends and the next begins, the end goes first. */
	return d ? d : (int)is_end(y) - (int)is_end(x);
}

/* KEY - 1; false: it is 0. */
static bool before(uint8_t *key, size_t len)
{
	size_t i;

	for (i = len; i > 0; i--)
		if (key[i - 1]--)
			return true;
	return false;
}

/*
 * Of a set with ranges the kernel tells where each begins and, as an element of its own
 * (marked here by end == key), where it is over. Put the two together.
 */
static int join_ranges(struct ruleset *r, struct set *s)
{
	size_t i, kept = 0;

	if (!(s->flags & NFT_SET_INTERVAL) || s->n_fields > 1 || !s->key_len)
		return 0;
	qsort_r(s->elements, s->n, sizeof(*s->elements), compare_elements, &s->key_len);
	for (i = 0; i < s->n; i++) {
		struct element e = s->elements[i];
		uint8_t *end;

		if (is_end(&e))
			continue;
		if (!e.end) {
			end = ruleset_keep(r,
					   i + 1 < s->n ? s->elements[i + 1].key : NULL,
					   s->key_len);
			if (!end)
				return -ENOMEM;
			/* The last one reaches to the top. */
			if (i + 1 >= s->n || !before(end, s->key_len))
				memset(end, 0xff, s->key_len);
			e.end = end;
		}
		s->elements[kept++] = e;
	}
	s->n = kept;
	return 0;
}

static int link_set(struct ruleset *r, struct set *s)
{
	size_t i, kept = 0;
	struct element all;
	bool has_all = false;
	int err;

	/* Apart, since it has no place among the ranges. */
	for (i = 0; i < s->n; i++) {
		if (s->elements[i].catchall) {
			all = s->elements[i];
			has_all = true;
		} else {
			s->elements[kept++] = s->elements[i];
		}
	}
	s->n = kept;
	err = join_ranges(r, s);
	if (!err && has_all)
		err = ruleset_add_element(s, &all);
	for (i = 0; i < s->n; i++)
		if (s->elements[i].chain_name)
			s->elements[i].chain = ruleset_chain(r, s->family, s->table,
							     s->elements[i].chain_name);
	return err;
}

static enum stage stage_of(const struct chain *c)
{
	if (!c->base)
		return STAGE_NONE;
	switch (c->family) {
	case NFPROTO_NETDEV:
		return c->hook == NF_NETDEV_INGRESS ? STAGE_INGRESS : STAGE_NONE;
	case NFPROTO_BRIDGE:
		return c->hook == NF_INET_PRE_ROUTING ? STAGE_BRIDGE_PREROUTING
		       : c->hook == NF_INET_LOCAL_IN  ? STAGE_BRIDGE_INPUT
						      : STAGE_NONE;
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
	case NFPROTO_INET:
		return c->hook == NF_INET_INGRESS	? STAGE_INGRESS
		       : c->hook == NF_INET_PRE_ROUTING ? STAGE_PREROUTING
		       : c->hook == NF_INET_LOCAL_IN	? STAGE_INPUT
		       : c->hook == NF_INET_LOCAL_OUT	? STAGE_OUTPUT
							: STAGE_NONE;
	default:
		return STAGE_NONE;
	}
}

static int compare_bases(const void *a, const void *b)
{
	const struct chain *x = *(const struct chain *const *)a,
			   *y = *(const struct chain *const *)b;

	if (x->stage != y->stage)
		return x->stage < y->stage ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int find_bases(struct ruleset *r)
{
	size_t i;

	r->bases = calloc(r->n_chains + 1, sizeof(*r->bases));
	if (!r->bases)
		return -ENOMEM;
	for (i = 0; i < r->n_chains; i++) {
		r->chains[i]->stage = stage_of(r->chains[i]);
		if (r->chains[i]->stage != STAGE_NONE)
			r->bases[r->n_bases++] = r->chains[i];
	}
	qsort(r->bases, r->n_bases, sizeof(*r->bases), compare_bases);
	return 0;
}

int ruleset_link(struct ruleset *r)
{
	size_t i, k, m;
	int err = 0;

	for (i = 0; i < r->n_chains; i++) {
		struct chain *c = r->chains[i];

		for (k = 0; k < r->n_dormant; k++)
			if (r->dormant[k].family == c->family &&
			    !strcmp(r->dormant[k].name, c->table))
				c->base = false;
		for (k = 0; k < c->n; k++)
			for (m = 0; m < c->rules[k].n; m++)
				link_step(r, c, &c->rules[k].steps[m]);
	}
	for (i = 0; !err && i < r->n_sets; i++)
		err = link_set(r, r->sets[i]);
	return err ? err : find_bases(r);
}
