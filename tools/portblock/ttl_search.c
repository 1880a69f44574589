#include "ttl_search.h"

#include "clock.h"

/* Two sockets at a time: one lost packet is no answer to the question. */
#define PAIR 2
/* A stalled machine must not look like a low TTL. */
#define WAIT_MIN_NS (150 * NS_PER_MS)
#define WAIT_MAX_NS (900 * NS_PER_MS)

static bool is_tcp_answer(const struct probe *p)
{
	return p->answer == ANSWER_SYN_ACK || p->answer == ANSWER_RESET;
}

static bool one_answered(void *arg)
{
	struct probe **pair = arg;
	size_t i;

	for (i = 0; i < PAIR; i++)
		if (pair[i] && is_tcp_answer(pair[i]))
			return true;
	return false;
}

int ttl_at_least(struct engine *e, uint16_t port, uint8_t least, int64_t rtt_ns)
{
	struct probe *pair[PAIR];
	int64_t wait_ns = min_i64(max_i64(4 * rtt_ns, WAIT_MIN_NS), WAIT_MAX_NS);
	size_t i;
	bool answered;

	for (i = 0; i < PAIR; i++) {
		pair[i] = engine_probe(e, IPPROTO_TCP, port);
		if (!pair[i])
			return -1;
		pair[i]->min_ttl = least;
		engine_start(e, pair[i]);
	}
	engine_run(e, clock_now_ns() + wait_ns, one_answered, pair);
	answered = one_answered(pair);
	for (i = 0; i < PAIR; i++)
		engine_stop(e, pair[i]);
	return engine_stopped(e) ? -1 : answered;
}

/* Which of the usual initial values it began with decides where to look. */
static int first_bounds(struct engine *e, uint16_t port, int64_t rtt_ns, int *ret_low,
			int *ret_high)
{
	static const int tops[] = { 64, 128, 255 };
	size_t i;

	*ret_low = 1;
	for (i = 0; i + 1 < ARRAY_SIZE(tops); i++) {
		int above = ttl_at_least(e, port, (uint8_t)(tops[i] + 1), rtt_ns);

		if (above < 0)
			return -1;
		if (!above)
			break;
		*ret_low = tops[i] + 1;
	}
	*ret_high = tops[i];
	return 0;
}

uint8_t ttl_search(struct engine *e, uint16_t port, int64_t rtt_ns)
{
	int low, high, again;

	if (first_bounds(e, port, rtt_ns, &low, &high) < 0)
		return 0;
	/* Answered with low, not with high + 1. Few routers are more likely than many. */
	while (low < high) {
		int middle = high - (high - low) / 4;
		int rc = ttl_at_least(e, port, (uint8_t)middle, rtt_ns);

		if (rc < 0)
			return 0;
		if (rc)
			low = middle;
		else
			high = middle - 1;
	}
	again = ttl_at_least(e, port, (uint8_t)low, rtt_ns);
	if (again != 1 ||
	    (low < 255 && ttl_at_least(e, port, (uint8_t)(low + 1), rtt_ns)))
		return 0;
	return (uint8_t)low;
}
