/*
 * nftables: our own table, and the kernel's messages about it.
 */
#include "rule_nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"
#include "wire.h"

/* The messages are there when the packets are; this is for an answer on its way. */
#define QUIET_NS     (100 * NS_PER_MS)
#define READ_MAX_NS  (1 * NS_PER_S)
#define MESSAGES_MAX 20000
/* The kernel answers at once; a lost answer must not hang the tool. */
#define ANSWER_TIMEOUT_S 2
#define TRACE_BUFFER	 (4 << 20)
/* A ruleset that is changed while it is read is read again, so many times in all. */
#define DUMPS_MAX 5

static void say_why(char *why, size_t size, int err, const char *what)
{
	if (err == -EPERM)
		snprintf(why, size, "needs CAP_NET_ADMIN");
	else
		snprintf(why, size, "%s: %s", what, strerror(-err));
}

/* Protocols and operations that a kernel does not know (nft answers some with ENOENT). */
static int missing_if_unknown(int err)
{
	return err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ||
			       err == -EINVAL || err == -ENOENT
		       ? -ENOSYS
		       : err;
}

/* ---- sockets ---- */

static int open_socket(struct mnl_socket **ret_socket, int flags)
{
	static const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | flags);
	int err;

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		mnl_socket_close(s);
		return err;
	}
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	*ret_socket = s;
	return 0;
}

static int listen_to_trace(struct rule_nft *nft)
{
	int group = NFNLGRP_NFTRACE, size = TRACE_BUFFER;
	int err = open_socket(&nft->trace, SOCK_NONBLOCK);

	if (err < 0)
		return err;
	(void)setsockopt(mnl_socket_get_fd(nft->trace), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	return mnl_socket_setsockopt(nft->trace, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) < 0
		       ? -errno
		       : 0;
}

struct nlmsghdr *rule_nft_message(struct rule_nft *nft, char *buffer, int type,
				  uint8_t family, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++nft->sequence;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

int rule_nft_ask(struct rule_nft *nft, const struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	static const size_t size =
		32768; /* what the kernel fills at the most in a dump */
	char *buffer = malloc(size);
	ssize_t n;
	int rc = -1, err = 0;

	if (!buffer)
		return -ENOMEM;
	if (mnl_socket_sendto(nft->asking, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && rc != MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nft->asking, buffer, size);
		if (n < 0 && errno == EINTR)
			continue;
		rc = n < 0 ? -1
			   : mnl_cb_run(buffer, (size_t)n, nlh->nlmsg_seq,
					mnl_socket_get_portid(nft->asking), fn, arg);
		/* A late answer to an earlier question is passed over. */
		if (rc < 0 && (n < 0 || errno != EPROTO))
			err = -errno;
	}
	free(buffer);
	return err;
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) ? 0 : nfg->nfgen_family;
}

/* ---- base chains ---- */

static void note_device(struct rule_chains *chains, const char *name)
{
	size_t i;

	/* What nft could not read again is left out. */
	if (!name[0] || strlen(name) >= IF_NAMESIZE || strpbrk(name, "\"\\*\n") ||
	    !if_nametoindex(name))
		return;
	for (i = 0; i < chains->n_devices; i++)
		if (!strcmp(chains->devices[i], name))
			return;
	if (i < RULE_DEVICES_MAX)
		rule_copy(chains->devices[chains->n_devices++], IF_NAMESIZE, name);
}

static void note_devices(struct rule_nft *nft, const struct nftnl_chain *c)
{
	const struct rule_load *l = &nft->load;
	const char *const *names;

	if (l->chain_is_set(c, NFTNL_CHAIN_DEV))
		note_device(&nft->chains, l->chain_get_str(c, NFTNL_CHAIN_DEV));
	if (!l->chain_is_set(c, NFTNL_CHAIN_DEVICES))
		return;
	for (names = l->chain_get(c, NFTNL_CHAIN_DEVICES); names && *names; names++)
		note_device(&nft->chains, *names);
}

static void note_chain(struct rule_nft *nft, const struct nftnl_chain *c, uint8_t family)
{
	const struct rule_load *l = &nft->load;
	struct rule_chain *to;
	bool ingress;

	if (!l->chain_is_set(c, NFTNL_CHAIN_HOOKNUM) ||
	    !l->chain_is_set(c, NFTNL_CHAIN_NAME) ||
	    !l->chain_is_set(c, NFTNL_CHAIN_TABLE) ||
	    nft->chains.n_chains == RULE_CHAINS_MAX)
		return;
	to = &nft->chains.chains[nft->chains.n_chains++];
	to->family = family;
	to->hook = l->chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
	rule_copy(to->table, sizeof(to->table), l->chain_get_str(c, NFTNL_CHAIN_TABLE));
	rule_copy(to->name, sizeof(to->name), l->chain_get_str(c, NFTNL_CHAIN_NAME));
	ingress = family == NFPROTO_NETDEV
			  ? to->hook == NF_NETDEV_INGRESS
			  : family == NFPROTO_INET && to->hook == NF_INET_INGRESS;
	if (ingress)
		note_devices(nft, c);
}

static int chain_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rule_nft *nft = arg;
	struct nftnl_chain *c = nft->load.chain_alloc();

	if (c && nft->load.chain_nlmsg_parse(nlh, c) == 0)
		note_chain(nft, c, family_of(nlh));
	if (c)
		nft->load.chain_free(c);
	return MNL_CB_OK;
}

