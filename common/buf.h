/*
 * Floor 1: growable bytes, always NUL-terminated.
 *
 * Memory errors are sticky: once an append fails, `failed` is set, later appends do
 * nothing, and the caller checks once, where it uses the result.
 *
 *	struct buf b = BUF_INIT;
 *	buf_addf(&b, "%s:%u", host, port);
 *	if (b.failed) ...
 *	buf_release(&b);
 *
 * `data` is never NULL and belongs to the buf until buf_steal(). Appends refuse to grow
 * beyond BUF_MAX_BYTES, so that input can't take all memory.
 */
#ifndef PK_BUF_H
#define PK_BUF_H

#include <stdarg.h>

#include "base.h"

#define BUF_MAX_BYTES ((size_t)1 << 30)

struct buf {
	char *data; /* NUL at data[len]; points to a shared empty string while cap == 0 */
	size_t len;
	size_t cap;
	bool failed;
};

/* What an empty buf points to; never written through. */
extern char buf_empty[1];

/* clang-format off */
#define BUF_INIT { .data = buf_empty }
/* clang-format on */

void buf_init(struct buf *b);
/* Free the memory; the buf is as after buf_init(). NULL is accepted. */
void buf_release(struct buf *b);
/* Forget the contents (and `failed`), keep the memory. */
void buf_clear(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
/* N with a comma before every third digit: "65,535". */
void buf_add_grouped(struct buf *b, uint64_t n);
/* COUNT times the character C. */
void buf_fill(struct buf *b, char c, size_t count);
void buf_addf(struct buf *b, const char *fmt, ...) PK_PRINTF(2, 3);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) PK_PRINTF(2, 0);
/* Remove LEN bytes (at most all) from the front. */
void buf_consume(struct buf *b, size_t len);
/* Cut to LEN bytes; longer than the contents does nothing. */
void buf_truncate(struct buf *b, size_t len);
/* The contents as malloc'd string, caller frees; NULL if failed. The buf is emptied. */
char *buf_steal(struct buf *b);

#endif
