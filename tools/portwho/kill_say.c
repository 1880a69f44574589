#include "kill_say.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "clock.h"
#include "table.h"
#include "text.h"

/* As many ports of one process are told; and so much of its command line. */
#define PORTS_TOLD    12
#define COMMAND_BYTES 400
#define PID_INIT      1

/* ---- words ---- */

void kill_say_port(struct buf *out, const struct listener *l)
{
	buf_addf(out, "%u/%s", l->sock.local_port,
		 l->sock.protocol == IPPROTO_UDP ? "udp" : "tcp");
}

void kill_say_ports(struct buf *out, const struct port_list *list)
{
	size_t i;

	for (i = 0; i < list->n_ranges; i++) {
		const struct port_range *r = &list->ranges[i];

		buf_addf(out, "%s%u", i ? ", " : "", r->first);
		if (r->last != r->first)
			buf_addf(out, "-%u", r->last);
		buf_addf(out, "/%s", protocol_word(r->protocol));
	}
}

void kill_say_process(struct buf *out, const struct process *p)
{
	text_escape_str(out, p->comm);
	buf_addf(out, " (pid %d)", (int)p->pid);
}

void kill_say_signal(struct buf *out, int signal)
{
	const char *name = sigabbrev_np(signal);

	if (name)
		buf_addf(out, "SIG%s", name);
	else
		buf_addf(out, "signal %d", signal);
}

static bool kill_same_port(const struct listener *a, const struct listener *b)
{
	return a->sock.local_port == b->sock.local_port &&
	       a->sock.protocol == b->sock.protocol;
}

/* Was the port of the I-th listener among those from FIRST on? */
static bool kill_is_repeated(const struct kill_target *t, size_t first, size_t i)
{
	size_t k;

	for (k = first; k < i; k++)
		if (kill_same_port(t->listeners[k], t->listeners[i]))
			return true;
	return false;
}

/* Is there one on a port that is not among the asked ones? "0.0.0.0:80" and "[::]:80" are
 * one port to a person. */
static bool kill_is_asked_port(const struct kill_target *t, const struct listener *l)
{
	size_t i;

	for (i = 0; i < t->n_asked; i++)
		if (kill_same_port(t->listeners[i], l))
			return true;
	return false;
}

void kill_say_listeners(struct buf *out, const struct kill_target *t, size_t first,
			size_t n)
{
	size_t told = 0, more = 0, i;

	for (i = first; i < first + n; i++) {
		if (kill_is_repeated(t, first, i) ||
		    (first && kill_is_asked_port(t, t->listeners[i])))
			continue;
		if (told >= PORTS_TOLD) {
			more++;
			continue;
		}
		if (told++)
			buf_adds(out, ", ");
		kill_say_port(out, t->listeners[i]);
	}
	if (more)
		buf_addf(out, " and %zu more", more);
}

void kill_say_place(struct buf *out, const struct cgroup_place *p)
{
	if (!p->container[0]) {
		text_escape_str(out, p->unit);
		return;
	}
	buf_addf(out, "%s%scontainer ", p->engine, p->engine[0] ? " " : "");
	text_escape_str(out, p->container);
}

void kill_say_stop(struct buf *out, const struct cgroup_place *p)
{
	static const struct {
		const char *engine, *command;
	} commands[] = {
		{ "docker", "docker stop " },
		{ "podman", "podman stop " },
		{ "lxc", "lxc-stop -n " },
		{ "nspawn", "machinectl poweroff " },
	};
	size_t i;

	if (!p->container[0]) {
		if (!p->unit[0])
			return;
		buf_addf(out, "systemctl %sstop ", p->user_unit ? "--user " : "");
		cell_argument(out, p->unit);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(p->engine, commands[i].engine)) {
			buf_adds(out, commands[i].command);
			cell_argument(out, p->container);
			return;
		}
}

