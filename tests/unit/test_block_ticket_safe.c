#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block_tickets.h"

/* Every sign that means something to HTML, Markdown or a terminal. */
#define HOSTILE                                                                       \
	"</code></td><script src=x>alert(1)</script>|a\\|b`c``d```e[f](http://g)![h]" \
	"*i*_j_~~k~~$l$&amp;&#60;\"m'n#o\x1b[31m\x0e\x0f\xe2\x80\xae\xff\n# p\n```\n"
/* The same without a slash: with one it would be a block of addresses. */
#define HOSTILE_NAME                                                                  \
	"<b>|a\\|b`c``d```e[f](g)![h]*i*_j_~~k~~$l$&amp;&#60;\"m'n#o\x1b[31m\x0e\x0f" \
	"\xe2\x80\xae\xff\n# p\n```\n"

/* ---- is it well-formed? ---- */

#define DEPTH_MAX 32

struct nesting {
	char open[DEPTH_MAX][32];
	unsigned int depth;
};

/* One tag at S, behind its '<'. */
static void nest(struct nesting *n, const char *s, size_t len)
{
	char name[32] = "";
	bool close = *s == '/';
	size_t i;

	s += close;
	for (i = 0; isalnum((unsigned char)s[i]) && i < sizeof(name) - 1; i++)
		name[i] = s[i];
	if (*s == '!' || !strcmp(name, "meta") || s[len - close - 1] == '/')
		return;
	if (!name[0])
		fail_msg("no tag: <%.*s>", (int)len, s);
	if (!close) {
		assert_true(n->depth < DEPTH_MAX);
		strcpy(n->open[n->depth++], name);
		return;
	}
	if (!n->depth || strcmp(n->open[n->depth - 1], name))
		fail_msg("</%s> closes <%s>", name,
			 n->depth ? n->open[n->depth - 1] : "");
	n->depth--;
}

/* Tags nest, attributes are quoted, and no text has signs of its own. */
static void assert_nests(const char *html)
{
	struct nesting n = { .depth = 0 };
	const char *s = html;

	while (*s) {
		const char *end;

		s += strcspn(s, "<>");
		if (!*s)
			break;
		if (*s == '>')
			fail_msg("a '>' that ends nothing: %.40s", s);
		end = strpbrk(s + 1, "<>");
		if (!end || *end != '>')
			fail_msg("a '<' that begins nothing: %.40s", s);
		if (memchr(s, '\'', (size_t)(end - s)) && !strstr(s, "default-src"))
			fail_msg("a quote in a tag: %.40s", s);
		nest(&n, s + 1, (size_t)(end - s - 1));
		s = end + 1;
		if (n.depth && !strcmp(n.open[n.depth - 1], "style"))
			s = strstr(s, "</style>");
	}
	assert_int_equal(n.depth, 0);
}

/* Nothing is loaded, nothing runs, no id twice. */
static void assert_self_contained(const char *html)
{
	static const char *const never[] = { "<script", "<img",	  "<link", "<iframe",
					     "@import", "url(",	  " src=", "javascript:",
					     "<use",	"<object" };
	const char *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		if ((s = strstr(html, never[i])) && strncmp(s, " src=x&gt;", 10))
			assert_lacks(html, never[i]);
	for (s = html; (s = strstr(s, "href=")); s++)
		assert_memory_equal(s, "href=\"#", 7);
	for (s = html; (s = strstr(s, " id=\"")); s++) {
		char id[64];

		snprintf(id, sizeof(id), "%.*s", (int)strcspn(s + 5, "\"") + 6, s);
		if (count(html, id) != 1)
			fail_msg("twice:%s", id);
	}
}

/* The cells of a row of a table: '|' behind a backslash is text. */
static unsigned int cells(const char *line, size_t len)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += line[i] == '|' && (!i || line[i - 1] != '\\');
	return n;
}

