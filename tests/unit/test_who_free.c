/*
 * portwho --free: which socket is in the way, and of what kind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who_free_socks.h"

/* ---- lists ---- */

static void the_kernels_list_of_ports_is_read(void **state)
{
	(void)state;
	assert_false(free_list_has("", 80));
	assert_false(free_list_has("\n", 80));
	assert_true(free_list_has("80\n", 80));
	assert_false(free_list_has("80\n", 8));
	assert_true(free_list_has("8080,9000-9010\n", 9000));
	assert_true(free_list_has("8080,9000-9010\n", 9010));
	assert_true(free_list_has("8080,9000-9010,65535", 65535));
	assert_false(free_list_has("8080,9000-9010\n", 9011));
	assert_false(free_list_has("8080,x,-,9-,70000,9010-9000\n", 9005));
	assert_true(free_list_has("x,0-65535", 1));
}

static void a_port_is_added_to_the_list_that_is_there(void **state)
{
	char *text, long_list[400];

	(void)state;
	text = free_list_with("\n", 40000);
	assert_string_equal(text, "40000");
	free(text);
	text = free_list_with("8080,9000-9010\n", 40000);
	assert_string_equal(text, "8080,9000-9010,40000");
	free(text);
	memset(long_list, '1', sizeof(long_list));
	long_list[sizeof(long_list) - 1] = '\0';
	assert_null(free_list_with(long_list, 1));
}

/* ---- who is in the way ---- */

static bool in_way(const char *asked, bool v6only, const char *local, bool sock_v6only,
		   bool leniently)
{
	struct free_answer a = { .port = 80, .protocol = IPPROTO_TCP, .v6only = v6only };
	struct sock s = sock_of(IPPROTO_TCP, TCP_LISTEN, local, 80);

	if (asked)
		a.addr = addr_of(asked);
	s.v6only = sock_v6only;
	return free_is_in_way(&a, &s, leniently);
}

static void an_address_is_in_the_way_of_itself_and_of_the_wildcards(void **state)
{
	(void)state;
	assert_true(in_way(NULL, false, "127.0.0.1", false, false));
	assert_true(in_way(NULL, false, "::1", true, false));
	assert_true(in_way("127.0.0.1", false, "127.0.0.1", false, false));
	assert_false(in_way("127.0.0.1", false, "127.0.0.2", false, false));
	assert_true(in_way("127.0.0.1", false, "0.0.0.0", false, false));
	assert_true(in_way("127.0.0.1", false, "::ffff:127.0.0.1", false, false));
	assert_true(in_way("127.0.0.1", false, "::", false, false));
	assert_false(in_way("127.0.0.1", false, "::", true, false));
	assert_false(in_way("127.0.0.1", false, "::1", true, false));
	assert_true(in_way("0.0.0.0", false, "127.0.0.1", false, false));
	assert_false(in_way("0.0.0.0", false, "::1", true, false));
	assert_true(in_way("::1", false, "::1", true, false));
	assert_true(in_way("::1", false, "::", false, false));
	assert_false(in_way("::1", false, "0.0.0.0", false, false));
	assert_false(in_way("::1", false, "127.0.0.1", false, false));
	assert_true(in_way("::", true, "::1", true, false));
	assert_false(in_way("::", true, "0.0.0.0", false, false));
	assert_false(in_way("::", true, "::ffff:127.0.0.1", false, false));
	assert_true(in_way("::", false, "0.0.0.0", false, false));
}

static void other_ports_protocols_and_devices_are_not_in_the_way(void **state)
{
	struct free_answer a = { .port = 80, .protocol = IPPROTO_TCP };
	struct sock s = sock_of(IPPROTO_TCP, TCP_LISTEN, "::", 80);

	(void)state;
	assert_true(free_is_in_way(&a, &s, false));
	a.port = 81;
	assert_false(free_is_in_way(&a, &s, false));
	a.port = 80;
	a.protocol = IPPROTO_UDP;
	assert_false(free_is_in_way(&a, &s, false));
	a.protocol = IPPROTO_TCP;
	a.addr = (struct addr){ .ip = { 0xfe, 0x80, [15] = 1 },
				.scope = 2,
				.family = AF_INET6 };
	assert_true(free_is_in_way(&a, &s, false));
	s.interface = 2;
	assert_true(free_is_in_way(&a, &s, false));
	s.interface = 3;
	assert_false(free_is_in_way(&a, &s, false));
}

