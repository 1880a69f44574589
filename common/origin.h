/*
 * Floor 5: from where a tool looks at the network: --netns, -I, -S, and what -4, -6
 * and -n leave of the targets.
 *
 * What is asked for is checked against this machine before anything is sent, since each
 * probe would fail otherwise. Failures are told here, in one line that names the option
 * or the operand as given, so that all tools say the same.
 */
#ifndef PK_ORIGIN_H
#define PK_ORIGIN_H

#include <net/if.h>

#include "addr.h"
#include "base.h"
#include "target.h"

struct origin {
	int family; /* AF_UNSPEC, AF_INET, AF_INET6: asked for, or that of the source */
	struct addr source;	     /* AF_UNSPEC: the kernel's choice */
	char interface[IF_NAMESIZE]; /* "": the route's */
};

/*
 * Enter the namespace NETNS; everything after sees it: interfaces, zones of addresses,
 * names. Then check INTERFACE and SOURCE there. Each is text as given, NULL where it was
 * not. FAMILY: AF_UNSPEC, or the one asked for.
 *
 * 0; -EINVAL: there is no such thing, or it contradicts FAMILY (bad usage); another
 * -errno: could not be done or seen. The message is out then. The process may be in the
 * namespace even so.
 */
PK_MUST_CHECK int origin_enter(const char *netns, const char *interface,
			       const char *source, int family, struct origin *ret_origin);

/*
 * Do all targets of SET suit: no address of a family other than FAMILY (AF_UNSPEC: both
 * will do), no name where NUMERIC forbids look-ups? 0, or -EINVAL: the message is out.
 */
PK_MUST_CHECK int origin_admits(const struct target_set *set, int family, bool numeric);

#endif
