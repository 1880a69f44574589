/*
 * Floor 5: where this machine would send a packet, and whether the next hop answers.
 *
 * rtnetlink (linux/rtnetlink.h, linux/neighbour.h) through libmnl; no privilege needed.
 */
#ifndef PK_ROUTE_H
#define PK_ROUTE_H

#include <net/if.h>

#include "addr.h"
#include "base.h"

enum route_kind {
	ROUTE_UNICAST,
	ROUTE_LOCAL, /* one of this machine's own addresses */
	ROUTE_BROADCAST,
	ROUTE_MULTICAST,
	ROUTE_UNREACHABLE, /* a route of type unreachable */
	ROUTE_PROHIBIT,
	ROUTE_BLACKHOLE,
	ROUTE_NONE, /* no route at all */
};

struct route {
	enum route_kind kind;
	int interface; /* index of the egress interface, 0 if none */
	char interface_name[IF_NAMESIZE];
	struct addr gateway; /* AF_UNSPEC: on-link */
	struct addr source;  /* preferred source, AF_UNSPEC if none */
};

enum route_neigh {
	ROUTE_NEIGH_UNKNOWN, /* no entry */
	ROUTE_NEIGH_WAITING, /* asked, no answer yet (NUD_INCOMPLETE) */
	ROUTE_NEIGH_FAILED,  /* asked, gave up (NUD_FAILED) */
	ROUTE_NEIGH_PRESENT, /* has answered (reachable, stale, permanent, ...) */
};

/* An open netlink socket, so that many look-ups cost one. */
struct route_table;
PK_MUST_CHECK int route_open(struct route_table **ret_table);
void route_close(struct route_table *t);

/* The route to DST, from SRC (NULL or AF_UNSPEC: any) through INTERFACE (0: any).
 * 0 or -errno (failure of the look-up itself). */
PK_MUST_CHECK int route_lookup(struct route_table *t, const struct addr *dst,
			       const struct addr *src, int interface,
			       struct route *ret_route);
/* The neighbour entry of HOP on INTERFACE. 0 or -errno. */
PK_MUST_CHECK int route_neighbour(struct route_table *t, const struct addr *hop,
				  int interface, enum route_neigh *ret_state);

#endif
