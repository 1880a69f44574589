#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SAMPLES 64

/* Any odd number does; this is splitmix64's step. */
#define RANDOM_STEP 0x9e3779b97f4a7c15u

void stats_init(struct stats *s)
{
	*s = (struct stats){ .limit = STATS_MAX_SAMPLES };
}

void stats_release(struct stats *s)
{
	if (!s)
		return;
	free(s->samples);
	stats_init(s);
}

/* splitmix64: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += RANDOM_STEP;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Make room for one more sample to keep; false if there is none to be had. */
static bool reserve_sample(struct stats *s)
{
	size_t cap = s->cap ? 2 * s->cap : FIRST_SAMPLES;
	int64_t *samples;

	if (s->n_samples < s->cap)
		return true;
	samples = reallocarray(s->samples, cap, sizeof(*samples));
	if (!samples)
		return false;
	s->samples = samples;
	s->cap = cap;
	return true;
}

/* The sample has been counted already. */
static int keep_sample(struct stats *s, int64_t ns)
{
	uint64_t at;

	if (s->n_samples < s->limit && reserve_sample(s)) {
		s->samples[s->n_samples++] = ns;
		s->sorted = false;
		return 0;
	}
	/* All were kept until now, so the reservoir may as well be of this size. */
	s->limit = s->n_samples;
	if (!s->limit)
		return -ENOMEM;
	/* The remainder favours small numbers, by less than count / 2^64. */
	at = next_random(&s->random) % s->count;
	if (at < s->n_samples) {
		s->samples[at] = ns;
		s->sorted = false;
	}
	return 0;
}

int stats_add(struct stats *s, int64_t ns)
{
	double distance = (double)ns - s->mean;

	if (!s->count || ns < s->min_ns)
		s->min_ns = ns;
	if (!s->count || ns > s->max_ns)
		s->max_ns = ns;
	s->count++;
	s->mean += distance / (double)s->count;
	s->squares += distance * ((double)ns - s->mean);
	return keep_sample(s, ns);
}

/*
 * The N-th root of X >= 0, by Newton's method. The mathematics library would do it in one
 * call; loading it costs every run more than all of this.
 */
static double root_of(double x, unsigned int n)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 2000; i++) {
		double power = 1, next;

		for (unsigned int k = 1; k < n; k++)
			power *= r;
		next = ((n - 1) * r + x / power) / n;
		if (next >= r)
			break;
		r = next;
	}
	return r;
}

int64_t stats_mean_ns(const struct stats *s)
{
	return round_i64(s->mean);
}

int64_t stats_stddev_ns(const struct stats *s)
{
	if (s->count < 2)
		return 0;
	return round_i64(root_of(s->squares / (double)(s->count - 1), 2));
}

static int compare_ns(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int64_t stats_percentile_ns(struct stats *s, double percent)
{
	double rank;
	size_t whole;

	if (percent <= 0)
		return s->min_ns;
	if (percent >= 100)
		return s->max_ns;
	if (!s->n_samples)
		return 0;
	if (!s->sorted)
		qsort(s->samples, s->n_samples, sizeof(*s->samples), compare_ns);
	s->sorted = true;
	/* Multiplied first: 0.95 has no exact double, and ceil() would show it. */
	rank = percent * (double)s->n_samples / 100;
	whole = (size_t)rank;
	whole += (double)whole < rank; /* rounded up */
	return s->samples[whole < 1 ? 0 : whole - 1];
}

void stats_histogram(const struct stats *s, unsigned int buckets, uint32_t *ret_counts,
		     int64_t *ret_low_ns, int64_t *ret_high_ns)
{
	int64_t low = 0, high = 0;
	double bound, factor;

	memset(ret_counts, 0, buckets * sizeof(*ret_counts));
	for (size_t i = 0; i < s->n_samples; i++) {
		low = i ? min_i64(low, s->samples[i]) : s->samples[i];
		high = i ? max_i64(high, s->samples[i]) : s->samples[i];
	}
	*ret_low_ns = low;
	*ret_high_ns = high;
	factor = root_of((double)max_i64(high, 1) / (double)max_i64(low, 1), buckets);
	for (size_t i = 0; i < s->n_samples; i++) {
		unsigned int k = 0;

		/* The largest sample stands on the last bound, and belongs below it. */
		bound = (double)max_i64(low, 1) * factor;
		while (k + 1 < buckets && factor > 1 && (double)s->samples[i] >= bound) {
			bound *= factor;
			k++;
		}
		ret_counts[k]++;
	}
}

int64_t stats_bucket_ns(int64_t low_ns, int64_t high_ns, unsigned int buckets,
			unsigned int i)
{
	double low = (double)max_i64(low_ns, 1), high = (double)max_i64(high_ns, 1);
	double factor;

	/* The ends as they are, not as logarithms give them back. */
	if (!i)
		return low_ns;
	if (i >= buckets)
		return high_ns;
	factor = root_of(high / low, buckets);
	while (i--)
		low *= factor;
	return round_i64(low);
}
