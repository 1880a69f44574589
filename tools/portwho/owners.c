#include "owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "namespaces.h"

/* The first pid namespace (linux/proc_ns.h: PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"
/* A socket that only process 1 holds is systemd's, waiting for its service. */
#define PID_SYSTEMD 1

int owners_open(struct owners *ret_owners)
{
	struct owners o = { 0 };
	char link[64];
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
	int err = proc_open(&o.proc, "/proc");

	if (err < 0)
		return err;
	o.sees_all = n == (ssize_t)strlen(FIRST_PID_NAMESPACE) &&
		     !memcmp(link, FIRST_PID_NAMESPACE, (size_t)n);
	/* Without it nothing is narrowed, and units are known by processes only. */
	if (cgroups_open(&o.cgroups, NULL) < 0)
		o.cgroups = NULL;
	*ret_owners = o;
	return 0;
}

void owners_close(struct owners *o)
{
	namespaces_free(o->namespaces);
	cgroups_close(o->cgroups);
	proc_close(o->proc);
}

/* ---- which processes to look at ---- */

/* Paths of the groups whose processes may hold a listener, each once. */
struct places {
	const char **paths;
	size_t n, cap;
};

static int add_place(struct places *p, const char *path)
{
	size_t i;

	for (i = p->n; i > 0; i--)
		if (p->paths[i - 1] == path)
			return 0;
	if (p->n == p->cap) {
		size_t cap = p->cap ? 2 * p->cap : 16;
		const char **more = realloc(p->paths, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		p->paths = more;
		p->cap = cap;
	}
	p->paths[p->n++] = path;
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* Processes that may hold a listener. */
struct candidates {
	pid_t *pids;
	size_t n, cap;
};

static int add_candidates(struct candidates *c, const pid_t *pids, size_t n)
{
	if (n > c->cap - c->n) {
		size_t cap = c->n + n + c->cap;
		pid_t *more = realloc(c->pids, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->pids = more;
		c->cap = cap;
	}
	if (n)
		memcpy(c->pids + c->n, pids, n * sizeof(*pids));
	c->n += n;
	return 0;
}

/* Those in PATH and below; a group that can't be read has none. */
static int add_group(struct owners *o, const char *path, struct candidates *c)
{
	pid_t *pids = NULL;
	size_t n = 0;
	int err = cgroups_pids(o->cgroups, path, &pids, &n);

	if (!err)
		err = add_candidates(c, pids, n);
	free(pids);
	return err == -ENOMEM ? err : 0;
}

/* A socket unit's group holds no process; its service's is named like it. */
static int add_service(struct owners *o, const char *path, struct candidates *c)
{
	const pid_t one = PID_SYSTEMD;
	struct buf service = BUF_INIT;
	int err = add_candidates(c, &one, 1);

	buf_add(&service, path, strlen(path) - strlen(".socket"));
	buf_adds(&service, ".service");
	if (!err)
		err = service.failed ? -ENOMEM : add_group(o, service.data, c);
	buf_release(&service);
	return err;
}

static int compare_pids(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* All at once, so that they are shared out; groups may lie within each other. */
static int scan_places(struct owners *o, const struct places *places,
		       const struct inode_set *wanted, struct proc_holders *holders)
{
	struct candidates c = { 0 };
	size_t i, n = 0;
	int err = 0;

	for (i = 0; !err && i < places->n; i++)
		err = (ends_with(places->paths[i], ".socket") ? add_service : add_group)(
			o, places->paths[i], &c);
	if (!err && c.n) {
		qsort(c.pids, c.n, sizeof(*c.pids), compare_pids);
		for (i = 0; i < c.n; i++)
			if (!n || c.pids[i] != c.pids[n - 1])
				c.pids[n++] = c.pids[i];
		err = proc_scan_pids(o->proc, c.pids, n, wanted, holders);
	}
	free(c.pids);
	return err;
}

/* Of each listener whose group is known; what has the root for it says nothing. */
static int narrow(struct owners *o, struct snapshot *s, const struct inode_set *wanted,
		  struct proc_holders *holders)
{
	struct places places = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		const char *path = s->listeners[i].cgroup;

		if (path && path[1])
			err = add_place(&places, path);
	}
	if (!err)
		err = scan_places(o, &places, wanted, holders);
	free(places.paths);
	return err;
}

/* The inodes that nobody was found to hold. */
static int leftovers(const struct snapshot *s, struct proc_holders *holders,
		     struct inode_set *ret_left)
{
	size_t i, n;
	int err = 0;

	proc_holders_sort(holders);
	for (i = 0; !err && i < s->n; i++)
		if (!proc_holders_of(holders, s->listeners[i].sock.inode, &n))
			err = inode_set_add(ret_left, s->listeners[i].sock.inode);
	return err;
}

static int scan(struct owners *o, struct snapshot *s, bool all,
		struct proc_holders *holders)
{
	struct inode_set wanted = { 0 }, left = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; !err && i < s->n; i++)
		err = inode_set_add(&wanted, s->listeners[i].sock.inode);
	if (!err && all) {
		err = proc_scan(o->proc, &wanted, holders);
	} else if (!err) {
		err = narrow(o, s, &wanted, holders);
		if (!err)
			err = leftovers(s, holders, &left);
		if (!err && left.n)
			err = proc_scan(o->proc, &left, holders);
	}
	proc_holders_sort(holders);
	inode_set_release(&wanted);
	inode_set_release(&left);
	return err;
}

/* ---- processes of the snapshot ---- */

static size_t place_of_pid(const struct snapshot *s, pid_t pid)
{
	size_t low = 0, high = s->n_processes;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->processes[mid]->pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The process PID, read once. NULL and 0: it is gone. */
static int snapshot_process(struct snapshot *s, struct proc *proc, pid_t pid,
			    const struct process **ret_process)
{
	size_t at = place_of_pid(s, pid);
	struct process *process;
	int err;

	*ret_process = NULL;
	if (at < s->n_processes && s->processes[at]->pid == pid) {
		*ret_process = s->processes[at];
		return 0;
	}
	if (s->n_processes == s->cap_processes) {
		size_t cap = s->cap_processes ? 2 * s->cap_processes : 64;
		struct process **more = realloc(s->processes, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		s->processes = more;
		s->cap_processes = cap;
	}
	process = calloc(1, sizeof(*process));
	if (!process)
		return -ENOMEM;
	err = process_read(proc, pid, process);
	if (err < 0) {
		free(process);
		return err == -ENOMEM ? err : 0;
	}
	memmove(&s->processes[at + 1], &s->processes[at],
		(s->n_processes - at) * sizeof(*s->processes));
	s->processes[at] = process;
	s->n_processes++;
	*ret_process = process;
	return 0;
}

/* ---- what a listener gets ---- */

static int give_holders(struct snapshot *s, struct proc *proc,
			const struct proc_holders *holders, struct listener *l)
{
	size_t n = 0, i;
	const struct proc_holder *h = proc_holders_of(holders, l->sock.inode, &n);
	int err = 0;

	if (!h)
		return 0;
	free(l->holders);
	l->n_holders = 0;
	l->holders = calloc(n, sizeof(*l->holders));
	if (!l->holders)
		return -ENOMEM;
	for (i = 0; !err && i < n; i++) {
		const struct process *process;

		err = snapshot_process(s, proc, h[i].pid, &process);
		if (!err && process)
			l->holders[l->n_holders++] =
				(struct holder){ .process = process, .fd = h[i].fd };
	}
	return err;
}

static bool is_systemd(const struct process *p)
{
	return p->pid == PID_SYSTEMD && !strcmp(p->comm, "systemd");
}

static bool only_systemd(const struct listener *l)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (!is_systemd(l->holders[i].process))
			return false;
	return l->n_holders > 0;
}

static bool has_systemd(const struct listener *l)
{
	size_t i;

	for (i = 0; i < l->n_holders; i++)
		if (is_systemd(l->holders[i].process))
			return true;
	return false;
}

static void classify(const struct owners *o, const struct snapshot *s, struct listener *l)
{
	if (only_systemd(l))
		l->owner = OWNER_SYSTEMD;
	else if (l->n_holders)
		l->owner = OWNER_PROCESS;
	else if (l->holders)
		l->owner = OWNER_GONE; /* it was held, by who ended meanwhile */
	else if (s->owners_hidden || !o->sees_all || !l->sock.inode)
		l->owner = OWNER_HIDDEN;
	else
		l->owner = OWNER_KERNEL;
	l->socket_activated = has_systemd(l) ||
			      (l->cgroup && ends_with(l->cgroup, ".socket"));
}

/* The unit: of the process that holds it now, else of the socket's maker. systemd makes
 * one in the group of the socket's unit, and keeps it for that. */
static void find_place(struct listener *l)
{
	const char *path = l->cgroup;
	size_t i;

	for (i = 0; i < l->n_holders; i++) {
		const struct process *p = l->holders[i].process;

		if (p->cgroup && !(path && is_systemd(p))) {
			path = p->cgroup;
			break;
		}
	}
	if (path)
		cgroup_place_of(path, &l->place);
}

static int give_all(struct owners *o, struct snapshot *s,
		    const struct proc_holders *holders, bool unheld_only)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		struct listener *l = &s->listeners[i];

		if (unheld_only && l->n_holders)
			continue;
		err = give_holders(s, o->proc, holders, l);
		if (!err && (l->n_holders || !unheld_only)) {
			classify(o, s, l);
			find_place(l);
		}
	}
	return err;
}

int owners_find(struct owners *o, struct snapshot *s, bool all)
{
	struct proc_holders holders = { 0 };
	size_t i;
	int err;

	for (i = 0; o->cgroups && i < s->n; i++)
		if (s->listeners[i].sock.has_cgroup)
			s->listeners[i].cgroup =
				cgroups_path(o->cgroups, s->listeners[i].sock.cgroup_id);
	err = scan(o, s, all || !o->cgroups, &holders);
	s->owners_hidden = holders.n_hidden || holders.hidepid;
	if (!err)
		err = give_all(o, s, &holders, false);
	proc_holders_release(&holders);
	return err;
}

/* ---- what changed meanwhile ---- */

bool owners_are_missing(const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!s->listeners[i].n_holders && !s->listeners[i].forwarded_to)
			return true;
	return false;
}

