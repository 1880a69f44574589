#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fd.h"
#include "kill_signal.h"

/* A child that holds a socket: a process as a plan has it. */
struct child {
	struct proc *proc;
	struct process process;
	struct listener listener;
	const struct listener *listeners[1];
	struct kill_target target;
	pid_t pid;
	int close_it; /* written to: the child closes the socket */
	int closed;
};

static void child_main(int s, int from, int to)
{
	char c;

	if (read(from, &c, 1) == 1) {
		close(s);
		(void)!write(to, "x", 1);
	}
	for (;;)
		pause();
}

static int child_begin(void **state)
{
	struct child *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->listener.sock.cookie);
	int s = socket(AF_INET, SOCK_STREAM, 0), to[2], from[2];
	struct stat st;

	if (!c || s < 0 || pipe(to) < 0 || pipe(from) < 0 || fstat(s, &st) < 0 ||
	    getsockopt(s, SOL_SOCKET, SO_COOKIE, &c->listener.sock.cookie, &len) < 0)
		return -1;
	c->pid = fork();
	if (c->pid == 0)
		child_main(s, to[0], from[1]);
	close(s);
	close(to[0]);
	close(from[1]);
	c->close_it = to[1];
	c->closed = from[0];
	c->listener.sock.inode = (uint32_t)st.st_ino;
	c->listeners[0] = &c->listener;
	if (proc_open(&c->proc, "/proc") < 0 ||
	    process_read(c->proc, c->pid, &c->process) < 0)
		return -1;
	c->target = (struct kill_target){ .process = &c->process,
					  .listeners = c->listeners,
					  .n_asked = 1,
					  .n_listeners = 1,
					  .pidfd = -1 };
	*state = c;
	return 0;
}

static int child_end(void **state)
{
	struct child *c = *state;

	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	fd_close(&c->target.pidfd);
	close(c->close_it);
	close(c->closed);
	process_release(&c->process);
	proc_close(c->proc);
	free(c);
	return 0;
}

static void signal_all(struct child *c, int number)
{
	struct kill_plan plan = { .targets = &c->target, .n = 1, .n_ending = 1 };

	kill_signal_all(&plan, c->proc, number);
}

/* It was not signalled, so it can't have ended. */
static void assert_untouched(struct child *c)
{
	int status;

	assert_int_equal(waitpid(c->pid, &status, WNOHANG), 0);
	c->target.ended = false;
	kill_note_end(c->proc, &c->target);
	assert_false(c->target.ended);
}

static void a_process_that_holds_the_socket_is_signalled(void **state)
{
	struct child *c = *state;
	int status;

	signal_all(c, SIGTERM);
	assert_int_equal(c->target.action, KILL_ACTION_SIGNALLED);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	kill_note_end(c->proc, &c->target);
	assert_true(c->target.ended);
}

static void another_process_of_that_number_is_not_signalled(void **state)
{
	struct child *c = *state;

	/* The plan's began at another time. */
	c->process.start_ticks--;
	signal_all(c, SIGKILL);
	assert_int_equal(c->target.action, KILL_ACTION_GONE);
	assert_true(c->target.ended);
	assert_int_equal(c->target.pidfd, -1);
	c->process.start_ticks++;
	assert_untouched(c);
}

static void a_process_that_has_closed_the_socket_is_not_signalled(void **state)
{
	struct child *c = *state;
	char byte;

	assert_int_equal(write(c->close_it, "x", 1), 1);
	assert_int_equal(read(c->closed, &byte, 1), 1);
	signal_all(c, SIGKILL);
	assert_int_equal(c->target.action, KILL_ACTION_GONE);
	assert_false(c->target.holds);
	assert_untouched(c);
}

static void a_process_with_another_socket_of_that_inode_is_not_signalled(void **state)
{
	struct child *c = *state;

	int copy = -1;

	assert_int_equal(kill_hold(c->proc, &c->target), 0);
	if (c->target.pidfd >= 0)
		copy = (int)syscall(SYS_pidfd_getfd, c->target.pidfd, 0, 0);
	if (copy < 0)
		skip(); /* not here (a sandbox, an old kernel): the inode has to do */
	fd_close(&copy);
	fd_close(&c->target.pidfd);
	c->listener.sock.cookie++;
	signal_all(c, SIGKILL);
	assert_int_equal(c->target.action, KILL_ACTION_GONE);
	assert_untouched(c);
}

static void a_process_that_has_ended_is_gone(void **state)
{
	struct child *c = *state;

	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	signal_all(c, SIGTERM);
	assert_int_equal(c->target.action, KILL_ACTION_GONE);
	assert_true(c->target.ended);
}

static void without_pidfd_the_start_is_looked_at_before_kill(void **state)
{
	struct child *c = *state;

	assert_int_equal(c->target.pidfd, -1);
	c->process.start_ticks--;
	assert_int_equal(kill_send(c->proc, &c->target, SIGKILL), -ESRCH);
	c->process.start_ticks++;
	assert_untouched(c);
	assert_int_equal(kill_check(c->proc, &c->target), 1);
	assert_int_equal(kill_send(c->proc, &c->target, SIGKILL), 0);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	kill_note_end(c->proc, &c->target);
	assert_true(c->target.ended);
}

static void without_pidfd_the_dead_that_nobody_buried_has_ended(void **state)
{
	struct child *c = *state;
	siginfo_t info;

	kill(c->pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT), 0);
	kill_note_end(c->proc, &c->target);
	assert_true(c->target.ended);
}

static void force_hits_only_who_still_holds_the_socket(void **state)
{
	struct child *c = *state;
	struct kill_plan plan = { .targets = &c->target, .n = 1, .n_ending = 1 };
	char byte;

	/* Signal 0 looks whether it could be sent, and sends nothing. */
	signal_all(c, 0);
	assert_int_equal(c->target.action, KILL_ACTION_SIGNALLED);
	assert_int_equal(write(c->close_it, "x", 1), 1);
	assert_int_equal(read(c->closed, &byte, 1), 1);
	kill_force_all(&plan, c->proc);
	assert_false(c->target.forced);
	assert_untouched(c);
}

int main(void)
{
#define WITH_CHILD(f) cmocka_unit_test_setup_teardown(f, child_begin, child_end)
	const struct CMUnitTest tests[] = {
		WITH_CHILD(a_process_that_holds_the_socket_is_signalled),
		WITH_CHILD(another_process_of_that_number_is_not_signalled),
		WITH_CHILD(a_process_that_has_closed_the_socket_is_not_signalled),
		WITH_CHILD(a_process_with_another_socket_of_that_inode_is_not_signalled),
		WITH_CHILD(a_process_that_has_ended_is_gone),
		WITH_CHILD(without_pidfd_the_start_is_looked_at_before_kill),
		WITH_CHILD(without_pidfd_the_dead_that_nobody_buried_has_ended),
		WITH_CHILD(force_hits_only_who_still_holds_the_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
