#include "icmp.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Codes that netinet/icmp6.h has no names for (RFC 4443 3.1). */
#define ICMP6_CODE_POLICY_FAIL	5
#define ICMP6_CODE_REJECT_ROUTE 6

int icmp_enable(int fd, int family)
{
	static const int on = 1;

	/* An IPv6 socket that talks to ::ffff:a.b.c.d needs both. */
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)) < 0)
		return -errno;
	if (setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int icmp_enable_ttl(int fd, int family)
{
	static const int on = 1;
	int err =
		family == AF_INET6
			? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on))
			: setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));

	return err < 0 ? -errno : 0;
}

uint8_t icmp_ttl_of(struct msghdr *msg)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int ttl;

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			continue;
		if (c->cmsg_len < CMSG_LEN(sizeof(ttl)))
			continue;
		memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		return ttl > 0 && ttl < 256 ? (uint8_t)ttl : 0;
	}
	return 0;
}

/* The sender stands behind the extended error (SO_EE_OFFENDER), and is AF_UNSPEC when the
 * error was made locally. */
static void read_offender(const struct sock_extended_err *ee, size_t len,
			  struct addr *ret_from)
{
	struct sockaddr_storage sa;
	size_t sa_len = len - sizeof(*ee);

	*ret_from = (struct addr){ .family = AF_UNSPEC };
	if (sa_len > sizeof(sa))
		sa_len = sizeof(sa);
	memset(&sa, 0, sizeof(sa));
	memcpy(&sa, ee + 1, sa_len);
	if (addr_from_sockaddr((struct sockaddr *)&sa, (socklen_t)sa_len, ret_from,
			       NULL) < 0)
		*ret_from = (struct addr){ .family = AF_UNSPEC };
	else
		*ret_from = addr_unmap(ret_from);
}

static bool read_control(struct msghdr *msg, struct icmp_error *ret_error)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err ee;
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		if (len < sizeof(ee))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin != SO_EE_ORIGIN_ICMP &&
		    ee.ee_origin != SO_EE_ORIGIN_ICMP6 &&
		    ee.ee_origin != SO_EE_ORIGIN_LOCAL)
			continue;
		ret_error->origin = ee.ee_origin;
		ret_error->type = ee.ee_type;
		ret_error->code = ee.ee_code;
		ret_error->ttl = icmp_ttl_of(msg);
		ret_error->error = (int)ee.ee_errno;
		read_offender((struct sock_extended_err *)(void *)CMSG_DATA(c), len,
			      &ret_error->from);
		return true;
	}
	return false;
}

int icmp_read(int fd, struct icmp_error *ret_error)
{
	size_t len;

	return icmp_read_quoted(fd, ret_error, NULL, 0, &len);
}

int icmp_read_quoted(int fd, struct icmp_error *ret_error, void *quote, size_t size,
		     size_t *ret_len)
{
	struct iovec part = { .iov_base = quote, .iov_len = size };

	for (;;) {
		union {
			struct cmsghdr align;
			char bytes[512];
		} control;
		struct msghdr msg = { .msg_iov = &part,
				      .msg_iovlen = 1,
				      .msg_control = control.bytes,
				      .msg_controllen = sizeof(control.bytes) };
		ssize_t n = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		}
		if (read_control(&msg, ret_error)) {
			*ret_len = (size_t)n;
			return 1;
		}
	}
}

static enum port_reason icmp4_reason(uint8_t type, uint8_t code)
{
	if (type == ICMP_TIME_EXCEEDED)
		return REASON_TIME_EXCEEDED;
	if (type != ICMP_DEST_UNREACH)
		return REASON_HOST_UNREACH;
	switch (code) {
	case ICMP_NET_UNREACH:
	case ICMP_NET_UNKNOWN:
	case ICMP_NET_UNR_TOS:
		return REASON_NET_UNREACH;
	case ICMP_PROT_UNREACH:
		return REASON_PROTO_UNREACH;
	case ICMP_PORT_UNREACH:
		return REASON_PORT_UNREACH;
	case ICMP_FRAG_NEEDED:
		return REASON_FRAG_NEEDED;
	case ICMP_NET_ANO:
		return REASON_NET_PROHIBITED;
	case ICMP_HOST_ANO:
		return REASON_HOST_PROHIBITED;
	case ICMP_PKT_FILTERED:
	case ICMP_PREC_VIOLATION:
	case ICMP_PREC_CUTOFF:
		return REASON_ADMIN_PROHIBITED;
	default:
		return REASON_HOST_UNREACH;
	}
}