static int read_chains(struct rule_nft *nft)
{
	char buffer[256];
	int err = -EINTR, i;

	nft->chains.chains = calloc(RULE_CHAINS_MAX, sizeof(*nft->chains.chains));
	if (!nft->chains.chains)
		return -ENOMEM;
	for (i = 0; err == -EINTR && i < DUMPS_MAX; i++) {
		nft->chains.n_chains = nft->chains.n_devices = 0;
		err = rule_nft_ask(nft,
				   rule_nft_message(nft, buffer, NFT_MSG_GETCHAIN,
						    NFPROTO_UNSPEC, NLM_F_DUMP),
				   chain_cb, nft);
	}
	return err;
}

/* ---- our own table ---- */

/* The first line of what nft complains about. */
static void first_line(const char *text, char *out, size_t size)
{
	size_t len = text ? strcspn(text, "\n") : 0;

	snprintf(out, size, "%.*s", (int)len, text ? text : "");
}

static int add_table(struct rule_nft *nft, const struct rule_flow *flow, char *ret_why,
		     size_t why_size)
{
	struct buf text = BUF_INIT;
	char complaint[120];
	uint32_t random = 0;
	int err;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	snprintf(nft->table, sizeof(nft->table), "portblock_%ld_%08x", (long)getpid(),
		 random);
	nft->owner = nft->load.ctx_new(NFT_CTX_DEFAULT);
	if (!nft->owner || nft->load.ctx_buffer_error(nft->owner) ||
	    nft->load.ctx_buffer_output(nft->owner)) {
		snprintf(ret_why, why_size, "libnftables does not start");
		return -ENOMEM;
	}
	rule_table_text(&text, nft->table, flow, &nft->chains);
	err = text.failed ? -ENOMEM : 0;
	errno = 0;
	if (!err && nft->load.run_cmd(nft->owner, text.data)) {
		err = errno == EPERM ? -EPERM : -ENOSYS;
		first_line(nft->load.ctx_error(nft->owner), complaint, sizeof(complaint));
		snprintf(ret_why, why_size,
			 "a table can't be added (kernel before 5.12?): %s", complaint);
	}
	buf_release(&text);
	return err;
}

int rule_nft_open(struct rule_nft **ret_nft, const struct rule_flow *flow, char *ret_why,
		  size_t why_size)
{
	struct rule_nft *nft;
	int err;

	/* libxtables, which libnftables starts, ends such a process without a word. */
	if (getauxval(AT_SECURE)) {
		snprintf(ret_why, why_size,
			 "libnftables does not work in a program with capabilities or an "
			 "owner of its own: run as root (sudo)");
		return -EPERM;
	}
	nft = calloc(1, sizeof(*nft));
	if (!nft)
		return -ENOMEM;
	err = rule_load(&nft->load, ret_why, why_size);
	if (err < 0)
		goto fail;
	/* First of all: where there is no nfnetlink, libnftables would exit. */
	err = listen_to_trace(nft);
	if (!err)
		err = open_socket(&nft->asking, 0);
	if (!err)
		err = read_chains(nft);
	if (err < 0) {
		say_why(ret_why, why_size, err, "this kernel's nftables can't be asked");
		err = missing_if_unknown(err);
		goto fail;
	}
	err = add_table(nft, flow, ret_why, why_size);
	if (err < 0)
		goto fail;
	nft->history.table = nft->table;
	nft->history.port = flow->port;
	nft->history.chains = &nft->chains;
	*ret_nft = nft;
	return 0;
fail:
	rule_nft_close(nft);
	return err;
}