void kill_say_nothing(struct buf *out, const struct filter *f)
{
	bool narrowed = f->pid || f->has_uid || f->unit || f->exposed ||
			f->family != AF_UNSPEC;

	buf_adds(out, narrowed ? "nothing of what was asked for listens on "
			       : "nothing listens on ");
	kill_say_ports(out, &f->ports);
}

/* ---- why not ---- */

/* The unit for which systemd listens: it makes the socket in that unit's group, where the
 * kernel lets it (systemd's socket.c, socket_address_listen_in_cgroup). */
static void kill_say_socket_unit(struct buf *out, const struct kill_target *t)
{
	size_t i, n;

	for (i = 0; i < t->n_asked; i++) {
		const char *path = t->listeners[i]->cgroup;
		const char *name = path ? strrchr(path, '/') : NULL;

		n = name ? strlen(name) : 0;
		if (n < sizeof("/.socket") || strcmp(name + n - 7, ".socket") != 0)
			continue;
		buf_addf(out, "systemctl %sstop ",
			 t->process->pid == PID_INIT ? "" : "--user ");
		cell_argument(out, name + 1);
		return;
	}
	buf_addf(out,
		 "systemctl %slist-sockets shows for which unit; systemctl %sstop that",
		 t->process->pid == PID_INIT ? "" : "--user ",
		 t->process->pid == PID_INIT ? "" : "--user ");
}

static void kill_say_hidden(struct buf *out, const struct kill_context *c,
			    const struct kill_target *t)
{
	const struct listener *l = t->listeners[0];
	char user[USER_TEXT_SIZE];

	if (c->euid == 0) {
		buf_adds(out,
			 "no process is seen to hold it, even by root: it may be one "
			 "of another PID namespace (a container, or outside of this "
			 "one), or the kernel");
		return;
	}
	buf_adds(out, "its process is hidden from us (the socket is of user ");
	text_escape_str(out, users_name(&c->names->users, l->sock.uid, user));
	buf_adds(out, "); try: sudo portwho --kill ");
	kill_say_port(out, l);
}

static void kill_say_why(struct buf *out, const struct kill_context *c,
			 const struct kill_target *t)
{
	switch (t->why) {
	case KILL_WHY_NONE:
		return;
	case KILL_WHY_SYSTEMD:
		buf_adds(out, "it starts a service there once a client comes: ");
		kill_say_socket_unit(out, t);
		return;
	case KILL_WHY_INIT:
		buf_adds(out, "process 1 is never ended: all others of this machine or "
			      "container would end with it");
		return;
	case KILL_WHY_SELF:
		buf_adds(out,
			 "it is this command itself, which has inherited the socket");
		return;
	case KILL_WHY_ANCESTOR:
		buf_adds(out,
			 "this command was started from it and would end with it; run "
			 "it from elsewhere");
		return;
	case KILL_WHY_KERNEL_THREAD:
		buf_adds(out, "it is a thread of the kernel");
		return;
	case KILL_WHY_FUTILE:
		buf_adds(out, "to end it would not free the port, which ");
		kill_say_process(out, t->blocker);
		buf_adds(out, " holds, too");
		return;
	case KILL_WHY_KERNEL:
		buf_adds(out,
			 "no process holds it, it is the kernel's own (a tunnel such as "
			 "VXLAN or WireGuard, or NFS)");
		return;
	case KILL_WHY_HIDDEN:
		kill_say_hidden(out, c, t);
		return;
	}
}

/* ---- the plan ---- */

static void kill_say_command(struct buf *out, const struct process *p)
{
	struct buf PK_CLEANUP(buf_release) text = BUF_INIT;
	size_t n;

	cell_command(&text, p);
	n = text.len;
	if (n > COMMAND_BYTES) {
		/* Not in the middle of a character. */
		for (n = COMMAND_BYTES; n && (text.data[n] & 0xc0) == 0x80;)
			n--;
	}
	buf_add(out, text.data, n);
	if (n < text.len)
		buf_adds(out, "...");
}

