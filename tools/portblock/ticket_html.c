/*
 * A ticket as one HTML page.
 */
#include <string.h>

#include "clock.h"
#include "ticket_private.h"

/* The page may load nothing, whatever it shows. */
#define POLICY "default-src 'none'; style-src 'unsafe-inline'"

static void add_char(struct buf *out, char c)
{
	switch (c) {
	case '&':
		buf_adds(out, "&amp;");
		break;
	case '<':
		buf_adds(out, "&lt;");
		break;
	case '>':
		buf_adds(out, "&gt;");
		break;
	case '"':
		buf_adds(out, "&quot;");
		break;
	case '\'':
		buf_adds(out, "&#39;");
		break;
	default:
		buf_addc(out, c);
	}
}

void html_text(struct buf *out, const char *text)
{
	for (; *text; text++)
		add_char(out, *text);
}

/* TEXT is marked. */
static void add_marked(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == CODE_BEGIN[0])
			buf_adds(out, "<code>");
		else if (*text == CODE_END[0])
			buf_adds(out, "</code>");
		else
			add_char(out, *text);
	}
}

/* "<TAG>text</TAG>": TAG with its attributes, which are ours. */
static void add_element(struct buf *out, const char *tag, const char *text)
{
	buf_addf(out, "<%s>", tag);
	html_text(out, text);
	buf_addf(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static const char *tone_word(enum ticket_tone tone)
{
	switch (tone) {
	case TONE_GOOD:
		return "good";
	case TONE_WARN:
		return "warn";
	case TONE_BAD:
		break;
	}
	return "bad";
}

/* ---- one port ---- */

void html_row(struct buf *out, const struct ticket_view *v)
{
	buf_addf(out, "<tr><td><a href=\"#port-%u\">", v->number);
	html_text(out, v->subject.data);
	buf_addf(out, "</a> ");
	add_element(out, "span class=\"about\"", v->about.data);
	buf_addf(out, "</td><td class=\"tone %s\">", tone_word(v->tone));
	html_text(out, v->headline.data);
	buf_adds(out, "</td>");
	add_element(out, "td", v->confidence);
	buf_adds(out, "</tr>\n");
}

static void add_verdict(struct buf *out, const struct ticket_view *v)
{
	buf_adds(out, "<div class=\"verdict\">\n");
	add_element(out, "p class=\"headline\"", v->headline.data);
	buf_addc(out, '\n');
	add_element(out, "p", v->message.data);
	buf_addf(out, "\n<p><b>Confidence: %s</b> (%s).</p>\n</div>\n", v->confidence,
		 v->confidence_means);
}

static void add_facts(struct buf *out, const struct ticket_view *v)
{
	size_t i;

	buf_adds(out, "<div>\n<h3>Connection</h3>\n<table>\n<tbody>\n");
	for (i = 0; i < v->n_facts; i++) {
		buf_addf(out, "<tr><th scope=\"row\">%s</th><td>", v->facts[i].name);
		add_marked(out, v->facts[i].value.data);
		buf_adds(out, "</td></tr>\n");
	}
	buf_adds(out, "</tbody>\n</table>\n</div>\n");
}

static void add_picture(struct buf *out, const struct ticket_view *v)
{
	buf_adds(out, "<figure>\n<h3>Path</h3>\n");
	svg_picture(out, v);
	if (v->picture_note[0]) {
		add_element(out, "figcaption", v->picture_note);
		buf_addc(out, '\n');
	}
	buf_adds(out, "</figure>\n");
}

static void add_evidence(struct buf *out, const struct ticket_view *v)
{
	const struct account *a = v->account;
	size_t i;

	if (!a->n_evidence)
		return;
	buf_addf(out,
		 "<h3>Evidence</h3>\n<table class=\"evidence\">\n"
		 "<caption>Milliseconds since %s</caption>\n<thead><tr>"
		 "<th scope=\"col\" class=\"time\">ms</th>"
		 "<th scope=\"col\" class=\"kind\">Kind</th>"
		 "<th scope=\"col\">What was seen</th></tr></thead>\n<tbody>\n",
		 v->evidence_from.data);
	for (i = 0; i < a->n_evidence; i++) {
		buf_addf(out,
			 "<tr><td class=\"time\">%.1f</td><td class=\"kind\">%s</td>",
			 a->evidence[i].t_ms, a->evidence[i].kind);
		add_element(out, "td", a->evidence[i].text);
		buf_adds(out, "</tr>\n");
	}
	buf_adds(out, "</tbody>\n</table>\n");
}

static void add_explanations(struct buf *out, const struct account *a)
{
	struct buf line = BUF_INIT;
	size_t i;

	if (!a->ruled_out.n)
		return;
	buf_adds(out, "<h3>Other explanations</h3>\n<ul>\n");
	for (i = 0; i < a->ruled_out.n; i++) {
		buf_clear(&line);
		ticket_sentence(&line, a->ruled_out.items[i]);
		add_element(out, "li", line.data);
		buf_addc(out, '\n');
	}
	buf_adds(out, "</ul>\n");
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
			buf_adds(out, "<h3>Next steps</h3>\n<ol>\n");
		any = true;
		buf_adds(out, "<li>");
		add_marked(out, line.data);
		buf_adds(out, "</li>\n");
	}
	if (any)
		buf_adds(out, "</ol>\n");
	out->failed |= line.failed;
	buf_release(&line);
}

void html_section(struct buf *out, const struct ticket_view *v)
{
	buf_addf(out, "<section id=\"port-%u\" class=\"%s\">\n<h2>", v->number,
		 tone_word(v->tone));
	html_text(out, v->subject.data);
	buf_addc(out, ' ');
	add_element(out, "span class=\"about\"", v->about.data);
	buf_adds(out, "</h2>\n");
	add_verdict(out, v);
	if (v->request.len) {
		buf_adds(out, "<h3>Request</h3>\n");
		add_element(out, "p", v->request.data);
		buf_addc(out, '\n');
	}
	if (v->n_items) {
		buf_adds(out, "<div class=\"pair\">\n");
		add_picture(out, v);
	}
	add_facts(out, v);
	if (v->n_items)
		buf_adds(out, "</div>\n");
	add_evidence(out, v);
	add_explanations(out, v->account);
	add_advice(out, v->account);
	buf_adds(out, "</section>\n");
}

/* ---- the document ---- */

static void add_summary(struct buf *out, const struct ticket *t,
			const struct ticket_frame *frame)
{
	if (t->n_ports == 1)
		return;
	buf_adds(out, "<section>\n");
	add_element(out, "h2", frame->title.data);
	if (t->n_ports) {
		buf_adds(out,
			 "\n<table class=\"rows\">\n<thead><tr><th scope=\"col\">Port"
			 "</th><th scope=\"col\">Verdict</th><th scope=\"col\">"
			 "Confidence</th></tr></thead>\n<tbody>\n");
		buf_add(out, t->rows.data, t->rows.len);
		buf_adds(out, "</tbody>\n</table>");
	}
	buf_adds(out, "\n</section>\n");
}

void html_document(struct buf *out, const struct ticket *t,
		   const struct ticket_frame *frame)
{
	buf_adds(out,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		 "<meta charset=\"utf-8\">\n"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"" POLICY "\">\n"
		 "<meta name=\"viewport\" "
		 "content=\"width=device-width, initial-scale=1\">\n"
		 "<meta name=\"generator\" content=\"portblock " PK_VERSION "\">\n");
	add_element(out, "title", frame->title.data);
	buf_addf(out,
		 "\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n"
		 "<h1>" TICKET_HEADING "</h1>\n"
		 "<p><time datetime=\"%s\">%s</time></p>\n</header>\n",
		 html_style, frame->time, frame->time);
	add_summary(out, t, frame);
	buf_add(out, t->sections.data, t->sections.len);
	if (frame->command) {
		buf_adds(out, "<section class=\"repeat\">\n<h2>To repeat it</h2>\n<pre>");
		add_element(out, "code", frame->command);
		buf_adds(out, "</pre>\n</section>\n");
	}
	buf_addf(out,
		 "<footer>Made by portblock " PK_VERSION
		 " of portkit, %s (UTC).</footer>\n</main>\n</body>\n</html>\n",
		 frame->time);
}
