#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "run_private.h"

/* ---- results ---- */

void run_emit(struct run *run, const struct result *r)
{
	int64_t wall_ns = clock_wall_ns();

	if (run->config.quiet || (run->config.open_only && r->state != STATE_OPEN))
		return;
	if (run->config.format == OUT_PROMETHEUS) {
		out_record_clear(&run->metric, wall_ns);
		report_metric(&run->metric, &run->config, r);
		out_record(&run->out, &run->metric);
		return;
	}
	out_record_clear(&run->record, wall_ns);
	report_check(&run->record, &run->config, &run->services, r);
	out_record(&run->out, &run->record);
	if (run->config.format == OUT_TEXT)
		show_result(&run->show, r, &run->record, run->round);
}

static void take_result(struct run *run, struct result *r)
{
	run->n_done++;
	if (run->config.until_closed && run->shortened &&
	    r->reason == REASON_NO_RESPONSE) {
		/* Silence in a round cut short says nothing about a port that closes. */
		struct result weak = *r;

		weak.state = STATE_ERROR;
		tally_add(&run->tally, &weak);
	} else {
		tally_add(&run->tally, r);
	}
	if (run->config.repeat)
		series_add(&run->series, r);
	if (!run->hint_wanted &&
	    (r->state == STATE_FILTERED || r->state == STATE_CLOSED ||
	     r->state == STATE_UNREACHABLE)) {
		run->hint_wanted = true;
		run->hint = *r;
	}
	if (run->keep)
		kept_add(run, r);
	else if (run->config.quiet || run->config.format != OUT_TEXT ||
		 !show_grouped(&run->show, r))
		run_emit(run, r);
}

static void probe_done(void *arg, struct result *r)
{
	struct run *run = arg;

	plan_done(run->plan, r);
	take_result(run, r);
}

static void lookup_failed(void *arg, struct result *r)
{
	take_result(arg, r);
}

static int next_check(void *arg, int64_t now_ns, struct check *ret_check,
		      int64_t *ret_when_ns)
{
	struct run *run = arg;

	return plan_next(run->plan, now_ns, ret_check, ret_when_ns);
}

/* ---- the loop ---- */

static void signal_came(struct loop_io *io, uint32_t events)
{
	struct run *run = container_of(io, struct run, signal_io);
	struct signalfd_siginfo info;

	(void)events;
	if (read(io->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		run->signal = (int)info.ssi_signo;
}

bool run_stopped(const struct run *run)
{
	return run->signal || run->error || run->out.closed || run->out.error;
}

/* Results go out before the loop waits; a progress line must not mix with them. */
static void flush(struct run *run)
{
	if (run->out.pending.len) {
		term_progress_clear(&run->progress);
		(void)out_flush(&run->out); /* told by run_stopped() */
	}
}

static void step(struct run *run, int64_t until_ns)
{
	flush(run);
	/* The progress line wants to move, and counts seconds. */
	if (run->progress.enabled)
		until_ns = min_i64(until_ns, clock_now_ns() + NS_PER_S / 4);
	run->error = loop_step(&run->loop, until_ns);
	if (plan_woke(run->plan))
		prober_wake(run->prober);
}

int run_round(struct run *run)
{
	run->n_done = 0;
	tally_clear(&run->tally);
	run->error = plan_start(run->plan);
	prober_restart(run->prober);
	while (!run_stopped(run)) {
		int64_t wake_ns = prober_pump(run->prober);

		if (prober_finished(run->prober))
			break;
		step(run, wake_ns);
		term_progress_update(&run->progress, run->loop.now_ns, run->n_done,
				     plan_total(run->plan), "checks");
	}
	return run->error;
}

void run_sleep(struct run *run, int64_t at_ns)
{
	while (!run_stopped(run) && clock_now_ns() < at_ns)
		step(run, at_ns);
}

/* ---- beginning and end ---- */

static int watch_signals(struct run *run)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, &run->old_mask) < 0)
		return -errno;
	run->old_pipe = signal(SIGPIPE, SIG_IGN);
	run->signal_io =
		(struct loop_io){ .fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK),
				  .fn = signal_came };
	if (run->signal_io.fd < 0)
		return -errno;
	return loop_io_add(&run->loop, &run->signal_io, EPOLLIN);
}

