/*
 * The engine: checks become probes on the wire, probes become results.
 *
 * One epoll loop, non-blocking connect(2) for TCP and connected datagram sockets for UDP,
 * no privilege. It pulls checks from a source while there is room (open files, pace,
 * neighbour table) and hands each result back once.
 */
#ifndef PORTCHECK_PROBE_H
#define PORTCHECK_PROBE_H

#include "loop.h"
#include "portcheck.h"

struct probe_source {
	/* 1: *ret_check is the next. 0: none now; there may be at *ret_when_ns, or
	 * after a done() when that is INT64_MAX. -1: no more at all. */
	int (*next)(void *arg, int64_t now_ns, struct check *ret_check,
		    int64_t *ret_when_ns);
	/* R and what it points to are valid during the call. May change R's message
	 * fields. */
	void (*done)(void *arg, struct result *r);
	void *arg;
};

struct prober;

/* N_CHECKS: about how many will come; beyond PORTCHECK_SMALL it is a sweep. CONFIG,
 * LOOP and SOURCE must outlive it. 0 or -errno. */
PK_MUST_CHECK int prober_create(struct prober **ret_prober,
				const struct portcheck_config *config, struct loop *loop,
				const struct probe_source *source, uint64_t n_checks);
/* Ends all probes without results. NULL accepted. */
void prober_destroy(struct prober *p);
/* Start what may be started. Returns the monotonic time to call again at the latest. */
int64_t prober_pump(struct prober *p);
/* The source begins anew: a new round. What is known of hosts is kept. */
void prober_restart(struct prober *p);
/* The source may have something new: ask it at the next pump. */
void prober_wake(struct prober *p);
/* No probe is under way and the source has no more. */
bool prober_finished(const struct prober *p);

#endif
