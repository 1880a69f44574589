#include "sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "sockdiag_private.h"

/* The kernel makes the next part of a dump while it hands out the last, so that an answer
 * is there at once. A lost one must not hang the tool. */
#define SOCKDIAG_TIMEOUT_S 5
/* No part of a dump is longer (linux net/netlink/af_netlink.c). */
#define SOCKDIAG_BUFFER_BYTES 32768
/* Walks for one dump, when it was disturbed each time. */
#define SOCKDIAG_WALKS 3
/* From so many sockets on one port on, a walk may have missed one. */
#define SOCKDIAG_CROWD	     1000
#define SOCKDIAG_MAX_COOKIES ((size_t)1 << 24)

struct sockdiag {
	struct mnl_socket *nl;
	uint32_t sequence;
	bool running; /* a dump was left before its end */
	_Alignas(struct nlmsghdr) uint8_t buffer[SOCKDIAG_BUFFER_BYTES];
};

int sockdiag_open(struct sockdiag **ret_sd)
{
	static const struct timeval timeout = { .tv_sec = SOCKDIAG_TIMEOUT_S };
	struct sockdiag *sd = malloc(sizeof(*sd));
	int err;

	if (!sd)
		return -ENOMEM;
	sd->sequence = 0;
	sd->running = false;
	sd->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!sd->nl || mnl_socket_bind(sd->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(sd->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)) < 0) {
		err = -errno;
		sockdiag_close(sd);
		return err;
	}
	*ret_sd = sd;
	return 0;
}

void sockdiag_close(struct sockdiag *sd)
{
	if (!sd)
		return;
	if (sd->nl)
		mnl_socket_close(sd->nl);
	free(sd);
}

/* One datagram. 0 or -errno. */
static int receive(struct sockdiag *sd, struct sockdiag_reply *ret_reply)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(sd->nl, sd->buffer, sizeof(sd->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*ret_reply = (struct sockdiag_reply){
		.at = sd->buffer,
		.left = (size_t)n,
		.sequence = sd->sequence,
		.portid = mnl_socket_get_portid(sd->nl),
	};
	return 0;
}

/* What is left of a dump goes first: the kernel refuses a second one (EBUSY). A new
 * socket instead could end up in another namespace. */
static int settle(struct sockdiag *sd)
{
	struct sockdiag_message m;
	struct sockdiag_reply r;
	int err;

	while (sd->running) {
		err = receive(sd, &r);
		if (err)
			return err;
		while ((err = sockdiag_next(&r, &m)) > 0)
			if (m.kind == SOCKDIAG_DONE || m.kind == SOCKDIAG_ERROR)
				sd->running = false;
		if (err < 0)
			return err;
	}
	return 0;
}

int sockdiag_ask(struct sockdiag *sd, struct nlmsghdr *nlh, sockdiag_message_fn *fn,
		 void *arg, bool *interrupted)
{
	bool dump = nlh->nlmsg_flags & NLM_F_DUMP;
	struct sockdiag_message m;
	struct sockdiag_reply r;
	ssize_t sent;
	int err = settle(sd);

	if (err)
		return err;
	nlh->nlmsg_seq = ++sd->sequence;
	do
		sent = mnl_socket_sendto(sd->nl, nlh, nlh->nlmsg_len);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	sd->running = dump;
	for (;;) {
		err = receive(sd, &r);
		if (err)
			return err;
		while ((err = sockdiag_next(&r, &m)) > 0) {
			if (m.kind == SOCKDIAG_OTHER)
				continue;
			if (m.interrupted && interrupted)
				*interrupted = true;
			if (m.kind != SOCKDIAG_SOCKET) {
				sd->running = false;
				return m.error;
			}
			err = fn(&m, arg);
			if (err || !dump)
				return err;
		}
		if (err < 0)
			return err;
	}
}

struct found {
	int protocol;
	struct sock sock;
};

static int on_found(const struct sockdiag_message *m, void *arg)
{
	struct found *f = arg;

	return sockdiag_parse_inet(m->payload, m->len, f->protocol, &f->sock);
}

int sockdiag_find(struct sockdiag *sd, int protocol, const struct addr *local,
		  uint16_t local_port, const struct addr *remote, uint16_t remote_port,
		  uint32_t interface, struct sock *ret_sock)
{
	struct addr here = addr_unmap(local);
	struct addr there = { .family = here.family };
	struct found found = { .protocol = protocol };
	char buffer[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *req;
	int err;

	/* The others' modules look up something else: an association, a token, any. */
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	if (remote && remote->family)
		there = addr_unmap(remote);
	if ((here.family != AF_INET && here.family != AF_INET6) ||
	    there.family != here.family)
		return -EINVAL;
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = (uint8_t)here.family;
	req->sdiag_protocol = (uint8_t)protocol;
	req->idiag_ext = 1u << (INET_DIAG_SKMEMINFO - 1);
	req->idiag_states = UINT32_MAX;
	req->id.idiag_if = interface ? interface : here.scope;
	req->id.idiag_cookie[0] = req->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (protocol == IPPROTO_UDP) {
		/* udp_diag takes them as packets have them: the source is the remote. */
		struct addr tmp = here;
		uint16_t tmp_port = local_port;

		here = there;
		there = tmp;
		local_port = remote_port;
		remote_port = tmp_port;
	}
	memcpy(req->id.idiag_src, here.ip, addr_len(&here));
	memcpy(req->id.idiag_dst, there.ip, addr_len(&there));
	req->id.idiag_sport = htons(local_port);
	req->id.idiag_dport = htons(remote_port);
	err = sockdiag_ask(sd, nlh, on_found, &found, NULL);
	if (err)
		return err;
	*ret_sock = found.sock;
	return 0;
}
