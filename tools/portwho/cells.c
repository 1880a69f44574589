/*
 * What stands in a cell. Everything here is escaped.
 */
#include <string.h>
#include <time.h>

#include "clock.h"
#include "table.h"
#include "text.h"

/* What means nothing to a shell. */
#define PLAIN                                                  \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789@%+=:,./_-"

void cell_address(struct buf *out, const struct row *row)
{
	const struct listener *l = row->first;
	char text[ADDR_TEXT_SIZE];

	if (l->sock.family == AF_UNIX) {
		buf_adds(out, l->unix_name ? l->unix_name : "(unnamed)");
		return;
	}
	if (row->both_families)
		buf_addc(out, '*');
	else
		buf_addf(out, l->sock.family == AF_INET6 ? "[%s]" : "%s",
			 addr_to_text(&l->sock.local, text));
	/* Of a link-local address the zone says it. */
	if (!l->interface[0] || l->sock.local.scope)
		return;
	buf_addc(out, '%');
	text_escape_str(out, l->interface);
}

void cell_name(struct buf *out, const struct listener *l)
{
	if (l->sock.family == AF_UNIX)
		buf_adds(out, "unix");
	else if (l->sock.protocol == IPPROTO_RAW)
		buf_addf(out, "raw:%u", l->sock.raw_protocol);
	else
		buf_addf(out, "%u/%s", l->sock.local_port, listener_protocol_word(l));
}

void cell_unit(struct buf *out, const struct listener *l)
{
	const struct cgroup_place *p = &l->place;

	if (p->container[0]) {
		buf_addf(out, "%s%s", p->engine, p->engine[0] ? ":" : "");
		text_escape_str(out, p->container);
		return;
	}
	text_escape_str(out, p->unit);
}

/* As ps(1) has it: the time today, the day this year, else the year. */
void cell_since(struct buf *out, int64_t start_wall_ns, int64_t now_wall_ns)
{
	time_t start = (time_t)(start_wall_ns / NS_PER_S);
	time_t now = (time_t)(now_wall_ns / NS_PER_S);
	struct tm a, b;
	char text[32];

	if (!start_wall_ns || !localtime_r(&start, &a) || !localtime_r(&now, &b))
		return;
	strftime(text, sizeof(text),
		 a.tm_year != b.tm_year	  ? "%Y-%m-%d"
		 : a.tm_yday != b.tm_yday ? "%b %d"
					  : "%H:%M",
		 &a);
	buf_adds(out, text);
}

static void add_quoted(struct buf *out, const char *text)
{
	const char *at = text;

	buf_addc(out, '\'');
	while (*at) {
		size_t n = strcspn(at, "'");

		text_escape(out, at, n);
		at += n;
		for (; *at == '\''; at++)
			buf_adds(out, "'\\''");
	}
	buf_addc(out, '\'');
}

/* An escaped backslash is read as one by the shell, too. */
void cell_argument(struct buf *out, const char *name)
{
	if (*name && !name[strspn(name, PLAIN "\\")])
		text_escape_str(out, name);
	else
		add_quoted(out, name);
}

void cell_command(struct buf *out, const struct process *p)
{
	const char *at = p->cmdline, *end = p->cmdline + p->cmdline_len;

	if (!p->cmdline) {
		buf_addc(out, '[');
		text_escape_str(out, p->comm);
		buf_addc(out, ']');
		return;
	}
	for (; at < end; at += strlen(at) + 1) {
		bool quoted = !*at || at[strspn(at, PLAIN)];

		if (at != p->cmdline)
			buf_addc(out, ' ');
		/* A title that a process gave itself is one argument with blanks. */
		if (at == p->cmdline && at + strlen(at) + 1 >= end)
			quoted = false;
		if (quoted)
			add_quoted(out, at);
		else
			text_escape_str(out, at);
	}
}
