/*
 * udp_payload: each request has the fields that its RFC asks for.
 */
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "udp_payload.h"
#include "wire.h"

#define NONCE 0x0102030405060708u

#define Z4  "\0\0\0\0"
#define Z8  Z4 Z4
#define Z16 Z8 Z8
#define Z32 Z16 Z16

/* clang-format off */
/* "*" and fifteen NULs, RFC 1001 14.1 */
#define ANY_NETBIOS_NAME "\x20" "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" "\0"
/* clang-format on */

static const struct udp_service *service_on(uint16_t port)
{
	const struct udp_service *s = udp_service_of_port(port);

	assert_non_null(s);
	return s;
}

static void assert_request(uint16_t port, const char *bytes, size_t len)
{
	uint8_t out[UDP_PAYLOAD_MAX];

	assert_int_equal(service_on(port)->build(out, NONCE), len);
	assert_memory_equal(out, bytes, len);
}

#define ASSERT_REQUEST(port, s) assert_request((port), (s), sizeof(s) - 1)

static void short_requests_are_as_their_rfcs_draw_them(void **state)
{
	(void)state;
	/* clang-format off */
	ASSERT_REQUEST(53, "\7\x08\0\0\0\1\0\0\0\0\0\0" "\0" "\0\2\0\1");
	ASSERT_REQUEST(69, "\0\1" "portkit-no-such-file-0102030405060708" "\0" "octet\0");
	ASSERT_REQUEST(111, "\5\6\7\x08" Z4 "\0\0\0\2" "\0\1\x86\xa0" "\0\0\0\2" Z4 Z16);
	ASSERT_REQUEST(2049, "\5\6\7\x08" Z4 "\0\0\0\2" "\0\1\x86\xa3" "\0\0\0\3" Z4 Z16);
	ASSERT_REQUEST(123, "\x23\0\0\0" Z32 Z4 "\1\2\3\4\5\6\7\x08");
	ASSERT_REQUEST(137, "\7\x08\0\0\0\1\0\0\0\0\0\0" ANY_NETBIOS_NAME "\0\x21\0\1");
	ASSERT_REQUEST(1194, "\x38" "\1\2\3\4\5\6\7\x08" "\0" Z4);
	ASSERT_REQUEST(3478, "\0\1\0\0\x21\x12\xa4\x42"
			     "\1\2\3\4\5\6\7\x08\xfa\xf9\xf8\xf7");
	ASSERT_REQUEST(5353, "\7\x08\0\0\0\1\0\0\0\0\0\0"
			     "\x09_services\x07_dns-sd\x04_udp\x05local\0" "\0\x0c\0\1");
	ASSERT_REQUEST(5683, "\x40\0\7\x08");
	ASSERT_REQUEST(11211, "\7\x08\0\0\0\1\0\0" "version\r\n");
	ASSERT_REQUEST(161, "\x30\x3d" "\2\1\3" "\x30\x10" "\2\4\5\6\7\x08" "\2\2\5\xc0"
			    "\4\1\4" "\2\1\3" "\4\x10\x30\x0e" "\4\0" "\2\1\0" "\2\1\0"
			    "\4\0\4\0\4\0" "\x30\x14" "\4\0\4\0" "\xa0\x0e"
			    "\2\4\5\6\7\x08" "\2\1\0" "\2\1\0" "\x30\0");
	ASSERT_REQUEST(389, "\x30\x35" "\2\4\5\6\7\x08" "\x63\x2d" "\4\0" "\x0a\1\0"
			    "\x0a\1\0" "\2\1\0" "\2\1\0" "\1\1\0" "\x87\x0b" "objectClass"
			    "\x30\x0d" "\4\x0b" "dnsHostName");
	/* clang-format on */
}

/* Every constructed value of BER is filled by whole values. */
static void assert_nested(struct wire w)
{
	while (wire_left(&w)) {
		uint8_t tag = wire_u8(&w);
		size_t len = wire_u8(&w);
		const uint8_t *at;

		if (len == 0x81)
			len = wire_u8(&w);
		at = wire_bytes(&w, len);
		assert_non_null(at);
		if (tag & 0x20)
			assert_nested(wire_of(at, len));
	}
	assert_false(w.bad);
}

