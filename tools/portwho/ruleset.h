/*
 * What this machine filters packets with, in one form: the rules of nftables, among them
 * those of iptables-nft, and those of iptables-legacy.
 *
 * A rule of nftables is a small program for a machine with registers. It is kept as such,
 * step by step, instead of as the text that nft makes of it: what the kernel does can be
 * followed then without knowing every phrase of the language, and no library is needed. A
 * rule of iptables-legacy becomes the same steps; what iptables does by extensions stays
 * an extension with its binary data, in both.
 *
 * Facts: linux/netfilter/nf_tables.h, linux net/netfilter/nft_*.c.
 */
#ifndef PORTWHO_RULESET_H
#define PORTWHO_RULESET_H

#include "base.h"
#include "buf.h"

/* NFT_REG32_COUNT words of 4 bytes. */
#define RULESET_REGISTERS_BYTES 64

enum step_kind {
	STEP_NOTHING,	/* never decides: counter, log, mark ... */
	STEP_SOMETIMES, /* not every packet passes: limit, quota; `name` says what */
	STEP_OPAQUE,	/* not known here: `name` */
	STEP_PAYLOAD,	/* dreg = LEN bytes at `offset` behind header `key` (base) */
	STEP_META,	/* dreg = meta `key` */
	STEP_CT,	/* dreg = conntrack `key` */
	STEP_FIB,	/* dreg = what the routing table says: `key` result, `op` flags */
	STEP_UNKNOWN,	/* dreg = something that is not known before: `name` */
	STEP_CMP,	/* sreg `op` data */
	STEP_RANGE,	/* data <= sreg <= data2 */
	STEP_BITWISE,	/* dreg = (sreg & data) ^ data2 */
	STEP_SHIFT,	/* dreg = sreg shifted */
	STEP_BYTEORDER, /* dreg = sreg, turned round in pieces of `key` bytes */
	STEP_IMMEDIATE, /* dreg = data */
	STEP_LOOKUP,	/* sreg in the set `name`; a map also gives dreg or a verdict */
	STEP_VERDICT,	/* `verdict`, `name` is the chain to go to */
	STEP_REJECT,
	STEP_DNAT,     /* sreg: address, dreg: port (RULESET_NO_REG: kept), op: family */
	STEP_REDIRECT, /* dreg: port */
	STEP_SNAT,
	STEP_NOTRACK,
	STEP_REWRITE, /* of addresses or ports, by payload */
	STEP_MATCH,   /* of xtables: `name`, `revision`, data */
	STEP_TARGET,  /* of xtables */
	STEP_TAKEN,   /* goes to a program or another device: `name` says how */
};

#define RULESET_NO_REG 255

struct step {
	enum step_kind kind;
	uint8_t sreg, dreg; /* where in the registers, in bytes */
	uint8_t len;	    /* of what is read or compared, at most 64 */
	uint8_t op;	    /* NFT_CMP_* and others */
	uint8_t revision;
	bool invert;
	uint32_t key, offset;
	int32_t verdict; /* NF_*, NFT_* */
	const char *name;
	const uint8_t *data, *data2;
	size_t data_len;
	const struct set *set;
	const struct chain *chain;
};

/* Where a packet meets a base chain, in this order. */
enum stage {
	STAGE_NONE, /* not on the way in */
	STAGE_INGRESS,
	STAGE_BRIDGE_PREROUTING,
	STAGE_BRIDGE_INPUT,
	STAGE_PREROUTING,
	STAGE_INPUT,
	STAGE_OUTPUT,
};

struct rule {
	uint64_t handle; /* iptables-legacy: its number in the chain, from 1 */
	struct step *steps;
	size_t n;
};

struct chain {
	uint8_t family; /* NFPROTO_* */
	const char *table, *name;
	bool base;
	bool one_device; /* sees packets of some devices only */
	bool legacy;	 /* of iptables-legacy */
	bool nat;
	uint32_t hook; /* NF_INET_* and others */
	enum stage stage;
	int32_t priority;
	int32_t policy; /* NF_* */
	size_t order;	/* in which the kernel told of it */
	struct rule *rules;
	size_t n, cap;
};

struct element {
	const uint8_t *key, *end; /* end: NULL or the last one of a range */
	bool catchall;		  /* what no other one fits */
	bool limited;		  /* has a limit of its own */
	bool has_verdict;
	int32_t verdict;
	const char *chain_name;
	const struct chain *chain;
	const uint8_t *data;
	size_t data_len;
};

#define SET_FIELDS_MAX 16 /* NFT_REG32_COUNT */

struct set {
	uint8_t family;
	const char *table, *name;
	uint32_t flags; /* NFT_SET_* */
	size_t key_len;
	uint8_t fields[SET_FIELDS_MAX]; /* lengths; where a key has several */
	size_t n_fields;
	bool incomplete; /* too many elements, or not readable */
	struct element *elements;
	size_t n, cap;
};

struct ruleset {
	struct chain **chains;
	size_t n_chains, cap_chains;
	bool sorted;		    /* the chains, by name */
	const struct chain **bases; /* in the order in which a packet meets them */
	size_t n_bases;
	struct set **sets;
	size_t n_sets, cap_sets;
	struct dormant_table {
		uint8_t family;
		const char *name;
	} * dormant; /* tables that are switched off */
	size_t n_dormant, cap_dormant;
	size_t n_bytes; /* of all that was read */
	struct block *blocks;
	/* What has to be told apart: does any step look at the device that a packet comes
	 * by, at its destination? */
	bool looks_at_interface, looks_at_address;
};

/*
 * Everything of the network namespace that the thread is in. 0; -EPERM: needs
 * CAP_NET_ADMIN; another -errno. Kernels that lack nftables or iptables-legacy have no
 * rules there.
 */
PK_MUST_CHECK int ruleset_load(struct ruleset *ret_ruleset);
void ruleset_release(struct ruleset *r);
/* "rule inet filter input handle 7", "rule iptables-legacy filter INPUT number 3", or
 * RULE NULL "the policy of inet filter input"; names escaped. */
void ruleset_name_rule(struct buf *out, const struct chain *chain,
		       const struct rule *rule);

/* Piece by piece, as ruleset_load() does; pure. One message of the kernel about a table,
 * chain, rule, set or its elements, in this order. 0 or -errno. */
struct nlmsghdr;
PK_MUST_CHECK int ruleset_parse(struct ruleset *r, const struct nlmsghdr *nlh);
/* Once all is there: names become pointers, ranges get their ends. 0 or -errno. */
PK_MUST_CHECK int ruleset_link(struct ruleset *r);

#endif
