#include "cgroup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fd.h"

/* linux/exportfs.h: FILEID_KERNFS, the id itself is the handle (Linux 5.5). */
#define HANDLE_KERNFS 0xfe
/* Far beyond any machine; each takes some 200 bytes. */
#define MAX_GROUPS	    ((size_t)1 << 18)
#define MAX_MOUNTINFO_BYTES ((size_t)8 << 20)
/* Groups come while we look; but ids that are gone for good must not cost a walk each. */
#define WALK_AGAIN_NS NS_PER_S

/* ---- the mount ---- */

static unsigned int octal(char digit)
{
	return (unsigned int)(digit - '0') & 7;
}

/* \040 and the like become what they stand for (proc_pid_mountinfo(5)); in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)(octal(s[1]) << 6 | octal(s[2]) << 3 | octal(s[3]));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw": which group is mounted
 * where. False: something else. LINE is cut up. */
static bool parse_mount(char *line, const char **ret_group, const char **ret_where)
{
	char *fields[5], *rest = line;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = rest;
		rest = strchr(rest, ' ');
		if (!rest)
			return false;
		*rest++ = '\0';
	}
	if (!strstr(rest, " - cgroup2 "))
		return false;
	unescape(fields[3]);
	unescape(fields[4]);
	*ret_group = fields[3];
	*ret_where = fields[4];
	return true;
}

static int read_mounts(struct buf *text)
{
	PK_CLEANUP(fd_close)
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char bytes[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (text->len < MAX_MOUNTINFO_BYTES &&
	       (n = read(fd, bytes, sizeof(bytes))) > 0)
		buf_add(text, bytes, (size_t)n);
	return text->failed ? -ENOMEM : 0;
}

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int open_root(struct cgroups *c, const char *root, const char *prefix)
{
	char link[64], mount[PATH_MAX + 1];
	ssize_t n;

	c->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	c->prefix = strdup(prefix);
	if (!c->prefix)
		return -ENOMEM;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", c->fd);
	n = readlink(link, mount, sizeof(mount));
	if (n > 0 && n < (ssize_t)sizeof(mount)) {
		c->mount = strndup(mount, (size_t)n);
		if (!c->mount)
			return -ENOMEM;
	}
	c->by_handle = c->mount && is_cgroup2(c->fd);
	return 0;
}

static void close_root(struct cgroups *c)
{
	fd_close(&c->fd);
	free(c->prefix);
	free(c->mount);
	c->prefix = c->mount = NULL;
}

/* The first mount that shows the root (WHOLE), or any; another may lie over it. */
static int try_mounts(struct cgroups *c, const char *mounts, bool whole)
{
	int err = -ENOENT;

	while (*mounts) {
		const char *end = strchrnul(mounts, '\n'), *group, *where;
		char *line = strndup(mounts, (size_t)(end - mounts));

		if (!line)
			return -ENOMEM;
		if (parse_mount(line, &group, &where) && whole == !strcmp(group, "/")) {
			err = open_root(c, where, whole ? "" : group);
			if (!err && is_cgroup2(c->fd)) {
				free(line);
				return 0;
			}
			err = err ? err : -ENOENT;
			close_root(c);
		}
		free(line);
		mounts = *end ? end + 1 : end;
	}
	return err;
}

int cgroups_open(struct cgroups **ret_cgroups, const char *root)
{
	struct cgroups *c = calloc(1, sizeof(*c));
	struct buf mounts = BUF_INIT;
	int err;

	if (!c)
		return -ENOMEM;
	c->fd = -1;
	if (root) {
		err = open_root(c, root, "");
	} else {
		err = read_mounts(&mounts);
		if (!err)
			err = try_mounts(c, mounts.data, true);
		if (err == -ENOENT)
			err = try_mounts(c, mounts.data, false);
	}
	buf_release(&mounts);
	if (err)
		cgroups_close(c);
	else
		*ret_cgroups = c;
	return err;
}

void cgroups_close(struct cgroups *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->cap; i++)
		free(c->groups[i].path);
	free(c->groups);
	close_root(c);
	free(c);
}

/* ---- what is remembered ---- */

static struct group *slot_of(struct group *groups, size_t cap, uint64_t id)
{
	size_t i = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (cap - 1);

