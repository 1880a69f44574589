#include "sockdiag_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>

int sockdiag_next(struct sockdiag_reply *r, struct sockdiag_message *ret_m)
{
	struct sockdiag_message m = { .kind = SOCKDIAG_OTHER };
	struct nlmsghdr head;
	size_t step;
	int error = 0;

	if (!r->left)
		return 0;
	if (r->left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, r->at, sizeof(head));
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > r->left)
		return -EBADMSG;
	m.payload = r->at + sizeof(head);
	m.len = head.nlmsg_len - sizeof(head);
	m.interrupted = head.nlmsg_flags & NLM_F_DUMP_INTR;
	step = min_size(MNL_ALIGN((size_t)head.nlmsg_len), r->left);
	r->at += step;
	r->left -= step;

	if (head.nlmsg_seq != r->sequence || head.nlmsg_pid != r->portid) {
		*ret_m = m;
		return 1;
	}
	/* The end of a dump tells whether it went wrong; libmnl's loop passes over it. */
	if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
		if (m.len >= sizeof(error))
			memcpy(&error, m.payload, sizeof(error));
		else if (head.nlmsg_type == NLMSG_ERROR)
			return -EBADMSG;
		/* A dump ends with 0 or the number of bytes of its last part. */
		m.error = error < 0 && error > -4096 ? error : error < 0 ? -EBADMSG : 0;
		m.kind = head.nlmsg_type == NLMSG_DONE ? SOCKDIAG_DONE : SOCKDIAG_ERROR;
	} else if (head.nlmsg_type == NLMSG_OVERRUN) {
		m.error = -ENOBUFS;
		m.kind = SOCKDIAG_ERROR;
	} else if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY ||
		   head.nlmsg_type == TCPDIAG_GETSOCK) {
		m.kind = SOCKDIAG_SOCKET;
	}
	*ret_m = m;
	return 1;
}

/* The next attribute of what is left. 1; 0: no more; -EBADMSG. */
static int next_attr(struct sockdiag_reply *attrs, struct nlattr *ret_attr,
		     const uint8_t **ret_value, size_t *ret_len)
{
	size_t step;

	if (!attrs->left)
		return 0;
	if (attrs->left < sizeof(*ret_attr))
		return -EBADMSG;
	memcpy(ret_attr, attrs->at, sizeof(*ret_attr));
	if (ret_attr->nla_len < sizeof(*ret_attr) || ret_attr->nla_len > attrs->left)
		return -EBADMSG;
	ret_attr->nla_type &= NLA_TYPE_MASK;
	*ret_value = attrs->at + sizeof(*ret_attr);
	*ret_len = ret_attr->nla_len - sizeof(*ret_attr);
	step = min_size(MNL_ALIGN((size_t)ret_attr->nla_len), attrs->left);
	attrs->at += step;
	attrs->left -= step;
	return 1;
}

/* Copies SIZE bytes, where there are as many. */
static bool read_value(const uint8_t *value, size_t len, void *out, size_t size)
{
	if (len < size)
		return false;
	memcpy(out, value, size);
	return true;
}

/* SK_MEMINFO_...: kernels before 4.7 end before the drops. */
static void read_drops(const uint8_t *value, size_t len, struct sock *s)
{
	const size_t at = SK_MEMINFO_DROPS * sizeof(uint32_t);

	if (len >= at)
		s->has_drops =
			read_value(value + at, len - at, &s->drops, sizeof(s->drops));
}

static void read_inet_attr(uint16_t type, const uint8_t *value, size_t len,
			   struct sock *s)
{
	uint8_t byte;

	switch (type) {
	case INET_DIAG_SKMEMINFO:
		read_drops(value, len, s);
		break;
	case INET_DIAG_PROTOCOL:
		read_value(value, len, &s->raw_protocol, sizeof(s->raw_protocol));
		break;
	case INET_DIAG_SKV6ONLY:
		s->has_v6only = read_value(value, len, &byte, sizeof(byte));
		s->v6only = s->has_v6only && byte;
		break;
	case INET_DIAG_MARK:
		read_value(value, len, &s->mark, sizeof(s->mark));
		break;
	case SOCKDIAG_ATTR_CGROUP_ID:
		s->has_cgroup =
			read_value(value, len, &s->cgroup_id, sizeof(s->cgroup_id));
		break;
	default:
		break;
	}
}

static struct addr addr_of(int family, const void *ip, uint32_t interface)
{
	struct addr a = { .family = (uint16_t)family };

	/* Old kernels leave the rest of an IPv4 address as it was in memory. */
	memcpy(a.ip, ip, addr_len(&a));
	if (family == AF_INET6 && addr_is_link_local(&a))
		a.scope = interface;
	return a;
}

static uint64_t cookie_of(const uint32_t halves[2])
{
	return (uint64_t)halves[1] << 32 | halves[0];
}

