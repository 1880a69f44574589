#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parse.h"

/* What no test expects as a result: the mark of an output that was left alone. */
#define UNTOUCHED 424242

static void check_bad_u64(const char *s, uint64_t min, uint64_t max, int err)
{
	uint64_t n = UNTOUCHED;

	assert_int_equal(parse_u64(s, min, max, &n), err);
	assert_int_equal(n, UNTOUCHED);
}

static void check_u64(const char *s, uint64_t min, uint64_t max, uint64_t expected)
{
	uint64_t n = UNTOUCHED;

	assert_int_equal(parse_u64(s, min, max, &n), 0);
	assert_int_equal(n, expected);
}

static void decimal_numbers_are_read_whole(void **state)
{
	(void)state;
	check_u64("0", 0, 10, 0);
	check_u64("65535", 1, 65535, 65535);
	check_u64("1", 1, 1, 1);
	check_u64("0080", 0, 100, 80);
	check_u64("18446744073709551615", 0, UINT64_MAX, UINT64_MAX);
	check_u64("00000000000000000000000000000007", 0, 9, 7);
}

static void what_is_not_only_digits_is_refused(void **state)
{
	static const char *const bad[] = { "",	   " 1",  "1 ",	 "+1",	"-1",
					   "0x10", "1e3", "1.0", "80-", "a",
					   "\t1",  "1\n", "１",	 "-0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_bad_u64(bad[i], 0, UINT64_MAX, -EINVAL);
}

static void a_number_out_of_bounds_is_a_range_error(void **state)
{
	(void)state;
	check_bad_u64("0", 1, 65535, -ERANGE);
	check_bad_u64("65536", 1, 65535, -ERANGE);
	check_bad_u64("70000", 1, 65535, -ERANGE);
	check_bad_u64("18446744073709551616", 0, UINT64_MAX, -ERANGE);
	check_bad_u64("18446744073709551620", 0, UINT64_MAX, -ERANGE);
	/* Modulo 2^64 this would be 5. */
	check_bad_u64("18446744073709551621", 0, UINT64_MAX, -ERANGE);
	check_bad_u64("99999999999999999999999999999999", 0, UINT64_MAX, -ERANGE);
}

static void a_huge_number_with_text_behind_it_is_no_number(void **state)
{
	(void)state;
	check_bad_u64("99999999999999999999999x", 0, UINT64_MAX, -EINVAL);
}

static void a_part_of_a_string_needs_no_nul(void **state)
{
	static const char digits[4] = { '8', '0', '8', '0' };
	uint64_t n = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_u64_n(digits, 4, 0, 9999, &n), 0);
	assert_int_equal(n, 8080);
	assert_int_equal(parse_u64_n(digits, 2, 0, 9999, &n), 0);
	assert_int_equal(n, 80);
	n = UNTOUCHED;
	assert_int_equal(parse_u64_n(digits, 0, 0, 9999, &n), -EINVAL);
	assert_int_equal(parse_u64_n("1\0"
				     "2",
				     3, 0, 9999, &n),
			 -EINVAL);
	assert_int_equal(n, UNTOUCHED);
}

struct duration_case {
	const char *text;
	int64_t ns;
};

static void durations_are_read_in_every_unit(void **state)
{
	static const struct duration_case cases[] = {
		{ "3", 3 * NS_PER_S },
		{ "3s", 3 * NS_PER_S },
		{ "0", 0 },
		{ "0ms", 0 },
		{ "250ms", 250 * NS_PER_MS },
		{ "7us", 7 * NS_PER_US },
		{ "9ns", 9 },
		{ "2m", 120 * NS_PER_S },
		{ "2min", 120 * NS_PER_S },
		{ "1h", 3600 * NS_PER_S },
		{ "1d", 86400 * NS_PER_S },
		{ "365d", 365 * 86400 * NS_PER_S },
		{ "31536000", 365 * 86400 * NS_PER_S },
		{ "31536000000000000ns", 365 * 86400 * NS_PER_S },
		{ "007s", 7 * NS_PER_S },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = UNTOUCHED;

		assert_int_equal(parse_duration_ns(cases[i].text, &ns), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void fractions_are_exact_to_the_nanosecond(void **state)
{
	static const struct duration_case cases[] = {
		{ "0.5", 500 * NS_PER_MS },
		{ "1.5m", 90 * NS_PER_S },
		{ "0.1", 100000000 },
		/* What a double can't hold. */
		{ "4503599.627370497", 4503599627370497 },
		{ "0.000000001", 1 },
		{ "0.001ms", 1000 },
		{ "0.25us", 250 },
		{ "1.000000001h", 3600000003600 },
		{ "0.33333333333333333333333333333333333333d", 28799999999999 },
		{ "2.0000000000000000000000000000000000000", 2 * NS_PER_S },
		/* Finer than a nanosecond: cut off. */
		{ "0.9999999999", 999999999 },
		{ "0.9ns", 0 },
		{ "364.999999999999999999d", 365 * 86400 * NS_PER_S - 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = UNTOUCHED;

		assert_int_equal(parse_duration_ns(cases[i].text, &ns), 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

static void check_bad_duration(const char *s, int err)
{
	int64_t ns = UNTOUCHED;

	assert_int_equal(parse_duration_ns(s, &ns), err);
	assert_int_equal(ns, UNTOUCHED);
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = { "",	   "s",	  ".",	 ".5",	"5.",	 "5.s",
					   "-1",   "+1",  " 1",	 "1 ",	"1 s",	 "1S",
					   "1sec", "1ss", "1MS", "1e3", "1.2.3", "inf",
					   "nan",  "0x1", "1,5", "1y",	"1h30m" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_bad_duration(bad[i], -EINVAL);
}

static void more_than_a_year_is_out_of_range(void **state)
{
	static const char *const long_ones[] = {
		"366d",
		"365.00000000000002d",
		"31536000.000000001",
		"31536000000000001ns",
		"8761h",
		"9223372036854775808ns",
		"18446744073709551616",
		"18446744073709551617d",
		"999999999999999999999999999999999999.5m",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(long_ones); i++)
		check_bad_duration(long_ones[i], -ERANGE);
}

static void a_huge_duration_in_no_unit_is_no_duration(void **state)
{
	(void)state;
	check_bad_duration("99999999999999999999999999parsecs", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimal_numbers_are_read_whole),
		cmocka_unit_test(what_is_not_only_digits_is_refused),
		cmocka_unit_test(a_number_out_of_bounds_is_a_range_error),
		cmocka_unit_test(a_huge_number_with_text_behind_it_is_no_number),
		cmocka_unit_test(a_part_of_a_string_needs_no_nul),
		cmocka_unit_test(durations_are_read_in_every_unit),
		cmocka_unit_test(fractions_are_exact_to_the_nanosecond),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(more_than_a_year_is_out_of_range),
		cmocka_unit_test(a_huge_duration_in_no_unit_is_no_duration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
