#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"
#include "text.h"

/* RFC 1035 2.3.4: 255 bytes on the wire, less the first length and the root. */
#define NAME_MAX_BYTES 253
#define LABEL_MAX      63

/* What is being read, how, and where to say what is wrong with it. */
struct reading {
	const char *shown; /* the operand, for messages */
	int default_protocol;
	bool allow_huge;
	char *why; /* TARGET_WHY_SIZE */
};

#define REFUSE(r, ...) (snprintf((r)->why, TARGET_WHY_SIZE, __VA_ARGS__), -EINVAL)

void target_release(struct target *t)
{
	if (!t)
		return;
	free(t->text);
	port_list_release(&t->ports);
	*t = (struct target){ 0 };
}

/* Do all labels look like numbers to inet_aton(3): decimal, octal or hexadecimal? */
static bool is_all_numeric(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");
		bool hex = len > 1 && name[0] == '0' && (name[1] | 0x20) == 'x';
		const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";

		if (strspn(name + 2 * hex, digits) != len - 2 * hex || !len)
			return false;
		name += len;
		if (!*name || !name[1])
			return true;
		name++;
	}
}

/* Can CP, beyond ASCII, be a part of a name? IDNA (RFC 5892) decides when it is
 * resolved; here are refused those that nobody could see in a name, or that turn its
 * text around. */
static bool is_name_character(uint32_t cp)
{
	if (cp < 0xa1 || cp == 0xad || cp == 0x61c || cp == 0x1680)
		return false;
	/* 200C and 200D join letters of some scripts, and belong to their names. */
	if (cp >= 0x2000 && cp <= 0x206f)
		return cp == 0x200c || cp == 0x200d || (cp >= 0x2010 && cp <= 0x2027);
	return cp != 0x3000 && cp != 0xfeff && !(cp >= 0xfff0 && cp <= 0xffff) &&
	       cp >> 12 != 0xe0;
}

static int check_name(const struct reading *r, const char *name)
{
	size_t len = strlen(name);
	size_t label = 0;

	if (len && name[len - 1] == '.')
		len--;
	if (!len)
		return REFUSE(r, "'%s': expected a host name or an address", r->shown);
	for (size_t i = 0; i < len; label++) {
		unsigned char c = (unsigned char)name[i];
		uint32_t cp = c;
		size_t used = 1;

		if (c >= 0x80)
			used = text_utf8_decode((const unsigned char *)name + i, len - i,
						&cp);
		if (!used)
			return REFUSE(r, "'%s': not valid UTF-8 (expected a host name)",
				      r->shown);
		if (c == ',')
			return REFUSE(r,
				      "'%s': not a host name (targets stand apart, "
				      "without commas)",
				      r->shown);
		if (c < 0x80 ? !isalnum(c) && !strchr("-_.", c) : !is_name_character(cp))
			return REFUSE(r,
				      "'%s': not a host name (expected letters, digits, "
				      "'-', '_' and '.')",
				      r->shown);
		i += used;
		if (c == '.' && !label)
			return REFUSE(r, "'%s': not a host name (an empty label)",
				      r->shown);
		if (c == '.')
			label = (size_t)-1;
		else if (label >= LABEL_MAX)
			return REFUSE(r,
				      "'%s': not a host name (a label of more than %d "
				      "characters)",
				      r->shown, LABEL_MAX);
	}
	if (!label)
		return REFUSE(r, "'%s': not a host name (an empty label)", r->shown);
	if (len > NAME_MAX_BYTES)
		return REFUSE(r, "'%s': not a host name (more than %d bytes)", r->shown,
			      NAME_MAX_BYTES);
	if (name[0] == '-')
		return REFUSE(r, "'%s': not a host name (it begins with '-')", r->shown);
	return 0;
}

/* A numeric address. What else it could be is left to the caller: MEANT says why it
 * can't. */
static int read_address(const struct reading *r, const char *text, const char *meant,
			struct addr *ret_addr)
{
	const char *zone = strchr(text, '%');
	char shown[OPERAND_SHOWN_SIZE];
	int err = addr_from_text(text, ret_addr);

