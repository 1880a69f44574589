#include "state.h"

#include <netinet/in.h>

static const char *const state_words[STATE_COUNT] = {
	[STATE_OPEN] = "open",
	[STATE_CLOSED] = "closed",
	[STATE_FILTERED] = "filtered",
	[STATE_OPEN_FILTERED] = "open|filtered",
	[STATE_UNREACHABLE] = "unreachable",
	[STATE_UNRESOLVED] = "unresolved",
	[STATE_ERROR] = "error",
};

static const char *const reason_words[REASON_COUNT] = {
	[REASON_SYN_ACK] = "syn-ack",
	[REASON_RESET] = "reset",
	[REASON_NO_RESPONSE] = "no-response",
	[REASON_UDP_RESPONSE] = "udp-response",
	[REASON_PORT_UNREACH] = "port-unreach",
	[REASON_HOST_UNREACH] = "host-unreach",
	[REASON_NET_UNREACH] = "net-unreach",
	[REASON_PROTO_UNREACH] = "proto-unreach",
	[REASON_ADMIN_PROHIBITED] = "admin-prohibited",
	[REASON_HOST_PROHIBITED] = "host-prohibited",
	[REASON_NET_PROHIBITED] = "net-prohibited",
	[REASON_TIME_EXCEEDED] = "time-exceeded",
	[REASON_FRAG_NEEDED] = "frag-needed",
	[REASON_REJECT_ROUTE] = "reject-route",
	[REASON_POLICY_FAIL] = "policy-fail",
	[REASON_NO_ROUTE] = "no-route",
	[REASON_LOCAL_REJECT] = "local-reject",
	[REASON_HOST_DOWN] = "host-down",
	[REASON_NAME_NOT_FOUND] = "name-not-found",
	[REASON_NAME_NO_ADDRESS] = "name-no-address",
	[REASON_NAME_FAILURE] = "name-failure",
	[REASON_ADDRESS_IN_USE] = "address-in-use",
	[REASON_PERMISSION] = "permission",
	[REASON_RESOURCE_LIMIT] = "resource-limit",
};

const char *state_word(enum port_state state)
{
	return state_words[state];
}

const char *reason_word(enum port_reason reason)
{
	return reason_words[reason];
}

enum port_state state_of_reason(enum port_reason reason, int protocol, bool from_target)
{
	bool udp = protocol == IPPROTO_UDP;

	switch (reason) {
	case REASON_SYN_ACK:
	case REASON_UDP_RESPONSE:
		return STATE_OPEN;
	case REASON_RESET:
		return STATE_CLOSED;
	case REASON_PORT_UNREACH:
		return udp && from_target ? STATE_CLOSED : STATE_FILTERED;
	case REASON_NO_RESPONSE:
		return udp ? STATE_OPEN_FILTERED : STATE_FILTERED;
	case REASON_PROTO_UNREACH:
	case REASON_ADMIN_PROHIBITED:
	case REASON_HOST_PROHIBITED:
	case REASON_NET_PROHIBITED:
	case REASON_FRAG_NEEDED:
	case REASON_REJECT_ROUTE:
	case REASON_POLICY_FAIL:
	case REASON_LOCAL_REJECT:
		return STATE_FILTERED;
	case REASON_HOST_UNREACH:
	case REASON_NET_UNREACH:
	case REASON_NO_ROUTE:
	case REASON_HOST_DOWN:
	case REASON_TIME_EXCEEDED:
		return STATE_UNREACHABLE;
	case REASON_NAME_NOT_FOUND:
	case REASON_NAME_NO_ADDRESS:
	case REASON_NAME_FAILURE:
		return STATE_UNRESOLVED;
	case REASON_ADDRESS_IN_USE:
	case REASON_PERMISSION:
	case REASON_RESOURCE_LIMIT:
		return STATE_ERROR;
	}
	return STATE_ERROR;
}
