/*
 * process_read(): names and command lines that are hard to read, of real children and of
 * a made-up /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "proc.h"
#include "test_proc_fake.h"

#define NOBODY 65534
/* As proc_process.c has it. */
#define MAX_CMDLINE_BYTES (128 << 10)

/* A child with the name COMM that waits to be killed. */
static pid_t start_named(const char *comm)
{
	int ends[2];
	char ready;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, comm);
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return pid;
}

/* /bin/sh with these arguments, once it runs: it says so, and waits for its input. */
static pid_t start_program(const char *const argv[], int *ret_input)
{
	int in[2], out[2];
	char ready;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execv("/bin/sh", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(read(out[0], &ready, 1), 1);
	close(out[0]);
	*ret_input = in[1];
	return pid;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void this_process_is_read_right(void **state)
{
	char cwd[4096], exe[4096];
	struct process self = { 0 };
	struct proc *p = open_proc("/proc");
	int64_t now = clock_wall_ns();
	uint64_t ticks = 0;
	ssize_t n;

	(void)state;
	assert_int_equal(process_read(p, getpid(), &self), 0);
	assert_int_equal(self.pid, getpid());
	assert_int_equal(self.ppid, getppid());
	assert_false(self.kernel_thread);
	assert_true(self.has_uid);
	assert_int_equal(self.uid, geteuid());
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal(self.cwd, cwd);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	assert_true(n > 0);
	exe[n] = '\0';
	assert_string_equal(self.exe, exe);
	assert_non_null(self.cmdline);
	assert_int_equal(self.cmdline[self.cmdline_len - 1], '\0');
	assert_int_equal(process_start_ticks(p, getpid(), &ticks), 0);
	assert_int_equal(ticks, self.start_ticks);
	/* Not in the future, and the tests take less than an hour. */
	assert_true(self.start_wall_ns <= now + NS_PER_S);
	assert_true(self.start_wall_ns > now - 3600 * NS_PER_S);
	assert_int_equal(self.start_wall_ns % (10 * NS_PER_MS), 0);
	process_release(&self);
	process_release(NULL);
	assert_null(self.comm);
	proc_close(p);
}

static void the_start_of_a_child_is_now(void **state)
{
	struct process child = { 0 };
	struct proc *p = open_proc("/proc");
	int64_t before = clock_wall_ns(), after;
	pid_t pid = start_named("x");

	(void)state;
	after = clock_wall_ns();
	assert_int_equal(process_read(p, pid, &child), 0);
	/* Two cuts of 10 ms, and a clock that is being corrected. */
	assert_true(child.start_wall_ns >= before - 40 * NS_PER_MS);
	assert_true(child.start_wall_ns <= after + 20 * NS_PER_MS);
	process_release(&child);
	end_child(pid);
	proc_close(p);
}

static void a_name_may_hold_parentheses_and_newlines(void **state)
{
	static const char *const names[] = { ") (x\n", ")", "(", ") R 1 2 3", "a) (b",
					     "\n",     " ", "",	 "x)\n" };
	struct proc *p = open_proc("/proc");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct process child = { 0 };
		pid_t pid = start_named(names[i]);

		assert_int_equal(process_read(p, pid, &child), 0);
		assert_string_equal(child.comm, names[i]);
		assert_int_equal(child.ppid, getpid());
		assert_true(child.has_uid);
		assert_int_equal(child.uid, geteuid());
		process_release(&child);
		end_child(pid);
	}
	proc_close(p);
}

static void arguments_come_each_with_its_nul(void **state)
{
	static const char *const argv[] = { "sh",     "-c", "echo; read x", "a b", "",
					    "\xff\n", NULL };
	static const char expected[] = "sh\0-c\0echo; read x\0a b\0\0\xff\n";
	struct proc *p = open_proc("/proc");
	struct process child = { 0 };
	int input;
	pid_t pid = start_program(argv, &input);

	(void)state;
	assert_int_equal(process_read(p, pid, &child), 0);
	assert_int_equal(child.cmdline_len, sizeof(expected));
	assert_memory_equal(child.cmdline, expected, sizeof(expected));
	process_release(&child);
	end_child(pid);
	close(input);
	proc_close(p);
}

static void a_huge_command_line_is_cut(void **state)
{
	static char big[100000];
	const char *const argv[] = { "sh", "-c", "echo; read x", big, big, big, NULL };
	struct proc *p = open_proc("/proc");
	struct process child = { 0 };
	int input;
	pid_t pid;

	(void)state;
	memset(big, 'y', sizeof(big) - 1);
	pid = start_program(argv, &input);
	assert_int_equal(process_read(p, pid, &child), 0);
	assert_int_equal(child.cmdline_len, MAX_CMDLINE_BYTES + 1);
	assert_int_equal(child.cmdline[MAX_CMDLINE_BYTES - 1], 'y');
	assert_int_equal(child.cmdline[MAX_CMDLINE_BYTES], '\0');
	process_release(&child);
	end_child(pid);
	close(input);
	proc_close(p);
}

static void who_is_gone_is_esrch(void **state)
{
	struct process child = { .pid = 42 };
	struct proc *p = open_proc("/proc");
	pid_t pid = start_named("x");
	uint64_t ticks = 7;

	(void)state;
	end_child(pid);
	assert_int_equal(process_read(p, pid, &child), -ESRCH);
	assert_int_equal(process_start_ticks(p, pid, &ticks), -ESRCH);
	assert_int_equal(process_read(p, 0, &child), -ESRCH);
	assert_int_equal(process_read(p, -1, &child), -ESRCH);
	/* Untouched. */
	assert_int_equal(child.pid, 42);
	assert_int_equal(ticks, 7);
	proc_close(p);
}

static void a_zombie_has_a_name_and_little_else(void **state)
{
	struct process child = { 0 };
	struct proc *p = open_proc("/proc");
	pid_t pid = start_named("undead");
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_read(p, pid, &child), 0);
	assert_string_equal(child.comm, "undead");
	assert_null(child.cmdline);
	assert_null(child.exe);
	assert_null(child.cwd);
	assert_true(child.start_ticks > 0);
	process_release(&child);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	proc_close(p);
}

