#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addr.h"

static struct addr addr_of(const char *text)
{
	struct addr a;

	if (addr_from_text(text, &a))
		fail_msg("%s is not taken as an address", text);
	return a;
}

static void check_text(const char *in, const char *out)
{
	struct addr a = addr_of(in);
	char text[ADDR_TEXT_SIZE];

	assert_ptr_equal(addr_to_text(&a, text), text);
	assert_string_equal(text, out);
}

static void check_refused(const char *text, int err)
{
	struct addr a = { .scope = 4242, .family = 99 };

	if (addr_from_text(text, &a) != err)
		fail_msg("'%s': not %s", text, strerror(-err));
	assert_int_equal(a.family, 99);
	assert_int_equal(a.scope, 4242);
}

static void numeric_addresses_come_back_canonical(void **state)
{
	(void)state;
	check_text("192.0.2.1", "192.0.2.1");
	check_text("0.0.0.0", "0.0.0.0");
	check_text("255.255.255.255", "255.255.255.255");
	check_text("::", "::");
	check_text("::1", "::1");
	check_text("2001:DB8::1", "2001:db8::1");
	check_text("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1");
	/* RFC 5952 4.2.2 and 4.2.3: no :: for one group; longest, then first run. */
	check_text("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_text("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	check_text("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_text("::ffff:192.0.2.1", "::ffff:192.0.2.1");
	check_text("::ffff:c000:201", "::ffff:192.0.2.1");
	check_text("fe80::1", "fe80::1");
}

static void what_is_no_strict_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"127.1",
		"1",
		"0x7f000001",
		"127.0.0.01",
		"0177.0.0.1",
		"1.2.3.4.5",
		"1.2.3",
		"256.0.0.1",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.4/24",
		"example.com",
		"[::1]",
		"::1:",
		":::",
		"1::2::3",
		"1:2:3:4:5:6:7",
		"g::",
		"12345::",
		"::1/64",
		"fe80::1%",
		"%lo",
		"%",
		"localhost%lo",
		"1:2:3:4:5:6:7:8:9",
		"::1.2.3.256",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_refused(bad[i], -EINVAL);
}

static void a_zone_is_taken_by_name_and_by_number(void **state)
{
	unsigned int lo = if_nametoindex("lo");
	char by_number[32];
	struct addr a;

	(void)state;
	assert_true(lo > 0);
	a = addr_of("fe80::1%lo");
	assert_int_equal(a.scope, lo);
	snprintf(by_number, sizeof(by_number), "fe80::1%%%u", lo);
	a = addr_of(by_number);
	assert_int_equal(a.scope, lo);
	check_text("fe80::1%lo", "fe80::1%lo");
	check_text(by_number, "fe80::1%lo");
	check_text("ff02::1%lo", "ff02::1%lo");
	assert_int_equal(addr_of("fe80::1").scope, 0);
}

static void a_zone_that_is_no_interface_is_enodev(void **state)
{
	(void)state;
	check_refused("fe80::1%nosuchif0", -ENODEV);
	check_refused("fe80::1%0", -ENODEV);
	check_refused("fe80::1%2000000000", -ENODEV);
	check_refused("fe80::1%4294967297", -ENODEV);
	check_refused("fe80::1%99999999999999999999", -ENODEV);
	check_refused("fe80::1%-1", -ENODEV);
	check_refused("fe80::1%lo%lo", -ENODEV);
	check_refused("fe80::1%an-interface-name-that-is-too-long", -ENODEV);
}

static void a_zone_where_none_belongs_is_refused(void **state)
{
	(void)state;
	check_refused("::1%lo", -EADDRNOTAVAIL);
	check_refused("2001:db8::1%lo", -EADDRNOTAVAIL);
	check_refused("169.254.1.1%lo", -EADDRNOTAVAIL);
	check_refused("127.0.0.1%lo", -EADDRNOTAVAIL);
	/* That comes first, whatever the zone is. */
	check_refused("::1%nosuchif0", -EADDRNOTAVAIL);
}

static void a_zone_without_an_interface_is_shown_as_number(void **state)
{
	struct addr a = addr_of("fe80::1");
	char text[ADDR_TEXT_SIZE];

	(void)state;
	a.scope = 2000000000;
	assert_string_equal(addr_to_text(&a, text), "fe80::1%2000000000");
	a.scope = UINT32_MAX;
	assert_string_equal(addr_to_text(&a, text), "fe80::1%4294967295");
}

static void the_longest_address_fits(void **state)
{
	struct addr a = addr_of("fe80:1111:2222:3333:4444:5555:6666:7777");
	char text[ADDR_TEXT_SIZE], endpoint[ADDR_ENDPOINT_SIZE];

	(void)state;
	a.scope = UINT32_MAX;
	assert_string_equal(addr_to_text(&a, text),
			    "fe80:1111:2222:3333:4444:5555:6666:7777%4294967295");
	assert_string_equal(addr_endpoint_text(&a, 65535, endpoint),
			    "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:65535");
}

static void an_endpoint_has_brackets_for_ipv6_only(void **state)
{
	struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");
	struct addr zoned = addr_of("fe80::1%lo");
	char out[ADDR_ENDPOINT_SIZE];

	(void)state;
	assert_ptr_equal(addr_endpoint_text(&v4, 80, out), out);
	assert_string_equal(out, "192.0.2.1:80");
	assert_string_equal(addr_endpoint_text(&v6, 443, out), "[2001:db8::1]:443");
	assert_string_equal(addr_endpoint_text(&zoned, 0, out), "[fe80::1%lo]:0");
}

static void no_address_is_the_empty_text(void **state)
{
	struct addr none = { 0 };
	struct sockaddr_storage ss;
	char text[ADDR_TEXT_SIZE];

	(void)state;
	assert_string_equal(addr_to_text(&none, text), "");
	assert_int_equal(addr_to_sockaddr(&none, 80, &ss), 0);
}

static void a_sockaddr_is_made_in_network_order(void **state)
{
	struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("fe80::1%lo");
	struct sockaddr_storage ss;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	(void)state;
	memset(&ss, 0xee, sizeof(ss));
	assert_int_equal(addr_to_sockaddr(&v4, 0x1234, &ss), sizeof(sin));
	memcpy(&sin, &ss, sizeof(sin));
	assert_int_equal(sin.sin_family, AF_INET);
	assert_memory_equal(&sin.sin_port, "\x12\x34", 2);
	assert_memory_equal(&sin.sin_addr, "\xc0\x00\x02\x01", 4);
	assert_memory_equal(sin.sin_zero, "\0\0\0\0\0\0\0\0", 8);

	memset(&ss, 0xee, sizeof(ss));
	assert_int_equal(addr_to_sockaddr(&v6, 0x1234, &ss), sizeof(sin6));
	memcpy(&sin6, &ss, sizeof(sin6));
	assert_int_equal(sin6.sin6_family, AF_INET6);
	assert_memory_equal(&sin6.sin6_port, "\x12\x34", 2);
	assert_memory_equal(&sin6.sin6_addr, v6.ip, 16);
	assert_int_equal(sin6.sin6_scope_id, v6.scope);
	assert_int_equal(sin6.sin6_flowinfo, 0);
}

static void a_sockaddr_and_back_is_the_same(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1",  "255.255.255.255", "::", "2001:db8::1", "fe80::1%lo",
		"ff02::1%lo", "::ffff:10.0.0.1"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct addr a = addr_of(texts[i]), back = { 0 };
		struct sockaddr_storage ss;
		socklen_t len = addr_to_sockaddr(&a, 65535, &ss);
		uint16_t port = 0;

		assert_int_equal(
			addr_from_sockaddr((struct sockaddr *)&ss, len, &back, &port), 0);
		assert_true(addr_equal(&a, &back));
		assert_int_equal(port, 65535);
		assert_int_equal(
			addr_from_sockaddr((struct sockaddr *)&ss, len, &back, NULL), 0);
	}
}

