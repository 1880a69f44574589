/*
 * A ticket in Markdown: CommonMark with GitHub's tables.
 */
#include <string.h>

#include "clock.h"
#include "show.h"
#include "ticket_private.h"

/* ---- escaping ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Which byte of TEXT would begin a list or draw a line. SIZE_MAX: none. */
static size_t opening(const char *text)
{
	size_t digits = 0;

	while (is_digit(text[digits]))
		digits++;
	if (digits)
		return text[digits] == '.' || text[digits] == ')' ? digits : SIZE_MAX;
	return *text == '-' || *text == '+' || *text == '=' ? 0 : SIZE_MAX;
}

/* LEN bytes that are no code. Nothing in them means anything to Markdown. */
static void add_plain(struct buf *out, const char *text, size_t len, bool first)
{
	size_t start = first ? opening(text) : SIZE_MAX, i;

	for (i = 0; i < len; i++) {
		/* Entities are known everywhere, "\<" is not. */
		if (text[i] == '&')
			buf_adds(out, "&amp;");
		else if (text[i] == '<')
			buf_adds(out, "&lt;");
		else if (text[i] == '>')
			buf_adds(out, "&gt;");
		else if (i == start || strchr("\\`*_[]#|~$", text[i]) ||
			 !strncmp(text + i, "://", 3))
			buf_addf(out, "\\%c", text[i]);
		else
			buf_addc(out, text[i]);
	}
}

