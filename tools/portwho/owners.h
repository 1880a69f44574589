/*
 * Who holds the listeners: processes, by their descriptors.
 *
 * A socket remembers the control group in which it was made, so that usually a handful of
 * processes has to be looked at instead of all. That can miss a process of another group
 * that shares the socket (it inherited it and was moved, or was passed the descriptor),
 * so where all holders matter, all processes are looked at.
 */
#ifndef PORTWHO_OWNERS_H
#define PORTWHO_OWNERS_H

#include "portwho.h"

struct owners {
	struct proc *proc;
	struct cgroups *cgroups;       /* NULL: no cgroup2 */
	struct namespaces *namespaces; /* of --all-netns, NULL; namespaces.h */
	bool sees_all; /* in the first pid namespace: who is not found is not there */
};

/* 0 or -errno. */
PK_MUST_CHECK int owners_open(struct owners *ret_owners);
void owners_close(struct owners *o);

/* Fill in holders, owner, cgroup and place of S's listeners. ALL: look at all processes.
 * 0 or -errno. */
PK_MUST_CHECK int owners_find(struct owners *o, struct snapshot *s, bool all);
/* Has S a listener that nobody was found to hold? */
bool owners_are_missing(const struct snapshot *s);
/*
 * Sockets are closed, and pass from a parent to its children, while we look. NOW has what
 * is there after owners_find(), at least all of S that still are. Of S's without holders
 * those that are not there any more are OWNER_GONE; for the others it is looked once more
 * where a holder was seen and vanished, or where it can't be the kernel's. 0 or -errno.
 */
PK_MUST_CHECK int owners_settle(struct owners *o, struct snapshot *s,
				const struct snapshot *now);
/* Have processes a say in F, so that all holders have to be known? */
bool filter_asks_owner(const struct filter *f);
/* Pure: does F let it pass by its process, user and unit? */
bool filter_admits_owner(const struct filter *f, const struct listener *l);
/* Leave only what F lets pass. */
void owners_filter(struct snapshot *s, const struct filter *f);

#endif