static void kill_say_supervisor(struct buf *out, const struct kill_target *t)
{
	const struct cgroup_place *p = &t->place;
	struct buf PK_CLEANUP(buf_release) stop = BUF_INIT;

	if (!t->supervised)
		return;
	/* It only forwards a published port of some container. */
	if (!strcmp(t->process->comm, "docker-proxy")) {
		buf_addf(out,
			 "    it forwards to a container: docker ps --filter "
			 "publish=%u shows which; docker stop that\n",
			 t->listeners[0]->sock.local_port);
		return;
	}
	kill_say_stop(&stop, p);
	buf_adds(out, "    it belongs to ");
	kill_say_place(out, p);
	buf_adds(out, ", which may start it again");
	if (stop.len)
		buf_addf(out, "; to end it for good: %s", stop.data);
	buf_addc(out, '\n');
}

/* "  node (pid 4711), user anna, since 10:02, listens on 80/tcp, also on 443/tcp: ..." */
static void kill_say_target(struct buf *out, const struct kill_context *c,
			    const struct kill_target *t)
{
	const struct process *p = t->process;
	char user[USER_TEXT_SIZE];
	size_t before;

	buf_adds(out, "  ");
	kill_say_process(out, p);
	if (p->has_uid) {
		buf_adds(out, ", user ");
		text_escape_str(out, users_name(&c->names->users, p->uid, user));
	}
	if (p->start_wall_ns) {
		buf_adds(out, ", since ");
		cell_since(out, p->start_wall_ns, c->wall_ns);
	}
	buf_adds(out, t->listeners[0]->sock.state == SOCK_BOUND_INACTIVE
			      ? ", bound to "
			      : ", listens on ");
	kill_say_listeners(out, t, 0, t->n_asked);
	buf_adds(out, ", and also on ");
	before = out->len;
	kill_say_listeners(out, t, t->n_asked, t->n_listeners - t->n_asked);
	if (out->len == before)
		buf_truncate(out, before - strlen(", and also on "));
	buf_adds(out, ": ");
	kill_say_command(out, p);
	buf_addc(out, '\n');
}

static void kill_say_subject(struct buf *out, const struct kill_target *t)
{
	if (t->process)
		kill_say_process(out, t->process);
	else
		kill_say_port(out, t->listeners[0]);
}

void kill_say_plan(struct buf *out, const struct kill_context *c,
		   const struct kill_plan *p)
{
	size_t i;

	if (kill_signal_ends(c->signal)) {
		buf_adds(out, "To be ended");
		if (c->signal != SIGTERM) {
			buf_adds(out, " by ");
			kill_say_signal(out, c->signal);
		}
	} else {
		buf_adds(out, "To be sent ");
		kill_say_signal(out, c->signal);
	}
	buf_adds(out, ":\n");
	for (i = 0; i < p->n_ending; i++) {
		kill_say_target(out, c, &p->targets[i]);
		kill_say_supervisor(out, &p->targets[i]);
	}
	if (p->n > p->n_ending)
		buf_adds(out, "Left alone:\n");
	for (; i < p->n; i++) {
		buf_adds(out, "  ");
		kill_say_subject(out, &p->targets[i]);
		buf_adds(out, ": ");
		kill_say_why(out, c, &p->targets[i]);
		buf_addc(out, '\n');
	}
}

void kill_say_question(struct buf *out, const struct kill_context *c,
		       const struct kill_plan *p)
{
	if (kill_signal_ends(c->signal)) {
		buf_adds(out, "End ");
	} else {
		buf_adds(out, "Send ");
		kill_say_signal(out, c->signal);
		buf_adds(out, " to ");
	}
	if (p->n_ending == 1)
		buf_adds(out, "it");
	else
		buf_addf(out, "these %zu processes", p->n_ending);
	buf_adds(out, "? [y/N] ");
}

/* ---- what became of it ---- */

