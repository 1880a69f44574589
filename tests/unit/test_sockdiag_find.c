#include <dirent.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test_sockdiag.h"

static struct sock find(int protocol, const char *local, uint16_t port,
			const char *remote, uint16_t remote_port, uint32_t interface)
{
	struct addr here = addr_of(local), there = addr_of(remote);
	struct sock s = { .state = 0 };
	struct sockdiag *sd = opened();
	int err = sockdiag_find(sd, protocol, &here, port, &there, remote_port, interface,
				&s);

	sockdiag_close(sd);
	assert_true(err == 0 || err == -ENOENT);
	assert_int_equal(err == 0, s.cookie != 0);
	return s;
}

static void the_two_loopback_addresses_lead_to_their_own_listeners(void **state)
{
	int fd4 = listening("127.0.0.1", 0, 1), fd6;
	uint16_t port = port_of(fd4);
	struct sock s;

	(void)state;
	need_ipv6();
	fd6 = listening("::1", port, 3);
	s = find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, 0);
	assert_true(s.cookie == cookie_of(fd4));
	assert_int_equal(s.inode, inode_of(fd4));
	assert_int_equal(s.uid, getuid());
	assert_int_equal(s.family, AF_INET);
	assert_int_equal(s.wqueue, 1);
	assert_true(s.has_drops);
	s = find(IPPROTO_TCP, "::1", port, "::1", 1, 0);
	assert_true(s.cookie == cookie_of(fd6));
	assert_int_equal(s.wqueue, 3);
	s = find(IPPROTO_TCP, "::ffff:127.0.0.1", port, "127.0.0.1", 1, 0);
	assert_true(s.cookie == cookie_of(fd4));
	close(fd6);
	s = find(IPPROTO_TCP, "::1", port, "::1", 1, 0);
	assert_true(s.cookie == 0);
	close(fd4);
}

static void a_dual_stack_listener_gets_what_no_other_address_fits(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), fd4;
	uint16_t port;

	(void)state;
	need_ipv6();
	set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	assert_int_equal(try_bind(fd, "::", 0), 0);
	assert_int_equal(listen(fd, 1), 0);
	port = port_of(fd);
	assert_true(find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, 0).cookie ==
		    cookie_of(fd));
	assert_true(find(IPPROTO_TCP, "::1", port, "::1", 1, 0).cookie == cookie_of(fd));
	fd4 = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set(fd4, SOL_SOCKET, SO_REUSEPORT, 1);
	assert_int_equal(try_bind(fd4, "127.0.0.1", port), 0);
	assert_int_equal(listen(fd4, 1), 0);
	assert_true(find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, 0).cookie ==
		    cookie_of(fd4));
	assert_true(find(IPPROTO_TCP, "127.0.0.2", port, "127.0.0.1", 1, 0).cookie ==
		    cookie_of(fd));
	close(fd4);
	close(fd);
}

static void a_connection_is_found_before_its_listener(void **state)
{
	int fd = listening("127.0.0.1", 0, 1);
	int client = connected(SOCK_STREAM, "127.0.0.1", port_of(fd));
	int server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct sock s = find(IPPROTO_TCP, "127.0.0.1", port_of(fd), "127.0.0.1",
			     port_of(client), 0);

	(void)state;
	assert_true(server >= 0);
	assert_true(s.cookie == cookie_of(server));
	assert_int_equal(s.state, TCP_ESTABLISHED);
	s = find(IPPROTO_TCP, "127.0.0.1", port_of(fd), "127.0.0.1", 1, 0);
	assert_true(s.cookie == cookie_of(fd));
	close(server);
	close(client);
	close(fd);
}

