#include "kill_signal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "fd.h"

/* asm-generic/unistd.h; the same on every architecture but Alpha. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SO_COOKIE
#define SO_COOKIE 57 /* asm-generic/socket.h; Linux 4.12 */
#endif

/* Is PID the process of the plan? A pid and the tick of its start are never the same
 * again. */
static int kill_is_same(struct proc *proc, const struct process *p)
{
	uint64_t ticks;
	int err = process_start_ticks(proc, p->pid, &ticks);

	if (err < 0)
		return err;
	return ticks == p->start_ticks ? 0 : -ESRCH;
}

/*
 * First the pidfd, then the start: if the process at that number is the plan's now, it
 * was when the pidfd was opened, since it began before and number and start stay its own.
 */
int kill_hold(struct proc *proc, struct kill_target *t)
{
	int fd = (int)syscall(SYS_pidfd_open, t->process->pid, 0), err;

	if (fd < 0 && errno != ENOSYS && errno != EPERM)
		return -errno;
	err = kill_is_same(proc, t->process);
	if (err < 0)
		fd_close(&fd);
	else
		t->pidfd = fd;
	return err;
}

/* ---- does it hold the socket? ---- */

/*
 * An inode number is 32 bits that wrap around, a cookie is unique. It is asked of the
 * socket itself, by a copy of the descriptor for a moment; where that is not permitted
 * (Yama, old kernels) the inode has to do. An MPTCP socket has a cookie of its own, which
 * is not that of the TCP socket in it.
 */
static bool kill_is_socket(int pidfd, int fd, const struct listener *l)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie), protocol_len = sizeof(int);
	int copy, protocol = 0;
	bool same = true;

	if (pidfd < 0)
		return true;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		return errno != EBADF; /* closed just now */
	if (getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_len) == 0 &&
	    protocol != IPPROTO_MPTCP &&
	    getsockopt(copy, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0)
		same = cookie == l->sock.cookie;
	fd_close(&copy);
	return same;
}

static bool kill_has_one(const struct kill_target *t, const struct proc_holders *holders)
{
	size_t i, k, n;

	for (i = 0; i < t->n_asked; i++) {
		const struct listener *l = t->listeners[i];
		const struct proc_holder *h = proc_holders_of(holders, l->sock.inode, &n);

		for (k = 0; h && k < n; k++)
			if (h[k].pid == t->process->pid &&
			    kill_is_socket(t->pidfd, h[k].fd, l))
				return true;
	}
	return false;
}

int kill_check(struct proc *proc, const struct kill_target *t)
{
	struct inode_set wanted = { 0 };
	struct proc_holders holders = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < t->n_asked; i++)
		err = inode_set_add(&wanted, t->listeners[i]->sock.inode);
	if (!err)
		err = proc_scan_pids(proc, &t->process->pid, 1, &wanted, &holders);
	proc_holders_sort(&holders);
	if (!err && kill_has_one(t, &holders))
		err = 1;
	else if (!err && holders.n_hidden)
		err = -EACCES;
	inode_set_release(&wanted);
	proc_holders_release(&holders);
	return err;
}

/* ---- sending ---- */

int kill_send(struct proc *proc, const struct kill_target *t, int signal)
{
	int err;

	if (t->pidfd >= 0) {
		if (syscall(SYS_pidfd_send_signal, t->pidfd, signal, NULL, 0) == 0)
			return 0;
		/* A filter may know pidfd_open and not this one. */
		if (errno != ENOSYS)
			return -errno;
	}
	err = kill_is_same(proc, t->process);
	if (err < 0)
		return err;
	return kill(t->process->pid, signal) < 0 ? -errno : 0;
}

static void kill_signal_one(struct kill_target *t, struct proc *proc, int signal)
{
	int err = kill_hold(proc, t), holds = 0;

	if (!err) {
		holds = kill_check(proc, t);
		err = holds < 0 ? holds : 0;
	}
	if (!err && holds) {
		t->signalled_ns = clock_now_ns();
		err = kill_send(proc, t, signal);
	} else if (!err) {
		/* If it still runs, it is none of ours: it does not listen any more. */
		t->holds = false;
		kill_note_end(proc, t);
	}
	if (err == -ESRCH)
		t->ended = true;
	t->error = -err;
	t->action = err == -ESRCH || (!err && !holds) ? KILL_ACTION_GONE
		    : err			      ? KILL_ACTION_DENIED
						      : KILL_ACTION_SIGNALLED;
}

void kill_signal_all(struct kill_plan *p, struct proc *proc, int signal)
{
	size_t i;

	for (i = 0; i < p->n_ending; i++)
		kill_signal_one(&p->targets[i], proc, signal);
}

void kill_force_all(struct kill_plan *p, struct proc *proc)
{
	size_t i;

	for (i = 0; i < p->n_ending; i++) {
		struct kill_target *t = &p->targets[i];

		if (t->action != KILL_ACTION_SIGNALLED || t->ended ||
		    kill_check(proc, t) <= 0)
			continue;
		if (kill_send(proc, t, SIGKILL) == 0)
			t->forced = true;
	}
}

/* ---- the end ---- */

/* A process whose parent has not taken note yet has a start, but nothing else. */
static bool kill_is_gone(struct proc *proc, const struct kill_target *t)
{
	struct process now;
	bool gone;

	if (t->pidfd >= 0) {
		struct pollfd p = { .fd = t->pidfd, .events = POLLIN };

		return poll(&p, 1, 0) == 1;
	}
	if (kill_is_same(proc, t->process) < 0)
		return true;
	if (process_read(proc, t->process->pid, &now) < 0)
		return true;
	gone = !now.cmdline && t->process->cmdline;
	process_release(&now);
	return gone;
}

void kill_note_end(struct proc *proc, struct kill_target *t)
{
	if (t->ended || !t->process || !kill_is_gone(proc, t))
		return;
	t->ended = true;
	t->holds = false;
	t->ended_ns = clock_now_ns();
}
