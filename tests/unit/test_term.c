#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "term.h"

#define CLEAR "\r\033[K"
#define MS(n) ((int64_t)(n)*NS_PER_MS)
#define START MS(5000000)

struct pty {
	int master;
	int tty;
	int saved; /* stderr, while the terminal stands in for it */
};

static int pty_open(void **state)
{
	static struct pty p;

	p.saved = -1;
	p.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p.master < 0 || grantpt(p.master) || unlockpt(p.master))
		return -1;
	p.tty = open(ptsname(p.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p.tty < 0 || fcntl(p.master, F_SETFL, O_NONBLOCK))
		return -1;
	*state = &p;
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	return setenv("TERM", "xterm", 1);
}

static int pty_close(void **state)
{
	struct pty *p = *state;

	close(p->tty);
	close(p->master);
	return 0;
}

static void set_columns(const struct pty *p, unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };

	assert_int_equal(ioctl(p->tty, TIOCSWINSZ, &size), 0);
}

static void stderr_to_tty(struct pty *p)
{
	p->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(p->saved >= 0);
	assert_int_equal(dup2(p->tty, STDERR_FILENO), STDERR_FILENO);
}

static void stderr_back(struct pty *p)
{
	assert_int_equal(dup2(p->saved, STDERR_FILENO), STDERR_FILENO);
	close(p->saved);
}

/* What has been written to the terminal since the last time. */
static const char *shown(const struct pty *p, char out[512])
{
	ssize_t n = read(p->master, out, 511);

	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void a_terminal_is_told_from_a_pipe(void **state)
{
	struct pty *p = *state;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(term_is_tty(p->tty));
	assert_false(term_is_tty(ends[1]));
	assert_false(term_is_tty(-1));
	close(ends[0]);
	close(ends[1]);
}

static void the_width_is_the_terminals_own(void **state)
{
	struct pty *p = *state;

	set_columns(p, 132);
	assert_int_equal(setenv("COLUMNS", "50", 1), 0);
	assert_int_equal(term_width(p->tty), 132);
}

static void without_a_terminal_the_width_is_columns_or_80(void **state)
{
	static const char *const bad[] = { "", "0", "-5", "abc", "80x", "99999999999" };

	(void)state;
	assert_int_equal(term_width(-1), 80);
	assert_int_equal(setenv("COLUMNS", "50", 1), 0);
	assert_int_equal(term_width(-1), 50);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(setenv("COLUMNS", bad[i], 1), 0);
		assert_int_equal(term_width(-1), 80);
	}
}

static void a_terminal_that_does_not_know_its_width_has_80(void **state)
{
	struct pty *p = *state;

	set_columns(p, 0);
	assert_int_equal(term_width(p->tty), 80);
}

static void colour_is_for_terminals_that_want_it(void **state)
{
	struct pty *p = *state;

	assert_true(term_use_color(TERM_AUTO, p->tty));
	assert_false(term_use_color(TERM_AUTO, -1));
	assert_int_equal(setenv("TERM", "dumb", 1), 0);
	assert_false(term_use_color(TERM_AUTO, p->tty));
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	assert_false(term_use_color(TERM_AUTO, p->tty));
	/* no-color.org: only when not an empty string. */
	assert_int_equal(setenv("NO_COLOR", "", 1), 0);
	assert_true(term_use_color(TERM_AUTO, p->tty));
}

static void always_and_never_overrule_everything(void **state)
{
	struct pty *p = *state;

	assert_false(term_use_color(TERM_NEVER, p->tty));
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	assert_true(term_use_color(TERM_ALWAYS, -1));
	assert_true(term_use_color(TERM_ALWAYS, p->tty));
}

static void styles_have_sequences_only_in_colour(void **state)
{
	static const enum term_style styles[] = { TERM_GOOD, TERM_BAD, TERM_WARN,
						  TERM_FAINT, TERM_BOLD };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(styles); i++) {
		assert_memory_equal(term_begin(styles[i], true), "\033[", 2);
		assert_string_equal(term_end(styles[i], true), "\033[0m");
		assert_string_equal(term_begin(styles[i], false), "");
		assert_string_equal(term_end(styles[i], false), "");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(term_begin(styles[i], true),
						term_begin(styles[k], true));
	}
	assert_string_equal(term_begin(TERM_PLAIN, true), "");
	assert_string_equal(term_end(TERM_PLAIN, true), "");
	assert_string_equal(term_begin(TERM_GOOD, true), "\033[32m");
	assert_string_equal(term_begin(TERM_BAD, true), "\033[31m");
}

static void progress_shows_after_a_second_and_five_times_a_second(void **state)
{
	struct term_progress progress;
	struct pty *p = *state;
	char early[512], first[512], soon[512], later[512];

	set_columns(p, 80);
	stderr_to_tty(p);
	term_progress_init(&progress, true, START);
	term_progress_update(&progress, START + MS(999), 8000, 65535, "ports");
	shown(p, early);
	term_progress_update(&progress, START + MS(1000), 8200, 65535, "ports");
	shown(p, first);
	term_progress_update(&progress, START + MS(1199), 9000, 65535, "ports");
	shown(p, soon);
	term_progress_update(&progress, START + MS(1200), 9840, 65535, "ports");
	shown(p, later);
	stderr_back(p);
	assert_string_equal(early, "");
	assert_string_equal(first, CLEAR "8,200 of 65,535 ports, 8,200/s, 7 s left");
	assert_string_equal(soon, "");
	assert_string_equal(later, CLEAR "9,840 of 65,535 ports, 8,200/s, 7 s left");
}

