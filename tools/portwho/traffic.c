#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of no client: with the port of one that is connected, its connection is found. */
#define NO_PORT 0
/* Different clients of one look; beyond that they are only counted. */
#define CLIENTS_MAX 1024

struct counting {
	struct snapshot *snapshot;
	struct client *clients; /* of all listeners: `owner` says whose */
	size_t *owners;
	size_t n;
	unsigned int *uncounted;
};

/* Would the listener have taken a connection to S's local address? */
static bool is_server_of(const struct listener *l, const struct sock *s)
{
	struct addr local = addr_unmap(&s->local), bound = addr_unmap(&l->sock.local);

	if (l->sock.local_port != s->local_port || l->sock.protocol != s->protocol ||
	    l->sock.state != TCP_LISTEN)
		return false;
	/* A connection has the device of the listener that took it. */
	if (l->sock.interface && l->sock.interface != s->interface)
		return false;
	if (!addr_is_any(&bound))
		return addr_equal(&bound, &local);
	return local.family == bound.family || listener_is_dual_stack(l);
}

/* As the kernel weighs them (compute_score): an exact address, then a device, then the
 * family. */
static unsigned int rank(const struct listener *l, const struct sock *s)
{
	struct addr bound = addr_unmap(&l->sock.local);

	return (addr_is_any(&bound) ? 0 : 4) + (l->sock.interface ? 2 : 0) +
	       (l->sock.family == s->family ? 1 : 0);
}

/* The listener that it came by. */
static struct listener *server_of(struct snapshot *snapshot, const struct sock *s)
{
	struct listener *best = NULL;
	size_t i;

	for (i = 0; i < snapshot->n; i++) {
		struct listener *l = &snapshot->listeners[i];

		if (is_server_of(l, s) && (!best || rank(l, s) > rank(best, s)))
			best = l;
	}
	return best;
}

static int count(const struct sock *s, void *arg)
{
	struct counting *c = arg;
	struct listener *l = server_of(c->snapshot, s);
	struct addr remote = addr_unmap(&s->remote);
	size_t owner, i;

	if (!l)
		return 0;
	owner = (size_t)(l - c->snapshot->listeners);
	l->n_clients++;
	for (i = 0; i < c->n; i++)
		if (c->owners[i] == owner && addr_equal(&c->clients[i].addr, &remote)) {
			c->clients[i].n++;
			return 0;
		}
	if (c->n == CLIENTS_MAX) {
		c->uncounted[owner]++;
		return 0;
	}
	c->owners[c->n] = owner;
	c->clients[c->n++] = (struct client){ .addr = remote, .n = 1 };
	return 0;
}

/* Connections of each port once, however many listeners it has. */
static int count_clients(struct counting *c, struct sockdiag *sd)
{
	struct snapshot *s = c->snapshot;
	size_t i, k;
	int err = 0;

	for (i = 0; !err && i < s->n; i++) {
		struct sockdiag_query q = { .family = AF_UNSPEC,
					    .protocol = IPPROTO_TCP,
					    .states = SOCK_STATE_BIT(TCP_ESTABLISHED) |
						      SOCK_STATE_BIT(TCP_CLOSE_WAIT),
					    .port = s->listeners[i].sock.local_port };

		if (s->listeners[i].sock.state != TCP_LISTEN ||
		    s->listeners[i].sock.protocol != IPPROTO_TCP)
			continue;
		for (k = 0; k < i; k++)
			if (s->listeners[k].sock.local_port == q.port &&
			    s->listeners[k].sock.protocol == IPPROTO_TCP)
				break;
		if (k == i)
			err = sockdiag_dump(sd, &q, count, c);
	}
	return err;
}

static void keep(struct traffic *t, const struct client *client)
{
	size_t at = t->n_clients;

	while (at > 0 && t->clients[at - 1].n < client->n)
		at--;
	if (at == CLIENTS_TOLD) {
		t->n_more += client->n;
		return;
	}
	if (t->n_clients == CLIENTS_TOLD)
		t->n_more += t->clients[CLIENTS_TOLD - 1].n;
	else
		t->n_clients++;
	memmove(&t->clients[at + 1], &t->clients[at],
		(t->n_clients - at - 1) * sizeof(*t->clients));
	t->clients[at] = *client;
}

/* Which socket gets what is sent to LOCALHOST:PORT? 0: none, or not to be told. */
static uint64_t receiver(struct sockdiag *sd, int protocol, int family, uint16_t port)
{
	struct addr localhost = { .family = (uint16_t)family };
	/* What is bound to lo is found by its index only, the rest either way. */
	uint32_t interface = if_nametoindex("lo");
	struct sock found;

	if (family == AF_INET) {
		localhost.ip[0] = 127;
		localhost.ip[3] = 1;
	} else {
		localhost.ip[15] = 1;
	}
	if (sockdiag_find(sd, protocol, &localhost, port, &localhost, NO_PORT, interface,
			  &found) < 0)
		return 0;
	return found.cookie;
}

/* Is it one that was filtered out? */
static bool is_other(const struct snapshot *s, uint64_t cookie)
{
	size_t i;

	for (i = 0; cookie && i < s->n; i++)
		if (s->listeners[i].sock.cookie == cookie)
			return false;
	return cookie != 0;
}

static void find_receivers(struct snapshot *s, struct sockdiag *sd)
{
	uint64_t v4, v6;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct listener *l = &s->listeners[i];
		int protocol = l->sock.protocol;
		uint16_t port = l->sock.local_port;

		if (l->forwarded_to || l->sock.family == AF_UNIX ||
		    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
			continue;
		l->traffic_known = true;
		v4 = receiver(sd, protocol, AF_INET, port);
		v6 = receiver(sd, protocol, AF_INET6, port);
		l->gets_localhost4 = v4 == l->sock.cookie;
		l->gets_localhost6 = v6 == l->sock.cookie;
		l->other_localhost4 = !l->gets_localhost4 && is_other(s, v4);
		l->other_localhost6 = !l->gets_localhost6 && is_other(s, v6);
	}
}

int traffic_find(struct snapshot *s, struct sockdiag *sd, struct traffic **ret_traffic)
{
	struct counting c = { .snapshot = s };
	struct traffic *traffic = calloc(s->n + 1, sizeof(*traffic));
	size_t i;
	int err = -ENOMEM;

	c.clients = calloc(CLIENTS_MAX, sizeof(*c.clients));
	c.owners = calloc(CLIENTS_MAX, sizeof(*c.owners));
	c.uncounted = calloc(s->n + 1, sizeof(*c.uncounted));
	if (traffic && c.clients && c.owners && c.uncounted)
		err = count_clients(&c, sd);
	for (i = 0; !err && i < c.n; i++)
		keep(&traffic[c.owners[i]], &c.clients[i]);
	for (i = 0; !err && i < s->n; i++)
		traffic[i].n_more += c.uncounted[i];
	if (!err)
		find_receivers(s, sd);
	free(c.clients);
	free(c.owners);
	free(c.uncounted);
	if (err)
		free(traffic);
	else
		*ret_traffic = traffic;
	return err;
}
