#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text.h"

/* Escape LEN bytes from memory of just that size, so that a read past the end shows. */
static struct buf escaped(const void *bytes, size_t len)
{
	struct buf b = BUF_INIT;
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	text_escape(&b, copy, len);
	free(copy);
	assert_false(b.failed);
	assert_int_equal(strlen(b.data), b.len);
	return b;
}

static void check_escape(const void *bytes, size_t len, const char *expected)
{
	struct buf b = escaped(bytes, len);

	assert_string_equal(b.data, expected);
	buf_release(&b);
}

#define CHECK(bytes, expected) check_escape(bytes, sizeof(bytes) - 1, expected)

static void plain_text_stays_as_it_is(void **state)
{
	char all[96];
	size_t n = 0;

	(void)state;
	for (char c = 0x20; c < 0x7f; c++)
		if (c != '\\')
			all[n++] = c;
	all[n] = '\0';
	check_escape(all, n, all);
	CHECK("", "");
	CHECK("Grüße, Ελλάδα, 日本, 🙂",
	      "Grüße, Ελλάδα, 日本, 🙂");
	/* Just outside what is escaped. */
	CHECK("\u00a0\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a\ufefe\uff00",
	      "\u00a0\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a\ufefe\uff00");
}

static void control_characters_are_escaped(void **state)
{
	(void)state;
	CHECK("a\nb\rc\td", "a\\nb\\rc\\td");
	CHECK("\0", "\\x00");
	CHECK("\033[2J", "\\x1b[2J");
	CHECK("\x7f", "\\x7f");
	CHECK("\x1f\x20", "\\x1f ");
	CHECK("\xc2\x80|\xc2\x9b|\xc2\x9f", "\\u0080|\\u009b|\\u009f");
}

static void a_backslash_is_doubled(void **state)
{
	(void)state;
	CHECK("\\", "\\\\");
	CHECK("\\x1b", "\\\\x1b");
	CHECK("C:\\n", "C:\\\\n");
}

static void direction_changes_and_separators_are_escaped(void **state)
{
	(void)state;
	CHECK("\u061c\u200e\u200f", "\\u061c\\u200e\\u200f");
	CHECK("\u202a\u202b\u202c\u202d\u202e", "\\u202a\\u202b\\u202c\\u202d\\u202e");
	CHECK("\u2066\u2067\u2068\u2069", "\\u2066\\u2067\\u2068\\u2069");
	CHECK("\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff");
	CHECK("user\u202egnp.exe", "user\\u202egnp.exe");
}

static void every_byte_of_an_invalid_sequence_is_escaped(void **state)
{
	(void)state;
	CHECK("\x80", "\\x80");
	CHECK("a\xff"
	      "b\xfe",
	      "a\\xffb\\xfe");
	/* Overlong slash in two, three and four bytes. */
	CHECK("\xc0\xaf", "\\xc0\\xaf");
	CHECK("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	CHECK("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	/* Surrogates, and above U+10FFFF. */
	CHECK("\xed\xa0\x80", "\\xed\\xa0\\x80");
	CHECK("\xed\xbf\xbf", "\\xed\\xbf\\xbf");
	CHECK("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	CHECK("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

static void a_sequence_that_is_cut_off_is_escaped(void **state)
{
	(void)state;
	CHECK("x\xc3", "x\\xc3");
	CHECK("\xe2\x82", "\\xe2\\x82");
	CHECK("\xf0\x9f\x99", "\\xf0\\x9f\\x99");
	/* What follows is read anew. */
	CHECK("\xe2\x82"
	      "A",
	      "\\xe2\\x82A");
	CHECK("\xe2\xc3\xa9", "\\xe2é");
	CHECK("\xf0\x9f\033", "\\xf0\\x9f\\x1b");
}

static void one_special_byte_is_found_wherever_it_stands(void **state)
{
	static const struct {
		char byte;
		const char *text;
	} specials[] = { { '\n', "\\n" },	 { '\\', "\\\\" },
			 { 0x7f, "\\x7f" },	 { 0x1f, "\\x1f" },
			 { 0x00, "\\x00" },	 { (char)0x80, "\\x80" },
			 { (char)0xff, "\\xff" } };

	(void)state;
	for (size_t len = 1; len < 40; len++)
		for (size_t at = 0; at < len; at++)
			for (size_t k = 0; k < ARRAY_SIZE(specials); k++) {
				struct buf expected = BUF_INIT;
				char in[40];

				memset(in, '~', len);
				in[at] = specials[k].byte;
				buf_fill(&expected, '~', at);
				buf_adds(&expected, specials[k].text);
				buf_fill(&expected, '~', len - at - 1);
				check_escape(in, len, expected.data);
				buf_release(&expected);
			}
}

static void text_is_appended_to_what_is_there(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_adds(&b, "banner: ");
	text_escape(&b, "a\nbc", 3);
	text_escape_str(&b, " \xc3\xa9\x01");
	assert_string_equal(b.data, "banner: a\\nb é\\x01");
	text_escape(&b, NULL, 0);
	assert_int_equal(b.len, strlen("banner: a\\nb é\\x01"));
	buf_release(&b);
}

static unsigned int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c);

	assert_true(c && at);
	return (unsigned int)(at - digits);
}

/* The way back, written from the header's table alone. */
static void unescape(struct buf *out, const char *s)
{
	for (; *s; s++) {
		uint32_t cp;

		if (*s != '\\') {
			buf_addc(out, *s);
			continue;
		}
		switch (*++s) {
		case 'n':
			buf_addc(out, '\n');
			break;
		case 'r':
			buf_addc(out, '\r');
			break;
		case 't':
			buf_addc(out, '\t');
			break;
		case '\\':
			buf_addc(out, '\\');
			break;
		case 'x':
			buf_addc(out, (char)(hex_value(s[1]) << 4 | hex_value(s[2])));
			s += 2;
			break;
		case 'u':
			cp = hex_value(s[1]) << 12 | hex_value(s[2]) << 8 |
			     hex_value(s[3]) << 4 | hex_value(s[4]);
			s += 4;
			if (cp >= 0x800) {
				buf_addc(out, (char)(0xe0 | cp >> 12));
				buf_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
			} else {
				buf_addc(out, (char)(0xc0 | cp >> 6));
			}
			buf_addc(out, (char)(0x80 | (cp & 0x3f)));
			break;
		default:
			fail_msg("unknown escape \\%c", *s);
		}
	}
}

/* Safe by the header's own words, and back to the same bytes. */
static void check_safe_and_reversible(const void *bytes, size_t len)
{
	struct buf b = escaped(bytes, len), back = BUF_INIT;

	for (size_t i = 0; i < b.len;) {
		uint32_t cp = 0;
		size_t n = text_utf8_decode((const unsigned char *)b.data + i, b.len - i,
					    &cp);

		assert_true(n > 0);
		assert_true(cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0));
		assert_true(cp != 0x61c && cp != 0x200e && cp != 0x200f && cp != 0xfeff);
		assert_false(cp >= 0x2028 && cp <= 0x202e);
		assert_false(cp >= 0x2066 && cp <= 0x2069);
		i += n;
	}
	unescape(&back, b.data);
	assert_int_equal(back.len, len);
	assert_memory_equal(back.data, bytes, len);
	buf_release(&b);
	buf_release(&back);
}

