#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PID_SYSTEMD 1

const struct process *listener_process(const struct listener *l)
{
	const struct process *best = NULL;
	size_t i;

	for (i = 0; i < l->n_holders; i++) {
		const struct process *p = l->holders[i].process;

		if (!best || best->pid == PID_SYSTEMD ||
		    (p->pid != PID_SYSTEMD &&
		     (p->start_ticks < best->start_ticks ||
		      (p->start_ticks == best->start_ticks && p->pid < best->pid))))
			best = p;
	}
	return best;
}

size_t listener_n_processes(const struct listener *l)
{
	size_t n = 0, i;

	/* Holders are sorted by pid. */
	for (i = 0; i < l->n_holders; i++)
		n += !i || l->holders[i].process != l->holders[i - 1].process;
	return n;
}

/* ---- order ---- */

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* The oldest first: of workers, who forked them. */
static int by_age(const struct process *a, const struct process *b)
{
	int d;

	if (!a || !b)
		return (int)!a - (int)!b;
	d = by_number(a->start_ticks, b->start_ticks);
	return d ? d : by_number((uint64_t)a->pid, (uint64_t)b->pid);
}

static int by_place(const struct listener *a, const struct listener *b)
{
	int d = by_number(a->sock.local_port, b->sock.local_port);

	if (!d)
		d = by_number(a->sock.protocol, b->sock.protocol);
	if (!d)
		d = by_number(a->sock.family == AF_UNIX, b->sock.family == AF_UNIX);
	if (!d)
		d = addr_compare(&a->sock.local, &b->sock.local);
	if (!d)
		d = strcmp(a->unix_name ? a->unix_name : "",
			   b->unix_name ? b->unix_name : "");
	if (!d)
		d = by_age(listener_process(a), listener_process(b));
	return d ? d : by_number(a->sock.cookie, b->sock.cookie);
}

static int by_process(const struct process *a, const struct process *b, enum sort_key key)
{
	if (!a || !b)
		return (int)!a - (int)!b; /* the unknown last */
	if (key == SORT_PROCESS)
		return strcmp(a->comm, b->comm);
	if (key == SORT_PID)
		return by_number((uint64_t)a->pid, (uint64_t)b->pid);
	return by_number(b->start_ticks, a->start_ticks); /* the youngest first */
}

static int by_unit(const struct listener *a, const struct listener *b)
{
	const char *x = a->place.container[0] ? a->place.container : a->place.unit;
	const char *y = b->place.container[0] ? b->place.container : b->place.unit;

	if (!*x || !*y)
		return (int)!*x - (int)!*y;
	return strcmp(x, y);
}

static int by_key(const struct row *a, const struct row *b, enum sort_key key)
{
	const struct listener *x = a->first, *y = b->first;

	switch (key) {
	case SORT_PORT:
		return 0;
	case SORT_ADDRESS:
		return addr_compare(&x->sock.local, &y->sock.local);
	case SORT_PROCESS:
	case SORT_PID:
	case SORT_SINCE:
		return by_process(listener_process(x), listener_process(y), key);
	case SORT_USER:
		return by_number(x->sock.uid, y->sock.uid);
	case SORT_UNIT:
		return by_unit(x, y);
	/* What matters most first. */
	case SORT_EXPOSURE:
		return by_number(y->exposure, x->exposure);
	case SORT_QUEUE:
		return by_number(b->queue, a->queue);
	case SORT_DROPS:
		return by_number(b->drops, a->drops);
	}
	return 0;
}

struct order {
	enum sort_key key;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	const struct row *x = a, *y = b;
	int d = by_key(x, y, order->key);

	return d ? d : by_place(x->first, y->first);
}

/* ---- joining ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* A title that a program gave itself, or a command without arguments. */
static bool has_title(const struct process *p)
{
	return !p->cmdline || strlen(p->cmdline) + 1 >= p->cmdline_len;
}

static bool same_command(const struct process *x, const struct process *y)
{
	if (has_title(x) || has_title(y))
		return true;
	return x->cmdline_len == y->cmdline_len &&
	       !memcmp(x->cmdline, y->cmdline, x->cmdline_len);
}

/* Workers are forked, and run what their parent or their siblings do. Two servers that
 * were started from the same shell do not, though the same interpreter runs them. */
static bool are_one_program(const struct process *x, const struct process *y)
{
	if (x == y)
		return true;
	if (x->exe && y->exe ? strcmp(x->exe, y->exe) : strcmp(x->comm, y->comm))
		return false;
	if (!same_command(x, y))
		return false;
	return x->pid == y->ppid || y->pid == x->ppid ||
	       (x->ppid == y->ppid && same_text(x->cgroup, y->cgroup));
}

bool listeners_have_one_owner(const struct listener *a, const struct listener *b)
{
	const struct process *x = listener_process(a), *y = listener_process(b);

	if (x && y)
		return are_one_program(x, y);
	return !x && !y && a->owner == b->owner && a->sock.uid == b->sock.uid &&
	       !strcmp(a->place.unit, b->place.unit) &&
	       !strcmp(a->place.container, b->place.container);
}

static bool are_one(const struct listener *a, const struct listener *b, bool *ret_both)
{
	bool same = addr_equal(&a->sock.local, &b->sock.local);
	bool wildcards = addr_is_any(&a->sock.local) && addr_is_any(&b->sock.local) &&
			 a->sock.family != b->sock.family;

	if (a->sock.family == AF_UNIX || a->sock.protocol == IPPROTO_RAW ||
	    a->forwarded_to || b->forwarded_to)
		return false;
	if (a->sock.protocol != b->sock.protocol || a->sock.state != b->sock.state ||
	    a->sock.local_port != b->sock.local_port || a->netns != b->netns ||
	    a->sock.interface != b->sock.interface || (!same && !wildcards) ||
	    a->sock.mptcp != b->sock.mptcp || !listeners_have_one_owner(a, b))
		return false;
	*ret_both |= wildcards;
	return true;
}