/* The longest run of backticks in LEN bytes at TEXT. */
static size_t backticks(const char *text, size_t len)
{
	size_t longest = 0, run = 0, i;

	for (i = 0; i < len; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

/* CELL: in a table, which takes every other '|' for its own, even here. */
static void add_code(struct buf *out, const char *text, size_t len, bool cell)
{
	size_t fence = backticks(text, len) + 1, i;
	/* One blank at both ends is not part of it; of blanks alone, all are. */
	bool padded = len && (text[0] == '`' || text[len - 1] == '`' ||
			      (text[0] == ' ' && text[len - 1] == ' '));

	if (!len)
		return;
	buf_fill(out, '`', fence);
	buf_adds(out, padded ? " " : "");
	for (i = 0; i < len; i++) {
		if (cell && text[i] == '|')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
	buf_adds(out, padded ? " " : "");
	buf_fill(out, '`', fence);
}

/* TEXT is marked. */
static void add_marked(struct buf *out, const char *text, bool cell)
{
	bool first = true;

	while (*text) {
		size_t n = strcspn(text, CODE_BEGIN);

		add_plain(out, text, n, first);
		text += n;
		if (!*text)
			return;
		n = strcspn(++text, CODE_END);
		add_code(out, text, n, cell);
		text += n + (text[n] != '\0');
		first = false;
	}
}

static void add_text(struct buf *out, const char *text)
{
	text += strspn(text, " ");
	add_plain(out, text, strlen(text), true);
}

static void add_code_all(struct buf *out, const char *text, bool cell)
{
	add_code(out, text, strlen(text), cell);
}

/* Lines of code, each ended, that can't close the block. */
static void add_block(struct buf *out, const char *language, const char *text)
{
	size_t fence = backticks(text, strlen(text)) + 1;

	if (fence < 3)
		fence = 3;
	buf_fill(out, '`', fence);
	buf_addf(out, "%s\n%s", language, text);
	buf_fill(out, '`', fence);
	buf_addc(out, '\n');
}

/* ---- the picture ---- */

static void add_picture(struct buf *out, const struct ticket_view *v)
{
	const struct show_style plain = { .color = false };
	struct buf text = BUF_INIT;

	show_picture(&text, &plain, v->items, v->n_items);
	add_block(out, "text", text.data);
	out->failed |= text.failed;
	buf_release(&text);
}

/* ---- one port ---- */

void markdown_row(struct buf *out, const struct ticket_view *v)
{
	buf_adds(out, "| ");
	add_code_all(out, v->subject.data, true);
	buf_adds(out, " (");
	add_text(out, v->about.data);
	buf_adds(out, ") | ");
	add_text(out, v->headline.data);
	buf_addf(out, " | %s |\n", v->confidence);
}

static void add_facts(struct buf *out, const struct ticket_view *v)
{
	size_t i;

	buf_adds(out, "\n### Connection\n\n| What | Value |\n|---|---|\n");
	for (i = 0; i < v->n_facts; i++) {
		buf_addf(out, "| %s | ", v->facts[i].name);
		add_marked(out, v->facts[i].value.data, true);
		buf_adds(out, " |\n");
	}
}

static void add_evidence(struct buf *out, const struct ticket_view *v)
{
	const struct account *a = v->account;
	size_t i;

	if (!a->n_evidence)
		return;
	buf_addf(out,
		 "\n### Evidence\n\nMilliseconds since %s.\n\n"
		 "| ms | Kind | What was seen |\n|---:|---|---|\n",
		 v->evidence_from.data);
	for (i = 0; i < a->n_evidence; i++) {
		buf_addf(out, "| %.1f | %s | ", a->evidence[i].t_ms, a->evidence[i].kind);
		add_text(out, a->evidence[i].text);
		buf_adds(out, " |\n");
	}
}

static void add_explanations(struct buf *out, const struct account *a)
{
	struct buf line = BUF_INIT;
	size_t i;

	if (a->ruled_out.n)
		buf_adds(out, "\n### Other explanations\n\n");
	for (i = 0; i < a->ruled_out.n; i++) {
		buf_clear(&line);
		ticket_sentence(&line, a->ruled_out.items[i]);
		buf_adds(out, "- ");
		add_text(out, line.data);
		buf_addc(out, '\n');
	}
	out->failed |= line.failed;
	buf_release(&line);
}

static void add_advice(struct buf *out, const struct account *a)
{
	struct buf line = BUF_INIT;
	bool any = false;
	size_t i;

	for (i = 0; i < a->next.n; i++) {
		buf_clear(&line);
		if (!ticket_advice(&line, a, i))
			continue;
		if (!any)
			buf_adds(out, "\n### Next steps\n\n");
		any = true;
		buf_adds(out, "1. ");
		add_marked(out, line.data, false);
		buf_addc(out, '\n');
	}
	out->failed |= line.failed;
	buf_release(&line);
}

void markdown_section(struct buf *out, const struct ticket_view *v)
{
	buf_adds(out, "\n## ");
	add_code_all(out, v->subject.data, false);
	buf_adds(out, " (");
	add_text(out, v->about.data);
	buf_adds(out, ")\n\n**");
	add_text(out, v->headline.data);
	buf_adds(out, "**\n\n");
	add_text(out, v->message.data);
	buf_addf(out, "\n\n**Confidence: %s** (%s).\n", v->confidence,
		 v->confidence_means);
	if (v->request.len) {
		buf_adds(out, "\n### Request\n\n");
		add_text(out, v->request.data);
		buf_addc(out, '\n');
	}
	if (v->n_items) {
		buf_adds(out, "\n### Path\n\n");
		add_picture(out, v);
	}
	if (v->n_items && v->picture_note[0])
		buf_addf(out, "\n%s\n", v->picture_note);
	add_facts(out, v);
	add_evidence(out, v);
	add_explanations(out, v->account);
	add_advice(out, v->account);
}

/* ---- the document ---- */

void markdown_document(struct buf *out, const struct ticket *t,
		       const struct ticket_frame *frame)
{
	buf_adds(out, "# " TICKET_HEADING "\n");
	if (t->n_ports != 1) {
		buf_adds(out, "\n## ");
		add_text(out, frame->title.data);
		buf_addc(out, '\n');
	}
	if (t->n_ports > 1) {
		buf_adds(out, "\n| Port | Verdict | Confidence |\n|---|---|---|\n");
		buf_add(out, t->rows.data, t->rows.len);
	}
	buf_add(out, t->sections.data, t->sections.len);
	if (frame->command) {
		struct buf line = BUF_INIT;

		buf_addf(&line, "%s\n", frame->command);
		buf_adds(out, "\n## To repeat it\n\n");
		add_block(out, "sh", line.data);
		out->failed |= line.failed;
		buf_release(&line);
	}
	buf_addf(out, "\n---\n\nMade by portblock " PK_VERSION " of portkit, %s (UTC).\n",
		 frame->time);
}
