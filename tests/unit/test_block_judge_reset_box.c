/*
 * judge, when a RST came: a box in between, a forger, or this machine itself?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define NO_LISTENER(confidence)                                                      \
	((struct sample_want){ CAUSE_NO_LISTENER, VERDICT_NO_LISTENER, WHERE_TARGET, \
			       METHOD_NONE, confidence, STATE_CLOSED, REASON_RESET })
#define MAYBE(confidence)                                                           \
	((struct sample_want){ CAUSE_NO_LISTENER_MAYBE, VERDICT_NO_LISTENER,        \
			       WHERE_TARGET, METHOD_NONE, confidence, STATE_CLOSED, \
			       REASON_RESET })
#define BY_BOX(confidence)                                                               \
	((struct sample_want){ CAUSE_RESET_BY_BOX, VERDICT_RESET_BY_MIDDLEBOX,           \
			       WHERE_PATH, METHOD_TCP_RESET, confidence, STATE_FILTERED, \
			       REASON_RESET })
#define HOST_FIREWALL                                                             \
	((struct sample_want){ CAUSE_RESET_BY_HOST_FIREWALL, VERDICT_REJECTED,    \
			       WHERE_TARGET, METHOD_TCP_RESET, CONFIDENCE_MEDIUM, \
			       STATE_FILTERED, REASON_RESET })
#define INJECTED(confidence)                                                             \
	((struct sample_want){ CAUSE_RESET_INJECTED, VERDICT_RESET_BY_MIDDLEBOX,         \
			       WHERE_PATH, METHOD_TCP_RESET, confidence, STATE_FILTERED, \
			       REASON_RESET })
#define OWN                                                                          \
	((struct sample_want){ CAUSE_LOCAL_REJECT, VERDICT_REJECTED, WHERE_LOCAL,    \
			       METHOD_TCP_RESET, CONFIDENCE_CERTAIN, STATE_FILTERED, \
			       REASON_LOCAL_REJECT })
#define NEAR                                                                       \
	((struct sample_want){ CAUSE_RESET_NEAR, VERDICT_RESET_BY_MIDDLEBOX,       \
			       WHERE_UNKNOWN, METHOD_TCP_RESET, CONFIDENCE_MEDIUM, \
			       STATE_FILTERED, REASON_RESET })

/* ---- a box ---- */

static void a_rst_from_nearer_than_the_host_names_the_hop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_reset_by_box(&s);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.1.2");
	assert_true(j.by_inferred);
	assert_int_equal(j.answer_hops, 2);
	sample_check_way(&j, 1, "10.77.0.1", 4);
	sample_unprivileged(&s);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	/* Without a walk there is no address to name. */
	memset(&s.f.walk, 0, sizeof(s.f.walk));
	memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
	j = sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	assert_false(j.by_inferred);
	assert_int_equal(j.answer_hops, 2);
	sample_check_way(&j, -1, NULL, -1);
}

static void a_box_that_answers_before_the_hop_its_ttl_says_is_not_that_hop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	/* TTL 63 is one router, but the SYN can't have passed any. */
	sample_reset_by_box(&s);
	sample_answered_at(&s, 1);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.0.1");
	assert_int_equal(j.answer_hops, 1);
	/* One router, but it comes for those SYNs only that pass three. */
	sample_answered_at(&s, 4);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, NULL);
	assert_int_equal(j.answer_hops, 4);
}

static void a_rst_with_the_hosts_ttl_for_a_syn_that_dies_before_it_is_forged(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_rst(&s, 61);
	sample_controls(&s);
	sample_unprivileged(&s);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 3, true);
	sample_answered_at(&s, 1);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, "10.77.0.1");
	sample_check_way(&j, 0, NULL, 4);
	sample_answered_at(&s, 2);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
	/* One hop less may be another way, or the control's being forwarded. */
	sample_answered_at(&s, 3);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	sample_answered_at(&s, 4);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

static void a_box_that_resets_all_is_betrayed_by_the_two_distances(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_rst(&s, 63);
	sample_control_ttl(&s, IPPROTO_TCP, 22, ANSWER_RESET, 63)->tos_echoed = false;
	sample_control_ttl(&s, IPPROTO_TCP, 41999, ANSWER_RESET, 63)->tos_echoed = false;
	sample_answered_at(&s, 3);
	j = sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, "10.77.1.2");
	sample_check_way(&j, 2, "10.77.1.2", -1);
	/* A way back that is a hop shorter looks like this, too. */
	sample_unprivileged(&s);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_LOW));
	/* A host with that TTL answers one hop sooner. */
	sample_answered_at(&s, 2);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	/* A kernel's is no box's. */
	sample_answered_at(&s, 3);
	s.f.tos_known = s.f.tos_echoed = true;
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	/* Nor is it one where ping comes from there as well. */
	s.f.tos_known = false;
	sample_control_ttl(&s, IPPROTO_ICMP, 0, ANSWER_REPLY, 63);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

/* ---- forged ---- */

