/*
 * judge, when an ICMP error came, or the call to send failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define BY_BOX(confidence, state, reason)                                           \
	((struct sample_want){ CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED, WHERE_PATH, \
			       METHOD_ICMP, confidence, state, reason })
#define BY_HOST(confidence, state, reason)                                             \
	((struct sample_want){ CAUSE_REJECTED_BY_HOST, VERDICT_REJECTED, WHERE_TARGET, \
			       METHOD_ICMP, confidence, state, reason })
#define HOST_UNREACHABLE(confidence)                                                    \
	((struct sample_want){ CAUSE_HOST_UNREACHABLE, VERDICT_HOST_DOWN, WHERE_TARGET, \
			       METHOD_ICMP, confidence, STATE_UNREACHABLE,              \
			       REASON_HOST_UNREACH })
#define NO_WAY(reason)                                                              \
	((struct sample_want){ CAUSE_NET_UNREACHABLE, VERDICT_NO_ROUTE, WHERE_PATH, \
			       METHOD_ICMP, CONFIDENCE_HIGH, STATE_UNREACHABLE,     \
			       reason })
#define OWN                                                                       \
	((struct sample_want){ CAUSE_LOCAL_REJECT, VERDICT_REJECTED, WHERE_LOCAL, \
			       METHOD_ICMP, CONFIDENCE_CERTAIN, STATE_FILTERED,   \
			       REASON_LOCAL_REJECT })
#define DOWN(cause, where, confidence)                                                   \
	((struct sample_want){ cause, VERDICT_HOST_DOWN, where, METHOD_NONE, confidence, \
			       STATE_UNREACHABLE, REASON_HOST_DOWN })
#define UDP_CLOSED(confidence)                                                       \
	((struct sample_want){ CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET, \
			       METHOD_ICMP, confidence, STATE_CLOSED,                \
			       REASON_PORT_UNREACH })

/* An error (IPv4) with that code from hop FROM (4: the host) that passed the routers
 * which stand between. */
static void error4(struct sample *s, uint8_t protocol, uint8_t code, unsigned int from,
		   double after_ms)
{
	sample_init(s, protocol, 25);
	sample_icmp(s, 3, code, sample_hop_addr(from), (uint8_t)(65 - from), after_ms);
}

static void error6(struct sample *s, uint8_t code, const char *from, double after_ms)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_make_v6(s);
	sample_icmp(s, 1, code, sample_addr(from), 63, after_ms);
}

/* ---- on the path ---- */

static void a_prohibition_names_its_sender(void **state)
{
	static const struct {
		uint8_t code;
		enum port_reason reason;
	} v4[] = { { 3, REASON_PORT_UNREACH },
		   { 2, REASON_PROTO_UNREACH },
		   { 9, REASON_NET_PROHIBITED },
		   { 10, REASON_HOST_PROHIBITED },
		   { 13, REASON_ADMIN_PROHIBITED } },
	  v6[] = { { 1, REASON_ADMIN_PROHIBITED },
		   { 4, REASON_PORT_UNREACH },
		   { 5, REASON_POLICY_FAIL },
		   { 6, REASON_REJECT_ROUTE } };
	struct sample s;
	struct judgement j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v4); i++) {
		error4(&s, IPPROTO_TCP, v4[i].code, 2, 0.8);
		sample_controls(&s);
		j = sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
					     v4[i].reason));
		sample_check_addr(&j.by, "10.77.1.2");
		assert_false(j.by_inferred);
		assert_false(j.default_drop);
	}
	for (size_t i = 0; i < ARRAY_SIZE(v6); i++) {
		error6(&s, v6[i].code, "2001:db8:77:2::1", 0.8);
		sample_controls(&s);
		j = sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
					     v6[i].reason));
		sample_check_addr(&j.by, "2001:db8:77:2::1");
	}
}

static void the_walk_that_ends_at_a_reject_ends_at_its_sender(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_rejected(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 2, false);
	s.f.walk.n_hops = 3;
	s.f.walk.hops[3].state = HOP_ERROR;
	s.f.walk.hops[3].from = sample_hop_addr(2);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
				     REASON_ADMIN_PROHIBITED));
	sample_check_way(&j, 2, "10.77.1.2", -1);
	/* It says nothing but that: then it is the last that had the SYN. */
	s.f.walk.n_hops = 2;
	s.f.walk.hops[2].state = HOP_ERROR;
	j = sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
				     REASON_ADMIN_PROHIBITED));
	sample_check_way(&j, 2, "10.77.1.2", -1);
}

