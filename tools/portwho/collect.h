/*
 * Sockets become listeners: what passes the part of the filter that needs no process.
 */
#ifndef PORTWHO_COLLECT_H
#define PORTWHO_COLLECT_H

#include "portwho.h"

/*
 * Add to S the sockets of SD's namespace that F lets pass by protocol, port, family and
 * exposure, marked as NETNS's. The calling thread has to be in that namespace, for the
 * names of interfaces. 0 or -errno.
 */
PK_MUST_CHECK int collect_sockets(struct snapshot *s, struct sockdiag *sd,
				  const struct filter *f, const struct netns *netns);
/* Count the groups that share address and port, once all sockets are there. */
void collect_groups(struct snapshot *s);
/* Add the socket of L, without its owners. 0 or -errno. */
PK_MUST_CHECK int snapshot_copy_socket(struct snapshot *s, const struct listener *l);
/* What L owns is freed. */
void listener_release(struct listener *l);
void snapshot_release(struct snapshot *s);

/* Pure: how far an address and a device expose a listener, by their names alone. */
enum exposure exposure_of(const struct sock *sock, const char *interface);
/* Pure: does F let it pass, as far as no process is needed? */
bool filter_admits_socket(const struct filter *f, const struct listener *l);
/* Pure: is its port one of F's? */
bool filter_has_port(const struct filter *f, const struct listener *l);

#endif
