/*
 * Floor 2: bounded big-endian reads of foreign bytes, and writes of our own. Pure.
 *
 * A read past the end sets `bad`, returns 0 and stays there, so that a decoder reads a
 * whole header and checks once. Packets are never cast to structs.
 */
#ifndef PK_WIRE_H
#define PK_WIRE_H

#include "base.h"

struct wire {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline struct wire wire_of(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	return (struct wire){ .at = p, .end = p + len };
}

static inline size_t wire_left(const struct wire *w)
{
	return w->bad ? 0 : (size_t)(w->end - w->at);
}

/* The next LEN bytes, or NULL (and `bad`) when there are fewer. */
static inline const uint8_t *wire_bytes(struct wire *w, size_t len)
{
	const uint8_t *p = w->at;

	if (w->bad || wire_left(w) < len) {
		w->bad = true;
		return NULL;
	}
	w->at += len;
	return p;
}

static inline void wire_skip(struct wire *w, size_t len)
{
	(void)wire_bytes(w, len);
}

static inline uint8_t wire_u8(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 1);

	return p ? p[0] : 0;
}

static inline uint16_t wire_u16(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_u32(struct wire *w)
{
	const uint8_t *p = wire_bytes(w, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
			       p[3]
		 : 0;
}

static inline void wire_put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_put_u32(uint8_t *p, uint32_t v)
{
	wire_put_u16(p, (uint16_t)(v >> 16));
	wire_put_u16(p + 2, (uint16_t)v);
}

#endif
