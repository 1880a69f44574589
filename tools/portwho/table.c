#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "diag.h"
#include "text.h"

#define COLUMNS_MAX 32
#define LIST_SIZE   512

struct drawing {
	const struct portwho_config *config;
	struct naming *names;
	int64_t now_wall_ns;
	bool color;
};

typedef void cell_fn(struct buf *out, struct drawing *d, const struct row *row);

/* ---- the cells ---- */

static void cell_port(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct listener *l = row->first;

	(void)d;
	if (l->sock.family == AF_UNIX)
		buf_adds(out, "unix");
	else if (l->sock.protocol == IPPROTO_RAW)
		buf_addf(out, "raw:%u", l->sock.raw_protocol);
	else if (l->sock.protocol == IPPROTO_TCP && !l->sock.mptcp)
		buf_addf(out, "%u", l->sock.local_port);
	else
		buf_addf(out, "%u/%s", l->sock.local_port, listener_protocol_word(l));
}

static void cell_protocol(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	buf_adds(out, listener_protocol_word(row->first));
}

static void cell_service(struct buf *out, struct drawing *d, const struct row *row)
{
	char service[SERVICES_NAME_SIZE];

	buf_adds(out, naming_service(d->names, row->first, service));
}

static void cell_address_(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	cell_address(out, row);
}

static void cell_exposure(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	buf_adds(out, exposure_word(row->first->exposure));
}

static void cell_state(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	buf_adds(out, listener_state_word(row->first));
}

static void cell_process(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct listener *l = row->first;
	const struct process *p = listener_process(l);

	(void)d;
	if (p)
		text_escape_str(out, p->comm);
	else if (l->forwarded_to)
		buf_addf(out, "-> %s", l->forwarded_to);
	else if (l->owner == OWNER_KERNEL)
		buf_adds(out, "(kernel)");
	else if (l->owner == OWNER_GONE)
		buf_adds(out, "(gone)");
	else
		buf_adds(out, "(hidden)");
}

static void cell_pid(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct process *p = listener_process(row->first);

	(void)d;
	if (p)
		buf_addf(out, "%d", (int)p->pid);
	if (row->n_processes > 1)
		buf_addf(out, "+%zu", row->n_processes - 1);
}

static void cell_user(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct process *p = listener_process(row->first);
	char user[USER_TEXT_SIZE];

	if (row->first->forwarded_to)
		return;
	text_escape_str(out, users_name(&d->names->users,
					p && p->has_uid ? p->uid : row->first->sock.uid,
					user));
}

static void cell_unit_(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	cell_unit(out, row->first);
}

static void cell_since_(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct process *p = listener_process(row->first);

	if (p)
		cell_since(out, p->start_wall_ns, d->now_wall_ns);
}

static void cell_queue(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	if (row->first->forwarded_to)
		return;
	buf_addf(out, "%" PRIu64, row->queue);
	if (row->first->sock.state == TCP_LISTEN)
		buf_addf(out, "/%" PRIu64, row->backlog);
}

static void cell_drops(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	if (row->first->sock.has_drops)
		buf_addf(out, "%" PRIu64, row->drops);
}

static void cell_sockets(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	buf_addf(out, "%u", row->n_sockets);
}

static void cell_command_(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct process *p = listener_process(row->first);

	(void)d;
	if (p)
		cell_command(out, p);
}

static void cell_netns(struct buf *out, struct drawing *d, const struct row *row)
{
	const struct netns *ns = row->first->netns;

	(void)d;
	if (ns && ns->name[0])
		buf_adds(out, ns->name);
	else if (ns)
		buf_addf(out, "%" PRIu64, ns->inode);
}

static void cell_firewall(struct buf *out, struct drawing *d, const struct row *row)
{
	static const char *const words[] = { "?", "open", "blocked", "some" };

	(void)d;
	if (row->first->firewall_why)
		buf_adds(out, words[row->first->firewall]);
}

static void cell_inode(struct buf *out, struct drawing *d, const struct row *row)
{
	(void)d;
	if (row->first->sock.inode)
		buf_addf(out, "%u", row->first->sock.inode);
}

/* ---- the columns ---- */

struct table_column {
	const char *name;
	const char *what; /* for --columns=help */
	cell_fn *cell;
	double share; /* of the width, where it is scarce */
	int flags;    /* SCOLS_FL_... */
	bool bare;    /* left out where all its cells are empty */
};

