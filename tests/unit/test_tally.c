#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tally.h"

/* A tally and the configuration it belongs to. */
struct fixture {
	struct portcheck_config config;
	struct tally tally;
};

/* OPERANDS: targets, all asked for PORTS. */
static void set_up(struct fixture *f, const char *ports, const char *const *operands)
{
	char why[TARGET_WHY_SIZE];

	*f = (struct fixture){ 0 };
	target_set_init(&f->config.targets, IPPROTO_TCP);
	assert_int_equal(target_set_ports(&f->config.targets, ports, why), 0);
	for (; *operands; operands++)
		assert_int_equal(target_set_add(&f->config.targets, *operands, why), 0);
	assert_int_equal(target_set_finish(&f->config.targets, why), 0);
	assert_int_equal(tally_init(&f->tally, &f->config), 0);
}

static void tear_down(struct fixture *f)
{
	tally_release(&f->tally);
	target_set_release(&f->config.targets);
}

static void add(struct fixture *f, size_t target, size_t port_index,
		enum port_reason reason)
{
	struct result r = { .reason = reason };

	r.check.target = target;
	r.check.port_index = port_index;
	r.check.protocol = IPPROTO_TCP;
	r.state = state_of_reason(reason, IPPROTO_TCP, false);
	tally_add(&f->tally, &r);
}

static const char *const two_literals[] = { "192.0.2.1", "192.0.2.2", NULL };
static const char *const one_name[] = { "host.example", NULL };
static const char *const one_block[] = { "192.0.2.0/30", NULL };
static const char *const one_of_each[] = { "192.0.2.1", "host.example", "198.51.100.0/31",
					   NULL };

#define OPEN	   REASON_SYN_ACK
#define REFUSED	   REASON_RESET
#define SILENT	   REASON_NO_RESPONSE
#define UNTESTED   REASON_RESOURCE_LIMIT
#define UNRESOLVED REASON_NAME_NOT_FOUND
#define NOTHING	   REASON_COUNT /* ends a list */

struct row {
	const char *name;
	bool all_addresses;
	enum port_reason results[4];
	enum answer answer;
};

static void check_rows(const char *const *operands, const struct row *rows, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		struct fixture f;

		set_up(&f, "80", operands);
		f.config.all_addresses = rows[i].all_addresses;
		for (k = 0; rows[i].results[k] != NOTHING; k++)
			add(&f, operands == two_literals ? k : 0, 0, rows[i].results[k]);
		if (tally_answer(&f.tally) != rows[i].answer)
			fail_msg("%s: answer %d", rows[i].name, tally_answer(&f.tally));
		tear_down(&f);
	}
}

static void every_literal_must_be_open(void **state)
{
	static const struct row rows[] = {
		{ "both open", false, { OPEN, OPEN, NOTHING }, ANSWER_YES },
		{ "one refused", false, { OPEN, REFUSED, NOTHING }, ANSWER_NO },
		{ "one silent", false, { SILENT, OPEN, NOTHING }, ANSWER_NO },
		{ "both refused", false, { REFUSED, REFUSED, NOTHING }, ANSWER_NO },
		{ "one untested", false, { OPEN, UNTESTED, NOTHING }, ANSWER_UNKNOWN },
		{ "a no outweighs", false, { UNTESTED, SILENT, NOTHING }, ANSWER_NO },
		{ "no result", false, { NOTHING }, ANSWER_UNKNOWN },
	};

	(void)state;
	check_rows(two_literals, rows, ARRAY_SIZE(rows));
}

