#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"

#define LOOP_BATCH 512
/* Timers wait for no more than so many full batches of events. */
#define LOOP_FULL_MAX 64

int loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll_fd = -1 };
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0)
		return -errno;
	l->batch = calloc(LOOP_BATCH, sizeof(struct epoll_event));
	if (!l->batch) {
		close(l->epoll_fd);
		l->epoll_fd = -1;
		return -ENOMEM;
	}
	l->now_ns = clock_now_ns();
	return 0;
}

void loop_release(struct loop *l)
{
	if (!l)
		return;
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	l->epoll_fd = -1;
	free(l->batch);
	l->batch = NULL;
	free(l->heap);
	l->heap = NULL;
	l->n_heap = l->cap_heap = 0;
}

int loop_io_add(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	io->slot = 0;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, io->fd, &ev) < 0 ? -errno : 0;
}

int loop_io_modify(struct loop *l, struct loop_io *io, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = io };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, io->fd, &ev) < 0 ? -errno : 0;
}

/* An event of this batch may still wait for its turn: IO's memory can be gone then. */
static void drop_event(struct loop *l, struct loop_io *io)
{
	struct epoll_event *batch = l->batch;

	if (io->slot)
		batch[io->slot - 1].data.ptr = NULL;
	io->slot = 0;
}

void loop_io_forget(struct loop *l, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	drop_event(l, io);
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
}

void loop_io_close(struct loop *l, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	drop_event(l, io);
	/* Closing takes it out of the epoll set: nobody else holds the open file. */
	close(io->fd);
	io->fd = -1;
}

static bool timer_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ns < b->at_ns;
}

static void heap_place(struct loop *l, struct loop_timer *t, size_t i)
{
	l->heap[i] = t;
	t->heap = i + 1;
}

static void heap_up(struct loop *l, struct loop_timer *t, size_t i)
{
	while (i > 0 && timer_before(t, l->heap[(i - 1) / 2])) {
		heap_place(l, l->heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	heap_place(l, t, i);
}

static void heap_down(struct loop *l, struct loop_timer *t, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= l->n_heap)
			break;
		if (child + 1 < l->n_heap &&
		    timer_before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!timer_before(l->heap[child], t))
			break;
		heap_place(l, l->heap[child], i);
		i = child;
	}
	heap_place(l, t, i);
}

int loop_timer_set(struct loop *l, struct loop_timer *timer, int64_t at_ns)
{
	/* A timer that re-arms itself for "now" waits for the next step, or it would
	 * never let go. */
	if (l->in_timers)
		at_ns = max_i64(at_ns, l->now_ns + 1);
	if (timer->heap) {
		size_t i = timer->heap - 1;
		bool earlier = at_ns < timer->at_ns;

		timer->at_ns = at_ns;
		if (earlier)
			heap_up(l, timer, i);
		else
			heap_down(l, timer, i);
		return 0;
	}
	if (l->n_heap == l->cap_heap) {
		size_t cap = l->cap_heap ? 2 * l->cap_heap : 64;
		struct loop_timer **heap = realloc(l->heap, cap * sizeof(*heap));

		if (!heap)
			return -ENOMEM;
		l->heap = heap;
		l->cap_heap = cap;
	}
	timer->at_ns = at_ns;
	l->n_heap++;
	heap_up(l, timer, l->n_heap - 1);
	return 0;
}

void loop_timer_cancel(struct loop *l, struct loop_timer *timer)
{
	struct loop_timer *last;
	size_t i;

	if (!timer->heap)
		return;
	i = timer->heap - 1;
	timer->heap = 0;
	last = l->heap[--l->n_heap];
	if (last == timer)
		return;
	if (i > 0 && timer_before(last, l->heap[(i - 1) / 2]))
		heap_up(l, last, i);
	else
		heap_down(l, last, i);
}

/* Milliseconds to give to epoll_wait: rounded up, so that a timer is due when it
 * returns. */
static int wait_ms(int64_t until_ns, int64_t now_ns)
{
	int64_t ms;

	if (until_ns <= now_ns)
		return 0;
	ms = (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return (int)min_i64(ms, 1000 * 1000);
}

static void run_timers(struct loop *l)
{
	l->in_timers = true;
	while (l->n_heap && l->heap[0]->at_ns <= l->now_ns) {
		struct loop_timer *t = l->heap[0];

		loop_timer_cancel(l, t);
		t->fn(t);
	}
	l->in_timers = false;
}

int loop_step(struct loop *l, int64_t until_ns)
{
	struct epoll_event *batch = l->batch;
	int i, n;

	if (l->n_heap)
		until_ns = min_i64(until_ns, l->heap[0]->at_ns);
	n = epoll_wait(l->epoll_fd, batch, LOOP_BATCH, wait_ms(until_ns, clock_now_ns()));
	l->now_ns = clock_now_ns();
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++)
		((struct loop_io *)batch[i].data.ptr)->slot = (uint32_t)i + 1;
	for (i = 0; i < n; i++) {
		struct loop_io *io = batch[i].data.ptr;

		if (!io)
			continue;
		io->slot = 0;
		io->fn(io, batch[i].events);
	}
	/* A deadline is not over while what came before it still waits in the kernel. */
	l->n_full = n < LOOP_BATCH ? 0 : l->n_full + 1;
	if (l->n_full % LOOP_FULL_MAX == 0)
		run_timers(l);
	return 0;
}
