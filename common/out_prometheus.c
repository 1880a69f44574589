#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "out_private.h"

/* What input can make us keep: 64 ports on each address of a /16. */
#define MAX_SETS   ((size_t)1 << 22)
#define FIRST_SETS 64
/* Its unit of time is the second; the kernel's smallest is the nanosecond. */
#define DECIMALS 9
#define LETTERS	 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS	 "0123456789"

/* The labels of a record, written out once for all its metrics. */
struct label_set {
	uint64_t hash;
	size_t text; /* offset into texts; ends with a NUL */
};

/* Each distinct set of labels, in order of arrival, and a hash table to find it by. */
struct out_samples {
	size_t n_metrics;
	struct label_set *sets;
	double *values; /* n_metrics for each set; NAN: no sample */
	size_t n_sets, cap_sets;
	uint32_t *slots; /* index into sets, plus one; 0: free */
	size_t n_slots;	 /* a power of two, at least twice cap_sets */
	struct buf texts;
};

/* What a sample's value can come from. */
static bool is_scalar(enum out_type type)
{
	return type != OUT_STRING && type != OUT_TREE;
}

/* [a-zA-Z_][a-zA-Z0-9_]*, with EXTRA allowed anywhere (Prometheus data model). */
static bool is_name(const char *s, const char *extra)
{
	if (!s || !*s || strchr(DIGITS, *s))
		return false;
	while (*s) {
		size_t len = strspn(s, LETTERS DIGITS);

		len += strspn(s + len, extra);
		if (!len)
			return false;
		s += len;
	}
	return true;
}

static bool metric_is_good(const struct out_metric *m, const struct out_schema *schema)
{
	return is_name(m->name, ":") && m->help && m->column < schema->n_columns &&
	       is_scalar(schema->columns[m->column].type) && isfinite(m->scale) &&
	       m->type &&
	       (!strcmp(m->type, "gauge") || !strcmp(m->type, "counter") ||
		!strcmp(m->type, "untyped"));
}

static bool label_is_good(size_t column, const struct out_schema *schema)
{
	if (column >= schema->n_columns || schema->columns[column].type == OUT_TREE)
		return false;
	/* Names with two underscores in front are Prometheus's own. */
	return is_name(schema->columns[column].key, "") &&
	       strncmp(schema->columns[column].key, "__", 2) != 0;
}

static bool table_is_good(const struct out_prometheus *p, const struct out_schema *schema)
{
	if (!p || !p->n_metrics)
		return false;
	for (size_t i = 0; i < p->n_metrics; i++) {
		if (!metric_is_good(&p->metrics[i], schema))
			return false;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(p->metrics[i].name, p->metrics[k].name))
				return false;
	}
	for (size_t i = 0; i < p->n_labels; i++) {
		if (!label_is_good(p->labels[i], schema))
			return false;
		for (size_t k = 0; k < i; k++)
			if (p->labels[i] == p->labels[k])
				return false;
	}
	return true;
}

int out_prometheus_open(struct out_samples **ret_samples, const struct out_schema *schema,
			const struct out_prometheus *p)
{
	struct out_samples *s;

	if (!table_is_good(p, schema))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->n_metrics = p->n_metrics;
	buf_init(&s->texts);
	*ret_samples = s;
	return 0;
}

void out_prometheus_free(struct out_samples *s)
{
	if (!s)
		return;
	free(s->sets);
	free(s->values);
	free(s->slots);
	buf_release(&s->texts);
	free(s);
}

/* A label's value: \ " and newline are escaped. That of text.h has been there already, so
 * its backslashes are doubled, and come back as they were when the value is read. */
static void add_escaped(struct buf *b, const char *s, const char *special)
{
	while (*s) {
		size_t len = strcspn(s, special);

		buf_add(b, s, len);
		s += len;
		if (!*s)
			break;
		buf_addc(b, '\\');
		buf_addc(b, *s == '\n' ? 'n' : *s);
		s++;
	}
}

static void add_labels(struct buf *b, const struct out_prometheus *p,
		       const struct out_record *r)
{
	for (size_t i = 0; i < p->n_labels; i++) {
		size_t column = p->labels[i];

		buf_addc(b, i ? ',' : '{');
		buf_adds(b, r->schema->columns[column].key);
		buf_add(b, "=\"", 2);
		if (r->schema->columns[column].type != OUT_STRING)
			out_add_scalar(b, r, column);
		else if (out_is_set(r, column))
			add_escaped(b, out_get_string(r, column), "\\\"\n");
		buf_addc(b, '"');
	}
	if (p->n_labels)
		buf_addc(b, '}');
	buf_addc(b, '\0');
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(const char *s)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3;
	return hash;
}

