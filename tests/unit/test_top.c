#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "top.h"

static const int protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

static void the_list_of_each_protocol_has_no_port_twice(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct port_list list = { 0 };
		size_t n = top_count(protocols[i]);

		assert_true(n >= 20);
		assert_int_equal(top_add(&list, n, protocols[i]), 0);
		/* The list leaves out what it already has. */
		assert_int_equal(list.n_ports, n);
		port_list_release(&list);
	}
}

static void every_port_is_of_the_asked_protocol_and_not_zero(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		struct port_list list = { 0 };

		assert_int_equal(top_add(&list, top_count(protocols[i]), protocols[i]),
				 0);
		for (k = 0; k < list.n_ports; k++) {
			uint16_t port = 0;
			int protocol = 0;

			port_list_at(&list, k, &port, &protocol);
			assert_int_not_equal(port, 0);
			assert_int_equal(protocol, protocols[i]);
		}
		port_list_release(&list);
	}
}

static void each_number_gives_the_beginning_of_the_next(void **state)
{
	struct port_list all = { 0 };
	size_t n, k;

	(void)state;
	assert_int_equal(top_add(&all, top_count(IPPROTO_TCP), IPPROTO_TCP), 0);
	for (n = 0; n <= top_count(IPPROTO_TCP); n++) {
		struct port_list some = { 0 };

		assert_int_equal(top_add(&some, n, IPPROTO_TCP), 0);
		assert_int_equal(some.n_ports, n);
		for (k = 0; k < n; k++) {
			uint16_t a = 0, b = 0;
			int protocol;

			port_list_at(&all, k, &a, &protocol);
			port_list_at(&some, k, &b, &protocol);
			assert_int_equal(a, b);
		}
		port_list_release(&some);
	}
	port_list_release(&all);
}

static void more_than_there_are_gives_all(void **state)
{
	struct port_list list = { 0 };

	(void)state;
	assert_int_equal(top_add(&list, SIZE_MAX, IPPROTO_UDP), 0);
	assert_int_equal(list.n_ports, top_count(IPPROTO_UDP));
	port_list_release(&list);
}

static void ports_asked_for_already_come_only_once(void **state)
{
	struct port_list list = { 0 };

	(void)state;
	assert_int_equal(port_list_add_range(&list, 443, 443, IPPROTO_TCP), 0);
	assert_int_equal(top_add(&list, top_count(IPPROTO_TCP), IPPROTO_TCP), 0);
	assert_int_equal(list.n_ports, top_count(IPPROTO_TCP));
	port_list_release(&list);
}

static void what_every_admin_runs_comes_early(void **state)
{
	static const uint16_t early[] = { 22, 80, 443 };
	struct port_list list = { 0 };
	size_t i, k;

	(void)state;
	assert_int_equal(top_add(&list, 10, IPPROTO_TCP), 0);
	for (i = 0; i < ARRAY_SIZE(early); i++) {
		bool found = false;

		for (k = 0; k < list.n_ports; k++) {
			uint16_t port = 0;
			int protocol;

			port_list_at(&list, k, &port, &protocol);
			found = found || port == early[i];
		}
		assert_true(found);
	}
	port_list_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_of_each_protocol_has_no_port_twice),
		cmocka_unit_test(every_port_is_of_the_asked_protocol_and_not_zero),
		cmocka_unit_test(each_number_gives_the_beginning_of_the_next),
		cmocka_unit_test(more_than_there_are_gives_all),
		cmocka_unit_test(ports_asked_for_already_come_only_once),
		cmocka_unit_test(what_every_admin_runs_comes_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
