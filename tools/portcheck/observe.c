/*
 * What the machine itself knows about a probe: routes, neighbours, the kernel's counters.
 */
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>

#include <linux/tcp.h>

#include "probe_private.h"

/* How long an answer about a neighbour is good for others. */
#define NEIGHBOUR_KEPT_NS (100 * NS_PER_MS)

/* TCP_SYN_SENT of linux/tcp_states.h (the values of RFC 793's states in TCP_INFO). */
#define STATE_SYN_SENT 2

static bool tcp_info(int fd, struct tcp_info *ret_info)
{
	socklen_t len = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret_info, &len) == 0 &&
	       len >= offsetof(struct tcp_info, tcpi_total_retrans) +
			       sizeof(ret_info->tcpi_total_retrans);
}

/*
 * Did the kernel fail to send? When it sends a SYN again (after a second), it counts the
 * try in tcpi_total_retrans in any case, but counts the packet as outstanding in
 * tcpi_retrans only when sending worked (tcp_retransmit_skb() in net/ipv4/tcp_output.c).
 * A packet dropped by the machine's own filter makes sending fail with EPERM, which
 * connect(2) never tells. While the neighbour is being asked, no try is counted at all.
 */
static bool kernel_kept_syn(int fd)
{
	struct tcp_info info;

	return tcp_info(fd, &info) && info.tcpi_state == STATE_SYN_SENT &&
	       info.tcpi_total_retrans > 0 && info.tcpi_retrans == 0;
}

void observe_connected(struct probe *p, int fd)
{
	struct tcp_info info;

	if (!tcp_info(fd, &info))
		return;
	p->result.resent = info.tcpi_total_retrans;
	if (info.tcpi_rtt)
		p->result.kernel_rtt_ns = (int64_t)info.tcpi_rtt * NS_PER_US;
}

static bool is_self(struct prober *o, const struct addr *a)
{
	if (!o->self_known || !addr_equal(&o->self_addr, a)) {
		o->self_addr = *a;
		o->self_is = host_is_self(&o->hosts, a);
		o->self_known = true;
	}
	return o->self_is;
}

static void observe_neighbour(struct probe *p, const struct route *route)
{
	struct observation *o = &p->result.seen;
	struct neighbour_cache *cache = &p->owner->neighbour;
	const struct addr *hop = o->has_gateway ? &route->gateway : &p->result.check.addr;

	if (route->kind != ROUTE_UNICAST || !route->interface ||
	    !host_routes(&p->owner->hosts))
		return;
	/* Thousands of silent ports, or hosts behind one gateway, ask the same. */
	if (addr_equal(hop, &cache->hop) && probe_now(p) < cache->until_ns) {
		o->neighbour = cache->state;
		return;
	}
	if (route_neighbour(p->owner->hosts.routes, hop, route->interface,
			    &o->neighbour) < 0)
		o->neighbour = ROUTE_NEIGH_UNKNOWN;
	cache->hop = *hop;
	cache->state = o->neighbour;
	cache->until_ns = probe_now(p) + NEIGHBOUR_KEPT_NS;
}

bool observe_icmp(struct probe *p, int fd)
{
	struct observation *o = &p->result.seen;
	struct icmp_error e;

	while (icmp_read(fd, &e) == 1) {
		if (!icmp_is_final(e.origin, e.type, e.code))
			continue;
		o->has_icmp = true;
		o->icmp = e;
		return true;
	}
	return false;
}

void observe_context(struct probe *p)
{
	struct observation *o = &p->result.seen;
	const struct route *route;
	size_t i;

	o->waited_ns = p->start_ns ? probe_now(p) - p->start_ns : 0;
	if (o->seen == SEEN_CONNECTED || o->seen == SEEN_REPLY)
		return;
	route = probe_route(p);
	o->route = route->kind;
	o->has_gateway = route->gateway.family != AF_UNSPEC;
	o->gateway = route->gateway;
	if (o->has_icmp) {
		o->icmp_from_self = is_self(p->owner, &o->icmp.from);
		if (o->icmp_from_self)
			observe_neighbour(p, route);
		return;
	}
	if (o->seen == SEEN_ERROR && o->error != EHOSTUNREACH)
		return;
	observe_neighbour(p, route);
	if (o->seen != SEEN_SILENCE || p->result.check.protocol != IPPROTO_TCP)
		return;
	for (i = 0; i < ARRAY_SIZE(p->attempts); i++)
		if (p->attempts[i].io.fd >= 0 && kernel_kept_syn(p->attempts[i].io.fd))
			o->kernel_kept_it = true;
}
