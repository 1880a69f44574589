/*
 * filter: whom it lets pass by process, user, unit and container.
 */
#include <netinet/in.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portwho/owners.h"
#include "who_samples.h"

static bool named(const struct listener *l, const char *name)
{
	const struct filter f = { .names = &name, .n_names = 1 };

	return filter_admits_owner(&f, l);
}

static void a_name_is_a_processs_or_its_programs(void **state)
{
	struct process p = sample_process(7, 1, "systemd-resolve", NULL);
	struct process q = sample_process(8, 1, "worker 1", NULL);
	struct listener l = sample("127.0.0.53", 53);

	(void)state;
	assert_false(named(&l, "systemd-resolve"));
	sample_held(&l, &p, 3);
	p.exe = (char[]){ "/usr/lib/systemd/systemd-resolved" };
	assert_true(named(&l, "systemd-resolve"));
	assert_true(named(&l, "systemd-resolved"));
	assert_false(named(&l, "systemd"));
	assert_false(named(&l, "resolved"));
	assert_false(named(&l, "/usr/lib/systemd/systemd-resolved"));
	/* Any of its holders. */
	sample_held(&l, &q, 3);
	assert_true(named(&l, "worker 1"));
	/* After an update. */
	p.exe = (char[]){ "/usr/bin/node (deleted)" };
	assert_true(named(&l, "node"));
	assert_false(named(&l, "nod"));
	sample_release(&l, 1);
}

static void a_name_is_a_units_or_a_containers(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener l = sample("0.0.0.0", 80);
	struct filter f = { .unit = "nginx" };

	(void)state;
	snprintf(l.place.unit, sizeof(l.place.unit), "nginx.service");
	assert_true(named(&l, "nginx"));
	assert_true(named(&l, "nginx.service"));
	assert_false(named(&l, "nginx.socket"));
	assert_false(named(&l, "ngin"));
	assert_false(named(&l, "nginx.serv"));
	assert_true(filter_admits_owner(&f, &l));
	snprintf(l.place.unit, sizeof(l.place.unit), "nginx.socket");
	assert_true(filter_admits_owner(&f, &l));
	snprintf(l.place.unit, sizeof(l.place.unit), "nginx.scope");
	assert_false(filter_admits_owner(&f, &l));
	l.place.unit[0] = '\0';
	assert_false(filter_admits_owner(&f, &l));
	snprintf(l.place.container, sizeof(l.place.container), "nginx");
	assert_true(filter_admits_owner(&f, &l));
	l.place.container[0] = '\0';
	/* Of one of those that share it. */
	p.cgroup = (char[]){ "/system.slice/nginx.service" };
	sample_held(&l, &p, 3);
	assert_true(filter_admits_owner(&f, &l));
	sample_release(&l, 1);
}

static void a_user_is_the_sockets_or_a_processs(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener l = sample("0.0.0.0", 80);
	struct filter f = { .has_uid = true, .uid = 0 };

	(void)state;
	l.sock.uid = 1000;
	assert_false(filter_admits_owner(&f, &l));
	f.uid = 1000;
	assert_true(filter_admits_owner(&f, &l));
	p.uid = 33;
	sample_held(&l, &p, 3);
	f.uid = 33;
	assert_true(filter_admits_owner(&f, &l));
	p.has_uid = false;
	assert_false(filter_admits_owner(&f, &l));
	l.sock.uid = SOCK_NO_UID;
	f.uid = 0;
	assert_false(filter_admits_owner(&f, &l));
	sample_release(&l, 1);
}

static void a_process_is_any_that_holds_it(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct process q = sample_process(8, 7, "x", NULL);
	struct listener l = sample("0.0.0.0", 80);
	struct filter f = { .pid = 8 };

	(void)state;
	sample_held(&l, &p, 3);
	assert_false(filter_admits_owner(&f, &l));
	sample_held(&l, &q, 3);
	assert_true(filter_admits_owner(&f, &l));
	f.pid = 1;
	assert_false(filter_admits_owner(&f, &l));
	sample_release(&l, 1);
}

static void all_options_have_to_fit_and_one_operand(void **state)
{
	static const char *const names[] = { "other", "x" };
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener l = sample("0.0.0.0", 80);
	struct filter f = { .names = names, .n_names = 2, .pid = 7, .has_uid = true };
	char why[256];

	(void)state;
	sample_held(&l, &p, 3);
	assert_true(filter_admits_owner(&f, &l));
	f.uid = 5;
	assert_false(filter_admits_owner(&f, &l));
	f.uid = 0;
	f.n_names = 1;
	assert_false(filter_admits_owner(&f, &l));
	assert_int_equal(port_list_add(&f.ports, "80", IPPROTO_TCP, why, sizeof(why)), 0);
	assert_false(filter_admits_owner(&f, &l));
	f.either = true;
	assert_true(filter_admits_owner(&f, &l));
	l.sock.local_port = 81;
	assert_false(filter_admits_owner(&f, &l));
	port_list_release(&f.ports);
	sample_release(&l, 1);
}

static void whether_processes_matter_to_a_filter_is_known(void **state)
{
	(void)state;
	assert_false(filter_asks_owner(&(struct filter){ .tcp = true, .exposed = true }));
	assert_true(filter_asks_owner(&(struct filter){ .pid = 1 }));
	assert_true(filter_asks_owner(&(struct filter){ .has_uid = true }));
	assert_true(filter_asks_owner(&(struct filter){ .unit = "x" }));
	assert_true(filter_asks_owner(&(struct filter){ .n_names = 1 }));
}

static void what_does_not_fit_is_left_out_and_the_rest_keeps_its_order(void **state)
{
	struct snapshot s = { 0 };
	struct filter f = { .has_uid = true, .uid = 3 };
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct listener l = sample_unix("x");

		l.sock.uid = i % 2 ? 3 : 4;
		l.sock.inode = (uint32_t)i;
		assert_int_equal(snapshot_copy_socket(&s, &l), 0);
		listener_release(&l);
	}
	owners_filter(&s, &f);
	assert_int_equal(s.n, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(s.listeners[i].sock.inode, 2 * i + 1);
	snapshot_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_a_processs_or_its_programs),
		cmocka_unit_test(a_name_is_a_units_or_a_containers),
		cmocka_unit_test(a_user_is_the_sockets_or_a_processs),
		cmocka_unit_test(a_process_is_any_that_holds_it),
		cmocka_unit_test(all_options_have_to_fit_and_one_operand),
		cmocka_unit_test(whether_processes_matter_to_a_filter_is_known),
		cmocka_unit_test(
			what_does_not_fit_is_left_out_and_the_rest_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
