#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "fake_names.h"
#include "plan.h"

#define MS(n)	((int64_t)(n)*NS_PER_MS)
#define TIMEOUT MS(60000) /* no look-up here takes nearly so long */

struct fixture {
	struct portcheck_config config;
	struct loop loop;
	struct plan *plan;
	size_t n_failed;
	struct result failed[32];
	char why[160];
};

static void note_failed(void *arg, struct result *r)
{
	struct fixture *f = arg;

	assert_true(f->n_failed < ARRAY_SIZE(f->failed));
	assert_non_null(r->name_why);
	assert_true(strlen(r->name_why) < sizeof(f->why));
	memcpy(f->why, r->name_why, strlen(r->name_why) + 1);
	f->failed[f->n_failed++] = *r;
}

/* OPERANDS as on the command line. */
static void set_up(struct fixture *f, int64_t timeout_ns, const char *const *operands)
{
	char why[TARGET_WHY_SIZE];

	*f = (struct fixture){ .config.timeout_ns = timeout_ns };
	target_set_init(&f->config.targets, IPPROTO_TCP);
	for (; *operands; operands++)
		assert_int_equal(target_set_add(&f->config.targets, *operands, why), 0);
	assert_int_equal(target_set_finish(&f->config.targets, why), 0);
	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(plan_create(&f->plan, &f->config, &f->loop, note_failed, f), 0);
	assert_int_equal(plan_start(f->plan), 0);
}

#define SET_UP(f, ...) set_up((f), TIMEOUT, (const char *const[]){ __VA_ARGS__, NULL })

static void tear_down(struct fixture *f)
{
	plan_destroy(f->plan);
	loop_release(&f->loop);
	target_set_release(&f->config.targets);
}

/* Run the loop until a look-up has ended. */
static void resolve(struct fixture *f)
{
	int64_t end_ns = clock_now_ns() + TIMEOUT / 2;

	while (!plan_woke(f->plan)) {
		assert_true(clock_now_ns() < end_ns);
		assert_int_equal(loop_step(&f->loop, end_ns), 0);
	}
}

static int next(struct fixture *f, int64_t now_ns, struct check *ret_check)
{
	int64_t when_ns;

	return plan_next(f->plan, now_ns, ret_check, &when_ns);
}

/* The next check is of ADDRESS and PORT. */
static struct check expect(struct fixture *f, int64_t now_ns, const char *address,
			   uint16_t port)
{
	char text[ADDR_TEXT_SIZE];
	struct check c;

	assert_int_equal(next(f, now_ns, &c), 1);
	assert_string_equal(addr_to_text(&c.addr, text), address);
	assert_int_equal(c.port, port);
	return c;
}

static void expect_end(struct fixture *f, int64_t now_ns)
{
	struct check c;

	assert_int_equal(next(f, now_ns, &c), -1);
}

static void expect_wait(struct fixture *f, int64_t now_ns, int64_t when_ns)
{
	struct check c;
	int64_t ret_ns;

	assert_int_equal(plan_next(f->plan, now_ns, &c, &ret_ns), 0);
	assert_int_equal(ret_ns, when_ns);
}

/* Tell the plan that C ended in STATE at NOW_NS. */
static struct result done(struct fixture *f, const struct check *c, int64_t now_ns,
			  enum port_state state)
{
	struct result r = { .check = *c,
			    .state = state,
			    .race_ns = -1,
			    .seen.waited_ns = state == STATE_FILTERED ? MS(3000)
								      : MS(1) };

	f->loop.now_ns = now_ns;
	plan_done(f->plan, &r);
	return r;
}

/* ---- without names ---- */

static void an_address_is_asked_for_each_of_its_ports_in_order(void **state)
{
	struct fixture f;
	struct check c;

	(void)state;
	SET_UP(&f, "192.0.2.1", "443", "80", "53/udp", "80");
	assert_int_equal(plan_estimate(&f.config), 3);
	c = expect(&f, 0, "192.0.2.1", 443);
	assert_int_equal(c.target, 0);
	assert_int_equal(c.port_index, 0);
	assert_int_equal(c.protocol, IPPROTO_TCP);
	assert_int_equal(c.group, 0);
	assert_int_equal(c.resolve_ns, -1);
	assert_int_equal(c.budget_ns, TIMEOUT);
	expect(&f, 0, "192.0.2.1", 80);
	c = expect(&f, 0, "192.0.2.1", 53);
	assert_int_equal(c.protocol, IPPROTO_UDP);
	assert_int_equal(c.port_index, 2);
	expect_end(&f, 0);
	tear_down(&f);
}

