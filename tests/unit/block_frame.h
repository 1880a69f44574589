/*
 * Frames put together by hand, for the tests of decode. Include after cmocka.h.
 */
#ifndef PK_BLOCK_FRAME_H
#define PK_BLOCK_FRAME_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "wire.h"

/* A frame put together piece by piece. */
struct frame {
	uint8_t bytes[1024];
	size_t len;
	size_t ip_at; /* where the newest IP header begins */
};

static inline void put8(struct frame *f, unsigned int v)
{
	assert_true(f->len < sizeof(f->bytes));
	f->bytes[f->len++] = (uint8_t)v;
}

static inline void put16(struct frame *f, unsigned int v)
{
	put8(f, v >> 8);
	put8(f, v & 0xff);
}

static inline void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static inline void put_zeros(struct frame *f, size_t n)
{
	while (n--)
		put8(f, 0);
}

static inline struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

static inline void put_addr(struct frame *f, const char *text)
{
	struct addr a = addr_of(text);
	size_t i;

	for (i = 0; i < addr_len(&a); i++)
		put8(f, a.ip[i]);
}

#define CLIENT	"192.0.2.1"
#define SERVER	"198.51.100.2"
#define ROUTER	"203.0.113.9"
#define CLIENT6 "2001:db8::1"
#define SERVER6 "2001:db8:1::2"
#define ROUTER6 "2001:db8:2::9"

/* LEN: of what follows the header and the OPTIONS bytes of options. */
static inline void put_ip4(struct frame *f, uint8_t protocol, size_t len, const char *src,
			   const char *dst, size_t options, unsigned int fragment)
{
	f->ip_at = f->len;
	put8(f, (unsigned int)(0x45 + options / 4));
	put8(f, 0x28);
	put16(f, (unsigned int)(20 + options + len));
	put16(f, 0xbeef);
	put16(f, fragment);
	put8(f, 61);
	put8(f, protocol);
	put16(f, 0xdead); /* a checksum that is wrong */
	put_addr(f, src);
	put_addr(f, dst);
	put_zeros(f, options);
}

static inline void put_ip6(struct frame *f, uint8_t next, size_t len, const char *src,
			   const char *dst)
{
	f->ip_at = f->len;
	put32(f, 0x62812345); /* traffic class 0x28, flow label 0x12345 */
	put16(f, (unsigned int)len);
	put8(f, next);
	put8(f, 57);
	put_addr(f, src);
	put_addr(f, dst);
}

/* A header of 20 bytes and LEN of data. */
static inline void put_tcp(struct frame *f, unsigned int flags, size_t len)
{
	put16(f, 40000);
	put16(f, 443);
	put32(f, 0x01020304);
	put32(f, 0x05060708);
	put8(f, 0x50);
	put8(f, flags);
	put16(f, 65160);
	put32(f, 0);
	put_zeros(f, len);
}

static inline void put_syn4(struct frame *f)
{
	put_ip4(f, IPPROTO_TCP, 20, CLIENT, SERVER, 0, 0x4000);
	put_tcp(f, PACKET_SYN, 0);
}

static inline void put_syn6(struct frame *f)
{
	put_ip6(f, IPPROTO_TCP, 20, CLIENT6, SERVER6);
	put_tcp(f, PACKET_SYN, 0);
}

static inline void put_icmp(struct frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
	put8(f, type);
	put8(f, code);
	put16(f, 0);
	put32(f, rest);
}

/* The header of an ICMP error from a router, with QUOTE bytes behind it. */
static inline void put_error4(struct frame *f, uint8_t type, uint8_t code, uint32_t rest,
			      size_t quote)
{
	put_ip4(f, IPPROTO_ICMP, 8 + quote, ROUTER, CLIENT, 0, 0);
	put_icmp(f, type, code, rest);
}

static inline void put_error6(struct frame *f, uint8_t type, uint8_t code, uint32_t rest,
			      size_t quote)
{
	put_ip6(f, IPPROTO_ICMPV6, 8 + quote, ROUTER6, CLIENT6);
	put_icmp(f, type, code, rest);
}

static inline struct packet decoded(int linktype, const struct frame *f)
{
	struct packet p;

	assert_int_equal(decode_packet(linktype, f->bytes, f->len, &p), 0);
	return p;
}

static inline void check_addr(const struct addr *a, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(addr_to_text(a, got), text);
}

static inline void check_syn(const struct packet *p, bool v6)
{
	assert_int_equal(p->kind, PACKET_TCP);
	check_addr(&p->src, v6 ? CLIENT6 : CLIENT);
	check_addr(&p->dst, v6 ? SERVER6 : SERVER);
	assert_int_equal(p->ttl, v6 ? 57 : 61);
	assert_int_equal(p->tos, 0x28);
	assert_int_equal(p->ip_id, v6 ? 0 : 0xbeef);
	assert_int_equal(p->flow_label, v6 ? 0x12345 : 0);
	assert_int_equal(p->protocol, IPPROTO_TCP);
	assert_int_equal(p->src_port, 40000);
	assert_int_equal(p->dst_port, 443);
	assert_int_equal(p->flags, PACKET_SYN);
	assert_int_equal(p->seq, 0x01020304);
	assert_int_equal(p->ack, 0x05060708);
	assert_int_equal(p->window, 65160);
	assert_int_equal(p->payload_len, 0);
	assert_false(p->quote.there);
}

/* Cut at every length: what lacks something of its headers is refused and leaves the
 * output alone, what has them is decoded the same. The bytes end where the memory does,
 * so that a sanitizer sees a read behind them. */
static inline void check_cuts(int linktype, const struct frame *f, size_t needed)
{
	struct packet whole = decoded(linktype, f), untouched, p;
	size_t len;

	memset(&untouched, 0x5a, sizeof(untouched));
	for (len = 0; len <= f->len; len++) {
		uint8_t *bytes = malloc(len ? len : 1);
		int err;

		assert_non_null(bytes);
		memcpy(bytes, f->bytes, len);
		p = untouched;
		err = decode_packet(linktype, bytes, len, &p);
		free(bytes);
		if (len < needed) {
			assert_int_equal(err, -EBADMSG);
			assert_memory_equal(&p, &untouched, sizeof(p));
		} else {
			assert_int_equal(err, 0);
			assert_int_equal(p.kind, whole.kind);
			assert_int_equal(p.payload_len, whole.payload_len);
			assert_int_equal(p.seq, whole.seq);
		}
	}
}

#endif
