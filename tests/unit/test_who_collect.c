/*
 * collect: how far a socket is exposed, what a filter lets pass, and which sockets share
 * a port.
 */
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who_samples.h"

static void assert_exposure(const char *address, const char *interface, const char *want)
{
	struct listener l = sample(address, 80);

	l.sock.interface = *interface ? 7 : 0;
	assert_string_equal(exposure_word(exposure_of(&l.sock, interface)), want);
}

static void an_address_says_how_far_it_is_exposed(void **state)
{
	(void)state;
	assert_exposure("0.0.0.0", "", "all");
	assert_exposure("::", "", "all");
	assert_exposure("::ffff:0.0.0.0", "", "all");
	assert_exposure("127.0.0.1", "", "loopback");
	assert_exposure("127.255.255.254", "", "loopback");
	assert_exposure("::1", "", "loopback");
	assert_exposure("::ffff:127.0.0.1", "", "loopback");
	assert_exposure("128.0.0.1", "", "address");
	assert_exposure("10.0.0.1", "", "address");
	assert_exposure("2001:db8::1", "", "address");
	assert_exposure("::2", "", "address");
	assert_exposure("::ffff:10.0.0.1", "", "address");
	assert_exposure("169.254.1.1", "", "link-local");
	assert_exposure("::ffff:169.254.1.1", "", "link-local");
	assert_exposure("fe80::1", "", "link-local");
	assert_exposure("fec0::1", "", "address");
	assert_exposure("224.0.0.251", "", "address");
}

static void a_device_limits_the_exposure(void **state)
{
	(void)state;
	assert_exposure("0.0.0.0", "eth0", "address");
	assert_exposure("::", "eth0", "address");
	assert_exposure("0.0.0.0", "lo", "loopback");
	assert_exposure("::", "lo", "loopback");
	assert_exposure("10.0.0.1", "lo", "loopback");
	assert_exposure("fe80::1", "eth0", "link-local");
	assert_exposure("127.0.0.1", "eth0", "loopback");
	/* A device that is no longer there: not known, but not every address. */
	struct listener l = sample("0.0.0.0", 80);

	l.sock.interface = 7;
	assert_int_equal(exposure_of(&l.sock, ""), EXPOSURE_ADDRESS);
}

static void a_unix_socket_is_this_machines(void **state)
{
	struct listener l = sample_unix("/run/x");

	(void)state;
	assert_int_equal(l.exposure, EXPOSURE_LOOPBACK);
	sample_release(&l, 1);
}

static bool admits(const struct filter *f, struct listener l)
{
	bool yes = filter_admits_socket(f, &l);

	listener_release(&l);
	return yes;
}

static void an_empty_filter_lets_all_pass(void **state)
{
	struct filter f = { .tcp = true, .udp = true };

	(void)state;
	assert_true(admits(&f, sample("0.0.0.0", 80)));
	assert_true(admits(&f, sample_udp("::1", 53)));
	assert_true(admits(&f, sample_unix("x")));
	assert_true(admits(&f, sample_unix(NULL)));
	assert_true(admits(&f, sample_raw(1)));
}

static void a_family_lets_pass_what_takes_it(void **state)
{
	struct filter v4 = { .family = AF_INET }, v6 = { .family = AF_INET6 };
	struct listener old = sample("::", 80);

	(void)state;
	assert_true(admits(&v4, sample("0.0.0.0", 80)));
	assert_false(admits(&v6, sample("0.0.0.0", 80)));
	assert_true(admits(&v4, sample("::", 80)));
	assert_true(admits(&v6, sample("::", 80)));
	assert_false(admits(&v4, sample_v6only("::", 80)));
	assert_true(admits(&v6, sample_v6only("::", 80)));
	assert_false(admits(&v4, sample("2001:db8::1", 80)));
	assert_true(admits(&v4, sample("::ffff:10.0.0.1", 80)));
	assert_false(admits(&v6, sample("::ffff:10.0.0.1", 80)));
	assert_true(admits(&v4, sample("::ffff:0.0.0.0", 80)));
	assert_false(admits(&v4, sample_unix("x")));
	assert_false(admits(&v6, sample_unix("x")));
	/* A kernel that does not tell: it is not said to take IPv4. */
	old.sock.has_v6only = false;
	assert_false(listener_is_dual_stack(&old));
	assert_true(filter_admits_socket(&v6, &old));
}

static void exposed_leaves_loopback_out(void **state)
{
	struct filter f = { .exposed = true };

	(void)state;
	assert_true(admits(&f, sample("0.0.0.0", 80)));
	assert_true(admits(&f, sample("10.0.0.1", 80)));
	assert_true(admits(&f, sample("fe80::1", 80)));
	assert_false(admits(&f, sample("127.0.0.1", 80)));
	assert_false(admits(&f, sample("::ffff:127.0.0.1", 80)));
	assert_false(admits(&f, sample_unix("x")));
}

static void add(struct filter *f, const char *ports, int protocol)
{
	char why[256];

	assert_int_equal(port_list_add(&f->ports, ports, protocol, why, sizeof(why)), 0);
}

