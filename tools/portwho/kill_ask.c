#include <errno.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "fd.h"
#include "kill_job.h"
#include "term.h"

/* Whoever does not answer has gone away, and what was shown gets old. */
#define ANSWER_NS      (120 * NS_PER_S)
#define LINE_MAX_BYTES 256

bool kill_can_ask(void)
{
	return term_is_tty(STDIN_FILENO) && term_is_tty(STDERR_FILENO);
}

/* One line of at most SIZE - 1 bytes without its end. 1; 0: the end of input; -errno. */
static int kill_read_line(char *line, size_t size, int64_t deadline_ns)
{
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		int64_t left_ns = deadline_ns - clock_now_ns();
		ssize_t got;
		char c;

		if (left_ns <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1) <= 0)
			continue;
		got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got == 0)
			return 0;
		if (got < 0)
			continue;
		if (c == '\n') {
			line[n] = '\0';
			return 1;
		}
		if (n + 1 < size)
			line[n++] = c;
	}
}

int kill_ask(const char *question)
{
	char line[LINE_MAX_BYTES];
	char *answer = line;
	size_t n;
	int got, err;

	/* What was typed before the question was there is no answer to it. */
	tcflush(STDIN_FILENO, TCIFLUSH);
	err = fd_write_all(STDERR_FILENO, question, strlen(question));
	if (err < 0)
		return err;
	got = kill_read_line(line, sizeof(line), clock_now_ns() + ANSWER_NS);
	if (got <= 0) {
		(void)fd_write_all(STDERR_FILENO, "\n", 1);
		return got;
	}
	answer += strspn(answer, " \t");
	for (n = strlen(answer); n && strchr(" \t\r", answer[n - 1]);)
		answer[--n] = '\0';
	return !strcasecmp(answer, "y") || !strcasecmp(answer, "yes");
}
