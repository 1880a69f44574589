#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "timing.h"
#define MS(n) ((int64_t)((n)*NS_PER_MS))

/* The same numbers on every run: xorshift64*. */
static uint64_t random_state;

static uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 2685821657736338717ULL;
}

/* From LOW to HIGH, both included. */
static int64_t random_between(int64_t low, int64_t high)
{
	return low + (int64_t)(random_u64() % (uint64_t)(high - low + 1));
}
static struct rtt rtt_of(unsigned int n, int64_t ns)
{
	struct rtt rtt = { 0 };

	while (n--)
		rtt_sample(&rtt, ns);
	return rtt;
}

/* ---- RFC 6298 ---- */

static void the_first_sample_sets_both_estimates(void **state)
{
	struct rtt rtt = { 0 };

	(void)state;
	rtt_sample(&rtt, MS(200));
	assert_int_equal(rtt.srtt_ns, MS(200));
	assert_int_equal(rtt.rttvar_ns, MS(100));
	assert_int_equal(rtt.n_samples, 1);
	assert_int_equal(rtt_rto_ns(&rtt), MS(600)); /* SRTT + 4 RTTVAR */
}

static void later_samples_move_the_estimates_by_an_eighth_and_a_quarter(void **state)
{
	struct rtt rtt = { 0 };

	(void)state;
	rtt_sample(&rtt, MS(80));
	rtt_sample(&rtt, MS(160));
	/* RTTVAR = 3/4 40 + 1/4 |80 - 160|, by the old SRTT; SRTT = 7/8 80 + 1/8 160 */
	assert_int_equal(rtt.rttvar_ns, MS(50));
	assert_int_equal(rtt.srtt_ns, MS(90));
	rtt_sample(&rtt, MS(10));
	assert_int_equal(rtt.rttvar_ns, MS(115) / 2);
	assert_int_equal(rtt.srtt_ns, MS(80));
	assert_int_equal(rtt_rto_ns(&rtt), MS(310));
}

static void the_timeout_stays_between_its_floor_and_the_first_second(void **state)
{
	struct rtt none = { 0 };
	struct rtt fast = rtt_of(50, NS_PER_US * 30);
	struct rtt slow = rtt_of(50, MS(2500));
	struct rtt shaky = { 0 };

	(void)state;
	assert_int_equal(rtt_rto_ns(&none), TIMING_RTO_INITIAL_NS);
	assert_int_equal(rtt_rto_ns(&fast), TIMING_RTO_MIN_NS);
	assert_int_equal(rtt_rto_ns(&slow), TIMING_RTO_INITIAL_NS);
	rtt_sample(&shaky, MS(900));
	assert_int_equal(rtt_rto_ns(&shaky), TIMING_RTO_INITIAL_NS);
}

static void random_samples_never_leave_the_range_of_what_was_seen(void **state)
{
	int round;

	(void)state;
	random_state = 1;
	for (round = 0; round < 200; round++) {
		int64_t low = random_between(1, MS(500));
		int64_t high = low + random_between(0, MS(500));
		struct rtt rtt = { 0 };
		int i;

		for (i = 0; i < 100; i++) {
			rtt_sample(&rtt, random_between(low, high));
			/* Divisions cut off at most some ns. */
			assert_in_range(rtt.srtt_ns, low - min_i64(low, 16), high + 16);
			assert_true(rtt.rttvar_ns >= 0);
			assert_in_range(rtt_rto_ns(&rtt), TIMING_RTO_MIN_NS,
					TIMING_RTO_INITIAL_NS);
		}
	}
}

/* ---- the schedule ---- */

static void check_invariants(const struct schedule *s, int64_t budget_ns)
{
	unsigned int i;

	assert_in_range(s->n, 1, TIMING_ATTEMPTS);
	assert_int_equal(s->at_ns[0], 0);
	assert_true(s->give_up_ns > 0);
	assert_true(s->give_up_ns <= budget_ns);
	for (i = 0; i < s->n; i++) {
		assert_true(s->at_ns[i] < s->give_up_ns);
		if (i)
			assert_true(s->at_ns[i] > s->at_ns[i - 1]);
	}
}

static void every_schedule_is_in_order_and_within_the_budget(void **state)
{
	int i;

	(void)state;
	random_state = 2;
	for (i = 0; i < 20000; i++) {
		int64_t scale = random_between(0, 1) ? MS(50) : MS(20000);
		int64_t budget_ns = random_between(MS(1), scale);
		unsigned int n_host = (unsigned int)random_between(0, 3);
		unsigned int n_network = (unsigned int)random_between(0, 12);
		struct rtt host = rtt_of(n_host, random_between(1, MS(3000)));
		struct rtt network = rtt_of(n_network, random_between(1, MS(3000)));
		bool sweep = random_between(0, 1);
		struct schedule s = timing_schedule(
			&host, random_between(0, 3) ? &network : NULL, budget_ns, sweep);

		check_invariants(&s, budget_ns);
		if (!sweep)
			assert_int_equal(s.give_up_ns, budget_ns);
		/* Silence is never concluded from one lost SYN. */
		assert_true(s.n >= 2);
	}
}

static void a_budget_of_ten_milliseconds_holds_all_attempts(void **state)
{
	struct rtt none = { 0 };
	struct rtt known = rtt_of(5, MS(1));
	const struct rtt *hosts[] = { &none, &known };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct schedule s = timing_schedule(hosts[i / 2], NULL, MS(10), i % 2);

		check_invariants(&s, MS(10));
		assert_int_equal(s.n, TIMING_ATTEMPTS);
		assert_int_equal(s.give_up_ns, MS(10));
	}
}

