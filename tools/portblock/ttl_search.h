/*
 * The TTL of a TCP answer without a capture.
 *
 * IP_MINTTL (IPV6_MINHOPCOUNT) makes the kernel ignore packets that arrive with less: a
 * connection that is answered with a minimum of 61 and not with 62 was answered with 61.
 */
#ifndef PORTBLOCK_TTL_SEARCH_H
#define PORTBLOCK_TTL_SEARCH_H

#include "engine.h"

/* The TTL with which PORT answers; RTT_NS: how long that takes. 0: it can't be told (not
 * the same twice, or no answer any more). */
uint8_t ttl_search(struct engine *e, uint16_t port, int64_t rtt_ns);
/* Is PORT answered by packets that arrive with at least LEAST? 1, 0, or -1: stopped. */
int ttl_at_least(struct engine *e, uint16_t port, uint8_t least, int64_t rtt_ns);

#endif
