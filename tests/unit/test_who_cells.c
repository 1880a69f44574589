/*
 * cells: what stands in a table and on a page is short, right, and fit for a terminal.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "portwho/table.h"
#include "who_samples.h"

#define HOUR (3600 * NS_PER_S)

static void assert_text(struct buf *text, const char *want)
{
	assert_false(text->failed);
	assert_string_equal(text->data ? text->data : "", want);
	buf_release(text);
}

static void assert_address(struct listener l, bool both, const char *want)
{
	struct row row = { .first = &l, .n_sockets = 1, .both_families = both };
	struct buf text = BUF_INIT;

	cell_address(&text, &row);
	assert_text(&text, want);
	listener_release(&l);
}

static struct listener on_device(struct listener l, const char *name)
{
	l.sock.interface = 1;
	snprintf(l.interface, sizeof(l.interface), "%s", name);
	return l;
}

static void an_address_is_written_as_everybody_does(void **state)
{
	struct listener zoned = on_device(sample("fe80::1%lo", 80), "lo");

	(void)state;
	assert_address(sample("0.0.0.0", 80), false, "0.0.0.0");
	assert_address(sample("0.0.0.0", 80), true, "*");
	assert_address(sample("::", 80), true, "*");
	assert_address(sample("::", 80), false, "[::]");
	assert_address(sample("2001:db8::1", 80), false, "[2001:db8::1]");
	assert_address(sample("::ffff:10.0.0.1", 80), false, "[::ffff:10.0.0.1]");
	assert_address(on_device(sample("0.0.0.0", 80), "eth0"), false, "0.0.0.0%eth0");
	assert_address(on_device(sample("::", 80), "eth0"), true, "*%eth0");
	/* Its zone is the device. */
	assert_address(zoned, false, "[fe80::1%lo]");
	assert_address(on_device(sample("0.0.0.0", 80), "a\x1b[m"), false,
		       "0.0.0.0%a\\x1b[m");
	assert_address(sample_unix("@x"), false, "@x");
	assert_address(sample_unix(NULL), false, "(unnamed)");
}

static void assert_name(struct listener l, const char *want)
{
	struct buf text = BUF_INIT;

	cell_name(&text, &l);
	assert_text(&text, want);
	listener_release(&l);
}

static void a_socket_is_named_by_port_and_protocol(void **state)
{
	struct listener mptcp = sample("0.0.0.0", 80);

	(void)state;
	mptcp.sock.mptcp = true;
	assert_name(sample("0.0.0.0", 65535), "65535/tcp");
	assert_name(sample_udp("0.0.0.0", 53), "53/udp");
	assert_name(mptcp, "80/mptcp");
	assert_name(sample_raw(58), "raw:58");
	assert_name(sample_unix("x"), "unix");
}

static void assert_unit(const char *unit, const char *container, const char *engine,
			const char *want)
{
	struct listener l = sample("0.0.0.0", 80);
	struct buf text = BUF_INIT;

	snprintf(l.place.unit, sizeof(l.place.unit), "%s", unit);
	snprintf(l.place.container, sizeof(l.place.container), "%s", container);
	snprintf(l.place.engine, sizeof(l.place.engine), "%s", engine);
	cell_unit(&text, &l);
	assert_text(&text, want);
}

static void a_container_goes_before_a_unit(void **state)
{
	(void)state;
	assert_unit("", "", "", "");
	assert_unit("nginx.service", "", "", "nginx.service");
	assert_unit("docker.service", "0123", "docker", "docker:0123");
	assert_unit("x.service", "0123", "", "0123");
	assert_unit("a\nb\x1b.service", "", "", "a\\nb\\x1b.service");
	assert_unit("", "a\x9b", "lxc", "lxc:a\\x9b");
}

static void assert_since(int64_t start, int64_t now, const char *want)
{
	struct buf text = BUF_INIT;

	cell_since(&text, start, now);
	assert_text(&text, want);
}

static void a_start_is_a_time_today_a_day_this_year_else_a_date(void **state)
{
	/* 2026-03-01 12:00 UTC. */
	const int64_t now = INT64_C(1772366400) * NS_PER_S;

	(void)state;
	assert_since(now, now, "12:00");
	assert_since(now - 12 * HOUR, now, "00:00");
	assert_since(now - 12 * HOUR - NS_PER_S, now, "Feb 28");
	assert_since(now - 59 * 24 * HOUR, now, "Jan 01");
	assert_since(now - 60 * 24 * HOUR, now, "2025-12-31");
	/* The same day of another year. */
	assert_since(now - 365 * 24 * HOUR, now, "2025-03-01");
	assert_since(0, now, "");
}

static void assert_command(const char *command, const char *want)
{
	struct process p = sample_process(7, 1, "comm\x1b", command);
	struct buf text = BUF_INIT;

	cell_command(&text, &p);
	free(p.cmdline);
	assert_text(&text, want);
}

static void a_command_is_quoted_where_a_shell_would_need_it(void **state)
{
	(void)state;
	assert_command("node|server.js|--port=3000", "node server.js --port=3000");
	assert_command("sh|-c|echo hi; exit", "sh -c 'echo hi; exit'");
	assert_command("x|it's", "x 'it'\\''s'");
	assert_command("x|''", "x ''\\'''\\'''");
	assert_command("x||y", "x '' y");
	assert_command("x|$HOME|*|~|a\\b", "x '$HOME' '*' '~' 'a\\\\b'");
	assert_command("/opt/my app/x|y", "'/opt/my app/x' y");
	/* A title. */
	assert_command("nginx: master process", "nginx: master process");
	/* None: a kernel thread, or one that ended. */
	assert_command(NULL, "[comm\\x1b]");
}

static void a_command_cannot_act_on_a_terminal(void **state)
{
	(void)state;
	assert_command("x|\x1b[31m\n\r\x7f", "x '\\x1b[31m\\n\\r\\x7f'");
	assert_command("\x1b]0;t\x07", "\\x1b]0;t\\x07");
	assert_command("x|\xe2\x80\xae|\xff|\xc3\xa4", "x '\\u202e' '\\xff' '\xc3\xa4'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_written_as_everybody_does),
		cmocka_unit_test(a_socket_is_named_by_port_and_protocol),
		cmocka_unit_test(a_container_goes_before_a_unit),
		cmocka_unit_test(a_start_is_a_time_today_a_day_this_year_else_a_date),
		cmocka_unit_test(a_command_is_quoted_where_a_shell_would_need_it),
		cmocka_unit_test(a_command_cannot_act_on_a_terminal),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
