/*
 * What is known of a packet, and how it gets into the registers.
 */
#include "firewall_private.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
/* Bits of NFT_CT_STATE: linux include/net/netfilter/nf_conntrack.h. */
#define STATE_INVALID	  1u
#define STATE_ESTABLISHED (1u << (IP_CT_ESTABLISHED + 1))
#define STATE_NEW	  (1u << (IP_CT_NEW + 1))
#define STATE_UNTRACKED	  (1u << (IP_CT_NUMBER + 1))
/* Of NFT_CT_STATUS, those that are known: not expected, not translated. */
#define STATUS_KNOWN \
	(IPS_EXPECTED | IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_SRC_NAT | IPS_DST_NAT)

/* ---- the headers ---- */

static void put(struct bits *b, size_t at, const void *bytes, size_t len)
{
	memcpy(b->value + at, bytes, len);
	memset(b->known + at, 0xff, len);
}

static void put_bits(struct bits *b, size_t at, uint8_t value, uint8_t known)
{
	b->value[at] = value;
	b->known[at] = known;
}

void follower_init(struct follower *f)
{
	const struct packet *p = f->packet;
	bool v6 = p->family == AF_INET6;
	uint16_t port = htobe16(p->port);

	put_bits(&f->network, 0, v6 ? 0x60 : 0x40, 0xf0);
	if (v6) {
		put(&f->network, 6, &p->protocol, 1);
	} else {
		/* No fragment: neither MF nor an offset; DF may be set (RFC 791 3.1). */
		put_bits(&f->network, 6, 0, 0xbf);
		put_bits(&f->network, 7, 0, 0xff);
		put(&f->network, 9, &p->protocol, 1);
	}
	if (p->to.family)
		put(&f->network, v6 ? 24 : 16, p->to.ip, v6 ? 16 : 4);
	put(&f->transport, 2, &port, sizeof(port));
	/* SYN (later: ACK) alone of the six of RFC 9293 3.1; ECE and CWR may be there. */
	if (p->protocol == IPPROTO_TCP)
		put_bits(&f->transport, 13, p->later ? 0x10 : 0x02, 0x3f);
}

/* ---- registers ---- */

bool registers_fit(size_t at, size_t len)
{
	return at < RULESET_REGISTERS_BYTES && len <= RULESET_REGISTERS_BYTES - at;
}

const char *registers_what(const struct registers *r, size_t at, size_t len)
{
	size_t i;

	for (i = at; i < at + len && i < RULESET_REGISTERS_BYTES; i++)
		if (r->bits.known[i] != 0xff)
			return r->what[i / 4];
	return NULL;
}

bool registers_get(const struct registers *r, size_t at, size_t len, uint8_t *out)
{
	size_t i;

	if (!registers_fit(at, len))
		return false;
	for (i = at; i < at + len; i++)
		if (r->bits.known[i] != 0xff)
			return false;
	memcpy(out, r->bits.value + at, len);
	return true;
}

/* LEN bytes of FROM; the rest of the last word is zero, as the kernel leaves it. */
static enum fit load(struct follower *f, const struct step *s, const struct bits *from,
		     size_t from_at, size_t len, const char *what, enum tag tag)
{
	struct registers *r = &f->registers;
	size_t i, whole = (len + 3) / 4 * 4;

	if (!len || !registers_fit(s->dreg, whole))
		return FIT_OPAQUE;
	if (from && from->known[from_at])
		tag = TAG_NONE;
	for (i = 0; i < whole; i++) {
		bool inside = i < len;
		size_t at = s->dreg + i;

		r->bits.value[at] = inside && from ? from->value[from_at + i] : 0;
		r->bits.known[at] = !inside ? 0xff : from ? from->known[from_at + i] : 0;
		r->what[at / 4] = what;
		r->tag[at / 4] = at / 4 == s->dreg / 4u ? tag : TAG_NONE;
	}
	return FIT_YES;
}

enum fit follower_load(struct follower *f, const struct step *s, const void *bytes,
		       size_t len)
{
	struct bits b = { { 0 }, { 0 } };

	put(&b, 0, bytes, len);
	return load(f, s, &b, 0, len, NULL, TAG_NONE);
}

static enum fit load_u8(struct follower *f, const struct step *s, uint8_t n)
{
	return follower_load(f, s, &n, sizeof(n));
}

