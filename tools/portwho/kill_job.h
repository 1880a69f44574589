/*
 * --kill: the parts of the job that look at the machine. kill.c puts them together.
 */
#ifndef PORTWHO_KILL_JOB_H
#define PORTWHO_KILL_JOB_H

#include <signal.h>

#include "kill_plan.h"
#include "kill_report.h"
#include "kill_say.h"
#include "kill_wait.h"
#include "owners.h"

#define KILL_ANCESTORS_MAX 64

struct kill_job {
	const struct portwho_config *config;
	struct owners *owners;
	struct sockdiag *sd;
	struct filter asked; /* the configuration's, with the ports of --kill */
	struct naming names;
	pid_t ancestors[KILL_ANCESTORS_MAX];
	struct kill_self self;
	struct snapshot before, after;
	struct kill_plan plan; /* of `before` */
	struct kill_context context;
	enum kill_end end;
	int got_signal;		/* with KILL_END_SIGNAL */
	struct kill_left *left; /* of `after` */
	size_t n_left;
	struct kill_port *ports;
	size_t n_ports;
};

/* Open what is needed; all is released by kill_job_close(). 0 or -errno. */
PK_MUST_CHECK int kill_job_open(struct kill_job *job, const struct portwho_config *config,
				struct owners *owners);
void kill_job_close(struct kill_job *job);

/* Look at all listeners and make the plan. 0 or -errno. */
PK_MUST_CHECK int kill_look(struct kill_job *job);
/* After all is done: who is on the asked ports now? 0 or -errno. */
PK_MUST_CHECK int kill_look_after(struct kill_job *job);
/* Can the ports that were listened on be bound now? 0 or -errno. */
PK_MUST_CHECK int kill_look_ports(struct kill_job *job);
/* The same where nothing listens, if it is one port. 0 or -errno. */
PK_MUST_CHECK int kill_look_nothing(struct kill_job *job);

/* Ask on the terminal. 1 yes; 0 no; -ETIMEDOUT: no answer; or another -errno. */
PK_MUST_CHECK int kill_ask(const char *question);
/* Is there a terminal to ask on? */
bool kill_can_ask(void);

#endif
