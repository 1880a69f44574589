#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "fd.h"
#include "kill_job.h"
#include "kill_signal.h"

#define TIMEOUT_DEFAULT_NS (10 * NS_PER_S)

/* ---- what comes out ---- */

static int kill_out_finish(struct out *out, int status)
{
	if (out_finish(out) < 0) {
		if (out->error)
			diag_error("cannot write to standard output: %s",
				   strerror(-out->error));
		status = 3;
	}
	out_release(out);
	return status;
}

/* Of a machine format the record R; of text the line that is its message. */
static void kill_emit(struct kill_job *job, struct out *out, struct out_record *r)
{
	if (job->config->quiet)
		return;
	if (out->format != OUT_TEXT)
		out_record(out, r);
	else
		out_textf(out, "%s\n", out_get_string(r, KILL_MESSAGE));
}

static int kill_out_open(struct kill_job *job, struct out *out)
{
	return out_open(out, job->config->quiet ? OUT_TEXT : job->config->format,
			&kill_schema, NULL, STDOUT_FILENO);
}

/* In text, what there is to say about the ports comes last, once for each. */
static void kill_emit_ports(struct kill_job *job, struct out *out)
{
	size_t i;

	for (i = 0; i < job->n_ports && out->format == OUT_TEXT && !job->config->quiet;
	     i++)
		out_textf(out, "%s\n", job->ports[i].text);
}

/* All results. The exit status STATUS, or 3. */
static int kill_write(struct kill_job *job, int status)
{
	struct out_record r;
	struct out out;
	size_t i;
	int err = kill_out_open(job, &out);

	if (err < 0) {
		diag_error("cannot write: %s", strerror(-err));
		return 3;
	}
	out_record_init(&r, &kill_schema, job->context.wall_ns);
	for (i = 0; i < job->plan.n; i++) {
		out_record_clear(&r, clock_wall_ns());
		kill_report_target(&r, &job->context, &job->plan.targets[i]);
		kill_report_port(&r, job->ports, job->n_ports);
		kill_emit(job, &out, &r);
	}
	for (i = 0; i < job->n_left; i++) {
		out_record_clear(&r, clock_wall_ns());
		kill_report_left(&r, &job->context, &job->left[i]);
		kill_emit(job, &out, &r);
	}
	kill_emit_ports(job, &out);
	out_record_release(&r);
	return kill_out_finish(&out, status);
}

static int kill_nothing(struct kill_job *job)
{
	struct out_record r;
	struct out out;
	int err = kill_out_open(job, &out);

	if (err < 0) {
		diag_error("cannot write: %s", strerror(-err));
		return 3;
	}
	err = kill_look_nothing(job);
	if (err < 0)
		diag_error("cannot look at the port: %s", strerror(-err));
	out_record_init(&r, &kill_schema, job->context.wall_ns);
	kill_report_nothing(&r, &job->asked);
	kill_report_port(&r, job->ports, job->n_ports);
	kill_emit(job, &out, &r);
	if (job->n_ports && !job->ports[0].free)
		kill_emit_ports(job, &out);
	out_record_release(&r);
	return kill_out_finish(&out, err < 0 ? 3 : 1);
}

/* ---- consent ---- */

/* What is going to happen is shown to a person, also to one who has said yes before. */
static int kill_show(struct kill_job *job)
{
	struct buf text = BUF_INIT;
	int err;

	if (job->config->yes && (job->config->quiet || job->config->format != OUT_TEXT))
		return 0;
	kill_say_plan(&text, &job->context, &job->plan);
	err = text.failed ? -ENOMEM : fd_write_all(STDERR_FILENO, text.data, text.len);
	buf_release(&text);
	return err;
}

static void kill_decline(struct kill_job *job)
{
	size_t i;

	for (i = 0; i < job->plan.n_ending; i++)
		job->plan.targets[i].action = KILL_ACTION_DECLINED;
}

/* KILL_GO: signal them. Else the exit status. */
#define KILL_GO (-1)
static int kill_consent(struct kill_job *job)
{
	struct buf question = BUF_INIT;
	int answer;

	if (!job->config->yes && !kill_can_ask()) {
		diag_error(
			"option '--kill': expected --yes where there is no terminal to "
			"ask on; nothing was ended");
		return 2;
	}
	answer = kill_show(job);
	if (answer < 0) {
		/* What can't be shown is not done. */
		diag_error("cannot show what would be ended: %s", strerror(-answer));
		return 3;
	}
	if (job->config->yes)
		return KILL_GO;
	kill_say_question(&question, &job->context, &job->plan);
	answer = question.failed ? -ENOMEM : kill_ask(question.data);
	buf_release(&question);
	if (answer > 0)
		return KILL_GO;
	if (answer < 0)
		diag_error("no answer: %s", strerror(-answer));
	kill_decline(job);
	return kill_write(job, 1);
}

