/*
 * Floor 3: IP addresses as values, sockaddr and text. Pure but for zone names
 * (if_nametoindex, if_indextoname).
 *
 * `struct addr` is an address without a port, small enough to keep by the ten thousand.
 * ::ffff:a.b.c.d is kept as given; addr_unmap() turns it into IPv4.
 */
#ifndef PK_ADDR_H
#define PK_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base.h"

/* Text of any address: IPv6, '%', interface name, NUL (INET6_ADDRSTRLEN, IF_NAMESIZE). */
#define ADDR_TEXT_SIZE (46 + 1 + 16)
/* "[" address "]:65535" */
#define ADDR_ENDPOINT_SIZE (ADDR_TEXT_SIZE + 8)

struct addr {
	uint8_t ip[16];	 /* network order; 4 bytes used for AF_INET, the rest 0 */
	uint32_t scope;	 /* interface index for scoped IPv6, else 0 */
	uint16_t family; /* AF_INET, AF_INET6; AF_UNSPEC (0) means no address */
};

/*
 * A numeric address, strict: four decimal parts for IPv4 (no "127.1", no octal), RFC 4291
 * for IPv6, with %ZONE (name or index) on link-local and multicast. 0; -EINVAL: not an
 * address; -ENODEV: the zone is no interface here; -EADDRNOTAVAIL: a zone on an address
 * that takes none.
 */
PK_MUST_CHECK int addr_from_text(const char *text, struct addr *ret_addr);
/* Canonical text (RFC 5952), with %zone if scoped. Returns OUT. */
const char *addr_to_text(const struct addr *a, char out[ADDR_TEXT_SIZE]);
/* "192.0.2.1:80", "[2001:db8::1]:80". Returns OUT. */
const char *addr_endpoint_text(const struct addr *a, uint16_t port,
			       char out[ADDR_ENDPOINT_SIZE]);

/* PORT in host order. Returns the length to give to bind(2) or connect(2). */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port,
			   struct sockaddr_storage *ret_sa);
/* 0, or -EAFNOSUPPORT; ret_port (may be NULL) in host order. */
PK_MUST_CHECK int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len,
				     struct addr *ret_addr, uint16_t *ret_port);

bool addr_equal(const struct addr *a, const struct addr *b);
/* <0, 0, >0; IPv4 before IPv6, then by number, then scope. */
int addr_compare(const struct addr *a, const struct addr *b);
/* 4 or 16. */
size_t addr_len(const struct addr *a);
/* "inet" or "inet6". */
const char *addr_family_word(const struct addr *a);
/* A plus N, by number; wraps are the caller's to avoid. */
struct addr addr_plus(const struct addr *a, uint64_t n);
/* A with all but the first BITS bits zero. */
struct addr addr_network(const struct addr *a, unsigned int bits);

bool addr_is_loopback(const struct addr *a);   /* 127/8, ::1 (also mapped) */
bool addr_is_any(const struct addr *a);	       /* 0.0.0.0, :: */
bool addr_is_multicast(const struct addr *a);  /* 224/4, ff00::/8 */
bool addr_is_broadcast(const struct addr *a);  /* 255.255.255.255 */
bool addr_is_link_local(const struct addr *a); /* 169.254/16, fe80::/10 */
bool addr_is_v4mapped(const struct addr *a);   /* ::ffff:0:0/96 */
/* The IPv4 address inside a mapped one; any other unchanged. */
struct addr addr_unmap(const struct addr *a);

#endif
