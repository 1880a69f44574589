#include "kill_wait.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "diag.h"
#include "kill_signal.h"

/* The end of a process wakes us, but it may close its sockets without ending, and someone
 * else may open new ones: that is looked for this often, less and less. */
#define LOOK_FIRST_NS (20 * NS_PER_MS)
#define LOOK_MOST_NS  (200 * NS_PER_MS)
/* A process that has closed its sockets usually ends within this. */
#define END_GRACE_NS (250 * NS_PER_MS)
/* Whoever waits longer is told so. */
#define PROGRESS_NS NS_PER_S

struct kill_state {
	struct kill_waiting *w;
	struct pollfd *fds; /* the signalfd, then one for each target that runs */
	size_t n_fds;
	size_t n_running, n_signalled;
	size_t n_left;	/* listeners that have to go */
	size_t n_alone; /* that run and have none such, so that they have to end */
	bool taken;	/* there is a listener that the plan does not know */
	bool told;	/* that it takes long */
	int64_t start_ns;
	int64_t look_every_ns;
	int64_t free_since_ns; /* 0: not free */
};

/* ---- what there is ---- */

static int kill_look_again(struct kill_state *state)
{
	struct kill_waiting *w = state->w;
	struct snapshot s = { 0 };
	int err = collect_sockets(&s, w->sd, w->look, NULL);
	size_t i;

	if (!err) {
		state->n_left = 0;
		state->taken = false;
	}
	for (i = 0; !err && i < s.n; i++) {
		const struct kill_socket *known =
			kill_plan_socket(w->plan, s.listeners[i].sock.cookie);

		if (!known)
			state->taken = true;
		else if (known->awaited)
			state->n_left++;
	}
	snapshot_release(&s);
	return err;
}

/* Is one of its sockets held only by those that are to be ended? */
static bool kill_frees(const struct kill_plan *p, const struct kill_target *t)
{
	size_t i;

	for (i = 0; i < t->n_asked; i++) {
		const struct kill_socket *s =
			kill_plan_socket(p, t->listeners[i]->sock.cookie);

		if (s && s->awaited)
			return true;
	}
	return false;
}

static void kill_note_ends(struct kill_state *state)
{
	struct kill_plan *p = state->w->plan;
	size_t i;

	state->n_fds = 1;
	state->n_running = state->n_alone = 0;
	for (i = 0; i < p->n_ending; i++) {
		struct kill_target *t = &p->targets[i];

		if (t->action != KILL_ACTION_SIGNALLED)
			continue;
		kill_note_end(state->w->proc, t);
		if (t->ended)
			continue;
		state->n_running++;
		state->n_alone += !kill_frees(p, t);
		if (t->pidfd >= 0)
			state->fds[state->n_fds++] =
				(struct pollfd){ .fd = t->pidfd, .events = POLLIN };
	}
}

/* ---- waiting ---- */

static int64_t kill_next_look(struct kill_state *state, int64_t now_ns)
{
	int64_t at = now_ns + state->look_every_ns;

	state->look_every_ns = state->free_since_ns
				       ? LOOK_FIRST_NS
				       : min_i64(2 * state->look_every_ns, LOOK_MOST_NS);
	if (state->w->force_at_ns > now_ns)
		at = min_i64(at, state->w->force_at_ns);
	return min_i64(at, state->w->deadline_ns);
}

/* 0, a signal that came, or -errno. */
static int kill_sleep(struct kill_state *state, int64_t until_ns)
{
	struct signalfd_siginfo info;
	int64_t wait_ns = max_i64(until_ns - clock_now_ns(), 0);
	struct timespec wait = { .tv_sec = wait_ns / NS_PER_S,
				 .tv_nsec = wait_ns % NS_PER_S };

	if (ppoll(state->fds, state->n_fds, &wait, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	if (state->fds[0].revents &&
	    read(state->fds[0].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		return (int)info.ssi_signo;
	return 0;
}

/* The ports are free: of those that were signalled, has each ended or had its time, and
 * has a supervisor had its time, too? */
static bool kill_has_settled(const struct kill_state *state, int64_t now_ns)
{
	int64_t free_ns = now_ns - state->free_since_ns;

	return free_ns >= state->w->settle_ns &&
	       (!state->n_running || free_ns >= END_GRACE_NS);
}

static void kill_tell_wait(struct kill_state *state, int64_t now_ns)
{
	char text[CLOCK_HUMAN_SIZE];

	if (!state->w->progress || state->told || now_ns - state->start_ns < PROGRESS_NS)
		return;
	state->told = true;
	clock_human(state->w->deadline_ns - state->start_ns, text, sizeof(text));
	diag_hint("waiting, for at most %s in all, until %zu of them %s ...", text,
		  state->n_running, state->n_running == 1 ? "ends" : "end");
}

/* Is it over? 1 and how; 0; -errno. */
static int kill_judge(struct kill_state *state, int64_t now_ns, enum kill_end *ret_end)
{
	int err;

	/* In this order: what has ended before the look has no listener in it. */
	kill_note_ends(state);
	err = kill_look_again(state);
	if (err < 0)
		return err;
	state->n_left += state->n_alone;
	if (state->n_left)
		state->free_since_ns = 0;
	else if (!state->free_since_ns)
		state->free_since_ns = now_ns;
	if (!state->n_left && state->taken) {
		*ret_end = KILL_END_TAKEN;
		return 1;
	}
	if (!state->n_left &&
	    (kill_has_settled(state, now_ns) || now_ns >= state->w->deadline_ns)) {
		*ret_end = KILL_END_FREE;
		return 1;
	}
	if (now_ns >= state->w->deadline_ns) {
		*ret_end = KILL_END_TIMEOUT;
		return 1;
	}
	return 0;
}

static int kill_wait_loop(struct kill_state *state, enum kill_end *ret_end,
			  int *ret_signal)
{
	struct kill_waiting *w = state->w;

	for (;;) {
		int64_t now_ns = clock_now_ns();
		int got = kill_judge(state, now_ns, ret_end);

		if (got)
			return got < 0 ? got : 0;
		if (now_ns >= w->force_at_ns) {
			kill_force_all(w->plan, w->proc);
			w->force_at_ns = INT64_MAX;
			state->look_every_ns = LOOK_FIRST_NS;
		}
		kill_tell_wait(state, now_ns);
		got = kill_sleep(state, kill_next_look(state, now_ns));
		if (got > 0) {
			kill_note_ends(state);
			*ret_signal = got;
			*ret_end = KILL_END_SIGNAL;
		}
		if (got)
			return got < 0 ? got : 0;
	}
}

int kill_wait(struct kill_waiting *w, enum kill_end *ret_end, int *ret_signal)
{
	struct kill_state state = { .w = w,
				    .look_every_ns = LOOK_FIRST_NS,
				    .start_ns = clock_now_ns() };
	int err;

	state.fds = calloc(w->plan->n_ending + 1, sizeof(*state.fds));
	if (!state.fds)
		return -ENOMEM;
	state.fds[0] = (struct pollfd){ .fd = w->signal_fd, .events = POLLIN };
	err = kill_wait_loop(&state, ret_end, ret_signal);
	free(state.fds);
	return err;
}