/* Tables keep their columns, code blocks end, and no line is an accident. */
static void assert_markdown(const char *md)
{
	char fence[32] = "";
	unsigned int columns = 0;
	const char *s;
	size_t len;

	for (s = md; *s; s += len + 1) {
		size_t ticks = strspn(s, "`");

		len = strcspn(s, "\n");
		if (fence[0]) {
			if (len == strlen(fence) && !strncmp(s, fence, len))
				fence[0] = '\0';
			else if (ticks >= strlen(fence))
				fail_msg("ends a block too soon: %.*s", (int)len, s);
			continue;
		}
		if (ticks >= 3) {
			snprintf(fence, sizeof(fence), "%.*s", (int)ticks, s);
		} else if (*s == '|') {
			if (columns && cells(s, len) != columns)
				fail_msg("%u columns, not %u: %.*s", cells(s, len),
					 columns, (int)len, s);
			columns = cells(s, len);
			assert_true(s[len - 1] == '|');
			continue;
		} else if (len && !strchr("#*&\\", *s) && strncmp(s, "- ", 2) &&
			   strncmp(s, "1. ", 3) && strncmp(s, "---", 3) &&
			   !isupper((unsigned char)*s)) {
			fail_msg("what is this: %.*s", (int)len, s);
		}
		columns = 0;
	}
	assert_string_equal(fence, "");
}

/* Printable UTF-8 and newlines only. */
static void assert_printable(const char *text)
{
	struct buf escaped = BUF_INIT;
	const char *s;

	for (s = text; *s; s++)
		if ((unsigned char)*s < 0x20 && *s != '\n')
			fail_msg("byte 0x%02x before: %.40s", (unsigned int)*s, s + 1);
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strchr(text, '\xff'));
	assert_null(strchr(text, 0x7f));
	buf_release(&escaped);
}

static void assert_sound(struct sample *s, const char *service)
{
	char *md = ticket_of(TICKET_MARKDOWN, s, service);
	char *html = ticket_of(TICKET_HTML, s, service);

	assert_markdown(md);
	assert_printable(md);
	assert_nests(html);
	assert_self_contained(html);
	assert_printable(html);
	free(md);
	free(html);
}

/* ---- tests ---- */

static void every_cause_has_its_request_and_is_well_formed(void **state)
{
	struct sample s;
	int cause;

	(void)state;
	for (cause = 0; cause < CAUSE_COUNT; cause++) {
		char *md;

		if (cause == CAUSE_UNRESOLVED)
			sample_unresolved(&s);
		else
			sample_reset_by_box(&s);
		s.j.cause = (enum cause)cause;
		s.config.explain = true;
		assert_sound(&s, "smtp");
		md = ticket_of(TICKET_MARKDOWN, &s, "");
		assert_int_equal(count(md, "### Request"), cause == CAUSE_OPEN ? 0 : 1);
		free(md);
	}
}

static void every_sample_is_well_formed_in_both_formats(void **state)
{
	static void (*const samples[])(struct sample *) = {
		sample_open,	  sample_no_listener,  sample_dropped_path,
		sample_last_hop,  sample_local_drop,   sample_local_rule,
		sample_rejected,  sample_reset_by_box, sample_udp_silent,
		sample_host_down, sample_unresolved,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct sample s;

		samples[i](&s);
		assert_sound(&s, "");
		s.config.explain = true;
		assert_sound(&s, "service");
		sample_unprivileged(&s);
		assert_sound(&s, "service");
	}
}

static void several_ports_are_well_formed(void **state)
{
	struct sample s;
	int format;

	(void)state;
	for (format = TICKET_MARKDOWN; format <= TICKET_HTML; format++) {
		struct ticket t = TICKET_INIT;
		char *text;

		t.format = (enum ticket_format)format;
		sample_dropped_path(&s);
		s.f.target = HOSTILE_NAME;
		ticket_with(&t, &s, HOSTILE);
		sample_udp_silent(&s);
		ticket_with(&t, &s, HOSTILE);
		text = ticket_finished(&t, NULL);
		assert_printable(text);
		if (format == TICKET_HTML) {
			assert_nests(text);
			assert_self_contained(text);
		} else {
			assert_markdown(text);
		}
		free(text);
	}
}

static void a_run_that_ended_at_once_has_a_whole_document(void **state)
{
	struct ticket t = TICKET_INIT;
	char *text;

	(void)state;
	t.format = TICKET_HTML;
	text = ticket_finished(&t, "portblock x 1");
	assert_has(text, "The run ended before a port was examined");
	assert_nests(text);
	free(text);
	t.format = TICKET_MARKDOWN;
	text = ticket_finished(&t, "portblock x 1");
	assert_has(text, "The run ended before a port was examined");
	assert_markdown(text);
	free(text);
}

