/*
 * Tables of iptables-legacy, made by hand as the kernel hands them out. Include after
 * cmocka.h.
 */
#ifndef PK_BLOCK_XTABLES_H
#define PK_BLOCK_XTABLES_H

#include <net/if.h>
#include <netinet/in.h>

#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <string.h>

#include "rule_private.h"

#define DROP   (-NF_DROP - 1)
#define ACCEPT (-NF_ACCEPT - 1)

struct maker {
	struct buf bytes;
	struct xtables_table table;
};

/* An entry being made; what is not set matches everything. */
struct spec {
	struct ipt_entry v4;
	struct ip6t_entry v6;
	struct buf matches;
	const char *target; /* NULL: the standard target */
	int verdict;
	const void *data;
	size_t len;
};

static inline struct spec spec(int verdict, uint64_t n_packets)
{
	return (struct spec){ .v4.counters.pcnt = n_packets,
			      .v6.counters.pcnt = n_packets,
			      .matches = BUF_INIT,
			      .verdict = verdict };
}

static inline void add_match(struct spec *s, const char *name, uint8_t revision,
			     const void *data, size_t len)
{
	struct xt_entry_match m = { .u.user.revision = revision };
	size_t padded = XT_ALIGN(len);

	m.u.match_size = (uint16_t)(sizeof(m) + padded);
	memcpy(m.u.user.name, name, strlen(name));
	buf_add(&s->matches, &m, sizeof(m));
	buf_add(&s->matches, data, len);
	buf_fill(&s->matches, '\0', padded - len);
}

static inline void add_tcp(struct spec *s, uint16_t low, uint16_t high)
{
	struct xt_tcp tcp = { .spts = { 0, 65535 }, .dpts = { low, high } };

	s->v4.ip.proto = s->v6.ipv6.proto = IPPROTO_TCP;
	add_match(s, "tcp", 0, &tcp, sizeof(tcp));
}

/* Returns where the entry begins. */
static inline uint32_t add(struct maker *m, struct spec s)
{
	bool v6 = m->table.family == AF_INET6;
	size_t head = v6 ? sizeof(s.v6) : sizeof(s.v4), at = m->bytes.len;
	const void *data = s.target ? s.data : &s.verdict;
	size_t len = s.target ? s.len : sizeof(s.verdict);
	struct xt_entry_target target = { .u.target_size = (uint16_t)(sizeof(target) +
								      XT_ALIGN(len)) };

	if (s.target)
		memcpy(target.u.user.name, s.target, strlen(s.target));
	s.v4.target_offset = s.v6.target_offset = (uint16_t)(head + s.matches.len);
	s.v4.next_offset = s.v6.next_offset =
		(uint16_t)(head + s.matches.len + target.u.target_size);
	buf_add(&m->bytes, v6 ? (void *)&s.v6 : (void *)&s.v4, head);
	buf_add(&m->bytes, s.matches.data, s.matches.len);
	buf_add(&m->bytes, &target, sizeof(target));
	if (len)
		buf_add(&m->bytes, data, len);
	buf_fill(&m->bytes, '\0', XT_ALIGN(len) - len);
	buf_release(&s.matches);
	assert_false(m->bytes.failed);
	return (uint32_t)at;
}

static inline uint32_t add_chain_head(struct maker *m, const char *name)
{
	char error[XT_FUNCTION_MAXNAMELEN] = "";
	struct spec s = spec(0, 0);

	memcpy(error, name, strlen(name));
	s.target = XT_ERROR_TARGET;
	s.data = error;
	s.len = sizeof(error);
	return add(m, s);
}

static inline struct maker maker(int family)
{
	return (struct maker){ .bytes = BUF_INIT,
			       .table = { .family = family, .name = "filter" } };
}

/* A base chain begins with RULE and has POLICY at its end. */
static inline void hook(struct maker *m, int number, uint32_t rule, uint32_t policy)
{
	m->table.valid_hooks |= 1u << number;
	m->table.hook_entry[number] = rule;
	m->table.underflow[number] = policy;
}

static inline struct xtables_table *finish(struct maker *m)
{
	(void)add_chain_head(m, "ERROR");
	m->table.entries = (uint8_t *)m->bytes.data;
	m->table.size = m->bytes.len;
	return &m->table;
}

static inline void release(struct maker *m)
{
	buf_release(&m->bytes);
}

#endif
