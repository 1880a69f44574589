#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fd.h"

/* What changes the whole process is tried in a child, which exits with what FN returns:
 * 0, or the line where it went wrong. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define CHILD_CHECK(condition)                  \
	do {                                    \
		if (!(condition))               \
			return __LINE__ & 0xff; \
	} while (0)

static bool is_dev_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static int guard_with_all_closed(void)
{
	close(0);
	close(1);
	close(2);
	CHILD_CHECK(fd_guard_stdio() == 0);
	for (int i = 0; i <= 2; i++) {
		CHILD_CHECK(is_dev_null(i));
		/* Programs that are started from here need them as well. */
		CHILD_CHECK(fcntl(i, F_GETFD) == 0);
	}
	CHILD_CHECK(write(1, "x", 1) == 1);
	return 0;
}

static int guard_with_a_gap(void)
{
	struct stat out_before, out_after, err_before, err_after;
	int fd;

	close(0);
	CHILD_CHECK(open("/dev/zero", O_RDWR | O_CLOEXEC) == 0);
	CHILD_CHECK(fstat(0, &out_before) == 0 && fstat(2, &err_before) == 0);
	close(1);
	CHILD_CHECK(fd_guard_stdio() == 0);
	CHILD_CHECK(is_dev_null(1));
	CHILD_CHECK(fstat(0, &out_after) == 0 && fstat(2, &err_after) == 0);
	CHILD_CHECK(out_before.st_rdev == out_after.st_rdev);
	CHILD_CHECK(err_before.st_ino == err_after.st_ino);
	/* The next descriptor is none of the three. */
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	CHILD_CHECK(fd > 2);
	return 0;
}

static void closed_standard_streams_become_dev_null(void **state)
{
	(void)state;
	assert_int_equal(in_child(guard_with_all_closed), 0);
}

static void open_standard_streams_are_left_alone(void **state)
{
	(void)state;
	assert_int_equal(in_child(guard_with_a_gap), 0);
}

static int raise_the_limit(void)
{
	struct rlimit limit;
	size_t raised = 0;

	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = 32;
	if (limit.rlim_max > 512)
		limit.rlim_max = 512;
	CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHILD_CHECK(fd_raise_limit(&raised) == 0);
	CHILD_CHECK(raised == limit.rlim_max);
	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	CHILD_CHECK(limit.rlim_cur == raised);
	/* Nothing left to raise. */
	raised = 0;
	CHILD_CHECK(fd_raise_limit(&raised) == 0);
	CHILD_CHECK(raised == limit.rlim_max);
	return 0;
}

static void the_limit_of_open_files_is_raised_to_the_hard_one(void **state)
{
	(void)state;
	assert_int_equal(in_child(raise_the_limit), 0);
}

static void open_descriptors_are_counted(void **state)
{
	size_t before = fd_count_open(), by_hand = 0;
	int fds[3];

	(void)state;
	for (int fd = 0; fd < 1024; fd++)
		by_hand += fcntl(fd, F_GETFD) >= 0;
	assert_int_equal(before, by_hand);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(fd_count_open(), before + 3);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fd_close(&fds[i]);
	assert_int_equal(fd_count_open(), before);
}

static void closing_sets_minus_one_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int was = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	fd_close(&fd);
	assert_int_equal(fd, -1);
	/* Even a close that fails. */
	fd = was;
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd, -1);
}

static void the_cleanup_attribute_closes(void **state)
{
	int was;

	(void)state;
	{
		int PK_CLEANUP(fd_close) fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		was = fd;
	}
	assert_int_equal(fcntl(was, F_GETFD), -1);
}

/* Far more than a pipe holds. */
#define BIG_BYTES ((size_t)1 << 20)

static unsigned char pattern_at(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* Read FD slowly to its end; 0 if it is the pattern, of BIG_BYTES. */
static int read_pattern(int fd)
{
	unsigned char chunk[1500];
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			CHILD_CHECK(chunk[i] == pattern_at(at + (size_t)i));
		at += (size_t)n;
		if (at % 5 == 0)
			poll(NULL, 0, 1);
	}
	CHILD_CHECK(n == 0 && at == BIG_BYTES);
	return 0;
}

/* Write the pattern to a pipe with PIPE_FLAGS while a child reads it. */
static void write_pattern(int pipe_flags)
{
	unsigned char *big = malloc(BIG_BYTES);
	int ends[2], status;
	pid_t pid;

	assert_non_null(big);
	for (size_t i = 0; i < BIG_BYTES; i++)
		big[i] = pattern_at(i);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* Of the writing end only: the child waits. */
	assert_int_equal(fcntl(ends[1], F_SETFL, pipe_flags), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(ends[1]);
		_exit(read_pattern(ends[0]));
	}
	close(ends[0]);
	assert_int_equal(fd_write_all(ends[1], big, BIG_BYTES), 0);
	close(ends[1]);
	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	free(big);
}

static void a_pipe_that_would_block_is_waited_for(void **state)
{
	(void)state;
	write_pattern(O_NONBLOCK);
}

static volatile sig_atomic_t n_alarms;

static void on_alarm(int sig)
{
	(void)sig;
	n_alarms++;
}

static void signals_do_not_end_a_write(void **state)
{
	/* Without SA_RESTART, write(2) and poll(2) return EINTR or short. */
	struct sigaction act = { .sa_handler = on_alarm }, old;
	struct itimerval every = { { 0, 500 }, { 0, 500 } },
			 never = { { 0, 0 }, { 0, 0 } };

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	write_pattern(0);
	write_pattern(O_NONBLOCK);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	assert_true(n_alarms > 0);
}

static void a_reader_that_went_away_is_epipe(void **state)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	int ends[2];

	(void)state;
	assert_int_equal(sigaction(SIGPIPE, &ignore, &old), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(fd_write_all(ends[1], "x", 1), -EPIPE);
	close(ends[1]);
	assert_int_equal(sigaction(SIGPIPE, &old, NULL), 0);
}

static void a_write_reports_why_it_failed(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(fd_write_all(full, "x", 1), -ENOSPC);
	fd_close(&full);
	assert_int_equal(fd_write_all(-1, "x", 1), -EBADF);
	/* Nothing to write, nothing to fail. */
	assert_int_equal(fd_write_all(-1, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closed_standard_streams_become_dev_null),
		cmocka_unit_test(open_standard_streams_are_left_alone),
		cmocka_unit_test(the_limit_of_open_files_is_raised_to_the_hard_one),
		cmocka_unit_test(open_descriptors_are_counted),
		cmocka_unit_test(closing_sets_minus_one_and_keeps_errno),
		cmocka_unit_test(the_cleanup_attribute_closes),
		cmocka_unit_test(a_pipe_that_would_block_is_waited_for),
		cmocka_unit_test(signals_do_not_end_a_write),
		cmocka_unit_test(a_reader_that_went_away_is_epipe),
		cmocka_unit_test(a_write_reports_why_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