static void progress_is_removed_once(void **state)
{
	struct term_progress progress;
	struct pty *p = *state;
	char before[512], drawn[512], cleared[512], again[512];

	set_columns(p, 80);
	stderr_to_tty(p);
	term_progress_init(&progress, true, START);
	term_progress_clear(&progress);
	shown(p, before);
	term_progress_update(&progress, START + MS(2000), 1, 2, "ports");
	shown(p, drawn);
	term_progress_clear(&progress);
	shown(p, cleared);
	term_progress_clear(&progress);
	shown(p, again);
	stderr_back(p);
	assert_string_equal(before, "");
	assert_string_not_equal(drawn, "");
	assert_string_equal(cleared, CLEAR);
	assert_string_equal(again, "");
}

static void progress_is_worded_for_every_size(void **state)
{
	static const struct {
		int64_t after_ms;
		uint64_t done, total;
		const char *text;
	} cases[] = {
		{ 1000, 0, 0, "0 ports" },
		{ 1000, 0, 100, "0 of 100 ports" },
		{ 2000, 999, 0, "999 ports, 500/s" },
		{ 1000, 1000, 0, "1,000 ports, 1,000/s" },
		{ 1000, 1000000, 0, "1,000,000 ports, 1,000,000/s" },
		{ 1000, 1002003, 0, "1,002,003 ports, 1,002,003/s" },
		{ 10000, 5, 6, "5 of 6 ports, 0.5/s, 2 s left" },
		{ 1000, 9, 0, "9 ports, 9.0/s" },
		{ 1000, 10, 11, "10 of 11 ports, 10/s, 1 s left" },
		{ 1000, 10, 10, "10 of 10 ports, 10/s" },
		{ 1000, 12, 10, "12 of 10 ports, 12/s" },
		{ 10000, 100, 694, "100 of 694 ports, 10/s, 59 s left" },
		{ 10000, 100, 700, "100 of 700 ports, 10/s, 1 min 0 s left" },
		{ 10000, 100, 1350, "100 of 1,350 ports, 10/s, 2 min 5 s left" },
		{ 10000, 100, 39100, "100 of 39,100 ports, 10/s, 1 h 5 min left" },
		/* More than a year: no estimate. */
		{ 10000, 1, 1ull << 40, "1 of 1,099,511,627,776 ports, 0.1/s" },
	};
	struct pty *p = *state;

	set_columns(p, 120);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct term_progress progress;
		char out[512];

		stderr_to_tty(p);
		term_progress_init(&progress, true, START);
		term_progress_update(&progress, START + MS(cases[i].after_ms),
				     cases[i].done, cases[i].total, "ports");
		shown(p, out);
		stderr_back(p);
		assert_memory_equal(out, CLEAR, strlen(CLEAR));
		assert_string_equal(out + strlen(CLEAR), cases[i].text);
	}
}

static void progress_never_fills_the_last_column(void **state)
{
	struct pty *p = *state;

	for (unsigned short columns = 1; columns < 60; columns++) {
		static const char whole[] = "8,200 of 65,535 ports, 8,200/s, 7 s left";
		struct term_progress progress;
		char out[512];

		set_columns(p, columns);
		stderr_to_tty(p);
		term_progress_init(&progress, true, START);
		term_progress_update(&progress, START + MS(1000), 8200, 65535, "ports");
		shown(p, out);
		stderr_back(p);
		assert_int_equal(strlen(out) - strlen(CLEAR),
				 min_size(columns - 1u, strlen(whole)));
		assert_memory_equal(out + strlen(CLEAR), whole,
				    strlen(out) - strlen(CLEAR));
	}
}

static void progress_is_silent_off_a_terminal_and_when_not_wanted(void **state)
{
	struct term_progress progress;
	struct pty *p = *state;
	char on_tty[512], in_pipe[8];
	int ends[2];
	ssize_t n;

	stderr_to_tty(p);
	term_progress_init(&progress, false, START);
	term_progress_update(&progress, START + MS(9000), 1, 2, "ports");
	term_progress_clear(&progress);
	shown(p, on_tty);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	term_progress_init(&progress, true, START);
	term_progress_update(&progress, START + MS(9000), 1, 2, "ports");
	term_progress_clear(&progress);
	stderr_back(p);
	n = read(ends[0], in_pipe, sizeof(in_pipe));
	assert_true(n < 0 && errno == EAGAIN);
	assert_string_equal(on_tty, "");
	close(ends[0]);
	close(ends[1]);
}

#define PTY_TEST(fn) cmocka_unit_test_setup_teardown(fn, pty_open, pty_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PTY_TEST(a_terminal_is_told_from_a_pipe),
		PTY_TEST(the_width_is_the_terminals_own),
		PTY_TEST(without_a_terminal_the_width_is_columns_or_80),
		PTY_TEST(a_terminal_that_does_not_know_its_width_has_80),
		PTY_TEST(colour_is_for_terminals_that_want_it),
		PTY_TEST(always_and_never_overrule_everything),
		PTY_TEST(styles_have_sequences_only_in_colour),
		PTY_TEST(progress_shows_after_a_second_and_five_times_a_second),
		PTY_TEST(progress_is_removed_once),
		PTY_TEST(progress_is_worded_for_every_size),
		PTY_TEST(progress_never_fills_the_last_column),
		PTY_TEST(progress_is_silent_off_a_terminal_and_when_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
