#include "text.h"

#include <string.h>

#define EACH_BYTE(x) (0x0101010101010101u * (x))

/* Printable ASCII that stands for itself. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

/* Nonzero if a byte of W is zero. */
static uint64_t has_zero(uint64_t w)
{
	return (w - EACH_BYTE(1)) & ~w & EACH_BYTE(0x80);
}

/* Nonzero if a byte of W is not plain: high bit, below 0x20, DEL or backslash. */
static uint64_t has_special(uint64_t w)
{
	uint64_t below = (w - EACH_BYTE(0x20)) & ~w & EACH_BYTE(0x80);

	return (w & EACH_BYTE(0x80)) | below | has_zero(w ^ EACH_BYTE(0x7f)) |
	       has_zero(w ^ EACH_BYTE('\\'));
}

/* How many bytes at S are plain. Nearly all text is, so eight are looked at at once. */
static size_t plain_len(const unsigned char *s, size_t len)
{
	size_t i = 0;
	uint64_t w;

	for (; len - i >= sizeof(w); i += sizeof(w)) {
		memcpy(&w, s + i, sizeof(w));
		if (has_special(w))
			break;
	}
	while (i < len && is_plain(s[i]))
		i++;
	return i;
}

size_t text_utf8_decode(const unsigned char *s, size_t len, uint32_t *ret_cp)
{
	/* RFC 3629 3: the least code point that needs N bytes; below is overlong. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t cp;
	size_t n;

	if (!len)
		return 0;
	if (s[0] < 0x80) {
		*ret_cp = s[0];
		return 1;
	}
	if ((s[0] & 0xe0) == 0xc0) {
		n = 2;
		cp = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = s[0] & 0x0f;
	} else if ((s[0] & 0xf8) == 0xf0) {
		n = 4;
		cp = s[0] & 0x07;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

/* Code points from U+0080 on that don't reach a terminal as they are. All of them have
 * four hex digits, which is what \u takes. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0xa0 ||			 /* C1 controls */
	       cp == 0x061c ||			 /* Arabic letter mark */
	       cp == 0x200e || cp == 0x200f ||	 /* directional marks */
	       (cp >= 0x2028 && cp <= 0x202e) || /* separators, embeddings, overrides */
	       (cp >= 0x2066 && cp <= 0x2069) || /* isolates */
	       cp == 0xfeff;			 /* byte order mark */
}

static void add_hex(struct buf *out, char kind, uint32_t n, unsigned int digits)
{
	buf_addc(out, '\\');
	buf_addc(out, kind);
	while (digits--)
		buf_addc(out, "0123456789abcdef"[n >> 4 * digits & 0xf]);
}

/* A byte that is no part of a valid multi-byte sequence, and not plain. */
static void add_byte(struct buf *out, unsigned char c)
{
	switch (c) {
	case '\n':
		buf_adds(out, "\\n");
		break;
	case '\r':
		buf_adds(out, "\\r");
		break;
	case '\t':
		buf_adds(out, "\\t");
		break;
	case '\\':
		buf_adds(out, "\\\\");
		break;
	default:
		add_hex(out, 'x', c, 2);
	}
}

void text_escape(struct buf *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	size_t i = 0, run = 0; /* RUN: where what can be copied as it is begins */

	while (i < len) {
		uint32_t cp;
		size_t n;

		i += plain_len(s + i, len - i);
		if (i == len)
			break;
		n = s[i] < 0x80 ? 0 : text_utf8_decode(s + i, len - i, &cp);
		if (n && !is_unsafe(cp)) {
			i += n;
			continue;
		}
		buf_add(out, s + run, i - run);
		if (n)
			add_hex(out, 'u', cp, 4);
		else
			add_byte(out, s[i]);
		i += n ? n : 1;
		run = i;
	}
	if (len > run)
		buf_add(out, s + run, len - run);
}

void text_escape_str(struct buf *out, const char *s)
{
	text_escape(out, s, strlen(s));
}

size_t text_columns(const char *s)
{
	size_t n = 0;

	/* Continuation bytes (RFC 3629 3) belong to the code point before them. */
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}
