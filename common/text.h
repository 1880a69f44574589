/*
 * Floor 2: text from outside, made safe. Pure.
 *
 * The one place where banners, names, certificate fields, ICMP payloads and the like
 * become printable. What text_escape() appends is valid UTF-8 without control characters
 * (C0, C1, DEL), bidirectional overrides and isolates (U+061C, U+200E, U+200F,
 * U+202A-U+202E, U+2066-U+2069), line separators (U+2028, U+2029), BOM (U+FEFF), or
 * invalid sequences (RFC 3629: overlong, surrogates, above U+10FFFF). It is reversible: a
 * backslash comes out doubled.
 *
 *	newline, CR, tab	\n \r \t
 *	other bytes < 0x20, DEL, and every byte of an invalid sequence	\x1b
 *	C1 controls, bidi and the rest	\u0085 \u202e
 */
#ifndef PK_TEXT_H
#define PK_TEXT_H

#include "buf.h"

/* Append LEN foreign bytes to OUT, escaped. */
void text_escape(struct buf *out, const void *bytes, size_t len);
/* The same for a C string. */
void text_escape_str(struct buf *out, const char *s);
/* Decode one code point at S (LEN bytes > 0). Returns the bytes used and sets *RET_CP, or
 * 0 where the sequence is invalid or cut off. */
size_t text_utf8_decode(const unsigned char *s, size_t len, uint32_t *ret_cp);
/* How many columns valid UTF-8 S takes (wide and combining characters by wcwidth-like
 * tables are not needed here: one column a code point). */
size_t text_columns(const char *s);

#endif
