/*
 * What firewall_eval.c (chains and verdicts), firewall_load.c (what is known of a
 * packet), firewall_step.c (what it is compared with) and firewall_xt.c (xtables'
 * extensions) share.
 */
#ifndef PORTWHO_FIREWALL_PRIVATE_H
#define PORTWHO_FIREWALL_PRIVATE_H

#include "firewall_eval.h"

/* Does a packet pass a step? */
enum fit {
	FIT_NO,
	FIT_YES,
	FIT_MAYBE,  /* some do */
	FIT_OPAQUE, /* not known which */
};

/* What conntrack has made of the packet. */
enum ct { CT_NONE, CT_NEW, CT_ESTABLISHED, CT_UNTRACKED, CT_UNSURE };

/* Bits of `known` say which ones of `value` are. */
struct bits {
	uint8_t value[RULESET_REGISTERS_BYTES];
	uint8_t known[RULESET_REGISTERS_BYTES];
};

/* Of an unknown value: what it can't be. */
enum tag { TAG_NONE, TAG_NOT_LOOPBACK, TAG_NOT_LO, TAG_NOT_LO_NAME };

#define WORDS (RULESET_REGISTERS_BYTES / 4)

struct registers {
	struct bits bits;
	const char *what[WORDS]; /* is not known; static */
	enum tag tag[WORDS];
};

#define NETWORK_BYTES	40
#define TRANSPORT_BYTES 20

struct follower {
	const struct ruleset *ruleset;
	const struct packet *packet;
	struct fate *fate;
	struct bits network, transport; /* the headers */
	enum ct ct, tracked;		/* here; and if no rule forbids it */
	struct registers registers;
	size_t n_steps;
	bool passes; /* somebody passes the present base chain */
};

/* ---- firewall_load.c ---- */

/* Put the headers of the packet together. */
void follower_init(struct follower *f);
bool registers_fit(size_t at, size_t len);
/* What is unknown of LEN bytes at AT. */
const char *registers_what(const struct registers *r, size_t at, size_t len);
/* LEN bytes at AT: true if all are known. */
bool registers_get(const struct registers *r, size_t at, size_t len, uint8_t *out);
/* What S loads into its dreg; FIT_NO where the packet has no such thing. */
enum fit follower_load(struct follower *f, const struct step *s, const void *bytes,
		       size_t len);
enum fit follower_load_unknown(struct follower *f, const struct step *s, size_t len,
			       const char *what, enum tag tag);
enum fit follower_load_payload(struct follower *f, const struct step *s);
enum fit follower_load_meta(struct follower *f, const struct step *s);
enum fit follower_load_ct(struct follower *f, const struct step *s);
enum fit follower_load_fib(struct follower *f, const struct step *s);

/* ---- firewall_step.c ---- */

/* Take a step that ends nothing. *RET_WHAT, of FIT_MAYBE and FIT_OPAQUE: what it depends
 * on. */
enum fit follower_step(struct follower *f, const struct step *s, const char **ret_what);
/* Does element E have what the step S looks up? */
enum fit follower_element(const struct follower *f, const struct step *s,
			  const struct element *e);

/* ---- firewall_xt.c ---- */

enum fit xt_match(const struct follower *f, const struct step *s, const char **ret_what);

enum xt_effect {
	XT_GOES_ON,
	XT_DROPS,
	XT_ACCEPTS,
	XT_FORWARDS,
	XT_NOTRACK,
	XT_TAKES,
	XT_UNKNOWN,
};

/* *RET_TARGET: of XT_FORWARDS. */
enum xt_effect xt_target(const struct follower *f, const struct step *s,
			 struct target *ret_target);

#endif
