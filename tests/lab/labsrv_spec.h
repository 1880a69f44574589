/* SPDX-License-Identifier: MIT */
/* The arguments of labsrv: MODE:PORT[:ARG]. Included by labsrv.c alone. */
#ifndef LABSRV_SPEC_H
#define LABSRV_SPEC_H

#include <stdbool.h>

#include "lab.h"

#define MAX_TEXT 65536

enum mode {
	MODE_TCP,	 /* accept, stay silent */
	MODE_CLOSE,	 /* accept, FIN at once */
	MODE_RESET,	 /* accept, RST at once */
	MODE_BANNER,	 /* accept, write the text, stay */
	MODE_ANSWER,	 /* accept, write the text after the first data, FIN */
	MODE_LATE_CLOSE, /* accept, FIN after so many milliseconds */
	MODE_FULL,	 /* never accept: the queue is full, SYNs are ignored */
	MODE_TCP_MANY,	 /* MODE_TCP on a range of ports */
	MODE_UDP_ECHO,
	MODE_UDP_SILENT,
	MODE_UDP_REPLY, /* always the same bytes */
	MODE_DNS_RCODE, /* the query comes back as a reply with this rcode */
};

static const struct mode_info {
	const char *name;
	bool udp;
	bool arg;
} mode_info[] = {
	[MODE_TCP] = { "tcp", false, false },
	[MODE_CLOSE] = { "close", false, false },
	[MODE_RESET] = { "reset", false, false },
	[MODE_BANNER] = { "banner", false, true },
	[MODE_ANSWER] = { "answer", false, true },
	[MODE_LATE_CLOSE] = { "late-close", false, true },
	[MODE_FULL] = { "full", false, false },
	[MODE_TCP_MANY] = { "tcp-many", false, false },
	[MODE_UDP_ECHO] = { "udp-echo", true, false },
	[MODE_UDP_SILENT] = { "udp-silent", true, false },
	[MODE_UDP_REPLY] = { "udp-reply", true, true },
	[MODE_DNS_RCODE] = { "dns-rcode", true, true },
};

struct spec {
	enum mode mode;
	uint16_t port, last, step;
	uint32_t number; /* milliseconds or rcode */
	unsigned char *text;
	size_t text_bytes;
};

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void parse_hex(const char *s, struct spec *spec)
{
	for (; s[0]; s += 2) {
		int hi = hex_digit((unsigned char)s[0]);
		int lo = hi < 0 ? -1 : hex_digit((unsigned char)s[1]);

		if (lo < 0)
			die("bad hex bytes '%s'", s);
		spec->text[spec->text_bytes++] = (unsigned char)(hi << 4 | lo);
	}
}

/* One C escape, *s behind the backslash; leaves *s behind the escape. */
static int parse_escape(const char **s)
{
	static const char from[] = "abefnrtv\\", to[] = "\a\b\033\f\n\r\t\v\\";
	const char *at;
	int v = 0;

	if (**s == 'x') {
		++*s;
		for (int i = 0; i < 2 && hex_digit((unsigned char)**s) >= 0; i++)
			v = v << 4 | hex_digit((unsigned char)*(*s)++);
		return v;
	}
	if (**s >= '0' && **s <= '7') {
		for (int i = 0; i < 3 && **s >= '0' && **s <= '7'; i++)
			v = v << 3 | (*(*s)++ - '0');
		return v & 0xff;
	}
	at = **s ? strchr(from, **s) : NULL;
	if (!at)
		die("bad escape '\\%s'", *s);
	++*s;
	return (unsigned char)to[at - from];
}

static void parse_text(const char *s, struct spec *spec)
{
	while (*s) {
		int c = (unsigned char)*s++;

		if (c == '\\')
			c = parse_escape(&s);
		spec->text[spec->text_bytes++] = (unsigned char)c;
	}
}

static void parse_ports(const char *s, struct spec *spec, const char **ret_end)
{
	const char *end;

	spec->step = 1;
	if (spec->mode != MODE_TCP_MANY) {
		spec->port = (uint16_t)parse_number(s, ":", 65535, ret_end);
		spec->last = spec->port;
		return;
	}
	spec->port = (uint16_t)parse_number(s, "-", 65535, &end);
	if (*end != '-' || !spec->port)
		die("tcp-many: expected LO-HI[/STEP]: '%s'", s);
	spec->last = (uint16_t)parse_number(end + 1, "/", 65535, &end);
	if (*end == '/')
		spec->step = (uint16_t)parse_number(end + 1, "", 65535, &end);
	if (spec->last < spec->port || !spec->step)
		die("tcp-many: empty range '%s'", s);
	*ret_end = end;
}

static void parse_spec(const char *arg, struct spec *spec)
{
	size_t len = strcspn(arg, ":"), i;
	const char *end;

	for (i = 0; i < sizeof(mode_info) / sizeof(*mode_info); i++)
		if (strlen(mode_info[i].name) == len &&
		    !strncmp(mode_info[i].name, arg, len))
			break;
	if (i == sizeof(mode_info) / sizeof(*mode_info) || !arg[len])
		die("unknown mode '%s': expected MODE:PORT[:ARG]", arg);
	spec->mode = (enum mode)i;
	parse_ports(arg + len + 1, spec, &end);
	if ((*end == ':') != mode_info[i].arg)
		die("%s %s an argument", mode_info[i].name,
		    mode_info[i].arg ? "needs" : "takes no");
	if (!mode_info[i].arg)
		return;
	end++;
	if (strlen(end) > MAX_TEXT)
		die("argument too long");
	spec->text = calloc(1, strlen(end) + 1);
	if (!spec->text)
		die("memory");
	if (spec->mode == MODE_LATE_CLOSE)
		spec->number = (uint32_t)parse_number(end, "", 3600000, NULL);
	else if (spec->mode == MODE_DNS_RCODE)
		spec->number = (uint32_t)parse_number(end, "", 15, NULL);
	else if (spec->mode == MODE_UDP_REPLY)
		parse_hex(end, spec);
	else
		parse_text(end, spec);
}

#endif
