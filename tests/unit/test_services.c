#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services.h"

#define WHY_SIZE 512

/* Machines without a services database have nothing to look up. */
static void need_database(void)
{
	if (!getservbyname("ssh", "tcp") || !getservbyname("https", "tcp"))
		skip();
}

static void add(struct port_list *list, const char *text)
{
	char why[WHY_SIZE] = "";
	int err = port_list_add(list, text, IPPROTO_TCP, why, sizeof(why));

	if (err)
		fail_msg("'%s': %s", text, why);
}

/* The list as text, a range a word: "80/tcp 1-5/udp". */
static const char *as_text(const struct port_list *list, char out[WHY_SIZE])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < list->n_ranges; i++) {
		const struct port_range *r = &list->ranges[i];

		used += (size_t)snprintf(out + used, WHY_SIZE - used, "%s%u-%u/%s",
					 i ? " " : "", r->first, r->last,
					 protocol_word(r->protocol));
	}
	return out;
}

static void lists_ranges_and_suffixes_are_read_in_order(void **state)
{
	static const struct {
		const char *text, *ranges;
		size_t n_ports;
	} cases[] = {
		{ "80", "80-80/tcp", 1 },
		{ "080", "80-80/tcp", 1 },
		{ "1-1024,8080", "1-1024/tcp 8080-8080/tcp", 1025 },
		{ "8080,1-3", "8080-8080/tcp 1-3/tcp", 4 },
		{ "53/udp", "53-53/udp", 1 },
		{ "53/UDP,53/tcp", "53-53/udp 53-53/tcp", 2 },
		{ "1-100/udp,22", "1-100/udp 22-22/tcp", 101 },
		{ "1-65535", "1-65535/tcp", 65535 },
		{ "7-7", "7-7/tcp", 1 },
	};
	char text[WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_list list = { 0 };

		add(&list, cases[i].text);
		assert_string_equal(as_text(&list, text), cases[i].ranges);
		assert_int_equal(list.n_ports, cases[i].n_ports);
		port_list_release(&list);
	}
}

static void duplicates_are_left_out_and_the_first_place_counts(void **state)
{
	static const struct {
		const char *text, *ranges;
	} cases[] = {
		{ "80,80,80", "80-80/tcp" },
		{ "80,79-81", "80-80/tcp 79-79/tcp 81-81/tcp" },
		{ "1-10,5-15", "1-15/tcp" },
		{ "5-15,1-10", "5-15/tcp 1-4/tcp" },
		{ "64,128,1-200",
		  "64-64/tcp 128-128/tcp 1-63/tcp 65-127/tcp 129-200/tcp" },
		{ "80,80/udp,80/tcp", "80-80/tcp 80-80/udp" },
		{ "80,81,82", "80-82/tcp" },
		{ "65535,1-65535", "65535-65535/tcp 1-65534/tcp" },
		/* Enough ranges that the list keeps its own record of what it has. */
		{ "1,3,5,7,9,11,13,15,17,19,1-20",
		  "1-1/tcp 3-3/tcp 5-5/tcp 7-7/tcp 9-9/tcp 11-11/tcp 13-13/tcp 15-15/tcp "
		  "17-17/tcp 19-19/tcp 2-2/tcp 4-4/tcp 6-6/tcp 8-8/tcp "
		  "10-10/tcp 12-12/tcp "
		  "14-14/tcp 16-16/tcp 18-18/tcp 20-20/tcp" },
	};
	char text[WHY_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_list list = { 0 };

		add(&list, cases[i].text);
		assert_string_equal(as_text(&list, text), cases[i].ranges);
		port_list_release(&list);
	}
}

static void several_additions_make_the_same_list_as_one(void **state)
{
	struct port_list one = { 0 }, many = { 0 };
	char a[WHY_SIZE], b[WHY_SIZE];

	(void)state;
	add(&one, "22,80-90,53/udp,1-100,9,500,502,504,506,508,1-600");
	add(&many, "22,80-90");
	add(&many, "53/udp");
	add(&many, "1-100,9,500,502,504");
	add(&many, "506,508,1-600");
	assert_string_equal(as_text(&one, a), as_text(&many, b));
	assert_int_equal(one.n_ports, 601);
	assert_int_equal(many.n_ports, 601);
	port_list_release(&one);
	port_list_release(&many);
}