	if (err == -ENODEV && zone)
		return REFUSE(r, "'%s': this machine has no interface '%s'", r->shown,
			      operand_shown(zone + 1, strlen(zone + 1), shown));
	if (err == -EADDRNOTAVAIL)
		return REFUSE(r,
			      "'%s': a zone goes with link-local and multicast IPv6 "
			      "addresses only",
			      r->shown);
	if (err)
		return REFUSE(r, "'%s': %s", r->shown, meant);
	return 0;
}

static int read_block(const struct reading *r, char *text, struct target *t)
{
	char *slash = strrchr(text, '/');
	uint64_t bits, all, length;
	int err;

	*slash = '\0';
	err = read_address(r, text,
			   "expected an address before the slash, as in 10.0.0.0/24 "
			   "(a URL begins with e.g. https://)",
			   &t->addr);
	*slash = '/';
	if (err)
		return err;
	all = 8 * addr_len(&t->addr);
	if (parse_u64(slash + 1, 0, all, &length))
		return REFUSE(r,
			      "'%s': expected a prefix length of 0-%" PRIu64
			      " after the slash",
			      r->shown, all);
	bits = all - length;
	if (bits > TARGET_MAX_BITS)
		return REFUSE(r,
			      "'%s': 2^%" PRIu64
			      " addresses: expected a block of at most "
			      "2^%d",
			      r->shown, bits, TARGET_MAX_BITS);
	t->kind = TARGET_BLOCK;
	t->addr = addr_network(&t->addr, (unsigned int)length);
	t->n_addrs = (uint64_t)1 << bits;
	if (bits > TARGET_HUGE_BITS && !r->allow_huge)
		return REFUSE(r,
			      "'%s': %" PRIu64 " addresses: expected a block of at most "
			      "%lu, or --yes",
			      r->shown, t->n_addrs, 1UL << TARGET_HUGE_BITS);
	return 0;
}

/* A target without ports. */
static int read_host(const struct reading *r, char *text, struct target *t)
{
	int err = 0;

	if (strchr(text, '/')) {
		err = read_block(r, text, t);
	} else if (strpbrk(text, ":%")) {
		err = read_address(r, text,
				   "not an IPv6 address (expected e.g. 2001:db8::1, or "
				   "[2001:db8::1]:80 with a port)",
				   &t->addr);
		t->kind = TARGET_ADDRESS;
		t->n_addrs = 1;
	} else if (!addr_from_text(text, &t->addr)) {
		t->kind = TARGET_ADDRESS;
		t->n_addrs = 1;
	} else if (is_all_numeric(text)) {
		err = REFUSE(r,
			     "'%s': looks like an IPv4 address but isn't one "
			     "(expected four decimal numbers 0-255)",
			     r->shown);
	} else {
		err = check_name(r, text);
		t->kind = TARGET_NAME;
	}
	if (err)
		return err;
	t->text = strdup(text);
	return t->text ? 0 : -ENOMEM;
}

static int read_ports(const struct reading *r, const char *text, struct target *t)
{
	char why[TARGET_WHY_SIZE / 2];
	int err;

	if (!*text)
		return REFUSE(r, "'%s': expected a port after the colon, as in HOST:PORT",
			      r->shown);
	err = port_list_add(&t->ports, text, r->default_protocol, why, sizeof(why));
	if (err == -EINVAL)
		return REFUSE(r, "'%s': %s", r->shown, why);
	t->own_ports = true;
	return err;
}