static void ports_are_those_of_their_protocol(void **state)
{
	struct filter f = { .tcp = true, .udp = true };
	struct listener sctp = sample("0.0.0.0", 80), mptcp = sample("0.0.0.0", 80);

	(void)state;
	add(&f, "80,100-102", IPPROTO_TCP);
	add(&f, "53", IPPROTO_UDP);
	assert_true(admits(&f, sample("0.0.0.0", 80)));
	assert_true(admits(&f, sample("::1", 100)));
	assert_true(admits(&f, sample("::1", 102)));
	assert_false(admits(&f, sample("::1", 99)));
	assert_false(admits(&f, sample("::1", 103)));
	assert_false(admits(&f, sample("0.0.0.0", 53)));
	assert_true(admits(&f, sample_udp("0.0.0.0", 53)));
	assert_false(admits(&f, sample_udp("0.0.0.0", 80)));
	assert_false(admits(&f, sample_unix("x")));
	assert_false(admits(&f, sample_raw(80)));
	sctp.sock.protocol = IPPROTO_SCTP;
	assert_true(filter_admits_socket(&f, &sctp));
	mptcp.sock.mptcp = true;
	assert_true(filter_admits_socket(&f, &mptcp));
	port_list_release(&f.ports);
}

static void ports_beside_names_do_not_decide_alone(void **state)
{
	static const char *const names[] = { "nginx" };
	struct filter f = { .tcp = true, .names = names, .n_names = 1, .either = true };
	struct listener l = sample("0.0.0.0", 81);

	(void)state;
	add(&f, "80", IPPROTO_TCP);
	assert_true(filter_admits_socket(&f, &l));
	assert_false(filter_has_port(&f, &l));
	l.sock.local_port = 80;
	assert_true(filter_has_port(&f, &l));
	f.either = false;
	l.sock.local_port = 81;
	assert_false(filter_admits_socket(&f, &l));
	port_list_release(&f.ports);
}

static void sockets_that_share_address_and_port_are_counted(void **state)
{
	struct netns other = { .inode = 7 };
	struct listener items[] = {
		sample("0.0.0.0", 80), sample("127.0.0.1", 80), sample("0.0.0.0", 80),
		sample_udp("::", 80),  sample("::", 80),	sample("0.0.0.0", 81),
		sample("0.0.0.0", 80), sample("0.0.0.0", 80),	sample("0.0.0.0", 80),
		sample_udp("::", 80),  sample_raw(1),		sample_raw(1),
		sample_unix(NULL),     sample_unix(NULL),	sample("fe80::1", 80),
		sample("fe80::1", 80),
	};
	static const unsigned int want[] = { 3, 1, 3, 2, 1, 1, 1, 1,
					     3, 2, 1, 1, 1, 1, 1, 1 };
	struct snapshot s = { .listeners = items, .n = ARRAY_SIZE(items) };
	size_t i;

	(void)state;
	items[6].sock.interface = 3;
	items[7].netns = &other;
	items[14].sock.local.scope = 1;
	items[15].sock.local.scope = 2;
	collect_groups(&s);
	for (i = 0; i < s.n; i++)
		if (items[i].reuseport_group != want[i])
			fail_msg("listener %zu: %u, not %u", i, items[i].reuseport_group,
				 want[i]);
	/* One that is bound is not of those that listen. */
	items[0].sock.state = SOCK_BOUND_INACTIVE;
	collect_groups(&s);
	assert_int_equal(items[0].reuseport_group, 1);
	assert_int_equal(items[2].reuseport_group, 2);
}

static void a_copy_of_a_socket_has_no_owner(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener l = sample_unix("name");
	struct snapshot s = { 0 };

	(void)state;
	sample_held(&l, &p, 3);
	l.forwarded_to = strdup("10.0.0.1:80");
	l.firewall_why = strdup("a rule");
	assert_int_equal(snapshot_copy_socket(&s, &l), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.listeners[0].unix_name, "name");
	assert_true(s.listeners[0].unix_name != l.unix_name);
	assert_int_equal(s.listeners[0].sock.cookie, l.sock.cookie);
	assert_int_equal(s.listeners[0].n_holders, 0);
	assert_null(s.listeners[0].holders);
	assert_null(s.listeners[0].forwarded_to);
	assert_null(s.listeners[0].firewall_why);
	snapshot_release(&s);
	assert_int_equal(s.n, 0);
	listener_release(&l);
}

static void each_kind_of_socket_has_its_words(void **state)
{
	struct listener l = sample("0.0.0.0", 80), u = sample_unix("x");

	(void)state;
	assert_string_equal(listener_protocol_word(&l), "tcp");
	assert_string_equal(listener_state_word(&l), "listen");
	l.sock.state = SOCK_BOUND_INACTIVE;
	assert_string_equal(listener_state_word(&l), "bound");
	l.sock.mptcp = true;
	assert_string_equal(listener_protocol_word(&l), "mptcp");
	l = sample_udp("0.0.0.0", 80);
	assert_string_equal(listener_protocol_word(&l), "udp");
	assert_string_equal(listener_state_word(&l), "unconnected");
	l = sample_raw(1);
	assert_string_equal(listener_protocol_word(&l), "raw");
	l.sock.protocol = IPPROTO_SCTP;
	assert_string_equal(listener_protocol_word(&l), "sctp");
	assert_string_equal(listener_protocol_word(&u), "unix");
	sample_release(&u, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_says_how_far_it_is_exposed),
		cmocka_unit_test(a_device_limits_the_exposure),
		cmocka_unit_test(a_unix_socket_is_this_machines),
		cmocka_unit_test(an_empty_filter_lets_all_pass),
		cmocka_unit_test(a_family_lets_pass_what_takes_it),
		cmocka_unit_test(exposed_leaves_loopback_out),
		cmocka_unit_test(ports_are_those_of_their_protocol),
		cmocka_unit_test(ports_beside_names_do_not_decide_alone),
		cmocka_unit_test(sockets_that_share_address_and_port_are_counted),
		cmocka_unit_test(a_copy_of_a_socket_has_no_owner),
		cmocka_unit_test(each_kind_of_socket_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