static void any_bytes_come_out_safe_and_can_be_restored(void **state)
{
	/* Bytes that make sequences, nearly make them, or are escapes themselves. */
	static const unsigned char pick[] = { 'a',  'n',  '\\', 'x',  'u',  '0',
					      0x1b, 0x7f, 0x80, 0x85, 0x9f, 0xa0,
					      0xae, 0xbf, 0xc0, 0xc2, 0xd8, 0xe0,
					      0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff };
	uint32_t random = 1;

	(void)state;
	for (unsigned int i = 0; i < 0x10000; i++) {
		unsigned char pair[2] = { (unsigned char)(i >> 8), (unsigned char)i };

		check_safe_and_reversible(pair, 2);
	}
	for (int i = 0; i < 20000; i++) {
		unsigned char bytes[32];
		size_t len;

		/* Numerical Recipes' generator: the same bytes every time. */
		random = random * 1664525 + 1013904223;
		len = (random >> 16) % (sizeof(bytes) + 1);
		for (size_t k = 0; k < len; k++) {
			random = random * 1664525 + 1013904223;
			bytes[k] = pick[(random >> 16) % ARRAY_SIZE(pick)];
		}
		check_safe_and_reversible(bytes, len);
	}
}

/* RFC 3629 3, the other way round. */
static size_t encode(uint32_t cp, unsigned char out[4])
{
	if (cp < 0x80) {
		out[0] = (unsigned char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (unsigned char)(0xc0 | cp >> 6);
		out[1] = (unsigned char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (unsigned char)(0xe0 | cp >> 12);
		out[1] = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (unsigned char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (unsigned char)(0xf0 | cp >> 18);
	out[1] = (unsigned char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (unsigned char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (unsigned char)(0x80 | (cp & 0x3f));
	return 4;
}

static void every_code_point_is_decoded_and_surrogates_are_not(void **state)
{
	(void)state;
	for (uint32_t cp = 0; cp < 0x110800; cp++) {
		bool valid = cp <= 0x10ffff && !(cp >= 0xd800 && cp <= 0xdfff);
		uint32_t got = 0xffffffff;
		unsigned char bytes[4];
		size_t len = encode(cp, bytes);

		if (text_utf8_decode(bytes, len, &got) != (valid ? len : 0) ||
		    got != (valid ? cp : 0xffffffff))
			fail_msg("U+%04X: U+%04X", (unsigned int)cp, (unsigned int)got);
		if (text_utf8_decode(bytes, len - 1, &got) != 0)
			fail_msg("U+%04X, cut off, was taken", (unsigned int)cp);
	}
}

static void decoding_looks_at_one_code_point_only(void **state)
{
	uint32_t cp = 0;

	(void)state;
	assert_int_equal(text_utf8_decode((const unsigned char *)"\xc3\xa9\xff", 3, &cp),
			 2);
	assert_int_equal(cp, 0xe9);
	assert_int_equal(text_utf8_decode((const unsigned char *)"\xff", 1, &cp), 0);
	assert_int_equal(cp, 0xe9);
}

static void columns_count_code_points(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("é"), 1);
	assert_int_equal(text_columns("日本x🙂"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays_as_it_is),
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(a_backslash_is_doubled),
		cmocka_unit_test(direction_changes_and_separators_are_escaped),
		cmocka_unit_test(every_byte_of_an_invalid_sequence_is_escaped),
		cmocka_unit_test(a_sequence_that_is_cut_off_is_escaped),
		cmocka_unit_test(one_special_byte_is_found_wherever_it_stands),
		cmocka_unit_test(text_is_appended_to_what_is_there),
		cmocka_unit_test(any_bytes_come_out_safe_and_can_be_restored),
		cmocka_unit_test(every_code_point_is_decoded_and_surrogates_are_not),
		cmocka_unit_test(decoding_looks_at_one_code_point_only),
		cmocka_unit_test(columns_count_code_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