/* "[V6]" and what follows. The zone of a URL has its '%' escaped (RFC 6874). */
static int read_brackets(const struct reading *r, char *text, bool url, struct target *t,
			 char **ret_rest)
{
	char *end = strchr(text, ']');
	char *host = text + 1;
	char *percent;
	int err;

	if (!end)
		return REFUSE(r,
			      "'%s': expected a closing bracket, as in [2001:db8::1]:80",
			      r->shown);
	*end = '\0';
	percent = strchr(host, '%');
	if (url && percent && strncmp(percent, "%25", 3) == 0 && percent[3])
		memmove(percent + 1, percent + 3, strlen(percent + 3) + 1);
	if (!strchr(host, ':'))
		return REFUSE(r, "'%s': expected an IPv6 address in the brackets",
			      r->shown);
	err = read_host(r, host, t);
	if (err)
		return err;
	if (end[1] && end[1] != ':')
		return REFUSE(r,
			      "'%s': expected a colon after the bracket, as in "
			      "[2001:db8::1]:80",
			      r->shown);
	*ret_rest = end + 1;
	return 0;
}

/* "HOST:PORT"; the colon is the only one. */
static int read_pair(const struct reading *r, char *text, struct target *t)
{
	char *colon = strchr(text, ':');
	int err;

	if (colon == text)
		return REFUSE(r,
			      "'%s': expected a host before the colon, as in HOST:PORT",
			      r->shown);
	err = read_ports(r, colon + 1, t);
	if (err)
		return err;
	*colon = '\0';
	return read_host(r, text, t);
}

/* Schemes whose ports the services database often lacks: IANA's service names, RFC 6455
 * (ws, wss), and for the rest what their programs listen on by default. */
static const struct {
	const char *name;
	uint16_t port;
	bool first; /* before the database, where that means another service */
} schemes[] = {
	{ "amqp", 5672, false },       { "amqps", 5671, false },
	{ "ftp", 21, false },	       { "ftps", 990, false },
	{ "git", 9418, false },	       { "http", 80, false },
	{ "https", 443, false },       { "imap", 143, false },
	{ "imaps", 993, false },       { "irc", 6667, true }, /* not 194 */
	{ "ircs", 6697, true },	       { "kafka", 9092, false },
	{ "ldap", 389, false },	       { "ldaps", 636, false },
	{ "memcached", 11211, false }, { "mongodb", 27017, false },
	{ "mqtt", 1883, false },       { "mqtts", 8883, false },
	{ "mssql", 1433, false },      { "mysql", 3306, false },
	{ "nats", 4222, false },       { "pop3", 110, false },
	{ "pop3s", 995, false },       { "postgres", 5432, false },
	{ "postgresql", 5432, false }, { "rdp", 3389, false },
	{ "redis", 6379, false },      { "rediss", 6379, false },
	{ "rsync", 873, false },       { "rtsp", 554, false },
	{ "sftp", 22, true }, /* SSH's, not RFC 913's on 115 */
	{ "sip", 5060, false },	       { "sips", 5061, false },
	{ "smb", 445, false },	       { "smtp", 25, false },
	{ "smtps", 465, true }, /* urd in some databases */
	{ "sqlserver", 1433, false },  { "ssh", 22, false },
	{ "submission", 587, false },  { "telnet", 23, false },
	{ "vnc", 5900, false },	       { "ws", 80, true },
	{ "wss", 443, true },	       { "xmpp", 5222, false },
};

static int table_port(const char *scheme, bool first_only, uint16_t *ret_port)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strcasecmp(schemes[i].name, scheme) == 0 &&
		    (schemes[i].first || !first_only)) {
			*ret_port = schemes[i].port;
			return 0;
		}
	}
	return -ENOENT;
}

/* The port that SCHEME stands for. A service of UDP alone changes the protocol, one of
 * TCP does not: who asks for UDP means HTTP/3 and the like. */
static int scheme_port(const char *scheme, int *protocol, uint16_t *ret_port)
{
	if (!table_port(scheme, true, ret_port) ||
	    !services_port(scheme, *protocol, ret_port) ||
	    !table_port(scheme, false, ret_port) ||
	    !services_port(scheme, IPPROTO_TCP, ret_port))
		return 0;
	if (services_port(scheme, IPPROTO_UDP, ret_port))
		return -ENOENT;
	*protocol = IPPROTO_UDP;
	return 0;
}

