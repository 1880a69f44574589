/*
 * Inside --rule: what rule.c shares with rule_trace.c and rule_text.c (nftables, pure),
 * rule_nft.c, rule_ruleset.c and rule_load.c (nftables, by its libraries), rule_legacy.c
 * (iptables-legacy, by getsockopt), rule_entries.c and rule_legacy_text.c (the same,
 * pure).
 *
 * Facts: linux/netfilter.h, linux/netfilter/nf_tables.h, linux/netfilter/x_tables.h,
 * linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h.
 */
#ifndef PORTBLOCK_RULE_PRIVATE_H
#define PORTBLOCK_RULE_PRIVATE_H

#include "buf.h"
#include "rule.h"
#include "xtables.h"

/* What is traced: packets to this port and their answers. */
struct rule_flow {
	struct addr addr;
	uint16_t port;
	uint8_t protocol;
};

/* NFT_NAME_MAXLEN, and its NUL. */
#define RULE_NAME_SIZE 256
/* Names come from the kernel; more of them than this are passed over. */
#define RULE_CHAINS_MAX	 4096
#define RULE_DEVICES_MAX 32

/* ---- rule_trace.c: what became of the packets; pure ---- */

/* How far a packet got: the chains of our own table, in the order in which a packet meets
 * them. */
enum rule_mark {
	MARK_NONE,
	MARK_OUTPUT, /* before everything else in this hook */
	MARK_POSTROUTING,
	MARK_LEFT, /* after everything else in POSTROUTING */
	MARK_INGRESS,
	MARK_PREROUTING,
	MARK_INPUT,
	MARK_DELIVERED, /* after everything else in INPUT */
};
#define MARK_COUNT 8

/* The name of its chain; static. */
const char *rule_mark_chain(enum rule_mark mark);

/* A base chain. */
struct rule_chain {
	uint8_t family; /* NFPROTO_* */
	char table[RULE_NAME_SIZE];
	char name[RULE_NAME_SIZE];
	uint32_t hook;
};

struct rule_chains {
	struct rule_chain *chains;
	size_t n_chains;
	/* Those that have a chain in their ingress hook: what it drops never gets to
	 * PREROUTING. */
	char devices[RULE_DEVICES_MAX][IF_NAMESIZE];
	size_t n_devices;
};

/* One message of the trace. */
struct rule_event {
	uint32_t id; /* of the packet, as good as the kernel can: may come again */
	uint8_t family;
	char table[RULE_NAME_SIZE];
	char chain[RULE_NAME_SIZE];
	uint32_t type; /* NFT_TRACETYPE_* */
	uint64_t handle;
	int32_t verdict; /* NF_*, NFT_*; of a policy, too */
	bool has_ports;
	uint16_t src_port, dst_port;
};

struct rule_packet {
	uint32_t id;
	enum rule_mark first, mark;
	bool answer;	     /* comes from the port; else goes to it */
	uint16_t local_port; /* 0: not known */
	char base[RULE_NAME_SIZE];
	uint32_t hook; /* of the base chain it is in */
	uint8_t hook_family;
	bool taken;
	bool queued; /* given to a program, and not seen since */
	struct rule_event by;
};

#define RULE_PACKETS_MAX 256

struct rule_history {
	const char *table; /* our own */
	uint16_t port;
	const struct rule_chains *chains;
	struct rule_packet packets[RULE_PACKETS_MAX];
	size_t n_packets;
};

void rule_history_add(struct rule_history *h, const struct rule_event *e);

enum rule_fate {
	FATE_UNSEEN,   /* no packet came as far as OUTPUT */
	FATE_TAKEN,    /* by a rule or a policy of nftables */
	FATE_VANISHED, /* between two marks, and no rule of nftables took it */
	FATE_NO_ANSWER,
	FATE_DELIVERED,
};

/* What became of the first packet that was sent from SOURCE_PORT (0: from any) and of the
 * first answer to it. *RET_PACKET is the one that was taken or vanished. */
enum rule_fate rule_history_fate(const struct rule_history *h, uint16_t source_port,
				 const struct rule_packet **ret_packet);
/* "output"; static. */
const char *rule_hook_name(uint8_t family, uint32_t hook);
/* Where P was taken: by its base chain, else by how far it got. Static. */
const char *rule_packet_hook(const struct rule_packet *p);
/* "ip6", "inet"; "" for what is not known. Static. */
const char *rule_family_name(uint8_t family);

