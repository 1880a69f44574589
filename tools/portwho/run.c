#include "run.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "diag.h"
#include "free.h"
#include "kill.h"
#include "look.h"
#include "owners.h"
#include "page.h"
#include "report.h"
#include "table.h"
#include "tree.h"
#include "watch.h"

static int write_records(struct out *out, const struct portwho_config *config,
			 struct naming *names, const struct snapshot *s)
{
	const struct listener **listeners = NULL;
	struct out_record record;
	struct rows rows;
	size_t i;
	int err = rows_of(s, config->sort, &rows);

	if (err)
		return err;
	err = rows_listeners(&rows, s, &listeners);
	rows_release(&rows);
	if (err)
		return err;
	out_record_init(&record, &report_listeners, s->wall_ns);
	for (i = 0; i < s->n && !out->error && !out->closed; i++) {
		out_record_clear(&record, s->wall_ns);
		report_listener(&record, names, listeners[i]);
		out_record(out, &record);
	}
	out_record_release(&record);
	free(listeners);
	return out->error;
}

static int write_table(struct out *out, const struct portwho_config *config,
		       struct naming *names, const struct snapshot *s)
{
	bool color = term_use_color(config->color, STDOUT_FILENO);
	unsigned int width = term_is_tty(STDOUT_FILENO) ? term_width(STDOUT_FILENO) : 0;
	struct rows rows;
	struct buf text = BUF_INIT;
	int err = rows_of(s, config->sort, &rows);

	if (err)
		return err;
	if (rows.n)
		err = (config->tree ? tree_draw : table_draw)(&text, config, names, &rows,
							      color, width);
	if (!err && text.failed)
		err = -ENOMEM;
	if (!err)
		out_text(out, text.data);
	buf_release(&text);
	rows_release(&rows);
	return err;
}

static int write_page(struct out *out, const struct portwho_config *config,
		      struct naming *names, struct snapshot *s)
{
	struct sockdiag *sd = NULL;
	struct traffic *traffic = NULL;
	struct buf text = BUF_INIT;
	int err = sockdiag_open(&sd);

	if (!err)
		err = traffic_find(s, sd, &traffic);
	sockdiag_close(sd);
	if (!err && config->format != OUT_TEXT)
		err = write_records(out, config, names, s);
	else if (!err)
		err = page_draw(&text, config, names, s, traffic,
				term_use_color(config->color, STDOUT_FILENO));
	if (!err)
		out_text(out, text.data);
	buf_release(&text);
	free(traffic);
	return err;
}

static int write_list(struct out *out, const struct portwho_config *config,
		      struct naming *names, struct snapshot *s)
{
	if (config->quiet)
		return 0;
	if (page_is_wanted(config))
		return write_page(out, config, names, s);
	if (config->format == OUT_TEXT)
		return write_table(out, config, names, s);
	return write_records(out, config, names, s);
}

static void hint_nothing(const struct portwho_config *config, const struct snapshot *s)
{
	const struct filter *f = &config->filter;
	uint16_t port = page_port(&f->ports);
	bool udp = port && f->ports.ranges[0].protocol == IPPROTO_UDP &&
		   f->ports.n_ranges == 1;
	const char *protocol = udp ? "/udp" : "";

	if (filter_asks_owner(f) && s->owners_hidden && geteuid() != 0)
		diag_hint("nothing that we may see fits; try: sudo portwho");
	else if (filter_asks_owner(f) || f->exposed || f->family != AF_UNSPEC)
		diag_hint("nothing that listens here fits");
	else if (port && (config->all_netns || config->netns))
		diag_hint("nothing listens on %u%s", port, protocol);
	else if (port)
		diag_hint("nothing listens on %u%s; can a server start there? try: "
			  "portwho --free %u%s",
			  port, protocol, port, protocol);
	else
		diag_hint("nothing listens %s",
			  f->ports.n_ranges ? "on these ports" : "here");
}

static void hint(const struct portwho_config *config, const struct snapshot *s)
{
	size_t i;

	if (!s->n)
		hint_nothing(config, s);
	for (i = 0; i < s->n; i++)
		if (s->listeners[i].owner == OWNER_HIDDEN &&
		    !s->listeners[i].forwarded_to) {
			diag_hint(geteuid() ? "(hidden): not our processes; try: sudo "
					      "portwho"
					    : "(hidden): not processes that are seen "
					      "from here (another container, perhaps)");
			return;
		}
}

static int list(const struct portwho_config *config, struct owners *owners)
{
	struct snapshot s = { 0 };
	struct naming names;
	struct out out;
	int err = look(config, owners, config->verbose, &s), status;

	naming_init(&names, config->numeric);
	if (!err)
		err = out_open(&out, config->quiet ? OUT_TEXT : config->format,
			       &report_listeners, &report_gauges, STDOUT_FILENO);
	if (err) {
		if (err != LOOK_SAID)
			diag_error("cannot look: %s", strerror(-err));
		snapshot_release(&s);
		naming_release(&names);
		return 3;
	}
	err = write_list(&out, config, &names, &s);
	status = s.n ? 0 : 1;
	if (err || out_finish(&out) < 0) {
		if (err || out.error)
			diag_error("cannot write to standard output: %s",
				   strerror(err ? -err : -out.error));
		status = 3;
	}
	if (!config->quiet && config->format == OUT_TEXT)
		hint(config, &s);
	out_release(&out);
	naming_release(&names);
	snapshot_release(&s);
	return status;
}

int run_portwho(const struct portwho_config *config)
{
	struct owners owners;
	int status = 3, err;

	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	err = owners_open(&owners);
	if (err < 0) {
		diag_error("cannot read /proc: %s", strerror(-err));
		return 3;
	}
	switch (config->job) {
	case JOB_LIST:
		status = list(config, &owners);
		break;
	case JOB_WATCH:
		status = watch_run(config, &owners);
		break;
	case JOB_KILL:
		status = kill_run(config, &owners);
		break;
	case JOB_FREE:
		status = free_run(config, &owners);
		break;
	}
	owners_close(&owners);
	return status;
}
