/*
 * group: which listeners are one row, whose, and in which order.
 */
#include <netinet/in.h>
#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portwho/group.h"
#include "who_samples.h"

#define MANY 16

/* Processes that the tests' listeners are held by; freed at the end of each test. */
struct cast {
	struct process p[MANY];
	size_t n;
};

static const struct process *cast(struct cast *c, pid_t pid, pid_t ppid, const char *comm,
				  const char *command, const char *exe)
{
	struct process *p = &c->p[c->n++];

	assert_true(c->n <= MANY);
	*p = sample_process(pid, ppid, comm, command);
	p->exe = (char *)(uintptr_t)exe;
	return p;
}

static void dismiss(struct cast *c)
{
	while (c->n)
		free(c->p[--c->n].cmdline);
}

static struct rows rows(struct listener *items, size_t n, enum sort_key key)
{
	struct snapshot s = { .listeners = items, .n = n };
	struct rows r;

	assert_int_equal(rows_of(&s, key, &r), 0);
	return r;
}

static size_t n_rows(struct listener *items, size_t n)
{
	struct rows r = rows(items, n, SORT_PORT);
	size_t found = r.n;

	rows_release(&r);
	return found;
}

/* Are two sockets of one address and port, held by X and by Y, one row? */
static bool joined(const struct process *x, const struct process *y)
{
	struct listener items[2] = { sample("0.0.0.0", 80), sample("0.0.0.0", 80) };
	size_t n;

	sample_held(&items[0], x, 3);
	sample_held(&items[1], y, 3);
	n = n_rows(items, 2);
	sample_release(items, 2);
	return n == 1;
}

static void nothing_is_no_row(void **state)
{
	(void)state;
	assert_int_equal(n_rows(NULL, 0), 0);
}

static void workers_are_one_program(void **state)
{
	struct cast c = { .n = 0 };
	const struct process *master, *one, *two, *other;

	(void)state;
	master = cast(&c, 10, 1, "nginx", "nginx: master process /usr/sbin/nginx", "/n");
	one = cast(&c, 11, 10, "nginx", "nginx: worker process", "/n");
	two = cast(&c, 12, 10, "nginx", "nginx: worker process", "/n");
	other = cast(&c, 13, 1, "nginx", "nginx: master process /usr/sbin/nginx", "/n");
	assert_true(joined(master, master));
	assert_true(joined(master, one));
	assert_true(joined(two, master));
	assert_true(joined(one, two));
	/* Two that process 1 has taken over, or started, in one group. */
	assert_true(joined(master, other));
	c.p[3].cgroup = (char[]){ "/system.slice/b.service" };
	c.p[0].cgroup = (char[]){ "/system.slice/a.service" };
	assert_false(joined(master, other));
	dismiss(&c);
}

static void two_scripts_of_one_interpreter_are_two_programs(void **state)
{
	struct cast c = { .n = 0 };
	const struct process *a, *b, *again, *child, *python;

	(void)state;
	a = cast(&c, 10, 5, "node", "node|a.js", "/usr/bin/node");
	b = cast(&c, 11, 5, "node", "node|b.js", "/usr/bin/node");
	again = cast(&c, 12, 5, "node", "node|a.js", "/usr/bin/node");
	child = cast(&c, 13, 10, "node", "node|b.js", "/usr/bin/node");
	python = cast(&c, 14, 10, "node", "node|a.js", "/usr/bin/python");
	assert_false(joined(a, b));
	assert_true(joined(a, again));
	assert_false(joined(a, child));
	assert_false(joined(a, python));
	/* Where the program cannot be seen, its name has to be the same. */
	c.p[0].exe = c.p[4].exe = NULL;
	assert_true(joined(a, python));
	c.p[4].comm = (char[]){ "other" };
	assert_false(joined(a, python));
	dismiss(&c);
}

static void a_command_and_its_beginning_are_not_the_same(void **state)
{
	struct cast c = { .n = 0 };
	const struct process *a, *b;

	(void)state;
	a = cast(&c, 10, 5, "node", "node|a", NULL);
	b = cast(&c, 11, 5, "node", "node|a|b", NULL);
	assert_false(joined(a, b));
	dismiss(&c);
}

