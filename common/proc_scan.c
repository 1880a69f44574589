#include "proc_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "parse.h"

#define SOCKET_LINK "socket:["
/* "socket:[4294967295]" fits; of longer links only the beginning matters. */
#define LINK_BYTES 64
/* With so many processes threads are worth their start, and more of them than this only
 * wait for each other. */
#define MANY_PROCESSES	128
#define MAX_WORKERS	8
#define SHARE_PROCESSES 8
/* Of so many numbers without a descriptor a list costs less. */
#define MAX_GAPS 16

/* What getdents64(2) writes (linux/dirent.h); readdir(3) would copy and lock. */
struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

struct scan {
	struct proc *p;
	const struct inode_set *wanted;
	struct proc_holders *holders;
};

/* What became of one table of descriptors. */
enum table_state {
	TABLE_READ,
	TABLE_EMPTY,
	TABLE_GONE,
	TABLE_HIDDEN,
};

static ssize_t list(int dir, char *bytes)
{
	long n = syscall(SYS_getdents64, dir, bytes, PROC_SCRATCH_BYTES);

	return n < 0 ? -errno : n;
}

/* The entry at *AT, which is set to the next. */
static const struct kernel_dirent *next_entry(const char *bytes, ssize_t *at)
{
	const struct kernel_dirent *e = (const void *)(bytes + *at);

	*at += e->reclen;
	return e;
}

/* The inode that LINK, of LEN bytes, names; 0: no socket. */
static uint32_t socket_inode(const char *link, ssize_t len)
{
	const ssize_t head = sizeof(SOCKET_LINK) - 1;
	uint64_t inode;

	if (len < head + 2 || len == LINK_BYTES || link[len - 1] != ']' ||
	    memcmp(link, SOCKET_LINK, (size_t)head) != 0 || link[head] == '0')
		return 0;
	if (parse_u64_n(link + head, (size_t)(len - head - 1), 1, UINT32_MAX, &inode) < 0)
		return 0;
	return (uint32_t)inode;
}

/* Errors that are this process's own, not ours. */
static int state_of(int err, enum table_state *ret_state)
{
	if (err == -EACCES || err == -EPERM)
		*ret_state = TABLE_HIDDEN;
	else if (err == -EMFILE || err == -ENFILE || err == -ENOMEM)
		return err;
	else
		*ret_state = TABLE_GONE;
	return 0;
}

/* 1: there is no such descriptor (any more), or its path is too long. */
static int look_at(struct scan *s, int dir, pid_t pid, const char *name,
		   enum table_state *state)
{
	char link[LINK_BYTES];
	ssize_t len = readlinkat(dir, name, link, sizeof(link));
	struct proc_holder item;

	if (len < 0 && errno != EACCES && errno != EPERM)
		return 1;
	/* May be listed, but not be looked at (a program of ours with capabilities). */
	*state = len < 0 ? TABLE_HIDDEN : TABLE_READ;
	if (len < 0)
		return 0;
	item.inode = socket_inode(link, len);
	if (!item.inode || !inode_set_has(s->wanted, item.inode))
		return 0;
	item.pid = pid;
	item.fd = proc_number(name);
	return item.fd < 0 ? 0 : proc_holders_add(s->holders, &item);
}

/* N in decimal digits; snprintf(3) would cost a tenth of the look at it. */
static const char *number_text(unsigned int n, char text[16])
{
	char *at = text + 15;

	*at = '\0';
	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	return at;
}

/*
 * Descriptors are numbered from 0 on, with few gaps: to ask for each number saves a third
 * of what a list of them costs in addition. Up to which makes sense is told by the size
 * of the folder, their number (Linux 6.2; 0 before). DIR is left where the rest begins:
 * its position is that of number 0 plus 2 (fs/proc/fd.c: proc_readfd_common), so that
 * what is there all the time is missed by no coming and going of others.
 */
static int scan_numbers(struct scan *s, int dir, pid_t pid, enum table_state *state)
{
	unsigned int n = 0, gaps = 0;
	struct stat st;
	char text[16];
	int err = 0;

	if (!s->p->is_real || fstat(dir, &st) < 0)
		return 0;
	while (n < st.st_size && gaps < MAX_GAPS && *state != TABLE_HIDDEN) {
		err = look_at(s, dir, pid, number_text(n++, text), state);
		if (err < 0)
			return err;
		gaps += err > 0;
	}
	if (n && lseek(dir, (off_t)n + 2, SEEK_SET) < 0)
		return -errno;
	return 0;
}

