#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target.h"

static struct target parsed(const char *operand, int protocol)
{
	char why[TARGET_WHY_SIZE] = "";
	struct target t = { 0 };

	if (target_parse(operand, protocol, false, &t, why))
		fail_msg("refused: %s", why);
	return t;
}

/* Is OPERAND refused with the message "'SHOWN': EXPECTED"? */
static void check_refused(const char *operand, const char *shown, const char *expected)
{
	struct target t = { .n_addrs = 4242 };
	char why[TARGET_WHY_SIZE] = "", whole[TARGET_WHY_SIZE];

	if (target_parse(operand, IPPROTO_TCP, false, &t, why) != -EINVAL)
		fail_msg("'%s' was accepted, or failed otherwise: %s", operand, why);
	snprintf(whole, sizeof(whole), "'%s': %s", shown, expected);
	assert_string_equal(why, whole);
	assert_int_equal(t.n_addrs, 4242);
}

static void every_form_of_a_target_is_read(void **state)
{
	static const struct {
		const char *operand;
		enum target_kind kind;
		const char *text;
		const char *addr; /* "" for names */
		uint16_t port;	  /* 0: no own ports */
	} cases[] = {
		{ "example.com", TARGET_NAME, "example.com", "", 0 },
		{ "example.com.", TARGET_NAME, "example.com.", "", 0 },
		{ "localhost", TARGET_NAME, "localhost", "", 0 },
		{ "_x._tcp.a-b", TARGET_NAME, "_x._tcp.a-b", "", 0 },
		{ "bücher.example", TARGET_NAME, "bücher.example", "", 0 },
		{ "例え.テスト", TARGET_NAME, "例え.テスト", "", 0 },
		{ "foo.1", TARGET_NAME, "foo.1", "", 0 },
		{ "80x", TARGET_NAME, "80x", "", 0 },
		{ "1and1.com", TARGET_NAME, "1and1.com", "", 0 },
		{ "cafe", TARGET_NAME, "cafe", "", 0 },
		{ "192.0.2.1", TARGET_ADDRESS, "192.0.2.1", "192.0.2.1", 0 },
		{ "0.0.0.0", TARGET_ADDRESS, "0.0.0.0", "0.0.0.0", 0 },
		{ "::", TARGET_ADDRESS, "::", "::", 0 },
		{ "2001:db8::1:80", TARGET_ADDRESS, "2001:db8::1:80", "2001:db8::1:80",
		  0 },
		{ "2001:DB8:0::1", TARGET_ADDRESS, "2001:DB8:0::1", "2001:db8::1", 0 },
		{ "::ffff:1.2.3.4", TARGET_ADDRESS, "::ffff:1.2.3.4", "::ffff:1.2.3.4",
		  0 },
		{ "[2001:db8::1]", TARGET_ADDRESS, "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]:22", TARGET_ADDRESS, "2001:db8::1", "2001:db8::1", 22 },
		{ "fe80::1%lo", TARGET_ADDRESS, "fe80::1%lo", "fe80::1%lo", 0 },
		{ "[fe80::1%lo]:22", TARGET_ADDRESS, "fe80::1%lo", "fe80::1%lo", 22 },
		{ "example.com:80", TARGET_NAME, "example.com", "", 80 },
		{ "192.0.2.1:80", TARGET_ADDRESS, "192.0.2.1", "192.0.2.1", 80 },
		{ "10.0.0.0/24", TARGET_BLOCK, "10.0.0.0/24", "10.0.0.0", 0 },
		{ "10.0.0.77/24:80", TARGET_BLOCK, "10.0.0.77/24", "10.0.0.0", 80 },
		{ "[2001:db8::/120]:80", TARGET_BLOCK, "2001:db8::/120",
		  "2001:db8::", 80 },
		{ "http://example.com", TARGET_NAME, "example.com", "", 80 },
		{ "HTTPS://Example.com/x", TARGET_NAME, "Example.com", "", 443 },
		{ "https://example.com:8443/x?y#z", TARGET_NAME, "example.com", "",
		  8443 },
		{ "https://example.com?a:b@c", TARGET_NAME, "example.com", "", 443 },
		{ "https://example.com:/x", TARGET_NAME, "example.com", "", 443 },
		{ "https://u:p@ss@example.com", TARGET_NAME, "example.com", "", 443 },
		{ "https://u@[2001:db8::1]/", TARGET_ADDRESS, "2001:db8::1",
		  "2001:db8::1", 443 },
		{ "https://[2001:db8::1]:8443/", TARGET_ADDRESS, "2001:db8::1",
		  "2001:db8::1", 8443 },
		{ "http://[fe80::1%25lo]/", TARGET_ADDRESS, "fe80::1%lo", "fe80::1%lo",
		  80 },
		{ "http://[fe80::1%lo]/", TARGET_ADDRESS, "fe80::1%lo", "fe80::1%lo",
		  80 },
		{ "http://10.0.0.1/24", TARGET_ADDRESS, "10.0.0.1", "10.0.0.1", 80 },
		{ "postgresql+psycopg2://db:6000/x", TARGET_NAME, "db", "", 6000 },
		{ "tcp://db:6000", TARGET_NAME, "db", "", 6000 },
	};
	char text[ADDR_TEXT_SIZE];
	uint16_t port;
	int protocol;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = parsed(cases[i].operand, IPPROTO_TCP);

		assert_int_equal(t.kind, cases[i].kind);
		assert_string_equal(t.text, cases[i].text);
		assert_string_equal(addr_to_text(&t.addr, text), cases[i].addr);
		assert_int_equal(t.own_ports, cases[i].port != 0);
		assert_int_equal(t.ports.n_ports, cases[i].port != 0);
		if (cases[i].port) {
			port_list_at(&t.ports, 0, &port, &protocol);
			assert_int_equal(port, cases[i].port);
			assert_int_equal(protocol, IPPROTO_TCP);
		}
		target_release(&t);
	}
	target_release(NULL);
}

