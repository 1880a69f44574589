#include "free.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "diag.h"
#include "forwards.h"
#include "free_private.h"
#include "text.h"

/* ---- text ---- */

/* With -v: each socket that is in the way. */
static void free_text_holder(struct buf *out, struct naming *names,
			     const struct free_answer *a, const struct free_holder *h)
{
	const struct sock *s = &h->listener->sock;
	char text[ADDR_ENDPOINT_SIZE];

	buf_addf(out, "  %s %s", free_state_word(s),
		 addr_endpoint_text(&s->local, s->local_port, text));
	if (s->remote_port)
		buf_addf(out, " with %s",
			 addr_endpoint_text(&s->remote, s->remote_port, text));
	if (s->inode) {
		buf_adds(out, ": ");
		free_say_owner(out, names, a, h->listener);
	}
	buf_addc(out, '\n');
}

static void free_text_label(struct buf *out, const struct free_context *c,
			    const char *label)
{
	buf_addf(out, "  %s%s:%s ", term_begin(TERM_FAINT, c->color), label,
		 term_end(TERM_FAINT, c->color));
}

void free_text(struct buf *out, struct naming *names, const struct free_context *c,
	       const struct free_answer *a)
{
	struct free_advice advice[FREE_ADVICE_MAX];
	size_t n = free_advise(a, c, advice), i;

	free_say(out, names, a, c->color);
	buf_addc(out, '\n');
	for (i = 0; c->verbose && i < a->n_holders; i++)
		free_text_holder(out, names, a, &a->holders[i]);
	if (a->suggestion) {
		free_text_label(out, c, "next free");
		buf_addf(out, "%u\n", a->suggestion);
	}
	for (i = 0; i < n; i++) {
		free_text_label(out, c, advice[i].label);
		buf_addf(out, "%s\n", advice[i].text.data);
		buf_release(&advice[i].text);
	}
}

/* ---- the job ---- */

static void free_find_place(struct owners *owners, struct cgroup_place *place)
{
	struct process p;

	if (process_read(owners->proc, getpid(), &p) < 0)
		return;
	if (p.cgroup)
		cgroup_place_of(p.cgroup, place);
	process_release(&p);
}

/* What was asked for, as answers that are still to be given. */
static struct free_answer *free_questions(const struct portwho_config *config)
{
	const struct port_list *list = &config->job_ports;
	struct free_answer *answers = calloc(list->n_ports, sizeof(*answers));
	struct addr addr = config->source;
	bool v6only = false;
	size_t i;

	if (!answers)
		return NULL;
	if (addr.family == AF_UNSPEC && config->filter.family != AF_UNSPEC) {
		addr.family = (uint16_t)config->filter.family;
		v6only = addr.family == AF_INET6;
	}
	for (i = 0; i < list->n_ports; i++) {
		int protocol;

		port_list_at(list, i, &answers[i].port, &protocol);
		answers[i].protocol = (uint8_t)protocol;
		answers[i].addr = addr;
		answers[i].v6only = v6only;
	}
	return answers;
}

static void free_write(struct out *out, const struct portwho_config *config,
		       const struct free_context *c, const struct free_answer *answers,
		       size_t n)
{
	struct naming names;
	struct out_record record;
	struct buf text = BUF_INIT;
	size_t i;

	naming_init(&names, config->numeric);
	out_record_init(&record, &free_schema, 0);
	for (i = 0; i < n && !out->error && !out->closed; i++) {
		if (config->format == OUT_TEXT) {
			buf_clear(&text);
			free_text(&text, &names, c, &answers[i]);
			out_text(out, text.data);
			continue;
		}
		out_record_clear(&record, answers[i].wall_ns);
		free_report(&record, &names, c, &answers[i]);
		out_record(out, &record);
	}
	buf_release(&text);
	out_record_release(&record);
	naming_release(&names);
}

static int free_print(const struct portwho_config *config, struct owners *owners,
		      const struct free_answer *answers, size_t n)
{
	struct free_context c = {
		.netns = config->netns,
		.root = geteuid() == 0,
		.verbose = config->verbose,
		.single = n == 1,
		.color = term_use_color(config->color, STDOUT_FILENO),
	};
	struct out out;
	int err = out_open(&out, config->format, &free_schema, NULL, STDOUT_FILENO);

	if (err)
		return err;
	free_find_place(owners, &c.place);
	free_write(&out, config, &c, answers, n);
	/* A reader that went away is no error. */
	err = out_finish(&out);
	out_release(&out);
	return err == -EPIPE ? 0 : err;
}

static int free_status(const struct free_answer *answers, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (answers[i].cause != FREE_YES)
			return 1;
	return 0;
}

static void free_tell_failure(const struct free_answer *answers, size_t n, size_t failed,
			      int err)
{
	if (failed < n)
		diag_error("cannot ask for %u/%s: %s", answers[failed].port,
			   protocol_word(answers[failed].protocol), strerror(-err));
	else
		diag_error("cannot look: %s", strerror(-err));
}

/* A port that a container engine publishes has no socket here, and can be bound. Without
 * the privilege it can't be known. */
static int free_find_forwards(const struct portwho_config *config,
			      struct free_answer *answers, size_t n)
{
	const struct filter filter = { .ports = config->job_ports,
				       .tcp = true,
				       .udp = true,
				       .family = config->filter.family };
	struct snapshot s = { 0 };
	int err = forwards_find(&s, &filter, NULL, false);
	size_t i, k;

	for (i = 0; !err && i < s.n; i++) {
		const struct listener *l = &s.listeners[i];

		for (k = 0; !err && k < n; k++) {
			struct free_answer *a = &answers[k];

			if (a->port != l->sock.local_port || a->forwarded_to ||
			    a->protocol != l->sock.protocol)
				continue;
			a->forwarded_to = strdup(l->forwarded_to);
			err = a->forwarded_to ? 0 : -ENOMEM;
		}
	}
	snapshot_release(&s);
	return err == -ENOMEM ? err : 0;
}

int free_run(const struct portwho_config *config, struct owners *owners)
{
	size_t n = config->job_ports.n_ports, failed = n, i;
	struct free_answer *answers = free_questions(config);
	struct snapshot s = { 0 };
	struct sockdiag *sd = NULL;
	int err = answers ? 0 : -ENOMEM, status = 3;

	/* Without it there are answers, but no reasons. */
	if (!err && sockdiag_open(&sd) < 0)
		sd = NULL;
	if (!err)
		err = free_ask_all(owners, sd, answers, n, &s, &failed);
	if (!err)
		err = free_find_forwards(config, answers, n);
	if (err) {
		free_tell_failure(answers, n, failed, err);
		goto out;
	}
	status = free_status(answers, n);
	if (!config->quiet) {
		err = free_print(config, owners, answers, n);
		if (err) {
			diag_error("cannot write to standard output: %s", strerror(-err));
			status = 3;
		}
	}
out:
	for (i = 0; answers && i < n; i++)
		free_release(&answers[i]);
	free(answers);
	snapshot_release(&s);
	sockdiag_close(sd);
	return status;
}
