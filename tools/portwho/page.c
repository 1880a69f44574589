#include "page.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "group.h"
#include "kill_say.h"
#include "table.h"
#include "text.h"

/* Where the values begin. */
#define VALUE_COLUMN 13
/* Processes that share a socket are told one by one up to this many. */
#define HOLDERS_TOLD 8

struct drawing {
	const struct portwho_config *config;
	struct naming *names;
	const struct snapshot *snapshot;
	const struct traffic *traffic;
	const struct rows *rows;
	bool color;
	struct buf *out;
};

uint16_t page_port(const struct port_list *ports)
{
	size_t i;

	for (i = 0; i < ports->n_ranges; i++)
		if (ports->ranges[i].first != ports->ranges[i].last ||
		    ports->ranges[i].first != ports->ranges[0].first)
			return 0;
	return ports->n_ranges ? ports->ranges[0].first : 0;
}

bool page_is_wanted(const struct portwho_config *config)
{
	if (config->columns || config->tree || config->all_netns)
		return false;
	if (config->verbose)
		return true;
	return !config->filter.either && page_port(&config->filter.ports);
}

static void styled(struct drawing *d, enum term_style style, const char *text)
{
	buf_adds(d->out, term_begin(style, d->color));
	buf_adds(d->out, text);
	buf_adds(d->out, term_end(style, d->color));
}

static void label(struct drawing *d, const char *name)
{
	buf_adds(d->out, "  ");
	styled(d, TERM_FAINT, name);
	buf_fill(d->out, ' ', VALUE_COLUMN - 2 - strlen(name));
}

/* ---- the head ---- */

static const char *exposed_to(const struct row *row)
{
	const struct listener *l = row->first;

	if (l->sock.state == SOCK_BOUND_INACTIVE)
		return "bound, but it does not listen: nobody can reach it";
	if (l->firewall_why && l->firewall == FIREWALL_BLOCKED)
		return "others can't reach it: this machine's firewall blocks them";
	switch (l->exposure) {
	case EXPOSURE_LOOPBACK:
		return "only this machine can reach it";
	case EXPOSURE_LINK_LOCAL:
		return "only its own network can reach it";
	case EXPOSURE_ADDRESS:
		if (addr_is_any(&l->sock.local))
			return "others can reach it by that device alone, if no firewall "
			       "is in the way";
		return "others can reach it by that address alone, if no firewall is in "
		       "the way";
	case EXPOSURE_ALL:
		break;
	}
	if (row->both_families)
		return "others can reach it by every address, if no firewall is in the "
		       "way";
	if (addr_unmap(&l->sock.local).family == AF_INET)
		return "others can reach it by every IPv4 address, if no firewall is in "
		       "the way";
	return "others can reach it by every IPv6 address, if no firewall is in the way";
}

static enum term_style style_of(const struct listener *l)
{
	if (l->sock.state == SOCK_BOUND_INACTIVE ||
	    (l->firewall_why && l->firewall == FIREWALL_BLOCKED))
		return TERM_GOOD;
	switch (l->exposure) {
	case EXPOSURE_ALL:
	case EXPOSURE_ADDRESS:
		return TERM_WARN;
	case EXPOSURE_LINK_LOCAL:
	case EXPOSURE_LOOPBACK:
		break;
	}
	return TERM_GOOD;
}

static void draw_head(struct drawing *d, const struct row *row)
{
	const struct listener *l = row->first;
	char service[SERVICES_NAME_SIZE];
	struct buf address = BUF_INIT;

	cell_address(&address, row);
	cell_name(d->out, l);
	if (l->sock.family == AF_UNIX) {
		buf_addf(d->out, " %s\n", address.data);
		buf_release(&address);
		return;
	}
	if (naming_service(d->names, l, service)[0])
		buf_addf(d->out, " (%s)", service);
	if (!row->both_families)
		buf_addf(d->out, " on %s: ", address.data);
	else if (!l->interface[0])
		buf_adds(d->out, " on every address, IPv4 and IPv6: ");
	else {
		buf_adds(d->out, " on every address of ");
		text_escape_str(d->out, l->interface);
		buf_adds(d->out, ", IPv4 and IPv6: ");
	}
	styled(d, style_of(l), exposed_to(row));
	buf_addc(d->out, '\n');
	d->out->failed |= address.failed;
	buf_release(&address);
}

