/*
 * config: what of the command line reaches the tool. What is refused, and in which words,
 * is in tests/cli.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portwho/config.h"
#include "portwho/page.h"

/* Unit tests link no option table. */
#include "portwho/options.c"

#define ARGUMENTS_MAX 32

/* The line's words, between blanks. */
static int parse(struct portwho_config *config, char *line)
{
	char *argv[ARGUMENTS_MAX] = { (char[]){ "portwho" } };
	int argc = 1;
	char *word;

	while ((word = strsep(&line, " ")) && argc < ARGUMENTS_MAX - 1)
		argv[argc++] = word;
	argv[argc] = NULL;
	return who_config_parse(config, argc, argv);
}

#define PARSE(config, text) \
	assert_int_equal(parse(config, (char[]){ text }), WHO_CONFIG_RUN)

static void without_arguments_everything_is_listed(void **state)
{
	struct portwho_config c;

	(void)state;
	assert_int_equal(parse(&c, NULL), WHO_CONFIG_RUN);
	assert_int_equal(c.job, JOB_LIST);
	assert_true(c.filter.tcp && c.filter.udp);
	assert_int_equal(c.filter.family, AF_UNSPEC);
	assert_int_equal(c.filter.ports.n_ranges, 0);
	assert_int_equal(c.filter.n_names, 0);
	assert_int_equal(c.filter.also, 0);
	assert_false(c.filter.has_uid || c.filter.exposed || c.filter.either);
	assert_int_equal(c.filter.pid, 0);
	assert_int_equal(c.signal, SIGTERM);
	assert_int_equal(c.interval_ns, NS_PER_S);
	assert_int_equal(c.timeout_ns, 0);
	assert_int_equal(c.format, OUT_TEXT);
	assert_int_equal(c.sort, SORT_PORT);
	assert_false(page_is_wanted(&c));
	who_config_release(&c);
}

static void assert_ports(const struct port_list *list, int protocol, const char *want)
{
	char text[200] = "";
	size_t i, at = 0;

	for (i = 0; i < list->n_ranges; i++) {
		const struct port_range *r = &list->ranges[i];

		if (r->protocol != protocol)
			continue;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u",
				       at ? "," : "", r->first);
		if (r->last != r->first)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "-%u",
					       r->last);
	}
	assert_string_equal(text, want);
}

static void a_port_is_of_both_protocols_unless_it_says_which(void **state)
{
	struct portwho_config c;

	(void)state;
	PARSE(&c, "3000 53/udp 80-90,443/tcp");
	assert_ports(&c.filter.ports, IPPROTO_TCP, "3000,80-90,443");
	assert_ports(&c.filter.ports, IPPROTO_UDP, "3000,53,80-90");
	assert_false(page_is_wanted(&c));
	who_config_release(&c);
	PARSE(&c, "3000 -u");
	assert_false(c.filter.tcp);
	assert_ports(&c.filter.ports, IPPROTO_TCP, "");
	assert_ports(&c.filter.ports, IPPROTO_UDP, "3000");
	assert_true(page_is_wanted(&c));
	who_config_release(&c);
	PARSE(&c, "--tcp 3000/tcp");
	assert_false(c.filter.udp);
	assert_ports(&c.filter.ports, IPPROTO_TCP, "3000");
	assert_ports(&c.filter.ports, IPPROTO_UDP, "");
	who_config_release(&c);
}

static void a_service_is_of_the_protocols_that_have_it(void **state)
{
	struct portwho_config c;
	uint16_t port;

	(void)state;
	if (services_port("ssh", IPPROTO_TCP, &port) ||
	    !services_port("ssh", IPPROTO_UDP, &port))
		skip(); /* another database */
	PARSE(&c, "ssh");
	assert_ports(&c.filter.ports, IPPROTO_TCP, "22");
	assert_ports(&c.filter.ports, IPPROTO_UDP, "");
	assert_true(page_is_wanted(&c));
	who_config_release(&c);
}

static void operands_are_ports_or_names_and_one_has_to_fit(void **state)
{
	struct portwho_config c;

	(void)state;
	PARSE(&c, "nginx 80 my-app 8000-8100");
	assert_int_equal(c.filter.n_names, 2);
	assert_string_equal(c.filter.names[0], "nginx");
	assert_string_equal(c.filter.names[1], "my-app");
	assert_ports(&c.filter.ports, IPPROTO_TCP, "80,8000-8100");
	assert_true(c.filter.either);
	assert_false(page_is_wanted(&c));
	who_config_release(&c);
	PARSE(&c, "nginx 80");
	assert_true(c.filter.either);
	assert_false(page_is_wanted(&c));
	who_config_release(&c);
	PARSE(&c, "nginx");
	assert_false(c.filter.either);
	who_config_release(&c);
	PARSE(&c, "80 -v");
	assert_false(c.filter.either);
	assert_true(page_is_wanted(&c));
	who_config_release(&c);
}

