#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "fd.h"
#include "opt.h"

#ifndef PK_VERSION
#define PK_VERSION "0.1.0"
#endif

/* Columns of a terminal that nobody made wider. */
#define HELP_WIDTH 80
/* An item's head that is longer than this gets a line of its own. */
#define HELP_HEAD_MAX	 28
#define HELP_EXAMPLE_MAX 40

/* Append TEXT, wrapped at blanks; the first line begins at column AT, the next at INDENT.
 * The table is printable ASCII (opt_self_check()), so a byte is a column. */
static void add_wrapped(struct buf *out, const char *text, size_t at, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t len;

		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (!len)
			break;
		if (!first && at + 1 + len > HELP_WIDTH) {
			buf_addc(out, '\n');
			buf_fill(out, ' ', indent);
			at = indent;
		} else if (!first) {
			buf_addc(out, ' ');
			at++;
		}
		buf_add(out, text, len);
		at += len;
		text += len;
		first = false;
	}
	buf_addc(out, '\n');
}

/* HEAD, then TEXT from column COLUMN on, on the next line where HEAD is too long. */
static void add_item(struct buf *out, const char *head, const char *text, size_t column)
{
	size_t len = strlen(head) + 2;

	buf_addf(out, "  %s", head);
	if (len + 2 > column) {
		buf_addc(out, '\n');
		len = 0;
	}
	buf_fill(out, ' ', column - len);
	add_wrapped(out, text, column, column);
}

/* "-t, --timeout DURATION" */
static void option_head(struct buf *out, const struct opt *o)
{
	buf_clear(out);
	if (o->letter)
		buf_addf(out, "-%c, --%s", o->letter, o->name);
	else
		buf_addf(out, "    --%s", o->name);
	if (o->metavar)
		buf_addf(out, " %s", o->metavar);
}

/* The sentence, then in brackets the words to choose from and the default. */
static void option_text(struct buf *out, const struct opt *o)
{
	buf_clear(out);
	buf_adds(out, o->help);
	if (!o->words && !o->def)
		return;
	buf_adds(out, " (");
	for (size_t i = 0; o->words && o->words[i]; i++)
		buf_addf(out, "%s%s", i ? ", " : "", o->words[i]);
	if (o->def)
		buf_addf(out, "%sdefault: %s", o->words ? "; " : "", o->def);
	buf_addc(out, ')');
}

static void add_usage(struct buf *out, const struct opt_tool *tool)
{
	size_t indent = strlen("Usage: ") + strlen(tool->name) + 1;

	for (size_t i = 0; tool->synopsis[i]; i++) {
		buf_addf(out, "%s%s ", i ? "       " : "Usage: ", tool->name);
		add_wrapped(out, tool->synopsis[i], indent, indent);
	}
}

static void add_options(struct buf *out, const struct opt_tool *tool)
{
	struct buf head PK_CLEANUP(buf_release) = BUF_INIT;
	struct buf text PK_CLEANUP(buf_release) = BUF_INIT;
	size_t column = 0;

	for (size_t i = 0; i < tool->n_options; i++) {
		option_head(&head, &tool->options[i]);
		if (head.len > column && head.len <= HELP_HEAD_MAX)
			column = head.len;
	}
	/* Two columns before the head, three after it. */
	column += 5;
	for (size_t i = 0; i < tool->n_options; i++) {
		const struct opt *o = &tool->options[i];

		if (o->section)
			buf_addf(out, "\n%s:\n", o->section);
		option_head(&head, o);
		option_text(&text, o);
		out->failed |= head.failed || text.failed;
		add_item(out, head.data, text.data, column);
	}
}

static void add_examples(struct buf *out, const struct opt_tool *tool)
{
	size_t column = 0;

	if (!tool->examples || !tool->examples[0])
		return;
	for (size_t i = 0; tool->examples[i]; i += 2) {
		size_t len = strlen(tool->examples[i]);

		if (len > column && len <= HELP_EXAMPLE_MAX)
			column = len;
	}
	column = column ? column + 5 : 8;
	buf_adds(out, "\nExamples:\n");
	for (size_t i = 0; tool->examples[i]; i += 2)
		add_item(out, tool->examples[i], tool->examples[i + 1], column);
}

static void add_exits(struct buf *out, const struct opt_tool *tool)
{
	if (!tool->n_exits)
		return;
	buf_adds(out, "\nExit status:\n");
	for (size_t i = 0; i < tool->n_exits; i++) {
		char head[16];

		snprintf(head, sizeof(head), "%d", tool->exits[i].status);
		add_item(out, head, tool->exits[i].meaning, strlen(head) + 4);
	}
}

static int print(const struct buf *text)
{
	return text->failed ? -ENOMEM
			    : fd_write_all(STDOUT_FILENO, text->data, text->len);
}

int opt_print_help(const struct opt_tool *tool)
{
	struct buf out PK_CLEANUP(buf_release) = BUF_INIT;

	buf_addf(&out, "%s - %s\n\n", tool->name, tool->question);
	add_usage(&out, tool);
	add_options(&out, tool);
	add_examples(&out, tool);
	add_exits(&out, tool);
	buf_addf(&out, "\nFull manual: man %s\n", tool->name);
	return print(&out);
}

int opt_print_version(const struct opt_tool *tool)
{
	struct buf out PK_CLEANUP(buf_release) = BUF_INIT;

	buf_addf(&out, "%s (portkit) %s\n", tool->name, PK_VERSION);
	return print(&out);
}

int opt_answer(const struct opt_tool *tool, bool help)
{
	int err = help ? opt_print_help(tool) : opt_print_version(tool);

	if (err < 0 && err != -EPIPE)
		diag_error("cannot write to standard output: %s", strerror(-err));
	return err < 0 ? 3 : 0;
}