static void an_unknown_host_is_tried_again_long_before_the_kernel_does(void **state)
{
	struct rtt none = { 0 };
	struct schedule s = timing_schedule(&none, NULL, MS(3000), false);

	(void)state;
	assert_int_equal(s.n, 3);
	assert_in_range(s.at_ns[1], MS(200), MS(500));
	assert_in_range(s.at_ns[2], s.at_ns[1], MS(1000));
	assert_int_equal(s.give_up_ns, MS(3000));
}

static void a_sweep_believes_silence_of_an_unknown_host_earlier(void **state)
{
	struct rtt none = { 0 };
	struct schedule s = timing_schedule(&none, NULL, MS(10000), true);

	(void)state;
	assert_int_equal(s.n, 3);
	assert_true(s.give_up_ns < MS(3000));
	/* Not before the last attempt had a whole initial timeout. */
	assert_true(s.give_up_ns - s.at_ns[2] >= MS(1000));
}

static void a_known_host_is_tried_by_its_own_timeout(void **state)
{
	struct rtt host = rtt_of(100, MS(200));
	int64_t rto = rtt_rto_ns(&host);
	struct schedule s = timing_schedule(&host, NULL, MS(3000), true);

	(void)state;
	assert_int_equal(s.n, 3);
	assert_int_equal(s.at_ns[1], rto);
	assert_true(s.at_ns[2] - s.at_ns[1] > rto);
	/* The last one has twice the usual time. */
	assert_int_equal(s.give_up_ns - s.at_ns[2], 2 * rto);
	s = timing_schedule(&host, NULL, MS(3000), false);
	assert_int_equal(s.at_ns[1], rto);
	assert_int_equal(s.give_up_ns, MS(3000));
}

static bool same(const struct schedule *a, const struct schedule *b)
{
	return a->n == b->n && a->give_up_ns == b->give_up_ns &&
	       a->at_ns[1] == b->at_ns[1] && a->at_ns[2] == b->at_ns[2];
}

static void the_network_speaks_for_a_host_from_eight_samples_on(void **state)
{
	struct rtt none = { 0 };
	struct rtt seven = rtt_of(7, MS(5)), eight = rtt_of(8, MS(5));
	struct schedule unknown = timing_schedule(&none, NULL, MS(3000), true);
	struct schedule s;

	(void)state;
	s = timing_schedule(&none, &seven, MS(3000), true);
	assert_true(same(&s, &unknown));
	s = timing_schedule(&none, &eight, MS(3000), true);
	assert_false(same(&s, &unknown));
	assert_true(s.give_up_ns < unknown.give_up_ns);
	/* More patient than with a host that is known to be so near. */
	assert_in_range(s.at_ns[1], MS(101), MS(300));
	/* In a small run it is not asked, nor where the host itself is known. */
	unknown = timing_schedule(&none, NULL, MS(3000), false);
	s = timing_schedule(&none, &eight, MS(3000), false);
	assert_true(same(&s, &unknown));
	unknown = timing_schedule(&seven, NULL, MS(3000), true);
	s = timing_schedule(&seven, &eight, MS(3000), true);
	assert_true(same(&s, &unknown));
}

/* In a sweep an attempt ends when the next one begins. */
static void a_slow_network_gets_the_time_that_it_is_known_to_take(void **state)
{
	struct rtt none = { 0 };
	int64_t rtt_ns;

	(void)state;
	for (rtt_ns = MS(50); rtt_ns <= MS(900); rtt_ns += MS(50)) {
		struct rtt network = rtt_of(20, rtt_ns);
		struct schedule s = timing_schedule(&none, &network, MS(10000), true);

		if (s.give_up_ns - s.at_ns[s.n - 1] < rtt_ns)
			fail_msg("%d ms", (int)ns_to_ms(rtt_ns));
	}
}
/* A router needs three seconds to say that a host is down. */
static void a_sweep_that_fits_gives_unknown_hosts_the_whole_budget(void **state)
{
	struct rtt none = { 0 }, eight = rtt_of(8, MS(5));
	struct schedule s;

	(void)state;
	s = timing_schedule(&none, &eight, MS(3500), RUN_SWEEP);
	assert_int_equal(s.give_up_ns, MS(3500));
	s = timing_schedule(&none, &eight, MS(3500), RUN_HUGE);
	assert_true(s.give_up_ns < MS(3500));
	s = timing_schedule(&eight, NULL, MS(3500), RUN_SWEEP);
	assert_true(s.give_up_ns < MS(3500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_sample_sets_both_estimates),
		cmocka_unit_test(random_samples_never_leave_the_range_of_what_was_seen),
		cmocka_unit_test(every_schedule_is_in_order_and_within_the_budget),
		cmocka_unit_test(a_budget_of_ten_milliseconds_holds_all_attempts),
		cmocka_unit_test(a_sweep_believes_silence_of_an_unknown_host_earlier),
		cmocka_unit_test(a_known_host_is_tried_by_its_own_timeout),
		cmocka_unit_test(the_network_speaks_for_a_host_from_eight_samples_on),
		cmocka_unit_test(a_slow_network_gets_the_time_that_it_is_known_to_take),
		cmocka_unit_test(a_sweep_that_fits_gives_unknown_hosts_the_whole_budget),
		cmocka_unit_test(
			an_unknown_host_is_tried_again_long_before_the_kernel_does),
		cmocka_unit_test(
			the_timeout_stays_between_its_floor_and_the_first_second),
		cmocka_unit_test(
			later_samples_move_the_estimates_by_an_eighth_and_a_quarter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
