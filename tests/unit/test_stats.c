#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stats.h"

static void add_all(struct stats *s, const int64_t *ns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(stats_add(s, ns[i]), 0);
}

static void without_samples_all_figures_are_zero(void **state)
{
	uint32_t counts[3] = { 7, 7, 7 };
	int64_t low = 7, high = 7;
	struct stats s;

	(void)state;
	stats_init(&s);
	assert_int_equal(s.count, 0);
	assert_int_equal(stats_mean_ns(&s), 0);
	assert_int_equal(stats_stddev_ns(&s), 0);
	assert_int_equal(stats_percentile_ns(&s, 0), 0);
	assert_int_equal(stats_percentile_ns(&s, 50), 0);
	assert_int_equal(stats_percentile_ns(&s, 100), 0);
	stats_histogram(&s, 3, counts, &low, &high);
	assert_int_equal(low, 0);
	assert_int_equal(high, 0);
	assert_int_equal(counts[0] + counts[1] + counts[2], 0);
	stats_release(&s);
	stats_release(NULL);
}

static void one_sample_is_every_figure_but_the_deviation(void **state)
{
	struct stats s;

	(void)state;
	stats_init(&s);
	assert_int_equal(stats_add(&s, 42), 0);
	assert_int_equal(s.min_ns, 42);
	assert_int_equal(s.max_ns, 42);
	assert_int_equal(stats_mean_ns(&s), 42);
	assert_int_equal(stats_stddev_ns(&s), 0);
	assert_int_equal(stats_percentile_ns(&s, 0.001), 42);
	assert_int_equal(stats_percentile_ns(&s, 99), 42);
	stats_release(&s);
	assert_int_equal(s.count, 0);
}

static void mean_and_sample_deviation_of_a_textbook_set(void **state)
{
	static const int64_t ns[] = { 2000, 4000, 4000, 4000, 5000, 5000, 7000, 9000 };
	struct stats s;

	(void)state;
	stats_init(&s);
	add_all(&s, ns, ARRAY_SIZE(ns));
	assert_int_equal(stats_mean_ns(&s), 5000);
	assert_int_equal(stats_stddev_ns(&s), 2138); /* sqrt(32 / 7) * 1000 */
	assert_int_equal(s.min_ns, 2000);
	assert_int_equal(s.max_ns, 9000);
	stats_release(&s);
}

/* Where sums of squares would lose all digits: an hour, give or take 1 ns. */
static void the_deviation_survives_a_large_mean(void **state)
{
	const int64_t hour = 3600 * NS_PER_S;
	struct stats s;

	(void)state;
	stats_init(&s);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(stats_add(&s, hour + (i % 2 ? 100 : -100)), 0);
	assert_int_equal(stats_mean_ns(&s), hour);
	assert_int_equal(stats_stddev_ns(&s), 100);
	stats_release(&s);
}

static void percentiles_are_by_nearest_rank(void **state)
{
	static const int64_t ns[] = { 50, 15, 40, 20, 35 };
	static const struct {
		double percent;
		int64_t ns;
	} cases[] = {
		{ -1, 15 },   { 0, 15 },  { 5, 15 },   { 20, 15 },  { 20.1, 20 },
		{ 30, 20 },   { 40, 20 }, { 50, 35 },  { 60, 35 },  { 80, 40 },
		{ 80.5, 50 }, { 99, 50 }, { 100, 50 }, { 200, 50 },
	};
	struct stats s;

	(void)state;
	stats_init(&s);
	add_all(&s, ns, ARRAY_SIZE(ns));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(stats_percentile_ns(&s, cases[i].percent), cases[i].ns);
	stats_release(&s);
}

static void whole_percentiles_of_a_hundred_are_not_off_by_one(void **state)
{
	struct stats s;

	(void)state;
	stats_init(&s);
	for (int i = 100; i; i--)
		assert_int_equal(stats_add(&s, i), 0);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(stats_percentile_ns(&s, i), i);
	stats_release(&s);
}

static void samples_may_follow_a_percentile(void **state)
{
	struct stats s;

	(void)state;
	stats_init(&s);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(stats_add(&s, 1000 - i), 0);
		assert_int_equal(stats_percentile_ns(&s, 0.1), 1000 - i);
	}
	stats_release(&s);
}

