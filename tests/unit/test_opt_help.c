#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opt.h"
#include "opt_sample.h"

static void help_is_laid_out_in_eighty_columns(void **state)
{
	static const char expected[] =
		"sample - does it work?\n"
		"\n"
		"Usage: sample [OPTION]... TARGET PORTS...\n"
		"\n"
		"What:\n"
		"  -p, --ports PORTS        ports of every target\n"
		"  -f, --file FILE          read targets from FILE\n"
		"  -t, --timeout DURATION   the most that a check may take, with all\n"
		"                           that-is-one-long-word (default: 3s)\n"
		"  -c, --count N            check N times\n"
		"      --offset N           shift by N\n"
		"      --format FORMAT      written (text, json, csv; default: text)\n"
		"\n"
		"Output:\n"
		"  -j, --json               JSON\n"
		"  -q, --quiet              no output\n"
		"      --netns NAME         work in this namespace\n"
		"  -h, --help               show this help\n"
		"  -V, --version            show the version\n"
		"\n"
		"Examples:\n"
		"  sample host 80   one port\n"
		"\n"
		"Exit status:\n"
		"  0  yes\n"
		"  1  no\n"
		"\n"
		"Full manual: man sample\n";
	struct capture c;
	char out[4096];
	int err;

	(void)state;
	capture_begin(&c, STDOUT_FILENO);
	err = opt_print_help(&sample_tool);
	capture_end(&c, out, sizeof(out));
	assert_int_equal(err, 0);
	assert_string_equal(out, expected);
}

static void the_version_names_tool_and_project(void **state)
{
	struct capture c;
	char out[256];
	int err;

	(void)state;
	capture_begin(&c, STDOUT_FILENO);
	err = opt_print_version(&sample_tool);
	capture_end(&c, out, sizeof(out));
	assert_int_equal(err, 0);
	assert_int_equal(strncmp(out, "sample (portkit) ", 17), 0);
	assert_int_equal(out[strlen(out) - 1], '\n');
}

static void a_full_disk_is_reported_by_help_and_version(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int help, version;

	(void)state;
	assert_true(full >= 0 && saved >= 0);
	assert_int_equal(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
	help = opt_print_help(&sample_tool);
	version = opt_print_version(&sample_tool);
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	close(full);
	assert_int_equal(help, -ENOSPC);
	assert_int_equal(version, -ENOSPC);
}

static const char *const twice[] = { "a", "a", NULL };
static const char *const split[] = { "a b", NULL };
static const char *const none[] = { NULL };

/* The self-check with one option of the sample replaced. */
static const char *check_with(size_t index, struct opt o)
{
	struct opt options[ARRAY_SIZE(sample_options)];
	struct opt_tool tool = sample_tool;

	memcpy(options, sample_options, sizeof(options));
	options[index] = o;
	tool.options = options;
	return opt_self_check(&tool);
}

/* The sample with MEMBER of one option changed has to be refused. */
#define BREAK(index, member, value) \
	assert_non_null(            \
		check_with(index, (o = sample_options[index], o.member = (value), o)))

static void the_self_check_finds_each_slip_in_an_option(void **state)
{
	struct opt o;

	(void)state;
	assert_null(opt_self_check(&sample_tool));
	BREAK(S_FILE, id, S_PORTS);
	BREAK(S_FILE, letter, 'p');
	BREAK(S_FILE, letter, '?');
	BREAK(S_FILE, letter, 'h');
	BREAK(S_FILE, letter, 'j');
	BREAK(S_FILE, name, NULL);
	BREAK(S_FILE, name, "ports");
	BREAK(S_FILE, name, "f");
	BREAK(S_FILE, name, "-file");
	BREAK(S_FILE, name, "File");
	BREAK(S_FILE, metavar, NULL);
	BREAK(S_FILE, metavar, "TWO WORDS");
	BREAK(S_FILE, words, formats);
	BREAK(S_FILE, min, -1);
	BREAK(S_FILE, max, 1);
	BREAK(S_FILE, help, NULL);
	BREAK(S_FILE, help, "");
	BREAK(S_FILE, help, "a full stop.");
	BREAK(S_FILE, help, "Capital letter");
	BREAK(S_FILE, help, "two  blanks");
	BREAK(S_FILE, help, "a\ttab");
	BREAK(S_FILE, help, "not ascii: \xc3\xa9");
	BREAK(S_FILE, help, "a-word-that-is-too-long-to-be-wrapped-into-the-columns");
	BREAK(S_FILE, section, "What");
	BREAK(S_PORTS, section, NULL);
	BREAK(S_COUNT, min, 1000001);
	BREAK(S_TIMEOUT, min, -1);
	BREAK(S_TIMEOUT, def, "");
	BREAK(S_FORMAT, words, NULL);
	BREAK(S_FORMAT, words, none);
	BREAK(S_FORMAT, words, twice);
	BREAK(S_FORMAT, words, split);
	BREAK(S_JSON, metavar, "X");
	BREAK(S_JSON, def, "yes");
}

#define BREAK_TOOL(member, value) \
	assert_non_null((t = sample_tool, t.member = (value), opt_self_check(&t)))

static void the_self_check_finds_each_slip_around_the_options(void **state)
{
	static const struct opt_exit disordered[] = { { 1, "no" }, { 0, "yes" } };
	static const struct opt_exit silent[] = { { 0, "yes" }, { 1, NULL } };
	static const char *const odd[] = { "sample host 80", NULL };
	struct opt_tool t;

	(void)state;
	BREAK_TOOL(name, "two words");
	BREAK_TOOL(question, NULL);
	BREAK_TOOL(synopsis, NULL);
	BREAK_TOOL(synopsis, none);
	BREAK_TOOL(examples, odd);
	BREAK_TOOL(exits, disordered);
	BREAK_TOOL(exits, silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_is_laid_out_in_eighty_columns),
		cmocka_unit_test(the_version_names_tool_and_project),
		cmocka_unit_test(a_full_disk_is_reported_by_help_and_version),
		cmocka_unit_test(the_self_check_finds_each_slip_in_an_option),
		cmocka_unit_test(the_self_check_finds_each_slip_around_the_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
