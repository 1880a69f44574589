/*
 * --kill: to signal a process and never another one.
 */
#ifndef PORTWHO_KILL_SIGNAL_H
#define PORTWHO_KILL_SIGNAL_H

#include "kill_plan.h"

/* Take hold of T's process by a pidfd, and see that it is the one of the plan. Where the
 * kernel has no pidfd (before Linux 5.3, or a sandbox's filter), T->pidfd stays -1. 0;
 * -ESRCH: it is gone; or another -errno. */
PK_MUST_CHECK int kill_hold(struct proc *proc, struct kill_target *t);
/* Look again: does it hold one of its asked sockets? 1, 0, or -errno; -EACCES: we may not
 * look. */
PK_MUST_CHECK int kill_check(struct proc *proc, const struct kill_target *t);
/* Send. 0; -ESRCH: it is gone; -EPERM; or another -errno. */
PK_MUST_CHECK int kill_send(struct proc *proc, const struct kill_target *t, int signal);

/* Hold, check, send SIGNAL to all of the plan that are to be ended, parents first; sets
 * their `action`. */
void kill_signal_all(struct kill_plan *p, struct proc *proc, int signal);
/* SIGKILL for those that were signalled, still run, and still hold an asked socket. */
void kill_force_all(struct kill_plan *p, struct proc *proc);
/* Has it ended? Sets `ended`. Does not wait. */
void kill_note_end(struct proc *proc, struct kill_target *t);

#endif
