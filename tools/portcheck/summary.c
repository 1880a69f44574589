/*
 * What stands at the end of a run.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "run_private.h"
#include "text.h"
#include "verdict.h"

enum out_nagios run_nagios_status(const struct run *run)
{
	struct tally_counts c = tally_count(&run->tally);

	if (run->signal)
		return OUT_NAGIOS_UNKNOWN;
	if (run->reached)
		return OUT_NAGIOS_OK;
	if (run->config.until_closed)
		return OUT_NAGIOS_CRITICAL;
	if (c.not_open)
		return OUT_NAGIOS_CRITICAL;
	/* A resolver that does not answer says nothing about the service. */
	if (c.unresolved)
		return run->tally.resolver_failed ? OUT_NAGIOS_UNKNOWN
						  : OUT_NAGIOS_CRITICAL;
	return c.unknown ? OUT_NAGIOS_UNKNOWN : OUT_NAGIOS_OK;
}

static void say_place(struct buf *out, const struct run *run, const struct check *c)
{
	char text[ADDR_TEXT_SIZE];
	const struct target *t = &run->config.targets.targets[c->target];

	if (t->kind == TARGET_NAME)
		text_escape_str(out, t->text);
	else
		buf_adds(out, addr_to_text(&c->addr, text));
	buf_addf(out, ":%u%s", c->port, c->protocol == IPPROTO_UDP ? "/udp" : "");
}

/* The one result, or how many are open and what the first that is not says. */
static void say_nagios(const struct run *run, struct buf *out)
{
	struct tally_counts c = tally_count(&run->tally);
	const struct result *worst = NULL;
	size_t i;

	for (i = 0; i < run->n_kept; i++)
		if (run->kept[i].result.state != STATE_OPEN && !worst)
			worst = &run->kept[i].result;
	if (run->n_kept != 1)
		buf_addf(out, "%llu of %llu open", (unsigned long long)c.open,
			 (unsigned long long)(c.open + c.not_open + c.unresolved +
					      c.unknown));
	if (run->n_kept == 1)
		worst = &run->kept[0].result;
	if (!worst)
		return;
	buf_adds(out, run->n_kept == 1 ? "" : "; ");
	say_place(out, run, &worst->check);
	buf_addf(out, " %s: ", state_word(worst->state));
	verdict_say(worst, out);
}

static void nagios_line(struct run *run)
{
	struct out_perf *perfs = calloc(run->n_kept + 1, sizeof(*perfs));
	struct buf *labels = calloc(run->n_kept + 1, sizeof(*labels));
	struct buf message = BUF_INIT, line = BUF_INIT;
	size_t i;

	say_nagios(run, &message);
	for (i = 0; perfs && labels && i < run->n_kept; i++) {
		const struct result *r = &run->kept[i].result;
		char text[ADDR_TEXT_SIZE];

		buf_init(&labels[i]);
		say_place(&labels[i], run, &r->check);
		/* A name's addresses are told apart. */
		if (run->config.targets.targets[r->check.target].kind == TARGET_NAME &&
		    r->check.addr.family != AF_UNSPEC)
			buf_addf(&labels[i], " %s", addr_to_text(&r->check.addr, text));
		perfs[i] = (struct out_perf){
			.label = labels[i].data,
			.unit = "s",
			.known = r->state == STATE_OPEN,
			.value = (double)r->connect_ns / (double)NS_PER_S,
			.warn = NAN,
			.crit = NAN,
			.min = 0,
			.max = (double)run->config.timeout_ns / (double)NS_PER_S,
		};
	}
	out_nagios_line(&line, "portcheck", run_nagios_status(run), message.data,
			perfs && labels ? perfs : NULL,
			perfs && labels ? run->n_kept : 0);
	out_text(&run->out, line.data);
	for (i = 0; labels && i < run->n_kept; i++)
		buf_release(&labels[i]);
	buf_release(&message);
	buf_release(&line);
	free(labels);
	free(perfs);
}

static void summarize_series(struct run *run)
{
	size_t i;

	for (i = 0; i < run->series.n; i++) {
		struct series *s = &run->series.series[i];
		struct buf text = BUF_INIT;
		/* Of very many, those that were never open have nothing to sum up. */
		bool worth_a_line = s->open || run->series.n <= PORTCHECK_SMALL;

		out_record_clear(&run->summary, run->record.wall_ns);
		report_summary(&run->summary, &run->config, &run->services, s);
		out_record(&run->out, &run->summary);
		if (run->config.format == OUT_TEXT && worth_a_line) {
			series_say(s, &run->summary, &text, term_is_tty(STDOUT_FILENO),
				   run->show.color);
			out_text(&run->out, text.data);
		}
		buf_release(&text);
	}
}

void run_summarize(struct run *run)
{
	if (run->config.quiet || run->out.closed)
		return;
	if (run->config.format == OUT_NAGIOS)
		nagios_line(run);
	if (run->config.format == OUT_TEXT)
		show_end(&run->show, run->signal != 0);
	summarize_series(run);
}

/* Beside this program, or in PATH. */
static bool is_installed(const char *tool)
{
	char path[4096];
	const char *dirs = getenv("PATH");
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		snprintf(slash ? slash + 1 : path, 64, "%s", tool);
		if (access(path, X_OK) == 0)
			return true;
	}
	while (dirs && *dirs) {
		size_t len = strcspn(dirs, ":");

		if (len && len < sizeof(path) - 64) {
			snprintf(path, sizeof(path), "%.*s/%s", (int)len, dirs, tool);
			if (access(path, X_OK) == 0)
				return true;
		}
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

void run_hint(const struct run *run)
{
	const struct check *c = &run->hint.check;
	const struct target *t;
	char text[ADDR_TEXT_SIZE];

	if (!run->hint_wanted || run->config.quiet || run->config.format != OUT_TEXT)
		return;
	t = &run->config.targets.targets[c->target];
	if (run->hint.state == STATE_CLOSED) {
		if (addr_is_loopback(&c->addr) && is_installed("portwho"))
			diag_hint("try: portwho %u", c->port);
		return;
	}
	if (is_installed("portblock"))
		diag_hint("try: sudo portblock %s %u%s",
			  t->kind == TARGET_BLOCK ? addr_to_text(&c->addr, text)
						  : t->text,
			  c->port, c->protocol == IPPROTO_UDP ? "/udp" : "");
}
