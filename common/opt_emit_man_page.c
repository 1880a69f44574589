#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "opt_emit.h"

/* One usage line on its way into macros. */
struct synopsis {
	struct buf *out;
	unsigned int depth; /* of brackets and braces */
	bool fresh;	    /* nothing on the output line yet */
	bool glued;	    /* no blank since the atom before */
};

/* Begin an atom: ".Ar", " Ar" or " Ns Ar". */
static void atom_begin(struct synopsis *s, bool glues)
{
	if (s->fresh) {
		buf_addc(s->out, '.');
		s->fresh = false;
		return;
	}
	buf_adds(s->out, s->glued && glues ? " Ns " : " ");
}

static void atom_bracket(struct synopsis *s, char c)
{
	bool opens = c == '[' || c == '{';

	/* Oc and Brc put no space before themselves. */
	atom_begin(s, opens);
	if (c == '[' || c == ']')
		buf_adds(s->out, opens ? "Oo" : "Oc");
	else
		buf_adds(s->out, opens ? "Bro" : "Brc");
	if (opens)
		s->depth++;
	else if (s->depth)
		s->depth--;
	/* Nor do Oo and Bro behind themselves. */
	s->glued = !opens;
}

/* A word of LEN bytes: an option, a placeholder, or something to type as it stands. */
static void atom_word(struct synopsis *s, const char *word, size_t len)
{
	bool dots = len >= 3 && strncmp(word + len - 3, "...", 3) == 0;

	if (dots)
		len -= 3;
	if (!len) {
		/* Dots behind a bracket. At the front of a line they are a request. */
		buf_adds(s->out, s->fresh   ? ".No ..."
				 : s->glued ? " Ns No ..."
					    : " No ...");
		s->fresh = false;
		s->glued = true;
		return;
	}
	atom_begin(s, true);
	if (len == 2 && strncmp(word, "--", 2) == 0) {
		buf_adds(s->out, "Cm --");
	} else if (word[0] == '-') {
		bool is_long = len > 2 && word[1] == '-';

		buf_adds(s->out, is_long ? "Fl Fl " : "Fl ");
		opt_emit_man_arg(s->out, word + 1 + is_long, len - 1 - is_long);
	} else {
		buf_adds(s->out, isupper((unsigned char)word[0]) ? "Ar " : "Cm ");
		opt_emit_man_arg(s->out, word, len);
	}
	if (dots)
		buf_adds(s->out, " ...");
	s->glued = true;
}

static void emit_synopsis_line(struct buf *out, const char *text)
{
	struct synopsis s = { .out = out, .fresh = true };

	while (*text) {
		size_t len = strcspn(text, " []{}|=");

		if (len) {
			atom_word(&s, text, len);
			text += len;
			continue;
		}
		switch (*text) {
		case ' ':
			s.glued = false;
			if (!s.depth && !s.fresh) {
				buf_addc(out, '\n');
				s.fresh = true;
			}
			break;
		case '|':
			/* A delimiter of mdoc's own: always a blank on both sides. */
			buf_adds(out, s.fresh ? ".No |" : " |");
			s.fresh = s.glued = false;
			break;
		case '=':
			atom_begin(&s, true);
			buf_adds(out, "No =");
			s.glued = true;
			break;
		default:
			atom_bracket(&s, *text);
		}
		text++;
	}
	if (!s.fresh)
		buf_addc(out, '\n');
}

void opt_emit_man_synopsis(struct buf *out, const struct opt_tool *tool)
{
	for (size_t i = 0; tool->synopsis[i]; i++) {
		buf_addf(out, ".Nm %s\n", tool->name);
		emit_synopsis_line(out, tool->synopsis[i]);
	}
}

/* What "@WORD@" stands for. */
struct page_word {
	const char *word;
	const char *text;				     /* in a line */
	void (*emit)(struct buf *, const struct opt_tool *); /* or instead of a line */
};

/* The length of "@WORD@" at S, 0 if it is none. */
static size_t page_word_len(const char *s)
{
	size_t len;

	if (s[0] != '@')
		return 0;
	len = strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	return len && s[len + 1] == '@' ? len + 2 : 0;
}

/* One line of the template, LEN bytes without its newline. */
static int emit_page_line(struct buf *out, const struct opt_tool *tool, const char *line,
			  size_t len, const struct page_word *words, size_t n_words)
{
	for (size_t at = 0; at < len;) {
		size_t word = page_word_len(line + at);
		size_t i = 0;

		if (!word) {
			buf_addc(out, line[at++]);
			continue;
		}
		while (i < n_words && (strlen(words[i].word) != word ||
				       strncmp(words[i].word, line + at, word) != 0))
			i++;
		if (i == n_words)
			return -EINVAL;
		if (words[i].emit) {
			if (word != len)
				return -EINVAL;
			words[i].emit(out, tool);
			/* A block brings its own newline. */
			return 0;
		}
		buf_adds(out, words[i].text);
		at += word;
	}
	buf_addc(out, '\n');
	return 0;
}

int opt_emit_man_page(struct buf *out, const struct opt_tool *tool,
		      const char *template_text, const char *version, const char *date)
{
	const struct page_word words[] = {
		{ .word = "@NAME@", .text = tool->name },
		{ .word = "@VERSION@", .text = version },
		{ .word = "@DATE@", .text = date },
		{ .word = "@SYNOPSIS@", .emit = opt_emit_man_synopsis },
		{ .word = "@OPTIONS@", .emit = opt_emit_man_options },
		{ .word = "@EXIT@", .emit = opt_emit_man_exit },
		{ .word = "@EXAMPLES@", .emit = opt_emit_man_examples },
	};
	size_t before = out->len;
	const char *line = template_text;

	while (*line) {
		size_t len = strcspn(line, "\n");
		int err = emit_page_line(out, tool, line, len, words, ARRAY_SIZE(words));

		if (err) {
			buf_truncate(out, before);
			return err;
		}
		line += len;
		line += *line == '\n';
	}
	return 0;
}
