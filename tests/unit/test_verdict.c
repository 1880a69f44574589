#include <errno.h>
#include <time.h> /* linux/errqueue.h needs it */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict.h"

#define TARGET	"192.0.2.80"
#define TARGET6 "2001:db8::80"
#define GATEWAY "198.51.100.1"
#define OWN	"192.0.2.2"

/* An observation in short, and what must come of it. Addresses are texts, NULL: none. */
struct row {
	const char *name;
	const char *target;
	int protocol;
	enum seen seen;
	int error;
	uint8_t origin, type, code; /* origin 0: no ICMP error */
	const char *from;
	bool from_self;
	const char *gateway;
	enum route_kind route;
	enum route_neigh neighbour;
	int64_t waited_ns;
	bool reset_is_local, kernel_kept_it;
	enum port_state state;
	enum port_reason reason;
	enum detail detail;
};

#define TCP(address)	      .target = (address), .protocol = IPPROTO_TCP
#define UDP(address)	      .target = (address), .protocol = IPPROTO_UDP
#define LATER(errno_value)    .seen = SEEN_ERROR, .error = (errno_value)
#define AT_ONCE(errno_value)  .seen = SEEN_SYNC_ERROR, .error = (errno_value)
#define SILENCE(milliseconds) .seen = SEEN_SILENCE, .waited_ns = (milliseconds)*NS_PER_MS
#define ICMP(o, t, c, sender) .origin = (o), .type = (t), .code = (c), .from = (sender)
#define ICMP4(t, c, sender)   ICMP(SO_EE_ORIGIN_ICMP, t, c, sender)
#define ICMP6(t, c, sender)   ICMP(SO_EE_ORIGIN_ICMP6, t, c, sender)

#define WANT(s, r, d) .state = STATE_##s, .reason = REASON_##r, .detail = DETAIL_##d

static struct addr addr_of(const char *text)
{
	struct addr a = { .family = AF_UNSPEC };

	if (text)
		assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

static struct result result_of(const struct row *row)
{
	struct result r = { .connect_ns = -1, .race_ns = -1, .held_ns = -1 };

	r.check.addr = addr_of(row->target);
	r.check.port = 80;
	r.check.protocol = (uint8_t)row->protocol;
	r.seen = (struct observation){ .seen = row->seen,
				       .error = row->error,
				       .has_icmp = row->origin != 0,
				       .icmp_from_self = row->from_self,
				       .reset_is_local = row->reset_is_local,
				       .kernel_kept_it = row->kernel_kept_it,
				       .route = row->route,
				       .has_gateway = row->gateway != NULL,
				       .gateway = addr_of(row->gateway),
				       .neighbour = row->neighbour,
				       .waited_ns = row->waited_ns };
	r.seen.icmp = (struct icmp_error){ .origin = row->origin,
					   .type = row->type,
					   .code = row->code,
					   .error = row->error,
					   .from = addr_of(row->from) };
	return r;
}

static void check_rows(const struct row *row, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, row++) {
		struct result r = result_of(row);

		verdict_decide(&r);
		if (r.reason != row->reason)
			fail_msg("%s: %s instead of %s", row->name, reason_word(r.reason),
				 reason_word(row->reason));
		if (r.state != row->state)
			fail_msg("%s: %s instead of %s", row->name, state_word(r.state),
				 state_word(row->state));
		if (r.detail != row->detail)
			fail_msg("%s: detail %d instead of %d", row->name, r.detail,
				 row->detail);
	}
}

#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

/* Tables of rows in short lines. */
/* clang-format off */

