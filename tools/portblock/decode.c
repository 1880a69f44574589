/*
 * Layer by layer, each reading on from the same place and narrowing where it ends.
 *
 * What a header says of its length is believed only as far as bytes were captured; a
 * capture that is shorter than the packet is normal, headers that are cut are not.
 */
#include "decode.h"

#include <errno.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include "decode_link.h"
#include "wire.h"

/* RFC 8200 sets no limit; six kinds stand there at most once, and one twice. */
#define EXTENSIONS_MAX 16

/* An IP header with the extension headers behind it. */
struct ip_header {
	struct addr src, dst;
	uint8_t ttl, tos;
	uint16_t id;
	uint32_t flow_label;
	uint8_t protocol;    /* of what follows the last extension header */
	bool later_fragment; /* what follows is not its beginning */
	bool has_length;     /* and it can be true */
	size_t length;	     /* of what follows it, where has_length */
	bool wrong_length;
};

static struct addr read_addr(struct wire *w, int family, int interface)
{
	struct addr a = { .family = (uint16_t)family };
	size_t len = addr_len(&a), i;
	const uint8_t *p = wire_bytes(w, len);

	for (i = 0; p && i < len; i++)
		a.ip[i] = p[i];
	if (family == AF_INET6 && addr_is_link_local(&a))
		a.scope = (uint32_t)interface;
	return a;
}

/* RFC 791 3.1. Leaves W behind the options. */
static bool read_ip4(struct wire *w, int interface, struct ip_header *h)
{
	uint8_t first = wire_u8(w);
	size_t header_len = (size_t)(first & 0x0f) * 4, total_len;
	uint16_t fragment;

	if (first >> 4 != 4 || header_len < 20)
		return false;
	h->tos = wire_u8(w);
	total_len = wire_u16(w);
	h->id = wire_u16(w);
	fragment = wire_u16(w);
	h->later_fragment = fragment & 0x1fff;
	h->ttl = wire_u8(w);
	h->protocol = wire_u8(w);
	wire_skip(w, 2); /* the checksum may be left to the card */
	h->src = read_addr(w, AF_INET, interface);
	h->dst = read_addr(w, AF_INET, interface);
	wire_skip(w, header_len - 20);
	/* 0: a large segment that the card is to cut. */
	h->has_length = total_len >= header_len;
	h->length = h->has_length ? total_len - header_len : 0;
	h->wrong_length = total_len && !h->has_length;
	return !w->bad;
}

/* RFC 8200 3. Leaves W behind the fixed header. */
static bool read_ip6(struct wire *w, int interface, struct ip_header *h)
{
	uint32_t first = wire_u32(w);

	if (first >> 28 != 6)
		return false;
	h->tos = (uint8_t)(first >> 20);
	h->flow_label = first & 0xfffff;
	h->length = wire_u16(w);
	h->has_length = h->length != 0; /* else a jumbogram (RFC 2675 3), or as above */
	h->protocol = wire_u8(w);
	h->ttl = wire_u8(w);
	h->src = read_addr(w, AF_INET6, interface);
	h->dst = read_addr(w, AF_INET6, interface);
	return !w->bad;
}

/* Pass over extension headers (RFC 8200 4) and AH (RFC 4302 2), which IPv4 may have as
 * well. False when they are cut or too many. */
static bool skip_extensions(struct wire *w, struct ip_header *h)
{
	size_t i;

	for (i = 0; i <= EXTENSIONS_MAX; i++) {
		bool v6 = h->src.family == AF_INET6;
		const uint8_t *before = w->at;
		uint8_t next, len;
		size_t used;

		if (h->later_fragment)
			return true;
		if (v6 && h->protocol == IPPROTO_FRAGMENT) {
			next = wire_u8(w);
			wire_skip(w, 1);
			h->later_fragment = wire_u16(w) >> 3;
			wire_skip(w, 4);
		} else if (h->protocol == IPPROTO_AH) {
			next = wire_u8(w);
			len = wire_u8(w);
			wire_skip(w, ((size_t)len + 2) * 4 - 2);
		} else if (v6 && (h->protocol == IPPROTO_HOPOPTS ||
				  h->protocol == IPPROTO_ROUTING ||
				  h->protocol == IPPROTO_DSTOPTS ||
				  h->protocol == IPPROTO_MH)) {
			next = wire_u8(w);
			len = wire_u8(w);
			wire_skip(w, ((size_t)len + 1) * 8 - 2);
		} else {
			return true;
		}
		if (w->bad)
			return false;
		h->protocol = next;
		used = (size_t)(w->at - before);
		if (h->has_length && h->length < used)
			return false;
		h->length -= h->has_length ? used : 0;
	}
	return false;
}