static void schemes_have_their_customary_ports(void **state)
{
	static const struct {
		const char *url;
		uint16_t port;
	} cases[] = {
		{ "http://h", 80 },	    { "https://h", 443 },
		{ "ws://h", 80 },	    { "wss://h", 443 },
		{ "ssh://git@h/x", 22 },    { "sftp://h", 22 },
		{ "ftp://h", 21 },	    { "ldap://h", 389 },
		{ "ldaps://h", 636 },	    { "postgres://h/d", 5432 },
		{ "postgresql://h", 5432 }, { "mysql://h", 3306 },
		{ "redis://h/0", 6379 },    { "rediss://h", 6379 },
		{ "amqp://h", 5672 },	    { "amqps://h", 5671 },
		{ "mqtt://h", 1883 },	    { "mqtts://h", 8883 },
		{ "smtp://h", 25 },	    { "smtps://h", 465 },
		{ "imap://h", 143 },	    { "imaps://h", 993 },
		{ "mongodb://h", 27017 },   { "irc://h", 6667 },
	};
	uint16_t port;
	int protocol;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = parsed(cases[i].url, IPPROTO_TCP);

		port_list_at(&t.ports, 0, &port, &protocol);
		assert_int_equal(port, cases[i].port);
		assert_int_equal(protocol, IPPROTO_TCP);
		target_release(&t);
	}
}

static void the_protocol_comes_from_suffix_scheme_or_default(void **state)
{
	static const struct {
		const char *operand;
		int by_default, expected;
	} cases[] = {
		{ "h:53", IPPROTO_TCP, IPPROTO_TCP },
		{ "h:53", IPPROTO_UDP, IPPROTO_UDP },
		{ "h:53/udp", IPPROTO_TCP, IPPROTO_UDP },
		{ "10.0.0.0/24:53/udp", IPPROTO_TCP, IPPROTO_UDP },
		{ "https://h", IPPROTO_UDP, IPPROTO_UDP },
		{ "udp://h:53", IPPROTO_TCP, IPPROTO_UDP },
		{ "tcp://h:53", IPPROTO_UDP, IPPROTO_TCP },
	};
	uint16_t port;
	int protocol;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = parsed(cases[i].operand, cases[i].by_default);

		port_list_at(&t.ports, 0, &port, &protocol);
		assert_int_equal(protocol, cases[i].expected);
		target_release(&t);
	}
}

/* What stands after the operand in its quotes. */
#define CHARACTERS  "not a host name (expected letters, digits, '-', '_' and '.')"
#define EMPTY_LABEL "not a host name (an empty label)"
#define NOT_UTF8    "not valid UTF-8 (expected a host name)"
#define LIKE_IPV4                                                          \
	"looks like an IPv4 address but isn't one (expected four decimal " \
	"numbers 0-255)"
#define NOT_IPV6                                                               \
	"not an IPv6 address (expected e.g. 2001:db8::1, or [2001:db8::1]:80 " \
	"with a port)"
#define NO_HOST	  "expected a host before the colon, as in HOST:PORT"
#define NO_PORT	  "expected a port after the colon, as in HOST:PORT"
#define LENGTH_32 "expected a prefix length of 0-32 after the slash"
#define NOT_BLOCK                                                                \
	"expected an address before the slash, as in 10.0.0.0/24 (a URL begins " \
	"with e.g. https://)"
#define NO_URL_HOST "expected a host in the URL"
#define NOT_URL	    "expected a URL such as https://example.com"
#define URL_PORT    "expected a port of 1-65535 in the URL"
#define NO_SCHEME                                                \
	"no port is known for this scheme (expected one, as in " \
	"scheme://HOST:8080)"

