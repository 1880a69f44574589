/*
 * --free: what can be done.
 */
#include <string.h>

#include "free_private.h"
#include "group.h"
#include "kill_say.h"
#include "table.h"

#define PID_INIT 1
/* So many processes are told. */
#define PIDS_TOLD 4

struct free_advising {
	const struct free_answer *answer;
	const struct free_context *context;
	struct free_advice *advice;
	size_t n;
};

static struct buf *free_begin(struct free_advising *d, const char *label)
{
	struct free_advice *a = &d->advice[d->n++];

	a->label = label;
	buf_init(&a->text);
	return &a->text;
}

static bool free_ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

/* ---- end it ---- */

static bool free_is_own_place(const struct cgroup_place *a, const struct cgroup_place *b)
{
	return !strcmp(a->container, b->container) && !strcmp(a->unit, b->unit);
}

/* Somebody would start it again, or has to be told that it is to end. */
static bool free_is_supervised(const struct free_context *c, const struct cgroup_place *p)
{
	return (p->container[0] || free_ends_with(p->unit, ".service")) &&
	       !free_is_own_place(p, &c->place);
}

static void free_add_portwho(struct buf *out, const struct free_advising *d, bool hidden,
			     const char *option)
{
	const struct free_context *c = d->context;

	buf_adds(out, hidden && !c->root ? "sudo portwho " : "portwho ");
	if (c->netns) {
		buf_adds(out, "--netns ");
		cell_argument(out, c->netns);
		buf_addc(out, ' ');
	}
	buf_addf(out, "%s %u%s", option, d->answer->port,
		 d->answer->protocol == IPPROTO_UDP ? "/udp" : "");
}

/* systemd itself holds it, for a service that it starts on demand. */
static void free_advise_systemd(struct free_advising *d, const struct listener *l)
{
	struct cgroup_place place = { 0 };

	if (l->cgroup)
		cgroup_place_of(l->cgroup, &place);
	if (free_ends_with(place.unit, ".socket"))
		kill_say_stop(free_begin(d, "to end it"), &place);
	else
		buf_adds(free_begin(d, "whose it is"), "systemctl list-sockets");
}

static void free_advise_end(struct free_advising *d, const struct free_holder *holders,
			    size_t n)
{
	const struct listener *l = holders[0].listener;
	struct buf *out;
	size_t i;

	for (i = 1; i < n; i++)
		if (!free_same_owner(holders[i].listener, l))
			break;
	if (i < n) {
		free_add_portwho(free_begin(d, "to end them"), d,
				 d->answer->owners_hidden, "--kill");
		return;
	}
	if (l->owner == OWNER_KERNEL)
		return;
	if (l->owner == OWNER_SYSTEMD) {
		free_advise_systemd(d, l);
		return;
	}
	out = free_begin(d, "to end it");
	if (free_is_supervised(d->context, &l->place))
		kill_say_stop(out, &l->place);
	if (!out->len)
		free_add_portwho(out, d, l->owner == OWNER_HIDDEN, "--kill");
}

/* Connections are never ended by --kill. */
static void free_advise_kill(struct free_advising *d, const struct free_holder *holders,
			     size_t n)
{
	pid_t pids[PIDS_TOLD];
	size_t n_pids = 0, i, k;
	struct buf *out;

	for (i = 0; i < n && n_pids < PIDS_TOLD; i++) {
		const struct process *p = listener_process(holders[i].listener);

		if (!p || p->pid == PID_INIT)
			continue;
		for (k = 0; k < n_pids; k++)
			if (pids[k] == p->pid)
				break;
		if (k == n_pids)
			pids[n_pids++] = p->pid;
	}
	if (!n_pids && d->answer->owners_hidden && holders[0].listener->sock.inode)
		free_add_portwho(free_begin(d, "whose it is"), d, true, "--free");
	if (!n_pids)
		return;
	out = free_begin(d, n_pids == 1 ? "to end it" : "to end them");
	buf_adds(out, "kill");
	for (i = 0; i < n_pids; i++)
		buf_addf(out, " %d", (int)pids[i]);
}

/* ---- let it not happen ---- */

static void free_add_sysctl(struct buf *out, const struct free_context *c)
{
	buf_adds(out, c->root ? "" : "sudo ");
	if (c->netns) {
		buf_adds(out, "ip netns exec ");
		cell_argument(out, c->netns);
		buf_addc(out, ' ');
	}
	buf_adds(out, "sysctl ");
}

static void free_advise_reserve(struct free_advising *d)
{
	const struct free_answer *a = d->answer;
	struct buf *out;

	if (!a->ephemeral || a->reserved)
		return;
	out = free_begin(d, "to keep it");
	if (!a->reserve) {
		buf_addf(out, "add %u to net.ipv4.ip_local_reserved_ports", a->port);
		return;
	}
	free_add_sysctl(out, d->context);
	buf_addf(out, "net.ipv4.ip_local_reserved_ports=%s", a->reserve);
}

static void free_advise_privileged(struct free_advising *d)
{
	struct buf *out = free_begin(d, "to allow it");

	buf_adds(out, d->context->root ? "" : "sudo ");
	buf_adds(out, "setcap cap_net_bind_service=+ep PROGRAM");
	out = free_begin(d, "or");
	free_add_sysctl(out, d->context);
	buf_addf(out, "net.ipv4.ip_unprivileged_port_start=%u", d->answer->port);
}

size_t free_advise(const struct free_answer *a, const struct free_context *c,
		   struct free_advice ret_advice[FREE_ADVICE_MAX])
{
	struct free_advising d = { .answer = a, .context = c, .advice = ret_advice };
	const struct free_holder *holders;
	size_t n = free_main_holders(a, &holders);

	switch (a->cause) {
	case FREE_YES:
		if (c->single || c->verbose)
			free_advise_reserve(&d);
		break;
	case FREE_LISTENER:
		free_advise_end(&d, holders, n);
		/* A client that waits for answers is no server. */
		if (a->protocol == IPPROTO_UDP)
			free_advise_reserve(&d);
		break;
	case FREE_BOUND:
		free_advise_end(&d, holders, n);
		break;
	case FREE_CONNECTION:
		free_advise_kill(&d, holders, n);
		if (holders[0].kind != FREE_KIND_ACCEPTED)
			free_advise_reserve(&d);
		break;
	case FREE_PRIVILEGED:
		free_advise_privileged(&d);
		break;
	case FREE_TIME_WAIT:
	case FREE_UNKNOWN:
		break;
	}
	return d.n;
}
