#include "say.h"

#include <stdlib.h>
#include <string.h>

#include "say_private.h"

double told_at(const struct telling *t, int64_t ns)
{
	int64_t start_ns = t->f->start_ns;

	/* What was never stamped counts as the end of the study. */
	if (ns <= 0)
		ns = t->f->end_ns;
	return ns > start_ns ? ns_to_ms(ns - start_ns) : 0;
}

void tell_evidence_buf(struct telling *t, const struct evidence *e, struct buf *text)
{
	struct account *a = t->account;
	char *owned = buf_steal(text);

	if (owned && a->n_evidence == a->cap_evidence) {
		size_t cap = a->cap_evidence ? 2 * a->cap_evidence : 16;
		struct evidence *more = realloc(a->evidence, cap * sizeof(*more));

		if (more) {
			a->evidence = more;
			a->cap_evidence = cap;
		}
	}
	if (!owned || a->n_evidence == a->cap_evidence) {
		free(owned);
		a->failed = true;
		return;
	}
	a->evidence[a->n_evidence] = *e;
	a->evidence[a->n_evidence].text = owned;
	a->n_evidence++;
}

void tell_evidence(struct telling *t, const struct evidence *e, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	tell_evidence_buf(t, e, &text);
}

void tell_line_buf(struct lines *lines, struct buf *text)
{
	char *owned = buf_steal(text);

	if (owned && lines->n == lines->cap) {
		size_t cap = lines->cap ? 2 * lines->cap : 8;
		char **more = realloc(lines->items, cap * sizeof(*more));

		if (more) {
			lines->items = more;
			lines->cap = cap;
		}
	}
	if (!owned || lines->n == lines->cap) {
		free(owned);
		lines->failed = true;
		return;
	}
	lines->items[lines->n++] = owned;
}

void tell_line(struct lines *lines, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	tell_line_buf(lines, &text);
}

/* By time; what has the same time stays in the order in which it was told. */
static void sort_evidence(struct account *a)
{
	size_t i, at;

	for (i = 1; i < a->n_evidence; i++) {
		struct evidence e = a->evidence[i];

		for (at = i; at > 0 && a->evidence[at - 1].t_ms > e.t_ms; at--)
			a->evidence[at] = a->evidence[at - 1];
		a->evidence[at] = e;
	}
}

void say_account(struct account *ret_account, const struct portblock_config *config,
		 const struct findings *f, const struct judgement *j)
{
	struct account account = { .failed = false };
	struct telling t = { .account = &account, .config = config, .f = f, .j = j };

	say_evidence(&t);
	sort_evidence(&account);
	say_advice(&t);
	if (config->explain)
		say_excluded(&t);
	account.failed |= account.next.failed || account.ruled_out.failed;
	*ret_account = account;
}

static void release_lines(struct lines *lines)
{
	size_t i;

	for (i = 0; i < lines->n; i++)
		free(lines->items[i]);
	free(lines->items);
	memset(lines, 0, sizeof(*lines));
}

void account_release(struct account *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n_evidence; i++)
		free(a->evidence[i].text);
	free(a->evidence);
	release_lines(&a->next);
	release_lines(&a->ruled_out);
	memset(a, 0, sizeof(*a));
}
