#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diag.h"
#include "netns.h"
#include "options.h"
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

static int finish_print(int err)
{
	if (err < 0 && err != -EPIPE)
		diag_error("cannot write to standard output: %s", strerror(-err));
	return err < 0 ? 3 : 0;
}

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
		in->status = finish_print(id == OPT_HELP ? opt_print_help(&opt_tool)
							 : opt_print_version(&opt_tool));
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

/* Everything after this sees the namespace: interfaces, zones of addresses, names. */
static int enter_namespace(const struct portcheck_config *c)
{
	int err;

	if (!c->netns)
		return 0;
	err = netns_enter(c->netns);
	if (err == -ENOENT) {
		diag_error("option '--netns': '%s': no such network namespace", c->netns);
		return 2;
	}
	if (err < 0) {
		diag_error("option '--netns': '%s': %s", c->netns,
			   err == -EPERM ? "not permitted (needs root)" : strerror(-err));
		return 3;
	}
	return 0;
}

static const char *family_word(int family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

/* -I and -S: they must be this machine's (or namespace's), or every check would fail. */
static int check_machine(struct parsed *in)
{
	struct portcheck_config *c = &in->config;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd, err = 0;

	if (in->interface && (strlen(in->interface) >= sizeof(c->interface) ||
			      !if_nametoindex(in->interface))) {
		diag_error("option '--interface': '%s': no such network interface",
			   in->interface);
		return 2;
	}
	if (in->interface)
		snprintf(c->interface, sizeof(c->interface), "%s", in->interface);
	if (!in->source)
		return 0;
	if (addr_from_text(in->source, &c->source) < 0) {
		diag_error("option '--source': '%s': expected an IPv4 or IPv6 address",
			   in->source);
		return 2;
	}
	fd = socket(c->source.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	len = addr_to_sockaddr(&c->source, 0, &sa);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err == EADDRNOTAVAIL) {
		diag_error("option '--source': '%s': no address of this machine",
			   in->source);
		return 2;
	}
	if (err) {
		diag_error("option '--source': '%s': %s", in->source, strerror(err));
		return 3;
	}
	/* Addresses of the other family can't be reached from it. */
	if (c->family != AF_UNSPEC && c->family != c->source.family) {
		diag_error("option '--source': '%s': not an %s address", in->source,
			   family_word(c->family));
		return 2;
	}
	c->family = c->source.family;
	return 0;
}

static int numeric_only(const struct portcheck_config *c)
{
	size_t i;

	for (i = 0; c->numeric && i < c->targets.n_targets; i++) {
		if (c->targets.targets[i].kind != TARGET_NAME)
			continue;
		diag_error("'%s': a name, but -n forbids look-ups (expected an address)",
			   c->targets.targets[i].text);
		return 2;
	}
	return 0;
}

/* An address of one family when the other was asked for can only be a mistake. */
static int one_family(const struct portcheck_config *c)
{
	size_t i;

	for (i = 0; c->family != AF_UNSPEC && i < c->targets.n_targets; i++) {
		const struct target *t = &c->targets.targets[i];
		struct addr a = addr_unmap(&t->addr);

		if (t->kind == TARGET_NAME || a.family == c->family)
			continue;
		diag_error("'%s': an %s address, but only %s is asked for", t->text,
			   family_word(a.family), family_word(c->family));
		return 2;
	}
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
		status = enter_namespace(&in->config);
	if (!status)
		status = check_machine(in);
	if (!status)
		status = take_targets(in);
	if (!status)
		status = numeric_only(&in->config);
	if (!status)
		status = one_family(&in->config);
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
