#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "loop.h"

#define MS(n)	((int64_t)(n)*NS_PER_MS)
#define FOREVER MS(30000) /* longer than any test takes, in case of a hang */

/* What happened, in order. */
struct record {
	struct loop loop;
	size_t n;
	int numbers[64];
};

struct numbered_timer {
	struct loop_timer timer;
	struct record *record;
	int number;
	struct numbered_timer *other; /* for what the callback does to it */
	int64_t rearm_ns;
};

static void note(struct record *r, int number)
{
	assert_true(r->n < ARRAY_SIZE(r->numbers));
	r->numbers[r->n++] = number;
}

static void note_timer(struct loop_timer *timer)
{
	struct numbered_timer *t = container_of(timer, struct numbered_timer, timer);

	note(t->record, t->number);
}

/* Timers at instants long past are due at once, and keep their order. */
static void arm(struct record *r, struct numbered_timer *t, int number, int64_t at_ns)
{
	t->timer.fn = t->timer.fn ? t->timer.fn : note_timer;
	t->record = r;
	t->number = number;
	assert_int_equal(loop_timer_set(&r->loop, &t->timer, at_ns), 0);
}

static void set_up(struct record *r)
{
	*r = (struct record){ 0 };
	assert_int_equal(loop_init(&r->loop), 0);
}

/* Handle what is ready now. */
static void step(struct record *r)
{
	assert_int_equal(loop_step(&r->loop, 0), 0);
}

static void check_record(const struct record *r, size_t n, const int *numbers)
{
	size_t i;

	assert_int_equal(r->n, n);
	for (i = 0; i < n; i++)
		assert_int_equal(r->numbers[i], numbers[i]);
}

#define CHECK_RECORD(r, ...)                                     \
	do {                                                     \
		static const int numbers_[] = { __VA_ARGS__ };   \
		check_record(r, ARRAY_SIZE(numbers_), numbers_); \
	} while (0)

/* ---- timers ---- */

static void timers_fire_in_the_order_of_their_time(void **state)
{
	static const int64_t at_ns[] = { 40, 10, 30, 20, 50 };
	struct numbered_timer timers[5] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 5; i++)
		arm(&r, &timers[i], (int)at_ns[i], at_ns[i]);
	step(&r);
	CHECK_RECORD(&r, 10, 20, 30, 40, 50);
	step(&r);
	assert_int_equal(r.n, 5);
	loop_release(&r.loop);
}

static void a_cancelled_timer_does_not_fire(void **state)
{
	struct numbered_timer timers[3] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 3; i++)
		arm(&r, &timers[i], i, 10 + i);
	loop_timer_cancel(&r.loop, &timers[1].timer);
	loop_timer_cancel(&r.loop, &timers[1].timer); /* does nothing */
	step(&r);
	CHECK_RECORD(&r, 0, 2);
	arm(&r, &timers[1], 1, 5); /* may be used again */
	step(&r);
	CHECK_RECORD(&r, 0, 2, 1);
	loop_release(&r.loop);
}

static void a_timer_can_be_moved_both_ways(void **state)
{
	struct numbered_timer timers[4] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 4; i++)
		arm(&r, &timers[i], i, 10 + i);
	arm(&r, &timers[3], 3, 1);
	arm(&r, &timers[0], 0, 100);
	step(&r);
	CHECK_RECORD(&r, 3, 1, 2, 0);
	arm(&r, &timers[0], 0, 1);
	arm(&r, &timers[0], 0, clock_now_ns() + FOREVER);
	step(&r);
	assert_int_equal(r.n, 4);
	loop_release(&r.loop);
}

static void rearm_itself(struct loop_timer *timer)
{
	struct numbered_timer *t = container_of(timer, struct numbered_timer, timer);

	note(t->record, t->number);
	assert_int_equal(loop_timer_set(&t->record->loop, timer, t->rearm_ns), 0);
}

static void a_timer_that_rearms_itself_for_now_waits_for_the_next_step(void **state)
{
	struct numbered_timer again = { .timer.fn = rearm_itself, .rearm_ns = 1 };
	struct record r;

	(void)state;
	set_up(&r);
	arm(&r, &again, 7, 1);
	step(&r);
	CHECK_RECORD(&r, 7);
	step(&r);
	CHECK_RECORD(&r, 7, 7);
	loop_release(&r.loop);
}

