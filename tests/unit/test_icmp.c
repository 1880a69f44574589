#include <errno.h>
#include <time.h> /* linux/errqueue.h needs it */

#include <linux/errqueue.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "icmp.h"

#define V4 SO_EE_ORIGIN_ICMP
#define V6 SO_EE_ORIGIN_ICMP6

/* Loopback answers at once; a machine under load may still take its time. */
#define PATIENCE_MS 5000

struct meaning {
	uint8_t origin, type, code;
	enum port_reason reason;
	bool final;
};

static void check_meanings(const struct meaning *m, size_t n)
{
	for (size_t i = 0; i < n; i++, m++) {
		enum port_reason got = icmp_reason(m->origin, m->type, m->code);

		if (got != m->reason)
			fail_msg("origin %u type %u code %u: %s instead of %s", m->origin,
				 m->type, m->code, reason_word(got),
				 reason_word(m->reason));
		if (icmp_is_final(m->origin, m->type, m->code) != m->final)
			fail_msg("origin %u type %u code %u: final?", m->origin, m->type,
				 m->code);
	}
}

/* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
static void every_code_of_destination_unreachable_has_its_reason(void **state)
{
	static const struct meaning codes[] = {
		{ V4, 3, 0, REASON_NET_UNREACH, true },
		{ V4, 3, 1, REASON_HOST_UNREACH, true },
		{ V4, 3, 2, REASON_PROTO_UNREACH, true },
		{ V4, 3, 3, REASON_PORT_UNREACH, true },
		{ V4, 3, 4, REASON_FRAG_NEEDED, false },
		{ V4, 3, 5, REASON_HOST_UNREACH, true }, /* source route failed */
		{ V4, 3, 6, REASON_NET_UNREACH, true },	 /* network unknown */
		{ V4, 3, 7, REASON_HOST_UNREACH, true }, /* host unknown */
		{ V4, 3, 8, REASON_HOST_UNREACH, true }, /* source host isolated */
		{ V4, 3, 9, REASON_NET_PROHIBITED, true },
		{ V4, 3, 10, REASON_HOST_PROHIBITED, true },
		{ V4, 3, 11, REASON_NET_UNREACH, true },  /* for type of service */
		{ V4, 3, 12, REASON_HOST_UNREACH, true }, /* for type of service */
		{ V4, 3, 13, REASON_ADMIN_PROHIBITED, true },
		{ V4, 3, 14, REASON_ADMIN_PROHIBITED, true }, /* precedence */
		{ V4, 3, 15, REASON_ADMIN_PROHIBITED, true }, /* precedence cutoff */
	};

	(void)state;
	check_meanings(codes, ARRAY_SIZE(codes));
}

static void time_exceeded_is_final_and_advice_is_not(void **state)
{
	static const struct meaning codes[] = {
		{ V4, 11, 0, REASON_TIME_EXCEEDED, true },
		{ V4, 11, 1, REASON_TIME_EXCEEDED, true },
		{ V4, 4, 0, REASON_HOST_UNREACH, false }, /* source quench */
		{ V4, 5, 0, REASON_HOST_UNREACH, false }, /* redirect, network */
		{ V4, 5, 1, REASON_HOST_UNREACH, false }, /* redirect, host */
	};

	(void)state;
	check_meanings(codes, ARRAY_SIZE(codes));
}

/* RFC 4443 3.1 to 3.4 */
static void every_icmpv6_error_has_its_reason(void **state)
{
	static const struct meaning codes[] = {
		{ V6, 1, 0, REASON_NO_ROUTE, true },
		{ V6, 1, 1, REASON_ADMIN_PROHIBITED, true },
		{ V6, 1, 2, REASON_HOST_UNREACH, true }, /* beyond scope of source */
		{ V6, 1, 3, REASON_HOST_UNREACH, true },
		{ V6, 1, 4, REASON_PORT_UNREACH, true },
		{ V6, 1, 5, REASON_POLICY_FAIL, true },
		{ V6, 1, 6, REASON_REJECT_ROUTE, true },
		{ V6, 2, 0, REASON_FRAG_NEEDED, false },
		{ V6, 3, 0, REASON_TIME_EXCEEDED, true },
		{ V6, 3, 1, REASON_TIME_EXCEEDED, true },
		{ V6, 4, 1, REASON_PROTO_UNREACH, true }, /* next header not known */
	};

	(void)state;
	check_meanings(codes, ARRAY_SIZE(codes));
}

static void errors_of_other_origins_are_not_final(void **state)
{
	static const uint8_t origins[] = { SO_EE_ORIGIN_NONE, SO_EE_ORIGIN_LOCAL,
					   SO_EE_ORIGIN_TXSTATUS };
	size_t i;
	unsigned int type;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(origins); i++)
		for (type = 0; type < 256; type++)
			assert_false(icmp_is_final(origins[i], (uint8_t)type, 0));
}

static void every_type_and_code_has_words_and_a_reason(void **state)
{
	static const uint8_t origins[] = { SO_EE_ORIGIN_LOCAL, V4, V6 };
	size_t i;
	unsigned int n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(origins); i++) {
		for (n = 0; n < 65536; n++) {
			uint8_t type = (uint8_t)(n >> 8), code = (uint8_t)n;
			const char *words = icmp_words(origins[i], type, code);

			assert_non_null(words);
			assert_memory_equal(words, "ICMP", 4);
			assert_null(strchr(words, '\n'));
			assert_in_range(icmp_reason(origins[i], type, code), 0,
					REASON_COUNT - 1);
		}
	}
}

