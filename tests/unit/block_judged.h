/*
 * The samples of block_samples.h with the judgement that judge() makes of them, and one
 * for each cause. Include after cmocka.h.
 */
#ifndef PK_TEST_BLOCK_JUDGED_H
#define PK_TEST_BLOCK_JUDGED_H

#include "block_samples.h"
#include "judge.h"
#include "words.h"

struct sample_want {
	enum cause cause;
	enum verdict verdict;
	enum where where;
	enum method method;
	enum confidence confidence;
	enum port_state state;
	enum port_reason reason;
};

static inline struct judgement sample_judged(const struct sample *s,
					     struct sample_want want)
{
	struct judgement j = judge(&s->f);

	if (j.cause != want.cause || j.verdict != want.verdict || j.where != want.where ||
	    j.method != want.method || j.confidence != want.confidence ||
	    j.state != want.state || j.reason != want.reason) {
		const char *method = method_word(j.method), *wanted;

		wanted = method_word(want.method);
		print_error("is     cause %d, %s, %s, %s, %s, %s, %s\n", (int)j.cause,
			    verdict_word(j.verdict), where_word(j.where),
			    method ? method : "-", confidence_word(j.confidence),
			    state_word(j.state), reason_word(j.reason));
		fail_msg("wanted cause %d, %s, %s, %s, %s, %s, %s", (int)want.cause,
			 verdict_word(want.verdict), where_word(want.where),
			 wanted ? wanted : "-", confidence_word(want.confidence),
			 state_word(want.state), reason_word(want.reason));
	}
	return j;
}

/* TEXT: NULL for no address. */
static inline void sample_check_addr(const struct addr *a, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(a->family == AF_UNSPEC ? "none" : addr_to_text(a, got),
			    text ? text : "none");
}

static inline void sample_check_way(const struct judgement *j, int last_hop,
				    const char *last_hop_address, int target_hops)
{
	assert_int_equal(j->last_hop, last_hop);
	sample_check_addr(&j->last_hop_address, last_hop_address);
	assert_int_equal(j->target_hops, target_hops);
}

/* The sample over IPv6: hop N is 2001:db8:77:N::1, the host 2001:db8:77:4::2. */
static inline void sample_make_v6(struct sample *s)
{
	static const char *const hops[] = { "", "2001:db8:77:1::1", "2001:db8:77:2::1",
					    "2001:db8:77:3::1" };
	struct walk *walks[] = { &s->f.walk, &s->f.control_walk };
	size_t i, hop;

	s->f.addr = sample_addr("2001:db8:77:4::2");
	s->f.source = s->f.route.source = sample_addr("2001:db8:77::2");
	if (s->f.route.gateway.family != AF_UNSPEC)
		s->f.route.gateway = sample_addr(hops[1]);
	for (i = 0; i < ARRAY_SIZE(walks); i++)
		for (hop = 1; hop < ARRAY_SIZE(hops); hop++)
			if (walks[i]->hops[hop].from.family == AF_INET) {
				walks[i]->hops[hop].from = sample_addr(hops[hop]);
				walks[i]->hops[hop].icmp_origin = SO_EE_ORIGIN_ICMP6;
				walks[i]->hops[hop].icmp_type = 3;
			}
}

/* A RST with TTL from the asked port, without type of service; no controls. */
static inline void sample_rst(struct sample *s, uint8_t ttl)
{
	sample_init(s, IPPROTO_TCP, 8080);
	sample_answer(s, ANSWER_RESET, ttl, 1.1);
	s->f.tos_known = true;
}

static inline struct control *sample_control_ttl(struct sample *s, uint8_t protocol,
						 uint16_t port, enum answer answer,
						 uint8_t ttl)
{
	struct control *c = sample_control(s, protocol, port, answer);

	c->ttl = ttl;
	return c;
}

/* The port's walk: hops 1 to N-1 say time exceeded, with TTL N the answer came. */
static inline void sample_answered_at(struct sample *s, unsigned int n)
{
	sample_walk(&s->f.walk, IPPROTO_TCP, s->f.port, n - 1, false);
	s->f.walk.n_hops = n;
	s->f.walk.hops[n].state = HOP_ANSWERED;
	s->f.walk.hops[n].rtt_ns = SAMPLE_MS(1);
}

static inline void sample_accepted(struct sample *s)
{
	sample_open(s);
	sample_controls(s);
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
}

static inline void sample_refused(struct sample *s, uint8_t ttl)
{
	sample_no_listener(s);
	s->f.ttl = s->f.wire.reset.ttl = ttl;
	s->f.tos_echoed = false;
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
}

static inline void sample_error(struct sample *s, int error)
{
	sample_init(s, IPPROTO_TCP, 25);
	s->f.answer = ANSWER_ERROR;
	s->f.error = error;
	s->f.tries = 0;
	s->f.wire.syns_out = 0;
}

/* Findings of a cause that has to do with a RST. */
static inline bool sample_reset_cause(struct sample *s, enum cause cause)
{
	switch ((int)cause) {
	case CAUSE_NO_LISTENER:
		sample_refused(s, 61);
		s->f.tos_echoed = true;
		return true;
	case CAUSE_NO_LISTENER_MAYBE:
		sample_refused(s, 61);
		sample_unprivileged(s);
		return true;
	case CAUSE_RESET_BY_HOST_FIREWALL:
		sample_refused(s, 61);
		return true;
	case CAUSE_RESET_BY_BOX:
		sample_reset_by_box(s);
		return true;
	case CAUSE_RESET_INJECTED:
		sample_refused(s, 63);
		s->f.wire.syn_ack = (struct mark){ .seen = true,
						   .at_ns = SAMPLE_START_NS,
						   .ttl = 61,
						   .ack_is_right = true };
		return true;
	case CAUSE_RESET_NEAR:
		sample_refused(s, 64);
		sample_unprivileged(s);
		sample_make_v6(s);
		return true;
	default:
		return false;
	}
}