static void a_timer_that_rearms_itself_runs_once_a_step_beside_later_ones(void **state)
{
	struct numbered_timer again = { .timer.fn = rearm_itself, .rearm_ns = 1 };
	struct numbered_timer later[20] = { 0 };
	struct record r;
	size_t i;

	(void)state;
	set_up(&r);
	for (i = 0; i < ARRAY_SIZE(later); i++)
		arm(&r, &later[i], 1, clock_now_ns() + FOREVER);
	arm(&r, &again, 7, 1);
	step(&r);
	CHECK_RECORD(&r, 7);
	loop_release(&r.loop);
}

static void a_timer_that_rearms_itself_does_not_starve_others(void **state)
{
	struct numbered_timer again = { .timer.fn = rearm_itself, .rearm_ns = 1 };
	struct numbered_timer other = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	arm(&r, &again, 7, 1);
	arm(&r, &other, 8, 2);
	for (i = 0; i < 5; i++)
		step(&r);
	assert_int_equal(other.timer.heap, 0);
	loop_release(&r.loop);
}

static void cancel_other(struct loop_timer *timer)
{
	struct numbered_timer *t = container_of(timer, struct numbered_timer, timer);

	note(t->record, t->number);
	loop_timer_cancel(&t->record->loop, &t->other->timer);
}

static void a_timer_cancelled_by_an_earlier_one_does_not_fire(void **state)
{
	struct numbered_timer first = { .timer.fn = cancel_other }, second = { 0 };
	struct record r;

	(void)state;
	set_up(&r);
	first.other = &second;
	arm(&r, &first, 1, 1);
	arm(&r, &second, 2, 2);
	step(&r);
	CHECK_RECORD(&r, 1);
	loop_release(&r.loop);
}

static void free_itself(struct loop_timer *timer)
{
	struct numbered_timer *t = container_of(timer, struct numbered_timer, timer);

	note(t->record, t->number);
	free(t);
}

static void a_timer_may_be_freed_in_its_callback(void **state)
{
	struct numbered_timer *t = calloc(1, sizeof(*t));
	struct record r;

	(void)state;
	set_up(&r);
	assert_non_null(t);
	t->timer.fn = free_itself;
	arm(&r, t, 1, 1);
	step(&r);
	step(&r);
	CHECK_RECORD(&r, 1);
	loop_release(&r.loop);
}

/* ---- many timers against a plain list ---- */

#define MANY 3000

struct crowd {
	struct loop loop;
	int64_t last_ns; /* time of the timer that fired last */
	struct crowd_timer {
		struct loop_timer timer;
		struct crowd *crowd;
		int64_t at_ns; /* the reference: 0 is not armed */
	} timers[MANY];
};

static void crowd_fired(struct loop_timer *timer)
{
	struct crowd_timer *t = container_of(timer, struct crowd_timer, timer);

	/* Armed, for this time, and none before it. */
	assert_int_equal(t->at_ns, timer->at_ns);
	assert_true(t->at_ns >= t->crowd->last_ns);
	t->crowd->last_ns = t->at_ns;
	t->at_ns = 0;
}

