/*
 * A small option table that has every kind of trouble in it, and the capture of what is
 * printed, for the tests of opt.
 */
#ifndef PK_OPT_SAMPLE_H
#define PK_OPT_SAMPLE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opt.h"

enum sample_option {
	S_PORTS,
	S_FILE,
	S_TIMEOUT,
	S_COUNT,
	S_OFFSET,
	S_FORMAT,
	S_JSON,
	S_QUIET,
	S_NETNS,
	S_HELP,
	S_VERSION,
};

static const char *const formats[] = { "text", "json", "csv", NULL };

/* Copied and broken by the tests of the self-check. */
static const struct opt sample_options[] = {
	{ .id = S_PORTS,
	  .letter = 'p',
	  .kind = OPT_PORTS,
	  .name = "ports",
	  .metavar = "PORTS",
	  .section = "What",
	  .help = "ports of every target" },
	{ .id = S_FILE,
	  .letter = 'f',
	  .kind = OPT_FILE,
	  .name = "file",
	  .metavar = "FILE",
	  .help = "read targets from FILE" },
	{ .id = S_TIMEOUT,
	  .letter = 't',
	  .kind = OPT_DURATION,
	  .name = "timeout",
	  .metavar = "DURATION",
	  .def = "3s",
	  .min = 10 * NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .help = "the most that a check may take, with all that-is-one-long-word" },
	{ .id = S_COUNT,
	  .letter = 'c',
	  .kind = OPT_INT,
	  .name = "count",
	  .metavar = "N",
	  .min = 1,
	  .max = 1000000,
	  .help = "check N times" },
	{ .id = S_OFFSET,
	  .kind = OPT_INT,
	  .name = "offset",
	  .metavar = "N",
	  .min = -5,
	  .max = 5,
	  .help = "shift by N" },
	{ .id = S_FORMAT,
	  .kind = OPT_WORD,
	  .conflict = 1,
	  .name = "format",
	  .metavar = "FORMAT",
	  .words = formats,
	  .def = "text",
	  .help = "written" },
	{ .id = S_JSON,
	  .letter = 'j',
	  .conflict = 1,
	  .name = "json",
	  .section = "Output",
	  .help = "JSON" },
	{ .id = S_QUIET,
	  .letter = 'q',
	  .conflict = 1 | 2,
	  .name = "quiet",
	  .help = "no output" },
	{ .id = S_NETNS,
	  .kind = OPT_NETNS,
	  .conflict = 2,
	  .name = "netns",
	  .metavar = "NAME",
	  .help = "work in this namespace" },
	{ .id = S_HELP, .letter = 'h', .name = "help", .help = "show this help" },
	{ .id = S_VERSION, .letter = 'V', .name = "version", .help = "show the version" },
};

static const char *const synopsis[] = { "[OPTION]... TARGET PORTS...", NULL };
static const char *const examples[] = { "sample host 80", "one port", NULL };
static const struct opt_exit exits[] = { { 0, "yes" }, { 1, "no" } };

static const struct opt_tool sample_tool = {
	.name = "sample",
	.question = "does it work?",
	.synopsis = synopsis,
	.examples = examples,
	.options = sample_options,
	.n_options = ARRAY_SIZE(sample_options),
	.exits = exits,
	.n_exits = ARRAY_SIZE(exits),
	.operands = OPT_HOST,
};

/* A descriptor that goes to memory while a test runs. */
struct capture {
	int fd, saved, memory;
};

static inline void capture_begin(struct capture *c, int fd)
{
	c->fd = fd;
	c->memory = memfd_create("capture", MFD_CLOEXEC);
	assert_true(c->memory >= 0);
	c->saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	assert_true(c->saved >= 0);
	assert_int_equal(dup2(c->memory, fd), fd);
}

static inline void capture_end(struct capture *c, char *out, size_t size)
{
	ssize_t n;

	assert_int_equal(dup2(c->saved, c->fd), c->fd);
	close(c->saved);
	n = pread(c->memory, out, size - 1, 0);
	close(c->memory);
	assert_true(n >= 0);
	out[n] = '\0';
}

#endif
