#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "diag.h"
#include "opt.h"
#include "parse.h"

/* What getopt_long returns for the long form of option ID: above every letter. */
#define LONG_BASE 1024
/* Returned by getopt_long for an operand, because the option string begins with '-'. */
#define GETOPT_OPERAND 1

const char *opt_word(const struct opt *o, char out[64])
{
	snprintf(out, 64, "--%s", o->name);
	return out;
}

int opt_begin(struct opt_parser *p, const struct opt_tool *tool, int argc, char **argv)
{
	struct option *longs;
	size_t at = 0;

	if (tool->n_options > OPT_MAX)
		return -EINVAL;
	longs = calloc(tool->n_options + 1, sizeof(*longs));
	if (!longs)
		return -ENOMEM;

	*p = (struct opt_parser){
		.tool = tool, .argc = argc, .argv = argv, .longs = longs
	};
	/* '-': operands in order, ':': tell a missing argument from an unknown option. */
	p->letters[at++] = '-';
	p->letters[at++] = ':';
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];
		bool takes = o->kind != OPT_FLAG;

		longs[i] = (struct option){
			.name = o->name,
			.has_arg = takes ? required_argument : no_argument,
			.val = LONG_BASE + (int)i,
		};
		if (!o->letter)
			continue;
		p->letters[at++] = o->letter;
		if (takes)
			p->letters[at++] = ':';
	}
	p->letters[at] = '\0';

	opterr = 0;
	/* 0, not 1: glibc then forgets everything about the command line before. */
	optind = 0;
	return 0;
}

void opt_release(struct opt_parser *p)
{
	if (!p)
		return;
	free(p->longs);
	p->longs = NULL;
}

char **opt_rest(const struct opt_parser *p)
{
	return p->rest_marked ? p->argv + optind : NULL;
}

/* The option behind what getopt_long returned, or NULL. */
static const struct opt *opt_of_code(const struct opt_tool *tool, int code)
{
	if (code >= LONG_BASE && (size_t)(code - LONG_BASE) < tool->n_options)
		return &tool->options[code - LONG_BASE];
	for (size_t i = 0; i < tool->n_options; i++)
		if (tool->options[i].letter && tool->options[i].letter == code)
			return &tool->options[i];
	return NULL;
}

/* ", 'x'" for each word, the comma left out before the first. */
static void add_listed(struct buf *out, const char *before, const char *word,
		       const char *after)
{
	if (out->len)
		buf_adds(out, ", ");
	buf_addf(out, "%s%s%s", before, word, after);
}

/* GIVEN is "--word" or "--word=value", and getopt_long could make nothing of it. */
static void complain_unknown_long(const struct opt_tool *tool, const char *given)
{
	struct buf matches PK_CLEANUP(buf_release) = BUF_INIT;
	int len = (int)strcspn(given, "=");
	unsigned int n = 0;

	for (size_t i = 0; i < tool->n_options; i++) {
		const char *name = tool->options[i].name;

		if (strncmp(name, given + 2, (size_t)len - 2) == 0) {
			add_listed(&matches, "'--", name, "'");
			n++;
		}
	}
	if (n > 1) {
		diag_error("option '%.*s' is ambiguous: it could be %s", len, given,
			   matches.data);
		return;
	}
	diag_error("unknown option: '%.*s'", len, given);
	diag_try_help();
}

/* getopt_long said '?' about GIVEN, the word of argv where it was. */
static void complain_unknown(const struct opt_tool *tool, const char *given)
{
	const struct opt *o;
	const char *value;
	char word[64];

	if (!optopt) {
		complain_unknown_long(tool, given);
		return;
	}
	o = optopt >= LONG_BASE ? opt_of_code(tool, optopt) : NULL;
	value = strchr(given, '=');
	if (o && value) {
		diag_error("option '%s': '%s': expected no argument", opt_word(o, word),
			   value + 1);
		return;
	}
	diag_error("unknown option: '-%c'", optopt);
	diag_try_help();
}

static void complain_missing(const struct opt *o, const char *what)
{
	char word[64];

	diag_error("option '%s': %s argument (expected %s)", opt_word(o, word), what,
		   o->metavar);
}

static void complain_value(const struct opt *o, const char *text, const char *expected)
{
	char word[64];

	diag_error("option '%s': '%s': expected %s", opt_word(o, word), text, expected);
}

static bool is_bounded(const struct opt *o)
{
	return o->min || o->max;
}

/* Decimal, with a minus sign only where the bounds go below zero. */
static int parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_n)
{
	bool minus = min < 0 && text[0] == '-';
	int64_t value;
	uint64_t n;
	int err;

	err = parse_u64(text + minus, 0, INT64_MAX, &n);
	if (err)
		return err;
	value = minus ? -(int64_t)n : (int64_t)n;
	if (value < min || value > max)
		return -ERANGE;
	*ret_n = value;
	return 0;
}

