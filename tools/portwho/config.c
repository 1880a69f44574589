#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "netns.h"
#include "options.h"
#include "origin.h"
#include "parse.h"
#include "table.h"

#define WHY_SIZE 256

/* What is collected before it can be judged as a whole. */
struct parsed {
	struct portwho_config config;
	const char **operands;
	size_t n_operands;
	const char *ports; /* -p */
	const char *job_ports;
	const char *job_option; /* "--free" */
	const char *source;
	const char *only_with_kill, *only_with_watch; /* an option that needs it */
	bool timeout_given;
	int status;
	bool done;
};

/* ---- ports ---- */

/* One part of a list. Without a suffix it is both protocols, or the one that has that
 * service. 0 or -errno. */
static int add_part(const struct filter *f, struct port_list *list, const char *part,
		    char why[WHY_SIZE])
{
	char other[WHY_SIZE], shown[OPERAND_SHOWN_SIZE];
	const char *slash = strchr(part, '/');
	int tcp = -EINVAL, udp = -EINVAL;

	/* "80/tcp" with --udp: no socket is both, which would look like nobody there. */
	if (slash && !strcasecmp(slash + 1, f->tcp ? "udp" : "tcp") &&
	    !(f->tcp && f->udp)) {
		snprintf(why, WHY_SIZE, "'%s': expected no other protocol with '--%s'",
			 operand_shown(part, strlen(part), shown),
			 f->tcp ? "tcp" : "udp");
		return -EINVAL;
	}
	if (f->tcp)
		tcp = port_list_add(list, part, IPPROTO_TCP, why, WHY_SIZE);
	if (f->udp)
		udp = port_list_add(list, part, IPPROTO_UDP, f->tcp ? other : why,
				    WHY_SIZE);
	return tcp && udp ? (f->tcp ? tcp : udp) : 0;
}

/* Is TEXT a list that can be taken apart, with something between all commas? */
static bool has_parts(const char *text)
{
	return *text && *text != ',' && !strstr(text, ",,") &&
	       text[strlen(text) - 1] != ',';
}

static int add_ports(const struct filter *f, struct port_list *list, const char *text,
		     char why[WHY_SIZE])
{
	char *copy, *part, *rest;
	int err = 0;

	if (!has_parts(text))
		return port_list_add(list, text, IPPROTO_TCP, why, WHY_SIZE);
	copy = rest = strdup(text);
	if (!copy)
		return -ENOMEM;
	while (!err && (part = strsep(&rest, ",")))
		err = add_part(f, list, part, why);
	free(copy);
	return err;
}

/* ---- single options ---- */

static int set_also(struct portwho_config *c, const char *text)
{
	static const struct {
		const char *word;
		unsigned int bit;
	} kinds[] = {
		{ "sctp", ALSO_SCTP },
		{ "raw", ALSO_RAW },
		{ "unix", ALSO_UNIX },
		{ "bound", ALSO_BOUND },
	};
	const char *at = text;

	for (;;) {
		size_t len = strcspn(at, ","), i;

		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strlen(kinds[i].word) == len &&
			    !strncmp(kinds[i].word, at, len))
				break;
		if (i == ARRAY_SIZE(kinds)) {
			diag_error(
				"option '--also': '%s': expected a list of: sctp, raw, "
				"unix, bound",
				text);
			return 2;
		}
		c->filter.also |= kinds[i].bit;
		at += len;
		if (!*at)
			return 0;
		at++;
	}
}

static int set_user(struct portwho_config *c, const char *text)
{
	const struct passwd *pw;
	uint64_t n;

	c->filter.has_uid = true;
	if (parse_u64(text, 0, UINT32_MAX - 1, &n) == 0) {
		c->filter.uid = (uint32_t)n;
		return 0;
	}
	pw = getpwnam(text);
	if (!pw) {
		diag_error("option '--user': '%s': expected a user of this machine, by "
			   "name or number",
			   text);
		return 2;
	}
	c->filter.uid = pw->pw_uid;
	return 0;
}

static int set_signal(struct portwho_config *c, const char *text)
{
	const char *name = !strncasecmp(text, "SIG", 3) ? text + 3 : text;
	uint64_t n;
	int i;

	if (parse_u64(text, 1, 64, &n) == 0) {
		c->signal = (int)n;
		return 0;
	}
	for (i = 1; i < NSIG; i++) {
		const char *abbreviation = sigabbrev_np(i);

		if (abbreviation && !strcasecmp(abbreviation, name)) {
			c->signal = i;
			return 0;
		}
	}
	diag_error("option '--signal': '%s': expected a signal by name or number (TERM, "
		   "INT, 9)",
		   text);
	return 2;
}

static void set_job(struct parsed *in, enum job job, const char *option,
		    const char *ports)
{
	in->config.job = job;
	in->job_option = option;
	in->job_ports = ports;
}

