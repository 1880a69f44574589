#include "report.h"

#include "services.h"
#include "verdict.h"

static const struct out_column check_columns[] = {
	[CHECK_TYPE] = { "type", OUT_STRING, 0 },
	[CHECK_TARGET] = { "target", OUT_STRING, 0 },
	[CHECK_ADDRESS] = { "address", OUT_STRING, 0 },
	[CHECK_FAMILY] = { "family", OUT_STRING, 0 },
	[CHECK_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[CHECK_PORT] = { "port", OUT_INTEGER, 0 },
	[CHECK_SERVICE] = { "service", OUT_STRING, 0 },
	[CHECK_STATE] = { "state", OUT_STRING, 0 },
	[CHECK_REASON] = { "reason", OUT_STRING, 0 },
	[CHECK_FROM] = { "from", OUT_STRING, 0 },
	[CHECK_ICMP_TYPE] = { "icmp_type", OUT_INTEGER, 0 },
	[CHECK_ICMP_CODE] = { "icmp_code", OUT_INTEGER, 0 },
	[CHECK_RESOLVE_MS] = { "resolve_ms", OUT_NUMBER, 3 },
	[CHECK_CONNECT_MS] = { "connect_ms", OUT_NUMBER, 3 },
	[CHECK_RACE_MS] = { "race_ms", OUT_NUMBER, 3 },
	[CHECK_ATTEMPTS] = { "attempts", OUT_INTEGER, 0 },
	[CHECK_KERNEL_RTT_MS] = { "kernel_rtt_ms", OUT_NUMBER, 3 },
	[CHECK_SYN_RETRANSMITS] = { "syn_retransmits", OUT_INTEGER, 0 },
	[CHECK_BANNER] = { "banner", OUT_STRING, 0 },
	[CHECK_CLOSED_BY_PEER] = { "closed_by_peer", OUT_STRING, 0 },
	[CHECK_HELD_MS] = { "held_ms", OUT_NUMBER, 3 },
	[CHECK_MESSAGE] = { "message", OUT_STRING, 0 },
};

const struct out_schema report_checks = {
	.tool = "portcheck",
	.columns = check_columns,
	.n_columns = ARRAY_SIZE(check_columns),
};

static const struct out_column summary_columns[] = {
	[SUMMARY_TYPE] = { "type", OUT_STRING, 0 },
	[SUMMARY_TARGET] = { "target", OUT_STRING, 0 },
	[SUMMARY_ADDRESS] = { "address", OUT_STRING, 0 },
	[SUMMARY_FAMILY] = { "family", OUT_STRING, 0 },
	[SUMMARY_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[SUMMARY_PORT] = { "port", OUT_INTEGER, 0 },
	[SUMMARY_SERVICE] = { "service", OUT_STRING, 0 },
	[SUMMARY_SENT] = { "sent", OUT_INTEGER, 0 },
	[SUMMARY_OPEN] = { "open", OUT_INTEGER, 0 },
	[SUMMARY_LOST] = { "lost", OUT_INTEGER, 0 },
	[SUMMARY_MIN_MS] = { "min_ms", OUT_NUMBER, 3 },
	[SUMMARY_AVG_MS] = { "avg_ms", OUT_NUMBER, 3 },
	[SUMMARY_MAX_MS] = { "max_ms", OUT_NUMBER, 3 },
	[SUMMARY_STDDEV_MS] = { "stddev_ms", OUT_NUMBER, 3 },
	[SUMMARY_P50_MS] = { "p50_ms", OUT_NUMBER, 3 },
	[SUMMARY_P95_MS] = { "p95_ms", OUT_NUMBER, 3 },
	[SUMMARY_P99_MS] = { "p99_ms", OUT_NUMBER, 3 },
};

const struct out_schema report_summaries = {
	.tool = "portcheck",
	.columns = summary_columns,
	.n_columns = ARRAY_SIZE(summary_columns),
};

static const struct out_column metric_columns[] = {
	[METRIC_TARGET] = { "target", OUT_STRING, 0 },
	[METRIC_ADDRESS] = { "address", OUT_STRING, 0 },
	[METRIC_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[METRIC_PORT] = { "port", OUT_INTEGER, 0 },
	[METRIC_OPEN] = { "open", OUT_BOOL, 0 },
	[METRIC_CONNECT_MS] = { "connect_ms", OUT_NUMBER, 6 },
	[METRIC_RESOLVE_MS] = { "resolve_ms", OUT_NUMBER, 6 },
	[METRIC_ATTEMPTS] = { "attempts", OUT_INTEGER, 0 },
};

const struct out_schema report_metrics = {
	.tool = "portcheck",
	.columns = metric_columns,
	.n_columns = ARRAY_SIZE(metric_columns),
};

static const struct out_metric metrics[] = {
	{ "portcheck_open", "1 if the port is open, else 0.", "gauge", METRIC_OPEN, 1 },
	{ "portcheck_connect_seconds", "Time until the port was open.", "gauge",
	  METRIC_CONNECT_MS, 0.001 },
	{ "portcheck_resolve_seconds", "Time that the name look-up took.", "gauge",
	  METRIC_RESOLVE_MS, 0.001 },
	{ "portcheck_attempts", "SYNs or datagrams sent.", "gauge", METRIC_ATTEMPTS, 1 },
};

static const size_t metric_labels[] = { METRIC_TARGET, METRIC_ADDRESS, METRIC_PROTOCOL,
					METRIC_PORT };

const struct out_prometheus report_prometheus = {
	.metrics = metrics,
	.n_metrics = ARRAY_SIZE(metrics),
	.labels = metric_labels,
	.n_labels = ARRAY_SIZE(metric_labels),
};

static void set_ms(struct out_record *r, size_t column, int64_t ns)
{
	if (ns >= 0)
		out_set_number(r, column, ns_to_ms(ns));
}

/* The columns that say what was asked stand in the same order in both schemas. */
static void set_check(struct out_record *r, const struct portcheck_config *config,
		      struct services *services, const struct check *c)
{
	char text[ADDR_TEXT_SIZE], service[SERVICES_NAME_SIZE];

	_Static_assert((int)CHECK_TARGET == (int)SUMMARY_TARGET &&
			       (int)CHECK_SERVICE == (int)SUMMARY_SERVICE,
		       "the columns that say what was asked");
	out_set_string(r, CHECK_TARGET, config->targets.targets[c->target].text);
	if (c->addr.family != AF_UNSPEC) {
		out_set_string(r, CHECK_ADDRESS, addr_to_text(&c->addr, text));
		out_set_string(r, CHECK_FAMILY, addr_family_word(&c->addr));
	}
	out_set_string(r, CHECK_PROTOCOL, protocol_word(c->protocol));
	out_set_integer(r, CHECK_PORT, c->port);
	if (!config->numeric && services_name(services, c->port, c->protocol, service)[0])
		out_set_string(r, CHECK_SERVICE, service);
}

static const char *closed_word(enum closed_by_peer closed)
{
	switch (closed) {
	case CLOSED_NOT:
		return NULL;
	case CLOSED_FIN:
		return "fin";
	case CLOSED_RESET:
		return "reset";
	}
	return NULL;
}

void report_check(struct out_record *r, const struct portcheck_config *config,
		  struct services *services, const struct result *result)
{
	char text[ADDR_TEXT_SIZE];
	struct buf message = BUF_INIT;

	out_set_string(r, CHECK_TYPE, "check");
	set_check(r, config, services, &result->check);
	out_set_string(r, CHECK_STATE, state_word(result->state));
	out_set_string(r, CHECK_REASON, reason_word(result->reason));
	if (result->seen.has_icmp) {
		if (result->seen.icmp.from.family != AF_UNSPEC)
			out_set_string(r, CHECK_FROM,
				       addr_to_text(&result->seen.icmp.from, text));
		out_set_integer(r, CHECK_ICMP_TYPE, result->seen.icmp.type);
		out_set_integer(r, CHECK_ICMP_CODE, result->seen.icmp.code);
	}
	set_ms(r, CHECK_RESOLVE_MS, result->check.resolve_ns);
	set_ms(r, CHECK_CONNECT_MS, result->connect_ns);
	set_ms(r, CHECK_RACE_MS, result->race_ns);
	out_set_integer(r, CHECK_ATTEMPTS, result->attempts);
	set_ms(r, CHECK_KERNEL_RTT_MS, result->kernel_rtt_ns);
	if (result->state == STATE_OPEN && result->check.protocol == IPPROTO_TCP)
		out_set_integer(r, CHECK_SYN_RETRANSMITS, result->resent);
	if (result->banner)
		out_set_bytes(r, CHECK_BANNER, result->banner, result->banner_len);
	out_set_string(r, CHECK_CLOSED_BY_PEER, closed_word(result->closed_by_peer));
	set_ms(r, CHECK_HELD_MS, result->held_ns);
	verdict_say(result, &message);
	if (!message.failed)
		out_set_string(r, CHECK_MESSAGE, message.data);
	buf_release(&message);
}

void report_metric(struct out_record *r, const struct portcheck_config *config,
		   const struct result *result)
{
	const struct check *c = &result->check;
	char text[ADDR_TEXT_SIZE];

	out_set_string(r, METRIC_TARGET, config->targets.targets[c->target].text);
	if (c->addr.family != AF_UNSPEC)
		out_set_string(r, METRIC_ADDRESS, addr_to_text(&c->addr, text));
	out_set_string(r, METRIC_PROTOCOL, protocol_word(c->protocol));
	out_set_integer(r, METRIC_PORT, c->port);
	out_set_bool(r, METRIC_OPEN, result->state == STATE_OPEN);
	if (result->state == STATE_OPEN)
		set_ms(r, METRIC_CONNECT_MS, result->connect_ns);
	set_ms(r, METRIC_RESOLVE_MS, c->resolve_ns);
	out_set_integer(r, METRIC_ATTEMPTS, result->attempts);
}

void report_summary(struct out_record *r, const struct portcheck_config *config,
		    struct services *services, struct series *s)
{
	out_set_string(r, SUMMARY_TYPE, "summary");
	set_check(r, config, services, &s->check);
	out_set_integer(r, SUMMARY_SENT, (int64_t)s->sent);
	out_set_integer(r, SUMMARY_OPEN, (int64_t)s->open);
	out_set_integer(r, SUMMARY_LOST, (int64_t)(s->sent - s->open));
	if (!s->stats.count)
		return;
	set_ms(r, SUMMARY_MIN_MS, s->stats.min_ns);
	set_ms(r, SUMMARY_AVG_MS, stats_mean_ns(&s->stats));
	set_ms(r, SUMMARY_MAX_MS, s->stats.max_ns);
	set_ms(r, SUMMARY_STDDEV_MS, stats_stddev_ns(&s->stats));
	set_ms(r, SUMMARY_P50_MS, stats_percentile_ns(&s->stats, 50));
	set_ms(r, SUMMARY_P95_MS, stats_percentile_ns(&s->stats, 95));
	set_ms(r, SUMMARY_P99_MS, stats_percentile_ns(&s->stats, 99));
}
