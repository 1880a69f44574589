#include "options.h"

/* Options that exclude one another share a bit. */
enum {
	ONE_FAMILY = 1 << 0,
	ONE_FORMAT = 1 << 1,
	ONE_VOICE = 1 << 2,
	ONE_JOB = 1 << 3,
	ONE_TRANSPORT = 1 << 4,
	ONE_NETNS = 1 << 5,
	ONE_FORM = 1 << 6,
};

static const char *const formats[] = { "text", "json", "csv", "prometheus", NULL };
static const char *const whens[] = { "auto", "always", "never", NULL };
/* As enum sort_key. */
static const char *const sorts[] = { "port",  "address", "process",  "pid",
				     "user",  "unit",	 "exposure", "since",
				     "queue", "drops",	 NULL };

static const struct opt options[] = {
	{ OPT_PORTLIST, 'p', OPT_PORTS, .name = "ports", .metavar = "PORTS",
	  .section = "What to show",
	  .help = "only these local ports: numbers, ranges, service names, lists, with "
		  "/udp or /tcp; operands are process names then" },
	{ OPT_TCP, 0, OPT_FLAG, .conflict = ONE_TRANSPORT, .name = "tcp",
	  .help = "TCP only" },
	{ OPT_UDP, 'u', OPT_FLAG, .conflict = ONE_TRANSPORT, .name = "udp",
	  .help = "UDP only" },
	{ OPT_IPV4, '4', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv4",
	  .help = "only sockets that take IPv4" },
	{ OPT_IPV6, '6', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv6",
	  .help = "only sockets that take IPv6" },
	{ OPT_ALSO, 0, OPT_TEXT, .name = "also", .metavar = "LIST",
	  .help = "more kinds of sockets, a list of: sctp, raw, unix, bound (TCP bound "
		  "and not listening)" },
	{ OPT_PID, 0, OPT_INT, .name = "pid", .metavar = "PID", .min = 1, .max = 4194304,
	  .help = "only sockets that this process holds" },
	{ OPT_USER, 0, OPT_TEXT, .name = "user", .metavar = "USER",
	  .help = "only sockets of this user, by name or number" },
	{ OPT_UNIT, 0, OPT_TEXT, .name = "unit", .metavar = "UNIT",
	  .help = "only sockets of this systemd unit or container" },
	{ OPT_EXPOSED, 0, OPT_FLAG, .name = "exposed",
	  .help = "only what others can reach, as far as addresses go: not loopback" },
	{ OPT_NETNS_NAME, 0, OPT_NETNS, .conflict = ONE_NETNS, .name = "netns",
	  .metavar = "NAME", .help = "look into this network namespace (as root)" },
	{ OPT_ALL_NETNS, 0, OPT_FLAG, .conflict = ONE_NETNS, .name = "all-netns",
	  .help = "look into every network namespace, containers' too (as root), and "
		  "show the ports that are forwarded into them" },
	{ OPT_NUMERIC, 'n', OPT_FLAG, .name = "numeric",
	  .help = "no look-ups: ports without service names, users by number" },

	{ OPT_FREE, 0, OPT_PORTS, .conflict = ONE_JOB, .name = "free", .metavar = "PORTS",
	  .section = "What to do",
	  .help = "can these ports be bound? If not, why, and what to do" },
	{ OPT_KILL, 0, OPT_PORTS, .conflict = ONE_JOB, .name = "kill", .metavar = "PORTS",
	  .help = "end the processes that listen there, and wait until the port is "
		  "free" },
	{ OPT_SIGNAL, 0, OPT_TEXT, .name = "signal", .metavar = "SIG", .def = "TERM",
	  .help = "with --kill: this signal instead, by name or number" },
	{ OPT_FORCE, 0, OPT_FLAG, .name = "force",
	  .help = "with --kill: SIGKILL for what is still there after half the timeout" },
	{ OPT_YES, 0, OPT_FLAG, .name = "yes", .help = "with --kill: do not ask" },
	{ OPT_TIMEOUT, 't', OPT_DURATION, .name = "timeout", .metavar = "DURATION",
	  .min = 1, .max = 31536000LL * NS_PER_S,
	  .help = "with --kill: how long to wait for the port, 10s where it is not "
		  "given; with --watch: end after it" },
	{ OPT_SOURCE, 'S', OPT_ADDRESS, .name = "source", .metavar = "ADDRESS",
	  .help = "with --free: bind to this local address, not to all" },
	{ OPT_WATCH, 0, OPT_FLAG, .conflict = ONE_JOB, .name = "watch",
	  .help = "go on, and show what is opened, closed, or changes its owner" },
	{ OPT_COUNT, 'c', OPT_INT, .name = "count", .metavar = "N", .min = 1,
	  .max = 1000000000, .help = "with --watch: end after N changes" },
	{ OPT_INTERVAL, 'i', OPT_DURATION, .name = "interval", .metavar = "DURATION",
	  .def = "1s", .min = 10 * NS_PER_MS, .max = 3600 * NS_PER_S,
	  .help = "with --watch: look this often" },
	{ OPT_FIREWALL, 0, OPT_FLAG, .name = "firewall",
	  .help = "say of each listener whether this machine's own input rules let new "
		  "connections in, where that can be told (needs CAP_NET_ADMIN)" },

	{ OPT_COLUMNS, 0, OPT_TEXT, .conflict = ONE_FORM, .name = "columns",
	  .metavar = "LIST", .section = "Output",
	  .help = "these columns of the table, in this order; +NAME adds one; help "
		  "lists them" },
	{ OPT_SORT, 0, OPT_WORD, .name = "sort", .metavar = "KEY", .words = sorts,
	  .def = "port", .help = "order of the table" },
	{ OPT_NO_HEADINGS, 0, OPT_FLAG, .name = "no-headings",
	  .help = "no line with the columns' names" },
	{ OPT_TREE_FORM, 0, OPT_FLAG, .conflict = ONE_FORM, .name = "tree",
	  .help = "as a tree: units and containers, their processes, their ports" },
	{ OPT_JSON, 'j', OPT_FLAG, .conflict = ONE_FORMAT, .name = "json",
	  .help = "one JSON object a line; the same as --format=json" },
	{ OPT_FORMAT, 0, OPT_WORD, .conflict = ONE_FORMAT, .name = "format",
	  .metavar = "FORMAT", .words = formats, .def = "text",
	  .help = "how results are written" },
	{ OPT_QUIET, 'q', OPT_FLAG, .conflict = ONE_VOICE, .name = "quiet",
	  .help = "no output, exit status only" },
	{ OPT_VERBOSE, 'v', OPT_FLAG, .conflict = ONE_VOICE, .name = "verbose",
	  .help = "a page for each port, with all that is known" },
	{ OPT_COLOR, 0, OPT_WORD, .name = "color", .metavar = "WHEN", .words = whens,
	  .def = "auto", .help = "colour the text; NO_COLOR is honoured" },
	{ OPT_HELP, 'h', OPT_FLAG, .name = "help", .help = "show this help" },
	{ OPT_VERSION, 'V', OPT_FLAG, .name = "version", .help = "show the version" },
};

