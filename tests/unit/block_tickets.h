/*
 * Tickets made of the samples, for the tests of what they say and how they are written.
 * Include after cmocka.h.
 */
#ifndef PK_TEST_BLOCK_TICKETS_H
#define PK_TEST_BLOCK_TICKETS_H

#include <stdlib.h>

#include "block_samples.h"
#include "ticket.h"

static inline void ticket_with(struct ticket *t, struct sample *s, const char *service)
{
	struct account a;

	say_account(&a, &s->config, &s->f, &s->j);
	assert_false(a.failed);
	ticket_add(t, service, &s->f, &s->j, &a);
	account_release(&a);
}

static inline char *ticket_finished(struct ticket *t, const char *command)
{
	struct buf out = BUF_INIT;
	char *text;

	ticket_finish(t, &out, command, SAMPLE_WALL_NS + 10 * NS_PER_S);
	assert_false(out.failed);
	text = buf_steal(&out);
	ticket_release(t);
	assert_non_null(text);
	return text;
}

/* The ticket of one port; the caller frees it. */
static inline char *ticket_of(enum ticket_format format, struct sample *s,
			      const char *service)
{
	struct ticket t = TICKET_INIT;

	t.format = format;
	ticket_with(&t, s, service);
	return ticket_finished(&t, "portblock --explain mail.example.com 25");
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

static inline void assert_both(struct sample *s, const char *part)
{
	char *md = ticket_of(TICKET_MARKDOWN, s, "smtp");
	char *html = ticket_of(TICKET_HTML, s, "smtp");

	assert_has(md, part);
	assert_has(html, part);
	free(md);
	free(html);
}

static inline unsigned int count(const char *text, const char *part)
{
	unsigned int n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

#endif
