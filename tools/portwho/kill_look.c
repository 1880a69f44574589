#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "free.h"
#include "kill_job.h"

/* So many ports are asked for one by one. */
#define PORTS_ASKED 64

/* ---- open and close ---- */

static void kill_find_self(struct kill_job *job)
{
	struct process p;
	pid_t pid = getpid();
	size_t n = 0;

	job->self = (struct kill_self){ .pid = pid, .ancestors = job->ancestors };
	if (process_read(job->owners->proc, pid, &p) < 0)
		return;
	if (p.cgroup)
		cgroup_place_of(p.cgroup, &job->self.place);
	/* What is above process 1 is not to be seen, and pid 0 is nobody. */
	while (p.ppid > 0 && n < KILL_ANCESTORS_MAX) {
		pid = p.ppid;
		job->ancestors[n++] = pid;
		process_release(&p);
		if (process_read(job->owners->proc, pid, &p) < 0)
			goto out;
	}
	process_release(&p);
out:
	job->self.n_ancestors = n;
}

int kill_job_open(struct kill_job *job, const struct portwho_config *config,
		  struct owners *owners)
{
	const struct port_list *ports = &config->job_ports;
	size_t i;

	*job = (struct kill_job){ .config = config,
				  .owners = owners,
				  .asked = config->filter };
	naming_init(&job->names, config->numeric);
	job->asked.ports = *ports;
	job->asked.also = 0;
	job->asked.tcp = job->asked.udp = false;
	for (i = 0; i < ports->n_ranges; i++)
		if (ports->ranges[i].protocol == IPPROTO_UDP)
			job->asked.udp = true;
		else
			job->asked.tcp = true;
	kill_find_self(job);
	return sockdiag_open(&job->sd);
}

void kill_job_close(struct kill_job *job)
{
	size_t i;

	for (i = 0; i < job->plan.n; i++)
		if (job->plan.targets[i].pidfd >= 0)
			close(job->plan.targets[i].pidfd);
	for (i = 0; i < job->n_left; i++)
		if (job->left[i].parent) {
			process_release((struct process *)job->left[i].parent);
			free((void *)job->left[i].parent);
		}
	for (i = 0; i < job->n_ports; i++)
		free(job->ports[i].text);
	free(job->ports);
	free(job->left);
	kill_plan_release(&job->plan);
	snapshot_release(&job->before);
	snapshot_release(&job->after);
	naming_release(&job->names);
	sockdiag_close(job->sd);
}

/* ---- before ---- */

static bool kill_snapshot_has(const struct snapshot *s, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].sock.cookie == cookie)
			return true;
	return false;
}

/* An asked one without holder may have been closed between the two looks. That it is the
 * kernel's or hidden can only be said of one that is still there. */
static int kill_mark_vanished(struct kill_job *job, const struct filter *all)
{
	struct filter again = job->asked;
	struct snapshot now = { 0 };
	size_t i;
	int err;

	again.also = all->also;
	err = collect_sockets(&now, job->sd, &again, NULL);
	for (i = 0; !err && i < job->before.n; i++) {
		struct listener *l = &job->before.listeners[i];

		if (!l->n_holders && filter_admits_socket(&job->asked, l) &&
		    !kill_snapshot_has(&now, l->sock.cookie))
			l->owner = OWNER_GONE;
	}
	snapshot_release(&now);
	return err;
}

int kill_look(struct kill_job *job)
{
	/* All ports, since it is told what else a process listens on. */
	const struct filter all = { .tcp = true, .udp = true, .also = ALSO_BOUND };
	int err;

	job->before.wall_ns = clock_wall_ns();
	err = collect_sockets(&job->before, job->sd, &all, NULL);
	if (!err)
		err = owners_find(job->owners, &job->before, true);
	if (!err)
		err = kill_mark_vanished(job, &all);
	if (!err)
		err = kill_plan_make(&job->plan, &job->before, &job->asked, &job->self);
	if (!err && job->plan.bound)
		job->asked.also = ALSO_BOUND;
	return err;
}

/* ---- after ---- */

/* Has T its own line, which says that it is still there? */
static bool kill_is_told(const struct kill_target *t)
{
	switch (t->action) {
	case KILL_ACTION_SIGNALLED:
		return !t->ended && t->holds;
	case KILL_ACTION_REFUSED:
	case KILL_ACTION_DENIED:
	case KILL_ACTION_DECLINED:
		return true;
	case KILL_ACTION_NONE:
	case KILL_ACTION_GONE:
		break;
	}
	return false;
}

static bool kill_has_cookie(const struct kill_target *t, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < t->n_asked; i++)
		if (t->listeners[i]->sock.cookie == cookie)
			return true;
	return false;
}

