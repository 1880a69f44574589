#include "diag.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"
#include "text.h"

/*
 * TOOL, PREFIX and the formatted text, as one line in one write(2), so that lines of
 * several processes don't mix. errno is kept for the caller, who often goes on to return
 * it.
 */
static void diag_line(const char *tool, const char *prefix, const char *fmt, va_list ap)
{
	struct buf PK_CLEANUP(buf_release) line = BUF_INIT;
	struct buf PK_CLEANUP(buf_release) text = BUF_INIT;
	int saved = errno;

	buf_vaddf(&text, fmt, ap);
	text_escape_str(&line, tool);
	buf_adds(&line, prefix);
	text_escape(&line, text.data, text.len);
	buf_addc(&line, '\n');
	if (text.failed || line.failed) {
		static const char no_memory[] = "out of memory\n";

		(void)fd_write_all(STDERR_FILENO, no_memory, sizeof(no_memory) - 1);
	} else {
		/* Where stderr can't be written, there is nobody left to tell. */
		(void)fd_write_all(STDERR_FILENO, line.data, line.len);
	}
	errno = saved;
}

void diag_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_line(program_invocation_short_name, ": ", fmt, ap);
	va_end(ap);
}

void diag_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_line(program_invocation_short_name, ": warning: ", fmt, ap);
	va_end(ap);
}

static void PK_PRINTF(1, 2) diag_plain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diag_line("", "", fmt, ap);
	va_end(ap);
}

void diag_hint(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (isatty(STDERR_FILENO)) {
		errno = saved; /* for a %m in FMT */
		va_start(ap, fmt);
		diag_line("", "", fmt, ap);
		va_end(ap);
	}
	errno = saved;
}

void diag_try_help(void)
{
	diag_plain("Try '%s --help' for more information.",
		   program_invocation_short_name);
}
