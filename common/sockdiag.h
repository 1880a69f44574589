/*
 * Floor 5: the kernel's own list of sockets, by NETLINK_SOCK_DIAG.
 *
 * It needs no privilege: every socket of the network namespace is listed, with its uid,
 * inode, queues and control group, whoever asks. What it does not tell is the process.
 *
 * A dump is resumed by position while sockets come and go, and the kernel does not mark
 * a dump that was disturbed (inet_diag sets no NLM_F_DUMP_INTR): the same socket may come
 * twice, so callers go by `cookie`, and one in a crowded bucket may be missed
 * (sockdiag_dump() says how it helps).
 *
 * A handle belongs to the network namespace in which it was opened, and keeps to it.
 * Facts: linux/inet_diag.h, linux/sock_diag.h, linux/unix_diag.h; sock_diag(7).
 */
#ifndef PK_SOCKDIAG_H
#define PK_SOCKDIAG_H

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "addr.h"
#include "base.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* linux/in.h */
#endif

/* States of TCP beyond netinet/tcp.h's (linux net/tcp_states.h). */
#define SOCK_NEW_SYN_RECV   12
#define SOCK_BOUND_INACTIVE 13 /* bound, neither listening nor connected; Linux 6.8 */

/* The kernel did not say whose: TIME_WAIT, SYN_RECV, not accepted yet, orphaned. */
#define SOCK_NO_UID UINT32_MAX

#define SOCK_STATE_BIT(state) (1u << (state))

/* One socket. Queues of a TCP listener: `rqueue` connections wait to be accepted, of at
 * most `wqueue` (the backlog); of others: bytes. */
struct sock {
	uint8_t family;	  /* AF_INET, AF_INET6, AF_UNIX */
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP, _RAW; IPPROTO_MPTCP as 6 with
			     `mptcp` */
	uint8_t state;	  /* TCP_LISTEN ...; of UDP TCP_CLOSE: unconnected */
	bool mptcp;
	bool v6only;	 /* AF_INET6 only; else it takes IPv4 as well where it is bound
			     to :: */
	bool has_v6only; /* the kernel told (TCP_LISTEN and TCP_CLOSE) */
	bool has_drops;
	bool has_cgroup;
	struct addr local, remote; /* AF_UNIX: AF_UNSPEC */
	uint16_t local_port, remote_port;
	uint8_t raw_protocol; /* of a raw socket, which has no port: local_port is 0 */
	uint32_t interface;   /* index of the device it is bound to, 0: none */
	uint32_t uid;	      /* of who made it, or SOCK_NO_UID */
	uint32_t inode;	      /* 0: no file any more (TIME_WAIT), or none yet */
	uint32_t rqueue, wqueue;
	uint32_t drops;
	uint32_t mark;
	uint32_t expires_ms; /* of the running timer; TIME_WAIT: until it is gone */
	uint8_t timer;	     /* 0 none, 1 retransmit, 2 keepalive, 3 time-wait, 4 probe */
	uint64_t cookie;     /* names a socket for all its life */
	uint64_t cgroup_id;  /* of the control group in which it was made: the inode
				number of the directory in cgroup2 */
	/* AF_UNIX: the name as bound, or NULL; an abstract one begins with NUL. Good
	 * during the call. */
	const char *unix_name;
	size_t unix_name_len;
	uint8_t unix_type; /* SOCK_STREAM, ... */
};

struct sockdiag;

/* In the network namespace of the calling thread. 0 or -errno. */
PK_MUST_CHECK int sockdiag_open(struct sockdiag **ret_sd);
/* NULL is accepted. */
void sockdiag_close(struct sockdiag *sd);

struct sockdiag_query {
	int family;	 /* AF_UNSPEC: both */
	int protocol;	 /* IPPROTO_TCP, _UDP, _SCTP, _RAW, _MPTCP */
	uint32_t states; /* SOCK_STATE_BIT() of those wanted */
	uint16_t port;	 /* local; 0: any. Of raw sockets: the protocol */
};

/* 0 goes on, any other value ends the dump and is returned. It must not use the same
 * handle. */
typedef int sockdiag_fn(const struct sock *s, void *arg);

/*
 * All sockets that fit Q, to FN. States and port are filtered in the kernel, as far as it
 * can (Linux ignores the port for SOCK_BOUND_INACTIVE; then it is filtered here). The
 * same cookie never comes twice within one call, and where a walk may have missed one
 * (a crowded port, or the kernel says so) there is another. Kernels that lack
 * SOCK_BOUND_INACTIVE send none; other protocols than TCP have none. Of SCTP: sockets,
 * no associations, and none that is bound only. 0, what FN returned, -ENOENT or
 * -EPROTONOSUPPORT where the kernel has no such protocol or no diag module for it,
 * -ETIMEDOUT, or another -errno.
 */
PK_MUST_CHECK int sockdiag_dump(struct sockdiag *sd, const struct sockdiag_query *q,
				sockdiag_fn *fn, void *arg);
/* The same for listening and unconnected bound unix sockets. */
PK_MUST_CHECK int sockdiag_dump_unix(struct sockdiag *sd, sockdiag_fn *fn, void *arg);
/*
 * Which socket would get a packet (TCP: a SYN) to LOCAL:LOCAL_PORT from
 * REMOTE:REMOTE_PORT that arrives by INTERFACE (0: any)? The kernel's own look-up, so
 * that it honours dual stack, addresses, devices and SO_REUSEPORT. A connection between
 * the two goes before a listener. TCP and UDP only. REMOTE may be NULL: nobody in
 * particular. 0; -ENOENT: none; -EPROTONOSUPPORT; -EINVAL: not the same family.
 */
PK_MUST_CHECK int sockdiag_find(struct sockdiag *sd, int protocol,
				const struct addr *local, uint16_t local_port,
				const struct addr *remote, uint16_t remote_port,
				uint32_t interface, struct sock *ret_sock);

#endif
