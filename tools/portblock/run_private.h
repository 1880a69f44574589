/*
 * Inside a run: what run.c shares with run_open.c and run_result.c.
 */
#ifndef PORTBLOCK_RUN_PRIVATE_H
#define PORTBLOCK_RUN_PRIVATE_H

#include "engine.h"
#include "out.h"
#include "report.h"
#include "resolve.h"
#include "route.h"
#include "run.h"
#include "services.h"
#include "ticket.h"

/* What the answers of one target's ports add up to. */
struct tally {
	bool yes[PORTBLOCK_MAX_PORTS];
	bool tested[PORTBLOCK_MAX_PORTS];
};

struct run {
	const struct portblock_config *config;
	struct capture *capture; /* NULL: none, `no_capture_why` says why */
	char no_capture_why[160];
	int raw_fd[2];
	int signal_fd;
	int report_fd; /* --report, -1: none */
	struct engine engine;
	struct route_table *routes;
	struct resolver *resolver;
	struct services services;
	struct out out;
	struct out_record record;
	struct ticket ticket;
	struct findings *findings; /* of the host under study, a port each */
	struct tally tally;	   /* of the target under study */
	size_t n_shown;
	bool any_no, any_untested;
	bool color, utf8;
	int error; /* sticky -errno */
};

/* ---- run_open.c ---- */

/* Everything that may need privilege, then give that up. 0, or the exit status; the
 * message is out. */
int run_open(struct run *run);
void run_close(struct run *run);

/* ---- run_result.c ---- */

/* Judge F and write it out. I: the place of its port in the target's list. */
void run_result(struct run *run, struct findings *f, size_t i);
/* Write the ticket, if one is wanted. 0 or the exit status. */
int run_ticket(struct run *run);

#endif
