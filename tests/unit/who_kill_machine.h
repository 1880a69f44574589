/*
 * A machine for the tests of --kill: processes, listeners, and who holds which.
 */
#ifndef WHO_KILL_MACHINE_H
#define WHO_KILL_MACHINE_H

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kill_plan.h"

#define MAX_THINGS 16

/* A machine: its processes, its listeners, who holds which, and what is asked. */
struct machine {
	struct process processes[MAX_THINGS];
	struct process *by_pid[MAX_THINGS];
	struct listener listeners[MAX_THINGS];
	struct holder holders[MAX_THINGS][MAX_THINGS];
	struct snapshot snapshot;
	struct filter asked;
	pid_t ancestors[2];
	struct kill_self self;
	struct kill_plan plan;
	char why[128];
};

static inline void begin(struct machine *m, const char *ports)
{
	memset(m, 0, sizeof(*m));
	m->snapshot.listeners = m->listeners;
	m->snapshot.processes = m->by_pid;
	m->asked.tcp = m->asked.udp = true;
	assert_int_equal(port_list_add(&m->asked.ports, ports, IPPROTO_TCP, m->why,
				       sizeof(m->why)),
			 0);
	m->ancestors[0] = 901;
	m->ancestors[1] = 1;
	m->self = (struct kill_self){ .pid = 900,
				      .ancestors = m->ancestors,
				      .n_ancestors = 2 };
}

static inline void end(struct machine *m)
{
	kill_plan_release(&m->plan);
	port_list_release(&m->asked.ports);
}

static inline struct process *add_process(struct machine *m, pid_t pid, pid_t ppid,
					  const char *comm)
{
	struct process *p = &m->processes[m->snapshot.n_processes];

	*p = (struct process){ .pid = pid,
			       .ppid = ppid,
			       .start_ticks = 1000 + (uint64_t)pid,
			       .has_uid = true,
			       .uid = 1000,
			       .comm = (char *)(uintptr_t)comm };
	m->by_pid[m->snapshot.n_processes++] = p;
	return p;
}

static inline struct listener *add_listener(struct machine *m, uint16_t port,
					    int protocol)
{
	size_t i = m->snapshot.n++;
	struct listener *l = &m->listeners[i];

	*l = (struct listener){ .owner = OWNER_PROCESS, .holders = m->holders[i] };
	l->sock =
		(struct sock){ .family = AF_INET,
			       .protocol = (uint8_t)protocol,
			       .state = protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE,
			       .local_port = port,
			       .inode = 5000 + (uint32_t)i,
			       .uid = 1000,
			       .cookie = 7000 + i };
	assert_int_equal(addr_from_text("0.0.0.0", &l->sock.local), 0);
	return l;
}

static inline void hold(struct listener *l, const struct process *p, int fd)
{
	l->holders[l->n_holders++] = (struct holder){ .process = p, .fd = fd };
}

static inline void make(struct machine *m)
{
	assert_int_equal(kill_plan_make(&m->plan, &m->snapshot, &m->asked, &m->self), 0);
}

#endif
