/*
 * proc_scan(): who holds a socket, on this machine's /proc with children of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc.h"
#include "test_proc_fake.h"

#define NOBODY 65534
/* Outside of containers. */
#define PID_KTHREADD 2

/* A child that does FN, says so by a byte on a pipe, and waits to be killed. */
static pid_t start_child(void (*fn)(void *), void *arg)
{
	int ends[2];
	char ready;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fn)
			fn(arg);
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

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int make_socket(uint32_t *ret_inode)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_inode = (uint32_t)st.st_ino;
	return fd;
}

static void all_who_share_a_socket_after_a_fork_are_found(void **state)
{
	struct proc *p = open_proc("/proc");
	struct proc_holders h;
	uint32_t inode;
	int fd = make_socket(&inode), again = fcntl(fd, F_DUPFD_CLOEXEC, 200);
	pid_t child = start_child(NULL, NULL);

	(void)state;
	for (int round = 0; round < 2; round++) {
		h = holders_of(p, inode, NULL, 0);
		assert_int_equal(h.n, 4);
		assert_true(holds(&h, getpid(), fd) && holds(&h, getpid(), again));
		assert_true(holds(&h, child, fd) && holds(&h, child, again));
		assert_int_equal(h.items[0].inode, inode);
		proc_holders_release(&h);
	}
	h = holders_of(p, inode, &child, 1);
	assert_int_equal(h.n, 2);
	assert_true(holds(&h, child, fd));
	proc_holders_release(&h);
	end_child(child);
	close(fd);
	close(again);
	proc_close(p);
}

static void descriptors_are_found_wherever_their_numbers_are(void **state)
{
	/* Behind a few gaps, behind many, and far away. */
	static const int numbers[] = { 20, 21, 25, 40, 63, 64, 65, 128, 300, 900 };
	struct proc *p = open_proc("/proc");
	struct proc_holders h;
	pid_t self = getpid();
	uint32_t inode;
	int fd = make_socket(&inode);
	size_t n = ARRAY_SIZE(numbers), i;

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(dup3(fd, numbers[i], O_CLOEXEC), numbers[i]);
	for (;;) {
		h = holders_of(p, inode, &self, 1);
		assert_int_equal(h.n, n + 1);
		for (i = 0; i < n; i++)
			assert_true(holds(&h, self, numbers[i]));
		proc_holders_release(&h);
		if (!n)
			break;
		close(numbers[--n]);
	}
	close(fd);
	proc_close(p);
}

/* Each in turn is the one that is left open for longer. */
static void *come_and_go(void *arg)
{
	for (int i = 0;; i++) {
		int low = open("/dev/null", O_RDONLY), high = open("/dev/null", O_RDONLY);

		close(i % 2 ? low : high);
		close(i % 2 ? high : low);
	}
	return arg;
}

/* Low numbers come and go; the socket is behind them, at 40. */
static void be_busy(void *arg)
{
	int fd = *(int *)arg;
	pthread_t thread;

	if (dup3(fd, 40, 0) != 40 || close(fd) < 0 ||
	    pthread_create(&thread, NULL, come_and_go, NULL) != 0)
		_exit(1);
}

static void a_descriptor_that_stays_is_found_while_others_come_and_go(void **state)
{
	struct proc *p = open_proc("/proc");
	struct proc_holders h;
	uint32_t inode;
	int fd = make_socket(&inode), i;
	pid_t child = start_child(be_busy, &fd);

	(void)state;
	for (i = 0; i < 2000; i++) {
		h = holders_of(p, inode, &child, 1);
		assert_true(holds(&h, child, 40));
		proc_holders_release(&h);
	}
	end_child(child);
	close(fd);
	proc_close(p);
}

static void many_processes_are_shared_out_and_none_is_lost(void **state)
{
	struct proc *p = open_proc("/proc");
	pid_t pids[300];
	struct proc_holders h;
	uint32_t inode;
	int fd = make_socket(&inode);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start_child(NULL, NULL);
	h = holders_of(p, inode, pids, ARRAY_SIZE(pids));
	assert_int_equal(h.n, ARRAY_SIZE(pids));
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		assert_true(holds(&h, pids[i], fd));
	proc_holders_release(&h);
	h = holders_of(p, inode, NULL, 0);
	assert_int_equal(h.n, ARRAY_SIZE(pids) + 1);
	proc_holders_release(&h);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		end_child(pids[i]);
	close(fd);
	proc_close(p);
}

static void processes_that_are_gone_are_no_error(void **state)
{
	struct proc *p = open_proc("/proc");
	pid_t pids[4] = { 0, -1, 0, 0 };
	struct proc_holders h;
	uint32_t inode;
	int fd = make_socket(&inode);

	(void)state;
	pids[2] = start_child(NULL, NULL);
	end_child(pids[2]);
	pids[3] = getpid();
	h = holders_of(p, inode, pids, ARRAY_SIZE(pids));
	assert_int_equal(h.n, 1);
	assert_true(holds(&h, getpid(), fd));
	assert_int_equal(h.n_hidden, 0);
	proc_holders_release(&h);
	close(fd);
	proc_close(p);
}

