#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>

#include "sockdiag_private.h"

/* Walks for one dump, when it was disturbed each time. */
#define SOCKDIAG_WALKS 3
/* From so many sockets on one port on, a walk may have missed one. */
#define SOCKDIAG_CROWD	     1000
#define SOCKDIAG_MAX_COOKIES ((size_t)1 << 24)

/* A set of cookies: open addressing, at most half full; 0 is no cookie. */
struct cookies {
	uint64_t *slots;
	size_t size; /* a power of two */
	size_t count;
};

static size_t cookie_slot(const struct cookies *c, uint64_t cookie)
{
	/* Cookies are counted up: spread them by 2^64 / golden ratio. */
	size_t i = (size_t)(cookie * 0x9E3779B97F4A7C15u >> 32) & (c->size - 1);

	while (c->slots[i] && c->slots[i] != cookie)
		i = (i + 1) & (c->size - 1);
	return i;
}

/* 1: it is new; 0: it was there; -ENOMEM. */
static int cookies_add(struct cookies *c, uint64_t cookie)
{
	size_t i;

	if (2 * c->count >= c->size) {
		struct cookies more = { .size = c->size ? 2 * c->size : 1024,
					.count = c->count };

		if (c->count >= SOCKDIAG_MAX_COOKIES)
			return -ENOMEM;
		more.slots = calloc(more.size, sizeof(*more.slots));
		if (!more.slots)
			return -ENOMEM;
		for (i = 0; i < c->size; i++)
			if (c->slots[i])
				more.slots[cookie_slot(&more, c->slots[i])] = c->slots[i];
		free(c->slots);
		*c = more;
	}
	i = cookie_slot(c, cookie);
	if (c->slots[i])
		return 0;
	c->slots[i] = cookie;
	c->count++;
	return 1;
}

/* One dump, which may take several walks. */
struct dump {
	struct sockdiag *sd;
	const struct sockdiag_query *q; /* NULL: unix */
	uint32_t states;		/* asked in this walk */
	unsigned int n_walks;		/* before this one */
	sockdiag_fn *fn;
	void *arg;
	struct cookies seen;
	uint16_t *per_port; /* unconnected sockets on each local port */
	bool crowded;	    /* one of them reached SOCKDIAG_CROWD */
	bool interrupted;
	bool stopped; /* by FN */
};

/* The kernel filters, but not everywhere: raw_diag looks at no state, sctp_diag at few,
 * and the walk for SOCK_BOUND_INACTIVE at no port. */
static bool is_wanted(const struct dump *d, struct sock *s)
{
	uint32_t state = SOCK_STATE_BIT(s->state);
	uint16_t port = s->protocol == IPPROTO_RAW ? s->raw_protocol : s->local_port;

	/* The reply says TCP_CLOSE. TCP sockets in that state come from no other walk, as
	 * they are in neither of the tables of listeners and connections: from a kernel
	 * that does not know the state (before 6.8) nothing passes here. */
	if (d->states == SOCK_STATE_BIT(SOCK_BOUND_INACTIVE)) {
		if (s->state != TCP_CLOSE)
			return false;
		s->state = SOCK_BOUND_INACTIVE;
		state = d->states;
	}
	/* Request sockets are SYN_RECV in replies. */
	if (s->state == TCP_SYN_RECV)
		state |= SOCK_STATE_BIT(SOCK_NEW_SYN_RECV);
	return (d->states & state) && (!d->q->port || port == d->q->port) &&
	       (d->q->family == AF_UNSPEC || s->family == d->q->family);
}

static int hand_over(struct dump *d, const struct sock *s)
{
	int is_new = s->cookie ? cookies_add(&d->seen, s->cookie) : 1;
	int err;

	if (is_new <= 0)
		return is_new;
	if (d->per_port && !s->remote_port && d->per_port[s->local_port] < UINT16_MAX &&
	    ++d->per_port[s->local_port] >= SOCKDIAG_CROWD)
		d->crowded = true;
	err = d->fn(s, d->arg);
	d->stopped = err != 0;
	return err;
}

static int on_inet(const struct sockdiag_message *m, void *arg)
{
	struct dump *d = arg;
	struct sock s;
	int err = sockdiag_parse_inet(m->payload, m->len, d->q->protocol, &s);

	if (err < 0)
		return err;
	/* An association has its own states, but its socket's cookie. */
	if (err > 0 || !is_wanted(d, &s))
		return 0;
	return hand_over(d, &s);
}

/* A second walk in parts of the same length would have its gaps at the same places. With
 * another attribute in each reply the parts end elsewhere. */
static uint8_t extensions(const struct dump *d)
{
	uint8_t ext = 1u << (INET_DIAG_SKMEMINFO - 1);

	if (d->n_walks % 2)
		ext |= 1u << (INET_DIAG_MEMINFO - 1);
	return ext;
}

