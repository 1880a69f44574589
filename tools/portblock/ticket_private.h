/*
 * Inside a ticket: what there is to say, once for both formats, and who writes it down.
 *
 * The texts here are printable and not yet escaped for a format. "Marked" ones have code
 * (addresses, commands) between CODE_BEGIN and CODE_END, bytes that printable text never
 * has.
 */
#ifndef PORTBLOCK_TICKET_PRIVATE_H
#define PORTBLOCK_TICKET_PRIVATE_H

#include "clock.h"
#include "picture.h"
#include "ticket.h"

#define CODE_BEGIN "\x0e"
#define CODE_END   "\x0f"

/* A row of the connection's table. */
struct ticket_fact {
	const char *name;
	struct buf value; /* marked */
};

#define TICKET_FACTS_MAX 10

enum ticket_tone { TONE_GOOD, TONE_WARN, TONE_BAD };

/* One port. */
struct ticket_view {
	unsigned int number; /* from 1 */
	enum ticket_tone tone;
	struct buf subject;  /* "mail.example.com:25" */
	struct buf about;    /* "smtp, TCP, at 10.77.3.2" */
	struct buf headline; /* "Dropped on the path, after hop 2" */
	struct buf message;  /* one sentence */
	const char *confidence, *confidence_means;
	struct buf request; /* to the reader; empty: none */
	struct ticket_fact facts[TICKET_FACTS_MAX];
	size_t n_facts;
	struct picture_item items[PICTURE_MAX];
	size_t n_items;
	const char *picture_note; /* how to read it; "": nothing to say */
	struct buf evidence_from; /* the time that evidence counts from */
	const struct account *account;
};

/* What both formats say in the same words. */
struct ticket_frame {
	struct buf title; /* of the only port, else how many there are */
	char time[CLOCK_RFC3339_SIZE];
	const char *command; /* NULL: not known */
};

#define TICKET_HEADING "Connectivity ticket"

/* Line I of the advice, marked; false: the request has said it. */
bool ticket_advice(struct buf *out, const struct account *a, size_t i);
/* TEXT with a capital in front and a full stop behind. */
void ticket_sentence(struct buf *out, const char *text);

/* ticket_request.c: what the reader is asked to do, and who that is. */
void ticket_request(struct buf *out, const struct findings *f, const struct judgement *j);

/* ticket_html.c */
void html_row(struct buf *out, const struct ticket_view *v);
void html_section(struct buf *out, const struct ticket_view *v);
void html_document(struct buf *out, const struct ticket *t,
		   const struct ticket_frame *frame);
void html_text(struct buf *out, const char *text);
/* ticket_style.c: the style sheet. */
extern const char html_style[];
/* ticket_svg.c */
void svg_picture(struct buf *out, const struct ticket_view *v);

/* ticket_markdown.c */
void markdown_row(struct buf *out, const struct ticket_view *v);
void markdown_section(struct buf *out, const struct ticket_view *v);
void markdown_document(struct buf *out, const struct ticket *t,
		       const struct ticket_frame *frame);

#endif
