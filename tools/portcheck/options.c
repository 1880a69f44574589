#include "options.h"

/* Options that exclude one another share a bit. */
enum {
	ONE_FAMILY = 1 << 0,
	ONE_FORMAT = 1 << 1,
	ONE_MODE = 1 << 2, /* repeat or wait */
	ONE_VOICE = 1 << 3,
};

static const char *const formats[] = {
	"text", "json", "csv", "nagios", "prometheus", NULL
};
static const char *const whens[] = { "auto", "always", "never", NULL };
static const char *const untils[] = { "open", "closed", NULL };

static const struct opt options[] = {
	{ OPT_PORTLIST, 'p', OPT_PORTS, .name = "ports", .metavar = "PORTS",
	  .section = "What to check",
	  .help = "ports of every target: numbers, ranges, service names, lists, with "
		  "/udp or "
		  "/tcp; all operands are targets then" },
	{ OPT_TOP, 0, OPT_INT, .name = "top", .metavar = "N", .min = 1, .max = 94,
	  .help = "the first N of the ports that servers most often listen on" },
	{ OPT_FILE_TARGETS, 'f', OPT_FILE, .name = "file", .metavar = "FILE",
	  .help = "read targets from FILE, one a line, # for comments; - is standard "
		  "input" },
	{ OPT_UDP, 'u', OPT_FLAG, .name = "udp",
	  .help = "ports without a suffix are UDP" },
	{ OPT_IPV4, '4', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv4",
	  .help = "IPv4 addresses of names only" },
	{ OPT_IPV6, '6', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv6",
	  .help = "IPv6 addresses of names only" },
	{ OPT_ALL_ADDRESSES, 0, OPT_FLAG, .name = "all-addresses",
	  .help = "the answer is yes only when every address of a name is open" },
	{ OPT_NUMERIC, 'n', OPT_FLAG, .name = "numeric",
	  .help = "no look-ups: targets are addresses, ports are shown without service "
		  "names" },
	{ OPT_YES, 0, OPT_FLAG, .name = "yes",
	  .help = "a block of more than 1048576 addresses is meant" },

	{ OPT_TIMEOUT, 't', OPT_DURATION, .name = "timeout", .metavar = "DURATION",
	  .def = "3.5s", .min = 10 * NS_PER_MS, .max = 3600 * NS_PER_S, .section = "Time",
	  .help = "the most that one check may take, name resolution included" },
	{ OPT_COUNT, 'c', OPT_INT, .conflict = ONE_MODE, .name = "count", .metavar = "N",
	  .min = 1, .max = 1000000000, .help = "check N times, then print a summary" },
	{ OPT_INTERVAL, 'i', OPT_DURATION, .name = "interval", .metavar = "DURATION",
	  .def = "1s", .min = 1 * NS_PER_MS, .max = 86400 * NS_PER_S,
	  .help = "time between repeated checks; without -c they go on until "
		  "interrupted" },
	{ OPT_WAIT, 'W', OPT_DURATION, .conflict = ONE_MODE, .name = "wait",
	  .metavar = "DURATION", .min = 1 * NS_PER_MS, .max = 365 * 86400 * NS_PER_S,
	  .help = "check again and again until open, at most this long, then run the "
		  "command "
		  "behind --" },
	{ OPT_UNTIL, 0, OPT_WORD, .name = "until", .metavar = "STATE", .words = untils,
	  .def = "open",
	  .help = "with --wait: what to wait for; closed means no longer open" },
	{ OPT_ANY, 0, OPT_FLAG, .name = "any",
	  .help = "with --wait: one of the targets and ports is enough" },
	{ OPT_HOLD, 0, OPT_DURATION, .name = "hold", .metavar = "DURATION",
	  .min = 1 * NS_PER_MS, .max = 3600 * NS_PER_S,
	  .help = "keep the connection this long and say whether the peer closes it" },
	{ OPT_BANNER, 0, OPT_FLAG, .name = "banner",
	  .help = "wait for what the server says first, within the timeout, and show "
		  "it" },

	{ OPT_SOURCE, 'S', OPT_ADDRESS, .name = "source", .metavar = "ADDRESS",
	  .section = "From where", .help = "use this local address" },
	{ OPT_IFACE, 'I', OPT_INTERFACE, .name = "interface", .metavar = "NAME",
	  .help = "use this network interface" },
	{ OPT_SOURCE_PORT, 0, OPT_INT, .name = "source-port", .metavar = "PORT", .min = 1,
	  .max = 65535, .help = "use this local port" },
	{ OPT_TTL, 0, OPT_INT, .name = "ttl", .metavar = "N", .min = 1, .max = 255,
	  .help = "time to live (hop limit) of what is sent" },
	{ OPT_NETNS_NAME, 0, OPT_NETNS, .name = "netns", .metavar = "NAME",
	  .help = "work in this network namespace (as root)" },
	{ OPT_PARALLEL, 0, OPT_INT, .name = "parallel", .metavar = "N", .min = 1,
	  .max = 1000000,
	  .help = "at most N checks at once (as many as open files allow, at most "
		  "16384)" },
	{ OPT_RATE, 0, OPT_INT, .name = "rate", .metavar = "N", .min = 1, .max = 10000000,
	  .help = "send at most N packets a second (adapts to the network on its own)" },

	{ OPT_JSON, 'j', OPT_FLAG, .conflict = ONE_FORMAT, .name = "json",
	  .section = "Output",
	  .help = "one JSON object a line; the same as --format=json" },
	{ OPT_FORMAT, 0, OPT_WORD, .conflict = ONE_FORMAT, .name = "format",
	  .metavar = "FORMAT", .words = formats, .def = "text",
	  .help = "how results are written" },
	{ OPT_OPEN_ONLY, 0, OPT_FLAG, .name = "open", .help = "show open ports only" },
	{ OPT_QUIET, 'q', OPT_FLAG, .conflict = ONE_VOICE, .name = "quiet",
	  .help = "no output, exit status only" },
	{ OPT_VERBOSE, 'v', OPT_FLAG, .conflict = ONE_VOICE, .name = "verbose",
	  .help = "more evidence: kernel round-trip time, retransmitted SYNs, attempts; "
		  "every "
		  "result on a line" },
	{ OPT_COLOR, 0, OPT_WORD, .name = "color", .metavar = "WHEN", .words = whens,
	  .def = "auto", .help = "colour the text; NO_COLOR is honoured" },
	{ OPT_HELP, 'h', OPT_FLAG, .name = "help", .help = "show this help" },
	{ OPT_VERSION, 'V', OPT_FLAG, .name = "version", .help = "show the version" },
};