static void a_block_is_asked_address_by_address(void **state)
{
	static const char *const addresses[] = { "192.0.2.0", "192.0.2.1", "192.0.2.2",
						 "192.0.2.3" };
	struct fixture f;
	size_t i;

	(void)state;
	SET_UP(&f, "192.0.2.0/30", "80", "443");
	assert_int_equal(plan_total(f.plan), 8);
	assert_int_equal(plan_estimate(&f.config), 8);
	for (i = 0; i < 4; i++) {
		expect(&f, 0, addresses[i], 80);
		expect(&f, 0, addresses[i], 443);
	}
	expect_end(&f, 0);
	tear_down(&f);
}

static void a_target_named_twice_is_asked_under_both_numbers(void **state)
{
	struct fixture f;

	(void)state;
	SET_UP(&f, "192.0.2.1", "80", "::ffff:192.0.2.1", "[2001:db8::1]:22");
	assert_int_equal(expect(&f, 0, "192.0.2.1", 80).target, 0);
	assert_int_equal(expect(&f, 0, "192.0.2.1", 80).target, 1);
	assert_int_equal(expect(&f, 0, "2001:db8::1", 22).target, 2);
	expect_end(&f, 0);
	tear_down(&f);
}

static void every_round_begins_anew(void **state)
{
	struct fixture f;
	int round;

	(void)state;
	SET_UP(&f, "192.0.2.0/31", "a2.test", "80");
	for (round = 0; round < 3; round++) {
		struct check c;
		size_t n = 0;

		resolve(&f);
		while (next(&f, NS_PER_S * (1 + (int64_t)n), &c) > 0)
			n++;
		assert_int_equal(n, 4);
		assert_int_equal(plan_start(f.plan), 0);
	}
	/* In the middle of one, too. */
	resolve(&f);
	expect(&f, NS_PER_S, "192.0.2.1", 80);
	assert_int_equal(plan_start(f.plan), 0);
	assert_int_equal(plan_total(f.plan), 0);
	expect(&f, NS_PER_S, "192.0.2.0", 80);
	tear_down(&f);
}

/* ---- names ---- */

static void localhost_is_asked_at_each_of_its_addresses(void **state)
{
	int64_t now_ns = NS_PER_S;
	struct fixture f;
	struct check c;
	uint64_t n = 0;

	(void)state;
	SET_UP(&f, "localhost", "80");
	assert_int_equal(plan_total(f.plan), 0);
	assert_int_equal(plan_estimate(&f.config), 1);
	resolve(&f);
	for (; next(&f, now_ns, &c) > 0; now_ns += NS_PER_S) {
		assert_true(addr_is_loopback(&c.addr));
		assert_true(c.resolve_ns >= 0);
		assert_int_equal(c.budget_ns, TIMEOUT - c.resolve_ns);
		n++;
	}
	assert_true(n >= 1);
	assert_int_equal(plan_total(f.plan), n);
	tear_down(&f);
}

static void addresses_start_a_quarter_second_apart(void **state)
{
	int64_t t = NS_PER_S;
	struct fixture f;

	(void)state;
	SET_UP(&f, "a3.test", "80");
	resolve(&f);
	expect(&f, t, "192.0.2.1", 80);
	expect_wait(&f, t, t + MS(250));
	expect_wait(&f, t + MS(250) - 1, t + MS(250));
	expect(&f, t + MS(250), "192.0.2.2", 80);
	expect_wait(&f, t + MS(250), t + MS(500));
	expect(&f, t + MS(507), "192.0.2.3", 80);
	expect_end(&f, t + MS(507));
	tear_down(&f);
}

static void a_failure_starts_the_next_address_at_once(void **state)
{
	static const enum port_state failures[] = { STATE_CLOSED, STATE_FILTERED,
						    STATE_UNREACHABLE, STATE_ERROR };
	int64_t t = NS_PER_S;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(failures); i++) {
		struct fixture f;
		struct check c;
		struct result r;

		SET_UP(&f, "a3.test", "80");
		resolve(&f);
		c = expect(&f, t, "192.0.2.1", 80);
		r = done(&f, &c, t + MS(2), failures[i]);
		assert_int_equal(r.race_ns, -1);
		assert_false(r.beside_live);
		expect(&f, t + MS(2), "192.0.2.2", 80);
		expect_wait(&f, t + MS(2), t + MS(252));
		tear_down(&f);
	}
}

