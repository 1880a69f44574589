/*
 * --rule, iptables-legacy: which rule counted the packet, and how it is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_xtables.h"

#include <linux/netfilter/xt_multiport.h>

#define PORT 443

/* The next entry is what the one at FROM jumps to. */
static void jump_here(struct maker *m, uint32_t from)
{
	size_t head = m->table.family == AF_INET6 ? sizeof(struct ip6t_entry)
						  : sizeof(struct ipt_entry);
	int to = (int)m->bytes.len;

	memcpy(m->bytes.data + from + head + sizeof(struct xt_entry_target), &to,
	       sizeof(to));
}

/*
 * INPUT: accepts all. OUTPUT: 1 drops port 9, 2 jumps to "sub", 3 drops ports 400 to 500;
 * policy. sub: 1 rejects everything from user 7.
 */
struct counts {
	uint64_t first, third, policy, sub;
};

static struct maker filter_table(int family, struct counts n)
{
	struct maker m = maker(family);
	struct spec s = spec(ACCEPT, 0);
	uint32_t in = add(&m, s), out, policy, jump, with = 3;

	s = spec(DROP, n.first);
	add_tcp(&s, 9, 9);
	out = add(&m, s);
	jump = add(&m, spec(0, 5));
	s = spec(DROP, n.third);
	add_tcp(&s, 400, 500);
	(void)add(&m, s);
	policy = add(&m, spec(DROP, n.policy));
	(void)add_chain_head(&m, "sub");
	s = spec(0, n.sub);
	s.target = "REJECT";
	s.data = &with;
	s.len = sizeof(with);
	jump_here(&m, jump);
	(void)add(&m, s);
	(void)add(&m, spec(XT_RETURN, 0));
	hook(&m, NF_INET_LOCAL_IN, in, in);
	hook(&m, NF_INET_LOCAL_OUT, out, policy);
	finish(&m);
	return m;
}

static struct rule_flow flow_to(const char *address)
{
	struct rule_flow flow = { .port = PORT, .protocol = IPPROTO_TCP };

	assert_int_equal(addr_from_text(address, &flow.addr), 0);
	return flow;
}

static size_t compare(int family, struct counts before, struct counts after,
		      unsigned int hooks, bool answer,
		      struct legacy_rule rules[LEGACY_RULES_MAX])
{
	struct maker a = filter_table(family, before), b = filter_table(family, after);
	struct rule_flow flow = flow_to(family == AF_INET6 ? "2001:db8::1" : "192.0.2.1");
	struct legacy_wanted wanted = { .flow = &flow, .hooks = hooks, .answer = answer };
	struct legacy_rule found[LEGACY_RULES_MAX];
	struct buf text = BUF_INIT;
	size_t n = 0, i;

	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, found, &n), 0);
	/* While the bytes that they point into are there. */
	for (i = 0; i < n; i++)
		legacy_rule_text(&text, &found[i]);
	buf_release(&text);
	memcpy(rules, found, n * sizeof(*rules));
	release(&a);
	release(&b);
	return n;
}

#define OUTPUT_HOOK (1u << NF_INET_LOCAL_OUT)
#define INPUT_HOOK  (1u << NF_INET_LOCAL_IN)

/* ---- which rule counted ---- */

static void the_rule_that_counted_is_named_with_its_number(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];
	int families[] = { AF_INET, AF_INET6 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		assert_int_equal(compare(families[i], (struct counts){ .third = 7 },
					 (struct counts){ .third = 8 }, OUTPUT_HOOK,
					 false, r),
				 1);
		assert_string_equal(r[0].table, "filter");
		assert_string_equal(r[0].chain, "OUTPUT");
		assert_int_equal(r[0].number, 3);
		assert_string_equal(r[0].verdict, "drop");
		assert_int_equal(r[0].hooks, OUTPUT_HOOK);
	}
}

static void nothing_counted_is_nothing_found(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];
	struct counts same = { 1, 2, 3, 4 };

	(void)state;
	assert_int_equal(compare(AF_INET, same, same, 0, false, r), 0);
}

static void a_policy_has_no_number(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];

	(void)state;
	assert_int_equal(compare(AF_INET, (struct counts){ 0 },
				 (struct counts){ .policy = 1 }, OUTPUT_HOOK, false, r),
			 1);
	assert_int_equal(r[0].number, 0);
	assert_string_equal(r[0].chain, "OUTPUT");
}

static void a_rule_for_another_port_counted_another_packet(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];

	(void)state;
	assert_int_equal(compare(AF_INET, (struct counts){ 0 },
				 (struct counts){ .first = 1, .third = 1 }, OUTPUT_HOOK,
				 false, r),
			 1);
	assert_int_equal(r[0].number, 3);
}

