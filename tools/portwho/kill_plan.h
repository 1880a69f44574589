/*
 * --kill: what is to be ended, what is refused, and why. Pure: from a snapshot of all
 * listeners with all who hold them to a list of processes.
 */
#ifndef PORTWHO_KILL_PLAN_H
#define PORTWHO_KILL_PLAN_H

#include "portwho.h"

/* Why a process, or a socket without one, is left alone. */
enum kill_why {
	KILL_WHY_NONE,	   /* it is not: it is to be ended */
	KILL_WHY_SYSTEMD,  /* systemd, of the machine or of a user, holds it for a unit */
	KILL_WHY_INIT,	   /* process 1, another than systemd */
	KILL_WHY_SELF,	   /* this process */
	KILL_WHY_ANCESTOR, /* one that this process descends from */
	KILL_WHY_KERNEL_THREAD, /* has no program to end */
	KILL_WHY_FUTILE,	/* all it holds is held by one of the above, too */
	KILL_WHY_KERNEL,	/* no process: the kernel's own socket */
	KILL_WHY_HIDDEN,	/* no process: we may not see it */
};

enum kill_action {
	KILL_ACTION_NONE, /* nothing yet */
	KILL_ACTION_SIGNALLED,
	KILL_ACTION_REFUSED,
	KILL_ACTION_GONE,     /* ended, or closed its sockets, before the signal */
	KILL_ACTION_DENIED,   /* the kernel did not let us: `error` */
	KILL_ACTION_DECLINED, /* the person said no */
};

/* A process that holds an asked socket; or such sockets that have none. */
struct kill_target {
	const struct process *process;	   /* of the snapshot; NULL: none */
	const struct listener **listeners; /* owned: the asked ones, then its others */
	size_t n_asked, n_listeners;
	enum kill_why why;
	const struct process *blocker; /* FUTILE: who else holds them */
	struct cgroup_place place;     /* of the process */
	bool supervised;    /* a service, or in a container, that is not our own place */
	unsigned int depth; /* how many of its ancestors are targets: signalled later */

	/* What became of it (kill_signal.h, kill_wait.h). */
	enum kill_action action;
	int error;   /* errno */
	int pidfd;   /* -1: none */
	bool ended;  /* no such process any more */
	bool holds;  /* as last seen: it has an asked socket */
	bool forced; /* was sent SIGKILL, since the first signal did not end it */
	int64_t signalled_ns, ended_ns;
};

/* A socket on an asked port, by the kernel's own name for it. */
struct kill_socket {
	uint64_t cookie;
	bool awaited; /* all who hold it are to be ended, so that it has to go */
};

/* All zero is an empty one. */
struct kill_plan {
	struct kill_target *targets; /* parents first; refused ones last */
	size_t n;
	size_t n_ending;	     /* of them are to be ended: the first ones */
	struct kill_socket *sockets; /* by cookie */
	size_t n_sockets;
	bool bound; /* nothing listens, but something is bound without listening */
};

/* Who we are. */
struct kill_self {
	pid_t pid;
	const pid_t *ancestors;
	size_t n_ancestors;
	struct cgroup_place place; /* to end our own unit or container is no advice */
};

/*
 * S: all listeners of the namespace, with those that are bound only and with all holders.
 * ASKED: its ports, and what else has to fit. With its pid or uid only such processes are
 * ended, though others hold the same socket. 0 or -ENOMEM. S has to live as long.
 */
PK_MUST_CHECK int kill_plan_make(struct kill_plan *ret_plan, const struct snapshot *s,
				 const struct filter *asked,
				 const struct kill_self *self);
void kill_plan_release(struct kill_plan *p);

/* NULL: the plan does not know it. */
const struct kill_socket *kill_plan_socket(const struct kill_plan *p, uint64_t cookie);
const struct kill_target *kill_plan_target(const struct kill_plan *p, pid_t pid);
/* The target of the plan that a process of PPID and PLACE, which was not there before,
 * stands in for: of the same unit or container, or of the same parent, which is none of
 * our own ancestors, since those wait for us. NULL: none. */
const struct kill_target *kill_plan_origin(const struct kill_plan *p,
					   const struct kill_self *self, pid_t ppid,
					   const struct cgroup_place *place,
					   bool *ret_by_place);

/* Does SIGNAL mean "end", so that it makes sense to wait for it? */
bool kill_signal_ends(int signal);
/* How long to watch whether the port stays free: a supervisor restarts at once (systemd:
 * RestartSec=100ms), a loop of a shell too. */
int64_t kill_settle_ns(const struct kill_plan *p, const struct kill_self *self);

#endif
