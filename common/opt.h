/*
 * Floor 4: one option table per tool.
 *
 * tools/<tool>/options.c defines `const struct opt_tool opt_tool`, whose `options` array
 * is what getopt_long parses from, what --help prints, and what opt_emit.h makes the man
 * page's OPTIONS and the shells' completions from. No option exists in one place only.
 *
 *	struct opt_parser p;
 *	struct opt_value v;
 *	int id;
 *
 *	opt_begin(&p, &opt_tool, argc, argv);
 *	while ((id = opt_next(&p, &v)) >= 0) {
 *		switch ((enum portcheck_option)id) {
 *		case OPT_TIMEOUT:
 *			config->timeout_ns = v.ns;
 *			break;
 *		...
 *	}
 *	if (id == OPT_BAD)
 *		return 2;	// the message is out
 *
 * Operands may stand anywhere before "--" and come through opt_next() as OPT_OPERAND, in
 * order; what stands behind "--" is opt_rest().
 */
#ifndef PK_OPT_H
#define PK_OPT_H

#include "base.h"

/* Returned by opt_next() beside the ids of the table, which are 0, 1, 2 ... in order. */
#define OPT_END	    (-1)
#define OPT_BAD	    (-2)
#define OPT_OPERAND 1000

/* What an option's argument is: how it is checked, and what completes it. */
enum opt_kind {
	OPT_FLAG,     /* no argument */
	OPT_TEXT,     /* any non-empty string */
	OPT_INT,      /* min..max, decimal */
	OPT_DURATION, /* parse_duration_ns(); min..max in ns */
	OPT_WORD,     /* one of `words` */
	OPT_PORTS,    /* port list; checked by services.h, completed with services */
	OPT_HOST,     /* name or address */
	OPT_ADDRESS,  /* a local address */
	OPT_INTERFACE,
	OPT_NETNS,
	OPT_FILE,
};

struct opt {
	int id;	     /* its own index in the table */
	char letter; /* 0: long name only */
	enum opt_kind kind;
	unsigned int conflict;	  /* options sharing a bit exclude each other; 0: none */
	const char *name;	  /* long name, without dashes */
	const char *metavar;	  /* "DURATION"; NULL for a flag */
	const char *const *words; /* OPT_WORD: NULL-terminated */
	const char *def;	  /* default in words, for help and man; NULL: none */
	int64_t min;
	int64_t max;	     /* OPT_INT, OPT_DURATION: bounds; both 0: not bounded */
	const char *section; /* heading in help and man; NULL: as the option before */
	const char *help;    /* one sentence, no full stop, lower case, plain text */
};

struct opt_exit {
	int status;
	const char *meaning;
};

struct opt_tool {
	const char *name;	     /* "portcheck" */
	const char *question;	     /* "can I reach that port?" */
	const char *const *synopsis; /* usage lines after the name, NULL-terminated */
	const char *const *examples; /* pairs: command, what it does; NULL-terminated */
	const struct opt *options;
	size_t n_options;
	const struct opt_exit *exits;
	size_t n_exits;
	enum opt_kind operands; /* what completes an operand: OPT_HOST ... */
};

struct opt_value {
	const char *text; /* the argument or operand as given; NULL for a flag */
	int64_t n;	  /* OPT_INT; OPT_WORD: index into words; OPT_FLAG: 1 */
	int64_t ns;	  /* OPT_DURATION */
};

struct option; /* getopt.h */

#define OPT_MAX 64 /* options in one table */

struct opt_parser {
	const struct opt_tool *tool;
	int argc;
	char **argv;
	int seen[OPT_MAX]; /* times each option was given */
	char letters[2 * OPT_MAX + 3];
	struct option *longs;
	bool rest_marked; /* "--" was there */
};

/*
 * Check the table (ids in order, no letter or name twice, metavar where an argument is,
 * printable ASCII only, help width, words present, sections not torn apart, bounds in
 * order): NULL, or what is wrong. Run by a unit test.
 */
const char *opt_self_check(const struct opt_tool *tool);

/* 0, -ENOMEM, or -EINVAL for a table beyond OPT_MAX. ARGV must outlive the parser. The
 * state behind is getopt's own: one parser at a time. */
PK_MUST_CHECK int opt_begin(struct opt_parser *p, const struct opt_tool *tool, int argc,
			    char **argv);
/*
 * The next option's id, OPT_OPERAND, OPT_END or OPT_BAD. Values are checked by kind and
 * bounds, empty ones are refused; a bad one prints one line naming option, value and what
 * was expected; an unknown option prints a second line pointing to --help; options that
 * exclude one another print one line naming both. RET_VALUE is untouched on OPT_BAD.
 */
int opt_next(struct opt_parser *p, struct opt_value *ret_value);
/* What stands after "--" (NULL-terminated, in argv), or NULL when there was no "--".
 * Valid once opt_next() has returned OPT_END. */
char **opt_rest(const struct opt_parser *p);
void opt_release(struct opt_parser *p);

/* Print --help (stdout), at most 80 columns wide: question, usage, options by section,
 * examples, exit status. 0 or -errno. */
int opt_print_help(const struct opt_tool *tool);
/* Print "portcheck (portkit) 0.1.0". 0 or -errno. */
int opt_print_version(const struct opt_tool *tool);
/* Answer --help (HELP) or --version: the exit status, 0 or 3; a failure to write is told,
 * but for a reader that went away. */
int opt_answer(const struct opt_tool *tool, bool help);

/* An option in words for messages: "--timeout", also where it was given by its letter, so
 * that every message names an option in one way. Returns OUT. */
const char *opt_word(const struct opt *o, char out[64]);

/* NS in the largest unit that divides it: "250ms", "2m", "0". For bounds in messages and
 * in the man page. */
void opt_duration_text(int64_t ns, char out[32]);

/* Each tool's own table, in its options.c. */
extern const struct opt_tool opt_tool;

#endif