static int init(struct run *run, const struct portcheck_config *config)
{
	int64_t wall_ns = clock_wall_ns();
	bool prometheus = config->format == OUT_PROMETHEUS;
	int err;

	*run = (struct run){ .config = *config, .signal_io.fd = -1 };
	getrlimit(RLIMIT_NOFILE, &run->old_files);
	run->sweep = plan_estimate(config) > PORTCHECK_SMALL;
	run->source = (struct probe_source){ .next = next_check,
					     .done = probe_done,
					     .arg = run };
	services_init(&run->services);
	series_init(&run->series, &run->config);
	out_record_init(&run->record, &report_checks, wall_ns);
	out_record_init(&run->metric, &report_metrics, wall_ns);
	out_record_init(&run->summary, &report_summaries, wall_ns);
	err = loop_init(&run->loop);
	if (!err)
		err = watch_signals(run);
	if (!err)
		err = out_open(&run->out, config->quiet ? OUT_TEXT : config->format,
			       prometheus ? &report_metrics : &report_checks,
			       prometheus ? &report_prometheus : NULL, STDOUT_FILENO);
	if (!err)
		err = tally_init(&run->tally, &run->config);
	if (!err)
		err = show_init(&run->show, &run->config, &run->loop, &run->out,
				run->sweep);
	if (!err)
		err = plan_create(&run->plan, &run->config, &run->loop, lookup_failed,
				  run);
	if (!err)
		err = prober_create(&run->prober, &run->config, &run->loop, &run->source,
				    plan_estimate(config));
	term_progress_init(&run->progress,
			   run->sweep && !config->quiet && !config->repeat,
			   clock_now_ns());
	return err;
}

static void release(struct run *run)
{
	prober_destroy(run->prober);
	plan_destroy(run->plan);
	kept_clear(run);
	free(run->kept);
	show_release(&run->show);
	series_release(&run->series);
	tally_release(&run->tally);
	out_release(&run->out);
	out_record_release(&run->record);
	out_record_release(&run->metric);
	out_record_release(&run->summary);
	services_release(&run->services);
	loop_io_close(&run->loop, &run->signal_io);
	loop_release(&run->loop);
}

static int exit_status(const struct run *run)
{
	bool waited = run->config.wait_ns > 0;

	if (run->error || run->out.error || run->out.closed)
		return 3;
	if (run->config.format == OUT_NAGIOS)
		return (int)run_nagios_status(run);
	if (run->reached)
		return 0;
	/* Of many rounds, each counts. */
	if (run->had_no)
		return 1;
	if (run->had_unknown)
		return 3;
	switch (tally_answer(&run->tally)) {
	case ANSWER_YES:
		return waited ? 1 : 0;
	case ANSWER_NO:
		return 1;
	case ANSWER_UNKNOWN:
		return 3;
	}
	return 3;
}

/* The command gets the signals and the limit of open files as we got them. */
static int run_command(struct run *run)
{
	char **command = run->config.command;

	sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
	signal(SIGPIPE, run->old_pipe);
	setrlimit(RLIMIT_NOFILE, &run->old_files);
	execvp(command[0], command);
	diag_error("cannot run '%s': %s", command[0], strerror(errno));
	return 3;
}

static void die_by(struct run *run, int signo)
{
	sigset_t mask;

	release(run);
	signal(signo, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, signo);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

int run_portcheck(const struct portcheck_config *config)
{
	struct run run;
	int status;
	int err = init(&run, config);

	if (err < 0) {
		diag_error("cannot start: %s", strerror(-err));
		release(&run);
		return 3;
	}
	if (config->repeat)
		run_repeat(&run);
	else if (config->wait_ns)
		run.reached = run_wait(&run);
	else
		run_once(&run);

	term_progress_clear(&run.progress);
	run_summarize(&run);
	if (run.kept_too_many)
		diag_warn("only the first %zu results are shown", run.n_kept);
	if (out_finish(&run.out) < 0 && run.out.error)
		diag_error("cannot write to standard output: %s",
			   strerror(-run.out.error));
	if (run.error)
		diag_error("cannot go on: %s", strerror(-run.error));
	status = exit_status(&run);
	if (run.signal)
		die_by(&run, run.signal);
	if (status == 0 && config->command)
		status = run_command(&run);
	if (status == 1)
		run_hint(&run);
	release(&run);
	return status;
}