/* ---- the owner ---- */

static void draw_process(struct drawing *d, const struct process *p)
{
	char user[USER_TEXT_SIZE], age[CLOCK_HUMAN_SIZE];

	label(d, "process");
	text_escape_str(d->out, p->comm);
	buf_addf(d->out, ", pid %d", (int)p->pid);
	if (p->has_uid) {
		buf_adds(d->out, ", user ");
		text_escape_str(d->out, users_name(&d->names->users, p->uid, user));
	}
	if (p->start_wall_ns) {
		clock_human(d->snapshot->wall_ns - p->start_wall_ns, age, sizeof(age));
		buf_adds(d->out, ", since ");
		cell_since(d->out, p->start_wall_ns, d->snapshot->wall_ns);
		buf_addf(d->out, " (%s)", age);
	}
	buf_addc(d->out, '\n');
	label(d, "command");
	cell_command(d->out, p);
	buf_addc(d->out, '\n');
	if (p->cwd) {
		label(d, "directory");
		text_escape_str(d->out, p->cwd);
		buf_addc(d->out, '\n');
	}
}

/* Processes that were told already. */
struct told {
	const struct process *processes[1 + HOLDERS_TOLD];
	size_t n;
};

static bool is_told(const struct told *told, const struct process *p)
{
	size_t i;

	for (i = 0; i < told->n; i++)
		if (told->processes[i] == p)
			return true;
	return false;
}

static void tell_holders(struct drawing *d, const struct listener *l, struct told *told)
{
	size_t i;

	for (i = 0; i < l->n_holders && told->n < ARRAY_SIZE(told->processes); i++) {
		const struct process *p = l->holders[i].process;

		if (is_told(told, p))
			continue;
		buf_adds(d->out, told->n > 1 ? ", " : "");
		text_escape_str(d->out, p->comm);
		buf_addf(d->out, " (pid %d)", (int)p->pid);
		told->processes[told->n++] = p;
	}
}

/* Who else has a descriptor of it, usually after a fork, or another socket of the row. */
static void draw_sharers(struct drawing *d, const struct row *row,
			 const struct process *first)
{
	struct told told = { .processes = { first }, .n = 1 };
	size_t i;

	if (row->n_processes < 2)
		return;
	label(d, "shared by");
	for (i = 0; i < d->snapshot->n; i++)
		if (d->rows->first_of[i] == row->first)
			tell_holders(d, &d->snapshot->listeners[i], &told);
	if (row->n_processes > told.n)
		buf_addf(d->out, " and %zu more", row->n_processes - told.n);
	buf_addc(d->out, '\n');
}

static void draw_no_process(struct drawing *d, const struct listener *l)
{
	char user[USER_TEXT_SIZE];

	label(d, "process");
	switch (l->owner) {
	case OWNER_KERNEL:
		buf_adds(d->out, "none: the kernel itself (a tunnel, NFS, WireGuard)");
		break;
	case OWNER_GONE:
		buf_adds(d->out, "gone while we looked");
		break;
	case OWNER_PROCESS:
	case OWNER_SYSTEMD:
	case OWNER_HIDDEN:
		buf_adds(d->out, "hidden: of user ");
		text_escape_str(d->out, users_name(&d->names->users, l->sock.uid, user));
		buf_adds(d->out,
			 d->snapshot->owners_hidden && geteuid() != 0
				 ? "; root sees it (try sudo)"
				 : "; not a process that is seen from here (another "
				   "container, perhaps)");
		break;
	}
	buf_addc(d->out, '\n');
}

