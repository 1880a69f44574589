#include "show.h"

#include <stdio.h>
#include <string.h>

#include "say_private.h"
#include "text.h"
#include "words.h"

/* Columns in front of the text of evidence: "  12345.6 ms  ". */
#define EVIDENCE_INDENT 14
/* Narrower than this is not worth breaking lines for. */
#define WIDTH_MIN 40

static void styled(struct buf *out, const struct show_style *s, enum term_style style,
		   const char *text)
{
	buf_adds(out, term_begin(style, s->color));
	buf_adds(out, text);
	buf_adds(out, term_end(style, s->color));
}

/* ---- broken lines ---- */

/* The bytes of TEXT that go on a line of COLUMNS: up to a blank, or all of a word that is
 * longer. */
static size_t fits(const char *text, size_t columns)
{
	size_t at = 0, column = 0, blank = 0;

	while (text[at] && text[at] != '\n') {
		if (text[at] == ' ')
			blank = at;
		if (column >= columns && blank)
			return blank;
		/* A code point is a column. */
		do
			at++;
		while ((text[at] & 0xc0) == 0x80);
		column++;
	}
	return at;
}

/* TEXT, whose first line begins where the cursor is, the others at INDENT. */
static void add_wrapped(struct buf *out, const struct show_style *s, size_t indent,
			const char *text)
{
	size_t width = s->width > WIDTH_MIN ? s->width : WIDTH_MIN;

	for (;;) {
		size_t n = fits(text, width - indent);

		buf_add(out, text, n);
		buf_addc(out, '\n');
		text += n;
		text += strspn(text, " \n");
		if (!*text)
			return;
		buf_fill(out, ' ', indent);
	}
}

/* ---- the head ---- */

static enum term_style style_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_OPEN:
		return TERM_GOOD;
	case VERDICT_LOSSY:
	case VERDICT_INCONCLUSIVE:
		return TERM_WARN;
	case VERDICT_NO_LISTENER:
	case VERDICT_DROPPED:
	case VERDICT_REJECTED:
	case VERDICT_RESET_BY_MIDDLEBOX:
	case VERDICT_PROXIED:
	case VERDICT_RESET_AFTER_ACCEPT:
	case VERDICT_RETURN_PATH:
	case VERDICT_HOST_DOWN:
	case VERDICT_NO_ROUTE:
	case VERDICT_UNRESOLVED:
		return TERM_BAD;
	}
	return TERM_PLAIN;
}

/* "example.com:25 (smtp) at 192.0.2.1: " */
static void add_what(struct buf *out, const struct findings *f, const char *service)
{
	char address[ADDR_TEXT_SIZE] = "";
	struct buf target = BUF_INIT;
	bool brackets;

	if (f->addr.family != AF_UNSPEC)
		addr_to_text(&f->addr, address);
	/* Of a block, the address is the target. */
	if (strchr(f->target, '/'))
		buf_adds(&target, address);
	else
		text_escape_str(&target, f->target);
	brackets = strchr(target.data, ':') != NULL;
	buf_addf(out, brackets ? "[%s]:%u" : "%s:%u", target.data, f->port);
	if (f->protocol == IPPROTO_UDP)
		buf_adds(out, "/udp");
	if (*service)
		buf_addf(out, " (%s)", service);
	if (*address && strcmp(address, target.data))
		buf_addf(out, " at %s", address);
	buf_adds(out, ": ");
	out->failed |= target.failed;
	buf_release(&target);
}

static void add_head(struct buf *out, const struct show_style *s, const char *service,
		     const struct findings *f, const struct judgement *j)
{
	struct buf headline = BUF_INIT;

	add_what(out, f, service);
	words_headline(&headline, f, j);
	styled(out, s, style_of(j->verdict), headline.data);
	buf_addf(out, " [%s]\n", confidence_word(j->confidence));
	out->failed |= headline.failed;
	buf_release(&headline);
}

static void add_message(struct buf *out, const struct show_style *s,
			const struct findings *f, const struct judgement *j)
{
	struct buf message = BUF_INIT;

	words_message(&message, f, j);
	buf_adds(out, "  ");
	add_wrapped(out, s, 2, message.data);
	out->failed |= message.failed;
	buf_release(&message);
}

/* ---- the picture ---- */

struct columns {
	size_t name, address;
};

static struct columns columns_of(const struct picture_item *items, size_t n)
{
	struct columns c = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		size_t name = strlen(items[i].name), address = strlen(items[i].address);

		if (name > c.name)
			c.name = name;
		if (address > c.address)
			c.address = address;
	}
	return c;
}

