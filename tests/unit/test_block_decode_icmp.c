#include <pcap/dlt.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_frame.h"

struct error {
	uint8_t type, code;
	bool v6;
};

/* RFC 792; RFC 1122 3.2.2.1; RFC 4443 3 */
static const struct error errors[] = {
	{ 3, 0, false },  { 3, 1, false },  { 3, 3, false },  { 3, 4, false },
	{ 3, 13, false }, { 11, 0, false }, { 11, 1, false }, { 12, 0, false },
	{ 1, 0, true },	  { 1, 4, true },   { 1, 6, true },   { 2, 0, true },
	{ 3, 0, true },	  { 4, 1, true },
};

static void put_error(struct frame *f, const struct error *e, uint32_t rest, size_t quote)
{
	if (e->v6)
		put_error6(f, e->type, e->code, rest, quote);
	else
		put_error4(f, e->type, e->code, rest, quote);
}

static void put_syn(struct frame *f, bool v6)
{
	if (v6)
		put_syn6(f);
	else
		put_syn4(f);
}

static void check_quoted_syn(const struct packet *p, bool v6)
{
	const struct packet_quote *q = &p->quote;

	assert_int_equal(p->kind, PACKET_ICMP_ERROR);
	check_addr(&p->src, v6 ? ROUTER6 : ROUTER);
	assert_true(q->there);
	check_addr(&q->src, v6 ? CLIENT6 : CLIENT);
	check_addr(&q->dst, v6 ? SERVER6 : SERVER);
	assert_int_equal(q->protocol, IPPROTO_TCP);
	assert_int_equal(q->ttl, v6 ? 57 : 61);
	assert_int_equal(q->tos, 0x28);
	assert_true(q->has_ports);
	assert_int_equal(q->src_port, 40000);
	assert_int_equal(q->dst_port, 443);
	assert_true(q->has_seq);
	assert_int_equal(q->seq, 0x01020304);
}

static void every_error_quotes_its_packet(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		const struct error *e = &errors[i];
		struct frame f = { .len = 0 };
		struct packet p;

		put_error(&f, e, 1280, e->v6 ? 60 : 40);
		put_syn(&f, e->v6);
		p = decoded(DLT_RAW, &f);
		check_quoted_syn(&p, e->v6);
		assert_int_equal(p.icmp_type, e->type);
		assert_int_equal(p.icmp_code, e->code);
		assert_int_equal(p.src_port, 0);
		check_cuts(DLT_RAW, &f, e->v6 ? 48 : 28);
	}
}

/* LEN: bytes of the quote that are there. */
static struct packet cut_quote(bool v6, size_t len)
{
	static const struct error unreach4 = { 3, 1, false }, unreach6 = { 1, 3, true };
	struct frame f = { .len = 0 };

	put_error(&f, v6 ? &unreach6 : &unreach4, 0, len);
	put_syn(&f, v6);
	f.len = f.ip_at + len;
	return decoded(DLT_RAW, &f);
}

static void a_short_quote_is_used_as_far_as_it_goes(void **state)
{
	size_t v6, len;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		size_t header_len = v6 ? 40 : 20;

		for (len = 0; len <= header_len + 20; len++) {
			struct packet p = cut_quote(v6, len);

			assert_int_equal(p.kind, PACKET_ICMP_ERROR);
			assert_int_equal(p.quote.there, len >= header_len);
			assert_int_equal(p.quote.has_ports, len >= header_len + 4);
			assert_int_equal(p.quote.has_seq, len >= header_len + 8);
			assert_int_equal(p.quote.dst_port,
					 len >= header_len + 4 ? 443 : 0);
			assert_int_equal(p.quote.seq,
					 len >= header_len + 8 ? 0x01020304 : 0);
		}
	}
}

static void a_quoted_length_may_be_anything(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 40 << 8, 0xffff };
	size_t i, v6;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (v6 = 0; v6 < 2; v6++) {
			struct frame f = { .len = 0 };
			struct packet p;

			put_error(&f, &errors[v6 ? 8 : 0], 0, v6 ? 60 : 40);
			put_syn(&f, v6);
			wire_put_u16(f.bytes + f.ip_at + (v6 ? 4 : 2), lengths[i]);
			p = decoded(DLT_RAW, &f);
			check_quoted_syn(&p, v6);
		}
	}
}

