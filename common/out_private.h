/*
 * What out.c and the formats share; nobody else includes it.
 *
 * The out_add_*() functions append to a buf, whose memory errors are sticky. All numbers
 * are written with a point, whatever the locale says.
 */
#ifndef PK_OUT_PRIVATE_H
#define PK_OUT_PRIVATE_H

#include "out.h"

/* The Makefile's version; this one serves compiles by hand. */
#ifndef PK_VERSION
#define PK_VERSION "0.1.0"
#endif

void out_add_integer(struct buf *b, int64_t n);
/* A finite number with exactly DECIMALS digits after the point (at most
 * OUT_MAX_DECIMALS), and no "-0". */
void out_add_fixed(struct buf *b, double n, unsigned int decimals);
/* The same without the zeros at the end; never an exponent. */
void out_add_short(struct buf *b, double n, unsigned int decimals);
/* A value that is neither string nor tree, as all formats write it; nothing when null. */
void out_add_scalar(struct buf *b, const struct out_record *r, size_t column);

/* S as out_set_text() takes it. */
void out_add_words(struct buf *b, const char *s);

/* A JSON string of S, which is escaped as text.h does it. */
void out_json_string(struct buf *b, const char *s);
void out_json_record(struct buf *b, const struct out_record *r);
void out_csv_header(struct buf *b, const struct out_schema *schema);
void out_csv_record(struct buf *b, const struct out_record *r);

/* 0; -ENOMEM; -EINVAL: P does not fit SCHEMA, or has names Prometheus would not take. */
int out_prometheus_open(struct out_samples **ret_samples, const struct out_schema *schema,
			const struct out_prometheus *p);
/* 0 or -ENOMEM. */
int out_prometheus_record(struct out_samples *s, const struct out_prometheus *p,
			  const struct out_record *r);
/* Append the exposition to B and forget the samples. */
void out_prometheus_write(struct buf *b, struct out_samples *s,
			  const struct out_prometheus *p);
void out_prometheus_free(struct out_samples *s);

#endif
