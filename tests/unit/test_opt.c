#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opt.h"
#include "opt_sample.h"

static void append(char *out, size_t size, const char *fmt, ...) PK_PRINTF(3, 4);

static void append(char *out, size_t size, const char *fmt, ...)
{
	size_t len = strlen(out);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out + len, size - len, fmt, ap);
	va_end(ap);
}

/*
 * Parse the words of ARGS (up to NULL), say in OUT what came: "ID=text/n/ns " for each
 * option, "+text " for an operand, then "end", "bad" and what stands behind "--".
 */
static void parse(const char *const *args, char *out, size_t size, char *err,
		  size_t err_size)
{
	char name[] = "sample";
	char *argv[16] = { name };
	struct opt_parser p;
	struct opt_value v = { .text = "untouched" };
	struct capture c;
	int argc = 1;
	int id;

	while (args[argc - 1]) {
		argv[argc] = strdup(args[argc - 1]);
		argc++;
	}
	out[0] = '\0';
	capture_begin(&c, STDERR_FILENO);
	assert_int_equal(opt_begin(&p, &sample_tool, argc, argv), 0);
	while ((id = opt_next(&p, &v)) >= 0) {
		if (id == OPT_OPERAND)
			append(out, size, "+%s ", v.text);
		else
			append(out, size, "%d=%s/%lld/%lld ", id, v.text ? v.text : "",
			       (long long)v.n, (long long)v.ns);
	}
	append(out, size, id == OPT_END ? "end" : "bad");
	if (id == OPT_END && opt_rest(&p)) {
		append(out, size, " --");
		for (char **rest = opt_rest(&p); *rest; rest++)
			append(out, size, " %s", *rest);
	}
	opt_release(&p);
	capture_end(&c, err, err_size);
	while (--argc)
		free(argv[argc]);
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void check_parse(const char *const *args, const char *expected)
{
	char out[512], err[512];

	parse(args, out, sizeof(out), err, sizeof(err));
	assert_string_equal(err, "");
	assert_string_equal(out, expected);
}

static void check_error(const char *const *args, const char *expected)
{
	char out[512], err[512], line[512];

	parse(args, out, sizeof(out), err, sizeof(err));
	snprintf(line, sizeof(line), "sample: %s\n", expected);
	assert_string_equal(err, line);
	assert_non_null(strstr(out, "bad"));
}

static void check_unknown(const char *const *args, const char *word)
{
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "unknown option: '%s'\nTry 'sample --help' for more information.", word);
	check_error(args, expected);
}

static void every_way_to_write_an_argument_is_understood(void **state)
{
	(void)state;
	check_parse(ARGS("-t", "3"), "2=3/0/3000000000 end");
	check_parse(ARGS("-t3"), "2=3/0/3000000000 end");
	check_parse(ARGS("--timeout", "250ms"), "2=250ms/0/250000000 end");
	check_parse(ARGS("--timeout=250ms"), "2=250ms/0/250000000 end");
	check_parse(ARGS("--tim=3"), "2=3/0/3000000000 end");
	check_parse(ARGS("-jt3"), "6=/1/0 2=3/0/3000000000 end");
}

static void values_are_converted_by_their_kind(void **state)
{
	(void)state;
	check_parse(ARGS("-c", "1000000"), "3=1000000/1000000/0 end");
	check_parse(ARGS("--offset", "-5"), "4=-5/-5/0 end");
	check_parse(ARGS("--offset=5"), "4=5/5/0 end");
	check_parse(ARGS("--format", "csv"), "5=csv/2/0 end");
	check_parse(ARGS("-q"), "7=/1/0 end");
	check_parse(ARGS("-f", "-"), "1=-/0/0 end");
	check_parse(ARGS("-p", "80,ssh"), "0=80,ssh/0/0 end");
}

static void operands_and_options_come_in_the_order_given(void **state)
{
	(void)state;
	check_parse(ARGS("host", "-q", "80", "-", ""), "+host 7=/1/0 +80 +- + end");
}

