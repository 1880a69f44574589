/*
 * What to say first over an accepted connection, so that a box that reads along shows
 * itself: it lets the handshake pass and resets when the first bytes come. Pure but for
 * the random field of a TLS ClientHello.
 */
#ifndef PORTBLOCK_FIRST_BYTES_H
#define PORTBLOCK_FIRST_BYTES_H

#include "portblock.h"

#define FIRST_BYTES_MAX 1024

struct first_bytes_text {
	uint8_t bytes[FIRST_BYTES_MAX];
	size_t len;	  /* 0: nothing is to be said */
	const char *name; /* "an HTTP request", "a TLS ClientHello"; static */
};

/* For PORT of TARGET (a name or an address, for Host and SNI) by KIND. FAMILY: of the
 * address, for the brackets of IPv6. */
void first_bytes_for(struct first_bytes_text *ret_text, enum first_bytes kind,
		     uint16_t port, const char *target, int family);

#endif
