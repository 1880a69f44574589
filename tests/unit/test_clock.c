#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"

#define US(n) ((int64_t)((n)*NS_PER_US))
#define S(n)  ((int64_t)((n)*NS_PER_S))

struct human_case {
	int64_t ns;
	const char *text;
};

static void check_human(const struct human_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char out[CLOCK_HUMAN_SIZE];

		clock_human(cases[i].ns, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
}

static void durations_have_three_digits_and_their_unit(void **state)
{
	static const struct human_case cases[] = {
		{ 0, "0.00 ms" },
		{ US(210), "0.21 ms" },
		{ US(1230), "1.23 ms" },
		{ US(12300), "12.3 ms" },
		{ US(123000), "123 ms" },
		{ US(1230000), "1.23 s" },
		{ US(3050000), "3.05 s" },
		{ US(12300000), "12.3 s" },
		{ S(60), "1 min 0 s" },
		{ S(125), "2 min 5 s" },
		{ S(3600), "1 h 0 min" },
		{ S(3900), "1 h 5 min" },
		{ S(100 * 3600), "100 h 0 min" },
	};

	(void)state;
	check_human(cases, ARRAY_SIZE(cases));
}

static void a_duration_that_rounds_up_takes_the_next_form(void **state)
{
	static const struct human_case cases[] = {
		{ US(4), "0.00 ms" },
		{ US(5), "0.01 ms" },
		{ US(994), "0.99 ms" },
		{ US(995), "1.00 ms" },
		{ US(9994), "9.99 ms" },
		{ US(9995), "10.0 ms" },
		{ US(99949), "99.9 ms" },
		{ US(99950), "100 ms" },
		{ US(999499), "999 ms" },
		{ US(999500), "1.00 s" },
		{ US(999600), "1.00 s" },
		{ US(9994999), "9.99 s" },
		{ US(9995000), "10.0 s" },
		{ US(59949999), "59.9 s" },
		{ US(59950000), "1 min 0 s" },
		{ US(119499999), "1 min 59 s" },
		{ US(119500000), "2 min 0 s" },
		{ US(3599499999), "59 min 59 s" },
		{ US(3599500000), "1 h 0 min" },
		{ S(3600 + 59 * 60 + 29), "1 h 59 min" },
		{ S(3600 + 59 * 60 + 30), "2 h 0 min" },
	};

	(void)state;
	check_human(cases, ARRAY_SIZE(cases));
}

static void the_ends_of_the_range_are_shown(void **state)
{
	static const struct human_case cases[] = {
		{ -1, "0.00 ms" },
		{ INT64_MIN, "0.00 ms" },
		{ INT64_MAX, "2562047 h 47 min" },
	};

	(void)state;
	check_human(cases, ARRAY_SIZE(cases));
}

static void a_short_output_is_cut_and_never_overrun(void **state)
{
	char out[8] = "#######";

	(void)state;
	clock_human(S(125), out, 0);
	assert_string_equal(out, "#######");
	clock_human(S(125), out, 1);
	assert_memory_equal(out, "\0######", 8);
	clock_human(S(125), out, 6);
	assert_memory_equal(out, "2 min\0#", 8);
}

static void wall_time_is_rfc3339_in_utc(void **state)
{
	static const struct human_case cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ S(951827696) + 123456789, "2000-02-29T12:34:56.123Z" },
		{ S(1769903999) + 999999999, "2026-01-31T23:59:59.999Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -S(1), "1969-12-31T23:59:59.000Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[CLOCK_RFC3339_SIZE];

		clock_rfc3339(cases[i].ns, out);
		assert_string_equal(out, cases[i].text);
	}
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
	struct timespec wait = { .tv_nsec = 2000000 };
	int64_t before = clock_now_ns();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_now_ns();

		assert_true(now >= before);
		before = now;
	}
	while (nanosleep(&wait, &wait))
		;
	assert_true(clock_now_ns() - before >= 2 * NS_PER_MS);
}

static void the_wall_clock_is_that_of_time(void **state)
{
	time_t before = time(NULL);
	int64_t wall = clock_wall_ns() / NS_PER_S;

	(void)state;
	/* time(2) may lag behind by a tick. */
	assert_true(wall >= before);
	assert_true(wall <= time(NULL) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_three_digits_and_their_unit),
		cmocka_unit_test(a_duration_that_rounds_up_takes_the_next_form),
		cmocka_unit_test(the_ends_of_the_range_are_shown),
		cmocka_unit_test(a_short_output_is_cut_and_never_overrun),
		cmocka_unit_test(wall_time_is_rfc3339_in_utc),
		cmocka_unit_test(the_monotonic_clock_does_not_go_back),
		cmocka_unit_test(the_wall_clock_is_that_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
