/*
 * Floor 1: time.
 *
 * All durations and instants are int64_t nanoseconds. Instants come from the monotonic
 * clock, so that a changed wall clock can't stretch a deadline; the wall clock is only
 * for the `time` of a record.
 */
#ifndef PK_CLOCK_H
#define PK_CLOCK_H

#include "base.h"

/* "2026-01-31T23:59:59.123Z" and its NUL (RFC 3339 5.6, UTC, milliseconds). */
#define CLOCK_RFC3339_SIZE 25

/* Monotonic now (CLOCK_MONOTONIC). */
int64_t clock_now_ns(void);
/* Wall clock now: nanoseconds since 1970 (CLOCK_REALTIME). */
int64_t clock_wall_ns(void);
/* Write WALL_NS as RFC 3339 text. */
void clock_rfc3339(int64_t wall_ns, char out[CLOCK_RFC3339_SIZE]);
/* A duration for people, at most three significant digits: "0.21 ms", "12.3 ms",
 * "3.05 s", "2 min 5 s", "1 h 5 min"; a negative one counts as 0. SIZE of 24 always
 * suffices, a smaller one cuts the text. */
#define CLOCK_HUMAN_SIZE 24
void clock_human(int64_t ns, char *out, size_t size);

#endif