static void every_port_is_found_at_its_place(void **state)
{
	struct port_list list = { 0 };
	size_t i = 0;
	uint16_t port;
	int protocol;

	(void)state;
	for (uint32_t p = 1; p <= 65535; p += 2)
		assert_int_equal(port_list_add_range(&list, (uint16_t)p, (uint16_t)p,
						     IPPROTO_UDP),
				 0);
	assert_int_equal(port_list_add_range(&list, 1, 65535, IPPROTO_UDP), 0);
	assert_int_equal(port_list_add_range(&list, 1, 65535, IPPROTO_TCP), 0);
	assert_int_equal(port_list_add_range(&list, 1, 65535, IPPROTO_UDP), 0);
	assert_int_equal(list.n_ports, 2 * 65535);
	for (uint32_t start = 1; start <= 2; start++) {
		for (uint32_t p = start; p <= 65535; p += 2) {
			port_list_at(&list, i++, &port, &protocol);
			assert_int_equal(port, p);
			assert_int_equal(protocol, IPPROTO_UDP);
		}
	}
	for (uint32_t p = 1; p <= 65535; p++) {
		port_list_at(&list, i++, &port, &protocol);
		assert_int_equal(port, p);
		assert_int_equal(protocol, IPPROTO_TCP);
	}
	port_list_release(&list);
	port_list_release(NULL);
}

static void a_bad_list_is_refused_with_a_line_that_names_the_part(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "ports '': expected e.g. 80, 1-1024, https" },
		{ "0",
		  "port '0': reserved, nothing can be reached there (expected 1-65535)" },
		{ "00/udp", "port '00/udp': reserved, nothing can be reached there "
			    "(expected 1-65535)" },
		{ "70000", "port '70000': expected 1-65535" },
		{ "65536", "port '65536': expected 1-65535" },
		{ "22,70000,80", "port '70000': expected 1-65535" },
		{ "99999999999999999999999",
		  "port '99999999999999999999999': expected 1-65535" },
		{ "90-80", "port range '90-80': expected the lower port first" },
		{ "0-80", "port range '0-80': port 0 is reserved (expected 1-65535)" },
		{ "80-0", "port range '80-0': expected the lower port first" },
		{ "1-70000", "port range '1-70000': expected 1-65535" },
		{ "80-", "port range '80-': expected the first and the last port, "
			 "as in 1-1024" },
		{ "-80", "port range '-80': expected the first and the last port, "
			 "as in 1-1024" },
		{ "-",
		  "port range '-': expected the first and the last port, as in 1-1024" },
		{ "1-2-3", "port range '1-2-3': expected the first and the last port, "
			   "as in 1-1024" },
		{ "80,,90", "ports '80,,90': expected a port on both sides of a comma" },
		{ ",", "ports ',': expected a port on both sides of a comma" },
		{ ",80", "ports ',80': expected a port on both sides of a comma" },
		{ "80,", "ports '80,': expected a port on both sides of a comma" },
		{ "80, 443", "ports '80, 443': expected no blanks, as in 80,443" },
		{ "80/sctp", "port '80/sctp': unknown protocol (expected /tcp or /udp)" },
		{ "80/", "port '80/': unknown protocol (expected /tcp or /udp)" },
		{ "80/tcp/udp",
		  "port '80/tcp/udp': unknown protocol (expected /tcp or /udp)" },
		{ "/udp", "port '/udp': expected a port before the slash, as in 53/udp" },
		{ "80x", "port '80x': expected a number from 1 to 65535" },
		{ "0x50", "port '0x50': expected a number from 1 to 65535" },
		{ "htpp", "service 'htpp': not in the services database "
			  "(expected a port number or a service name)" },
		{ "+80", "service '+80': not in the services database "
			 "(expected a port number or a service name)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct port_list list = { 0 };
		char why[WHY_SIZE] = "", text[WHY_SIZE];

		add(&list, "5-6");
		assert_int_equal(port_list_add(&list, cases[i].text, IPPROTO_TCP, why,
					       sizeof(why)),
				 -EINVAL);
		assert_string_equal(why, cases[i].why);
		assert_string_equal(as_text(&list, text), "5-6/tcp");
		assert_int_equal(list.n_ports, 2);
		port_list_release(&list);
	}
}