static void one_open_address_of_a_name_is_enough(void **state)
{
	static const struct row rows[] = {
		{ "all open", false, { OPEN, OPEN, NOTHING }, ANSWER_YES },
		{ "one open", false, { SILENT, OPEN, NOTHING }, ANSWER_YES },
		{ "the order does not matter",
		  false,
		  { OPEN, SILENT, NOTHING },
		  ANSWER_YES },
		{ "one open, one untested",
		  false,
		  { OPEN, UNTESTED, NOTHING },
		  ANSWER_YES },
		{ "none open", false, { SILENT, REFUSED, NOTHING }, ANSWER_NO },
		{ "the untested one could be open",
		  false,
		  { REFUSED, UNTESTED, NOTHING },
		  ANSWER_UNKNOWN },
		{ "none tested", false, { UNTESTED, NOTHING }, ANSWER_UNKNOWN },
		{ "no address", false, { UNRESOLVED, NOTHING }, ANSWER_NO },
		{ "no result", false, { NOTHING }, ANSWER_UNKNOWN },
	};

	(void)state;
	check_rows(one_name, rows, ARRAY_SIZE(rows));
}

static void with_all_addresses_every_one_must_be_open(void **state)
{
	static const struct row rows[] = {
		{ "all open", true, { OPEN, OPEN, NOTHING }, ANSWER_YES },
		{ "one silent", true, { SILENT, OPEN, NOTHING }, ANSWER_NO },
		{ "one untested", true, { OPEN, UNTESTED, NOTHING }, ANSWER_UNKNOWN },
		{ "a no outweighs", true, { REFUSED, UNTESTED, NOTHING }, ANSWER_NO },
		{ "also beside an open one",
		  true,
		  { OPEN, UNTESTED, REFUSED, NOTHING },
		  ANSWER_NO },
		{ "no address", true, { UNRESOLVED, NOTHING }, ANSWER_NO },
	};

	(void)state;
	check_rows(one_name, rows, ARRAY_SIZE(rows));
}

static void every_state_but_open_is_a_no_or_untested(void **state)
{
	static const enum port_state states[] = { STATE_CLOSED, STATE_FILTERED,
						  STATE_OPEN_FILTERED, STATE_UNREACHABLE,
						  STATE_UNRESOLVED };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		struct result r = { .state = states[i] };
		struct fixture f;

		set_up(&f, "80", one_name);
		tally_add(&f.tally, &r);
		assert_int_equal(tally_answer(&f.tally), ANSWER_NO);
		r.state = STATE_ERROR;
		tally_clear(&f.tally);
		tally_add(&f.tally, &r);
		assert_int_equal(tally_answer(&f.tally), ANSWER_UNKNOWN);
		tear_down(&f);
	}
}

static void questions_are_counted_once_each(void **state)
{
	struct tally_counts c;
	struct fixture f;

	(void)state;
	set_up(&f, "80,443", one_of_each);
	add(&f, 0, 0, OPEN);
	add(&f, 0, 1, REFUSED);
	add(&f, 1, 0, SILENT); /* three addresses of the name */
	add(&f, 1, 0, OPEN);
	add(&f, 1, 0, SILENT);
	add(&f, 1, 1, UNRESOLVED);
	add(&f, 2, 0, OPEN); /* two addresses of the block */
	add(&f, 2, 0, OPEN);
	add(&f, 2, 1, UNTESTED);
	add(&f, 2, 1, SILENT);
	c = tally_count(&f.tally);
	assert_int_equal(c.open, 4);
	assert_int_equal(c.not_open, 2);
	assert_int_equal(c.unresolved, 1);
	assert_int_equal(c.unknown, 1);
	assert_int_equal(tally_answer(&f.tally), ANSWER_NO);
	tear_down(&f);
}

static void a_new_round_forgets_the_last_one(void **state)
{
	struct tally_counts c;
	struct fixture f;

	(void)state;
	set_up(&f, "80,443", one_of_each);
	add(&f, 0, 0, REFUSED);
	add(&f, 1, 1, REASON_NAME_FAILURE);
	add(&f, 2, 0, SILENT);
	assert_true(f.tally.resolver_failed);
	tally_clear(&f.tally);
	c = tally_count(&f.tally);
	assert_int_equal(c.open + c.not_open + c.unresolved, 0);
	assert_false(f.tally.resolver_failed);
	assert_int_equal(tally_answer(&f.tally), ANSWER_UNKNOWN);
	tear_down(&f);
}

