/*
 * Applications: STUN, CoAP, SIP, SSDP, memcached.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "udp_proto.h"

/* STUN: RFC 8489 5 and 14. */
#define STUN_HEADER_LEN		20
#define STUN_COOKIE		0x2112a442
#define STUN_BINDING_REQUEST	0x0001
#define STUN_BINDING_SUCCESS	0x0101
#define STUN_BINDING_ERROR	0x0111
#define STUN_MAPPED_ADDRESS	0x0001
#define STUN_XOR_MAPPED_ADDRESS 0x0020

size_t stun_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u16(&p, STUN_BINDING_REQUEST);
	put_u16(&p, 0); /* no attributes */
	put_u32(&p, STUN_COOKIE);
	put_u64(&p, nonce); /* the transaction id has 96 bits */
	put_u32(&p, ~(uint32_t)nonce);
	return p.len;
}

bool stun_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);
	uint16_t type = wire_u16(&w);
	uint16_t length = wire_u16(&w);

	if (type != STUN_BINDING_SUCCESS && type != STUN_BINDING_ERROR)
		return false;
	if (wire_u32(&w) != STUN_COOKIE || wire_u64(&w) != nonce ||
	    wire_u32(&w) != ~(uint32_t)nonce)
		return false;
	return !w.bad && length % 4 == 0 && length == wire_left(&w);
}

/* RFC 8489 14.1, 14.2: zero, family, port, address; MASK (cookie and transaction id, 16
 * bytes) is XORed over the latter two, NULL in MAPPED-ADDRESS. */
static bool stun_address(struct wire value, const uint8_t *mask, char *ret_text,
			 size_t size)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t family, address[16];
	const uint8_t *bytes;
	uint16_t port;
	size_t n;

	wire_skip(&value, 1);
	family = wire_u8(&value);
	port = wire_u16(&value);
	n = family == 1 ? 4 : 16;
	bytes = wire_bytes(&value, n);
	if (!bytes || family < 1 || family > 2)
		return false;
	if (mask)
		port ^= STUN_COOKIE >> 16;
	for (size_t i = 0; i < n; i++)
		address[i] = mask ? bytes[i] ^ mask[i] : bytes[i];
	if (!inet_ntop(n == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)))
		return false;
	snprintf(ret_text, size, n == 4 ? "%s:%u" : "[%s]:%u", text, port);
	return true;
}

void stun_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	uint16_t type = wire_u16(&w);
	const uint8_t *mask;
	char text[64];

	wire_skip(&w, 2);
	mask = wire_bytes(&w, 16);
	snprintf(out, size, type == STUN_BINDING_ERROR ? "STUN error" : "STUN answer");
	while (mask && wire_left(&w)) {
		uint16_t kind = wire_u16(&w);
		uint16_t length = wire_u16(&w);
		const uint8_t *value = wire_bytes(&w, length);

		wire_skip(&w, (4 - length % 4) % 4); /* RFC 8489 14: padded */
		if (!value ||
		    (kind != STUN_MAPPED_ADDRESS && kind != STUN_XOR_MAPPED_ADDRESS))
			continue;
		if (stun_address(wire_of(value, length),
				 kind == STUN_XOR_MAPPED_ADDRESS ? mask : NULL, text,
				 sizeof(text))) {
			snprintf(out, size, "STUN answer, sees us as %s", text);
			return;
		}
	}
}

/* CoAP ping: RFC 7252 4.3, an empty confirmable message, which a reset rejects. */
#define COAP_CON 0x40 /* version 1, no token */
#define COAP_RST 0x70

size_t coap_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_u8(&p, COAP_CON);
	put_u8(&p, 0); /* code 0.00: empty */
	put_u16(&p, (uint16_t)nonce);
	return p.len;
}

bool coap_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	return len == 4 && wire_u8(&w) == COAP_RST && wire_u8(&w) == 0 &&
	       wire_u16(&w) == (uint16_t)nonce;
}

void coap_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	(void)reply;
	(void)len;
	snprintf(out, size, "CoAP reset, the answer to a ping");
}

/* The value of header NAME (with its colon) in LEN bytes of lines that end in CR LF, as
 * HTTP and SIP have them; NULL if there is none. */
static const uint8_t *header_value(const uint8_t *text, size_t len, const char *name,
				   size_t *ret_len)
{
	const uint8_t *at = text, *end = text + len, *eol;
	size_t name_len = strlen(name);

	for (; (eol = memmem(at, (size_t)(end - at), "\r\n", 2)); at = eol + 2) {
		if ((size_t)(eol - at) < name_len ||
		    strncasecmp((const char *)at, name, name_len) != 0)
			continue;
		at += name_len;
		while (at < eol && (*at == ' ' || *at == '\t'))
			at++;
		*ret_len = (size_t)(eol - at);
		return at;
	}
	return NULL;
}

/* The status of "PROTOCOL NNN " at the start of a reply whose headers are complete, else
 * 0. */
static unsigned status_of(const uint8_t *reply, size_t len, const char *protocol)
{
	struct wire w = wire_of(reply, len);
	const uint8_t *start = wire_bytes(&w, strlen(protocol));
	unsigned status = 0;

	if (!start || memcmp(start, protocol, strlen(protocol)) != 0 ||
	    wire_u8(&w) != ' ')
		return 0;
	for (int i = 0; i < 3; i++) {
		uint8_t c = wire_u8(&w);

		if (c < '0' || c > '9')
			return 0;
		status = status * 10 + c - '0';
	}
	if (wire_u8(&w) != ' ' || !memmem(reply, len, "\r\n\r\n", 4))
		return 0;
	return status;
}

