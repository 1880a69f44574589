/*
 * Floor 5: behind udp_payload.h: the entry points of each protocol, and how requests are
 * written.
 */
#ifndef PK_UDP_PROTO_H
#define PK_UDP_PROTO_H

#include "udp_payload.h"
#include "wire.h"

/* A request being written; what would go beyond UDP_PAYLOAD_MAX is left out. */
struct put {
	uint8_t *out;
	size_t len;
};

static inline struct put put_to(uint8_t *out)
{
	return (struct put){ .out = out };
}

void put_u8(struct put *p, uint8_t v);
void put_u16(struct put *p, uint16_t v);
void put_u32(struct put *p, uint32_t v);
void put_u64(struct put *p, uint64_t v);
void put_bytes(struct put *p, const void *bytes, size_t len);
void put_str(struct put *p, const char *s); /* without its NUL */
void put_zeros(struct put *p, size_t n);
/* N bytes that look random, from NONCE: key shares and the like that nobody will use. */
void put_filler(struct put *p, uint64_t nonce, size_t n);

uint64_t wire_u64(struct wire *w);
/* Copy the leading printable ASCII of LEN foreign bytes to OUT of SIZE. Returns OUT. */
const char *printable(const uint8_t *s, size_t len, char *out, size_t size);

/* What a service of the table needs, declared once. */
#define UDP_PROTOCOL(p)                                                     \
	size_t p##_build(uint8_t *out, uint64_t nonce);                     \
	bool p##_matches(const uint8_t *reply, size_t len, uint64_t nonce); \
	void p##_describe(const uint8_t *reply, size_t len, char *out, size_t size)

/* udp_app.c */
UDP_PROTOCOL(stun);
UDP_PROTOCOL(coap);
UDP_PROTOCOL(sip);
UDP_PROTOCOL(ssdp);
UDP_PROTOCOL(memcached);
/* udp_ber.c */
UDP_PROTOCOL(snmp);
UDP_PROTOCOL(cldap);
UDP_PROTOCOL(kerberos);
/* udp_dns.c */
UDP_PROTOCOL(dns);
UDP_PROTOCOL(mdns);
UDP_PROTOCOL(netbios);
/* udp_infra.c */
UDP_PROTOCOL(ntp);
UDP_PROTOCOL(tftp);
UDP_PROTOCOL(rpcbind);
UDP_PROTOCOL(nfs);
UDP_PROTOCOL(radius);
/* udp_tls.c */
UDP_PROTOCOL(quic);
UDP_PROTOCOL(dtls);
/* udp_tunnel.c */
UDP_PROTOCOL(ike);
UDP_PROTOCOL(ike_natt);
UDP_PROTOCOL(openvpn);
UDP_PROTOCOL(wireguard);

#endif