static void a_list_with_one_bad_part_adds_nothing(void **state)
{
	struct port_list list = { 0 };
	char why[WHY_SIZE];

	(void)state;
	assert_int_equal(port_list_add(&list, "1,3,5,7,9,11,13,15,17,19,0", IPPROTO_TCP,
				       why, sizeof(why)),
			 -EINVAL);
	assert_int_equal(list.n_ports, 0);
	assert_int_equal(list.n_ranges, 0);
	assert_null(list.ranges);
}

static void a_range_that_is_none_is_refused(void **state)
{
	struct port_list list = { 0 };

	(void)state;
	assert_int_equal(port_list_add_range(&list, 0, 5, IPPROTO_TCP), -EINVAL);
	assert_int_equal(port_list_add_range(&list, 6, 5, IPPROTO_TCP), -EINVAL);
	assert_int_equal(port_list_add_range(&list, 5, 6, IPPROTO_SCTP), -EINVAL);
	assert_int_equal(list.n_ports, 0);
}

static void services_are_read_by_name_in_any_case(void **state)
{
	struct port_list list = { 0 };
	char text[WHY_SIZE];

	(void)state;
	need_database();
	add(&list, "ssh,https,SMTP/tcp");
	assert_string_equal(as_text(&list, text), "22-22/tcp 443-443/tcp 25-25/tcp");
	port_list_release(&list);
}

static void a_service_of_the_other_protocol_is_named_with_it(void **state)
{
	struct port_list list = { 0 };
	char why[WHY_SIZE] = "";

	(void)state;
	need_database();
	if (getservbyname("ssh", "udp"))
		skip();
	assert_int_equal(port_list_add(&list, "ssh", IPPROTO_UDP, why, sizeof(why)),
			 -EINVAL);
	assert_string_equal(why,
			    "service 'ssh': in the services database for tcp only, as "
			    "22/tcp (expected ssh/tcp, or a port number)");
	assert_int_equal(port_list_add(&list, "ssh/udp", IPPROTO_TCP, why, sizeof(why)),
			 -EINVAL);
}

static void a_message_about_a_huge_operand_stays_whole(void **state)
{
	struct port_list list = { 0 };
	char why[WHY_SIZE] = "", text[5001];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(port_list_add(&list, text, IPPROTO_TCP, why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "aaa...': not in the services database"));
	assert_true(strlen(why) < 200);
}