static void a_scope_on_a_global_address_is_dropped(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_scope_id = 7 };
	struct addr a, loopback = addr_of("::1");

	(void)state;
	sin6.sin6_addr = in6addr_loopback;
	assert_int_equal(
		addr_from_sockaddr((struct sockaddr *)&sin6, sizeof(sin6), &a, NULL), 0);
	assert_true(addr_equal(&a, &loopback));
}

static void other_families_and_short_sockaddrs_are_refused(void **state)
{
	struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");
	struct addr a = { .family = 99 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_storage ss;
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t len;
	uint16_t port = 4242;

	(void)state;
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sun, sizeof(sun), &a,
					    &port),
			 -EAFNOSUPPORT);
	len = addr_to_sockaddr(&v4, 1, &ss);
	for (socklen_t n = 0; n < len; n++)
		assert_int_equal(addr_from_sockaddr(sa, n, &a, &port), -EAFNOSUPPORT);
	len = addr_to_sockaddr(&v6, 1, &ss);
	for (socklen_t n = 0; n < len; n++)
		assert_int_equal(addr_from_sockaddr(sa, n, &a, &port), -EAFNOSUPPORT);
	assert_int_equal(a.family, 99);
	assert_int_equal(port, 4242);
}

static void addresses_are_ordered_by_family_number_and_scope(void **state)
{
	static const char *const in_order[] = {
		"0.0.0.0",  "9.255.255.255",   "10.0.0.0",
		"10.0.0.1", "255.255.255.255", "::",
		"::1",	    "2001:db8::ff",    "2001:db8::100",
		"fe80::1",  "fe80::1%lo",      "fe80::2"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(in_order); i++)
		for (size_t k = 0; k < ARRAY_SIZE(in_order); k++) {
			struct addr a = addr_of(in_order[i]), b = addr_of(in_order[k]);
			int order = addr_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
			assert_int_equal(addr_equal(&a, &b), i == k);
		}
}

