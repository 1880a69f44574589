/*
 * command: a shell reads the line as portblock got it, a terminal sees text only, and
 * what is secret in a URL stays out of it.
 */
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base.h"
#include "command.h"

#define WORDS_MAX 400

static void expect(const char *const *words, const char *line)
{
	char *argv[WORDS_MAX + 1];
	struct buf out = BUF_INIT;
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	argv[argc] = NULL;
	command_text(&out, argc, argv);
	assert_false(out.failed);
	assert_string_equal(out.data, line);
	buf_release(&out);
	while (argc > 0)
		free(argv[--argc]);
}

static void plain_words_stand_as_they_are(void **state)
{
	static const char *const words[] = {
		"/usr/bin/portblock", "-t",	      "2s",    "--report",
		"a/b.html",	      "fe80::1%eth0", "22,80", NULL
	};

	(void)state;
	expect(words, "portblock -t 2s --report a/b.html fe80::1%eth0 22,80");
}

static void what_a_shell_would_read_otherwise_is_quoted(void **state)
{
	static const char *const words[] = { "portblock", "-f",	      "my hosts", "it's",
					     "$(reboot)", "[::1]:80", "",	  NULL };

	(void)state;
	expect(words, "portblock -f 'my hosts' 'it'\\''s' '$(reboot)' '[::1]:80' ''");
}

static void what_a_terminal_must_not_see_is_escaped_as_shells_read_it(void **state)
{
	static const char *const words[] = { "portblock",
					     "a\x1b[31m'b",
					     "c\nd",
					     "e\\f",
					     "b\xc3\xbc"
					     "cher.example",
					     "x\xe2\x80\xaey",
					     "\xff",
					     NULL };

	(void)state;
	expect(words, "portblock $'a\\x1b[31m\\'b' $'c\\nd' $'e\\\\f' 'b\xc3\xbc"
		      "cher.example' $'x\\u202ey' $'\\xff'");
}

static void a_url_keeps_scheme_host_and_port_only(void **state)
{
	static const char *const words[] = {
		"portblock",
		"https://user:secret@example.com:8443/path?token=secret#secret",
		"https://user:se@cret@example.com",
		"http://example.com?secret@x",
		"udp://192.0.2.1:53",
		"http://[2001:db8::1]:80/secret",
		"https://",
		NULL
	};

	(void)state;
	expect(words, "portblock https://example.com:8443 https://example.com "
		      "http://example.com "
		      "udp://192.0.2.1:53 'http://[2001:db8::1]:80' https://");
}

static void a_line_that_nobody_reads_to_its_end_is_cut_between_words(void **state)
{
	const char *words[WORDS_MAX + 1] = { "portblock" };
	struct buf line = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 1; i < WORDS_MAX; i++)
		words[i] = "192.0.2.1";
	/* A blank and nine letters each: 199 of them fit behind the name. */
	buf_adds(&line, "portblock");
	for (i = 0; i < 199; i++)
		buf_adds(&line, " 192.0.2.1");
	buf_adds(&line, " ...");
	expect(words, line.data);
	buf_release(&line);
}

static void no_words_are_the_name_alone(void **state)
{
	static const char *const words[] = { "portblock", NULL };
	struct buf out = BUF_INIT;

	(void)state;
	expect(words, "portblock");
	command_text(&out, 0, NULL);
	assert_string_equal(out.data, "portblock");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_stand_as_they_are),
		cmocka_unit_test(what_a_shell_would_read_otherwise_is_quoted),
		cmocka_unit_test(
			what_a_terminal_must_not_see_is_escaped_as_shells_read_it),
		cmocka_unit_test(a_url_keeps_scheme_host_and_port_only),
		cmocka_unit_test(
			a_line_that_nobody_reads_to_its_end_is_cut_between_words),
		cmocka_unit_test(no_words_are_the_name_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
