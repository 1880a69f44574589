#include "proc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "parse.h"

/* A command line may have megabytes; nobody reads so far. */
#define MAX_CMDLINE_BYTES ((size_t)128 << 10)
/* linux/sched.h: PF_KTHREAD. */
#define FLAG_KERNEL_THREAD 0x00200000u
/* start_wall_ns is no finer than start_ticks. */
#define START_GRAIN_NS (10 * NS_PER_MS)

/* Columns of stat behind the name, the state being 0 (proc_pid_stat(5): 3). */
enum {
	COLUMN_PPID = 1,
	COLUMN_FLAGS = 6,
	COLUMN_START = 19,
};

struct stat_line {
	const char *comm;
	size_t comm_len;
	uint64_t ppid, flags, start_ticks;
};

/* The name may hold anything, ") (" and newlines too, but behind it are only numbers: it
 * ends at the last ')'. */
static int parse_stat(const char *text, size_t len, struct stat_line *ret_line)
{
	const char *open = memchr(text, '(', len), *close = memrchr(text, ')', len);
	struct stat_line line = { 0 };
	const char *at;
	int column = 0;

	if (!open || !close || close < open)
		return -EBADMSG;
	line.comm = open + 1;
	line.comm_len = (size_t)(close - open - 1);
	for (at = close + 1; *at == ' ' && column <= COLUMN_START; column++) {
		size_t n = strcspn(++at, " \n");
		uint64_t *where = column == COLUMN_PPID	   ? &line.ppid
				  : column == COLUMN_FLAGS ? &line.flags
				  : column == COLUMN_START ? &line.start_ticks
							   : NULL;

		if (where && parse_u64_n(at, n, 0, UINT64_MAX, where) < 0)
			return -EBADMSG;
		at += n;
	}
	if (column <= COLUMN_START || line.ppid > INT_MAX)
		return -EBADMSG;
	*ret_line = line;
	return 0;
}

/* RET_LINE points into P->scratch. */
static int read_stat(struct proc *p, int dir, struct stat_line *ret_line)
{
	ssize_t n = proc_read_text(p, dir, "stat");

	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	return parse_stat(p->scratch, (size_t)n, ret_line);
}

/* The folder of a process stays that process's: when it is gone, nothing is found in it,
 * even if its number is somebody else's by then. */
static int open_process(struct proc *p, pid_t pid, int *ret_dir)
{
	char name[PROC_NAME_SIZE];
	int dir;

	if (pid <= 0)
		return -ESRCH;
	snprintf(name, sizeof(name), "%d", pid);
	dir = openat(p->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret_dir = dir;
	return 0;
}

int process_start_ticks(struct proc *p, pid_t pid, uint64_t *ret_ticks)
{
	PK_CLEANUP(fd_close) int dir = -1;
	struct stat_line line = { 0 };
	int err = open_process(p, pid, &dir);

	if (!err)
		err = read_stat(p, dir, &line);
	if (!err)
		*ret_ticks = line.start_ticks;
	return err;
}

static int64_t start_wall_ns(const struct proc *p, uint64_t ticks)
{
	uint64_t per_s = (uint64_t)p->ticks_per_s;
	int64_t ns;

	/* 292 years of nanoseconds fit; a number beyond is no time. */
	if (ticks / per_s >= (uint64_t)(INT64_MAX / 2 / NS_PER_S))
		return 0;
	ns = p->boot_wall_ns + (int64_t)(ticks / per_s) * NS_PER_S +
	     (int64_t)(ticks % per_s) * NS_PER_S / p->ticks_per_s;
	return ns - ns % START_GRAIN_NS;
}

/* "Uid:\t<real>\t<effective>\t…": the name in its first line has its newlines escaped. */
static void read_uid(struct proc *p, int dir, struct process *process)
{
	const char *at;
	uint64_t uid;

	if (proc_read_text(p, dir, "status") < 0)
		return;
	at = strstr(p->scratch, "\nUid:\t");
	at = at ? strchr(at + 6, '\t') : NULL;
	if (!at || parse_u64_n(at + 1, strcspn(at + 1, "\t\n"), 0, UINT32_MAX, &uid) < 0)
		return;
	process->uid = (uint32_t)uid;
	process->has_uid = true;
}

static int read_cmdline(struct proc *p, int dir, struct process *process)
{
	PK_CLEANUP(fd_close) int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	struct buf text = BUF_INIT;
	ssize_t n = 0;
	size_t want;
	int err = 0;

	if (fd < 0)
		return 0;
	while ((want = min_size(PROC_SCRATCH_BYTES, MAX_CMDLINE_BYTES - text.len)) > 0 &&
	       (n = read(fd, p->scratch, want)) > 0)
		buf_add(&text, p->scratch, (size_t)n);
	/* A program that wrote a title over its arguments fills up with NULs. */
	while (text.len && !text.data[text.len - 1])
		buf_truncate(&text, text.len - 1);
	if (text.len) {
		/* The last NUL may be missing, also where the line was cut. */
		buf_addc(&text, '\0');
		process->cmdline_len = text.len;
	}
	if (text.failed)
		err = -ENOMEM;
	else if (text.len)
		process->cmdline = buf_steal(&text);
	buf_release(&text);
	return err;
}

/* The kernel makes no link longer than a page. NULL: not to be seen. */
static int read_link(int dir, const char *name, char **ret_target)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dir, name, target, sizeof(target));

	if (n <= 0 || (size_t)n == sizeof(target))
		return 0;
	*ret_target = strndup(target, (size_t)n);
	return *ret_target ? 0 : -ENOMEM;
}

