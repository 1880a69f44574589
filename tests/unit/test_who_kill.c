#include <signal.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kill_say.h"
#include "who_kill_machine.h"

/* The reason for which PID is left alone, or NONE; it has to be in the plan. */
static enum kill_why why_of(const struct machine *m, pid_t pid)
{
	const struct kill_target *t = kill_plan_target(&m->plan, pid);

	assert_non_null(t);
	assert_int_equal(t->action, t->why == KILL_WHY_NONE ? KILL_ACTION_NONE
							    : KILL_ACTION_REFUSED);
	return t->why;
}

/* ---- the plan ---- */

static void only_holders_of_the_asked_port_are_in_the_plan(void **state)
{
	struct machine m;
	struct process *a, *b;

	(void)state;
	begin(&m, "3000");
	a = add_process(&m, 100, 50, "node");
	b = add_process(&m, 101, 50, "other");
	hold(add_listener(&m, 3000, IPPROTO_TCP), a, 3);
	hold(add_listener(&m, 3001, IPPROTO_TCP), b, 3);
	hold(add_listener(&m, 3000, IPPROTO_UDP), b, 4);
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.n_ending, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 100);
	assert_true(kill_plan_socket(&m.plan, 7000)->awaited);
	assert_null(kill_plan_socket(&m.plan, 7001));
	end(&m);
}

static void the_other_ports_of_a_process_are_known(void **state)
{
	struct machine m;
	struct process *a;
	const struct kill_target *t;

	(void)state;
	begin(&m, "443");
	a = add_process(&m, 100, 50, "nginx");
	hold(add_listener(&m, 80, IPPROTO_TCP), a, 3);
	hold(add_listener(&m, 443, IPPROTO_TCP), a, 4);
	hold(add_listener(&m, 443, IPPROTO_UDP), a, 5);
	make(&m);
	t = &m.plan.targets[0];
	assert_int_equal(t->n_asked, 1);
	assert_int_equal(t->n_listeners, 3);
	assert_int_equal(t->listeners[0]->sock.local_port, 443);
	assert_int_equal(t->listeners[0]->sock.protocol, IPPROTO_TCP);
	end(&m);
}

static void two_descriptors_of_one_socket_are_one_target(void **state)
{
	struct machine m;
	struct process *a;
	struct listener *l;

	(void)state;
	begin(&m, "3000");
	a = add_process(&m, 100, 50, "node");
	l = add_listener(&m, 3000, IPPROTO_TCP);
	hold(l, a, 3);
	hold(l, a, 9);
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.targets[0].n_asked, 1);
	end(&m);
}

static void parents_come_before_their_children(void **state)
{
	static const pid_t order[] = { 300, 200, 100, 400 };
	struct machine m;
	struct listener *l;
	size_t i;

	(void)state;
	begin(&m, "80");
	l = add_listener(&m, 80, IPPROTO_TCP);
	/* Numbers wrap around: a child may have a lower one. */
	hold(l, add_process(&m, 100, 200, "grandchild"), 3);
	hold(l, add_process(&m, 200, 300, "child"), 3);
	hold(l, add_process(&m, 300, 50, "master"), 3);
	hold(l, add_process(&m, 400, 200, "grandchild"), 3);
	make(&m);
	assert_int_equal(m.plan.n_ending, 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(m.plan.targets[i].process->pid, order[i]);
	end(&m);
}

static void a_circle_of_parents_ends(void **state)
{
	struct machine m;
	struct listener *l;

	(void)state;
	begin(&m, "80");
	l = add_listener(&m, 80, IPPROTO_TCP);
	hold(l, add_process(&m, 100, 101, "a"), 3);
	hold(l, add_process(&m, 101, 100, "b"), 3);
	make(&m);
	assert_int_equal(m.plan.n_ending, 2);
	end(&m);
}

static void init_self_ancestors_and_kernel_threads_are_refused(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "1-6");
	hold(add_listener(&m, 1, IPPROTO_TCP), add_process(&m, 1, 0, "init"), 3);
	hold(add_listener(&m, 2, IPPROTO_TCP), add_process(&m, 900, 901, "portwho"), 3);
	hold(add_listener(&m, 3, IPPROTO_TCP), add_process(&m, 901, 1, "sshd"), 3);
	hold(add_listener(&m, 4, IPPROTO_TCP), add_process(&m, 77, 2, "kworker"), 3);
	m.processes[3].kernel_thread = true;
	hold(add_listener(&m, 5, IPPROTO_TCP), add_process(&m, 100, 50, "node"), 3);
	make(&m);
	assert_int_equal(why_of(&m, 1), KILL_WHY_INIT);
	assert_int_equal(why_of(&m, 900), KILL_WHY_SELF);
	assert_int_equal(why_of(&m, 901), KILL_WHY_ANCESTOR);
	assert_int_equal(why_of(&m, 77), KILL_WHY_KERNEL_THREAD);
	assert_int_equal(why_of(&m, 100), KILL_WHY_NONE);
	assert_int_equal(m.plan.n_ending, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 100);
	assert_false(kill_plan_socket(&m.plan, 7000)->awaited);
	assert_true(kill_plan_socket(&m.plan, 7004)->awaited);
	end(&m);
}

