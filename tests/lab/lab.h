/* SPDX-License-Identifier: MIT */
/*
 * What the lab's programs share: errors, the clock, numbers, and the way they start and
 * end. Each program is one .c file, so these are static functions in a header.
 */
#ifndef LAB_H
#define LAB_H

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LAB_UNUSED    __attribute__((unused))
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)

/* Says what failed, and why if errno knows, then ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
	exit(1);
}

LAB_UNUSED
static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Parses all of a string, or up to one of the stop characters. */
LAB_UNUSED
static unsigned long parse_number(const char *s, const char *stop, unsigned long max,
				  const char **ret_end)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (!isdigit((unsigned char)*s) || errno || v > max ||
	    (*end && !strchr(stop, *end))) {
		errno = 0;
		die("bad number '%s': expected 0 to %lu", s, max);
	}
	if (ret_end)
		*ret_end = end;
	return v;
}

/* Nothing of a lab may outlive the shell that made it. */
static void die_with_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM))
		die("prctl");
	if (getppid() != parent) /* it died before prctl */
		exit(1);
	errno = 0;
}

/* One line, then the end of the file: whoever reads it needs no deadline for errors. */
static void say_ready(int fd, const char *line)
{
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		die("ready fd");
	/* A plain close would let a socket take the number of standard output. */
	if (!freopen("/dev/null", "w", stdout))
		die("/dev/null");
	if (fd > STDERR_FILENO)
		close(fd);
}

#endif
