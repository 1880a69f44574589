/*
 * --free: the answer in words.
 */
#include <errno.h>
#include <inttypes.h>

#include "free_private.h"
#include "group.h"

/* So many different owners are told. */
#define OWNERS_TOLD 3

size_t free_main_holders(const struct free_answer *a, const struct free_holder **ret)
{
	size_t n = 0;

	/* The strongest kinds come first. */
	*ret = a->holders;
	while (n < a->n_holders && a->holders[n].kind == a->holders[0].kind)
		n++;
	return n;
}

static const char *free_states_note(const struct free_holder *holders, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (holders[i].listener->sock.state != TCP_CLOSE_WAIT)
			return NULL;
	return "; the other end has closed, the program has not (CLOSE_WAIT)";
}

/* ---- who listens ---- */

/* Was the owner of the I-th told before? */
static bool free_is_repeated(const struct free_holder *holders, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (free_same_owner(holders[k].listener, holders[i].listener))
			return true;
	return false;
}

static void free_say_bound(struct buf *out, struct naming *names,
			   const struct free_answer *a, const struct free_holder *holders,
			   size_t n)
{
	bool listens = holders[0].kind == FREE_KIND_LISTENER;
	size_t told = 0, more = 0, i;

	for (i = 0; i < n; i++) {
		if (free_is_repeated(holders, i))
			continue;
		if (told == OWNERS_TOLD) {
			more++;
			continue;
		}
		buf_adds(out, told++ ? ", " : "");
		free_say_owner(out, names, a, holders[i].listener);
		buf_adds(out, !listens			   ? " has bound "
			      : a->protocol == IPPROTO_UDP ? " receives on "
							   : " listens on ");
		free_say_addresses(out, holders, n, holders[i].listener);
		buf_adds(out, listens ? "" : " and does not listen");
	}
	if (more)
		buf_addf(out, ", and %zu more", more);
}

/* ---- connections ---- */

static void free_say_remote(struct buf *out, const struct free_holder *holders,
			    size_t n_all)
{
	const struct sock *s = &holders[0].listener->sock;
	char text[ADDR_ENDPOINT_SIZE];

	buf_adds(out, addr_endpoint_text(&s->remote, s->remote_port, text));
	if (n_all > 1)
		buf_adds(out, " and others");
}

static void free_say_connection(struct buf *out, struct naming *names,
				const struct free_answer *a,
				const struct free_holder *holders, size_t n)
{
	enum free_kind kind = holders[0].kind;
	size_t all = a->n_kind[kind];
	const char *note = free_states_note(holders, n);

	if (kind == FREE_KIND_ACCEPTED)
		buf_adds(out, "nothing listens there, but ");
	free_say_owner(out, names, a, holders[0].listener);
	buf_adds(out, kind == FREE_KIND_ACCEPTED ? " still has " : " has it for ");
	if (all == 1)
		buf_adds(out, "a connection ");
	else
		buf_addf(out, "%zu connections ", all);
	buf_adds(out, kind == FREE_KIND_ACCEPTED   ? "that came in from "
		      : kind == FREE_KIND_OUTGOING ? "to "
						   : "with ");
	free_say_remote(out, holders, all);
	buf_adds(out, note ? note : "");
	if (kind != FREE_KIND_ACCEPTED && a->ephemeral)
		buf_addf(out,
			 "; the port is of the ephemeral range (%u-%u), from which the "
			 "kernel takes one for each connection",
			 a->ephemeral_first, a->ephemeral_last);
}

static void free_say_orphans(struct buf *out, const struct free_answer *a,
			     const struct free_holder *holders)
{
	size_t all = a->n_kind[FREE_KIND_ORPHAN];
	const struct sock *s = &holders[0].listener->sock;

	buf_adds(out, "nothing listens there, but ");
	if (all == 1)
		buf_adds(out, "a connection with ");
	else
		buf_addf(out, "%zu connections with ", all);
	free_say_remote(out, holders, all);
	buf_adds(out, all == 1 ? ", closed here, is not over: "
			       : ", closed here, are not over: ");
	if (s->state == TCP_FIN_WAIT2)
		buf_adds(out, "the other end has not closed it (FIN_WAIT2)");
	else
		buf_addf(out, "the other end has not confirmed it (%s)",
			 s->state == TCP_FIN_WAIT1  ? "FIN_WAIT1"
			 : s->state == TCP_LAST_ACK ? "LAST_ACK"
						    : "CLOSING");
}

static void free_say_time_wait(struct buf *out, const struct free_answer *a,
			       const struct free_holder *holders)
{
	size_t all = a->n_kind[FREE_KIND_TIME_WAIT];
	int64_t seconds = (max_i64(a->frees_in_ms, 0) + 999) / 1000;

	buf_adds(out, "nothing listens there, but ");
	if (all == 1) {
		buf_adds(out, "a connection with ");
		free_say_remote(out, holders, all);
		buf_addf(out, ", closed here, is remembered for %" PRId64 " s more",
			 seconds);
	} else {
		buf_addf(out,
			 "%zu connections, closed here, are remembered for %" PRId64
			 " s more",
			 all, seconds);
	}
	buf_adds(out, " (TIME_WAIT)");
}

/* ---- no socket ---- */