int sockdiag_parse_inet(const void *payload, size_t len, int protocol,
			struct sock *ret_sock)
{
	struct inet_diag_msg msg;
	struct sockdiag_reply attrs;
	struct sock s = { 0 };
	const uint8_t *value;
	struct nlattr attr;
	bool association = false;
	size_t value_len;
	int more;

	if (len < sizeof(msg))
		return -EBADMSG;
	memcpy(&msg, payload, sizeof(msg));
	if (msg.idiag_family != AF_INET && msg.idiag_family != AF_INET6)
		return -EBADMSG;
	if (msg.idiag_state >= 32) /* more than a mask of states can say */
		return -EBADMSG;
	s.family = msg.idiag_family;
	s.mptcp = protocol == IPPROTO_MPTCP;
	s.protocol = s.mptcp ? IPPROTO_TCP : (uint8_t)protocol;
	s.state = msg.idiag_state;
	s.interface = msg.id.idiag_if;
	s.local = addr_of(s.family, msg.id.idiag_src, s.interface);
	s.remote = addr_of(s.family, msg.id.idiag_dst, s.interface);
	s.local_port = ntohs(msg.id.idiag_sport);
	s.remote_port = ntohs(msg.id.idiag_dport);
	s.inode = msg.idiag_inode;
	/* TIME_WAIT, SYN_RECV and orphans are all said to be root's. */
	s.uid = !msg.idiag_inode && !msg.idiag_uid ? SOCK_NO_UID : msg.idiag_uid;
	s.rqueue = msg.idiag_rqueue;
	s.wqueue = msg.idiag_wqueue;
	s.timer = msg.idiag_timer;
	/* Without a timer the field is not always written; one that has just run out
	 * may have wrapped. */
	if (s.timer && msg.idiag_expires <= INT32_MAX)
		s.expires_ms = msg.idiag_expires;
	s.cookie = cookie_of(msg.id.idiag_cookie);

	attrs = (struct sockdiag_reply){ .at = (const uint8_t *)payload + sizeof(msg),
					 .left = len - sizeof(msg) };
	while ((more = next_attr(&attrs, &attr, &value, &value_len)) > 0) {
		if (attr.nla_type == INET_DIAG_PEERS)
			association = true;
		read_inet_attr(attr.nla_type, value, value_len, &s);
	}
	if (more < 0)
		return more;
	if (protocol == IPPROTO_RAW) {
		/* Where a port would be, the kernel keeps the protocol. */
		if (!s.raw_protocol)
			s.raw_protocol = (uint8_t)s.local_port;
		s.local_port = 0;
	}
	*ret_sock = s;
	return protocol == IPPROTO_SCTP && association;
}

static void read_unix_attr(uint16_t type, const uint8_t *value, size_t len,
			   struct sock *s)
{
	struct unix_diag_rqlen queues;

	switch (type) {
	case UNIX_DIAG_NAME:
		/* Of a path with its NUL, and with what was bound after it. */
		s->unix_name_len = len && value[0] ? strnlen((const char *)value, len)
						   : len;
		s->unix_name = len ? (const char *)value : NULL;
		break;
	case UNIX_DIAG_RQLEN:
		if (read_value(value, len, &queues, sizeof(queues))) {
			s->rqueue = queues.udiag_rqueue;
			s->wqueue = queues.udiag_wqueue;
		}
		break;
	case UNIX_DIAG_MEMINFO:
		read_drops(value, len, s);
		break;
	case SOCKDIAG_UNIX_ATTR_UID:
		read_value(value, len, &s->uid, sizeof(s->uid));
		break;
	default:
		break;
	}
}

int sockdiag_parse_unix(const void *payload, size_t len, struct sock *ret_sock)
{
	struct sock s = { .family = AF_UNIX, .uid = SOCK_NO_UID };
	struct sockdiag_reply attrs;
	struct unix_diag_msg msg;
	const uint8_t *value;
	struct nlattr attr;
	size_t value_len;
	int more;

	if (len < sizeof(msg))
		return -EBADMSG;
	memcpy(&msg, payload, sizeof(msg));
	if (msg.udiag_family != AF_UNIX || msg.udiag_state >= 32)
		return -EBADMSG;
	s.unix_type = msg.udiag_type;
	s.state = msg.udiag_state;
	s.inode = msg.udiag_ino;
	s.cookie = cookie_of(msg.udiag_cookie);
	attrs = (struct sockdiag_reply){ .at = (const uint8_t *)payload + sizeof(msg),
					 .left = len - sizeof(msg) };
	while ((more = next_attr(&attrs, &attr, &value, &value_len)) > 0)
		read_unix_attr(attr.nla_type, value, value_len, &s);
	if (more < 0)
		return more;
	*ret_sock = s;
	return 0;
}