static void success_starts_all_others_at_once_and_ends_the_race(void **state)
{
	int64_t t = NS_PER_S;
	struct check c[4];
	struct fixture f;
	struct result r;

	(void)state;
	SET_UP(&f, "a4.test", "80");
	resolve(&f);
	c[0] = expect(&f, t, "192.0.2.1", 80);
	c[1] = expect(&f, t + MS(250), "192.0.2.2", 80);
	r = done(&f, &c[1], t + MS(260), STATE_OPEN);
	assert_int_equal(r.race_ns, MS(260));
	assert_false(r.beside_live);
	c[2] = expect(&f, t + MS(260), "192.0.2.3", 80);
	c[3] = expect(&f, t + MS(260), "192.0.2.4", 80);
	expect_end(&f, t + MS(260));
	r = done(&f, &c[2], t + MS(270), STATE_OPEN);
	assert_int_equal(r.race_ns, -1);
	assert_false(r.beside_live);
	r = done(&f, &c[0], t + MS(3000), STATE_FILTERED);
	assert_true(r.beside_live);
	r = done(&f, &c[3], t + MS(3000), STATE_CLOSED);
	assert_false(r.beside_live);
	tear_down(&f);
}

static void each_port_has_a_race_of_its_own(void **state)
{
	int64_t t = NS_PER_S;
	struct check c[4];
	struct fixture f;

	(void)state;
	SET_UP(&f, "a2.test", "80", "443");
	resolve(&f);
	c[0] = expect(&f, t, "192.0.2.1", 80);
	c[1] = expect(&f, t, "192.0.2.1", 443);
	assert_int_not_equal(c[0].group, 0);
	assert_int_not_equal(c[0].group, c[1].group);
	done(&f, &c[1], t + MS(5), STATE_CLOSED);
	c[3] = expect(&f, t + MS(5), "192.0.2.2", 443);
	assert_int_equal(c[3].group, c[1].group);
	expect_wait(&f, t + MS(5), t + MS(250));
	c[2] = expect(&f, t + MS(250), "192.0.2.2", 80);
	assert_int_equal(c[2].group, c[0].group);
	/* The open port says nothing of the other one. */
	done(&f, &c[3], t + MS(300), STATE_OPEN);
	assert_false(done(&f, &c[0], t + MS(300), STATE_FILTERED).beside_live);
	expect_end(&f, t + MS(300));
	tear_down(&f);
}

static void many_ports_or_a_single_address_are_no_race(void **state)
{
	struct fixture f;
	struct check c;
	size_t n = 0;

	(void)state;
	SET_UP(&f, "a2.test", "1-17");
	resolve(&f);
	while (next(&f, NS_PER_S, &c) > 0) {
		assert_int_equal(c.group, 0);
		n++;
	}
	assert_int_equal(n, 34);
	tear_down(&f);
	SET_UP(&f, "a1.test", "80");
	resolve(&f);
	assert_int_equal(expect(&f, 0, "192.0.2.1", 80).group, 0);
	tear_down(&f);
}

static void more_names_than_look_ups_at_once_are_all_asked(void **state)
{
	enum { NAMES = 200 };
	const char *operands[NAMES + 2] = { "a1.test", "80" };
	bool seen[NAMES] = { false };
	struct fixture f;
	struct check c;
	size_t i;

	(void)state;
	for (i = 2; i <= NAMES; i++)
		operands[i] = "a1.test";
	set_up(&f, TIMEOUT, operands);
	for (i = 0; i < NAMES; i++) {
		while (next(&f, NS_PER_S, &c) <= 0)
			resolve(&f);
		assert_false(seen[c.target]);
		seen[c.target] = true;
	}
	expect_end(&f, NS_PER_S);
	tear_down(&f);
}

/* ---- names that fail ---- */

static void a_failed_look_up_is_told_for_each_port(void **state)
{
	struct fixture f;

	(void)state;
	SET_UP(&f, "192.0.2.1:22", "nothere.test", "80", "53/udp");
	resolve(&f);
	assert_int_equal(f.n_failed, 2);
	assert_int_equal(f.failed[0].state, STATE_UNRESOLVED);
	assert_int_equal(f.failed[0].reason, REASON_NAME_NOT_FOUND);
	assert_int_equal(f.failed[0].check.target, 1);
	assert_int_equal(f.failed[0].check.port, 80);
	assert_int_equal(f.failed[0].check.addr.family, AF_UNSPEC);
	assert_int_equal(f.failed[1].check.port, 53);
	assert_int_equal(f.failed[1].check.port_index, 1);
	assert_int_equal(f.failed[1].check.protocol, IPPROTO_UDP);
	expect(&f, 0, "192.0.2.1", 22);
	expect_end(&f, 0);
	assert_int_equal(plan_total(f.plan), 1);
	tear_down(&f);
}