/* RFC 3986 3.1. */
static bool is_scheme(const char *s)
{
	if (!isalpha((unsigned char)*s))
		return false;
	while (isalnum((unsigned char)*s) || (*s && strchr("+-.", *s)))
		s++;
	return !*s;
}

/* PORT is what follows the host: "", ":" or ":80". */
static int read_url_port(const struct reading *r, const char *scheme, const char *port,
			 struct target *t)
{
	int protocol = r->default_protocol;
	uint16_t number = 0;
	uint64_t n;

	if (strcasecmp(scheme, "udp") == 0)
		protocol = IPPROTO_UDP;
	else if (strcasecmp(scheme, "tcp") == 0)
		protocol = IPPROTO_TCP;
	/* An empty port is the scheme's own (RFC 3986 3.2.3). */
	if (port[0] && port[1]) {
		if (parse_u64(port + 1, 1, 65535, &n))
			return REFUSE(r, "'%s': expected a port of 1-65535 in the URL",
				      r->shown);
		number = (uint16_t)n;
	} else if (scheme_port(scheme, &protocol, &number)) {
		return REFUSE(
			r,
			"'%s': no port is known for this scheme (expected one, as in "
			"scheme://HOST:8080)",
			r->shown);
	}
	t->own_ports = true;
	return port_list_add_range(&t->ports, number, number, protocol);
}

/* "SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/...]" (RFC 3986 3). Only the part before the
 * path and without the user comes into messages. */
static int read_url(struct reading *r, char *text, char shown[OPERAND_SHOWN_SIZE],
		    struct target *t)
{
	char *end = strstr(text, "://");
	char *host = end + strlen("://");
	char *user_end, *port;
	int err;

	host[strcspn(host, "/?#")] = '\0';
	user_end = strrchr(host, '@');
	if (user_end)
		memmove(host, user_end + 1, strlen(user_end + 1) + 1);
	r->shown = operand_shown(text, strlen(text), shown);
	*end = '\0';
	if (!is_scheme(text))
		return REFUSE(r, "'%s': expected a URL such as https://example.com",
			      r->shown);
	if (host[0] == '[') {
		err = read_brackets(r, host, true, t, &port);
		return err ? err : read_url_port(r, text, port, t);
	}
	port = host + strcspn(host, ":");
	if (port == host)
		return REFUSE(r, "'%s': expected a host in the URL", r->shown);
	if (strchr(port, ':') != strrchr(port, ':'))
		return REFUSE(r,
			      "'%s': expected an IPv6 address in brackets, as in "
			      "https://[2001:db8::1]:8443",
			      r->shown);
	err = read_url_port(r, text, port, t);
	*port = '\0';
	return err ? err : read_host(r, host, t);
}

static int read_operand(struct reading *r, char *text, struct target *t)
{
	char shown[OPERAND_SHOWN_SIZE];
	const char *colon = strchr(text, ':');
	char *rest;
	int err;

	r->shown = operand_shown(text, strlen(text), shown);
	if (!*text)
		return REFUSE(r,
			      "'': expected a host name, an address, HOST:PORT or a URL");
	if (strstr(text, "://"))
		return read_url(r, text, shown, t);
	if (text[0] == '[') {
		err = read_brackets(r, text, false, t, &rest);
		return err || !*rest ? err : read_ports(r, rest + 1, t);
	}
	if (colon && !strchr(colon + 1, ':'))
		return read_pair(r, text, t);
	return read_host(r, text, t);
}

int target_parse(const char *operand, int default_protocol, bool allow_huge,
		 struct target *ret_target, char ret_why[TARGET_WHY_SIZE])
{
	struct reading r = { .default_protocol = default_protocol,
			     .allow_huge = allow_huge,
			     .why = ret_why };
	struct target t = { 0 };
	/* Cut into pieces while it is read. */
	char *text = strdup(operand);
	int err = text ? read_operand(&r, text, &t) : -ENOMEM;

	free(text);
	if (err == -ENOMEM)
		snprintf(ret_why, TARGET_WHY_SIZE, "out of memory");
	if (err)
		target_release(&t);
	else
		*ret_target = t;
	return err;
}