static int compare_cookies(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Cookies are the machine's, not a namespace's. */
static uint64_t *sorted_cookies(const struct snapshot *s)
{
	uint64_t *cookies = calloc(s->n + 1, sizeof(*cookies));
	size_t i;

	for (i = 0; cookies && i < s->n; i++)
		cookies[i] = s->listeners[i].sock.cookie;
	if (cookies)
		qsort(cookies, s->n, sizeof(*cookies), compare_cookies);
	return cookies;
}

/* A holder was seen, and ended before it could be read; or it is said to be the kernel's,
 * whose own are root's. Its child may have been passed by. */
static bool is_doubtful(const struct listener *l)
{
	return !l->n_holders && (l->holders || (l->owner == OWNER_KERNEL && l->sock.uid));
}

int owners_settle(struct owners *o, struct snapshot *s, const struct snapshot *now)
{
	uint64_t *cookies = sorted_cookies(now);
	struct proc_holders holders = { 0 };
	struct inode_set wanted = { 0 };
	int err = cookies ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !err && i < s->n; i++) {
		struct listener *l = &s->listeners[i];

		if (l->n_holders || l->forwarded_to)
			continue;
		if (!bsearch(&l->sock.cookie, cookies, now->n, sizeof(*cookies),
			     compare_cookies))
			l->owner = OWNER_GONE;
		else if (is_doubtful(l))
			err = inode_set_add(&wanted, l->sock.inode);
	}
	if (!err && wanted.n)
		err = proc_scan(o->proc, &wanted, &holders);
	proc_holders_sort(&holders);
	if (!err && holders.n)
		err = give_all(o, s, &holders, true);
	proc_holders_release(&holders);
	inode_set_release(&wanted);
	free(cookies);
	return err;
}
