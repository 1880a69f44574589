/*
 * The small words that message, evidence and advice have in common.
 */
#include <string.h>

#include "clock.h"
#include "say_private.h"
#include "text.h"

static const struct addr *known(const struct addr *a)
{
	return a->family == AF_UNSPEC ? NULL : a;
}

void phrase_foreign(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text), columns = 0, at = 0;

	while (at < len) {
		struct buf one = BUF_INIT;
		uint32_t cp;
		size_t n =
			text_utf8_decode((const unsigned char *)text + at, len - at, &cp);

		if (!n)
			n = 1;
		text_escape(&one, text + at, n);
		columns += text_columns(one.data);
		if (columns <= max)
			buf_adds(out, one.data);
		out->failed |= one.failed;
		buf_release(&one);
		if (columns > max) {
			buf_adds(out, "...");
			return;
		}
		at += n;
	}
}

void phrase_time(struct buf *out, int64_t ns)
{
	char human[CLOCK_HUMAN_SIZE];

	clock_human(ns, human, sizeof(human));
	buf_adds(out, human);
}

void phrase_addr(struct buf *out, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	buf_adds(out, addr_to_text(a, text));
}

void phrase_quoted(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@%+=:,./_-";
	const char *s;

	if (*text && text[strspn(text, plain)] == '\0') {
		buf_adds(out, text);
		return;
	}
	buf_addc(out, '\'');
	for (s = text; *s; s++) {
		if (*s == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *s);
	}
	buf_addc(out, '\'');
}

bool text_is_plain(const char *text)
{
	struct buf escaped = BUF_INIT;
	bool plain;

	text_escape_str(&escaped, text);
	plain = !escaped.failed && !strcmp(escaped.data, text);
	buf_release(&escaped);
	return plain;
}

const char *packet_noun(const struct findings *f)
{
	return f->protocol == IPPROTO_UDP ? "datagram" : "SYN";
}

const char *icmp_text(const struct findings *f)
{
	const struct hop *end = &f->walk.hops[f->walk.n_hops];

	/* It came to none of the attempts, only in the walk. */
	if (f->answer == ANSWER_NONE && f->walk.n_hops && known(&end->from))
		return icmp_words(end->icmp_origin, end->icmp_type, end->icmp_code);
	return icmp_words(f->icmp.origin, f->icmp.type, f->icmp.code);
}

const char *plural(unsigned int n)
{
	return n == 1 ? "" : "s";
}

const char *neighbour_noun(const struct addr *a)
{
	return a->family == AF_INET6 ? "neighbour discovery" : "ARP";
}

const struct addr *hop_address(const struct findings *f, int hop)
{
	const struct hop *mine, *other;

	if (hop < 1 || hop > HOPS_MAX)
		return NULL;
	mine = &f->walk.hops[hop];
	other = &f->control_walk.hops[hop];
	if (mine->state == HOP_EXCEEDED && known(&mine->from))
		return &mine->from;
	if (other->state == HOP_EXCEEDED && known(&other->from))
		return &other->from;
	if (mine->state == HOP_ERROR && known(&mine->from))
		return &mine->from;
	return other->state == HOP_ANSWERED ? known(&f->addr) : NULL;
}

void phrase_hop(struct buf *out, const struct findings *f, int hop)
{
	const struct addr *a = hop_address(f, hop);

	buf_addf(out, "hop %d", hop);
	if (!a)
		return;
	buf_adds(out, " (");
	phrase_addr(out, a);
	buf_adds(out, addr_equal(a, &f->addr) ? ", the host)" : ")");
}

static int hop_of(const struct walk *w, const struct addr *a)
{
	unsigned int ttl;

	for (ttl = 1; ttl <= w->n_hops; ttl++)
		if (w->hops[ttl].state == HOP_EXCEEDED &&
		    addr_equal(&w->hops[ttl].from, a))
			return (int)ttl;
	return -1;
}

int by_hop(const struct findings *f, const struct judgement *j)
{
	int hop;

	if (j->by_inferred)
		return j->answer_hops;
	/* A box without an address: only where its distance was what gave it away. */
	if (!known(&j->by))
		return j->cause == CAUSE_RESET_BY_BOX || j->cause == CAUSE_REJECTED_BY_BOX
			       ? j->answer_hops
			       : -1;
	hop = hop_of(&f->walk, &j->by);
	if (hop < 0)
		hop = hop_of(&f->control_walk, &j->by);
	if (hop < 0 && f->answer == ANSWER_ICMP && f->icmp_ttl &&
	    addr_equal(&f->icmp.from, &j->by))
		hop = ttl_distance(f->icmp_ttl) + 1;
	return hop;
}

