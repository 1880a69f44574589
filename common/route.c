#include "route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* The kernel answers at once; a lost answer must not hang the tool. */
#define ROUTE_TIMEOUT_S 1

struct route_table {
	struct mnl_socket *nl;
	unsigned int sequence;
};

int route_open(struct route_table **ret_table)
{
	static const struct timeval timeout = { .tv_sec = ROUTE_TIMEOUT_S };
	struct route_table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!t->nl || mnl_socket_bind(t->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		route_close(t);
		return err;
	}
	setsockopt(mnl_socket_get_fd(t->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	*ret_table = t;
	return 0;
}

void route_close(struct route_table *t)
{
	if (!t)
		return;
	if (t->nl)
		mnl_socket_close(t->nl);
	free(t);
}

/* Send NLH and hand the one answer to FN. 0 or the kernel's -errno. */
static int ask(struct route_table *t, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	char buffer[8192]; /* MNL_SOCKET_BUFFER_SIZE at the most */

	nlh->nlmsg_seq = ++t->sequence;
	if (mnl_socket_sendto(t->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(t->nl, buffer, sizeof(buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* The answers asked for here are single messages without an end mark. */
		if (mnl_cb_run(buffer, (size_t)n, nlh->nlmsg_seq,
			       mnl_socket_get_portid(t->nl), fn, arg) >= 0)
			return 0;
		/* A late answer to an earlier question is passed over. */
		if (errno != EPROTO)
			return -errno;
	}
}

static bool read_addr(const struct nlattr *attr, int family, int interface,
		      struct addr *ret_addr)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (mnl_attr_get_payload_len(attr) != len)
		return false;
	*ret_addr = (struct addr){ .family = (uint16_t)family };
	memcpy(ret_addr->ip, mnl_attr_get_payload(attr), len);
	if (family == AF_INET6 && addr_is_link_local(ret_addr))
		ret_addr->scope = (uint32_t)interface;
	return true;
}

static enum route_kind kind_of(unsigned int type)
{
	switch (type) {
	case RTN_LOCAL:
		return ROUTE_LOCAL;
	case RTN_BROADCAST:
		return ROUTE_BROADCAST;
	case RTN_MULTICAST:
		return ROUTE_MULTICAST;
	case RTN_UNREACHABLE:
		return ROUTE_UNREACHABLE;
	case RTN_PROHIBIT:
		return ROUTE_PROHIBIT;
	case RTN_BLACKHOLE:
		return ROUTE_BLACKHOLE;
	default:
		return ROUTE_UNICAST;
	}
}

static int route_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route *route = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	route->kind = kind_of(rtm->rtm_type);
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		if (mnl_attr_get_type(attr) == RTA_OIF &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			route->interface = (int)mnl_attr_get_u32(attr);
	}
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_GATEWAY)
			read_addr(attr, rtm->rtm_family, route->interface,
				  &route->gateway);
		else if (type == RTA_PREFSRC)
			read_addr(attr, rtm->rtm_family, route->interface,
				  &route->source);
#ifdef RTA_VIA
		else if (type == RTA_VIA && mnl_attr_get_payload_len(attr) >= 2) {
			/* An IPv6 next hop for an IPv4 route: struct rtvia. */
			const struct rtvia *via = mnl_attr_get_payload(attr);
			size_t len = mnl_attr_get_payload_len(attr) -
				     sizeof(via->rtvia_family);

			if (len == 4 || len == 16) {
				route->gateway =
					(struct addr){ .family = via->rtvia_family };
				memcpy(route->gateway.ip, via->rtvia_addr, len);
				if (addr_is_link_local(&route->gateway) && len == 16)
					route->gateway.scope = (uint32_t)route->interface;
			}
		}
#endif
	}
	return MNL_CB_OK;
}

int route_lookup(struct route_table *t, const struct addr *dst, const struct addr *src,
		 int interface, struct route *ret_route)
{
	struct route route = { .kind = ROUTE_NONE };
	struct addr plain = addr_unmap(dst);
	char buffer[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm;
	int err;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (unsigned char)plain.family;
	rtm->rtm_dst_len = (unsigned char)(8 * addr_len(&plain));
	mnl_attr_put(nlh, RTA_DST, addr_len(&plain), plain.ip);
	if (src && src->family == plain.family) {
		rtm->rtm_src_len = rtm->rtm_dst_len;
		mnl_attr_put(nlh, RTA_SRC, addr_len(src), src->ip);
	}
	if (!interface)
		interface = (int)plain.scope;
	if (interface)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)interface);

	err = ask(t, nlh, route_cb, &route);
	/* Route types that refuse answer the look-up with their errno. */
	if (err == -EHOSTUNREACH)
		route.kind = ROUTE_UNREACHABLE;
	else if (err == -EACCES)
		route.kind = ROUTE_PROHIBIT;
	else if (err == -EINVAL)
		route.kind = ROUTE_BLACKHOLE;
	else if (err == -ENETUNREACH)
		route.kind = ROUTE_NONE;
	else if (err < 0)
		return err;
	if (route.interface &&
	    !if_indextoname((unsigned int)route.interface, route.interface_name))
		route.interface_name[0] = '\0';
	*ret_route = route;
	return 0;
}

static int neighbour_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	enum route_neigh *state = arg;

	if (nlh->nlmsg_type != RTM_NEWNEIGH)
		return MNL_CB_OK;
	if (ndm->ndm_state & NUD_FAILED)
		*state = ROUTE_NEIGH_FAILED;
	else if (ndm->ndm_state & NUD_INCOMPLETE)
		*state = ROUTE_NEIGH_WAITING;
	else if (ndm->ndm_state)
		*state = ROUTE_NEIGH_PRESENT;
	return MNL_CB_OK;
}

int route_neighbour(struct route_table *t, const struct addr *hop, int interface,
		    enum route_neigh *ret_state)
{
	enum route_neigh state = ROUTE_NEIGH_UNKNOWN;
	struct addr plain = addr_unmap(hop);
	char buffer[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ndmsg *ndm;
	int err;

	/* A single entry can be asked for since v5.0; a dump would cost more the
	 * busier the network is. */
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = (unsigned char)plain.family;
	ndm->ndm_ifindex = interface;
	mnl_attr_put(nlh, NDA_DST, addr_len(&plain), plain.ip);
	err = ask(t, nlh, neighbour_cb, &state);
	if (err < 0 && err != -ENOENT)
		return err;
	*ret_state = state;
	return 0;
}
