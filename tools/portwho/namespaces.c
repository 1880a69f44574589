#include "namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "collect.h"
#include "diag.h"
#include "fd.h"
#include "parse.h"
#include "text.h"

struct namespace
{
	struct netns netns;
	int fd; /* -1: not held, gone or never entered */
};

struct namespaces {
	struct namespace **items; /* sorted by inode */
	size_t n, cap;
	uint64_t here; /* the inode of the one we live in */
	int here_fd;
	uint64_t last;	   /* looked up before: most processes share one */
	size_t n_hidden;   /* processes whose namespace we may not see */
	size_t n_unopened; /* seen, and could not be held */
	int error;	   /* of the first of them */
	const char *said;  /* what was said of how many: once is enough */
	size_t n_said, n_said_hidden;
};

struct namespaces *namespaces_new(void)
{
	struct namespaces *ns = calloc(1, sizeof(*ns));

	if (ns)
		ns->here_fd = -1;
	return ns;
}

void namespaces_let_go(struct namespaces *ns)
{
	size_t i;

	for (i = 0; i < ns->n; i++)
		fd_close(&ns->items[i]->fd);
	fd_close(&ns->here_fd);
	ns->n_unopened = ns->n_hidden = 0;
	ns->error = 0;
	ns->last = 0;
}

void namespaces_free(struct namespaces *ns)
{
	size_t i;

	if (!ns)
		return;
	namespaces_let_go(ns);
	for (i = 0; i < ns->n; i++)
		free(ns->items[i]);
	free(ns->items);
	free(ns);
}

/* ---- finding ---- */

/* Where INODE is, or has to be. */
static size_t place_of(const struct namespaces *ns, uint64_t inode)
{
	size_t low = 0, high = ns->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ns->items[mid]->netns.inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct namespace *known(const struct namespaces *ns, uint64_t inode)
{
	size_t at = place_of(ns, inode);

	return at < ns->n && ns->items[at]->netns.inode == inode ? ns->items[at] : NULL;
}

/* The entry of INODE, which is made if it is not there. NULL: no memory. */
static struct namespace *add(struct namespaces *ns, uint64_t inode)
{
	size_t at = place_of(ns, inode);
	struct namespace *item;

	if (at < ns->n && ns->items[at]->netns.inode == inode)
		return ns->items[at];
	if (ns->n == ns->cap) {
		size_t cap = ns->cap ? 2 * ns->cap : 16;
		struct namespace **more =
			reallocarray(ns->items, cap, sizeof(struct namespace *));

		if (!more)
			return NULL;
		ns->items = more;
		ns->cap = cap;
	}
	item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	item->netns.inode = inode;
	item->fd = -1;
	memmove(&ns->items[at + 1], &ns->items[at],
		(ns->n - at) * sizeof(struct namespace *));
	ns->items[at] = item;
	ns->n++;
	return item;
}

static void note_unopened(struct namespaces *ns, int err)
{
	if (!ns->n_unopened++)
		ns->error = err;
}

/* Cut at the end of a character. */
static void give_name(struct netns *netns, const char *name)
{
	size_t len = strlen(name);

	if (len > sizeof(netns->name) - 1) {
		len = sizeof(netns->name) - 1;
		while (len && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(netns->name, name, len);
	netns->name[len] = '\0';
}

/* Hold what FD (which is ours from now on) stands for, under NAME. */
static int hold(struct namespaces *ns, int fd, const char *name)
{
	struct namespace *item;
	struct statfs fs;
	struct stat st;

	/* A name whose namespace was not mounted over it is an ordinary file. */
	if (fstatfs(fd, &fs) < 0 || fs.f_type != NSFS_MAGIC || fstat(fd, &st) < 0) {
		close(fd);
		return 0;
	}
	item = add(ns, st.st_ino);
	if (!item) {
		close(fd);
		return -ENOMEM;
	}
	if (name && !item->netns.name[0])
		give_name(&item->netns, name);
	if (item->fd < 0)
		item->fd = fd;
	else
		close(fd);
	return 0;
}

static int find_here(struct namespaces *ns)
{
	struct stat st;

	ns->here_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ns->here_fd < 0 || fstat(ns->here_fd, &st) < 0)
		return -errno;
	/* The same privilege as for any other one. */
	if (setns(ns->here_fd, CLONE_NEWNET) < 0)
		return -errno;
	ns->here = st.st_ino;
	return add(ns, ns->here) ? 0 : -ENOMEM;
}

static int find_named(struct namespaces *ns)
{
	DIR *dir = opendir("/run/netns");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir))) {
		struct buf name = BUF_INIT;
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		if (fd < 0) {
			if (errno != ENOENT && errno != ELOOP)
				note_unopened(ns, -errno);
			continue;
		}
		text_escape_str(&name, entry->d_name);
		err = hold(ns, fd, name.data);
		buf_release(&name);
	}
	closedir(dir);
	return err;
}

