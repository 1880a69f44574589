#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"

static void a_new_buf_is_an_empty_string(void **state)
{
	struct buf by_macro = BUF_INIT, by_call;

	(void)state;
	buf_init(&by_call);
	assert_string_equal(by_macro.data, "");
	assert_string_equal(by_call.data, "");
	assert_int_equal(by_macro.len, 0);
	assert_int_equal(by_call.len, 0);
	assert_false(by_call.failed);
}

static void appends_follow_one_another_and_end_in_nul(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "port");
	buf_addc(&b, ' ');
	buf_addf(&b, "%u/%s", 53u, "udp");
	buf_fill(&b, '.', 3);
	buf_add(&b, "\0x", 2);
	assert_false(b.failed);
	assert_int_equal(b.len, 16);
	assert_memory_equal(b.data, "port 53/udp...\0x", 17);
	buf_release(&b);
}

static void nothing_can_be_appended_from_nowhere(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add(&b, NULL, 0);
	buf_fill(&b, 'x', 0);
	buf_adds(&b, "");
	buf_addf(&b, "%s", "");
	assert_false(b.failed);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void contents_survive_every_step_of_growth(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		buf_addc(&b, (char)('a' + i % 26));
		assert_int_equal(b.len, i + 1);
		assert_true(b.cap > b.len);
		assert_int_equal(b.data[b.len], '\0');
	}
	for (unsigned int i = 0; i < 5000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_release(&b);
}

static void formatted_text_of_any_length_fits(void **state)
{
	char digits[300];

	(void)state;
	memset(digits, '7', sizeof(digits));
	/* Around the first allocation and its doublings, from empty and from filled. */
	for (int n = 0; n < 300; n++) {
		struct buf b = BUF_INIT;

		buf_addf(&b, "%.*s", n, digits);
		assert_int_equal(b.len, n);
		buf_addf(&b, "<%.*s>", n, digits);
		assert_false(b.failed);
		assert_int_equal(b.len, 2 * n + 2);
		assert_int_equal(strlen(b.data), 2 * n + 2);
		assert_int_equal(b.data[n], '<');
		assert_int_equal(b.data[2 * n + 1], '>');
		buf_release(&b);
	}
}

static void a_write_past_the_limit_fails_and_stays_failed(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "kept");
	buf_fill(&b, 'x', BUF_MAX_BYTES - 3);
	assert_true(b.failed);
	buf_adds(&b, "more");
	buf_addf(&b, "%d", 1);
	buf_addc(&b, 'c');
	assert_true(b.failed);
	assert_int_equal(b.len, 4);
	assert_string_equal(b.data, "kept");
	buf_release(&b);
}

static void a_length_that_would_wrap_fails(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_addc(&b, 'x');
	buf_fill(&b, 'y', SIZE_MAX);
	assert_true(b.failed);
	assert_string_equal(b.data, "x");
	buf_release(&b);
}

static void clearing_forgets_the_failure_and_keeps_the_memory(void **state)
{
	struct buf b = BUF_INIT;
	size_t cap;

	(void)state;
	buf_adds(&b, "text");
	cap = b.cap;
	buf_fill(&b, 'x', SIZE_MAX);
	buf_clear(&b);
	assert_false(b.failed);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, cap);
	assert_string_equal(b.data, "");
	buf_adds(&b, "new");
	assert_string_equal(b.data, "new");
	buf_release(&b);
}

static void the_shared_empty_string_is_never_written(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_clear(&b);
	buf_truncate(&b, 0);
	buf_truncate(&b, 5);
	buf_consume(&b, 5);
	buf_fill(&b, 'x', SIZE_MAX);
	buf_clear(&b);
	assert_ptr_equal(b.data, buf_empty);
	assert_int_equal(buf_empty[0], '\0');
	assert_int_equal(b.len, 0);
}

static void consume_takes_from_the_front(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "abcdef");
	buf_consume(&b, 0);
	assert_string_equal(b.data, "abcdef");
	buf_consume(&b, 2);
	assert_string_equal(b.data, "cdef");
	assert_int_equal(b.len, 4);
	buf_consume(&b, 100);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_release(&b);
}

static void truncate_cuts_but_never_lengthens(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "abcdef");
	buf_truncate(&b, 7);
	assert_int_equal(b.len, 6);
	buf_truncate(&b, 6);
	assert_string_equal(b.data, "abcdef");
	buf_truncate(&b, 2);
	assert_string_equal(b.data, "ab");
	assert_int_equal(b.len, 2);
	buf_release(&b);
}

static void a_stolen_string_leaves_the_buf_empty(void **state)
{
	struct buf b = BUF_INIT;
	char *s;

	(void)state;
	buf_adds(&b, "mine");
	s = buf_steal(&b);
	assert_string_equal(s, "mine");
	assert_ptr_equal(b.data, buf_empty);
	assert_int_equal(b.len, 0);
	buf_adds(&b, "next");
	assert_string_equal(b.data, "next");
	assert_string_equal(s, "mine");
	free(s);
	buf_release(&b);
}

static void an_empty_buf_is_stolen_as_a_string_of_its_own(void **state)
{
	struct buf b = BUF_INIT;
	char *s = buf_steal(&b);

	(void)state;
	assert_non_null(s);
	assert_ptr_not_equal(s, buf_empty);
	assert_string_equal(s, "");
	free(s);
}

static void a_failed_buf_is_stolen_as_null_and_is_usable_again(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "lost");
	buf_fill(&b, 'x', SIZE_MAX);
	assert_null(buf_steal(&b));
	assert_false(b.failed);
	assert_ptr_equal(b.data, buf_empty);
	buf_adds(&b, "ok");
	assert_string_equal(b.data, "ok");
	buf_release(&b);
}

static void release_takes_null_and_can_come_twice(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_release(NULL);
	buf_adds(&b, "x");
	buf_release(&b);
	assert_ptr_equal(b.data, buf_empty);
	buf_release(&b);
	assert_int_equal(b.cap, 0);
}

static void counts_are_grouped_by_three_digits(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_add_grouped(&b, 0);
	buf_addc(&b, ' ');
	buf_add_grouped(&b, 999);
	buf_addc(&b, ' ');
	buf_add_grouped(&b, 1000);
	buf_addc(&b, ' ');
	buf_add_grouped(&b, 4294967296ULL);
	assert_string_equal(b.data, "0 999 1,000 4,294,967,296");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_buf_is_an_empty_string),
		cmocka_unit_test(appends_follow_one_another_and_end_in_nul),
		cmocka_unit_test(nothing_can_be_appended_from_nowhere),
		cmocka_unit_test(contents_survive_every_step_of_growth),
		cmocka_unit_test(formatted_text_of_any_length_fits),
		cmocka_unit_test(a_write_past_the_limit_fails_and_stays_failed),
		cmocka_unit_test(a_length_that_would_wrap_fails),
		cmocka_unit_test(clearing_forgets_the_failure_and_keeps_the_memory),
		cmocka_unit_test(the_shared_empty_string_is_never_written),
		cmocka_unit_test(consume_takes_from_the_front),
		cmocka_unit_test(truncate_cuts_but_never_lengthens),
		cmocka_unit_test(a_stolen_string_leaves_the_buf_empty),
		cmocka_unit_test(an_empty_buf_is_stolen_as_a_string_of_its_own),
		cmocka_unit_test(a_failed_buf_is_stolen_as_null_and_is_usable_again),
		cmocka_unit_test(release_takes_null_and_can_come_twice),
		cmocka_unit_test(counts_are_grouped_by_three_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
