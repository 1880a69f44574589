#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "options.h"
#include "origin.h"
#include "ticket.h"

/* A Linux router asks three times, a second apart, for a host that is down, and tells
 * after 3.06 s (net.ipv4.neigh.default.mcast_solicit, retrans_time_ms): that answer is
 * worth waiting for, or a dead host looks like a firewall. */
#define DEFAULT_TIMEOUT_NS (3500 * NS_PER_MS)
#define DEFAULT_MAX_HOPS   30

/* Addresses that all blocks together may hold: each port of each takes seconds. */
#define BLOCKS_MAX 256

/* What is collected before it can be judged as a whole. */
struct parsed {
	struct portblock_config config;
	const char **operands;
	size_t n_operands;
	const char *ports; /* -p */
	const char *file;
	const char *source;
	const char *interface;
	int status; /* of help and version: 0, or an exit status */
	bool done;
};

/* Options that only switch something on, and where. */
static void set_flag(struct portblock_config *c, enum portblock_option id)
{
	bool *flags[] = {
		[OPT_NUMERIC] = &c->numeric, [OPT_NO_CAPTURE] = &c->no_capture,
		[OPT_RULE] = &c->rule,	     [OPT_EXPLAIN] = &c->explain,
		[OPT_QUIET] = &c->quiet,     [OPT_VERBOSE] = &c->verbose,
	};

	*flags[id] = true;
}

static void set_targets(struct parsed *in, enum portblock_option id,
			const struct opt_value *v)
{
	if (id == OPT_PORTLIST)
		in->ports = v->text;
	else if (id == OPT_FILE_TARGETS)
		in->file = v->text;
	else if (id == OPT_UDP)
		in->config.targets.default_protocol = IPPROTO_UDP;
	else if (id == OPT_IPV4 || id == OPT_IPV6)
		in->config.family = id == OPT_IPV4 ? AF_INET : AF_INET6;
}

/* Every option of the table has its place here: the compiler checks the switch. */
static void set_option(struct parsed *in, enum portblock_option id,
		       const struct opt_value *v)
{
	struct portblock_config *c = &in->config;

	switch (id) {
	case OPT_NUMERIC:
	case OPT_NO_CAPTURE:
	case OPT_RULE:
	case OPT_EXPLAIN:
	case OPT_QUIET:
	case OPT_VERBOSE:
		set_flag(c, id);
		return;
	case OPT_PORTLIST:
	case OPT_FILE_TARGETS:
	case OPT_UDP:
	case OPT_IPV4:
	case OPT_IPV6:
		set_targets(in, id, v);
		return;
	case OPT_TIMEOUT:
		c->timeout_ns = v->ns;
		return;
	case OPT_MAX_HOPS:
		c->max_hops = (unsigned int)v->n;
		return;
	case OPT_FIRST_BYTES:
		c->first_bytes = (enum first_bytes)v->n;
		return;
	case OPT_SOURCE:
		in->source = v->text;
		return;
	case OPT_IFACE:
		in->interface = v->text;
		return;
	case OPT_NETNS_NAME:
		c->netns = v->text;
		return;
	case OPT_WRITE:
		c->write_file = v->text;
		return;
	case OPT_REPORT:
		c->report_file = v->text;
		return;
	case OPT_JSON:
		c->format = OUT_JSON;
		return;
	case OPT_FORMAT:
		c->format = (enum out_format)v->n;
		return;
	case OPT_COLOR:
		c->color = (enum term_when)v->n;
		return;
	case OPT_HELP:
	case OPT_VERSION:
		in->done = true;
		in->status = opt_answer(&opt_tool, id == OPT_HELP);
		return;
	}
}

/* Where the evidence goes. 0 or the exit status. */
static int check_files(const struct portblock_config *c)
{
	enum ticket_format format;

	if (c->report_file && ticket_format_of(c->report_file, &format) < 0) {
		diag_error("option '--report': '%s': expected a name that ends in .md, "
			   ".markdown, .html or .htm",
			   c->report_file);
		return 2;
	}
	if (c->write_file && !strcmp(c->write_file, "-") && !c->quiet) {
		diag_error("option '--write': '-': only with -q: results go to standard "
			   "output, too");
		return 2;
	}
	return 0;
}