static void a_connection_of_ipv6_may_be_in_the_way_of_every_ipv4_address(void **state)
{
	struct free_answer a = { .port = 80, .protocol = IPPROTO_TCP };
	struct sock s = sock_of(IPPROTO_TCP, TCP_ESTABLISHED, "::1", 80);

	(void)state;
	a.addr = addr_of("0.0.0.0");
	assert_false(free_is_in_way(&a, &s, false));
	assert_true(free_is_in_way(&a, &s, true));
	a.addr = addr_of("127.0.0.1");
	assert_false(free_is_in_way(&a, &s, true));
	/* Of a listener it is known. */
	assert_false(in_way("0.0.0.0", false, "::1", true, true));
}

static enum free_kind kind_of(int protocol, int state, uint16_t here, uint16_t there,
			      uint32_t inode)
{
	const struct free_answer a = { .ephemeral_first = 32768,
				       .ephemeral_last = 60999 };
	struct sock s = sock_of(protocol, state, "127.0.0.1", here);

	s.remote_port = there;
	s.inode = inode;
	return free_kind_of(&a, &s);
}

static void who_began_a_connection_is_told_by_its_ports_or_not_at_all(void **state)
{
	const int tcp = IPPROTO_TCP, up = TCP_ESTABLISHED;

	(void)state;
	assert_int_equal(kind_of(tcp, up, 80, 40000, 7), FREE_KIND_ACCEPTED);
	assert_int_equal(kind_of(tcp, up, 40000, 80, 7), FREE_KIND_OUTGOING);
	assert_int_equal(kind_of(tcp, up, 40000, 50000, 7), FREE_KIND_CONNECTED);
	assert_int_equal(kind_of(tcp, up, 700, 2049, 7), FREE_KIND_CONNECTED);
	assert_int_equal(kind_of(tcp, TCP_SYN_SENT, 40000, 50000, 7), FREE_KIND_OUTGOING);
	assert_int_equal(kind_of(IPPROTO_UDP, up, 40000, 53, 7), FREE_KIND_OUTGOING);
	assert_int_equal(kind_of(IPPROTO_UDP, up, 53, 40000, 7), FREE_KIND_CONNECTED);
	assert_int_equal(kind_of(tcp, TCP_FIN_WAIT2, 80, 40000, 7), FREE_KIND_ACCEPTED);
	assert_int_equal(kind_of(tcp, TCP_FIN_WAIT2, 80, 40000, 0), FREE_KIND_ORPHAN);
	assert_int_equal(kind_of(tcp, TCP_LAST_ACK, 80, 40000, 0), FREE_KIND_ORPHAN);
	assert_int_equal(kind_of(tcp, TCP_TIME_WAIT, 80, 40000, 0), FREE_KIND_TIME_WAIT);
	assert_int_equal(kind_of(tcp, SOCK_BOUND_INACTIVE, 80, 0, 7), FREE_KIND_BOUND);
	assert_int_equal(kind_of(IPPROTO_UDP, TCP_CLOSE, 80, 0, 7), FREE_KIND_LISTENER);
	assert_int_equal(kind_of(tcp, TCP_LISTEN, 80, 0, 7), FREE_KIND_LISTENER);
}

/* ---- why ---- */

static void the_strongest_holder_is_the_cause(void **state)
{
	static const struct {
		enum free_kind kind;
		enum free_cause cause;
	} order[] = {
		{ FREE_KIND_TIME_WAIT, FREE_TIME_WAIT },
		{ FREE_KIND_ORPHAN, FREE_CONNECTION },
		{ FREE_KIND_CONNECTED, FREE_CONNECTION },
		{ FREE_KIND_OUTGOING, FREE_CONNECTION },
		{ FREE_KIND_ACCEPTED, FREE_CONNECTION },
		{ FREE_KIND_BOUND, FREE_BOUND },
		{ FREE_KIND_LISTENER, FREE_LISTENER },
	};
	struct free_answer a = { .error = EADDRINUSE };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		a.n_kind[order[i].kind] = 1;
		assert_int_equal(free_cause_of(&a), order[i].cause);
	}
	a.error = 0;
	assert_int_equal(free_cause_of(&a), FREE_YES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernels_list_of_ports_is_read),
		cmocka_unit_test(a_port_is_added_to_the_list_that_is_there),
		cmocka_unit_test(an_address_is_in_the_way_of_itself_and_of_the_wildcards),
		cmocka_unit_test(other_ports_protocols_and_devices_are_not_in_the_way),
		cmocka_unit_test(
			a_connection_of_ipv6_may_be_in_the_way_of_every_ipv4_address),
		cmocka_unit_test(
			who_began_a_connection_is_told_by_its_ports_or_not_at_all),
		cmocka_unit_test(the_strongest_holder_is_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
