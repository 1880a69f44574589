/*
 * --all-netns: every network namespace of this machine, one after the other.
 *
 * They have no list. Found are the one we are in, those of ip-netns(8) in /run/netns, and
 * those of processes; one that is kept by a descriptor or a mount elsewhere alone is not.
 * Entering needs CAP_SYS_ADMIN; the process has to have one thread only.
 */
#ifndef PORTWHO_NAMESPACES_H
#define PORTWHO_NAMESPACES_H

#include "portwho.h"

/* Known namespaces; a `struct netns` in it is good until namespaces_free(), and is the
 * same one at the next look. */
struct namespaces;

PK_MUST_CHECK struct namespaces *namespaces_new(void);
void namespaces_free(struct namespaces *ns);

/* In the namespace NETNS. 0 goes on; another value counts as one that failed, but -ENOMEM
 * ends it all. */
typedef int namespaces_fn(const struct netns *netns, void *arg);

/*
 * Look for them all and hold them until namespaces_let_go(). 0, -EPERM (we may enter
 * none), or another -errno.
 */
PK_MUST_CHECK int namespaces_find(struct namespaces *ns);
/*
 * FN in each that is held, then back. What could not be looked into is said on stderr:
 * WHAT ("could not be looked into"), NULL: nothing. 0 or -errno, after which we may be in
 * a foreign namespace: nothing is to be done any more.
 */
PK_MUST_CHECK int namespaces_each(struct namespaces *ns, namespaces_fn *fn, void *arg,
				  const char *what);
/* A namespace lives as long as we hold it. */
void namespaces_let_go(struct namespaces *ns);

/* Find them, and add the sockets of each that F lets pass to S. 0 or -errno, as of the
 * two above. */
PK_MUST_CHECK int namespaces_collect(struct snapshot *s, const struct filter *f,
				     struct namespaces *ns);
/* The same once more, of those that are held, and nothing is said. -ENODATA: none is. */
PK_MUST_CHECK int namespaces_collect_again(struct snapshot *s, const struct filter *f,
					   struct namespaces *ns);

#endif
