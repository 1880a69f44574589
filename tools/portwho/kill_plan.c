#include "kill_plan.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "owners.h"

#define PID_INIT 1
/* Above systemd's own default of RestartSec= and Docker's first delay, both 100 ms. */
#define SETTLE_SUPERVISED_NS (1000 * NS_PER_MS)
#define SETTLE_PARENT_NS     (500 * NS_PER_MS)

/* ---- which sockets ---- */

static bool kill_is_bound_only(const struct listener *l)
{
	return l->sock.protocol == IPPROTO_TCP && l->sock.state == SOCK_BOUND_INACTIVE;
}

/* Is it ours to end by pid and uid? */
static bool kill_selects(const struct filter *f, const struct process *p)
{
	return (!f->pid || p->pid == f->pid) &&
	       (!f->has_uid || (p->has_uid && p->uid == f->uid));
}

static bool kill_selects_any(const struct filter *f, const struct listener *l)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (kill_selects(f, l->holders[i].process))
			return true;
	return !l->n_holders;
}

static bool kill_asks_for(const struct filter *f, const struct listener *l)
{
	return l->owner != OWNER_GONE && filter_admits_socket(f, l) &&
	       filter_admits_owner(f, l) && kill_selects_any(f, l);
}

/* Does something listen on the TCP port of L, which is bound only? */
static bool kill_is_listened_on(const struct snapshot *s, const struct filter *f,
				const struct listener *l)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].sock.protocol == IPPROTO_TCP &&
		    s->listeners[i].sock.local_port == l->sock.local_port &&
		    !kill_is_bound_only(&s->listeners[i]) &&
		    kill_asks_for(f, &s->listeners[i]))
			return true;
	return false;
}

/* One flag for each listener. */
static void kill_mark_asked(const struct snapshot *s, const struct filter *f, bool *asked,
			    bool *ret_bound)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct listener *l = &s->listeners[i];

		asked[i] = kill_asks_for(f, l) &&
			   (!kill_is_bound_only(l) || !kill_is_listened_on(s, f, l));
		if (asked[i] && kill_is_bound_only(l))
			*ret_bound = true;
	}
}

/* ---- which processes ---- */

static bool kill_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* A user's manager has a group of its own (systemd.special(7)). To end it is to log the
 * user out. */
static bool kill_is_systemd(const struct process *p)
{
	return !strcmp(p->comm, "systemd") &&
	       (p->pid == PID_INIT ||
		(p->cgroup && kill_ends_with(p->cgroup, "/init.scope")));
}

static bool kill_is_ancestor(const struct kill_self *self, pid_t pid)
{
	size_t i;

	for (i = 0; i < self->n_ancestors; i++)
		if (self->ancestors[i] == pid)
			return true;
	return false;
}

static enum kill_why kill_why_not(const struct process *p, const struct kill_self *self)
{
	if (kill_is_systemd(p))
		return KILL_WHY_SYSTEMD;
	if (p->pid == self->pid)
		return KILL_WHY_SELF;
	if (p->pid == PID_INIT)
		return KILL_WHY_INIT;
	if (kill_is_ancestor(self, p->pid))
		return KILL_WHY_ANCESTOR;
	return p->kernel_thread ? KILL_WHY_KERNEL_THREAD : KILL_WHY_NONE;
}

static bool kill_is_supervised(const struct cgroup_place *p, const struct kill_self *self)
{
	const struct cgroup_place *own = &self->place;

	if (p->container[0])
		return strcmp(p->container, own->container) != 0;
	return kill_ends_with(p->unit, ".service") &&
	       (strcmp(p->unit, own->unit) != 0 || p->user_unit != own->user_unit);
}

static struct kill_target *kill_find(const struct kill_plan *p, pid_t pid)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->targets[i].process && p->targets[i].process->pid == pid)
			return &p->targets[i];
	return NULL;
}

const struct kill_target *kill_plan_target(const struct kill_plan *p, pid_t pid)
{
	return kill_find(p, pid);
}

