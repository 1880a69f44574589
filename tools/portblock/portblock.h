/*
 * portblock: what its modules share.
 *
 * The data goes one way: the configuration's targets become studies, one for each port
 * of an address; a study makes probes (engine.h) and collects what they saw in
 * `struct findings`; judge.h concludes from that alone; words.h and say.h put it into
 * words, report.h into a record; show.h and ticket.h draw it, with the way as picture.h
 * has it.
 *
 * Everything from findings on is pure.
 */
#ifndef PORTBLOCK_H
#define PORTBLOCK_H

#include <net/if.h>
#include <netinet/in.h>

#include "addr.h"
#include "icmp.h"
#include "out.h"
#include "route.h"
#include "state.h"
#include "target.h"
#include "term.h"

/* Ports of one run; more is a sweep. */
#define PORTBLOCK_MAX_PORTS 64

/* What is said over a connection that was accepted, to see whether that is cut off. */
enum first_bytes {
	FIRST_AUTO, /* HTTP or TLS where the port is known for it, else nothing */
	FIRST_NONE,
	FIRST_HTTP,
	FIRST_TLS,
};

struct portblock_config {
	struct target_set targets;
	int family;	    /* AF_UNSPEC, AF_INET, AF_INET6 */
	int64_t timeout_ns; /* how long silence is waited for */
	unsigned int max_hops;
	enum first_bytes first_bytes;
	struct addr source; /* AF_UNSPEC: the kernel's choice */
	char interface[IF_NAMESIZE];
	const char *netns;
	bool numeric;
	bool no_capture; /* work as if CAP_NET_RAW were not there */
	bool rule;
	bool explain;
	const char *command;	 /* how it was run, for the ticket; safe text */
	const char *write_file;	 /* -w */
	const char *report_file; /* --report */
	enum out_format format;
	enum term_when color;
	bool quiet;
	bool verbose;
};

/* ---- what was seen ---- */

/* How a port, or a host, answered. */
enum answer {
	ANSWER_NONE,	/* silence */
	ANSWER_SYN_ACK, /* the connection was made */
	ANSWER_RESET,	/* RST to the SYN */
	ANSWER_REPLY,	/* a datagram, or an echo reply */
	ANSWER_ICMP,	/* an ICMP error: `icmp` */
	ANSWER_ERROR,	/* the call to send failed: `error` */
};

/* How a reply's time to live became known. */
enum ttl_source {
	TTL_UNKNOWN,
	TTL_WIRE,     /* read off the captured packet */
	TTL_SOCKET,   /* the kernel told it with the packet (IP_RECVTTL) */
	TTL_BISECTED, /* by IP_MINTTL: replies below it are not taken */
};

/* The header of a TCP reply. */
struct mark {
	bool seen;
	int64_t at_ns; /* monotonic */
	uint8_t ttl;
	uint8_t tos;	     /* or traffic class */
	uint16_t ip_id;	     /* IPv4 */
	uint32_t flow_label; /* IPv6 */
	uint16_t window;
	uint8_t flags;
	bool ack_is_right; /* acknowledges just our SYN */
	bool by_loopback;  /* came by lo, though the target is elsewhere */
};

/* What the capture shows of one or more attempts at the same port. */
struct wire_view {
	bool watched;	       /* there was a capture, and it lost nothing of this */
	unsigned int syns_out; /* our SYNs (datagrams) that left by a real interface */
	struct mark syn_ack;   /* the first of each */
	struct mark reset;
	unsigned int n_syn_acks, n_resets;
	bool reset_windows_rise; /* several RSTs, rising windows: an injector's habit */
	struct mark late_reset;	 /* the RST that cut an accepted connection off */
	bool window_opened;	 /* SYN-ACK with window 0, opened later */
	bool icmp_seen;		 /* the ICMP error is there too: */
	uint8_t icmp_ttl;
	unsigned int n_stray_icmp; /* errors that quote the addresses, but not our ports
				      or sequence: late, or forged (RFC 5927) */
	uint8_t quoted_tos;	   /* of our SYN as the furthest ICMP error quotes it */
	bool has_quoted_tos;
};

/* What became of an accepted connection in the time it was held. */
enum after_accept {
	AFTER_UNKNOWN, /* not connected, or not held */
	AFTER_QUIET,   /* stayed, nothing came */
	AFTER_DATA,    /* the peer sent something */
	AFTER_FIN,     /* closed without a byte, properly */
	AFTER_RESET,   /* reset */
};

enum hop_state {
	HOP_UNASKED,
	HOP_SILENT,   /* asked `tries` times */
	HOP_EXCEEDED, /* `from` said: time exceeded */
	HOP_ANSWERED, /* far enough: the answer of the whole way came */
	HOP_ERROR,    /* another ICMP error: `type`, `code` */
};

struct hop {
	enum hop_state state;
	struct addr from;
	int64_t at_ns; /* monotonic; 0: nothing came */
	int64_t rtt_ns;
	uint8_t ttl_back; /* of the ICMP message as it arrived; 0: not known */
	uint8_t tries;
	uint8_t icmp_origin, icmp_type, icmp_code;
};