static void a_quote_may_have_options_and_extension_headers(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_error4(&f, 3, 10, 0, 20 + 12 + 8);
	put_ip4(&f, IPPROTO_TCP, 20, CLIENT, SERVER, 12, 0);
	put_tcp(&f, PACKET_SYN, 0);
	f.len -= 12;
	p = decoded(DLT_RAW, &f);
	check_quoted_syn(&p, false);

	f.len = 0;
	put_error6(&f, 1, 1, 0, 40 + 8 + 8 + 20);
	put_ip6(&f, IPPROTO_HOPOPTS, 8 + 8 + 20, CLIENT6, SERVER6);
	put8(&f, IPPROTO_FRAGMENT);
	put_zeros(&f, 7);
	put8(&f, IPPROTO_TCP);
	put8(&f, 0);
	put16(&f, 1); /* the first fragment */
	put32(&f, 0);
	put_tcp(&f, PACKET_SYN, 0);
	p = decoded(DLT_RAW, &f);
	check_quoted_syn(&p, true);

	/* A chain that is cut leaves the addresses. */
	f.len = f.ip_at + 40 + 8 + 4;
	p = decoded(DLT_RAW, &f);
	assert_true(p.quote.there);
	check_addr(&p.quote.dst, SERVER6);
	assert_false(p.quote.has_ports);
}

static void a_quoted_later_fragment_has_no_ports(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_error4(&f, 11, 1, 0, 40);
	put_ip4(&f, IPPROTO_TCP, 20, CLIENT, SERVER, 0, 185);
	put_tcp(&f, PACKET_SYN, 0);
	p = decoded(DLT_RAW, &f);
	assert_true(p.quote.there);
	assert_int_equal(p.quote.protocol, IPPROTO_TCP);
	assert_false(p.quote.has_ports);
	assert_false(p.quote.has_seq);
}

static void a_quoted_datagram_has_ports_only(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_error4(&f, 3, 3, 0, 28);
	put_ip4(&f, IPPROTO_UDP, 8, CLIENT, SERVER, 0, 0);
	put16(&f, 33000);
	put16(&f, 53);
	put32(&f, 8 << 16);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.quote.protocol, IPPROTO_UDP);
	assert_true(p.quote.has_ports);
	assert_int_equal(p.quote.src_port, 33000);
	assert_int_equal(p.quote.dst_port, 53);
	assert_false(p.quote.has_seq);
}

static void a_quoted_echo_request_has_its_identifier(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_error4(&f, 11, 0, 0, 28);
	put_ip4(&f, IPPROTO_ICMP, 8, CLIENT, SERVER, 0, 0);
	put_icmp(&f, 8, 0, 0xabcd0007);
	p = decoded(DLT_RAW, &f);
	assert_true(p.quote.has_ports);
	assert_int_equal(p.quote.src_port, 0xabcd);
	assert_int_equal(p.quote.dst_port, 0);
	assert_true(p.quote.has_seq);
	assert_int_equal(p.quote.seq, 7);
	f.bytes[f.len - 8] = 0; /* a reply, which asked nothing */
	assert_false(decoded(DLT_RAW, &f).quote.has_ports);

	f.len = 0;
	put_error6(&f, 3, 0, 0, 48);
	put_ip6(&f, IPPROTO_ICMPV6, 8, CLIENT6, SERVER6);
	put_icmp(&f, 128, 0, 0x12340001);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.quote.src_port, 0x1234);
	assert_int_equal(p.quote.seq, 1);
}

static void a_quote_of_the_other_family_is_none(void **state)
{
	struct frame f = { .len = 0 };

	(void)state;
	put_error4(&f, 3, 3, 0, 60);
	put_syn6(&f);
	assert_int_equal(decoded(DLT_RAW, &f).kind, PACKET_ICMP_ERROR);
	assert_false(decoded(DLT_RAW, &f).quote.there);
	f.len = 0;
	put_error6(&f, 1, 4, 0, 40);
	put_syn4(&f);
	assert_false(decoded(DLT_RAW, &f).quote.there);
}

/* RFC 4884: the quote padded to 128 bytes, a header, an MPLS object (RFC 4950). */
static void extensions_behind_the_quote_are_not_part_of_it(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;
	size_t at;

	(void)state;
	put_error4(&f, 11, 0, 32u << 16, 128 + 12);
	put_syn4(&f);
	put_zeros(&f, 128 - 40);
	put32(&f, 0x20000000);
	put32(&f, 0x00080101);
	put32(&f, 0x00010140);
	p = decoded(DLT_RAW, &f);
	check_quoted_syn(&p, false);

	/* A quote that an extension header of its own fills to the end: what stands
	 * behind is no TCP. Not so where the length is one that can't be. */
	f.len = 0;
	put_error6(&f, 1, 1, 16u << 24, 128 + 20);
	at = f.len;
	put_ip6(&f, IPPROTO_DSTOPTS, 88 + 20, CLIENT6, SERVER6);
	put8(&f, IPPROTO_TCP);
	put8(&f, 10);
	put_zeros(&f, 86);
	put_tcp(&f, PACKET_SYN, 0);
	p = decoded(DLT_RAW, &f);
	assert_true(p.quote.there);
	assert_false(p.quote.has_ports);
	f.bytes[at - 4] = 15;
	p = decoded(DLT_RAW, &f);
	check_quoted_syn(&p, true);
}

