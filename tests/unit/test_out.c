#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "out_demo.h"
#include "out_private.h"

#define HEAD	"{\"tool\":\"demo\",\"version\":\"" PK_VERSION "\","
#define HEAD_AT HEAD "\"time\":\"2026-01-31T23:59:59.123Z\","

static void a_new_record_is_all_null(void **state)
{
	struct out_record r;

	(void)state;
	out_record_init(&r, &schema, WHEN_NS);
	for (size_t i = 0; i < N_COLUMNS; i++)
		assert_false(out_is_set(&r, i));
	assert_null(out_get_string(&r, TARGET));
	assert_int_equal(out_get_integer(&r, PORT), 0);
	assert_true(out_get_number(&r, RTT_MS) == 0);
	assert_false(out_get_bool(&r, OPEN));
	out_record_release(&r);
}

static void what_is_set_can_be_got_and_cleared(void **state)
{
	struct out_record r;

	(void)state;
	out_record_init(&r, &schema, WHEN_NS);
	out_set_string(&r, TARGET, "a");
	out_set_string(&r, BANNER, "first");
	out_set_string(&r, BANNER, "a much longer second one that makes the memory move");
	out_set_integer(&r, PORT, INT64_MIN);
	out_set_number(&r, RTT_MS, 1.5);
	out_set_bool(&r, OPEN, true);
	assert_string_equal(out_get_string(&r, TARGET), "a");
	assert_memory_equal(out_get_string(&r, BANNER), "a much", 6);
	assert_true(out_get_integer(&r, PORT) == INT64_MIN);
	assert_true(out_get_number(&r, RTT_MS) == 1.5);
	assert_true(out_get_bool(&r, OPEN));
	out_record_clear(&r, 7);
	assert_true(r.wall_ns == 7);
	for (size_t i = 0; i < N_COLUMNS; i++)
		assert_false(out_is_set(&r, i));
	out_record_release(&r);
	out_record_release(&r);
	out_record_release(NULL);
}

static void strings_from_outside_are_escaped_when_set(void **state)
{
	struct out_record r;

	(void)state;
	out_record_init(&r, &schema, WHEN_NS);
	out_set_bytes(&r, BANNER, "a\0\x1b[31m\n\xff\x7f\\\xc2\x85\xe2\x80\xae", 16);
	assert_string_equal(out_get_string(&r, BANNER),
			    "a\\x00\\x1b[31m\\n\\xff\\x7f\\\\\\u0085\\u202e");
	out_set_bytes(&r, BANNER, NULL, 0);
	assert_string_equal(out_get_string(&r, BANNER), "");
	out_record_release(&r);
}

static void a_null_string_and_a_number_that_is_none_are_null(void **state)
{
	struct out_record r;

	(void)state;
	out_record_init(&r, &schema, WHEN_NS);
	out_set_string(&r, BANNER, "x");
	out_set_string(&r, BANNER, NULL);
	assert_false(out_is_set(&r, BANNER));
	out_set_number(&r, RTT_MS, 1);
	out_set_number(&r, RTT_MS, NAN);
	assert_false(out_is_set(&r, RTT_MS));
	out_set_number(&r, RTT_MS, -INFINITY);
	assert_false(out_is_set(&r, RTT_MS));
	out_record_release(&r);
}

static void json_has_all_keys_in_order_and_null_for_unknown(void **state)
{
	struct out o;
	struct out_record r;

	(void)state;
	open_out(&o, OUT_JSON, NULL, &r);
	out_record(&o, &r);
	fill(&r, "::1", 65535, 0.25);
	out_set_bool(&r, OPEN, false);
	out_set_string(&r, BANNER, "");
	out_record(&o, &r);
	assert_string_equal(written(&o), HEAD_AT
			    "\"target\":null,\"port\":null,\"rtt_ms\":null,\"open\":null,"
			    "\"banner\":null}\n" HEAD_AT
			    "\"target\":\"::1\",\"port\":65535,\"rtt_ms\":0.250,"
			    "\"open\":false,\"banner\":\"\"}\n");
	close_out(&o, &r);
}

static void json_of_any_bytes_reads_back_as_what_was_set(void **state)
{
	unsigned char bytes[256 + 8];
	struct out o;
	struct out_record r;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	memcpy(bytes + 256, "\xc3\xa4\"/\\\xe2\x82\xac", 8);
	open_out(&o, OUT_JSON, NULL, &r);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		const char *got;
		json_t *json;

		buf_clear(&o.pending);
		out_record_clear(&r, WHEN_NS);
		out_set_bytes(&r, BANNER, bytes + sizeof(bytes) - n, n);
		out_record(&o, &r);
		json = json_loads(written(&o), JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		got = json_string_value(json_object_get(json, "banner"));
		assert_string_equal(got, out_get_string(&r, BANNER));
		json_decref(json);
		for (const char *s = written(&o); *s && s[1]; s++)
			assert_true((unsigned char)*s >= 0x20 && *s != 0x7f);
	}
	close_out(&o, &r);
}