static const char *const synopsis[] = {
	"[OPTION]... TARGET PORTS...",
	"[OPTION]... HOST:PORT|URL...",
	"[OPTION]... -p PORTS TARGET...",
	"-W DURATION [OPTION]... TARGET PORTS... [-- COMMAND [ARG]...]",
	NULL,
};

static const char *const examples[] = {
	"portcheck example.com 80",
	"one port, every address of the name",
	"portcheck example.com 22,80,8000-8100",
	"lists and ranges",
	"portcheck -p 443 --open 192.0.2.0/24",
	"who answers on 443 in that network",
	"portcheck -c 10 example.com 443",
	"ten times, with loss and percentiles",
	"portcheck -W 30s localhost 5432 -- ./serve",
	"start once the database is there",
	"portcheck example.com 53/udp 123/udp",
	"UDP services, asked in their protocols",
	NULL,
};

static const struct opt_exit exits[] = {
	{ 0, "every asked port is open (of a name: on one of its addresses at least)" },
	{ 1, "at least one is not: closed, filtered, silent, unreachable, unresolved" },
	{ 2, "bad usage; nothing was sent" },
	{ 3,
	  "could not be tested: permission, resources, interrupted before the answer" },
};

const struct opt_tool opt_tool = {
	.name = "portcheck",
	.question = "can I reach that port, and if not, what answered?",
	.synopsis = synopsis,
	.examples = examples,
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.exits = exits,
	.n_exits = ARRAY_SIZE(exits),
	.operands = OPT_HOST,
};
