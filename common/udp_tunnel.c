/*
 * Tunnels: IKEv2 (on its own port and on the NAT traversal one), OpenVPN, WireGuard.
 */
#include <stdio.h>

#include "udp_proto.h"

/*
 * IKEv2: RFC 7296 1.2 (IKE_SA_INIT), 3.1 to 3.4, 3.9; RFC 8031 (Curve25519).
 *
 * A complete first message with the ciphers that most gateways accept. The group of the
 * key share is the one with the shortest share; a gateway without it names the one it
 * wants (INVALID_KE_PAYLOAD), one without the rest says NO_PROPOSAL_CHOSEN: every one of
 * these is an answer.
 */
#define IKE_HEADER_LEN	 28
#define IKE_V2		 0x20
#define IKE_SA_INIT	 34
#define IKE_FROM_STARTER 0x08 /* flags, RFC 7296 3.1 */
#define IKE_RESPONSE	 0x20
#define IKE_NONE	 0 /* payload types, RFC 7296 3.2 */
#define IKE_SA		 33
#define IKE_KE		 34
#define IKE_NONCE	 40
#define IKE_NOTIFY	 41
#define IKE_CURVE25519	 31
#define IKE_KEY_BYTES	 32
#define IKE_NONCE_BYTES	 32

struct ike_transform {
	uint8_t type;
	uint16_t id;
	uint16_t key_bits; /* 0: none to tell */
};

/* The registry "IKEv2 Parameters" of IANA; types 1 cipher, 2 PRF, 3 integrity, 4
 * group. */
static const struct ike_transform ike_transforms[] = {
	{ 1, 12, 256 }, /* ENCR_AES_CBC */
	{ 1, 12, 128 },
	{ 2, 5, 0 },  /* PRF_HMAC_SHA2_256 */
	{ 2, 2, 0 },  /* PRF_HMAC_SHA1 */
	{ 3, 12, 0 }, /* AUTH_HMAC_SHA2_256_128 */
	{ 3, 2, 0 },  /* AUTH_HMAC_SHA1_96 */
	{ 4, IKE_CURVE25519, 0 },
	{ 4, 19, 0 }, /* 256-bit random ECP */
	{ 4, 14, 0 }, /* 2048-bit MODP */
};

/* An SPI is never zero, RFC 7296 3.1. */
static uint64_t ike_spi(uint64_t nonce)
{
	return nonce ? nonce : 1;
}

/* Payload header, RFC 7296 3.2; the length is written by payload_close(). */
static size_t payload_open(struct put *p, uint8_t next)
{
	size_t start = p->len;

	put_u8(p, next);
	put_u8(p, 0);
	put_u16(p, 0);
	return start;
}

static void payload_close(struct put *p, size_t start)
{
	wire_put_u16(p->out + start + 2, (uint16_t)(p->len - start));
}

/* RFC 7296 3.3: one proposal. A transform has the header's shape too, with 3 for
 * "more". */
static void put_ike_sa(struct put *p)
{
	size_t sa = payload_open(p, IKE_KE);
	size_t proposal = payload_open(p, 0);

	put_u8(p, 1); /* proposal number */
	put_u8(p, 1); /* protocol: IKE */
	put_u8(p, 0); /* no SPI */
	put_u8(p, ARRAY_SIZE(ike_transforms));
	for (size_t i = 0; i < ARRAY_SIZE(ike_transforms); i++) {
		const struct ike_transform *t = &ike_transforms[i];
		bool last = i + 1 == ARRAY_SIZE(ike_transforms);
		size_t at = payload_open(p, last ? 0 : 3);

		put_u8(p, t->type);
		put_u8(p, 0);
		put_u16(p, t->id);
		if (t->key_bits) {
			put_u16(p, 0x8000 | 14); /* Key Length, RFC 7296 3.3.5 */
			put_u16(p, t->key_bits);
		}
		payload_close(p, at);
	}
	payload_close(p, proposal);
	payload_close(p, sa);
}

static void put_ike_message(struct put *p, uint64_t nonce)
{
	size_t start = p->len, at;

	put_u64(p, ike_spi(nonce));
	put_u64(p, 0); /* the responder's SPI */
	put_u8(p, IKE_SA);
	put_u8(p, IKE_V2);
	put_u8(p, IKE_SA_INIT);
	put_u8(p, IKE_FROM_STARTER);
	put_u32(p, 0); /* message id */
	put_u32(p, 0); /* length, below */
	put_ike_sa(p);
	at = payload_open(p, IKE_NONCE);
	put_u16(p, IKE_CURVE25519);
	put_u16(p, 0);
	put_filler(p, nonce, IKE_KEY_BYTES);
	payload_close(p, at);
	at = payload_open(p, IKE_NONE);
	put_filler(p, ~nonce, IKE_NONCE_BYTES);
	payload_close(p, at);
	wire_put_u32(p->out + start + 24, (uint32_t)(p->len - start));
}

size_t ike_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_ike_message(&p, nonce);
	return p.len;
}

bool ike_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	bool our_spi = wire_u64(&w) == ike_spi(nonce);
	uint8_t version, flags;

	wire_skip(&w, 8 + 1);
	version = wire_u8(&w);
	wire_skip(&w, 1);
	flags = wire_u8(&w);
	wire_skip(&w, 4);
	if (wire_u32(&w) != len || w.bad || !our_spi)
		return false;
	/* IKEv1 says INVALID-MAJOR-VERSION in its own format (RFC 2408 5.2), without
	 * such a flag. */
	return version >> 4 == 1 || (version >> 4 == 2 && flags & IKE_RESPONSE);
}