/* ---- rule_text.c: the language of nft; pure ---- */

/* Our own table, as nft reads it. */
void rule_table_text(struct buf *out, const char *name, const struct rule_flow *flow,
		     const struct rule_chains *chains);
/* Can it stand in a command of nft as it is? (nft has no quotes for names.) */
bool rule_name_is_plain(const char *name);
/* In LISTING, which `nft -a list` wrote: the rule with HANDLE, or, HANDLE 0, the line
 * that describes the base chain. True: found, and put at the end of OUT without its
 * handle. */
bool rule_text_find(struct buf *out, const char *listing, const char *family,
		    const char *table, const char *chain, uint64_t handle);
/* Cut S to SIZE - 1 bytes at the end of a UTF-8 character. */
void rule_copy(char *out, size_t size, const char *s);

/* ---- rule_nft.c ---- */

struct rule_nft;

/* Add the table and listen. 0 or -errno with WHY. */
PK_MUST_CHECK int rule_nft_open(struct rule_nft **ret_nft, const struct rule_flow *flow,
				char *ret_why, size_t why_size);
/* Read the trace until nothing more comes. *RET_LOST: messages were lost. The history
 * belongs to NFT. */
const struct rule_history *rule_nft_read(struct rule_nft *nft, bool *ret_lost);
/* Take the table away, keep the rest. */
void rule_nft_withdraw(struct rule_nft *nft);

/* What the rule's text does not tell. */
struct rule_detail {
	bool reject, xtables, counter;
	char comment[RULE_NAME_SIZE]; /* of iptables */
};

/* Of the rule that E names. 0 or -errno: it can't be read. */
PK_MUST_CHECK int rule_nft_detail(struct rule_nft *nft, const struct rule_event *e,
				  struct rule_detail *ret_detail);
/* Append its text, or the description of the chain CHAIN (HANDLE 0). False: not found. */
bool rule_nft_text(struct rule_nft *nft, struct buf *out, uint8_t family,
		   const char *table, const char *chain, uint64_t handle);
void rule_nft_close(struct rule_nft *nft);

/* ---- rule_entries.c: the tables of iptables-legacy; pure ---- */

/* A rule that counted packets and lets none of them pass. */
struct legacy_rule {
	struct xtables_entry entry;
	char table[32];
	char chain[32];
	unsigned int number; /* within the chain, from 1; 0: its policy */
	unsigned int hooks;  /* bits of NF_INET_*: from where its chain is reached */
	const char *verdict; /* "drop", "reject", "stolen", "queue"; static */
};

/* A rule is asked for by hook (bits of NF_INET_*; 0: any), and by whether the traced
 * packet went to the port or came from it. */
struct legacy_wanted {
	const struct rule_flow *flow; /* NULL: any packet */
	unsigned int hooks;
	bool answer, any_direction;
};

#define LEGACY_RULES_MAX 16

/* Rules whose counters differ in AFTER from BEFORE, appended to RET_RULES, which has
 * room for LEGACY_RULES_MAX and *N of them; more are counted in *N only. 0; -EBADMSG:
 * nonsense; -EAGAIN: the table was changed in between. */
PK_MUST_CHECK int legacy_compare(const struct xtables_table *before,
				 const struct xtables_table *after,
				 const struct legacy_wanted *wanted,
				 struct legacy_rule *ret_rules, size_t *n);

/* ---- rule_legacy_text.c: pure ---- */

/* As iptables-save writes it; "..." stands for options of matches not known here. */
void legacy_rule_text(struct buf *out, const struct legacy_rule *rule);

/* ---- rule_legacy.c ---- */

struct rule_legacy;

/* Read the counters. 1; 0: no table is in use (RET_LEGACY untouched); -errno. */
PK_MUST_CHECK int rule_legacy_open(struct rule_legacy **ret_legacy, int family);
/* Read them again, and compare. 0 or -errno, as legacy_compare(). */
PK_MUST_CHECK int rule_legacy_find(struct rule_legacy *l,
				   const struct legacy_wanted *wanted,
				   struct legacy_rule *ret_rules, size_t *ret_n);
void rule_legacy_close(struct rule_legacy *l);

#endif