/* IP_TTL beyond this is not walked. */
#define HOPS_MAX 64

/* One port's path, hop by hop with a constant flow. */
struct walk {
	bool done;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (echo; port 0) */
	uint16_t port;
	uint16_t source_port;
	unsigned int n_hops; /* hops[1] to hops[n_hops] were asked */
	struct hop hops[HOPS_MAX + 1];
};

/* Another port of the same host, or the host itself, asked for comparison. */
struct control {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP */
	uint16_t port;
	bool high;  /* a random high port, where nothing should listen */
	bool asked; /* the user asked for this port as well */
	enum answer answer;
	struct icmp_error icmp;
	unsigned int tries;
	int64_t at_ns; /* of the answer, monotonic; 0: none */
	int64_t rtt_ns;
	uint8_t ttl; /* of the reply */
	enum ttl_source ttl_source;
	bool tos_known; /* a SYN with TOS was answered by a RST whose TOS was seen: */
	bool tos_echoed;
};

#define CONTROLS_MAX 16

/* Does this machine drop the answers that arrive? By the kernel's counters. */
enum local_drop {
	LOCAL_DROP_UNKNOWN, /* not asked, or too much other traffic to tell */
	LOCAL_DROP_NO,
	LOCAL_DROP_YES,	      /* a packet vanished here for each that was sent */
	LOCAL_DROP_RP_FILTER, /* the same, and the reverse-path filter counted them */
};

/* The rule that took the packet, when --rule found one. */
struct rule_found {
	bool asked;
	bool found;
	char backend[16]; /* "nftables", "iptables-nft", "iptables-legacy" */
	char family[12];  /* "inet" */
	char table[64], chain[64];
	uint64_t handle;  /* 0: none: the chain's policy, or a legacy rule's number */
	char hook[16];	  /* "output" */
	char verdict[16]; /* "drop", "reject" */
	bool policy;	  /* the chain's policy, no rule */
	char text[512];	  /* the rule as its tool prints it */
	char why[160];	  /* not found: why */
};

/* All that a study of one port saw. Times are monotonic ns unless said otherwise. */
struct findings {
	const char *target; /* as given */
	struct addr addr;
	uint16_t port;
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	bool unresolved;
	enum port_reason name_reason; /* unresolved */
	const char *name_why;
	int64_t resolve_ns; /* -1: no name was looked up */

	int64_t start_ns, end_ns;
	int64_t start_wall_ns, end_wall_ns;
	struct addr source; /* address and port of the first attempt */
	uint16_t source_port;
	bool interrupted;

	/* The port itself. */
	enum answer answer;
	int error;		/* ANSWER_ERROR; or what a RST or ICMP error came as */
	struct icmp_error icmp; /* ANSWER_ICMP */
	uint8_t icmp_ttl;	/* as it arrived; 0: not known */
	bool icmp_from_self;
	int64_t rtt_ns;		 /* first answer, from the SYN that drew it; -1: none */
	int64_t answer_after_ns; /* first answer, from the first SYN; -1: none */
	int64_t waited_ns;
	unsigned int tries;    /* sockets that tried */
	unsigned int answered; /* of these, how many were answered at the first SYN */
	unsigned int resent;   /* SYNs that the kernel sent again on them */
	int64_t sent_at_ns[8]; /* when the first tries were sent */
	bool kernel_kept_it;   /* TCP_INFO: the kernel could not send its repeats */
	bool reset_is_local;   /* the RST came back to a connection bound to lo, too */
	uint8_t ttl;	       /* of the RST or SYN-ACK */
	enum ttl_source ttl_source;
	bool tos_known, tos_echoed; /* as in struct control */
	struct wire_view wire;
	char said[128]; /* UDP: what the reply says */
	const char
		*silent_note; /* UDP: why this service may be silent though it is there */

	/* Once accepted. */
	enum after_accept after;
	int64_t after_ns;
	bool sent_bytes;	/* the end came after we had sent `first_sent` */
	const char *first_sent; /* "an HTTP request", NULL: nothing */
	bool reset_is_nearer;	/* the RST passed an IP_MINTTL above the host's */
	bool reset_is_placed;	/* how far away it was made is known */
	bool after_repeats;	/* the same happened a second time */

	/* This machine. */
	struct route route;
	bool route_known;
	enum route_neigh neighbour; /* of the next hop, after silence or a local error */
	enum local_drop local_drop;
	bool captured;		      /* a capture ran */
	unsigned int capture_dropped; /* packets that it lost */
	const char *no_capture_why;   /* !captured: why, in words */
	struct rule_found local_rule;

	/* The host, asked elsewhere. */
	struct control controls[CONTROLS_MAX];
	size_t n_controls;

	/* The way. */
	struct walk walk;	  /* of the port */
	struct walk control_walk; /* of a control that answers, or gets further */
};

/* ---- what is concluded ---- */

