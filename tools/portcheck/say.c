/*
 * The verdict in words. Says what was seen first, then what it means; nothing that was
 * not seen.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "verdict.h"

/* A race that took this much longer than the connection had a dead address in front. */
#define RACE_LOST_NS (200 * NS_PER_MS)

static void say_time(struct buf *out, int64_t ns)
{
	char human[CLOCK_HUMAN_SIZE];

	clock_human(ns, human, sizeof(human));
	buf_adds(out, human);
}

static const char *plural(unsigned int n)
{
	return n == 1 ? "" : "s";
}

static void say_open(const struct result *r, struct buf *out)
{
	if (r->check.protocol == IPPROTO_UDP) {
		buf_adds(out, "answered in ");
		say_time(out, r->connect_ns);
		if (r->said[0])
			buf_addf(out, ": %s", r->said);
		return;
	}
	buf_adds(out, "connected in ");
	say_time(out, r->connect_ns);
	if (r->late)
		buf_adds(out, ", after a lost packet");
	if (r->race_ns > r->connect_ns + RACE_LOST_NS) {
		buf_adds(out, ", but clients need ");
		say_time(out, r->race_ns);
		buf_adds(out, ": an address tried before did not answer in time");
	}
	if (r->held_ns < 0)
		return;
	switch (r->closed_by_peer) {
	case CLOSED_NOT:
		buf_adds(out, ", held for ");
		say_time(out, r->held_ns);
		return;
	case CLOSED_FIN:
		buf_adds(out, ", but the peer closed it after ");
		break;
	case CLOSED_RESET:
		buf_adds(out, ", but the peer reset it after ");
		break;
	}
	say_time(out, r->held_ns);
}

/* Who sent the ICMP error, and what that makes of it. */
static void say_icmp(const struct result *r, struct buf *out)
{
	const struct icmp_error *e = &r->seen.icmp;
	bool from_target = addr_equal(&e->from, &r->check.addr);
	char from[ADDR_TEXT_SIZE] = "an unknown sender";

	if (e->from.family != AF_UNSPEC)
		addr_to_text(&e->from, from);
	buf_addf(out, "%s from %s", icmp_words(e->origin, e->type, e->code),
		 from_target ? "the host itself" : from);
	if (r->reason == REASON_TIME_EXCEEDED)
		buf_adds(out, ": the hop limit ran out there (a routing loop, or --ttl)");
	else if (r->state == STATE_CLOSED)
		buf_adds(out, ": nothing listens there, or its firewall rejects it");
	else if (r->state == STATE_UNREACHABLE)
		buf_adds(out,
			 from_target ? "" : ": it says that the host can't be reached");
	else
		buf_adds(out, from_target ? ": its firewall rejects this"
					  : ": a firewall there rejects this");
}

static void say_local(const struct result *r, struct buf *out)
{
	switch (r->detail) {
	case DETAIL_NOT_PERMITTED:
		buf_adds(out, "this machine's own filter forbids sending (EPERM)");
		return;
	case DETAIL_NEVER_LEFT:
		buf_adds(out,
			 "no answer, and the SYN never left this machine: its own filter "
			 "drops it");
		return;
	case DETAIL_LOCAL_ANSWER:
	case DETAIL_NONE:
	case DETAIL_GATEWAY_DOWN:
	case DETAIL_ROUTE_REFUSES:
	case DETAIL_NO_SOURCE:
	case DETAIL_NO_FAMILY:
	case DETAIL_NEEDS_ZONE:
	case DETAIL_RATE_LIMIT:
	case DETAIL_SILENT_SERVICE:
		break;
	}
	if (r->seen.has_icmp)
		buf_addf(out,
			 "this machine's own filter rejects it: %s from its own address",
			 icmp_words(r->seen.icmp.origin, r->seen.icmp.type,
				    r->seen.icmp.code));
	else
		buf_adds(out,
			 "this machine's own filter rejects it: the RST was made here");
}

static void say_no_route(const struct result *r, struct buf *out)
{
	switch (r->detail) {
	case DETAIL_ROUTE_REFUSES:
		buf_addf(out, "this machine's route to it says %s",
			 r->seen.route == ROUTE_PROHIBIT    ? "prohibit"
			 : r->seen.route == ROUTE_BLACKHOLE ? "blackhole"
							    : "unreachable");
		return;
	case DETAIL_NO_SOURCE:
		buf_adds(out, "this machine has no address to reach it from");
		return;
	case DETAIL_NO_FAMILY:
		buf_addf(out, "this machine has no %s",
			 r->check.addr.family == AF_INET6 ? "IPv6" : "IPv4");
		return;
	case DETAIL_NONE:
	case DETAIL_GATEWAY_DOWN:
	case DETAIL_NEVER_LEFT:
	case DETAIL_LOCAL_ANSWER:
	case DETAIL_NOT_PERMITTED:
	case DETAIL_NEEDS_ZONE:
	case DETAIL_RATE_LIMIT:
	case DETAIL_SILENT_SERVICE:
		break;
	}
	if (r->seen.has_icmp)
		say_icmp(r, out);
	else
		buf_addf(out, "this machine has no %s route to it",
			 r->check.addr.family == AF_INET6 ? "IPv6" : "IPv4");
}