static void draw_unit(struct drawing *d, const struct listener *l)
{
	const struct cgroup_place *p = &l->place;

	if (p->container[0]) {
		label(d, "container");
		cell_unit(d->out, l);
		if (p->pod[0]) {
			buf_adds(d->out, ", pod ");
			text_escape_str(d->out, p->pod);
		}
		buf_addc(d->out, '\n');
	} else if (p->unit[0]) {
		label(d, "unit");
		cell_unit(d->out, l);
		buf_adds(d->out, p->user_unit ? " (of the user's own systemd)" : "");
		buf_adds(d->out,
			 l->socket_activated ? ", started by systemd on demand" : "");
		buf_addc(d->out, '\n');
	}
}

/* ---- what goes on ---- */

static void draw_queue(struct drawing *d, const struct row *row)
{
	const struct listener *l = row->first;

	if (l->sock.state == SOCK_BOUND_INACTIVE)
		return;
	label(d, "queue");
	if (l->sock.state != TCP_LISTEN)
		buf_addf(d->out, "%" PRIu64 " bytes unread", row->queue);
	else if (row->n_full && row->n_sockets > 1)
		buf_addf(d->out,
			 "%u of %u sockets are full, and drop new connections: %" PRIu64
			 " wait to be accepted, %" PRIu64 " may",
			 row->n_full, row->n_sockets, row->queue, row->backlog);
	else if (row->n_full)
		buf_addf(d->out,
			 "full: %" PRIu64 " connections wait to be accepted, %" PRIu64
			 " may: new ones are dropped",
			 row->queue, row->backlog);
	else
		buf_addf(d->out,
			 "%" PRIu64 " of %" PRIu64 " connections wait to be accepted",
			 row->queue, row->backlog);
	if (l->sock.has_drops)
		buf_addf(d->out, "; %" PRIu64 " dropped so far", row->drops);
	buf_addc(d->out, '\n');
	if (row->n_sockets > 1) {
		label(d, "sockets");
		buf_addf(d->out, "%u that share the port\n", row->n_sockets);
	}
}

static void draw_clients(struct drawing *d, const struct row *row)
{
	unsigned int n = 0, others = 0;
	char text[ADDR_TEXT_SIZE];
	size_t i, k, told = 0;

	/* Of others they are not counted. */
	if (row->first->sock.state != TCP_LISTEN ||
	    row->first->sock.protocol != IPPROTO_TCP)
		return;
	for (i = 0; i < d->snapshot->n; i++)
		if (d->rows->first_of[i] == row->first)
			n += d->snapshot->listeners[i].n_clients;
	label(d, "clients");
	if (!n)
		buf_adds(d->out, "none connected now");
	else
		buf_addf(d->out, "%u connected now: ", n);
	for (i = 0; i < d->snapshot->n; i++) {
		const struct traffic *t = &d->traffic[i];

		if (d->rows->first_of[i] != row->first)
			continue;
		others += t->n_more;
		for (k = 0; k < t->n_clients; k++) {
			if (told >= CLIENTS_TOLD) {
				others += t->clients[k].n;
				continue;
			}
			buf_addf(d->out, "%s%s", told++ ? ", " : "",
				 addr_to_text(&t->clients[k].addr, text));
			if (t->clients[k].n > 1)
				buf_addf(d->out, " (%u)", t->clients[k].n);
		}
	}
	if (others)
		buf_addf(d->out, " and %u from elsewhere", others);
	buf_addc(d->out, '\n');
}

/* Its own last word: how it is ended. */
static void draw_end(struct drawing *d, const struct listener *l)
{
	const struct cgroup_place *p = &l->place;
	const struct process *process = listener_process(l);
	size_t n = strlen(p->unit), before;

	if (!process || process->pid == 1 || l->sock.family == AF_UNIX ||
	    (l->sock.protocol != IPPROTO_TCP && l->sock.protocol != IPPROTO_UDP))
		return;
	label(d, "to end it");
	before = d->out->len;
	if (p->container[0] || (n > 8 && !strcmp(p->unit + n - 8, ".service")))
		kill_say_stop(d->out, p);
	if (d->out->len == before) {
		buf_adds(d->out, "portwho ");
		if (d->config->netns) {
			buf_adds(d->out, "--netns ");
			cell_argument(d->out, d->config->netns);
			buf_addc(d->out, ' ');
		}
		buf_addf(d->out, "--kill %u%s", l->sock.local_port,
			 l->sock.protocol == IPPROTO_UDP ? "/udp" : "");
	}
	buf_addc(d->out, '\n');
}