/*
 * SIP: RFC 3261 11 (OPTIONS), 16.3 (with Max-Forwards 0 nobody passes it on: the first
 * server answers itself or says 483), RFC 3581 (rport: answer to where it came from). The
 * name is one that can't exist, RFC 6761 6.4.
 */
static void sip_branch(char *out, size_t size, uint64_t nonce)
{
	/* RFC 3261 8.1.1.7: the cookie that a branch starts with */
	snprintf(out, size, "z9hG4bK%016" PRIx64, nonce);
}

size_t sip_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	char branch[32], text[512];

	sip_branch(branch, sizeof(branch), nonce);
	snprintf(text, sizeof(text),
		 "OPTIONS sip:portkit.invalid SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP portkit.invalid;branch=%s;rport\r\n"
		 "Max-Forwards: 0\r\n"
		 "From: <sip:portkit@portkit.invalid>;tag=%08" PRIx32 "\r\n"
		 "To: <sip:portkit.invalid>\r\n"
		 "Call-ID: %016" PRIx64 "@portkit.invalid\r\n"
		 "CSeq: 1 OPTIONS\r\n"
		 "Content-Length: 0\r\n"
		 "\r\n",
		 branch, (uint32_t)nonce, nonce);
	put_str(&p, text);
	return p.len;
}

bool sip_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	unsigned status = status_of(reply, len, "SIP/2.0");
	char branch[32];

	sip_branch(branch, sizeof(branch), nonce);
	return status >= 100 && status < 700 &&
	       memmem(reply, len, branch, strlen(branch));
}

/* "SIP 200, Kamailio": STATUS is the beginning, the software (if told) follows. */
static void describe_software(const char *start, const uint8_t *software, size_t len,
			      char *out, size_t size)
{
	char name[64] = "";

	if (software)
		printable(software, len, name, sizeof(name));
	snprintf(out, size, "%s%s%s", start, *name ? ", " : "", name);
}

void sip_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	const uint8_t *software;
	size_t software_len = 0;
	char start[24];

	software = header_value(reply, len, "Server:", &software_len);
	if (!software)
		software = header_value(reply, len, "User-Agent:", &software_len);
	snprintf(start, sizeof(start), "SIP answer %u", status_of(reply, len, "SIP/2.0"));
	describe_software(start, software, software_len, out, size);
}

/* SSDP: UPnP Device Architecture 2.0, 1.3.2 and 1.3.3. Root devices only, so that one
 * device gives one answer. There are stacks (libupnp) that answer from a socket of
 * their own. */
size_t ssdp_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	(void)nonce; /* there is no transaction id */
	put_str(&p, "M-SEARCH * HTTP/1.1\r\n"
		    "HOST: 239.255.255.250:1900\r\n"
		    "MAN: \"ssdp:discover\"\r\n"
		    "MX: 1\r\n"
		    "ST: upnp:rootdevice\r\n"
		    "\r\n");
	return p.len;
}

bool ssdp_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	size_t n;

	(void)nonce;
	return status_of(reply, len, "HTTP/1.1") == 200 &&
	       header_value(reply, len, "ST:", &n) &&
	       header_value(reply, len, "USN:", &n);
}

void ssdp_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	size_t software_len = 0;
	const uint8_t *software = header_value(reply, len, "SERVER:", &software_len);

	describe_software("SSDP answer", software, software_len, out, size);
}

/* memcached: its doc/protocol.txt, "UDP protocol": request id, sequence number,
 * datagrams in all, zero; then the text protocol. */
#define MEMCACHED_FRAME_LEN 8

static void put_memcached_frame(struct put *p, uint64_t nonce)
{
	put_u16(p, (uint16_t)nonce);
	put_u16(p, 0);
	put_u16(p, 1);
	put_u16(p, 0);
}

size_t memcached_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);

	put_memcached_frame(&p, nonce);
	put_str(&p, "version\r\n");
	return p.len;
}

bool memcached_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	/* ERROR: a proxy or another server of the protocol, without this command */
	static const char *const words[] = { "VERSION ", "ERROR", "SERVER_ERROR ",
					     "CLIENT_ERROR " };
	struct wire w = wire_of(reply, len);

	if (wire_u16(&w) != (uint16_t)nonce || wire_u16(&w) != 0 || wire_u16(&w) != 1 ||
	    wire_u16(&w) != 0 || wire_left(&w) < 2 || memcmp(w.end - 2, "\r\n", 2) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (wire_left(&w) >= n && memcmp(w.at, words[i], n) == 0)
			return true;
	}
	return false;
}

void memcached_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	char text[48] = "";

	wire_skip(&w, MEMCACHED_FRAME_LEN);
	if (wire_left(&w))
		printable(w.at, wire_left(&w), text, sizeof(text));
	if (strncmp(text, "VERSION ", 8) == 0)
		snprintf(out, size, "memcached %s", text + 8);
	else
		snprintf(out, size, "memcached answer, %s", text);
}
