/*
 * judge, when a RST came that may be the host's: its kernel's or its firewall's?
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

/* ---- the host ---- */

static void the_kernels_own_rst_from_the_hosts_distance_is_no_listener(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_no_listener(&s);
	j = sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	sample_check_way(&j, -1, NULL, -1);
	sample_make_v6(&s);
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	sample_walk(&s.f.walk, IPPROTO_TCP, 8080, 3, true);
	j = sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	sample_check_way(&j, 3, "10.77.2.2", 4);
	assert_int_equal(j.answer_hops, 4);
}

static void without_the_type_of_service_it_may_be_a_firewall_that_does_alike(void **state)
{
	struct sample s;

	(void)state;
	sample_no_listener(&s);
	sample_unprivileged(&s);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

static void with_nothing_to_compare_a_rst_says_little_of_its_maker(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	sample_dead_controls(&s);
	s.f.tos_known = false;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
	/* The kernel's mark is something at least. */
	s.f.tos_known = s.f.tos_echoed = true;
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_MEDIUM));
	/* The other way about: the host's distance is known, the RST's is not. */
	sample_no_listener(&s);
	sample_unprivileged(&s);
	s.f.ttl = 0;
	s.f.ttl_source = TTL_UNKNOWN;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
}

static void a_control_without_a_ttl_is_none_to_compare_with(void **state)
{
	struct sample s;
	size_t i;

	(void)state;
	sample_rst(&s, 63);
	sample_controls(&s);
	for (i = 0; i < s.f.n_controls; i++) {
		s.f.controls[i].ttl = 0;
		s.f.controls[i].tos_known = false;
	}
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
}

static void answers_of_others_and_silence_say_nothing_of_the_hosts_distance(void **state)
{
	struct sample s;
	struct control *c;

	(void)state;
	sample_rst(&s, 63);
	s.f.tos_known = false;
	sample_control_ttl(&s, IPPROTO_TCP, 22, ANSWER_RESET, 63)->tos_known = false;
	sample_control_ttl(&s, IPPROTO_ICMP, 0, ANSWER_REPLY, 63);
	c = sample_control_ttl(&s, IPPROTO_UDP, 41001, ANSWER_ICMP, 61);
	c->icmp.from = sample_hop_addr(3);
	sample_control_ttl(&s, IPPROTO_TCP, 80, ANSWER_NONE, 60);
	sample_control_ttl(&s, IPPROTO_TCP, 443, ANSWER_ERROR, 60);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	/* The host's own error does. */
	c->icmp.from = s.f.addr;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
}

static void ttls_are_compared_as_distances_whatever_they_began_with(void **state)
{
	static const uint8_t same[] = { 61, 125, 252 };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(same); k++) {
			sample_rst(&s, same[i]);
			s.f.tos_known = false;
			sample_control_ttl(&s, IPPROTO_ICMP, 0, ANSWER_REPLY, same[k]);
			(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
			/* One hop nearer; only of the same kind can be relied upon. */
			s.f.ttl++;
			(void)sample_judged(&s, BY_BOX(i == k ? CONFIDENCE_HIGH
							      : CONFIDENCE_MEDIUM));
			/* But where the SYN, too, ends before the host is known to be. */
			sample_answered_at(&s, 3);
			sample_walk(&s.f.control_walk, IPPROTO_ICMP, 0, 3, true);
			(void)sample_judged(&s, BY_BOX(CONFIDENCE_HIGH));
		}
	}
}