static void a_chain_of_the_users_has_the_hooks_that_jump_to_it(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];
	struct counts none = { 0 }, one = { .sub = 1 };

	(void)state;
	assert_int_equal(compare(AF_INET, none, one, OUTPUT_HOOK, false, r), 1);
	assert_string_equal(r[0].chain, "sub");
	assert_int_equal(r[0].number, 1);
	assert_string_equal(r[0].verdict, "reject");
	assert_int_equal(r[0].hooks, OUTPUT_HOOK);
	assert_int_equal(compare(AF_INET6, none, one, INPUT_HOOK, false, r), 0);
}

static void all_that_counted_are_told(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];

	(void)state;
	assert_int_equal(compare(AF_INET, (struct counts){ 0 },
				 (struct counts){ .third = 1, .policy = 2, .sub = 1 }, 0,
				 false, r),
			 3);
}

static void answers_are_matched_by_where_they_come_from(void **state)
{
	struct legacy_rule r[LEGACY_RULES_MAX];

	(void)state;
	/* Its ports are those that answers go to, and any are. */
	assert_int_equal(compare(AF_INET, (struct counts){ 0 },
				 (struct counts){ .first = 1 }, OUTPUT_HOOK, true, r),
			 1);
}

static void addresses_and_protocols_are_looked_at(void **state)
{
	struct rule_flow to = flow_to("192.0.2.1"), not_to = flow_to("198.51.100.1");
	struct legacy_wanted wanted = { .flow = &to };
	struct maker a = maker(AF_INET), b = maker(AF_INET);
	struct legacy_rule r[LEGACY_RULES_MAX];
	struct maker *both[] = { &a, &b };
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct spec s = spec(DROP, i);
		uint32_t at;

		s.v4.ip.dst.s_addr = htonl(0xc0000200); /* 192.0.2.0/24 */
		s.v4.ip.dmsk.s_addr = htonl(0xffffff00);
		s.v4.ip.proto = IPPROTO_TCP;
		at = add(both[i], s);
		hook(both[i], NF_INET_LOCAL_OUT, at, add(both[i], spec(ACCEPT, 0)));
		finish(both[i]);
	}
	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, r, &n), 0);
	assert_int_equal(n, 1);
	n = 0;
	wanted.flow = &not_to;
	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, r, &n), 0);
	assert_int_equal(n, 0);
	wanted.flow = &to;
	to.protocol = IPPROTO_UDP;
	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, r, &n), 0);
	assert_int_equal(n, 0);
	wanted.flow = NULL;
	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, r, &n), 0);
	assert_int_equal(n, 1);
	release(&a);
	release(&b);
}

static void a_table_that_changed_is_not_compared(void **state)
{
	struct maker a = filter_table(AF_INET, (struct counts){ .third = 5 });
	struct maker b = filter_table(AF_INET, (struct counts){ .third = 4 });
	struct maker c = maker(AF_INET);
	struct legacy_wanted wanted = { .flow = NULL };
	struct legacy_rule r[LEGACY_RULES_MAX];
	size_t n = 0;

	(void)state;
	finish(&c);
	/* Counters do not go back, but by iptables -Z. */
	assert_int_equal(legacy_compare(&a.table, &b.table, &wanted, r, &n), -EAGAIN);
	assert_int_equal(legacy_compare(&a.table, &c.table, &wanted, r, &n), -EAGAIN);
	release(&a);
	release(&b);
	release(&c);
}

/* The kernel is trusted, but not with our memory. */
static void nonsense_does_no_harm(void **state)
{
	struct maker a = filter_table(AF_INET, (struct counts){ 0 });
	struct maker b = filter_table(AF_INET, (struct counts){ 1, 1, 1, 1 });
	struct legacy_wanted wanted = { .flow = NULL };
	struct legacy_rule r[LEGACY_RULES_MAX];
	struct buf text = BUF_INIT;
	size_t at, n, i, whole = b.table.size;

	(void)state;
	for (at = 0; at < whole; at++) {
		static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
		uint8_t was = b.table.entries[at];

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			b.table.entries[at] = values[i];
			n = 0;
			if (legacy_compare(&a.table, &b.table, &wanted, r, &n) == 0 && n)
				legacy_rule_text(&text, &r[0]);
		}
		b.table.entries[at] = was;
		buf_clear(&text);
	}
	for (at = 1; at < whole; at++) {
		uint8_t *cut = malloc(at);

		assert_non_null(cut);
		memcpy(cut, a.table.entries, at);
		b.table.entries = cut;
		a.table.size = b.table.size = at;
		n = 0;
		i = (size_t)-legacy_compare(&a.table, &b.table, &wanted, r, &n);
		assert_true(i == 0 || i == EBADMSG);
		free(cut);
	}
	buf_release(&text);
	release(&a);
	release(&b);
}

/* ---- its text ---- */