static void length_and_family_follow_the_address(void **state)
{
	struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("::ffff:192.0.2.1");

	(void)state;
	assert_int_equal(addr_len(&v4), 4);
	assert_int_equal(addr_len(&v6), 16);
	assert_string_equal(addr_family_word(&v4), "inet");
	assert_string_equal(addr_family_word(&v6), "inet6");
}

static void check_plus(const char *from, uint64_t n, const char *to)
{
	struct addr a = addr_of(from), expected = addr_of(to), sum = addr_plus(&a, n);

	if (!addr_equal(&sum, &expected))
		fail_msg("%s plus %llu is not %s", from, (unsigned long long)n, to);
}

static void adding_carries_through_all_bytes(void **state)
{
	(void)state;
	check_plus("10.0.0.1", 0, "10.0.0.1");
	check_plus("10.0.0.255", 1, "10.0.1.0");
	check_plus("10.255.255.255", 1, "11.0.0.0");
	check_plus("10.0.0.0", 0x10203, "10.1.2.3");
	check_plus("0.0.0.0", UINT32_MAX, "255.255.255.255");
	check_plus("2001:db8::ffff", 1, "2001:db8::1:0");
	check_plus("2001:db8::", UINT64_MAX, "2001:db8::ffff:ffff:ffff:ffff");
	check_plus("2001:db8::ffff:ffff:ffff:ffff", UINT64_MAX,
		   "2001:db8:0:1:ffff:ffff:ffff:fffe");
	check_plus("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1, "2001:db9::");
	check_plus("fe80::1%lo", 1, "fe80::2%lo");
}

static void check_network(const char *text, unsigned int bits, const char *expected)
{
	struct addr a = addr_of(text), b = addr_of(expected),
		    net = addr_network(&a, bits);

	if (!addr_equal(&net, &b))
		fail_msg("%s/%u is not %s", text, bits, expected);
}

static void a_network_keeps_the_first_bits(void **state)
{
	(void)state;
	check_network("192.0.2.255", 32, "192.0.2.255");
	check_network("192.0.2.255", 31, "192.0.2.254");
	check_network("192.0.2.255", 25, "192.0.2.128");
	check_network("192.0.2.255", 24, "192.0.2.0");
	check_network("255.255.255.255", 23, "255.255.254.0");
	check_network("255.255.255.255", 1, "128.0.0.0");
	check_network("255.255.255.255", 0, "0.0.0.0");
	check_network("2001:db8:ffff::1", 128, "2001:db8:ffff::1");
	check_network("2001:db8:ffff::1", 127, "2001:db8:ffff::");
	check_network("2001:db8:ffff::1", 33, "2001:db8:8000::");
	check_network("2001:db8:ffff::1", 0, "::");
	check_network("192.0.2.255", 128, "192.0.2.255");
}

enum kind {
	LOOPBACK = 1,
	ANY = 2,
	MULTICAST = 4,
	BROADCAST = 8,
	LINK_LOCAL = 16,
	MAPPED = 32,
};

static void each_kind_of_address_is_recognised_up_to_its_border(void **state)
{
	static const struct {
		const char *text;
		unsigned int kinds;
	} cases[] = {
		{ "0.0.0.0", ANY },
		{ "0.0.0.1", 0 },
		{ "126.255.255.255", 0 },
		{ "127.0.0.0", LOOPBACK },
		{ "127.255.255.255", LOOPBACK },
		{ "128.0.0.0", 0 },
		{ "169.253.255.255", 0 },
		{ "169.254.0.0", LINK_LOCAL },
		{ "169.254.255.255", LINK_LOCAL },
		{ "169.255.0.0", 0 },
		{ "223.255.255.255", 0 },
		{ "224.0.0.0", MULTICAST },
		{ "239.255.255.255", MULTICAST },
		{ "240.0.0.0", 0 },
		{ "255.255.255.254", 0 },
		{ "255.255.255.255", BROADCAST },
		{ "::", ANY },
		{ "::1", LOOPBACK },
		{ "::2", 0 },
		{ "::127.0.0.1", 0 },
		{ "::ffff:127.0.0.1", LOOPBACK | MAPPED },
		{ "::ffff:10.0.0.1", MAPPED },
		{ "::ffff:0.0.0.0", MAPPED },
		{ "::fffe:10.0.0.1", 0 },
		{ "::1:ffff:10.0.0.1", 0 },
		{ "fe7f:ffff::", 0 },
		{ "fe80::", LINK_LOCAL },
		{ "febf:ffff::", LINK_LOCAL },
		{ "fec0::", 0 },
		{ "feff::", 0 },
		{ "ff00::", MULTICAST },
		{ "ffff::", MULTICAST },
		{ "7f00::", 0 },
		{ "e000::", 0 },
		{ "a9fe::", 0 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MULTICAST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct addr a = addr_of(cases[i].text);
		unsigned int kinds = 0;

		kinds |= addr_is_loopback(&a) ? LOOPBACK : 0;
		kinds |= addr_is_any(&a) ? ANY : 0;
		kinds |= addr_is_multicast(&a) ? MULTICAST : 0;
		kinds |= addr_is_broadcast(&a) ? BROADCAST : 0;
		kinds |= addr_is_link_local(&a) ? LINK_LOCAL : 0;
		kinds |= addr_is_v4mapped(&a) ? MAPPED : 0;
		if (kinds != cases[i].kinds)
			fail_msg("%s: %#x, not %#x", cases[i].text, kinds,
				 cases[i].kinds);
	}
}

static void no_address_is_of_no_kind(void **state)
{
	struct addr none = { 0 };

	(void)state;
	assert_false(addr_is_loopback(&none));
	assert_false(addr_is_any(&none));
	assert_false(addr_is_multicast(&none));
	assert_false(addr_is_link_local(&none));
	assert_false(addr_is_v4mapped(&none));
}

static void unmapping_changes_mapped_addresses_only(void **state)
{
	static const char *const others[] = { "10.0.0.1", "::1", "::10.0.0.1",
					      "fe80::1%lo" };
	struct addr mapped = addr_of("::ffff:10.0.0.1"), plain = addr_of("10.0.0.1");
	struct addr got = addr_unmap(&mapped);

	(void)state;
	assert_true(addr_equal(&got, &plain));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct addr a = addr_of(others[i]);

		got = addr_unmap(&a);
		assert_true(addr_equal(&got, &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_addresses_come_back_canonical),
		cmocka_unit_test(what_is_no_strict_address_is_refused),
		cmocka_unit_test(a_zone_is_taken_by_name_and_by_number),
		cmocka_unit_test(a_zone_that_is_no_interface_is_enodev),
		cmocka_unit_test(a_zone_where_none_belongs_is_refused),
		cmocka_unit_test(a_zone_without_an_interface_is_shown_as_number),
		cmocka_unit_test(the_longest_address_fits),
		cmocka_unit_test(an_endpoint_has_brackets_for_ipv6_only),
		cmocka_unit_test(no_address_is_the_empty_text),
		cmocka_unit_test(a_sockaddr_is_made_in_network_order),
		cmocka_unit_test(a_sockaddr_and_back_is_the_same),
		cmocka_unit_test(a_scope_on_a_global_address_is_dropped),
		cmocka_unit_test(other_families_and_short_sockaddrs_are_refused),
		cmocka_unit_test(addresses_are_ordered_by_family_number_and_scope),
		cmocka_unit_test(length_and_family_follow_the_address),
		cmocka_unit_test(adding_carries_through_all_bytes),
		cmocka_unit_test(a_network_keeps_the_first_bits),
		cmocka_unit_test(each_kind_of_address_is_recognised_up_to_its_border),
		cmocka_unit_test(no_address_is_of_no_kind),
		cmocka_unit_test(unmapping_changes_mapped_addresses_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
