#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "out_demo.h"
#include "out_tree.h"
#include "text.h"

enum tree_column { NAME, HOPS, LAST, N_TREE_COLUMNS };

static const struct out_column tree_columns[N_TREE_COLUMNS] = {
	[NAME] = { "name", OUT_STRING, 0 },
	[HOPS] = { "hops", OUT_TREE, 0 },
	[LAST] = { "last", OUT_TREE, 0 },
};
static const struct out_schema tree_schema = { "demo", tree_columns, N_TREE_COLUMNS };

#define HEAD "{\"tool\":\"demo\",\"version\":\"" PK_VERSION "\","
#define AT   "\"time\":\"2026-01-31T23:59:59.123Z\","

/* Every kind of string that might break a terminal or a format. */
static const char *const hostile[] = {
	"",
	"plain",
	"\"",
	"\\",
	"\\\"",
	"\\n",
	"a\nb\r\tc",
	"\x01\x1b[31m\x7f",
	"\xc2\x85\xc2\x9b",				/* C1 */
	"\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f", /* bidi */
	"\xe2\x80\xa8\xef\xbb\xbf",			/* separator, BOM */
	"\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xc3", /* no UTF-8 */
	"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\xa5",
	"</script>&'",
	":",
};

/* The tree's text as a reader of JSON sees it; the caller gives it back. */
static json_t *read_json(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!json)
		fail_msg("%s in: %s", error.text, text);
	return json;
}

/* Valid UTF-8 of which nothing reaches a terminal as a control. */
static void assert_printable(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = strlen(s);

	while (len) {
		uint32_t cp = 0;
		size_t n = text_utf8_decode(u, len, &cp);

		assert_true(n > 0);
		assert_true(cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0));
		assert_true(!(cp >= 0x2028 && cp <= 0x202e));
		assert_true(!(cp >= 0x2066 && cp <= 0x2069));
		assert_true(cp != 0x061c && cp != 0x200e && cp != 0x200f && cp != 0xfeff);
		u += n;
		len -= n;
	}
}

static void a_tree_is_json_text_with_commas_where_they_belong(void **state)
{
	struct out_tree t = OUT_TREE_INIT;

	(void)state;
	out_tree_array(&t);
	out_tree_object(&t);
	out_tree_key(&t, "hop");
	out_tree_integer(&t, 1);
	out_tree_key(&t, "seen");
	out_tree_array(&t);
	out_tree_bool(&t, true);
	out_tree_bool(&t, false);
	out_tree_end(&t);
	out_tree_key(&t, "rtt_ms");
	out_tree_number(&t, 1.5, 3);
	out_tree_end(&t);
	out_tree_object(&t);
	out_tree_key(&t, "inner");
	out_tree_object(&t);
	out_tree_key(&t, "kind");
	out_tree_string(&t, "syn");
	out_tree_end(&t);
	out_tree_end(&t);
	out_tree_null(&t);
	out_tree_array(&t);
	out_tree_end(&t);
	out_tree_end(&t);
	assert_string_equal(t.json.data,
			    "[{\"hop\":1,\"seen\":[true,false],\"rtt_ms\":1.500},"
			    "{\"inner\":{\"kind\":\"syn\"}},null,[]]");
	json_decref(read_json(t.json.data));
	out_tree_release(&t);
	out_tree_release(&t);
	out_tree_release(NULL);
}

static void empty_arrays_and_objects_are_values(void **state)
{
	struct out_tree t = OUT_TREE_INIT;

	(void)state;
	out_tree_array(&t);
	out_tree_end(&t);
	assert_string_equal(t.json.data, "[]");
	out_tree_clear(&t);
	out_tree_object(&t);
	out_tree_end(&t);
	assert_string_equal(t.json.data, "{}");
	out_tree_clear(&t);
	out_tree_object(&t);
	out_tree_key(&t, "a");
	out_tree_array(&t);
	out_tree_end(&t);
	out_tree_key(&t, "b");
	out_tree_object(&t);
	out_tree_end(&t);
	out_tree_end(&t);
	assert_string_equal(t.json.data, "{\"a\":[],\"b\":{}}");
	out_tree_release(&t);
}

