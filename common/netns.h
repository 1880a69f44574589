/*
 * Floor 5: work inside a named network namespace, as `ip netns exec` does (ip-netns(8)).
 */
#ifndef PK_NETNS_H
#define PK_NETNS_H

#include "base.h"

/*
 * Enter /run/netns/NAME. Files of /etc/netns/NAME cover their namesakes in /etc for this
 * process, so that names resolve as they do there. 0; -ENOENT: no such namespace; -EPERM
 * and others.
 */
PK_MUST_CHECK int netns_enter(const char *name);

#endif
