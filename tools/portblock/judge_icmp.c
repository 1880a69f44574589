/*
 * An ICMP error, or a call that failed at once.
 */
#include <errno.h>

#include "judge_private.h"
#include "words.h"

/* A router asks for a silent neighbour for seconds before it gives up (Linux: three
 * times, a second apart); a firewall answers at once. */
#define NEIGHBOUR_ASKED_NS (900 * NS_PER_MS)

static bool is_late(const struct findings *f)
{
	return f->answer_after_ns >= NEIGHBOUR_ASKED_NS;
}

static void neighbour_down(struct judgement *j, const struct findings *f,
			   enum confidence confidence)
{
	bool gateway = f->route.gateway.family != AF_UNSPEC;

	conclude(j, gateway ? CAUSE_GATEWAY_DOWN : CAUSE_NEIGHBOUR_DOWN,
		 VERDICT_HOST_DOWN, gateway ? WHERE_PATH : WHERE_TARGET, METHOD_NONE,
		 confidence);
	j->reason = REASON_HOST_DOWN;
}

static bool neighbour_failed(const struct findings *f)
{
	switch (f->neighbour) {
	case ROUTE_NEIGH_FAILED:
	case ROUTE_NEIGH_WAITING:
		return true;
	case ROUTE_NEIGH_PRESENT:
		return false;
	case ROUTE_NEIGH_UNKNOWN:
		break;
	}
	/* The entry is gone again: asking takes seconds, a filter answers at once. */
	return is_late(f);
}

static void judge_own_icmp(struct judgement *j, const struct findings *f)
{
	if (j->reason == REASON_HOST_UNREACH && f->route.kind != ROUTE_LOCAL &&
	    neighbour_failed(f)) {
		neighbour_down(j, f, CONFIDENCE_HIGH);
		return;
	}
	if (f->protocol == IPPROTO_UDP && j->reason == REASON_PORT_UNREACH &&
	    addr_equal(&f->icmp.from, &f->addr)) {
		conclude(j, CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET,
			 METHOD_ICMP, CONFIDENCE_HIGH);
		return;
	}
	conclude(j, CAUSE_LOCAL_REJECT, VERDICT_REJECTED, WHERE_LOCAL, METHOD_ICMP,
		 CONFIDENCE_CERTAIN);
	j->by = f->icmp.from;
	j->reason = REASON_LOCAL_REJECT;
}

static bool is_unreachable(enum port_reason reason)
{
	return reason == REASON_HOST_UNREACH || reason == REASON_NET_UNREACH ||
	       reason == REASON_NO_ROUTE;
}

/* By the target's address. A box that forges it stands nearer than the host. */
static void judge_target_icmp(struct judgement *j, const struct findings *f)
{
	int d = ttl_distance(f->icmp_ttl);
	struct distances all = judge_distances(f);
	bool level = d >= 0 && (d == all.own || d == all.host);

	if (judge_nearness(f, d) == NEARNESS_SURE) {
		conclude(j, CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED, WHERE_PATH,
			 METHOD_ICMP, CONFIDENCE_MEDIUM);
		blame_box_on_way(j, f, d);
		return;
	}
	j->by = f->icmp.from;
	if (f->protocol == IPPROTO_UDP && j->reason == REASON_PORT_UNREACH) {
		conclude(j, CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET,
			 METHOD_ICMP, CONFIDENCE_HIGH);
		j->by = (struct addr){ .family = AF_UNSPEC };
		return;
	}
	/* It passes the port on to a machine for which it asked in vain. */
	if (j->reason == REASON_HOST_UNREACH && is_late(f)) {
		conclude(j, CAUSE_HOST_UNREACHABLE, VERDICT_HOST_DOWN, WHERE_TARGET,
			 METHOD_ICMP, CONFIDENCE_MEDIUM);
		return;
	}
	conclude(j, CAUSE_REJECTED_BY_HOST, VERDICT_REJECTED, WHERE_TARGET, METHOD_ICMP,
		 level && !is_unreachable(j->reason) ? CONFIDENCE_CERTAIN
						     : CONFIDENCE_HIGH);
}

static void judge_unreachable(struct judgement *j, const struct findings *f)
{
	j->by = f->icmp.from;
	/* The host answers elsewhere: then this is a rule about the port, unless it was
	 * asked for, as where the port is passed on to another machine. */
	if (findings_alive(f))
		conclude(j, CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED, WHERE_PATH,
			 METHOD_ICMP, is_late(f) ? CONFIDENCE_MEDIUM : CONFIDENCE_HIGH);
	else if (j->reason == REASON_HOST_UNREACH)
		conclude(j, CAUSE_HOST_UNREACHABLE, VERDICT_HOST_DOWN, WHERE_TARGET,
			 METHOD_ICMP, is_late(f) ? CONFIDENCE_MEDIUM : CONFIDENCE_LOW);
	else
		conclude(j, CAUSE_NET_UNREACHABLE, VERDICT_NO_ROUTE, WHERE_PATH,
			 METHOD_ICMP, CONFIDENCE_HIGH);
}

