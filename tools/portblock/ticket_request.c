/*
 * What the reader of a ticket is asked to do. account.next is for whoever ran portblock;
 * this is for whoever owns the place where it is blocked.
 */
#include <string.h>

#include "say_private.h"
#include "ticket_private.h"

/* "TCP from 10.77.0.2 to 10.77.3.2 port 25" */
static void add_flow(struct buf *out, const struct findings *f)
{
	buf_adds(out, f->protocol == IPPROTO_UDP ? "UDP" : "TCP");
	if (f->source.family != AF_UNSPEC) {
		buf_adds(out, " from ");
		phrase_addr(out, &f->source);
	}
	buf_adds(out, " to ");
	phrase_addr(out, &f->addr);
	buf_addf(out, " port %u", f->port);
}

static const char *deed(const struct judgement *j)
{
	switch (j->method) {
	case METHOD_DROP:
		return "drops";
	case METHOD_TCP_RESET:
		return "resets";
	case METHOD_ICMP:
		return "rejects";
	case METHOD_NONE:
		break;
	}
	return "blocks";
}

static bool is_here(const struct findings *f)
{
	return f->route_known && f->route.kind == ROUTE_LOCAL;
}

/* ---- to whom ---- */

static void to_tester(struct buf *out, const struct findings *f)
{
	buf_adds(out, "To the administrator of the machine that tested");
	if (f->source.family != AF_UNSPEC) {
		buf_adds(out, " (");
		phrase_addr(out, &f->source);
		buf_addc(out, ')');
	}
}

static void to_host(struct buf *out, const struct findings *f)
{
	char address[ADDR_TEXT_SIZE];

	if (is_here(f)) {
		to_tester(out, f);
		return;
	}
	buf_adds(out, "To the administrator of ");
	addr_to_text(&f->addr, address);
	if (!strcmp(f->target, address) || strchr(f->target, '/')) {
		buf_adds(out, address);
		return;
	}
	phrase_foreign(out, f->target, 80);
	buf_addf(out, " (%s)", address);
}

static void to_box(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_adds(out, "To the owner of ");
	phrase_by(out, f, j, "the box in between");
}

/* The box is one of two hops, or stands between them. */
static void to_interval(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	buf_adds(out, "To the owner of ");
	if (j->last_hop > 0) {
		phrase_hop(out, f, j->last_hop);
		if (j->next_hop > 0) {
			buf_adds(out, ", of ");
			phrase_hop(out, f, j->next_hop);
			buf_adds(out, ", or of a box between them");
		} else {
			buf_adds(out, " or of what comes next behind it");
		}
	} else if (j->next_hop > 0) {
		phrase_hop(out, f, j->next_hop);
		buf_adds(out, " or of a box before it");
	} else {
		buf_adds(out, "the first router");
	}
}

/* ---- what ---- */

static void ask_rule(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_addf(out, ": please find the rule that %s ", deed(j));
	add_flow(out, f);
	buf_adds(out, ", and allow this traffic, or tell us that it is blocked on "
		      "purpose. The addresses, ports and times below should be in its "
		      "log.");
}

static void ask_own_rule(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	const char *what = j->cause == CAUSE_LOCAL_DROP_IN ? "the answers to " : "";

	if (f->local_rule.found)
		buf_addf(out, ": please look at the rule named below, which %s %s",
			 deed(j), what);
	else
		buf_addf(out,
			 ": please find the rule of that machine's own firewall that "
			 "%s %s",
			 deed(j), what);
	add_flow(out, f);
	buf_adds(out, ", and allow this traffic if it is wanted. Nobody else's firewall "
		      "is involved.");
}

static void ask_host_rule(struct buf *out, const struct findings *f,
			  const struct judgement *j)
{
	buf_addf(out, ": please find the rule of the host's own firewall that %s ",
		 deed(j));
	add_flow(out, f);
	buf_adds(out, ", and allow this traffic, or tell us that it is blocked on "
		      "purpose.");
}

static void ask_service(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	char address[ADDR_TEXT_SIZE];

	buf_addf(out,
		 ": please check that the service runs and listens on %s port %u (not "
		 "only on a loopback address)",
		 addr_to_text(&f->addr, address), f->port);
	buf_adds(out, j->cause == CAUSE_NO_LISTENER
			      ? ". The packets arrive there: no firewall on the way has "
				"to be changed."
			      : ", and that no firewall refuses it in the host's name.");
}

/* Where nothing more than silence is known: what to look at first. */
static void ask_silence(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	buf_adds(out, ": please ");
	if (j->cause == CAUSE_HOST_SILENT)
		buf_adds(out, "check that the host runs, and ");
	else if (j->cause == CAUSE_UDP_SILENT)
		buf_adds(out, "check that the service runs and answers, and ");
	buf_adds(out, "look for a rule that drops ");
	add_flow(out, f);
	buf_adds(out, ". A capture on the host while this is repeated shows whether it "
		      "arrives there, and whether an answer leaves.");
}

static void ask_route(struct buf *out, const struct findings *f)
{
	buf_adds(out, ": please check your route to ");
	phrase_addr(out, &f->addr);
	buf_adds(out, ".");
}

