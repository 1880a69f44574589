/*
 * judge, when the port was accepted or answered, or nothing could be asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define ACCEPTED(cause, verdict, where, method, confidence)                           \
	((struct sample_want){ cause, verdict, where, method, confidence, STATE_OPEN, \
			       REASON_SYN_ACK })
#define OPEN(confidence) \
	ACCEPTED(CAUSE_OPEN, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE, confidence)
#define BY_PROXY                                                               \
	ACCEPTED(CAUSE_OPEN_BY_PROXY, VERDICT_OPEN, WHERE_TARGET, METHOD_NONE, \
		 CONFIDENCE_HIGH)
#define LOSSY                                                                 \
	ACCEPTED(CAUSE_OPEN_LOSSY, VERDICT_LOSSY, WHERE_UNKNOWN, METHOD_NONE, \
		 CONFIDENCE_HIGH)
#define ALL(where, confidence) \
	ACCEPTED(CAUSE_ANSWERS_ALL, VERDICT_PROXIED, where, METHOD_NONE, confidence)
#define PROXY_REFUSES(method, confidence) \
	ACCEPTED(CAUSE_PROXY_REFUSES, VERDICT_PROXIED, WHERE_PATH, method, confidence)
#define RESET_AFTER(confidence)                                               \
	ACCEPTED(CAUSE_RESET_AFTER, VERDICT_RESET_AFTER_ACCEPT, WHERE_TARGET, \
		 METHOD_TCP_RESET, confidence)
#define RESET_AFTER_BOX(confidence)                                                      \
	((struct sample_want){ CAUSE_RESET_AFTER_BOX, VERDICT_RESET_BY_MIDDLEBOX,        \
			       WHERE_PATH, METHOD_TCP_RESET, confidence, STATE_FILTERED, \
			       REASON_SYN_ACK })

static void accepted(struct sample *s, uint8_t ttl)
{
	sample_open(s);
	s->f.ttl = s->f.wire.syn_ack.ttl = ttl;
	sample_controls(s);
}

/* Accepted, and then a RST with TTL came, and the same a second time. */
static void cut_off(struct sample *s, uint8_t ttl, uint8_t late_ttl)
{
	accepted(s, ttl);
	s->f.after = AFTER_RESET;
	s->f.after_repeats = true;
	s->f.reset_is_placed = true;
	s->f.wire.late_reset = (struct mark){ .seen = true, .ttl = late_ttl };
}

/* ---- open ---- */

static void a_connection_that_holds_is_open_for_certain(void **state)
{
	static const enum after_accept after[] = { AFTER_UNKNOWN, AFTER_QUIET, AFTER_DATA,
						   AFTER_FIN };
	struct sample s;
	struct judgement j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		accepted(&s, 61);
		s.f.after = after[i];
		j = sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
		sample_check_addr(&j.by, NULL);
		sample_check_way(&j, -1, NULL, -1);
		assert_false(j.default_drop);
	}
	/* Whatever the capture lost, and without one. */
	s.f.capture_dropped = 3;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
	sample_unprivileged(&s);
	s.f.ttl = 0;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
	sample_make_v6(&s);
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
}

static void a_handshake_from_nearer_than_the_host_is_a_proxys(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	accepted(&s, 63);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 41999, 3, true);
	j = sample_judged(&s, BY_PROXY);
	sample_check_addr(&j.by, "10.77.1.2");
	assert_true(j.by_inferred);
	assert_int_equal(j.answer_hops, 2);
	assert_int_equal(j.target_hops, 4);
	/* The host itself answers with another initial value. */
	for (size_t i = 0; i < s.f.n_controls; i++)
		s.f.controls[i].ttl = 125;
	(void)sample_judged(&s, BY_PROXY);
	s.f.ttl = 126;
	(void)sample_judged(&s, BY_PROXY);
	s.f.ttl = 125;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
}

/* 443 goes to a container, one router more; 22 is the host's own. */
static void a_port_of_the_host_itself_is_no_proxys_if_another_is_forwarded(void **state)
{
	struct sample s;

	(void)state;
	accepted(&s, 61);
	s.f.controls[0].port = 443;
	s.f.controls[0].ttl = 60;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
	/* With no answer that is surely the host's, either could be. */
	s.f.n_controls = 1;
	(void)sample_judged(&s, OPEN(CONFIDENCE_HIGH));
}

static void a_forwarded_port_is_open_though_it_is_farther_than_the_host(void **state)
{
	struct sample s;

	(void)state;
	accepted(&s, 60);
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
}