static int take_int(const struct opt *o, const char *text, struct opt_value *v)
{
	int64_t max = is_bounded(o) ? o->max : INT64_MAX;
	char expected[96];

	if (parse_int(text, o->min, max, &v->n) == 0)
		return 0;
	if (max < INT64_MAX)
		snprintf(expected, sizeof(expected), "a number from %lld to %lld",
			 (long long)o->min, (long long)max);
	else if (o->min > 0)
		snprintf(expected, sizeof(expected), "a number of at least %lld",
			 (long long)o->min);
	else
		snprintf(expected, sizeof(expected), "a number");
	complain_value(o, text, expected);
	return -EINVAL;
}

void opt_duration_text(int64_t ns, char out[32])
{
	static const struct {
		int64_t ns;
		const char *unit;
	} units[] = {
		{ 24 * 3600 * NS_PER_S, "d" },
		{ 3600 * NS_PER_S, "h" },
		{ 60 * NS_PER_S, "m" },
		{ NS_PER_S, "s" },
		{ NS_PER_MS, "ms" },
		{ NS_PER_US, "us" },
		{ 1, "ns" },
	};
	size_t i = 0;

	if (ns == 0) {
		snprintf(out, 32, "0");
		return;
	}
	while (ns % units[i].ns)
		i++;
	snprintf(out, 32, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
}

static int take_duration(const struct opt *o, const char *text, struct opt_value *v)
{
	char min[32], max[32], expected[96];
	int64_t ns = 0;
	int err = parse_duration_ns(text, &ns);

	if (!err && (!is_bounded(o) || (ns >= o->min && ns <= o->max))) {
		v->ns = ns;
		return 0;
	}
	if (err == -EINVAL) {
		complain_value(o, text, "a duration such as 3, 250ms or 2m");
		return -EINVAL;
	}
	opt_duration_text(o->min, min);
	opt_duration_text(o->max, max);
	if (!is_bounded(o))
		snprintf(expected, sizeof(expected), "a duration of at most 365d");
	else if (o->max == INT64_MAX)
		snprintf(expected, sizeof(expected), "a duration from %s to 365d", min);
	else
		snprintf(expected, sizeof(expected), "a duration from %s to %s", min,
			 max);
	complain_value(o, text, expected);
	return -EINVAL;
}

static int take_word(const struct opt *o, const char *text, struct opt_value *v)
{
	struct buf expected PK_CLEANUP(buf_release) = BUF_INIT;
	char word[64];

	for (size_t i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0) {
			v->n = (int64_t)i;
			return 0;
		}
		add_listed(&expected, "", o->words[i], "");
	}
	diag_error("option '%s': '%s': expected one of %s", opt_word(o, word), text,
		   expected.data);
	return -EINVAL;
}

/* Check TEXT by the option's kind. 0, or -EINVAL when the message is out. */
static int take_value(const struct opt *o, const char *text, struct opt_value *v)
{
	if (o->kind != OPT_FLAG && !*text) {
		complain_missing(o, "empty");
		return -EINVAL;
	}
	switch (o->kind) {
	case OPT_FLAG:
		v->n = 1;
		return 0;
	case OPT_INT:
		return take_int(o, text, v);
	case OPT_DURATION:
		return take_duration(o, text, v);
	case OPT_WORD:
		return take_word(o, text, v);
	case OPT_TEXT:
	case OPT_PORTS:
	case OPT_HOST:
	case OPT_ADDRESS:
	case OPT_INTERFACE:
	case OPT_NETNS:
	case OPT_FILE:
		/* The tool's own modules check these, where the reason is known. */
		return 0;
	}
	return 0;
}

/* Was an option given before that O excludes? 0, or -EINVAL when the message is out. */
static int check_conflict(const struct opt_parser *p, const struct opt *o)
{
	char one[64], other[64];

	for (size_t i = 0; i < p->tool->n_options; i++) {
		const struct opt *b = &p->tool->options[i];

		if (b == o || !p->seen[i] || !(b->conflict & o->conflict))
			continue;
		diag_error("options '%s' and '%s' exclude each other", opt_word(b, one),
			   opt_word(o, other));
		return -EINVAL;
	}
	return 0;
}

int opt_next(struct opt_parser *p, struct opt_value *ret_value)
{
	struct opt_value v = { 0 };
	const struct opt *o;
	/* Where getopt looks now. It permutes nothing: this stays the word it means. */
	int at = optind ? optind : 1;
	int code = getopt_long(p->argc, p->argv, p->letters, p->longs, NULL);

	if (code == -1) {
		/* Not simply the word before optind: that may be an argument: -S -- */
		p->rest_marked = at < p->argc && strcmp(p->argv[at], "--") == 0;
		return OPT_END;
	}
	if (code == GETOPT_OPERAND) {
		*ret_value = (struct opt_value){ .text = optarg };
		return OPT_OPERAND;
	}
	if (code == '?') {
		complain_unknown(p->tool, p->argv[at]);
		return OPT_BAD;
	}
	o = opt_of_code(p->tool, code == ':' ? optopt : code);
	if (!o)
		return OPT_BAD;
	if (code == ':') {
		complain_missing(o, "missing");
		return OPT_BAD;
	}
	if (o->kind != OPT_FLAG)
		v.text = optarg;
	if (take_value(o, v.text, &v) || check_conflict(p, o))
		return OPT_BAD;
	p->seen[o->id]++;
	*ret_value = v;
	return o->id;
}