static void who_stands_as_far_away_as_the_host_may_be_the_host(void **state)
{
	struct sample s;

	(void)state;
	error4(&s, IPPROTO_TCP, 13, 2, 0.8);
	sample_controls(&s);
	s.f.icmp.from = sample_addr("10.77.3.9");
	s.f.icmp_ttl = 61;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM, STATE_FILTERED,
				       REASON_ADMIN_PROHIBITED));
	/* A router on the way may have a longer way back. */
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 3, true);
	s.f.icmp.from = sample_hop_addr(3);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
				       REASON_ADMIN_PROHIBITED));
	/* Nobody knows how far the host is. */
	s.f.icmp.from = sample_hop_addr(2);
	s.f.n_controls = 0;
	memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH, STATE_FILTERED,
				       REASON_ADMIN_PROHIBITED));
}

static void an_error_whose_sender_is_not_known_blames_nobody(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 13, 2, 0.8);
	sample_controls(&s);
	s.f.icmp.from.family = AF_UNSPEC;
	j = sample_judged(
		&s, (struct sample_want){ CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED,
					  WHERE_UNKNOWN, METHOD_ICMP, CONFIDENCE_LOW,
					  STATE_FILTERED, REASON_ADMIN_PROHIBITED });
	sample_check_addr(&j.by, NULL);
}

static void unreachable_about_one_port_of_a_host_that_lives_is_a_rule(void **state)
{
	static const struct {
		uint8_t code;
		enum port_reason reason;
	} cases[] = { { 0, REASON_NET_UNREACH }, { 1, REASON_HOST_UNREACH } };
	struct sample s;
	struct judgement j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		error4(&s, IPPROTO_TCP, cases[i].code, 2, 0.8);
		sample_controls(&s);
		j = sample_judged(&s, BY_BOX(CONFIDENCE_HIGH, STATE_UNREACHABLE,
					     cases[i].reason));
		sample_check_addr(&j.by, "10.77.1.2");
		/* So late it was asked for: the port is passed on to a dead host. */
		s.f.answer_after_ns = SAMPLE_MS(3060);
		(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM, STATE_UNREACHABLE,
					       cases[i].reason));
	}
	error6(&s, 0, "2001:db8:77:2::1", 0.8);
	sample_controls(&s);
	(void)sample_judged(&s,
			    BY_BOX(CONFIDENCE_HIGH, STATE_UNREACHABLE, REASON_NO_ROUTE));
}

static void unreachable_is_host_down_the_later_the_surer(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 1, 3, 899);
	sample_dead_controls(&s);
	j = sample_judged(&s, HOST_UNREACHABLE(CONFIDENCE_LOW));
	sample_check_addr(&j.by, "10.77.2.2");
	assert_false(j.default_drop);
	s.f.answer_after_ns = SAMPLE_MS(900);
	(void)sample_judged(&s, HOST_UNREACHABLE(CONFIDENCE_MEDIUM));
	error6(&s, 3, "2001:db8:77:3::1", 3000);
	(void)sample_judged(&s, HOST_UNREACHABLE(CONFIDENCE_MEDIUM));
	/* The same over UDP. */
	s.f.protocol = IPPROTO_UDP;
	(void)sample_judged(&s, HOST_UNREACHABLE(CONFIDENCE_MEDIUM));
}

static void a_router_without_a_way_is_no_route(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 0, 3, 0.8);
	sample_dead_controls(&s);
	j = sample_judged(&s, NO_WAY(REASON_NET_UNREACH));
	sample_check_addr(&j.by, "10.77.2.2");
	error6(&s, 0, "2001:db8:77:3::1", 0.8);
	(void)sample_judged(&s, NO_WAY(REASON_NO_ROUTE));
	s.f.capture_dropped = 1;
	assert_int_equal(judge(&s.f).confidence, CONFIDENCE_MEDIUM);
}