static void levels_nest_as_deep_as_promised(void **state)
{
	struct out_tree t = OUT_TREE_INIT;

	(void)state;
	for (unsigned int i = 0; i < OUT_TREE_MAX_DEPTH; i++) {
		if (i % 2) {
			out_tree_object(&t);
			out_tree_key(&t, "k");
		} else {
			out_tree_array(&t);
		}
	}
	out_tree_integer(&t, 8);
	for (unsigned int i = 0; i < OUT_TREE_MAX_DEPTH; i++)
		out_tree_end(&t);
	assert_string_equal(t.json.data, "[{\"k\":[{\"k\":[{\"k\":[{\"k\":8}]}]}]}]");
	out_tree_release(&t);
}

static void numbers_are_written_as_records_write_them(void **state)
{
	struct out_tree t = OUT_TREE_INIT;

	(void)state;
	out_tree_array(&t);
	out_tree_integer(&t, INT64_MIN);
	out_tree_integer(&t, INT64_MAX);
	out_tree_number(&t, -0.0, 3);
	out_tree_number(&t, 0.1 + 0.2, 3);
	out_tree_number(&t, 2.5, 0);
	out_tree_number(&t, 1e22, 1);
	out_tree_number(&t, NAN, 3);
	out_tree_number(&t, -INFINITY, 3);
	out_tree_end(&t);
	assert_string_equal(t.json.data,
			    "[-9223372036854775808,9223372036854775807,0.000,0.300,3,"
			    "10000000000000000000000.0,null,null]");
	out_tree_release(&t);
}

static void strings_are_escaped_as_those_of_records_are(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct out_record r;

	(void)state;
	out_record_init(&r, &tree_schema, WHEN_NS);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		json_t *json;

		out_tree_clear(&t);
		out_tree_array(&t);
		out_tree_string(&t, hostile[i]);
		out_tree_string(&t, NULL);
		out_tree_end(&t);
		assert_printable(t.json.data);
		json = read_json(t.json.data);
		out_set_string(&r, NAME, hostile[i]);
		assert_string_equal(json_string_value(json_array_get(json, 0)),
				    out_get_string(&r, NAME));
		assert_true(json_is_null(json_array_get(json, 1)));
		assert_int_equal(json_array_size(json), 2);
		json_decref(json);
	}
	out_record_release(&r);
	out_tree_release(&t);
}

static void words_keep_their_backslashes_and_nothing_else_that_is_unsafe(void **state)
{
	static const struct {
		const char *set, *got;
	} cases[] = {
		{ "", "" },
		{ "it said \\x1b[31m\\\\ \\u202e", "it said \\x1b[31m\\\\ \\u202e" },
		{ "portblock 'it'\\''s'", "portblock 'it'\\''s'" },
		{ "\\", "\\" },
		{ "\\\n\\", "\\\\n\\" },
		{ "a\x1b\x7f\"\xe2\x80\xae\xff\\\xff",
		  "a\\x1b\\x7f\"\\u202e\\xff\\\\xff" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	};
	struct out_tree t = OUT_TREE_INIT;
	struct out_record r;

	(void)state;
	out_record_init(&r, &tree_schema, WHEN_NS);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *json;

		out_tree_clear(&t);
		out_tree_text(&t, cases[i].set);
		json = read_json(t.json.data);
		assert_string_equal(json_string_value(json), cases[i].got);
		json_decref(json);
		out_set_text(&r, NAME, cases[i].set);
		assert_string_equal(out_get_string(&r, NAME), cases[i].got);
	}
	out_set_text(&r, NAME, NULL);
	assert_false(out_is_set(&r, NAME));
	out_tree_clear(&t);
	out_tree_text(&t, NULL);
	assert_string_equal(t.json.data, "null");
	out_record_release(&r);
	out_tree_release(&t);
}

/* Numerical Recipes' generator: the same bytes in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Bytes that are common in the sequences that matter, and any others. */
static char random_byte(uint32_t *seed)
{
	static const char likely[] = "\\\"\n\x1b\x7f\xc2\x85\xe2\x80\xae\xed\xa0\xf0\x9f"
				     "\xff\xef\xbb\xbf:,[]{}u";
	uint32_t n = next_random(seed);

	if (n % 2)
		return likely[n / 2 % (sizeof(likely) - 1)];
	return (char)(1 + n / 2 % 255);
}

