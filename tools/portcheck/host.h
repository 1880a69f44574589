/*
 * What is known of each host while its ports are checked: round-trip time, route, signs
 * of rate-limited rejects. Kept by address, given up when nobody asks any more and the
 * table has grown large.
 */
#ifndef PORTCHECK_HOST_H
#define PORTCHECK_HOST_H

#include "addr.h"
#include "base.h"
#include "route.h"
#include "timing.h"

struct host {
	struct addr addr;
	struct host *next; /* same bucket */
	unsigned int users;
	struct rtt rtt;
	struct rtt *network;  /* of its block of addresses; NULL: none */
	bool holds_neighbour; /* on-link and being checked: counted by the prober */
	bool route_known;
	struct route route;
	unsigned int n_rejects; /* ICMP errors that it answered with */
	/* UDP: hosts answer closed ports about once a second after a burst
	 * (icmp_ratelimit, Linux Documentation/networking/ip-sysctl), so that silence
	 * says little then. */
	unsigned int udp_closed;
	bool udp_limited;    /* silence after such answers was seen: go slowly */
	int64_t udp_next_ns; /* then: when the next datagram may go */
};

struct host_table {
	struct host **buckets;
	size_t n_buckets, n_hosts;
	struct route_table *routes; /* opened when first needed: host_routes() */
	bool routes_tried;
};

/* MANY: thousands of hosts may come. 0 or -ENOMEM. */
PK_MUST_CHECK int host_table_init(struct host_table *t, bool many);
void host_table_release(struct host_table *t);
/* The host at ADDR, made if new; counts one more user. NULL: out of memory. */
struct host *host_get(struct host_table *t, const struct addr *addr);
/* The host at ADDR if it is in the table, else NULL; no user is counted. */
struct host *host_find(struct host_table *t, const struct addr *addr);
/* One user less. */
void host_put(struct host_table *t, struct host *h);
/* The routing socket, NULL if there is none to be had. */
struct route_table *host_routes(struct host_table *t);
/* H's route, looked up the first time; a plain unicast route without interface when
 * even that fails. */
const struct route *host_route(struct host_table *t, struct host *h,
			       const struct addr *source, int interface);
/* Is ADDR one of this machine's own? */
bool host_is_self(struct host_table *t, const struct addr *addr);

#endif
