#include "run.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "run_private.h"
#include "study.h"

static bool stopped(const struct run *run)
{
	return engine_stopped(&run->engine) || run->error || run->out.closed ||
	       run->out.error;
}

/* ---- one address ---- */

static struct findings blank(const struct target *t, uint16_t port, int protocol)
{
	return (struct findings){ .target = t->text,
				  .port = port,
				  .protocol = (uint8_t)protocol,
				  .resolve_ns = -1,
				  .rtt_ns = -1,
				  .answer_after_ns = -1 };
}

static size_t fill_ports(struct run *run, const struct target *t)
{
	const struct port_list *ports = target_ports(&run->config->targets, t);
	size_t i;

	for (i = 0; i < ports->n_ports && i < PORTBLOCK_MAX_PORTS; i++) {
		uint16_t port;
		int protocol;

		port_list_at(ports, i, &port, &protocol);
		run->findings[i] = blank(t, port, protocol);
	}
	return i;
}

static void study_address(struct run *run, const struct target *t,
			  const struct addr *addr, int64_t resolve_ns)
{
	size_t n = fill_ports(run, t), i;
	int err;

	for (i = 0; i < n; i++)
		run->findings[i].resolve_ns = resolve_ns;
	err = study_host(&run->engine, run->config, run->routes, addr, run->findings, n);
	if (err < 0 && !run->error)
		run->error = err;
	for (i = 0; i < n && !run->error; i++)
		run_result(run, &run->findings[i], i);
}

/* ---- one target ---- */

static bool wait_readable(struct run *run, int fd, int64_t until_ns)
{
	while (!stopped(run) && clock_now_ns() < until_ns) {
		struct pollfd polls[] = { { .fd = fd, .events = POLLIN },
					  { .fd = run->signal_fd, .events = POLLIN } };
		int64_t left_ns = until_ns - clock_now_ns();

		if (poll(polls, 2, (int)(left_ns / NS_PER_MS) + 1) < 0 && errno != EINTR)
			run->error = -errno;
		if (polls[1].revents)
			engine_run(&run->engine, 0, NULL, NULL); /* takes the signal */
		if (polls[0].revents)
			return true;
	}
	return false;
}

static void unresolved(struct run *run, const struct target *t,
		       const struct resolve_result *result, int64_t took_ns)
{
	size_t n = fill_ports(run, t), i;

	for (i = 0; i < n; i++) {
		struct findings *f = &run->findings[i];

		f->unresolved = true;
		f->name_reason = result ? result->reason : REASON_NAME_FAILURE;
		f->name_why = result ? result->why : "no answer in time";
		f->resolve_ns = took_ns;
		f->start_ns = f->end_ns = clock_now_ns();
		f->start_wall_ns = f->end_wall_ns = clock_wall_ns();
		run_result(run, f, i);
	}
}

static void study_name(struct run *run, const struct target *t)
{
	int64_t start_ns = clock_now_ns();
	struct resolve_result result;
	size_t i;
	int err = resolver_submit(run->resolver, t->text, run->config->family, NULL);

	if (err < 0) {
		run->error = err;
		return;
	}
	if (!wait_readable(run, resolver_fd(run->resolver),
			   start_ns + run->config->timeout_ns) ||
	    resolver_take(run->resolver, &result) != 1) {
		if (stopped(run))
			return;
		unresolved(run, t, NULL, clock_now_ns() - start_ns);
		/* A late answer must not be taken for the next name's. */
		resolver_destroy(run->resolver);
		run->resolver = NULL;
		run->error = resolver_create(&run->resolver);
		return;
	}
	if (result.status)
		unresolved(run, t, &result, result.took_ns);
	for (i = 0; !result.status && i < result.n_addrs && !stopped(run); i++) {
		struct addr addr = addr_unmap(&result.addrs[i]);

		study_address(run, t, &addr, result.took_ns);
	}
	resolve_result_release(&result);
}

static void sum_up(struct run *run, const struct target *t, bool any)
{
	size_t n = target_ports(&run->config->targets, t)->n_ports, i;

	for (i = 0; i < n && i < PORTBLOCK_MAX_PORTS; i++) {
		if (any && run->tally.yes[i])
			continue;
		if (run->tally.tested[i])
			run->any_no = true;
		else
			run->any_untested = true;
	}
}

static void study_target(struct run *run, const struct target *t)
{
	uint64_t i;

	run->tally = (struct tally){ 0 };
	if (t->kind == TARGET_NAME) {
		study_name(run, t);
		sum_up(run, t, true);
		return;
	}
	for (i = 0; i < t->n_addrs && !stopped(run); i++) {
		struct addr addr = target_addr(t, i);

		addr = addr_unmap(&addr);
		run->tally = (struct tally){ 0 };
		study_address(run, t, &addr, -1);
		sum_up(run, t, true);
	}
}

/* ---- all ---- */

static void die_by(struct run *run, int signo)
{
	sigset_t mask;

	run_close(run);
	signal(signo, SIG_DFL);
	sigemptyset(&mask);
	sigaddset(&mask, signo);
	raise(signo);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static int finish(struct run *run)
{
	int status = run_ticket(run);
	int err = run->capture ? capture_write_end(run->capture) : 0;

	if (err < 0) {
		diag_error("cannot write: '%s': %s", run->config->write_file,
			   strerror(-err));
		status = 3;
	}
	if (run->error || run->engine.error) {
		diag_error("cannot go on: %s",
			   strerror(run->error ? -run->error : -run->engine.error));
		status = 3;
	}
	if (out_finish(&run->out) < 0) {
		if (run->out.error)
			diag_error("cannot write to standard output: %s",
				   strerror(-run->out.error));
		status = 3;
	}
	if (status)
		return status;
	return run->any_no ? 1 : run->any_untested ? 3 : 0;
}

int run_portblock(const struct portblock_config *config)
{
	struct run run = { .config = config,
			   .raw_fd = { -1, -1 },
			   .signal_fd = -1,
			   .report_fd = -1,
			   .ticket = TICKET_INIT };
	size_t i;
	int status;

	setlocale(LC_CTYPE, "");
	run.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	run.color = term_use_color(config->color, STDOUT_FILENO);
	services_init(&run.services);
	out_record_init(&run.record, &report_blocks, clock_wall_ns());
	run.findings = calloc(PORTBLOCK_MAX_PORTS, sizeof(*run.findings));
	status = run.findings ? run_open(&run) : 3;
	if (status) {
		run_close(&run);
		free(run.findings);
		return status;
	}
	for (i = 0; i < config->targets.n_targets && !stopped(&run); i++)
		study_target(&run, &config->targets.targets[i]);
	status = finish(&run);
	free(run.findings);
	if (run.engine.signal)
		die_by(&run, run.engine.signal);
	run_close(&run);
	return status;
}
