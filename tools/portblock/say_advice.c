/*
 * What to do next, for each cause; the most useful first.
 */
#include <errno.h>
#include <string.h>

#include "say_private.h"

/* ---- on the way ---- */

/* RFC 1918, 6598, 3927, 4193 and the like: no registry knows whose. */
static bool is_global(const struct addr *a)
{
	const uint8_t *ip = a->ip;

	if (addr_is_loopback(a) || addr_is_any(a) || addr_is_link_local(a) ||
	    addr_is_multicast(a))
		return false;
	if (a->family == AF_INET6)
		return (ip[0] & 0xe0) == 0x20; /* 2000::/3, RFC 4291 2.4 */
	return a->family == AF_INET && ip[0] != 10 &&
	       !(ip[0] == 172 && (ip[1] & 0xf0) == 16) &&
	       !(ip[0] == 192 && ip[1] == 168) && !(ip[0] == 100 && (ip[1] & 0xc0) == 64);
}

static void advise_whois(struct telling *t, const struct addr *a)
{
	struct buf text = BUF_INIT;

	if (!a || a->family == AF_UNSPEC || !is_global(a))
		return;
	buf_adds(&text, "whois ");
	phrase_addr(&text, a);
	tell_line_buf(&t->account->next, &text);
}

static void advise_report(struct telling *t)
{
	if (!t->config->report_file)
		advise_tool(t, t->f->captured, "portblock", "--report ticket.html");
}

/* Whom to ask about one place on the way, and what to bring along. */
static void advise_box(struct telling *t)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "ask the owner of ");
	phrase_by(&text, t->f, t->j, "the box in between");
	buf_addf(&text, " for its rule about %s port %u, with a ticket as proof",
		 t->f->protocol == IPPROTO_UDP ? "UDP" : "TCP", t->f->port);
	tell_line_buf(&t->account->next, &text);
	advise_report(t);
	advise_whois(t, &t->j->by);
}

static void advise_interval(struct telling *t)
{
	const struct judgement *j = t->j;
	struct buf text = BUF_INIT;

	buf_adds(&text, "ask the owner of ");
	if (j->last_hop > 0)
		phrase_hop(&text, t->f, j->last_hop);
	if (j->last_hop > 0 && j->next_hop > 0)
		buf_adds(&text, " and of ");
	if (j->next_hop > 0)
		phrase_hop(&text, t->f, j->next_hop);
	if (j->last_hop <= 0 && j->next_hop <= 0)
		buf_adds(&text, "the first router");
	buf_addf(&text, " for a rule about %s port %u, with a ticket as proof",
		 t->f->protocol == IPPROTO_UDP ? "UDP" : "TCP", t->f->port);
	tell_line_buf(&t->account->next, &text);
	advise_report(t);
	advise_whois(t, &j->last_hop_address);
	if (j->next_hop > 0)
		advise_whois(t, hop_address(t->f, j->next_hop));
}

/* ---- this machine ---- */

static void advise_found_rule(struct telling *t)
{
	const struct rule_found *r = &t->f->local_rule;
	bool legacy = !strcmp(r->backend, "iptables-legacy");
	bool v6 = t->f->addr.family == AF_INET6;
	struct buf text = BUF_INIT;

	if (!text_is_plain(r->table) || !text_is_plain(r->chain))
		return;
	add_netns(&text, t, true);
	if (legacy) {
		buf_addf(&text, "%s -t ", v6 ? "ip6tables-legacy" : "iptables-legacy");
		phrase_quoted(&text, r->table);
		buf_adds(&text, " -nvL ");
		phrase_quoted(&text, r->chain);
		buf_adds(&text, " --line-numbers");
	} else {
		buf_adds(&text, "nft -a list chain ");
		phrase_quoted(&text, r->family);
		buf_addc(&text, ' ');
		phrase_quoted(&text, r->table);
		buf_addc(&text, ' ');
		phrase_quoted(&text, r->chain);
	}
	tell_line_buf(&t->account->next, &text);
	tell_line(&t->account->next,
		  "change the rule where it comes from (firewalld, ufw, a script, "
		  "/etc/nftables.conf), else it is back after the next reload");
}

