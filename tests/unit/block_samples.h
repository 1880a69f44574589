/*
 * Findings and judgements as portblock makes them in a small network, for the tests of
 * what is said and drawn about them. Include after cmocka.h.
 *
 *	this machine 10.77.0.2 - hop 1 10.77.0.1 - hop 2 10.77.1.2 - hop 3 10.77.2.2 -
 *	hop 4: mail.example.com 10.77.3.2
 *
 * Each sample_…() fills a whole `struct sample`; a test changes what it is about. The
 * numbers fit one another: TTL 61 is three routers away.
 */
#ifndef PK_TEST_BLOCK_SAMPLES_H
#define PK_TEST_BLOCK_SAMPLES_H

#include <errno.h>
#include <string.h>
#include <time.h> /* linux/errqueue.h needs it */

#include <linux/errqueue.h>

#include "portblock.h"

struct sample {
	struct findings f;
	struct judgement j;
	struct portblock_config config;
};

#define SAMPLE_MS(n)	((int64_t)((n) * (double)NS_PER_MS))
#define SAMPLE_START_NS SAMPLE_MS(5000000) /* the monotonic clock, somewhere */
/* 2026-01-31T23:59:59.123Z */
#define SAMPLE_WALL_NS (1769903999LL * NS_PER_S + 123 * NS_PER_MS)

static inline struct addr sample_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

/* The address of hop N of the network; 4 is the host. */
static inline struct addr sample_hop_addr(unsigned int n)
{
	static const char *const texts[] = { "10.77.0.2", "10.77.0.1", "10.77.1.2",
					     "10.77.2.2", "10.77.3.2" };

	assert_true(n < ARRAY_SIZE(texts));
	return sample_addr(texts[n]);
}

/* One attempt at PORT of PROTOCOL with a capture running, not answered yet. */
static inline void sample_init(struct sample *s, uint8_t protocol, uint16_t port)
{
	struct findings *f = &s->f;

	memset(s, 0, sizeof(*s));
	s->config.timeout_ns = SAMPLE_MS(3500);
	s->config.max_hops = 30;
	f->target = "mail.example.com";
	f->addr = sample_hop_addr(4);
	f->port = port;
	f->protocol = protocol;
	f->resolve_ns = SAMPLE_MS(2.5);
	f->start_ns = SAMPLE_START_NS;
	f->end_ns = SAMPLE_START_NS + SAMPLE_MS(6200);
	f->start_wall_ns = SAMPLE_WALL_NS;
	f->end_wall_ns = SAMPLE_WALL_NS + SAMPLE_MS(6200);
	f->source = sample_hop_addr(0);
	f->source_port = 41234;
	f->rtt_ns = -1;
	f->answer_after_ns = -1;
	f->tries = 1;
	f->sent_at_ns[0] = SAMPLE_START_NS + SAMPLE_MS(1);
	f->route = (struct route){ .kind = ROUTE_UNICAST,
				   .interface = 2,
				   .interface_name = "eth0",
				   .gateway = sample_hop_addr(1),
				   .source = sample_hop_addr(0) };
	f->route_known = true;
	f->neighbour = ROUTE_NEIGH_PRESENT;
	f->captured = true;
	f->wire.watched = true;
	f->wire.syns_out = 1;
	s->j = (struct judgement){
		.last_hop = -1, .next_hop = -1, .target_hops = 4, .answer_hops = -1
	};
}

/* As if there had been no capture: what only the wire shows is not there. */
static inline void sample_unprivileged(struct sample *s)
{
	s->f.captured = false;
	s->f.no_capture_why = "CAP_NET_RAW is missing";
	memset(&s->f.wire, 0, sizeof(s->f.wire));
	s->f.tos_known = false;
	if (s->f.ttl)
		s->f.ttl_source = TTL_BISECTED;
	for (size_t i = 0; i < s->f.n_controls; i++) {
		s->f.controls[i].tos_known = false;
		if (s->f.controls[i].protocol != IPPROTO_ICMP &&
		    s->f.controls[i].ttl_source == TTL_WIRE)
			s->f.controls[i].ttl_source = TTL_BISECTED;
	}
}