static void with_p_all_operands_are_names_and_both_have_to_fit(void **state)
{
	struct portwho_config c;

	(void)state;
	PARSE(&c, "-p 80 nginx 443 ssh");
	assert_int_equal(c.filter.n_names, 3);
	assert_string_equal(c.filter.names[1], "443");
	assert_ports(&c.filter.ports, IPPROTO_TCP, "80");
	assert_false(c.filter.either);
	who_config_release(&c);
}

static void options_reach_their_place(void **state)
{
	struct portwho_config c;

	(void)state;
	PARSE(&c,
	      "-6 --also unix,raw --also bound --pid 12 --user 0 --unit x --exposed -n "
	      "--sort drops");
	assert_int_equal(c.filter.family, AF_INET6);
	assert_int_equal(c.filter.also, ALSO_UNIX | ALSO_RAW | ALSO_BOUND);
	assert_int_equal(c.filter.pid, 12);
	assert_true(c.filter.has_uid);
	assert_int_equal(c.filter.uid, 0);
	assert_string_equal(c.filter.unit, "x");
	assert_true(c.filter.exposed);
	assert_true(c.numeric);
	assert_int_equal(c.sort, SORT_DROPS);
	who_config_release(&c);
	PARSE(&c, "--watch -c 3 -t 2m -i 250ms --user root -j");
	assert_int_equal(c.job, JOB_WATCH);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.timeout_ns, 120 * NS_PER_S);
	assert_int_equal(c.interval_ns, 250 * NS_PER_MS);
	assert_true(c.filter.has_uid);
	assert_int_equal(c.filter.uid, 0);
	assert_int_equal(c.format, OUT_JSON);
	who_config_release(&c);
}

static void a_format_is_the_one_that_was_named(void **state)
{
	struct portwho_config c;

	(void)state;
	PARSE(&c, "--format=csv");
	assert_int_equal(c.format, OUT_CSV);
	who_config_release(&c);
	PARSE(&c, "--format=prometheus");
	assert_int_equal(c.format, OUT_PROMETHEUS);
	who_config_release(&c);
	PARSE(&c, "--format=json");
	assert_int_equal(c.format, OUT_JSON);
	who_config_release(&c);
	PARSE(&c, "--format=text");
	assert_int_equal(c.format, OUT_TEXT);
	who_config_release(&c);
}

static void each_order_that_the_option_has_is_one(void **state)
{
	static const char *const words[] = { "port",  "address", "process",  "pid",
					     "user",  "unit",	 "exposure", "since",
					     "queue", "drops" };
	struct portwho_config c;
	char line[32];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		snprintf(line, sizeof(line), "--sort %s", words[i]);
		assert_int_equal(parse(&c, line), WHO_CONFIG_RUN);
		assert_int_equal(c.sort, i);
		who_config_release(&c);
	}
	assert_int_equal(i, SORT_DROPS + 1);
}

static void a_signal_is_known_by_name_or_number(void **state)
{
	static const struct {
		const char *word;
		int signal;
	} known[] = { { "TERM", SIGTERM },
		      { "SIGKILL", SIGKILL },
		      { "hup", SIGHUP },
		      { "9", 9 },
		      { "SigUsr1", SIGUSR1 } };
	struct portwho_config c;
	char line[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		snprintf(line, sizeof(line), "--kill 80 --signal %s", known[i].word);
		assert_int_equal(parse(&c, line), WHO_CONFIG_RUN);
		assert_int_equal(c.signal, known[i].signal);
		assert_int_equal(c.job, JOB_KILL);
		assert_ports(&c.job_ports, IPPROTO_TCP, "80");
		who_config_release(&c);
	}
}

static void the_table_of_options_is_sound(void **state)
{
	const char *wrong = opt_self_check(&opt_tool);

	(void)state;
	if (wrong)
		fail_msg("%s", wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_arguments_everything_is_listed),
		cmocka_unit_test(a_port_is_of_both_protocols_unless_it_says_which),
		cmocka_unit_test(a_service_is_of_the_protocols_that_have_it),
		cmocka_unit_test(operands_are_ports_or_names_and_one_has_to_fit),
		cmocka_unit_test(with_p_all_operands_are_names_and_both_have_to_fit),
		cmocka_unit_test(options_reach_their_place),
		cmocka_unit_test(a_format_is_the_one_that_was_named),
		cmocka_unit_test(each_order_that_the_option_has_is_one),
		cmocka_unit_test(a_signal_is_known_by_name_or_number),
		cmocka_unit_test(the_table_of_options_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