static void say_silence(const struct result *r, struct buf *out)
{
	bool udp = r->check.protocol == IPPROTO_UDP;

	buf_addf(out, "no answer to %u %s%s in ", r->attempts, udp ? "datagram" : "SYN",
		 plural(r->attempts));
	say_time(out, r->seen.waited_ns);
	/* Most of the timeout went into the name: the silence weighs little. */
	if (r->check.resolve_ns > r->check.budget_ns)
		buf_adds(out, ", all that the slow name look-up left of the timeout");
	else if (r->detail == DETAIL_SILENT_SERVICE)
		buf_addf(out, ": %s", r->silent_note);
	else if (r->detail == DETAIL_RATE_LIMIT)
		buf_adds(out, ": dropped, or rejected by a host that limits its rejects");
	else if (udp)
		buf_adds(out, ": a service that keeps silent, or a filter");
	else
		buf_adds(out, ": dropped on the way or by the host");
}

static void say_host_down(const struct result *r, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];
	const char *how = r->check.addr.family == AF_INET6 ? "neighbour discovery"
							   : "ARP";

	if (r->detail == DETAIL_GATEWAY_DOWN) {
		if (r->seen.gateway.family == AF_INET6)
			how = "neighbour discovery";
		buf_addf(out, "the gateway %s does not answer %s",
			 addr_to_text(&r->seen.gateway, text), how);
		return;
	}
	buf_addf(out,
		 "does not answer %s on this network: down, or nobody has the address",
		 how);
}

static void say_error(const struct result *r, struct buf *out)
{
	if (r->detail == DETAIL_NEEDS_ZONE)
		buf_adds(out,
			 "not tested: a link-local address needs its interface, as in "
			 "fe80::1%eth0");
	else if (r->name_why)
		buf_addf(out, "not tested: %s", r->name_why);
	else if (r->reason == REASON_ADDRESS_IN_USE)
		buf_adds(out, "not tested: the local port is in use for this target");
	else if (r->seen.error == EADDRNOTAVAIL)
		buf_adds(out, "not tested: no local port is free for this target");
	else
		buf_addf(out, "not tested: %s", strerror(r->seen.error));
}

void verdict_say(const struct result *r, struct buf *out)
{
	switch (r->reason) {
	case REASON_SYN_ACK:
	case REASON_UDP_RESPONSE:
		say_open(r, out);
		break;
	case REASON_RESET:
		buf_adds(out, "refused in ");
		say_time(out, r->connect_ns);
		buf_adds(out, " (RST): nothing listens there, or a firewall resets it");
		break;
	case REASON_NO_RESPONSE:
		say_silence(r, out);
		break;
	case REASON_NO_ROUTE:
		say_no_route(r, out);
		break;
	case REASON_LOCAL_REJECT:
		say_local(r, out);
		break;
	case REASON_HOST_DOWN:
		say_host_down(r, out);
		break;
	case REASON_NAME_NOT_FOUND:
	case REASON_NAME_NO_ADDRESS:
	case REASON_NAME_FAILURE:
		buf_adds(out, r->name_why ? r->name_why : "the name can't be resolved");
		break;
	case REASON_ADDRESS_IN_USE:
	case REASON_PERMISSION:
	case REASON_RESOURCE_LIMIT:
		say_error(r, out);
		break;
	case REASON_PORT_UNREACH:
	case REASON_HOST_UNREACH:
	case REASON_NET_UNREACH:
	case REASON_PROTO_UNREACH:
	case REASON_ADMIN_PROHIBITED:
	case REASON_HOST_PROHIBITED:
	case REASON_NET_PROHIBITED:
	case REASON_TIME_EXCEEDED:
	case REASON_FRAG_NEEDED:
	case REASON_REJECT_ROUTE:
	case REASON_POLICY_FAIL:
		if (r->seen.has_icmp)
			say_icmp(r, out);
		else
			buf_addf(out, "the kernel reports: %s", strerror(r->seen.error));
		break;
	}
	if (r->beside_live)
		buf_adds(out, "; clients that try this address first are slow");
}