static void an_answer_opens_the_port(void **state)
{
	static const struct row rows[] = {
		{ "handshake",
		  TCP(TARGET), .seen = SEEN_CONNECTED, WANT(OPEN, SYN_ACK, NONE) },
		{ "datagram",
		  UDP(TARGET), .seen = SEEN_REPLY, WANT(OPEN, UDP_RESPONSE, NONE) },
		{ "handshake with itself",
		  TCP("127.0.0.1"), .seen = SEEN_CONNECTED, .route = ROUTE_LOCAL,
		  WANT(OPEN, SYN_ACK, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void only_a_reset_from_outside_closes_a_tcp_port(void **state)
{
	static const struct row rows[] = {
		{ "RST",
		  TCP(TARGET), LATER(ECONNREFUSED), WANT(CLOSED, RESET, NONE) },
		{ "RST of a port of this machine",
		  TCP("127.0.0.1"), LATER(ECONNREFUSED), .route = ROUTE_LOCAL,
		  WANT(CLOSED, RESET, NONE) },
		{ "RST made here",
		  TCP(TARGET), LATER(ECONNREFUSED), .reset_is_local = true,
		  WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void a_port_unreachable_never_closes_a_tcp_port(void **state)
{
	static const struct row rows[] = {
		{ "from the target",
		  TCP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, TARGET),
		  WANT(FILTERED, PORT_UNREACH, NONE) },
		{ "from a router",
		  TCP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, GATEWAY),
		  WANT(FILTERED, PORT_UNREACH, NONE) },
		{ "from this machine",
		  TCP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, OWN),
		  .from_self = true, WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
		{ "from the target, which is this machine",
		  TCP("127.0.0.1"), LATER(ECONNREFUSED), ICMP4(3, 3, "127.0.0.1"),
		  .from_self = true, .route = ROUTE_LOCAL,
		  WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
		{ "ICMPv6 from the target",
		  TCP(TARGET6), LATER(ECONNREFUSED), ICMP6(1, 4, TARGET6),
		  WANT(FILTERED, PORT_UNREACH, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void a_port_unreachable_closes_a_udp_port_when_the_target_sent_it(void **state)
{
	static const struct row rows[] = {
		{ "from the target",
		  UDP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, TARGET),
		  WANT(CLOSED, PORT_UNREACH, NONE) },
		{ "from another",
		  UDP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, GATEWAY),
		  WANT(FILTERED, PORT_UNREACH, NONE) },
		{ "from an unknown sender",
		  UDP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, NULL),
		  WANT(FILTERED, PORT_UNREACH, NONE) },
		{ "from the target, which is this machine",
		  UDP("::1"), LATER(ECONNREFUSED), ICMP6(1, 4, "::1"),
		  .from_self = true, .route = ROUTE_LOCAL,
		  WANT(CLOSED, PORT_UNREACH, NONE) },
		{ "from this machine, which is not the target",
		  UDP(TARGET), LATER(ECONNREFUSED), ICMP4(3, 3, OWN),
		  .from_self = true, WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void other_icmp_errors_mean_what_they_say(void **state)
{
	static const struct row rows[] = {
		{ "host unreachable, router",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 1, GATEWAY),
		  .gateway = GATEWAY, WANT(UNREACHABLE, HOST_UNREACH, NONE) },
		{ "prohibited, by errno the same",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 13, GATEWAY),
		  WANT(FILTERED, ADMIN_PROHIBITED, NONE) },
		{ "prohibited by the target itself",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 10, TARGET),
		  WANT(FILTERED, HOST_PROHIBITED, NONE) },
		{ "time exceeded",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(11, 0, GATEWAY),
		  WANT(UNREACHABLE, TIME_EXCEEDED, NONE) },
		{ "network unreachable, asynchronous",
		  TCP(TARGET), LATER(ENETUNREACH), ICMP4(3, 0, GATEWAY),
		  WANT(UNREACHABLE, NET_UNREACH, NONE) },
		{ "protocol unreachable",
		  TCP(TARGET), LATER(ENOPROTOOPT), ICMP4(3, 2, TARGET),
		  WANT(FILTERED, PROTO_UNREACH, NONE) },
		{ "no route, ICMPv6",
		  TCP(TARGET6), LATER(ENETUNREACH), ICMP6(1, 0, "2001:db8:1::1"),
		  WANT(UNREACHABLE, NO_ROUTE, NONE) },
		{ "reject route, ICMPv6",
		  TCP(TARGET6), LATER(EACCES), ICMP6(1, 6, "2001:db8:1::1"),
		  WANT(FILTERED, REJECT_ROUTE, NONE) },
		{ "policy, ICMPv6",
		  TCP(TARGET6), LATER(EACCES), ICMP6(1, 5, "2001:db8:1::1"),
		  WANT(FILTERED, POLICY_FAIL, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void a_host_unreachable_of_our_own_is_a_dead_next_hop(void **state)
{
	static const struct row rows[] = {
		{ "on-link",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "by a gateway",
		  TCP("203.0.113.9"), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, .gateway = GATEWAY,
		  .neighbour = ROUTE_NEIGH_WAITING,
		  WANT(UNREACHABLE, HOST_DOWN, GATEWAY_DOWN) },
		{ "on-link, ICMPv6",
		  TCP(TARGET6), LATER(EHOSTUNREACH), ICMP6(1, 3, "2001:db8::2"),
		  .from_self = true, .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "on-link, but the neighbour is there: a filter of our own",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, .neighbour = ROUTE_NEIGH_PRESENT,
		  WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
		{ "at once, and the neighbour was never asked",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
		{ "after seconds, and the neighbour's entry is gone again",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, .waited_ns = 3 * NS_PER_S,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "this machine itself: no neighbour is asked for that",
		  TCP(OWN), LATER(EHOSTUNREACH), ICMP4(3, 1, OWN),
		  .from_self = true, .route = ROUTE_LOCAL,
		  WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
		{ "prohibited, by this machine",
		  TCP(TARGET), LATER(EHOSTUNREACH), ICMP4(3, 13, OWN),
		  .from_self = true, WANT(FILTERED, LOCAL_REJECT, LOCAL_ANSWER) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void what_the_call_itself_reports_is_local(void **state)
{
	static const struct row rows[] = {
		{ "own filter, UDP",
		  UDP(TARGET), AT_ONCE(EPERM),
		  WANT(FILTERED, LOCAL_REJECT, NOT_PERMITTED) },
		{ "own filter, TCP",
		  TCP(TARGET), AT_ONCE(EPERM),
		  WANT(FILTERED, LOCAL_REJECT, NOT_PERMITTED) },
		{ "no route",
		  TCP(TARGET), AT_ONCE(ENETUNREACH), .route = ROUTE_NONE,
		  WANT(UNREACHABLE, NO_ROUTE, NONE) },
		{ "no IPv6",
		  TCP(TARGET6), AT_ONCE(EAFNOSUPPORT),
		  WANT(UNREACHABLE, NO_ROUTE, NO_FAMILY) },
		{ "route of type unreachable",
		  TCP(TARGET), AT_ONCE(EHOSTUNREACH), .route = ROUTE_UNREACHABLE,
		  WANT(UNREACHABLE, NO_ROUTE, ROUTE_REFUSES) },
		{ "route of type prohibit",
		  TCP(TARGET), AT_ONCE(EACCES), .route = ROUTE_PROHIBIT,
		  WANT(UNREACHABLE, NO_ROUTE, ROUTE_REFUSES) },
		{ "route of type blackhole",
		  TCP(TARGET), AT_ONCE(EINVAL), .route = ROUTE_BLACKHOLE,
		  WANT(UNREACHABLE, NO_ROUTE, ROUTE_REFUSES) },
		{ "neighbour known to be dead",
		  TCP(TARGET), AT_ONCE(EHOSTUNREACH),
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "gateway known to be dead",
		  TCP("203.0.113.9"), AT_ONCE(EHOSTUNREACH), .gateway = GATEWAY,
		  WANT(UNREACHABLE, HOST_DOWN, GATEWAY_DOWN) },
		{ "no address to send from",
		  TCP(TARGET6), AT_ONCE(EADDRNOTAVAIL), .route = ROUTE_NONE,
		  WANT(UNREACHABLE, NO_ROUTE, NO_SOURCE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void what_could_not_be_tested_is_no_verdict(void **state)
{
	static const struct row rows[] = {
		{ "broadcast",
		  UDP("192.0.2.255"), AT_ONCE(EACCES), .route = ROUTE_BROADCAST,
		  WANT(ERROR, PERMISSION, NONE) },
		{ "forbidden, and no route says so",
		  TCP(TARGET), AT_ONCE(EACCES), WANT(ERROR, PERMISSION, NONE) },
		{ "link-local without zone",
		  TCP("fe80::1"), AT_ONCE(EINVAL), WANT(ERROR, PERMISSION, NEEDS_ZONE) },
		{ "IPv4 link-local needs no zone",
		  TCP("169.254.1.1"), AT_ONCE(EINVAL), WANT(ERROR, PERMISSION, NONE) },
		{ "no port left",
		  TCP(TARGET), AT_ONCE(EADDRNOTAVAIL),
		  WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "no port left, found out later",
		  TCP(TARGET), LATER(EADDRNOTAVAIL), WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "no descriptor left",
		  TCP(TARGET), AT_ONCE(EMFILE), WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "no descriptor left in the system",
		  UDP(TARGET), AT_ONCE(ENFILE), WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "no buffers",
		  UDP(TARGET), AT_ONCE(ENOBUFS), WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "no memory",
		  TCP(TARGET), AT_ONCE(ENOMEM), WANT(ERROR, RESOURCE_LIMIT, NONE) },
		{ "local port taken",
		  TCP(TARGET), AT_ONCE(EADDRINUSE), WANT(ERROR, ADDRESS_IN_USE, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* Without the error queue (Linux before 5.8) there is only errno. */
static void an_old_kernel_leaves_errno_alone_to_tell(void **state)
{
	static const struct row rows[] = {
		{ "UDP port unreachable",
		  UDP(TARGET), LATER(ECONNREFUSED), WANT(CLOSED, PORT_UNREACH, NONE) },
		{ "host unreachable by ICMP",
		  TCP(TARGET), LATER(EHOSTUNREACH), .neighbour = ROUTE_NEIGH_PRESENT,
		  WANT(UNREACHABLE, HOST_UNREACH, NONE) },
		{ "host unreachable for want of a neighbour",
		  TCP(TARGET), LATER(EHOSTUNREACH), .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "host unreachable for want of the gateway",
		  TCP("203.0.113.9"), LATER(EHOSTUNREACH), .gateway = GATEWAY,
		  .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, GATEWAY_DOWN) },
		{ "network unreachable from outside",
		  TCP(TARGET), LATER(ENETUNREACH), WANT(UNREACHABLE, NET_UNREACH, NONE) },
		{ "prohibited, ICMPv6",
		  TCP(TARGET6), LATER(EACCES), WANT(FILTERED, ADMIN_PROHIBITED, NONE) },
		{ "protocol unreachable",
		  TCP(TARGET), LATER(ENOPROTOOPT), WANT(FILTERED, PROTO_UNREACH, NONE) },
		{ "the kernel gave up",
		  TCP(TARGET), LATER(ETIMEDOUT), WANT(FILTERED, NO_RESPONSE, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* ICMP codes 7 and 8, and source route failed (icmp_err_convert, net/ipv4/icmp.c). */
static void a_rare_icmp_errno_is_still_an_answer_of_the_network(void **state)
{
	static const struct row rows[] = {
		{ "host unknown",
		  TCP(TARGET), LATER(EHOSTDOWN), WANT(UNREACHABLE, HOST_UNREACH, NONE) },
		{ "host isolated",
		  TCP(TARGET), LATER(ENONET), WANT(UNREACHABLE, HOST_UNREACH, NONE) },
		{ "source route failed",
		  TCP(TARGET), LATER(EOPNOTSUPP), WANT(UNREACHABLE, HOST_UNREACH, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void silence_is_filtered_and_over_udp_undecided(void **state)
{
	static const struct row rows[] = {
		{ "TCP", TCP(TARGET), SILENCE(3000), WANT(FILTERED, NO_RESPONSE, NONE) },
		{ "UDP", UDP(TARGET), SILENCE(3000),
		  WANT(OPEN_FILTERED, NO_RESPONSE, NONE) },
		{ "TCP, the neighbour is there",
		  TCP(TARGET), SILENCE(3000), .neighbour = ROUTE_NEIGH_PRESENT,
		  WANT(FILTERED, NO_RESPONSE, NONE) },
		{ "TCP, the gateway is there",
		  TCP("203.0.113.9"), SILENCE(3000), .neighbour = ROUTE_NEIGH_PRESENT,
		  .gateway = GATEWAY, WANT(FILTERED, NO_RESPONSE, NONE) },
		{ "TCP within this machine",
		  TCP("127.0.0.1"), SILENCE(3000), .route = ROUTE_LOCAL,
		  WANT(FILTERED, NO_RESPONSE, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void silence_of_a_host_that_no_neighbour_answers_for_is_host_down(void **state)
{
	static const struct row rows[] = {
		{ "failed",
		  TCP(TARGET), SILENCE(500), .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "failed, UDP",
		  UDP(TARGET), SILENCE(500), .neighbour = ROUTE_NEIGH_FAILED,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "failed, gateway",
		  TCP("203.0.113.9"), SILENCE(500), .neighbour = ROUTE_NEIGH_FAILED,
		  .gateway = GATEWAY, WANT(UNREACHABLE, HOST_DOWN, GATEWAY_DOWN) },
		{ "asked for long",
		  TCP(TARGET), SILENCE(1000), .neighbour = ROUTE_NEIGH_WAITING,
		  WANT(UNREACHABLE, HOST_DOWN, NONE) },
		{ "asked for long, gateway",
		  UDP("203.0.113.9"), SILENCE(2000), .neighbour = ROUTE_NEIGH_WAITING,
		  .gateway = GATEWAY, WANT(UNREACHABLE, HOST_DOWN, GATEWAY_DOWN) },
		{ "asked just now",
		  TCP(TARGET), SILENCE(999), .neighbour = ROUTE_NEIGH_WAITING,
		  WANT(FILTERED, NO_RESPONSE, NONE) },
		{ "asked just now, UDP",
		  UDP(TARGET), SILENCE(999), .neighbour = ROUTE_NEIGH_WAITING,
		  WANT(OPEN_FILTERED, NO_RESPONSE, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void a_syn_that_never_left_is_rejected_here(void **state)
{
	static const struct row rows[] = {
		{ "kept",
		  TCP(TARGET), SILENCE(3000), .kernel_kept_it = true,
		  .neighbour = ROUTE_NEIGH_PRESENT,
		  WANT(FILTERED, LOCAL_REJECT, NEVER_LEFT) },
		{ "kept, but the neighbour is dead",
		  TCP(TARGET), SILENCE(3000), .kernel_kept_it = true,
		  .neighbour = ROUTE_NEIGH_FAILED, WANT(UNREACHABLE, HOST_DOWN, NONE) },
	};

	(void)state;
	CHECK_ROWS(rows);
}
/* clang-format on */

/* A zone that is there is not what is missing. */
static void an_address_with_a_zone_is_not_told_to_name_one(void **state)
{
	static const struct row row = { "", TCP("fe80::1"), AT_ONCE(EINVAL) };
	struct result r = result_of(&row);

	(void)state;
	r.check.addr.scope = 1;
	verdict_decide(&r);
	assert_int_equal(r.state, STATE_ERROR);
	assert_int_not_equal(r.detail, DETAIL_NEEDS_ZONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_opens_the_port),
		cmocka_unit_test(only_a_reset_from_outside_closes_a_tcp_port),
		cmocka_unit_test(a_port_unreachable_never_closes_a_tcp_port),
		cmocka_unit_test(
			a_port_unreachable_closes_a_udp_port_when_the_target_sent_it),
		cmocka_unit_test(other_icmp_errors_mean_what_they_say),
		cmocka_unit_test(a_host_unreachable_of_our_own_is_a_dead_next_hop),
		cmocka_unit_test(what_the_call_itself_reports_is_local),
		cmocka_unit_test(what_could_not_be_tested_is_no_verdict),
		cmocka_unit_test(an_old_kernel_leaves_errno_alone_to_tell),
		cmocka_unit_test(a_rare_icmp_errno_is_still_an_answer_of_the_network),
		cmocka_unit_test(silence_is_filtered_and_over_udp_undecided),
		cmocka_unit_test(
			silence_of_a_host_that_no_neighbour_answers_for_is_host_down),
		cmocka_unit_test(a_syn_that_never_left_is_rejected_here),
		cmocka_unit_test(an_address_with_a_zone_is_not_told_to_name_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