static void a_rst_beside_the_real_syn_ack_is_injected(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_rst(&s, 61);
	sample_controls(&s);
	s.f.wire.syn_ack = (struct mark){ .seen = true, .ttl = 61, .ack_is_right = true };
	j = sample_judged(&s, INJECTED(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	s.f.ttl = s.f.wire.reset.ttl = 63;
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 3, true);
	j = sample_judged(&s, INJECTED(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.1.2");
	/* Of different attempts, one may have met another machine behind a balancer. */
	s.f.tries = 2;
	(void)sample_judged(&s, INJECTED(CONFIDENCE_MEDIUM));
}

static void a_syn_ack_for_another_syn_is_no_answer_of_the_host(void **state)
{
	struct sample s;

	(void)state;
	sample_no_listener(&s);
	s.f.wire.syn_ack = (struct mark){ .seen = true, .ttl = 61 };
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
}

static void rsts_with_rising_windows_are_injected(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	sample_controls(&s);
	s.f.wire.n_resets = 3;
	s.f.wire.reset_windows_rise = true;
	(void)sample_judged(&s, INJECTED(CONFIDENCE_MEDIUM));
}

/* ---- this machine ---- */

static void a_rst_of_this_machines_own_is_a_local_reject(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 64);
	sample_controls(&s);
	s.f.wire.reset.by_loopback = true;
	(void)sample_judged(&s, OWN);
	sample_unprivileged(&s);
	s.f.reset_is_local = true;
	(void)sample_judged(&s, OWN);
	/* Whatever the capture lost. */
	s.f.capture_dropped = 9;
	(void)sample_judged(&s, OWN);
}

static void a_closed_port_of_this_machine_is_closed_or_its_firewalls(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 64);
	s.f.route.kind = ROUTE_LOCAL;
	s.f.route.gateway.family = AF_UNSPEC;
	sample_control_ttl(&s, IPPROTO_TCP, 41999, ANSWER_RESET, 64);
	s.f.tos_echoed = true;
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	s.f.tos_echoed = false;
	(void)sample_judged(&s, HOST_FIREWALL);
	sample_unprivileged(&s);
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
}

static void over_ipv6_and_unprivileged_an_own_rst_is_like_the_first_routers(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 64);
	sample_controls(&s);
	sample_unprivileged(&s);
	sample_make_v6(&s);
	(void)sample_judged(&s, NEAR);
	sample_answered_at(&s, 1);
	(void)sample_judged(&s, NEAR);
	/* What passed the first router was not made here. */
	sample_walk(&s.f.walk, IPPROTO_TCP, 8080, 1, false);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	/* Over IPv4 it was found out; with a capture it was seen. */
	memset(&s.f.walk, 0, sizeof(s.f.walk));
	s.f.captured = true;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
	s.f.captured = false;
	s.f.addr = sample_hop_addr(4);
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
}

static void a_rst_much_faster_than_the_host_is_from_nearby(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 0);
	s.f.tos_known = false;
	sample_control(&s, IPPROTO_ICMP, 0, ANSWER_REPLY)->rtt_ns = SAMPLE_MS(8.9);
	sample_unprivileged(&s);
	sample_make_v6(&s);
	s.f.ttl = 0;
	(void)sample_judged(&s, NEAR);
	s.f.controls[0].rtt_ns = SAMPLE_MS(8.7);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
	/* Next to no time, no telling. */
	s.f.rtt_ns = SAMPLE_MS(0.01);
	s.f.controls[0].rtt_ns = SAMPLE_MS(0.9);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
}

static void what_the_capture_lost_lowers_the_confidence_by_one(void **state)
{
	struct sample s;

	(void)state;
	sample_no_listener(&s);
	s.f.capture_dropped = 1;
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_MEDIUM));
	s.f.tos_known = false;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
	/* Low stays low. */
	s.f.ttl = 0;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rst_from_nearer_than_the_host_names_the_hop),
		cmocka_unit_test(
			a_box_that_answers_before_the_hop_its_ttl_says_is_not_that_hop),
		cmocka_unit_test(
			a_rst_with_the_hosts_ttl_for_a_syn_that_dies_before_it_is_forged),
		cmocka_unit_test(a_box_that_resets_all_is_betrayed_by_the_two_distances),
		cmocka_unit_test(a_rst_beside_the_real_syn_ack_is_injected),
		cmocka_unit_test(a_syn_ack_for_another_syn_is_no_answer_of_the_host),
		cmocka_unit_test(rsts_with_rising_windows_are_injected),
		cmocka_unit_test(a_rst_of_this_machines_own_is_a_local_reject),
		cmocka_unit_test(
			a_closed_port_of_this_machine_is_closed_or_its_firewalls),
		cmocka_unit_test(
			over_ipv6_and_unprivileged_an_own_rst_is_like_the_first_routers),
		cmocka_unit_test(a_rst_much_faster_than_the_host_is_from_nearby),
		cmocka_unit_test(what_the_capture_lost_lowers_the_confidence_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
