/*
 * udp_payload: an answer is known by its id and shape, and hostile bytes are neither
 * believed nor read past their end. The requests: test_udp_request.c.
 */
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "udp_payload.h"

#define NONCE 0x0102030405060708u

/* A right answer to the request with NONCE, and where the id stands in it that makes it
 * ours (none: id_len 0). Made by hand from the RFCs. */
struct answer {
	uint16_t port;
	const char *bytes;
	size_t len;
	size_t id_at, id_len;
	const char *words;
};

/* clang-format off */
#define BYTES(s) .bytes = (s), .len = sizeof(s) - 1

#define Z4  "\0\0\0\0"
#define Z8  Z4 Z4
#define Z16 Z8 Z8
#define Z32 Z16 Z16

/* "*" and fifteen NULs, RFC 1001 14.1 */
#define ANY_NETBIOS_NAME "\x20" "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" "\0"

static const struct answer answers[] = {
	{ 53, BYTES("\x07\x08\x80\x05\0\1\0\0\0\0\0\0" "\0" "\0\2\0\1"), 0, 2,
	  "DNS answer, REFUSED" },
	/* without the question, as some servers do */
	{ 53, BYTES("\x07\x08\x80\x02\0\0\0\0\0\0\0\0"), 0, 2, "DNS answer, SERVFAIL" },
	{ 53, BYTES("\x07\x08\x80\x80\0\1\0\1\0\0\0\0" "\0" "\0\2\0\1"
		    "\0\0\2\0\1\0\7\xe9\0\0\7" "\1a\3net\0"), 0, 2,
	  "DNS answer, NOERROR, recursion available" },
	{ 53, BYTES("\x07\x08\x80\x80\0\1\0\1\0\0\0\0" "\0" "\0\2\0\1"
		    "\xc0\x0c\0\2\0\1\0\7\xe9\0\0\4" "\1a\xc0\x0c"), 0, 2,
	  "DNS answer, NOERROR, recursion available" },
	{ 69, BYTES("\0\5\0\1" "File not found\0"), 0, 0, "TFTP answer, file not found" },
	{ 69, BYTES("\0\5\0\0" "\0"), 0, 0, "TFTP answer, error" },
	{ 88, BYTES("\x7e\x3b\x30\x39" "\xa0\3\2\1\5" "\xa1\3\2\1\x1e"
		    "\xa4\x11\x18\x0f" "20260101000000Z" "\xa5\3\2\1\0"
		    "\xa6\3\2\1\x06" "\xa9\x0c\x1b\x0a" "EXAMPLE.AT"
		    "\xaa\2\x30\0"), 0, 0,
	  "Kerberos answer, KDC_ERR_C_PRINCIPAL_UNKNOWN" },
	{ 111, BYTES("\5\6\7\x08\0\0\0\1" Z4 Z8 Z4), 0, 4, "rpcbind answer, success" },
	{ 111, BYTES("\5\6\7\x08\0\0\0\1" Z4 Z8 "\0\0\0\2\0\0\0\3\0\0\0\4"), 0, 4,
	  "rpcbind answer, program mismatch" },
	{ 2049, BYTES("\5\6\7\x08\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\5"), 0, 4,
	  "NFS answer, authentication error" },
	{ 123, BYTES("\x24\2\0\xe9" Z8 "\x0a\0\0\1" Z8 "\1\2\3\4\5\6\7\x08" Z16), 24, 8,
	  "NTP stratum 2" },
	{ 123, BYTES("\x24\1\0\xe9" Z8 "GPS\0" Z8 "\1\2\3\4\5\6\7\x08" Z16), 24, 8,
	  "NTP stratum 1, GPS" },
	{ 123, BYTES("\xe4\0\0\xe9" Z8 "RATE" Z8 "\1\2\3\4\5\6\7\x08" Z16), 24, 8,
	  "NTP kiss-of-death, RATE" },
	{ 123, BYTES("\xe4\0\0\xe9" Z8 Z4 Z8 "\1\2\3\4\5\6\7\x08" Z16), 24, 8,
	  "NTP, clock not synchronised" },
	{ 137, BYTES("\x07\x08\x84\0\0\0\0\1\0\0\0\0" ANY_NETBIOS_NAME "\0\x21\0\1" Z4
		     "\0\x53\2" "FILESRV        \0\4\0" "LAB            \0\x84\0"
		     Z32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 0, 2,
	  "NetBIOS host FILESRV, group LAB" },
	{ 161, BYTES("\x30\x50" "\2\1\3" "\x30\x10" "\2\4\5\6\7\x08" "\2\2\5\xc0" "\4\1\0"
		     "\2\1\3\4\x1a\x30\x18" "\4\x09\x80\0\x1f\x88\4" "abcd"
		     "\2\1\1\2\2\1\0"
		     "\4\0\4\0\4\0" "\x30\x1d" "\4\x09\x80\0\x1f\x88\4" "abcd" "\4\0"
		     "\xa8\x0e" "\2\4\5\6\7\x08" "\2\1\0\2\1\0" "\x30\0"), 9, 4,
	  "SNMPv3 agent, enterprise 8072, up 256 s" },
	/* lengths in the four-byte form, as Active Directory writes them */
	{ 389, BYTES("\x30\x84\0\0\0\x30" "\2\4\5\6\7\x08" "\x64\x84\0\0\0\x24" "\4\0"
		     "\x30\x84\0\0\0\x1c" "\x30\x1a" "\4\x0b" "dnsHostName"
		     "\x31\x0b" "\4\x09" "dc.ad.net"), 8, 4,
	  "LDAP answer of dc.ad.net" },
	{ 389, BYTES("\x30\x0f" "\2\4\5\6\7\x08" "\x65\7\x0a\1\1\4\0\4\0"), 4, 4,
	  "LDAP answer" },
	{ 443, BYTES("\xaa" Z4 "\x08\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7"
		     "\x08\1\2\3\4\5\6\7\x08"
		     "\0\0\0\1"), 6, 8, "QUIC, versions v1" },
	{ 500, BYTES("\1\2\3\4\5\6\7\x08" "ABCDEFGH" "\x29\x20\x22\x20" Z4 "\0\0\0\x26"
		     "\0\0\0\x0a\0\0\0\x11\0\x0e"), 0, 8,
	  "IKEv2 answer, INVALID_KE_PAYLOAD" },
	{ 500, BYTES("\1\2\3\4\5\6\7\x08" Z8 "\x0b\x10\5\0" Z4 "\0\0\0\x1c"), 0, 8,
	  "IKEv1 answer" },
	{ 4500, BYTES(Z4 "\1\2\3\4\5\6\7\x08" Z8 "\x29\x20\x22\x20" Z4 "\0\0\0\x24"
		      "\0\0\0\x08\0\0\0\x0e"), 4, 8, "IKEv2 answer, NO_PROPOSAL_CHOSEN" },
	{ 1194, BYTES("\x40" "SERVERID" "\1\0\0\0\0" "\1\2\3\4\5\6\7\x08" Z4), 14, 8,
	  "OpenVPN answer, without tls-auth" },
	{ 1812, BYTES("\2\x08\0\x14" Z16), 1, 1, "RADIUS Access-Accept" },
	{ 1900, BYTES("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\n"
		      "ST: upnp:rootdevice\r\n"
		      "USN: uuid:1::upnp:rootdevice\r\n"
		      "SERVER: Lab/1 UPnP/2.0\x1b[31m\r\n\r\n"),
	  0, 0, "SSDP answer, Lab/1 UPnP/2.0" },
	{ 3478, BYTES("\1\1\0\x0c\x21\x12\xa4\x42\1\2\3\4\5\6\7\x08\xfa\xf9\xf8\xf7"
		      "\0\x20\0\x08\0\1\xbd\x52\xe1\x12\xa6\x43"), 8, 12,
	  "STUN answer, sees us as 192.0.2.1:40000" },
	{ 3478, BYTES("\1\1\0\x18\x21\x12\xa4\x42\1\2\3\4\5\6\7\x08\xfa\xf9\xf8\xf7"
		      "\0\1\0\x14\0\2\x9c\x40\x20\1\x0d\xb8" Z8 "\0\0\0\1"), 8, 12,
	  "STUN answer, sees us as [2001:db8::1]:40000" },
	{ 4433, BYTES("\x16\xfe\xff\0\0" "\0\0\0\0\0\0" "\0\x13"
		      "\3\0\0\7\0\0\0\0\0\0\0\7"
		      "\xfe\xff\4" "COOK"), 0, 0, "DTLS answer" },
	{ 4433, BYTES("\x15\xfe\xfd\0\0" "\0\0\0\0\0\0" "\0\2" "\2\x28"), 0, 0,
	  "DTLS alert 40" },
	{ 5060, BYTES("SIP/2.0 483 Too Many Hops\r\nVia: SIP/2.0/UDP portkit.invalid;"
		      "branch=z9hG4bK0102030405060708\r\nServer: lab\r\n\r\n"), 74, 16,
	  "SIP answer 483, lab" },
	{ 5353, BYTES("\x07\x08\x84\0\0\1\0\1\0\0\0\0"
		      "\x09_services\x07_dns-sd\x04_udp\x05local\0" "\0\x0c\0\1"
		      "\xc0\x0c\0\x0c\0\1\0\0\0\x0a\0\x0d" "\5_http\4_tcp\xc0\x23"), 0, 2,
	  "mDNS answer, service types: 1" },
	{ 5683, BYTES("\x70\0\7\x08"), 2, 2, "CoAP reset, the answer to a ping" },
	{ 11211, BYTES("\7\x08\0\0\0\1\0\0" "VERSION 1.6.18\r\n"), 0, 2,
	  "memcached 1.6.18" },
	{ 51820, BYTES("\3\0\0\0\5\6\7\x08" Z32 Z16 Z8), 4, 4, "WireGuard answer" },
};
/* clang-format on */

static const struct udp_service *service_on(uint16_t port)
{
	const struct udp_service *s = udp_service_of_port(port);

	assert_non_null(s);
	return s;
}

/* In memory of exactly its size, so that the sanitizer sees every read beyond. */
static bool matches_exactly(const struct udp_service *s, const void *bytes, size_t len,
			    uint64_t nonce)
{
	uint8_t *copy = malloc(len ? len : 1);
	char words[200], tiny[4];
	bool yes;

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	yes = s->matches(copy, len, nonce);
	if (s->describe) {
		memset(words, 'x', sizeof(words));
		s->describe(copy, len, words, sizeof(words));
		assert_non_null(memchr(words, '\0', sizeof(words)));
		for (const char *c = words; *c; c++)
			assert_in_range(*c, 0x20, 0x7e);
		s->describe(copy, len, tiny, sizeof(tiny));
		assert_non_null(memchr(tiny, '\0', sizeof(tiny)));
	}
	free(copy);
	return yes;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* ---- answers
 * ------------------------------------------------------------------------- */

static void a_right_answer_matches_and_is_put_into_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		const struct udp_service *s = service_on(a->port);
		char words[200];

		if (!matches_exactly(s, a->bytes, a->len, NONCE))
			fail_msg("answer %zu, of %s, does not match", i, s->name);
		s->describe((const uint8_t *)a->bytes, a->len, words, sizeof(words));
		assert_string_equal(words, a->words);
	}
}