static void kill_say_wait(struct buf *out, int64_t ns)
{
	char text[CLOCK_HUMAN_SIZE];

	clock_human(ns, text, sizeof(text));
	buf_adds(out, text);
}

static void kill_say_end(struct buf *out, const struct kill_context *c,
			 const struct kill_target *t)
{
	buf_adds(out, "ended ");
	kill_say_process(out, t->process);
	if (t->forced) {
		buf_adds(out, " by SIGKILL, since ");
		kill_say_signal(out, c->signal);
		buf_adds(out, " did not");
	} else if (c->signal != SIGTERM) {
		buf_adds(out, " by ");
		kill_say_signal(out, c->signal);
	}
}

static void kill_say_stay(struct buf *out, const struct kill_context *c,
			  const struct kill_target *t)
{
	buf_adds(out,
		 c->interrupted ? "interrupted, still there: " : "still there after ");
	if (!c->interrupted) {
		kill_say_wait(out, c->timeout_ns);
		buf_adds(out, ": ");
	}
	kill_say_process(out, t->process);
	if (c->interrupted)
		return;
	if (t->forced)
		buf_adds(out, ", in spite of SIGKILL: it waits inside the kernel, for a "
			      "disk or a device");
	else if (c->signal == SIGHUP)
		buf_adds(out, "; many servers take SIGHUP for a wish to reload; without "
			      "--signal it is SIGTERM");
	else if (!c->forces && c->signal != SIGKILL)
		buf_adds(out, "; with --force it is sent SIGKILL");
}

static void kill_say_signalled(struct buf *out, const struct kill_context *c,
			       const struct kill_target *t)
{
	if (!c->waits) {
		buf_adds(out, "sent ");
		kill_say_signal(out, c->signal);
		buf_adds(out, " to ");
		kill_say_process(out, t->process);
	} else if (t->ended) {
		kill_say_end(out, c, t);
	} else if (!t->holds) {
		kill_say_process(out, t->process);
		buf_adds(out, " has stopped listening on ");
		kill_say_listeners(out, t, 0, t->n_asked);
		buf_adds(out, ", and still runs");
	} else {
		kill_say_stay(out, c, t);
	}
}

static void kill_say_denied(struct buf *out, const struct kill_context *c,
			    const struct kill_target *t)
{
	char user[USER_TEXT_SIZE];

	if (t->error != EPERM && t->error != EACCES) {
		buf_adds(out, "cannot signal ");
		kill_say_process(out, t->process);
		buf_addf(out, ": %s", strerror(t->error));
		return;
	}
	buf_adds(out, "not permitted: ");
	kill_say_process(out, t->process);
	if (t->process->has_uid) {
		buf_adds(out, " is of user ");
		text_escape_str(out, users_name(&c->names->users, t->process->uid, user));
	}
	if (c->euid != 0) {
		buf_adds(out, "; try: sudo portwho --kill ");
		kill_say_port(out, t->listeners[0]);
	}
}

void kill_say_result(struct buf *out, const struct kill_context *c,
		     const struct kill_target *t)
{
	switch (t->action) {
	case KILL_ACTION_NONE:
	case KILL_ACTION_DECLINED:
		buf_adds(out, "left alone: ");
		kill_say_process(out, t->process);
		return;
	case KILL_ACTION_SIGNALLED:
		kill_say_signalled(out, c, t);
		return;
	case KILL_ACTION_REFUSED:
		buf_adds(out, "refused: ");
		kill_say_subject(out, t);
		buf_adds(out, ": ");
		kill_say_why(out, c, t);
		return;
	case KILL_ACTION_GONE:
		buf_adds(out, "gone already: ");
		kill_say_process(out, t->process);
		buf_adds(out, t->ended ? " has ended by itself"
				       : " does not listen there any more");
		return;
	case KILL_ACTION_DENIED:
		kill_say_denied(out, c, t);
		return;
	}
}
