#include <signal.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kill_say.h"
#include "text.h"
#include "who_kill_machine.h"

static void the_plan_names_all_and_escapes_it(void **state)
{
	static char group[] = "/system.slice/web.service";
	static char cmdline[] = "web\0--title\0a\033[31m\n";
	struct machine m;
	struct naming names;
	struct buf text = BUF_INIT;
	struct kill_context c = { .names = &names, .signal = SIGTERM, .euid = 1000 };
	struct process *p;

	(void)state;
	naming_init(&names, true);
	begin(&m, "80,90");
	p = add_process(&m, 100, 1, "we\033b");
	p->cmdline = cmdline;
	p->cmdline_len = sizeof(cmdline);
	p->cgroup = group;
	hold(add_listener(&m, 80, IPPROTO_TCP), p, 3);
	hold(add_listener(&m, 443, IPPROTO_TCP), p, 4);
	add_listener(&m, 90, IPPROTO_TCP)->owner = OWNER_HIDDEN;
	make(&m);
	kill_say_plan(&text, &c, &m.plan);
	assert_string_equal(
		text.data,
		"To be ended:\n"
		"  we\\x1bb (pid 100), user 1000, listens on 80/tcp, and also on "
		"443/tcp: web --title 'a\\x1b[31m\\n'\n"
		"    it belongs to web.service, which may start it again; to end it for "
		"good: systemctl stop web.service\n"
		"Left alone:\n"
		"  90/tcp: its process is hidden from us (the socket is of user 1000); "
		"try: sudo portwho --kill 90/tcp\n");
	buf_clear(&text);
	kill_say_question(&text, &c, &m.plan);
	assert_string_equal(text.data, "End it? [y/N] ");
	buf_release(&text);
	naming_release(&names);
	end(&m);
}

static void a_long_command_line_is_cut_between_characters(void **state)
{
	static char cmdline[2001];
	struct machine m;
	struct naming names;
	struct buf text = BUF_INIT;
	struct kill_context c = { .names = &names, .signal = SIGTERM };
	const char *at;
	uint32_t cp;
	struct process *p;
	size_t i, n;

	(void)state;
	for (i = 0; i + 2 < sizeof(cmdline); i += 2)
		memcpy(cmdline + i + 1, "\xc3\xa4", 2);
	cmdline[0] = 'x';
	cmdline[sizeof(cmdline) - 1] = '\0';
	naming_init(&names, true);
	begin(&m, "80");
	p = add_process(&m, 100, 1, "x");
	p->cmdline = cmdline;
	p->cmdline_len = sizeof(cmdline);
	hold(add_listener(&m, 80, IPPROTO_TCP), p, 3);
	make(&m);
	kill_say_plan(&text, &c, &m.plan);
	assert_true(text.len < 600);
	assert_non_null(strstr(text.data, "...\n"));
	for (at = text.data; *at; at += n) {
		n = text_utf8_decode((const unsigned char *)at, strlen(at), &cp);
		assert_true(n > 0);
	}
	buf_release(&text);
	naming_release(&names);
	end(&m);
}

static void systemd_is_told_by_its_socket_unit(void **state)
{
	struct machine m;
	struct naming names;
	struct buf text = BUF_INIT;
	struct kill_context c = { .names = &names, .signal = SIGTERM };

	(void)state;
	naming_init(&names, true);
	begin(&m, "631");
	hold(add_listener(&m, 631, IPPROTO_TCP), add_process(&m, 1, 0, "systemd"), 30);
	m.listeners[0].cgroup = "/system.slice/cups.socket";
	make(&m);
	kill_say_result(&text, &c, &m.plan.targets[0]);
	assert_string_equal(text.data,
			    "refused: systemd (pid 1): it starts a service there once a "
			    "client comes: systemctl stop cups.socket");
	buf_release(&text);
	naming_release(&names);
	end(&m);
}

/* Whoever may make control groups gives their names, and what is advised is pasted. */
static void a_name_in_a_command_is_quoted_where_a_shell_would_run_it(void **state)
{
	struct cgroup_place lxc = { .engine = "lxc", .container = "x;$(id)'y" };
	struct cgroup_place unit = { .unit = "my\\x2dapp.service" };
	struct buf text = BUF_INIT;

	(void)state;
	kill_say_stop(&text, &lxc);
	assert_string_equal(text.data, "lxc-stop -n 'x;$(id)'\\''y'");
	buf_release(&text);
	kill_say_stop(&text, &unit);
	/* As a shell reads it, it is the unit's name again. */
	assert_string_equal(text.data, "systemctl stop my\\\\x2dapp.service");
	buf_release(&text);
}

static void a_socket_unit_in_a_command_is_quoted(void **state)
{
	struct machine m;
	struct naming names;
	struct buf text = BUF_INIT;
	struct kill_context c = { .names = &names, .signal = SIGTERM };

	(void)state;
	naming_init(&names, true);
	begin(&m, "631");
	hold(add_listener(&m, 631, IPPROTO_TCP), add_process(&m, 1, 0, "systemd"), 30);
	m.listeners[0].cgroup = "/user.slice/$(id).socket";
	make(&m);
	kill_say_result(&text, &c, &m.plan.targets[0]);
	assert_non_null(strstr(text.data, "systemctl stop '$(id).socket'"));
	buf_release(&text);
	naming_release(&names);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plan_names_all_and_escapes_it),
		cmocka_unit_test(a_long_command_line_is_cut_between_characters),
		cmocka_unit_test(systemd_is_told_by_its_socket_unit),
		cmocka_unit_test(
			a_name_in_a_command_is_quoted_where_a_shell_would_run_it),
		cmocka_unit_test(a_socket_unit_in_a_command_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
