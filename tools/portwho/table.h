/*
 * The table, and the tree: one row for each listener as a person sees it.
 */
#ifndef PORTWHO_TABLE_H
#define PORTWHO_TABLE_H

#include "buf.h"
#include "group.h"
#include "portwho.h"
#include "report.h"

/* Is TEXT a list of columns (--columns)? 0, or the exit status: 2 or 3, and the message
 * is out; "help" prints them and is -1: there is nothing else to do. */
int table_columns_check(const char *text);

/* Draw ROWS for a terminal of WIDTH columns (0: as wide as it gets). 0 or -errno. */
PK_MUST_CHECK int table_draw(struct buf *out, const struct portwho_config *config,
			     struct naming *names, const struct rows *rows, bool color,
			     unsigned int width);

struct libscols_table;
/* How a table is drawn: headings, colour, width. */
void table_manner(struct libscols_table *table, const struct portwho_config *config,
		  bool color, unsigned int width);

/* Append its lines to OUT. 0 or -errno. */
PK_MUST_CHECK int table_print(struct libscols_table *table, struct buf *out);

/* Cells that pages show, too. Append to OUT, escaped. */
void cell_address(struct buf *out, const struct row *row);
/* "53/udp", "raw:1", "unix". */
void cell_name(struct buf *out, const struct listener *l);
void cell_unit(struct buf *out, const struct listener *l);
void cell_since(struct buf *out, int64_t start_wall_ns, int64_t now_wall_ns);
/* A name in a command that is advised: quoted where a shell would read more into it. */
void cell_argument(struct buf *out, const char *name);
/* The command line, arguments quoted where a shell would need it. */
void cell_command(struct buf *out, const struct process *p);

#endif
