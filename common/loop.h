/*
 * Floor 5: one epoll instance and a heap of timers. Single-threaded.
 *
 * Sources and timers are embedded in the caller's own structures; the loop allocates
 * nothing per source and grows one array for the timers. Callbacks may add, close and
 * free any source or timer: loop_io_close() also forgets an event of it that still waits
 * its turn.
 */
#ifndef PK_LOOP_H
#define PK_LOOP_H

#include "base.h"

struct loop;
struct loop_io;
struct loop_timer;

/* EVENTS: EPOLL* bits. */
typedef void loop_io_fn(struct loop_io *io, uint32_t events);
typedef void loop_timer_fn(struct loop_timer *timer);

struct loop_io {
	int fd;
	uint32_t slot; /* the loop's own: place in the current batch, plus one */
	loop_io_fn *fn;
};

struct loop_timer {
	int64_t at_ns;
	size_t heap; /* the loop's own: place in the heap, plus one; 0: not armed */
	loop_timer_fn *fn;
};

struct loop {
	int epoll_fd;
	struct loop_timer **heap;
	size_t n_heap, cap_heap;
	void *batch;	     /* struct epoll_event [] */
	unsigned int n_full; /* full batches in a row */
	bool in_timers;	     /* running those that are due */
	int64_t now_ns;	     /* when the last wait ended */
};

/* 0 or -errno. */
PK_MUST_CHECK int loop_init(struct loop *l);
void loop_release(struct loop *l);

/* Watch IO->fd for EVENTS. 0 or -errno (-ENOSPC, -ENOMEM: limits). */
PK_MUST_CHECK int loop_io_add(struct loop *l, struct loop_io *io, uint32_t events);
PK_MUST_CHECK int loop_io_modify(struct loop *l, struct loop_io *io, uint32_t events);
/* Stop watching IO->fd, which stays open and the caller's. */
void loop_io_forget(struct loop *l, struct loop_io *io);
/* Stop watching and close IO->fd, which becomes -1. Does nothing when it is. */
void loop_io_close(struct loop *l, struct loop_io *io);

/* (Re)arm TIMER for the monotonic instant AT_NS. 0 or -ENOMEM. */
PK_MUST_CHECK int loop_timer_set(struct loop *l, struct loop_timer *timer, int64_t at_ns);
void loop_timer_cancel(struct loop *l, struct loop_timer *timer);

/*
 * Wait for events until UNTIL_NS (monotonic; <= now: do not wait) or the next timer,
 * handle what came and every timer that is due. 0 or -errno; a signal ends it with 0.
 */
int loop_step(struct loop *l, int64_t until_ns);

#endif
