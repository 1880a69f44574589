#include <pcap/dlt.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_frame.h"

/* ---- IP ---- */

static void a_tcp_packet_is_read_whole(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip4(&f, IPPROTO_TCP, 20 + 100, SERVER, CLIENT, 0, 0);
	put_tcp(&f, 0xff, 100);
	p = decoded(DLT_RAW, &f);
	check_addr(&p.src, SERVER);
	check_addr(&p.dst, CLIENT);
	assert_int_equal(p.flags,
			 PACKET_FIN | PACKET_SYN | PACKET_RST | PACKET_PSH | PACKET_ACK);
	assert_int_equal(p.payload_len, 100);
	check_cuts(DLT_RAW, &f, 40);
}

static void the_payload_is_what_the_headers_say(void **state)
{
	struct frame f = { .len = 0 };

	(void)state;
	put_ip4(&f, IPPROTO_TCP, 32 + 1400, SERVER, CLIENT, 0, 0);
	put_tcp(&f, PACKET_ACK, 12);
	f.bytes[f.ip_at + 20 + 12] = 0x80; /* 12 bytes of options */
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 1400);

	/* A header longer than its packet; a length of 0, which a card is to fill in; and
	 * one that is shorter than its own header. */
	wire_put_u16(f.bytes + 2, 40);
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 0);
	wire_put_u16(f.bytes + 2, 0);
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 0);
	wire_put_u16(f.bytes + 2, 19);
	assert_int_equal(decode_packet(DLT_RAW, f.bytes, f.len, &(struct packet){ 0 }),
			 -EBADMSG);

	f.len = 0;
	put_ip6(&f, IPPROTO_TCP, 20 + 77, SERVER6, CLIENT6);
	put_tcp(&f, PACKET_ACK, 0);
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 77);
	wire_put_u16(f.bytes + 4, 0);
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 0);
}

static void padding_is_not_taken_for_a_header(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip4(&f, IPPROTO_TCP, 12, CLIENT, SERVER, 0, 0);
	put_tcp(&f, PACKET_SYN, 0);
	assert_int_equal(decode_packet(DLT_RAW, f.bytes, f.len, &p), -EBADMSG);
	f.len = 0;
	put_ip6(&f, IPPROTO_TCP, 12, CLIENT6, SERVER6);
	put_tcp(&f, PACKET_SYN, 0);
	assert_int_equal(decode_packet(DLT_RAW, f.bytes, f.len, &p), -EBADMSG);
}

static void ip_options_are_passed_over(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip4(&f, IPPROTO_TCP, 20, CLIENT, SERVER, 40, 0);
	put_tcp(&f, PACKET_SYN, 0);
	p = decoded(DLT_RAW, &f);
	check_syn(&p, false);
	check_cuts(DLT_RAW, &f, 80);
}

static void impossible_header_lengths_are_refused(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_syn4(&f);
	f.bytes[0] = 0x44;
	assert_int_equal(decode_packet(DLT_RAW, f.bytes, f.len, &p), -EBADMSG);
	f.bytes[0] = 0x45;
	f.bytes[20 + 12] = 0x40;
	assert_int_equal(decode_packet(DLT_RAW, f.bytes, f.len, &p), -EBADMSG);
}

static void only_the_first_fragment_has_ports(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip4(&f, IPPROTO_TCP, 24, CLIENT, SERVER, 0, 0x2000); /* more follow */
	put_tcp(&f, PACKET_SYN, 4);
	p = decoded(DLT_RAW, &f);
	check_addr(&p.dst, SERVER);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.dst_port, 443);

	wire_put_u16(f.bytes + 6, 3); /* offset 24, the last */
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.kind, PACKET_OTHER);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.dst_port, 0);
	check_addr(&p.dst, SERVER);
}

static void only_the_first_fragment_has_ports_in_ipv6_too(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip6(&f, IPPROTO_FRAGMENT, 8 + 24, CLIENT6, SERVER6);
	put8(&f, IPPROTO_TCP);
	put8(&f, 0);
	put16(&f, 1); /* offset 0, more follow */
	put32(&f, 99);
	put_tcp(&f, PACKET_SYN, 4);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.dst_port, 443);
	assert_int_equal(p.payload_len, 4);
	check_cuts(DLT_RAW, &f, 40 + 8 + 20);

	wire_put_u16(f.bytes + 42, 3 << 3);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.kind, PACKET_OTHER);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.dst_port, 0);
}

/* One extension header of 8 * (1 + N) bytes. */
static void put_extension(struct frame *f, uint8_t next, uint8_t n)
{
	put8(f, next);
	put8(f, n);
	put_zeros(f, 6 + 8 * (size_t)n);
}

/* Hop-by-hop, destination options, routing, AH: 8 + 16 + 24 + 12 bytes. */
#define CHAIN_BYTES 60

static void put_chain(struct frame *f, uint8_t next)
{
	put_extension(f, IPPROTO_DSTOPTS, 0);
	put_extension(f, IPPROTO_ROUTING, 1);
	put_extension(f, IPPROTO_AH, 2);
	put8(f, next);
	put8(f, 1); /* 4-byte words less two (RFC 4302 2.2) */
	put_zeros(f, 10);
}

