/*
 * For the tests of proc: who holds what, and a /proc made up in a folder of its own.
 */
#ifndef TEST_PROC_FAKE_H
#define TEST_PROC_FAKE_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc.h"

static inline struct proc *open_proc(const char *path)
{
	struct proc *p = NULL;

	assert_int_equal(proc_open(&p, path), 0);
	return p;
}

/* Who holds INODE: by all of /proc (NULL), or by PIDS alone. Sorted. */
static inline struct proc_holders holders_of(struct proc *p, uint32_t inode,
					     const pid_t *pids, size_t n)
{
	struct proc_holders h = { 0 };
	struct inode_set set = { 0 };

	assert_int_equal(inode_set_add(&set, inode), 0);
	if (pids)
		assert_int_equal(proc_scan_pids(p, pids, n, &set, &h), 0);
	else
		assert_int_equal(proc_scan(p, &set, &h), 0);
	proc_holders_sort(&h);
	inode_set_release(&set);
	return h;
}

static inline bool holds(const struct proc_holders *h, pid_t pid, int fd)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->items[i].pid == pid && h->items[i].fd == fd)
			return true;
	return false;
}

struct fake {
	char path[64];
	int fd;
};

static inline void fake_init(struct fake *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/portkit-proc-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static inline int remove_one(const char *path, const struct stat *st, int type,
			     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fake_release(struct fake *f)
{
	close(f->fd);
	nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fake_write(struct fake *f, const char *name, const char *bytes,
			      size_t len)
{
	int fd = openat(f->fd, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static inline void fake_text(struct fake *f, const char *name, const char *text)
{
	fake_write(f, name, text, strlen(text));
}

static inline void fake_link(struct fake *f, const char *pid, const char *fd,
			     const char *target)
{
	char path[300];

	mkdirat(f->fd, pid, 0755);
	snprintf(path, sizeof(path), "%s/fd", pid);
	mkdirat(f->fd, path, 0755);
	snprintf(path, sizeof(path), "%s/fd/%s", pid, fd);
	assert_int_equal(symlinkat(target, f->fd, path), 0);
}

#endif
