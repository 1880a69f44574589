#include "timing.h"

#define START_RATE    50000.0
#define MAX_RATE      200000.0
#define MIN_RATE      500.0
#define BURST	      256.0
#define REVIEW_NS     (100 * NS_PER_MS)
#define MISSED_PORTS  0.002 /* open ports that loss may hide, on the average of sweeps */
#define REVIEW_SAMPLE 50    /* answers, before their share of late ones means anything */

/* Second attempt of a host not heard of yet: long before the kernel's own after a
 * second, and late enough for every path on Earth but satellites. */
#define UNKNOWN_SECOND_NS (300 * NS_PER_MS)
#define UNKNOWN_THIRD_NS  (700 * NS_PER_MS)
#define UNKNOWN_GIVEUP_NS (2000 * NS_PER_MS)

void rtt_sample(struct rtt *rtt, int64_t ns)
{
	if (rtt->n_samples == 0) {
		rtt->srtt_ns = ns; /* RFC 6298 2.2 */
		rtt->rttvar_ns = ns / 2;
	} else {
		int64_t off = rtt->srtt_ns > ns ? rtt->srtt_ns - ns : ns - rtt->srtt_ns;

		rtt->rttvar_ns += (off - rtt->rttvar_ns) / 4; /* RFC 6298 2.3 */
		rtt->srtt_ns += (ns - rtt->srtt_ns) / 8;
	}
	rtt->n_samples++;
}

int64_t rtt_rto_ns(const struct rtt *rtt)
{
	int64_t rto;

	if (rtt->n_samples == 0)
		return TIMING_RTO_INITIAL_NS;
	rto = rtt->srtt_ns + 4 * rtt->rttvar_ns;
	return min_i64(max_i64(rto, TIMING_RTO_MIN_NS), TIMING_RTO_INITIAL_NS);
}

/* Attempts that would have no time left to be answered are dropped. */
static struct schedule fit(struct schedule s, int64_t budget_ns)
{
	s.give_up_ns = min_i64(s.give_up_ns, budget_ns);
	while (s.n > 1 && s.at_ns[s.n - 1] >= s.give_up_ns)
		s.n--;
	return s;
}

struct schedule timing_schedule(const struct rtt *host, const struct rtt *network,
				int64_t budget_ns, enum run_size size)
{
	struct schedule s = { .n = TIMING_ATTEMPTS };
	int64_t rto;

	if (host->n_samples) {
		rto = rtt_rto_ns(host);
	} else if (size == RUN_HUGE && network && network->n_samples >= 8) {
		/* Neighbours share the path, but not the host at its end: allow for
		 * more. */
		rto = max_i64(min_i64(rtt_rto_ns(network) * 3 / 2, UNKNOWN_SECOND_NS),
			      rtt_rto_ns(network));
	} else {
		s.at_ns[1] = UNKNOWN_SECOND_NS;
		s.at_ns[2] = UNKNOWN_THIRD_NS;
		s.give_up_ns = size == RUN_HUGE ? UNKNOWN_GIVEUP_NS : budget_ns;
		/* A short budget holds all attempts too, only closer together. */
		if (budget_ns < UNKNOWN_GIVEUP_NS) {
			s.at_ns[1] = min_i64(UNKNOWN_SECOND_NS, budget_ns / 4);
			s.at_ns[2] = budget_ns / 2;
		}
		return fit(s, budget_ns);
	}
	s.at_ns[1] = rto;
	s.at_ns[2] = rto * 5 / 2;
	s.give_up_ns = size == RUN_SMALL ? budget_ns : rto * 9 / 2;
	if (budget_ns < s.at_ns[2] + rto) {
		s.at_ns[1] = min_i64(rto, budget_ns / 4);
		s.at_ns[2] = budget_ns / 2;
	}
	return fit(s, budget_ns);
}

void pace_init(struct pace *p, uint64_t asked_rate, int64_t now_ns)
{
	*p = (struct pace){ .rate = START_RATE,
			    .max_rate = MAX_RATE,
			    .credit = BURST,
			    .last_ns = now_ns,
			    .review_ns = now_ns };
	if (asked_rate) {
		p->max_rate = (double)asked_rate;
		if (p->rate > p->max_rate)
			p->rate = p->max_rate;
		if (p->credit > p->max_rate / 50)
			p->credit = p->max_rate / 50 < 1 ? 1 : p->max_rate / 50;
	}
}

static void review(struct pace *p, int64_t now_ns)
{
	if (now_ns - p->review_ns < REVIEW_NS)
		return;
	p->review_ns = now_ns;
	if (p->answers >= REVIEW_SAMPLE && p->late * 10 > p->answers) {
		p->rate /= 2;
		if (p->rate < MIN_RATE)
			p->rate = MIN_RATE;
	} else {
		p->rate *= 2;
	}
	if (p->rate > p->max_rate)
		p->rate = p->max_rate;
	if (p->answers >= REVIEW_SAMPLE)
		p->answers = p->late = 0;
}

unsigned int pace_credit(struct pace *p, int64_t now_ns)
{
	double most = p->rate / 50 < BURST ? p->rate / 50 : BURST;

	review(p, now_ns);
	if (most < 1)
		most = 1;
	p->credit += (double)(now_ns - p->last_ns) * p->rate / (double)NS_PER_S;
	p->last_ns = now_ns;
	if (p->credit > most)
		p->credit = most;
	return p->credit < 1 ? 0 : (unsigned int)p->credit;
}

void pace_spend(struct pace *p, unsigned int packets)
{
	p->credit -= packets;
}

int64_t pace_next_ns(const struct pace *p, int64_t now_ns)
{
	if (p->credit >= 1)
		return now_ns;
	return now_ns + (int64_t)((1 - p->credit) * (double)NS_PER_S / p->rate) + 1;
}

void pace_answer(struct pace *p, bool to_later_attempt)
{
	p->answers++;
	p->all_answers++;
	if (to_later_attempt) {
		p->late++;
		p->all_late++;
	}
}

unsigned int pace_attempts(const struct pace *p)
{
	double open = (double)p->all_answers;
	/* The share of attempts that get lost, taken for 2 % until answers tell. */
	double loss = ((double)p->all_late + 0.5) / (open + 25);
	double missed = open * loss * loss * loss;
	unsigned int n = TIMING_ATTEMPTS;

	while (missed > MISSED_PORTS && n < TIMING_ATTEMPTS + TIMING_EXTRA) {
		missed *= loss;
		n++;
	}
	return n;
}