static void free_say_privileged(struct buf *out, const struct free_answer *a)
{
	buf_addf(out,
		 "ports below %u are for root and for programs with "
		 "CAP_NET_BIND_SERVICE",
		 a->privileged_below);
	if (!a->n_holders && !a->blind)
		buf_adds(out, "; nothing else is in the way");
}

static void free_say_unknown(struct buf *out, const struct free_answer *a)
{
	if (a->error == EADDRINUSE) {
		buf_adds(out, a->blind
				      ? "the kernel says that it is in use, but does not "
					"list its sockets here"
				      : "the kernel says that it is in use, but no "
					"socket is seen that has it");
		if (!a->blind && !a->shows_bound && a->protocol == IPPROTO_TCP)
			buf_adds(out, " (one that is bound and does not listen is not, "
				      "before Linux 6.8)");
		return;
	}
	buf_addf(out, "the kernel does not let us bind it (%s), ",
		 a->error == EPERM ? "EPERM" : "EACCES");
	if (a->error == EPERM)
		buf_adds(out, "by a BPF program of our control group, perhaps");
	else
		buf_adds(out, "by a security module or Landlock, or since the network "
			      "belongs to another user namespace");
	buf_adds(out, a->blind ? "" : "; no socket has it");
}

/* ---- all ---- */

static void free_say_why(struct buf *out, struct naming *names,
			 const struct free_answer *a)
{
	const struct free_holder *holders;
	size_t n = free_main_holders(a, &holders);

	switch (a->cause) {
	case FREE_YES:
		return;
	case FREE_LISTENER:
	case FREE_BOUND:
		free_say_bound(out, names, a, holders, n);
		return;
	case FREE_TIME_WAIT:
		free_say_time_wait(out, a, holders);
		return;
	case FREE_CONNECTION:
		if (holders[0].kind == FREE_KIND_ORPHAN)
			free_say_orphans(out, a, holders);
		else
			free_say_connection(out, names, a, holders, n);
		return;
	case FREE_PRIVILEGED:
		free_say_privileged(out, a);
		return;
	case FREE_UNKNOWN:
		free_say_unknown(out, a);
		return;
	}
}

/* What is possible all the same. */
static void free_say_but(struct buf *out, const struct free_answer *a)
{
	if (a->reuse_asked && a->reuse_works)
		buf_adds(out, "; a server that sets SO_REUSEADDR, as most do, can start "
			      "now");
	else if (a->reuse_asked && a->n_holders &&
		 a->holders[0].kind == FREE_KIND_TIME_WAIT)
		buf_adds(out, "; a server that sets SO_REUSEADDR has to wait as well, "
			      "since the one before did not set it");
	else if (a->reuse_asked && a->n_holders &&
		 (a->holders[0].kind == FREE_KIND_ACCEPTED ||
		  a->holders[0].kind == FREE_KIND_ORPHAN))
		buf_adds(out, "; SO_REUSEADDR does not help");
	if (a->addr.family == AF_UNSPEC && a->asked_v4 && a->asked_v6 &&
	    a->free_v4 != a->free_v6)
		buf_addf(out, "; for IPv%c alone it is free", a->free_v4 ? '4' : '6');
	if (a->error == EACCES && a->cause != FREE_PRIVILEGED &&
	    a->cause != FREE_UNKNOWN && !a->capable)
		buf_addf(out, "; besides, ports below %u are for root",
			 a->privileged_below);
}

static void free_say_where(struct buf *out, const struct free_answer *a)
{
	char text[ADDR_TEXT_SIZE];

	if (a->addr.family == AF_UNSPEC)
		return;
	if (addr_is_any(&a->addr) && (a->addr.family == AF_INET || a->v6only))
		buf_adds(out, a->addr.family == AF_INET ? " for IPv4" : " for IPv6");
	else
		buf_addf(out, a->addr.family == AF_INET6 ? " on [%s]" : " on %s",
			 addr_to_text(&a->addr, text));
}

void free_say(struct buf *out, struct naming *names, const struct free_answer *a,
	      bool color)
{
	bool yes = a->cause == FREE_YES;

	buf_addf(out, "%u/%s is ", a->port, protocol_word(a->protocol));
	buf_adds(out, term_begin(yes ? TERM_GOOD : TERM_BAD, color));
	buf_adds(out, yes ? "free" : "not free");
	buf_adds(out, term_end(yes ? TERM_GOOD : TERM_BAD, color));
	free_say_where(out, a);
	if (!yes) {
		buf_adds(out, ": ");
		free_say_why(out, names, a);
		free_say_but(out, a);
		return;
	}
	if (a->reserved)
		buf_adds(out, "; it is kept for a server, by "
			      "net.ipv4.ip_local_reserved_ports");
	else if (a->ephemeral)
		buf_addf(out,
			 "; but a connection that goes out may take it, since it is of "
			 "the ephemeral range (%u-%u)",
			 a->ephemeral_first, a->ephemeral_last);
	if (a->forwarded_to)
		buf_addf(
			out,
			"; but this machine's rules forward to %s what comes for it from "
			"elsewhere",
			a->forwarded_to);
}

void free_message(struct buf *out, struct naming *names, const struct free_answer *a)
{
	free_say(out, names, a, false);
}