enum verdict {
	VERDICT_OPEN,
	VERDICT_NO_LISTENER,
	VERDICT_DROPPED,
	VERDICT_REJECTED,
	VERDICT_RESET_BY_MIDDLEBOX,
	VERDICT_PROXIED,
	VERDICT_RESET_AFTER_ACCEPT,
	VERDICT_RETURN_PATH,
	VERDICT_HOST_DOWN,
	VERDICT_NO_ROUTE,
	VERDICT_UNRESOLVED,
	VERDICT_LOSSY,
	VERDICT_INCONCLUSIVE,
};
#define VERDICT_COUNT 13

enum where { WHERE_LOCAL, WHERE_PATH, WHERE_TARGET, WHERE_LAST_HOP, WHERE_UNKNOWN };
enum method { METHOD_NONE, METHOD_DROP, METHOD_TCP_RESET, METHOD_ICMP };
enum confidence {
	CONFIDENCE_LOW,
	CONFIDENCE_MEDIUM,
	CONFIDENCE_HIGH,
	CONFIDENCE_CERTAIN,
};

/*
 * Which line of the decision decided: finer than the verdict, one for each thing that is
 * to be said. words.c has a sentence for each.
 */
enum cause {
	CAUSE_UNRESOLVED,
	CAUSE_OPEN,
	CAUSE_OPEN_BY_PROXY, /* works, but a box in between makes the handshake */
	CAUSE_OPEN_LOSSY,
	CAUSE_ANSWERS_ALL,     /* every port of the host is accepted */
	CAUSE_PROXY_REFUSES,   /* a SYN proxy accepts, nothing behind it does */
	CAUSE_RESET_AFTER,     /* by the host */
	CAUSE_RESET_AFTER_BOX, /* by a nearer box */
	CAUSE_LOCAL_DROP_OUT,  /* never left */
	CAUSE_LOCAL_REJECT,    /* own ICMP, own RST, EPERM */
	CAUSE_LOCAL_DROP_IN,   /* the reply came and was dropped here */
	CAUSE_LOCAL_RP_FILTER,
	CAUSE_NO_ROUTE_LOCAL, /* no route, a refusing route, no source address */
	CAUSE_NEIGHBOUR_DOWN, /* the host on our own link does not answer ARP, ND */
	CAUSE_GATEWAY_DOWN,   /* the same, the gateway */
	CAUSE_NO_LISTENER,
	CAUSE_NO_LISTENER_MAYBE, /* or a firewall that answers like the host */
	CAUSE_RESET_BY_HOST_FIREWALL,
	CAUSE_RESET_BY_BOX,   /* nearer than the host */
	CAUSE_RESET_INJECTED, /* beside a real SYN-ACK, or forged in other ways */
	CAUSE_RESET_NEAR,     /* from this machine or the very first box */
	CAUSE_REJECTED_BY_HOST,
	CAUSE_REJECTED_BY_BOX,
	CAUSE_NET_UNREACHABLE,	 /* a router has no way */
	CAUSE_HOST_UNREACHABLE,	 /* a router says that the host does not answer it */
	CAUSE_TIME_EXCEEDED,	 /* a routing loop, or too few hops allowed */
	CAUSE_DROPPED_PATH,	 /* between two hops */
	CAUSE_DROPPED_LAST_HOP,	 /* last router, host, or the answer on its way back */
	CAUSE_DROPPED_TARGET,	 /* no router in between: the host itself */
	CAUSE_DROPPED_SOMEWHERE, /* the routers in question never answer anything */
	CAUSE_HOST_SILENT,    /* nothing of the host answers, nothing to compare with */
	CAUSE_UDP_SILENT,     /* the service, or a filter */
	CAUSE_LOSS_UNDECIDED, /* so much loss that silence says little */
	CAUSE_LOCAL_ERROR,    /* could not be tested: resources, permission */
	CAUSE_INTERRUPTED,
};
#define CAUSE_COUNT 35

struct judgement {
	enum cause cause;
	enum verdict verdict;
	enum where where;
	enum method method;
	enum confidence confidence;
	enum port_state state;
	enum port_reason reason;
	struct addr by;	  /* AF_UNSPEC: nobody, or not known */
	bool by_inferred; /* from the distance and the walk, not from a packet */
	int last_hop;	  /* the last hop that is seen to have had the SYN: it said
				  time exceeded; 0: none; -1: not walked */
	struct addr last_hop_address; /* AF_UNSPEC when last_hop <= 0 */
	int next_hop;	 /* the first hop behind last_hop that answers for the control and
			 not for the port; -1: none */
	int target_hops; /* at how many hops the host is (1: on our link); -1 */
	int answer_hops; /* at how many hops stands who answered for the port; -1 */
	bool default_drop; /* no TCP port answers at all, though the host lives */
};

/* Distance from this machine that a reply's TTL says: the number of routers it passed,
 * taking the usual initial values 64, 128 and 255. -1 for 0. */
int ttl_distance(uint8_t ttl);

/* An answer that HOST itself must have made, if nobody lies about the sender? */
bool control_is_of_host(const struct addr *host, const struct control *c);
/* The control of F with that answer and protocol, NULL if none. */
const struct control *findings_control(const struct findings *f, uint8_t protocol,
				       enum answer answer);
/* Any control that shows the host itself to be alive: an answer of its own. */
const struct control *findings_alive(const struct findings *f);

#endif
