/*
 * The options of portblock, in the order of its table.
 */
#ifndef PORTBLOCK_OPTIONS_H
#define PORTBLOCK_OPTIONS_H

#include "opt.h"

enum portblock_option {
	OPT_PORTLIST,
	OPT_FILE_TARGETS,
	OPT_UDP,
	OPT_IPV4,
	OPT_IPV6,
	OPT_NUMERIC,
	OPT_TIMEOUT,
	OPT_MAX_HOPS,
	OPT_FIRST_BYTES,
	OPT_SOURCE,
	OPT_IFACE,
	OPT_NETNS_NAME,
	OPT_NO_CAPTURE,
	OPT_RULE,
	OPT_WRITE,
	OPT_REPORT,
	OPT_EXPLAIN,
	OPT_JSON,
	OPT_FORMAT,
	OPT_QUIET,
	OPT_VERBOSE,
	OPT_COLOR,
	OPT_HELP,
	OPT_VERSION,
};

extern const struct opt_tool opt_tool;

#endif