static void any_bytes_make_a_tree_that_reads_back_as_what_they_escape_to(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	uint32_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		size_t len = next_random(&seed) % 40;
		struct buf want = BUF_INIT;
		char bytes[64];
		json_t *json;

		for (size_t k = 0; k < len; k++)
			bytes[k] = random_byte(&seed);
		bytes[len] = '\0';
		text_escape_str(&want, bytes);
		out_tree_clear(&t);
		out_tree_object(&t);
		out_tree_key(&t, "said");
		out_tree_string(&t, bytes);
		out_tree_key(&t, "words");
		out_tree_text(&t, bytes);
		out_tree_end(&t);
		assert_printable(t.json.data);
		json = read_json(t.json.data);
		assert_string_equal(json_string_value(json_object_get(json, "said")),
				    want.data);
		assert_printable(json_string_value(json_object_get(json, "words")));
		json_decref(json);
		buf_release(&want);
	}
	out_tree_release(&t);
}

/* [{"hop":2,"address":NAME}] */
static void fill_hops(struct out_tree *t, const char *name)
{
	out_tree_clear(t);
	out_tree_array(t);
	out_tree_object(t);
	out_tree_key(t, "hop");
	out_tree_integer(t, 2);
	out_tree_key(t, "address");
	out_tree_string(t, name);
	out_tree_end(t);
	out_tree_end(t);
}

static void a_record_keeps_a_copy_of_the_tree(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct out_record r;

	(void)state;
	out_record_init(&r, &tree_schema, WHEN_NS);
	assert_null(out_get_tree(&r, HOPS));
	fill_hops(&t, "a");
	out_set_tree(&r, HOPS, &t);
	fill_hops(&t, "another that is longer and makes the memory of the record move");
	out_set_tree(&r, LAST, &t);
	out_tree_release(&t);
	assert_string_equal(out_get_tree(&r, HOPS), "[{\"hop\":2,\"address\":\"a\"}]");
	assert_memory_equal(out_get_tree(&r, LAST), "[{\"hop\":2,\"address\":\"another",
			    28);
	out_record_clear(&r, WHEN_NS);
	assert_null(out_get_tree(&r, HOPS));
	out_record_release(&r);
}

static void a_tree_without_a_value_is_null(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct out_record r;

	(void)state;
	out_record_init(&r, &tree_schema, WHEN_NS);
	fill_hops(&t, "a");
	out_set_tree(&r, HOPS, &t);
	out_tree_clear(&t);
	out_set_tree(&r, HOPS, &t);
	assert_false(out_is_set(&r, HOPS));
	assert_null(out_get_tree(&r, HOPS));
	out_record_release(&r);
	out_tree_release(&t);
}

static void json_has_trees_as_they_are_and_null_for_unknown(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct out o;
	struct out_record r;
	json_t *json;

	(void)state;
	assert_int_equal(out_open(&o, OUT_JSON, &tree_schema, NULL, -1), 0);
	out_record_init(&r, &tree_schema, WHEN_NS);
	fill_hops(&t, "x\"\n\\");
	out_set_string(&r, NAME, "n");
	out_set_tree(&r, HOPS, &t);
	out_record(&o, &r);
	assert_string_equal(written(&o), HEAD AT
			    "\"name\":\"n\",\"hops\":[{\"hop\":2,"
			    "\"address\":\"x\\\"\\\\n\\\\\\\\\"}],\"last\":null}\n");
	json = read_json(written(&o));
	json_decref(json);
	out_tree_release(&t);
	close_out(&o, &r);
}