static void *sleep_on(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

/* Its first thread ends, and another goes on. */
static void *say_ready_later(void *arg)
{
	char path[64], line[256];
	int *ready = arg;

	/* Until the first thread is a zombie: its state says so. */
	for (;;) {
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/stat");
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, line, sizeof(line) - 1);
		close(fd);
		line[n > 0 ? n : 0] = '\0';
		if (strstr(line, ") Z "))
			break;
		sched_yield();
	}
	if (write(*ready, "x", 1) != 1)
		_exit(1);
	return sleep_on(NULL);
}

static void a_process_whose_first_thread_ended_still_holds(void **state)
{
	struct proc *p = open_proc("/proc");
	struct proc_holders h;
	int ends[2], fd;
	uint32_t inode;
	pid_t child;
	char ready;

	(void)state;
	fd = make_socket(&inode);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&thread, NULL, say_ready_later, &ends[1]))
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	h = holders_of(p, inode, &child, 1);
	assert_int_equal(h.n, 1);
	assert_true(holds(&h, child, fd));
	proc_holders_release(&h);
	end_child(child);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	proc_close(p);
}

static void become_nobody(void *arg)
{
	(void)arg;
	if (setgid(NOBODY) || setuid(NOBODY))
		_exit(1);
}

/* In a child: as nobody, what of others is counted as hidden, and ours is found. */
static int look_as_nobody(pid_t root_child, uint32_t inode, int fd)
{
	struct inode_set set = { 0 };
	struct proc_holders h = { 0 };
	struct process kthreadd = { 0 };
	struct proc *p;
	size_t n_all;

	become_nobody(NULL);
	/* Else our own files would belong to root: setuid made us undumpable. */
	prctl(PR_SET_DUMPABLE, 1);
	if (proc_open(&p, "/proc") || inode_set_add(&set, inode))
		return 1;
	if (proc_scan_pids(p, &root_child, 1, &set, &h) || h.n || h.n_hidden != 1)
		return 2;
	/* Kernel threads have nothing to hide. */
	if (process_read(p, PID_KTHREADD, &kthreadd) == 0 && kthreadd.kernel_thread &&
	    (proc_scan_pids(p, &(pid_t){ PID_KTHREADD }, 1, &set, &h) || h.n_hidden != 1))
		return 3;
	process_release(&kthreadd);
	if (proc_scan(p, &set, &h))
		return 5;
	n_all = h.n_hidden;
	proc_holders_sort(&h);
	if (!holds(&h, getpid(), fd) || !n_all)
		return 6;
	/* A second one replaces the count. */
	if (proc_scan(p, &set, &h) || h.n_hidden > n_all + 50)
		return 7;
	proc_holders_release(&h);
	inode_set_release(&set);
	proc_close(p);
	return 0;
}

static void other_users_processes_are_counted_as_hidden(void **state)
{
	pid_t child, root_child;
	uint32_t inode;
	int fd, status;

	(void)state;
	if (geteuid() != 0)
		skip();
	fd = make_socket(&inode);
	root_child = start_child(NULL, NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(look_as_nobody(root_child, inode, fd));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	end_child(root_child);
	close(fd);
}

/* In a child with a /proc of its own, mounted with OPTION. 200: that can't be made. */
static int look_with_option(const char *option, bool as_nobody, bool expected)
{
	struct inode_set set = { 0 };
	struct proc_holders h = { 0 };
	struct proc *p;

	if (unshare(CLONE_NEWNS) || mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) ||
	    mount("proc", "/proc", "proc", 0, option))
		return 200;
	if (as_nobody) {
		become_nobody(NULL);
		prctl(PR_SET_DUMPABLE, 1);
	}
	if (proc_open(&p, "/proc") || inode_set_add(&set, 1) || proc_scan(p, &set, &h))
		return 1;
	proc_close(p);
	inode_set_release(&set);
	if (h.hidepid != expected)
		return 2;
	/* Then they are not there, else there, but closed. */
	if (as_nobody && expected == (h.n_hidden > 0))
		return 3;
	return 0;
}

static void a_proc_that_hides_processes_is_told(void **state)
{
	static const struct {
		const char *option;
		bool as_nobody, expected;
	} cases[] = {
		{ "hidepid=2", true, true },   { "hidepid=4", true, true },
		{ "hidepid=1", true, false },  { "hidepid=0", true, false },
		{ "hidepid=2", false, false },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (!child)
			_exit(look_with_option(cases[i].option, cases[i].as_nobody,
					       cases[i].expected));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == 200)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_share_a_socket_after_a_fork_are_found),
		cmocka_unit_test(descriptors_are_found_wherever_their_numbers_are),
		cmocka_unit_test(
			a_descriptor_that_stays_is_found_while_others_come_and_go),
		cmocka_unit_test(many_processes_are_shared_out_and_none_is_lost),
		cmocka_unit_test(processes_that_are_gone_are_no_error),
		cmocka_unit_test(a_process_whose_first_thread_ended_still_holds),
		cmocka_unit_test(other_users_processes_are_counted_as_hidden),
		cmocka_unit_test(a_proc_that_hides_processes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
