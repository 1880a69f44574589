/*
 * Floor 5: what the parts of cgroup share.
 *
 *	cgroup.c	the mount, from id to path
 *	cgroup_walk.c	the walk through the tree, from path to processes
 *	cgroup_place.c	what a path says; pure, needs none of this
 */
#ifndef PK_CGROUP_PRIVATE_H
#define PK_CGROUP_PRIVATE_H

#include "cgroup.h"

struct group {
	uint64_t id; /* 0: a free slot */
	char *path;  /* NULL: asked for, and not found */
};

struct cgroups {
	int fd;
	char *prefix;	/* the mount's own group; "" is the root */
	char *mount;	/* where `fd` is, as the kernel says; NULL: it doesn't */
	bool by_handle; /* until that is refused */
	bool walked;
	int64_t walked_ns;
	struct group *groups; /* open addressing, at most half full */
	size_t n, cap;
};

/* DIR is the group's folder, PATH as seen from the mount. 0, or what ends the walk. */
typedef int cgroup_visit_fn(void *arg, int dir, const char *path);

/* Visit the group WHERE (below the mount; "." is the mount itself) and all below it.
 * Groups that vanish or are closed to us are passed over. 0 or -errno. */
int cgroups_walk(const struct cgroups *c, const char *where, cgroup_visit_fn *visit,
		 void *arg);

#endif