static const char *ike_notify_name(uint16_t type)
{
	switch (type) { /* RFC 7296 3.10.1, RFC 5685 */
	case 1:
		return "UNSUPPORTED_CRITICAL_PAYLOAD";
	case 5:
		return "INVALID_MAJOR_VERSION";
	case 7:
		return "INVALID_SYNTAX";
	case 14:
		return "NO_PROPOSAL_CHOSEN";
	case 17:
		return "INVALID_KE_PAYLOAD";
	case 24:
		return "AUTHENTICATION_FAILED";
	case 16390:
		return "COOKIE";
	case 16407:
		return "REDIRECT";
	default:
		return NULL;
	}
}

void ike_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	uint8_t next, version;
	uint16_t type;

	wire_skip(&w, 16);
	next = wire_u8(&w);
	version = wire_u8(&w);
	wire_skip(&w, IKE_HEADER_LEN - 18);
	if (version >> 4 != 2) {
		snprintf(out, size, "IKEv1 answer");
		return;
	}
	if (next == IKE_SA) {
		snprintf(out, size, "IKEv2 answer, proposal accepted");
		return;
	}
	wire_skip(&w, 4 + 2); /* payload header, protocol, SPI size */
	type = wire_u16(&w);
	if (w.bad || next != IKE_NOTIFY)
		snprintf(out, size, "IKEv2 answer");
	else if (ike_notify_name(type))
		snprintf(out, size, "IKEv2 answer, %s", ike_notify_name(type));
	else
		snprintf(out, size, "IKEv2 answer, notification %u", type);
}

/* Port 4500: RFC 3948 2.2, four zeros tell IKE from ESP; RFC 7296 2.23 allows starting
 * there. */
#define NON_ESP_MARKER_LEN 4

size_t ike_natt_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_zeros(&p, NON_ESP_MARKER_LEN);
	put_ike_message(&p, nonce);
	return p.len;
}

bool ike_natt_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	if (wire_u32(&w) != 0 || w.bad)
		return false;
	return ike_matches(w.at, wire_left(&w), nonce);
}

void ike_natt_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);

	wire_skip(&w, NON_ESP_MARKER_LEN);
	ike_describe(w.at, wire_left(&w), out, size);
}

/*
 * OpenVPN: its wire protocol (draft "OpenVPN wire protocol" of the project; in its source
 * src/openvpn/ssl_pkt.h, reliable.h). Opcode and key id, session id, the acknowledged
 * packet ids (and, if any, the other side's session id), packet id.
 */
#define OPENVPN_RESET_CLIENT_V2 7
#define OPENVPN_RESET_SERVER_V2 8
#define OPENVPN_MAX_ACKS	8

size_t openvpn_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, OPENVPN_RESET_CLIENT_V2 << 3);
	put_u64(&p, nonce);
	put_u8(&p, 0);	/* nothing acknowledged */
	put_u32(&p, 0); /* packet id */
	return p.len;
}

bool openvpn_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint8_t opcode = wire_u8(&w) >> 3;
	uint8_t acks;
	bool our_session;

	wire_skip(&w, 8);
	acks = wire_u8(&w);
	if (opcode != OPENVPN_RESET_SERVER_V2 || acks < 1 || acks > OPENVPN_MAX_ACKS)
		return false;
	wire_skip(&w, acks * 4u);
	our_session = wire_u64(&w) == nonce;
	wire_skip(&w, 4);
	return !w.bad && our_session;
}

void openvpn_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	(void)reply;
	(void)len;
	snprintf(out, size, "OpenVPN answer, without tls-auth");
}

/*
 * WireGuard: "WireGuard: Next Generation Kernel Network Tunnel", 5.4.2 (initiation),
 * 5.4.3 (response), 5.4.7 (cookie); types and indices are little-endian.
 *
 * The first MAC is keyed with the server's public key, which we don't have, so that it
 * drops the message unread. The shape of the real thing still shows whether something on
 * the way rejects it.
 */
#define WIREGUARD_INITIATION_LEN 148
#define WIREGUARD_RESPONSE	 2
#define WIREGUARD_RESPONSE_LEN	 92
#define WIREGUARD_COOKIE	 3
#define WIREGUARD_COOKIE_LEN	 64

size_t wireguard_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, 1); /* handshake initiation */
	put_zeros(&p, 3);
	put_u32(&p, (uint32_t)nonce); /* the sender's index */
	put_filler(&p, nonce, WIREGUARD_INITIATION_LEN - 8 - 16);
	put_zeros(&p, 16); /* the second MAC: no cookie yet */
	return p.len;
}

bool wireguard_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint8_t type = wire_u8(&w);

	wire_skip(&w, 3);
	if (type == WIREGUARD_RESPONSE && len == WIREGUARD_RESPONSE_LEN)
		wire_skip(&w, 4); /* its own index */
	else if (type != WIREGUARD_COOKIE || len != WIREGUARD_COOKIE_LEN)
		return false;
	return wire_u32(&w) == (uint32_t)nonce;
}

void wireguard_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	(void)reply;
	(void)len;
	snprintf(out, size, "WireGuard answer");
}