static void every_service_that_answers_has_an_answer_here(void **state)
{
	size_t n;
	const struct udp_service *all = udp_services(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t j = 0; j < ARRAY_SIZE(answers); j++)
			found |= service_on(answers[j].port) == &all[i];
		if (!found && all[i].describe)
			fail_msg("no answer of %s", all[i].name);
	}
}

static void an_answer_cut_off_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		const struct udp_service *s = service_on(a->port);

		for (size_t len = 0; len < a->len; len++) {
			if (matches_exactly(s, a->bytes, len, NONCE))
				fail_msg("answer %zu, of %s, matches at %zu of %zu bytes",
					 i, s->name, len, a->len);
		}
	}
}

static void an_answer_with_another_id_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		const struct udp_service *s = service_on(a->port);
		uint8_t bytes[400];

		assert_in_range(a->len, 1, sizeof(bytes));
		memcpy(bytes, a->bytes, a->len);
		for (size_t at = a->id_at; at < a->id_at + a->id_len; at++) {
			bytes[at] ^= 1;
			if (matches_exactly(s, bytes, a->len, NONCE))
				fail_msg("answer %zu, of %s, byte %zu", i, s->name, at);
			bytes[at] ^= 1;
		}
		assert_true(matches_exactly(s, bytes, a->len, NONCE));
		if (a->id_len)
			assert_false(matches_exactly(s, bytes, a->len, ~(uint64_t)NONCE));
	}
}

