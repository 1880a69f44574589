#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route.h"

/* Only what holds on every machine is asked here: the loopback interface. */

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

static struct route_table *open_table(void)
{
	struct route_table *t = NULL;

	assert_int_equal(route_open(&t), 0);
	assert_non_null(t);
	return t;
}

static struct route look_up(struct route_table *t, const char *dst)
{
	struct addr a = addr_of(dst);
	struct route route = { .kind = ROUTE_NONE };

	assert_int_equal(route_lookup(t, &a, NULL, 0, &route), 0);
	return route;
}

static bool have_loopback(int family)
{
	struct addr a = addr_of(family == AF_INET6 ? "::1" : "127.0.0.1");
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, 0, &sa);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

static void check_is_local(const struct route *route)
{
	assert_int_equal(route->kind, ROUTE_LOCAL);
	assert_string_equal(route->interface_name, "lo");
	assert_int_equal(route->interface, if_nametoindex("lo"));
	assert_int_equal(route->gateway.family, AF_UNSPEC);
}

static void the_ipv4_loopback_address_is_local(void **state)
{
	struct route_table *t = open_table();
	struct addr loopback = addr_of("127.0.0.1");
	struct route route;

	(void)state;
	if (!have_loopback(AF_INET)) {
		route_close(t);
		skip();
	}
	route = look_up(t, "127.0.0.1");
	check_is_local(&route);
	assert_true(addr_equal(&route.source, &loopback));
	route = look_up(t, "127.200.3.4");
	check_is_local(&route);
	route_close(t);
}

static void the_ipv6_loopback_address_is_local(void **state)
{
	struct route_table *t = open_table();
	struct route route;

	(void)state;
	if (!have_loopback(AF_INET6)) {
		route_close(t);
		skip();
	}
	route = look_up(t, "::1");
	check_is_local(&route);
	route_close(t);
}

static void a_mapped_address_goes_the_way_of_ipv4(void **state)
{
	struct route_table *t = open_table();
	struct route route;

	(void)state;
	if (!have_loopback(AF_INET)) {
		route_close(t);
		skip();
	}
	route = look_up(t, "::ffff:127.0.0.1");
	check_is_local(&route);
	route_close(t);
}

static void a_source_and_an_interface_can_be_asked_for(void **state)
{
	struct route_table *t = open_table();
	struct addr dst = addr_of("127.0.0.1"), src = addr_of("127.0.0.5");
	struct addr none = { .family = AF_UNSPEC }, other = addr_of("2001:db8::1");
	const struct addr *const sources[] = { NULL, &src, &none, &other };
	int lo = (int)if_nametoindex("lo");
	struct route route;
	size_t i;

	(void)state;
	if (!have_loopback(AF_INET)) {
		route_close(t);
		skip();
	}
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		route = (struct route){ .kind = ROUTE_NONE };
		assert_int_equal(route_lookup(t, &dst, sources[i], 0, &route), 0);
		check_is_local(&route);
		assert_int_equal(route_lookup(t, &dst, sources[i], lo, &route), 0);
		assert_string_equal(route.interface_name, "lo");
	}
	route_close(t);
}

static void multicast_and_broadcast_are_told_apart_where_there_is_a_route(void **state)
{
	struct route_table *t = open_table();
	struct addr dst = addr_of("127.255.255.255");
	struct route route;

	(void)state;
	/* The broadcast address of 127/8 may be missing, but is no foreign host. */
	assert_int_equal(route_lookup(t, &dst, NULL, 0, &route), 0);
	assert_true(route.kind == ROUTE_BROADCAST || route.kind == ROUTE_LOCAL ||
		    route.kind == ROUTE_NONE);
	route = look_up(t, "224.0.0.1");
	assert_int_not_equal(route.kind, ROUTE_LOCAL);
	assert_int_not_equal(route.kind, ROUTE_UNICAST);
	route_close(t);
}