static void csv_has_a_tree_as_one_field(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct out o;
	struct out_record r;

	(void)state;
	assert_int_equal(out_open(&o, OUT_CSV, &tree_schema, NULL, -1), 0);
	out_record_init(&r, &tree_schema, WHEN_NS);
	fill_hops(&t, "=x,\"\n");
	out_set_tree(&r, HOPS, &t);
	/* A number alone would be a formula, too. */
	out_tree_clear(&t);
	out_tree_integer(&t, -5);
	out_set_tree(&r, LAST, &t);
	out_record(&o, &r);
	assert_string_equal(
		written(&o),
		"tool,version,time,name,hops,last\n"
		"demo," PK_VERSION ",2026-01-31T23:59:59.123Z,,"
		"\"[{\"\"hop\"\":2,\"\"address\"\":\"\"=x,\\\"\"\\\\n\"\"}]\",\\x2d5\n");
	buf_clear(&o.pending);
	out_record_clear(&r, WHEN_NS);
	out_tree_clear(&t);
	out_tree_array(&t);
	out_tree_end(&t);
	out_set_tree(&r, LAST, &t);
	out_record(&o, &r);
	assert_string_equal(written(&o),
			    "demo," PK_VERSION ",2026-01-31T23:59:59.123Z,,,[]\n");
	out_tree_release(&t);
	close_out(&o, &r);
}

static void prometheus_takes_a_tree_neither_as_value_nor_as_label(void **state)
{
	static const struct out_column cols[] = { { "n", OUT_INTEGER, 0 },
						  { "tree", OUT_TREE, 0 } };
	static const struct out_schema both = { "demo", cols, 2 };
	static const struct out_metric of_n = { "demo_n", "h", "gauge", 0, 1 };
	static const struct out_metric of_tree = { "demo_t", "h", "gauge", 1, 1 };
	static const size_t n_label[] = { 0 }, tree_label[] = { 1 };
	struct out_prometheus p = { &of_n, 1, n_label, 1 };
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &both, &p, -1), 0);
	out_release(&o);
	p.labels = tree_label;
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &both, &p, -1), -EINVAL);
	p.labels = n_label;
	p.metrics = &of_tree;
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &both, &p, -1), -EINVAL);
}

static void a_tree_without_memory_is_null_and_fails_the_record(void **state)
{
	struct out_tree t = OUT_TREE_INIT;
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_JSON, &tree_schema, NULL, p.fds[1]), 0);
	out_record_init(&r, &tree_schema, WHEN_NS);
	fill_hops(&t, "a");
	out_set_tree(&r, HOPS, &t);
	/* As buf.h has it after a refused append; what follows must not mind. */
	out_tree_clear(&t);
	out_tree_object(&t);
	t.json.failed = true;
	out_tree_key(&t, "a");
	out_tree_array(&t);
	out_tree_string(&t, "b");
	out_tree_end(&t);
	out_tree_end(&t);
	out_set_tree(&r, HOPS, &t);
	assert_false(out_is_set(&r, HOPS));
	out_record(&o, &r);
	assert_int_equal(out_flush(&o), -ENOMEM);
	assert_string_equal(reader_get(&p), "");
	out_release(&o);

	/* Both are as good as new after a clear. */
	assert_int_equal(out_open(&o, OUT_JSON, &tree_schema, NULL, p.fds[1]), 0);
	out_record_clear(&r, WHEN_NS);
	fill_hops(&t, "a");
	out_set_tree(&r, HOPS, &t);
	out_record(&o, &r);
	assert_int_equal(out_flush(&o), 0);
	assert_non_null(strstr(reader_get(&p), "\"hops\":[{"));
	out_tree_release(&t);
	close_out(&o, &r);
	reader_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_json_text_with_commas_where_they_belong),
		cmocka_unit_test(empty_arrays_and_objects_are_values),
		cmocka_unit_test(levels_nest_as_deep_as_promised),
		cmocka_unit_test(numbers_are_written_as_records_write_them),
		cmocka_unit_test(strings_are_escaped_as_those_of_records_are),
		cmocka_unit_test(
			words_keep_their_backslashes_and_nothing_else_that_is_unsafe),
		cmocka_unit_test(
			any_bytes_make_a_tree_that_reads_back_as_what_they_escape_to),
		cmocka_unit_test(a_record_keeps_a_copy_of_the_tree),
		cmocka_unit_test(a_tree_without_a_value_is_null),
		cmocka_unit_test(json_has_trees_as_they_are_and_null_for_unknown),
		cmocka_unit_test(csv_has_a_tree_as_one_field),
		cmocka_unit_test(prometheus_takes_a_tree_neither_as_value_nor_as_label),
		cmocka_unit_test(a_tree_without_memory_is_null_and_fails_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
