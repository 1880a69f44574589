/*
 * Floor 5: the tables of iptables-legacy.
 *
 * By getsockopt(2), as iptables reads them; the kernel asks for CAP_NET_ADMIN on any
 * socket of IP. Only tables that are in use are to be read: reading another one would
 * make it.
 *
 * A table is entries one behind the other, each with its matches and its target. A chain
 * of the user's begins behind an entry with the target ERROR, which has its name; a base
 * chain where its hook enters.
 * Facts: linux/netfilter/x_tables.h, linux/netfilter_ipv4/ip_tables.h,
 * linux/netfilter_ipv6/ip6_tables.h.
 */
#ifndef PK_XTABLES_H
#define PK_XTABLES_H

#include <net/if.h>

#include "addr.h"
#include "base.h"

/* As the kernel gives it (struct ipt_getinfo, struct ipt_get_entries). */
struct xtables_table {
	int family;
	char name[32]; /* XT_TABLE_MAXNAMELEN */
	uint32_t valid_hooks;
	uint32_t hook_entry[5], underflow[5]; /* NF_INET_NUMHOOKS */
	uint8_t *entries;
	size_t size;
};

/* One entry, taken apart. */
struct xtables_entry {
	int family;
	size_t at, next;
	uint64_t n_packets;
	struct addr src, src_mask, dst, dst_mask;
	char in[IF_NAMESIZE], out[IF_NAMESIZE];
	uint16_t protocol;
	uint8_t flags, inverse;
	const uint8_t *matches; /* struct xt_entry_match, one behind the other */
	size_t matches_len;
	char target[30]; /* "": the standard target, which has: */
	int32_t verdict;
	uint8_t target_revision;
	const uint8_t *target_data;
	size_t target_len;
};

/* Of a match inside an entry. */
struct xtables_match {
	char name[30];
	uint8_t revision;
	const uint8_t *data;
	size_t len;
};

/* Pure. 0 or -EBADMSG. */
PK_MUST_CHECK int xtables_entry_read(const struct xtables_table *t, size_t at,
				     struct xtables_entry *ret_entry);
/* The match at *AT, which moves on. False: no more. */
bool xtables_match_read(const struct xtables_entry *e, size_t *at,
			struct xtables_match *ret_match);

/* The names of FAMILY's tables in use, a line each, into OUT. 1; 0: there are none;
 * -errno. */
PK_MUST_CHECK int xtables_read_names(int family, char *out, size_t size);
/* By FD, a socket of T's family: fill in all but family and name. Entries of before are
 * freed. 0 or -errno. */
PK_MUST_CHECK int xtables_read_table(int fd, struct xtables_table *t);

#endif
