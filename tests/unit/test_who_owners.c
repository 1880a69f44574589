/*
 * owners: who holds a listener, in a /proc and a tree of control groups that are made up.
 */
#include <netinet/in.h>
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portwho/owners.h"
#include "test_proc_fake.h"
#include "who_samples.h"

/* A machine with process 1, and a snapshot of two sockets: inodes 100 and 200. */
struct world {
	struct fake proc, groups;
	struct owners owners;
	struct snapshot s;
};

static void add_process(struct world *w, int pid, int ppid, const char *comm,
			const char *cgroup)
{
	char name[64], text[400];

	snprintf(name, sizeof(name), "%d", pid);
	mkdirat(w->proc.fd, name, 0755);
	snprintf(name, sizeof(name), "%d/fd", pid);
	mkdirat(w->proc.fd, name, 0755);
	snprintf(name, sizeof(name), "%d/stat", pid);
	snprintf(text, sizeof(text),
		 "%d (%s) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, comm,
		 ppid, pid);
	fake_text(&w->proc, name, text);
	snprintf(name, sizeof(name), "%d/cgroup", pid);
	snprintf(text, sizeof(text), "0::%s\n", cgroup);
	fake_text(&w->proc, name, text);
}

static void add_socket(struct world *w, int pid, int fd, uint32_t inode)
{
	char name[16], number[16], target[40];

	snprintf(name, sizeof(name), "%d", pid);
	snprintf(number, sizeof(number), "%d", fd);
	snprintf(target, sizeof(target), "socket:[%u]", inode);
	fake_link(&w->proc, name, number, target);
}

static void add_group(struct world *w, const char *path, const char *pids)
{
	char name[200];

	assert_int_equal(mkdirat(w->groups.fd, path, 0755), 0);
	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	fake_text(&w->groups, name, pids);
}

static void world_init(struct world *w)
{
	*w = (struct world){ .owners = { .sees_all = true } };
	fake_init(&w->proc);
	fake_init(&w->groups);
	add_process(w, 1, 0, "init", "/init.scope");
	w->s.listeners = calloc(2, sizeof(*w->s.listeners));
	assert_non_null(w->s.listeners);
	w->s.n = w->s.cap = 2;
	w->s.listeners[0] = sample("0.0.0.0", 80);
	w->s.listeners[0].sock.inode = 100;
	w->s.listeners[1] = sample("0.0.0.0", 81);
	w->s.listeners[1].sock.inode = 200;
}

/* Once the folders are as they are to be. */
static void find(struct world *w, bool all)
{
	assert_int_equal(proc_open(&w->owners.proc, w->proc.path), 0);
	assert_int_equal(owners_find(&w->owners, &w->s, all), 0);
}

static void world_release(struct world *w)
{
	snapshot_release(&w->s);
	proc_close(w->owners.proc);
	cgroups_close(w->owners.cgroups);
	fake_release(&w->proc);
	fake_release(&w->groups);
}

/* The socket is held by these, with 0 behind them. */
static void assert_held(const struct listener *l, const pid_t *pids)
{
	size_t i;

	for (i = 0; pids[i]; i++)
		if (i >= l->n_holders || l->holders[i].process->pid != pids[i])
			fail_msg("holder %zu is not %d", i, pids[i]);
	assert_int_equal(l->n_holders, i);
}

#define HELD(listener, ...) assert_held(listener, (const pid_t[]){ __VA_ARGS__, 0 })

static void all_who_hold_it_are_found(void **state)
{
	struct world w;
	const struct listener *l;

	(void)state;
	world_init(&w);
	add_process(&w, 30, 1, "web", "/web.service");
	add_process(&w, 20, 30, "side", "/web.service");
	add_socket(&w, 30, 3, 100);
	add_socket(&w, 30, 7, 100);
	add_socket(&w, 20, 3, 100);
	find(&w, true);
	l = &w.s.listeners[0];
	HELD(l, 20, 30, 30);
	assert_int_equal(l->owner, OWNER_PROCESS);
	assert_string_equal(l->holders[0].process->comm, "side");
	assert_int_equal(l->holders[2].fd, 7);
	assert_ptr_equal(l->holders[1].process, l->holders[2].process);
	assert_string_equal(l->place.unit, "web.service");
	assert_int_equal(w.s.n_processes, 2);
	world_release(&w);
}

