/*
 * --kill: wait until nothing listens on the ports any more.
 */
#ifndef PORTWHO_KILL_WAIT_H
#define PORTWHO_KILL_WAIT_H

#include "kill_plan.h"

enum kill_end {
	KILL_END_FREE,	  /* no listener that had to go is there any more */
	KILL_END_TIMEOUT, /* some still are */
	KILL_END_TAKEN,	  /* they have gone, and another has come */
	KILL_END_SIGNAL,  /* this process was told to end */
};

struct kill_waiting {
	struct kill_plan *plan;
	struct proc *proc;
	struct sockdiag *sd;
	const struct filter *look; /* what to look for again and again */
	int64_t deadline_ns;
	int64_t force_at_ns; /* SIGKILL then; INT64_MAX: never */
	int64_t settle_ns;   /* how long it has to stay free */
	int signal_fd;	     /* a signalfd(2) */
	bool progress;	     /* a line on the terminal, when it takes long */
};

/* 0 and how it ended, with RET_SIGNAL for KILL_END_SIGNAL; or -errno. */
PK_MUST_CHECK int kill_wait(struct kill_waiting *w, enum kill_end *ret_end,
			    int *ret_signal);

#endif