static void the_words_say_the_version_and_the_code(void **state)
{
	(void)state;
	assert_string_equal(icmp_words(V4, 3, 3), "ICMP port unreachable");
	assert_string_equal(icmp_words(V4, 3, 13), "ICMP administratively prohibited");
	assert_string_equal(icmp_words(V4, 11, 0), "ICMP time exceeded");
	assert_string_equal(icmp_words(V4, 3, 16), "ICMP error");
	assert_string_equal(icmp_words(V6, 1, 4), "ICMPv6 port unreachable");
	assert_string_equal(icmp_words(V6, 1, 6), "ICMPv6 reject route");
	assert_string_equal(icmp_words(V6, 2, 0), "ICMPv6 packet too big");
	assert_string_equal(icmp_words(V6, 1, 7), "ICMPv6 error");
}

/* ---- on real sockets ---- */

static struct addr loopback(int family)
{
	struct addr a;

	assert_int_equal(addr_from_text(family == AF_INET6 ? "::1" : "127.0.0.1", &a), 0);
	return a;
}

/*
 * A UDP port that stays free: one socket takes it at the same address, so that nobody
 * else gets it, and connects elsewhere, so that nobody's datagrams reach it.
 */
static int hold_closed_port(const struct addr *a, uint16_t *ret_port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, 0, &sa);
	struct addr own;
	int fd = socket(a->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, len, &own, ret_port),
			 0);
	/* To itself: only what comes from this very port is taken. */
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* A datagram to PORT of TO, which nobody takes, from a new socket of FAMILY. */
static int send_to_closed(const struct addr *to, uint16_t port, int family)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, port, &sa);
	struct pollfd wait = { 0 };
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(icmp_enable(fd, family), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	wait.fd = fd;
	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	assert_true(wait.revents & POLLERR);
	return fd;
}

static void check_closed_port(int family, uint8_t origin, uint8_t type, uint8_t code)
{
	struct icmp_error e = { 0 };
	struct addr a = loopback(family);
	uint16_t port = 0;
	int holder = hold_closed_port(&a, &port);
	int fd;

	if (holder < 0)
		skip(); /* no IPv6 here */
	fd = send_to_closed(&a, port, family);
	assert_int_equal(icmp_read(fd, &e), 1);
	assert_int_equal(e.origin, origin);
	assert_int_equal(e.type, type);
	assert_int_equal(e.code, code);
	assert_int_equal(e.error, ECONNREFUSED);
	assert_true(addr_equal(&e.from, &a));
	assert_int_equal(icmp_reason(e.origin, e.type, e.code), REASON_PORT_UNREACH);
	assert_int_equal(icmp_read(fd, &e), 0);
	close(fd);
	close(holder);
}

static void a_closed_ipv4_udp_port_is_told_with_its_sender(void **state)
{
	(void)state;
	check_closed_port(AF_INET, V4, 3, 3);
}

static void a_closed_ipv6_udp_port_is_told_with_its_sender(void **state)
{
	(void)state;
	check_closed_port(AF_INET6, V6, 1, 4);
}

/* Such errors come at the IPv6 level, with an ICMPv4 origin. */
static void an_error_for_a_mapped_address_names_the_ipv4_sender(void **state)
{
	struct icmp_error e = { 0 };
	struct addr a = loopback(AF_INET), mapped;
	uint16_t port = 0;
	int holder = hold_closed_port(&a, &port);
	int fd;

	(void)state;
	assert_true(holder >= 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		close(holder);
		skip(); /* no IPv6 here */
	}
	close(fd);
	assert_int_equal(addr_from_text("::ffff:127.0.0.1", &mapped), 0);
	fd = send_to_closed(&mapped, port, AF_INET6);
	assert_int_equal(icmp_read(fd, &e), 1);
	assert_int_equal(e.origin, V4);
	assert_int_equal(e.type, 3);
	assert_int_equal(e.code, 3);
	assert_true(addr_equal(&e.from, &a));
	close(fd);
	close(holder);
}

static void an_empty_queue_is_no_error(void **state)
{
	struct icmp_error e = { .type = 77 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(icmp_enable(fd, AF_INET), 0);
	/* The socket blocks, the question does not. */
	assert_int_equal(icmp_read(fd, &e), 0);
	assert_int_equal(e.type, 77);
	close(fd);
}

static void a_descriptor_that_is_no_socket_is_refused(void **state)
{
	struct icmp_error e;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(icmp_enable(fds[0], AF_INET), -ENOTSOCK);
	assert_int_equal(icmp_read(fds[0], &e), -ENOTSOCK);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_of_destination_unreachable_has_its_reason),
		cmocka_unit_test(time_exceeded_is_final_and_advice_is_not),
		cmocka_unit_test(every_icmpv6_error_has_its_reason),
		cmocka_unit_test(errors_of_other_origins_are_not_final),
		cmocka_unit_test(every_type_and_code_has_words_and_a_reason),
		cmocka_unit_test(the_words_say_the_version_and_the_code),
		cmocka_unit_test(a_closed_ipv4_udp_port_is_told_with_its_sender),
		cmocka_unit_test(a_closed_ipv6_udp_port_is_told_with_its_sender),
		cmocka_unit_test(an_error_for_a_mapped_address_names_the_ipv4_sender),
		cmocka_unit_test(an_empty_queue_is_no_error),
		cmocka_unit_test(a_descriptor_that_is_no_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