static void advise_local_rules(struct telling *t)
{
	if (t->f->local_rule.found) {
		advise_found_rule(t);
		return;
	}
	if (!t->f->local_rule.asked)
		advise_tool(t, true, "portblock", "--rule");
	advise_system(t, true, "nft list ruleset", NULL);
	advise_system(t, true, ip_command(t->f, "iptables -S", "ip6tables -S"), NULL);
}

static void advise_route(struct telling *t)
{
	advise_system(t, false, "ip route get", &t->f->addr);
	advise_system(t, false, ip_command(t->f, "ip route show", "ip -6 route show"),
		      NULL);
	advise_system(t, false, ip_command(t->f, "ip -4 address", "ip -6 address"), NULL);
}

static void advise_neighbour(struct telling *t, const struct addr *hop, const char *what)
{
	advise_system(t, false, "ip neigh show to", hop);
	advise_system(t, false, "ping -c 3", hop);
	tell_line(&t->account->next,
		  "check that %s runs, its cable and VLAN, and that the address and "
		  "netmask are right on both sides",
		  what);
}

static void advise_rp_filter(struct telling *t)
{
	advise_system(t, false, "ip route get", &t->f->addr);
	advise_system(t, false, "grep . /proc/sys/net/ipv4/conf/*/rp_filter", NULL);
	tell_line(&t->account->next,
		  "mend the routes so that both ways use one interface, or set rp_filter "
		  "to 2 (loose) where the answers come in");
}

static void advise_name(struct telling *t)
{
	struct buf text = BUF_INIT;
	enum port_reason reason = t->f->name_reason;

	buf_adds(&text, "getent ");
	buf_adds(&text, t->config->family == AF_INET	? "ahostsv4 "
			: t->config->family == AF_INET6 ? "ahostsv6 "
							: "ahosts ");
	add_host(&text, t);
	tell_line_buf(&t->account->next, &text);
	buf_adds(&text, "resolvectl query ");
	add_host(&text, t);
	tell_line_buf(&t->account->next, &text);
	if (reason == REASON_NAME_NOT_FOUND)
		tell_line(&t->account->next,
			  "check how the name is spelt, and the search list in "
			  "/etc/resolv.conf");
	else if (reason == REASON_NAME_NO_ADDRESS)
		tell_line(&t->account->next,
			  "the name has no address of the family that was asked: try "
			  "without -4 or -6, or add the record");
	else
		tell_line(&t->account->next,
			  "check whether the name servers in /etc/resolv.conf answer on "
			  "53/udp and 53/tcp");
}

/* ---- more than was done ---- */

/* What the wire would add for this cause; NULL: nothing. */
static const char *unseen(enum cause cause)
{
	switch (cause) {
	case CAUSE_LOCAL_DROP_OUT:
		return "whether a packet leaves by any interface";
	case CAUSE_LOCAL_DROP_IN:
		return "the answer itself as it arrives, and so prove that it is dropped "
		       "here";
	case CAUSE_NO_LISTENER:
	case CAUSE_NO_LISTENER_MAYBE:
		return "whether the RST echoes the type of service, as the host's own "
		       "does and a firewall's does not";
	case CAUSE_RESET_BY_BOX:
		return "whether the host's real answer comes behind the RST";
	case CAUSE_RESET_NEAR:
		return "whether the RST comes by lo (this machine) or from the first box";
	case CAUSE_RESET_AFTER:
	case CAUSE_RESET_AFTER_BOX:
		return "the TTL of the RST, and so how far away it is made";
	case CAUSE_OPEN_BY_PROXY:
	case CAUSE_PROXY_REFUSES:
	case CAUSE_ANSWERS_ALL:
		return "the SYN-ACK's TTL and window, which give a SYN proxy away";
	case CAUSE_DROPPED_PATH:
	case CAUSE_DROPPED_LAST_HOP:
	case CAUSE_DROPPED_TARGET:
	case CAUSE_DROPPED_SOMEWHERE:
	case CAUSE_HOST_SILENT:
	case CAUSE_LOSS_UNDECIDED:
		return "whether an answer arrives and is dropped on this machine";
	case CAUSE_UDP_SILENT:
		return "whether the datagrams leave, and whether anything comes back";
	case CAUSE_UNRESOLVED:
	case CAUSE_OPEN:
	case CAUSE_OPEN_LOSSY:
	case CAUSE_LOCAL_REJECT:
	case CAUSE_LOCAL_RP_FILTER:
	case CAUSE_NO_ROUTE_LOCAL:
	case CAUSE_NEIGHBOUR_DOWN:
	case CAUSE_GATEWAY_DOWN:
	case CAUSE_RESET_BY_HOST_FIREWALL:
	case CAUSE_RESET_INJECTED:
	case CAUSE_REJECTED_BY_HOST:
	case CAUSE_REJECTED_BY_BOX:
	case CAUSE_NET_UNREACHABLE:
	case CAUSE_HOST_UNREACHABLE:
	case CAUSE_TIME_EXCEEDED:
	case CAUSE_LOCAL_ERROR:
	case CAUSE_INTERRUPTED:
		break;
	}
	return NULL;
}

