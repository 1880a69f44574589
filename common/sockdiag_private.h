/* Floor 5, private to sockdiag: questions and their answers. */
#ifndef PK_SOCKDIAG_PRIVATE_H
#define PK_SOCKDIAG_PRIVATE_H

#include <linux/netlink.h>

#include "sockdiag_parse.h"

typedef int sockdiag_message_fn(const struct sockdiag_message *m, void *arg);

/* Send NLH and hand each socket of the answer to FN, until it returns other than 0. 0,
 * what FN returned, or the kernel's -errno. INTERRUPTED may be NULL; it becomes true when
 * the kernel says that a dump was disturbed (NLM_F_DUMP_INTR, also at its end). */
PK_MUST_CHECK int sockdiag_ask(struct sockdiag *sd, struct nlmsghdr *nlh,
			       sockdiag_message_fn *fn, void *arg, bool *interrupted);

#endif