/* One walk through the sockets of FAMILY. */
static int walk(struct dump *d, int family)
{
	char buffer[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *req;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = (uint8_t)family;
	req->idiag_ext = extensions(d);
	req->idiag_states = d->states;
	req->id.idiag_sport = htons(d->q->port);
	/* A protocol over 255 is an attribute. Kernels before 5.9 don't read it and see
	 * protocol 0, for which there is no module: -ENOENT, not TCP's sockets. */
	if (d->q->protocol > UINT8_MAX)
		mnl_attr_put_u32(nlh, SOCKDIAG_REQ_PROTOCOL, (uint32_t)d->q->protocol);
	else
		req->sdiag_protocol = (uint8_t)d->q->protocol;
	return sockdiag_ask(d->sd, nlh, on_inet, d, &d->interrupted);
}

/* TCP's sockets of both families in one walk; only the oldest of the interfaces can. */
static int walk_both(struct dump *d)
{
	char buffer[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req *req;

	nlh->nlmsg_type = TCPDIAG_GETSOCK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->idiag_family = AF_INET;
	req->idiag_ext = extensions(d);
	req->idiag_states = d->states;
	req->id.idiag_sport = htons(d->q->port);
	return sockdiag_ask(d->sd, nlh, on_inet, d, &d->interrupted);
}

static int walk_families(struct dump *d)
{
	int err;

	if (d->q->family != AF_UNSPEC)
		return walk(d, d->q->family);
	if (d->q->protocol == IPPROTO_TCP) {
		err = walk_both(d);
		if (d->stopped ||
		    (err != -EINVAL && err != -EOPNOTSUPP && err != -ENOENT))
			return err;
	}
	err = walk(d, AF_INET);
	return err ? err : walk(d, AF_INET6);
}

/* A walk is resumed by position: what comes or goes before that moves the rest, and then
 * a socket may be passed over. A second walk finds it. */
static int walk_until_complete(struct dump *d)
{
	int err = 0;

	d->crowded = false;
	for (d->n_walks = 0; d->n_walks < SOCKDIAG_WALKS; d->n_walks++) {
		d->interrupted = false;
		err = walk_families(d);
		if (err || !(d->interrupted || (d->crowded && d->n_walks == 0)))
			break;
	}
	return err;
}

int sockdiag_dump(struct sockdiag *sd, const struct sockdiag_query *q, sockdiag_fn *fn,
		  void *arg)
{
	uint32_t bound = q->states & SOCK_STATE_BIT(SOCK_BOUND_INACTIVE);
	struct dump d = { .sd = sd, .q = q, .fn = fn, .arg = arg };
	int err = 0;

	if (q->protocol != IPPROTO_TCP && q->protocol != IPPROTO_UDP &&
	    q->protocol != IPPROTO_SCTP && q->protocol != IPPROTO_RAW &&
	    q->protocol != IPPROTO_MPTCP)
		return -EPROTONOSUPPORT;
	d.per_port = calloc(UINT16_MAX + 1, sizeof(*d.per_port));
	if (!d.per_port)
		return -ENOMEM;
	d.states = q->states & ~bound;
	if (d.states)
		err = walk_until_complete(&d);
	/* By itself, since replies do not tell it from TCP_CLOSE. */
	if (!err && bound && q->protocol == IPPROTO_TCP) {
		d.states = bound;
		err = walk_until_complete(&d);
	}
	free(d.per_port);
	free(d.seen.slots);
	return err;
}

static int on_unix(const struct sockdiag_message *m, void *arg)
{
	struct dump *d = arg;
	struct sock s;
	int err = sockdiag_parse_unix(m->payload, m->len, &s);

	if (err)
		return err;
	if (s.state != TCP_LISTEN && (s.state != TCP_CLOSE || !s.unix_name))
		return 0;
	return hand_over(d, &s);
}

int sockdiag_dump_unix(struct sockdiag *sd, sockdiag_fn *fn, void *arg)
{
	struct dump d = { .sd = sd, .fn = fn, .arg = arg };
	char buffer[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh;
	struct unix_diag_req *req;
	int i, err = 0;

	for (i = 0; i < SOCKDIAG_WALKS; i++) {
		nlh = mnl_nlmsg_put_header(buffer);
		nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
		req->sdiag_family = AF_UNIX;
		req->udiag_states = SOCK_STATE_BIT(TCP_LISTEN) |
				    SOCK_STATE_BIT(TCP_CLOSE);
		req->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN |
				  UDIAG_SHOW_MEMINFO | SOCKDIAG_UNIX_SHOW_UID;
		d.interrupted = false;
		err = sockdiag_ask(sd, nlh, on_unix, &d, &d.interrupted);
		if (err || !d.interrupted)
			break;
	}
	free(d.seen.slots);
	return err;
}
