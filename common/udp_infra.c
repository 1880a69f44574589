/*
 * What networks run on: NTP, TFTP, ONC RPC (rpcbind, NFS), RADIUS.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "udp_proto.h"

/* NTP: RFC 5905 7.3. A client's packet of version 4 that tells nothing but its transmit
 * timestamp, which the server gives back as origin. */
#define NTP_PACKET_LEN	48
#define NTP_MODE_CLIENT 3
#define NTP_MODE_SERVER 4

size_t ntp_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, 4 << 3 | NTP_MODE_CLIENT);
	put_zeros(&p, NTP_PACKET_LEN - 1 - 8);
	put_u64(&p, nonce);
	return p.len;
}

bool ntp_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint8_t first = wire_u8(&w);
	uint64_t origin;

	wire_skip(&w, 23);
	origin = wire_u64(&w);
	return len >= NTP_PACKET_LEN && (first & 7) == NTP_MODE_SERVER && origin == nonce;
}

void ntp_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	uint8_t first = wire_u8(&w);
	uint8_t stratum = wire_u8(&w);
	const uint8_t *refid;
	char code[5] = "";

	wire_skip(&w, 10);
	refid = wire_bytes(&w, 4);
	/* RFC 5905 7.4: with stratum 0 and 1 the reference id is ASCII. */
	if (refid && stratum <= 1)
		printable(refid, 4, code, sizeof(code));
	if (stratum == 0 && *code)
		snprintf(out, size, "NTP kiss-of-death, %s", code);
	else if (stratum == 0 || stratum >= 16 || first >> 6 == 3)
		snprintf(out, size, "NTP, clock not synchronised");
	else if (*code)
		snprintf(out, size, "NTP stratum %u, %s", stratum, code);
	else
		snprintf(out, size, "NTP stratum %u", stratum);
}

/* TFTP: RFC 1350 4 and 5. A read request for a file that nobody has draws an error,
 * which, as every answer, comes from a port of its own. */
#define TFTP_RRQ   1
#define TFTP_DATA  3
#define TFTP_ERROR 5

size_t tftp_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	char file[48];

	snprintf(file, sizeof(file), "portkit-no-such-file-%016" PRIx64, nonce);
	put_u16(&p, TFTP_RRQ);
	put_str(&p, file);
	put_u8(&p, 0);
	put_str(&p, "octet");
	put_u8(&p, 0);
	return p.len;
}

bool tftp_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint16_t opcode = wire_u16(&w);
	uint16_t code = wire_u16(&w);

	(void)nonce; /* the answer repeats nothing of the request */
	if (w.bad)
		return false;
	if (opcode == TFTP_DATA) /* there are servers that have every file */
		return code == 1 && wire_left(&w) <= 512;
	/* Codes 0-7, and 8 from RFC 2347; the message ends the datagram with its NUL. */
	return opcode == TFTP_ERROR && code <= 8 && wire_left(&w) &&
	       memchr(w.at, 0, wire_left(&w)) == w.end - 1;
}

void tftp_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	static const char *const errors[] = {
		"error",
		"file not found",
		"access violation",
		"disk full",
		"illegal operation",
		"unknown transfer id",
		"file already exists",
		"no such user",
		"option refused",
	};
	struct wire w = wire_of(reply, len);
	uint16_t opcode = wire_u16(&w);
	uint16_t code = wire_u16(&w);

	if (opcode == TFTP_DATA)
		snprintf(out, size, "TFTP data");
	else
		snprintf(out, size, "TFTP answer, %s",
			 errors[code < ARRAY_SIZE(errors) ? code : 0]);
}

/* ONC RPC: RFC 5531 9 and 11; procedure 0 does nothing and needs no authentication. */
#define RPC_VERSION	2
#define RPC_REPLY	1
#define PROGRAM_RPCBIND 100000 /* RFC 1833 3 */
#define PROGRAM_NFS	100003 /* RFC 1813 2 */

static size_t rpc_null_build(uint8_t *out, uint64_t nonce, uint32_t program,
			     uint32_t version)
{
	struct put p = put_to(out);

	put_u32(&p, (uint32_t)nonce);
	put_u32(&p, 0); /* CALL */
	put_u32(&p, RPC_VERSION);
	put_u32(&p, program);
	put_u32(&p, version);
	put_u32(&p, 0);
	put_zeros(&p, 8 + 8); /* credential and verifier: AUTH_NONE, no body */
	return p.len;
}