static const struct {
	const char *operand, *why;
} bad_operands[] = {
	{ "", "expected a host name, an address, HOST:PORT or a URL" },
	{ ".", "expected a host name or an address" },
	{ "a..b", EMPTY_LABEL },
	{ ".a", EMPTY_LABEL },
	{ "a..", EMPTY_LABEL },
	{ "-x", "not a host name (it begins with '-')" },
	{ "a b", CHARACTERS },
	{ "a\nb", CHARACTERS },
	{ "a\x7f", CHARACTERS },
	{ "a*", CHARACTERS },
	{ "a\\b", CHARACTERS },
	{ "a\u00a0b", CHARACTERS },
	{ "a\u202eb", CHARACTERS },
	{ "a.com,b.com", "not a host name (targets stand apart, without commas)" },
	{ "a\xff", NOT_UTF8 },
	{ "a\xc3", NOT_UTF8 },
	{ ":80", NO_HOST },
	{ ":", NO_HOST },
	{ "host:", NO_PORT },
	{ "[::1]:", NO_PORT },
	{ "host:70000", "port '70000': expected 1-65535" },
	{ "host:90-80", "port range '90-80': expected the lower port first" },
	{ "[::1]:0",
	  "port '0': reserved, nothing can be reached there (expected 1-65535)" },
	{ "host:htpp",
	  "service 'htpp': not in the services database (expected a port number or "
	  "a service name)" },
	{ "127.1:80", LIKE_IPV4 },
	{ "a:b:c", NOT_IPV6 },
	{ "1:2:3:4:5:6:7:8:80", NOT_IPV6 },
	{ "[::1", "expected a closing bracket, as in [2001:db8::1]:80" },
	{ "[::1]80", "expected a colon after the bracket, as in [2001:db8::1]:80" },
	{ "[1.2.3.4]:80", "expected an IPv6 address in the brackets" },
	{ "[]:80", "expected an IPv6 address in the brackets" },
	{ "fe80::1%nosuch0", "this machine has no interface 'nosuch0'" },
	{ "2001:db8::1%lo",
	  "a zone goes with link-local and multicast IPv6 addresses only" },
	{ "10.0.0.0/33", LENGTH_32 },
	{ "10.0.0.0/", LENGTH_32 },
	{ "10.0.0.0/-1", LENGTH_32 },
	{ "10.0.0.0/255.0.0.0", LENGTH_32 },
	{ "2001:db8::/129", "expected a prefix length of 0-128 after the slash" },
	{ "10.0/8", NOT_BLOCK },
	{ "example.com/x", NOT_BLOCK },
	{ "10.0.0.0/4",
	  "268435456 addresses: expected a block of at most 1048576, or --yes" },
	{ "2001:db8::/64", "2^64 addresses: expected a block of at most 2^32" },
	{ "::/0", "2^128 addresses: expected a block of at most 2^32" },
	{ "http://", NO_URL_HOST },
	{ "://x", NOT_URL },
	{ "1a://x", NOT_URL },
	{ "a b://x", NOT_URL },
	{ "tcp://host", NO_SCHEME },
	{ "https://host:80,443", URL_PORT },
};

/* Messages show a URL up to its path, and without its user. */
static const struct {
	const char *operand, *shown, *why;
} bad_urls[] = {
	{ "file:///etc", "file://", NO_URL_HOST },
	{ "http://:80/", "http://:80", NO_URL_HOST },
	{ "nosuch://host/x", "nosuch://host", NO_SCHEME },
	{ "https://host:70000/", "https://host:70000", URL_PORT },
	{ "https://2001:db8::1/", "https://2001:db8::1",
	  "expected an IPv6 address in brackets, as in https://[2001:db8::1]:8443" },
	{ "http://127.1/", "http://127.1", LIKE_IPV4 },
	{ "https://user:secret@host:99999/path?token=secret", "https://host:99999",
	  URL_PORT },
	{ "https://user:secret@ho st/", "https://ho st", CHARACTERS },
};

static void numbers_that_are_no_address_are_refused_and_not_guessed(void **state)
{
	static const char *const bad[] = {
		"127.1",      "0",
		"1.2.3.4.5",  "256.1.1.1",
		"010.0.0.1",  "1.2.3",
		"1.2.3.4.",   "0x7f.1",
		"0x7f000001", "2130706433",
		"1.2.3.0x4",  "0X1.2.3.4",
		"1.2.3.08",   "99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(bad[i], bad[i], LIKE_IPV4);
}

static void a_bad_operand_is_refused_with_a_line_that_names_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_operands); i++)
		check_refused(bad_operands[i].operand, bad_operands[i].operand,
			      bad_operands[i].why);
}

static void a_bad_url_is_named_without_its_user_and_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_urls); i++)
		check_refused(bad_urls[i].operand, bad_urls[i].shown, bad_urls[i].why);
}