static enum port_reason icmp6_reason(uint8_t type, uint8_t code)
{
	if (type == ICMP6_TIME_EXCEEDED)
		return REASON_TIME_EXCEEDED;
	if (type == ICMP6_PACKET_TOO_BIG)
		return REASON_FRAG_NEEDED;
	if (type == ICMP6_PARAM_PROB)
		return REASON_PROTO_UNREACH; /* code 1: next header not recognised */
	if (type != ICMP6_DST_UNREACH)
		return REASON_HOST_UNREACH;
	switch (code) {
	case ICMP6_DST_UNREACH_NOROUTE:
		return REASON_NO_ROUTE;
	case ICMP6_DST_UNREACH_ADMIN:
		return REASON_ADMIN_PROHIBITED;
	case ICMP6_DST_UNREACH_NOPORT:
		return REASON_PORT_UNREACH;
	case ICMP6_CODE_POLICY_FAIL:
		return REASON_POLICY_FAIL;
	case ICMP6_CODE_REJECT_ROUTE:
		return REASON_REJECT_ROUTE;
	default:
		return REASON_HOST_UNREACH;
	}
}

enum port_reason icmp_reason(uint8_t origin, uint8_t type, uint8_t code)
{
	return origin == SO_EE_ORIGIN_ICMP6 ? icmp6_reason(type, code)
					    : icmp4_reason(type, code);
}

bool icmp_is_final(uint8_t origin, uint8_t type, uint8_t code)
{
	if (origin == SO_EE_ORIGIN_ICMP6)
		return type == ICMP6_DST_UNREACH || type == ICMP6_TIME_EXCEEDED ||
		       (type == ICMP6_PARAM_PROB && code == 1);
	if (origin != SO_EE_ORIGIN_ICMP)
		return false;
	if (type == ICMP_DEST_UNREACH)
		return code != ICMP_FRAG_NEEDED;
	return type == ICMP_TIME_EXCEEDED;
}

static const char *icmp4_words(uint8_t type, uint8_t code)
{
	static const char *const unreach[] = {
		[ICMP_NET_UNREACH] = "ICMP network unreachable",
		[ICMP_HOST_UNREACH] = "ICMP host unreachable",
		[ICMP_PROT_UNREACH] = "ICMP protocol unreachable",
		[ICMP_PORT_UNREACH] = "ICMP port unreachable",
		[ICMP_FRAG_NEEDED] = "ICMP fragmentation needed",
		[ICMP_SR_FAILED] = "ICMP source route failed",
		[ICMP_NET_UNKNOWN] = "ICMP network unknown",
		[ICMP_HOST_UNKNOWN] = "ICMP host unknown",
		[ICMP_HOST_ISOLATED] = "ICMP host isolated",
		[ICMP_NET_ANO] = "ICMP network prohibited",
		[ICMP_HOST_ANO] = "ICMP host prohibited",
		[ICMP_NET_UNR_TOS] = "ICMP network unreachable for this type of service",
		[ICMP_HOST_UNR_TOS] = "ICMP host unreachable for this type of service",
		[ICMP_PKT_FILTERED] = "ICMP administratively prohibited",
		[ICMP_PREC_VIOLATION] = "ICMP precedence violation",
		[ICMP_PREC_CUTOFF] = "ICMP precedence cutoff",
	};

	if (type == ICMP_TIME_EXCEEDED)
		return "ICMP time exceeded";
	if (type == ICMP_DEST_UNREACH && code < ARRAY_SIZE(unreach))
		return unreach[code];
	return "ICMP error";
}

static const char *icmp6_words(uint8_t type, uint8_t code)
{
	static const char *const unreach[] = {
		[ICMP6_DST_UNREACH_NOROUTE] = "ICMPv6 no route",
		[ICMP6_DST_UNREACH_ADMIN] = "ICMPv6 administratively prohibited",
		[ICMP6_DST_UNREACH_BEYONDSCOPE] = "ICMPv6 beyond scope of source address",
		[ICMP6_DST_UNREACH_ADDR] = "ICMPv6 address unreachable",
		[ICMP6_DST_UNREACH_NOPORT] = "ICMPv6 port unreachable",
		[ICMP6_CODE_POLICY_FAIL] = "ICMPv6 source address failed policy",
		[ICMP6_CODE_REJECT_ROUTE] = "ICMPv6 reject route",
	};

	if (type == ICMP6_TIME_EXCEEDED)
		return "ICMPv6 time exceeded";
	if (type == ICMP6_PACKET_TOO_BIG)
		return "ICMPv6 packet too big";
	if (type == ICMP6_PARAM_PROB)
		return "ICMPv6 parameter problem";
	if (type == ICMP6_DST_UNREACH && code < ARRAY_SIZE(unreach))
		return unreach[code];
	return "ICMPv6 error";
}

const char *icmp_words(uint8_t origin, uint8_t type, uint8_t code)
{
	return origin == SO_EE_ORIGIN_ICMP6 ? icmp6_words(type, code)
					    : icmp4_words(type, code);
}
