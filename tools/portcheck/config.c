#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "options.h"
#include "origin.h"
#include "top.h"

/* A Linux router asks three times, a second apart, for a host that is down, and tells
 * after 3.06 s (net.ipv4.neigh.default.mcast_solicit, retrans_time_ms): that answer is
 * worth waiting for, or a dead host looks like a firewall. */
#define DEFAULT_TIMEOUT_NS (3500 * NS_PER_MS)

/* What is collected before it can be judged as a whole. */
struct parsed {
	struct portcheck_config config;
	const char **operands;
	size_t n_operands;
	const char *ports; /* -p */
	size_t top;
	const char *file;
	const char *source;
	const char *interface;
	bool until_given, interval_given;
	int status; /* of help and version: 0, or an exit status */
	bool done;
};

/* Options that only switch something on, and where. */
static void set_flag(struct portcheck_config *c, enum portcheck_option id)
{
	bool *flags[] = {
		[OPT_ALL_ADDRESSES] = &c->all_addresses,
		[OPT_NUMERIC] = &c->numeric,
		[OPT_YES] = &c->targets.allow_huge,
		[OPT_ANY] = &c->any,
		[OPT_BANNER] = &c->banner,
		[OPT_OPEN_ONLY] = &c->open_only,
		[OPT_QUIET] = &c->quiet,
		[OPT_VERBOSE] = &c->verbose,
	};

	*flags[id] = true;
}

/* From where and how. */
static void set_way(struct parsed *in, enum portcheck_option id,
		    const struct opt_value *v)
{
	struct portcheck_config *c = &in->config;

	if (id == OPT_SOURCE)
		in->source = v->text;
	else if (id == OPT_IFACE)
		in->interface = v->text;
	else if (id == OPT_SOURCE_PORT)
		c->source_port = (uint16_t)v->n;
	else if (id == OPT_TTL)
		c->ttl = (int)v->n;
	else if (id == OPT_NETNS_NAME)
		c->netns = v->text;
	else if (id == OPT_PARALLEL)
		c->parallel = (size_t)v->n;
	else if (id == OPT_RATE)
		c->rate = (uint64_t)v->n;
}

static void set_targets(struct parsed *in, enum portcheck_option id,
			const struct opt_value *v)
{
	if (id == OPT_PORTLIST)
		in->ports = v->text;
	else if (id == OPT_TOP)
		in->top = (size_t)v->n;
	else if (id == OPT_FILE_TARGETS)
		in->file = v->text;
	else if (id == OPT_UDP)
		in->config.targets.default_protocol = IPPROTO_UDP;
	else if (id == OPT_IPV4 || id == OPT_IPV6)
		in->config.family = id == OPT_IPV4 ? AF_INET : AF_INET6;
}