static void a_ttl_is_the_number_of_routers_below_the_next_initial_value(void **state)
{
	static const struct {
		uint8_t ttl;
		int distance;
	} cases[] = { { 0, -1 },  { 1, 63 },  { 63, 1 },    { 64, 0 },	{ 65, 63 },
		      { 127, 1 }, { 128, 0 }, { 129, 126 }, { 254, 1 }, { 255, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(ttl_distance(cases[i].ttl), cases[i].distance);
}

/* The host forwards 443 to a container or an inner machine, one router more; what it does
 * not forward its own kernel refuses. */
static void a_host_that_forwards_another_port_is_no_box_in_front_of_itself(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	s.f.tos_echoed = true;
	sample_control_ttl(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK, 60);
	sample_control_ttl(&s, IPPROTO_TCP, 41999, ANSWER_RESET, 61);
	sample_control_ttl(&s, IPPROTO_ICMP, 0, ANSWER_REPLY, 61);
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_HIGH));
	sample_unprivileged(&s);
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	/* A closed UDP port tells where the host is as well as ping. */
	s.f.controls[2].protocol = IPPROTO_UDP;
	s.f.controls[2].port = 41001;
	s.f.controls[2].answer = ANSWER_ICMP;
	s.f.controls[2].icmp.from = s.f.addr;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

static void the_hosts_own_address_among_the_hops_shows_that_it_forwards(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	s.f.tos_known = false;
	sample_control_ttl(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK, 60);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 443, 3, false);
	s.f.control_walk.hops[4] = s.f.control_walk.hops[3];
	s.f.control_walk.hops[4].from = s.f.addr;
	s.f.control_walk.hops[5].state = HOP_ANSWERED;
	s.f.control_walk.n_hops = 5;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

static void where_only_an_open_port_is_farther_it_may_be_forwarded(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	sample_control_ttl(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK, 60);
	sample_control_ttl(&s, IPPROTO_TCP, 41999, ANSWER_RESET, 61)->tos_echoed = false;
	/* A kernel makes RSTs that echo, so it is the host's own address that has it. */
	s.f.tos_echoed = true;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	s.f.tos_echoed = false;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_MEDIUM));
	s.f.tos_known = false;
	(void)sample_judged(&s, BY_BOX(CONFIDENCE_LOW));
}

static void a_rst_from_behind_the_host_is_hardly_the_hosts(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 60);
	sample_controls(&s);
	/* Nor does what a nearer kernel echoes say what this one should. */
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
	s.f.tos_known = false;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_LOW));
	s.f.tos_known = s.f.tos_echoed = true;
	(void)sample_judged(&s, NO_LISTENER(CONFIDENCE_MEDIUM));
}

static void a_rst_that_echoes_nothing_where_closed_ports_do_is_the_firewalls(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_rst(&s, 61);
	sample_controls(&s);
	j = sample_judged(&s, HOST_FIREWALL);
	sample_check_addr(&j.by, NULL);
}

static void where_no_rst_echoes_the_mark_may_be_cleared_on_the_way(void **state)
{
	struct sample s;

	(void)state;
	sample_rst(&s, 61);
	sample_controls(&s);
	s.f.controls[1].tos_echoed = false;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
	s.f.controls[1].tos_known = false;
	(void)sample_judged(&s, MAYBE(CONFIDENCE_MEDIUM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_kernels_own_rst_from_the_hosts_distance_is_no_listener),
		cmocka_unit_test(
			without_the_type_of_service_it_may_be_a_firewall_that_does_alike),
		cmocka_unit_test(with_nothing_to_compare_a_rst_says_little_of_its_maker),
		cmocka_unit_test(a_control_without_a_ttl_is_none_to_compare_with),
		cmocka_unit_test(
			answers_of_others_and_silence_say_nothing_of_the_hosts_distance),
		cmocka_unit_test(ttls_are_compared_as_distances_whatever_they_began_with),
		cmocka_unit_test(
			a_ttl_is_the_number_of_routers_below_the_next_initial_value),
		cmocka_unit_test(
			a_host_that_forwards_another_port_is_no_box_in_front_of_itself),
		cmocka_unit_test(
			the_hosts_own_address_among_the_hops_shows_that_it_forwards),
		cmocka_unit_test(where_only_an_open_port_is_farther_it_may_be_forwarded),
		cmocka_unit_test(a_rst_from_behind_the_host_is_hardly_the_hosts),
		cmocka_unit_test(
			a_rst_that_echoes_nothing_where_closed_ports_do_is_the_firewalls),
		cmocka_unit_test(where_no_rst_echoes_the_mark_may_be_cleared_on_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
