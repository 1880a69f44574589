/*
 * --free: the words for causes, sockets and their owners.
 */
#include <string.h>

#include "free_private.h"
#include "group.h"
#include "table.h"
#include "text.h"

/* So many addresses of one owner are told. */
#define ADDRESSES_TOLD 4

const char *free_cause_word(enum free_cause cause)
{
	switch (cause) {
	case FREE_YES:
		break;
	case FREE_LISTENER:
		return "listener";
	case FREE_BOUND:
		return "bound";
	case FREE_TIME_WAIT:
		return "time-wait";
	case FREE_CONNECTION:
		return "connection";
	case FREE_PRIVILEGED:
		return "privileged";
	case FREE_UNKNOWN:
		return "unknown";
	}
	return NULL;
}

const char *free_kind_word(enum free_kind kind)
{
	switch (kind) {
	case FREE_KIND_LISTENER:
		return "listener";
	case FREE_KIND_BOUND:
		return "bound";
	case FREE_KIND_ACCEPTED:
		return "accepted";
	case FREE_KIND_OUTGOING:
		return "outgoing";
	case FREE_KIND_CONNECTED:
		return "connected";
	case FREE_KIND_ORPHAN:
		return "closed";
	case FREE_KIND_TIME_WAIT:
	case FREE_KINDS:
		break;
	}
	return "time-wait";
}

const char *free_state_word(const struct sock *s)
{
	static const char *const words[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn-sent",
		[TCP_SYN_RECV] = "syn-recv",
		[TCP_FIN_WAIT1] = "fin-wait-1",
		[TCP_FIN_WAIT2] = "fin-wait-2",
		[TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE] = "closed",
		[TCP_CLOSE_WAIT] = "close-wait",
		[TCP_LAST_ACK] = "last-ack",
		[TCP_LISTEN] = "listen",
		[TCP_CLOSING] = "closing",
		[SOCK_BOUND_INACTIVE] = "bound",
	};

	if (s->protocol == IPPROTO_UDP && s->state == TCP_CLOSE)
		return "unconnected";
	return s->state < ARRAY_SIZE(words) && words[s->state] ? words[s->state]
							       : "unknown";
}

/* ---- who ---- */

static bool free_is_service(const struct cgroup_place *p)
{
	size_t n = strlen(p->unit);

	return n > 8 && !strcmp(p->unit + n - 8, ".service");
}

static void free_say_place(struct buf *out, const struct listener *l)
{
	if (l->place.container[0])
		buf_adds(out, ", container ");
	else if (free_is_service(&l->place))
		buf_adds(out, ", ");
	else
		return;
	cell_unit(out, l);
}

static void free_say_process(struct buf *out, struct naming *names,
			     const struct free_answer *a, const struct listener *l,
			     const struct process *p)
{
	size_t n = listener_n_processes(l);
	char user[USER_TEXT_SIZE];

	text_escape_str(out, p->comm);
	buf_addf(out, " (pid %d", (int)p->pid);
	if (p->has_uid) {
		buf_adds(out, ", user ");
		text_escape_str(out, users_name(&names->users, p->uid, user));
	}
	if (p->start_wall_ns) {
		buf_adds(out, ", since ");
		cell_since(out, p->start_wall_ns, a->wall_ns);
	}
	free_say_place(out, l);
	if (n > 1)
		buf_addf(out, ", shared with %zu other process%s", n - 1,
			 n > 2 ? "es" : "");
	buf_addc(out, ')');
}

void free_say_owner(struct buf *out, struct naming *names, const struct free_answer *a,
		    const struct listener *l)
{
	const struct process *p = listener_process(l);
	char user[USER_TEXT_SIZE];

	if (p) {
		free_say_process(out, names, a, l, p);
		return;
	}
	if (l->owner == OWNER_KERNEL) {
		buf_adds(out, "the kernel itself (a tunnel, NFS or WireGuard, perhaps)");
		return;
	}
	buf_adds(out, "a hidden process");
	if (l->sock.uid == SOCK_NO_UID && !l->place.unit[0] && !l->place.container[0])
		return;
	buf_adds(out, " (user ");
	text_escape_str(out, users_name(&names->users, l->sock.uid, user));
	free_say_place(out, l);
	/* Even from root some may be hidden, in containers. */
	buf_adds(out, a->owners_hidden && !a->root ? "; root sees it"
						   : "; of another container, perhaps");
	buf_addc(out, ')');
}

bool free_same_owner(const struct listener *a, const struct listener *b)
{
	const struct process *x = listener_process(a), *y = listener_process(b);

	/* Forked workers have each a socket of the group, and one command. */
	if (x && y)
		return x == y || (x->ppid == y->ppid && !strcmp(x->comm, y->comm)) ||
		       x->pid == y->ppid || y->pid == x->ppid;
	return !x && !y && a->owner == b->owner && a->sock.uid == b->sock.uid;
}

/* ---- where ---- */

static bool free_is_told(const struct free_holder *holders, size_t n,
			 const struct listener *first, const struct listener *l)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (free_same_owner(holders[i].listener, first) &&
		    addr_equal(&holders[i].listener->sock.local, &l->sock.local) &&
		    !strcmp(holders[i].listener->interface, l->interface))
			return true;
	return false;
}

static void free_say_address(struct buf *out, const struct listener *l)
{
	char text[ADDR_TEXT_SIZE];

	if (!addr_is_any(&l->sock.local))
		buf_adds(out, addr_to_text(&l->sock.local, text));
	else if (l->sock.family == AF_INET)
		buf_adds(out, "every IPv4 address");
	else if (l->sock.has_v6only && l->sock.v6only)
		buf_adds(out, "every IPv6 address");
	else
		buf_adds(out, "every address");
	if (l->interface[0] && !l->sock.local.scope)
		buf_addf(out, " of %s", l->interface);
}

void free_say_addresses(struct buf *out, const struct free_holder *holders, size_t n,
			const struct listener *first)
{
	bool any4 = false, any6 = false;
	size_t told = 0, more = 0, i;

	for (i = 0; i < n; i++) {
		const struct listener *l = holders[i].listener;

		if (!free_same_owner(l, first) || !addr_is_any(&l->sock.local) ||
		    l->interface[0])
			continue;
		any6 |= l->sock.family == AF_INET6;
		any4 |= l->sock.family == AF_INET || listener_is_dual_stack(l);
	}
	if (any4 && any6) {
		buf_adds(out, "every address");
		return;
	}
	for (i = 0; i < n; i++) {
		const struct listener *l = holders[i].listener;

		if (!free_same_owner(l, first) || free_is_told(holders, i, first, l))
			continue;
		if (told == ADDRESSES_TOLD) {
			more++;
			continue;
		}
		buf_adds(out, told++ ? ", " : "");
		free_say_address(out, l);
	}
	if (more)
		buf_addf(out, " and %zu more", more);
}