/* Findings of a cause that has to do with another answer. */
static inline bool sample_answered_cause(struct sample *s, enum cause cause)
{
	switch ((int)cause) {
	case CAUSE_OPEN:
		sample_accepted(s);
		return true;
	case CAUSE_OPEN_BY_PROXY:
		sample_accepted(s);
		s->f.ttl = 63;
		return true;
	case CAUSE_OPEN_LOSSY:
		sample_accepted(s);
		s->f.tries = 6;
		s->f.answered = 3;
		return true;
	case CAUSE_ANSWERS_ALL:
		sample_open(s);
		sample_control(s, IPPROTO_TCP, 61234, ANSWER_SYN_ACK);
		sample_control(s, IPPROTO_TCP, 62345, ANSWER_SYN_ACK);
		return true;
	case CAUSE_PROXY_REFUSES:
	case CAUSE_RESET_AFTER:
	case CAUSE_RESET_AFTER_BOX:
		sample_accepted(s);
		s->f.after = AFTER_RESET;
		s->f.after_ns = SAMPLE_MS(8);
		s->f.sent_bytes = true;
		s->f.first_sent = "an HTTP request";
		s->f.after_repeats = s->f.reset_is_placed = true;
		s->f.ttl = cause == CAUSE_PROXY_REFUSES ? 63 : 61;
		s->f.wire.late_reset =
			(struct mark){ .seen = true,
				       .ttl = cause == CAUSE_RESET_AFTER_BOX ? 63 : 61 };
		return true;
	case CAUSE_REJECTED_BY_HOST:
		sample_rejected(s);
		s->f.icmp.from = s->f.addr;
		s->f.icmp_ttl = 61;
		return true;
	case CAUSE_REJECTED_BY_BOX:
		sample_rejected(s);
		sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 3, true);
		return true;
	case CAUSE_NET_UNREACHABLE:
	case CAUSE_HOST_UNREACHABLE:
	case CAUSE_TIME_EXCEEDED:
		sample_rejected(s);
		s->f.n_controls = 0;
		sample_dead_controls(s);
		s->f.icmp.type = cause == CAUSE_TIME_EXCEEDED ? 11 : 3;
		s->f.icmp.code = cause == CAUSE_HOST_UNREACHABLE;
		return true;
	default:
		return false;
	}
}

/* Findings that judge() takes for CAUSE, with its judgement. */
static inline void sample_cause(struct sample *s, enum cause cause)
{
	if (!sample_reset_cause(s, cause) && !sample_answered_cause(s, cause)) {
		switch ((int)cause) {
		case CAUSE_UNRESOLVED:
			sample_unresolved(s);
			break;
		case CAUSE_LOCAL_DROP_OUT:
			sample_local_rule(s);
			break;
		case CAUSE_LOCAL_REJECT:
			sample_rejected(s);
			s->f.icmp.from = s->f.source;
			s->f.icmp_from_self = true;
			break;
		case CAUSE_LOCAL_DROP_IN:
		case CAUSE_LOCAL_RP_FILTER:
			sample_last_hop(s);
			s->f.local_drop = cause == CAUSE_LOCAL_DROP_IN
						  ? LOCAL_DROP_YES
						  : LOCAL_DROP_RP_FILTER;
			break;
		case CAUSE_NO_ROUTE_LOCAL:
			sample_error(s, ENETUNREACH);
			s->f.route.kind = ROUTE_NONE;
			break;
		case CAUSE_NEIGHBOUR_DOWN:
			sample_host_down(s);
			break;
		case CAUSE_GATEWAY_DOWN:
			sample_host_down(s);
			s->f.route.gateway = sample_hop_addr(1);
			break;
		case CAUSE_DROPPED_PATH:
			sample_dropped_path(s);
			break;
		case CAUSE_DROPPED_LAST_HOP:
			sample_last_hop(s);
			break;
		case CAUSE_DROPPED_TARGET:
			sample_last_hop(s);
			s->f.route.gateway.family = AF_UNSPEC;
			sample_walk(&s->f.walk, IPPROTO_TCP, 25, 0, false);
			sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 0, false);
			s->f.walk.n_hops = s->f.control_walk.n_hops = 1;
			s->f.control_walk.hops[1].state = HOP_ANSWERED;
			break;
		case CAUSE_DROPPED_SOMEWHERE:
			sample_dropped_path(s);
			s->f.control_walk.hops[3].state = HOP_SILENT;
			break;
		case CAUSE_HOST_SILENT:
			sample_dropped_path(s);
			s->f.n_controls = 0;
			sample_dead_controls(s);
			sample_walk(&s->f.control_walk, IPPROTO_TCP, 41999, 2, false);
			break;
		case CAUSE_UDP_SILENT:
			sample_udp_silent(s);
			break;
		case CAUSE_LOSS_UNDECIDED:
			sample_dropped_path(s);
			s->f.resent = 0;
			s->f.controls[0].tries = 2;
			break;
		case CAUSE_LOCAL_ERROR:
			sample_error(s, EMFILE);
			break;
		case CAUSE_INTERRUPTED:
			sample_dropped_path(s);
			s->f.interrupted = true;
			break;
		default:
			fail_msg("no sample of cause %d", (int)cause);
		}
	}
	s->j = judge(&s->f);
	assert_int_equal(s->j.cause, cause);
}

#endif