static void who_is_hidden_is_one_where_user_and_unit_are_the_same(void **state)
{
	struct listener items[2] = { sample("0.0.0.0", 80), sample("0.0.0.0", 80) };
	struct process p = sample_process(7, 1, "x", NULL);

	(void)state;
	assert_int_equal(n_rows(items, 2), 1);
	items[1].sock.uid = 7;
	assert_int_equal(n_rows(items, 2), 2);
	items[1].sock.uid = 0;
	snprintf(items[1].place.unit, sizeof(items[1].place.unit), "a.service");
	assert_int_equal(n_rows(items, 2), 2);
	snprintf(items[0].place.unit, sizeof(items[0].place.unit), "a.service");
	assert_int_equal(n_rows(items, 2), 1);
	snprintf(items[0].place.container, sizeof(items[0].place.container), "c");
	assert_int_equal(n_rows(items, 2), 2);
	items[0].place.container[0] = '\0';
	items[0].owner = OWNER_KERNEL;
	assert_int_equal(n_rows(items, 2), 2);
	/* Known and hidden are two. */
	items[0].owner = OWNER_HIDDEN;
	sample_held(&items[0], &p, 3);
	assert_int_equal(n_rows(items, 2), 2);
	sample_release(items, 2);
}

static void only_what_is_one_place_is_one_row(void **state)
{
	struct netns other = { .inode = 9 };
	struct listener items[] = {
		sample("0.0.0.0", 80),	   sample("127.0.0.1", 80), sample("0.0.0.0", 81),
		sample_udp("0.0.0.0", 80), sample("0.0.0.0", 80),   sample("0.0.0.0", 80),
		sample("0.0.0.0", 80),	   sample("0.0.0.0", 80),   sample("0.0.0.0", 80),
	};

	(void)state;
	items[4].sock.interface = 3;
	items[5].netns = &other;
	items[6].sock.state = SOCK_BOUND_INACTIVE;
	items[7].sock.mptcp = true;
	items[8].forwarded_to = strdup("10.0.0.1:80");
	assert_int_equal(n_rows(items, ARRAY_SIZE(items)), ARRAY_SIZE(items));
	sample_release(items, ARRAY_SIZE(items));
}

static void wildcards_of_both_families_are_one_row(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct process q = sample_process(8, 1, "y", NULL);
	struct listener items[] = { sample_v6only("::", 80), sample("0.0.0.0", 80) };
	struct rows r;

	(void)state;
	sample_held(&items[0], &p, 3);
	sample_held(&items[1], &p, 4);
	r = rows(items, 2, SORT_PORT);
	assert_int_equal(r.n, 1);
	assert_true(r.items[0].both_families);
	assert_int_equal(r.items[0].n_sockets, 2);
	assert_int_equal(r.items[0].n_processes, 1);
	assert_ptr_equal(r.items[0].first, &items[1]);
	assert_ptr_equal(r.first_of[0], &items[1]);
	assert_ptr_equal(r.first_of[1], &items[1]);
	rows_release(&r);
	items[1].holders[0].process = &q;
	r = rows(items, 2, SORT_PORT);
	assert_int_equal(r.n, 2);
	assert_false(r.items[0].both_families || r.items[1].both_families);
	rows_release(&r);
	/* Of a wildcard that takes both the row does, too. */
	items[0].sock.v6only = false;
	r = rows(items, 2, SORT_PORT);
	assert_false(r.items[0].both_families);
	assert_true(r.items[1].both_families);
	rows_release(&r);
	sample_release(items, 2);
}

static void addresses_of_both_families_are_two_rows(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener items[] = { sample("::1", 80), sample("127.0.0.1", 80) };

	(void)state;
	sample_held(&items[0], &p, 3);
	sample_held(&items[1], &p, 4);
	assert_int_equal(n_rows(items, 2), 2);
	sample_release(items, 2);
}

