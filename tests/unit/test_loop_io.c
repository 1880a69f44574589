#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop.h"

/* What happened, in order. */
struct record {
	struct loop loop;
	size_t n;
	int numbers[64];
};

static void note(struct record *r, int number)
{
	assert_true(r->n < ARRAY_SIZE(r->numbers));
	r->numbers[r->n++] = number;
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

struct source {
	struct loop_io io;
	struct record *record;
	int number;
	struct source *others; /* to be closed in the callback */
	size_t n_others;
};

/* A new descriptor, readable from the beginning or not. */
static int event_fd(bool ready)
{
	int fd = eventfd(ready, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static void note_source(struct loop_io *io, uint32_t events)
{
	struct source *s = container_of(io, struct source, io);
	uint64_t count;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(io->fd, &count, sizeof(count)), sizeof(count));
	note(s->record, s->number);
}

static void watch(struct record *r, struct source *s, int number, bool ready)
{
	s->io.fd = event_fd(ready);
	s->io.fn = s->io.fn ? s->io.fn : note_source;
	s->record = r;
	s->number = number;
	assert_int_equal(loop_io_add(&r->loop, &s->io, EPOLLIN), 0);
}

static void only_sources_that_are_ready_are_called(void **state)
{
	struct source sources[3] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 3; i++)
		watch(&r, &sources[i], i, i == 1);
	step(&r);
	step(&r);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.numbers[0], 1);
	for (i = 0; i < 3; i++)
		loop_io_close(&r.loop, &sources[i].io);
	assert_int_equal(sources[0].io.fd, -1);
	loop_io_close(&r.loop, &sources[0].io); /* does nothing */
	loop_release(&r.loop);
}

static void what_is_waited_for_can_be_changed(void **state)
{
	struct source s = { 0 };
	struct record r;

	(void)state;
	set_up(&r);
	watch(&r, &s, 1, true);
	assert_int_equal(loop_io_modify(&r.loop, &s.io, 0), 0);
	step(&r);
	assert_int_equal(r.n, 0);
	assert_int_equal(loop_io_modify(&r.loop, &s.io, EPOLLIN), 0);
	step(&r);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.numbers[0], 1);
	loop_io_close(&r.loop, &s.io);
	loop_release(&r.loop);
}

static void close_all_others(struct loop_io *io, uint32_t events)
{
	struct source *s = container_of(io, struct source, io);
	size_t i;

	(void)events;
	note(s->record, s->number);
	for (i = 0; i < s->n_others; i++)
		if (&s->others[i] != s)
			loop_io_close(&s->record->loop, &s->others[i].io);
	loop_io_close(&s->record->loop, &s->io);
}

static void a_source_closed_by_another_of_the_same_batch_is_not_called(void **state)
{
	struct source sources[50] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 50; i++) {
		sources[i].io.fn = close_all_others;
		sources[i].others = sources;
		sources[i].n_others = 50;
		watch(&r, &sources[i], i, true);
	}
	step(&r);
	step(&r);
	assert_int_equal(r.n, 1);
	loop_release(&r.loop);
}

/* Both free the other: whichever is called first. */
struct pair {
	struct source *members[2];
	struct record record;
};

static void free_both(struct loop_io *io, uint32_t events)
{
	struct source *s = container_of(io, struct source, io);
	struct pair *p = container_of(s->record, struct pair, record);
	size_t i;

	(void)events;
	note(s->record, s->number);
	for (i = 0; i < 2; i++) {
		loop_io_close(&p->record.loop, &p->members[i]->io);
		free(p->members[i]);
	}
}

static void a_source_freed_by_another_of_the_same_batch_is_not_touched(void **state)
{
	struct pair p;
	int i;

	(void)state;
	set_up(&p.record);
	for (i = 0; i < 2; i++) {
		p.members[i] = calloc(1, sizeof(*p.members[i]));
		assert_non_null(p.members[i]);
		p.members[i]->io.fn = free_both;
		watch(&p.record, p.members[i], i, true);
	}
	step(&p.record);
	step(&p.record);
	assert_int_equal(p.record.n, 1);
	loop_release(&p.record.loop);
}

