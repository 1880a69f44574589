/*
 * Floor 5: what to say to a UDP port so that the service behind it answers, and whether
 * what came back is such an answer. Pure.
 *
 * The requests are harmless and small: a ping where the protocol has one, else a question
 * that every server answers, or refuses, at once. `matches` and `describe` are safe on
 * any bytes. Facts: the RFC named beside each protocol in udp_<family>.c.
 */
#ifndef PK_UDP_PAYLOAD_H
#define PK_UDP_PAYLOAD_H

#include "base.h"

#define UDP_PAYLOAD_MAX 1500

struct udp_service {
	const char *name;  /* "dns" */
	uint16_t ports[6]; /* where it is usual; 0 ends */
	bool silent;	   /* never answers strangers (WireGuard): silence says nothing */
	/* The answer comes from another port of the host than the one asked (TFTP),
	 * which a connected socket never sees, and the kernel even refuses: use an
	 * unconnected one. */
	bool replies_from_other_port;
	/* What silence may mean here, for people, one clause; always there where
	 * `silent`, and where healthy servers are often silent; else NULL. */
	const char *silent_note;
	/* Write the request (at most UDP_PAYLOAD_MAX bytes) to OUT, with NONCE
	 * (random) where the protocol has a transaction id. Returns its length; 0: an
	 * empty datagram. */
	size_t (*build)(uint8_t *out, uint64_t nonce);
	/* Is this the protocol's answer to the request with NONCE? Any datagram opens the
	 * port; this says whether it is the expected service. */
	bool (*matches)(const uint8_t *reply, size_t len, uint64_t nonce);
	/* A reply that matches, in words, printable ASCII: "NTP stratum 2", "DNS answer,
	 * REFUSED". Writes to OUT of SIZE. NULL where no reply ever comes. */
	void (*describe)(const uint8_t *reply, size_t len, char *out, size_t size);
};

/* The service usual on PORT, NULL: none known (an empty datagram is sent then). */
const struct udp_service *udp_service_of_port(uint16_t port);
/* All of them, for the man page and the tests. */
const struct udp_service *udp_services(size_t *ret_n);

#endif