static inline struct control *sample_control(struct sample *s, uint8_t protocol,
					     uint16_t port, enum answer answer)
{
	struct control *c = &s->f.controls[s->f.n_controls++];
	bool answered = answer != ANSWER_NONE;

	*c = (struct control){ .protocol = protocol,
			       .port = port,
			       .high = port > 40000,
			       .answer = answer,
			       .tries = 1,
			       .rtt_ns = answered ? SAMPLE_MS(1.2) : -1,
			       .ttl = answered ? 61 : 0,
			       .ttl_source = answered ? TTL_WIRE : TTL_UNKNOWN,
			       .tos_known = answer == ANSWER_RESET,
			       .tos_echoed = answer == ANSWER_RESET };
	return c;
}

/* Port 22 open, port 41999 closed, echo answered. */
static inline void sample_controls(struct sample *s)
{
	sample_control(s, IPPROTO_TCP, 22, ANSWER_SYN_ACK);
	sample_control(s, IPPROTO_TCP, 41999, ANSWER_RESET);
	sample_control(s, IPPROTO_ICMP, 0, ANSWER_REPLY);
}

/* Nothing of the host answers. */
static inline void sample_dead_controls(struct sample *s)
{
	sample_control(s, IPPROTO_TCP, 22, ANSWER_NONE);
	sample_control(s, IPPROTO_TCP, 80, ANSWER_NONE);
	sample_control(s, IPPROTO_TCP, 41999, ANSWER_NONE);
	sample_control(s, IPPROTO_ICMP, 0, ANSWER_NONE);
}

/* Four SYNs (or datagrams) on one socket, silence. */
static inline void sample_silence(struct sample *s)
{
	struct findings *f = &s->f;

	f->answer = ANSWER_NONE;
	f->waited_ns = SAMPLE_MS(3500);
	if (f->protocol == IPPROTO_TCP) {
		f->resent = 3;
	} else {
		f->tries = 4;
		for (unsigned int i = 1; i < 4; i++)
			f->sent_at_ns[i] = f->sent_at_ns[0] + (int64_t)i * SAMPLE_MS(875);
	}
	f->wire.syns_out = 4;
	s->j.state = f->protocol == IPPROTO_TCP ? STATE_FILTERED : STATE_OPEN_FILTERED;
	s->j.reason = REASON_NO_RESPONSE;
	s->j.verdict = VERDICT_DROPPED;
	s->j.method = METHOD_DROP;
}

/* A SYN-ACK or RST with TTL, seen on the wire AFTER_MS after the SYN. */
static inline void sample_answer(struct sample *s, enum answer answer, uint8_t ttl,
				 double after_ms)
{
	struct findings *f = &s->f;
	struct mark m = { .seen = true,
			  .at_ns = f->sent_at_ns[0] + SAMPLE_MS(after_ms),
			  .ttl = ttl,
			  .window = answer == ANSWER_SYN_ACK ? 65160 : 0,
			  .ack_is_right = true };

	f->answer = answer;
	f->rtt_ns = SAMPLE_MS(after_ms);
	f->answer_after_ns = SAMPLE_MS(after_ms);
	f->waited_ns = SAMPLE_MS(after_ms);
	f->answered = 1;
	f->ttl = ttl;
	f->ttl_source = TTL_WIRE;
	if (answer == ANSWER_SYN_ACK) {
		f->wire.syn_ack = m;
		f->wire.n_syn_acks = 1;
		s->j.state = STATE_OPEN;
		s->j.reason = REASON_SYN_ACK;
	} else {
		f->wire.reset = m;
		f->wire.n_resets = 1;
		f->error = ECONNREFUSED;
		s->j.state = STATE_CLOSED;
		s->j.reason = REASON_RESET;
	}
}

/* An ICMP (or ICMPv6) error. */
static inline void sample_icmp(struct sample *s, uint8_t type, uint8_t code,
			       struct addr from, uint8_t ttl, double after_ms)
{
	struct findings *f = &s->f;
	bool v6 = f->addr.family == AF_INET6;