static void set_filter(struct parsed *in, enum portwho_option id,
		       const struct opt_value *v)
{
	struct filter *f = &in->config.filter;

	if (id == OPT_TCP)
		f->udp = false;
	else if (id == OPT_UDP)
		f->tcp = false;
	else if (id == OPT_IPV4 || id == OPT_IPV6)
		f->family = id == OPT_IPV4 ? AF_INET : AF_INET6;
	else if (id == OPT_PID)
		f->pid = (pid_t)v->n;
	else if (id == OPT_UNIT)
		f->unit = v->text;
	else if (id == OPT_EXPOSED)
		f->exposed = true;
}

/* Options that only mean something with --kill or --watch. */
static void set_manner(struct parsed *in, enum portwho_option id,
		       const struct opt_value *v)
{
	struct portwho_config *c = &in->config;

	if (id == OPT_FORCE || id == OPT_YES || id == OPT_SIGNAL)
		in->only_with_kill = id == OPT_FORCE ? "--force"
				     : id == OPT_YES ? "--yes"
						     : "--signal";
	else
		in->only_with_watch = id == OPT_COUNT ? "--count" : "--interval";
	if (id == OPT_FORCE)
		c->force = true;
	else if (id == OPT_YES)
		c->yes = true;
	else if (id == OPT_SIGNAL)
		in->status = set_signal(c, v->text);
	else if (id == OPT_COUNT)
		c->count = v->n;
	else
		c->interval_ns = v->ns;
}

static void set_form(struct portwho_config *c, enum portwho_option id,
		     const struct opt_value *v)
{
	if (id == OPT_COLUMNS)
		c->columns = v->text;
	else if (id == OPT_SORT)
		c->sort = (enum sort_key)v->n;
	else if (id == OPT_NO_HEADINGS)
		c->no_headings = true;
	else if (id == OPT_TREE_FORM)
		c->tree = true;
	else if (id == OPT_JSON)
		c->format = OUT_JSON;
	else if (id == OPT_FORMAT)
		/* As `formats` in options.c: no nagios. */
		c->format = v->n == 3 ? OUT_PROMETHEUS : (enum out_format)v->n;
	else if (id == OPT_QUIET)
		c->quiet = true;
	else if (id == OPT_VERBOSE)
		c->verbose = true;
	else if (id == OPT_COLOR)
		c->color = (enum term_when)v->n;
}

/* Every option of the table has its place here: the compiler checks the switch. */
static void set_option(struct parsed *in, enum portwho_option id,
		       const struct opt_value *v)
{
	struct portwho_config *c = &in->config;

	switch (id) {
	case OPT_PORTLIST:
		in->ports = v->text;
		return;
	case OPT_TCP:
	case OPT_UDP:
	case OPT_IPV4:
	case OPT_IPV6:
	case OPT_PID:
	case OPT_UNIT:
	case OPT_EXPOSED:
		set_filter(in, id, v);
		return;
	case OPT_ALSO:
		in->status = set_also(c, v->text);
		return;
	case OPT_USER:
		in->status = set_user(c, v->text);
		return;
	case OPT_NETNS_NAME:
		c->netns = v->text;
		return;
	case OPT_ALL_NETNS:
		c->all_netns = true;
		return;
	case OPT_NUMERIC:
		c->numeric = true;
		return;
	case OPT_FREE:
		set_job(in, JOB_FREE, "--free", v->text);
		return;
	case OPT_KILL:
		set_job(in, JOB_KILL, "--kill", v->text);
		return;
	case OPT_WATCH:
		set_job(in, JOB_WATCH, "--watch", NULL);
		return;
	case OPT_SIGNAL:
	case OPT_FORCE:
	case OPT_YES:
	case OPT_COUNT:
	case OPT_INTERVAL:
		set_manner(in, id, v);
		return;
	case OPT_TIMEOUT:
		c->timeout_ns = v->ns;
		in->timeout_given = true;
		return;
	case OPT_SOURCE:
		in->source = v->text;
		return;
	case OPT_FIREWALL:
		c->firewall = true;
		return;
	case OPT_COLUMNS:
	case OPT_SORT:
	case OPT_NO_HEADINGS:
	case OPT_TREE_FORM:
	case OPT_JSON:
	case OPT_FORMAT:
	case OPT_QUIET:
	case OPT_VERBOSE:
	case OPT_COLOR:
		set_form(c, id, v);
		return;
	case OPT_HELP:
	case OPT_VERSION:
		in->done = true;
		in->status = opt_answer(&opt_tool, id == OPT_HELP);
		return;
	}
}

/* ---- all together ---- */

static int refuse(const char *what, const char *expected)
{
	diag_error("%s: expected %s", what, expected);
	return 2;
}

