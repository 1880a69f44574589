/*
 * From the bytes of a captured frame to what it is. Pure; safe on any bytes.
 *
 * Link types: Linux cooked (DLT_LINUX_SLL, _SLL2), Ethernet with VLAN tags, raw IP, and
 * BSD loopback. IPv4 (RFC 791) and IPv6 (RFC 8200) with extension headers, TCP (RFC
 * 9293), UDP, ICMP and ICMPv6 errors with the packet that they quote (RFC 792, 4443),
 * echo.
 */
#ifndef PORTBLOCK_DECODE_H
#define PORTBLOCK_DECODE_H

#include "addr.h"
#include "base.h"

enum packet_kind {
	PACKET_OTHER, /* not IP, a later fragment, another protocol */
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP_ERROR,
	PACKET_ECHO_REQUEST,
	PACKET_ECHO_REPLY,
};

#define PACKET_FIN 0x01
#define PACKET_SYN 0x02
#define PACKET_RST 0x04
#define PACKET_PSH 0x08
#define PACKET_ACK 0x10

/* What an ICMP error quotes of the packet that caused it. */
struct packet_quote {
	bool there;
	struct addr src, dst;
	uint8_t protocol;
	uint8_t ttl, tos;
	/* 4 bytes of TCP or UDP are there; or 8 of an echo request: src_port is its
	 * identifier, dst_port 0. */
	bool has_ports;
	uint16_t src_port, dst_port;
	bool has_seq; /* 8 bytes of TCP, or of an echo request */
	uint32_t seq;
};

struct packet {
	enum packet_kind kind;
	int interface;	      /* index, 0: not told by the link type */
	bool outgoing;	      /* sent by this machine (SLL, SLL2) */
	bool loopback;	      /* ARPHRD_LOOPBACK (SLL, SLL2) */
	struct addr src, dst; /* link-local IPv6: with the interface as scope */
	uint8_t ttl, tos;     /* or hop limit, traffic class */
	uint16_t ip_id;	      /* IPv4 */
	uint32_t flow_label;
	uint8_t protocol;
	uint16_t src_port, dst_port; /* TCP, UDP; echo: src_port is the identifier */
	uint8_t flags;		     /* TCP */
	uint32_t seq, ack;	     /* echo: seq is the sequence number */
	uint16_t window;
	size_t payload_len; /* TCP, UDP: as the headers say */
	uint8_t icmp_type, icmp_code;
	struct packet_quote quote;
};

/* LINKTYPE: DLT_* of pcap/dlt.h. BYTES: CAPLEN captured. 0; -ENOTSUP: a link type not
 * known here; -EBADMSG: cut short or nonsense (RET_PACKET untouched). */
PK_MUST_CHECK int decode_packet(int linktype, const void *bytes, size_t caplen,
				struct packet *ret_packet);

#endif
