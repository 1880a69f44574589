/*
 * walk: what a walk that was made says. (That it is made rightly, the lab shows.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_samples.h"
#include "walk.h"

static void a_walk_that_was_not_made_has_no_hops(void **state)
{
	struct walk w = { .done = false };

	(void)state;
	assert_int_equal(walk_last(&w), 0);
	assert_int_equal(walk_answered(&w), 0);
}

static void the_last_hop_is_the_last_that_said_time_exceeded(void **state)
{
	struct walk w;

	(void)state;
	for (unsigned int last = 0; last < 4; last++) {
		sample_walk(&w, IPPROTO_TCP, 25, last, false);
		assert_int_equal(walk_last(&w), last);
		assert_int_equal(walk_answered(&w), 0);
		sample_walk(&w, IPPROTO_TCP, 25, last, true);
		assert_int_equal(walk_last(&w), last);
		assert_int_equal(walk_answered(&w), 4);
	}
}

static void silent_hops_before_it_do_not_matter(void **state)
{
	struct walk w;

	(void)state;
	sample_walk(&w, IPPROTO_TCP, 25, 3, false);
	w.hops[1].state = w.hops[2].state = HOP_SILENT;
	assert_int_equal(walk_last(&w), 3);
}

static void another_error_or_the_ports_own_answer_is_no_time_exceeded(void **state)
{
	struct walk w;

	(void)state;
	sample_walk(&w, IPPROTO_TCP, 25, 3, false);
	w.hops[3].state = HOP_ERROR;
	assert_int_equal(walk_last(&w), 2);
	assert_int_equal(walk_answered(&w), 0);
	w.hops[3].state = HOP_ANSWERED;
	assert_int_equal(walk_last(&w), 2);
	assert_int_equal(walk_answered(&w), 3);
}

static void it_answered_at_the_first_ttl_that_was_enough(void **state)
{
	struct walk w;

	(void)state;
	sample_walk(&w, IPPROTO_TCP, 25, 2, true);
	w.hops[3].state = HOP_ANSWERED;
	assert_int_equal(walk_answered(&w), 3);
}

static void hops_that_were_not_asked_do_not_count(void **state)
{
	struct walk w;

	(void)state;
	sample_walk(&w, IPPROTO_TCP, 25, 3, true);
	w.n_hops = 2;
	assert_int_equal(walk_last(&w), 2);
	assert_int_equal(walk_answered(&w), 0);
	/* As far as there is room. */
	for (unsigned int ttl = 1; ttl <= HOPS_MAX; ttl++)
		w.hops[ttl].state = HOP_EXCEEDED;
	w.n_hops = HOPS_MAX;
	assert_int_equal(walk_last(&w), HOPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_that_was_not_made_has_no_hops),
		cmocka_unit_test(the_last_hop_is_the_last_that_said_time_exceeded),
		cmocka_unit_test(silent_hops_before_it_do_not_matter),
		cmocka_unit_test(
			another_error_or_the_ports_own_answer_is_no_time_exceeded),
		cmocka_unit_test(it_answered_at_the_first_ttl_that_was_enough),
		cmocka_unit_test(hops_that_were_not_asked_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
