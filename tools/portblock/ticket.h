/*
 * --report: a ticket for the firewall's owner, Markdown or HTML. Pure.
 *
 * Self-contained (no script, no link to elsewhere, the path as inline SVG in HTML), and
 * everything that came from outside escaped for its format.
 *
 *	struct ticket t = TICKET_INIT;
 *	ticket_format_of(path, &t.format)
 *	ticket_add(&t, ...)		for each port
 *	ticket_finish(&t, &text, ...)	the whole document
 *	ticket_release(&t)
 */
#ifndef PORTBLOCK_TICKET_H
#define PORTBLOCK_TICKET_H

#include "buf.h"
#include "portblock.h"
#include "say.h"

enum ticket_format { TICKET_MARKDOWN, TICKET_HTML };

/* What the ports add up to; owned. */
struct ticket {
	enum ticket_format format;
	unsigned int n_ports, n_open;
	struct buf title;    /* of the first port, not escaped */
	struct buf rows;     /* of the table over all ports */
	struct buf sections; /* one a port */
};

/* clang-format off */
#define TICKET_INIT { .title = BUF_INIT, .rows = BUF_INIT, .sections = BUF_INIT }
/* clang-format on */

/* By the name's end: .md, .markdown, .html, .htm. 0, or -EINVAL. */
PK_MUST_CHECK int ticket_format_of(const char *path, enum ticket_format *ret_format);

/* One port more. SERVICE: "smtp" or "". */
void ticket_add(struct ticket *t, const char *service, const struct findings *f,
		const struct judgement *j, const struct account *a);
/* Append the whole document to OUT. COMMAND: how it was run, safe text; NULL: not known.
 * WALL_NS: now. */
void ticket_finish(const struct ticket *t, struct buf *out, const char *command,
		   int64_t wall_ns);
/* As after TICKET_INIT, but for the format. NULL is accepted. */
void ticket_release(struct ticket *t);

#endif
