/*
 * Floor 5: running figures over many measurements. Pure.
 *
 * For repeat mode (`-c`): samples are durations in ns, added one at a time. Count,
 * minimum, maximum, mean and standard deviation are of all samples ever added, in
 * constant memory (Welford's method: Knuth, The Art of Computer Programming 2, 4.2.2).
 * Percentiles and the histogram need the samples themselves, of which at most `limit` are
 * kept; beyond that each one ever added has the same chance to be among the kept
 * (reservoir sampling: Vitter, Algorithm R). The choice is the same in every run, so the
 * figures can be tested.
 *
 * Without samples all figures are 0: ask stats.count first where 0 would be a lie.
 */
#ifndef PK_STATS_H
#define PK_STATS_H

#include "base.h"

/* 8 MB at most; at ten a second, more than a day. */
#define STATS_MAX_SAMPLES 1000000

struct stats {
	uint64_t count; /* all samples ever added */
	int64_t min_ns;
	int64_t max_ns;
	double mean;	  /* ns */
	double squares;	  /* sum of squared distances from the mean, ns^2 */
	int64_t *samples; /* the kept ones, in no order */
	size_t n_samples, cap;
	size_t limit; /* how many to keep; STATS_MAX_SAMPLES, or less if memory ran out */
	uint64_t random; /* state of the generator that picks */
	bool sorted;
};

void stats_init(struct stats *s);
/* Free the memory; the stats are as after stats_init(). NULL is accepted. */
void stats_release(struct stats *s);
/* 0, or -ENOMEM where not even the first few can be kept; the sample then counts in
 * all but percentiles and histogram. */
int stats_add(struct stats *s, int64_t ns);

/* Rounded to whole ns. */
int64_t stats_mean_ns(const struct stats *s);
/* Of a sample (divided by count - 1; ping's mdev by count); 0 for fewer than two. */
int64_t stats_stddev_ns(const struct stats *s);
/*
 * The nearest-rank percentile: the smallest sample that at least PERCENT of all samples
 * don't exceed, i.e. number ceil(PERCENT / 100 * n) in order. It is always a sample,
 * never a value in between. 0 or less is the minimum, 100 or more the maximum. Sorts what
 * is kept, so a second call costs nothing.
 */
int64_t stats_percentile_ns(struct stats *s, double percent);

/*
 * Count the kept samples into BUCKETS (at least 1) buckets from the least of them,
 * *RET_LOW_NS, to the largest, *RET_HIGH_NS. The bounds grow by the same factor:
 * round-trip times have a long tail, and a retransmitted SYN at 1 s would press all else
 * into one of equal buckets. Where all samples are close together that is nearly the same
 * as equal ones. Samples below 1 ns count as 1 ns. Without samples all counts and both
 * ends are 0.
 */
void stats_histogram(const struct stats *s, unsigned int buckets, uint32_t *ret_counts,
		     int64_t *ret_low_ns, int64_t *ret_high_ns);
/* Where bucket I of such a histogram begins, for the axis; I = BUCKETS gives HIGH_NS. */
int64_t stats_bucket_ns(int64_t low_ns, int64_t high_ns, unsigned int buckets,
			unsigned int i);

#endif