	f->answer = ANSWER_ICMP;
	f->icmp = (struct icmp_error){ .origin = v6 ? SO_EE_ORIGIN_ICMP6
						    : SO_EE_ORIGIN_ICMP,
				       .type = type,
				       .code = code,
				       .ttl = ttl,
				       .error = EHOSTUNREACH,
				       .from = from };
	f->icmp_ttl = ttl;
	f->rtt_ns = SAMPLE_MS(after_ms);
	f->answer_after_ns = SAMPLE_MS(after_ms);
	f->waited_ns = SAMPLE_MS(after_ms);
	f->answered = 1;
	f->wire.icmp_seen = true;
	f->wire.icmp_ttl = ttl;
	s->j.reason = icmp_reason(f->icmp.origin, type, code);
	s->j.state =
		state_of_reason(s->j.reason, f->protocol, addr_equal(&from, &f->addr));
	s->j.by = from;
}

/* A walk in which hops 1 to LAST say time exceeded, and, if ANSWERED, the host at hop 4
 * answers; what is between stays silent. */
static inline void sample_walk(struct walk *w, uint8_t protocol, uint16_t port,
			       unsigned int last, bool answered)
{
	*w = (struct walk){ .done = true,
			    .protocol = protocol,
			    .port = port,
			    .source_port = protocol == IPPROTO_ICMP ? 0 : 41300,
			    .n_hops = 4 };
	for (unsigned int i = 1; i <= 4; i++) {
		struct hop *hop = &w->hops[i];

		hop->tries = i <= last ? 1 : 3;
		hop->state = HOP_SILENT;
		if (i > last && !(answered && i == 4))
			continue;
		hop->tries = 1;
		hop->rtt_ns = SAMPLE_MS(0.3 * i);
		hop->ttl_back = (uint8_t)(65 - i);
		hop->state = i == 4 ? HOP_ANSWERED : HOP_EXCEEDED;
		if (i < 4) {
			hop->from = sample_hop_addr(i);
			hop->icmp_origin = SO_EE_ORIGIN_ICMP;
			hop->icmp_type = 11;
		}
	}
}

static inline void sample_open(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 443);
	sample_answer(s, ANSWER_SYN_ACK, 61, 1.2);
	s->f.after = AFTER_QUIET;
	s->f.after_ns = SAMPLE_MS(1000);
	s->j.cause = CAUSE_OPEN;
	s->j.verdict = VERDICT_OPEN;
	s->j.where = WHERE_TARGET;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.answer_hops = 4;
}

/* The kernel's RST: the host's TTL, our type of service. */
static inline void sample_no_listener(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 8080);
	sample_answer(s, ANSWER_RESET, 61, 1.1);
	s->f.tos_known = s->f.tos_echoed = true;
	sample_controls(s);
	s->j.cause = CAUSE_NO_LISTENER;
	s->j.verdict = VERDICT_NO_LISTENER;
	s->j.where = WHERE_TARGET;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.answer_hops = 4;
}

/* Dropped between hop 2 and hop 3 of 4. */
static inline void sample_dropped_path(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_silence(s);
	sample_controls(s);
	sample_walk(&s->f.walk, IPPROTO_TCP, 25, 2, false);
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
	s->j.cause = CAUSE_DROPPED_PATH;
	s->j.where = WHERE_PATH;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.last_hop = 2;
	s->j.last_hop_address = sample_hop_addr(2);
	s->j.next_hop = 3;
}

/* The last router has the SYN; what then becomes of it is not seen. */
static inline void sample_last_hop(struct sample *s)
{
	sample_dropped_path(s);
	sample_walk(&s->f.walk, IPPROTO_TCP, 25, 3, false);
	s->j.cause = CAUSE_DROPPED_LAST_HOP;
	s->j.where = WHERE_LAST_HOP;
	s->j.last_hop = 3;
	s->j.last_hop_address = sample_hop_addr(3);
	s->j.next_hop = 4;
}

/* An output rule of this machine drops it. */
static inline void sample_local_drop(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_silence(s);
	s->f.wire.syns_out = 0;
	s->f.kernel_kept_it = true;
	s->j.cause = CAUSE_LOCAL_DROP_OUT;
	s->j.where = WHERE_LOCAL;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.target_hops = -1;
}

/* The same, and --rule found it. */
static inline void sample_local_rule(struct sample *s)
{
	sample_local_drop(s);
	s->config.rule = true;
	s->f.local_rule = (struct rule_found){ .asked = true,
					       .found = true,
					       .backend = "nftables",
					       .family = "inet",
					       .table = "filter",
					       .chain = "output",
					       .handle = 7,
					       .hook = "output",
					       .verdict = "drop",
					       .text = "tcp dport 25 counter drop" };
	s->j.confidence = CONFIDENCE_CERTAIN;
}