static void systemd_and_what_it_has_started_for_a_socket_are_refused(void **state)
{
	struct machine m;
	struct listener *l;
	struct process *service;

	(void)state;
	begin(&m, "80,81");
	l = add_listener(&m, 80, IPPROTO_TCP);
	hold(l, add_process(&m, 1, 0, "systemd"), 40);
	service = add_process(&m, 100, 1, "web");
	hold(l, service, 3);
	make(&m);
	assert_int_equal(why_of(&m, 1), KILL_WHY_SYSTEMD);
	assert_int_equal(why_of(&m, 100), KILL_WHY_FUTILE);
	assert_int_equal(kill_plan_target(&m.plan, 100)->blocker->pid, 1);
	assert_int_equal(m.plan.n_ending, 0);
	kill_plan_release(&m.plan);
	/* But when it has another port of its own, it is ended for that. */
	hold(add_listener(&m, 81, IPPROTO_TCP), service, 4);
	make(&m);
	assert_int_equal(why_of(&m, 100), KILL_WHY_NONE);
	assert_false(kill_plan_socket(&m.plan, 7000)->awaited);
	assert_true(kill_plan_socket(&m.plan, 7001)->awaited);
	end(&m);
}

static void the_manager_of_a_user_is_refused(void **state)
{
	static char group[] = "/user.slice/user-1000.slice/user@1000.service/init.scope";
	struct machine m;

	(void)state;
	begin(&m, "80,81");
	hold(add_listener(&m, 80, IPPROTO_TCP), add_process(&m, 500, 1, "systemd"), 9);
	m.processes[0].cgroup = group;
	/* Anybody may take that name. */
	hold(add_listener(&m, 81, IPPROTO_TCP), add_process(&m, 501, 50, "systemd"), 9);
	make(&m);
	assert_int_equal(why_of(&m, 500), KILL_WHY_SYSTEMD);
	assert_int_equal(why_of(&m, 501), KILL_WHY_NONE);
	end(&m);
}

static void sockets_without_a_process_are_refused(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "1-3");
	add_listener(&m, 1, IPPROTO_TCP)->owner = OWNER_KERNEL;
	add_listener(&m, 2, IPPROTO_TCP)->owner = OWNER_HIDDEN;
	add_listener(&m, 3, IPPROTO_TCP)->owner = OWNER_GONE;
	make(&m);
	assert_int_equal(m.plan.n, 2);
	assert_int_equal(m.plan.n_ending, 0);
	assert_int_equal(m.plan.targets[0].why + m.plan.targets[1].why,
			 KILL_WHY_KERNEL + KILL_WHY_HIDDEN);
	end(&m);
}

static void what_is_bound_only_counts_when_nothing_listens(void **state)
{
	struct machine m;
	struct process *a, *b;

	(void)state;
	begin(&m, "3000");
	a = add_process(&m, 100, 50, "listens");
	b = add_process(&m, 101, 50, "bound");
	hold(add_listener(&m, 3000, IPPROTO_TCP), a, 3);
	hold(add_listener(&m, 3000, IPPROTO_TCP), b, 3);
	m.listeners[1].sock.state = SOCK_BOUND_INACTIVE;
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 100);
	assert_false(m.plan.bound);
	kill_plan_release(&m.plan);
	m.listeners[0].sock.local_port = 3001;
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 101);
	assert_true(m.plan.bound);
	end(&m);
}

static void pid_and_uid_leave_others_out_of_the_plan(void **state)
{
	struct machine m;
	struct listener *l;

	(void)state;
	begin(&m, "80");
	l = add_listener(&m, 80, IPPROTO_TCP);
	hold(l, add_process(&m, 100, 50, "master"), 3);
	hold(l, add_process(&m, 101, 100, "worker"), 3);
	m.processes[0].uid = 0;
	m.asked.pid = 101;
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 101);
	assert_int_equal(m.plan.n_ending, 1);
	/* The master keeps it. */
	assert_false(kill_plan_socket(&m.plan, 7000)->awaited);
	kill_plan_release(&m.plan);
	m.asked.pid = 0;
	m.asked.has_uid = true;
	m.asked.uid = 0;
	make(&m);
	assert_int_equal(m.plan.n, 1);
	assert_int_equal(m.plan.targets[0].process->pid, 100);
	end(&m);
}

/* ---- supervisors ---- */

static char web_group[] = "/system.slice/web.service";
static char web_user_group[] =
	"/user.slice/user-1000.slice/user@1000.service/app.slice/web.service";
static char docker_group[] =
	"/system.slice/docker-"
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope";

