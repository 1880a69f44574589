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
/* ---- the pace ---- */

#define BURST 256 /* the most at once, at whatever rate */

/* Send all that may go for DURATION_NS, looking every STEP_NS; the packets sent. */
static uint64_t run_pace(struct pace *p, int64_t *now_ns, int64_t duration_ns,
			 int64_t step_ns)
{
	int64_t end_ns = *now_ns + duration_ns;
	uint64_t sent = 0;

	while (*now_ns < end_ns) {
		unsigned int n = pace_credit(p, *now_ns);

		pace_spend(p, n);
		sent += n;
		*now_ns += step_ns;
	}
	return sent;
}

static void the_asked_rate_is_never_exceeded(void **state)
{
	static const uint64_t rates[] = { 1, 2, 77, 500, 3000, 20000, 100000, 500000 };
	static const int64_t steps_ns[] = { 100000, 1234567, MS(33), MS(700) };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		for (k = 0; k < ARRAY_SIZE(steps_ns); k++) {
			int64_t now_ns = NS_PER_S * 1000;
			struct pace p;
			uint64_t sent;

			pace_init(&p, rates[i], now_ns);
			sent = run_pace(&p, &now_ns, 5 * NS_PER_S, steps_ns[k]);
			assert_true(sent <= rates[i] * 5 + BURST);
			if (rates[i] < 1000) /* a burst is a fiftieth of a second */
				assert_true(sent <= rates[i] * 5 + 20);
		}
	}
}

static void every_window_of_time_keeps_to_the_asked_rate(void **state)
{
	enum { RATE = 1000, WINDOWS = 400 };
	uint64_t sent[WINDOWS];
	int64_t now_ns = NS_PER_S;
	struct pace p;
	size_t i, k;

	(void)state;
	pace_init(&p, RATE, now_ns);
	for (i = 0; i < WINDOWS; i++) /* 10 ms each, a pause in between */
		sent[i] = run_pace(&p, &now_ns, MS(10), i == 200 ? MS(3000) : MS(1));
	for (i = 0; i + 50 < WINDOWS; i++) {
		uint64_t sum = 0;

		for (k = 0; k < 50; k++)
			sum += sent[i + k];
		assert_true(sum <= 500 + RATE / 50);
	}
}

static void one_packet_a_second_is_kept_by_waiting_as_told(void **state)
{
	int64_t start_ns = NS_PER_S * 5, now_ns = start_ns;
	struct pace p;
	int i;

	(void)state;
	pace_init(&p, 1, now_ns);
	for (i = 0; i < 10; i++) {
		unsigned int n = pace_credit(&p, now_ns);
		int64_t next_ns;

		assert_int_equal(n, 1);
		assert_in_range(now_ns - start_ns, i * NS_PER_S, i * NS_PER_S + 1000);
		pace_spend(&p, 1);
		assert_int_equal(pace_credit(&p, now_ns), 0);
		next_ns = pace_next_ns(&p, now_ns);
		assert_int_equal(pace_credit(&p, next_ns - NS_PER_MS), 0);
		now_ns = pace_next_ns(&p, next_ns - NS_PER_MS);
	}
}

static void waiting_as_told_always_gives_credit(void **state)
{
	int round;

	(void)state;
	random_state = 3;
	for (round = 0; round < 100; round++) {
		int64_t now_ns = random_between(NS_PER_S, 1000000 * NS_PER_S);
		struct pace p;
		int i;

		pace_init(&p, (uint64_t)random_between(1, 300000), now_ns);
		for (i = 0; i < 100; i++) {
			unsigned int n = pace_credit(&p, now_ns);
			int tries = 0;

			/* Attempts of probes under way spend more than was given. */
			pace_spend(&p, n + (unsigned int)random_between(0, 3));
			do {
				now_ns = pace_next_ns(&p, now_ns);
				assert_true(++tries <= 3);
			} while (!pace_credit(&p, now_ns));
		}
	}
}

static void answer(struct pace *p, unsigned int n, unsigned int n_late)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		pace_answer(p, i < n_late);
}

static void the_rate_doubles_while_answers_come_at_the_first_attempt(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct pace p;
	double start;

	(void)state;
	pace_init(&p, 0, now_ns);
	start = p.rate;
	answer(&p, 100, 10); /* a tenth is not more than a tenth */
	pace_credit(&p, now_ns += MS(100));
	assert_true(p.rate == 2 * start);
	/* Not reviewed again before a tenth of a second. */
	pace_credit(&p, now_ns + MS(99));
	assert_true(p.rate == 2 * start);
	pace_credit(&p, now_ns + MS(100));
	assert_true(p.rate == 4 * start);
}

static void the_rate_halves_when_more_than_a_tenth_come_late(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct pace p;
	double start;

	(void)state;
	pace_init(&p, 0, now_ns);
	start = p.rate;
	answer(&p, 100, 11);
	pace_credit(&p, now_ns += MS(100));
	assert_true(p.rate == start / 2);
	/* Those were counted. */
	answer(&p, 100, 0);
	pace_credit(&p, now_ns += MS(100));
	assert_true(p.rate == start);
}

static void a_few_late_answers_mean_nothing(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct pace p;
	double start;

	(void)state;
	pace_init(&p, 0, now_ns);
	start = p.rate;
	answer(&p, 20, 20);
	pace_credit(&p, now_ns += MS(100));
	assert_true(p.rate >= start);
	/* But they are not forgotten. */
	answer(&p, 40, 0);
	start = p.rate;
	pace_credit(&p, now_ns += MS(100));
	assert_true(p.rate == start / 2);
}

static void the_rate_stays_between_its_bounds(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct pace p, asked;
	int i;

	(void)state;
	pace_init(&p, 0, now_ns);
	pace_init(&asked, 700, now_ns);
	for (i = 0; i < 100; i++) {
		now_ns += MS(100);
		pace_credit(&p, now_ns);
		pace_credit(&asked, now_ns);
		assert_true(p.rate <= p.max_rate);
		assert_true(asked.rate <= 700);
	}
	assert_true(p.rate == p.max_rate);
	assert_true(asked.rate == 700);
	for (i = 0; i < 100; i++) {
		answer(&p, 100, 100);
		pace_credit(&p, now_ns += MS(100));
	}
	assert_true(p.rate >= 100);
	assert_true(pace_next_ns(&p, now_ns) <= now_ns + NS_PER_S);
}

static void a_long_pause_gives_no_more_than_a_burst(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct pace p;

	(void)state;
	pace_init(&p, 0, now_ns);
	pace_credit(&p, now_ns);
	assert_true(pace_credit(&p, now_ns + 3600 * NS_PER_S) <= BURST);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_asked_rate_is_never_exceeded),
		cmocka_unit_test(every_window_of_time_keeps_to_the_asked_rate),
		cmocka_unit_test(one_packet_a_second_is_kept_by_waiting_as_told),
		cmocka_unit_test(waiting_as_told_always_gives_credit),
		cmocka_unit_test(the_rate_halves_when_more_than_a_tenth_come_late),
		cmocka_unit_test(a_few_late_answers_mean_nothing),
		cmocka_unit_test(the_rate_stays_between_its_bounds),
		cmocka_unit_test(a_long_pause_gives_no_more_than_a_burst),
		cmocka_unit_test(
			the_rate_doubles_while_answers_come_at_the_first_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