static const struct table_column all_columns[] = {
	{ "port", "port, with the protocol unless it is TCP", cell_port, 5,
	  SCOLS_FL_RIGHT, false },
	{ "protocol", "tcp, udp, sctp, mptcp, raw, unix", cell_protocol, 3, 0, false },
	{ "service", "name of the port in /etc/services", cell_service, 6, 0, false },
	{ "address", "local address; * is every address of both families", cell_address_,
	  9, 0, false },
	{ "exposure", "who can reach it: loopback, link-local, address, all",
	  cell_exposure, 8, 0, false },
	{ "state", "listen, unconnected (UDP), bound", cell_state, 6, 0, false },
	{ "process", "name of the process", cell_process, 10, SCOLS_FL_TRUNC, false },
	{ "pid", "its number, and how many others share the port", cell_pid, 5,
	  SCOLS_FL_RIGHT, false },
	{ "user", "user of the process, else of the socket", cell_user, 6, SCOLS_FL_TRUNC,
	  false },
	{ "unit", "systemd unit, or container", cell_unit_, 14, SCOLS_FL_TRUNC, true },
	{ "since", "when the process was started", cell_since_, 5, 0, false },
	{ "queue", "connections that wait, of how many that may (UDP: bytes)", cell_queue,
	  5, SCOLS_FL_RIGHT, false },
	{ "drops", "dropped by the socket", cell_drops, 4, SCOLS_FL_RIGHT, false },
	{ "sockets", "how many sockets share this row", cell_sockets, 3, SCOLS_FL_RIGHT,
	  false },
	{ "command", "command line", cell_command_, 24, SCOLS_FL_TRUNC, false },
	{ "netns", "network namespace", cell_netns, 8, SCOLS_FL_TRUNC, true },
	{ "firewall",
	  "do this machine's input rules let others in: open, blocked, some, ?",
	  cell_firewall, 6, 0, true },
	{ "inode", "inode of the socket", cell_inode, 6, SCOLS_FL_RIGHT, false },
};

static const char usual_columns[] =
	"port,service,address,exposure,process,pid,user,unit,since";

static const struct table_column *find_column(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all_columns); i++)
		if (strlen(all_columns[i].name) == len &&
		    !strncasecmp(all_columns[i].name, name, len))
			return &all_columns[i];
	return NULL;
}

struct columns {
	const struct table_column *items[COLUMNS_MAX];
	size_t n;
};

static bool has_column(const struct columns *c, const struct table_column *column)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->items[i] == column)
			return true;
	return false;
}

static void add_column(struct columns *c, const struct table_column *column)
{
	if (c->n < COLUMNS_MAX && !has_column(c, column))
		c->items[c->n++] = column;
}

/* Columns of a list; "+NAME" adds to the usual ones. The bad part, or NULL. */
static const char *parse_columns(struct columns *c, const char *text, size_t *ret_len)
{
	const char *at = text;

	if (*at == '+')
		parse_columns(c, usual_columns, ret_len);
	for (;;) {
		size_t plus = *at == '+';
		size_t len = strcspn(at + plus, ",");
		const struct table_column *column = find_column(at + plus, len);

		*ret_len = len + plus;
		if (!column)
			return at;
		add_column(c, column);
		at += len + plus;
		if (!*at)
			return NULL;
		at++;
	}
}

static int print_columns(void)
{
	struct buf text = BUF_INIT;
	struct out out;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(all_columns); i++)
		buf_addf(&text, "%-10s %s\n", all_columns[i].name, all_columns[i].what);
	err = text.failed ? -ENOMEM : out_open(&out, OUT_TEXT, NULL, NULL, 1);
	if (!err) {
		out_text(&out, text.data);
		err = out_finish(&out);
		out_release(&out);
	}
	buf_release(&text);
	if (!err || err == -EPIPE)
		return -1;
	diag_error("cannot write to standard output: %s", strerror(-err));
	return 3;
}

int table_columns_check(const char *text)
{
	struct columns c = { .n = 0 };
	char shown[OPERAND_SHOWN_SIZE];
	const char *bad;
	size_t len;

	if (!strcmp(text, "help"))
		return print_columns();
	bad = parse_columns(&c, text, &len);
	if (!bad)
		return 0;
	diag_error("option '--columns': '%s': expected a list of columns (--columns=help "
		   "shows them)",
		   operand_shown(bad, len, shown));
	return 2;
}