void phrase_by(struct buf *out, const struct findings *f, const struct judgement *j,
	       const char *fallback)
{
	int hop = by_hop(f, j);

	if (known(&j->by) && hop > 0) {
		buf_addf(out, "hop %d (", hop);
		phrase_addr(out, &j->by);
		buf_addc(out, ')');
	} else if (known(&j->by)) {
		phrase_addr(out, &j->by);
	} else if (hop > 0) {
		phrase_hop(out, f, hop);
	} else {
		buf_adds(out, fallback);
	}
}

void phrase_control(struct buf *out, const struct control *c)
{
	if (c->protocol == IPPROTO_TCP)
		buf_addf(out, "port %u", c->port);
	else if (c->protocol == IPPROTO_UDP)
		buf_addf(out, "port %u/udp", c->port);
	else
		buf_adds(out, "ping");
}

void phrase_distance(struct buf *out, uint8_t ttl)
{
	int routers = ttl_distance(ttl);

	if (!ttl)
		return;
	buf_addf(out, "TTL %u: %d router%s away", ttl, routers,
		 plural((unsigned int)routers));
}

void phrase_rule(struct buf *out, const struct rule_found *r, size_t max)
{
	/* A name takes no more than a part of the room. */
	size_t name = max / 3 > 12 ? max / 3 : 12;

	if (r->policy)
		buf_addf(out, "the policy (%s) of ", r->verdict);
	buf_addf(out, "%s %s%s", r->backend, r->family, r->family[0] ? " " : "");
	phrase_foreign(out, r->table, name);
	buf_addc(out, ' ');
	phrase_foreign(out, r->chain, name);
	if (r->policy)
		return;
	if (r->handle)
		buf_addf(out, ", %s %llu",
			 strcmp(r->backend, "iptables-legacy") ? "handle" : "rule",
			 (unsigned long long)r->handle);
	if (r->text[0]) {
		buf_adds(out, ": \"");
		phrase_foreign(out, r->text, max);
		buf_addc(out, '"');
	}
}

unsigned int own_hop(const struct findings *f)
{
	int hop = hop_of(&f->walk, &f->addr);

	if (hop < 0)
		hop = hop_of(&f->control_walk, &f->addr);
	return hop > 0 ? (unsigned int)hop : 0;
}

bool is_perhaps_forwarded(const struct control *c)
{
	return c->protocol != IPPROTO_ICMP &&
	       (c->answer == ANSWER_SYN_ACK || c->answer == ANSWER_REPLY);
}

/* The farthest, of all or of what the host's address has not passed on. */
static const struct control *farthest(const struct findings *f, bool any, bool closed)
{
	const struct control *c, *best = NULL;

	for (c = f->controls; c < f->controls + f->n_controls; c++)
		if (c->ttl && control_is_of_host(&f->addr, c) &&
		    (any || !is_perhaps_forwarded(c)) &&
		    (closed || c->answer != ANSWER_RESET) &&
		    (!best || ttl_distance(c->ttl) > ttl_distance(best->ttl)))
			best = c;
	return best;
}

/* Who answers in the host's stead stands nearer. But what the host passes on is answered
 * from farther, and says nothing where its own answers are level with the port's. */
const struct control *distance_control(const struct findings *f)
{
	const struct control *any = farthest(f, true, true);
	const struct control *own = farthest(f, false, false);
	const struct control *best = farthest(f, false, true);
	int d = ttl_distance(f->answer == ANSWER_ICMP ? f->icmp_ttl : f->ttl);

	if (!best || ttl_distance(best->ttl) <= d)
		best = own && ttl_distance(own->ttl) == d ? own : any;
	return best && ttl_distance(best->ttl) == ttl_distance(any->ttl) ? any : best;
}

int hops_nearer(const struct findings *f, uint8_t ttl)
{
	const struct control *c = distance_control(f);
	int nearer;

	if (!ttl || !c)
		return 0;
	nearer = ttl_distance(c->ttl) - ttl_distance(ttl);
	return nearer > 0 ? nearer : 0;
}

unsigned int packets_sent(const struct findings *f)
{
	return f->tries + f->resent;
}

const struct control *closed_control(const struct findings *f)
{
	return findings_control(f, IPPROTO_TCP, ANSWER_RESET);
}

bool same_hop(const struct walk *w, int *ret_first, int *ret_again)
{
	unsigned int a, b;

	for (a = 1; a <= w->n_hops; a++) {
		for (b = a + 1; b <= w->n_hops; b++) {
			if (w->hops[a].state != HOP_EXCEEDED ||
			    w->hops[b].state != HOP_EXCEEDED ||
			    !known(&w->hops[a].from) ||
			    !addr_equal(&w->hops[a].from, &w->hops[b].from))
				continue;
			*ret_first = (int)a;
			*ret_again = (int)b;
			return true;
		}
	}
	return false;
}
