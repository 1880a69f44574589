/*
 * --free: which sockets are in the way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "free_private.h"

/* A holder may be gone before we see it: then it is asked again, so often. */
#define FREE_ROUNDS 8

#define PORTS 65536u

/* ---- one socket ---- */

/* Do the devices that both are bound to let them meet? */
static bool free_device_meets(const struct free_answer *a, const struct sock *s)
{
	return !a->addr.scope || !s->interface || a->addr.scope == s->interface;
}

static bool free_takes_v4(const struct sock *s)
{
	return s->family == AF_INET || addr_is_v4mapped(&s->local) ||
	       (addr_is_any(&s->local) && !s->v6only);
}

bool free_is_in_way(const struct free_answer *a, const struct sock *s, bool leniently)
{
	struct addr local = addr_unmap(&s->local);

	if (s->protocol != a->protocol || s->local_port != a->port ||
	    !free_device_meets(a, s))
		return false;
	if (a->addr.family == AF_UNSPEC)
		return true;
	/* The wildcard of IPv4 meets even an IPv6 address, if the socket was made for
	 * both families (linux net/ipv4/inet_connection_sock.c: ipv4_rcv_saddr_equal), as
	 * are connections that went out and those of a listener on ::. Whether it was,
	 * the kernel does not tell of connections. */
	if (leniently && a->addr.family == AF_INET && addr_is_any(&a->addr) &&
	    s->family == AF_INET6 && !s->has_v6only)
		return true;
	if (a->addr.family == AF_INET)
		return free_takes_v4(s) &&
		       (addr_is_any(&a->addr) || addr_is_any(&local) ||
			!memcmp(local.ip, a->addr.ip, addr_len(&local)));
	/* Whether :: takes IPv4 as well is for a sysctl to say. */
	if (addr_is_any(&a->addr) && !a->v6only)
		return true;
	if (local.family != AF_INET6)
		return false;
	return addr_is_any(&a->addr) || addr_is_any(&local) ||
	       !memcmp(local.ip, a->addr.ip, sizeof(local.ip));
}

static bool free_in_range(const struct free_answer *a, uint16_t port)
{
	return a->ephemeral_first <= port && port <= a->ephemeral_last;
}

/* The kernel does not remember who began: the ports tell, or nobody knows. */
static enum free_kind free_connection_kind(const struct free_answer *a,
					   const struct sock *s)
{
	bool here = free_in_range(a, s->local_port);
	bool there = free_in_range(a, s->remote_port);

	if (s->state == TCP_SYN_SENT || (here && !there))
		return FREE_KIND_OUTGOING;
	if (s->protocol == IPPROTO_TCP && !here && there)
		return FREE_KIND_ACCEPTED;
	return FREE_KIND_CONNECTED;
}

enum free_kind free_kind_of(const struct free_answer *a, const struct sock *s)
{
	switch (s->state) {
	case TCP_LISTEN:
		return FREE_KIND_LISTENER;
	case TCP_CLOSE:
		return s->protocol == IPPROTO_UDP ? FREE_KIND_LISTENER : FREE_KIND_BOUND;
	case SOCK_BOUND_INACTIVE:
		return FREE_KIND_BOUND;
	case TCP_TIME_WAIT:
		return FREE_KIND_TIME_WAIT;
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		if (!s->inode)
			return FREE_KIND_ORPHAN;
		break;
	default:
		break;
	}
	return free_connection_kind(a, s);
}

enum free_cause free_cause_of(const struct free_answer *a)
{
	const size_t *n = a->n_kind;
	bool privileged = a->error == EACCES && a->port < a->privileged_below &&
			  !a->capable;

	if (!a->error)
		return FREE_YES;
	/* What root could not have either comes before what only root can. */
	if (n[FREE_KIND_LISTENER])
		return FREE_LISTENER;
	if (n[FREE_KIND_BOUND])
		return FREE_BOUND;
	if (n[FREE_KIND_ACCEPTED] || n[FREE_KIND_OUTGOING] || n[FREE_KIND_CONNECTED] ||
	    n[FREE_KIND_ORPHAN])
		return FREE_CONNECTION;
	if (privileged)
		return FREE_PRIVILEGED;
	return n[FREE_KIND_TIME_WAIT] ? FREE_TIME_WAIT : FREE_UNKNOWN;
}

/* ---- the look ---- */

struct free_look {
	struct free_answer *answers;
	size_t n;
	uint32_t *at; /* of each protocol and port: its answer's place, from 1 on */
	struct snapshot *snapshot;
	bool leniently; /* what may be in the way, since nothing is that surely is */
};

static uint32_t *free_place(const struct free_look *look, int protocol, uint16_t port)
{
	return &look->at[(protocol == IPPROTO_UDP ? PORTS : 0) + port];
}