/* Every option of the table has its place here: the compiler checks the switch. */
static void set_option(struct parsed *in, enum portcheck_option id,
		       const struct opt_value *v)
{
	struct portcheck_config *c = &in->config;

	switch (id) {
	case OPT_ALL_ADDRESSES:
	case OPT_NUMERIC:
	case OPT_YES:
	case OPT_ANY:
	case OPT_BANNER:
	case OPT_OPEN_ONLY:
	case OPT_QUIET:
	case OPT_VERBOSE:
		set_flag(c, id);
		return;
	case OPT_SOURCE:
	case OPT_IFACE:
	case OPT_SOURCE_PORT:
	case OPT_TTL:
	case OPT_NETNS_NAME:
	case OPT_PARALLEL:
	case OPT_RATE:
		set_way(in, id, v);
		return;
	case OPT_PORTLIST:
	case OPT_TOP:
	case OPT_FILE_TARGETS:
	case OPT_UDP:
	case OPT_IPV4:
	case OPT_IPV6:
		set_targets(in, id, v);
		return;
	case OPT_TIMEOUT:
		c->timeout_ns = v->ns;
		return;
	case OPT_COUNT:
		c->repeat = true;
		c->count = (uint64_t)v->n;
		return;
	case OPT_INTERVAL:
		in->interval_given = true;
		c->interval_ns = v->ns;
		return;
	case OPT_WAIT:
		c->wait_ns = v->ns;
		return;
	case OPT_UNTIL:
		in->until_given = true;
		c->until_closed = v->n == 1;
		return;
	case OPT_HOLD:
		c->hold_ns = v->ns;
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

static int bad(const char *why)
{
	diag_error("%s", why);
	return 2;
}

/* The options among themselves. 0 or the exit status. */
static int check_modes(struct parsed *in)
{
	struct portcheck_config *c = &in->config;

	if (in->interval_given && !c->wait_ns)
		c->repeat = true;
	if ((in->until_given || c->any) && !c->wait_ns)
		return bad(c->any ? "option '--any': only with --wait"
				  : "option '--until': only with --wait");
	if (c->command && c->repeat)
		return bad(
			"a command behind '--': not with -c or -i (expected --wait, or a "
			"single check)");
	if (c->command && !c->command[0])
		return bad("'--': expected a command behind it");
	if (c->repeat && c->format == OUT_NAGIOS)
		return bad("--format=nagios: one check and one line; not with -c or -i");
	return 0;
}

/* From where: after this everything sees the namespace, and a source its family. */
static int set_origin(struct parsed *in)
{
	struct portcheck_config *c = &in->config;
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
	if (!err && in->top) {
		set->ports_given = true;
		if (in->top > top_count(set->default_protocol)) {
			diag_error("option '--top': '%zu': expected at most %zu for UDP",
				   in->top, top_count(set->default_protocol));
			return 2;
		}
		err = top_add(&set->ports, in->top, set->default_protocol);
	}
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

static int parse_options(struct parsed *in, int argc, char **argv)
{
	struct opt_parser parser;
	struct opt_value v;
	int id = OPT_BAD;

	if (opt_begin(&parser, &opt_tool, argc, argv) < 0) {
		diag_error("out of memory");
		return 3;
	}
	while (!in->done && (id = opt_next(&parser, &v)) >= 0) {
		if (id == OPT_OPERAND)
			in->operands[in->n_operands++] = v.text;
		else
			set_option(in, (enum portcheck_option)id, &v);
	}
	in->config.command = in->done ? NULL : opt_rest(&parser);
	opt_release(&parser);
	return in->done ? in->status : id == OPT_BAD ? 2 : CONFIG_RUN;
}

/* In the order in which each builds on the one before. */
static int judge(struct parsed *in)
{
	int status = check_modes(in);

	if (!status)
		status = set_origin(in);
	if (!status)
		status = take_targets(in);
	if (!status &&
	    origin_admits(&in->config.targets, in->config.family, in->config.numeric) < 0)
		status = 2;
	return status ? status : CONFIG_RUN;
}

int config_parse(struct portcheck_config *ret_config, int argc, char **argv)
{
	struct parsed in = { .config = { .family = AF_UNSPEC,
					 .timeout_ns = DEFAULT_TIMEOUT_NS,
					 .interval_ns = 1 * NS_PER_S } };
	int status;

	target_set_init(&in.config.targets, IPPROTO_TCP);
	in.operands = calloc((size_t)argc + 1, sizeof(*in.operands));
	if (!in.operands) {
		diag_error("out of memory");
		return 3;
	}
	status = parse_options(&in, argc, argv);
	if (status == CONFIG_RUN)
		status = judge(&in);
	if (status == CONFIG_RUN && in.config.wait_ns && !in.interval_given)
		in.config.interval_ns = 0; /* the wait has its own rhythm */
	free(in.operands);
	if (status != CONFIG_RUN) {
		target_set_release(&in.config.targets);
		return status;
	}
	*ret_config = in.config;
	return status;
}

void config_release(struct portcheck_config *config)
{
	target_set_release(&config->targets);
}