static struct kill_target *kill_add_target(struct kill_plan *p)
{
	struct kill_target *more = realloc(p->targets, (p->n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	p->targets = more;
	more[p->n] = (struct kill_target){ .pidfd = -1 };
	return &more[p->n++];
}

static int kill_add_listener(struct kill_target *t, const struct listener *l)
{
	const struct listener **more;

	/* A process may have several descriptors of one socket. */
	if (t->n_listeners && t->listeners[t->n_listeners - 1] == l)
		return 0;
	more = realloc(t->listeners, (t->n_listeners + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	t->listeners = more;
	more[t->n_listeners++] = l;
	return 0;
}

static int kill_take_process(struct kill_plan *p, const struct process *process,
			     const struct listener *l, const struct kill_self *self)
{
	struct kill_target *t = kill_find(p, process->pid);
	int err;

	if (!t) {
		t = kill_add_target(p);
		if (!t)
			return -ENOMEM;
		t->process = process;
		t->why = kill_why_not(process, self);
		if (process->cgroup)
			cgroup_place_of(process->cgroup, &t->place);
		t->supervised = kill_is_supervised(&t->place, self);
	}
	err = kill_add_listener(t, l);
	t->n_asked = t->n_listeners;
	return err;
}

static int kill_take_socket(struct kill_plan *p, const struct listener *l)
{
	struct kill_target *t = kill_add_target(p);
	int err;

	if (!t)
		return -ENOMEM;
	t->why = l->owner == OWNER_KERNEL ? KILL_WHY_KERNEL : KILL_WHY_HIDDEN;
	t->place = l->place;
	err = kill_add_listener(t, l);
	t->n_asked = t->n_listeners;
	return err;
}

static int kill_take_all(struct kill_plan *p, const struct snapshot *s, const bool *asked,
			 const struct filter *f, const struct kill_self *self)
{
	size_t i, k;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		const struct listener *l = &s->listeners[i];

		if (!asked[i])
			continue;
		if (!l->n_holders)
			err = kill_take_socket(p, l);
		for (k = 0; !err && k < l->n_holders; k++)
			if (kill_selects(f, l->holders[k].process))
				err = kill_take_process(p, l->holders[k].process, l,
							self);
	}
	return err;
}

/* What the processes of the plan listen on besides. */
static int kill_take_others(struct kill_plan *p, const struct snapshot *s,
			    const bool *asked)
{
	size_t i, k;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		const struct listener *l = &s->listeners[i];

		if (asked[i] || kill_is_bound_only(l))
			continue;
		for (k = 0; !err && k < l->n_holders; k++) {
			struct kill_target *t = kill_find(p, l->holders[k].process->pid);

			if (t)
				err = kill_add_listener(t, l);
		}
	}
	return err;
}

/* The kernel's list is in the order of a hash. */
static int kill_compare_listeners(const void *a, const void *b)
{
	const struct sock *x = &(*(const struct listener *const *)a)->sock;
	const struct sock *y = &(*(const struct listener *const *)b)->sock;

	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->local_port != y->local_port)
		return x->local_port < y->local_port ? -1 : 1;
	return addr_compare(&x->local, &y->local);
}

static void kill_sort_listeners(struct kill_target *t)
{
	qsort(t->listeners, t->n_asked, sizeof(*t->listeners), kill_compare_listeners);
	qsort(t->listeners + t->n_asked, t->n_listeners - t->n_asked,
	      sizeof(*t->listeners), kill_compare_listeners);
}

/* ---- what stays ---- */

/* Who holds L and is not to be ended, so that it stays; NULL: nobody. A process that is
 * only left out by pid or uid does not count for FUTILE: it was asked for so. */
static const struct process *kill_blocker(const struct kill_plan *p,
					  const struct listener *l, bool left_out)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++) {
		const struct process *process = l->holders[i].process;
		const struct kill_target *t = kill_find(p, process->pid);

		if (t ? t->why != KILL_WHY_NONE && t->why != KILL_WHY_FUTILE : left_out)
			return process;
	}
	return NULL;
}

/* To end a process that would not free any port is of no use to anybody. */
static void kill_refuse_futile(struct kill_plan *p)
{
	size_t i, k;

	for (i = 0; i < p->n; i++) {
		struct kill_target *t = &p->targets[i];
		const struct process *blocker = NULL;

		if (t->why != KILL_WHY_NONE)
			continue;
		for (k = 0; k < t->n_asked; k++) {
			blocker = kill_blocker(p, t->listeners[k], false);
			if (!blocker)
				break;
		}
		if (blocker) {
			t->why = KILL_WHY_FUTILE;
			t->blocker = blocker;
		}
	}
}

