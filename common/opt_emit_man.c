#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "opt_emit.h"

/* mandoc -Tlint grumbles about source lines beyond 80. */
#define MAN_WIDTH 78

/*
 * The one place where text becomes mdoc. ARG: an argument of a macro, where a quote, a
 * lone delimiter or a word that names a macro ("No", "Ar") would be more than text; else
 * a word of a text line, which only must not begin with a control character (FIRST).
 */
static void man_word(struct buf *out, const char *word, size_t len, bool arg, bool first)
{
	bool macro = len <= 3 && isupper((unsigned char)word[0]);
	bool punct = !isalnum((unsigned char)word[0]) && word[0] != '\\';

	if (arg ? macro || punct : first && (word[0] == '.' || word[0] == '\''))
		buf_adds(out, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			buf_adds(out, "\\e");
		else if (word[i] == '"' && arg)
			buf_adds(out, "\\(dq");
		else
			buf_addc(out, word[i]);
	}
}

void opt_emit_man_arg(struct buf *out, const char *word, size_t len)
{
	man_word(out, word, len, true, false);
}

static void man_arg(struct buf *out, const char *word)
{
	opt_emit_man_arg(out, word, strlen(word));
}

/* Text lines: wrapped, a capital at the front if CAPITAL, and END behind, but where TEXT
 * has an end of its own ("is it open?"). */
static void man_text(struct buf *out, const char *text, bool capital, const char *end)
{
	size_t len_all = strlen(text);
	size_t column = 0;

	if (len_all && strchr("?!.", text[len_all - 1]))
		end = "";

	while (*text) {
		size_t len = strcspn(text, " ");
		size_t start = out->len;

		if (column && column + 1 + len > MAN_WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		} else if (column) {
			buf_addc(out, ' ');
		}
		if (capital && islower((unsigned char)text[0])) {
			buf_addc(out, (char)toupper((unsigned char)text[0]));
			man_word(out, text + 1, len - 1, false, false);
		} else {
			man_word(out, text, len, false, !column);
		}
		capital = false;
		column += out->len - start;
		text += len;
		text += strspn(text, " ");
	}
	buf_addf(out, "%s\n", end);
}

static void man_words(struct buf *out, const struct opt *o)
{
	if (!o->words)
		return;
	buf_adds(out, "One of\n");
	for (size_t i = 0; o->words[i]; i++) {
		buf_adds(out, ".Cm ");
		man_arg(out, o->words[i]);
		if (!o->words[i + 1])
			buf_adds(out, " .\n");
		else if (o->words[i + 2])
			buf_adds(out, " ,\n");
		else
			buf_adds(out, "\nor\n");
	}
}

/* "From 1 to 100.", where there are bounds that anybody could meet. */
static void man_bounds(struct buf *out, const struct opt *o)
{
	char min[32], max[32];

	if ((!o->min && !o->max) || o->max == INT64_MAX)
		return;
	if (o->kind == OPT_DURATION) {
		opt_duration_text(o->min, min);
		opt_duration_text(o->max, max);
		buf_addf(out, "From %s to %s.\n", min, max);
	} else {
		buf_addf(out, "From %lld to %lld.\n", (long long)o->min,
			 (long long)o->max);
	}
}

static void man_default(struct buf *out, const struct opt *o)
{
	struct buf text PK_CLEANUP(buf_release) = BUF_INIT;

	if (!o->def)
		return;
	buf_addf(&text, "The default is %s", o->def);
	out->failed |= text.failed;
	man_text(out, text.data, false, ".");
}

static void man_conflicts(struct buf *out, const struct opt_tool *tool,
			  const struct opt *o)
{
	const struct opt *others[OPT_MAX];
	size_t n = 0;

	for (size_t i = 0; i < tool->n_options && n < OPT_MAX; i++)
		if (&tool->options[i] != o && (tool->options[i].conflict & o->conflict))
			others[n++] = &tool->options[i];
	if (!n)
		return;
	buf_adds(out, "Not together with\n");
	for (size_t i = 0; i < n; i++) {
		buf_adds(out, ".Fl Fl ");
		man_arg(out, others[i]->name);
		if (i + 1 == n)
			buf_adds(out, " .\n");
		else if (i + 2 == n)
			buf_adds(out, "\nor\n");
		else
			buf_adds(out, " ,\n");
	}
}

static void man_option(struct buf *out, const struct opt_tool *tool, const struct opt *o)
{
	buf_adds(out, ".It ");
	if (o->letter)
		buf_addf(out, "Fl %c , ", o->letter);
	buf_adds(out, "Fl Fl ");
	man_arg(out, o->name);
	if (o->metavar) {
		buf_adds(out, " Ar ");
		man_arg(out, o->metavar);
	}
	buf_addc(out, '\n');
	man_text(out, o->help, true, ".");
	man_words(out, o);
	man_bounds(out, o);
	man_default(out, o);
	man_conflicts(out, tool, o);
}

void opt_emit_man_options(struct buf *out, const struct opt_tool *tool)
{
	bool open = false;

	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->section) {
			if (open)
				buf_adds(out, ".El\n");
			buf_adds(out, ".Ss ");
			for (const char *s = o->section; *s; s += strspn(s, " ")) {
				size_t len = strcspn(s, " ");

				man_word(out, s, len, true, false);
				s += len;
				if (*s)
					buf_addc(out, ' ');
			}
			buf_adds(out, "\n.Bl -tag -width Ds\n");
			open = true;
		}
		man_option(out, tool, o);
	}
	if (open)
		buf_adds(out, ".El\n");
}

void opt_emit_man_exit(struct buf *out, const struct opt_tool *tool)
{
	if (!tool->n_exits)
		return;
	buf_adds(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < tool->n_exits; i++) {
		buf_addf(out, ".It %d\n", tool->exits[i].status);
		man_text(out, tool->exits[i].meaning, true, ".");
	}
	buf_adds(out, ".El\n");
}

void opt_emit_man_examples(struct buf *out, const struct opt_tool *tool)
{
	for (size_t i = 0; tool->examples && tool->examples[i]; i += 2) {
		const char *s = tool->examples[i];

		if (i)
			buf_adds(out, ".Pp\n");
		man_text(out, tool->examples[i + 1], true, ":");
		buf_adds(out, ".Pp\n.Dl");
		while (*s) {
			size_t len = strcspn(s, " ");

			buf_addc(out, ' ');
			man_word(out, s, len, true, false);
			s += len;
			s += strspn(s, " ");
		}
		buf_addc(out, '\n');
	}
}