static void ask_link(struct buf *out, const struct findings *f, const struct judgement *j)
{
	bool host = j->cause == CAUSE_NEIGHBOUR_DOWN;

	if (host)
		to_host(out, f);
	else
		buf_adds(out, "To the administrator of the gateway");
	if (!host && f->route.gateway.family != AF_UNSPEC) {
		buf_addc(out, ' ');
		phrase_addr(out, &f->route.gateway);
	}
	buf_adds(out, ": please check that it runs, that its link and VLAN are up, and "
		      "that its address and netmask are right. No firewall rule for this "
		      "port is the cause.");
}

static void ask_proxy(struct buf *out, const struct findings *f)
{
	buf_adds(out, ": this box accepts connections in the host's stead. Please check "
		      "whether it passes on ");
	add_flow(out, f);
	buf_adds(out, ", and whether the host behind it takes the connection.");
}

static void ask_host_unreachable(struct buf *out, const struct findings *f,
				 const struct judgement *j)
{
	to_host(out, f);
	buf_adds(out, ": please check that the host runs and has that address. ");
	to_box(out, f, j);
	buf_adds(out, ", which says that the host can't be reached: please check its "
		      "neighbour table for the host, and whether a rule of yours "
		      "answers so.");
}

/* ---- all causes ---- */

static void request_for_silence(struct buf *out, const struct findings *f,
				const struct judgement *j)
{
	to_host(out, f);
	if (j->cause == CAUSE_DROPPED_LAST_HOP && j->last_hop > 0) {
		buf_adds(out, ", and to the owner of ");
		phrase_hop(out, f, j->last_hop);
	}
	ask_silence(out, f, j);
}

static void request_for_the_way(struct buf *out, const struct findings *f)
{
	buf_adds(out, "To the owners of the network on the way: please look for packet "
		      "loss, or a limit on new connections, for ");
	add_flow(out, f);
	buf_adds(out, ". No rule for this port alone is the cause.");
}

static void request_after(struct buf *out, const struct findings *f)
{
	to_host(out, f);
	buf_adds(out, ": please look into the service's log at the time below, its list "
		      "of allowed clients, and the host's own firewall: the connection "
		      "is accepted and then reset.");
}

static void request_here(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	to_tester(out, f);
	if (j->cause == CAUSE_LOCAL_RP_FILTER)
		buf_adds(out, ": please mend the routes so that both ways use one "
			      "interface, or loosen the reverse-path filter (rp_filter) "
			      "where the answers come in.");
	else if (j->cause == CAUSE_NO_ROUTE_LOCAL)
		ask_route(out, f);
	else
		ask_own_rule(out, f, j);
}

void ticket_request(struct buf *out, const struct findings *f, const struct judgement *j)
{
	switch (j->cause) {
	case CAUSE_OPEN:
		return;
	case CAUSE_UNRESOLVED:
		buf_adds(out, "To whoever runs the name servers: please check the name. "
			      "No packet was sent to any host.");
		return;
	case CAUSE_OPEN_LOSSY:
	case CAUSE_LOSS_UNDECIDED:
		request_for_the_way(out, f);
		return;
	case CAUSE_OPEN_BY_PROXY:
	case CAUSE_ANSWERS_ALL:
	case CAUSE_PROXY_REFUSES:
		to_box(out, f, j);
		ask_proxy(out, f);
		return;
	case CAUSE_RESET_AFTER:
		request_after(out, f);
		return;
	case CAUSE_LOCAL_DROP_OUT:
	case CAUSE_LOCAL_REJECT:
	case CAUSE_LOCAL_DROP_IN:
	case CAUSE_LOCAL_RP_FILTER:
	case CAUSE_NO_ROUTE_LOCAL:
		request_here(out, f, j);
		return;
	case CAUSE_NEIGHBOUR_DOWN:
	case CAUSE_GATEWAY_DOWN:
		ask_link(out, f, j);
		return;
	case CAUSE_NO_LISTENER:
	case CAUSE_NO_LISTENER_MAYBE:
		to_host(out, f);
		ask_service(out, f, j);
		return;
	case CAUSE_RESET_BY_HOST_FIREWALL:
	case CAUSE_REJECTED_BY_HOST:
	case CAUSE_DROPPED_TARGET:
		to_host(out, f);
		ask_host_rule(out, f, j);
		return;
	case CAUSE_RESET_AFTER_BOX:
	case CAUSE_RESET_BY_BOX:
	case CAUSE_RESET_INJECTED:
	case CAUSE_REJECTED_BY_BOX:
		to_box(out, f, j);
		ask_rule(out, f, j);
		return;
	case CAUSE_RESET_NEAR:
		to_tester(out, f);
		buf_adds(out, ", and to the owner of the first router or bridge");
		ask_rule(out, f, j);
		return;
	case CAUSE_NET_UNREACHABLE:
	case CAUSE_TIME_EXCEEDED:
		to_box(out, f, j);
		ask_route(out, f);
		return;
	case CAUSE_HOST_UNREACHABLE:
		ask_host_unreachable(out, f, j);
		return;
	case CAUSE_DROPPED_PATH:
		to_interval(out, f, j);
		ask_rule(out, f, j);
		return;
	case CAUSE_DROPPED_LAST_HOP:
	case CAUSE_DROPPED_SOMEWHERE:
	case CAUSE_HOST_SILENT:
	case CAUSE_UDP_SILENT:
		request_for_silence(out, f, j);
		return;
	case CAUSE_LOCAL_ERROR:
	case CAUSE_INTERRUPTED:
		buf_adds(out, "Nothing yet: the test has to be repeated first.");
		return;
	}
}