/* ---- localhost ---- */

static const struct listener *localhost_of(const struct snapshot *s,
					   const struct listener *like, bool v6)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct listener *l = &s->listeners[i];

		if (l->sock.protocol == like->sock.protocol &&
		    l->sock.local_port == like->sock.local_port &&
		    (v6 ? l->gets_localhost6 : l->gets_localhost4))
			return l;
	}
	return NULL;
}

static void name_owner(struct drawing *d, const struct listener *l, bool other)
{
	const struct process *p = l ? listener_process(l) : NULL;

	if (!l)
		buf_adds(d->out, other ? "a socket that is not shown here" : "nobody");
	else if (!p)
		buf_adds(d->out,
			 l->owner == OWNER_KERNEL ? "the kernel" : "a hidden process");
	else {
		text_escape_str(d->out, p->comm);
		buf_addf(d->out, " (pid %d)", (int)p->pid);
	}
}

/* Once for each port: browsers and clients try ::1 first, others 127.0.0.1. */
static void draw_localhost(struct drawing *d, const struct listener *l)
{
	const struct listener *v4 = localhost_of(d->snapshot, l, false);
	const struct listener *v6 = localhost_of(d->snapshot, l, true);

	if (!l->traffic_known || (!v4 && !v6))
		return;
	buf_addf(d->out, "\n127.0.0.1:%u is answered by ", l->sock.local_port);
	name_owner(d, v4, l->other_localhost4);
	buf_addf(d->out, ", [::1]:%u by ", l->sock.local_port);
	name_owner(d, v6, l->other_localhost6);
	buf_addc(d->out, '\n');
	if (!v4 || !v6 || listeners_have_one_owner(v4, v6))
		return;
	styled(d, TERM_WARN, "warning:");
	buf_addf(d->out,
		 " localhost:%u is two different programs: which one answers "
		 "depends on whether the client takes IPv4 or IPv6\n",
		 l->sock.local_port);
}

/* ---- all ---- */

static void draw_row(struct drawing *d, const struct row *row)
{
	const struct listener *l = row->first;
	const struct process *p = listener_process(l);

	draw_head(d, row);
	if (l->forwarded_to) {
		label(d, "forwarded");
		buf_addf(d->out, "to %s by this machine's rules: no program here\n",
			 l->forwarded_to);
		return;
	}
	if (p) {
		draw_process(d, p);
		draw_sharers(d, row, p);
	} else {
		draw_no_process(d, l);
	}
	draw_unit(d, l);
	draw_queue(d, row);
	draw_clients(d, row);
	if (l->firewall_why) {
		label(d, "firewall");
		buf_addf(d->out, "%s\n", l->firewall_why);
	}
	draw_end(d, l);
}

static bool same_port(const struct row *a, const struct row *b)
{
	return a->first->sock.local_port == b->first->sock.local_port &&
	       a->first->sock.protocol == b->first->sock.protocol;
}

int page_draw(struct buf *out, const struct portwho_config *config, struct naming *names,
	      const struct snapshot *s, const struct traffic *traffic, bool color)
{
	struct rows rows;
	struct drawing d = { .config = config,
			     .names = names,
			     .snapshot = s,
			     .traffic = traffic,
			     .rows = &rows,
			     .color = color,
			     .out = out };
	int err = rows_of(s, SORT_PORT, &rows);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < rows.n; i++) {
		if (i)
			buf_addc(out, '\n');
		draw_row(&d, &rows.items[i]);
		if (i + 1 == rows.n || !same_port(&rows.items[i], &rows.items[i + 1]))
			draw_localhost(&d, rows.items[i].first);
	}
	rows_release(&rows);
	return out->failed ? -ENOMEM : 0;
}