/* The slot that holds the set of that text, or the free one where it belongs. */
static uint32_t *find_slot(const struct out_samples *s, uint64_t hash, const char *text)
{
	size_t mask = s->n_slots - 1;
	size_t i = hash & mask;

	for (; s->slots[i]; i = (i + 1) & mask) {
		const struct label_set *set = &s->sets[s->slots[i] - 1];

		if (set->hash == hash && !strcmp(s->texts.data + set->text, text))
			break;
	}
	return &s->slots[i];
}

/* Make room for one more set. */
static int reserve_set(struct out_samples *s)
{
	size_t cap = s->cap_sets ? 2 * s->cap_sets : FIRST_SETS;
	struct label_set *sets;
	double *values;
	uint32_t *slots;

	if (s->n_sets < s->cap_sets)
		return 0;
	if (cap > MAX_SETS)
		return -ENOMEM;
	sets = reallocarray(s->sets, cap, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	s->sets = sets;
	values = reallocarray(s->values, cap, s->n_metrics * sizeof(*values));
	if (!values)
		return -ENOMEM;
	s->values = values;
	slots = calloc(2 * cap, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(s->slots);
	s->slots = slots;
	s->n_slots = 2 * cap;
	s->cap_sets = cap;
	for (size_t i = 0; i < s->n_sets; i++) {
		const struct label_set *set = &s->sets[i];

		*find_slot(s, set->hash, s->texts.data + set->text) = (uint32_t)i + 1;
	}
	return 0;
}

static double sample_of(const struct out_metric *m, const struct out_record *r)
{
	if (!out_is_set(r, m->column))
		return NAN;
	switch (r->schema->columns[m->column].type) {
	case OUT_INTEGER:
		return (double)out_get_integer(r, m->column) * m->scale;
	case OUT_NUMBER:
		return out_get_number(r, m->column) * m->scale;
	case OUT_BOOL:
		return out_get_bool(r, m->column) ? m->scale : 0;
	case OUT_STRING:
	case OUT_TREE:
		break;
	}
	return NAN;
}

int out_prometheus_record(struct out_samples *s, const struct out_prometheus *p,
			  const struct out_record *r)
{
	size_t text = s->texts.len, set;
	uint32_t *slot;
	uint64_t hash;
	int err;

	err = reserve_set(s);
	if (err)
		return err;
	add_labels(&s->texts, p, r);
	if (s->texts.failed)
		return -ENOMEM;
	hash = hash_text(s->texts.data + text);
	slot = find_slot(s, hash, s->texts.data + text);
	if (*slot) {
		set = *slot - 1;
		buf_truncate(&s->texts, text);
	} else {
		set = s->n_sets++;
		s->sets[set] = (struct label_set){ .hash = hash, .text = text };
		*slot = (uint32_t)set + 1;
	}
	for (size_t i = 0; i < p->n_metrics; i++)
		s->values[set * s->n_metrics + i] = sample_of(&p->metrics[i], r);
	return 0;
}

static void add_head(struct buf *b, const struct out_metric *m)
{
	buf_addf(b, "# HELP %s ", m->name);
	add_escaped(b, m->help, "\\\n");
	buf_addf(b, "\n# TYPE %s %s\n", m->name, m->type);
}

void out_prometheus_write(struct buf *b, struct out_samples *s,
			  const struct out_prometheus *p)
{
	for (size_t i = 0; i < p->n_metrics; i++) {
		bool head = false;

		for (size_t k = 0; k < s->n_sets; k++) {
			double value = s->values[k * s->n_metrics + i];

			if (!isfinite(value))
				continue;
			if (!head)
				add_head(b, &p->metrics[i]);
			head = true;
			buf_adds(b, p->metrics[i].name);
			buf_adds(b, s->texts.data + s->sets[k].text);
			buf_addc(b, ' ');
			out_add_short(b, value, DECIMALS);
			buf_addc(b, '\n');
		}
	}
	s->n_sets = 0;
	buf_clear(&s->texts);
	if (s->slots)
		memset(s->slots, 0, s->n_slots * sizeof(*s->slots));
}
