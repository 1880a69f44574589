/*
 * --rule, nftables: what is written and read in nft's language.
 */
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule_private.h"

#define OURS "portblock_1_2"
#define PORT 443

static char *table_text(const char *address, uint8_t protocol, size_t n_devices)
{
	struct rule_chains chains = { .devices = { "eth0", "br-lan" },
				      .n_devices = n_devices };
	struct rule_flow flow = { .port = PORT, .protocol = protocol };
	struct buf text = BUF_INIT;

	assert_int_equal(addr_from_text(address, &flow.addr), 0);
	rule_table_text(&text, OURS, &flow, &chains);
	assert_false(text.failed);
	return buf_steal(&text);
}

static void the_table_traces_what_makes_a_connection_and_no_more(void **state)
{
	char *text = table_text("192.0.2.1", IPPROTO_TCP, 0);

	(void)state;
	assert_non_null(strstr(text, "table inet " OURS " {\n\tflags owner;"));
	assert_non_null(strstr(text,
			       "ip daddr 192.0.2.1 tcp dport 443 "
			       "tcp flags & (syn | ack) == syn meta nftrace set 1"));
	assert_non_null(strstr(text, "ip saddr 192.0.2.1 tcp sport 443 "
				     "tcp dport @flows tcp flags & (syn | rst) != 0x0 "
				     "meta nftrace set 1"));
	assert_null(strstr(text, "ingress"));
	assert_null(strstr(text, "drop"));
	free(text);
}

static void the_table_knows_ipv6_and_udp_and_devices(void **state)
{
	char *text = table_text("2001:db8::1", IPPROTO_UDP, 2);

	(void)state;
	assert_non_null(strstr(text, "ip6 daddr 2001:db8::1 udp dport 443 "
				     "meta nftrace set 1 add @flows { udp sport }"));
	assert_non_null(
		strstr(text, "hook ingress devices = { \"eth0\", \"br-lan\" } priority"));
	assert_null(strstr(text, "tcp"));
	free(text);
}

static void a_zone_is_no_part_of_an_address_in_a_header(void **state)
{
	char *text = table_text("fe80::1%lo", IPPROTO_TCP, 0);

	(void)state;
	assert_non_null(strstr(text, "ip6 daddr fe80::1 tcp"));
	free(text);
}

static void only_names_that_nft_can_read_are_plain(void **state)
{
	(void)state;
	assert_true(rule_name_is_plain("filter"));
	assert_true(rule_name_is_plain("DOCKER-ISOLATION-STAGE-1"));
	assert_true(rule_name_is_plain("ufw6_user.x/y"));
	assert_false(rule_name_is_plain(""));
	assert_false(rule_name_is_plain("1st"));
	assert_false(rule_name_is_plain("f2b:sshd"));
	assert_false(rule_name_is_plain("a; flush ruleset"));
	assert_false(rule_name_is_plain("a\nb"));
	assert_false(rule_name_is_plain("caf\xc3\xa9"));
}

static const char listing[] =
	"table ip filter { # handle 1\n"
	"\tchain OUTPUT { # handle 13\n"
	"\t\ttype filter hook output priority filter; policy accept;\n"
	"\t\ttcp dport 9 drop # handle 13\n"
	"\t}\n"
	"}\n"
	"table inet wall { # handle 2\n"
	"\tset s { # handle 3\n"
	"\t\ttype inet_service\n"
	"\t}\n"
	"\n"
	"\tchain out { # handle 4\n"
	"\t\ttype filter hook output priority -5; policy drop;\n"
	"\t\ttcp dport 25 drop comment \"not # handle 3\" # handle 13\n"
	"\t\ttcp dport 26 reject # handle 3\n"
	"\t}\n"
	"\n"
	"\tchain out2 { # handle 5\n"
	"\t\ttype filter hook output priority -6; policy accept;\n"
	"\t}\n"
	"}\n";

static void expect_text(const char *family, const char *table, const char *chain,
			uint64_t handle, const char *want)
{
	struct buf out = BUF_INIT;
	bool found = rule_text_find(&out, listing, family, table, chain, handle);

	assert_int_equal(found, want != NULL);
	assert_string_equal(out.data, want ? want : "");
	buf_release(&out);
}

static void a_rule_is_found_by_its_table_and_handle(void **state)
{
	(void)state;
	expect_text("inet", "wall", "out", 3, "tcp dport 26 reject");
	expect_text("inet", "wall", "out", 13,
		    "tcp dport 25 drop comment \"not # handle 3\"");
	expect_text("ip", "filter", "OUTPUT", 13, "tcp dport 9 drop");
	expect_text("ip", "filter", "OUTPUT", 3, NULL);
	expect_text("ip6", "filter", "OUTPUT", 13, NULL);
	/* The handle of a chain is no rule's. */
	expect_text("inet", "wall", "out", 4, NULL);
}

static void a_policy_is_found_in_the_description_of_its_chain(void **state)
{
	(void)state;
	expect_text("inet", "wall", "out", 0,
		    "type filter hook output priority -5; policy drop;");
	expect_text("inet", "wall", "out2", 0,
		    "type filter hook output priority -6; policy accept;");
	expect_text("inet", "wall", "ou", 0, NULL);
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
	char out[5];

	(void)state;
	rule_copy(out, sizeof(out), "abcd");
	assert_string_equal(out, "abcd");
	rule_copy(out, sizeof(out), "abcde");
	assert_string_equal(out, "abcd");
	rule_copy(out, sizeof(out), "abc\xc3\xa9");
	assert_string_equal(out, "abc");
	rule_copy(out, sizeof(out), "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
	assert_string_equal(out, "\xf0\x9f\x98\x80");
	rule_copy(out, sizeof(out), "\x80\x80\x80\x80\x80\x80");
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_traces_what_makes_a_connection_and_no_more),
		cmocka_unit_test(the_table_knows_ipv6_and_udp_and_devices),
		cmocka_unit_test(a_zone_is_no_part_of_an_address_in_a_header),
		cmocka_unit_test(only_names_that_nft_can_read_are_plain),
		cmocka_unit_test(a_rule_is_found_by_its_table_and_handle),
		cmocka_unit_test(a_policy_is_found_in_the_description_of_its_chain),
		cmocka_unit_test(what_is_too_long_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
