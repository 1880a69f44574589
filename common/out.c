#include "out.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "out_private.h"
#include "out_tree.h"
#include "text.h"

/* 2^63: the first integral double that int64_t can't hold. */
#define INT64_LIMIT 9223372036854775808.0

void out_record_init(struct out_record *r, const struct out_schema *schema,
		     int64_t wall_ns)
{
	assert(schema->n_columns <= OUT_MAX_COLUMNS);
	*r = (struct out_record){ .schema = schema, .wall_ns = wall_ns };
	buf_init(&r->strings);
}

void out_record_clear(struct out_record *r, int64_t wall_ns)
{
	for (size_t i = 0; i < r->schema->n_columns; i++)
		r->values[i].set = false;
	buf_clear(&r->strings);
	r->wall_ns = wall_ns;
}

void out_record_release(struct out_record *r)
{
	if (!r)
		return;
	/* No value may point at the strings that go. */
	if (r->schema)
		out_record_clear(r, r->wall_ns);
	buf_release(&r->strings);
}

static struct out_value *value_of(struct out_record *r, size_t column, enum out_type type)
{
	assert(column < r->schema->n_columns);
	assert(r->schema->columns[column].type == type);
	(void)type; /* with NDEBUG */
	return &r->values[column];
}

static const struct out_value *get_value(const struct out_record *r, size_t column,
					 enum out_type type)
{
	assert(column < r->schema->n_columns);
	assert(r->schema->columns[column].type == type);
	(void)type;
	return r->values[column].set ? &r->values[column] : NULL;
}

void out_set_string(struct out_record *r, size_t column, const char *s)
{
	if (s)
		out_set_bytes(r, column, s, strlen(s));
	else
		value_of(r, column, OUT_STRING)->set = false;
}

/* What was appended to the strings from AT on is V's. */
static void end_string(struct out_record *r, struct out_value *v, size_t at)
{
	buf_addc(&r->strings, '\0');
	v->set = !r->strings.failed;
	v->string = at;
}

void out_set_bytes(struct out_record *r, size_t column, const void *bytes, size_t len)
{
	struct out_value *v = value_of(r, column, OUT_STRING);
	size_t at = r->strings.len;

	text_escape(&r->strings, bytes, len);
	end_string(r, v, at);
}

void out_set_text(struct out_record *r, size_t column, const char *s)
{
	struct out_value *v = value_of(r, column, OUT_STRING);
	size_t at = r->strings.len;

	v->set = false;
	if (!s)
		return;
	out_add_words(&r->strings, s);
	end_string(r, v, at);
}

void out_set_tree(struct out_record *r, size_t column, const struct out_tree *t)
{
	struct out_value *v = value_of(r, column, OUT_TREE);
	size_t at = r->strings.len;

	v->set = false;
	if (t->json.failed) {
		r->strings.failed = true;
		return;
	}
	assert(!t->depth);
	if (!t->json.len)
		return;
	buf_add(&r->strings, t->json.data, t->json.len);
	end_string(r, v, at);
}

void out_set_integer(struct out_record *r, size_t column, int64_t n)
{
	struct out_value *v = value_of(r, column, OUT_INTEGER);

	v->set = true;
	v->integer = n;
}

void out_set_number(struct out_record *r, size_t column, double n)
{
	struct out_value *v = value_of(r, column, OUT_NUMBER);

	v->set = isfinite(n);
	v->number = n;
}

void out_set_bool(struct out_record *r, size_t column, bool b)
{
	struct out_value *v = value_of(r, column, OUT_BOOL);

	v->set = true;
	v->boolean = b;
}

const char *out_get_string(const struct out_record *r, size_t column)
{
	const struct out_value *v = get_value(r, column, OUT_STRING);

	return v ? r->strings.data + v->string : NULL;
}

const char *out_get_tree(const struct out_record *r, size_t column)
{
	const struct out_value *v = get_value(r, column, OUT_TREE);

	return v ? r->strings.data + v->string : NULL;
}

int64_t out_get_integer(const struct out_record *r, size_t column)
{
	const struct out_value *v = get_value(r, column, OUT_INTEGER);

	return v ? v->integer : 0;
}

double out_get_number(const struct out_record *r, size_t column)
{
	const struct out_value *v = get_value(r, column, OUT_NUMBER);

	return v ? v->number : 0;
}

bool out_get_bool(const struct out_record *r, size_t column)
{
	const struct out_value *v = get_value(r, column, OUT_BOOL);

	return v && v->boolean;
}

bool out_is_set(const struct out_record *r, size_t column)
{
	assert(column < r->schema->n_columns);
	return r->values[column].set;
}

/* N in decimal, with zeros in front up to WIDTH digits. */
static void add_digits(struct buf *b, uint64_t n, unsigned int width)
{
	char digits[20]; /* 2^64 - 1 has as many */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	if (sizeof(digits) - at < width)
		buf_fill(b, '0', width - (sizeof(digits) - at));
	buf_add(b, digits + at, sizeof(digits) - at);
}

void out_add_integer(struct buf *b, int64_t n)
{
	if (n < 0)
		buf_addc(b, '-');
	/* Negated as unsigned, for INT64_MIN has no positive twin. */
	add_digits(b, n < 0 ? -(uint64_t)n : (uint64_t)n, 1);
}

