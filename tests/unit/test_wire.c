#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

static const uint8_t bytes[] = { 0x01, 0x82, 0x03, 0xf4, 0x05, 0x06, 0x07, 0x08 };

static void numbers_are_big_endian(void **state)
{
	struct wire w = wire_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(wire_u8(&w), 0x01);
	assert_int_equal(wire_u16(&w), 0x8203);
	assert_int_equal(wire_u32(&w), 0xf4050607);
	assert_int_equal(wire_left(&w), 1);
	assert_int_equal(wire_u8(&w), 0x08);
	assert_int_equal(wire_left(&w), 0);
	assert_false(w.bad);
}

static void a_high_bit_does_not_become_a_sign(void **state)
{
	static const uint8_t ones[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct wire w = wire_of(ones, sizeof(ones));

	(void)state;
	assert_true(wire_u8(&w) == 255);
	assert_true(wire_u16(&w) == 65535);
	assert_true(wire_u32(&w) == 4294967295u);
}

static void a_read_past_the_end_is_bad_and_gives_zero(void **state)
{
	(void)state;
	for (size_t len = 0; len < 4; len++) {
		struct wire w = wire_of(bytes, len);

		assert_int_equal(wire_u32(&w), 0);
		assert_true(w.bad);
	}
	for (size_t len = 0; len < 2; len++) {
		struct wire w = wire_of(bytes, len);

		assert_int_equal(wire_u16(&w), 0);
		assert_true(w.bad);
	}
}

static void what_is_bad_stays_bad_even_for_a_shorter_read(void **state)
{
	struct wire w = wire_of(bytes, 3);

	(void)state;
	assert_int_equal(wire_u32(&w), 0);
	assert_int_equal(wire_left(&w), 0);
	assert_int_equal(wire_u8(&w), 0);
	assert_int_equal(wire_u16(&w), 0);
	assert_null(wire_bytes(&w, 1));
	wire_skip(&w, 0);
	assert_true(w.bad);
	assert_ptr_equal(w.at, bytes);
}

static void bytes_are_lent_in_place(void **state)
{
	struct wire w = wire_of(bytes, sizeof(bytes));

	(void)state;
	assert_ptr_equal(wire_bytes(&w, 3), bytes);
	assert_ptr_equal(wire_bytes(&w, 0), bytes + 3);
	assert_ptr_equal(wire_bytes(&w, 5), bytes + 3);
	assert_false(w.bad);
	assert_null(wire_bytes(&w, 1));
	assert_true(w.bad);
}

static void a_length_from_the_wire_can_not_wrap(void **state)
{
	struct wire w = wire_of(bytes, sizeof(bytes));

	(void)state;
	wire_skip(&w, 1);
	assert_null(wire_bytes(&w, SIZE_MAX));
	assert_true(w.bad);
	assert_ptr_equal(w.at, bytes + 1);
}

static void skipping_to_the_end_is_good_and_one_further_bad(void **state)
{
	struct wire w = wire_of(bytes, sizeof(bytes));

	(void)state;
	wire_skip(&w, 2);
	assert_int_equal(wire_u16(&w), 0x03f4);
	wire_skip(&w, 4);
	assert_false(w.bad);
	wire_skip(&w, 1);
	assert_true(w.bad);
}

static void an_empty_packet_has_nothing(void **state)
{
	struct wire w = wire_of(bytes, 0);

	(void)state;
	assert_int_equal(wire_left(&w), 0);
	assert_false(w.bad);
	assert_int_equal(wire_u8(&w), 0);
	assert_true(w.bad);
}

static void what_is_written_is_read_back(void **state)
{
	uint8_t out[8] = { [6] = 0xaa, [7] = 0xbb };
	struct wire w = wire_of(out, sizeof(out));

	(void)state;
	wire_put_u16(out, 0xfedc);
	wire_put_u32(out + 2, 0x98765432);
	assert_memory_equal(out, "\xfe\xdc\x98\x76\x54\x32\xaa\xbb", 8);
	assert_int_equal(wire_u16(&w), 0xfedc);
	assert_int_equal(wire_u32(&w), 0x98765432);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(a_high_bit_does_not_become_a_sign),
		cmocka_unit_test(a_read_past_the_end_is_bad_and_gives_zero),
		cmocka_unit_test(what_is_bad_stays_bad_even_for_a_shorter_read),
		cmocka_unit_test(bytes_are_lent_in_place),
		cmocka_unit_test(a_length_from_the_wire_can_not_wrap),
		cmocka_unit_test(skipping_to_the_end_is_good_and_one_further_bad),
		cmocka_unit_test(an_empty_packet_has_nothing),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