static enum fit load_u32(struct follower *f, const struct step *s, uint32_t n)
{
	return follower_load(f, s, &n, sizeof(n));
}

enum fit follower_load_unknown(struct follower *f, const struct step *s, size_t len,
			       const char *what, enum tag tag)
{
	if (s->dreg < RULESET_REGISTERS_BYTES)
		len = min_size(len, RULESET_REGISTERS_BYTES - s->dreg);
	return load(f, s, NULL, 0, len, what, tag);
}

/* ---- what is loaded ---- */

static enum fit load_network(struct follower *f, const struct step *s)
{
	bool v6 = f->packet->family == AF_INET6;
	size_t len = v6 ? 16 : 4, from = v6 ? 8 : 12, to = from + len;
	const char *what = "the packet's header";
	enum tag tag = TAG_NONE;

	if (s->offset < to && s->offset + s->len > from)
		what = "the source address";
	else if (s->offset >= to && s->offset < to + len)
		what = "the destination address";
	if (s->offset == from || s->offset == to)
		tag = TAG_NOT_LOOPBACK;
	if (s->offset + s->len > NETWORK_BYTES)
		return follower_load_unknown(f, s, s->len, what, TAG_NONE);
	return load(f, s, &f->network, s->offset, s->len, what, tag);
}

enum fit follower_load_payload(struct follower *f, const struct step *s)
{
	const char *what = s->offset < 2 ? "the source port" : "the packet's header";
	uint16_t type =
		htobe16(f->packet->family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);

	if (!s->len || s->len > RULESET_REGISTERS_BYTES || s->offset > 255)
		return follower_load_unknown(f, s,
					     min_size(s->len, RULESET_REGISTERS_BYTES),
					     "the packet's contents", TAG_NONE);
	switch (s->key) {
	case NFT_PAYLOAD_NETWORK_HEADER:
		return load_network(f, s);
	case NFT_PAYLOAD_TRANSPORT_HEADER:
		if (s->offset + s->len > TRANSPORT_BYTES)
			return follower_load_unknown(f, s, s->len,
						     "the packet's contents", TAG_NONE);
		return load(f, s, &f->transport, s->offset, s->len, what, TAG_NONE);
	case NFT_PAYLOAD_LL_HEADER:
		if (s->offset == 12 && s->len == sizeof(type))
			return follower_load(f, s, &type, sizeof(type));
		return follower_load_unknown(f, s, s->len, "the hardware address",
					     TAG_NONE);
	default:
		return follower_load_unknown(f, s, s->len, "the packet's contents",
					     TAG_NONE);
	}
}