static const char *const synopsis[] = {
	"[OPTION]... [PORTS|NAME]...", "--free PORTS", "--kill PORTS [--yes]",
	"--watch [PORTS|NAME]...",     NULL,
};

static const char *const examples[] = {
	"portwho",
	"every listener, with its owner and how far it is exposed",
	"portwho 3000",
	"all about port 3000: who, since when, how to end it",
	"portwho --free 3000",
	"can a server bind it? If not, why",
	"portwho --kill 3000",
	"end who listens there, after asking",
	"portwho nginx 8000-8100",
	"the listeners of a process, and of a range",
	"sudo portwho --all-netns --exposed",
	"containers too, only what others can reach",
	"portwho -j | jq -r 'select(.exposure == \"all\") | .port'",
	"for a script",
	NULL,
};

static const struct opt_exit exits[] = {
	{ 0, "something listens there; --free: the ports are free; --kill: they are free "
	     "now" },
	{ 1,
	  "nothing does; --free: at least one is not free; --kill: it still is not, or "
	  "was not to be ended" },
	{ 2, "bad usage; nothing was touched" },
	{ 3, "could not be told: permission, resources, interrupted" },
};

const struct opt_tool opt_tool = {
	.name = "portwho",
	.question = "who is listening here, and is that port free?",
	.synopsis = synopsis,
	.examples = examples,
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.exits = exits,
	.n_exits = ARRAY_SIZE(exits),
	.operands = OPT_PORTS,
};
