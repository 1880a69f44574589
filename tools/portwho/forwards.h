/*
 * Ports without a socket: packets to them are forwarded to another address (DNAT), as
 * container engines publish ports, or to another port (redirect).
 *
 * The rules of nftables, iptables-nft and iptables-legacy name ports; for each of them is
 * followed what becomes of a packet to it.
 */
#ifndef PORTWHO_FORWARDS_H
#define PORTWHO_FORWARDS_H

#include "namespaces.h"
#include "portwho.h"
#include "ruleset.h"

/*
 * Add to S, as listeners with `forwarded_to`, the ports of the namespace that the thread
 * is in (NETNS in the record) that F lets pass and that have no socket in S. Needs
 * CAP_NET_ADMIN. TELL: say on stderr what could not be listed. 0 or -errno.
 */
PK_MUST_CHECK int forwards_find(struct snapshot *s, const struct filter *f,
				const struct netns *netns, bool tell);
/* In each namespace that NS holds; what could not be read is said. 0 or -errno, as
 * namespaces_each(). */
PK_MUST_CHECK int forwards_find_all(struct snapshot *s, const struct filter *f,
				    struct namespaces *ns);

/* ---- pure ---- */

struct forward {
	int family;
	uint8_t protocol;
	uint16_t port;
	struct addr to; /* it is for; AF_UNSPEC: every address */
	char *target;	/* "10.88.0.5:80", ":8080"; to be freed */
};

struct forwards {
	struct forward *items;
	size_t n, cap;
	bool wide;    /* a range of ports was so wide that its ends alone are there */
	bool unnamed; /* ports are forwarded that no rule names */
};

/* What R forwards of FAMILY's packets to the addresses of this machine. 0 or -ENOMEM. */
PK_MUST_CHECK int forwards_scan(const struct ruleset *r, int family,
				const struct addr *addresses, size_t n_addresses,
				struct forwards *ret_forwards);
void forwards_release(struct forwards *f);

#endif
