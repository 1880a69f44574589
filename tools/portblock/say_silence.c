/*
 * The message where nothing answered, or nothing could be asked.
 */
#include <errno.h>
#include <string.h>

#include "icmp.h"
#include "say_private.h"
#include "walk.h"

void message_unresolved(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	(void)j;
	phrase_foreign(out, f->name_why ? f->name_why : "the look-up failed",
		       WHY_COLUMNS);
	buf_adds(out, ": nothing was sent");
}

static void say_local_rule(struct buf *out, const struct findings *f)
{
	if (!f->local_rule.found)
		return;
	buf_adds(out, ": ");
	phrase_rule(out, &f->local_rule, RULE_COLUMNS);
}

void message_local_drop_out(struct buf *out, const struct findings *f,
			    const struct judgement *j)
{
	(void)j;
	buf_adds(out, "dropped by this machine's own firewall before it leaves");
	if (f->local_rule.found)
		say_local_rule(out, f);
	else if (f->answer == ANSWER_ERROR)
		buf_addf(out, ": sending fails with %s",
			 f->error == EPERM ? "EPERM" : strerror(f->error));
	else if (f->wire.watched && !f->wire.syns_out && !f->kernel_kept_it &&
		 (f->resent || f->protocol == IPPROTO_UDP))
		buf_addf(out,
			 ": no %s is seen on any interface, though the kernel took them "
			 "for sent; unless IPsec hides them",
			 packet_noun(f));
	else if (f->wire.watched && !f->wire.syns_out)
		buf_addf(out, ": no %s is seen on any interface", packet_noun(f));
	else if (f->kernel_kept_it)
		buf_adds(out, ": the kernel's attempts to send it again fail");
}

void message_local_reject(struct buf *out, const struct findings *f,
			  const struct judgement *j)
{
	(void)j;
	buf_adds(out, "rejected by this machine's own firewall");
	say_local_rule(out, f);
	if (f->answer == ANSWER_ICMP)
		buf_addf(out, "%s %s from this machine itself",
			 f->local_rule.found ? ", with" : ":", icmp_text(f));
	else if (f->answer == ANSWER_RESET)
		buf_addf(out, "%s a RST made here, not by the host",
			 f->local_rule.found ? ", with" : ":");
}

/* "the SYN-ACK arrives after 1.2 ms, and ..." */
void message_local_drop_in(struct buf *out, const struct findings *f,
			   const struct judgement *j)
{
	const struct mark *m = f->wire.syn_ack.seen ? &f->wire.syn_ack
			       : f->wire.reset.seen ? &f->wire.reset
						    : NULL;
	int64_t after_ns = m ? m->at_ns - f->sent_at_ns[0] : -1;

	(void)j;
	buf_adds(out, "dropped by this machine's own input filter");
	say_local_rule(out, f);
	if (!m) {
		buf_addf(out, "%s answers arrive here and never reach the socket",
			 f->local_rule.found ? ";" : ":");
		return;
	}
	buf_addf(out, "%s the host's %s arrives", f->local_rule.found ? ";" : ":",
		 m == &f->wire.syn_ack ? "SYN-ACK" : "RST");
	if (after_ns >= 0) {
		buf_adds(out, " after ");
		phrase_time(out, after_ns);
	}
	buf_adds(out, ", but never reaches the socket");
}

void message_rp_filter(struct buf *out, const struct findings *f,
		       const struct judgement *j)
{
	(void)j;
	buf_adds(out, "dropped by this machine's reverse-path filter: answers arrive by "
		      "another interface than the one that leads to the host");
	if (f->route_known && f->route.interface_name[0])
		buf_addf(out, " (%s)", f->route.interface_name);
}

