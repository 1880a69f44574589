/*
 * How long to wait and how fast to send. Pure: the caller brings the clock.
 */
#ifndef PORTCHECK_TIMING_H
#define PORTCHECK_TIMING_H

#include "base.h"

/* Round-trip time of a host or network, as TCP estimates it (RFC 6298 2). */
struct rtt {
	int64_t srtt_ns;
	int64_t rttvar_ns;
	unsigned int n_samples;
};

void rtt_sample(struct rtt *rtt, int64_t ns);
/* Retransmission timeout: RFC 6298's, but not under TIMING_RTO_MIN_NS, which covers a
 * busy host's scheduling, nor over its initial second. */
int64_t rtt_rto_ns(const struct rtt *rtt);

#define TIMING_RTO_MIN_NS     (100 * NS_PER_MS)
#define TIMING_RTO_INITIAL_NS (1 * NS_PER_S) /* RFC 6298 2.1 */

/* Sockets of our own that one check opens at most, each the start of one SYN (the
 * kernel's own repeats after a second come on top). */
#define TIMING_ATTEMPTS 3
/* And more of them in a sweep of a network that loses packets. */
#define TIMING_EXTRA 2

/*
 * When to try again and when to give up, as offsets from the first SYN. at_ns[0] is 0. In
 * a small run every check may use its whole budget; in a sweep of many, silence is
 * believed earlier, but never after one lost SYN, nor before the last one had twice the
 * usual time.
 */
struct schedule {
	int64_t at_ns[TIMING_ATTEMPTS];
	unsigned int n;
	int64_t give_up_ns;
};

/* How many checks there are decides how patient each can be. */
enum run_size {
	RUN_SMALL, /* few: everyone may use the whole budget */
	RUN_HUGE,  /* more than can be under way at once: each one's wait is everyone's */
	RUN_SWEEP, /* many, but all at once */
};

/*
 * HOST: what is known of this host; NETWORK: of others in the same block of addresses,
 * NULL if nothing may be concluded from them. Either may have no samples yet. Silence of
 * a host that has answered before is believed early in any sweep; that of an unknown one
 * only in a huge one, since a router may need the whole budget to say that the host is
 * down.
 */
struct schedule timing_schedule(const struct rtt *host, const struct rtt *network,
				int64_t budget_ns, enum run_size size);

/*
 * The pace: packets a second, adapted to what comes back. It starts moderately and
 * doubles while answers do not need a second attempt; it halves when more than a tenth
 * do, which random loss of some per cent does not reach.
 */
struct pace {
	double rate; /* now, packets a second */
	double max_rate;
	double credit;			/* packets that may go at once */
	int64_t last_ns;		/* credit was counted up to here */
	int64_t review_ns;		/* when the rate was last reviewed */
	unsigned int answers, late;	/* since then: all, and those to later attempts */
	uint64_t all_answers, all_late; /* since the beginning */
};

void pace_init(struct pace *p, uint64_t asked_rate, int64_t now_ns);
/* How many packets may go now; at most a burst. */
unsigned int pace_credit(struct pace *p, int64_t now_ns);
void pace_spend(struct pace *p, unsigned int packets);
/* When credit for one packet is there. */
int64_t pace_next_ns(const struct pace *p, int64_t now_ns);
void pace_answer(struct pace *p, bool to_later_attempt);
/* How many attempts a silent port of a sweep deserves, TIMING_ATTEMPTS or up to
 * TIMING_EXTRA more, so that at the loss seen so far no open port is missed. */
unsigned int pace_attempts(const struct pace *p);

#endif
