/*
 * The ports that servers most often listen on.
 */
#ifndef PORTCHECK_TOP_H
#define PORTCHECK_TOP_H

#include "services.h"

/* How many are known for a protocol. */
size_t top_count(int protocol);
/* Add the first N (at most top_count()) of PROTOCOL to LIST. 0 or -ENOMEM. */
PK_MUST_CHECK int top_add(struct port_list *list, size_t n, int protocol);

#endif