/* Read a reply to its status. Returns the words for it, NULL if it is none. */
static const char *rpc_status(struct wire *w)
{
	/* RFC 5531 9, enum accept_stat */
	static const char *const accepted[] = {
		"success",	     "program unavailable",
		"program mismatch",  "procedure unavailable",
		"garbage arguments", "system error"
	};
	uint32_t status, stat;

	if (wire_u32(w) != RPC_REPLY)
		return NULL;
	status = wire_u32(w);
	if (w->bad || status > 1)
		return NULL;
	if (status == 0) {
		uint32_t verifier_len;

		wire_skip(w, 4);
		verifier_len = wire_u32(w);
		if (verifier_len > 400) /* RFC 5531 8.2 */
			return NULL;
		wire_skip(w, (verifier_len + 3) & ~3u);
		stat = wire_u32(w);
		if (stat == 2)
			wire_skip(w, 8); /* the versions that there are */
		return w->bad || stat >= ARRAY_SIZE(accepted) ? NULL : accepted[stat];
	}
	stat = wire_u32(w);
	wire_skip(w, stat == 0 ? 8 : 4);
	if (w->bad || stat > 1)
		return NULL;
	return stat == 0 ? "RPC version mismatch" : "authentication error";
}

size_t rpcbind_build(uint8_t *out, uint64_t nonce)
{
	return rpc_null_build(out, nonce, PROGRAM_RPCBIND, 2);
}

bool rpcbind_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	return wire_u32(&w) == (uint32_t)nonce && rpc_status(&w);
}

static void rpc_describe(const char *program, const uint8_t *reply, size_t len, char *out,
			 size_t size)
{
	struct wire w = wire_of(reply, len);
	const char *status;

	wire_skip(&w, 4);
	status = rpc_status(&w);
	snprintf(out, size, "%s answer, %s", program, status ? status : "unreadable");
}

void rpcbind_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	rpc_describe("rpcbind", reply, len, out, size);
}

size_t nfs_build(uint8_t *out, uint64_t nonce)
{
	return rpc_null_build(out, nonce, PROGRAM_NFS, 3);
}

bool nfs_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	return rpcbind_matches(reply, len, nonce);
}

void nfs_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	rpc_describe("NFS", reply, len, out, size);
}

/*
 * RADIUS: RFC 2865 3, RFC 5997 (Status-Server).
 *
 * RFC 5997 3 wants a Message-Authenticator made with the secret that client and server
 * share, and servers drop what has a wrong one, so that an answer is not to be expected;
 * a server set up carelessly may still give one.
 */
#define RADIUS_STATUS_SERVER	     12
#define RADIUS_MESSAGE_AUTHENTICATOR 80
#define RADIUS_HEADER_LEN	     20

size_t radius_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, RADIUS_STATUS_SERVER);
	put_u8(&p, (uint8_t)nonce);
	put_u16(&p, RADIUS_HEADER_LEN + 18);
	put_filler(&p, nonce, 16);
	put_u8(&p, RADIUS_MESSAGE_AUTHENTICATOR);
	put_u8(&p, 18);
	put_zeros(&p, 16);
	return p.len;
}

static const char *radius_code(uint8_t code)
{
	switch (code) { /* RFC 2865 4, RFC 2866 4.2 */
	case 2:
		return "Access-Accept";
	case 3:
		return "Access-Reject";
	case 5:
		return "Accounting-Response";
	default:
		return NULL;
	}
}

bool radius_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint8_t code = wire_u8(&w);
	uint8_t id = wire_u8(&w);
	uint16_t length = wire_u16(&w);

	/* RFC 2865 3: what follows the length is padding. */
	return !w.bad && radius_code(code) && id == (uint8_t)nonce &&
	       length >= RADIUS_HEADER_LEN && length <= len;
}

void radius_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	const char *code = radius_code(wire_u8(&w));

	snprintf(out, size, "RADIUS %s", code ? code : "answer");
}
