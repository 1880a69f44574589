/*
 * Who talks to a port now, and which of its sockets would get the next connection.
 */
#ifndef PORTWHO_TRAFFIC_H
#define PORTWHO_TRAFFIC_H

#include "portwho.h"

/* Remote addresses of clients that are told one by one. */
#define CLIENTS_TOLD 8

struct client {
	struct addr addr;
	unsigned int n; /* connections */
};

/* Of one listener, in the order of its snapshot. */
struct traffic {
	struct client clients[CLIENTS_TOLD]; /* those with most connections first */
	size_t n_clients;
	unsigned int n_more; /* connections from others */
};

/*
 * Fill in the traffic of S's listeners, all of SD's namespace; RET_TRAFFIC has one for
 * each and is freed by the caller. 0 or -errno.
 */
PK_MUST_CHECK int traffic_find(struct snapshot *s, struct sockdiag *sd,
			       struct traffic **ret_traffic);

#endif