static void check_stop(char *group, const char *command)
{
	struct machine m;
	struct buf text = BUF_INIT;

	begin(&m, "80");
	hold(add_listener(&m, 80, IPPROTO_TCP), add_process(&m, 100, 1, "web"), 3);
	m.processes[0].cgroup = group;
	make(&m);
	assert_int_equal(why_of(&m, 100), KILL_WHY_NONE);
	assert_true(m.plan.targets[0].supervised);
	assert_true(kill_settle_ns(&m.plan, &m.self) > 100 * NS_PER_MS);
	kill_say_stop(&text, &m.plan.targets[0].place);
	assert_string_equal(text.data, command);
	buf_release(&text);
	end(&m);
}

static void services_and_containers_are_ended_by_their_supervisor(void **state)
{
	(void)state;
	check_stop(web_group, "systemctl stop web.service");
	check_stop(web_user_group, "systemctl --user stop web.service");
	check_stop(docker_group, "docker stop 0123456789ab");
}

static void our_own_service_is_no_advice(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, "80");
	hold(add_listener(&m, 80, IPPROTO_TCP), add_process(&m, 100, 1, "web"), 3);
	m.processes[0].cgroup = web_group;
	cgroup_place_of(web_group, &m.self.place);
	make(&m);
	assert_false(m.plan.targets[0].supervised);
	end(&m);
}

static void who_came_after_is_known_by_unit_or_parent(void **state)
{
	struct cgroup_place web, nowhere = { 0 };
	struct machine m;
	bool by_place;

	(void)state;
	begin(&m, "80,81");
	cgroup_place_of(web_group, &web);
	hold(add_listener(&m, 80, IPPROTO_TCP), add_process(&m, 100, 1, "web"), 3);
	hold(add_listener(&m, 81, IPPROTO_TCP), add_process(&m, 101, 50, "loop"), 3);
	m.processes[0].cgroup = web_group;
	make(&m);
	assert_int_equal(
		kill_plan_origin(&m.plan, &m.self, 1, &web, &by_place)->process->pid,
		100);
	assert_true(by_place);
	assert_int_equal(
		kill_plan_origin(&m.plan, &m.self, 50, &nowhere, &by_place)->process->pid,
		101);
	assert_false(by_place);
	assert_null(kill_plan_origin(&m.plan, &m.self, 1, &nowhere, &by_place));
	assert_null(kill_plan_origin(&m.plan, &m.self, 51, &nowhere, &by_place));
	/* Our own shell waits for us. */
	m.ancestors[0] = 50;
	assert_null(kill_plan_origin(&m.plan, &m.self, 50, &nowhere, &by_place));
	end(&m);
}

static void only_a_parent_that_can_restart_is_waited_for(void **state)
{
	struct machine m;
	struct process *p;

	(void)state;
	begin(&m, "80");
	p = add_process(&m, 100, 50, "web");
	hold(add_listener(&m, 80, IPPROTO_TCP), p, 3);
	make(&m);
	assert_true(kill_settle_ns(&m.plan, &m.self) > 0);
	p->ppid = 1;
	assert_int_equal(kill_settle_ns(&m.plan, &m.self), 0);
	p->ppid = 901; /* our own shell */
	assert_int_equal(kill_settle_ns(&m.plan, &m.self), 0);
	end(&m);
}

static void signals_that_end_are_the_usual_ones(void **state)
{
	(void)state;
	assert_true(kill_signal_ends(SIGTERM));
	assert_true(kill_signal_ends(SIGKILL));
	assert_true(kill_signal_ends(SIGHUP));
	assert_false(kill_signal_ends(SIGUSR1));
	assert_false(kill_signal_ends(SIGSTOP));
	assert_false(kill_signal_ends(SIGRTMIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_holders_of_the_asked_port_are_in_the_plan),
		cmocka_unit_test(the_other_ports_of_a_process_are_known),
		cmocka_unit_test(two_descriptors_of_one_socket_are_one_target),
		cmocka_unit_test(parents_come_before_their_children),
		cmocka_unit_test(a_circle_of_parents_ends),
		cmocka_unit_test(init_self_ancestors_and_kernel_threads_are_refused),
		cmocka_unit_test(
			systemd_and_what_it_has_started_for_a_socket_are_refused),
		cmocka_unit_test(the_manager_of_a_user_is_refused),
		cmocka_unit_test(sockets_without_a_process_are_refused),
		cmocka_unit_test(what_is_bound_only_counts_when_nothing_listens),
		cmocka_unit_test(pid_and_uid_leave_others_out_of_the_plan),
		cmocka_unit_test(services_and_containers_are_ended_by_their_supervisor),
		cmocka_unit_test(our_own_service_is_no_advice),
		cmocka_unit_test(who_came_after_is_known_by_unit_or_parent),
		cmocka_unit_test(only_a_parent_that_can_restart_is_waited_for),
		cmocka_unit_test(signals_that_end_are_the_usual_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
