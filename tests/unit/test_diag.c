#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diag.h"

/* Stderr while a test runs. A packet socket keeps the bounds between writes. */
struct capture {
	int saved;
	int reader;
};

static void capture_begin(struct capture *c)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    ends),
			 0);
	c->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(c->saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	c->reader = ends[0];
}

/* Restore stderr; check that it was written to once, with EXPECTED (NULL: never). */
static void capture_check(struct capture *c, const char *expected)
{
	char text[8192], more[8];
	ssize_t n, n_more;

	assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
	close(c->saved);
	n = recv(c->reader, text, sizeof(text) - 1, 0);
	n_more = recv(c->reader, more, sizeof(more), 0);
	close(c->reader);
	/* 0 is the end: with stderr restored, nobody holds the writing side. */
	assert_int_equal(n_more, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected ? expected : "");
	assert_int_equal(n, expected ? strlen(expected) : 0);
}

static int set_name(void **state)
{
	static char name[] = "portcheck";

	(void)state;
	program_invocation_short_name = name;
	return 0;
}

static void an_error_is_one_line_with_the_name_of_the_tool(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	diag_error("cannot read: '%s': %s", "hosts", "no such file");
	capture_check(&c, "portcheck: cannot read: 'hosts': no such file\n");
}

static void a_warning_says_so(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	diag_warn("%d ports left out", 3);
	capture_check(&c, "portcheck: warning: 3 ports left out\n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	diag_error("bad name: '%s'", "a\nb\033[2J\xff\u202e\\");
	capture_check(&c, "portcheck: bad name: 'a\\nb\\x1b[2J\\xff\\u202e\\\\'\n");
}

static void the_tools_own_name_is_foreign_text_too(void **state)
{
	static char name[] = "a\033b";
	struct capture c;

	(void)state;
	program_invocation_short_name = name;
	capture_begin(&c);
	diag_error("x");
	capture_check(&c, "a\\x1bb: x\n");
}

static void a_long_message_is_written_whole_and_at_once(void **state)
{
	char operand[3000], expected[3100] = "portcheck: '";
	struct capture c;

	(void)state;
	memset(operand, 'x', sizeof(operand) - 1);
	operand[sizeof(operand) - 1] = '\0';
	memcpy(expected + 12, operand, sizeof(operand) - 1);
	memcpy(expected + 12 + sizeof(operand) - 1, "'\n", 3);
	capture_begin(&c);
	diag_error("'%s'", operand);
	capture_check(&c, expected);
}

static void help_is_pointed_to_by_name(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	diag_try_help();
	capture_check(&c, "Try 'portcheck --help' for more information.\n");
}

static void a_hint_is_not_for_pipes(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	diag_hint("try: sudo portblock %s", "example.com");
	capture_check(&c, NULL);
}

static void a_hint_goes_to_a_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	char text[200];
	ssize_t n;
	int tty;

	(void)state;
	assert_true(master >= 0 && saved >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(tty >= 0);
	assert_int_equal(dup2(tty, STDERR_FILENO), STDERR_FILENO);
	diag_hint("try: sudo portblock %s", "a\033b");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	n = read(master, text, sizeof(text) - 1);
	close(saved);
	close(tty);
	close(master);
	assert_true(n > 0);
	text[n] = '\0';
	/* The terminal makes CR LF of the newline. */
	assert_string_equal(text, "try: sudo portblock a\\x1bb\r\n");
}

static void errno_is_kept_and_can_be_shown(void **state)
{
	struct capture c;

	(void)state;
	capture_begin(&c);
	errno = ENOENT;
	diag_error("cannot open: %m");
	assert_int_equal(errno, ENOENT);
	capture_check(&c, "portcheck: cannot open: No such file or directory\n");

	capture_begin(&c);
	errno = ENOENT;
	diag_hint("isatty(3) would set it");
	assert_int_equal(errno, ENOENT);
	capture_check(&c, NULL);
}

static void a_closed_stderr_is_survived(void **state)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	(void)state;
	assert_true(saved >= 0);
	close(STDERR_FILENO);
	errno = ENOENT;
	diag_error("nobody reads this");
	diag_hint("nor this");
	diag_try_help();
	assert_int_equal(errno, ENOENT);
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_error_is_one_line_with_the_name_of_the_tool,
				       set_name),
		cmocka_unit_test_setup(a_warning_says_so, set_name),
		cmocka_unit_test_setup(control_characters_do_not_reach_the_terminal,
				       set_name),
		cmocka_unit_test(the_tools_own_name_is_foreign_text_too),
		cmocka_unit_test_setup(a_long_message_is_written_whole_and_at_once,
				       set_name),
		cmocka_unit_test_setup(help_is_pointed_to_by_name, set_name),
		cmocka_unit_test_setup(a_hint_is_not_for_pipes, set_name),
		cmocka_unit_test_setup(a_hint_goes_to_a_terminal, set_name),
		cmocka_unit_test_setup(errno_is_kept_and_can_be_shown, set_name),
		cmocka_unit_test_setup(a_closed_stderr_is_survived, set_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
