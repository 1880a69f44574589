/*
 * The table of UDP services, and what their protocols share.
 */
#include "udp_payload.h"

#include <string.h>

#include "udp_proto.h"

void put_bytes(struct put *p, const void *bytes, size_t len)
{
	if (len > UDP_PAYLOAD_MAX - p->len)
		return;
	if (len)
		memcpy(p->out + p->len, bytes, len);
	p->len += len;
}

void put_u8(struct put *p, uint8_t v)
{
	put_bytes(p, &v, 1);
}

void put_u16(struct put *p, uint16_t v)
{
	uint8_t b[2];

	wire_put_u16(b, v);
	put_bytes(p, b, sizeof(b));
}

void put_u32(struct put *p, uint32_t v)
{
	uint8_t b[4];

	wire_put_u32(b, v);
	put_bytes(p, b, sizeof(b));
}

void put_u64(struct put *p, uint64_t v)
{
	put_u32(p, (uint32_t)(v >> 32));
	put_u32(p, (uint32_t)v);
}

void put_str(struct put *p, const char *s)
{
	put_bytes(p, s, strlen(s));
}

void put_zeros(struct put *p, size_t n)
{
	while (n--)
		put_u8(p, 0);
}

void put_filler(struct put *p, uint64_t nonce, size_t n)
{
	while (n--) {
		/* Knuth's MMIX constants: a spread of bits, no secrecy asked. */
		nonce = nonce * 6364136223846793005u + 1442695040888963407u;
		put_u8(p, (uint8_t)(nonce >> 56));
	}
}

uint64_t wire_u64(struct wire *w)
{
	uint64_t high = wire_u32(w);

	return high << 32 | wire_u32(w);
}

const char *printable(const uint8_t *s, size_t len, char *out, size_t size)
{
	size_t n = 0;

	while (n < len && n + 1 < size && s[n] >= 0x20 && s[n] < 0x7f) {
		out[n] = (char)s[n];
		n++;
	}
	out[n] = '\0';
	return out;
}

/* For those that never answer and have nothing to be asked: an empty datagram, which
 * still draws the port-unreachable of a closed port, and leaves no line in anybody's
 * log. */
static size_t one_way_build(uint8_t *out, uint64_t nonce)
{
	(void)out;
	(void)nonce;
	return 0;
}

static bool one_way_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	(void)reply;
	(void)len;
	(void)nonce;
	return false;
}

#define PROTOCOL(p) .build = p##_build, .matches = p##_matches, .describe = p##_describe
/* clang-format off */
#define ONE_WAY                                                                   \
	.silent = true, .silent_note = "a collector: it takes messages, never answers", \
	.build = one_way_build, .matches = one_way_matches

/* Ports: those that IANA's registry of services has, and the customary ones of the
 * rest. */
static const struct udp_service services[] = {
	{ "dns", { 53 }, PROTOCOL(dns) },
	{ "tftp", { 69 }, PROTOCOL(tftp), .replies_from_other_port = true },
	{ "kerberos", { 88 }, PROTOCOL(kerberos),
	  .silent_note = "a KDC of several realms may ignore an unknown one" },
	{ "rpcbind", { 111 }, PROTOCOL(rpcbind) },
	{ "ntp", { 123 }, PROTOCOL(ntp),
	  .silent_note = "NTP servers may ignore clients that their rules exclude" },
	{ "netbios-ns", { 137 }, PROTOCOL(netbios) },
	{ "snmp", { 161 }, PROTOCOL(snmp),
	  .silent_note = "agents without SNMPv3 ignore the discovery" },
	{ "snmptrap", { 162 }, ONE_WAY },
	{ "cldap", { 389 }, PROTOCOL(cldap),
	  .silent_note = "of the LDAP servers only domain controllers usually have UDP" },
	{ "quic", { 443, 853, 8443 }, PROTOCOL(quic) },
	{ "ike", { 500 }, PROTOCOL(ike),
	  .silent_note = "IKE gateways may ignore peers that they don't know" },
	{ "ike-nat-t", { 4500 }, PROTOCOL(ike_natt),
	  .silent_note = "IKE gateways may ignore peers that they don't know" },
	{ "syslog", { 514 }, ONE_WAY },
	{ "openvpn", { 1194 }, PROTOCOL(openvpn),
	  .silent_note = "OpenVPN with tls-auth or tls-crypt ignores strangers" },
	{ "radius", { 1812, 1813, 1645, 1646 }, PROTOCOL(radius), .silent = true,
	  .silent_note = "RADIUS ignores requests made without the shared secret" },
	{ "ssdp", { 1900 }, PROTOCOL(ssdp), .replies_from_other_port = true,
	  .silent_note = "UPnP devices may answer only the multicast search" },
	{ "nfs", { 2049 }, PROTOCOL(nfs) },
	{ "stun", { 3478, 19302 }, PROTOCOL(stun) },
	{ "dtls", { 4433, 5684, 5349, 2083, 10161 }, PROTOCOL(dtls) },
	{ "sip", { 5060 }, PROTOCOL(sip),
	  .silent_note = "SIP servers may ignore unknown clients to hide from scanners" },
	{ "mdns", { 5353 }, PROTOCOL(mdns),
	  .silent_note = "mDNS answers on its own link, if it has services to tell" },
	{ "coap", { 5683 }, PROTOCOL(coap) },
	{ "flow-collector", { 2055, 4739, 6343, 9995 }, ONE_WAY },
	{ "statsd", { 8125 }, ONE_WAY },
	{ "memcached", { 11211 }, PROTOCOL(memcached),
	  .silent_note = "memcached has UDP off unless started with -U" },
	{ "wireguard", { 51820 }, PROTOCOL(wireguard), .silent = true,
	  .silent_note = "WireGuard never answers a peer whose key it doesn't know" },
};
/* clang-format on */

const struct udp_service *udp_service_of_port(uint16_t port)
{
	if (!port)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(services[i].ports); j++) {
			if (services[i].ports[j] == port)
				return &services[i];
		}
	}
	return NULL;
}

const struct udp_service *udp_services(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(services);
	return services;
}
