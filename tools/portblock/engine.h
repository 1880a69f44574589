/*
 * Probes: one socket each, many at a time, and what the wire shows of them.
 *
 * A probe asks one port one thing: a TCP connection by connect(2), so that the kernel
 * owns it (a raw SYN has no socket, and the kernel would reset the answer), a UDP
 * datagram, or an echo request. The engine sends it, reads answers and ICMP errors from
 * its socket, and, where there is a capture, adds what was seen of it on the wire.
 *
 * Single-threaded. Nothing runs but inside engine_run().
 */
#ifndef PORTBLOCK_ENGINE_H
#define PORTBLOCK_ENGINE_H

#include "capture.h"
#include "portblock.h"

struct probe {
	/* What is asked; set before engine_start(). */
	uint16_t port;	      /* 0 for echo */
	uint8_t protocol;     /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (either family) */
	uint8_t ttl;	      /* 0: the system's */
	uint8_t tos;	      /* or traffic class; 0: the system's */
	uint8_t min_ttl;      /* replies with less are not taken; 0: all are */
	uint8_t hold_min_ttl; /* the same, from when the connection is made */
	uint16_t source_port; /* 0: any */
	bool by_loopback;     /* bound to lo: does the answer come from inside? */
	int64_t hold_ns;      /* how long a connection is kept, watching what it does */
	const void *say;      /* what to send over it; NULL: nothing */
	size_t say_len;

	/* What came. */
	enum answer answer;
	int error;
	struct icmp_error icmp;
	int64_t sent_ns;
	int64_t answered_ns; /* -1: not */
	uint8_t ttl_got;     /* of an echo reply or datagram, by the socket; 0: unknown */
	struct addr source;
	uint16_t local_port;
	unsigned int resent; /* SYNs that the kernel sent again */
	bool kernel_kept_it;
	enum after_accept after;
	int64_t after_ns; /* how long after the connection was made */
	char said[128];	  /* UDP */
	struct wire_view wire;

	/* The engine's own. */
	bool running;
	bool holding;
	int fd;
	bool has_isn;
	uint32_t isn;
	uint64_t nonce;
	uint16_t last_window; /* of the last RST on the wire */
};

struct engine {
	const struct portblock_config *config;
	struct addr addr;	 /* of the host under study */
	struct capture *capture; /* NULL: none */
	int64_t wall_offset_ns;	 /* wall clock minus monotonic */
	struct probe **probes;	 /* all of this study, newest last */
	size_t n_probes, cap_probes;
	int raw_fd[2];	     /* for echo where no ping socket is to be had; IPv4, IPv6 */
	int signal_fd;	     /* readable: stop */
	int signal;	     /* came */
	bool route_is_local; /* the target is this machine: lo is its wire */
	unsigned int n_stray_icmp;
	int error; /* sticky -errno: memory, poll */
};

/* CAPTURE may be NULL and stays the caller's, as do RAW_FD (-1: none) and SIGNAL_FD. */
void engine_init(struct engine *e, const struct portblock_config *config,
		 struct capture *capture, const int raw_fd[2], int signal_fd);
/* Forget all probes, which stay the caller's, and turn to another host. */
void engine_begin(struct engine *e, const struct addr *addr, bool route_is_local);
void engine_release(struct engine *e);

/* A new probe for PORT of PROTOCOL, owned by the engine until the next engine_begin().
 * NULL: out of memory (e->error is set). */
struct probe *engine_probe(struct engine *e, uint8_t protocol, uint16_t port);
/* Send it. What fails at once becomes its answer. */
void engine_start(struct engine *e, struct probe *p);
/* Enough of it: read the kernel's counters, close the socket. What comes later is seen
 * on the wire only. */
void engine_stop(struct engine *e, struct probe *p);
/* Read the kernel's counters of a running probe now. */
void engine_look(struct probe *p);
/* Handle what comes until UNTIL_NS (monotonic), a signal, or ENOUGH (NULL: never). */
typedef bool engine_enough_fn(void *arg);
void engine_run(struct engine *e, int64_t until_ns, engine_enough_fn *enough, void *arg);
/* True once a signal came or the engine can't go on. */
bool engine_stopped(const struct engine *e);
/* Start P, run until it is answered or WAIT_NS are over, stop it. True: answered. */
bool engine_ask(struct engine *e, struct probe *p, int64_t wait_ns);

static inline bool probe_answered(const struct probe *p)
{
	return p->answered_ns >= 0;
}

/* From the packet P drew to its answer; -1: none. By the stamps of the wire where there
 * are some. */
int64_t probe_rtt_ns(const struct probe *p);
/* The RST's or SYN-ACK's TTL on the wire, or of the ICMP error, or as the socket told. 0:
 * not known. */
uint8_t probe_ttl(const struct probe *p, enum ttl_source *ret_source);

/* Add what is seen of one attempt to ALL. Its SYN-ACKs and RSTs only count, or WITH_MARKS
 * leave their marks, too, where there are none yet. Pure. */
void wire_view_add(struct wire_view *all, const struct wire_view *one, bool with_marks);

#endif