/* Behind its beginning HEAD, a line of TEXT; NULL: there is none. */
static const char *line_after(const char *text, const char *head)
{
	size_t n = strlen(head);

	while (text && strncmp(text, head, n) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + n : NULL;
}

/* In systemd's hybrid set-up both hierarchies have the same groups; where only version 1
 * is used, all processes are in the root of version 2. */
static int read_cgroup(struct proc *p, int dir, struct process *process)
{
	static const char deleted[] = " (deleted)";
	const char *path, *v1;
	size_t n;

	if (proc_read_text(p, dir, "cgroup") < 0)
		return 0;
	path = line_after(p->scratch, "0::");
	v1 = strstr(p->scratch, ":name=systemd:/");
	if (v1 && (!path || path[1] == '\n'))
		path = v1 + strlen(":name=systemd:");
	if (!path || *path != '/')
		return 0;
	/* The kernel takes no name with a newline for a group. */
	n = strcspn(path, "\n");
	if (n > sizeof(deleted) - 1 &&
	    !memcmp(path + n - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1))
		n -= sizeof(deleted) - 1;
	process->cgroup = strndup(path, n);
	return process->cgroup ? 0 : -ENOMEM;
}

int process_read(struct proc *p, pid_t pid, struct process *ret_process)
{
	PK_CLEANUP(fd_close) int dir = -1;
	struct process process = { .pid = pid };
	struct stat_line line = { 0 };
	int err = open_process(p, pid, &dir);

	if (!err)
		err = read_stat(p, dir, &line);
	if (err)
		return err;
	process.ppid = (pid_t)line.ppid;
	process.start_ticks = line.start_ticks;
	process.start_wall_ns = start_wall_ns(p, line.start_ticks);
	process.kernel_thread = (line.flags & FLAG_KERNEL_THREAD) != 0;
	process.comm = strndup(line.comm, line.comm_len);
	if (!process.comm)
		return -ENOMEM;
	read_uid(p, dir, &process);
	err = read_cmdline(p, dir, &process);
	if (!err)
		err = read_link(dir, "exe", &process.exe);
	if (!err)
		err = read_link(dir, "cwd", &process.cwd);
	if (!err)
		err = read_cgroup(p, dir, &process);
	if (err)
		process_release(&process);
	else
		*ret_process = process;
	return err;
}

void process_release(struct process *process)
{
	if (!process)
		return;
	free(process->comm);
	free(process->cmdline);
	free(process->exe);
	free(process->cwd);
	free(process->cgroup);
	*process = (struct process){ 0 };
}
