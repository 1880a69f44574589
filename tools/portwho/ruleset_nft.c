/*
 * nftables: the ruleset of the namespace that the thread is in, by netlink.
 */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "ruleset_private.h"

/* The kernel answers at once; a lost answer must not hang the tool. */
#define ANSWER_TIMEOUT_S 2
/* What the kernel fills at the most in a dump. */
#define ANSWER_BYTES 32768
/* A ruleset that is changed while it is read is read again, so many times in all. */
#define READS_MAX 5

struct asking {
	struct mnl_socket *socket;
	unsigned int sequence;
	struct ruleset *ruleset;
	uint32_t generation;
	int err; /* of a callback */
};

static int open_socket(struct asking *a)
{
	static const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };

	a->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!a->socket)
		return -errno;
	if (mnl_socket_bind(a->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	setsockopt(mnl_socket_get_fd(a->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	return 0;
}

static struct nlmsghdr *begin(struct asking *a, char *buffer, int type, uint8_t family,
			      int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++a->sequence;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* Send NLH and give what is answered to FN, which leaves its error in A. */
static int ask(struct asking *a, const struct nlmsghdr *nlh, mnl_cb_t fn)
{
	char *buffer = malloc(ANSWER_BYTES);
	int rc = MNL_CB_OK, err = 0;

	if (!buffer)
		return -ENOMEM;
	a->err = 0;
	if (mnl_socket_sendto(a->socket, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(a->socket, buffer, ANSWER_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		rc = n < 0 ? MNL_CB_ERROR
			   : mnl_cb_run(buffer, (size_t)n, nlh->nlmsg_seq,
					mnl_socket_get_portid(a->socket), fn, a);
		if (rc < 0)
			err = a->err ? a->err : -errno;
	}
	free(buffer);
	return err;
}

static int note(const struct nlmsghdr *nlh, void *arg)
{
	struct asking *a = arg;

	a->err = ruleset_parse(a->ruleset, nlh);
	return a->err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int note_generation(const struct nlmsghdr *nlh, void *arg)
{
	struct asking *a = arg;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint32_t))
			a->generation = be32toh(mnl_attr_get_u32(attr));
	return MNL_CB_STOP;
}

static int ask_generation(struct asking *a)
{
	char buffer[64];

	return ask(a, begin(a, buffer, NFT_MSG_GETGEN, AF_UNSPEC, 0), note_generation);
}

static int dump(struct asking *a, int type)
{
	char buffer[64];

	return ask(a, begin(a, buffer, type, NFPROTO_UNSPEC, NLM_F_DUMP), note);
}

static int dump_elements(struct asking *a, const struct set *s)
{
	/* Two names of NFT_NAME_MAXLEN. */
	char buffer[1024];
	struct nlmsghdr *nlh =
		begin(a, buffer, NFT_MSG_GETSETELEM, s->family, NLM_F_DUMP);

	if (strlen(s->table) + strlen(s->name) > sizeof(buffer) - 100)
		return -E2BIG;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, s->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, s->name);
	return ask(a, nlh, note);
}

static int read_once(struct asking *a)
{
	uint32_t generation;
	size_t i;
	int err = ask_generation(a);

	generation = a->generation;
	if (!err)
		err = dump(a, NFT_MSG_GETTABLE);
	if (!err)
		err = dump(a, NFT_MSG_GETCHAIN);
	if (!err && a->ruleset->n_chains)
		err = dump(a, NFT_MSG_GETSET);
	for (i = 0; !err && i < a->ruleset->n_sets; i++)
		err = dump_elements(a, a->ruleset->sets[i]);
	if (!err && a->ruleset->n_chains)
		err = dump(a, NFT_MSG_GETRULE);
	if (!err)
		err = ask_generation(a);
	return !err && generation != a->generation ? -EINTR : err;
}

/* A kernel without nftables has no rules of it. */
static bool means_none(int err)
{
	return err == -EPROTONOSUPPORT || err == -EAFNOSUPPORT || err == -EOPNOTSUPP ||
	       err == -EINVAL;
}

static int read_nft(struct ruleset *r)
{
	struct asking a = { .ruleset = r };
	int err = open_socket(&a), i;

	if (!err)
		err = -EINTR;
	/* -ENOENT, -EBADMSG: a set or a chain went or came meanwhile. */
	for (i = 0; (err == -EINTR || err == -ENOENT || err == -EBADMSG) && i < READS_MAX;
	     i++) {
		ruleset_release(r);
		err = read_once(&a);
	}
	if (a.socket)
		mnl_socket_close(a.socket);
	if (!means_none(err))
		return err;
	ruleset_release(r);
	return 0;
}

int ruleset_load(struct ruleset *ret_ruleset)
{
	struct ruleset r = { 0 };
	int err = read_nft(&r);

	if (!err)
		err = ruleset_load_legacy(&r);
	if (!err)
		err = ruleset_link(&r);
	if (err < 0) {
		ruleset_release(&r);
		return err;
	}
	*ret_ruleset = r;
	return 0;
}
