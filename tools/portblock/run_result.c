/*
 * From findings to what is written.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "diag.h"
#include "fd.h"
#include "judge.h"
#include "rule.h"
#include "run_private.h"
#include "show.h"
#include "words.h"

/* A SYN, the kernel's repeat of it, and their answers. */
#define RULE_WAIT_NS (1200 * NS_PER_MS)

static bool rule_could_be_here(const struct findings *f)
{
	switch (f->answer) {
	case ANSWER_NONE:
	case ANSWER_RESET:
	case ANSWER_ICMP:
		return !f->unresolved;
	case ANSWER_ERROR:
		return f->error == EPERM;
	case ANSWER_SYN_ACK:
	case ANSWER_REPLY:
		break;
	}
	return false;
}

/* Once more, with the kernel telling which rule it meets. */
static void trace_rule(struct run *run, struct findings *f)
{
	struct rule_trace *trace = NULL;
	char endpoint[ADDR_ENDPOINT_SIZE];
	char why[160] = "";
	int err;

	if (!run->config->rule || !rule_could_be_here(f) || run->engine.signal)
		return;
	diag_warn("--rule: adding a table of its own to this machine's nftables ruleset "
		  "for about a second, to trace packets to %s",
		  addr_endpoint_text(&f->addr, f->port, endpoint));
	f->local_rule.asked = true;
	err = rule_begin(&trace, &f->addr, f->port, f->protocol, why, sizeof(why));
	if (err < 0) {
		snprintf(f->local_rule.why, sizeof(f->local_rule.why), "%s", why);
		return;
	}
	(void)engine_ask(&run->engine, engine_probe(&run->engine, f->protocol, f->port),
			 RULE_WAIT_NS);
	rule_end(trace, &f->local_rule);
	f->local_rule.asked = true;
}

static const char *service_of(struct run *run, const struct findings *f,
			      char out[SERVICES_NAME_SIZE])
{
	out[0] = '\0';
	return run->config->numeric
		       ? out
		       : services_name(&run->services, f->port, f->protocol, out);
}

static void write_text(struct run *run, const struct findings *f,
		       const struct judgement *j, const struct account *a)
{
	struct show_style style = { .color = run->color,
				    .utf8 = run->utf8,
				    .width = term_width(STDOUT_FILENO),
				    .first = run->n_shown == 0 };
	char service[SERVICES_NAME_SIZE];
	struct buf text = BUF_INIT;

	show_block(&text, &style, run->config, service_of(run, f, service), f, j, a);
	if (text.failed)
		run->error = -ENOMEM;
	else
		out_text(&run->out, text.data);
	buf_release(&text);
}

static void count(struct run *run, const struct judgement *j, size_t i)
{
	bool tested = j->cause != CAUSE_LOCAL_ERROR && j->cause != CAUSE_INTERRUPTED;

	if (i >= PORTBLOCK_MAX_PORTS)
		return;
	run->tally.tested[i] |= tested;
	run->tally.yes[i] |= verdict_is_yes(j->verdict);
}

void run_result(struct run *run, struct findings *f, size_t i)
{
	struct account account = { 0 };
	struct judgement j;
	char service[SERVICES_NAME_SIZE];

	f->no_capture_why = run->capture ? NULL : run->no_capture_why;
	trace_rule(run, f);
	j = judge(f);
	count(run, &j, i);
	say_account(&account, run->config, f, &j);
	if (account.failed)
		run->error = -ENOMEM;
	if (!run->config->quiet && !account.failed) {
		out_record_clear(&run->record, clock_wall_ns());
		report_block(&run->record, run->config, &run->services, f, &j, &account);
		out_record(&run->out, &run->record);
		if (run->config->format == OUT_TEXT)
			write_text(run, f, &j, &account);
		(void)out_flush(&run->out); /* told by out_finish() */
	}
	if (run->report_fd >= 0 && !account.failed)
		ticket_add(&run->ticket, service_of(run, f, service), f, &j, &account);
	run->n_shown++;
	account_release(&account);
}

int run_ticket(struct run *run)
{
	struct buf text = BUF_INIT;
	int err = 0;

	if (run->report_fd < 0)
		return 0;
	ticket_finish(&run->ticket, &text, run->config->command, clock_wall_ns());
	if (text.failed)
		err = -ENOMEM;
	/* A pipe or a terminal can't be cut, and need not be. */
	if (!err && ftruncate(run->report_fd, 0) < 0 && errno != EINVAL)
		err = -errno;
	if (!err)
		err = fd_write_all(run->report_fd, text.data, text.len);
	if (!err && close(run->report_fd) < 0)
		err = -errno;
	run->report_fd = -1;
	buf_release(&text);
	if (err < 0) {
		diag_error("cannot write: '%s': %s", run->config->report_file,
			   strerror(-err));
		return 3;
	}
	return 0;
}