static uint8_t nfproto(const struct follower *f)
{
	return f->packet->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

static enum fit load_interface(struct follower *f, const struct step *s, bool coming)
{
	static const char none[IF_NAMESIZE];
	const struct packet *p = f->packet;
	bool name = s->key == NFT_META_IIFNAME || s->key == NFT_META_OIFNAME;

	/* A packet that comes has no device to leave by yet, and the other way round. */
	if (coming == p->local)
		return name ? follower_load(f, s, none, sizeof(none)) : load_u32(f, s, 0);
	if (p->interface)
		return name ? follower_load(f, s, p->interface_name, IF_NAMESIZE)
			    : load_u32(f, s, p->interface);
	return name ? follower_load_unknown(f, s, IF_NAMESIZE, "the interface",
					    p->local ? TAG_NONE : TAG_NOT_LO_NAME)
		    : follower_load_unknown(f, s, 4, "the interface",
					    p->local ? TAG_NONE : TAG_NOT_LO);
}

enum fit follower_load_meta(struct follower *f, const struct step *s)
{
	uint16_t type =
		htobe16(f->packet->family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);

	switch (s->key) {
	case NFT_META_PROTOCOL:
		return follower_load(f, s, &type, sizeof(type));
	case NFT_META_NFPROTO:
		return load_u8(f, s, nfproto(f));
	case NFT_META_L4PROTO:
		return load_u8(f, s, f->packet->protocol);
	case NFT_META_PKTTYPE:
		return load_u8(f, s, 0); /* linux/if_packet.h: PACKET_HOST */
	case NFT_META_IIF:
	case NFT_META_IIFNAME:
		return load_interface(f, s, true);
	case NFT_META_OIF:
	case NFT_META_OIFNAME:
		return load_interface(f, s, false);
	case NFT_META_MARK:
		return follower_load_unknown(f, s, 4, "the packet's mark", TAG_NONE);
	case NFT_META_LEN:
		return follower_load_unknown(f, s, 4, "the packet's length", TAG_NONE);
	case NFT_META_PRANDOM:
		return follower_load_unknown(f, s, 4, "chance", TAG_NONE);
	case NFT_META_TIME_NS:
	case NFT_META_TIME_DAY:
	case NFT_META_TIME_HOUR:
		return follower_load_unknown(f, s, 8, "the time", TAG_NONE);
	default:
		return follower_load_unknown(f, s, IF_NAMESIZE,
					     "where the packet comes from", TAG_NONE);
	}
}

static enum fit load_ct_state(struct follower *f, const struct step *s)
{
	switch (f->ct) {
	case CT_NONE:
		return load_u32(f, s, STATE_INVALID);
	case CT_NEW:
		return load_u32(f, s, STATE_NEW);
	case CT_ESTABLISHED:
		return load_u32(f, s, STATE_ESTABLISHED);
	case CT_UNTRACKED:
		return load_u32(f, s, STATE_UNTRACKED);
	case CT_UNSURE:
		break;
	}
	return follower_load_unknown(f, s, 4, "whether it is tracked", TAG_NONE);
}

enum fit follower_load_ct(struct follower *f, const struct step *s)
{
	const struct packet *p = f->packet;
	struct bits b = { { 0 }, { 0 } };
	uint32_t known = STATUS_KNOWN, status = IPS_SEEN_REPLY | IPS_CONFIRMED;
	uint16_t port = htobe16(p->port);

	if (s->key == NFT_CT_STATE)
		return load_ct_state(f, s);
	/* What is not tracked has nothing else. */
	if (f->ct == CT_NONE || f->ct == CT_UNTRACKED)
		return FIT_NO;
	if (f->ct == CT_UNSURE || s->op)
		return follower_load_unknown(f, s, 16, "the connection", TAG_NONE);
	switch (s->key) {
	case NFT_CT_DIRECTION:
		return load_u8(f, s, 0); /* IP_CT_DIR_ORIGINAL */
	case NFT_CT_STATUS:
		memcpy(b.known, &known, sizeof(known));
		if (f->ct == CT_ESTABLISHED)
			memcpy(b.value, &status, sizeof(status));
		return load(f, s, &b, 0, sizeof(known), "the connection", TAG_NONE);
	case NFT_CT_L3PROTOCOL:
		return load_u8(f, s, nfproto(f));
	case NFT_CT_PROTOCOL:
		return load_u8(f, s, p->protocol);
	case NFT_CT_PROTO_DST:
		return follower_load(f, s, &port, sizeof(port));
	case NFT_CT_DST:
	case NFT_CT_DST_IP:
	case NFT_CT_DST_IP6:
		if (p->to.family)
			return follower_load(f, s, p->to.ip, addr_len(&p->to));
		return follower_load_unknown(f, s, 16, "the destination address",
					     TAG_NOT_LOOPBACK);
	case NFT_CT_SRC:
	case NFT_CT_SRC_IP:
	case NFT_CT_SRC_IP6:
		return follower_load_unknown(f, s, 16, "the source address",
					     TAG_NOT_LOOPBACK);
	case NFT_CT_MARK:
		return follower_load_unknown(f, s, 4, "the connection's mark", TAG_NONE);
	default:
		return follower_load_unknown(f, s, 16, "the connection", TAG_NONE);
	}
}

enum fit follower_load_fib(struct follower *f, const struct step *s)
{
	bool source = s->offset & NFTA_FIB_F_SADDR,
	     by_device = s->offset & NFTA_FIB_F_IIF;

	if (f->packet->local && s->key == NFT_FIB_RESULT_ADDRTYPE && !source)
		return load_u32(f, s, RTN_LOCAL);
	if (s->key == NFT_FIB_RESULT_ADDRTYPE && source)
		return load_u32(f, s, RTN_UNICAST);
	if (s->key == NFT_FIB_RESULT_ADDRTYPE && !by_device)
		return load_u32(f, s, RTN_LOCAL);
	/* There is a way back to whoever can be answered. */
	if (s->key != NFT_FIB_RESULT_ADDRTYPE && source && s->offset & NFTA_FIB_F_PRESENT)
		return load_u32(f, s, 1);
	return follower_load_unknown(f, s, IF_NAMESIZE, "routing", TAG_NONE);
}
