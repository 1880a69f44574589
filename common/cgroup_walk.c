#include "cgroup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fd.h"

/* systemd nests some ten groups deep, and one in a container as many again. */
#define MAX_DEPTH 32
/* linux/threads.h: PID_MAX_LIMIT. */
#define MAX_PIDS ((size_t)4 << 20)

/* ---- the walk through all groups ---- */

static int walk_below(int dir, struct buf *path, int depth, cgroup_visit_fn *visit,
		      void *arg);

static int walk_entry(int parent, const char *name, struct buf *path, int depth,
		      cgroup_visit_fn *visit, void *arg)
{
	size_t len = path->len;
	int dir, err;

	dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Gone, or closed to us; but without descriptors all else fails, too. */
	if (dir < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	buf_addc(path, '/');
	buf_adds(path, name);
	err = path->failed ? -ENOMEM : visit(arg, dir, path->data);
	if (!err && depth < MAX_DEPTH)
		err = walk_below(dir, path, depth + 1, visit, arg);
	else
		fd_close(&dir);
	buf_truncate(path, len);
	return err;
}

/* Closes DIR. */
static int walk_below(int dir, struct buf *path, int depth, cgroup_visit_fn *visit,
		      void *arg)
{
	const struct dirent *e;
	int err = 0;
	DIR *d = fdopendir(dir);

	if (!d) {
		err = -errno;
		fd_close(&dir);
		return err;
	}
	while (!err && (e = readdir(d))) {
		/* The other entries, dozens a group, are the kernel's files. */
		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) ||
		    !strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		err = walk_entry(dirfd(d), e->d_name, path, depth, visit, arg);
	}
	closedir(d);
	return err;
}

int cgroups_walk(const struct cgroups *c, const char *where, cgroup_visit_fn *visit,
		 void *arg)
{
	int err, dir = openat(c->fd, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buf path = BUF_INIT;

	if (dir < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	if (strcmp(where, ".") != 0) {
		buf_addc(&path, '/');
		buf_adds(&path, where);
	}
	err = path.failed ? -ENOMEM : visit(arg, dir, path.data);
	if (!err)
		err = walk_below(dir, &path, 0, visit, arg);
	else
		fd_close(&dir);
	buf_release(&path);
	return err;
}

/* ---- from path to processes ---- */

struct pid_list {
	pid_t *pids;
	size_t n, cap;
};

static int add_pid(struct pid_list *l, pid_t pid)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		pid_t *more = cap <= MAX_PIDS ? realloc(l->pids, cap * sizeof(*more))
					      : NULL;

		if (!more)
			return -ENOMEM;
		l->pids = more;
		l->cap = cap;
	}
	l->pids[l->n++] = pid;
	return 0;
}

/* One number a line; 0 is a process of a pid namespace that we don't see. Threaded groups
 * have no list of their own (EOPNOTSUPP): their processes are in a group above. */
static int visit_pids(void *arg, int dir, const char *path)
{
	PK_CLEANUP(fd_close) int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	int64_t pid = 0;
	int err = 0;
	ssize_t n, i;

	(void)path;
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? -errno : 0;
	while (!err && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		for (i = 0; !err && i < n; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') {
				pid = min_i64(10 * pid + bytes[i] - '0', INT_MAX);
				continue;
			}
			if (pid > 0 && pid < INT_MAX)
				err = add_pid(arg, (pid_t)pid);
			pid = 0;
		}
	}
	return err;
}

/* PATH below the mount, as openat(2) takes it; NULL: it is not there. */
static const char *below_mount(const struct cgroups *c, const char *path)
{
	size_t len = strlen(c->prefix);
	const char *at;

	if (strncmp(path, c->prefix, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	path += len;
	for (at = path; (at = strstr(at, "/..")); at += 3)
		if (at[3] == '/' || !at[3])
			return NULL;
	path += strspn(path, "/");
	return *path ? path : ".";
}

int cgroups_pids(struct cgroups *c, const char *path, pid_t **ret_pids, size_t *ret_n)
{
	const char *where = below_mount(c, path);
	struct pid_list list = { 0 };
	int err = where ? cgroups_walk(c, where, visit_pids, &list) : -ENOENT;

	if (err) {
		free(list.pids);
		return err;
	}
	*ret_pids = list.pids;
	*ret_n = list.n;
	return 0;
}