static int kill_compare_sockets(const void *a, const void *b)
{
	const struct kill_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

const struct kill_socket *kill_plan_socket(const struct kill_plan *p, uint64_t cookie)
{
	struct kill_socket key = { .cookie = cookie };

	if (!p->n_sockets)
		return NULL;
	return bsearch(&key, p->sockets, p->n_sockets, sizeof(*p->sockets),
		       kill_compare_sockets);
}

/* All on the asked ports, asked or not: what is not among them later is new. */
static int kill_list_sockets(struct kill_plan *p, const struct snapshot *s,
			     const bool *asked, const struct filter *f)
{
	size_t i;

	p->sockets = calloc(s->n + 1, sizeof(*p->sockets));
	if (!p->sockets)
		return -ENOMEM;
	for (i = 0; i < s->n; i++) {
		const struct listener *l = &s->listeners[i];

		if (filter_admits_socket(f, l))
			p->sockets[p->n_sockets++] = (struct kill_socket){
				.cookie = l->sock.cookie,
				.awaited = asked[i] && l->n_holders &&
					   !kill_blocker(p, l, true),
			};
	}
	qsort(p->sockets, p->n_sockets, sizeof(*p->sockets), kill_compare_sockets);
	return 0;
}

/* ---- order ---- */

/* A master that keeps up the number of its workers has to know first that it is over. */
static void kill_set_depths(struct kill_plan *p)
{
	size_t i, steps;

	for (i = 0; i < p->n; i++) {
		const struct kill_target *t = &p->targets[i];

		for (steps = 0; t && t->process && steps < p->n; steps++) {
			t = kill_find(p, t->process->ppid);
			if (t)
				p->targets[i].depth++;
		}
	}
}

static int kill_compare_targets(const void *a, const void *b)
{
	const struct kill_target *x = a, *y = b;

	if (!x->why != !y->why)
		return x->why ? 1 : -1;
	if (!x->process || !y->process)
		return (int)!x->process - (int)!y->process;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	if (x->process->start_ticks != y->process->start_ticks)
		return x->process->start_ticks < y->process->start_ticks ? -1 : 1;
	return x->process->pid < y->process->pid ? -1 : 1;
}

/* ---- all together ---- */

int kill_plan_make(struct kill_plan *ret_plan, const struct snapshot *s,
		   const struct filter *asked, const struct kill_self *self)
{
	struct kill_plan p = { 0 };
	bool *marks = calloc(s->n + 1, sizeof(*marks));
	size_t i;
	int err = marks ? 0 : -ENOMEM;

	if (!err) {
		kill_mark_asked(s, asked, marks, &p.bound);
		err = kill_take_all(&p, s, marks, asked, self);
	}
	if (!err)
		err = kill_take_others(&p, s, marks);
	if (!err) {
		kill_refuse_futile(&p);
		err = kill_list_sockets(&p, s, marks, asked);
	}
	free(marks);
	if (err) {
		kill_plan_release(&p);
		return err;
	}
	kill_set_depths(&p);
	if (p.n)
		qsort(p.targets, p.n, sizeof(*p.targets), kill_compare_targets);
	for (i = 0; i < p.n; i++) {
		kill_sort_listeners(&p.targets[i]);
		p.targets[i].holds = true;
		if (p.targets[i].why == KILL_WHY_NONE)
			p.n_ending++;
		else
			p.targets[i].action = KILL_ACTION_REFUSED;
	}
	*ret_plan = p;
	return 0;
}

void kill_plan_release(struct kill_plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->targets[i].listeners);
	free(p->targets);
	free(p->sockets);
	*p = (struct kill_plan){ 0 };
}

static bool kill_same_place(const struct kill_target *t, const struct cgroup_place *place)
{
	if (!t->supervised)
		return false;
	if (t->place.container[0])
		return !strcmp(t->place.container, place->container);
	return !strcmp(t->place.unit, place->unit) &&
	       t->place.user_unit == place->user_unit;
}

const struct kill_target *kill_plan_origin(const struct kill_plan *p,
					   const struct kill_self *self, pid_t ppid,
					   const struct cgroup_place *place,
					   bool *ret_by_place)
{
	size_t i;

	for (i = 0; i < p->n_ending; i++)
		if (kill_same_place(&p->targets[i], place)) {
			*ret_by_place = true;
			return &p->targets[i];
		}
	if (ppid <= PID_INIT || kill_is_ancestor(self, ppid))
		return NULL;
	for (i = 0; i < p->n_ending; i++)
		if (p->targets[i].process->ppid == ppid) {
			*ret_by_place = false;
			return &p->targets[i];
		}
	return NULL;
}

/*
 * Those that end a process by convention. HUP is among them, though it makes many servers
 * reload: then the port stays taken, and that is the answer. All others (USR1, WINCH,
 * STOP ...) mean something of the program's own, and nobody can say when that is done.
 */
bool kill_signal_ends(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGKILL ||
	       signal == SIGQUIT || signal == SIGHUP;
}

int64_t kill_settle_ns(const struct kill_plan *p, const struct kill_self *self)
{
	int64_t settle = 0;
	size_t i;

	for (i = 0; i < p->n_ending; i++) {
		const struct kill_target *t = &p->targets[i];
		pid_t ppid = t->process->ppid;

		if (t->supervised)
			return SETTLE_SUPERVISED_NS;
		/* The shell that started us waits for us, and restarts nothing. */
		if (ppid > PID_INIT && !kill_is_ancestor(self, ppid) && !t->depth)
			settle = SETTLE_PARENT_NS;
	}
	return settle;
}
