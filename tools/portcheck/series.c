#include "series.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "term.h"

/* Different questions that one run may repeat; beyond that only the first are summed
 * up. */
#define SERIES_MAX 10000
#define BUCKETS	   8
#define BAR_WIDTH  40

void series_init(struct series_set *set, const struct portcheck_config *config)
{
	*set = (struct series_set){ .config = config };
}

void series_release(struct series_set *set)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		stats_release(&set->series[i].stats);
	free(set->series);
	set->series = NULL;
	set->n = set->cap = 0;
}

static struct series *find(struct series_set *set, const struct check *c)
{
	struct series *s;
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct check *k = &set->series[i].check;

		if (k->target == c->target && k->port_index == c->port_index &&
		    addr_equal(&k->addr, &c->addr))
			return &set->series[i];
	}
	if (set->n == SERIES_MAX)
		return NULL;
	if (set->n == set->cap) {
		size_t cap = set->cap ? 2 * set->cap : 16;

		s = realloc(set->series, cap * sizeof(*s));
		if (!s)
			return NULL;
		set->series = s;
		set->cap = cap;
	}
	s = &set->series[set->n++];
	*s = (struct series){ .check = *c };
	stats_init(&s->stats);
	return s;
}

void series_add(struct series_set *set, const struct result *r)
{
	struct series *s = find(set, &r->check);

	if (!s)
		return;
	s->sent++;
	if (r->state != STATE_OPEN)
		return;
	s->open++;
	(void)stats_add(&s->stats,
			r->connect_ns); /* short of memory: only percentiles suffer */
}

static void say_ms(struct buf *out, const char *word, int64_t ns)
{
	char human[CLOCK_HUMAN_SIZE];

	clock_human(ns, human, sizeof(human));
	buf_addf(out, "%s %s", word, human);
}

/* A bar for each range of times; eighths of a cell keep small counts visible. */
static void say_picture(const struct series *s, struct buf *out, bool color)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	uint32_t counts[BUCKETS], most = 1;
	int64_t low, high;
	unsigned int i;

	stats_histogram(&s->stats, BUCKETS, counts, &low, &high);
	for (i = 0; i < BUCKETS; i++)
		most = counts[i] > most ? counts[i] : most;
	for (i = 0; i < BUCKETS; i++) {
		uint32_t cells = (uint32_t)((uint64_t)counts[i] * BAR_WIDTH * 8 / most);
		char human[CLOCK_HUMAN_SIZE];
		uint32_t k;

		if (counts[i] && !cells)
			cells = 1;
		clock_human(stats_bucket_ns(low, high, BUCKETS, i), human, sizeof(human));
		buf_addf(out, "  %9s ", human);
		buf_adds(out, term_begin(TERM_GOOD, color));
		for (k = 0; k < cells / 8; k++)
			buf_adds(out, "█");
		buf_adds(out, eighths[cells % 8]);
		buf_adds(out, term_end(TERM_GOOD, color));
		buf_addf(out, " %u\n", counts[i]);
	}
}

void series_say(struct series *s, const struct out_record *r, struct buf *out,
		bool picture, bool color)
{
	const char *target = out_get_string(r, SUMMARY_TARGET);
	const char *address = out_get_string(r, SUMMARY_ADDRESS);
	uint64_t lost = s->sent - s->open;

	buf_addf(out, "\n%s port %u%s", target, s->check.port,
		 s->check.protocol == IPPROTO_UDP ? "/udp" : "");
	if (address && strcmp(address, target) != 0)
		buf_addf(out, " at %s", address);
	buf_addf(out, ": %llu checks, %llu open, %llu lost (%.1f%%)\n",
		 (unsigned long long)s->sent, (unsigned long long)s->open,
		 (unsigned long long)lost,
		 s->sent ? 100.0 * (double)lost / (double)s->sent : 0.0);
	if (!s->stats.count)
		return;
	say_ms(out, "  min", s->stats.min_ns);
	say_ms(out, ", avg", stats_mean_ns(&s->stats));
	say_ms(out, ", max", s->stats.max_ns);
	say_ms(out, ", stddev", stats_stddev_ns(&s->stats));
	say_ms(out, "; p50", stats_percentile_ns(&s->stats, 50));
	say_ms(out, ", p95", stats_percentile_ns(&s->stats, 95));
	say_ms(out, ", p99", stats_percentile_ns(&s->stats, 99));
	buf_addc(out, '\n');
	if (picture && s->stats.count >= 4)
		say_picture(s, out, color);
}