	while (groups[i].id && groups[i].id != id)
		i = (i + 1) & (cap - 1);
	return &groups[i];
}

/* The slot of ID, made if there is none; NULL: no memory. */
static struct group *remember(struct cgroups *c, uint64_t id)
{
	struct group *g = c->cap ? slot_of(c->groups, c->cap, id) : NULL;
	size_t i;

	if (g && g->id)
		return g;
	if (2 * (c->n + 1) > c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct group *groups = c->n < MAX_GROUPS ? calloc(cap, sizeof(*groups))
							 : NULL;

		if (!groups)
			return NULL;
		for (i = 0; i < c->cap; i++)
			if (c->groups[i].id)
				*slot_of(groups, cap, c->groups[i].id) = c->groups[i];
		free(c->groups);
		c->groups = groups;
		c->cap = cap;
	}
	g = slot_of(c->groups, c->cap, id);
	g->id = id;
	c->n++;
	return g;
}

/* PATH as seen from the mount: "" or "/a/b". */
static int remember_path(struct cgroups *c, uint64_t id, const char *path)
{
	struct group *g = remember(c, id);
	struct buf whole = BUF_INIT;

	if (!g)
		return -ENOMEM;
	if (g->path)
		return 0;
	buf_adds(&whole, c->prefix);
	buf_adds(&whole, path);
	if (!whole.len)
		buf_addc(&whole, '/');
	g->path = buf_steal(&whole);
	return g->path ? 0 : -ENOMEM;
}

/* ---- from id to path ---- */

static int visit_id(void *arg, int dir, const char *path)
{
	struct cgroups *c = arg;
	struct stat st;

	return fstat(dir, &st) < 0 ? 0 : remember_path(c, st.st_ino, path);
}

/* What the kernel calls FD, as seen from the mount; NULL: it lies outside. PATH has room
 * for PATH_MAX + 1. */
static const char *path_in_mount(const struct cgroups *c, int fd, char *path)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(c->mount);
	char link[64];
	ssize_t n;

	if (len == 1) /* "/", in a very small world */
		len = 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX + 1);
	if (n < (ssize_t)len || n > PATH_MAX)
		return NULL;
	path[n] = '\0';
	if (memcmp(path, c->mount, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	if (n >= (ssize_t)sizeof(deleted) &&
	    !strcmp(path + n - (sizeof(deleted) - 1), deleted))
		return NULL;
	return strcmp(path + len, "/") != 0 ? path + len : "";
}

/* 0, or -errno: the kernel does not do it, for us at least. */
static int resolve_by_handle(struct cgroups *c, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u = { .handle = { .handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS } };
	PK_CLEANUP(fd_close) int fd = -1;
	char path[PATH_MAX + 1];
	const char *inside = NULL;

	memcpy(u.room + offsetof(struct file_handle, f_handle), &id, sizeof(id));
	fd = open_by_handle_at(c->fd, &u.handle, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno != ESTALE)
		return -errno;
	if (fd >= 0)
		inside = path_in_mount(c, fd, path);
	if (inside)
		return remember_path(c, id, inside);
	return remember(c, id) ? 0 : -ENOMEM;
}

static bool may_walk(const struct cgroups *c)
{
	return !c->walked || clock_now_ns() - c->walked_ns >= WALK_AGAIN_NS;
}

const char *cgroups_path(struct cgroups *c, uint64_t id)
{
	const struct group *g = c->cap ? slot_of(c->groups, c->cap, id) : NULL;

	if (!id)
		return NULL;
	if (g && g->id)
		return g->path;
	if (c->by_handle) {
		int err = resolve_by_handle(c, id);

		/* Short of descriptors or memory is no refusal. */
		c->by_handle = !err || err == -EMFILE || err == -ENFILE || err == -ENOMEM;
	}
	if (!c->by_handle && may_walk(c)) {
		c->walked_ns = clock_now_ns();
		c->walked = true;
		/* What is not there now is gone: ids are not used again. */
		if (cgroups_walk(c, ".", visit_id, c) == 0)
			remember(c, id);
	}
	g = c->cap ? slot_of(c->groups, c->cap, id) : NULL;
	return g ? g->path : NULL;
}
