#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fd.h"
#include "parse.h"

#define PROGRESS_FIRST_NS  NS_PER_S
#define PROGRESS_EVERY_NS  (200 * NS_PER_MS)
#define TERM_WIDTH_DEFAULT 80
/* Carriage return, then erase to the end of the line (ECMA-48 8.3.41). */
#define TERM_CLEAR_LINE "\r\033[K"

bool term_is_tty(int fd)
{
	return isatty(fd) == 1;
}

unsigned int term_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (columns && !parse_u64(columns, 1, UINT16_MAX, &n))
		return (unsigned int)n;
	return TERM_WIDTH_DEFAULT;
}

bool term_use_color(enum term_when when, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	switch (when) {
	case TERM_ALWAYS:
		return true;
	case TERM_NEVER:
		return false;
	case TERM_AUTO:
		break;
	}
	return term_is_tty(fd) && !(no_color && *no_color) &&
	       !(term && !strcmp(term, "dumb"));
}

const char *term_begin(enum term_style style, bool color)
{
	if (!color)
		return "";
	switch (style) {
	case TERM_PLAIN:
		break;
	case TERM_GOOD:
		return "\033[32m";
	case TERM_BAD:
		return "\033[31m";
	case TERM_WARN:
		return "\033[33m";
	case TERM_FAINT:
		return "\033[2m";
	case TERM_BOLD:
		return "\033[1m";
	}
	return "";
}

const char *term_end(enum term_style style, bool color)
{
	return color && style != TERM_PLAIN ? "\033[0m" : "";
}

void term_progress_init(struct term_progress *p, bool wanted, int64_t now_ns)
{
	*p = (struct term_progress){
		.start_ns = now_ns,
		.last_ns = now_ns,
		.enabled = wanted && term_is_tty(STDERR_FILENO),
	};
}

/* ", 8,200/s, 6 s left": by the mean rate since the start, which doesn't jump about. */
static void add_rate(struct buf *out, double elapsed_s, uint64_t done, uint64_t total)
{
	double rate = (double)done / elapsed_s;
	double left_s = total > done ? (double)(total - done) / rate : 0;
	char left[CLOCK_HUMAN_SIZE];
	int64_t whole_s;

	buf_adds(out, ", ");
	if (rate < 9.95)
		buf_addf(out, "%.1f", rate);
	else
		buf_add_grouped(out, (uint64_t)(rate + 0.5));
	buf_adds(out, "/s");
	/* Beyond a year it is no estimate. */
	if (left_s <= 0 || left_s > 365 * 86400)
		return;
	/* Whole seconds, and never "0 s left" while something is. */
	whole_s = max_i64(1, (int64_t)(left_s + 0.5));
	if (whole_s < 60) {
		buf_addf(out, ", %d s left", (int)whole_s);
		return;
	}
	clock_human(whole_s * NS_PER_S, left, sizeof(left));
	buf_addf(out, ", %s left", left);
}

void term_progress_update(struct term_progress *p, int64_t now_ns, uint64_t done,
			  uint64_t total, const char *what)
{
	struct buf PK_CLEANUP(buf_release) line = BUF_INIT;
	size_t clear_len = strlen(TERM_CLEAR_LINE);

	if (!p->enabled || now_ns - p->start_ns < PROGRESS_FIRST_NS ||
	    now_ns - p->last_ns < PROGRESS_EVERY_NS)
		return;
	p->last_ns = now_ns;
	buf_adds(&line, TERM_CLEAR_LINE);
	buf_add_grouped(&line, done);
	if (total) {
		buf_adds(&line, " of ");
		buf_add_grouped(&line, total);
	}
	buf_addf(&line, " %s", what);
	if (done)
		add_rate(&line, (double)(now_ns - p->start_ns) / NS_PER_S, done, total);
	if (line.failed)
		return;
	/* A line that wraps can't be erased; the last column is left free as well, since
	 * some terminals wrap as soon as it is written. */
	buf_truncate(&line, clear_len + term_width(STDERR_FILENO) - 1);
	p->drawn = fd_write_all(STDERR_FILENO, line.data, line.len) == 0 || p->drawn;
}

void term_progress_clear(struct term_progress *p)
{
	if (!p->drawn)
		return;
	(void)fd_write_all(STDERR_FILENO, TERM_CLEAR_LINE, strlen(TERM_CLEAR_LINE));
	p->drawn = false;
}