static bool free_needs_holders(const struct free_look *look, const struct free_answer *a)
{
	return !a->n_holders &&
	       (look->leniently ? a->error == EADDRINUSE : a->error != 0);
}

static int free_add_holder(struct free_look *look, struct free_answer *a,
			   enum free_kind kind, const struct sock *s)
{
	struct listener l = { .sock = *s, .owner = OWNER_HIDDEN, .reuseport_group = 1 };
	struct free_holder *more;
	int err;

	if ((a->n_holders & (a->n_holders - 1)) == 0) {
		size_t cap = a->n_holders ? 2 * a->n_holders : 1;

		more = realloc(a->holders, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		a->holders = more;
	}
	l.sock.unix_name = NULL;
	if (s->interface && !if_indextoname(s->interface, l.interface))
		l.interface[0] = '\0';
	l.exposure = exposure_of(s, l.interface);
	err = snapshot_copy_socket(look->snapshot, &l);
	if (err)
		return err;
	a->holders[a->n_holders++] =
		(struct free_holder){ .kind = kind, .index = look->snapshot->n - 1 };
	return 0;
}

static int free_take(const struct sock *s, void *arg)
{
	struct free_look *look = arg;
	uint32_t at = *free_place(look, s->protocol, s->local_port);
	struct free_answer *a = at ? &look->answers[at - 1] : NULL;
	enum free_kind kind;

	if (!a || !a->error || !free_is_in_way(a, s, look->leniently))
		return 0;
	kind = free_kind_of(a, s);
	if (kind == FREE_KIND_TIME_WAIT)
		a->frees_in_ms = max_i64(a->frees_in_ms, s->expires_ms);
	if (a->n_kind[kind]++ >= FREE_HOLDERS_MAX)
		return 0;
	return free_add_holder(look, a, kind, s);
}

/* Those that still need one: of PROTOCOL. *RET_PORT is the only one, 0 if several. */
static size_t free_count_needy(const struct free_look *look, int protocol,
			       uint16_t *ret_port)
{
	size_t n = 0, i;

	*ret_port = 0;
	for (i = 0; i < look->n; i++) {
		const struct free_answer *a = &look->answers[i];

		if (!free_needs_holders(look, a) || a->protocol != protocol)
			continue;
		*ret_port = n++ ? 0 : a->port;
	}
	return n;
}

static int free_dump(struct free_look *look, struct sockdiag *sd, int protocol,
		     uint32_t states)
{
	struct sockdiag_query q = { .protocol = protocol, .states = states };
	size_t i;
	int err;

	if (!free_count_needy(look, protocol, &q.port))
		return 0;
	/* Whoever was explained by the dump before is not looked for any more. */
	memset(look->at, 0, 2 * PORTS * sizeof(*look->at));
	for (i = 0; i < look->n; i++)
		if (free_needs_holders(look, &look->answers[i]))
			*free_place(look, look->answers[i].protocol,
				    look->answers[i].port) = (uint32_t)i + 1;
	err = sd ? sockdiag_dump(sd, &q, free_take, look) : -ENOENT;
	/* Without it the reason is unknown, but not the answer. */
	if (err != -ENOENT && err != -EPROTONOSUPPORT && err != -EOPNOTSUPP)
		return err;
	for (i = 0; i < look->n; i++)
		if (look->answers[i].protocol == protocol)
			look->answers[i].blind = true;
	return 0;
}

static int free_dump_all(struct free_look *look, struct sockdiag *sd)
{
	const uint32_t none = SOCK_STATE_BIT(TCP_SYN_RECV) |
			      SOCK_STATE_BIT(SOCK_NEW_SYN_RECV) |
			      SOCK_STATE_BIT(TCP_CLOSE) | SOCK_STATE_BIT(TCP_LISTEN),
		       all = SOCK_STATE_BIT(SOCK_BOUND_INACTIVE + 1) - 2;
	int err = free_dump(look, sd, IPPROTO_TCP, all & ~none);

	if (!err)
		err = free_dump(look, sd, IPPROTO_UDP,
				SOCK_STATE_BIT(TCP_CLOSE) |
					SOCK_STATE_BIT(TCP_ESTABLISHED));
	return err;
}

/* Listeners first: they are few, and where there is one the rest does not matter. */
static int free_collect(struct free_look *look, struct sockdiag *sd)
{
	int err;

	look->leniently = false;
	err = free_dump(look, sd, IPPROTO_TCP, SOCK_STATE_BIT(TCP_LISTEN));
	if (!err)
		err = free_dump_all(look, sd);
	if (err)
		return err;
	look->leniently = true;
	return free_dump_all(look, sd);
}

static void free_drop_holders(struct free_answer *a)
{
	a->n_holders = 0;
	a->frees_in_ms = -1;
	memset(a->n_kind, 0, sizeof(a->n_kind));
}

/* Ask again: whoever was in the way may have gone meanwhile, whether he was seen (another
 * one of us, who asks for the same) or not. */
static int free_ask_again(struct free_look *look, size_t *ret_left, size_t *ret_failed)
{
	size_t i;
	int err;

	*ret_left = 0;
	for (i = 0; i < look->n; i++) {
		struct free_answer *a = &look->answers[i];

		if (a->error != EADDRINUSE)
			continue;
		err = free_bind(a);
		if (err) {
			*ret_failed = i;
			return err;
		}
		if (!a->error)
			free_drop_holders(a);
		*ret_left += a->error == EADDRINUSE && !a->n_holders;
	}
	return 0;
}

static int free_find_holders(struct free_look *look, struct sockdiag *sd,
			     size_t *ret_failed)
{
	size_t left = 1;
	int round, err = 0;

	look->at = calloc(2 * PORTS, sizeof(*look->at));
	if (!look->at)
		return -ENOMEM;
	for (round = 0; !err && left && round < FREE_ROUNDS; round++) {
		err = free_collect(look, sd);
		if (!err)
			err = free_ask_again(look, &left, ret_failed);
	}
	free(look->at);
	return err;
}

/* ---- all of it ---- */

static int free_compare_holders(const void *a, const void *b)
{
	const struct free_holder *x = a, *y = b;
	int d;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	/* The kernel's list is in the order of a hash. */
	d = addr_compare(&x->listener->sock.local, &y->listener->sock.local);
	if (d)
		return d;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void free_conclude(struct free_answer *a, struct free_system *system,
			  const struct snapshot *s)
{
	size_t i;

	a->cause = free_cause_of(a);
	if (a->cause != FREE_TIME_WAIT)
		a->frees_in_ms = -1;
	a->owners_hidden = s->owners_hidden;
	a->wall_ns = s->wall_ns;
	for (i = 0; i < a->n_holders; i++)
		a->holders[i].listener = &s->listeners[a->holders[i].index];
	if (a->n_holders)
		qsort(a->holders, a->n_holders, sizeof(*a->holders),
		      free_compare_holders);
	if (a->cause != FREE_YES)
		a->suggestion = free_suggest(system, a);
	if (a->ephemeral && !a->reserved && system->reserved)
		a->reserve = free_list_with(system->reserved, a->port);
}

static void free_prepare(struct free_answer *a, const struct free_system *system)
{
	a->addr = addr_unmap(&a->addr);
	a->frees_in_ms = -1;
	a->ephemeral_first = system->ephemeral_first;
	a->ephemeral_last = system->ephemeral_last;
	a->privileged_below = system->privileged_below;
	a->capable = system->capable;
	a->root = geteuid() == 0;
	a->shows_bound = system->shows_bound;
	a->ephemeral = free_in_range(a, a->port);
	a->reserved = system->reserved && free_list_has(system->reserved, a->port);
}

int free_ask_all(struct owners *owners, struct sockdiag *sd, struct free_answer *answers,
		 size_t n, struct snapshot *s, size_t *ret_failed)
{
	struct free_look look = { .answers = answers, .n = n, .snapshot = s };
	struct free_system system;
	size_t taken = 0, failed = n, i;
	int err = free_system_read(&system);

	for (i = 0; !err && i < n; i++) {
		free_prepare(&answers[i], &system);
		err = free_bind(&answers[i]);
		if (err)
			failed = i;
		taken += answers[i].error != 0;
	}
	s->wall_ns = clock_wall_ns();
	if (!err && taken)
		err = free_find_holders(&look, sd, &failed);
	if (!err && s->n)
		err = owners_find(owners, s, false);
	for (i = 0; !err && i < n; i++)
		free_conclude(&answers[i], &system, s);
	free_system_release(&system);
	*ret_failed = failed;
	return err;
}

int free_ask(struct owners *owners, struct sockdiag *sd, uint16_t port, int protocol,
	     const struct addr *addr, struct free_answer *ret_answer)
{
	struct free_answer a = { .port = port,
				 .protocol = (uint8_t)protocol,
				 .addr = *addr };
	struct snapshot s = { 0 };
	size_t failed;
	int err = free_ask_all(owners, sd, &a, 1, &s, &failed);

	/* The listeners stay where they are in memory. */
	a.owners = s;
	if (err) {
		free_release(&a);
		return err;
	}
	*ret_answer = a;
	return 0;
}

void free_release(struct free_answer *a)
{
	free(a->holders);
	free(a->reserve);
	free(a->forwarded_to);
	snapshot_release(&a->owners);
	a->holders = NULL;
	a->reserve = NULL;
	a->forwarded_to = NULL;
	a->n_holders = 0;
}