static void what_stands_behind_two_dashes_is_left_alone(void **state)
{
	(void)state;
	check_parse(ARGS("host", "--", "cmd", "-x", "--"), "+host end -- cmd -x --");
	check_parse(ARGS("host", "--"), "+host end --");
	check_parse(ARGS("--", "--"), "end -- --");
}

static void two_dashes_as_an_argument_mark_nothing(void **state)
{
	(void)state;
	check_parse(ARGS("-f", "--"), "1=--/0/0 end");
	check_parse(ARGS("--file", "--", "--", "x"), "1=--/0/0 end -- x");
}

static void the_same_option_twice_is_accepted(void **state)
{
	(void)state;
	check_parse(ARGS("-c1", "-c2"), "3=1/1/0 3=2/2/0 end");
	check_parse(ARGS("-qq"), "7=/1/0 7=/1/0 end");
}

static void an_unknown_option_points_to_help(void **state)
{
	(void)state;
	check_unknown(ARGS("--foo"), "--foo");
	check_unknown(ARGS("--foo=bar"), "--foo");
	check_unknown(ARGS("host", "-x"), "-x");
	check_unknown(ARGS("-1"), "-1");
	check_unknown(ARGS("--\x1b[2J"), "--\\x1b[2J");
	check_unknown(ARGS("-jx"), "-x");
}

static void an_ambiguous_abbreviation_names_the_candidates(void **state)
{
	(void)state;
	check_error(ARGS("--f"),
		    "option '--f' is ambiguous: it could be '--file', '--format'");
	check_error(ARGS("--f=x"),
		    "option '--f' is ambiguous: it could be '--file', '--format'");
}

static void a_missing_or_empty_argument_says_what_was_expected(void **state)
{
	(void)state;
	check_error(ARGS("--timeout"),
		    "option '--timeout': missing argument (expected DURATION)");
	check_error(ARGS("-t"),
		    "option '--timeout': missing argument (expected DURATION)");
	check_error(ARGS("-t", ""),
		    "option '--timeout': empty argument (expected DURATION)");
	check_error(ARGS("--file="), "option '--file': empty argument (expected FILE)");
	check_error(ARGS("--format="),
		    "option '--format': empty argument (expected FORMAT)");
	check_error(ARGS("--netns", ""),
		    "option '--netns': empty argument (expected NAME)");
}

static void an_argument_for_a_flag_is_refused(void **state)
{
	(void)state;
	check_error(ARGS("--json=1"), "option '--json': '1': expected no argument");
	check_error(ARGS("--json="), "option '--json': '': expected no argument");
}

static void a_bad_value_says_what_was_expected(void **state)
{
	(void)state;
	check_error(ARGS("-t", "abc"),
		    "option '--timeout': 'abc': expected a duration such as "
		    "3, 250ms or 2m");
	check_error(ARGS("-t", "0"),
		    "option '--timeout': '0': expected a duration from 10ms to 1h");
	check_error(ARGS("-t", "2h"),
		    "option '--timeout': '2h': expected a duration from 10ms to 1h");
	check_error(ARGS("-t", "9999d"),
		    "option '--timeout': '9999d': expected a duration from 10ms to 1h");
	check_error(ARGS("-c", "0"),
		    "option '--count': '0': expected a number from 1 to 1000000");
	check_error(ARGS("-c", "-1"),
		    "option '--count': '-1': expected a number from 1 to 1000000");
	check_error(
		ARGS("-c", "99999999999999999999"),
		"option '--count': '99999999999999999999': expected a number from 1 to "
		"1000000");
	check_error(ARGS("--offset", "-6"),
		    "option '--offset': '-6': expected a number from -5 to 5");
	check_error(ARGS("--offset", "-"),
		    "option '--offset': '-': expected a number from -5 to 5");
	check_error(ARGS("--format", "xml"),
		    "option '--format': 'xml': expected one of text, json, csv");
	check_error(ARGS("--format", "TEXT"),
		    "option '--format': 'TEXT': expected one of text, json, csv");
}

