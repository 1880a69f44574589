/*
 * DNS, multicast DNS and the NetBIOS name service, which share one message format.
 *
 * RFC 1035 4.1 (message), 6762 (mDNS), 6763 9 (service types), 1001 14.1 and 1002 4.2
 * (NetBIOS).
 */
#include <stdio.h>
#include <string.h>

#include "udp_proto.h"

#define DNS_QR	   0x8000 /* a response */
#define DNS_OPCODE 0x7800
#define DNS_RA	   0x0080 /* recursion available */
#define DNS_RCODE  0x000f
#define DNS_IN	   1

#define TYPE_NS	    2
#define TYPE_PTR    12
#define TYPE_NBSTAT 0x21 /* RFC 1002 4.2.1.3 */

struct question {
	const uint8_t *name; /* in wire form */
	size_t name_len;
	uint16_t type;
};

static const uint8_t root_name[] = { 0 };
static const uint8_t service_types_name[] = "\x09_services\x07_dns-sd\x04_udp\x05local";
/* RFC 1001 14.1: each half of a byte, plus 'A'; the name is "*" and fifteen NULs. */
static const uint8_t any_netbios_name[] = "\x20"
					  "CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/* "NS of the root" without RD: a resolver answers from what it has, or refuses, and never
 * waits for others to do so; an authoritative server answers or refuses. */
static const struct question root_ns = { root_name, sizeof(root_name), TYPE_NS };
static const struct question service_types = { service_types_name,
					       sizeof(service_types_name), TYPE_PTR };
static const struct question node_status = { any_netbios_name, sizeof(any_netbios_name),
					     TYPE_NBSTAT };

static size_t query_build(uint8_t *out, uint16_t id, const struct question *q)
{
	struct put p = put_to(out);

	put_u16(&p, id);
	put_u16(&p, 0); /* a query, opcode 0, RD clear */
	put_u16(&p, 1); /* QDCOUNT */
	put_zeros(&p, 3 * 2);
	put_bytes(&p, q->name, q->name_len);
	put_u16(&p, q->type);
	put_u16(&p, DNS_IN);
	return p.len;
}

/* RFC 1035 4.1.4: labels until a zero one or a pointer, which is not followed. */
static void skip_name(struct wire *w)
{
	while (!w->bad) {
		uint8_t label = wire_u8(w);

		if ((label & 0xc0) == 0xc0) {
			wire_skip(w, 1);
			return;
		}
		if (label & 0xc0)
			w->bad = true;
		if (label == 0)
			return;
		wire_skip(w, label);
	}
}

/* The whole message decodes and is a response to Q with ID. Some servers leave the
 * question out of an error. */
static bool response_matches(const uint8_t *reply, size_t len, uint16_t id,
			     const struct question *q)
{
	struct wire w = wire_of(reply, len);
	bool same_id = wire_u16(&w) == id;
	uint16_t flags = wire_u16(&w);
	unsigned questions = wire_u16(&w);
	unsigned records = wire_u16(&w);

	records += wire_u16(&w);
	records += wire_u16(&w);
	if (w.bad || !same_id || !(flags & DNS_QR) || flags & DNS_OPCODE || questions > 1)
		return false;
	if (questions) {
		const uint8_t *name = wire_bytes(&w, q->name_len);

		if (!name || memcmp(name, q->name, q->name_len) != 0)
			return false;
		if (wire_u16(&w) != q->type || (wire_u16(&w) & 0x7fff) != DNS_IN)
			return false;
	}
	while (records-- && !w.bad) {
		skip_name(&w);
		wire_skip(&w, 2 + 2 + 4); /* type, class, TTL */
		wire_skip(&w, wire_u16(&w));
	}
	return !w.bad;
}

size_t dns_build(uint8_t *out, uint64_t nonce)
{
	return query_build(out, (uint16_t)nonce, &root_ns);
}

bool dns_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	return response_matches(reply, len, (uint16_t)nonce, &root_ns);
}

void dns_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	/* RFC 1035 4.1.1, 2136 2.2, by the names of the IANA registry */
	static const char *const rcodes[16] = { "NOERROR",  "FORMERR", "SERVFAIL",
						"NXDOMAIN", "NOTIMP",  "REFUSED",
						"YXDOMAIN", "YXRRSET", "NXRRSET",
						"NOTAUTH",  "NOTZONE" };
	struct wire w = wire_of(reply, len);
	const char *recursion = "";
	uint16_t flags;

	wire_skip(&w, 2);
	flags = wire_u16(&w);
	if (flags & DNS_RA)
		recursion = ", recursion available";
	if (rcodes[flags & DNS_RCODE])
		snprintf(out, size, "DNS answer, %s%s", rcodes[flags & DNS_RCODE],
			 recursion);
	else
		snprintf(out, size, "DNS answer, rcode %d%s", flags & DNS_RCODE,
			 recursion);
}

/* RFC 6762 6.7: a question from another port than 5353 is a legacy one, whose answer
 * comes by unicast and repeats id and question. */
size_t mdns_build(uint8_t *out, uint64_t nonce)
{
	return query_build(out, (uint16_t)nonce, &service_types);
}

bool mdns_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	return response_matches(reply, len, (uint16_t)nonce, &service_types);
}

void mdns_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);

	wire_skip(&w, 6);
	snprintf(out, size, "mDNS answer, service types: %u", (unsigned)wire_u16(&w));
}

/* RFC 1002 4.2.17 */
size_t netbios_build(uint8_t *out, uint64_t nonce)
{
	return query_build(out, (uint16_t)nonce, &node_status);
}

/* Step to the list of names of a node status response, RFC 1002 4.2.18. Returns how many
 * names of 18 bytes follow, all of them within bounds; 0 if this is no such response. */
static size_t node_status_names(struct wire *w)
{
	uint16_t questions, answers, type, rdata_len;
	size_t names;

	wire_skip(w, 4); /* id, flags */
	questions = wire_u16(w);
	answers = wire_u16(w);
	wire_skip(w, 4); /* NSCOUNT, ARCOUNT */
	if (questions || !answers)
		return 0;
	skip_name(w);
	type = wire_u16(w);
	wire_skip(w, 2 + 4); /* class, TTL */
	rdata_len = wire_u16(w);
	names = wire_u8(w);
	if (w->bad || type != TYPE_NBSTAT || rdata_len < 1 + names * 18)
		return 0;
	return wire_left(w) < names * 18 ? 0 : names;
}

bool netbios_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	if (!response_matches(reply, len, (uint16_t)nonce, &node_status))
		return false;
	return node_status_names(&w) > 0;
}

void netbios_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	char host[16] = "", group[16] = "";

	for (size_t n = node_status_names(&w); n; n--) {
		const uint8_t *name = wire_bytes(&w, 15); /* padded with spaces */
		uint8_t suffix = wire_u8(&w);
		bool is_group = wire_u16(&w) & 0x8000;
		char *to = is_group ? group : host;
		size_t used = 15;

		/* Suffix 0: the name of the host itself, or of its workgroup or
		 * domain. */
		if (!name || suffix != 0 || *to)
			continue;
		while (used && name[used - 1] == ' ')
			used--;
		printable(name, used, to, sizeof(host));
	}
	snprintf(out, size, "NetBIOS host %s%s%s", *host ? host : "without a name",
		 *group ? ", group " : "", group);
}