/* Here the kernel takes the two ends the other way round. */
static void a_udp_socket_is_found_by_who_it_talks_to(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "::1" };
	size_t i;

	(void)state;
	need_ipv6();
	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		const char *a = addresses[i];
		struct addr here = addr_of(a);
		int peer = bound(SOCK_DGRAM, a, 0), talks, waits;
		uint16_t port;
		struct sock s;
		struct sockaddr_storage sa;
		socklen_t len = addr_to_sockaddr(&here, port_of(peer), &sa);

		talks = socket(here.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		waits = socket(here.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		set(talks, SOL_SOCKET, SO_REUSEADDR, 1);
		set(waits, SOL_SOCKET, SO_REUSEADDR, 1);
		assert_int_equal(try_bind(talks, a, 0), 0);
		port = port_of(talks);
		assert_int_equal(try_bind(waits, a, port), 0);
		assert_int_equal(connect(talks, (struct sockaddr *)&sa, len), 0);
		s = find(IPPROTO_UDP, a, port, a, port_of(peer), 0);
		assert_true(s.cookie == cookie_of(talks));
		assert_int_equal(s.state, TCP_ESTABLISHED);
		s = find(IPPROTO_UDP, a, port, a, 9, 0);
		assert_true(s.cookie == cookie_of(waits));
		assert_int_equal(s.protocol, IPPROTO_UDP);
		assert_int_equal(s.local_port, port);
		close(waits);
		close(talks);
		close(peer);
	}
}

static void a_device_counts_in_the_look_up(void **state)
{
	uint32_t lo = if_nametoindex("lo");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	(void)state;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) < 0) {
		close(fd);
		skip(); /* needed a privilege before Linux 5.7 */
	}
	assert_int_equal(try_bind(fd, "0.0.0.0", 0), 0);
	assert_int_equal(listen(fd, 1), 0);
	port = port_of(fd);
	assert_true(find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, lo).cookie ==
		    cookie_of(fd));
	assert_true(find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, 0).cookie == 0);
	assert_true(find(IPPROTO_TCP, "127.0.0.1", port, "127.0.0.1", 1, lo + 1).cookie ==
		    0);
	close(fd);
}

static void a_look_up_that_fails_leaves_the_result_alone(void **state)
{
	struct addr a = addr_of("127.0.0.1"), a6 = addr_of("::1"), none = { .family = 0 };
	int fd = bound(SOCK_STREAM, "127.0.0.1", 0); /* nobody listens on its port */
	uint16_t port = port_of(fd);
	struct sock s = { .inode = 42 };
	struct sockdiag *sd = opened();

	(void)state;
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &a, port, &a, 1, 0, &s), -ENOENT);
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &a, port, NULL, 0, 0, &s),
			 -ENOENT);
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &a, port, &a6, 1, 0, &s),
			 -EINVAL);
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &none, 1, &a, 1, 0, &s), -EINVAL);
	assert_int_equal(sockdiag_find(sd, IPPROTO_SCTP, &a, port, &a, 1, 0, &s),
			 -EPROTONOSUPPORT);
	assert_int_equal(s.inode, 42);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &a, port, NULL, 0, 0, &s), 0);
	assert_true(s.cookie == cookie_of(fd));
	assert_int_equal(sockdiag_find(sd, IPPROTO_TCP, &a, port, &none, 0, 0, &s), 0);
	sockdiag_close(sd);
	close(fd);
}

/* A unix socket with this NAME of LEN bytes. */
static int unix_bound(int type, const char *name, size_t len)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && len <= sizeof(sa.sun_path));
	memcpy(sa.sun_path, name, len);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	return fd;
}

/* Is FD in the list, under NAME? */
static struct sock unix_seen(int fd, const char *name, size_t len)
{
	struct seen seen = { .unix_inode = inode_of(fd) };
	struct sockdiag *sd = opened();
	struct sock s = { .family = 0 };

	assert_int_equal(sockdiag_dump_unix(sd, see, &seen), 0);
	sockdiag_close(sd);
	if (seen_as(&seen, fd)) {
		s = *seen_as(&seen, fd);
		assert_int_equal(s.inode, inode_of(fd));
		assert_int_equal(seen.unix_name_len, len);
		assert_memory_equal(seen.unix_name, name, len);
		assert_true(s.uid == getuid() || s.uid == SOCK_NO_UID);
	}
	free(seen.socks);
	return s;
}