/* EAI_MEMORY: the name was never asked for. */
static void a_shortage_during_the_look_up_is_no_verdict(void **state)
{
	struct fixture f;

	(void)state;
	assert_int_equal(EAI_MEMORY, -10);
	SET_UP(&f, "e10.test", "80");
	resolve(&f);
	assert_int_equal(f.n_failed, 1);
	assert_int_equal(f.failed[0].reason, REASON_RESOURCE_LIMIT);
	assert_int_equal(f.failed[0].state, STATE_ERROR);
	tear_down(&f);
}

static void a_dead_resolver_costs_no_more_than_the_timeout(void **state)
{
	struct fixture f;
	int64_t start_ns;

	(void)state;
	set_gate(false);
	start_ns = clock_now_ns();
	set_up(&f, MS(20), (const char *const[]){ "slow.test", "80", NULL });
	expect_wait(&f, start_ns, INT64_MAX);
	resolve(&f);
	assert_true(clock_now_ns() >= start_ns + MS(20));
	assert_true(clock_now_ns() < start_ns + TIMEOUT / 2);
	assert_int_equal(f.n_failed, 1);
	assert_int_equal(f.failed[0].state, STATE_UNRESOLVED);
	assert_int_equal(f.failed[0].reason, REASON_NAME_FAILURE);
	assert_true(f.failed[0].check.resolve_ns >= MS(20));
	assert_non_null(strstr(f.why, "20.0 ms"));
	expect_end(&f, start_ns);
	/* What comes back late changes nothing. */
	assert_true(wait_inside(1));
	set_gate(true);
	assert_true(wait_inside(0));
	assert_int_equal(loop_step(&f.loop, clock_now_ns() + MS(20)), 0);
	expect_end(&f, start_ns);
	assert_int_equal(f.n_failed, 1);
	tear_down(&f);
}

static void other_targets_do_not_wait_for_a_slow_name(void **state)
{
	struct fixture f;

	(void)state;
	set_gate(false);
	SET_UP(&f, "slow.test", "192.0.2.9", "a1.test", "80");
	expect(&f, 0, "192.0.2.9", 80);
	resolve(&f);
	expect(&f, 0, "192.0.2.1", 80);
	expect_wait(&f, 0, INT64_MAX);
	set_gate(true);
	resolve(&f);
	assert_int_equal(expect(&f, 0, "192.0.2.1", 80).target, 0);
	expect_end(&f, 0);
	tear_down(&f);
}

static void a_destroyed_plan_leaves_nothing_in_the_loop(void **state)
{
	struct pollfd wait = { .events = POLLIN };
	struct fixture f;

	(void)state;
	set_gate(false);
	SET_UP(&f, "slow.test", "a1.test", "80");
	/* One has come back, unnoticed; the other holds on to the resolver. */
	wait.fd = f.loop.epoll_fd;
	assert_int_equal(poll(&wait, 1, 10000), 1);
	plan_destroy(f.plan);
	f.plan = NULL;
	assert_int_equal(poll(&wait, 1, 0), 0);
	assert_int_equal(loop_step(&f.loop, 0), 0);
	set_gate(true);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_asked_for_each_of_its_ports_in_order),
		cmocka_unit_test(a_block_is_asked_address_by_address),
		cmocka_unit_test(a_target_named_twice_is_asked_under_both_numbers),
		cmocka_unit_test(every_round_begins_anew),
		cmocka_unit_test(localhost_is_asked_at_each_of_its_addresses),
		cmocka_unit_test(addresses_start_a_quarter_second_apart),
		cmocka_unit_test(a_failure_starts_the_next_address_at_once),
		cmocka_unit_test(success_starts_all_others_at_once_and_ends_the_race),
		cmocka_unit_test(each_port_has_a_race_of_its_own),
		cmocka_unit_test(many_ports_or_a_single_address_are_no_race),
		cmocka_unit_test(more_names_than_look_ups_at_once_are_all_asked),
		cmocka_unit_test(a_failed_look_up_is_told_for_each_port),
		cmocka_unit_test(a_shortage_during_the_look_up_is_no_verdict),
		cmocka_unit_test(a_dead_resolver_costs_no_more_than_the_timeout),
		cmocka_unit_test(other_targets_do_not_wait_for_a_slow_name),
		cmocka_unit_test(a_destroyed_plan_leaves_nothing_in_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
