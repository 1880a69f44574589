/*
 * For libFuzzer: the first byte chooses the link type, the rest is the frame.
 */
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What the header of decode promises of any bytes. */
static void check(const struct packet *p)
{
	const struct packet_quote *q = &p->quote;

	if (p->kind != PACKET_OTHER && p->src.family != p->dst.family)
		abort();
	if (q->there && (p->kind != PACKET_ICMP_ERROR || q->src.family != p->src.family))
		abort();
	if ((q->has_ports && !q->there) || (q->has_seq && !q->has_ports))
		abort();
	if (p->payload_len > UINT16_MAX || p->interface < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const int types[] = {
		DLT_LINUX_SLL2, DLT_LINUX_SLL, DLT_EN10MB, DLT_RAW,
		DLT_IPV4,	DLT_IPV6,      DLT_NULL,   DLT_LOOP,
	};
	struct packet p, untouched;
	int err;

	if (len == 0)
		return 0;
	memset(&untouched, 0x5a, sizeof(untouched));
	p = untouched;
	err = decode_packet(types[bytes[0] % ARRAY_SIZE(types)], bytes + 1, len - 1, &p);
	if (err == 0)
		check(&p);
	else if (memcmp(&p, &untouched, sizeof(p)) != 0)
		abort();
	return 0;
}