static void unix_listeners_have_their_names_and_queues(void **state)
{
	char path[] = "/tmp/pk-sock-XXXXXX", abstract[64];
	size_t len;
	int fd, client;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct sock s;

	(void)state;
	close(mkstemp(path));
	unlink(path);
	fd = unix_bound(SOCK_STREAM, path, strlen(path));
	assert_int_equal(unix_seen(fd, path, strlen(path)).state, TCP_CLOSE);
	assert_int_equal(listen(fd, 5), 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(sa.sun_path, path, sizeof(path));
	assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
	s = unix_seen(fd, path, strlen(path));
	assert_int_equal(s.family, AF_UNIX);
	assert_int_equal(s.state, TCP_LISTEN);
	assert_int_equal(s.unix_type, SOCK_STREAM);
	assert_int_equal(s.rqueue, 1);
	assert_int_equal(s.wqueue, 5);
	assert_int_equal(s.local.family, AF_UNSPEC);
	/* The client has no name and is connected. */
	assert_int_equal(unix_seen(client, "", 0).family, 0);
	close(client);
	close(fd);
	unlink(path);

	/* NUL inside and at the end are part of an abstract name. */
	memset(abstract, 0, sizeof(abstract));
	snprintf(abstract + 1, sizeof(abstract) - 1, "pk-%d", (int)getpid());
	len = strlen(abstract + 1) + 5;
	abstract[len - 2] = 'x';
	fd = unix_bound(SOCK_DGRAM, abstract, len);
	s = unix_seen(fd, abstract, len);
	assert_int_equal(s.family, AF_UNIX);
	assert_int_equal(s.state, TCP_CLOSE);
	assert_int_equal(s.unix_type, SOCK_DGRAM);
	close(fd);
}

static void a_unix_socket_without_a_name_is_passed_over(void **state)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unix_seen(fd, "", 0).family, 0);
	close(fd);
}

static void a_handle_keeps_to_the_namespace_where_it_was_opened(void **state)
{
	struct addr a = addr_of("127.0.0.1");
	struct sockdiag *sd;
	uint16_t port;
	int fd, status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	sd = opened();
	fd = listening("127.0.0.1", 0, 1);
	port = port_of(fd);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sockdiag *inside = NULL;
		struct sock s;

		if (unshare(CLONE_NEWNET) < 0)
			_exit(77);
		if (sockdiag_find(sd, IPPROTO_TCP, &a, port, NULL, 0, 0, &s) != 0)
			_exit(1);
		if (sockdiag_open(&inside) != 0)
			_exit(2);
		if (sockdiag_find(inside, IPPROTO_TCP, &a, port, NULL, 0, 0, &s) !=
		    -ENOENT)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	sockdiag_close(sd);
	close(fd);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
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
	int before = count_open(), i;

	(void)state;
	sockdiag_close(NULL);
	for (i = 0; i < 50; i++)
		sockdiag_close(opened());
	assert_int_equal(count_open(), before);
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
}

static void signals_do_no_harm(void **state)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } },
			       never = { { 0, 0 }, { 0, 0 } };
	const struct sigaction action = { .sa_handler = on_alarm };
	int64_t until = clock_now_ns() + NS_PER_S / 4;
	int fd = listening("127.0.0.1", 0, 1);
	struct seen seen;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (clock_now_ns() < until) {
		assert_int_equal(dump(&seen, AF_UNSPEC, IPPROTO_TCP, LISTEN_BIT, 0), 0);
		assert_non_null(seen_as(&seen, fd));
		free(seen.socks);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_two_loopback_addresses_lead_to_their_own_listeners),
		cmocka_unit_test(a_dual_stack_listener_gets_what_no_other_address_fits),
		cmocka_unit_test(a_connection_is_found_before_its_listener),
		cmocka_unit_test(a_udp_socket_is_found_by_who_it_talks_to),
		cmocka_unit_test(a_device_counts_in_the_look_up),
		cmocka_unit_test(a_look_up_that_fails_leaves_the_result_alone),
		cmocka_unit_test(unix_listeners_have_their_names_and_queues),
		cmocka_unit_test(a_unix_socket_without_a_name_is_passed_over),
		cmocka_unit_test(a_handle_keeps_to_the_namespace_where_it_was_opened),
		cmocka_unit_test(closing_gives_the_socket_back),
		cmocka_unit_test(signals_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
