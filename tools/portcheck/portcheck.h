/*
 * portcheck: what its modules share.
 *
 * The data goes one way: the configuration's targets become checks (plan.h), checks
 * become probes (probe.h), what a probe saw is an observation, the observation becomes a
 * result (verdict.h), the result a record (report.h), the record lines (show.h).
 */
#ifndef PORTCHECK_H
#define PORTCHECK_H

#include <net/if.h>
#include <netinet/in.h>

#include "addr.h"
#include "icmp.h"
#include "out.h"
#include "route.h"
#include "state.h"
#include "target.h"
#include "term.h"

struct portcheck_config {
	struct target_set targets;
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	int64_t timeout_ns;
	int64_t interval_ns;
	int64_t wait_ns; /* 0: not in wait mode */
	int64_t hold_ns; /* 0: close at once */
	uint64_t count;	 /* 0: until interrupted, when `repeat` */
	bool repeat;
	bool until_closed;
	bool any;
	bool all_addresses;
	bool numeric;
	bool banner;
	struct addr source; /* AF_UNSPEC: the kernel's choice */
	uint16_t source_port;
	char interface[IF_NAMESIZE];
	int ttl; /* 0: the system's */
	const char *netns;
	size_t parallel; /* 0: automatic */
	uint64_t rate;	 /* packets a second, 0: automatic */
	enum out_format format;
	enum term_when color;
	bool open_only;
	bool quiet;
	bool verbose;
	char **command; /* behind "--", NULL if none */
};

/* Ports up to which a run is small: every check gets the whole timeout, all of its
 * attempts stay open side by side, and every result is a line of text. Beyond it is a
 * sweep. */
#define PORTCHECK_SMALL 64

/* One question: this protocol and port of this address, asked for this target. */
struct check {
	size_t target; /* index into the configuration's targets */
	struct addr addr;
	uint16_t port;
	uint8_t protocol;   /* IPPROTO_TCP, IPPROTO_UDP */
	size_t port_index;  /* into the target's port list */
	size_t group;	    /* the race it belongs to (plan.h), plus one; 0: none */
	int64_t resolve_ns; /* -1: no name was looked up */
	int64_t budget_ns;  /* time it may take */
};

/* What was seen, before anything is concluded. */
enum seen {
	SEEN_CONNECTED,	 /* TCP handshake done */
	SEEN_REPLY,	 /* UDP datagram came back */
	SEEN_ERROR,	 /* the socket failed later: `error`, and `icmp` if it was one */
	SEEN_SYNC_ERROR, /* the call to send failed at once: `error` */
	SEEN_SILENCE,	 /* nothing, for `waited_ns` */
};

struct observation {
	enum seen seen;
	int error;
	bool has_icmp;
	struct icmp_error icmp;
	bool icmp_from_self; /* the ICMP sender is an address of this machine */
	bool reset_is_local; /* the RST was made by this machine */
	bool kernel_kept_it; /* the kernel's resent SYN never left this machine */
	enum route_kind route;
	bool has_gateway;
	struct addr gateway;
	enum route_neigh neighbour; /* of the next hop, when asked after silence */
	int64_t waited_ns;
};

/* Why the reason is what it is, where the word alone does not tell. */
enum detail {
	DETAIL_NONE,
	DETAIL_GATEWAY_DOWN,   /* host-down: the gateway does not answer */
	DETAIL_NEVER_LEFT,     /* local-reject: the kernel could not send */
	DETAIL_LOCAL_ANSWER,   /* local-reject: ICMP or RST from this machine */
	DETAIL_NOT_PERMITTED,  /* local-reject: EPERM */
	DETAIL_ROUTE_REFUSES,  /* no-route: an unreachable, prohibit or blackhole route */
	DETAIL_NO_SOURCE,      /* no-route: no address to send from */
	DETAIL_NO_FAMILY,      /* no-route: the machine has no such address family */
	DETAIL_NEEDS_ZONE,     /* error: link-local without a zone */
	DETAIL_RATE_LIMIT,     /* silence after the same host rejected other ports */
	DETAIL_SILENT_SERVICE, /* UDP: the usual service never answers strangers */
};

enum closed_by_peer { CLOSED_NOT, CLOSED_FIN, CLOSED_RESET };

struct result {
	struct check check;
	enum port_state state;
	enum port_reason reason;
	enum detail detail;
	struct observation seen;
	int64_t connect_ns; /* -1: no answer */
	int64_t race_ns; /* first of its race to connect: since the race began; else -1 */
	int64_t kernel_rtt_ns; /* -1: not known */
	int64_t held_ns;       /* -1: not held */
	unsigned int attempts; /* SYNs or datagrams of our own */
	unsigned int resent;   /* SYNs that the kernel sent again */
	bool late;	       /* not the first SYN was answered */
	enum closed_by_peer closed_by_peer;
	bool beside_live;	 /* another address is open, this one is slow */
	const char *silent_note; /* DETAIL_SILENT_SERVICE: why */
	const uint8_t *banner;	 /* first bytes from the peer; NULL: none or not asked */
	size_t banner_len;
	char said[128];	      /* UDP: what the answer says */
	const char *name_why; /* unresolved: what the look-up said */
	int64_t at_ns;	      /* monotonic, when it was known */
};

#endif