/* ---- signals to ourselves ---- */

/* From here on, what was done has to be told: a signal waits for us. */
static int kill_hold_signals(int *ret_fd)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return -errno;
	*ret_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? -errno : 0;
}

static int kill_end_by(int number, int status)
{
	sigset_t mask;

	if (number) {
		signal(number, SIG_DFL);
		raise(number);
	}
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	return status;
}

/* ---- doing it ---- */

static int kill_wait_for_ports(struct kill_job *job, int signal_fd)
{
	const struct portwho_config *c = job->config;
	int64_t now_ns = clock_now_ns();
	struct kill_waiting w = {
		.plan = &job->plan,
		.proc = job->owners->proc,
		.sd = job->sd,
		.look = &job->asked,
		.deadline_ns = now_ns + job->context.timeout_ns,
		.force_at_ns = c->force ? now_ns + job->context.timeout_ns / 2
					: INT64_MAX,
		.settle_ns = kill_settle_ns(&job->plan, &job->self),
		.signal_fd = signal_fd,
		.progress = !c->quiet && c->format == OUT_TEXT,
	};
	size_t i;
	int err = kill_wait(&w, &job->end, &job->got_signal);

	job->context.interrupted = !err && job->end == KILL_END_SIGNAL;
	for (i = 0; !err && i < job->plan.n_ending; i++) {
		struct kill_target *t = &job->plan.targets[i];

		kill_note_end(job->owners->proc, t);
		if (t->action == KILL_ACTION_SIGNALLED && !t->ended)
			t->holds = kill_check(job->owners->proc, t) != 0;
	}
	return err;
}

static int kill_status(const struct kill_job *job)
{
	size_t i;

	for (i = 0; i < job->plan.n; i++) {
		const struct kill_target *t = &job->plan.targets[i];

		if (t->action != KILL_ACTION_SIGNALLED && t->action != KILL_ACTION_GONE)
			return 1;
		if (job->context.waits && !t->ended && t->holds &&
		    t->action == KILL_ACTION_SIGNALLED)
			return 1;
		if (!job->context.waits && t->action == KILL_ACTION_GONE)
			return 1;
	}
	return job->n_left ? 1 : 0;
}

/* Nothing is asked any more of somebody who wants us to end. */
static int kill_finish(struct kill_job *job)
{
	bool look = job->context.waits && !job->context.interrupted;
	int err = look ? kill_look_after(job) : 0;

	if (!err && look)
		err = kill_look_ports(job);
	if (err < 0)
		diag_error("cannot look at the ports again: %s", strerror(-err));
	return kill_write(job, err < 0 ? 3 : kill_status(job));
}

static int kill_go(struct kill_job *job)
{
	size_t limit;
	int signal_fd = -1, err, status;

	/* A pidfd for each; where the limit stays, it is an error of that process. */
	(void)!fd_raise_limit(&limit);
	err = kill_hold_signals(&signal_fd);
	if (err < 0) {
		diag_error("cannot wait for signals: %s", strerror(-err));
		return 3;
	}
	kill_signal_all(&job->plan, job->owners->proc, job->context.signal);
	if (job->context.waits)
		err = kill_wait_for_ports(job, signal_fd);
	if (err < 0)
		diag_error("cannot wait for the ports: %s", strerror(-err));
	status = kill_finish(job);
	fd_close(&signal_fd);
	return kill_end_by(job->got_signal, err < 0 ? 3 : status);
}

static void kill_set_context(struct kill_job *job)
{
	const struct portwho_config *c = job->config;

	job->context = (struct kill_context){
		.names = &job->names,
		.euid = geteuid(),
		.signal = c->signal,
		.waits = kill_signal_ends(c->signal) || c->force,
		.forces = c->force,
		.timeout_ns = c->timeout_ns ? c->timeout_ns : TIMEOUT_DEFAULT_NS,
		.wall_ns = job->before.wall_ns,
	};
}

int kill_run(const struct portwho_config *config, struct owners *owners)
{
	struct kill_job job;
	int err = kill_job_open(&job, config, owners), status = 3;

	if (!err)
		err = kill_look(&job);
	kill_set_context(&job);
	if (err < 0)
		diag_error("cannot look: %s", strerror(-err));
	else if (!job.plan.n)
		status = kill_nothing(&job);
	else if (!job.plan.n_ending)
		status = kill_write(&job, 1);
	else
		status = kill_consent(&job);
	if (status == KILL_GO)
		status = kill_go(&job);
	kill_job_close(&job);
	return status;
}
