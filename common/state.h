/*
 * Floor 5: the words for what a port is and what was seen. Pure.
 *
 * States and reasons are nmap's where it has them; the table behind state_of_reason() is
 * the one place that says which reason means which state.
 */
#ifndef PK_STATE_H
#define PK_STATE_H

#include "base.h"

enum port_state {
	STATE_OPEN,
	STATE_CLOSED,
	STATE_FILTERED,
	STATE_OPEN_FILTERED,
	STATE_UNREACHABLE,
	STATE_UNRESOLVED,
	STATE_ERROR,
};
#define STATE_COUNT 7

enum port_reason {
	REASON_SYN_ACK,
	REASON_RESET,
	REASON_NO_RESPONSE,
	REASON_UDP_RESPONSE,
	REASON_PORT_UNREACH,
	REASON_HOST_UNREACH,
	REASON_NET_UNREACH,
	REASON_PROTO_UNREACH,
	REASON_ADMIN_PROHIBITED,
	REASON_HOST_PROHIBITED,
	REASON_NET_PROHIBITED,
	REASON_TIME_EXCEEDED,
	REASON_FRAG_NEEDED,
	REASON_REJECT_ROUTE,
	REASON_POLICY_FAIL,
	REASON_NO_ROUTE,
	REASON_LOCAL_REJECT,
	REASON_HOST_DOWN,
	REASON_NAME_NOT_FOUND,
	REASON_NAME_NO_ADDRESS,
	REASON_NAME_FAILURE,
	REASON_ADDRESS_IN_USE,
	REASON_PERMISSION,
	REASON_RESOURCE_LIMIT,
};
#define REASON_COUNT 24

/* "open|filtered", "no-response". Static. */
const char *state_word(enum port_state state);
const char *reason_word(enum port_reason reason);

/*
 * What REASON means for a port of PROTOCOL (IPPROTO_TCP, IPPROTO_UDP). FROM_TARGET: the
 * answer's sender is the probed address itself. A port-unreachable closes a UDP port only
 * when the target itself sent it, and never a TCP port: firewalls send it by default when
 * they reject.
 */
enum port_state state_of_reason(enum port_reason reason, int protocol, bool from_target);

#endif
