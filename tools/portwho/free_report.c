/*
 * --free: from answer to record.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "free_private.h"
#include "group.h"
#include "out_tree.h"

/* A socket is listed with at most so many of its processes. */
#define PROCESSES_TOLD 32

static const struct out_column free_columns[] = {
	[FREE_COLUMN_PORT] = { "port", OUT_INTEGER, 0 },
	[FREE_COLUMN_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[FREE_COLUMN_ADDRESS] = { "address", OUT_STRING, 0 },
	[FREE_COLUMN_FREE] = { "free", OUT_BOOL, 0 },
	[FREE_COLUMN_CAUSE] = { "cause", OUT_STRING, 0 },
	[FREE_COLUMN_HOLDERS] = { "holders", OUT_TREE, 0 },
	[FREE_COLUMN_HOLDER_COUNT] = { "holder_count", OUT_INTEGER, 0 },
	[FREE_COLUMN_FREES_IN_MS] = { "frees_in_ms", OUT_INTEGER, 0 },
	[FREE_COLUMN_SUGGESTION] = { "suggestion", OUT_INTEGER, 0 },
	[FREE_COLUMN_REUSEADDR_WORKS] = { "reuseaddr_works", OUT_BOOL, 0 },
	[FREE_COLUMN_FREE_INET] = { "free_inet", OUT_BOOL, 0 },
	[FREE_COLUMN_FREE_INET6] = { "free_inet6", OUT_BOOL, 0 },
	[FREE_COLUMN_EPHEMERAL] = { "ephemeral", OUT_BOOL, 0 },
	[FREE_COLUMN_RESERVED] = { "reserved", OUT_BOOL, 0 },
	[FREE_COLUMN_FORWARDED] = { "forwarded", OUT_BOOL, 0 },
	[FREE_COLUMN_ERROR] = { "error", OUT_STRING, 0 },
	[FREE_COLUMN_NEXT] = { "next", OUT_TREE, 0 },
	[FREE_COLUMN_MESSAGE] = { "message", OUT_STRING, 0 },
};

const struct out_schema free_schema = {
	.tool = "portwho",
	.columns = free_columns,
	.n_columns = ARRAY_SIZE(free_columns),
};

/* ---- holders ---- */

static void free_add_string(struct out_tree *t, const char *key, const char *value)
{
	out_tree_key(t, key);
	out_tree_string(t, value && value[0] ? value : NULL);
}

/* PROCESS: NULL, none that is seen. */
static void free_add_process(struct out_tree *t, struct naming *names,
			     const struct listener *l, const struct process *process)
{
	char user[USER_TEXT_SIZE], started[CLOCK_RFC3339_SIZE];
	bool has_uid = process ? process->has_uid : l->sock.uid != SOCK_NO_UID;

	out_tree_key(t, "pid");
	if (process)
		out_tree_integer(t, process->pid);
	else
		out_tree_null(t);
	free_add_string(t, "comm", process ? process->comm : NULL);
	free_add_string(t, "user",
			has_uid ? users_name(&names->users,
					     process ? process->uid : l->sock.uid, user)
				: NULL);
	if (process && process->start_wall_ns)
		clock_rfc3339(process->start_wall_ns, started);
	else
		started[0] = '\0';
	free_add_string(t, "started", started);
	free_add_string(t, "unit", l->place.unit);
	free_add_string(t, "container", l->place.container);
}

static void free_add_socket(struct out_tree *t, const struct free_holder *h)
{
	const struct sock *s = &h->listener->sock;
	char text[ADDR_ENDPOINT_SIZE];

	free_add_string(t, "kind", free_kind_word(h->kind));
	free_add_string(t, "state", free_state_word(s));
	free_add_string(t, "address", addr_to_text(&s->local, text));
	free_add_string(t, "interface", h->listener->interface);
	free_add_string(t, "remote",
			s->remote_port
				? addr_endpoint_text(&s->remote, s->remote_port, text)
				: NULL);
	out_tree_key(t, "inode");
	if (s->inode)
		out_tree_integer(t, s->inode);
	else
		out_tree_null(t);
	out_tree_key(t, "expires_ms");
	/* linux net/ipv4/inet_diag.c: 3 is the timer of what has no socket any more. */
	if (s->timer == 3)
		out_tree_integer(t, s->expires_ms);
	else
		out_tree_null(t);
}

static void free_add_holder_of(struct out_tree *t, struct naming *names,
			       const struct free_holder *h, const struct process *process)
{
	out_tree_object(t);
	free_add_process(t, names, h->listener, process);
	/* Of one that is closed there is no owner any more. */
	free_add_string(t, "owner",
			h->listener->sock.inode ? owner_word(h->listener->owner) : NULL);
	free_add_socket(t, h);
	out_tree_end(t);
}

static void free_set_holders(struct out_record *r, struct naming *names,
			     const struct free_answer *a)
{
	struct out_tree t = OUT_TREE_INIT;
	size_t i, k, told;

	out_tree_array(&t);
	for (i = 0; i < a->n_holders; i++) {
		const struct listener *l = a->holders[i].listener;

		if (!l->n_holders)
			free_add_holder_of(&t, names, &a->holders[i], NULL);
		for (k = 0, told = 0; k < l->n_holders && told < PROCESSES_TOLD; k++) {
			const struct process *p = l->holders[k].process;

			/* It may have several descriptors of it. */
			if (k && l->holders[k - 1].process == p)
				continue;
			free_add_holder_of(&t, names, &a->holders[i], p);
			told++;
		}
	}
	out_tree_end(&t);
	out_set_tree(r, FREE_COLUMN_HOLDERS, &t);
	out_tree_release(&t);
}

/* ---- the rest ---- */

static void free_set_next(struct out_record *r, const struct free_context *c,
			  const struct free_answer *a)
{
	struct free_advice advice[FREE_ADVICE_MAX];
	size_t n = free_advise(a, c, advice), i;
	struct out_tree t = OUT_TREE_INIT;

	out_tree_array(&t);
	for (i = 0; i < n; i++) {
		out_tree_text(&t, advice[i].text.data);
		buf_release(&advice[i].text);
	}
	out_tree_end(&t);
	out_set_tree(r, FREE_COLUMN_NEXT, &t);
	out_tree_release(&t);
}

static void free_set_counts(struct out_record *r, const struct free_answer *a)
{
	size_t n = 0, i;

	for (i = 0; i < FREE_KINDS; i++)
		n += a->n_kind[i];
	out_set_integer(r, FREE_COLUMN_HOLDER_COUNT, (int64_t)n);
	if (a->frees_in_ms >= 0)
		out_set_integer(r, FREE_COLUMN_FREES_IN_MS, a->frees_in_ms);
	if (a->suggestion)
		out_set_integer(r, FREE_COLUMN_SUGGESTION, a->suggestion);
}

static void free_set_flags(struct out_record *r, const struct free_answer *a)
{
	if (a->reuse_asked)
		out_set_bool(r, FREE_COLUMN_REUSEADDR_WORKS, a->reuse_works);
	if (a->asked_v4)
		out_set_bool(r, FREE_COLUMN_FREE_INET, a->free_v4);
	if (a->asked_v6)
		out_set_bool(r, FREE_COLUMN_FREE_INET6, a->free_v6);
	out_set_bool(r, FREE_COLUMN_EPHEMERAL, a->ephemeral);
	out_set_bool(r, FREE_COLUMN_RESERVED, a->reserved);
	out_set_bool(r, FREE_COLUMN_FORWARDED, a->forwarded_to != NULL);
	out_set_string(r, FREE_COLUMN_ERROR, a->error ? strerrorname_np(a->error) : NULL);
}

void free_report(struct out_record *r, struct naming *names, const struct free_context *c,
		 const struct free_answer *a)
{
	struct buf message = BUF_INIT;
	char address[ADDR_TEXT_SIZE];

	out_set_integer(r, FREE_COLUMN_PORT, a->port);
	out_set_string(r, FREE_COLUMN_PROTOCOL, protocol_word(a->protocol));
	if (a->addr.family != AF_UNSPEC)
		out_set_string(r, FREE_COLUMN_ADDRESS, addr_to_text(&a->addr, address));
	out_set_bool(r, FREE_COLUMN_FREE, a->cause == FREE_YES);
	out_set_string(r, FREE_COLUMN_CAUSE, free_cause_word(a->cause));
	free_set_holders(r, names, a);
	free_set_counts(r, a);
	free_set_flags(r, a);
	free_set_next(r, c, a);
	free_message(&message, names, a);
	out_set_text(r, FREE_COLUMN_MESSAGE, message.failed ? NULL : message.data);
	buf_release(&message);
}