void rule_nft_withdraw(struct rule_nft *nft)
{
	char command[80];

	if (!nft->owner)
		return;
	/* The kernel removes the table when its owner closes, but does not tell those who
	 * watch the ruleset. */
	snprintf(command, sizeof(command), "delete table inet %s", nft->table);
	(void)nft->load.run_cmd(nft->owner, command);
	nft->load.ctx_free(nft->owner);
	nft->owner = NULL;
}

void rule_nft_close(struct rule_nft *nft)
{
	if (!nft)
		return;
	rule_nft_withdraw(nft);
	if (nft->trace)
		mnl_socket_close(nft->trace);
	if (nft->asking)
		mnl_socket_close(nft->asking);
	free(nft->chains.chains);
	rule_unload(&nft->load);
	free(nft);
}

/* ---- the trace ---- */

static void copy_str(const struct rule_nft *nft, const struct nftnl_trace *t,
		     uint16_t attr, char out[RULE_NAME_SIZE])
{
	const char *s = nft->load.trace_is_set(t, attr) ? nft->load.trace_get_str(t, attr)
							: NULL;

	rule_copy(out, RULE_NAME_SIZE, s ? s : "");
}

static void read_ports(const struct rule_nft *nft, const struct nftnl_trace *t,
		       struct rule_event *e)
{
	uint32_t len = 0;
	const void *header =
		nft->load.trace_is_set(t, NFTNL_TRACE_TRANSPORT_HEADER)
			? nft->load.trace_get_data(t, NFTNL_TRACE_TRANSPORT_HEADER, &len)
			: NULL;
	struct wire w;

	if (!header || len < 4)
		return;
	w = wire_of(header, len);
	e->src_port = wire_u16(&w);
	e->dst_port = wire_u16(&w);
	e->has_ports = true;
}

static int trace_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rule_nft *nft = arg;
	const struct rule_load *l = &nft->load;
	struct rule_event e = { .family = family_of(nlh) };
	struct nftnl_trace *t;

	nft->n_messages++;
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE))
		return MNL_CB_OK;
	t = l->trace_alloc();
	if (t && l->trace_nlmsg_parse(nlh, t) == 0) {
		e.id = l->trace_get_u32(t, NFTNL_TRACE_ID);
		e.type = l->trace_get_u32(t, NFTNL_TRACE_TYPE);
		e.verdict = (int32_t)l->trace_get_u32(t, e.type == NFT_TRACETYPE_POLICY
								 ? NFTNL_TRACE_POLICY
								 : NFTNL_TRACE_VERDICT);
		if (l->trace_is_set(t, NFTNL_TRACE_RULE_HANDLE))
			e.handle = l->trace_get_u64(t, NFTNL_TRACE_RULE_HANDLE);
		copy_str(nft, t, NFTNL_TRACE_TABLE, e.table);
		copy_str(nft, t, NFTNL_TRACE_CHAIN, e.chain);
		read_ports(nft, t, &e);
		rule_history_add(&nft->history, &e);
	}
	if (t)
		l->trace_free(t);
	return MNL_CB_OK;
}

const struct rule_history *rule_nft_read(struct rule_nft *nft, bool *ret_lost)
{
	struct pollfd poll_fd = { .fd = mnl_socket_get_fd(nft->trace), .events = POLLIN };
	int64_t end_ns = clock_now_ns() + READ_MAX_NS;
	char buffer[8192]; /* a message has the first bytes of a packet, and two names */

	while (nft->n_messages < MESSAGES_MAX && clock_now_ns() < end_ns) {
		ssize_t n = mnl_socket_recvfrom(nft->trace, buffer, sizeof(buffer));

		if (n >= 0) {
			(void)mnl_cb_run(buffer, (size_t)n, 0, 0, trace_cb, nft);
			continue;
		}
		if (errno == ENOBUFS) {
			nft->lost = true;
		} else if (errno == EAGAIN) {
			if (poll(&poll_fd, 1, (int)(QUIET_NS / NS_PER_MS)) == 0)
				break;
		} else if (errno != EINTR) {
			nft->lost = true;
			break;
		}
	}
	*ret_lost = nft->lost || nft->n_messages >= MESSAGES_MAX ||
		    nft->history.n_packets == RULE_PACKETS_MAX;
	return &nft->history;
}