static int check_combination(const struct parsed *in)
{
	const struct portwho_config *c = &in->config;
	char what[96];

	snprintf(what, sizeof(what), "option '%s'",
		 in->only_with_kill    ? in->only_with_kill
		 : in->only_with_watch ? in->only_with_watch
				       : "--timeout");
	if (in->only_with_kill && c->job != JOB_KILL)
		return refuse(what, "only together with --kill");
	if (in->only_with_watch && c->job != JOB_WATCH)
		return refuse(what, "only together with --watch");
	if (in->timeout_given && c->job != JOB_KILL && c->job != JOB_WATCH)
		return refuse("option '--timeout'",
			      "only together with --kill or --watch");
	if (in->source && c->job != JOB_FREE)
		return refuse("option '--source'", "only together with --free");
	if (c->all_netns && (c->job == JOB_FREE || c->job == JOB_KILL))
		return refuse("option '--all-netns'",
			      "one namespace with --free and --kill: --netns NAME");
	if (c->format == OUT_PROMETHEUS && c->job != JOB_LIST)
		return refuse("option '--format': 'prometheus'",
			      "text, json or csv with --free, --kill and --watch");
	if (in->job_ports && in->ports) {
		diag_error("option '--ports': '%s': expected the ports with option '%s'",
			   in->ports, in->job_option);
		return 2;
	}
	return 0;
}

/* "--free 3000 3001": what else stands there are ports as well. */
static int take_job_ports(struct parsed *in, char why[WHY_SIZE])
{
	struct port_list *list = &in->config.job_ports;
	int protocol = in->config.filter.tcp ? IPPROTO_TCP : IPPROTO_UDP;
	int err = port_list_add(list, in->job_ports, protocol, why, WHY_SIZE);
	size_t i;

	for (i = 0; !err && i < in->n_operands; i++)
		err = port_list_add(list, in->operands[i], protocol, why, WHY_SIZE);
	in->n_operands = 0;
	return err;
}

static int take_operands(struct parsed *in)
{
	struct filter *f = &in->config.filter;
	char why[WHY_SIZE] = "out of memory";
	size_t i;
	int err = 0;

	if (in->ports)
		err = add_ports(f, &f->ports, in->ports, why);
	if (!err && in->job_ports)
		err = take_job_ports(in, why);
	f->names = in->operands;
	for (i = 0; !err && i < in->n_operands; i++) {
		if (!in->ports && port_list_looks_like(in->operands[i]))
			err = add_ports(f, &f->ports, in->operands[i], why);
		else if (in->operands[i][0])
			in->operands[f->n_names++] = in->operands[i];
		else
			return refuse("''", "a port, a service, or a process");
	}
	if (err) {
		diag_error("%s", why);
		return err == -ENOMEM ? 3 : 2;
	}
	f->either = !in->ports && f->ports.n_ranges && f->n_names;
	return 0;
}

static int judge(struct parsed *in)
{
	struct portwho_config *c = &in->config;
	struct origin origin;
	int status = check_combination(in), err;

	if (!status)
		status = take_operands(in);
	if (!status && c->columns)
		status = table_columns_check(c->columns);
	if (status)
		return status < 0 ? 0 : status;
	err = origin_enter(c->netns, NULL, in->source, c->filter.family, &origin);
	if (err)
		return err == -EINVAL ? 2 : 3;
	c->source = origin.source;
	return WHO_CONFIG_RUN;
}

static int parse_options(struct parsed *in, int argc, char **argv)
{
	struct opt_parser parser;
	struct opt_value v;
	char **rest;
	int id = OPT_BAD;

	if (opt_begin(&parser, &opt_tool, argc, argv) < 0) {
		diag_error("out of memory");
		return 3;
	}
	while (!in->done && !in->status && (id = opt_next(&parser, &v)) >= 0) {
		if (id == OPT_OPERAND)
			in->operands[in->n_operands++] = v.text;
		else
			set_option(in, (enum portwho_option)id, &v);
	}
	rest = in->done || in->status || id == OPT_BAD ? NULL : opt_rest(&parser);
	while (rest && *rest)
		in->operands[in->n_operands++] = *rest++;
	opt_release(&parser);
	if (in->done || in->status)
		return in->status;
	return id == OPT_BAD ? 2 : WHO_CONFIG_RUN;
}

int who_config_parse(struct portwho_config *ret_config, int argc, char **argv)
{
	struct parsed in = { .config = { .filter = { .tcp = true, .udp = true },
					 .signal = SIGTERM,
					 .interval_ns = NS_PER_S } };
	int status;

	in.operands = calloc((size_t)argc + 1, sizeof(*in.operands));
	if (!in.operands) {
		diag_error("out of memory");
		return 3;
	}
	status = parse_options(&in, argc, argv);
	if (status == WHO_CONFIG_RUN)
		status = judge(&in);
	in.config.filter.names = in.operands;
	if (status != WHO_CONFIG_RUN) {
		who_config_release(&in.config);
		return status;
	}
	*ret_config = in.config;
	return status;
}

void who_config_release(struct portwho_config *config)
{
	port_list_release(&config->filter.ports);
	port_list_release(&config->job_ports);
	free((void *)config->filter.names);
	config->filter.names = NULL;
}
