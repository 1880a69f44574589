/*
 * Real rules in a network namespace of its own, in a child. Include after cmocka.h.
 */
#ifndef PK_WHO_RULES_H
#define PK_WHO_RULES_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ruleset.h"

#define SKIPPED 77

/* In the child: nothing of cmocka's, which would jump into the parent's copy. */
#define CHECK(what)                                                                \
	do {                                                                       \
		if (!(what)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

/* Run BODY in a namespace of its own; there is nothing in it but lo, down. */
static inline void in_namespace(void (*body)(const void *arg), const void *arg)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(SKIPPED);
		alarm(60);
		body(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Give TEXT to COMMAND. */
static inline void feed(const char *command, const char *text)
{
	FILE *f = popen(command, "w");
	int status;

	CHECK(f);
	CHECK(fputs(text, f) >= 0);
	status = pclose(f);
	/* The shell's word for "not found". */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		_exit(SKIPPED);
	if (status)
		fprintf(stderr, "%s:\n%s\n", command, text);
	CHECK(status == 0);
}

#define NFT	   "PATH=$PATH:/usr/sbin:/sbin nft -f - 2>&1"
#define IPT_NFT	   "PATH=$PATH:/usr/sbin:/sbin iptables-nft-restore 2>&1"
#define IP6T_NFT   "PATH=$PATH:/usr/sbin:/sbin ip6tables-nft-restore 2>&1"
#define IPT_LEGACY "PATH=$PATH:/usr/sbin:/sbin iptables-legacy-restore 2>&1"

static inline struct ruleset loaded(void)
{
	struct ruleset r;
	int err = ruleset_load(&r);

	if (err)
		fprintf(stderr, "ruleset_load: %s\n", strerror(-err));
	CHECK(err == 0);
	return r;
}

#endif