static void other_icmp_is_other(void **state)
{
	static const struct error others[] = {
		{ 4, 0, false },  { 5, 1, false },  { 9, 0, false },  { 13, 0, false },
		{ 100, 0, true }, { 133, 0, true }, { 134, 0, true }, { 135, 0, true },
		{ 136, 0, true }, { 137, 0, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		struct frame f = { .len = 0 };
		struct packet p;

		put_error(&f, &others[i], 0, others[i].v6 ? 60 : 40);
		put_syn(&f, others[i].v6);
		p = decoded(DLT_RAW, &f);
		assert_int_equal(p.kind, PACKET_OTHER);
		assert_false(p.quote.there);
		assert_int_equal(p.icmp_type, others[i].type);
	}
}

/* ---- any bytes ---- */

/* xorshift64 (Marsaglia 2003): the same in each run. */
static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

/* What must hold of anything that was decoded. */
static void check_sane(const struct packet *p)
{
	const struct packet_quote *q = &p->quote;

	assert_true(p->kind <= PACKET_ECHO_REPLY);
	assert_true(p->payload_len <= UINT16_MAX);
	assert_true(p->interface >= 0);
	if (p->kind != PACKET_OTHER) {
		assert_true(p->src.family == AF_INET || p->src.family == AF_INET6);
		assert_int_equal(p->src.family, p->dst.family);
	}
	if (q->there) {
		assert_int_equal(p->kind, PACKET_ICMP_ERROR);
		assert_int_equal(q->src.family, p->src.family);
	}
	assert_true(q->there || !q->has_ports);
	assert_true(q->has_ports || !q->has_seq);
}

static void any_bytes_are_decoded_or_refused(void **state)
{
	static const int types[] = {
		DLT_LINUX_SLL2, DLT_LINUX_SLL, DLT_EN10MB, DLT_RAW,
		DLT_IPV4,	DLT_IPV6,      DLT_NULL,   DLT_LOOP,
	};
	size_t n_decoded = 0, n_refused = 0, n_quotes = 0, round, i;
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (round = 0; round < 200000; round++) {
		const struct error *e = &errors[next_random(&seed) % ARRAY_SIZE(errors)];
		struct frame f = { .len = 0 };
		struct packet p;
		uint8_t *bytes;
		size_t len;
		int type, err;

		/* Half are noise, half something sound with a few bytes changed. */
		type = types[next_random(&seed) % ARRAY_SIZE(types)];
		if (round % 2) {
			for (i = next_random(&seed) % 200; i > 0; i--)
				put8(&f, next_random(&seed) & 0xff);
		} else {
			put_error(&f, e, next_random(&seed), e->v6 ? 60 : 40);
			put_syn(&f, e->v6);
			for (i = next_random(&seed) % 4; i > 0; i--)
				f.bytes[next_random(&seed) % f.len] =
					(uint8_t)next_random(&seed);
			type = DLT_RAW;
		}
		len = f.len ? next_random(&seed) % (f.len + 1) : 0;
		len = round % 4 ? f.len : len;
		bytes = malloc(len ? len : 1);
		assert_non_null(bytes);
		memcpy(bytes, f.bytes, len);
		err = decode_packet(type, bytes, len, &p);
		free(bytes);
		assert_true(err == 0 || err == -EBADMSG);
		n_refused += err != 0;
		if (err)
			continue;
		check_sane(&p);
		n_decoded++;
		n_quotes += p.quote.there;
	}
	/* The loop did reach the far places. */
	assert_true(n_decoded > 10000 && n_refused > 10000 && n_quotes > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_quotes_its_packet),
		cmocka_unit_test(a_short_quote_is_used_as_far_as_it_goes),
		cmocka_unit_test(a_quoted_length_may_be_anything),
		cmocka_unit_test(a_quote_may_have_options_and_extension_headers),
		cmocka_unit_test(a_quoted_later_fragment_has_no_ports),
		cmocka_unit_test(a_quoted_datagram_has_ports_only),
		cmocka_unit_test(a_quoted_echo_request_has_its_identifier),
		cmocka_unit_test(a_quote_of_the_other_family_is_none),
		cmocka_unit_test(extensions_behind_the_quote_are_not_part_of_it),
		cmocka_unit_test(other_icmp_is_other),
		cmocka_unit_test(any_bytes_are_decoded_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
