/*
 * --kill: its sentences. Pure, but for users' names. All that is appended is escaped.
 */
#ifndef PORTWHO_KILL_SAY_H
#define PORTWHO_KILL_SAY_H

#include "buf.h"
#include "kill_plan.h"
#include "report.h"

/* What a sentence may need to know. */
struct kill_context {
	struct naming *names;
	uint32_t euid;
	int signal;
	bool waits; /* until the ports are free */
	bool forces;
	bool interrupted;
	int64_t timeout_ns;
	int64_t wall_ns;
};

/* "3000/tcp" */
void kill_say_port(struct buf *out, const struct listener *l);
/* "3000-3010/tcp, 53/udp" */
void kill_say_ports(struct buf *out, const struct port_list *list);
/* "node (pid 4711)" */
void kill_say_process(struct buf *out, const struct process *p);
/* "3000/tcp, 3001/tcp": the N of T's listeners from FIRST on. */
void kill_say_listeners(struct buf *out, const struct kill_target *t, size_t first,
			size_t n);
/* "TERM": the signal's name without SIG, or its number. */
void kill_say_signal(struct buf *out, int signal);
/* "nginx.service", "docker container 0123456789ab" */
void kill_say_place(struct buf *out, const struct cgroup_place *place);
/* How a unit or a container is ended for good: "systemctl stop nginx.service". Nothing
 * where there is no such command. */
void kill_say_stop(struct buf *out, const struct cgroup_place *place);

/* Nothing listens on what was ASKED for. */
void kill_say_nothing(struct buf *out, const struct filter *asked);

/* All that is going to be ended and all that is not, as lines. */
void kill_say_plan(struct buf *out, const struct kill_context *c,
		   const struct kill_plan *p);
/* "End these 3 processes? [y/N] " */
void kill_say_question(struct buf *out, const struct kill_context *c,
		       const struct kill_plan *p);
/* What became of T, without full stop. */
void kill_say_result(struct buf *out, const struct kill_context *c,
		     const struct kill_target *t);

#endif
