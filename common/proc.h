/*
 * Floor 5: processes, by /proc.
 *
 * Who holds a socket is told only by the links in /proc/PID/fd ("socket:[12345]"), and of
 * other users' processes only to root (CAP_SYS_PTRACE). Nothing here ever follows such a
 * link: a stat through one hangs where a dead file server is behind it.
 *
 * All texts are as the kernel has them: raw bytes, to be escaped by whoever shows them.
 * Facts: proc(5), proc_pid_stat(5).
 */
#ifndef PK_PROC_H
#define PK_PROC_H

#include <sys/types.h>

#include "base.h"
#include "buf.h"

/* ---- who holds which socket ---- */

/* Inodes to look for, found in constant time. All zero is an empty set. */
struct inode_set {
	uint32_t *slots; /* open addressing; 0: free */
	size_t n, cap;
};

/* 0 or -ENOMEM. Inode 0 (no file) is left out. */
PK_MUST_CHECK int inode_set_add(struct inode_set *set, uint32_t inode);
bool inode_set_has(const struct inode_set *set, uint32_t inode);
void inode_set_release(struct inode_set *set);

struct proc_holder {
	uint32_t inode;
	pid_t pid;
	int fd;
};

/* All zero is an empty list. */
struct proc_holders {
	struct proc_holder
		*items; /* sorted by inode, pid, fd once proc_holders_sort() ran */
	size_t n, cap;
	/* Processes, kernel threads apart, that are listed but whose descriptors we may
	 * not see. proc_scan() sets it, since it meets all; proc_scan_pids() adds. */
	size_t n_hidden;
	bool hidepid; /* others' processes may not even be listed, let alone counted */
};

void proc_holders_release(struct proc_holders *h);
/* By inode, pid, fd; without duplicates. */
void proc_holders_sort(struct proc_holders *h);
/* The first of INODE, and how many; NULL: none. Sorted ones only. */
const struct proc_holder *proc_holders_of(const struct proc_holders *h, uint32_t inode,
					  size_t *ret_n);

struct proc; /* an open /proc; of one thread at a time */

/*
 * PATH: "/proc"; tests bring their own. 0 or -errno. Here it is found out whether it is
 * mounted with hidepid=2 or 4, so that processes of others are not listed: process 1 is
 * missing, or the mount says so and we lack CAP_SYS_PTRACE.
 */
PK_MUST_CHECK int proc_open(struct proc **ret_proc, const char *path);
void proc_close(struct proc *p);

/*
 * Look through the descriptors of all processes, or of the N that PIDS names, for sockets
 * of WANTED; what is found is added to HOLDERS. Processes that vanish meanwhile are no
 * error. Where they are many, threads share them out, gone at the return. 0 or -errno.
 *
 * A process is seen by its first thread, or, once that one ended, by the first of the
 * others that still has descriptors. Threads that gave up sharing them
 * (unshare(CLONE_FILES)) are not looked at: they are few, and walking /proc/PID/task as
 * well would cost several times as much.
 */
PK_MUST_CHECK int proc_scan(struct proc *p, const struct inode_set *wanted,
			    struct proc_holders *holders);
PK_MUST_CHECK int proc_scan_pids(struct proc *p, const pid_t *pids, size_t n,
				 const struct inode_set *wanted,
				 struct proc_holders *holders);

/* ---- what a process is ---- */

struct process {
	pid_t pid, ppid;
	uint64_t start_ticks;  /* since boot; with pid, it names a process for good */
	int64_t start_wall_ns; /* since 1970; 0: unknown. See below */
	bool kernel_thread;
	bool has_uid;
	uint32_t uid;	    /* effective */
	char *comm;	    /* never NULL: "" when unknown */
	char *cmdline;	    /* arguments, each with its NUL; NULL: none. See below */
	size_t cmdline_len; /* with all NULs */
	char *exe, *cwd;    /* NULL where we may not see them */
	char *cgroup;	    /* path in cgroup2 (or of v1's systemd hierarchy); NULL */
};

/*
 * 0, -ESRCH (gone), -ENOMEM or another -errno. Only `pid`, `comm` and `start_ticks` are
 * sure to be there; all of it is of one process, also when PID is given anew meanwhile.
 *
 * `start_wall_ns` is the wall clock's start of CLOCK_BOOTTIME at proc_open(), plus the
 * ticks: cut to a hundredth of a second, and off by what the clock was set since then.
 * (btime of /proc/stat has whole seconds only.)
 *
 * `cmdline` is cut at 128 KiB. Empty arguments at its end are left out: nearly always
 * they are where a program wrote its title over a longer command line.
 */
PK_MUST_CHECK int process_read(struct proc *p, pid_t pid, struct process *ret_process);
void process_release(struct process *process);
/* The start of the process alone; 0, -ESRCH or another -errno. To be sure that PID is who
 * it was. */
PK_MUST_CHECK int process_start_ticks(struct proc *p, pid_t pid, uint64_t *ret_ticks);

#endif