/* Is L one of the plan, and said so by a target's line? */
static bool kill_listener_is_told(const struct kill_plan *p, const struct listener *l)
{
	size_t i, k;

	for (i = 0; i < p->n; i++) {
		const struct kill_target *t = &p->targets[i];

		if (!kill_is_told(t) || !kill_has_cookie(t, l->sock.cookie))
			continue;
		if (!t->process)
			return true;
		for (k = 0; k < l->n_holders; k++)
			if (l->holders[k].process->pid == t->process->pid)
				return true;
	}
	return false;
}

static bool kill_left_is_known(const struct kill_job *job, const struct listener *l,
			       const struct process *process)
{
	size_t i;

	for (i = 0; i < job->n_left; i++) {
		const struct kill_left *left = &job->left[i];

		if (left->process == process &&
		    left->listener->sock.local_port == l->sock.local_port &&
		    left->listener->sock.protocol == l->sock.protocol)
			return true;
	}
	return false;
}

static int kill_add_left(struct kill_job *job, const struct listener *l,
			 const struct process *process)
{
	struct kill_left left = { .listener = l,
				  .process = process,
				  .is_new =
					  !kill_plan_socket(&job->plan, l->sock.cookie) };
	struct process *parent;

	if (kill_left_is_known(job, l, process))
		return 0;
	if (left.is_new && process)
		left.origin = kill_plan_origin(&job->plan, &job->self, process->ppid,
					       &l->place, &left.by_place);
	if (left.origin && !left.by_place) {
		parent = calloc(1, sizeof(*parent));
		if (!parent)
			return -ENOMEM;
		if (process_read(job->owners->proc, process->ppid, parent) < 0)
			free(parent);
		else
			left.parent = parent;
	}
	job->left[job->n_left++] = left;
	return 0;
}

int kill_look_after(struct kill_job *job)
{
	size_t i, k, n = 0;
	int err = collect_sockets(&job->after, job->sd, &job->asked, NULL);

	if (!err)
		err = owners_find(job->owners, &job->after, true);
	for (i = 0; i < job->after.n; i++)
		n += job->after.listeners[i].n_holders + 1;
	job->left = calloc(n + 1, sizeof(*job->left));
	if (!err && !job->left)
		err = -ENOMEM;
	for (i = 0; !err && i < job->after.n; i++) {
		const struct listener *l = &job->after.listeners[i];

		if (kill_listener_is_told(&job->plan, l))
			continue;
		if (!l->n_holders)
			err = kill_add_left(job, l, NULL);
		for (k = 0; !err && k < l->n_holders; k++)
			err = kill_add_left(job, l, l->holders[k].process);
	}
	return err;
}

/* ---- the ports ---- */

static bool kill_port_is_known(const struct kill_job *job, const struct listener *l)
{
	size_t i;

	for (i = 0; i < job->n_ports; i++)
		if (job->ports[i].port == l->sock.local_port &&
		    job->ports[i].protocol == l->sock.protocol)
			return true;
	return false;
}

static bool kill_is_on_port(const struct snapshot *s, const struct listener *l)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].sock.local_port == l->sock.local_port &&
		    s->listeners[i].sock.protocol == l->sock.protocol)
			return true;
	return false;
}

static int kill_ask_port(struct kill_job *job, uint16_t port, uint8_t protocol,
			 struct kill_port *ret_port)
{
	const struct addr any = { 0 };
	struct buf text = BUF_INIT;
	struct free_answer answer = { 0 };
	int err = free_ask(job->owners, job->sd, port, protocol, &any, &answer);

	if (err < 0)
		return err;
	free_message(&text, &job->names, &answer);
	*ret_port = (struct kill_port){ .port = port,
					.protocol = protocol,
					.free = answer.cause == FREE_YES,
					.text = buf_steal(&text) };
	free_release(&answer);
	return ret_port->text ? 0 : -ENOMEM;
}

int kill_look_ports(struct kill_job *job)
{
	size_t i, k;
	int err = 0;

	job->ports = calloc(PORTS_ASKED, sizeof(*job->ports));
	if (!job->ports)
		return -ENOMEM;
	for (i = 0; i < job->plan.n_ending; i++) {
		const struct kill_target *t = &job->plan.targets[i];

		for (k = 0; !err && k < t->n_asked && job->n_ports < PORTS_ASKED; k++) {
			const struct listener *l = t->listeners[k];

			/* Who is there now was told already. */
			if (kill_port_is_known(job, l) || kill_is_on_port(&job->after, l))
				continue;
			err = kill_ask_port(job, l->sock.local_port, l->sock.protocol,
					    &job->ports[job->n_ports]);
			job->n_ports += !err;
		}
	}
	return err;
}

int kill_look_nothing(struct kill_job *job)
{
	const struct port_list *list = &job->asked.ports;
	int err;

	if (list->n_ports != 1)
		return 0;
	job->ports = calloc(1, sizeof(*job->ports));
	if (!job->ports)
		return -ENOMEM;
	err = kill_ask_port(job, list->ranges[0].first, (uint8_t)list->ranges[0].protocol,
			    &job->ports[0]);
	job->n_ports = !err;
	return err;
}