static void time_exceeded_is_no_route_at_the_router_that_says_it(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_init(&s, IPPROTO_TCP, 25);
	sample_icmp(&s, 11, 0, sample_hop_addr(3), 62, 9);
	sample_controls(&s);
	j = sample_judged(&s, (struct sample_want){ CAUSE_TIME_EXCEEDED, VERDICT_NO_ROUTE,
						    WHERE_PATH, METHOD_ICMP,
						    CONFIDENCE_HIGH, STATE_UNREACHABLE,
						    REASON_TIME_EXCEEDED });
	sample_check_addr(&j.by, "10.77.2.2");
}

/* ---- the host ---- */

static void the_hosts_own_error_is_its_firewalls(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 3, 4, 1.2);
	sample_controls(&s);
	j = sample_judged(&s, BY_HOST(CONFIDENCE_CERTAIN, STATE_FILTERED,
				      REASON_PORT_UNREACH));
	sample_check_addr(&j.by, "10.77.3.2");
	s.f.capture_dropped = 1;
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_CERTAIN, STATE_FILTERED,
					REASON_PORT_UNREACH));
	/* Nothing to compare its distance with. */
	s.f.capture_dropped = 0;
	s.f.icmp_ttl = 0;
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_HIGH, STATE_FILTERED,
					REASON_PORT_UNREACH));
	error6(&s, 1, "2001:db8:77:4::2", 1.2);
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_HIGH, STATE_FILTERED,
					REASON_ADMIN_PROHIBITED));
	/* The walk's end is the host. */
	error4(&s, IPPROTO_TCP, 10, 4, 1.2);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 3, true);
	j = sample_judged(&s, BY_HOST(CONFIDENCE_HIGH, STATE_FILTERED,
				      REASON_HOST_PROHIBITED));
	sample_check_way(&j, 3, "10.77.2.2", 4);
}

static void a_host_that_forwards_another_port_still_rejects_in_its_own_name(void **state)
{
	struct sample s;

	(void)state;
	error4(&s, IPPROTO_TCP, 10, 4, 1.2);
	sample_control(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK)->ttl = 60;
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_HIGH, STATE_FILTERED,
					REASON_HOST_PROHIBITED));
	sample_control(&s, IPPROTO_ICMP, 0, ANSWER_REPLY);
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_CERTAIN, STATE_FILTERED,
					REASON_HOST_PROHIBITED));
}

static void an_error_in_the_hosts_name_from_nearer_is_forged(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 13, 4, 1.2);
	sample_controls(&s);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 3, true);
	s.f.icmp_ttl = 63;
	j = sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM, STATE_FILTERED,
				     REASON_ADMIN_PROHIBITED));
	sample_check_addr(&j.by, "10.77.1.2");
	assert_true(j.by_inferred);
	assert_int_equal(j.answer_hops, 2);
	/* Over UDP it is no closed port, then. */
	error4(&s, IPPROTO_UDP, 3, 4, 1.2);
	sample_controls(&s);
	s.f.icmp_ttl = 63;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM, STATE_FILTERED,
				       REASON_PORT_UNREACH));
}

/* The router that has the address passes the port on to a machine that is not there. */
static void a_host_that_says_late_that_it_is_unreachable_means_another(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 1, 4, 1.2);
	sample_controls(&s);
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_HIGH, STATE_UNREACHABLE,
					REASON_HOST_UNREACH));
	s.f.answer_after_ns = SAMPLE_MS(3060);
	j = sample_judged(&s, HOST_UNREACHABLE(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, "10.77.3.2");
}

static void a_port_unreachable_of_the_host_closes_a_udp_port(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_UDP, 3, 4, 1.2);
	sample_controls(&s);
	j = sample_judged(&s, UDP_CLOSED(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	s.f.capture_dropped = 1;
	(void)sample_judged(&s, UDP_CLOSED(CONFIDENCE_MEDIUM));
	error4(&s, IPPROTO_UDP, 13, 4, 1.2);
	sample_controls(&s);
	(void)sample_judged(&s, BY_HOST(CONFIDENCE_CERTAIN, STATE_FILTERED,
					REASON_ADMIN_PROHIBITED));
	/* Of somebody else it does not. */
	error4(&s, IPPROTO_UDP, 3, 2, 1.2);
	sample_controls(&s);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_CERTAIN, STATE_FILTERED,
				       REASON_PORT_UNREACH));
}

