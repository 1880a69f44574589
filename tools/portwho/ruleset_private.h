/*
 * What ruleset.c, ruleset_parse.c (messages), ruleset_step.c (expressions) and
 * ruleset_legacy.c share.
 */
#ifndef PORTWHO_RULESET_PRIVATE_H
#define PORTWHO_RULESET_PRIVATE_H

#include <libmnl/libmnl.h>

#include "ruleset.h"

/* LEN bytes at BYTES (NULL: zeroes), kept until the end; NULL: no memory, or too much. */
PK_MUST_CHECK void *ruleset_keep(struct ruleset *r, const void *bytes, size_t len);
PK_MUST_CHECK char *ruleset_keep_str(struct ruleset *r, const char *s);
/* New and empty, but for who they are. NULL: no memory. */
PK_MUST_CHECK struct chain *ruleset_add_chain(struct ruleset *r, uint8_t family,
					      const char *table, const char *name);
PK_MUST_CHECK struct set *ruleset_add_set(struct ruleset *r, uint8_t family,
					  const char *table, const char *name);
PK_MUST_CHECK int ruleset_add_dormant(struct ruleset *r, uint8_t family,
				      const char *table);
PK_MUST_CHECK int ruleset_add_rule(struct chain *c, const struct rule *rule);
PK_MUST_CHECK int ruleset_add_element(struct set *s, const struct element *e);
/* NULL: there is none. */
struct chain *ruleset_chain(struct ruleset *r, uint8_t family, const char *table,
			    const char *name);
struct set *ruleset_set(const struct ruleset *r, uint8_t family, const char *table,
			const char *name);
/* Add the tables of iptables-legacy that are in use. 0 or -errno. */
PK_MUST_CHECK int ruleset_load_legacy(struct ruleset *r);

/* ---- ruleset_step.c: attributes and expressions; pure ---- */

/* No structure of nftables has more; what is beyond is passed over. */
#define ATTRS_MAX 31

struct attrs {
	const struct nlattr *tb[ATTRS_MAX + 1];
};

void attrs_read_nested(struct attrs *a, const struct nlattr *nest);
/* 0: it is not there. */
uint32_t attrs_u32(const struct attrs *a, int type);
/* NULL: it is not there, or no string. */
const char *attrs_str(const struct attrs *a, int type);
/* A value of at most 64 bytes, kept; *RET_LEN 0: there is none. */
PK_MUST_CHECK int attrs_data(struct ruleset *r, const struct attrs *a, int type,
			     const uint8_t **ret_data, size_t *ret_len);
/* A verdict instead of a value. */
PK_MUST_CHECK int attrs_verdict(struct ruleset *r, const struct attrs *a, int type,
				bool *ret_has, int32_t *ret_verdict,
				const char **ret_chain);
/* One expression; what is not known becomes STEP_OPAQUE. 0 or -ENOMEM. */
PK_MUST_CHECK int ruleset_parse_step(struct ruleset *r, const struct nlattr *nest,
				     struct step *step);

#endif