static void one_lost_packet_is_luck_and_two_are_loss(void **state)
{
	struct sample s;

	(void)state;
	accepted(&s, 61);
	s.f.tries = 5;
	s.f.answered = 4;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
	s.f.answered = 3;
	(void)sample_judged(&s, LOSSY);
	s.f.tries = 6;
	s.f.answered = 0;
	(void)sample_judged(&s, LOSSY);
}

/* ---- somebody accepts all ---- */

static void where_random_ports_are_accepted_an_accepted_port_says_nothing(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_open(&s);
	sample_control(&s, IPPROTO_TCP, 61234, ANSWER_SYN_ACK);
	sample_control(&s, IPPROTO_TCP, 62345, ANSWER_SYN_ACK);
	j = sample_judged(&s, ALL(WHERE_UNKNOWN, CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	/* One alone may be somebody's port by chance. */
	s.f.controls[1].answer = ANSWER_NONE;
	(void)sample_judged(&s, ALL(WHERE_UNKNOWN, CONFIDENCE_MEDIUM));
	/* A refused port: then not all are accepted. */
	s.f.controls[1].answer = ANSWER_RESET;
	(void)sample_judged(&s, OPEN(CONFIDENCE_HIGH));
	/* It is no random port. */
	s.f.controls[0].high = false;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
}

static void a_box_that_accepts_all_is_placed_by_its_distance(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_open(&s);
	s.f.ttl = 64;
	sample_control(&s, IPPROTO_TCP, 61234, ANSWER_SYN_ACK)->ttl = 64;
	sample_control(&s, IPPROTO_TCP, 62345, ANSWER_SYN_ACK)->ttl = 64;
	sample_control(&s, IPPROTO_ICMP, 0, ANSWER_REPLY);
	sample_walk(&s.f.control_walk, IPPROTO_ICMP, 0, 3, true);
	j = sample_judged(&s, ALL(WHERE_PATH, CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.0.1");
	assert_int_equal(j.answer_hops, 1);
}

/* ---- a SYN proxy before a closed port ---- */

static void a_window_of_0_that_never_opens_is_a_syn_proxys(void **state)
{
	struct sample s;

	(void)state;
	accepted(&s, 61);
	s.f.wire.syn_ack.window = 0;
	(void)sample_judged(&s, PROXY_REFUSES(METHOD_NONE, CONFIDENCE_MEDIUM));
	s.f.wire.window_opened = true;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
	/* What comes over it shows that somebody is there. */
	s.f.wire.window_opened = false;
	s.f.after = AFTER_DATA;
	(void)sample_judged(&s, OPEN(CONFIDENCE_CERTAIN));
}

static void a_window_of_0_and_a_reset_is_a_syn_proxys(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	cut_off(&s, 61, 61);
	s.f.wire.syn_ack.window = 0;
	j = sample_judged(&s, PROXY_REFUSES(METHOD_TCP_RESET, CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
}

static void who_accepts_nearer_than_the_host_and_then_resets_is_a_proxy(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	cut_off(&s, 63, 63);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 41999, 3, true);
	j = sample_judged(&s, PROXY_REFUSES(METHOD_TCP_RESET, CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.1.2");
	/* Nothing else tells the host's distance, but the RST was not made where the
	 * handshake was. */
	s.f.n_controls = 0;
	s.f.wire.late_reset.ttl = 61;
	(void)sample_judged(&s, PROXY_REFUSES(METHOD_TCP_RESET, CONFIDENCE_MEDIUM));
}

/* ---- cut off ---- */

static void a_reset_from_where_it_was_accepted_is_the_hosts(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	cut_off(&s, 61, 61);
	j = sample_judged(&s, RESET_AFTER(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	s.f.after_repeats = false;
	(void)sample_judged(&s, RESET_AFTER(CONFIDENCE_MEDIUM));
	/* The same router farther, for both: a port that the host forwards, or the host
	 * while another port is forwarded. */
	cut_off(&s, 60, 60);
	(void)sample_judged(&s, RESET_AFTER(CONFIDENCE_HIGH));
	cut_off(&s, 61, 61);
	s.f.controls[0].ttl = 60;
	(void)sample_judged(&s, RESET_AFTER(CONFIDENCE_HIGH));
}

static void a_reset_that_was_not_placed_may_be_anybodys(void **state)
{
	struct sample s;

	(void)state;
	cut_off(&s, 61, 61);
	sample_unprivileged(&s);
	s.f.ttl = 0;
	(void)sample_judged(&s, RESET_AFTER(CONFIDENCE_HIGH));
	s.f.reset_is_placed = false;
	(void)sample_judged(&s, RESET_AFTER(CONFIDENCE_MEDIUM));
}

static void a_reset_from_nearer_than_who_accepted_is_a_boxs(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	cut_off(&s, 61, 63);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 3, true);
	j = sample_judged(&s, RESET_AFTER_BOX(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, "10.77.1.2");
	assert_int_equal(j.answer_hops, 2);
	s.f.after_repeats = false;
	(void)sample_judged(&s, RESET_AFTER_BOX(CONFIDENCE_MEDIUM));
	/* The distance of who accepted is not known: the host's stands for it. */
	s.f.ttl = 0;
	(void)sample_judged(&s, RESET_AFTER_BOX(CONFIDENCE_MEDIUM));
	/* Without a capture a minimum TTL told. */
	sample_unprivileged(&s);
	s.f.reset_is_nearer = true;
	j = sample_judged(&s, RESET_AFTER_BOX(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, NULL);
}

/* ---- UDP ---- */

static void udp_reply(struct sample *s, uint8_t ttl)
{
	sample_init(s, IPPROTO_UDP, 53);
	s->f.answer = ANSWER_REPLY;
	s->f.ttl = ttl;
	s->f.ttl_source = TTL_SOCKET;
	sample_control(s, IPPROTO_ICMP, 0, ANSWER_REPLY);
}

static void a_datagram_back_is_open(void **state)
{
	struct sample s;

	(void)state;
	udp_reply(&s, 61);
	(void)sample_judged(&s,
			    (struct sample_want){ CAUSE_OPEN, VERDICT_OPEN, WHERE_TARGET,
						  METHOD_NONE, CONFIDENCE_CERTAIN,
						  STATE_OPEN, REASON_UDP_RESPONSE });
}

/* Name servers are often asked in the host's stead. */
static void a_datagram_from_nearer_than_the_host_is_somebody_elses(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	udp_reply(&s, 64);
	sample_walk(&s.f.control_walk, IPPROTO_ICMP, 0, 3, true);
	j = sample_judged(&s, (struct sample_want){ CAUSE_OPEN_BY_PROXY, VERDICT_OPEN,
						    WHERE_TARGET, METHOD_NONE,
						    CONFIDENCE_MEDIUM, STATE_OPEN,
						    REASON_UDP_RESPONSE });
	sample_check_addr(&j.by, "10.77.0.1");
}

/* ---- nothing was asked ---- */

static void a_name_that_does_not_resolve_is_that_and_why(void **state)
{
	static const enum port_reason reasons[] = { REASON_NAME_NOT_FOUND,
						    REASON_NAME_NO_ADDRESS,
						    REASON_NAME_FAILURE };
	struct sample s;
	struct judgement j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		sample_unresolved(&s);
		s.f.name_reason = reasons[i];
		j = sample_judged(&s,
				  (struct sample_want){ CAUSE_UNRESOLVED,
							VERDICT_UNRESOLVED, WHERE_UNKNOWN,
							METHOD_NONE, CONFIDENCE_CERTAIN,
							STATE_UNRESOLVED, reasons[i] });
		sample_check_way(&j, -1, NULL, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_holds_is_open_for_certain),
		cmocka_unit_test(a_handshake_from_nearer_than_the_host_is_a_proxys),
		cmocka_unit_test(
			a_port_of_the_host_itself_is_no_proxys_if_another_is_forwarded),
		cmocka_unit_test(
			a_forwarded_port_is_open_though_it_is_farther_than_the_host),
		cmocka_unit_test(one_lost_packet_is_luck_and_two_are_loss),
		cmocka_unit_test(
			where_random_ports_are_accepted_an_accepted_port_says_nothing),
		cmocka_unit_test(a_box_that_accepts_all_is_placed_by_its_distance),
		cmocka_unit_test(a_window_of_0_that_never_opens_is_a_syn_proxys),
		cmocka_unit_test(a_window_of_0_and_a_reset_is_a_syn_proxys),
		cmocka_unit_test(
			who_accepts_nearer_than_the_host_and_then_resets_is_a_proxy),
		cmocka_unit_test(a_reset_from_where_it_was_accepted_is_the_hosts),
		cmocka_unit_test(a_reset_that_was_not_placed_may_be_anybodys),
		cmocka_unit_test(a_reset_from_nearer_than_who_accepted_is_a_boxs),
		cmocka_unit_test(a_datagram_back_is_open),
		cmocka_unit_test(a_datagram_from_nearer_than_the_host_is_somebody_elses),
		cmocka_unit_test(a_name_that_does_not_resolve_is_that_and_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
