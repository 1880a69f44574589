/*
 * The words of the contract.
 */
#include "portwho.h"

const char *exposure_word(enum exposure exposure)
{
	switch (exposure) {
	case EXPOSURE_LOOPBACK:
		return "loopback";
	case EXPOSURE_LINK_LOCAL:
		return "link-local";
	case EXPOSURE_ADDRESS:
		return "address";
	case EXPOSURE_ALL:
		break;
	}
	return "all";
}

const char *owner_word(enum owner owner)
{
	switch (owner) {
	case OWNER_PROCESS:
		return "process";
	case OWNER_KERNEL:
		return "kernel";
	case OWNER_SYSTEMD:
		return "systemd";
	case OWNER_HIDDEN:
		return "hidden";
	case OWNER_GONE:
		break;
	}
	return "gone";
}

const char *listener_state_word(const struct listener *l)
{
	switch (l->sock.state) {
	case TCP_LISTEN:
		return "listen";
	case SOCK_BOUND_INACTIVE:
		return "bound";
	default:
		return "unconnected";
	}
}

const char *listener_protocol_word(const struct listener *l)
{
	if (l->sock.family == AF_UNIX)
		return "unix";
	if (l->sock.mptcp)
		return "mptcp";
	switch (l->sock.protocol) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_RAW:
		return "raw";
	default:
		return "tcp";
	}
}

bool listener_is_dual_stack(const struct listener *l)
{
	return l->sock.family == AF_INET6 && addr_is_any(&l->sock.local) &&
	       l->sock.has_v6only && !l->sock.v6only;
}
