/*
 * --free: can a server bind that port, and if not, why?
 *
 * Asked is the kernel, by a bind(2) without options: of the address that was asked for,
 * else of the wildcards of both families. Only when that fails the reason is looked for,
 * among the sockets: those that hold the port are found, in any state.
 *
 * That bind(2) works means that listen(2) would: without SO_REUSEADDR and SO_REUSEPORT
 * the kernel refuses at once whatever listen(2) would refuse (both ask
 * inet_csk_get_port(), the same way). Only of two that set SO_REUSEADDR both can be
 * bound, and the second to listen fails. So nobody can connect to us while we ask.
 */
#ifndef PORTWHO_FREE_H
#define PORTWHO_FREE_H

#include "owners.h"
#include "portwho.h"
#include "report.h"

enum free_cause {
	FREE_YES,	 /* null: it is free */
	FREE_LISTENER,	 /* "listener": something listens (UDP: has bound) there */
	FREE_BOUND,	 /* "bound": bound, not listening */
	FREE_TIME_WAIT,	 /* "time-wait": remains of connections that were closed here */
	FREE_CONNECTION, /* "connection": accepted ones that outlive their listener,
			    outgoing ones with that port, closed ones that are not over */
	FREE_PRIVILEGED, /* "privileged": below net.ipv4.ip_unprivileged_port_start, and
			    no CAP_NET_BIND_SERVICE */
	FREE_UNKNOWN,	 /* "unknown": bind(2) fails, and nothing shows why */
};

/* What a socket that is in the way does with the port; the strongest first. */
enum free_kind {
	FREE_KIND_LISTENER,
	FREE_KIND_BOUND,
	FREE_KIND_ACCEPTED,  /* a connection that came in */
	FREE_KIND_OUTGOING,  /* one that went out */
	FREE_KIND_CONNECTED, /* one of which it can't be told */
	FREE_KIND_ORPHAN,    /* one that its program has closed, but that is not over */
	FREE_KIND_TIME_WAIT,
	FREE_KINDS,
};

/* So many of each kind are kept for one port. */
#define FREE_HOLDERS_MAX 64

/* A socket that is in the way, with its processes. */
struct free_holder {
	enum free_kind kind;
	size_t index;			 /* in the snapshot */
	const struct listener *listener; /* of the snapshot */
};

struct free_answer {
	/* What was asked. */
	uint16_t port;
	uint8_t protocol;
	bool v6only;	  /* with `addr` ::, which else takes IPv4 as well */
	struct addr addr; /* AF_UNSPEC: the wildcards of both families */

	enum free_cause cause;
	int error;		 /* of bind(2), 0 */
	bool asked_v4, asked_v6; /* this machine has that family, and it was asked for */
	bool free_v4, free_v6;
	int64_t frees_in_ms; /* time-wait: when the last one is gone; -1: not known */
	uint16_t suggestion; /* the next port that is free; 0: none found */
	bool reuse_asked;    /* TCP in use: is it enough to set SO_REUSEADDR, as most
				servers do? */
	bool reuse_works;
	bool capable;	  /* with CAP_NET_BIND_SERVICE */
	bool ephemeral;	  /* in net.ipv4.ip_local_port_range */
	bool reserved;	  /* in net.ipv4.ip_local_reserved_ports */
	bool shows_bound; /* the kernel lists sockets that are bound and do not listen */
	char *forwarded_to; /* what comes for it from elsewhere is sent there by this
			       machine's rules: "10.88.0.5:80"; owned; NULL */
	uint16_t ephemeral_first, ephemeral_last;
	uint32_t privileged_below;
	char *reserve; /* owned: what net.ipv4.ip_local_reserved_ports would have to be;
			  NULL: nothing to do, or too long */

	struct free_holder *holders; /* owned; the strongest kinds first */
	size_t n_holders;
	size_t n_kind[FREE_KINDS]; /* all that there are */
	bool root;		   /* we are */
	bool blind;		   /* the kernel does not list its sockets here */
	bool owners_hidden;	   /* some processes could not be looked at */
	int64_t wall_ns;	   /* when */
	struct snapshot owners;	   /* free_ask() only: the sockets of the holders */
};

/* Ask and explain. ADDR: AF_UNSPEC is the wildcards; SD may be NULL, then there are no
 * reasons. 0 or -errno (it could not be asked). RET is to be released. */
PK_MUST_CHECK int free_ask(struct owners *owners, struct sockdiag *sd, uint16_t port,
			   int protocol, const struct addr *addr,
			   struct free_answer *ret_answer);
/*
 * The same for N answers at once, in which port, protocol, addr and v6only are set and
 * all else is zero, no port and protocol twice; S, which is empty, gets the sockets of
 * all. 0 or -errno, and *RET_FAILED is the one that could not be asked, N if it was
 * another thing. All N are to be released either way.
 */
PK_MUST_CHECK int free_ask_all(struct owners *owners, struct sockdiag *sd,
			       struct free_answer *answers, size_t n, struct snapshot *s,
			       size_t *ret_failed);
void free_release(struct free_answer *a);
/* One or two sentences for a person, without full stop: whether, why, when. Pure but for
 * names. */
void free_message(struct buf *out, struct naming *names, const struct free_answer *a);

/* The whole job: ask for each of the configuration's ports and write. The exit status. */
int free_run(const struct portwho_config *config, struct owners *owners);

#endif
