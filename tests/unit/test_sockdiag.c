#include <net/if.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_sockdiag.h"

static void a_listener_is_found_by_its_port(void **state)
{
	struct addr loopback = addr_of("127.0.0.1");
	int fd = listening("127.0.0.1", 0, 17);
	struct sock s = only(fd, IPPROTO_TCP, LISTEN_BIT);

	(void)state;
	assert_int_equal(s.family, AF_INET);
	assert_int_equal(s.protocol, IPPROTO_TCP);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_true(addr_equal(&s.local, &loopback));
	assert_int_equal(s.remote_port, 0);
	assert_int_equal(s.rqueue, 0);
	assert_int_equal(s.wqueue, 17);
	assert_int_equal(s.interface, 0);
	assert_true(s.has_drops);
	assert_int_equal(s.drops, 0);
	assert_false(s.mptcp);
	assert_false(s.has_v6only);
	assert_true(!s.has_cgroup || s.cgroup_id != 0);
	close(fd);
}

static void v6only_and_dual_stack_are_told_apart(void **state)
{
	int fd, v6only;

	(void)state;
	need_ipv6();
	for (v6only = 0; v6only < 2; v6only++) {
		struct sock s;

		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
		assert_int_equal(try_bind(fd, "::", 0), 0);
		assert_int_equal(listen(fd, 1), 0);
		s = only(fd, IPPROTO_TCP, LISTEN_BIT);
		assert_int_equal(s.family, AF_INET6);
		assert_true(s.has_v6only);
		assert_int_equal(s.v6only, v6only);
		assert_true(addr_is_any(&s.local));
		close(fd);
	}
}

static void one_family_can_be_asked_for(void **state)
{
	int fd = listening("127.0.0.1", 0, 1), fd6;
	struct seen seen;

	(void)state;
	need_ipv6();
	fd6 = listening("::1", port_of(fd), 1);
	assert_int_equal(dump(&seen, AF_INET, IPPROTO_TCP, LISTEN_BIT, port_of(fd)), 0);
	assert_int_equal(seen.n, 1);
	assert_non_null(seen_as(&seen, fd));
	free(seen.socks);
	assert_int_equal(dump(&seen, AF_INET6, IPPROTO_TCP, LISTEN_BIT, 0), 0);
	assert_null(seen_as(&seen, fd));
	assert_non_null(seen_as(&seen, fd6));
	free(seen.socks);
	/* Both in one walk say the same as one by one. */
	assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_TCP, LISTEN_BIT, port_of(fd)), 0);
	assert_int_equal(seen.n, 2);
	assert_true(seen_as(&seen, fd6)->has_v6only);
	assert_true(seen_as(&seen, fd)->has_drops && seen_as(&seen, fd6)->has_drops);
	assert_int_equal(seen_as(&seen, fd)->has_cgroup, seen_as(&seen, fd6)->has_cgroup);
	free(seen.socks);
	close(fd);
	close(fd6);
}

static void a_socket_bound_to_a_device_says_which(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sock s;

	(void)state;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) < 0) {
		close(fd);
		skip(); /* needed a privilege before Linux 5.7 */
	}
	assert_int_equal(try_bind(fd, "0.0.0.0", 0), 0);
	assert_int_equal(listen(fd, 1), 0);
	s = only(fd, IPPROTO_TCP, LISTEN_BIT);
	assert_int_equal(s.interface, if_nametoindex("lo"));
	close(fd);
}

static void all_of_a_reuseport_group_are_found_each_once(void **state)
{
	enum { MANY = 1500 };
	struct rlimit limit, before;
	static int fds[MANY];
	uint16_t port = 0;
	struct seen seen;
	int i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < MANY + 50)
		skip();
	for (i = 0; i < MANY; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		set(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
		assert_int_equal(try_bind(fds[i], "127.0.0.1", port), 0);
		assert_int_equal(listen(fds[i], 1), 0);
		port = port_of(fds[i]);
	}
	/* More than fit one part of a dump, and so many that it takes a second walk. */
	assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_TCP, LISTEN_BIT, port), 0);
	assert_int_equal(seen.n, MANY);
	for (i = 0; i < MANY; i += 50)
		assert_non_null(seen_as(&seen, fds[i]));
	free(seen.socks);
	for (i = 0; i < MANY; i++)
		close(fds[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void what_the_function_returns_ends_the_dump_and_the_handle_lives_on(void **state)
{
	struct sockdiag_query q = { .protocol = IPPROTO_TCP, .states = LISTEN_BIT };
	static const int values[] = { 7, -7, -ENOENT, -EINVAL };
	struct sockdiag *sd = opened();
	int fds[600];
	size_t i;

	(void)state;
	/* Several parts, so that the dump is left while the kernel still holds some. */
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = listening("127.0.0.1", 0, 1);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		struct seen seen = { .stop_after = 2, .stop_with = values[i] };
		struct addr loopback = addr_of("127.0.0.1");
		struct sock s;

		assert_int_equal(sockdiag_dump(sd, &q, see, &seen), values[i]);
		assert_int_equal(seen.n, 2);
		if (i % 2)
			assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &loopback,
						       port_of(fds[i]), NULL, 0, 0, &s),
					 0);
		seen.n = seen.stop_after = 0;
		assert_int_equal(sockdiag_dump(sd, &q, see, &seen), 0);
		assert_true(seen.n >= ARRAY_SIZE(fds));
		assert_non_null(seen_as(&seen, fds[0]));
		assert_non_null(seen_as(&seen, fds[ARRAY_SIZE(fds) - 1]));
		free(seen.socks);
	}
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	sockdiag_close(sd);
}

