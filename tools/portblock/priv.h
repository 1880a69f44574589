/*
 * Privilege: use it to open what needs it, then give it up for good.
 */
#ifndef PORTBLOCK_PRIV_H
#define PORTBLOCK_PRIV_H

#include "base.h"

/* Is the capability (CAP_* of linux/capability.h) in our effective set? */
bool priv_has(int capability);
/*
 * Of what a set-user-ID file or file capabilities lent (that is, where who runs us is not
 * root) keep CAP_NET_RAW and CAP_NET_ADMIN alone, so that files are opened with the
 * caller's own rights. The first thing to do. 0 or -errno.
 */
PK_MUST_CHECK int priv_begin(void);
/*
 * Give up all capabilities but KEEP (-1: none; kept only if it was there), for good: also
 * the ambient set, the bounding set where that is possible, the user that a set-user-ID
 * file lent, and what execve(2) could give (no_new_privs). Then verify. 0 or -errno
 * (-EPERM: something is still there). Does nothing bad where there were none.
 *
 * Of this thread, and of those that it starts later: call it before there are others.
 */
PK_MUST_CHECK int priv_drop(int keep);

#endif
