#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target.h"

static void need_database(void)
{
	if (!getservbyname("ssh", "tcp") || !getservbyname("https", "tcp"))
		skip();
}

/* A set of operands, as a tool makes it; PORTS may be NULL. A message is in WHY. */
static int set_up(struct target_set *set, const char *ports, const char *const *operands,
		  char *why)
{
	int err = 0;

	target_set_init(set, IPPROTO_TCP);
	if (ports)
		err = target_set_ports(set, ports, why);
	for (; !err && *operands; operands++)
		err = target_set_add(set, *operands, why);
	if (!err)
		err = target_set_finish(set, why);
	return err;
}

static void check_ports(const struct target_set *set, size_t i, const char *text,
			size_t n, uint16_t first, int protocol)
{
	const struct port_list *list = target_ports(set, &set->targets[i]);
	uint16_t port = 0;
	int number = 0;

	assert_string_equal(set->targets[i].text, text);
	assert_int_equal(list->n_ports, n);
	port_list_at(list, 0, &port, &number);
	assert_int_equal(port, first);
	assert_int_equal(number, protocol);
}

static void the_first_operand_is_the_target_and_ports_follow(void **state)
{
	const char *const operands[] = { "example.com", "80", "443", "1000-1024", NULL };
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	assert_int_equal(set_up(&set, NULL, operands, why), 0);
	assert_int_equal(set.n_targets, 1);
	check_ports(&set, 0, "example.com", 27, 80, IPPROTO_TCP);
	target_set_release(&set);
	target_set_release(NULL);
}

static void ports_hold_for_all_targets_without_their_own(void **state)
{
	const char *const operands[] = { "host1", "host2",  "80",	"a:22",
					 "host3", "53/udp", "http://b", NULL };
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	assert_int_equal(set_up(&set, NULL, operands, why), 0);
	assert_int_equal(set.n_targets, 5);
	check_ports(&set, 0, "host1", 2, 80, IPPROTO_TCP);
	check_ports(&set, 1, "host2", 2, 80, IPPROTO_TCP);
	check_ports(&set, 2, "a", 1, 22, IPPROTO_TCP);
	check_ports(&set, 3, "host3", 2, 80, IPPROTO_TCP);
	check_ports(&set, 4, "b", 1, 80, IPPROTO_TCP);
	target_set_release(&set);
}

static void a_known_service_after_a_target_is_a_port(void **state)
{
	const char *const operands[] = { "ssh", "ssh", "https", NULL };
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	need_database();
	assert_int_equal(set_up(&set, NULL, operands, why), 0);
	assert_int_equal(set.n_targets, 1);
	check_ports(&set, 0, "ssh", 2, 22, IPPROTO_TCP);
	target_set_release(&set);
}

static void with_ports_given_every_operand_is_a_target(void **state)
{
	const char *const operands[] = { "host1",	"ssh",	"80x",
					 "10.0.0.0/24", "a:22", NULL };
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	assert_int_equal(set_up(&set, "80", operands, why), 0);
	assert_int_equal(set.n_targets, 5);
	check_ports(&set, 1, "ssh", 1, 80, IPPROTO_TCP);
	check_ports(&set, 2, "80x", 1, 80, IPPROTO_TCP);
	check_ports(&set, 3, "10.0.0.0/24", 1, 80, IPPROTO_TCP);
	check_ports(&set, 4, "a", 1, 22, IPPROTO_TCP);
	target_set_release(&set);
}