static void udp_sockets_are_connected_or_not(void **state)
{
	int fd = bound(SOCK_DGRAM, "127.0.0.1", 0);
	int client = connected(SOCK_DGRAM, "127.0.0.1", port_of(fd));
	struct sock s = only(fd, IPPROTO_UDP, SOCK_STATE_BIT(TCP_CLOSE));

	(void)state;
	assert_int_equal(s.protocol, IPPROTO_UDP);
	assert_int_equal(s.state, TCP_CLOSE);
	assert_int_equal(s.remote_port, 0);
	assert_int_equal(s.timer, 0);
	assert_int_equal(s.expires_ms, 0);
	s = only(client, IPPROTO_UDP, SOCK_STATE_BIT(TCP_ESTABLISHED));
	assert_int_equal(s.state, TCP_ESTABLISHED);
	assert_int_equal(s.remote_port, port_of(fd));
	assert_true(addr_is_loopback(&s.remote));
	close(client);
	close(fd);
}

static void waiting_connections_and_bytes_are_counted(void **state)
{
	int fd = listening("127.0.0.1", 0, 4), clients[3], udp, sender;
	int64_t until = clock_now_ns() + PATIENCE_NS;
	struct sock s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		clients[i] = connected(SOCK_STREAM, "127.0.0.1", port_of(fd));
	do
		s = only(fd, IPPROTO_TCP, LISTEN_BIT);
	while (s.rqueue < 3 && clock_now_ns() < until);
	assert_int_equal(s.rqueue, 3);
	assert_int_equal(s.wqueue, 4);
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		close(clients[i]);
	close(fd);

	udp = bound(SOCK_DGRAM, "127.0.0.1", 0);
	set(udp, SOL_SOCKET, SO_RCVBUF, 1);
	sender = connected(SOCK_DGRAM, "127.0.0.1", port_of(udp));
	for (i = 0; i < 50; i++)
		assert_int_equal(send(sender, "0123456789", 10, 0), 10);
	do
		s = only(udp, IPPROTO_UDP, SOCK_STATE_BIT(TCP_CLOSE));
	while (!s.drops && clock_now_ns() < until);
	assert_true(s.has_drops);
	assert_in_range(s.drops, 1, 50);
	assert_true(s.rqueue > 0);
	close(sender);
	close(udp);
}

static void time_wait_says_when_it_ends(void **state)
{
	int fd = listening("127.0.0.1", 0, 4);
	int client = connected(SOCK_STREAM, "127.0.0.1", port_of(fd));
	int server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	uint16_t port = port_of(client), server_port = port_of(fd);
	int64_t until = clock_now_ns() + PATIENCE_NS;
	struct seen seen = { .n = 0 };
	struct sock s;

	(void)state;
	assert_true(server >= 0);
	close(client); /* who closes first waits */
	close(server);
	close(fd);
	do {
		free(seen.socks);
		assert_int_equal(dump(&seen, AF_INET, IPPROTO_TCP,
				      SOCK_STATE_BIT(TCP_TIME_WAIT), port),
				 0);
	} while (!seen.n && clock_now_ns() < until);
	assert_int_equal(seen.n, 1);
	s = seen.socks[0];
	assert_int_equal(s.state, TCP_TIME_WAIT);
	assert_int_equal(s.timer, 3);
	assert_in_range(s.expires_ms, 1, 60000); /* linux TCP_TIMEWAIT_LEN */
	assert_int_equal(s.inode, 0);
	assert_true(s.uid == SOCK_NO_UID);
	assert_int_equal(s.remote_port, server_port);
	assert_true(s.cookie != 0);
	free(seen.socks);
}

static bool kernel_before(int major, int minor)
{
	struct utsname name;
	int is_major = 0, is_minor = 0;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%d.%d", &is_major, &is_minor), 2);
	return is_major < major || (is_major == major && is_minor < minor);
}

