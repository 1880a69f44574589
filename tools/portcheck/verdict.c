#include "verdict.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

/* A next hop that has been silent this long after it was asked has missed two of the
 * kernel's requests (one a second: RetransTimer, RFC 4861 10; ARP likewise in Linux). */
#define NEIGHBOUR_PATIENCE_NS (1 * NS_PER_S)

static bool is_host_unreach(const struct icmp_error *e)
{
	if (e->origin == SO_EE_ORIGIN_ICMP6)
		return e->type == ICMP6_DST_UNREACH && e->code == ICMP6_DST_UNREACH_ADDR;
	return e->type == ICMP_DEST_UNREACH && e->code == ICMP_HOST_UNREACH;
}

static enum port_reason host_down(struct result *r)
{
	if (r->seen.has_gateway)
		r->detail = DETAIL_GATEWAY_DOWN;
	return REASON_HOST_DOWN;
}

/* The kernel has asked for the next hop in vain. Where the entry is gone again, only time
 * tells: asking takes seconds, a filter answers at once. */
static bool neighbour_failed(const struct observation *o)
{
	switch (o->neighbour) {
	case ROUTE_NEIGH_FAILED:
	case ROUTE_NEIGH_WAITING:
		return true;
	case ROUTE_NEIGH_PRESENT:
		return false;
	case ROUTE_NEIGH_UNKNOWN:
		break;
	}
	return o->waited_ns >= NEIGHBOUR_PATIENCE_NS;
}

/*
 * An ICMP error. Sent by this machine, it is either the kernel saying that the next hop
 * did not answer, or the own filter; a UDP port-unreachable from an own address that was
 * the target is the ordinary answer of a closed port.
 */
static enum port_reason decide_icmp(struct result *r)
{
	const struct observation *o = &r->seen;
	enum port_reason reason = icmp_reason(o->icmp.origin, o->icmp.type, o->icmp.code);

	if (!o->icmp_from_self)
		return reason;
	if (is_host_unreach(&o->icmp) && o->route != ROUTE_LOCAL && neighbour_failed(o))
		return host_down(r);
	if (r->check.protocol == IPPROTO_UDP && reason == REASON_PORT_UNREACH &&
	    addr_equal(&o->icmp.from, &r->check.addr))
		return reason;
	r->detail = DETAIL_LOCAL_ANSWER;
	return REASON_LOCAL_REJECT;
}

/* The call itself failed: the kernel did not even try. */
static enum port_reason decide_sync(struct result *r)
{
	const struct observation *o = &r->seen;

	switch (o->error) {
	case EPERM:
		r->detail = DETAIL_NOT_PERMITTED;
		return REASON_LOCAL_REJECT;
	case EAFNOSUPPORT:
		r->detail = DETAIL_NO_FAMILY;
		return REASON_NO_ROUTE;
	case ENETUNREACH:
		return REASON_NO_ROUTE;
	case EHOSTUNREACH:
		if (o->route == ROUTE_UNREACHABLE) {
			r->detail = DETAIL_ROUTE_REFUSES;
			return REASON_NO_ROUTE;
		}
		return host_down(r);
	case EACCES:
		if (o->route == ROUTE_PROHIBIT) {
			r->detail = DETAIL_ROUTE_REFUSES;
			return REASON_NO_ROUTE;
		}
		return REASON_PERMISSION;
	case EINVAL:
		if (o->route == ROUTE_BLACKHOLE) {
			r->detail = DETAIL_ROUTE_REFUSES;
			return REASON_NO_ROUTE;
		}
		if (r->check.addr.family == AF_INET6 && !r->check.addr.scope &&
		    addr_is_link_local(&r->check.addr))
			r->detail = DETAIL_NEEDS_ZONE;
		return REASON_PERMISSION;
	case EADDRNOTAVAIL:
		if (o->route == ROUTE_NONE) {
			r->detail = DETAIL_NO_SOURCE;
			return REASON_NO_ROUTE;
		}
		return REASON_RESOURCE_LIMIT;
	case EADDRINUSE:
		return REASON_ADDRESS_IN_USE;
	default:
		return REASON_RESOURCE_LIMIT;
	}
}

/* The socket failed later. Without an ICMP error in the queue, ECONNREFUSED is a RST. The
 * others are what a kernel without the queue (before 5.8) makes of ICMP errors. */
static enum port_reason decide_error(struct result *r)
{
	const struct observation *o = &r->seen;

	if (o->has_icmp)
		return decide_icmp(r);
	switch (o->error) {
	case ECONNREFUSED:
		if (r->check.protocol == IPPROTO_UDP)
			return REASON_PORT_UNREACH;
		if (o->reset_is_local) {
			r->detail = DETAIL_LOCAL_ANSWER;
			return REASON_LOCAL_REJECT;
		}
		return REASON_RESET;
	case EHOSTUNREACH:
		if (o->neighbour == ROUTE_NEIGH_FAILED)
			return host_down(r);
		return REASON_HOST_UNREACH;
	case EHOSTDOWN:	 /* ICMP host unknown */
	case ENONET:	 /* ICMP host isolated */
	case EOPNOTSUPP: /* ICMP source route failed */
		return REASON_HOST_UNREACH;
	case ENETUNREACH:
		return REASON_NET_UNREACH;
	case EACCES:
		return REASON_ADMIN_PROHIBITED;
	case ENOPROTOOPT:
		return REASON_PROTO_UNREACH;
	case ETIMEDOUT:
		return REASON_NO_RESPONSE;
	default:
		return decide_sync(r);
	}
}

static enum port_reason decide_silence(struct result *r)
{
	const struct observation *o = &r->seen;

	if (o->neighbour == ROUTE_NEIGH_FAILED || (o->neighbour == ROUTE_NEIGH_WAITING &&
						   o->waited_ns >= NEIGHBOUR_PATIENCE_NS))
		return host_down(r);
	if (o->kernel_kept_it) {
		r->detail = DETAIL_NEVER_LEFT;
		return REASON_LOCAL_REJECT;
	}
	return REASON_NO_RESPONSE;
}

void verdict_decide(struct result *r)
{
	const struct observation *o = &r->seen;
	bool from_target = false;

	switch (o->seen) {
	case SEEN_CONNECTED:
		r->reason = REASON_SYN_ACK;
		break;
	case SEEN_REPLY:
		r->reason = REASON_UDP_RESPONSE;
		break;
	case SEEN_ERROR:
		r->reason = decide_error(r);
		/* Without a sender the error queue did not speak (an old kernel): a
		 * UDP port-unreachable is then taken for the target's own, as
		 * everybody does. */
		from_target = !o->has_icmp || addr_equal(&o->icmp.from, &r->check.addr);
		break;
	case SEEN_SYNC_ERROR:
		r->reason = decide_sync(r);
		break;
	case SEEN_SILENCE:
		r->reason = decide_silence(r);
		break;
	}
	r->state = state_of_reason(r->reason, r->check.protocol, from_target);
}
