/*
 * The many results of a sweep, told briefly: which ports (or addresses) share one
 * verdict.
 */
#ifndef PORTCHECK_GROUPS_H
#define PORTCHECK_GROUPS_H

#include "buf.h"
#include "portcheck.h"

struct group_set;

/* 0 or -ENOMEM. */
PK_MUST_CHECK int group_set_create(struct group_set **ret_set,
				   const struct portcheck_config *config);
void group_set_destroy(struct group_set *set);
/* Count R in its group; false: there are too many groups, R wants a line of its own. */
bool group_set_add(struct group_set *set, const struct result *r);
/* One line a group, most interesting state first. */
void group_set_say(struct group_set *set, struct buf *out, bool color);

#endif
