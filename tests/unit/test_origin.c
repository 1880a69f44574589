/*
 * origin: what is asked for is this machine's, of one family, and needs no look-up where
 * those are forbidden; what is wrong is told in one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "origin.h"

/* Stderr while a call is made. A packet socket keeps the bounds between writes. */
struct listener {
	int saved;
	int reader;
};

static void listen_begin(struct listener *l)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
				    ends),
			 0);
	l->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(l->saved >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	l->reader = ends[0];
}

/* Restore stderr; one line was said that ends in EXPECTED, or nothing for NULL. */
static void listen_end(struct listener *l, const char *expected)
{
	char text[2048], more[8];
	ssize_t n;
	size_t len = expected ? strlen(expected) : 0;

	assert_int_equal(dup2(l->saved, STDERR_FILENO), STDERR_FILENO);
	close(l->saved);
	n = recv(l->reader, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	if (n > 0)
		assert_int_equal(recv(l->reader, more, sizeof(more), 0), 0);
	close(l->reader);
	if (!expected) {
		assert_string_equal(text, "");
		return;
	}
	assert_true((size_t)n > len + 1 && text[n - 1] == '\n');
	text[n - 1] = '\0';
	assert_ptr_equal(strchr(text, '\n'), NULL);
	assert_string_equal(text + n - 1 - len, expected);
}

static int enter(const char *interface, const char *source, int family, const char *said,
		 struct origin *ret_origin)
{
	struct listener l;
	int err;

	listen_begin(&l);
	err = origin_enter(NULL, interface, source, family, ret_origin);
	listen_end(&l, said);
	return err;
}

static void nothing_asked_for_leaves_all_to_the_kernel(void **state)
{
	struct origin o = { .family = 99, .interface = "x" };

	(void)state;
	assert_int_equal(enter(NULL, NULL, AF_INET6, NULL, &o), 0);
	assert_int_equal(o.family, AF_INET6);
	assert_int_equal(o.source.family, AF_UNSPEC);
	assert_string_equal(o.interface, "");
}

static void a_source_decides_the_family(void **state)
{
	struct origin o;

	(void)state;
	assert_int_equal(enter("lo", "127.0.0.1", AF_UNSPEC, NULL, &o), 0);
	assert_int_equal(o.family, AF_INET);
	assert_int_equal(o.source.family, AF_INET);
	assert_string_equal(o.interface, "lo");
}

static void what_is_not_of_this_machine_is_refused_and_changes_nothing(void **state)
{
	static const char *const rows[][3] = {
		{ "nosuch0", NULL,
		  "option '--interface': 'nosuch0': no such network interface" },
		{ "an-interface-name-that-is-too-long", NULL,
		  "option '--interface': 'an-interface-name-that-is-too-long': no such "
		  "network interface" },
		{ NULL, "192.0.2.1",
		  "option '--source': '192.0.2.1': no address of this machine" },
		{ NULL, "localhost",
		  "option '--source': 'localhost': expected an IPv4 or IPv6 address" },
		{ "lo", "", "option '--source': '': expected an IPv4 or IPv6 address" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct origin o = { .family = 99, .interface = "x" };

		assert_int_equal(enter(rows[i][0], rows[i][1], AF_UNSPEC, rows[i][2], &o),
				 -EINVAL);
		assert_int_equal(o.family, 99);
		assert_string_equal(o.interface, "x");
	}
}

static void a_source_of_the_other_family_is_refused(void **state)
{
	struct origin o;

	(void)state;
	assert_int_equal(enter(NULL, "127.0.0.1", AF_INET6,
			       "option '--source': '127.0.0.1': not an IPv6 address", &o),
			 -EINVAL);
}

static void a_source_that_may_be_right_is_no_bad_usage(void **state)
{
	struct origin o;
	struct listener l;
	int err;

	(void)state;
	/* Link-local without a zone: the kernel can't tell which one is meant. */
	listen_begin(&l);
	err = origin_enter(NULL, NULL, "fe80::1", AF_UNSPEC, &o);
	dup2(l.saved, STDERR_FILENO);
	close(l.saved);
	close(l.reader);
	assert_true(err < 0 && err != -EINVAL);
}

static void a_namespace_that_is_none_is_refused(void **state)
{
	struct listener l;
	struct origin o;
	int err;

	(void)state;
	listen_begin(&l);
	err = origin_enter("../x", NULL, NULL, AF_UNSPEC, &o);
	listen_end(&l, "option '--netns': '../x': no such network namespace");
	assert_int_equal(err, -EINVAL);
}

static void admits(const char *const *operands, int family, bool numeric,
		   const char *refusal)
{
	char why[TARGET_WHY_SIZE];
	struct target_set set;
	struct listener l;
	int err;

	target_set_init(&set, IPPROTO_TCP);
	for (; *operands; operands++)
		assert_int_equal(target_set_add(&set, *operands, why), 0);
	listen_begin(&l);
	err = origin_admits(&set, family, numeric);
	listen_end(&l, refusal);
	assert_int_equal(err, refusal ? -EINVAL : 0);
	target_set_release(&set);
}

static void targets_of_the_family_that_is_asked_for_are_admitted(void **state)
{
	static const char *const mixed[] = { "host.test:1", "192.0.2.1:1",
					     "[2001:db8::1]:1", NULL };
	static const char *const v4[] = { "host.test:1", "192.0.2.0/24:1",
					  "[::ffff:192.0.2.1]:1", NULL };

	(void)state;
	admits(mixed, AF_UNSPEC, false, NULL);
	admits(mixed, AF_INET, false,
	       "'2001:db8::1': an IPv6 address, but only IPv4 is asked for");
	admits(mixed, AF_INET6, false,
	       "'192.0.2.1': an IPv4 address, but only IPv6 is asked for");
	/* A mapped address is asked as IPv4. */
	admits(v4, AF_INET, false, NULL);
}

static void names_are_not_admitted_where_look_ups_are_forbidden(void **state)
{
	static const char *const addresses[] = { "192.0.2.1:1", "10.0.0.0/24:1", NULL };
	static const char *const name[] = { "192.0.2.1:1", "host.test:1", NULL };

	(void)state;
	admits(addresses, AF_UNSPEC, true, NULL);
	admits(name, AF_UNSPEC, true,
	       "'host.test': a name, but -n forbids look-ups (expected an address)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_for_leaves_all_to_the_kernel),
		cmocka_unit_test(a_source_decides_the_family),
		cmocka_unit_test(
			what_is_not_of_this_machine_is_refused_and_changes_nothing),
		cmocka_unit_test(a_source_of_the_other_family_is_refused),
		cmocka_unit_test(a_source_that_may_be_right_is_no_bad_usage),
		cmocka_unit_test(a_namespace_that_is_none_is_refused),
		cmocka_unit_test(targets_of_the_family_that_is_asked_for_are_admitted),
		cmocka_unit_test(names_are_not_admitted_where_look_ups_are_forbidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
