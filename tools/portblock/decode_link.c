/*
 * What stands in front of IP: tcpdump.org/linktypes, IEEE 802.1Q, 802.3.
 */
#include "decode_link.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <net/ethernet.h>
#include <pcap/dlt.h>

#define ETHERTYPE_DOT1AD 0x88a8 /* IEEE 802.1ad */
#define ETHERTYPE_QINQ	 0x9100 /* what was used before it */
#define LENGTH_MAX	 1500	/* IEEE 802.3 3.2.6: up to it, no type but a length */
#define SLL_OUTGOING	 4	/* LINKTYPE_LINUX_SLL */
#define ETHERTYPE_NONE	 0	/* of ours: not known, and no IP */

/* Tags in any number (IEEE 802.1Q 9.6), then LLC and SNAP (RFC 1042). */
static uint16_t read_ethertype(struct wire *w)
{
	uint16_t type = wire_u16(w);

	while (type == ETHERTYPE_VLAN || type == ETHERTYPE_DOT1AD ||
	       type == ETHERTYPE_QINQ) {
		wire_skip(w, 2);
		type = wire_u16(w);
	}
	if (type > LENGTH_MAX)
		return type;
	if (wire_left(w) < 8 || wire_u16(w) != 0xaaaa || wire_u8(w) != 0x03 ||
	    wire_u16(w) != 0 || wire_u8(w) != 0)
		return ETHERTYPE_NONE;
	return wire_u16(w);
}

/* Of these, the protocol field is no Ethernet type (tcpdump.org/linktypes). */
static bool has_ethertype(uint16_t arphrd)
{
	return arphrd != ARPHRD_NETLINK && arphrd != ARPHRD_FRAD &&
	       arphrd != ARPHRD_IEEE80211_RADIOTAP;
}

/* A tag that the kernel left in the packet, or that libpcap put back, follows the header
 * of a cooked capture as it follows the addresses of Ethernet. */
static uint16_t cooked_ethertype(struct wire *w, uint16_t arphrd, uint16_t protocol)
{
	if (!has_ethertype(arphrd))
		return ETHERTYPE_NONE;
	if (protocol != ETHERTYPE_VLAN && protocol != ETHERTYPE_DOT1AD &&
	    protocol != ETHERTYPE_QINQ)
		return protocol > LENGTH_MAX ? protocol : ETHERTYPE_NONE;
	wire_skip(w, 2);
	return read_ethertype(w);
}

static void read_sll(struct wire *w, struct decode_link *link)
{
	uint16_t arphrd, protocol;

	link->outgoing = wire_u16(w) == SLL_OUTGOING;
	arphrd = wire_u16(w);
	wire_skip(w, 2 + 8); /* link-layer address and its length */
	protocol = wire_u16(w);
	link->loopback = arphrd == ARPHRD_LOOPBACK;
	link->ethertype = cooked_ethertype(w, arphrd, protocol);
}

static void read_sll2(struct wire *w, struct decode_link *link)
{
	uint16_t protocol = wire_u16(w), arphrd;

	wire_skip(w, 2);
	link->interface = (int)(wire_u32(w) & INT32_MAX);
	arphrd = wire_u16(w);
	link->outgoing = wire_u8(w) == SLL_OUTGOING;
	wire_skip(w, 1 + 8);
	link->loopback = arphrd == ARPHRD_LOOPBACK;
	link->ethertype = cooked_ethertype(w, arphrd, protocol);
}

/* The address family as the capturing machine numbered it, in its byte order (DLT_LOOP
 * should be big-endian, and not all writers know). */
static uint16_t read_bsd_family(struct wire *w)
{
	uint32_t family = wire_u32(w);

	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2: /* AF_INET, everywhere */
		return ETHERTYPE_IP;
	case 10: /* AF_INET6 of Linux */
	case 24: /* of NetBSD and OpenBSD */
	case 28: /* of FreeBSD */
	case 30: /* of Darwin */
		return ETHERTYPE_IPV6;
	default:
		return ETHERTYPE_NONE;
	}
}

static uint16_t ethertype_of_version(const struct wire *w)
{
	struct wire ahead = *w;
	uint8_t version = wire_u8(&ahead) >> 4;

	return version == 4   ? ETHERTYPE_IP
	       : version == 6 ? ETHERTYPE_IPV6
			      : ETHERTYPE_NONE;
}

int decode_link(struct wire *w, int linktype, struct decode_link *ret_link)
{
	struct decode_link link = { .ethertype = ETHERTYPE_NONE };

	switch (linktype) {
	case DLT_LINUX_SLL2:
		read_sll2(w, &link);
		break;
	case DLT_LINUX_SLL:
		read_sll(w, &link);
		break;
	case DLT_EN10MB:
		wire_skip(w, 2 * 6);
		link.ethertype = read_ethertype(w);
		break;
	case DLT_RAW:
		if (!wire_left(w))
			return -EBADMSG;
		link.ethertype = ethertype_of_version(w);
		break;
	case DLT_IPV4:
		link.ethertype = ETHERTYPE_IP;
		break;
	case DLT_IPV6:
		link.ethertype = ETHERTYPE_IPV6;
		break;
	case DLT_NULL:
	case DLT_LOOP:
		link.ethertype = read_bsd_family(w);
		break;
	default:
		return -ENOTSUP;
	}
	if (w->bad)
		return -EBADMSG;
	*ret_link = link;
	return 0;
}
