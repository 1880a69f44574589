/*
 * Repeat mode: the figures of each target, address and port over all rounds.
 */
#ifndef PORTCHECK_SERIES_H
#define PORTCHECK_SERIES_H

#include "report.h"

struct series_set {
	const struct portcheck_config *config;
	struct series *series;
	size_t n, cap;
};

void series_init(struct series_set *set, const struct portcheck_config *config);
void series_release(struct series_set *set);
void series_add(struct series_set *set, const struct result *r);
/* The summary of one in words, with a picture of its times when PICTURE is set; S is
 * in R as a record of report_summaries. */
void series_say(struct series *s, const struct out_record *r, struct buf *out,
		bool picture, bool color);

#endif