static void what_was_meant_as_ports_is_told_from_targets(void **state)
{
	static const char *const ports[] = {
		"80",  "0",	  "70000", "80-",    "-80",	  "90-80",
		"80x", "1-1024",  "22,80", "80,,90", ",80",	  "53/udp",
		"80/", "80/sctp", "a/udp", "a,b",    "1-100/tcp", "99999999999999999999",
	};
	static const char *const targets[] = {
		"",
		"example.com",
		"127.0.0.1",
		"10.0.0.0/24",
		"2001:db8::/32",
		"::1",
		"host:80",
		"[::1]:80",
		"a.com,b.com",
		"1.2.3.4.5",
		"fe80::1%lo",
		"host-a",
		"htpp",
		"http://a/b,c/d",
		"_x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		if (!port_list_looks_like(ports[i]))
			fail_msg("'%s' was taken for a target", ports[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		if (port_list_looks_like(targets[i]))
			fail_msg("'%s' was taken for ports", targets[i]);
	}
}

static void a_known_service_looks_like_ports(void **state)
{
	(void)state;
	need_database();
	assert_true(port_list_looks_like("ssh"));
	assert_true(port_list_looks_like("HTTPS"));
	assert_true(services_known("ssh"));
	assert_false(services_known("htpp"));
	assert_false(services_known(""));
}

/* getservbyport(3) is what every application asks, so it is the measure. */
static void check_name(struct services *s, uint16_t port, const char *protocol)
{
	const struct servent *entry = getservbyport(htons(port), protocol);
	int number = strcmp(protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_TCP;
	char name[SERVICES_NAME_SIZE] = "x";

	assert_ptr_equal(services_name(s, port, number, name), name);
	assert_string_equal(name, entry ? entry->s_name : "");
}

static void names_of_ports_are_those_of_the_database(void **state)
{
	struct services s;

	(void)state;
	services_init(&s);
	for (uint16_t port = 20; port < 200; port++) {
		check_name(&s, port, "tcp");
		check_name(&s, port, "tcp");
		check_name(&s, port, "udp");
	}
	assert_true(s.complete);
	check_name(&s, 443, "tcp");
	check_name(&s, 65535, "udp");
	check_name(&s, 0, "tcp");
	services_release(&s);
	services_release(NULL);
}

static void a_service_has_a_port_per_protocol(void **state)
{
	uint16_t port = 7;

	(void)state;
	need_database();
	assert_int_equal(services_port("https", IPPROTO_TCP, &port), 0);
	assert_int_equal(port, 443);
	port = 7;
	assert_int_equal(services_port("htpp", IPPROTO_TCP, &port), -ENOENT);
	assert_int_equal(services_port("", IPPROTO_TCP, &port), -ENOENT);
	assert_int_equal(port, 7);
}

static void a_long_operand_is_cut_between_characters(void **state)
{
	char out[OPERAND_SHOWN_SIZE], text[200];

	(void)state;
	assert_string_equal(operand_shown("abc", 3, out), "abc");
	assert_string_equal(operand_shown("abc", 2, out), "ab");
	assert_string_equal(operand_shown("", 0, out), "");
	memset(text, 'x', sizeof(text));
	operand_shown(text, OPERAND_SHOWN_SIZE - 1, out);
	assert_int_equal(strlen(out), OPERAND_SHOWN_SIZE - 1);
	assert_int_equal(out[OPERAND_SHOWN_SIZE - 2], 'x');
	operand_shown(text, OPERAND_SHOWN_SIZE, out);
	assert_int_equal(strlen(out), OPERAND_SHOWN_SIZE - 1);
	assert_string_equal(out + OPERAND_SHOWN_SIZE - 5, "x...");
	/* A sequence of two bytes where the cut would come. */
	memcpy(text + OPERAND_SHOWN_SIZE - 5, "\xc3\xa9", 2);
	operand_shown(text, sizeof(text), out);
	assert_string_equal(out + OPERAND_SHOWN_SIZE - 6, "x...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_ranges_and_suffixes_are_read_in_order),
		cmocka_unit_test(duplicates_are_left_out_and_the_first_place_counts),
		cmocka_unit_test(several_additions_make_the_same_list_as_one),
		cmocka_unit_test(every_port_is_found_at_its_place),
		cmocka_unit_test(a_bad_list_is_refused_with_a_line_that_names_the_part),
		cmocka_unit_test(a_list_with_one_bad_part_adds_nothing),
		cmocka_unit_test(a_range_that_is_none_is_refused),
		cmocka_unit_test(services_are_read_by_name_in_any_case),
		cmocka_unit_test(a_service_of_the_other_protocol_is_named_with_it),
		cmocka_unit_test(a_message_about_a_huge_operand_stays_whole),
		cmocka_unit_test(what_was_meant_as_ports_is_told_from_targets),
		cmocka_unit_test(a_known_service_looks_like_ports),
		cmocka_unit_test(names_of_ports_are_those_of_the_database),
		cmocka_unit_test(a_service_has_a_port_per_protocol),
		cmocka_unit_test(a_long_operand_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