static bool is_number(const char *s)
{
	return *s >= '1' && *s <= '9' && strspn(s, "0123456789") == strlen(s);
}

/* The link says "net:[4026531840]"; it leads nowhere where anything could hang. 0: it
 * can't be told. */
static uint64_t inode_of_process(struct namespaces *ns, int proc, const char *pid,
				 char path[32])
{
	static const char start[] = "net:[";
	const size_t at = sizeof(start) - 1;
	char link[64];
	uint64_t inode;
	ssize_t n;

	snprintf(path, 32, "%.20s/ns/net", pid);
	n = readlinkat(proc, path, link, sizeof(link));
	ns->n_hidden += n < 0 && (errno == EACCES || errno == EPERM);
	if (n < (ssize_t)at + 1 || memcmp(link, start, at) || link[n - 1] != ']' ||
	    parse_u64_n(link + at, (size_t)n - at - 1, 1, UINT64_MAX, &inode) < 0)
		return 0;
	return inode;
}

static int find_of_processes(struct namespaces *ns)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir))) {
		const struct namespace *item;
		char path[32];
		uint64_t inode;
		int fd;

		if (!is_number(entry->d_name) || strlen(entry->d_name) > 16)
			continue;
		inode = inode_of_process(ns, dirfd(dir), entry->d_name, path);
		if (!inode || inode == ns->last)
			continue;
		ns->last = inode;
		item = known(ns, inode);
		if (inode == ns->here || (item && item->fd >= 0))
			continue;
		fd = openat(dirfd(dir), path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			err = hold(ns, fd, NULL);
		else if (errno != ENOENT && errno != ESRCH)
			note_unopened(ns, -errno);
	}
	closedir(dir);
	return err;
}

int namespaces_find(struct namespaces *ns)
{
	size_t limit;
	int err;

	/* One descriptor each; those beyond the limit are said to be missed. */
	(void)!fd_raise_limit(&limit);
	namespaces_let_go(ns);
	err = find_here(ns);
	if (!err)
		err = find_named(ns);
	if (!err)
		err = find_of_processes(ns);
	if (err < 0)
		namespaces_let_go(ns);
	return err;
}

/* ---- going through them ---- */

static int enter(const struct namespaces *ns, const struct namespace *item)
{
	int fd = item->netns.inode == ns->here ? ns->here_fd : item->fd;

	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

static void say_missed(struct namespaces *ns, size_t missed, size_t all, const char *what,
		       int err)
{
	if (ns->said == what && ns->n_said == missed)
		return;
	ns->said = what;
	ns->n_said = missed;
	diag_warn("%zu of %zu network namespaces %s: %s", missed, all, what,
		  err == -EPERM || err == -EACCES ? "not permitted" : strerror(-err));
}

int namespaces_each(struct namespaces *ns, namespaces_fn *fn, void *arg, const char *what)
{
	size_t missed = ns->n_unopened, all = missed, i;
	int first = ns->error, err = 0;

	for (i = 0; i < ns->n && err != -ENOMEM; i++) {
		const struct namespace *item = ns->items[i];

		if (item->fd < 0 && item->netns.inode != ns->here)
			continue;
		all++;
		err = enter(ns, item);
		if (!err)
			err = fn(&item->netns, arg);
		if (err && !missed++)
			first = err;
	}
	if (setns(ns->here_fd, CLONE_NEWNET) < 0)
		return -errno;
	if (err == -ENOMEM)
		return err;
	if (missed && what)
		say_missed(ns, missed, all, what, first);
	return 0;
}

struct collecting {
	struct snapshot *snapshot;
	const struct filter *filter;
};

static int collect(const struct netns *netns, void *arg)
{
	const struct collecting *c = arg;
	struct sockdiag *sd = NULL;
	int err = sockdiag_open(&sd);

	if (!err)
		err = collect_sockets(c->snapshot, sd, c->filter, netns);
	sockdiag_close(sd);
	return err;
}

int namespaces_collect(struct snapshot *s, const struct filter *f, struct namespaces *ns)
{
	struct collecting c = { s, f };
	int err = namespaces_find(ns);

	if (!err && ns->n_hidden && ns->n_hidden != ns->n_said_hidden)
		diag_warn(
			"the network namespaces of %zu process%s could not be seen: not "
			"permitted",
			ns->n_hidden, ns->n_hidden == 1 ? "" : "es");
	ns->n_said_hidden = ns->n_hidden;
	return err ? err : namespaces_each(ns, collect, &c, "could not be looked into");
}

int namespaces_collect_again(struct snapshot *s, const struct filter *f,
			     struct namespaces *ns)
{
	struct collecting c = { s, f };

	return ns->here_fd < 0 ? -ENODATA : namespaces_each(ns, collect, &c, NULL);
}