static void what_nobody_holds_is_the_kernels_only_where_all_can_be_seen(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.s.listeners[1].sock.inode = 0;
	find(&w, true);
	assert_int_equal(w.s.listeners[0].owner, OWNER_KERNEL);
	/* Without an inode there is nothing to look for. */
	assert_int_equal(w.s.listeners[1].owner, OWNER_HIDDEN);
	world_release(&w);

	world_init(&w);
	w.owners.sees_all = false;
	find(&w, true);
	assert_int_equal(w.s.listeners[0].owner, OWNER_HIDDEN);
	world_release(&w);
}

static void a_socket_that_systemd_keeps_is_its_units(void **state)
{
	struct world w;
	struct listener *l;

	(void)state;
	world_init(&w);
	add_process(&w, 1, 0, "systemd", "/init.scope");
	add_socket(&w, 1, 30, 100);
	add_socket(&w, 1, 31, 200);
	add_socket(&w, 1, 32, 200);
	w.s.listeners[0].cgroup = "/system.slice/web.socket";
	find(&w, true);
	l = w.s.listeners;
	assert_int_equal(l->owner, OWNER_SYSTEMD);
	assert_true(l->socket_activated);
	assert_string_equal(l->place.unit, "web.socket");
	/* Whose group is not known. */
	assert_int_equal(l[1].owner, OWNER_SYSTEMD);
	assert_string_equal(l[1].place.unit, "init.scope");
	world_release(&w);
}

static void a_service_that_systemd_started_owns_its_socket(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_process(&w, 1, 0, "systemd", "/init.scope");
	add_process(&w, 40, 1, "web", "/system.slice/web.service");
	add_socket(&w, 1, 30, 100);
	add_socket(&w, 40, 3, 100);
	w.s.listeners[0].cgroup = "/system.slice/web.socket";
	find(&w, true);
	HELD(&w.s.listeners[0], 1, 40);
	assert_int_equal(w.s.listeners[0].owner, OWNER_PROCESS);
	assert_true(w.s.listeners[0].socket_activated);
	assert_string_equal(w.s.listeners[0].place.unit, "web.service");
	world_release(&w);
}

static void process_1_of_a_container_is_a_process_like_others(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	add_process(&w, 1, 0, "node", "/app.service");
	add_socket(&w, 1, 3, 100);
	w.s.listeners[0].cgroup = "/other.service";
	find(&w, true);
	assert_int_equal(w.s.listeners[0].owner, OWNER_PROCESS);
	assert_false(w.s.listeners[0].socket_activated);
	assert_string_equal(w.s.listeners[0].place.unit, "app.service");
	world_release(&w);
}

/* ---- narrowed ---- */

static void open_groups(struct world *w, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(w->groups.fd, path, &st, 0), 0);
	assert_int_equal(cgroups_open(&w->owners.cgroups, w->groups.path), 0);
	w->s.listeners[0].sock.has_cgroup = true;
	w->s.listeners[0].sock.cgroup_id = st.st_ino;
}

static void the_group_that_made_it_is_looked_at_before_the_rest(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	fake_text(&w.groups, "cgroup.procs", "1\n");
	add_group(&w, "web.service", "30\n");
	add_process(&w, 30, 1, "web", "/web.service");
	add_process(&w, 40, 30, "moved", "/other.service");
	add_socket(&w, 30, 3, 100);
	add_socket(&w, 40, 3, 100);
	add_socket(&w, 40, 4, 200);
	open_groups(&w, "web.service");
	find(&w, false);
	assert_string_equal(w.s.listeners[0].cgroup, "/web.service");
	HELD(&w.s.listeners[0], 30);
	/* Nobody in its group: everybody was asked. */
	HELD(&w.s.listeners[1], 40);
	world_release(&w);

	world_init(&w);
	add_group(&w, "web.service", "30\n");
	add_process(&w, 30, 1, "web", "/web.service");
	add_process(&w, 40, 30, "moved", "/other.service");
	add_socket(&w, 30, 3, 100);
	add_socket(&w, 40, 3, 100);
	open_groups(&w, "web.service");
	find(&w, true);
	HELD(&w.s.listeners[0], 30, 40);
	world_release(&w);
}

static void the_service_of_a_socket_unit_is_looked_at(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.s.n = 1;
	add_process(&w, 1, 0, "systemd", "/init.scope");
	add_group(&w, "web.socket", "");
	add_group(&w, "web.service", "30\n");
	add_process(&w, 30, 1, "web", "/web.service");
	add_process(&w, 50, 1, "far", "/far.service");
	add_socket(&w, 1, 9, 100);
	add_socket(&w, 30, 3, 100);
	add_socket(&w, 50, 3, 100);
	open_groups(&w, "web.socket");
	find(&w, false);
	/* That the third was passed by shows that it was narrowed. */
	HELD(&w.s.listeners[0], 1, 30);
	assert_string_equal(w.s.listeners[0].place.unit, "web.service");
	assert_true(w.s.listeners[0].socket_activated);
	world_release(&w);
}