static void add_line_to(struct buf *out, const struct show_style *s, bool beyond)
{
	const char *line = s->utf8 ? (beyond ? "\u250a" : "\u2502")
				   : (beyond ? ":" : "|");

	buf_adds(out, "    ");
	styled(out, s, TERM_FAINT, line);
	buf_addc(out, '\n');
}

static const char *mark(const struct show_style *s)
{
	return s->utf8 ? "\u2717" : "X";
}

/* One station; BLOCK: it is blocked here, NULL: not. */
static void add_station(struct buf *out, const struct show_style *s,
			const struct picture_item *item, const struct columns *c,
			const struct picture_item *block)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%-*s  %-*s  %s", (int)c->name, item->name, (int)c->address,
		 item->address, item->note);
	while (text.len && text.data[text.len - 1] == ' ')
		buf_truncate(&text, text.len - 1);
	if (block) {
		styled(out, s, TERM_BAD, mark(s));
		buf_addc(out, ' ');
	} else {
		buf_adds(out, "  ");
	}
	styled(out, s, item->beyond ? TERM_FAINT : TERM_PLAIN, text.data);
	if (block) {
		if (!item->note[0])
			buf_fill(out, ' ', c->name + c->address + 4 - text.len);
		else
			buf_adds(out, "; ");
		styled(out, s, TERM_BAD, block->note);
	}
	buf_addc(out, '\n');
	out->failed |= text.failed;
	buf_release(&text);
}

void show_picture(struct buf *out, const struct show_style *s,
		  const struct picture_item *items, size_t n)
{
	struct columns c = columns_of(items, n);
	bool line = false;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct picture_item *next = i + 1 < n ? &items[i + 1] : NULL;
		bool blocked = next && next->kind == PICTURE_BLOCK_HERE;

		if (items[i].kind == PICTURE_BLOCK) {
			buf_adds(out, "    ");
			styled(out, s, TERM_BAD, mark(s));
			buf_fill(out, ' ', c.name > 2 ? c.name - 1 : 1);
			styled(out, s, TERM_BAD, items[i].note);
			buf_addc(out, '\n');
			line = false;
			continue;
		}
		if (line)
			add_line_to(out, s, items[i].beyond);
		add_station(out, s, &items[i], &c, blocked ? next : NULL);
		line = true;
		i += blocked;
	}
}

static void add_picture(struct buf *out, const struct show_style *s,
			const struct findings *f, const struct judgement *j)
{
	struct picture_item items[PICTURE_MAX];
	size_t n = picture_of(f, j, items);

	if (n)
		buf_addc(out, '\n');
	show_picture(out, s, items, n);
}

/* ---- the rest ---- */

static void add_title(struct buf *out, const struct show_style *s, const char *title)
{
	buf_adds(out, "\n  ");
	styled(out, s, TERM_BOLD, title);
	buf_addc(out, '\n');
}

static void add_evidence(struct buf *out, const struct show_style *s,
			 const struct account *a)
{
	size_t i;

	if (a->n_evidence)
		add_title(out, s, "Evidence");
	for (i = 0; i < a->n_evidence; i++) {
		buf_addf(out, "  %7.1f ms  ", a->evidence[i].t_ms);
		add_wrapped(out, s, EVIDENCE_INDENT, a->evidence[i].text);
	}
}

/* COMMANDS are for a mouse to copy: not broken. */
static void add_lines(struct buf *out, const struct show_style *s, const char *title,
		      const struct lines *lines, bool commands)
{
	size_t i;

	if (lines->n)
		add_title(out, s, title);
	for (i = 0; i < lines->n; i++) {
		buf_adds(out, "    ");
		if (commands)
			buf_addf(out, "%s\n", lines->items[i]);
		else
			add_wrapped(out, s, 6, lines->items[i]);
	}
}

void show_block(struct buf *out, const struct show_style *style,
		const struct portblock_config *config, const char *service,
		const struct findings *f, const struct judgement *j,
		const struct account *a)
{
	bool whole = j->verdict != VERDICT_OPEN || config->verbose || config->explain;

	if (!style->first && whole)
		buf_addc(out, '\n');
	add_head(out, style, service, f, j);
	if (whole || j->cause != CAUSE_OPEN)
		add_message(out, style, f, j);
	if (!whole)
		return;
	add_picture(out, style, f, j);
	add_evidence(out, style, a);
	add_lines(out, style, "Next", &a->next, true);
	add_lines(out, style, "Other causes", &a->ruled_out, false);
}
