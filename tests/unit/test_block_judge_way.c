/*
 * judge, when nothing came and packets do leave: which hops have them, and which do not?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define DROPPED(cause, where, confidence)                                              \
	((struct sample_want){ cause, VERDICT_DROPPED, where, METHOD_DROP, confidence, \
			       STATE_FILTERED, REASON_NO_RESPONSE })
#define PATH(confidence)      DROPPED(CAUSE_DROPPED_PATH, WHERE_PATH, confidence)
#define LAST(confidence)      DROPPED(CAUSE_DROPPED_LAST_HOP, WHERE_LAST_HOP, confidence)
#define TARGET(confidence)    DROPPED(CAUSE_DROPPED_TARGET, WHERE_TARGET, confidence)
#define SOMEWHERE(confidence) DROPPED(CAUSE_DROPPED_SOMEWHERE, WHERE_UNKNOWN, confidence)
#define OPEN_QUESTION(cause, state)                                                     \
	((struct sample_want){ cause, VERDICT_INCONCLUSIVE, WHERE_UNKNOWN, METHOD_NONE, \
			       CONFIDENCE_LOW, state, REASON_NO_RESPONSE })

/* ---- between two hops ---- */

static void a_hop_that_answers_for_the_control_only_is_behind_the_drop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	j = sample_judged(&s, PATH(CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	sample_check_way(&j, 2, "10.77.1.2", 4);
	assert_int_equal(j.next_hop, 3);
	assert_int_equal(j.answer_hops, -1);
	assert_false(j.default_drop);
	sample_unprivileged(&s);
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
	sample_make_v6(&s);
	j = sample_judged(&s, PATH(CONFIDENCE_HIGH));
	sample_check_way(&j, 2, "2001:db8:77:2::1", 4);
	s.f.capture_dropped = 2;
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
}

static void a_drop_before_the_first_hop_has_no_last_hop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 0, false);
	j = sample_judged(&s, PATH(CONFIDENCE_HIGH));
	sample_check_way(&j, 0, NULL, 4);
	assert_int_equal(j.next_hop, 1);
}

static void a_silent_hop_between_widens_the_place(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 1, false);
	s.f.control_walk.hops[2].state = HOP_SILENT;
	j = sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 1, "10.77.0.1", 4);
	assert_int_equal(j.next_hop, 3);
	/* One before it does no harm. */
	sample_dropped_path(&s);
	s.f.walk.hops[1].state = s.f.control_walk.hops[1].state = HOP_SILENT;
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
}

static void a_hop_that_was_asked_once_may_just_not_have_had_the_time(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	s.f.walk.hops[3].tries = 1;
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
	s.f.walk.hops[3].tries = 2;
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
}

static void hops_that_were_not_asked_are_not_missing(void **state)
{
	struct sample s;

	(void)state;
	/* The walk was cut short behind the hop that answered. */
	sample_dropped_path(&s);
	s.f.walk.n_hops = 2;
	(void)sample_judged(&s, SOMEWHERE(CONFIDENCE_LOW));
	/* There was none, only another port's. */
	memset(&s.f.walk, 0, sizeof(s.f.walk));
	(void)sample_judged(&s, SOMEWHERE(CONFIDENCE_LOW));
}

/* Several ways of the same length: the two flows may have taken different ones. */
static void walks_by_different_routers_are_compared_with_care(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	s.f.control_walk.hops[2].from = sample_addr("10.77.1.9");
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
}

static void a_host_that_drops_everything_but_ping_does_so_by_default(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	s.f.n_controls = 0;
	sample_control(&s, IPPROTO_TCP, 22, ANSWER_NONE);
	sample_control(&s, IPPROTO_ICMP, 0, ANSWER_REPLY);
	sample_walk(&s.f.control_walk, IPPROTO_ICMP, 0, 3, true);
	j = sample_judged(&s, PATH(CONFIDENCE_HIGH));
	assert_true(j.default_drop);
}

/* ---- the host, or the last router ---- */

