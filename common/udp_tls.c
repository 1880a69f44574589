/*
 * TLS over datagrams: QUIC and DTLS.
 */
#include <stdio.h>
#include <string.h>

#include "udp_proto.h"

/*
 * QUIC: RFC 8999 5.1 and 6 (the parts that no version changes), RFC 9000 6.1, 14.1, 15.
 *
 * A version of the form ?a?a?a?a is reserved so that nobody has it: the server must name
 * the ones that it has, and keeps no state. It does so only if the datagram is as long as
 * a first one must be.
 */
#define QUIC_LONG_HEADER     0x80
#define QUIC_FIXED_BIT	     0x40
#define QUIC_GREASE	     0x1a2a3a4a
#define QUIC_MIN_INITIAL_LEN 1200
#define QUIC_ID_LEN	     8

size_t quic_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, QUIC_LONG_HEADER | QUIC_FIXED_BIT);
	put_u32(&p, QUIC_GREASE);
	put_u8(&p,
	       QUIC_ID_LEN); /* destination connection id: RFC 9000 7.2 wants 8 bytes */
	put_u64(&p, nonce);
	put_u8(&p, QUIC_ID_LEN); /* source connection id */
	put_u64(&p, ~nonce);
	put_zeros(&p, QUIC_MIN_INITIAL_LEN - p.len);
	return p.len;
}

/* RFC 9000 17.2.1: the two ids come back crosswise, then versions fill the datagram. */
bool quic_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	if (!(wire_u8(&w) & QUIC_LONG_HEADER) || wire_u32(&w) != 0)
		return false;
	if (wire_u8(&w) != QUIC_ID_LEN || wire_u64(&w) != ~nonce)
		return false;
	if (wire_u8(&w) != QUIC_ID_LEN || wire_u64(&w) != nonce)
		return false;
	return !w.bad && wire_left(&w) && wire_left(&w) % 4 == 0;
}

void quic_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	char list[80] = "";

	wire_skip(&w, 1 + 4);
	wire_skip(&w, wire_u8(&w));
	wire_skip(&w, wire_u8(&w));
	while (wire_left(&w) >= 4) {
		uint32_t version = wire_u32(&w);
		size_t used = strlen(list);
		const char *comma = used ? ", " : "";

		if (used + 16 > sizeof(list)) /* whole words only */
			break;
		if ((version & 0x0f0f0f0f) == 0x0a0a0a0a)
			continue; /* reserved again, RFC 9000 15 */
		if (version == 1)
			snprintf(list + used, sizeof(list) - used, "%sv1", comma);
		else if (version == 0x6b3343cf) /* RFC 9369 3.1 */
			snprintf(list + used, sizeof(list) - used, "%sv2", comma);
		else if (version >> 8 == 0xff0000)
			snprintf(list + used, sizeof(list) - used, "%sdraft-%u", comma,
				 (unsigned)(version & 0xff));
		else
			snprintf(list + used, sizeof(list) - used, "%s0x%08x", comma,
				 (unsigned)version);
	}
	snprintf(out, size, "QUIC, versions %s", *list ? list : "unknown");
}

/*
 * DTLS 1.2: RFC 6347 4.1 (record), 4.2.1 (cookie), 4.2.2 (handshake), RFC 5246 7.4.1.2
 * (ClientHello). The server sends a cookie and forgets us (HelloVerifyRequest), greets at
 * once, or alerts.
 */
#define DTLS_1_0		  0xfeff
#define DTLS_1_2		  0xfefd
#define DTLS_ALERT		  21
#define DTLS_HANDSHAKE		  22
#define DTLS_CLIENT_HELLO	  1
#define DTLS_SERVER_HELLO	  2
#define DTLS_HELLO_VERIFY_REQUEST 3

/* Certificates for the usual server; pre-shared keys and CCM for CoAP, RFC 7252 9.1.3. */
static const uint16_t dtls_ciphers[] = {
	0xc02b, /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, RFC 5289 */
	0xc02f, /* ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
	0xc030, /* ECDHE_RSA_WITH_AES_256_GCM_SHA384 */
	0xc0ae, /* ECDHE_ECDSA_WITH_AES_128_CCM_8, RFC 7251 */
	0x00a8, /* PSK_WITH_AES_128_GCM_SHA256, RFC 5487 */
	0xc0a8, /* PSK_WITH_AES_128_CCM_8, RFC 6655 */
	0x00ff, /* EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746 3.3 */
};

