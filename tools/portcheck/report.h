/*
 * From result to record: the columns of portcheck's output.
 */
#ifndef PORTCHECK_REPORT_H
#define PORTCHECK_REPORT_H

#include "out.h"
#include "portcheck.h"
#include "stats.h"

enum check_column {
	CHECK_TYPE,
	CHECK_TARGET,
	CHECK_ADDRESS,
	CHECK_FAMILY,
	CHECK_PROTOCOL,
	CHECK_PORT,
	CHECK_SERVICE,
	CHECK_STATE,
	CHECK_REASON,
	CHECK_FROM,
	CHECK_ICMP_TYPE,
	CHECK_ICMP_CODE,
	CHECK_RESOLVE_MS,
	CHECK_CONNECT_MS,
	CHECK_RACE_MS,
	CHECK_ATTEMPTS,
	CHECK_KERNEL_RTT_MS,
	CHECK_SYN_RETRANSMITS,
	CHECK_BANNER,
	CHECK_CLOSED_BY_PEER,
	CHECK_HELD_MS,
	CHECK_MESSAGE,
};

enum summary_column {
	SUMMARY_TYPE,
	SUMMARY_TARGET,
	SUMMARY_ADDRESS,
	SUMMARY_FAMILY,
	SUMMARY_PROTOCOL,
	SUMMARY_PORT,
	SUMMARY_SERVICE,
	SUMMARY_SENT,
	SUMMARY_OPEN,
	SUMMARY_LOST,
	SUMMARY_MIN_MS,
	SUMMARY_AVG_MS,
	SUMMARY_MAX_MS,
	SUMMARY_STDDEV_MS,
	SUMMARY_P50_MS,
	SUMMARY_P95_MS,
	SUMMARY_P99_MS,
};

/* The figures of a check for Prometheus, which has no words but in labels. */
enum metric_column {
	METRIC_TARGET,
	METRIC_ADDRESS,
	METRIC_PROTOCOL,
	METRIC_PORT,
	METRIC_OPEN,
	METRIC_CONNECT_MS,
	METRIC_RESOLVE_MS,
	METRIC_ATTEMPTS,
};

extern const struct out_schema report_checks;
extern const struct out_schema report_summaries;
extern const struct out_schema report_metrics;
extern const struct out_prometheus report_prometheus;

/* One target, address and port over all rounds. */
struct series {
	struct check check;
	uint64_t sent, open;
	struct stats stats; /* connect times of the open ones */
};

/* Fill R (of report_checks) from RESULT. SERVICES: for the names of ports. */
void report_check(struct out_record *r, const struct portcheck_config *config,
		  struct services *services, const struct result *result);
/* Fill R (of report_metrics) from RESULT. */
void report_metric(struct out_record *r, const struct portcheck_config *config,
		   const struct result *result);
/* Fill R (of report_summaries) from S. */
void report_summary(struct out_record *r, const struct portcheck_config *config,
		    struct services *services, struct series *s);

#endif