/* As a probe does that connects again: the same memory watches another descriptor. */
static void replace_others(struct loop_io *io, uint32_t events)
{
	struct source *s = container_of(io, struct source, io);
	size_t i;

	note_source(io, events);
	for (i = 0; i < s->n_others; i++) {
		struct source *other = &s->others[i];

		if (other == s)
			continue;
		loop_io_close(&s->record->loop, &other->io);
		watch(s->record, other, other->number, false);
	}
}

static void a_source_added_again_waits_for_an_event_of_its_own(void **state)
{
	struct source sources[2] = { 0 };
	struct record r;
	int i;

	(void)state;
	set_up(&r);
	for (i = 0; i < 2; i++) {
		sources[i].io.fn = replace_others;
		sources[i].others = sources;
		sources[i].n_others = 2;
		watch(&r, &sources[i], i, true);
	}
	step(&r);
	step(&r);
	assert_int_equal(r.n, 1);
	for (i = 0; i < 2; i++)
		loop_io_close(&r.loop, &sources[i].io);
	loop_release(&r.loop);
}

static void a_source_may_add_another_one(void **state)
{
	struct source sources[2] = { { .io.fn = replace_others } };
	struct record r;

	(void)state;
	set_up(&r);
	sources[1].io.fd = -1;
	sources[0].others = sources;
	sources[0].n_others = 2;
	watch(&r, &sources[0], 1, true);
	step(&r);
	assert_int_equal(r.n, 1);
	assert_true(sources[1].io.fd >= 0);
	assert_int_equal(write(sources[1].io.fd, &(uint64_t){ 1 }, sizeof(uint64_t)),
			 sizeof(uint64_t));
	step(&r);
	assert_int_equal(r.n, 2);
	loop_io_close(&r.loop, &sources[0].io);
	loop_io_close(&r.loop, &sources[1].io);
	loop_release(&r.loop);
}

static void count_source(struct loop_io *io, uint32_t events)
{
	struct source *s = container_of(io, struct source, io);

	(void)events;
	s->number++;
	loop_io_close(&s->record->loop, io);
}

static void more_sources_than_a_batch_holds_are_all_called_once(void **state)
{
	enum { SOURCES = 700 };
	struct source *sources = calloc(SOURCES, sizeof(*sources));
	struct record r;
	int i;

	(void)state;
	assert_non_null(sources);
	set_up(&r);
	for (i = 0; i < SOURCES; i++) {
		sources[i].io.fn = count_source;
		watch(&r, &sources[i], 0, true);
	}
	for (i = 0; i < 4; i++)
		step(&r);
	for (i = 0; i < SOURCES; i++)
		assert_int_equal(sources[i].number, 1);
	loop_release(&r.loop);
	free(sources);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	struct source s = { 0 };
	struct record r;

	(void)state;
	set_up(&r);
	s.io.fd = -1;
	assert_int_equal(loop_io_add(&r.loop, &s.io, EPOLLIN), -EBADF);
	watch(&r, &s, 1, true);
	assert_int_equal(loop_io_add(&r.loop, &s.io, EPOLLIN), -EEXIST);
	/* The first still holds. */
	step(&r);
	assert_int_equal(r.n, 1);
	loop_io_close(&r.loop, &s.io);
	loop_release(&r.loop);
	loop_release(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_sources_that_are_ready_are_called),
		cmocka_unit_test(what_is_waited_for_can_be_changed),
		cmocka_unit_test(
			a_source_closed_by_another_of_the_same_batch_is_not_called),
		cmocka_unit_test(
			a_source_freed_by_another_of_the_same_batch_is_not_touched),
		cmocka_unit_test(a_source_added_again_waits_for_an_event_of_its_own),
		cmocka_unit_test(a_source_may_add_another_one),
		cmocka_unit_test(more_sources_than_a_batch_holds_are_all_called_once),
		cmocka_unit_test(what_cannot_be_watched_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
