#include "collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Listeners of one snapshot: more is a broken dump. */
#define LISTENERS_MAX (1u << 24)

/* ---- one socket ---- */

enum exposure exposure_of(const struct sock *sock, const char *interface)
{
	struct addr a = addr_unmap(&sock->local);

	if (sock->family == AF_UNIX || !strcmp(interface, "lo") || addr_is_loopback(&a))
		return EXPOSURE_LOOPBACK;
	if (addr_is_link_local(&a))
		return EXPOSURE_LINK_LOCAL;
	if (addr_is_any(&a) && !sock->interface)
		return EXPOSURE_ALL;
	return EXPOSURE_ADDRESS;
}

static bool takes_family(const struct listener *l, int family)
{
	bool v4 = l->sock.family == AF_INET || addr_is_v4mapped(&l->sock.local);

	if (family == AF_UNSPEC)
		return true;
	if (l->sock.family == AF_UNIX)
		return false;
	if (family == AF_INET)
		return v4 || listener_is_dual_stack(l);
	return !v4;
}

bool filter_has_port(const struct filter *f, const struct listener *l)
{
	const struct sock *s = &l->sock;
	/* SCTP's ports are asked for without saying so. */
	int protocol = s->protocol == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	size_t i;

	if (s->family == AF_UNIX || s->protocol == IPPROTO_RAW)
		return false;
	for (i = 0; i < f->ports.n_ranges; i++) {
		const struct port_range *r = &f->ports.ranges[i];

		if (r->protocol == protocol && r->first <= s->local_port &&
		    s->local_port <= r->last)
			return true;
	}
	return false;
}

bool filter_admits_socket(const struct filter *f, const struct listener *l)
{
	if (!takes_family(l, f->family))
		return false;
	if (f->exposed && l->exposure == EXPOSURE_LOOPBACK)
		return false;
	return !f->ports.n_ranges || f->either || filter_has_port(f, l);
}

/* ---- the dumps ---- */

struct collecting {
	struct snapshot *snapshot;
	const struct filter *filter;
	const struct netns *netns;
	size_t first; /* of this namespace */
};