/* ---- what changes meanwhile ---- */

static void a_socket_without_holder_that_is_gone_by_now_is_nobodys(void **state)
{
	struct world w;
	struct snapshot now = { 0 };

	(void)state;
	world_init(&w);
	add_process(&w, 30, 1, "web", "/web.service");
	add_socket(&w, 30, 3, 200);
	find(&w, true);
	assert_int_equal(w.s.listeners[0].owner, OWNER_KERNEL);
	assert_true(owners_are_missing(&w.s));
	assert_int_equal(owners_settle(&w.owners, &w.s, &now), 0);
	assert_int_equal(w.s.listeners[0].owner, OWNER_GONE);
	/* What was found is found, even if it is closed now. */
	assert_int_equal(w.s.listeners[1].owner, OWNER_PROCESS);
	world_release(&w);
}

static void a_socket_that_is_still_there_stays_the_kernels(void **state)
{
	struct world w;
	struct snapshot now;

	(void)state;
	world_init(&w);
	find(&w, true);
	now = w.s;
	assert_int_equal(owners_settle(&w.owners, &w.s, &now), 0);
	assert_int_equal(w.s.listeners[0].owner, OWNER_KERNEL);
	assert_int_equal(w.s.listeners[1].owner, OWNER_KERNEL);
	world_release(&w);
}

static void the_child_of_a_holder_that_ended_meanwhile_is_found(void **state)
{
	struct world w;
	struct snapshot now;

	(void)state;
	world_init(&w);
	/* Its descriptors were seen, and then it was gone. */
	add_process(&w, 30, 1, "parent", "/web.service");
	add_socket(&w, 30, 3, 100);
	unlinkat(w.proc.fd, "30/stat", 0);
	/* Never seen, and not root's, as the kernel's own would be. */
	w.s.listeners[1].sock.uid = 1000;
	find(&w, true);
	assert_int_equal(w.s.listeners[0].n_holders, 0);
	/* It was held, so that it is not the kernel's. */
	assert_int_equal(w.s.listeners[0].owner, OWNER_GONE);
	assert_int_equal(w.s.listeners[1].owner, OWNER_KERNEL);
	now = w.s;
	add_process(&w, 20, 1, "child", "/web.service");
	add_socket(&w, 20, 3, 100);
	add_socket(&w, 20, 4, 200);
	assert_int_equal(owners_settle(&w.owners, &w.s, &now), 0);
	HELD(&w.s.listeners[0], 20);
	assert_int_equal(w.s.listeners[0].owner, OWNER_PROCESS);
	assert_string_equal(w.s.listeners[0].place.unit, "web.service");
	HELD(&w.s.listeners[1], 20);
	world_release(&w);
}

static void what_is_forwarded_has_no_owner_to_miss(void **state)
{
	struct world w;
	struct snapshot now = { 0 };

	(void)state;
	world_init(&w);
	w.s.listeners[0].forwarded_to = strdup("10.0.0.1:80");
	w.s.n = 1;
	find(&w, true);
	assert_false(owners_are_missing(&w.s));
	assert_int_equal(owners_settle(&w.owners, &w.s, &now), 0);
	assert_int_not_equal(w.s.listeners[0].owner, OWNER_GONE);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_hold_it_are_found),
		cmocka_unit_test(
			what_nobody_holds_is_the_kernels_only_where_all_can_be_seen),
		cmocka_unit_test(a_socket_that_systemd_keeps_is_its_units),
		cmocka_unit_test(a_service_that_systemd_started_owns_its_socket),
		cmocka_unit_test(process_1_of_a_container_is_a_process_like_others),
		cmocka_unit_test(the_group_that_made_it_is_looked_at_before_the_rest),
		cmocka_unit_test(the_service_of_a_socket_unit_is_looked_at),
		cmocka_unit_test(a_socket_without_holder_that_is_gone_by_now_is_nobodys),
		cmocka_unit_test(a_socket_that_is_still_there_stays_the_kernels),
		cmocka_unit_test(the_child_of_a_holder_that_ended_meanwhile_is_found),
		cmocka_unit_test(what_is_forwarded_has_no_owner_to_miss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
