/*
 * --kill: its records.
 */
#ifndef PORTWHO_KILL_REPORT_H
#define PORTWHO_KILL_REPORT_H

#include "kill_plan.h"
#include "kill_say.h"
#include "out.h"

enum kill_column {
	KILL_PORT, /* the first of those asked for */
	KILL_PROTOCOL,
	KILL_PORTS, /* array: all that were asked for: "3000/tcp" */
	KILL_ALSO,  /* array: what else it listens on */
	KILL_PID,   /* null: a socket without a process that can be seen */
	KILL_COMM,
	KILL_USER,
	KILL_CMDLINE, /* array */
	KILL_STARTED,
	KILL_UNIT,
	KILL_CONTAINER,
	KILL_ENGINE,
	/* "signalled", "refused", "gone", "denied", "declined"; of what is on the port
	 * afterwards: "restarted", "taken", "left"; nothing listens there: "nothing" */
	KILL_ACTION,
	KILL_REASON, /* of refused: "systemd", "init", "self", "ancestor",
			"kernel-thread", "shared", "kernel", "hidden" */
	KILL_SIGNAL, /* "TERM" */
	KILL_FORCED,
	KILL_ENDED, /* null: it was not waited for, or not signalled */
	KILL_ENDED_MS,
	KILL_PORT_FREE,	   /* can `port` be bound now? null: not asked */
	KILL_PORT_MESSAGE, /* about that */
	KILL_MESSAGE,
};

extern const struct out_schema kill_schema;

/* One on an asked port after all is done. */
struct kill_left {
	const struct listener *listener;
	const struct process *process;	  /* NULL: none that can be seen */
	bool is_new;			  /* the plan does not know the socket */
	const struct kill_target *origin; /* in whose place it is, NULL: nobody's */
	bool by_place;			  /* its unit or container restarted it */
	const struct process *parent;	  /* else, its parent, or NULL */
};

/* A port of the plan, after all is done. */
struct kill_port {
	uint16_t port;
	uint8_t protocol;
	bool free;
	char *text; /* owned: about it, escaped, without full stop; NULL: not known */
};

/* Fill R, of the schema above. */
void kill_report_target(struct out_record *r, const struct kill_context *c,
			const struct kill_target *t);
void kill_report_left(struct out_record *r, const struct kill_context *c,
		      const struct kill_left *left);
/* Of the record's own port. */
void kill_report_port(struct out_record *r, const struct kill_port *ports, size_t n);
/* Nothing listens on what was ASKED for. */
void kill_report_nothing(struct out_record *r, const struct filter *asked);
/* "3000/tcp is taken again: ...", without full stop. */
void kill_say_left(struct buf *out, const struct kill_left *left);

#endif