void message_no_route(struct buf *out, const struct findings *f,
		      const struct judgement *j)
{
	const char *family = f->addr.family == AF_INET6 ? "IPv6" : "IPv4";
	const char *type = NULL;

	(void)j;
	if (f->route_known)
		type = f->route.kind == ROUTE_UNREACHABLE ? "unreachable"
		       : f->route.kind == ROUTE_PROHIBIT  ? "prohibit"
		       : f->route.kind == ROUTE_BLACKHOLE ? "blackhole"
							  : NULL;
	if (type)
		buf_addf(out, "this machine's own route to it says %s: nothing is sent",
			 type);
	else if (f->answer == ANSWER_ERROR && f->error == EADDRNOTAVAIL)
		buf_addf(out, "this machine has no %s address to reach it from", family);
	else if (f->answer == ANSWER_ERROR && f->error == EAFNOSUPPORT)
		buf_addf(out, "this machine has no %s", family);
	else
		buf_addf(out, "this machine has no %s route to it: nothing is sent",
			 family);
}

static void say_link(struct buf *out, const struct findings *f, const struct addr *silent)
{
	buf_addf(out, "does not answer %s", neighbour_noun(silent));
	if (f->route_known && f->route.interface_name[0])
		buf_addf(out, " on %s", f->route.interface_name);
}

void message_neighbour(struct buf *out, const struct findings *f,
		       const struct judgement *j)
{
	const struct addr *gateway = &f->route.gateway;

	if (j->cause == CAUSE_NEIGHBOUR_DOWN) {
		buf_adds(out, "the host is on this machine's own link and ");
		say_link(out, f, &f->addr);
		buf_adds(out, ": it is down or unplugged, or nobody has that address");
		return;
	}
	buf_adds(out, "the gateway ");
	if (gateway->family != AF_UNSPEC) {
		phrase_addr(out, gateway);
		buf_addc(out, ' ');
	}
	say_link(out, f, gateway->family != AF_UNSPEC ? gateway : &f->addr);
	buf_adds(out, ": nothing gets beyond this machine's own link");
}

void message_dropped_path(struct buf *out, const struct findings *f,
			  const struct judgement *j)
{
	const char *noun = packet_noun(f);

	buf_adds(out, "dropped on the path: ");
	if (j->last_hop > 0) {
		phrase_hop(out, f, j->last_hop);
		buf_addf(out, " still has the %s, ", noun);
	}
	if (j->next_hop > 0) {
		phrase_hop(out, f, j->next_hop);
		buf_addf(out, "%s never answers for it",
			 j->last_hop > 0 ? "" : " answers for other ports and");
	} else {
		buf_adds(out, j->last_hop > 0 ? "nothing behind it answers for it"
					      : "no hop answers for it");
	}
	buf_adds(out, j->last_hop > 0 ? "; one of them or a box between them drops it"
				      : "; it or a box before it drops it");
}

void message_dropped_last(struct buf *out, const struct findings *f,
			  const struct judgement *j)
{
	buf_adds(out, "dropped by ");
	if (j->last_hop > 0) {
		phrase_hop(out, f, j->last_hop);
		buf_addf(out, ", the last router, which has the %s", packet_noun(f));
	} else {
		buf_adds(out, "the last router");
	}
	buf_adds(out, ", or by the host, or its answer is lost on the way back: from "
		      "here these can't be told apart");
}

void message_dropped_target(struct buf *out, const struct findings *f,
			    const struct judgement *j)
{
	const struct control *c = findings_alive(f);

	if (f->route_known && f->route.kind == ROUTE_LOCAL) {
		buf_adds(out, "dropped by this machine's own firewall");
		if (f->local_rule.found)
			say_local_rule(out, f);
		else
			buf_adds(out, ", or a listener that takes no more connections: "
				      "the address is one of its own");
		return;
	}
	if (j->last_hop > 0) {
		buf_adds(out, "dropped by the host or behind it: ");
		phrase_hop(out, f, j->last_hop);
		buf_addf(out,
			 " passes the %s on, as to a container or an inner machine, and "
			 "nothing comes back",
			 packet_noun(f));
		return;
	}
	buf_adds(out, "dropped by the host itself, or by a switch or hypervisor before "
		      "it: no router stands between");
	if (c) {
		buf_adds(out, ", and the host is up (");
		phrase_control(out, c);
		buf_adds(out, " answers)");
	} else if (f->neighbour == ROUTE_NEIGH_PRESENT) {
		buf_addf(out, ", and the host is up (it answers %s)",
			 neighbour_noun(&f->addr));
	}
	if (j->default_drop)
		buf_adds(out, "; it drops every TCP port that was asked");
}