/* Hop 2 says: administratively prohibited. */
static inline void sample_rejected(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_icmp(s, 3, 13, sample_hop_addr(2), 63, 0.8);
	sample_controls(s);
	s->j.cause = CAUSE_REJECTED_BY_BOX;
	s->j.verdict = VERDICT_REJECTED;
	s->j.where = WHERE_PATH;
	s->j.method = METHOD_ICMP;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.answer_hops = 2;
}

/* A RST that passed one router only, where the host's answers pass three. */
static inline void sample_reset_by_box(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_answer(s, ANSWER_RESET, 63, 0.5);
	s->f.tos_known = true;
	sample_controls(s);
	sample_walk(&s->f.walk, IPPROTO_TCP, 25, 1, false);
	s->f.walk.n_hops = 2;
	s->f.walk.hops[2].state = HOP_ANSWERED;
	s->f.walk.hops[2].rtt_ns = SAMPLE_MS(0.5);
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
	s->j.cause = CAUSE_RESET_BY_BOX;
	s->j.verdict = VERDICT_RESET_BY_MIDDLEBOX;
	s->j.where = WHERE_PATH;
	s->j.method = METHOD_TCP_RESET;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.state = STATE_FILTERED;
	s->j.answer_hops = 2;
	s->j.by = sample_hop_addr(2);
	s->j.by_inferred = true;
	s->j.last_hop = 1;
	s->j.last_hop_address = sample_hop_addr(1);
}

static inline void sample_udp_silent(struct sample *s)
{
	sample_init(s, IPPROTO_UDP, 161);
	sample_silence(s);
	sample_controls(s);
	sample_walk(&s->f.walk, IPPROTO_UDP, 161, 3, false);
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
	s->f.silent_note = "SNMP agents ignore requests with an unknown community";
	s->j.cause = CAUSE_UDP_SILENT;
	s->j.verdict = VERDICT_INCONCLUSIVE;
	s->j.method = METHOD_NONE;
	s->j.where = WHERE_UNKNOWN;
	s->j.confidence = CONFIDENCE_LOW;
	s->j.last_hop = 3;
	s->j.last_hop_address = sample_hop_addr(3);
}

/* On our own link, and no answer to ARP. */
static inline void sample_host_down(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 22);
	sample_silence(s);
	s->f.target = "10.77.0.9";
	s->f.addr = sample_addr("10.77.0.9");
	s->f.resolve_ns = -1;
	s->f.route.gateway = (struct addr){ .family = AF_UNSPEC };
	s->f.neighbour = ROUTE_NEIGH_FAILED;
	s->f.wire.syns_out = 0;
	s->f.waited_ns = SAMPLE_MS(3060);
	s->f.resent = 2;
	sample_dead_controls(s);
	s->j.cause = CAUSE_NEIGHBOUR_DOWN;
	s->j.verdict = VERDICT_HOST_DOWN;
	s->j.where = WHERE_TARGET;
	s->j.method = METHOD_NONE;
	s->j.state = STATE_UNREACHABLE;
	s->j.reason = REASON_HOST_DOWN;
	s->j.confidence = CONFIDENCE_HIGH;
	s->j.target_hops = 1;
}

static inline void sample_unresolved(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	s->f.target = "mial.example.com";
	s->f.addr = s->f.source = (struct addr){ .family = AF_UNSPEC };
	s->f.source_port = 0;
	s->f.tries = 0;
	s->f.sent_at_ns[0] = 0;
	s->f.wire = (struct wire_view){ .watched = false };
	s->f.route_known = false;
	s->f.neighbour = ROUTE_NEIGH_UNKNOWN;
	s->f.unresolved = true;
	s->f.name_reason = REASON_NAME_NOT_FOUND;
	s->f.name_why = "no such name";
	s->f.resolve_ns = SAMPLE_MS(31);
	s->j.cause = CAUSE_UNRESOLVED;
	s->j.verdict = VERDICT_UNRESOLVED;
	s->j.where = WHERE_UNKNOWN;
	s->j.state = STATE_UNRESOLVED;
	s->j.reason = REASON_NAME_NOT_FOUND;
	s->j.confidence = CONFIDENCE_CERTAIN;
	s->j.target_hops = -1;
}

#endif