static void advise_capture(struct telling *t)
{
	const char *what = unseen(t->j->cause);
	struct buf text = BUF_INIT;

	if (!what || t->f->captured || t->config->no_capture)
		return;
	add_tool(&text, t, true, "portblock", "");
	buf_addf(&text, " would also see %s", what);
	tell_line_buf(&t->account->next, &text);
}

static void advise_hold(struct telling *t)
{
	if (t->f->protocol == IPPROTO_TCP)
		advise_tool(t, false, "portcheck", "--hold 2s --banner");
}

/* ---- all causes ---- */

static void advise_error(struct telling *t)
{
	switch (t->f->error) {
	case EMFILE:
	case ENFILE:
		tell_line(&t->account->next, "ulimit -n");
		break;
	case EADDRNOTAVAIL:
		advise_system(t, false, "ss -s", NULL);
		advise_system(t, false, "sysctl net.ipv4.ip_local_port_range", NULL);
		break;
	case EACCES:
	case EINVAL:
		advise_system(t, false, "ip route get", &t->f->addr);
		break;
	default:
		break;
	}
	tell_line(&t->account->next, "try again once this machine can send");
}

static void advise_lossy(struct telling *t)
{
	struct buf text = BUF_INIT;

	add_tool(&text, t, false, "portcheck", "-c 60");
	tell_line_buf(&t->account->next, &text);
	advise_system(t, false, "ping -c 20", &t->f->addr);
}

static void advise_reset_after(struct telling *t)
{
	struct buf text = BUF_INIT;

	advise_hold(t);
	buf_addf(&text,
		 "look at the service's log and its list of allowed clients; it saw %s",
		 t->f->source.family == AF_UNSPEC ? "this machine" : "");
	if (t->f->source.family != AF_UNSPEC)
		phrase_addr(&text, &t->f->source);
	tell_line_buf(&t->account->next, &text);
	advise_host_rules(t);
}

static void advise_silent_host(struct telling *t)
{
	advise_system(t, false, "ping -c 3", &t->f->addr);
	tell_line(&t->account->next,
		  "check that the host runs, and ask the same from another network: that "
		  "tells a dead host from a filter for this one");
	advise_host_capture(t);
	advise_report(t);
}

static void advise_host_down(struct telling *t)
{
	struct buf text = BUF_INIT;

	if (addr_equal(&t->j->by, &t->f->addr)) {
		tell_line(&t->account->next,
			  "on the host: look where it passes this port on (sudo nft list "
			  "ruleset), and whether that machine or container runs");
		return;
	}
	tell_line(&t->account->next, "check that the host runs and has that address");
	if (t->j->by.family != AF_UNSPEC) {
		buf_adds(&text, "on the router at ");
		phrase_by(&text, t->f, t->j, "");
		buf_adds(&text, ": ip neigh show to ");
		phrase_addr(&text, &t->f->addr);
		tell_line_buf(&t->account->next, &text);
	}
	advise_report(t);
}

static void advise_router(struct telling *t)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "ask the owner of ");
	phrase_by(&text, t->f, t->j, "the router that says so");
	buf_adds(&text, " for its route to ");
	phrase_addr(&text, &t->f->addr);
	tell_line_buf(&t->account->next, &text);
	advise_report(t);
	advise_whois(t, &t->j->by);
	advise_system(t, false, "ip route get", &t->f->addr);
}

static void advise_proxy(struct telling *t)
{
	advise_hold(t);
	advise_listeners(t);
	if (t->j->by.family != AF_UNSPEC)
		advise_box(t);
}