static void beyond_the_limit_a_fair_choice_is_kept(void **state)
{
	enum { N = 200000 };
	struct stats s;

	(void)state;
	stats_init(&s);
	s.limit = 2000;
	for (int i = 1; i <= N; i++)
		assert_int_equal(stats_add(&s, i), 0);
	assert_int_equal(s.count, N);
	assert_int_equal(s.n_samples, 2000);
	assert_true(s.cap <= 4096);
	/* Of all samples, not of the kept ones. */
	assert_int_equal(s.min_ns, 1);
	assert_int_equal(s.max_ns, N);
	assert_int_equal(stats_mean_ns(&s), 100001); /* 100000.5 */
	assert_int_equal(stats_percentile_ns(&s, 0), 1);
	assert_int_equal(stats_percentile_ns(&s, 100), N);
	/* The deviation of a rank among 2000 is at most 1.1 %; four of them. */
	for (int p = 10; p <= 90; p += 10) {
		int64_t off = stats_percentile_ns(&s, p) - (int64_t)N * p / 100;

		assert_true(off < N * 45 / 1000 && off > -N * 45 / 1000);
	}
	stats_release(&s);
}

static void figures_go_on_when_nothing_can_be_kept(void **state)
{
	struct stats s;

	(void)state;
	stats_init(&s);
	s.limit = 0; /* as when the first allocation fails */
	assert_int_not_equal(stats_add(&s, 10), 0);
	assert_int_not_equal(stats_add(&s, 20), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(stats_mean_ns(&s), 15);
	assert_int_equal(stats_percentile_ns(&s, 50), 0);
	stats_release(&s);
}

static void the_histogram_counts_every_sample_between_its_ends(void **state)
{
	static const int64_t ns[] = { 1000, 2000, 9000, 11000, 99000, 500000, 1000000 };
	uint32_t counts[3];
	int64_t low, high;
	struct stats s;

	(void)state;
	stats_init(&s);
	add_all(&s, ns, ARRAY_SIZE(ns));
	stats_histogram(&s, 3, counts, &low, &high);
	assert_int_equal(low, 1000);
	assert_int_equal(high, 1000000);
	assert_int_equal(counts[0], 3);
	assert_int_equal(counts[1], 2);
	assert_int_equal(counts[2], 2);
	assert_int_equal(stats_bucket_ns(low, high, 3, 0), 1000);
	assert_int_equal(stats_bucket_ns(low, high, 3, 1), 10000);
	assert_int_equal(stats_bucket_ns(low, high, 3, 2), 100000);
	assert_int_equal(stats_bucket_ns(low, high, 3, 3), 1000000);
	stats_histogram(&s, 1, counts, &low, &high);
	assert_int_equal(counts[0], 7);
	stats_release(&s);
}

static void the_histogram_takes_equal_zero_and_negative_samples(void **state)
{
	static const int64_t odd[] = { -5, 0, 1, 8 };
	uint32_t counts[3];
	int64_t low, high;
	struct stats s;

	(void)state;
	stats_init(&s);
	for (int i = 0; i < 10; i++)
		assert_int_equal(stats_add(&s, 300), 0);
	stats_histogram(&s, 3, counts, &low, &high);
	assert_int_equal(low, 300);
	assert_int_equal(high, 300);
	assert_int_equal(counts[0], 10);
	assert_int_equal(counts[1] + counts[2], 0);
	assert_int_equal(stats_bucket_ns(low, high, 3, 1), 300);
	stats_release(&s);

	add_all(&s, odd, ARRAY_SIZE(odd));
	stats_histogram(&s, 3, counts, &low, &high);
	assert_int_equal(low, -5);
	assert_int_equal(high, 8);
	assert_int_equal(counts[0], 3);
	assert_int_equal(counts[2], 1);
	stats_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_samples_all_figures_are_zero),
		cmocka_unit_test(one_sample_is_every_figure_but_the_deviation),
		cmocka_unit_test(mean_and_sample_deviation_of_a_textbook_set),
		cmocka_unit_test(the_deviation_survives_a_large_mean),
		cmocka_unit_test(percentiles_are_by_nearest_rank),
		cmocka_unit_test(whole_percentiles_of_a_hundred_are_not_off_by_one),
		cmocka_unit_test(samples_may_follow_a_percentile),
		cmocka_unit_test(beyond_the_limit_a_fair_choice_is_kept),
		cmocka_unit_test(figures_go_on_when_nothing_can_be_kept),
		cmocka_unit_test(the_histogram_counts_every_sample_between_its_ends),
		cmocka_unit_test(the_histogram_takes_equal_zero_and_negative_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