static void the_request_itself_sent_back_is_no_answer(void **state)
{
	size_t n;
	const struct udp_service *all = udp_services(&n);
	uint8_t request[UDP_PAYLOAD_MAX];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t len = all[i].build(request, NONCE);

		if (matches_exactly(&all[i], request, len, NONCE))
			fail_msg("%s takes its own request for an answer", all[i].name);
	}
}

static void random_bytes_crash_nothing_and_match_no_id(void **state)
{
	uint64_t seed = 20260101;
	size_t n;
	const struct udp_service *all = udp_services(&n);

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[300];
		size_t len = next_random(&seed) % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		for (size_t i = 0; i < n; i++) {
			if (matches_exactly(&all[i], bytes, len, NONCE))
				fail_msg("%s, round %d", all[i].name, round);
		}
	}
}

/* The beginnings are right, so that the walks through lists and lengths are reached. */
static void answers_with_bytes_changed_crash_nothing(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		const struct udp_service *s = service_on(a->port);

		for (int round = 0; round < 2000; round++) {
			uint8_t bytes[400];
			size_t changes = 1 + next_random(&seed) % 4;

			memcpy(bytes, a->bytes, a->len);
			while (changes--)
				bytes[next_random(&seed) % a->len] =
					(uint8_t)next_random(&seed);
			(void)matches_exactly(s, bytes, a->len - next_random(&seed) % 2,
					      NONCE);
		}
	}
}