/* ---- drawing ---- */

/* Where others can reach it, it stands out. */
static const char *color_of(const struct row *row)
{
	switch (row->first->exposure) {
	case EXPOSURE_ALL:
		return "yellow";
	case EXPOSURE_ADDRESS:
		return "cyan";
	case EXPOSURE_LINK_LOCAL:
	case EXPOSURE_LOOPBACK:
		break;
	}
	return NULL;
}

static void choose(struct columns *c, const struct portwho_config *config)
{
	size_t len;

	if (config->columns) {
		(void)parse_columns(c, config->columns, &len);
		return;
	}
	(void)parse_columns(c, usual_columns, &len);
	if (config->filter.also & ALSO_BOUND)
		add_column(c, find_column("state", 5));
	if (config->firewall)
		add_column(c, find_column("firewall", 8));
	if (config->all_netns)
		add_column(c, find_column("netns", 5));
}

/* A column that only sometimes has something to say, and has not. */
static bool is_bare(struct drawing *d, const struct table_column *column,
		    const struct rows *rows)
{
	struct buf text = BUF_INIT;
	const char *chosen = d->config->columns;
	/* One that was asked for by name is there. */
	bool bare = column->bare &&
		    (!chosen || (*chosen == '+' && strstr(usual_columns, column->name)));
	size_t i;

	for (i = 0; bare && i < rows->n; i++) {
		column->cell(&text, d, &rows->items[i]);
		bare = !text.len;
	}
	buf_release(&text);
	return bare;
}

static int fill_line(struct libscols_line *line, struct drawing *d,
		     const struct columns *c, const struct row *row)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < c->n; i++) {
		struct buf text = BUF_INIT;

		c->items[i]->cell(&text, d, row);
		err = text.failed ? -ENOMEM : scols_line_set_data(line, i, text.data);
		buf_release(&text);
	}
	return !err && d->color ? scols_line_set_color(line, color_of(row)) : err;
}

static int fill(struct libscols_table *table, struct drawing *d, const struct columns *c,
		const struct rows *rows)
{
	size_t i;
	int err = 0;

	for (i = 0; i < c->n; i++) {
		char heading[32];
		size_t k;

		for (k = 0; c->items[i]->name[k] && k + 1 < sizeof(heading); k++)
			heading[k] = (char)(c->items[i]->name[k] & ~0x20);
		heading[k] = '\0';
		if (!scols_table_new_column(table, heading, c->items[i]->share / 100,
					    c->items[i]->flags))
			return -ENOMEM;
	}
	for (i = 0; !err && i < rows->n; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		err = line ? fill_line(line, d, c, &rows->items[i]) : -ENOMEM;
	}
	return err;
}

void table_manner(struct libscols_table *table, const struct portwho_config *config,
		  bool color, unsigned int width)
{
	scols_table_enable_noencoding(table, 1); /* escaped already */
	scols_table_enable_noheadings(table, config->no_headings);
	scols_table_enable_colors(table, color);
	if (width) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, width);
	} else {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	}
}

int table_print(struct libscols_table *table, struct buf *out)
{
	char *text = NULL, *at, *rest;
	int err = scols_print_table_to_string(table, &text);

	rest = err ? NULL : text;
	/* The last column is padded, too. */
	while ((at = strsep(&rest, "\n"))) {
		size_t len = strlen(at);

		while (len && at[len - 1] == ' ')
			len--;
		buf_add(out, at, len);
		if (rest || len)
			buf_addc(out, '\n');
	}
	free(text);
	return err;
}

int table_draw(struct buf *out, const struct portwho_config *config, struct naming *names,
	       const struct rows *rows, bool color, unsigned int width)
{
	struct drawing d = { .config = config,
			     .names = names,
			     .now_wall_ns = clock_wall_ns(),
			     .color = color };
	struct columns wanted = { .n = 0 }, c = { .n = 0 };
	struct libscols_table *table = scols_new_table();
	size_t i;
	int err;

	if (!table)
		return -ENOMEM;
	choose(&wanted, config);
	for (i = 0; i < wanted.n; i++)
		if (!is_bare(&d, wanted.items[i], rows))
			c.items[c.n++] = wanted.items[i];
	table_manner(table, config, color, width);
	err = fill(table, &d, &c, rows);
	if (!err)
		err = table_print(table, out);
	scols_unref_table(table);
	return err;
}