/* From where: after this everything sees the namespace, and a source its family. */
static int set_origin(struct parsed *in)
{
	struct portblock_config *c = &in->config;
	struct origin origin;
	int err = origin_enter(c->netns, in->interface, in->source, c->family, &origin);

	if (err)
		return err == -EINVAL ? 2 : 3;
	c->family = origin.family;
	c->source = origin.source;
	memcpy(c->interface, origin.interface, sizeof(c->interface));
	return 0;
}

/* Once the protocol and -p are known, whatever their place on the command line was. */
static int take_targets(struct parsed *in)
{
	struct target_set *set = &in->config.targets;
	char why[TARGET_WHY_SIZE] = "out of memory";
	size_t i;
	int err = 0;

	if (in->ports)
		err = target_set_ports(set, in->ports, why);
	if (!err && in->file)
		err = target_set_file(set, in->file, why);
	for (i = 0; !err && i < in->n_operands; i++)
		err = target_set_add(set, in->operands[i], why);
	if (!err)
		err = target_set_finish(set, why);
	if (err) {
		diag_error("%s", why);
		return err == -ENOMEM ? 3 : 2;
	}
	return 0;
}

/* A study takes seconds and a few dozen packets for each port: sweeps are portcheck's. */
static int check_size(const struct target_set *set)
{
	uint64_t in_blocks = 0;
	size_t i;

	for (i = 0; i < set->n_targets; i++) {
		const struct target *t = &set->targets[i];
		size_t n_ports = target_ports(set, t)->n_ports;

		if (n_ports > PORTBLOCK_MAX_PORTS) {
			diag_error("'%s': asked for %zu ports: expected at most %d ports "
				   "(portcheck checks ranges)",
				   t->text, n_ports, PORTBLOCK_MAX_PORTS);
			return 2;
		}
		in_blocks += t->kind == TARGET_BLOCK ? t->n_addrs : 0;
		if (in_blocks > BLOCKS_MAX) {
			diag_error("'%s': expected at most %d addresses in all blocks "
				   "(portcheck sweeps networks)",
				   t->text, BLOCKS_MAX);
			return 2;
		}
	}
	return 0;
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
	while (!in->done && (id = opt_next(&parser, &v)) >= 0) {
		if (id == OPT_OPERAND)
			in->operands[in->n_operands++] = v.text;
		else
			set_option(in, (enum portblock_option)id, &v);
	}
	/* What stands behind "--" can't be an option, and is an operand all the same. */
	rest = in->done || id == OPT_BAD ? NULL : opt_rest(&parser);
	while (rest && *rest)
		in->operands[in->n_operands++] = *rest++;
	opt_release(&parser);
	return in->done ? in->status : id == OPT_BAD ? 2 : CONFIG_RUN;
}

/* In the order in which each builds on the one before. */
static int judge(struct parsed *in)
{
	struct portblock_config *c = &in->config;
	int status = check_files(c);

	if (!status)
		status = set_origin(in);
	if (!status)
		status = take_targets(in);
	if (!status && origin_admits(&c->targets, c->family, c->numeric) < 0)
		status = 2;
	if (!status)
		status = check_size(&c->targets);
	return status ? status : CONFIG_RUN;
}

/* For the ticket. 0 or the exit status. */
static int set_command(struct portblock_config *c, int argc, char *const *argv)
{
	struct buf text = BUF_INIT;

	command_text(&text, argc, argv);
	c->command = buf_steal(&text);
	if (c->command)
		return 0;
	diag_error("out of memory");
	return 3;
}

int config_parse(struct portblock_config *ret_config, int argc, char **argv)
{
	struct parsed in = { .config = { .family = AF_UNSPEC,
					 .timeout_ns = DEFAULT_TIMEOUT_NS,
					 .max_hops = DEFAULT_MAX_HOPS } };
	int status;

	target_set_init(&in.config.targets, IPPROTO_TCP);
	/* portblock's own limit is far lower, and there is no --yes to ask for. */
	in.config.targets.allow_huge = true;
	in.operands = calloc((size_t)argc + 1, sizeof(*in.operands));
	if (!in.operands) {
		diag_error("out of memory");
		return 3;
	}
	/* Before getopt sorts the words. */
	status = set_command(&in.config, argc, argv);
	if (!status)
		status = parse_options(&in, argc, argv);
	if (status == CONFIG_RUN)
		status = judge(&in);
	free(in.operands);
	if (status != CONFIG_RUN) {
		config_release(&in.config);
		return status;
	}
	*ret_config = in.config;
	return status;
}

void config_release(struct portblock_config *config)
{
	target_set_release(&config->targets);
	free((char *)config->command);
	config->command = NULL;
}