static void unix_and_raw_sockets_are_never_one(void **state)
{
	struct listener items[] = { sample_unix("a"),  sample_unix("a"),
				    sample_unix(NULL), sample_unix(NULL),
				    sample_raw(1),     sample_raw(1) };

	(void)state;
	assert_int_equal(n_rows(items, ARRAY_SIZE(items)), ARRAY_SIZE(items));
	sample_release(items, ARRAY_SIZE(items));
}

static void a_row_sums_up_its_sockets(void **state)
{
	struct process p = sample_process(7, 1, "x", NULL);
	struct process q = sample_process(8, 7, "x", NULL);
	struct listener items[] = { sample("0.0.0.0", 80), sample("0.0.0.0", 80),
				    sample("0.0.0.0", 80), sample("0.0.0.0", 81) };
	struct rows r;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		sample_held(&items[i], &p, 3);
		sample_held(&items[i], &p, 4);
		items[i].sock.rqueue = 10;
		items[i].sock.drops = UINT32_MAX;
	}
	sample_held(&items[1], &q, 3);
	items[1].sock.wqueue = 9;
	items[2].sock.wqueue = 10;
	r = rows(items, 4, SORT_PORT);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.items[0].n_sockets, 3);
	assert_int_equal(r.items[0].n_processes, 2);
	assert_int_equal(r.items[0].queue, 30);
	assert_int_equal(r.items[0].backlog, 147);
	/* One more than may is what the kernel calls full. */
	assert_int_equal(r.items[0].n_full, 1);
	assert_true(r.items[0].drops == UINT64_C(3) * UINT32_MAX);
	assert_int_equal(r.items[1].n_sockets, 1);
	assert_int_equal(r.items[1].n_processes, 1);
	rows_release(&r);
	sample_release(items, 4);
}

static void a_udp_socket_has_no_backlog_and_is_never_full(void **state)
{
	struct listener l = sample_udp("0.0.0.0", 53);
	struct rows r;

	(void)state;
	l.sock.rqueue = 1000;
	l.sock.wqueue = 50;
	r = rows(&l, 1, SORT_PORT);
	assert_int_equal(r.items[0].backlog, 0);
	assert_int_equal(r.items[0].n_full, 0);
	assert_int_equal(r.items[0].n_processes, 0);
	rows_release(&r);
}

static void the_oldest_process_is_named_and_systemd_last(void **state)
{
	struct process one = sample_process(1, 0, "systemd", NULL);
	struct process old = sample_process(300, 1, "old", NULL);
	struct process new = sample_process(200, 300, "new", NULL);
	struct listener l = sample("0.0.0.0", 80);

	(void)state;
	assert_null(listener_process(&l));
	assert_int_equal(listener_n_processes(&l), 0);
	sample_held(&l, &one, 3);
	assert_ptr_equal(listener_process(&l), &one);
	old.start_ticks = 10;
	new.start_ticks = 20;
	sample_held(&l, &new, 3);
	assert_ptr_equal(listener_process(&l), &new);
	sample_held(&l, &old, 3);
	sample_held(&l, &old, 4);
	assert_ptr_equal(listener_process(&l), &old);
	assert_int_equal(listener_n_processes(&l), 3);
	/* Started within the same hundredth of a second. */
	new.start_ticks = 10;
	assert_ptr_equal(listener_process(&l), &new);
	sample_release(&l, 1);
}

/* The socket of the group that comes first is that of the oldest, whatever its cookie. */
static void of_workers_the_one_that_forked_them_is_named(void **state)
{
	struct process parent = sample_process(7, 1, "x", NULL);
	struct process child = sample_process(8, 7, "x", NULL);
	struct listener items[] = { sample("0.0.0.0", 80), sample("0.0.0.0", 80) };
	struct rows r;

	(void)state;
	sample_held(&items[0], &child, 3);
	sample_held(&items[1], &parent, 3);
	r = rows(items, 2, SORT_PORT);
	assert_int_equal(r.n, 1);
	assert_ptr_equal(r.items[0].first, &items[1]);
	assert_int_equal(r.items[0].n_processes, 2);
	rows_release(&r);
	sample_release(items, 2);
}

/* ---- order ---- */