static void json_keys_are_those_of_the_records_own_schema(void **state)
{
	struct out o;
	struct out_record r, other;

	(void)state;
	open_out(&o, OUT_JSON, NULL, &r);
	out_record_init(&other, &other_schema, 0);
	out_set_integer(&other, 0, -3);
	out_record(&o, &other);
	assert_string_equal(written(&o),
			    HEAD "\"time\":\"1970-01-01T00:00:00.000Z\",\"sent\":-3}\n");
	out_record_release(&other);
	close_out(&o, &r);
}

static void fixed_numbers_have_exactly_their_decimals(void **state)
{
	static const struct {
		double n;
		unsigned int decimals;
		const char *text;
	} cases[] = {
		{ 0, 0, "0" },
		{ 0, 3, "0.000" },
		{ -0.0, 3, "0.000" },
		{ -0.0004, 3, "0.000" },
		{ -0.0006, 3, "-0.001" },
		{ 1.23, 3, "1.230" },
		{ 0.1 + 0.2, 3, "0.300" },
		{ 1.0005, 3, "1.000" }, /* 1.000499999999999989... */
		{ 0.9996, 3, "1.000" },
		{ 9.9999, 3, "10.000" },
		{ 12345.678, 3, "12345.678" },
		{ 2.5, 0, "3" },
		{ -7.25, 1, "-7.3" },
		{ 0.000000001, 9, "0.000000001" },
		{ 123456789.123456789, 9, "123456789.123456791" },
		{ 9007199254740993.0, 3, "9007199254740992.000" },
		{ 1e18, 1, "1000000000000000000.0" },
		{ -1e22, 2, "-10000000000000000000000.00" },
		{ 1e22, 0, "10000000000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = BUF_INIT;

		out_add_fixed(&b, cases[i].n, cases[i].decimals);
		assert_string_equal(b.data, cases[i].text);
		buf_release(&b);
	}
}

static void every_thousandth_prints_as_itself(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int64_t ns = 0; ns < 3000000000; ns += 1000 * 977) {
		char want[32];

		buf_clear(&b);
		out_add_fixed(&b, ns_to_ms(ns), 3);
		snprintf(want, sizeof(want), "%lld.%03lld", (long long)(ns / NS_PER_MS),
			 (long long)(ns / NS_PER_US % 1000));
		assert_string_equal(b.data, want);
	}
	buf_release(&b);
}

static void integers_print_from_end_to_end(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	out_add_integer(&b, INT64_MIN);
	buf_addc(&b, ' ');
	out_add_integer(&b, INT64_MAX);
	buf_addc(&b, ' ');
	out_add_integer(&b, 0);
	assert_string_equal(b.data, "-9223372036854775808 9223372036854775807 0");
	buf_release(&b);
}

static void short_numbers_have_no_zeros_at_the_end_and_no_exponent(void **state)
{
	static const struct {
		double n;
		unsigned int decimals;
		const char *text;
	} cases[] = {
		{ 0.1, 9, "0.1" },
		{ 12.345 * 0.001, 9, "0.012345" },
		{ 1, 9, "1" },
		{ 100, 0, "100" },
		{ 100, 3, "100" },
		{ -0.0, 6, "0" },
		{ 0.00000001, 9, "0.00000001" },
		{ 0.0000000001, 9, "0" },
		{ -1e22, 6, "-10000000000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf b = BUF_INIT;

		out_add_short(&b, cases[i].n, cases[i].decimals);
		assert_string_equal(b.data, cases[i].text);
		buf_release(&b);
	}
}

static void a_flush_writes_each_record_once(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_JSON, &other_schema, NULL, p.fds[1]), 0);
	out_record_init(&r, &other_schema, WHEN_NS);
	out_record(&o, &r);
	assert_string_equal(reader_get(&p), "");
	assert_int_equal(out_flush(&o), 0);
	assert_string_equal(reader_get(&p), HEAD_AT "\"sent\":null}\n");
	assert_int_equal(out_flush(&o), 0);
	assert_int_equal(out_finish(&o), 0);
	assert_string_equal(reader_get(&p), "");
	close_out(&o, &r);
	reader_close(&p);
}

