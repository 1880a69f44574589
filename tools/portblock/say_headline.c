/*
 * The verdict with its place, in a few words.
 */
#include "say_private.h"
#include "words.h"

/* "by hop 2 (10.77.1.2)", or the place in other words. */
static void add_by(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_adds(out, "by ");
	phrase_by(out, f, j, "a box in between");
}

static void dropped(struct buf *out, const struct judgement *j, bool here)
{
	bool answer = j->cause == CAUSE_LOCAL_DROP_IN ||
		      j->cause == CAUSE_LOCAL_RP_FILTER;

	switch (j->where) {
	case WHERE_LOCAL:
		buf_adds(out, answer ? "the answer is dropped by this machine"
				     : "dropped by this machine");
		return;
	case WHERE_PATH:
		buf_adds(out, "dropped on the path, ");
		if (j->last_hop > 0)
			buf_addf(out, "after hop %d", j->last_hop);
		else
			buf_addf(out, "before or at hop %d",
				 j->next_hop > 0 ? j->next_hop : 1);
		return;
	case WHERE_LAST_HOP:
		buf_adds(out, "dropped by the last router");
		if (j->last_hop > 0)
			buf_addf(out, " (hop %d)", j->last_hop);
		buf_adds(out, " or the host");
		return;
	case WHERE_TARGET:
		buf_adds(out, here		? "dropped by this machine"
			      : j->last_hop > 0 ? "dropped by the host or behind it"
						: "dropped by the host");
		return;
	case WHERE_UNKNOWN:
		buf_adds(out, "dropped");
		if (j->last_hop > 0)
			buf_addf(out, " somewhere after hop %d", j->last_hop);
		return;
	}
}

static void rejected(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_adds(out, "rejected ");
	if (j->where == WHERE_LOCAL)
		buf_adds(out, "by this machine");
	else if (j->where == WHERE_TARGET)
		buf_adds(out, f->route_known && f->route.kind == ROUTE_LOCAL
				      ? "by this machine"
				      : "by the host's firewall");
	else
		add_by(out, f, j);
}

static void proxied(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_adds(out, j->cause == CAUSE_ANSWERS_ALL ? "every port is accepted, "
						    : "accepted in the host's stead, ");
	if (j->where == WHERE_PATH)
		add_by(out, f, j);
	else
		buf_adds(out, "so this one says nothing");
}

static void host_down(struct buf *out, const struct findings *f,
		      const struct judgement *j)
{
	buf_adds(out, j->cause == CAUSE_GATEWAY_DOWN ? "the gateway is down"
		      : addr_equal(&j->by, &f->addr) ? "what is behind the host is down"
						     : "the host is down");
}

static void no_route(struct buf *out, const struct findings *f, const struct judgement *j)
{
	buf_adds(out, j->cause == CAUSE_TIME_EXCEEDED ? "no way to the host: it ends "
						      : "no route to the host ");
	if (j->where == WHERE_LOCAL) {
		buf_adds(out, "on this machine");
		return;
	}
	buf_adds(out, "at ");
	phrase_by(out, f, j, "a router in between");
}

static void inconclusive(struct buf *out, const struct judgement *j)
{
	buf_adds(out, j->cause == CAUSE_INTERRUPTED   ? "interrupted before an answer"
		      : j->cause == CAUSE_LOCAL_ERROR ? "could not be tested"
						      : "inconclusive");
}

void words_headline(struct buf *out, const struct findings *f, const struct judgement *j)
{
	bool here = f->route_known && f->route.kind == ROUTE_LOCAL;

	switch (j->verdict) {
	case VERDICT_OPEN:
		buf_adds(out, "open");
		return;
	case VERDICT_LOSSY:
		buf_adds(out, "open, but packets are lost");
		return;
	case VERDICT_NO_LISTENER:
		buf_adds(out, here ? "no listener on this machine"
				   : "no listener at the target");
		return;
	case VERDICT_DROPPED:
		dropped(out, j, here);
		return;
	case VERDICT_REJECTED:
		rejected(out, f, j);
		return;
	case VERDICT_RESET_BY_MIDDLEBOX:
		if (j->cause == CAUSE_RESET_NEAR) {
			buf_adds(out, "reset by this machine or the first box");
			return;
		}
		buf_adds(out, j->cause == CAUSE_RESET_AFTER_BOX ? "accepted, then reset "
								: "reset ");
		add_by(out, f, j);
		return;
	case VERDICT_PROXIED:
		proxied(out, f, j);
		return;
	case VERDICT_RESET_AFTER_ACCEPT:
		buf_adds(out, "accepted, then reset by the host");
		return;
	case VERDICT_RETURN_PATH:
		buf_adds(out, "the answer is lost on its way back");
		return;
	case VERDICT_HOST_DOWN:
		host_down(out, f, j);
		return;
	case VERDICT_NO_ROUTE:
		no_route(out, f, j);
		return;
	case VERDICT_UNRESOLVED:
		buf_adds(out, "the name is not resolved");
		return;
	case VERDICT_INCONCLUSIVE:
		inconclusive(out, j);
		return;
	}
}
