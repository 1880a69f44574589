/*
 * Inside the engine: what probe.c, probe_tcp.c, probe_udp.c and observe.c share.
 */
#ifndef PORTCHECK_PROBE_PRIVATE_H
#define PORTCHECK_PROBE_PRIVATE_H

#include "host.h"
#include "loop.h"
#include "portcheck.h"
#include "probe.h"
#include "timing.h"
#include "udp_payload.h"

#define PROBE_BANNER_BYTES 1024

struct probe;

/* One socket. */
struct attempt {
	struct loop_io io;
	struct probe *probe;
	int64_t sent_ns;
	unsigned int number; /* which SYN or datagram this was, 0 first */
};

enum phase {
	PHASE_WAITING,	  /* for an answer */
	PHASE_BLOCKED,	  /* for local resources, to send at all */
	PHASE_HOLDING,	  /* connected; for --hold and --banner */
	PHASE_CONFIRMING, /* is this RST from outside? */
	PHASE_PACED,	  /* UDP: for its turn at a host that limits its answers */
};

struct probe {
	struct loop_timer timer;
	struct prober *owner;
	struct probe *next, *prev; /* all under way; `next` also chains the free ones */
	struct host *host;
	struct result result; /* in the making */
	struct schedule schedule;
	/* Small runs keep every socket open, an answer to any counts. Sweeps, and UDP,
	 * use only the first, again and again: descriptors are what runs out. */
	struct attempt attempts[TIMING_ATTEMPTS];
	enum phase phase;
	bool confirmed; /* an own-host connection that was made twice */
	unsigned int n_sent;
	unsigned int n_self;  /* self-connects seen */
	unsigned int n_paced; /* UDP datagrams sent at the slow pace */
	unsigned int n_late;  /* events read at the deadline */
	int64_t start_ns;     /* first SYN or datagram */
	int64_t sent_ns;      /* the last one */
	int64_t phase_ns;     /* when the phase began */
	uint64_t nonce;	      /* UDP */
	const struct udp_service *service;
	uint8_t *banner; /* PROBE_BANNER_BYTES once needed */
	size_t banner_len;
};

/* The last answer about a neighbour. */
struct neighbour_cache {
	struct addr hop;
	enum route_neigh state;
	int64_t until_ns;
};

struct prober {
	const struct portcheck_config *config;
	struct loop *loop;
	const struct probe_source *source;
	bool sweep;
	enum run_size size;
	bool source_ended;
	struct host_table hosts;
	struct rtt *networks; /* one a target: what its hosts have in common */
	struct pace pace;
	size_t window; /* probes under way at most */
	size_t in_flight;
	size_t on_link, on_link_max; /* hosts that hold a neighbour entry */
	struct probe *active;	     /* list of those under way */
	struct probe *free;
	struct check held; /* pulled from the source, but no room for it yet */
	bool has_held;
	uint16_t ephemeral_low; /* net.ipv4.ip_local_port_range */
	int64_t source_wait_ns; /* the source has nothing before */
	uint64_t nonce_seed;
	struct addr near_net; /* last network asked about by needs_neighbour() */
	bool near;
	/* The last answers of the routing socket, which repeat in a sweep. */
	struct neighbour_cache neighbour;
	struct addr self_addr;
	bool self_known, self_is;
};

/* probe.c */
int64_t probe_now(const struct probe *p);
/* Re-arm the probe's timer; a failure (memory) ends it. */
void probe_arm(struct probe *p, int64_t at_ns);
/* Conclude from what is in result.seen, hand the result over, free the probe. */
void probe_finish(struct probe *p, enum seen seen, int error);
/* An answer came to A: learn from it. */
void probe_answered(struct probe *p, const struct attempt *a);
/* Local resources are short: be smaller, try P again later, give up at its deadline. */
void probe_blocked(struct probe *p, int error);
bool probe_error_is_shortage(const struct probe *p, int error);
void probe_close(struct probe *p, struct attempt *a);
void probe_close_all(struct probe *p);
/* Close all but KEEP. */
void probe_close_others(struct probe *p, const struct attempt *keep);
/* A socket with the options of the configuration, bound to DEVICE instead of the
 * configured interface unless that is NULL. -errno on failure. */
int probe_socket(const struct probe *p, int type, const char *device);
/* The time after which silence ends P. */
int64_t probe_give_up_ns(const struct probe *p);
/* The route to P's host, looked up the first time. */
const struct route *probe_route(struct probe *p);
/* A fixed local port is one connection at a time: the kernel's own repeats have to do. */
void probe_try_once(struct probe *p);
/* Send the next attempt (either protocol) and arm the timer. */
void probe_send(struct probe *p);

/* limits.c: window, on_link_max, ephemeral_low. */
void prober_set_limits(struct prober *o);

/* probe_tcp.c, probe_udp.c */
int tcp_send(struct probe *p, struct attempt *a);
void tcp_timer(struct probe *p);
int udp_send(struct probe *p, struct attempt *a);
void udp_timer(struct probe *p);
/* First datagram of P: choose payload. */
void udp_prepare(struct probe *p);

/* observe.c */
/* Take FD's error queue up to the first ICMP error that decides; true: it is in
 * result.seen. */
bool observe_icmp(struct probe *p, int fd);
/* Complete result.seen before the verdict. */
void observe_context(struct probe *p);
/* TCP_INFO of a connected socket into the result. */
void observe_connected(struct probe *p, int fd);

#endif