static void assert_order(struct listener *items, size_t n, enum sort_key key,
			 const uint16_t *ports)
{
	struct rows r = rows(items, n, key);
	size_t i;

	assert_int_equal(r.n, n);
	for (i = 0; i < n; i++)
		if (r.items[i].first->sock.local_port != ports[i])
			fail_msg("key %d, row %zu: port %u, not %u", (int)key, i,
				 r.items[i].first->sock.local_port, ports[i]);
	rows_release(&r);
}

static void rows_come_in_the_order_that_is_asked_for(void **state)
{
	struct process a = sample_process(30, 1, "a", NULL);
	struct process b = sample_process(20, 1, "b", NULL);
	struct listener items[] = { sample("10.0.0.2", 3), sample("10.0.0.1", 1),
				    sample("127.0.0.1", 2), sample("0.0.0.0", 4) };

	(void)state;
	sample_held(&items[0], &a, 3);
	sample_held(&items[1], &b, 3);
	items[1].sock.uid = 5;
	items[2].sock.drops = 9;
	items[3].sock.rqueue = 9;
	snprintf(items[2].place.unit, sizeof(items[2].place.unit), "b.service");
	snprintf(items[3].place.container, sizeof(items[3].place.container), "abc");
	assert_order(items, 4, SORT_PORT, (const uint16_t[]){ 1, 2, 3, 4 });
	assert_order(items, 4, SORT_ADDRESS, (const uint16_t[]){ 4, 1, 3, 2 });
	assert_order(items, 4, SORT_PROCESS, (const uint16_t[]){ 3, 1, 2, 4 });
	assert_order(items, 4, SORT_PID, (const uint16_t[]){ 1, 3, 2, 4 });
	assert_order(items, 4, SORT_SINCE, (const uint16_t[]){ 3, 1, 2, 4 });
	assert_order(items, 4, SORT_USER, (const uint16_t[]){ 2, 3, 4, 1 });
	assert_order(items, 4, SORT_UNIT, (const uint16_t[]){ 4, 2, 1, 3 });
	assert_order(items, 4, SORT_EXPOSURE, (const uint16_t[]){ 4, 1, 3, 2 });
	assert_order(items, 4, SORT_QUEUE, (const uint16_t[]){ 4, 1, 2, 3 });
	assert_order(items, 4, SORT_DROPS, (const uint16_t[]){ 2, 1, 3, 4 });
	sample_release(items, 4);
}

static void many_sockets_of_one_port_are_joined_in_no_time(void **state)
{
	enum { N = 20000 };
	struct process p = sample_process(7, 1, "x", NULL);
	struct listener *items = calloc(N, sizeof(*items));
	struct rows r;
	size_t i;

	(void)state;
	assert_non_null(items);
	for (i = 0; i < N; i++) {
		items[i] = sample("0.0.0.0", 80);
		sample_held(&items[i], &p, (int)i);
	}
	r = rows(items, N, SORT_PORT);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.items[0].n_sockets, N);
	assert_int_equal(r.items[0].n_processes, 1);
	rows_release(&r);
	sample_release(items, N);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_row),
		cmocka_unit_test(workers_are_one_program),
		cmocka_unit_test(two_scripts_of_one_interpreter_are_two_programs),
		cmocka_unit_test(a_command_and_its_beginning_are_not_the_same),
		cmocka_unit_test(who_is_hidden_is_one_where_user_and_unit_are_the_same),
		cmocka_unit_test(only_what_is_one_place_is_one_row),
		cmocka_unit_test(wildcards_of_both_families_are_one_row),
		cmocka_unit_test(addresses_of_both_families_are_two_rows),
		cmocka_unit_test(unix_and_raw_sockets_are_never_one),
		cmocka_unit_test(a_row_sums_up_its_sockets),
		cmocka_unit_test(a_udp_socket_has_no_backlog_and_is_never_full),
		cmocka_unit_test(the_oldest_process_is_named_and_systemd_last),
		cmocka_unit_test(of_workers_the_one_that_forked_them_is_named),
		cmocka_unit_test(rows_come_in_the_order_that_is_asked_for),
		cmocka_unit_test(many_sockets_of_one_port_are_joined_in_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