static void names_have_bounds(void **state)
{
	char name[300], why[TARGET_WHY_SIZE];
	struct target t;

	(void)state;
	/* Labels of 63, 63, 63 and 61: 253 in all, with or without the dot at the end. */
	memset(name, 'a', sizeof(name));
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	t = parsed(name, IPPROTO_TCP);
	target_release(&t);
	name[253] = '.';
	name[254] = '\0';
	t = parsed(name, IPPROTO_TCP);
	target_release(&t);
	name[253] = 'a';
	assert_int_equal(target_parse(name, IPPROTO_TCP, false, &t, why), -EINVAL);
	assert_non_null(strstr(why, "...': not a host name (more than 253 bytes)"));
	name[63] = 'a';
	name[253] = '\0';
	assert_int_equal(target_parse(name, IPPROTO_TCP, false, &t, why), -EINVAL);
	assert_non_null(strstr(
		why, "...': not a host name (a label of more than 63 characters)"));
}

static void blocks_hold_all_their_addresses(void **state)
{
	static const struct {
		const char *operand, *first, *last;
		uint64_t n;
	} cases[] = {
		{ "10.0.0.5/24", "10.0.0.0", "10.0.0.255", 256 },
		{ "10.0.0.5/32", "10.0.0.5", "10.0.0.5", 1 },
		{ "10.0.0.5/31", "10.0.0.4", "10.0.0.5", 2 },
		{ "10.0.0.0/12", "10.0.0.0", "10.15.255.255", 1 << 20 },
		{ "2001:db8::1/128", "2001:db8::1", "2001:db8::1", 1 },
		{ "2001:db8::ff00/120", "2001:db8::ff00", "2001:db8::ffff", 256 },
		{ "2001:db8::/108", "2001:db8::", "2001:db8::f:ffff", 1 << 20 },
	};
	char text[ADDR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = parsed(cases[i].operand, IPPROTO_TCP);
		struct addr first = target_addr(&t, 0),
			    last = target_addr(&t, t.n_addrs - 1);

		assert_int_equal(t.n_addrs, cases[i].n);
		assert_string_equal(addr_to_text(&first, text), cases[i].first);
		assert_string_equal(addr_to_text(&last, text), cases[i].last);
		target_release(&t);
	}
}

static void huge_blocks_have_to_be_meant(void **state)
{
	char why[TARGET_WHY_SIZE];
	struct target t = { 0 };

	(void)state;
	assert_int_equal(target_parse("10.0.0.0/11", IPPROTO_TCP, false, &t, why),
			 -EINVAL);
	assert_int_equal(target_parse("10.0.0.0/11", IPPROTO_TCP, true, &t, why), 0);
	assert_int_equal(t.n_addrs, 1 << 21);
	target_release(&t);
	assert_int_equal(target_parse("0.0.0.0/0", IPPROTO_TCP, true, &t, why), 0);
	assert_true(t.n_addrs == (uint64_t)1 << 32);
	target_release(&t);
	assert_int_equal(target_parse("2001:db8::/96", IPPROTO_TCP, true, &t, why), 0);
	target_release(&t);
	assert_int_equal(target_parse("2001:db8::/95", IPPROTO_TCP, true, &t, why),
			 -EINVAL);
}

static void any_bytes_give_a_target_or_a_whole_message(void **state)
{
	static const char alphabet[] = "a1.:/-@[]%,# \x80\xc3\xa9\xff\x7f"
				       "0x2s";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char operand[41], why[TARGET_WHY_SIZE] = "";
		struct target t = { 0 };
		size_t len;
		int err;

		seed = seed * 1664525 + 1013904223;
		len = seed >> 16 & 31;
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			operand[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		operand[len] = '\0';
		if (round % 4 == 0 && len > 8)
			memcpy(operand, "http://", 7);
		err = target_parse(operand, IPPROTO_TCP, false, &t, why);
		assert_true(err == 0 || err == -EINVAL);
		assert_int_equal(err == 0, why[0] == '\0');
		if (!err)
			assert_non_null(t.text);
		target_release(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_target_is_read),
		cmocka_unit_test(schemes_have_their_customary_ports),
		cmocka_unit_test(the_protocol_comes_from_suffix_scheme_or_default),
		cmocka_unit_test(numbers_that_are_no_address_are_refused_and_not_guessed),
		cmocka_unit_test(a_bad_operand_is_refused_with_a_line_that_names_it),
		cmocka_unit_test(a_bad_url_is_named_without_its_user_and_password),
		cmocka_unit_test(names_have_bounds),
		cmocka_unit_test(blocks_hold_all_their_addresses),
		cmocka_unit_test(huge_blocks_have_to_be_meant),
		cmocka_unit_test(any_bytes_give_a_target_or_a_whole_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
