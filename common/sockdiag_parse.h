/*
 * Floor 5, private to sockdiag: the kernel's replies as bytes. Pure.
 *
 * Netlink is in host order. Structures are copied out after their length was checked; an
 * attribute that is shorter than its kind counts as absent, and a chain of attributes
 * that breaks off refuses the message.
 * Facts: linux/netlink.h, linux/inet_diag.h, linux/unix_diag.h.
 */
#ifndef PK_SOCKDIAG_PARSE_H
#define PK_SOCKDIAG_PARSE_H

#include "sockdiag.h"

/* Numbers that a distribution's headers may lack (linux/inet_diag.h). */
#define SOCKDIAG_REQ_PROTOCOL	3  /* INET_DIAG_REQ_PROTOCOL, Linux 5.9 */
#define SOCKDIAG_ATTR_CGROUP_ID 21 /* INET_DIAG_CGROUP_ID, Linux 5.8 */
#define SOCKDIAG_UNIX_SHOW_UID	0x40
#define SOCKDIAG_UNIX_ATTR_UID	7 /* UNIX_DIAG_UID, Linux 5.3 */

enum sockdiag_kind {
	SOCKDIAG_SOCKET,
	SOCKDIAG_DONE,	/* of a dump; `error` */
	SOCKDIAG_ERROR, /* `error`, 0: an acknowledgement */
	SOCKDIAG_OTHER, /* an answer to another question, or no answer at all */
};

struct sockdiag_message {
	enum sockdiag_kind kind;
	int error;	  /* 0 or -errno */
	bool interrupted; /* NLM_F_DUMP_INTR */
	const void *payload;
	size_t len;
};

/* What is left of one datagram. */
struct sockdiag_reply {
	const uint8_t *at;
	size_t left;
	uint32_t sequence; /* of our question */
	uint32_t portid;   /* ours */
};

/* 1: a message; 0: no more; -EBADMSG: lengths that can't be. */
PK_MUST_CHECK int sockdiag_next(struct sockdiag_reply *r, struct sockdiag_message *ret_m);
/* The payload of a SOCKDIAG_SOCKET that answers a question about PROTOCOL (IPPROTO_...).
 * 0; 1: no socket but an SCTP association; -EBADMSG. */
PK_MUST_CHECK int sockdiag_parse_inet(const void *payload, size_t len, int protocol,
				      struct sock *ret_sock);
/* `unix_name` points into PAYLOAD. 0 or -EBADMSG. */
PK_MUST_CHECK int sockdiag_parse_unix(const void *payload, size_t len,
				      struct sock *ret_sock);

#endif