static void the_page_is_a_whole_one_and_may_load_nothing(void **state)
{
	struct sample s;
	char *html;

	(void)state;
	sample_dropped_path(&s);
	html = ticket_of(TICKET_HTML, &s, "");
	assert_memory_equal(html, "<!DOCTYPE html>\n<html lang=\"en\">", 31);
	assert_has(html, "<meta charset=\"utf-8\">");
	assert_has(html, "content=\"default-src 'none'; style-src 'unsafe-inline'\"");
	assert_has(html, "<title>mail.example.com:25: Dropped on the path");
	assert_has(html, "prefers-color-scheme:dark");
	assert_has(html, "@media print");
	free(html);
}

/* Everything from outside at once. */
static void make_hostile(struct sample *s)
{
	sample_local_rule(s);
	s->config.explain = true;
	s->f.target = HOSTILE_NAME;
	snprintf(s->f.local_rule.text, sizeof(s->f.local_rule.text), "%s", HOSTILE);
	snprintf(s->f.local_rule.table, sizeof(s->f.local_rule.table), "%s",
		 "|`<b>`\x1b*_[x](y)");
	snprintf(s->f.local_rule.chain, sizeof(s->f.local_rule.chain), "%s", "\n\n# h");
}

static void what_comes_from_outside_does_not_break_out(void **state)
{
	struct sample s;
	char *md, *html;

	(void)state;
	make_hostile(&s);
	assert_sound(&s, HOSTILE);
	md = ticket_of(TICKET_MARKDOWN, &s, HOSTILE);
	html = ticket_of(TICKET_HTML, &s, HOSTILE);
	assert_has(html, "&lt;script src=x&gt;alert(1)&lt;/script&gt;");
	assert_has(html, "\\x1b[31m\\x0e\\x0f\\u202e\\xff\\n# p");
	/* As text, and as code. */
	assert_has(md, "&lt;script src=x&gt;");
	assert_has(md, "\\[f\\](http\\://g)!\\[h\\]\\*i\\*\\_j\\_\\~\\~k\\~\\~\\$l\\$"
		       "&amp;amp;&amp;\\#60;");
	assert_has(md, "\n## ````");
	free(md);
	free(html);
	/* The same in a name that could not be looked up, and in what a service says. */
	sample_unresolved(&s);
	s.f.target = HOSTILE_NAME;
	s.f.name_why = HOSTILE;
	assert_sound(&s, "");
	sample_open(&s);
	s.f.protocol = IPPROTO_UDP;
	s.f.answer = ANSWER_REPLY;
	snprintf(s.f.said, sizeof(s.f.said), "%s", HOSTILE);
	assert_sound(&s, "");
}

static void a_hostile_command_stays_in_its_block(void **state)
{
	static const char command[] =
		"portblock '</code></pre><script>' '````' '|' $'\\n'";
	struct ticket t = TICKET_INIT;
	struct sample s;
	char *text;

	(void)state;
	sample_dropped_path(&s);
	ticket_with(&t, &s, "");
	text = ticket_finished(&t, command);
	assert_has(text, "\n`````sh\n");
	assert_has(text, command);
	assert_markdown(text);
	free(text);
	t.format = TICKET_HTML;
	ticket_with(&t, &s, "");
	text = ticket_finished(&t, command);
	assert_nests(text);
	assert_self_contained(text);
	free(text);
}

static void a_row_that_begins_like_a_list_is_text(void **state)
{
	static const char *const starts[] = {
		"1. x", "12) x", "- x", "+ x", "# x", "> x"
	};
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		char *md;

		sample_unresolved(&s);
		s.f.name_why = starts[i];
		md = ticket_of(TICKET_MARKDOWN, &s, "");
		assert_null(strstr(md, "\n1. x"));
		assert_null(strstr(md, "\n12) x"));
		assert_null(strstr(md, "\n- x"));
		assert_null(strstr(md, "\n+ x"));
		assert_null(strstr(md, "\n# x"));
		assert_null(strstr(md, "\n> x"));
		free(md);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cause_has_its_request_and_is_well_formed),
		cmocka_unit_test(every_sample_is_well_formed_in_both_formats),
		cmocka_unit_test(several_ports_are_well_formed),
		cmocka_unit_test(a_run_that_ended_at_once_has_a_whole_document),
		cmocka_unit_test(the_page_is_a_whole_one_and_may_load_nothing),
		cmocka_unit_test(what_comes_from_outside_does_not_break_out),
		cmocka_unit_test(a_hostile_command_stays_in_its_block),
		cmocka_unit_test(a_row_that_begins_like_a_list_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
