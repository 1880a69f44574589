/*
 * --tree: units and containers, their processes, and what each listens on.
 */
#ifndef PORTWHO_TREE_H
#define PORTWHO_TREE_H

#include "buf.h"
#include "group.h"
#include "report.h"

/* Draw ROWS (in any order) for a terminal of WIDTH columns (0: as wide as it gets). 0 or
 * -errno. */
PK_MUST_CHECK int tree_draw(struct buf *out, const struct portwho_config *config,
			    struct naming *names, const struct rows *rows, bool color,
			    unsigned int width);

#endif