/* What DIR lists, from its position on. */
static int scan_list(struct scan *s, int dir, pid_t pid, enum table_state *state)
{
	ssize_t n;

	while ((n = list(dir, s->p->scratch)) > 0) {
		ssize_t at = 0;

		while (at < n) {
			const struct kernel_dirent *e = next_entry(s->p->scratch, &at);
			int err;

			if (e->name[0] == '.')
				continue;
			if (*state == TABLE_EMPTY)
				*state = TABLE_READ;
			err = look_at(s, dir, pid, e->name, state);
			if (err < 0 || *state == TABLE_HIDDEN)
				return err;
		}
	}
	return n < 0 ? state_of((int)n, state) : 0;
}

/* The descriptors in the folder PATH, as PID's. */
static int scan_table(struct scan *s, const char *path, pid_t pid,
		      enum table_state *ret_state)
{
	PK_CLEANUP(fd_close)
	int dir = openat(s->p->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum table_state state = TABLE_EMPTY;
	int err;

	if (dir < 0)
		return state_of(-errno, ret_state);
	err = scan_numbers(s, dir, pid, &state);
	if (!err && state != TABLE_HIDDEN)
		err = scan_list(s, dir, pid, &state);
	if (!err)
		*ret_state = state;
	return err;
}

/* How many threads PID has, by the links of its folder of them, which costs no listing
 * (fs/proc/base.c: proc_task_getattr). */
static size_t count_threads(const struct proc *p, pid_t pid)
{
	char path[PROC_NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%d/task", pid);
	if (fstatat(p->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink < 3)
		return 0;
	return (size_t)st.st_nlink - 2;
}

/* The first thread ended and took its view of the descriptors with it; the others go on
 * with theirs, which is one and the same. */
static int scan_threads(struct scan *s, pid_t pid, enum table_state *ret_state)
{
	char path[PROC_NAME_SIZE];
	const struct dirent *e;
	int err = 0, dir;
	DIR *tasks;

	snprintf(path, sizeof(path), "%d/task", pid);
	dir = openat(s->p->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return state_of(-errno, ret_state);
	tasks = fdopendir(dir);
	if (!tasks) {
		fd_close(&dir);
		return -ENOMEM;
	}
	while (!err && *ret_state == TABLE_EMPTY && (e = readdir(tasks))) {
		int tid = proc_number(e->d_name);

		if (tid <= 0 || tid == pid)
			continue;
		snprintf(path, sizeof(path), "%d/task/%d/fd", pid, tid);
		err = scan_table(s, path, pid, ret_state);
		if (*ret_state == TABLE_GONE)
			*ret_state = TABLE_EMPTY;
	}
	closedir(tasks);
	return err;
}

/*
 * What has no memory of its own is a kernel thread, which has no descriptors either, or a
 * first thread that ended. (statm is all zero then, and cheaper than stat.)
 */
static bool has_memory(struct proc *p, pid_t pid)
{
	PK_CLEANUP(fd_close) int fd = -1;
	char path[PROC_NAME_SIZE], text[2];
	ssize_t n;

	snprintf(path, sizeof(path), "%d/statm", pid);
	fd = openat(p->fd, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (n < 0 && (errno == ENOENT || errno == ESRCH))
		return false;
	return n < 2 || memcmp(text, "0 ", 2) != 0;
}

static int scan_process(struct scan *s, pid_t pid, size_t *hidden)
{
	enum table_state state = TABLE_GONE;
	char path[PROC_NAME_SIZE];
	int err;

	snprintf(path, sizeof(path), "%d/fd", pid);
	err = scan_table(s, path, pid, &state);
	if (err || state == TABLE_READ || state == TABLE_GONE)
		return err;
	/* What a first thread leaves behind is root's, and empty. */
	if (state == TABLE_EMPTY || !has_memory(s->p, pid)) {
		state = TABLE_EMPTY;
		if (count_threads(s->p, pid) > 1)
			err = scan_threads(s, pid, &state);
	}
	if (state == TABLE_HIDDEN)
		(*hidden)++;
	return err;
}

/* ---- many processes, several at once ---- */

/* Who scans: the next of PIDS that nobody has taken yet, until there are none. */
struct crew {
	const struct inode_set *wanted;
	const pid_t *pids;
	size_t n;
	atomic_size_t next;
};

struct worker {
	struct crew *crew;
	pthread_t thread;
	struct proc proc; /* the same /proc, with a scratch of its own */
	struct proc_holders holders;
	int err;
};

static int scan_share(struct crew *crew, struct proc *p, struct proc_holders *holders)
{
	struct scan s = { p, crew->wanted, holders };
	size_t i, end;
	int err = 0;

	do {
		i = atomic_fetch_add(&crew->next, SHARE_PROCESSES);
		end = min_size(crew->n, i + SHARE_PROCESSES);
		for (; !err && i < end; i++)
			if (crew->pids[i] > 0)
				err = scan_process(&s, crew->pids[i], &holders->n_hidden);
	} while (!err && end < crew->n);
	return err;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->err = scan_share(w->crew, &w->proc, &w->holders);
	return NULL;
}

static bool start(struct worker *w, struct crew *crew, const struct proc *p)
{
	*w = (struct worker){ .crew = crew, .proc = *p };
	w->proc.scratch = malloc(PROC_SCRATCH_BYTES);
	if (w->proc.scratch && pthread_create(&w->thread, NULL, work, w) == 0)
		return true;
	free(w->proc.scratch);
	return false;
}

static int finish(struct worker *w, struct proc_holders *holders)
{
	int err;
	size_t i;

	pthread_join(w->thread, NULL);
	err = w->err;
	for (i = 0; !err && i < w->holders.n; i++)
		err = proc_holders_add(holders, &w->holders.items[i]);
	holders->n_hidden += w->holders.n_hidden;
	proc_holders_release(&w->holders);
	free(w->proc.scratch);
	return err;
}

static size_t count_helpers(size_t n_processes)
{
	cpu_set_t cpus;
	size_t n = 1;

	if (n_processes >= MANY_PROCESSES && !sched_getaffinity(0, sizeof(cpus), &cpus))
		n = min_size((size_t)CPU_COUNT(&cpus), MAX_WORKERS);
	return n - 1;
}

/* Without helpers we do it alone. */
int proc_scan_pids(struct proc *p, const pid_t *pids, size_t n,
		   const struct inode_set *wanted, struct proc_holders *holders)
{
	struct crew crew = { .wanted = wanted, .pids = pids, .n = n };
	size_t helpers = count_helpers(n), started = 0, i;
	struct worker workers[MAX_WORKERS];
	int err, theirs;

	holders->hidepid = holders->hidepid || p->hidepid;
	while (started < helpers && start(&workers[started], &crew, p))
		started++;
	err = scan_share(&crew, p, holders);
	for (i = 0; i < started; i++) {
		theirs = finish(&workers[i], holders);
		err = err ? err : theirs;
	}
	return err;
}

/* All that are listed now; the caller frees RET_PIDS. */
static int list_pids(struct proc *p, pid_t **ret_pids, size_t *ret_n)
{
	pid_t *pids = NULL;
	size_t n_pids = 0, cap = 0;
	ssize_t n;

	if (lseek(p->fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = list(p->fd, p->scratch)) > 0) {
		ssize_t at = 0;

		while (at < n) {
			int pid = proc_number(next_entry(p->scratch, &at)->name);

			if (pid <= 0)
				continue;
			if (n_pids == cap) {
				pid_t *more;

				cap = cap ? 2 * cap : 1024;
				more = realloc(pids, cap * sizeof(*more));
				if (!more) {
					free(pids);
					return -ENOMEM;
				}
				pids = more;
			}
			pids[n_pids++] = pid;
		}
	}
	if (n < 0) {
		free(pids);
		return (int)n;
	}
	*ret_pids = pids;
	*ret_n = n_pids;
	return 0;
}

int proc_scan(struct proc *p, const struct inode_set *wanted,
	      struct proc_holders *holders)
{
	size_t before = holders->n_hidden, n = 0;
	pid_t *pids = NULL;
	int err = list_pids(p, &pids, &n);

	if (!err) {
		holders->n_hidden = 0;
		err = proc_scan_pids(p, pids, n, wanted, holders);
	}
	if (err)
		holders->n_hidden = before;
	free(pids);
	return err;
}
