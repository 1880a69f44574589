#include "kill_report.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "out_tree.h"

static const struct out_column kill_columns[] = {
	[KILL_PORT] = { "port", OUT_INTEGER, 0 },
	[KILL_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[KILL_PORTS] = { "ports", OUT_TREE, 0 },
	[KILL_ALSO] = { "also", OUT_TREE, 0 },
	[KILL_PID] = { "pid", OUT_INTEGER, 0 },
	[KILL_COMM] = { "comm", OUT_STRING, 0 },
	[KILL_USER] = { "user", OUT_STRING, 0 },
	[KILL_CMDLINE] = { "cmdline", OUT_TREE, 0 },
	[KILL_STARTED] = { "started", OUT_STRING, 0 },
	[KILL_UNIT] = { "unit", OUT_STRING, 0 },
	[KILL_CONTAINER] = { "container", OUT_STRING, 0 },
	[KILL_ENGINE] = { "engine", OUT_STRING, 0 },
	[KILL_ACTION] = { "action", OUT_STRING, 0 },
	[KILL_REASON] = { "reason", OUT_STRING, 0 },
	[KILL_SIGNAL] = { "signal", OUT_STRING, 0 },
	[KILL_FORCED] = { "forced", OUT_BOOL, 0 },
	[KILL_ENDED] = { "ended", OUT_BOOL, 0 },
	[KILL_ENDED_MS] = { "ended_ms", OUT_NUMBER, 3 },
	[KILL_PORT_FREE] = { "port_free", OUT_BOOL, 0 },
	[KILL_PORT_MESSAGE] = { "port_message", OUT_STRING, 0 },
	[KILL_MESSAGE] = { "message", OUT_STRING, 0 },
};

const struct out_schema kill_schema = {
	.tool = "portwho",
	.columns = kill_columns,
	.n_columns = ARRAY_SIZE(kill_columns),
};

/* ---- words ---- */

static const char *kill_action_word(enum kill_action action)
{
	switch (action) {
	case KILL_ACTION_SIGNALLED:
		return "signalled";
	case KILL_ACTION_REFUSED:
		return "refused";
	case KILL_ACTION_GONE:
		return "gone";
	case KILL_ACTION_DENIED:
		return "denied";
	case KILL_ACTION_NONE:
	case KILL_ACTION_DECLINED:
		break;
	}
	return "declined";
}

static const char *kill_why_word(enum kill_why why)
{
	switch (why) {
	case KILL_WHY_NONE:
		break;
	case KILL_WHY_SYSTEMD:
		return "systemd";
	case KILL_WHY_INIT:
		return "init";
	case KILL_WHY_SELF:
		return "self";
	case KILL_WHY_ANCESTOR:
		return "ancestor";
	case KILL_WHY_KERNEL_THREAD:
		return "kernel-thread";
	case KILL_WHY_FUTILE:
		return "shared";
	case KILL_WHY_KERNEL:
		return "kernel";
	case KILL_WHY_HIDDEN:
		return "hidden";
	}
	return NULL;
}

/* ---- parts ---- */

static void kill_set_port(struct out_record *r, const struct listener *l)
{
	out_set_integer(r, KILL_PORT, l->sock.local_port);
	out_set_string(r, KILL_PROTOCOL, protocol_word(l->sock.protocol));
}

/* Each port once, of the N listeners from FIRST on. */
static void kill_set_ports(struct out_record *r, size_t column,
			   const struct kill_target *t, size_t first, size_t n)
{
	struct out_tree tree = OUT_TREE_INIT;
	struct buf text = BUF_INIT;
	size_t i, k;

	out_tree_array(&tree);
	for (i = first; i < first + n; i++) {
		for (k = first; k < i; k++)
			if (t->listeners[k]->sock.local_port ==
				    t->listeners[i]->sock.local_port &&
			    t->listeners[k]->sock.protocol ==
				    t->listeners[i]->sock.protocol)
				break;
		if (k < i)
			continue;
		buf_clear(&text);
		kill_say_port(&text, t->listeners[i]);
		out_tree_string(&tree, text.data);
	}
	out_tree_end(&tree);
	out_set_tree(r, column, &tree);
	out_tree_release(&tree);
	buf_release(&text);
}

static void kill_set_process(struct out_record *r, const struct kill_context *c,
			     const struct process *p)
{
	struct out_tree tree = OUT_TREE_INIT;
	char user[USER_TEXT_SIZE], started[CLOCK_RFC3339_SIZE];
	const char *at;

	if (!p)
		return;
	out_set_integer(r, KILL_PID, p->pid);
	out_set_string(r, KILL_COMM, p->comm);
	if (p->has_uid)
		out_set_string(r, KILL_USER, users_name(&c->names->users, p->uid, user));
	if (p->start_wall_ns) {
		clock_rfc3339(p->start_wall_ns, started);
		out_set_string(r, KILL_STARTED, started);
	}
	if (!p->cmdline)
		return;
	out_tree_array(&tree);
	for (at = p->cmdline; at < p->cmdline + p->cmdline_len; at += strlen(at) + 1)
		out_tree_string(&tree, at);
	out_tree_end(&tree);
	out_set_tree(r, KILL_CMDLINE, &tree);
	out_tree_release(&tree);
}

static void kill_set_place(struct out_record *r, const struct cgroup_place *p)
{
	if (p->unit[0])
		out_set_string(r, KILL_UNIT, p->unit);
	if (p->container[0])
		out_set_string(r, KILL_CONTAINER, p->container);
	if (p->engine[0])
		out_set_string(r, KILL_ENGINE, p->engine);
}

static void kill_set_signal(struct out_record *r, const struct kill_context *c,
			    const struct kill_target *t)
{
	const char *name = sigabbrev_np(c->signal);
	char number[16];

	if (t->action != KILL_ACTION_SIGNALLED)
		return;
	snprintf(number, sizeof(number), "%d", c->signal);
	out_set_string(r, KILL_SIGNAL, name ? name : number);
	out_set_bool(r, KILL_FORCED, t->forced);
	if (!c->waits)
		return;
	out_set_bool(r, KILL_ENDED, t->ended);
	if (t->ended)
		out_set_number(r, KILL_ENDED_MS, ns_to_ms(t->ended_ns - t->signalled_ns));
}

/* ---- records ---- */

void kill_report_target(struct out_record *r, const struct kill_context *c,
			const struct kill_target *t)
{
	struct buf message = BUF_INIT;

	kill_set_port(r, t->listeners[0]);
	kill_set_ports(r, KILL_PORTS, t, 0, t->n_asked);
	kill_set_ports(r, KILL_ALSO, t, t->n_asked, t->n_listeners - t->n_asked);
	kill_set_process(r, c, t->process);
	kill_set_place(r, &t->place);
	out_set_string(r, KILL_ACTION, kill_action_word(t->action));
	out_set_string(r, KILL_REASON, kill_why_word(t->why));
	kill_set_signal(r, c, t);
	kill_say_result(&message, c, t);
	out_set_text(r, KILL_MESSAGE, message.data);
	buf_release(&message);
}

void kill_say_left(struct buf *out, const struct kill_left *left)
{
	kill_say_port(out, left->listener);
	buf_adds(out, left->is_new ? " is taken again" : " is still taken");
	if (left->is_new && left->origin && left->by_place) {
		const struct cgroup_place *place = &left->origin->place;
		struct buf PK_CLEANUP(buf_release) stop = BUF_INIT;

		kill_say_stop(&stop, place);
		buf_adds(out, ": ");
		kill_say_place(out, place);
		buf_adds(out, " has started ");
		kill_say_process(out, left->process);
		if (stop.len)
			buf_addf(out, "; to end it for good: %s", stop.data);
	} else if (left->is_new && left->origin && left->parent) {
		buf_adds(out, ": ");
		kill_say_process(out, left->parent);
		buf_adds(out, " has started ");
		kill_say_process(out, left->process);
		buf_adds(out, "; what restarts it has to be ended first");
	} else if (left->process) {
		buf_adds(out, " by ");
		kill_say_process(out, left->process);
	} else {
		buf_adds(out, ", by a process that we cannot see");
	}
}

static void kill_set_left_ports(struct out_record *r, const struct listener *l)
{
	const struct kill_target t = { .listeners = &l, .n_asked = 1, .n_listeners = 1 };

	kill_set_ports(r, KILL_PORTS, &t, 0, 1);
	kill_set_ports(r, KILL_ALSO, &t, 1, 0);
}

void kill_report_left(struct out_record *r, const struct kill_context *c,
		      const struct kill_left *left)
{
	struct buf message = BUF_INIT;

	kill_set_port(r, left->listener);
	kill_set_left_ports(r, left->listener);
	kill_set_process(r, c, left->process);
	kill_set_place(r, &left->listener->place);
	out_set_string(r, KILL_ACTION,
		       !left->is_new  ? "left"
		       : left->origin ? "restarted"
				      : "taken");
	kill_say_left(&message, left);
	out_set_text(r, KILL_MESSAGE, message.data);
	buf_release(&message);
}

void kill_report_port(struct out_record *r, const struct kill_port *ports, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (ports[i].port != out_get_integer(r, KILL_PORT) ||
		    strcmp(protocol_word(ports[i].protocol),
			   out_get_string(r, KILL_PROTOCOL)) != 0)
			continue;
		out_set_bool(r, KILL_PORT_FREE, ports[i].free);
		out_set_text(r, KILL_PORT_MESSAGE, ports[i].text);
		return;
	}
}

void kill_report_nothing(struct out_record *r, const struct filter *asked)
{
	const struct port_range *first = asked->ports.ranges;
	struct out_tree tree = OUT_TREE_INIT;
	struct buf text = BUF_INIT;

	if (asked->ports.n_ports == 1) {
		out_set_integer(r, KILL_PORT, first->first);
		out_set_string(r, KILL_PROTOCOL, protocol_word(first->protocol));
	}
	out_tree_array(&tree);
	out_tree_end(&tree);
	out_set_tree(r, KILL_PORTS, &tree);
	out_set_tree(r, KILL_ALSO, &tree);
	out_set_string(r, KILL_ACTION, "nothing");
	kill_say_nothing(&text, asked);
	out_set_text(r, KILL_MESSAGE, text.data);
	out_tree_release(&tree);
	buf_release(&text);
}
