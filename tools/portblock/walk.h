/*
 * The way to a port, hop by hop: the same flow again and again with a growing TTL.
 *
 * The flow (source port, destination port) stays the same, so that routers with several
 * ways choose the same one each time. Routers limit their ICMP errors (Linux: six, then
 * one a second for each peer), so what stayed silent is asked again after a second,
 * twice, and only where it matters: behind the last hop that answered.
 */
#ifndef PORTBLOCK_WALK_H
#define PORTBLOCK_WALK_H

#include "engine.h"

/*
 * Walk to PORT of PROTOCOL until it answers. CONTROL: the way of a control, where the
 * host is known to be; nothing behind it is asked. NULL: not known. RTT_NS: a round trip
 * to the host, 0: not known. ANSWERS: the port is known to answer; then a silent hop is
 * asked again only when the control's walk heard of it.
 */
void walk_run(struct engine *e, struct walk *ret_walk, uint8_t protocol, uint16_t port,
	      const struct walk *control, int64_t rtt_ns, bool answers);
/* The last hop that said time exceeded; 0: none. Pure. */
unsigned int walk_last(const struct walk *w);
/* The first TTL at which the port itself answered; 0: none. Pure. */
unsigned int walk_answered(const struct walk *w);

#endif
