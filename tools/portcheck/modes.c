/*
 * Once, again and again, or until.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "run_private.h"

/* Rounds of a wait: quick at first, so that a server that starts at once is seen at
 * once. */
#define WAIT_FIRST_NS (50 * NS_PER_MS)
#define WAIT_MOST_NS  (1 * NS_PER_S)
/* A round with less time than this left could only call ports silent for want of time. */
#define WAIT_LEAST_NS (200 * NS_PER_MS)

/* ---- kept results ---- */

void kept_clear(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_kept; i++) {
		free(run->kept[i].why);
		free(run->kept[i].banner);
	}
	run->n_kept = 0;
}

/* R's strings live only as long as the call, so they are copied. */
void kept_add(struct run *run, const struct result *r)
{
	struct kept *k;

	if (run->n_kept == KEPT_MAX) {
		run->kept_too_many = true;
		return;
	}
	if (run->n_kept == run->cap_kept) {
		size_t cap = run->cap_kept ? 2 * run->cap_kept : 64;

		k = reallocarray(run->kept, cap, sizeof(*k));
		if (!k) {
			run->kept_too_many = true;
			return;
		}
		run->kept = k;
		run->cap_kept = cap;
	}
	k = &run->kept[run->n_kept++];
	*k = (struct kept){ .result = *r };
	if (r->name_why)
		k->why = strdup(r->name_why);
	k->result.name_why = k->why;
	if (r->banner) {
		k->banner = malloc(r->banner_len);
		if (k->banner)
			memcpy(k->banner, r->banner, r->banner_len);
	}
	k->result.banner = k->banner;
}

/* ---- modes ---- */

void run_once(struct run *run)
{
	run->keep = run->config.format == OUT_NAGIOS;
	(void)run_round(run); /* its error is in run->error */
}

void run_repeat(struct run *run)
{
	int64_t start_ns = clock_now_ns();

	for (;;) {
		int64_t next_ns;

		run->round++;
		(void)run_round(run);
		if (!run_stopped(run)) {
			enum answer answer = tally_answer(&run->tally);

			run->had_no = run->had_no || answer == ANSWER_NO;
			run->had_unknown = run->had_unknown || answer == ANSWER_UNKNOWN;
		}
		if (run_stopped(run) || run->round == run->config.count)
			return;
		/* On a fixed grid; a round that took longer skips the beats it missed. */
		next_ns = start_ns + (int64_t)run->round * run->config.interval_ns;
		if (next_ns < clock_now_ns()) {
			start_ns = clock_now_ns() -
				   (int64_t)run->round * run->config.interval_ns;
			next_ns = clock_now_ns();
		}
		show_flush(&run->show);
		run_sleep(run, next_ns);
		if (run_stopped(run))
			return;
	}
}

bool run_wait(struct run *run)
{
	int64_t end_ns = clock_now_ns() + run->config.wait_ns;
	int64_t usual_ns = run->config.timeout_ns;
	int64_t pause_ns = run->config.interval_ns ? run->config.interval_ns
						   : WAIT_FIRST_NS;
	bool reached;
	size_t i;

	run->keep = true;
	for (;;) {
		int64_t next_ns;

		kept_clear(run);
		run->config.timeout_ns = min_i64(usual_ns, end_ns - clock_now_ns());
		run->shortened = run->config.timeout_ns < usual_ns &&
				 run->config.timeout_ns < run->config.wait_ns / 2;
		next_ns = clock_now_ns() + pause_ns;
		(void)run_round(run);
		reached = !run_stopped(run) && tally_reached(&run->tally);
		next_ns = max_i64(next_ns, clock_now_ns());
		if (reached || run_stopped(run) || next_ns + WAIT_LEAST_NS > end_ns)
			break;
		run_sleep(run, next_ns);
		if (run_stopped(run))
			break;
		if (!run->config.interval_ns)
			pause_ns = min_i64(pause_ns * 3 / 2, WAIT_MOST_NS);
	}
	/* The end is awaited, too: whoever asked for 30 s may rely on them. */
	if (!reached)
		run_sleep(run, end_ns);
	run->keep = false;
	if (run->config.format != OUT_NAGIOS)
		for (i = 0; i < run->n_kept; i++)
			run_emit(run, &run->kept[i].result);
	return reached;
}