/* Did FROM say time exceeded at a hop before the host's? */
static bool is_router_before(const struct findings *f, const struct addr *from, int host)
{
	const struct walk *walks[] = { &f->walk, &f->control_walk };
	unsigned int ttl;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(walks); i++)
		for (ttl = 1; ttl <= walks[i]->n_hops; ttl++)
			if (walks[i]->hops[ttl].state == HOP_EXCEEDED &&
			    addr_equal(&walks[i]->hops[ttl].from, from))
				return host < 0 || (int)ttl <= host;
	return false;
}

/* A prohibition in somebody else's name; the host may use another of its addresses. */
static void judge_others_icmp(struct judgement *j, const struct findings *f)
{
	struct distances all = judge_distances(f);
	int d = ttl_distance(f->icmp_ttl), host = all.own >= 0 ? all.own : all.host;
	bool known = d >= 0 && host >= 0;
	enum confidence confidence = CONFIDENCE_MEDIUM;

	if (is_router_before(f, &f->icmp.from, host) || (known && d < host))
		confidence = CONFIDENCE_CERTAIN;
	else if (!known)
		confidence = CONFIDENCE_HIGH;
	conclude(j, CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED, WHERE_PATH, METHOD_ICMP,
		 confidence);
	j->by = f->icmp.from;
}

/* Without netlink nobody could say that it is one of this machine's addresses. */
static bool is_own_icmp(const struct findings *f)
{
	return f->icmp_from_self ||
	       (f->source.family != AF_UNSPEC && addr_equal(&f->icmp.from, &f->source));
}

void judge_icmp(struct judgement *j, const struct findings *f)
{
	if (is_own_icmp(f)) {
		judge_own_icmp(j, f);
		return;
	}
	if (j->reason == REASON_TIME_EXCEEDED) {
		conclude(j, CAUSE_TIME_EXCEEDED, VERDICT_NO_ROUTE, WHERE_PATH,
			 METHOD_ICMP, CONFIDENCE_HIGH);
		j->by = f->icmp.from;
		return;
	}
	if (addr_equal(&f->icmp.from, &f->addr)) {
		judge_target_icmp(j, f);
		return;
	}
	if (is_unreachable(j->reason)) {
		judge_unreachable(j, f);
		return;
	}
	if (f->icmp.from.family == AF_UNSPEC) {
		conclude(j, CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED, WHERE_UNKNOWN,
			 METHOD_ICMP, CONFIDENCE_LOW);
		return;
	}
	judge_others_icmp(j, f);
}

static void no_route(struct judgement *j)
{
	conclude(j, CAUSE_NO_ROUTE_LOCAL, VERDICT_NO_ROUTE, WHERE_LOCAL, METHOD_NONE,
		 CONFIDENCE_CERTAIN);
	j->reason = REASON_NO_ROUTE;
}

static void not_tested(struct judgement *j, enum port_reason reason)
{
	conclude(j, CAUSE_LOCAL_ERROR, VERDICT_INCONCLUSIVE, WHERE_LOCAL, METHOD_NONE,
		 CONFIDENCE_CERTAIN);
	j->reason = reason;
}

/* Of an ICMP error of whatever kind and sender, unless it is the neighbour. */
static void unreachable_by_errno(struct judgement *j, const struct findings *f)
{
	if (f->neighbour != ROUTE_NEIGH_PRESENT) {
		neighbour_down(j, f,
			       f->neighbour == ROUTE_NEIGH_UNKNOWN ? CONFIDENCE_MEDIUM
								   : CONFIDENCE_HIGH);
		return;
	}
	conclude(j, CAUSE_HOST_UNREACHABLE, VERDICT_HOST_DOWN, WHERE_UNKNOWN, METHOD_ICMP,
		 CONFIDENCE_LOW);
	j->reason = REASON_HOST_UNREACH;
}

void judge_error(struct judgement *j, const struct findings *f)
{
	enum route_kind kind = f->route_known ? f->route.kind : ROUTE_UNICAST;

	switch (f->error) {
	case EPERM:
		conclude(j, CAUSE_LOCAL_DROP_OUT, VERDICT_DROPPED, WHERE_LOCAL,
			 METHOD_DROP, CONFIDENCE_CERTAIN);
		j->reason = REASON_LOCAL_REJECT;
		return;
	case ENETUNREACH:
	case EAFNOSUPPORT:
		no_route(j);
		return;
	case EHOSTUNREACH:
		if (kind == ROUTE_UNREACHABLE || kind == ROUTE_NONE)
			no_route(j);
		else
			unreachable_by_errno(j, f);
		return;
	case EACCES:
		if (kind == ROUTE_PROHIBIT)
			no_route(j);
		else
			not_tested(j, REASON_PERMISSION);
		return;
	case EINVAL:
		if (kind == ROUTE_BLACKHOLE)
			no_route(j);
		else
			not_tested(j, REASON_PERMISSION);
		return;
	case EADDRNOTAVAIL:
		if (kind == ROUTE_NONE)
			no_route(j);
		else
			not_tested(j, REASON_RESOURCE_LIMIT);
		return;
	case EADDRINUSE:
		not_tested(j, REASON_ADDRESS_IN_USE);
		return;
	default:
		not_tested(j, REASON_RESOURCE_LIMIT);
		return;
	}
}