/* Each as type, length, value. */
static const uint8_t dtls_extensions[] = {
	0x00, 0x0a, 0,	  6,	0, 4,
	0x00, 0x1d, 0x00, 0x17,	      /* groups: x25519, P-256; RFC 8422 */
	0x00, 0x0b, 0,	  2,	1, 0, /* points: uncompressed */
	0x00, 0x0d, 0,	  8,	0, 6,
	0x04, 0x03, 0x08, 0x04, /* signatures, RFC 8446 4.2.3: */
	0x04, 0x01,		/* ECDSA, RSA-PSS, RSA with SHA-256 */
	0x00, 0x17, 0,	  0,	/* extended master secret, RFC 7627 */
};

/* The lengths of record and handshake, both known only at the end. */
#define DTLS_RECORD_HEADER_LEN	  13
#define DTLS_HANDSHAKE_HEADER_LEN 12

size_t dtls_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	size_t body_len;

	put_u8(&p, DTLS_HANDSHAKE);
	put_u16(&p, DTLS_1_0); /* RFC 6347 4.2.1: in the first record, for old servers */
	put_zeros(&p, 2 + 6);  /* epoch, sequence number */
	put_u16(&p, 0);
	put_u8(&p, DTLS_CLIENT_HELLO);
	put_zeros(&p, DTLS_HANDSHAKE_HEADER_LEN - 1); /* message 0, one fragment */
	put_u16(&p, DTLS_1_2);
	put_filler(&p, nonce, 32); /* random */
	put_u8(&p, 0);		   /* session id */
	put_u8(&p, 0);		   /* cookie */
	put_u16(&p, sizeof(dtls_ciphers));
	for (size_t i = 0; i < ARRAY_SIZE(dtls_ciphers); i++)
		put_u16(&p, dtls_ciphers[i]);
	put_u8(&p, 1); /* compression: none */
	put_u8(&p, 0);
	put_u16(&p, sizeof(dtls_extensions));
	put_bytes(&p, dtls_extensions, sizeof(dtls_extensions));

	body_len = p.len - DTLS_RECORD_HEADER_LEN - DTLS_HANDSHAKE_HEADER_LEN;
	wire_put_u16(out + 11, (uint16_t)(p.len - DTLS_RECORD_HEADER_LEN));
	wire_put_u16(out + 15, (uint16_t)body_len); /* the length, of 24 bits */
	wire_put_u16(out + 23, (uint16_t)body_len); /* the fragment's */
	return p.len;
}

/* Step into the first record: its type, 0 if it isn't one of the unencrypted
 * beginning. */
static uint8_t dtls_record(struct wire *w, struct wire *ret_content)
{
	uint8_t type = wire_u8(w);
	uint8_t major = wire_u8(w);
	const uint8_t *content;
	uint16_t epoch, len;

	wire_skip(w, 1);
	epoch = wire_u16(w);
	wire_skip(w, 6);
	len = wire_u16(w);
	content = wire_bytes(w, len);
	if (!content || major != 0xfe || epoch != 0)
		return 0;
	*ret_content = wire_of(content, len);
	return type;
}

bool dtls_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len), content;
	uint8_t record = dtls_record(&w, &content);
	uint8_t type;

	(void)nonce; /* nothing of the ClientHello comes back */
	if (record == DTLS_ALERT)
		return wire_left(&content) == 2;
	if (record != DTLS_HANDSHAKE)
		return false;
	type = wire_u8(&content);
	wire_skip(&content, DTLS_HANDSHAKE_HEADER_LEN - 1);
	return wire_u8(&content) == 0xfe && wire_left(&content) >= 2 &&
	       (type == DTLS_HELLO_VERIFY_REQUEST || type == DTLS_SERVER_HELLO);
}

void dtls_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len), content;

	if (dtls_record(&w, &content) == DTLS_ALERT) {
		wire_skip(&content, 1);
		snprintf(out, size, "DTLS alert %u", wire_u8(&content));
		return;
	}
	snprintf(out, size, "DTLS answer");
}