void message_dropped_somewhere(struct buf *out, const struct findings *f,
			       const struct judgement *j)
{
	/* The walk did not get as far, or was not made. */
	if (!f->walk.n_hops || f->walk.n_hops + 1 < walk_answered(&f->control_walk)) {
		buf_adds(out, "dropped on the way or by the host");
		if (j->last_hop > 0) {
			buf_adds(out, ", behind ");
			phrase_hop(out, f, j->last_hop);
		}
		buf_adds(out, ": the way was not examined to its end, so the place is "
			      "not known");
		return;
	}
	if (j->last_hop > 0) {
		buf_adds(out, "dropped behind ");
		phrase_hop(out, f, j->last_hop);
		buf_addf(out, ", which still has the %s: the routers after it",
			 packet_noun(f));
	} else {
		buf_adds(out, "dropped on the way or by the host: the routers between");
	}
	buf_adds(out, " never answer, for no port, so the place can't be told");
}

void message_host_silent(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	unsigned int others = 0;
	bool pinged = false;
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		if (f->controls[i].protocol == IPPROTO_ICMP)
			pinged = true;
		else
			others++;
	}
	buf_adds(out, "the host answers nothing: not this port");
	if (others)
		buf_addf(out, ", none of %u other%s", others, plural(others));
	buf_addf(out, "%s; it is down, or everything for it is dropped",
		 pinged ? ", no ping" : "");
	if (j->last_hop > 0) {
		buf_adds(out, " behind ");
		phrase_hop(out, f, j->last_hop);
	}
}

static void say_sent_in_vain(struct buf *out, const struct findings *f)
{
	unsigned int n = packets_sent(f);

	buf_addf(out, "no answer to %u %s%s", n, packet_noun(f), plural(n));
	if (f->waited_ns > 0) {
		buf_adds(out, " in ");
		phrase_time(out, f->waited_ns);
	}
}

void message_udp_silent(struct buf *out, const struct findings *f,
			const struct judgement *j)
{
	say_sent_in_vain(out, f);
	if (j->last_hop > 0) {
		buf_adds(out, ", though ");
		phrase_hop(out, f, j->last_hop);
		buf_adds(out, " has them");
	}
	if (f->silent_note)
		buf_addf(out, ": %s; or a filter drops them", f->silent_note);
	else
		buf_adds(out, ": a service that keeps silent, or a filter; over UDP "
			      "these look the same");
}

void message_loss_undecided(struct buf *out, const struct findings *f,
			    const struct judgement *j)
{
	(void)j;
	if (walk_answered(&f->walk))
		buf_adds(out, "silent, but it answered once while its way was examined: "
			      "packets get lost, or a limit lets few pass");
	else if (f->capture_dropped && !f->wire.syns_out)
		buf_addf(out,
			 "the capture lost %u packet%s, so what it does not show may "
			 "have been there: the silence of this port says little",
			 f->capture_dropped, plural(f->capture_dropped));
	else
		buf_adds(out, "packets get lost on this way, other ports' too: the "
			      "silence of this one says little yet");
}

void message_local_error(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	(void)j;
	buf_adds(out, "not tested: ");
	if (f->name_why)
		phrase_foreign(out, f->name_why, WHY_COLUMNS);
	else if (f->error == EADDRNOTAVAIL)
		buf_adds(out, "no local port is free for this target");
	else if (f->error == EADDRINUSE)
		buf_adds(out, "the local port is in use for this target");
	else
		buf_adds(out, strerror(f->error));
}

void message_interrupted(struct buf *out, const struct findings *f,
			 const struct judgement *j)
{
	(void)j;
	buf_adds(out, "interrupted before it could be decided: ");
	if (!packets_sent(f))
		buf_adds(out, "nothing was sent");
	else if (f->answer == ANSWER_NONE)
		say_sent_in_vain(out, f);
	else
		buf_adds(out, "there was an answer, but nothing to compare it with");
}