/* In a child: what nobody sees of a process of root's. */
static int read_as_nobody(pid_t of_root)
{
	struct process process = { 0 };
	struct proc *p;

	if (setgid(NOBODY) || setuid(NOBODY) || proc_open(&p, "/proc"))
		return 1;
	if (process_read(p, of_root, &process))
		return 2;
	if (strcmp(process.comm, "roots") != 0 || !process.has_uid || process.uid != 0)
		return 3;
	if (process.exe || process.cwd || !process.cmdline)
		return 4;
	process_release(&process);
	proc_close(p);
	return 0;
}

static void of_others_exe_and_cwd_are_not_seen(void **state)
{
	pid_t root_child, child;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	root_child = start_named("roots");
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(read_as_nobody(root_child));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	end_child(root_child);
}

/* ---- a made-up /proc, of one process: 12 ---- */

#define FIELDS_TO_START "1 1 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0"

/* With process 12 in it. */
static struct proc *open_fake(struct fake *f)
{
	fake_init(f);
	assert_int_equal(mkdirat(f->fd, "12", 0755), 0);
	fake_text(f, "12/stat", "12 (fake) S 7 " FIELDS_TO_START " 100 0 0\n");
	return open_proc(f->path);
}

static void close_fake(struct fake *f, struct proc *proc)
{
	proc_close(proc);
	fake_release(f);
}

static void a_process_with_stat_alone_is_read(void **state)
{
	struct process p = { 0 };
	struct proc *proc;
	struct fake f;

	(void)state;
	proc = open_fake(&f);
	assert_int_equal(process_read(proc, 12, &p), 0);
	assert_string_equal(p.comm, "fake");
	assert_int_equal(p.ppid, 7);
	assert_int_equal(p.start_ticks, 100);
	assert_true(p.kernel_thread);
	assert_false(p.has_uid);
	assert_null(p.cmdline);
	assert_null(p.cgroup);
	process_release(&p);
	close_fake(&f, proc);
}

static void a_damaged_stat_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"12",
		"12 (fake",
		"12 )fake(",
		"12 (fake)",
		"12 (fake) S",
		"12 (fake) S 7 1 1",
		"12 (fake) S x " FIELDS_TO_START " 100 0\n",
		"12 (fake) S 7 " FIELDS_TO_START " -1 0\n",
		"12 (fake) S 7 " FIELDS_TO_START "  100 0\n",
		"12 (fake) S 99999999999 " FIELDS_TO_START " 100 0\n",
		"12 (fake) S 7 " FIELDS_TO_START " 99999999999999999999 0\n",
	};
	struct process p = { .pid = 42 };
	struct proc *proc;
	struct fake f;

	(void)state;
	proc = open_fake(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		fake_text(&f, "12/stat", bad[i]);
		assert_int_equal(process_read(proc, 12, &p), -EBADMSG);
		assert_int_equal(p.pid, 42);
	}
	/* A time beyond all clocks is no reason to know nothing. */
	fake_text(&f, "12/stat",
		  "12 (fake) S 7 " FIELDS_TO_START " 18446744073709551615 0\n");
	assert_int_equal(process_read(proc, 12, &p), 0);
	assert_int_equal(p.start_wall_ns, 0);
	process_release(&p);
	close_fake(&f, proc);
}