static void only_a_resolver_that_failed_is_remembered(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "80", one_name);
	add(&f, 0, 0, REASON_NAME_NOT_FOUND);
	add(&f, 0, 0, REASON_NAME_NO_ADDRESS);
	assert_false(f.tally.resolver_failed);
	add(&f, 0, 0, REASON_NAME_FAILURE);
	assert_true(f.tally.resolver_failed);
	tear_down(&f);
}

/* ---- waiting ---- */

struct wait_row {
	bool until_closed, any;
	enum port_reason first, second;
	bool reached;
};

static void a_wait_ends_when_all_or_any_are_as_asked(void **state)
{
	static const struct wait_row rows[] = {
		{ false, false, OPEN, OPEN, true },
		{ false, false, OPEN, REFUSED, false },
		{ false, false, OPEN, UNTESTED, false },
		{ false, false, UNTESTED, UNTESTED, false },
		{ false, true, OPEN, REFUSED, true },
		{ false, true, SILENT, OPEN, true },
		{ false, true, REFUSED, SILENT, false },
		{ false, true, UNTESTED, REFUSED, false },
		{ true, false, REFUSED, SILENT, true },
		{ true, false, REFUSED, OPEN, false },
		{ true, false, REFUSED, UNTESTED, false },
		{ true, true, OPEN, REFUSED, true },
		{ true, true, OPEN, OPEN, false },
		{ true, true, OPEN, UNTESTED, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;

		set_up(&f, "80", two_literals);
		f.config.until_closed = rows[i].until_closed;
		f.config.any = rows[i].any;
		add(&f, 0, 0, rows[i].first);
		add(&f, 1, 0, rows[i].second);
		if (tally_reached(&f.tally) != rows[i].reached)
			fail_msg("row %zu", i);
		tear_down(&f);
	}
}

static void a_name_that_does_not_resolve_is_neither_open_nor_closed(void **state)
{
	int n;

	(void)state;
	for (n = 0; n < 4; n++) {
		struct fixture f;

		set_up(&f, "80", one_name);
		f.config.until_closed = n & 1;
		f.config.any = n & 2;
		add(&f, 0, 0, UNRESOLVED);
		assert_false(tally_reached(&f.tally));
		tear_down(&f);
	}
}

static void a_name_is_closed_when_no_address_is_open(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "80", one_name);
	f.config.until_closed = true;
	add(&f, 0, 0, REFUSED);
	assert_true(tally_reached(&f.tally));
	add(&f, 0, 0, OPEN);
	assert_false(tally_reached(&f.tally));
	tear_down(&f);
}

static void before_the_first_result_nothing_is_reached(void **state)
{
	static const char *const *const operands[] = { two_literals, one_name,
						       one_block };
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(operands); i++) {
		for (n = 0; n < 4; n++) {
			struct fixture f;

			set_up(&f, "80", operands[i]);
			f.config.until_closed = n & 1;
			f.config.any = n & 2;
			assert_false(tally_reached(&f.tally));
			tear_down(&f);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_literal_must_be_open),
		cmocka_unit_test(one_open_address_of_a_name_is_enough),
		cmocka_unit_test(with_all_addresses_every_one_must_be_open),
		cmocka_unit_test(every_state_but_open_is_a_no_or_untested),
		cmocka_unit_test(questions_are_counted_once_each),
		cmocka_unit_test(a_new_round_forgets_the_last_one),
		cmocka_unit_test(only_a_resolver_that_failed_is_remembered),
		cmocka_unit_test(a_wait_ends_when_all_or_any_are_as_asked),
		cmocka_unit_test(a_name_that_does_not_resolve_is_neither_open_nor_closed),
		cmocka_unit_test(a_name_is_closed_when_no_address_is_open),
		cmocka_unit_test(before_the_first_result_nothing_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