static void options_that_share_a_bit_exclude_each_other(void **state)
{
	(void)state;
	check_error(ARGS("-q", "-j"),
		    "options '--quiet' and '--json' exclude each other");
	check_error(ARGS("--format=csv", "host", "-j"),
		    "options '--format' and '--json' exclude each other");
	check_error(ARGS("--netns=x", "-q"),
		    "options '--netns' and '--quiet' exclude each other");
	check_parse(ARGS("--netns=x", "-j"), "8=x/0/0 6=/1/0 end");
}

static void a_failure_leaves_the_value_untouched(void **state)
{
	char name[] = "sample", bad[] = "--count=0";
	char *argv[] = { name, bad, NULL };
	struct opt_value v = { .text = "before", .n = 7, .ns = 9 };
	struct opt_parser p;
	struct capture c;
	char err[256];

	(void)state;
	capture_begin(&c, STDERR_FILENO);
	assert_int_equal(opt_begin(&p, &sample_tool, 2, argv), 0);
	assert_int_equal(opt_next(&p, &v), OPT_BAD);
	capture_end(&c, err, sizeof(err));
	assert_string_equal(v.text, "before");
	assert_int_equal(v.n, 7);
	assert_int_equal(v.ns, 9);
	opt_release(&p);
	opt_release(&p);
	opt_release(NULL);
}

static void an_empty_command_line_ends_at_once(void **state)
{
	struct opt_parser p;
	struct opt_value v;
	char *argv[] = { NULL };

	(void)state;
	assert_int_equal(opt_begin(&p, &sample_tool, 0, argv), 0);
	assert_int_equal(opt_next(&p, &v), OPT_END);
	assert_null(opt_rest(&p));
	opt_release(&p);
}

static void a_table_that_is_too_large_is_refused(void **state)
{
	struct opt_tool tool = sample_tool;
	struct opt_parser p;
	char *argv[] = { NULL };

	(void)state;
	tool.n_options = OPT_MAX + 1;
	assert_int_equal(opt_begin(&p, &tool, 0, argv), -EINVAL);
	assert_non_null(opt_self_check(&tool));
}

static void durations_are_written_in_the_largest_unit(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "1ns" },
		{ 1500 * NS_PER_US, "1500us" },
		{ 250 * NS_PER_MS, "250ms" },
		{ 90 * NS_PER_S, "90s" },
		{ 120 * NS_PER_S, "2m" },
		{ 7200 * NS_PER_S, "2h" },
		{ 365 * 86400 * NS_PER_S, "365d" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		opt_duration_text(cases[i].ns, text);
		assert_string_equal(text, cases[i].text);
	}
}

static int set_name(void **state)
{
	static char name[] = "sample";

	(void)state;
	program_invocation_short_name = name;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_an_argument_is_understood),
		cmocka_unit_test(values_are_converted_by_their_kind),
		cmocka_unit_test(operands_and_options_come_in_the_order_given),
		cmocka_unit_test(what_stands_behind_two_dashes_is_left_alone),
		cmocka_unit_test(two_dashes_as_an_argument_mark_nothing),
		cmocka_unit_test(the_same_option_twice_is_accepted),
		cmocka_unit_test(an_unknown_option_points_to_help),
		cmocka_unit_test(an_ambiguous_abbreviation_names_the_candidates),
		cmocka_unit_test(a_missing_or_empty_argument_says_what_was_expected),
		cmocka_unit_test(an_argument_for_a_flag_is_refused),
		cmocka_unit_test(a_bad_value_says_what_was_expected),
		cmocka_unit_test(options_that_share_a_bit_exclude_each_other),
		cmocka_unit_test(a_failure_leaves_the_value_untouched),
		cmocka_unit_test(an_empty_command_line_ends_at_once),
		cmocka_unit_test(a_table_that_is_too_large_is_refused),
		cmocka_unit_test(durations_are_written_in_the_largest_unit),
	};

	return cmocka_run_group_tests(tests, set_name, NULL);
}
