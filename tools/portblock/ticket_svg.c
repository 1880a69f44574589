/*
 * The path as a picture: stations from top to bottom, the mark where it is blocked.
 */
#include "clock.h"
#include "text.h"
#include "ticket_private.h"

/* In pixels, of which a narrow telephone has as many. */
#define WIDTH  360
#define PATH_X 16
#define TEXT_X 40
#define LINE   19 /* from one line of text to the next */
#define GAP    15 /* between stations */
#define RISE   5  /* the middle of a line of text is above its baseline */
/* Columns of a note that surely have place. */
#define NOTE_COLUMNS 42

struct svg {
	struct buf ways, body; /* ways lie under the rest */
	unsigned int y;	       /* baseline of the next line */
	unsigned int from_y;   /* of the station before; 0: none */
};

static void add_line(struct svg *s, const char *classes, const char *text, size_t len)
{
	struct buf line = BUF_INIT;

	buf_add(&line, text, len);
	buf_addf(&s->body, "<text x=\"%d\" y=\"%u\" class=\"%s\">", TEXT_X, s->y,
		 classes);
	html_text(&s->body, line.data);
	buf_adds(&s->body, "</text>\n");
	s->body.failed |= line.failed;
	buf_release(&line);
	s->y += LINE;
}

/* TEXT in lines of at most NOTE_COLUMNS, broken at blanks. */
static void add_note(struct svg *s, const char *classes, const char *text)
{
	while (*text) {
		size_t end = 0, at = 0, columns = 0;

		for (; text[at] && (columns < NOTE_COLUMNS || !end); at++) {
			columns += ((unsigned char)text[at] & 0xc0) != 0x80;
			if (text[at] == ' ')
				end = at;
		}
		if (!text[at])
			end = at;
		add_line(s, classes, text, end);
		text += end;
		while (*text == ' ')
			text++;
	}
}

/* From the station before to the one at Y. */
static void add_way(struct svg *s, unsigned int y, bool unseen)
{
	if (s->from_y)
		buf_addf(&s->ways, "<path class=\"%s\" d=\"M%d %uV%u\"/>\n",
			 unseen ? "unseen" : "way", PATH_X, s->from_y, y);
	s->from_y = y;
}

static void add_mark(struct svg *s, unsigned int y)
{
	buf_addf(&s->body,
		 "<circle class=\"mark\" cx=\"%d\" cy=\"%u\" r=\"10\"/>"
		 "<path class=\"cross\" d=\"M%d %ul8 8m0-8l-8 8\"/>\n",
		 PATH_X, y, PATH_X - 4, y - 4);
}

static void add_node(struct svg *s, const struct picture_item *item, unsigned int y)
{
	const char *unseen = item->beyond ? " unseen" : "";

	if (item->kind == PICTURE_SELF)
		buf_addf(&s->body,
			 "<rect class=\"node\" x=\"%d\" y=\"%u\" width=\"14\" "
			 "height=\"14\" rx=\"3\"/>\n",
			 PATH_X - 7, y - 7);
	else
		buf_addf(&s->body,
			 "<circle class=\"node%s%s\" cx=\"%d\" cy=\"%u\" r=\"%d\"/>\n",
			 unseen, item->kind == PICTURE_SILENT ? " silent" : "", PATH_X, y,
			 item->kind == PICTURE_TARGET ? 9 : 7);
	if (item->kind == PICTURE_TARGET)
		buf_addf(&s->body,
			 "<circle class=\"core%s\" cx=\"%d\" cy=\"%u\" r=\"4\"/>\n",
			 unseen, PATH_X, y);
}

static void add_station(struct svg *s, const struct picture_item *item, bool blocked)
{
	unsigned int y = s->y - RISE;
	size_t columns = text_columns(item->name) + text_columns(item->note);
	bool beside = item->note[0] && columns < NOTE_COLUMNS;

	add_way(s, y, item->beyond);
	if (blocked)
		add_mark(s, y);
	else
		add_node(s, item, y);
	buf_addf(&s->body, "<text x=\"%d\" y=\"%u\"><tspan class=\"name%s\">", TEXT_X,
		 s->y, item->beyond ? " faint" : "");
	html_text(&s->body, item->name);
	buf_adds(&s->body, "</tspan>");
	if (beside) {
		buf_adds(&s->body, "<tspan class=\"note\" dx=\"8\">");
		html_text(&s->body, item->note);
		buf_adds(&s->body, "</tspan>");
	}
	buf_adds(&s->body, "</text>\n");
	s->y += LINE;
	if (item->address[0])
		add_note(s, item->beyond ? "address faint" : "address", item->address);
	if (!beside)
		add_note(s, "note", item->note);
}

static void add_items(struct svg *s, const struct ticket_view *v)
{
	size_t i;

	for (i = 0; i < v->n_items; i++) {
		const struct picture_item *item = &v->items[i];
		bool blocked = i + 1 < v->n_items &&
			       v->items[i + 1].kind == PICTURE_BLOCK_HERE;

		if (item->kind == PICTURE_BLOCK) {
			add_way(s, s->y - RISE, false);
			add_mark(s, s->y - RISE);
			add_note(s, "here", item->note);
		} else {
			add_station(s, item, blocked);
			if (blocked)
				add_note(s, "here", v->items[++i].note);
		}
		s->y += GAP;
	}
}

/* The same in words, for those who do not see it. */
static void add_description(struct buf *out, const struct ticket_view *v)
{
	size_t i;

	for (i = 0; i < v->n_items; i++) {
		const struct picture_item *item = &v->items[i];

		buf_adds(out, i ? "; " : "");
		if (item->kind == PICTURE_BLOCK || item->kind == PICTURE_BLOCK_HERE)
			buf_adds(out, "blocked here");
		html_text(out, item->name);
		if (item->address[0]) {
			buf_addc(out, ' ');
			html_text(out, item->address);
		}
		if (item->note[0]) {
			buf_adds(out, ": ");
			html_text(out, item->note);
		}
	}
}

void svg_picture(struct buf *out, const struct ticket_view *v)
{
	struct svg s = { .ways = BUF_INIT, .body = BUF_INIT, .y = LINE };
	unsigned int height;

	add_items(&s, v);
	height = s.y - LINE;
	buf_addf(out,
		 "<svg role=\"img\" aria-labelledby=\"title-%u desc-%u\" width=\"%d\" "
		 "height=\"%u\" viewBox=\"0 0 %d %u\">\n<title id=\"title-%u\">The path "
		 "to ",
		 v->number, v->number, WIDTH, height, WIDTH, height, v->number);
	html_text(out, v->subject.data);
	buf_addf(out, "</title>\n<desc id=\"desc-%u\">", v->number);
	add_description(out, v);
	buf_adds(out, "</desc>\n");
	buf_add(out, s.ways.data, s.ways.len);
	buf_add(out, s.body.data, s.body.len);
	buf_adds(out, "</svg>\n");
	out->failed |= s.ways.failed || s.body.failed;
	buf_release(&s.ways);
	buf_release(&s.body);
}
