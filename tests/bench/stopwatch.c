/* SPDX-License-Identifier: MIT */
/*
 * stopwatch: times rivals in turns, so that a busy moment of the machine hits all alike.
 *
 *	stopwatch RUNS WARMUP DEADLINE_S DIR COMMAND [ARG]... [-- COMMAND [ARG]...]...
 *
 * Each round runs every command once, in the given order. The output of command C in run
 * R (both from 1) is left in DIR/C.R.out and DIR/C.R.err, and one line is printed for
 * it: "C R MICROSECONDS CPU_MICROSECONDS STATUS". STATUS is the exit status, sigN, or
 * timeout when the deadline killed it and everything it had started. Warm-up rounds come
 * first and leave no trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16
#define PATH_BYTES   4096

struct outcome {
	int64_t wall_us, cpu_us;
	int status; /* of wait4() */
	bool timeout;
};

static void die(const char *what)
{
	fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(errno));
	exit(3);
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t cpu_us(const struct rusage *ru)
{
	return (int64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000 +
	       ru->ru_utime.tv_usec + ru->ru_stime.tv_usec;
}

static int open_output(const char *dir, int command, int run, const char *suffix)
{
	char path[PATH_BYTES];
	int fd;

	if (run > 0)
		snprintf(path, sizeof(path), "%s/%d.%d.%s", dir, command, run, suffix);
	else
		snprintf(path, sizeof(path), "/dev/null");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	return fd;
}

static struct outcome time_one(char **argv, int out, int err, int deadline_s)
{
	struct outcome o = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	struct rusage usage;
	struct pollfd pfd = { .events = POLLIN };
	int64_t start_us;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, err, 2);
	posix_spawnattr_init(&attr);
	/* A group of its own, to be ended as a whole. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	start_us = now_us();
	errno = posix_spawnp(&pid, argv[0], &actions, &attr, argv, environ);
	if (errno)
		die(argv[0]);
	pfd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pfd.fd < 0)
		die("pidfd_open");
	o.timeout = poll(&pfd, 1, deadline_s * 1000) == 0;
	if (o.timeout)
		kill(-pid, SIGKILL);
	if (wait4(pid, &o.status, 0, &usage) < 0)
		die("wait4");
	o.wall_us = now_us() - start_us;
	o.cpu_us = cpu_us(&usage);
	/* Nobody stays behind, whoever started it. */
	kill(-pid, SIGKILL);
	close(pfd.fd);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return o;
}

static void say(int command, int run, const struct outcome *o)
{
	printf("%d %d %lld %lld ", command, run, (long long)o->wall_us,
	       (long long)o->cpu_us);
	if (o->timeout)
		puts("timeout");
	else if (WIFSIGNALED(o->status))
		printf("sig%d\n", WTERMSIG(o->status));
	else
		printf("%d\n", WEXITSTATUS(o->status));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char **commands[COMMANDS_MAX];
	int n_commands = 0, runs, run, i, deadline_s;

	if (argc < 6) {
		fputs("usage: stopwatch RUNS WARMUP DEADLINE_S DIR COMMAND...\n", stderr);
		return 2;
	}
	runs = (int)strtol(argv[1], NULL, 10);
	deadline_s = (int)strtol(argv[3], NULL, 10);
	for (i = 5; i < argc && n_commands < COMMANDS_MAX; i++) {
		commands[n_commands++] = &argv[i];
		while (i < argc && strcmp(argv[i], "--") != 0)
			i++;
		argv[i] = NULL;
	}
	for (run = 1 - (int)strtol(argv[2], NULL, 10); run <= runs; run++) {
		for (i = 0; i < n_commands; i++) {
			int out = open_output(argv[4], i + 1, run, "out");
			int err = open_output(argv[4], i + 1, run, "err");
			struct outcome o = time_one(commands[i], out, err, deadline_s);

			close(out);
			close(err);
			if (run > 0)
				say(i + 1, run, &o);
		}
	}
	return 0;
}