static void extension_headers_are_passed_over(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip6(&f, IPPROTO_HOPOPTS, CHAIN_BYTES + 25, CLIENT6, SERVER6);
	put_chain(&f, IPPROTO_TCP);
	put_tcp(&f, PACKET_SYN, 5);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.kind, PACKET_TCP);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_int_equal(p.dst_port, 443);
	assert_int_equal(p.payload_len, 5);
	check_cuts(DLT_RAW, &f, 40 + CHAIN_BYTES + 20);

	f.len = 0;
	put_ip4(&f, IPPROTO_AH, 12 + 20, CLIENT, SERVER, 0, 0);
	put8(&f, IPPROTO_TCP);
	put8(&f, 1);
	put_zeros(&f, 10);
	put_tcp(&f, PACKET_SYN, 0);
	p = decoded(DLT_RAW, &f);
	check_syn(&p, false);
}

static int decode_chain_of(size_t n)
{
	struct frame f = { .len = 0 };
	struct packet p;
	size_t i;

	put_ip6(&f, IPPROTO_DSTOPTS, n * 8 + 20, CLIENT6, SERVER6);
	for (i = 1; i <= n; i++)
		put_extension(&f, i < n ? IPPROTO_DSTOPTS : IPPROTO_TCP, 0);
	put_tcp(&f, PACKET_SYN, 0);
	return decode_packet(DLT_RAW, f.bytes, f.len, &p);
}

static void no_end_of_extension_headers_is_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_chain_of(16), 0);
	assert_int_equal(decode_chain_of(17), -EBADMSG);
}

static void other_protocols_are_other(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_ESP, IPPROTO_GRE, IPPROTO_SCTP,
					     IPPROTO_NONE, IPPROTO_ICMPV6 };
	struct frame f = { .len = 0 };
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		f.len = 0;
		put_ip4(&f, protocols[i], 4, CLIENT, SERVER, 0, 0);
		put_zeros(&f, 4);
		p = decoded(DLT_RAW, &f);
		assert_int_equal(p.kind, PACKET_OTHER);
		assert_int_equal(p.protocol, protocols[i]);
		check_addr(&p.src, CLIENT);
	}
	f.len = 0;
	put_ip6(&f, IPPROTO_ICMP, 28, CLIENT6, SERVER6);
	put_icmp(&f, 3, 3, 0);
	put_zeros(&f, 20);
	assert_int_equal(decoded(DLT_RAW, &f).kind, PACKET_OTHER);
}

/* ---- UDP, ICMP ---- */

static void a_datagram_is_read(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ip4(&f, IPPROTO_UDP, 8 + 30, CLIENT, SERVER, 0, 0);
	put16(&f, 5353);
	put16(&f, 53);
	put16(&f, 8 + 29); /* one byte behind it */
	put16(&f, 0);
	put_zeros(&f, 30);
	p = decoded(DLT_RAW, &f);
	assert_int_equal(p.kind, PACKET_UDP);
	assert_int_equal(p.src_port, 5353);
	assert_int_equal(p.dst_port, 53);
	assert_int_equal(p.payload_len, 29);
	check_cuts(DLT_RAW, &f, 28);
	wire_put_u16(f.bytes + 24, 9999); /* a first fragment */
	assert_int_equal(decoded(DLT_RAW, &f).payload_len, 30);
}

static void an_echo_has_identifier_and_number(void **state)
{
	static const struct {
		bool v6;
		uint8_t type;
		enum packet_kind kind;
	} echoes[] = {
		{ false, 8, PACKET_ECHO_REQUEST },
		{ false, 0, PACKET_ECHO_REPLY },
		{ true, 128, PACKET_ECHO_REQUEST },
		{ true, 129, PACKET_ECHO_REPLY },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(echoes); i++) {
		struct frame f = { .len = 0 };
		struct packet p;

		if (echoes[i].v6)
			put_error6(&f, echoes[i].type, 0, 0xabcd0007, 0);
		else
			put_error4(&f, echoes[i].type, 0, 0xabcd0007, 0);
		p = decoded(DLT_RAW, &f);
		assert_int_equal(p.kind, echoes[i].kind);
		assert_int_equal(p.icmp_type, echoes[i].type);
		assert_int_equal(p.src_port, 0xabcd);
		assert_int_equal(p.seq, 7);
		check_cuts(DLT_RAW, &f, f.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tcp_packet_is_read_whole),
		cmocka_unit_test(the_payload_is_what_the_headers_say),
		cmocka_unit_test(padding_is_not_taken_for_a_header),
		cmocka_unit_test(ip_options_are_passed_over),
		cmocka_unit_test(impossible_header_lengths_are_refused),
		cmocka_unit_test(only_the_first_fragment_has_ports),
		cmocka_unit_test(only_the_first_fragment_has_ports_in_ipv6_too),
		cmocka_unit_test(extension_headers_are_passed_over),
		cmocka_unit_test(no_end_of_extension_headers_is_refused),
		cmocka_unit_test(other_protocols_are_other),
		cmocka_unit_test(a_datagram_is_read),
		cmocka_unit_test(an_echo_has_identifier_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