static void text_goes_through_as_it_is_and_records_do_not(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_TEXT, NULL, NULL, p.fds[1]), 0);
	out_record_init(&r, &schema, WHEN_NS);
	out_record(&o, &r);
	out_text(&o, "\033[32mopen\033[0m 100%s\n");
	out_textf(&o, "%s:%u\n", "::1", 80U);
	o.format = OUT_NAGIOS;
	out_record(&o, &r);
	assert_int_equal(out_finish(&o), 0);
	assert_string_equal(reader_get(&p), "\033[32mopen\033[0m 100%s\n::1:80\n");
	close_out(&o, &r);
	reader_close(&p);
}

static void a_reader_that_went_away_ends_it_quietly(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	close(p.fds[0]);
	assert_int_equal(out_open(&o, OUT_JSON, &schema, NULL, p.fds[1]), 0);
	out_record_init(&r, &schema, WHEN_NS);
	assert_int_equal(out_flush(&o), 0); /* nothing to write yet, nothing to notice */
	out_record(&o, &r);
	assert_int_equal(out_flush(&o), -EPIPE);
	assert_true(o.closed);
	assert_int_equal(o.error, 0);
	out_record(&o, &r);
	out_text(&o, "more");
	out_textf(&o, "more");
	assert_int_equal(o.pending.len, 0);
	assert_int_equal(out_flush(&o), -EPIPE);
	assert_int_equal(out_finish(&o), -EPIPE);
	close_out(&o, &r);
	close(p.fds[1]);
}

static void the_first_write_error_is_kept(void **state)
{
	struct out o;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(out_open(&o, OUT_TEXT, NULL, NULL, fd), 0);
	out_text(&o, "x");
	assert_int_equal(out_flush(&o), -ENOSPC);
	close(fd);
	out_text(&o, "y");
	assert_int_equal(out_flush(&o), -ENOSPC);
	assert_int_equal(out_finish(&o), -ENOSPC);
	assert_int_equal(o.error, -ENOSPC);
	assert_false(o.closed);
	out_release(&o);
	out_release(&o);
	out_release(NULL);
}

static void missing_memory_is_an_error_and_not_half_a_record(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_JSON, &schema, NULL, p.fds[1]), 0);
	out_record_init(&r, &schema, WHEN_NS);
	r.strings.failed = true; /* as buf.h has it after a refused append */
	out_set_string(&r, BANNER, "lost");
	assert_false(out_is_set(&r, BANNER));
	out_record(&o, &r);
	assert_int_equal(out_flush(&o), -ENOMEM);
	out_release(&o);

	assert_int_equal(out_open(&o, OUT_TEXT, NULL, NULL, p.fds[1]), 0);
	out_text(&o, "half a ");
	o.pending.failed = true;
	assert_int_equal(out_finish(&o), -ENOMEM);
	assert_string_equal(reader_get(&p), "");
	close_out(&o, &r);
	reader_close(&p);
}

static void tables_that_break_the_rules_are_refused(void **state)
{
	static const struct out_column deep[] = { { "n", OUT_NUMBER, 10 } };
	static const struct out_schema deep_schema = { "demo", deep, 1 };
	static const struct out_schema wide_schema = { "demo", columns,
						       OUT_MAX_COLUMNS + 1 };
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, OUT_JSON, NULL, NULL, 1), -EINVAL);
	out_release(&o);
	assert_int_equal(out_open(&o, OUT_JSON, &deep_schema, NULL, 1), -EINVAL);
	assert_int_equal(out_open(&o, OUT_CSV, &wide_schema, NULL, 1), -EINVAL);
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &schema, NULL, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_record_is_all_null),
		cmocka_unit_test(what_is_set_can_be_got_and_cleared),
		cmocka_unit_test(strings_from_outside_are_escaped_when_set),
		cmocka_unit_test(a_null_string_and_a_number_that_is_none_are_null),
		cmocka_unit_test(json_has_all_keys_in_order_and_null_for_unknown),
		cmocka_unit_test(json_of_any_bytes_reads_back_as_what_was_set),
		cmocka_unit_test(json_keys_are_those_of_the_records_own_schema),
		cmocka_unit_test(fixed_numbers_have_exactly_their_decimals),
		cmocka_unit_test(every_thousandth_prints_as_itself),
		cmocka_unit_test(integers_print_from_end_to_end),
		cmocka_unit_test(short_numbers_have_no_zeros_at_the_end_and_no_exponent),
		cmocka_unit_test(a_flush_writes_each_record_once),
		cmocka_unit_test(text_goes_through_as_it_is_and_records_do_not),
		cmocka_unit_test(a_reader_that_went_away_ends_it_quietly),
		cmocka_unit_test(the_first_write_error_is_kept),
		cmocka_unit_test(missing_memory_is_an_error_and_not_half_a_record),
		cmocka_unit_test(tables_that_break_the_rules_are_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