/* ---- the table
 * ----------------------------------------------------------------------- */

static void every_service_is_whole_and_no_port_is_there_twice(void **state)
{
	size_t n;
	const struct udp_service *all = udp_services(&n);
	uint8_t out[UDP_PAYLOAD_MAX];

	(void)state;
	assert_true(n > 20);
	for (size_t i = 0; i < n; i++) {
		const struct udp_service *s = &all[i];

		assert_non_null(s->name);
		assert_int_not_equal(s->ports[0], 0);
		assert_true(!s->silent || s->silent_note);
		assert_true(s->build(out, NONCE) <= UDP_PAYLOAD_MAX);
		assert_true(s->describe || s->build(out, NONCE) == 0);
		for (size_t j = 0; j < ARRAY_SIZE(s->ports) && s->ports[j]; j++)
			assert_ptr_equal(udp_service_of_port(s->ports[j]), s);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[j].name, s->name);
	}
}

static void silence_and_other_ports_are_told_where_they_are_usual(void **state)
{
	(void)state;
	assert_true(service_on(69)->replies_from_other_port);
	assert_false(service_on(53)->replies_from_other_port);
	assert_true(service_on(51820)->silent);
	assert_true(service_on(514)->silent);
	assert_false(service_on(123)->silent);
	assert_null(udp_service_of_port(0));
	assert_null(udp_service_of_port(9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_answer_matches_and_is_put_into_words),
		cmocka_unit_test(every_service_that_answers_has_an_answer_here),
		cmocka_unit_test(an_answer_cut_off_anywhere_is_refused),
		cmocka_unit_test(an_answer_with_another_id_is_refused),
		cmocka_unit_test(the_request_itself_sent_back_is_no_answer),
		cmocka_unit_test(random_bytes_crash_nothing_and_match_no_id),
		cmocka_unit_test(answers_with_bytes_changed_crash_nothing),
		cmocka_unit_test(every_service_is_whole_and_no_port_is_there_twice),
		cmocka_unit_test(silence_and_other_ports_are_told_where_they_are_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
