#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most lines fit at once. */
#define BUF_FIRST_BYTES 64

char buf_empty[1];

void buf_init(struct buf *b)
{
	*b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
	if (!b)
		return;
	if (b->cap)
		free(b->data);
	buf_init(b);
}

void buf_clear(struct buf *b)
{
	buf_truncate(b, 0);
	b->failed = false;
}

/* Make room for EXTRA more bytes and the NUL; false, and failed, if that can't be. */
static bool buf_grow(struct buf *b, size_t extra)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (extra > BUF_MAX_BYTES - b->len) {
		b->failed = true;
		return false;
	}
	need = b->len + extra + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : BUF_FIRST_BYTES;
	/* Ends: need is at most BUF_MAX_BYTES + 1, far from where doubling wraps. */
	while (cap < need)
		cap *= 2;
	cap = min_size(cap, BUF_MAX_BYTES + 1);
	data = realloc(b->cap ? b->data : NULL, cap);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	/* BYTES may be NULL when there are none, which memcpy doesn't allow. */
	if (!len || !buf_grow(b, len))
		return;
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_fill(struct buf *b, char c, size_t count)
{
	if (!count || !buf_grow(b, count))
		return;
	memset(b->data + b->len, c, count);
	b->len += count;
	b->data[b->len] = '\0';
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	size_t room = b->cap ? b->cap - b->len : 0;
	va_list again;
	int n;

	if (b->failed)
		return;
	va_copy(again, ap);
	n = vsnprintf(room ? b->data + b->len : NULL, room, fmt, ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < room) {
		b->len += (size_t)n;
	} else if (buf_grow(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	/* A first try that was cut off has written past the end. */
	if (b->cap)
		b->data[b->len] = '\0';
}

void buf_consume(struct buf *b, size_t len)
{
	if (!len || !b->len)
		return;
	if (len > b->len)
		len = b->len;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
	b->data[b->len] = '\0';
}

void buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

char *buf_steal(struct buf *b)
{
	char *data;

	if (b->failed) {
		buf_release(b);
		return NULL;
	}
	data = b->cap ? b->data : calloc(1, 1);
	buf_init(b);
	return data;
}

void buf_add_grouped(struct buf *b, uint64_t n)
{
	uint64_t unit = 1;

	while (n / unit >= 1000)
		unit *= 1000;
	buf_addf(b, "%u", (unsigned int)(n / unit));
	for (; unit >= 1000; unit /= 1000) {
		n %= unit;
		buf_addf(b, ",%03u", (unsigned int)(n / (unit / 1000)));
	}
}