static uint32_t random_u32(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

static void thousands_of_timers_fire_as_a_plain_list_says(void **state)
{
	struct crowd *c = calloc(1, sizeof(*c));
	uint64_t seed = 42;
	int64_t later_ns;
	int round, i;

	(void)state;
	assert_non_null(c);
	assert_int_equal(loop_init(&c->loop), 0);
	later_ns = clock_now_ns() + 1000 * FOREVER;
	for (i = 0; i < MANY; i++)
		c->timers[i] =
			(struct crowd_timer){ .timer.fn = crowd_fired, .crowd = c };
	for (round = 0; round < 30; round++) {
		size_t armed = 0;

		for (i = 0; i < 2 * MANY; i++) {
			struct crowd_timer *t = &c->timers[random_u32(&seed) % MANY];
			uint32_t what = random_u32(&seed) % 4;

			t->at_ns = 1 + random_u32(&seed) % 1000;
			if (what == 0) {
				t->at_ns = 0;
				loop_timer_cancel(&c->loop, &t->timer);
				continue;
			}
			if (what == 1)
				t->at_ns += later_ns;
			assert_int_equal(loop_timer_set(&c->loop, &t->timer, t->at_ns),
					 0);
		}
		c->last_ns = 0;
		assert_int_equal(loop_step(&c->loop, 0), 0);
		for (i = 0; i < MANY; i++) {
			/* Only those for later are left. */
			assert_true(!c->timers[i].at_ns || c->timers[i].at_ns > later_ns);
			assert_int_equal(!c->timers[i].at_ns, !c->timers[i].timer.heap);
			armed += c->timers[i].at_ns != 0;
		}
		assert_int_equal(armed, c->loop.n_heap);
	}
	loop_release(&c->loop);
	free(c);
}

/* ---- waiting ---- */

static void a_step_without_events_ends_at_its_deadline(void **state)
{
	struct record r;
	int64_t until_ns;

	(void)state;
	set_up(&r);
	until_ns = clock_now_ns() + MS(3);
	assert_int_equal(loop_step(&r.loop, until_ns), 0);
	assert_true(clock_now_ns() >= until_ns);
	assert_true(r.loop.now_ns >= until_ns);
	assert_true(clock_now_ns() < until_ns + FOREVER);
	loop_release(&r.loop);
}

static void a_deadline_in_the_past_does_not_wait(void **state)
{
	static const int64_t past_ns[] = { INT64_MIN, -1, 0, 1 };
	struct numbered_timer later = { 0 };
	struct record r;
	int64_t start_ns;
	size_t i;

	(void)state;
	set_up(&r);
	start_ns = clock_now_ns();
	arm(&r, &later, 1, start_ns + 2 * FOREVER);
	for (i = 0; i < ARRAY_SIZE(past_ns); i++)
		assert_int_equal(loop_step(&r.loop, past_ns[i]), 0);
	assert_true(clock_now_ns() < start_ns + FOREVER);
	assert_int_equal(r.n, 0);
	loop_release(&r.loop);
}

static void a_timer_ends_a_wait_without_deadline_and_is_never_early(void **state)
{
	struct numbered_timer soon = { 0 };
	struct record r;
	int64_t at_ns;

	(void)state;
	set_up(&r);
	at_ns = clock_now_ns() + MS(2) + 123;
	arm(&r, &soon, 1, at_ns);
	assert_int_equal(loop_step(&r.loop, INT64_MAX), 0);
	CHECK_RECORD(&r, 1);
	assert_true(clock_now_ns() >= at_ns);
	assert_true(r.loop.now_ns >= at_ns);
	loop_release(&r.loop);
}

static void ignore_signal(int signo)
{
	(void)signo;
}

static void a_signal_ends_a_wait_without_error(void **state)
{
	/* Again and again: the first may come before the wait begins. */
	struct itimerval soon = { { 0, 5000 }, { 0, 5000 } }, never = { 0 };
	struct sigaction action = { .sa_handler = ignore_signal, .sa_flags = SA_RESTART };
	struct sigaction old;
	struct record r;
	int64_t start_ns;

	(void)state;
	set_up(&r);
	assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
	start_ns = clock_now_ns();
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(loop_step(&r.loop, start_ns + FOREVER), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	assert_true(clock_now_ns() < start_ns + FOREVER);
	loop_release(&r.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_the_order_of_their_time),
		cmocka_unit_test(a_cancelled_timer_does_not_fire),
		cmocka_unit_test(a_timer_can_be_moved_both_ways),
		cmocka_unit_test(
			a_timer_that_rearms_itself_for_now_waits_for_the_next_step),
		cmocka_unit_test(
			a_timer_that_rearms_itself_runs_once_a_step_beside_later_ones),
		cmocka_unit_test(a_timer_that_rearms_itself_does_not_starve_others),
		cmocka_unit_test(a_timer_cancelled_by_an_earlier_one_does_not_fire),
		cmocka_unit_test(a_timer_may_be_freed_in_its_callback),
		cmocka_unit_test(thousands_of_timers_fire_as_a_plain_list_says),
		cmocka_unit_test(a_step_without_events_ends_at_its_deadline),
		cmocka_unit_test(a_deadline_in_the_past_does_not_wait),
		cmocka_unit_test(a_timer_ends_a_wait_without_deadline_and_is_never_early),
		cmocka_unit_test(a_signal_ends_a_wait_without_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
