#include "words.h"

#include "say_private.h"

static const char *const verdict_words[VERDICT_COUNT] = {
	[VERDICT_OPEN] = "open",
	[VERDICT_NO_LISTENER] = "no-listener",
	[VERDICT_DROPPED] = "dropped",
	[VERDICT_REJECTED] = "rejected",
	[VERDICT_RESET_BY_MIDDLEBOX] = "reset-by-middlebox",
	[VERDICT_PROXIED] = "proxied",
	[VERDICT_RESET_AFTER_ACCEPT] = "reset-after-accept",
	[VERDICT_RETURN_PATH] = "return-path",
	[VERDICT_HOST_DOWN] = "host-down",
	[VERDICT_NO_ROUTE] = "no-route",
	[VERDICT_UNRESOLVED] = "unresolved",
	[VERDICT_LOSSY] = "lossy",
	[VERDICT_INCONCLUSIVE] = "inconclusive",
};

const char *verdict_word(enum verdict verdict)
{
	return verdict_words[verdict];
}

const char *where_word(enum where where)
{
	switch (where) {
	case WHERE_LOCAL:
		return "local";
	case WHERE_PATH:
		return "path";
	case WHERE_TARGET:
		return "target";
	case WHERE_LAST_HOP:
		return "last-hop";
	case WHERE_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *method_word(enum method method)
{
	switch (method) {
	case METHOD_NONE:
		break;
	case METHOD_DROP:
		return "drop";
	case METHOD_TCP_RESET:
		return "tcp-reset";
	case METHOD_ICMP:
		return "icmp";
	}
	return NULL;
}

const char *confidence_word(enum confidence confidence)
{
	switch (confidence) {
	case CONFIDENCE_LOW:
		break;
	case CONFIDENCE_MEDIUM:
		return "medium";
	case CONFIDENCE_HIGH:
		return "high";
	case CONFIDENCE_CERTAIN:
		return "certain";
	}
	return "low";
}

bool verdict_is_yes(enum verdict verdict)
{
	return verdict == VERDICT_OPEN || verdict == VERDICT_LOSSY;
}

int ttl_distance(uint8_t ttl)
{
	if (!ttl)
		return -1;
	return ttl <= 64 ? 64 - ttl : ttl <= 128 ? 128 - ttl : 255 - ttl;
}

bool control_is_of_host(const struct addr *host, const struct control *c)
{
	switch (c->answer) {
	case ANSWER_SYN_ACK:
	case ANSWER_RESET:
	case ANSWER_REPLY:
		return true;
	case ANSWER_ICMP:
		return addr_equal(&c->icmp.from, host);
	case ANSWER_NONE:
	case ANSWER_ERROR:
		break;
	}
	return false;
}

const struct control *findings_control(const struct findings *f, uint8_t protocol,
				       enum answer answer)
{
	size_t i;

	for (i = 0; i < f->n_controls; i++)
		if (f->controls[i].protocol == protocol &&
		    f->controls[i].answer == answer)
			return &f->controls[i];
	return NULL;
}

const struct control *findings_alive(const struct findings *f)
{
	size_t i;

	for (i = 0; i < f->n_controls; i++)
		if (control_is_of_host(&f->addr, &f->controls[i]))
			return &f->controls[i];
	return NULL;
}

/* Each says what happens to packets for this port, where, by whom, and what can't be told
 * apart; nothing that was not seen. */
static say_message_fn *const messages[CAUSE_COUNT] = {
	[CAUSE_UNRESOLVED] = message_unresolved,
	[CAUSE_OPEN] = message_open,
	[CAUSE_OPEN_BY_PROXY] = message_open_by_proxy,
	[CAUSE_OPEN_LOSSY] = message_lossy,
	[CAUSE_ANSWERS_ALL] = message_answers_all,
	[CAUSE_PROXY_REFUSES] = message_proxy_refuses,
	[CAUSE_RESET_AFTER] = message_reset_after,
	[CAUSE_RESET_AFTER_BOX] = message_reset_after,
	[CAUSE_LOCAL_DROP_OUT] = message_local_drop_out,
	[CAUSE_LOCAL_REJECT] = message_local_reject,
	[CAUSE_LOCAL_DROP_IN] = message_local_drop_in,
	[CAUSE_LOCAL_RP_FILTER] = message_rp_filter,
	[CAUSE_NO_ROUTE_LOCAL] = message_no_route,
	[CAUSE_NEIGHBOUR_DOWN] = message_neighbour,
	[CAUSE_GATEWAY_DOWN] = message_neighbour,
	[CAUSE_NO_LISTENER] = message_no_listener,
	[CAUSE_NO_LISTENER_MAYBE] = message_no_listener,
	[CAUSE_RESET_BY_HOST_FIREWALL] = message_reset_by_host,
	[CAUSE_RESET_BY_BOX] = message_reset_by_box,
	[CAUSE_RESET_INJECTED] = message_injected,
	[CAUSE_RESET_NEAR] = message_reset_near,
	[CAUSE_REJECTED_BY_HOST] = message_rejected,
	[CAUSE_REJECTED_BY_BOX] = message_rejected,
	[CAUSE_NET_UNREACHABLE] = message_router_says,
	[CAUSE_HOST_UNREACHABLE] = message_router_says,
	[CAUSE_TIME_EXCEEDED] = message_time_exceeded,
	[CAUSE_DROPPED_PATH] = message_dropped_path,
	[CAUSE_DROPPED_LAST_HOP] = message_dropped_last,
	[CAUSE_DROPPED_TARGET] = message_dropped_target,
	[CAUSE_DROPPED_SOMEWHERE] = message_dropped_somewhere,
	[CAUSE_HOST_SILENT] = message_host_silent,
	[CAUSE_UDP_SILENT] = message_udp_silent,
	[CAUSE_LOSS_UNDECIDED] = message_loss_undecided,
	[CAUSE_LOCAL_ERROR] = message_local_error,
	[CAUSE_INTERRUPTED] = message_interrupted,
};
_Static_assert(CAUSE_INTERRUPTED + 1 == CAUSE_COUNT, "a cause without a message");

void words_message(struct buf *out, const struct findings *f, const struct judgement *j)
{
	messages[j->cause](out, f, j);
}