static void bound_but_not_listening_is_a_state_of_its_own(void **state)
{
	const uint32_t both = SOCK_STATE_BIT(SOCK_BOUND_INACTIVE) | LISTEN_BIT;
	int fd = bound(SOCK_STREAM, "127.0.0.1", 0), listener;
	struct seen seen;
	struct sock s;

	(void)state;
	assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_TCP, both, port_of(fd)), 0);
	free(seen.socks);
	if (!seen.n && kernel_before(6, 8)) {
		close(fd);
		skip();
	}
	s = only(fd, IPPROTO_TCP, SOCK_STATE_BIT(SOCK_BOUND_INACTIVE));
	assert_int_equal(s.state, SOCK_BOUND_INACTIVE);
	s = only(fd, IPPROTO_TCP, both);
	assert_int_equal(s.state, SOCK_BOUND_INACTIVE);
	/* Asked with others, every socket has its own state, and the port is kept to. */
	listener = listening("127.0.0.1", 0, 1);
	assert_int_equal(dump(&seen, AF_INET, IPPROTO_TCP, both, 0), 0);
	assert_int_equal(seen_as(&seen, fd)->state, SOCK_BOUND_INACTIVE);
	assert_int_equal(seen_as(&seen, listener)->state, TCP_LISTEN);
	free(seen.socks);
	s = only(listener, IPPROTO_TCP, both);
	assert_int_equal(s.state, TCP_LISTEN);
	/* UDP has no such state, and is not asked for it. */
	assert_int_equal(dump(&seen, AF_INET, IPPROTO_UDP,
			      SOCK_STATE_BIT(SOCK_BOUND_INACTIVE), 0),
			 0);
	assert_int_equal(seen.n, 0);
	close(listener);
	close(fd);
}

static void an_mptcp_listener_is_one_of_tcp_as_well(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	struct sock s;
	struct seen seen;

	(void)state;
	if (fd < 0 || try_bind(fd, "127.0.0.1", 0) < 0 || listen(fd, 9) < 0 ||
	    dump(&seen, AF_INET, IPPROTO_MPTCP, LISTEN_BIT, 0) != 0) {
		close(fd);
		skip();
	}
	free(seen.socks);
	s = only(fd, IPPROTO_MPTCP, LISTEN_BIT);
	assert_true(s.mptcp);
	assert_int_equal(s.protocol, IPPROTO_TCP);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_int_equal(s.wqueue, 9);
	assert_int_equal(dump(&seen, AF_INET, IPPROTO_TCP, LISTEN_BIT, port_of(fd)), 0);
	assert_int_equal(seen.n, 1);
	assert_false(seen.socks[0].mptcp);
	assert_int_equal(seen.socks[0].inode, inode_of(fd));
	free(seen.socks);
	close(fd);
}

static void a_plain_listener_is_none_of_mptcp(void **state)
{
	int fd = listening("127.0.0.1", 0, 1);
	struct seen seen;
	int err = dump(&seen, AF_UNSPEC, IPPROTO_MPTCP, ANY_STATE, port_of(fd));

	(void)state;
	assert_true(err == 0 || err == -ENOENT);
	assert_int_equal(seen.n, 0);
	free(seen.socks);
	close(fd);
}

static void a_protocol_that_the_kernel_lacks_is_an_error_and_no_empty_list(void **state)
{
	static const struct {
		int protocol, type, number;
	} cases[] = { { IPPROTO_SCTP, SOCK_STREAM, IPPROTO_SCTP },
		      { IPPROTO_RAW, SOCK_RAW, IPPROTO_ICMP } };
	struct seen seen;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = socket(AF_INET, cases[i].type | SOCK_CLOEXEC, cases[i].number);
		int err;

		if (fd >= 0 && cases[i].protocol == IPPROTO_SCTP)
			assert_int_equal(listen(fd, 1), 0);
		err = dump(&seen, AF_UNSPEC, cases[i].protocol, ANY_STATE, 0);
		assert_true(err == 0 || err == -ENOENT || err == -EPROTONOSUPPORT);
		if (fd >= 0 && !err)
			assert_non_null(seen_as(&seen, fd));
		if (fd >= 0)
			close(fd);
		free(seen.socks);
	}
	assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_ICMP, ANY_STATE, 0),
			 -EPROTONOSUPPORT);
	assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_TCP, 0, 0), 0);
	assert_int_equal(seen.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_is_found_by_its_port),
		cmocka_unit_test(v6only_and_dual_stack_are_told_apart),
		cmocka_unit_test(one_family_can_be_asked_for),
		cmocka_unit_test(a_socket_bound_to_a_device_says_which),
		cmocka_unit_test(all_of_a_reuseport_group_are_found_each_once),
		cmocka_unit_test(
			what_the_function_returns_ends_the_dump_and_the_handle_lives_on),
		cmocka_unit_test(udp_sockets_are_connected_or_not),
		cmocka_unit_test(waiting_connections_and_bytes_are_counted),
		cmocka_unit_test(time_wait_says_when_it_ends),
		cmocka_unit_test(bound_but_not_listening_is_a_state_of_its_own),
		cmocka_unit_test(an_mptcp_listener_is_one_of_tcp_as_well),
		cmocka_unit_test(a_plain_listener_is_none_of_mptcp),
		cmocka_unit_test(
			a_protocol_that_the_kernel_lacks_is_an_error_and_no_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
