#include "first_bytes.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "addr.h"
#include "wire.h"

/* IANA's http, http-alt, and where web developers' servers customarily listen. */
static const uint16_t http_ports[] = { 80,   81,   591,	 3000, 5000, 8000,
				       8008, 8080, 8081, 8888, 9090 };
/* TLS from the first byte on: https, submissions, ldaps, domain-s, ftps, imaps, pop3s. */
static const uint16_t tls[] = { 443, 465, 636, 853, 989, 990, 993, 995, 8443, 9443 };

static bool has(const uint16_t *ports, size_t n, uint16_t port)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void build_http(struct first_bytes_text *t, const char *target, bool brackets)
{
	int n = snprintf((char *)t->bytes, sizeof(t->bytes),
			 "HEAD / HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: portblock\r\n"
			 "Accept: */*\r\nConnection: close\r\n\r\n",
			 brackets ? "[" : "", target, brackets ? "]" : "");

	t->len = n > 0 && (size_t)n < sizeof(t->bytes) ? (size_t)n : 0;
	t->name = "an HTTP request";
}

struct hello {
	uint8_t *out;
	size_t len;
};

static void put8(struct hello *h, unsigned int v)
{
	h->out[h->len++] = (uint8_t)v;
}

static void put16(struct hello *h, unsigned int v)
{
	wire_put_u16(h->out + h->len, (uint16_t)v);
	h->len += 2;
}

static void put_random(struct hello *h, size_t n)
{
	/* Nobody will use it as a key; zeros would do where there is no randomness. */
	memset(h->out + h->len, 0, n);
	(void)!getrandom(h->out + h->len, n, GRND_NONBLOCK);
	h->len += n;
}

/* A length of BYTES bytes is written at the place that *AT names once it is known. */
static size_t open_length(struct hello *h, size_t bytes)
{
	size_t at = h->len;

	memset(h->out + at, 0, bytes);
	h->len += bytes;
	return at;
}

static void close_length(struct hello *h, size_t at, size_t bytes)
{
	size_t n = h->len - at - bytes;

	for (; bytes; bytes--) {
		h->out[at + bytes - 1] = (uint8_t)n;
		n >>= 8;
	}
}

/* Each as RFC 8446 4.2 and RFC 6066 3 have them. */
static void put_extensions(struct hello *h, const char *name)
{
	static const uint16_t signatures[] = { 0x0403, 0x0804, 0x0401, 0x0503,
					       0x0805, 0x0501, 0x0806, 0x0601 };
	size_t all = open_length(h, 2), at, i;

	if (name) {
		put16(h, 0); /* server_name */
		at = open_length(h, 2);
		put16(h, (unsigned int)strlen(name) + 3);
		put8(h, 0);
		put16(h, (unsigned int)strlen(name));
		memcpy(h->out + h->len, name, strlen(name));
		h->len += strlen(name);
		close_length(h, at, 2);
	}
	put16(h, 10); /* supported_groups: x25519, secp256r1, secp384r1 */
	put16(h, 8);
	put16(h, 6);
	put16(h, 29);
	put16(h, 23);
	put16(h, 24);
	put16(h, 13); /* signature_algorithms */
	at = open_length(h, 2);
	put16(h, sizeof(signatures));
	for (i = 0; i < ARRAY_SIZE(signatures); i++)
		put16(h, signatures[i]);
	close_length(h, at, 2);
	put16(h, 43); /* supported_versions: 1.3, 1.2 */
	put16(h, 5);
	put8(h, 4);
	put16(h, 0x0304);
	put16(h, 0x0303);
	put16(h, 51); /* key_share: x25519 */
	put16(h, 38);
	put16(h, 36);
	put16(h, 29);
	put16(h, 32);
	put_random(h, 32);
	close_length(h, all, 2);
}

static void build_tls(struct first_bytes_text *t, const char *name)
{
	static const uint16_t ciphers[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					    0xc02c, 0xc030, 0xcca9, 0xcca8 };
	struct hello h = { .out = t->bytes };
	size_t record, hello, i;

	put8(&h, 22); /* handshake record (RFC 8446 5.1) */
	put16(&h, 0x0301);
	record = open_length(&h, 2);
	put8(&h, 1); /* client_hello */
	hello = open_length(&h, 3);
	put16(&h, 0x0303);
	put_random(&h, 32);
	put8(&h, 32);
	put_random(&h, 32);
	put16(&h, sizeof(ciphers));
	for (i = 0; i < ARRAY_SIZE(ciphers); i++)
		put16(&h, ciphers[i]);
	put16(&h, 0x0100); /* one compression method: none */
	put_extensions(&h, name);
	close_length(&h, hello, 3);
	close_length(&h, record, 2);
	t->len = h.len;
	t->name = "a TLS ClientHello";
}

void first_bytes_for(struct first_bytes_text *ret_text, enum first_bytes kind,
		     uint16_t port, const char *target, int family)
{
	struct first_bytes_text t = { .len = 0 };
	struct addr a;
	bool is_name = addr_from_text(target, &a) < 0;
	size_t len = strlen(target);

	/* Names of the wrong size or with anything odd in them are no host names. */
	if (len > 253 || strcspn(target, " \t\r\n") != len)
		kind = FIRST_NONE;
	switch (kind) {
	case FIRST_NONE:
		break;
	case FIRST_AUTO:
		if (has(http_ports, ARRAY_SIZE(http_ports), port))
			build_http(&t, target, !is_name && family == AF_INET6);
		else if (has(tls, ARRAY_SIZE(tls), port))
			build_tls(&t, is_name ? target : NULL);
		break;
	case FIRST_HTTP:
		build_http(&t, target, !is_name && family == AF_INET6);
		break;
	case FIRST_TLS:
		build_tls(&t, is_name ? target : NULL);
		break;
	}
	*ret_text = t;
}