/* Addresses alone may be all that is wanted of it: RET_WHOLE says whether W stands at
 * what RET_HEADER's protocol names. */
static bool read_ip(struct wire *w, uint16_t ethertype, int interface, bool quoted,
		    struct ip_header *ret_header, bool *ret_whole)
{
	struct ip_header h = { 0 };

	if (ethertype == ETHERTYPE_IP ? !read_ip4(w, interface, &h)
				      : !read_ip6(w, interface, &h))
		return false;
	/* Some systems swap the length in place before they quote. */
	if (quoted)
		h.has_length = false;
	else if (h.wrong_length)
		return false;
	/* Behind the packet there may be the padding of a short frame. */
	if (h.has_length && wire_left(w) > h.length)
		w->end = w->at + h.length;
	*ret_whole = skip_extensions(w, &h);
	*ret_header = h;
	return true;
}

/* ---- what IP carries ---- */

/* RFC 9293 3.1 */
static bool read_tcp(struct wire *w, const struct ip_header *h, struct packet *p)
{
	size_t header_len;

	p->src_port = wire_u16(w);
	p->dst_port = wire_u16(w);
	p->seq = wire_u32(w);
	p->ack = wire_u32(w);
	header_len = (size_t)(wire_u8(w) >> 4) * 4;
	p->flags = wire_u8(w) &
		   (PACKET_FIN | PACKET_SYN | PACKET_RST | PACKET_PSH | PACKET_ACK);
	p->window = wire_u16(w);
	wire_skip(w, 4); /* the checksum may be left to the card; urgent pointer */
	if (w->bad || header_len < 20)
		return false;
	p->kind = PACKET_TCP;
	if (h->length > header_len)
		p->payload_len = h->length - header_len;
	return true;
}

/* RFC 768 */
static bool read_udp(struct wire *w, const struct ip_header *h, struct packet *p)
{
	size_t len;

	p->src_port = wire_u16(w);
	p->dst_port = wire_u16(w);
	len = wire_u16(w);
	wire_skip(w, 2);
	if (w->bad)
		return false;
	p->kind = PACKET_UDP;
	if (h->length > 8)
		p->payload_len = h->length - 8;
	if (len >= 8)
		p->payload_len = min_size(p->payload_len, len - 8);
	return true;
}

/* RFC 792 promises 8 bytes; fewer are taken for what they are. */
static void read_quoted_ports(struct wire *w, struct packet_quote *q)
{
	uint16_t first = wire_u16(w), second = wire_u16(w);
	uint32_t third;

	if (w->bad)
		return;
	third = wire_u32(w);
	switch (q->protocol) {
	case IPPROTO_TCP:
		q->has_seq = !w->bad;
		q->seq = third;
		/* fall through */
	case IPPROTO_UDP:
		q->has_ports = true;
		q->src_port = first;
		q->dst_port = second;
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (first >> 8 != (q->protocol == IPPROTO_ICMP ? ICMP_ECHO
							       : ICMP6_ECHO_REQUEST) ||
		    w->bad)
			break;
		q->has_ports = q->has_seq = true;
		q->src_port = (uint16_t)(third >> 16);
		q->seq = third & 0xffff;
		break;
	default:
		break;
	}
}

/*
 * The packet that an error is about, as far as it is there. QUOTE_LEN: where extensions
 * follow it (RFC 4884 3, 4.5), 0 for none.
 */
static void read_quote(struct wire *w, uint16_t ethertype, int interface,
		       size_t quote_len, struct packet_quote *q)
{
	struct ip_header h;
	bool whole;

	/* RFC 4884 5.1 to 5.4: at least 128 bytes; less is an old sender's litter. */
	if (quote_len >= 128 && wire_left(w) > quote_len)
		w->end = w->at + quote_len;
	if (!read_ip(w, ethertype, interface, true, &h, &whole))
		return;
	q->there = true;
	q->src = h.src;
	q->dst = h.dst;
	q->protocol = h.protocol;
	q->ttl = h.ttl;
	q->tos = h.tos;
	if (whole && !h.later_fragment)
		read_quoted_ports(w, q);
}