/* The row among the N before that takes in NEXT, which is added to it; NULL: none. */
static struct row *join(struct row *rows, size_t n, const struct row *next)
{
	size_t k;

	/* Those of one port and protocol stand together. */
	for (k = n; k > 0; k--) {
		struct row *row = &rows[k - 1];

		if (row->first->sock.local_port != next->first->sock.local_port ||
		    row->first->sock.protocol != next->first->sock.protocol)
			return NULL;
		if (!are_one(row->first, next->first, &row->both_families))
			continue;
		row->n_sockets++;
		row->n_full += next->n_full;
		row->queue += next->queue;
		row->backlog += next->backlog;
		row->drops += next->drops;
		return row;
	}
	return NULL;
}

static struct row row_of(const struct listener *l)
{
	bool listens = l->sock.state == TCP_LISTEN;

	return (struct row){ .first = l,
			     .n_sockets = 1,
			     /* As the kernel has it (sk_acceptq_is_full). */
			     .n_full = listens && l->sock.rqueue > l->sock.wqueue,
			     .both_families = listener_is_dual_stack(l),
			     .queue = l->sock.rqueue,
			     .backlog = listens ? l->sock.wqueue : 0,
			     .drops = l->sock.drops };
}

/* ---- whose all of them are ---- */

struct membership {
	const struct listener *first; /* the row's */
	const struct process *process;
};

static int compare_members(const void *a, const void *b)
{
	const struct membership *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

/* The processes of the row that FIRST stands for. */
static size_t count_members(const struct membership *members, size_t n,
			    const struct listener *first)
{
	size_t low = 0, high = n, found = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (members[mid].first < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < n && members[low].first == first; low++)
		found += !found || members[low].process != members[low - 1].process;
	return found;
}

static int count_processes(const struct snapshot *s, struct rows *rows)
{
	struct membership *members;
	size_t n = 0, i, k;

	for (i = 0; i < s->n; i++)
		n += s->listeners[i].n_holders;
	members = calloc(n + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	n = 0;
	for (i = 0; i < s->n; i++)
		for (k = 0; k < s->listeners[i].n_holders; k++)
			members[n++] =
				(struct membership){ rows->first_of[i],
						     s->listeners[i].holders[k].process };
	qsort(members, n, sizeof(*members), compare_members);
	for (i = 0; i < rows->n; i++)
		rows->items[i].n_processes =
			count_members(members, n, rows->items[i].first);
	free(members);
	return 0;
}

int rows_of(const struct snapshot *s, enum sort_key key, struct rows *ret_rows)
{
	struct rows found;
	struct row *rows = calloc(s->n + 1, sizeof(*rows));
	const struct listener **first_of = calloc(s->n + 1, sizeof(*first_of));
	struct order by_port = { SORT_PORT }, wanted = { key };
	size_t n = 0, i;

	if (!rows || !first_of) {
		free(rows);
		free(first_of);
		return -ENOMEM;
	}
	for (i = 0; i < s->n; i++)
		rows[i] = row_of(&s->listeners[i]);
	qsort_r(rows, s->n, sizeof(*rows), compare_rows, &by_port);
	for (i = 0; i < s->n; i++) {
		const struct listener *listener = rows[i].first;
		struct row *row = join(rows, n, &rows[i]);

		if (!row) {
			row = &rows[n];
			rows[n++] = rows[i];
		}
		first_of[listener - s->listeners] = row->first;
	}
	qsort_r(rows, n, sizeof(*rows), compare_rows, &wanted);
	found = (struct rows){ .items = rows, .n = n, .first_of = first_of };
	if (count_processes(s, &found) < 0) {
		rows_release(&found);
		return -ENOMEM;
	}
	*ret_rows = found;
	return 0;
}

void rows_release(struct rows *rows)
{
	free(rows->items);
	free(rows->first_of);
	*rows = (struct rows){ 0 };
}

/* A listener and where its row is. */
struct ranked {
	size_t rank;
	const struct listener *listener;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int d = by_number(x->rank, y->rank);

	return d ? d : by_place(x->listener, y->listener);
}

int rows_listeners(const struct rows *rows, const struct snapshot *s,
		   const struct listener ***ret_listeners)
{
	const struct listener **listeners = calloc(s->n + 1, sizeof(*listeners));
	struct ranked *ranked = calloc(s->n + 1, sizeof(*ranked));
	size_t *rank_of = calloc(s->n + 1, sizeof(*rank_of)); /* of what is a `first` */
	int err = listeners && ranked && rank_of ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !err && i < rows->n; i++)
		rank_of[rows->items[i].first - s->listeners] = i;
	for (i = 0; !err && i < s->n; i++)
		ranked[i] = (struct ranked){ rank_of[rows->first_of[i] - s->listeners],
					     &s->listeners[i] };
	if (!err)
		qsort(ranked, s->n, sizeof(*ranked), compare_ranked);
	for (i = 0; !err && i < s->n; i++)
		listeners[i] = ranked[i].listener;
	free(ranked);
	free(rank_of);
	if (err)
		free(listeners);
	else
		*ret_listeners = listeners;
	return err;
}