static void ber_requests_are_nested_rightly_for_any_nonce(void **state)
{
	static const uint64_t nonces[] = { 0, 1, 0x7f, 0x80, 0x8000, NONCE, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nonces); i++) {
		uint8_t out[UDP_PAYLOAD_MAX];
		size_t len = service_on(88)->build(out, nonces[i]);

		assert_int_equal(out[0], 0x6a); /* [APPLICATION 10] */
		assert_nested(wire_of(out, len));
		len = service_on(161)->build(out, nonces[i]);
		assert_nested(wire_of(out, len));
		len = service_on(389)->build(out, nonces[i]);
		assert_nested(wire_of(out, len));
	}
}

static void ike_lengths_add_up_and_the_other_port_has_the_marker(void **state)
{
	uint8_t out[UDP_PAYLOAD_MAX], natt[UDP_PAYLOAD_MAX];
	size_t len = service_on(500)->build(out, NONCE);
	struct wire w = wire_of(out, len);
	uint8_t next;

	(void)state;
	assert_memory_equal(out, "\1\2\3\4\5\6\7\x08" Z8, 16);
	wire_skip(&w, 16);
	next = wire_u8(&w);
	assert_int_equal(next, 33);
	assert_int_equal(wire_u8(&w), 0x20);
	assert_int_equal(wire_u8(&w), 34);
	assert_int_equal(wire_u8(&w), 0x08);
	assert_int_equal(wire_u32(&w), 0);
	assert_int_equal(wire_u32(&w), len);
	while (next) {
		next = wire_u8(&w);
		wire_skip(&w, 1);
		wire_skip(&w, wire_u16(&w) - 4u);
		assert_false(w.bad);
	}
	assert_int_equal(wire_left(&w), 0);
	assert_int_equal(service_on(4500)->build(natt, NONCE), len + 4);
	assert_memory_equal(natt, Z4, 4);
	assert_memory_equal(natt + 4, out, len);
	/* An SPI of zero is not allowed. */
	service_on(500)->build(out, 0);
	assert_memory_equal(out, "\0\0\0\0\0\0\0\1", 8);
}

static void the_long_requests_state_their_lengths(void **state)
{
	uint8_t out[UDP_PAYLOAD_MAX];
	size_t len = service_on(443)->build(out, NONCE);

	(void)state;
	assert_int_equal(len, 1200);
	assert_memory_equal(out, "\xc0\x1a\x2a\x3a\x4a\x08\1\2\3\4\5\6\7\x08\x08\xfe\xfd",
			    17);

	len = service_on(4433)->build(out, NONCE);
	assert_memory_equal(out, "\x16\xfe\xff" Z8 "\0", 12);
	assert_int_equal(out[12], len - 13);
	assert_int_equal(out[13], 1);
	assert_int_equal(out[16], len - 25);
	assert_int_equal(out[24], len - 25);

	assert_int_equal(service_on(51820)->build(out, NONCE), 148);
	assert_memory_equal(out, "\1\0\0\0\5\6\7\x08", 8);

	len = service_on(1812)->build(out, NONCE);
	assert_int_equal(len, 38);
	assert_memory_equal(out, "\x0c\x08\0\x26", 4);
	assert_memory_equal(out + 20, "\x50\x12", 2);
}

static void text_requests_end_in_an_empty_line_and_have_their_headers(void **state)
{
	static const char *const sip[] = { "OPTIONS sip:",
					   "\r\nMax-Forwards: 0\r\n",
					   ";branch=z9hG4bK0102030405060708;rport\r\n",
					   "\r\nCSeq: 1 OPTIONS\r\n",
					   "\r\nContent-Length: 0\r\n",
					   "\r\nCall-ID: 0102030405060708@" };
	uint8_t out[UDP_PAYLOAD_MAX];
	size_t len = service_on(5060)->build(out, NONCE);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sip); i++)
		assert_non_null(memmem(out, len, sip[i], strlen(sip[i])));
	assert_memory_equal(out + len - 4, "\r\n\r\n", 4);
	len = service_on(1900)->build(out, NONCE);
	assert_memory_equal(out, "M-SEARCH * HTTP/1.1\r\n", 21);
	assert_memory_equal(out + len - 4, "\r\n\r\n", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_requests_are_as_their_rfcs_draw_them),
		cmocka_unit_test(ber_requests_are_nested_rightly_for_any_nonce),
		cmocka_unit_test(ike_lengths_add_up_and_the_other_port_has_the_marker),
		cmocka_unit_test(the_long_requests_state_their_lengths),
		cmocka_unit_test(
			text_requests_end_in_an_empty_line_and_have_their_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