/* ---- this machine ---- */

static void an_error_of_this_machine_is_its_own_firewalls(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	error4(&s, IPPROTO_TCP, 3, 0, 0.1);
	s.f.icmp_from_self = true;
	s.f.capture_dropped = 1;
	j = sample_judged(&s, OWN);
	sample_check_addr(&j.by, "10.77.0.2");
	/* An unreachable at once is none that was asked for. */
	error4(&s, IPPROTO_TCP, 1, 0, 0.1);
	s.f.icmp_from_self = true;
	(void)sample_judged(&s, OWN);
	s.f.neighbour = ROUTE_NEIGH_UNKNOWN;
	(void)sample_judged(&s, OWN);
	/* Without netlink the address tells. */
	error4(&s, IPPROTO_TCP, 13, 0, 0.1);
	s.f.route_known = false;
	(void)sample_judged(&s, OWN);
}

static void an_own_unreachable_after_asking_the_neighbour_is_host_down(void **state)
{
	static const enum route_neigh states[] = { ROUTE_NEIGH_FAILED,
						   ROUTE_NEIGH_WAITING,
						   ROUTE_NEIGH_UNKNOWN };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		error4(&s, IPPROTO_TCP, 1, 0, 3060);
		s.f.icmp_from_self = true;
		s.f.neighbour = states[i];
		(void)sample_judged(&s, DOWN(CAUSE_GATEWAY_DOWN, WHERE_PATH,
					     CONFIDENCE_HIGH));
		s.f.route.gateway.family = AF_UNSPEC;
		(void)sample_judged(&s, DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET,
					     CONFIDENCE_HIGH));
	}
}

static void this_machines_own_udp_port_is_closed_like_anybodys(void **state)
{
	struct sample s;

	(void)state;
	error4(&s, IPPROTO_UDP, 3, 4, 0.1);
	s.f.icmp_from_self = true;
	s.f.route.kind = ROUTE_LOCAL;
	(void)sample_judged(&s, UDP_CLOSED(CONFIDENCE_HIGH));
	s.f.protocol = IPPROTO_TCP;
	(void)sample_judged(&s, OWN);
}

static void a_router_whose_hop_was_silent_in_the_walk_had_the_packet(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_init(&s, IPPROTO_TCP, 25);
	sample_icmp(&s, 3, 0, sample_hop_addr(3), 62, 0.8);
	sample_dead_controls(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 2, false);
	j = judge(&s.f);
	assert_int_equal(j.verdict, VERDICT_NO_ROUTE);
	sample_check_way(&j, 3, "10.77.2.2", -1);
	/* Without its TTL only the walk counts. */
	s.f.icmp_ttl = 0;
	j = judge(&s.f);
	sample_check_way(&j, 2, "10.77.1.2", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_router_whose_hop_was_silent_in_the_walk_had_the_packet),
		cmocka_unit_test(a_prohibition_names_its_sender),
		cmocka_unit_test(the_walk_that_ends_at_a_reject_ends_at_its_sender),
		cmocka_unit_test(who_stands_as_far_away_as_the_host_may_be_the_host),
		cmocka_unit_test(an_error_whose_sender_is_not_known_blames_nobody),
		cmocka_unit_test(
			unreachable_about_one_port_of_a_host_that_lives_is_a_rule),
		cmocka_unit_test(unreachable_is_host_down_the_later_the_surer),
		cmocka_unit_test(a_router_without_a_way_is_no_route),
		cmocka_unit_test(time_exceeded_is_no_route_at_the_router_that_says_it),
		cmocka_unit_test(the_hosts_own_error_is_its_firewalls),
		cmocka_unit_test(
			a_host_that_forwards_another_port_still_rejects_in_its_own_name),
		cmocka_unit_test(an_error_in_the_hosts_name_from_nearer_is_forged),
		cmocka_unit_test(
			a_host_that_says_late_that_it_is_unreachable_means_another),
		cmocka_unit_test(a_port_unreachable_of_the_host_closes_a_udp_port),
		cmocka_unit_test(an_error_of_this_machine_is_its_own_firewalls),
		cmocka_unit_test(
			an_own_unreachable_after_asking_the_neighbour_is_host_down),
		cmocka_unit_test(this_machines_own_udp_port_is_closed_like_anybodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