static int grow(struct snapshot *s)
{
	size_t cap = s->cap ? 2 * s->cap : 64;
	struct listener *more;

	if (s->n < s->cap)
		return 0;
	if (cap > LISTENERS_MAX)
		return -E2BIG;
	more = realloc(s->listeners, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->listeners = more;
	s->cap = cap;
	return 0;
}

static char *escaped_name(const struct sock *sock)
{
	struct buf text = BUF_INIT;
	const char *name = sock->unix_name;
	size_t len = sock->unix_name_len;

	if (!name || !len)
		return NULL;
	/* An abstract name begins with NUL; everybody writes it as '@'. */
	if (!*name) {
		buf_addc(&text, '@');
		name++;
		len--;
	} else {
		len = strnlen(name, len);
	}
	text_escape(&text, name, len);
	return buf_steal(&text);
}

static int take(const struct sock *sock, void *arg)
{
	struct collecting *c = arg;
	struct listener l = { .sock = *sock,
			      .owner = OWNER_HIDDEN,
			      .reuseport_group = 1,
			      .netns = c->netns };
	int err;

	/* A UDP socket without a port was never bound. */
	if (sock->family != AF_UNIX && sock->protocol != IPPROTO_RAW && !sock->local_port)
		return 0;
	if (sock->interface && !if_indextoname(sock->interface, l.interface))
		l.interface[0] = '\0';
	l.exposure = exposure_of(sock, l.interface);
	if (!filter_admits_socket(c->filter, &l))
		return 0;
	err = grow(c->snapshot);
	if (err < 0)
		return err;
	l.unix_name = escaped_name(sock);
	l.sock.unix_name = NULL;
	c->snapshot->listeners[c->snapshot->n++] = l;
	return 0;
}

/* An MPTCP listener is among those of TCP as well, with the same inode. */
static int mark_mptcp(const struct sock *sock, void *arg)
{
	struct collecting *c = arg;
	size_t i;

	for (i = c->first; i < c->snapshot->n; i++) {
		struct listener *l = &c->snapshot->listeners[i];

		if (l->sock.protocol == IPPROTO_TCP && l->sock.inode &&
		    l->sock.inode == sock->inode)
			l->sock.mptcp = true;
	}
	return 0;
}

static int dump(struct collecting *c, struct sockdiag *sd, int protocol, uint32_t states,
		sockdiag_fn *fn)
{
	struct sockdiag_query q = { .family = AF_UNSPEC,
				    .protocol = protocol,
				    .states = states };
	const struct port_list *ports = &c->filter->ports;

	if (ports->n_ports && !c->filter->either &&
	    ports->ranges[0].first == ports->ranges[0].last &&
	    (ports->n_ranges == 1 ||
	     (ports->n_ranges == 2 && ports->ranges[1].first == ports->ranges[0].first &&
	      ports->ranges[1].last == ports->ranges[0].last)))
		q.port = ports->ranges[0].first;
	return sockdiag_dump(sd, &q, fn, c);
}

/* Kinds of sockets that this kernel may not have. */
static int dump_maybe(struct collecting *c, struct sockdiag *sd, int protocol,
		      uint32_t states, sockdiag_fn *fn, unsigned int also)
{
	int err = dump(c, sd, protocol, states, fn);

	if (err != -ENOENT && err != -EPROTONOSUPPORT && err != -EOPNOTSUPP)
		return err;
	c->snapshot->unlisted |= also;
	return 0;
}

int collect_sockets(struct snapshot *s, struct sockdiag *sd, const struct filter *f,
		    const struct netns *netns)
{
	const uint32_t listen = SOCK_STATE_BIT(TCP_LISTEN),
		       closed = SOCK_STATE_BIT(TCP_CLOSE);
	struct collecting c = {
		.snapshot = s, .filter = f, .netns = netns, .first = s->n
	};
	int err = 0;

	if (f->tcp)
		err = dump(&c, sd, IPPROTO_TCP, listen, take);
	if (!err && f->tcp)
		err = dump_maybe(&c, sd, IPPROTO_MPTCP, listen, mark_mptcp, 0);
	if (!err && f->udp)
		err = dump(&c, sd, IPPROTO_UDP, closed, take);
	if (!err && f->tcp && (f->also & ALSO_BOUND))
		err = dump_maybe(&c, sd, IPPROTO_TCP, SOCK_STATE_BIT(SOCK_BOUND_INACTIVE),
				 take, ALSO_BOUND);
	if (!err && (f->also & ALSO_SCTP))
		err = dump_maybe(&c, sd, IPPROTO_SCTP, listen, take, ALSO_SCTP);
	if (!err && (f->also & ALSO_RAW))
		err = dump_maybe(&c, sd, IPPROTO_RAW, closed, take, ALSO_RAW);
	if (!err && (f->also & ALSO_UNIX))
		err = sockdiag_dump_unix(sd, take, &c);
	return err;
}

/* ---- groups ---- */

static int compare_places(const void *a, const void *b)
{
	const struct listener *x = *(struct listener *const *)a,
			      *y = *(struct listener *const *)b;
	int d;

	if (x->netns != y->netns)
		return (uintptr_t)x->netns < (uintptr_t)y->netns ? -1 : 1;
	if (x->sock.protocol != y->sock.protocol)
		return x->sock.protocol < y->sock.protocol ? -1 : 1;
	if (x->sock.local_port != y->sock.local_port)
		return x->sock.local_port < y->sock.local_port ? -1 : 1;
	d = addr_compare(&x->sock.local, &y->sock.local);
	if (d)
		return d;
	if (x->sock.interface != y->sock.interface)
		return x->sock.interface < y->sock.interface ? -1 : 1;
	return (int)x->sock.state - (int)y->sock.state;
}

void collect_groups(struct snapshot *s)
{
	struct listener **order = calloc(s->n + 1, sizeof(struct listener *));
	size_t i, k, end;

	if (!order)
		return; /* each is shown as if alone */
	for (i = 0; i < s->n; i++)
		order[i] = &s->listeners[i];
	qsort(order, s->n, sizeof(*order), compare_places);
	for (i = 0; i < s->n; i = end) {
		for (end = i + 1; end < s->n && !compare_places(&order[i], &order[end]);
		     end++)
			;
		for (k = i; k < end; k++)
			if (order[k]->sock.family != AF_UNIX &&
			    order[k]->sock.protocol != IPPROTO_RAW)
				order[k]->reuseport_group = (unsigned int)(end - i);
	}
	free(order);
}

int snapshot_copy_socket(struct snapshot *s, const struct listener *l)
{
	struct listener *copy;
	int err = grow(s);

	if (err < 0)
		return err;
	copy = &s->listeners[s->n++];
	*copy = *l;
	copy->holders = NULL;
	copy->n_holders = 0;
	copy->forwarded_to = copy->firewall_why = NULL;
	copy->unix_name = NULL;
	if (l->unix_name && !(copy->unix_name = strdup(l->unix_name)))
		return -ENOMEM;
	return 0;
}

void listener_release(struct listener *l)
{
	free(l->unix_name);
	free(l->holders);
	free(l->forwarded_to);
	free(l->firewall_why);
}

void snapshot_release(struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		listener_release(&s->listeners[i]);
	free(s->listeners);
	for (i = 0; i < s->n_processes; i++) {
		process_release(s->processes[i]);
		free(s->processes[i]);
	}
	free(s->processes);
	memset(s, 0, sizeof(*s));
}
