/*
 * Floor 5: ICMP errors, as the kernel's error queue hands them out.
 *
 * With IP_RECVERR / IPV6_RECVERR set, a TCP socket in SYN_SENT and a UDP socket queue
 * each ICMP error that quotes them, with type, code and sender; no privilege is needed.
 * (TCP since kernel commit 45af29ca761c, v5.8; before that only errno is known.)
 *
 * Types and codes: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 (IPv4); RFC 4443 3 (IPv6).
 */
#ifndef PK_ICMP_H
#define PK_ICMP_H

#include "addr.h"
#include "base.h"
#include "state.h"

struct icmp_error {
	uint8_t origin; /* SO_EE_ORIGIN_*, linux/errqueue.h */
	uint8_t type;
	uint8_t code;
	uint8_t ttl; /* of the message as it arrived (icmp_enable_ttl); 0: not known */
	int error;   /* the errno the kernel made of it */
	struct addr from; /* sender; family AF_UNSPEC when not known */
};

/* Ask for the error queue on FD (an AF_INET or AF_INET6 socket). 0 or -errno. */
int icmp_enable(int fd, int family);
/* Ask for the TTL or hop limit with which messages and errors arrive, too (IP_RECVTTL,
 * IPV6_RECVHOPLIMIT): it says how far away their sender is. 0 or -errno. */
int icmp_enable_ttl(int fd, int family);
/* The TTL that recvmsg(2) put into MSG's control data, 0 if none. */
uint8_t icmp_ttl_of(struct msghdr *msg);
/*
 * Take the next ICMP error off FD's error queue. 1: *RET_ERROR is set; 0: the queue holds
 * none; -errno. Entries of other origins (local, timestamps) are passed over, but for
 * SO_EE_ORIGIN_LOCAL, which comes back as it is.
 */
int icmp_read(int fd, struct icmp_error *ret_error);
/* The same, and what the error quotes of the packet behind its IP header: up to SIZE
 * bytes in QUOTE, *RET_LEN of them. For a socket that several share. */
int icmp_read_quoted(int fd, struct icmp_error *ret_error, void *quote, size_t size,
		     size_t *ret_len);
/* Which reason type and code of ORIGIN stand for. Unknown ones are host-unreach. Pure. */
enum port_reason icmp_reason(uint8_t origin, uint8_t type, uint8_t code);
/* Does this error say that the packet was not delivered? Not so for packet-too-big and
 * frag-needed, source quench, redirects. Pure. */
bool icmp_is_final(uint8_t origin, uint8_t type, uint8_t code);
/* "ICMP port-unreachable (type 3, code 3)", in words. Static words. Pure. */
const char *icmp_words(uint8_t origin, uint8_t type, uint8_t code);

#endif
