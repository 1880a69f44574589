#include "host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FEW  64
#define BUCKETS_MANY 65536
#define KEEP_HOSTS \
	65536 /* idle hosts are kept up to here: later rounds use what is known */

int host_table_init(struct host_table *t, bool many)
{
	*t = (struct host_table){ .n_buckets = many ? BUCKETS_MANY : BUCKETS_FEW };
	t->buckets = calloc(t->n_buckets, sizeof(struct host *));
	if (!t->buckets) {
		host_table_release(t);
		return -ENOMEM;
	}
	return 0;
}

void host_table_release(struct host_table *t)
{
	size_t i;

	for (i = 0; t->buckets && i < t->n_buckets; i++) {
		while (t->buckets[i]) {
			struct host *h = t->buckets[i];

			t->buckets[i] = h->next;
			free(h);
		}
	}
	free(t->buckets);
	t->buckets = NULL;
	route_close(t->routes);
	t->routes = NULL;
}

static struct host **bucket_of(struct host_table *t, const struct addr *a)
{
	uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
	size_t i;

	for (i = 0; i < addr_len(a); i++)
		hash = (hash ^ a->ip[i]) * 1099511628211ULL;
	return &t->buckets[(hash ^ hash >> 32) % t->n_buckets];
}

struct host *host_find(struct host_table *t, const struct addr *addr)
{
	struct host *h;

	for (h = *bucket_of(t, addr); h; h = h->next)
		if (addr_equal(&h->addr, addr))
			return h;
	return NULL;
}

struct host *host_get(struct host_table *t, const struct addr *addr)
{
	struct host **bucket = bucket_of(t, addr);
	struct host *h = host_find(t, addr);

	if (!h) {
		h = calloc(1, sizeof(*h));
		if (!h)
			return NULL;
		h->addr = *addr;
		h->next = *bucket;
		*bucket = h;
		t->n_hosts++;
	}
	/* Routes change while nobody asks, as between the rounds of a wait. */
	if (!h->users)
		h->route_known = false;
	h->users++;
	return h;
}

void host_put(struct host_table *t, struct host *h)
{
	struct host **at;

	if (--h->users || t->n_hosts <= KEEP_HOSTS)
		return;
	for (at = bucket_of(t, &h->addr); *at != h; at = &(*at)->next)
		;
	*at = h->next;
	t->n_hosts--;
	free(h);
}

struct route_table *host_routes(struct host_table *t)
{
	/* Without routes the verdicts are poorer, not wrong: not an error. */
	if (!t->routes && !t->routes_tried && route_open(&t->routes) < 0)
		t->routes = NULL;
	t->routes_tried = true;
	return t->routes;
}

const struct route *host_route(struct host_table *t, struct host *h,
			       const struct addr *source, int interface)
{
	if (!h->route_known) {
		h->route_known = true;
		if (!host_routes(t) ||
		    route_lookup(t->routes, &h->addr, source, interface, &h->route) < 0)
			h->route = (struct route){ .kind = ROUTE_UNICAST };
	}
	return &h->route;
}

bool host_is_self(struct host_table *t, const struct addr *addr)
{
	struct route route;

	if (addr->family == AF_UNSPEC || !host_routes(t))
		return false;
	return route_lookup(t->routes, addr, NULL, 0, &route) == 0 &&
	       route.kind == ROUTE_LOCAL;
}