static enum packet_kind icmp4_kind(uint8_t type)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return PACKET_ICMP_ERROR;
	case ICMP_ECHO:
		return PACKET_ECHO_REQUEST;
	case ICMP_ECHOREPLY:
		return PACKET_ECHO_REPLY;
	default:
		return PACKET_OTHER;
	}
}

static enum packet_kind icmp6_kind(uint8_t type)
{
	switch (type) {
	case ICMP6_DST_UNREACH:
	case ICMP6_PACKET_TOO_BIG:
	case ICMP6_TIME_EXCEEDED:
	case ICMP6_PARAM_PROB:
		return PACKET_ICMP_ERROR;
	case ICMP6_ECHO_REQUEST:
		return PACKET_ECHO_REQUEST;
	case ICMP6_ECHO_REPLY:
		return PACKET_ECHO_REPLY;
	default:
		return PACKET_OTHER;
	}
}

/* RFC 792, RFC 4443 2.1 */
static bool read_icmp(struct wire *w, uint16_t ethertype, struct packet *p)
{
	bool v4 = ethertype == ETHERTYPE_IP;
	size_t quote_len;
	uint32_t rest;

	p->icmp_type = wire_u8(w);
	p->icmp_code = wire_u8(w);
	wire_skip(w, 2);
	rest = wire_u32(w);
	if (w->bad)
		return false;
	p->kind = v4 ? icmp4_kind(p->icmp_type) : icmp6_kind(p->icmp_type);
	switch (p->kind) {
	case PACKET_ECHO_REQUEST:
	case PACKET_ECHO_REPLY:
		p->src_port = (uint16_t)(rest >> 16);
		p->seq = rest & 0xffff;
		break;
	case PACKET_ICMP_ERROR:
		/* RFC 4884 4.1 to 4.5: of IPv6 only these two have a length. */
		if (v4)
			quote_len = (size_t)(rest >> 16 & 0xff) * 4;
		else if (p->icmp_type == ICMP6_DST_UNREACH ||
			 p->icmp_type == ICMP6_TIME_EXCEEDED)
			quote_len = (size_t)(rest >> 24) * 8;
		else
			quote_len = 0;
		read_quote(w, ethertype, p->interface, quote_len, &p->quote);
		break;
	case PACKET_OTHER:
	case PACKET_TCP:
	case PACKET_UDP:
		break;
	}
	return true;
}

static bool read_packet(struct wire *w, uint16_t ethertype, struct packet *p)
{
	struct ip_header h;
	bool whole;

	if (!read_ip(w, ethertype, p->interface, false, &h, &whole) || !whole)
		return false;
	p->src = h.src;
	p->dst = h.dst;
	p->ttl = h.ttl;
	p->tos = h.tos;
	p->ip_id = h.id;
	p->flow_label = h.flow_label;
	p->protocol = h.protocol;
	if (h.later_fragment)
		return true;
	if (h.protocol == IPPROTO_TCP)
		return read_tcp(w, &h, p);
	if (h.protocol == IPPROTO_UDP)
		return read_udp(w, &h, p);
	if (h.protocol == (ethertype == ETHERTYPE_IP ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return read_icmp(w, ethertype, p);
	return true;
}

int decode_packet(int linktype, const void *bytes, size_t caplen,
		  struct packet *ret_packet)
{
	struct wire w = wire_of(bytes, caplen);
	struct packet p = { .kind = PACKET_OTHER };
	struct decode_link link;
	int err = decode_link(&w, linktype, &link);

	if (err)
		return err;
	p.interface = link.interface;
	p.outgoing = link.outgoing;
	p.loopback = link.loopback;
	if ((link.ethertype == ETHERTYPE_IP || link.ethertype == ETHERTYPE_IPV6) &&
	    !read_packet(&w, link.ethertype, &p))
		return -EBADMSG;
	*ret_packet = p;
	return 0;
}
