/*
 * The link layer of decode.h. Pure.
 */
#ifndef PORTBLOCK_DECODE_LINK_H
#define PORTBLOCK_DECODE_LINK_H

#include "base.h"
#include "wire.h"

struct decode_link {
	uint16_t ethertype; /* net/ethernet.h; 0: not known, or none */
	int interface;
	bool outgoing, loopback;
};

/* Read what is in front of the network's packet, and leave W there. 0; -ENOTSUP: a link
 * type not known here; -EBADMSG: cut short. */
PK_MUST_CHECK int decode_link(struct wire *w, int linktype, struct decode_link *ret_link);

#endif