static void behind_the_last_router_it_can_be_told_no_more(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_last_hop(&s);
	j = sample_judged(&s, LAST(CONFIDENCE_MEDIUM));
	sample_check_addr(&j.by, NULL);
	sample_check_way(&j, 3, "10.77.2.2", 4);
	assert_int_equal(j.next_hop, -1);
}

/* The control's port is forwarded: the host says time exceeded in its own name for that,
 * and not for a port that its own firewall drops. */
static void a_missing_hop_that_is_the_host_itself_is_no_router(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_last_hop(&s);
	s.f.control_walk.hops[4] = s.f.control_walk.hops[3];
	s.f.control_walk.hops[4].from = s.f.addr;
	s.f.control_walk.hops[5].state = HOP_ANSWERED;
	s.f.control_walk.n_hops = 5;
	j = sample_judged(&s, LAST(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 3, "10.77.2.2", 4);
	/* By another of its addresses: ping comes from that distance. */
	s.f.control_walk.hops[4].from = sample_addr("10.77.3.9");
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
}

static void on_our_own_link_such_a_host_is_the_first_hop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_last_hop(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 0, false);
	s.f.control_walk.hops[1].from = s.f.addr;
	s.f.control_walk.hops[2].state = HOP_ANSWERED;
	s.f.control_walk.n_hops = 2;
	j = sample_judged(&s, TARGET(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 0, NULL, 1);
}

/* The asked port is the one that is forwarded, and what is behind the host is silent. */
static void a_port_that_the_host_passes_on_is_lost_at_the_host_or_behind(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_last_hop(&s);
	s.f.walk.hops[4] = s.f.walk.hops[3];
	s.f.walk.hops[4].from = s.f.addr;
	j = sample_judged(&s, TARGET(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 4, "10.77.3.2", 4);
}

static void without_a_router_between_it_is_the_host_or_its_switch(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_last_hop(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 0, false);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 22, 0, false);
	s.f.walk.n_hops = s.f.control_walk.n_hops = 1;
	s.f.control_walk.hops[1].state = HOP_ANSWERED;
	j = sample_judged(&s, TARGET(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 0, NULL, 1);
}

static void routers_that_never_answer_leave_the_place_open(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	s.f.control_walk.hops[3].state = HOP_SILENT;
	j = sample_judged(&s, SOMEWHERE(CONFIDENCE_MEDIUM));
	sample_check_way(&j, 2, "10.77.1.2", 4);
	/* Not even the control's port is known to be how far. */
	memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
	(void)sample_judged(&s, SOMEWHERE(CONFIDENCE_MEDIUM));
}

static void a_host_that_answers_nothing_may_be_down(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	s.f.n_controls = 0;
	sample_dead_controls(&s);
	sample_walk(&s.f.control_walk, IPPROTO_TCP, 41999, 2, false);
	j = sample_judged(&s, OPEN_QUESTION(CAUSE_HOST_SILENT, STATE_FILTERED));
	sample_check_way(&j, 2, "10.77.1.2", -1);
	assert_false(j.default_drop);
}

/* ---- what came while the way was examined ---- */

static void a_port_that_answers_the_walk_is_not_blocked_for_good(void **state)
{
	struct sample s;

	(void)state;
	sample_last_hop(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 3, true);
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_LOSS_UNDECIDED, STATE_FILTERED));
}

static void a_reject_that_came_in_the_walk_alone_names_its_sender(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_dropped_path(&s);
	s.f.walk.n_hops = 3;
	s.f.walk.hops[3] = (struct hop){ .state = HOP_ERROR,
					 .from = sample_hop_addr(2),
					 .tries = 1,
					 .ttl_back = 63,
					 .icmp_origin = SO_EE_ORIGIN_ICMP,
					 .icmp_type = 3,
					 .icmp_code = 13 };
	j = sample_judged(
		&s, (struct sample_want){ CAUSE_REJECTED_BY_BOX, VERDICT_REJECTED,
					  WHERE_PATH, METHOD_ICMP, CONFIDENCE_MEDIUM,
					  STATE_FILTERED, REASON_ADMIN_PROHIBITED });
	sample_check_addr(&j.by, "10.77.1.2");
	sample_check_way(&j, 2, "10.77.1.2", 4);
}