static void expect_text(int family, struct spec s, const char *want)
{
	struct maker m = maker(family);
	struct legacy_rule r = { .chain = "INPUT", .number = 1, .verdict = "drop" };
	struct buf text = BUF_INIT;

	(void)add(&m, s);
	finish(&m);
	assert_int_equal(xtables_entry_read(&m.table, 0, &r.entry), 0);
	legacy_rule_text(&text, &r);
	assert_string_equal(text.data, want);
	buf_release(&text);
	release(&m);
}

static void a_rule_is_written_as_iptables_writes_it(void **state)
{
	struct xt_multiport_v1 ports = { .flags = XT_MULTIPORT_DESTINATION,
					 .count = 3,
					 .ports = { 22, 80, 90 },
					 .pflags = { 0, 1, 0 } };
	struct xt_tcp syn = { .spts = { 53, 53 },
			      .dpts = { 0, 65535 },
			      .flg_mask = 0x17,
			      .flg_cmp = 0x02,
			      .invflags = XT_TCP_INV_SRCPT };
	static const char comment[256] = "say \"no\"";
	uint32_t reset = 7;
	struct spec s = spec(DROP, 0);

	(void)state;
	expect_text(AF_INET, spec(DROP, 0), "-A INPUT -j DROP");
	s.v4.ip.src.s_addr = htonl(0x0a000000);
	s.v4.ip.smsk.s_addr = htonl(0xff000000);
	s.v4.ip.invflags = IPT_INV_SRCIP | IPT_INV_VIA_OUT;
	memcpy(s.v4.ip.iniface, "wg+", 3);
	memcpy(s.v4.ip.outiface, "eth0", 4);
	add_tcp(&s, 400, 500);
	add_match(&s, "comment", 0, comment, sizeof(comment));
	expect_text(AF_INET, s,
		    "-A INPUT ! -s 10.0.0.0/8 -i wg+ ! -o eth0 -p tcp -m tcp "
		    "--dport 400:500 -m comment --comment \"say \\\"no\\\"\" -j DROP");
	s = spec(0, 0);
	s.target = "REJECT";
	s.data = &reset;
	s.len = sizeof(reset);
	s.v4.ip.proto = IPPROTO_TCP;
	add_match(&s, "tcp", 0, &syn, sizeof(syn));
	add_match(&s, "multiport", 1, &ports, sizeof(ports));
	expect_text(AF_INET, s,
		    "-A INPUT -p tcp -m tcp ! --sport 53 "
		    "--tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports 22,80:90 "
		    "-j REJECT --reject-with tcp-reset");
}

static void a_rule_of_ipv6_is_written_with_its_addresses(void **state)
{
	struct spec s = spec(DROP, 0);
	struct addr a;

	(void)state;
	assert_int_equal(addr_from_text("2001:db8::", &a), 0);
	memcpy(&s.v6.ipv6.dst, a.ip, 16);
	memset(&s.v6.ipv6.dmsk, 0xff, 4);
	s.v6.ipv6.proto = IPPROTO_ICMPV6;
	expect_text(AF_INET6, s, "-A INPUT -d 2001:db8::/32 -p ipv6-icmp -j DROP");
}

static void what_is_not_known_is_named_and_not_guessed(void **state)
{
	static const uint8_t some[16] = { 1 };
	struct spec s = spec(0, 0);

	(void)state;
	s.v4.ip.proto = 132;
	s.target = "NFQUEUE";
	s.data = some;
	s.len = sizeof(some);
	add_match(&s, "hashlimit", 3, some, sizeof(some));
	expect_text(AF_INET, s, "-A INPUT -p 132 -m hashlimit ... -j NFQUEUE ...");
	/* A match of a revision that is laid out otherwise. */
	s = spec(DROP, 0);
	add_match(&s, "conntrack", 1, some, sizeof(some));
	expect_text(AF_INET, s, "-A INPUT -m conntrack ... -j DROP");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rule_that_counted_is_named_with_its_number),
		cmocka_unit_test(nothing_counted_is_nothing_found),
		cmocka_unit_test(a_policy_has_no_number),
		cmocka_unit_test(a_rule_for_another_port_counted_another_packet),
		cmocka_unit_test(a_chain_of_the_users_has_the_hooks_that_jump_to_it),
		cmocka_unit_test(all_that_counted_are_told),
		cmocka_unit_test(answers_are_matched_by_where_they_come_from),
		cmocka_unit_test(addresses_and_protocols_are_looked_at),
		cmocka_unit_test(a_table_that_changed_is_not_compared),
		cmocka_unit_test(nonsense_does_no_harm),
		cmocka_unit_test(a_rule_is_written_as_iptables_writes_it),
		cmocka_unit_test(a_rule_of_ipv6_is_written_with_its_addresses),
		cmocka_unit_test(what_is_not_known_is_named_and_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