static const struct {
	const char *ports;
	const char *operands[4];
	const char *why;
} senseless[] = {
	{ NULL, { NULL }, "expected a target, as in 'example.com 80'" },
	{ "80", { NULL }, "expected a target, as in 'example.com 80'" },
	{ NULL, { "80" }, "'80': expected a target before the ports, as in 'HOST 80'" },
	{ NULL, { "0" }, "'0': expected a target before the ports, as in 'HOST 80'" },
	{ NULL,
	  { "1-1024", "host" },
	  "'1-1024': expected a target before the ports, as in 'HOST 80'" },
	{ NULL,
	  { "53/udp" },
	  "'53/udp': expected a target before the ports, as in 'HOST 80'" },
	{ NULL,
	  { "10/8" },
	  "'10/8': expected an address before the slash, as in 10.0.0.0/24 "
	  "(a URL begins with e.g. https://)" },
	{ NULL,
	  { "host:22", "80" },
	  "'80': ports without a target: those before it have their own "
	  "(expected e.g. 'HOST 22 80')" },
	{ NULL,
	  { "example.com" },
	  "'example.com': no ports given (expected e.g. 80, 1-1024, https)" },
	{ NULL,
	  { "a:80", "b.example" },
	  "'b.example': no ports given (expected e.g. 80, 1-1024, https)" },
	{ NULL,
	  { "example.com", "htpp" },
	  "'htpp': neither a port nor a known service (expected e.g. 80, 1-1024, "
	  "https)" },
	{ NULL,
	  { "example.com", "htpp", "sssh" },
	  "'sssh': neither a port nor a known service (expected e.g. 80, 1-1024, "
	  "https)" },
	{ NULL, { "host", "70000" }, "port '70000': expected 1-65535" },
	{ NULL,
	  { "host", "80-" },
	  "port range '80-': expected the first and the last port, as in 1-1024" },
	{ NULL,
	  { "host", "90-80" },
	  "port range '90-80': "
	  "expected the lower port first" },
	{ NULL, { "host", "80x" }, "port '80x': expected a number from 1 to 65535" },
	{ NULL,
	  { "host", "0" },
	  "port '0': reserved, nothing can be reached there (expected 1-65535)" },
	{ NULL,
	  { "host", "80/sctp" },
	  "port '80/sctp': unknown protocol (expected /tcp or /udp)" },
	{ NULL,
	  { "host", "80,,90" },
	  "ports '80,,90': expected a port on both sides of a comma" },
	{ NULL, { "host", "" }, "'': expected ports or a target" },
	{ NULL, { "" }, "'': expected a host name, an address, HOST:PORT or a URL" },
	{ "22", { "host", "80" }, "'80': expected a target, as the ports are given" },
	{ "22",
	  { "0" },
	  "'0': looks like an IPv4 address but isn't one "
	  "(expected four decimal numbers 0-255)" },
	{ "70000", { "host" }, "port '70000': expected 1-65535" },
	{ "", { "host" }, "ports '': expected e.g. 80, 1-1024, https" },
};

static void operands_that_make_no_sense_together_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(senseless); i++) {
		char why[TARGET_WHY_SIZE] = "";
		struct target_set set;

		assert_int_equal(set_up(&set, senseless[i].ports, senseless[i].operands,
					why),
				 -EINVAL);
		assert_string_equal(why, senseless[i].why);
		target_set_release(&set);
	}
}

static void an_unknown_word_is_a_host_once_there_are_ports(void **state)
{
	const char *const before[] = { "host1", "htpp", "80", NULL };
	const char *const after[] = { "host1", "80", "htpp", NULL };
	char why[TARGET_WHY_SIZE] = "";
	struct target_set set;

	(void)state;
	assert_int_equal(set_up(&set, NULL, before, why), 0);
	check_ports(&set, 1, "htpp", 1, 80, IPPROTO_TCP);
	target_set_release(&set);
	assert_int_equal(set_up(&set, NULL, after, why), 0);
	check_ports(&set, 1, "htpp", 1, 80, IPPROTO_TCP);
	target_set_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_operand_is_the_target_and_ports_follow),
		cmocka_unit_test(ports_hold_for_all_targets_without_their_own),
		cmocka_unit_test(a_known_service_after_a_target_is_a_port),
		cmocka_unit_test(with_ports_given_every_operand_is_a_target),
		cmocka_unit_test(operands_that_make_no_sense_together_are_refused),
		cmocka_unit_test(an_unknown_word_is_a_host_once_there_are_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
