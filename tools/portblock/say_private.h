/*
 * What words.c and the say_*.c share: small phrases, and where evidence and lines go.
 *
 * Everything appended here is printable as it is: what came from outside passes
 * phrase_foreign().
 */
#ifndef PORTBLOCK_SAY_PRIVATE_H
#define PORTBLOCK_SAY_PRIVATE_H

#include "say.h"

/* ---- the message, a function for each cause or two (words.c has the table) ---- */

/* Columns of foreign text in it. */
#define WHY_COLUMNS  150
#define RULE_COLUMNS 60

typedef void say_message_fn(struct buf *out, const struct findings *f,
			    const struct judgement *j);

/* say_answered.c */
say_message_fn message_open, message_open_by_proxy, message_lossy, message_answers_all,
	message_proxy_refuses, message_reset_after, message_no_listener,
	message_reset_by_host, message_reset_by_box, message_injected, message_reset_near,
	message_rejected, message_router_says, message_time_exceeded;
/* say_silence.c */
say_message_fn message_unresolved, message_local_drop_out, message_local_reject,
	message_local_drop_in, message_rp_filter, message_no_route, message_neighbour,
	message_dropped_path, message_dropped_last, message_dropped_target,
	message_dropped_somewhere, message_host_silent, message_udp_silent,
	message_loss_undecided, message_local_error, message_interrupted;

/* ---- phrases ---- */

/* What the ICMP error says, in words. */
const char *icmp_text(const struct findings *f);

/* TEXT escaped, cut at MAX columns with "..." behind. */
void phrase_foreign(struct buf *out, const char *text, size_t max);
void phrase_time(struct buf *out, int64_t ns);
void phrase_addr(struct buf *out, const struct addr *a);
/* Bare, or between single quotes where a shell would see more than letters in TEXT. */
void phrase_quoted(struct buf *out, const char *text);
/* Is TEXT the same after escaping: nothing in it that a terminal must not see? */
bool text_is_plain(const char *text);
/* "SYN", "datagram". */
const char *packet_noun(const struct findings *f);
/* "", "s". */
const char *plural(unsigned int n);
/* "ARP", "neighbour discovery". */
const char *neighbour_noun(const struct addr *a);
/* "hop 2 (10.77.1.2)", "hop 2" where its address is not known. */
void phrase_hop(struct buf *out, const struct findings *f, int hop);
/* The address at HOP as either walk knows it; NULL: not known. */
const struct addr *hop_address(const struct findings *f, int hop);
/* Who answered in the host's stead: "hop 2 (10.77.1.2)", or FALLBACK. */
void phrase_by(struct buf *out, const struct findings *f, const struct judgement *j,
	       const char *fallback);
/* At which hop who answered in the host's stead stands; -1: not known. */
int by_hop(const struct findings *f, const struct judgement *j);
/* "port 22", "port 53/udp", "ping". */
void phrase_control(struct buf *out, const struct control *c);
/* "TTL 61: 3 routers away" */
void phrase_distance(struct buf *out, uint8_t ttl);
/* Which rule, text cut at MAX columns: "nftables inet filter output, handle 7: ..." */
void phrase_rule(struct buf *out, const struct rule_found *r, size_t max);

/* ---- looking at findings ---- */

/* The control whose reply's TTL tells how far away the host is. NULL: none. */
const struct control *distance_control(const struct findings *f);
/* May this answer come from another machine, to which the host passes the port? */
bool is_perhaps_forwarded(const struct control *c);
/* The hop at which the target's own address said time exceeded: it passes packets on. 0:
 * none. */
unsigned int own_hop(const struct findings *f);
/* How many hops nearer than the host's answers was TTL made? 0: not, or not known. */
int hops_nearer(const struct findings *f, uint8_t ttl);
/* How many SYNs or datagrams went out (or should have). */
unsigned int packets_sent(const struct findings *f);
/* The closed control port that drew a RST. NULL: none. */
const struct control *closed_control(const struct findings *f);
bool same_hop(const struct walk *w, int *ret_first, int *ret_again);

/* ---- the account under way ---- */

struct telling {
	struct account *account;
	const struct portblock_config *config;
	const struct findings *f;
	const struct judgement *j;
};

/* Take E with that text; its `text` is set here. */
void tell_evidence(struct telling *t, const struct evidence *e, const char *fmt, ...)
	PK_PRINTF(3, 4);
/* The text is in TEXT, which is emptied. */
void tell_evidence_buf(struct telling *t, const struct evidence *e, struct buf *text);
void tell_line(struct lines *lines, const char *fmt, ...) PK_PRINTF(2, 3);
void tell_line_buf(struct lines *lines, struct buf *text);

void say_evidence(struct telling *t);
/* Parts of it. say_hops.c: */
void say_hops(struct telling *t);
/* say_wire.c: did our packets leave, what arrived, ICMP errors that are not ours, who is
 * betrayed by the TTL, by the type of service. */
void tell_left(struct telling *t);
void tell_arrived(struct telling *t);
void tell_stray(struct telling *t);
void tell_ttl(struct telling *t);
void tell_tos(struct telling *t);
/* say_around.c. WANTED: say also that nothing was captured. */
void tell_controls(struct telling *t);
void tell_neighbour(struct telling *t);
void tell_counter(struct telling *t);
void tell_rule(struct telling *t);
void tell_capture(struct telling *t, bool wanted);
/* Milliseconds since the study began; 0: at its end. */
double told_at(const struct telling *t, int64_t ns);
void say_advice(struct telling *t);
/* say_command.c: the host as it stands in a command; what leads into the namespace, or
 * makes root; one of our tools with this run's choices. */
void add_host(struct buf *out, const struct telling *t);
void add_netns(struct buf *out, const struct telling *t, bool root);
void add_tool(struct buf *out, const struct telling *t, bool root, const char *tool,
	      const char *options);
void advise_tool(struct telling *t, bool root, const char *tool, const char *options);
/* A command of the system, with an address behind it (NULL: none). */
void advise_system(struct telling *t, bool root, const char *command,
		   const struct addr *a);
const char *ip_command(const struct findings *f, const char *v4, const char *v6);
/* For a terminal on the host. */
void advise_listeners(struct telling *t);
void advise_host_rules(struct telling *t);
void advise_host_capture(struct telling *t);
void say_excluded(struct telling *t);

#endif
