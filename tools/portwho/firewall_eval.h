/*
 * What becomes of a packet of which only a part is known: the rules are followed with
 * registers whose bits are known or not. Pure.
 *
 * The packet is the first one of a new connection, from somebody elsewhere who can be
 * answered: its source is neither loopback nor an address of this machine, and is routed
 * back the way it came (as rp_filter asks for); it is no fragment; a TCP one is a plain
 * SYN. The next one, a plain ACK, can be followed, too: where it is dropped, nothing was
 * gained.
 */
#ifndef PORTWHO_FIREWALL_EVAL_H
#define PORTWHO_FIREWALL_EVAL_H

#include <net/if.h>

#include "addr.h"
#include "ruleset.h"

struct packet {
	int family; /* AF_INET, AF_INET6 */
	uint8_t protocol;
	uint16_t port;	    /* that it goes to */
	struct addr to;	    /* AF_UNSPEC: any of this machine's but loopback */
	uint32_t interface; /* that it comes by; 0: any but loopback */
	char interface_name[IF_NAMESIZE];
	bool later; /* TCP: the second one of the connection, which ends the handshake */
	bool local; /* this machine sends it: the hook output alone is followed */
};

/* Several are possible: for some packets this one, for others that one. */
enum {
	FATE_IN = 1 << 0, /* past all rules */
	FATE_DROPPED = 1 << 1,
	FATE_FORWARDED = 1 << 2, /* to another address or port: `targets` */
	FATE_TAKEN = 1 << 3,	 /* by a program, a proxy, another device */
	FATE_UNKNOWN = 1 << 4,	 /* something here is not understood: `opaque` */
};

struct cause {
	const struct chain *chain; /* NULL: there is none */
	const struct rule *rule;   /* NULL: the chain's policy */
	const char *what;	   /* but for `in` and `forwarded` */
};

struct target {
	bool has_addr, has_port; /* else: unchanged, or one of several */
	bool several;
	struct addr addr;
	uint16_t port;
};

#define FATE_TARGETS_MAX 8

struct fate {
	unsigned int fates;
	struct cause in, dropped, taken, forwarded; /* the first of each kind */
	struct cause depends; /* the first rule that decides for some packets only */
	struct cause opaque;  /* the first one that decides, nobody knows how */
	struct target targets[FATE_TARGETS_MAX];
	size_t n_targets;
};

void firewall_follow(const struct ruleset *r, const struct packet *p,
		     struct fate *ret_fate);

#endif