void out_add_fixed(struct buf *b, double n, unsigned int decimals)
{
	static const uint32_t scale[OUT_MAX_DECIMALS + 1] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
	};
	double size = fabs(n);
	uint64_t whole, part;

	assert(decimals <= OUT_MAX_DECIMALS);
	if (size >= INT64_LIMIT) {
		/* Without decimals printf knows no locale; and there are none up here. */
		buf_addf(b, "%.0f", n);
		if (decimals) {
			buf_addc(b, '.');
			buf_fill(b, '0', decimals);
		}
		return;
	}
	whole = (uint64_t)size;
	part = (uint64_t)round_i64((size - (double)whole) * scale[decimals]);
	if (part == scale[decimals]) {
		whole++;
		part = 0;
	}
	if (n < 0 && (whole || part))
		buf_addc(b, '-');
	add_digits(b, whole, 1);
	if (decimals) {
		buf_addc(b, '.');
		add_digits(b, part, decimals);
	}
}

void out_add_short(struct buf *b, double n, unsigned int decimals)
{
	out_add_fixed(b, n, decimals);
	if (b->failed || !decimals)
		return;
	while (b->data[b->len - 1] == '0')
		buf_truncate(b, b->len - 1);
	if (b->data[b->len - 1] == '.')
		buf_truncate(b, b->len - 1);
}

void out_add_words(struct buf *b, const char *s)
{
	while (*s) {
		size_t len = strcspn(s, "\\");

		text_escape(b, s, len);
		s += len;
		if (*s)
			buf_addc(b, *s++);
	}
}

void out_add_scalar(struct buf *b, const struct out_record *r, size_t column)
{
	const struct out_column *c = &r->schema->columns[column];
	const struct out_value *v = &r->values[column];

	if (!v->set)
		return;
	switch (c->type) {
	case OUT_STRING:
	case OUT_TREE:
		assert(!"a scalar");
		break;
	case OUT_INTEGER:
		out_add_integer(b, v->integer);
		break;
	case OUT_NUMBER:
		out_add_fixed(b, v->number, c->decimals);
		break;
	case OUT_BOOL:
		buf_adds(b, v->boolean ? "true" : "false");
		break;
	}
}

static bool schema_is_good(const struct out_schema *schema)
{
	if (!schema || !schema->tool || schema->n_columns > OUT_MAX_COLUMNS)
		return false;
	for (size_t i = 0; i < schema->n_columns; i++)
		if (!schema->columns[i].key ||
		    schema->columns[i].decimals > OUT_MAX_DECIMALS)
			return false;
	return true;
}

int out_open(struct out *o, enum out_format format, const struct out_schema *schema,
	     const struct out_prometheus *prometheus, int fd)
{
	bool own_lines = format == OUT_TEXT || format == OUT_NAGIOS;

	/* First, so that out_release() is right after a failure too. */
	*o = (struct out){
		.format = format, .schema = schema, .prometheus = prometheus, .fd = fd
	};
	buf_init(&o->pending);
	if ((schema || !own_lines) && !schema_is_good(schema))
		return -EINVAL;
	if (format == OUT_PROMETHEUS)
		return out_prometheus_open(&o->samples, schema, prometheus);
	return 0;
}

void out_release(struct out *o)
{
	if (!o)
		return;
	buf_release(&o->pending);
	out_prometheus_free(o->samples);
	o->samples = NULL;
}

/* Nothing will be written any more: free what can be large. */
static void drop_pending(struct out *o)
{
	buf_release(&o->pending);
}

static bool is_over(const struct out *o)
{
	return o->closed || o->error;
}

static void csv_header_once(struct out *o)
{
	if (!o->header_done)
		out_csv_header(&o->pending, o->schema);
	o->header_done = true;
}

void out_record(struct out *o, const struct out_record *r)
{
	if (is_over(o))
		return;
	/* A string is missing from it: better no answer than a wrong one. */
	if (r->strings.failed) {
		o->error = -ENOMEM;
		return;
	}
	switch (o->format) {
	case OUT_JSON:
		out_json_record(&o->pending, r);
		break;
	case OUT_CSV:
		if (r->schema != o->schema)
			break;
		csv_header_once(o);
		out_csv_record(&o->pending, r);
		break;
	case OUT_PROMETHEUS:
		if (r->schema == o->schema)
			o->error = out_prometheus_record(o->samples, o->prometheus, r);
		break;
	case OUT_TEXT:
	case OUT_NAGIOS:
		break;
	}
}

void out_text(struct out *o, const char *s)
{
	if (!is_over(o))
		buf_adds(&o->pending, s);
}

void out_textf(struct out *o, const char *fmt, ...)
{
	va_list ap;

	if (is_over(o))
		return;
	va_start(ap, fmt);
	buf_vaddf(&o->pending, fmt, ap);
	va_end(ap);
}

int out_flush(struct out *o)
{
	int err = 0;

	if (o->pending.failed && !is_over(o))
		o->error = -ENOMEM;
	if (!is_over(o))
		err = fd_write_all(o->fd, o->pending.data, o->pending.len);
	if (err == -EPIPE)
		o->closed = true;
	else if (err)
		o->error = err;
	if (is_over(o))
		drop_pending(o);
	else
		buf_clear(&o->pending);
	return o->closed ? -EPIPE : o->error;
}

int out_finish(struct out *o)
{
	if (!is_over(o) && o->format == OUT_CSV)
		csv_header_once(o);
	if (!is_over(o) && o->format == OUT_PROMETHEUS)
		out_prometheus_write(&o->pending, o->samples, o->prometheus);
	return out_flush(o);
}