static void an_interface_that_does_not_exist_is_no_route(void **state)
{
	struct route_table *t = open_table();
	struct addr dst = addr_of("192.0.2.1");
	struct route route = { .kind = ROUTE_UNICAST };
	int err;

	(void)state;
	err = route_lookup(t, &dst, NULL, INT32_MAX, &route);
	assert_true(err < 0 || route.kind == ROUTE_NONE);
	route_close(t);
}

static void a_failed_look_up_leaves_the_result_alone(void **state)
{
	struct route_table *t = open_table();
	struct addr none = { .family = AF_UNSPEC };
	struct route route = { .kind = ROUTE_MULTICAST, .interface = 12345 };
	enum route_neigh neigh = ROUTE_NEIGH_PRESENT;

	(void)state;
	if (route_lookup(t, &none, NULL, 0, &route) < 0) {
		assert_int_equal(route.kind, ROUTE_MULTICAST);
		assert_int_equal(route.interface, 12345);
	} else {
		assert_int_not_equal(route.kind, ROUTE_UNICAST);
	}
	if (route_neighbour(t, &none, INT32_MAX, &neigh) < 0)
		assert_int_equal(neigh, ROUTE_NEIGH_PRESENT);
	else
		assert_int_equal(neigh, ROUTE_NEIGH_UNKNOWN);
	route_close(t);
}

static void nobody_asks_for_neighbours_on_the_loopback_interface(void **state)
{
	static const char *const texts[] = { "127.0.0.77", "203.0.113.77", "2001:db8::77",
					     "::ffff:127.0.0.77" };
	struct route_table *t = open_table();
	int lo = (int)if_nametoindex("lo");
	size_t i;

	(void)state;
	assert_true(lo > 0);
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct addr hop = addr_of(texts[i]);
		enum route_neigh neigh = ROUTE_NEIGH_FAILED;
		int err = route_neighbour(t, &hop, lo, &neigh);

		/* Linux before 5.0 can't be asked for one. */
		if (err == -EOPNOTSUPP)
			continue;
		assert_int_equal(err, 0);
		assert_int_equal(neigh, ROUTE_NEIGH_UNKNOWN);
	}
	route_close(t);
}

static void one_table_answers_many_questions(void **state)
{
	struct route_table *t = open_table();
	int i;

	(void)state;
	if (!have_loopback(AF_INET)) {
		route_close(t);
		skip();
	}
	for (i = 0; i < 2000; i++) {
		struct addr a = addr_of("127.0.0.0"), other = addr_of("203.0.113.1");
		enum route_neigh neigh;
		struct route route;

		a = addr_plus(&a, (uint64_t)i + 1);
		/* Failures in between leave no stale answer behind. */
		(void)!route_lookup(t, &other, NULL, INT32_MAX, &route);
		(void)!route_neighbour(t, &other, INT32_MAX, &neigh);
		assert_int_equal(route_lookup(t, &a, NULL, 0, &route), 0);
		check_is_local(&route);
	}
	route_close(t);
}

static int count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void closing_gives_the_socket_back(void **state)
{
	int before = count_open();
	int i;

	(void)state;
	route_close(NULL);
	for (i = 0; i < 50; i++)
		route_close(open_table());
	assert_int_equal(count_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ipv4_loopback_address_is_local),
		cmocka_unit_test(the_ipv6_loopback_address_is_local),
		cmocka_unit_test(a_mapped_address_goes_the_way_of_ipv4),
		cmocka_unit_test(a_source_and_an_interface_can_be_asked_for),
		cmocka_unit_test(
			multicast_and_broadcast_are_told_apart_where_there_is_a_route),
		cmocka_unit_test(an_interface_that_does_not_exist_is_no_route),
		cmocka_unit_test(a_failed_look_up_leaves_the_result_alone),
		cmocka_unit_test(nobody_asks_for_neighbours_on_the_loopback_interface),
		cmocka_unit_test(one_table_answers_many_questions),
		cmocka_unit_test(closing_gives_the_socket_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