/* ---- loss, UDP, interruption ---- */

static void controls_that_lose_packets_make_silence_weak(void **state)
{
	struct sample s;

	(void)state;
	/* One of four lost: four in a row by chance are one in 256. */
	sample_dropped_path(&s);
	s.f.controls[0].tries = 2;
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
	/* Of two, one in sixteen. */
	s.f.resent = 1;
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
	/* Of one, one in four. */
	s.f.resent = 0;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_LOSS_UNDECIDED, STATE_FILTERED));
	/* What was never answered is silent for another reason, perhaps. */
	sample_dropped_path(&s);
	sample_control(&s, IPPROTO_TCP, 80, ANSWER_NONE)->tries = 9;
	s.f.resent = 0;
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
}

static void silence_over_udp_is_a_service_or_a_filter(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_udp_silent(&s);
	j = sample_judged(&s, OPEN_QUESTION(CAUSE_UDP_SILENT, STATE_OPEN_FILTERED));
	sample_check_way(&j, 3, "10.77.2.2", 4);
	/* On our own link, too, and when nothing else of the host answers. */
	s.f.control_walk.n_hops = 1;
	s.f.control_walk.hops[1].state = HOP_ANSWERED;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_UDP_SILENT, STATE_OPEN_FILTERED));
	s.f.n_controls = 0;
	memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_UDP_SILENT, STATE_OPEN_FILTERED));
}

static void silence_over_udp_that_ends_on_the_way_is_a_drop(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_udp_silent(&s);
	sample_walk(&s.f.walk, IPPROTO_UDP, 161, 2, false);
	sample_walk(&s.f.control_walk, IPPROTO_UDP, 41001, 3, true);
	j = sample_judged(&s, PATH(CONFIDENCE_HIGH));
	assert_int_equal(j.next_hop, 3);
	/* What TCP passes need not pass UDP, forbidden or just limited. */
	s.f.control_walk.protocol = IPPROTO_TCP;
	(void)sample_judged(&s, PATH(CONFIDENCE_MEDIUM));
}

static void what_was_interrupted_is_not_judged(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	s.f.interrupted = true;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_INTERRUPTED, STATE_FILTERED));
	sample_host_down(&s);
	s.f.interrupted = true;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_INTERRUPTED, STATE_FILTERED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_hop_that_answers_for_the_control_only_is_behind_the_drop),
		cmocka_unit_test(a_drop_before_the_first_hop_has_no_last_hop),
		cmocka_unit_test(a_silent_hop_between_widens_the_place),
		cmocka_unit_test(
			a_hop_that_was_asked_once_may_just_not_have_had_the_time),
		cmocka_unit_test(hops_that_were_not_asked_are_not_missing),
		cmocka_unit_test(walks_by_different_routers_are_compared_with_care),
		cmocka_unit_test(
			a_host_that_drops_everything_but_ping_does_so_by_default),
		cmocka_unit_test(behind_the_last_router_it_can_be_told_no_more),
		cmocka_unit_test(a_missing_hop_that_is_the_host_itself_is_no_router),
		cmocka_unit_test(on_our_own_link_such_a_host_is_the_first_hop),
		cmocka_unit_test(
			a_port_that_the_host_passes_on_is_lost_at_the_host_or_behind),
		cmocka_unit_test(without_a_router_between_it_is_the_host_or_its_switch),
		cmocka_unit_test(routers_that_never_answer_leave_the_place_open),
		cmocka_unit_test(a_host_that_answers_nothing_may_be_down),
		cmocka_unit_test(a_port_that_answers_the_walk_is_not_blocked_for_good),
		cmocka_unit_test(a_reject_that_came_in_the_walk_alone_names_its_sender),
		cmocka_unit_test(controls_that_lose_packets_make_silence_weak),
		cmocka_unit_test(silence_over_udp_is_a_service_or_a_filter),
		cmocka_unit_test(silence_over_udp_that_ends_on_the_way_is_a_drop),
		cmocka_unit_test(what_was_interrupted_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