/* The firewall of the host, which may be this machine. */
static void advise_host_firewall(struct telling *t)
{
	if (t->f->route_known && t->f->route.kind == ROUTE_LOCAL) {
		advise_local_rules(t);
		return;
	}
	advise_host_rules(t);
	if (t->f->answer == ANSWER_NONE)
		advise_host_capture(t);
}

static void advise_nothing(struct telling *t)
{
	(void)t;
}

static void advise_nearer_box(struct telling *t)
{
	advise_hold(t);
	advise_box(t);
}

static void advise_host_neighbour(struct telling *t)
{
	advise_neighbour(t, &t->f->addr, "the host");
}

static void advise_gateway(struct telling *t)
{
	advise_neighbour(t, &t->f->route.gateway, "the gateway");
}

static void advise_listeners_or_firewall(struct telling *t)
{
	advise_listeners(t);
	advise_host_firewall(t);
}

static void advise_last_hop(struct telling *t)
{
	advise_host_capture(t);
	advise_report(t);
	advise_whois(t, &t->j->last_hop_address);
}

static void advise_udp(struct telling *t)
{
	advise_listeners(t);
	advise_host_capture(t);
}

static void advise_again(struct telling *t)
{
	advise_tool(t, t->f->captured, "portblock", "");
}

typedef void advise_fn(struct telling *t);

static advise_fn *const advice[CAUSE_COUNT] = {
	[CAUSE_UNRESOLVED] = advise_name,
	[CAUSE_OPEN] = advise_nothing,
	[CAUSE_OPEN_BY_PROXY] = advise_nearer_box,
	[CAUSE_OPEN_LOSSY] = advise_lossy,
	[CAUSE_ANSWERS_ALL] = advise_proxy,
	[CAUSE_PROXY_REFUSES] = advise_proxy,
	[CAUSE_RESET_AFTER] = advise_reset_after,
	[CAUSE_RESET_AFTER_BOX] = advise_nearer_box,
	[CAUSE_LOCAL_DROP_OUT] = advise_local_rules,
	[CAUSE_LOCAL_REJECT] = advise_local_rules,
	[CAUSE_LOCAL_DROP_IN] = advise_local_rules,
	[CAUSE_LOCAL_RP_FILTER] = advise_rp_filter,
	[CAUSE_NO_ROUTE_LOCAL] = advise_route,
	[CAUSE_NEIGHBOUR_DOWN] = advise_host_neighbour,
	[CAUSE_GATEWAY_DOWN] = advise_gateway,
	[CAUSE_NO_LISTENER] = advise_listeners,
	[CAUSE_NO_LISTENER_MAYBE] = advise_listeners_or_firewall,
	[CAUSE_RESET_BY_HOST_FIREWALL] = advise_host_firewall,
	[CAUSE_RESET_BY_BOX] = advise_box,
	[CAUSE_RESET_INJECTED] = advise_box,
	[CAUSE_RESET_NEAR] = advise_local_rules,
	[CAUSE_REJECTED_BY_HOST] = advise_host_firewall,
	[CAUSE_REJECTED_BY_BOX] = advise_box,
	[CAUSE_NET_UNREACHABLE] = advise_router,
	[CAUSE_HOST_UNREACHABLE] = advise_host_down,
	[CAUSE_TIME_EXCEEDED] = advise_router,
	[CAUSE_DROPPED_PATH] = advise_interval,
	[CAUSE_DROPPED_LAST_HOP] = advise_last_hop,
	[CAUSE_DROPPED_TARGET] = advise_host_firewall,
	[CAUSE_DROPPED_SOMEWHERE] = advise_last_hop,
	[CAUSE_HOST_SILENT] = advise_silent_host,
	[CAUSE_UDP_SILENT] = advise_udp,
	[CAUSE_LOSS_UNDECIDED] = advise_lossy,
	[CAUSE_LOCAL_ERROR] = advise_error,
	[CAUSE_INTERRUPTED] = advise_again,
};
_Static_assert(CAUSE_INTERRUPTED + 1 == CAUSE_COUNT, "a cause without advice");

void say_advice(struct telling *t)
{
	advice[t->j->cause](t);
	advise_capture(t);
}