static void a_title_written_over_the_arguments_is_one_argument(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, expected; /* 0: none */
	} cases[] = {
		{ "nginx: master process", 21, 22 },	/* no NUL at all */
		{ "sshd: x [priv]\0\0\0\0\0", 19, 15 }, /* filled up */
		{ "a\0b\0", 4, 4 },
		{ "a\0\0b", 4, 5 },
		{ "\0b", 2, 3 },
		{ "\0\0\0\0", 4, 0 },
		{ "", 0, 0 },
	};
	struct proc *proc;
	struct fake f;

	(void)state;
	proc = open_fake(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process p = { 0 };

		fake_write(&f, "12/cmdline", cases[i].bytes, cases[i].len);
		assert_int_equal(process_read(proc, 12, &p), 0);
		assert_int_equal(p.cmdline_len, cases[i].expected);
		assert_int_equal(p.cmdline != NULL, cases[i].expected > 0);
		if (p.cmdline) {
			assert_memory_equal(p.cmdline, cases[i].bytes,
					    cases[i].expected - 1);
			assert_int_equal(p.cmdline[p.cmdline_len - 1], '\0');
		}
		process_release(&p);
	}
	close_fake(&f, proc);
}

static void the_effective_user_is_the_second_of_four(void **state)
{
	struct process p = { 0 };
	struct proc *proc;
	struct fake f;

	(void)state;
	proc = open_fake(&f);
	fake_text(&f, "12/status", "Name:\tUid:\\nUid:\nUid:\t1000\t4294967295\t5\t6\n");
	assert_int_equal(process_read(proc, 12, &p), 0);
	assert_true(p.has_uid);
	assert_int_equal(p.uid, UINT32_MAX);
	process_release(&p);
	fake_text(&f, "12/status", "Name:\tx\nUid:\t1000");
	assert_int_equal(process_read(proc, 12, &p), 0);
	assert_false(p.has_uid);
	process_release(&p);
	close_fake(&f, proc);
}

static void the_group_is_of_version_two_or_else_of_systemd(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "0::/system.slice/ssh.service\n", "/system.slice/ssh.service" },
		{ "0::/\n", "/" },
		{ "0::/a b:c (deleted)\n", "/a b:c" },
		{ "9:name=systemd:/user.slice\n8:pids:/p\n0::/\n", "/user.slice" },
		{ "9:name=systemd:/s\n0::/system.slice/x\n", "/system.slice/x" },
		{ "8:pids:/p\n1:name=systemd:/docker/ab\n", "/docker/ab" },
		{ "8:pids:/p\n10::/no\n", NULL },
		{ "0::no\n", NULL },
		{ "0::", NULL },
		{ "", NULL },
		{ "0::/no/newline", "/no/newline" },
	};
	struct proc *proc;
	struct fake f;

	(void)state;
	proc = open_fake(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process p = { 0 };

		fake_text(&f, "12/cgroup", cases[i].text);
		assert_int_equal(process_read(proc, 12, &p), 0);
		if (cases[i].expected)
			assert_string_equal(p.cgroup, cases[i].expected);
		else
			assert_null(p.cgroup);
		process_release(&p);
	}
	close_fake(&f, proc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_process_is_read_right),
		cmocka_unit_test(the_start_of_a_child_is_now),
		cmocka_unit_test(a_name_may_hold_parentheses_and_newlines),
		cmocka_unit_test(arguments_come_each_with_its_nul),
		cmocka_unit_test(a_huge_command_line_is_cut),
		cmocka_unit_test(who_is_gone_is_esrch),
		cmocka_unit_test(a_zombie_has_a_name_and_little_else),
		cmocka_unit_test(of_others_exe_and_cwd_are_not_seen),
		cmocka_unit_test(a_process_with_stat_alone_is_read),
		cmocka_unit_test(a_damaged_stat_is_refused),
		cmocka_unit_test(a_title_written_over_the_arguments_is_one_argument),
		cmocka_unit_test(the_effective_user_is_the_second_of_four),
		cmocka_unit_test(the_group_is_of_version_two_or_else_of_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
