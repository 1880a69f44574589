#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_names.h"
#include "resolve.h"

/* Everything here takes milliseconds; this ends a hang. */
#define PATIENCE_S 30

/* ---- helpers ---- */

static struct resolver *create(void)
{
	struct resolver *r = NULL;

	assert_int_equal(resolver_create(&r), 0);
	assert_non_null(r);
	return r;
}

static void submit(struct resolver *r, const char *name, int family, void *arg)
{
	assert_int_equal(resolver_submit(r, name, family, arg), 0);
}

/* The next result, waited for as a loop does. */
static struct resolve_result take(struct resolver *r)
{
	struct pollfd wait = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolve_result res;

	while (resolver_take(r, &res) == 0)
		assert_int_equal(poll(&wait, 1, PATIENCE_S * 1000), 1);
	return res;
}

static struct resolve_result look_up(const char *name, int family)
{
	struct resolver *r = create();
	struct resolve_result res;

	submit(r, name, family, &res);
	res = take(r);
	resolver_destroy(r);
	return res;
}

/* Entries of a folder of /proc/self. */
static int count_in(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Workers leave in their own time. "." and ".." and this thread remain. */
static void wait_until_alone(void)
{
	int i;

	for (i = 0; i < PATIENCE_S * 1000 && count_in("/proc/self/task") > 3; i++)
		poll(NULL, 0, 1);
	assert_true(count_in("/proc/self/task") <= 3);
}

/* ---- what comes back ---- */

static void localhost_is_a_loopback_address(void **state)
{
	struct resolve_result res = look_up("localhost", AF_UNSPEC);
	size_t i;

	(void)state;
	assert_int_equal(res.status, 0);
	assert_true(res.n_addrs > 0);
	for (i = 0; i < res.n_addrs; i++)
		assert_true(addr_is_loopback(&res.addrs[i]));
	assert_true(res.took_ns >= 0);
	resolve_result_release(&res);
}

static void a_literal_is_itself(void **state)
{
	static const char *const literals[] = { "192.0.2.1", "2001:db8::1" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(literals); i++) {
		struct resolve_result res = look_up(literals[i], AF_UNSPEC);
		char text[ADDR_TEXT_SIZE];

		assert_int_equal(res.status, 0);
		assert_int_equal(res.n_addrs, 1);
		assert_string_equal(addr_to_text(&res.addrs[0], text), literals[i]);
		resolve_result_release(&res);
	}
}

static void a_name_that_cannot_exist_does_not_resolve(void **state)
{
	struct resolve_result res = look_up("portkit-test.invalid", AF_UNSPEC);

	(void)state;
	assert_int_not_equal(res.status, 0);
	/* Where no DNS server can be reached, nobody knows. */
	assert_true(res.reason == REASON_NAME_NOT_FOUND ||
		    res.reason == REASON_NAME_FAILURE);
	assert_true(res.why[0]);
	assert_int_equal(res.n_addrs, 0);
	resolve_result_release(&res);
}

static void addresses_keep_their_order_and_come_once(void **state)
{
	struct resolve_result res = look_up("twice.test", AF_UNSPEC);
	char text[ADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(res.status, 0);
	assert_int_equal(res.n_addrs, 2);
	assert_string_equal(addr_to_text(&res.addrs[0], text), "192.0.2.2");
	assert_string_equal(addr_to_text(&res.addrs[1], text), "192.0.2.1");
	resolve_result_release(&res);
	assert_int_equal(res.n_addrs, 0);
	resolve_result_release(&res);
	resolve_result_release(NULL);
}

static void the_number_of_addresses_is_bounded(void **state)
{
	struct resolve_result res = look_up("a200.test", AF_UNSPEC);

	(void)state;
	assert_int_equal(res.status, 0);
	assert_int_equal(res.n_addrs, RESOLVE_MAX_ADDRESSES);
	resolve_result_release(&res);
}

struct failure {
	int status;
	enum port_reason reason;
};

static void check_failures(const struct failure *f, size_t n)
{
	for (size_t i = 0; i < n; i++, f++) {
		char name[] = "e00.test";
		struct resolve_result res;

		name[1] = (char)('0' + -f->status / 10);
		name[2] = (char)('0' + -f->status % 10);
		if (f->status <= -100) /* glibc's IDN errors */
			continue;
		res = look_up(name, AF_UNSPEC);
		assert_int_equal(res.status, f->status);
		assert_true(res.why[0]);
		assert_null(strchr(res.why, '\n'));
		if (res.reason != f->reason)
			fail_msg("%s: %s instead of %s", gai_strerror(f->status),
				 reason_word(res.reason), reason_word(f->reason));
		resolve_result_release(&res);
	}
}

static void failures_are_told_apart_by_kind(void **state)
{
	static const struct failure failures[] = {
		{ EAI_NONAME, REASON_NAME_NOT_FOUND },
#ifdef EAI_NODATA
		{ EAI_NODATA, REASON_NAME_NO_ADDRESS },
#endif
#ifdef EAI_ADDRFAMILY
		{ EAI_ADDRFAMILY, REASON_NAME_NO_ADDRESS },
#endif
		{ EAI_AGAIN, REASON_NAME_FAILURE },
		{ EAI_FAIL, REASON_NAME_FAILURE },
	};

	(void)state;
	check_failures(failures, ARRAY_SIZE(failures));
}

/* Too few descriptors or too little memory say nothing about the name. */
static void a_shortage_of_this_machine_is_not_blamed_on_the_name(void **state)
{
	static const struct failure failures[] = {
		{ EAI_MEMORY, REASON_RESOURCE_LIMIT },
		{ EAI_SYSTEM, REASON_RESOURCE_LIMIT }, /* EMFILE, here */
	};

	(void)state;
	check_failures(failures, ARRAY_SIZE(failures));
}

static void a_name_of_the_other_family_exists_without_address(void **state)
{
	struct resolve_result res = look_up("six.test", AF_INET);

	(void)state;
	assert_int_not_equal(res.status, 0);
	assert_int_equal(res.reason, REASON_NAME_NO_ADDRESS);
	assert_non_null(strstr(res.why, "IPv4"));
	resolve_result_release(&res);
	res = look_up("six.test", AF_INET6);
	assert_int_equal(res.status, 0);
	resolve_result_release(&res);
}

static void an_international_name_is_read_as_utf8_in_any_locale(void **state)
{
	struct resolve_result res = look_up("a1.test", AF_UNSPEC);

	(void)state;
	assert_int_equal(gate.flags, 0); /* also without AI_ADDRCONFIG */
	resolve_result_release(&res);
#ifdef AI_IDN
	res = look_up("b\xc3\xbc"
		      "cher.test",
		      AF_UNSPEC);
	assert_true(gate.flags & AI_IDN);
	assert_true(gate.utf8);
	resolve_result_release(&res);
#endif
}

/* ---- many at once ---- */

static void every_look_up_comes_back_once_with_its_argument(void **state)
{
	enum { MANY = 1000 };
	static const char *const names[] = { "a1.test", "twice.test", "192.0.2.7",
					     "localhost" };
	struct resolver *r = create();
	int seen[MANY] = { 0 };
	struct resolve_result res;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		submit(r, names[i % ARRAY_SIZE(names)], AF_UNSPEC, &seen[i]);
	for (i = 0; i < MANY; i++) {
		res = take(r);
		assert_int_equal(res.status, 0);
		assert_in_range((int *)res.arg - seen, 0, MANY - 1);
		assert_int_equal(++*(int *)res.arg, 1);
		resolve_result_release(&res);
	}
	assert_int_equal(resolver_take(r, &res), 0);
	resolver_destroy(r);
}

static void the_descriptor_is_readable_while_there_is_something(void **state)
{
	struct resolver *r = create();
	struct pollfd wait = { .fd = resolver_fd(r), .events = POLLIN };
	struct resolve_result res;

	(void)state;
	assert_int_equal(poll(&wait, 1, 0), 0);
	submit(r, "a1.test", AF_UNSPEC, NULL);
	assert_int_equal(poll(&wait, 1, PATIENCE_S * 1000), 1);
	assert_int_equal(resolver_take(r, &res), 1);
	resolve_result_release(&res);
	assert_int_equal(resolver_take(r, &res), 0);
	assert_int_equal(poll(&wait, 1, 0), 0);
	resolver_destroy(r);
}

static void slow_names_do_not_wait_for_each_other(void **state)
{
	int n = RESOLVE_MAX_THREADS + 10;
	struct resolver *r = create();
	int i;

	(void)state;
	set_gate(false);
	for (i = 0; i < n; i++)
		submit(r, "slow.test", AF_UNSPEC, NULL);
	assert_true(wait_inside(RESOLVE_MAX_THREADS));
	set_gate(true);
	for (i = 0; i < n; i++) {
		struct resolve_result res = take(r);

		resolve_result_release(&res);
	}
	assert_in_range(gate.most_inside, 1, RESOLVE_MAX_THREADS);
	resolver_destroy(r);
}

static void slow_names_do_not_queue_behind_one_idle_worker(void **state)
{
	int round;

	(void)state;
	for (round = 0; round < 20; round++) {
		struct resolver *r = create();
		struct resolve_result res;
		bool both;
		int i;

		submit(r, "a1.test", AF_UNSPEC, NULL);
		res = take(r); /* the worker waits for more now */
		resolve_result_release(&res);
		set_gate(false);
		submit(r, "slow.test", AF_UNSPEC, NULL);
		submit(r, "slow.test", AF_UNSPEC, NULL);
		both = wait_inside(2);
		set_gate(true);
		for (i = 0; i < 2; i++) {
			res = take(r);
			resolve_result_release(&res);
		}
		resolver_destroy(r);
		assert_true(both);
	}
}

static void look_ups_under_way_clean_up_after_themselves(void **state)
{
	struct resolver *r;
	int files, i;

	(void)state;
	wait_until_alone();
	files = count_in("/proc/self/fd");
	r = create();
	set_gate(false);
	for (i = 0; i < 2 * RESOLVE_MAX_THREADS; i++) /* half of them wait their turn */
		submit(r, "slow.test", AF_UNSPEC, NULL);
	assert_true(wait_inside(RESOLVE_MAX_THREADS));
	resolver_destroy(r);
	resolver_destroy(NULL);
	set_gate(true);
	wait_until_alone();
	assert_int_equal(count_in("/proc/self/fd"), files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(localhost_is_a_loopback_address),
		cmocka_unit_test(a_literal_is_itself),
		cmocka_unit_test(a_name_that_cannot_exist_does_not_resolve),
		cmocka_unit_test(addresses_keep_their_order_and_come_once),
		cmocka_unit_test(the_number_of_addresses_is_bounded),
		cmocka_unit_test(failures_are_told_apart_by_kind),
		cmocka_unit_test(a_shortage_of_this_machine_is_not_blamed_on_the_name),
		cmocka_unit_test(a_name_of_the_other_family_exists_without_address),
		cmocka_unit_test(an_international_name_is_read_as_utf8_in_any_locale),
		cmocka_unit_test(every_look_up_comes_back_once_with_its_argument),
		cmocka_unit_test(the_descriptor_is_readable_while_there_is_something),
		cmocka_unit_test(slow_names_do_not_wait_for_each_other),
		cmocka_unit_test(slow_names_do_not_queue_behind_one_idle_worker),
		cmocka_unit_test(look_ups_under_way_clean_up_after_themselves),
	};

	/* A dead DNS server must not hold the tests up (resolv.conf(5)). */
	setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
