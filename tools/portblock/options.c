#include "options.h"

/* Options that exclude one another share a bit. */
enum {
	ONE_FAMILY = 1 << 0,
	ONE_FORMAT = 1 << 1,
	ONE_VOICE = 1 << 2,
	ONE_WIRE = 1 << 3, /* what is kept has to be captured */
};

static const char *const formats[] = { "text", "json", "csv", NULL };
static const char *const whens[] = { "auto", "always", "never", NULL };
/* As enum first_bytes. */
static const char *const first_words[] = { "auto", "none", "http", "tls", NULL };

static const struct opt options[] = {
	{ OPT_PORTLIST, 'p', OPT_PORTS, .name = "ports", .metavar = "PORTS",
	  .section = "What to examine",
	  .help = "ports of every target: numbers, ranges, service names, lists, with "
		  "/udp or /tcp; all operands are targets then" },
	{ OPT_FILE_TARGETS, 'f', OPT_FILE, .name = "file", .metavar = "FILE",
	  .help = "read targets from FILE, one a line, # for comments; - is standard "
		  "input" },
	{ OPT_UDP, 'u', OPT_FLAG, .name = "udp",
	  .help = "ports without a suffix are UDP" },
	{ OPT_IPV4, '4', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv4",
	  .help = "IPv4 addresses of names only" },
	{ OPT_IPV6, '6', OPT_FLAG, .conflict = ONE_FAMILY, .name = "ipv6",
	  .help = "IPv6 addresses of names only" },
	{ OPT_NUMERIC, 'n', OPT_FLAG, .name = "numeric",
	  .help = "no look-ups: targets are addresses, ports are shown without service "
		  "names" },

	{ OPT_TIMEOUT, 't', OPT_DURATION, .name = "timeout", .metavar = "DURATION",
	  .def = "3.5s", .min = 500 * NS_PER_MS, .max = 3600 * NS_PER_S,
	  .section = "How to examine it",
	  .help = "how long silence is waited for before it is believed" },
	{ OPT_MAX_HOPS, 0, OPT_INT, .name = "max-hops", .metavar = "N", .def = "30",
	  .min = 1, .max = 64, .help = "walk the way this far at most" },
	{ OPT_FIRST_BYTES, 0, OPT_WORD, .name = "first-bytes", .metavar = "WORD",
	  .words = first_words, .def = "auto",
	  .help = "what to say over an accepted connection, to see whether that is cut "
		  "off; auto: HTTP or TLS on ports known for it" },
	{ OPT_SOURCE, 'S', OPT_ADDRESS, .name = "source", .metavar = "ADDRESS",
	  .help = "use this local address" },
	{ OPT_IFACE, 'I', OPT_INTERFACE, .name = "interface", .metavar = "NAME",
	  .help = "use this network interface" },
	{ OPT_NETNS_NAME, 0, OPT_NETNS, .name = "netns", .metavar = "NAME",
	  .help = "work in this network namespace (as root)" },
	{ OPT_NO_CAPTURE, 0, OPT_FLAG, .conflict = ONE_WIRE, .name = "no-capture",
	  .help = "do not watch the wire, even where that is permitted" },
	{ OPT_RULE, 0, OPT_FLAG, .name = "rule",
	  .help = "name the rule of this machine's own firewall that took the packet; "
		  "adds a table to its ruleset meanwhile (needs CAP_NET_ADMIN)" },

	{ OPT_WRITE, 'w', OPT_FILE, .conflict = ONE_WIRE, .name = "write",
	  .metavar = "FILE", .section = "Output",
	  .help = "keep the packets in FILE, in pcap format (needs CAP_NET_RAW)" },
	{ OPT_REPORT, 0, OPT_FILE, .name = "report", .metavar = "FILE",
	  .help = "write a ticket for the firewall's owner: FILE ends in .md, "
		  ".markdown, .html or .htm" },
	{ OPT_EXPLAIN, 0, OPT_FLAG, .name = "explain",
	  .help = "say also why it is not something else" },
	{ OPT_JSON, 'j', OPT_FLAG, .conflict = ONE_FORMAT, .name = "json",
	  .help = "one JSON object a line; the same as --format=json" },
	{ OPT_FORMAT, 0, OPT_WORD, .conflict = ONE_FORMAT, .name = "format",
	  .metavar = "FORMAT", .words = formats, .def = "text",
	  .help = "how results are written" },
	{ OPT_QUIET, 'q', OPT_FLAG, .conflict = ONE_VOICE, .name = "quiet",
	  .help = "no output, exit status only" },
	{ OPT_VERBOSE, 'v', OPT_FLAG, .conflict = ONE_VOICE, .name = "verbose",
	  .help = "path and evidence of open ports as well" },
	{ OPT_COLOR, 0, OPT_WORD, .name = "color", .metavar = "WHEN", .words = whens,
	  .def = "auto", .help = "colour the text; NO_COLOR is honoured" },
	{ OPT_HELP, 'h', OPT_FLAG, .name = "help", .help = "show this help" },
	{ OPT_VERSION, 'V', OPT_FLAG, .name = "version", .help = "show the version" },
};

static const char *const synopsis[] = {
	"[OPTION]... TARGET PORTS...",
	"[OPTION]... HOST:PORT|URL...",
	"[OPTION]... -p PORTS TARGET...",
	NULL,
};

static const char *const examples[] = {
	"portblock example.com 25",
	"what becomes of connections to that port, and where",
	"sudo portblock --explain example.com 5432",
	"watch the wire as well; say why other causes are ruled out",
	"sudo portblock --rule 192.0.2.7 8080",
	"if it is this machine's own firewall: which rule",
	"sudo portblock -w proof.pcap --report ticket.html 192.0.2.7 443",
	"packets and a ticket for the firewall's owner",
	"portblock -u 192.0.2.53 53 123",
	"UDP services, asked in their protocols",
	"portblock -j -p 22,443 -f hosts.txt",
	"several hosts, one JSON object a port",
	NULL,
};

static const struct opt_exit exits[] = {
	{ 0, "every asked port is open, with losses or without (of a name: on one of its "
	     "addresses at least)" },
	{ 1, "at least one is not: blocked, refused, cut off, proxied, unreachable, "
	     "undecided, unresolved" },
	{ 2, "bad usage; nothing was sent" },
	{ 3,
	  "could not be tested: permission, resources, interrupted before the answer" },
};

const struct opt_tool opt_tool = {
	.name = "portblock",
	.question = "what blocks that port, where, and how do we know?",
	.synopsis = synopsis,
	.examples = examples,
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.exits = exits,
	.n_exits = ARRAY_SIZE(exits),
	.operands = OPT_HOST,
};
