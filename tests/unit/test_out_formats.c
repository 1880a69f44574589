#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "out_demo.h"
#include "out_private.h"

static const struct out_metric metrics[] = {
	{ "demo_open", "Whether the \\ port\nis open", "gauge", OPEN, 1 },
	{ "demo_rtt_seconds", "Round trip \"time\"", "gauge", RTT_MS, 0.001 },
	{ "demo_port_total", "Ports", "counter", PORT, 2 },
};
static const size_t labels[] = { TARGET, PORT, BANNER };
static const struct out_prometheus prometheus = { metrics, ARRAY_SIZE(metrics), labels,
						  ARRAY_SIZE(labels) };

#define CSV_HEADER "tool,version,time,target,port,rtt_ms,open,banner\n"
#define CSV_HEAD   "demo," PK_VERSION ",2026-01-31T23:59:59.123Z,"

static void csv_has_one_header_and_empty_fields_for_null(void **state)
{
	struct out o;
	struct out_record r;

	(void)state;
	open_out(&o, OUT_CSV, NULL, &r);
	fill(&r, "192.0.2.1", 22, 3);
	out_set_bool(&r, OPEN, true);
	out_record(&o, &r);
	out_record_clear(&r, WHEN_NS);
	out_record(&o, &r);
	assert_string_equal(written(&o), CSV_HEADER CSV_HEAD
			    "192.0.2.1,22,3.000,true,\n" CSV_HEAD ",,,,\n");
	close_out(&o, &r);
}

static void csv_quotes_by_rfc_4180_and_defuses_formulas(void **state)
{
	static const struct {
		const char *set, *field;
	} cases[] = {
		{ "", "\"\"" },
		{ "plain text; 'x'", "plain text; 'x'" },
		{ "a,b", "\"a,b\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "\"", "\"\"\"\"" },
		{ " both ends ", "\" both ends \"" },
		{ "two\r\nlines", "two\\r\\nlines" },
		{ "\t=1", "\\t=1" },
		{ "a=1+1", "a=1+1" },
		{ "=1+1", "\\x3d1+1" },
		{ "+OK ready", "\\x2bOK ready" },
		{ "-", "\\x2d" },
		{ "@SUM(A1,A2)", "\"\\x40SUM(A1,A2)\"" },
		{ "\\=", "\\\\=" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	};
	struct out o;
	struct out_record r;

	(void)state;
	open_out(&o, OUT_CSV, NULL, &r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *line;

		out_set_string(&r, BANNER, cases[i].set);
		buf_clear(&o.pending);
		out_record(&o, &r);
		line = strstr(written(&o), "Z,,,,,");
		assert_non_null(line);
		assert_memory_equal(line + 6, cases[i].field, strlen(cases[i].field));
		assert_string_equal(line + 6 + strlen(cases[i].field), "\n");
	}
	close_out(&o, &r);
}

static void csv_leaves_numbers_below_zero_alone(void **state)
{
	struct out o;
	struct out_record r;

	(void)state;
	open_out(&o, OUT_CSV, NULL, &r);
	fill(&r, "x", -1, -0.5);
	out_record(&o, &r);
	assert_string_equal(written(&o), CSV_HEADER CSV_HEAD "x,-1,-0.500,,\n");
	close_out(&o, &r);
}

static void csv_leaves_out_records_of_another_schema(void **state)
{
	struct out o;
	struct out_record r, other;

	(void)state;
	open_out(&o, OUT_CSV, NULL, &r);
	out_record_init(&other, &other_schema, WHEN_NS);
	out_record(&o, &other);
	assert_string_equal(written(&o), "");
	out_record(&o, &r);
	out_record(&o, &other);
	assert_string_equal(written(&o), CSV_HEADER CSV_HEAD ",,,,\n");
	out_record_release(&other);
	close_out(&o, &r);
}

static void csv_without_records_is_a_header(void **state)
{
	struct reader p;
	struct out o;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_CSV, &schema, NULL, p.fds[1]), 0);
	assert_int_equal(out_flush(&o), 0);
	assert_string_equal(reader_get(&p), "");
	assert_int_equal(out_finish(&o), 0);
	assert_int_equal(out_finish(&o), 0);
	assert_string_equal(reader_get(&p), CSV_HEADER);
	out_release(&o);
	reader_close(&p);
}

static void metrics_that_prometheus_would_refuse_are_refused(void **state)
{
	static const struct out_metric bad[] = {
		{ "0bad", "h", "gauge", PORT, 1 },    { "b-d", "h", "gauge", PORT, 1 },
		{ "", "h", "gauge", PORT, 1 },	      { NULL, "h", "gauge", PORT, 1 },
		{ "ok", NULL, "gauge", PORT, 1 },     { "ok", "h", "guage", PORT, 1 },
		{ "ok", "h", NULL, PORT, 1 },	      { "ok", "h", "gauge", BANNER, 1 },
		{ "ok", "h", "gauge", N_COLUMNS, 1 }, { "ok", "h", "gauge", PORT, NAN },
	};
	static const struct out_metric good = { "ok:1", "", "gauge", PORT, 1 };
	static const struct out_metric twice[] = { { "a", "h", "gauge", PORT, 1 },
						   { "a", "h", "gauge", OPEN, 1 } };
	static const size_t far_label[] = { N_COLUMNS }, same_label[] = { PORT, PORT };
	static const struct out_prometheus tables[] = {
		{ NULL, 0, NULL, 0 },
		{ twice, 2, NULL, 0 },
		{ &good, 1, far_label, 1 },
		{ &good, 1, same_label, 2 },
	};
	struct out_prometheus p = { .n_metrics = 1 };
	struct out o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		p.metrics = &bad[i];
		assert_int_equal(out_open(&o, OUT_PROMETHEUS, &schema, &p, 1), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		assert_int_equal(out_open(&o, OUT_PROMETHEUS, &schema, &tables[i], 1),
				 -EINVAL);
	p.metrics = &good;
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &schema, &p, 1), 0);
	out_release(&o);
}

/* What `p` holds after the samples of O are out. */
static const char *exposition(struct out *o, struct reader *p)
{
	o->fd = p->fds[1];
	assert_int_equal(out_finish(o), 0);
	return reader_get(p);
}

/* The banner is a quote, a backslash and a newline. text.h makes two backslashes of the
 * second and \n of the third, and here each backslash is doubled again. */
#define HOSTILE "banner=\"\\\"\\\\\\\\\\\\n\""

static void prometheus_groups_by_metric_and_escapes(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	open_out(&o, OUT_PROMETHEUS, &prometheus, &r);
	fill(&r, "a.example", 80, 12.345);
	out_set_bool(&r, OPEN, true);
	out_set_string(&r, BANNER, "\"\\\n");
	out_record(&o, &r);
	fill(&r, "b.example", 443, NAN);
	out_set_bool(&r, OPEN, false);
	out_record(&o, &r);
	assert_string_equal(
		exposition(&o, &p),
		"# HELP demo_open Whether the \\\\ port\\nis open\n"
		"# TYPE demo_open gauge\n"
		"demo_open{target=\"a.example\",port=\"80\"," HOSTILE "} 1\n"
		"demo_open{target=\"b.example\",port=\"443\",banner=\"\"} 0\n"
		"# HELP demo_rtt_seconds Round trip \"time\"\n"
		"# TYPE demo_rtt_seconds gauge\n"
		"demo_rtt_seconds{target=\"a.example\",port=\"80\"," HOSTILE
		"} 0.012345\n"
		"# HELP demo_port_total Ports\n"
		"# TYPE demo_port_total counter\n"
		"demo_port_total{target=\"a.example\",port=\"80\"," HOSTILE "} 160\n"
		"demo_port_total{target=\"b.example\",port=\"443\",banner=\"\"} 886\n");
	assert_int_equal(out_finish(&o), 0);
	assert_string_equal(reader_get(&p), "");
	close_out(&o, &r);
	reader_close(&p);
}

/* The end of a name (letters, digits, '_'; not a digit first) at S; fails where none
 * is. */
static const char *skip_name(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
			       "0123456789");

	assert_true(len > 0 && (*s < '0' || *s > '9'));
	return s + len;
}

/* The end of {name="value",...} at S; only \\ \" and \n may be escaped. */
static const char *skip_labels(const char *s)
{
	do {
		s = skip_name(s + 1);
		assert_memory_equal(s, "=\"", 2);
		for (s += 2; *s != '"'; s++) {
			assert_true((unsigned char)*s >= 0x20);
			if (*s == '\\')
				assert_non_null(strchr("\\\"n", *++s));
		}
		s++;
	} while (*s == ',');
	assert_int_equal(*s, '}');
	return s + 1;
}

/*
 * What a scrape refuses (Prometheus' text format 0.0.4): lines of another form, a sample
 * outside its metric's group, HELP or TYPE twice, the same metric and labels twice.
 * Returns the number of samples.
 */
static size_t check_strictly(const char *text)
{
	const char *metric = "", *seen[64], *line, *end;
	size_t metric_len = 0, n = 0;

	for (line = text; *line; line = end + 1) {
		const char *s = line;

		end = strchr(line, '\n');
		assert_non_null(end);
		if (!strncmp(line, "# HELP ", 7)) {
			metric = line + 7;
			metric_len = (size_t)(skip_name(metric) - metric);
			/* Its group begins here, and began nowhere before. */
			s = memmem(text, (size_t)(line - text), metric - 7,
				   7 + metric_len + 1);
			assert_null(s);
			assert_memory_equal(end + 1, "# TYPE ", 7);
			continue;
		}
		if (!strncmp(line, "# TYPE ", 7)) {
			assert_memory_equal(line + 7, metric, metric_len + 1);
			s += 7 + metric_len;
			assert_true(!strncmp(s, " gauge\n", 7) ||
				    !strncmp(s, " counter\n", 9));
			continue;
		}
		s = skip_name(line);
		assert_int_equal(s - line, metric_len);
		assert_memory_equal(line, metric, metric_len);
		if (*s == '{')
			s = skip_labels(s);
		for (size_t i = 0; i < n; i++)
			assert_int_not_equal(
				strncmp(seen[i], line, (size_t)(s + 1 - line)), 0);
		assert_true(n < ARRAY_SIZE(seen));
		seen[n++] = line;
		assert_int_equal(*s++, ' ');
		assert_true(s < end && strspn(s, "-0123456789.") == (size_t)(end - s));
	}
	return n;
}

static void any_bytes_in_labels_make_a_strictly_valid_exposition(void **state)
{
	char bytes[] = { 'a', '\\', '"',  '\n',	  '}',	  '{',
			 ',', '=',  '\0', '\x1b', '\xff', ' ' };
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	open_out(&o, OUT_PROMETHEUS, &prometheus, &r);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		fill(&r, "same", i % 2, 1e-7);
		out_set_bytes(&r, BANNER, bytes, i % 6);
		out_record(&o, &r);
		fill(&r, "same", i % 2, -3);
		out_set_bytes(&r, BANNER, bytes + i, ARRAY_SIZE(bytes) - i);
		out_record(&o, &r);
	}
	/* Twelve tails, six heads; 'i % 6' fixes 'i % 2', so each head comes twice the
	 * same. */
	assert_int_equal(check_strictly(exposition(&o, &p)), 2 * (12 + 6));
	close_out(&o, &r);
	reader_close(&p);
}

static void of_two_records_with_the_same_labels_the_last_counts(void **state)
{
	struct reader p;
	struct out o;
	struct out_record r;

	(void)state;
	reader_open(&p);
	open_out(&o, OUT_PROMETHEUS, &prometheus, &r);
	fill(&r, "a", 1, 10);
	out_set_bool(&r, OPEN, true);
	out_record(&o, &r);
	fill(&r, "b", 2, 20);
	out_record(&o, &r);
	/* It failed this time: no round trip, and the old one must not stand. */
	fill(&r, "a", 1, NAN);
	out_set_bool(&r, OPEN, false);
	out_record(&o, &r);
	assert_string_equal(exposition(&o, &p),
			    "# HELP demo_open Whether the \\\\ port\\nis open\n"
			    "# TYPE demo_open gauge\n"
			    "demo_open{target=\"a\",port=\"1\",banner=\"\"} 0\n"
			    "# HELP demo_rtt_seconds Round trip \"time\"\n"
			    "# TYPE demo_rtt_seconds gauge\n"
			    "demo_rtt_seconds{target=\"b\",port=\"2\",banner=\"\"} 0.02\n"
			    "# HELP demo_port_total Ports\n"
			    "# TYPE demo_port_total counter\n"
			    "demo_port_total{target=\"a\",port=\"1\",banner=\"\"} 2\n"
			    "demo_port_total{target=\"b\",port=\"2\",banner=\"\"} 4\n");
	close_out(&o, &r);
	reader_close(&p);
}

static void prometheus_without_labels_has_no_braces_and_no_empty_metrics(void **state)
{
	static const struct out_prometheus bare = { metrics, ARRAY_SIZE(metrics), NULL,
						    0 };
	struct reader p;
	struct out o;
	struct out_record r, other;

	(void)state;
	reader_open(&p);
	assert_int_equal(out_open(&o, OUT_PROMETHEUS, &schema, &bare, -1), 0);
	assert_string_equal(exposition(&o, &p), "");
	out_record_init(&r, &schema, WHEN_NS);
	out_record_init(&other, &other_schema, WHEN_NS);
	out_set_integer(&other, 0, 9);
	out_record(&o, &other);
	out_set_integer(&r, PORT, 7);
	out_record(&o, &r);
	assert_string_equal(exposition(&o, &p), "# HELP demo_port_total Ports\n"
						"# TYPE demo_port_total counter\n"
						"demo_port_total 14\n");
	out_record_release(&other);
	close_out(&o, &r);
	reader_close(&p);
}

/* Thousands of sets, each twice: the table has to grow and still find them all. */
static void many_label_sets_are_each_written_once(void **state)
{
	enum { N = 5000 };
	struct out o;
	struct out_record r;
	size_t n_samples = 0;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	open_out(&o, OUT_PROMETHEUS, &prometheus, &r);
	o.fd = fd;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			fill(&r, i % 2 ? "odd" : "even", i, round);
			out_record(&o, &r);
		}
	}
	out_prometheus_write(&o.pending, o.samples, &prometheus);
	for (const char *s = written(&o); (s = strstr(s, "\ndemo_rtt_seconds{")); s++) {
		n_samples++;
		s = strchr(s + 1, '\n');
		assert_memory_equal(s - 6, " 0.001", 6);
		s--;
	}
	assert_int_equal(n_samples, N);
	assert_int_equal(out_finish(&o), 0);
	close_out(&o, &r);
	close(fd);
}

static void assert_nagios(const char *want, enum out_nagios status, const char *message,
			  const struct out_perf *perfs, size_t n_perfs)
{
	struct buf b = BUF_INIT;

	out_nagios_line(&b, "portcheck", status, message, perfs, n_perfs);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void nagios_status_words_and_cleaned_messages(void **state)
{
	(void)state;
	assert_nagios("PORTCHECK OK\n", OUT_NAGIOS_OK, NULL, NULL, 0);
	assert_nagios("PORTCHECK OK\n", OUT_NAGIOS_OK, "", NULL, 0);
	assert_nagios("PORTCHECK WARNING - slow\n", OUT_NAGIOS_WARNING, "slow", NULL, 0);
	assert_nagios("PORTCHECK CRITICAL - 53/udp open/filtered\n", OUT_NAGIOS_CRITICAL,
		      "53/udp open|filtered", NULL, 0);
	assert_nagios("PORTCHECK UNKNOWN - a b  c\n", OUT_NAGIOS_UNKNOWN,
		      "a\nb\r\x7f"
		      "c",
		      NULL, 0);
}

static void nagios_performance_data_follows_the_guidelines(void **state)
{
	const struct out_perf perfs[] = {
		{ "::1:80", 0.0000125, "s", 1, 2.5, 0, 10, true },
		{ "time of day", 3, NULL, NAN, NAN, 0, NAN, true },
		{ "it's=a|b", 1e9, "B", NAN, 5, NAN, NAN, true },
		{ "loss", 12.5, "%", NAN, NAN, NAN, NAN, true },
		{ "u", 1, "s", 1, NAN, NAN, NAN, false },
		{ "inf", INFINITY, "s", NAN, NAN, NAN, NAN, true },
		{ "", -100, "", NAN, NAN, NAN, NAN, true },
	};

	(void)state;
	assert_nagios(
		"PORTCHECK OK - m | ::1:80=0.000013s;1;2.5;0;10 'time of day'=3;;;0 "
		"'it''s_a_b'=1000000000B;;5 loss=12.5% u=U;1 inf=U ''=-100\n",
		OUT_NAGIOS_OK, "m", perfs, ARRAY_SIZE(perfs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_one_header_and_empty_fields_for_null),
		cmocka_unit_test(csv_quotes_by_rfc_4180_and_defuses_formulas),
		cmocka_unit_test(csv_leaves_numbers_below_zero_alone),
		cmocka_unit_test(csv_leaves_out_records_of_another_schema),
		cmocka_unit_test(csv_without_records_is_a_header),
		cmocka_unit_test(metrics_that_prometheus_would_refuse_are_refused),
		cmocka_unit_test(prometheus_groups_by_metric_and_escapes),
		cmocka_unit_test(any_bytes_in_labels_make_a_strictly_valid_exposition),
		cmocka_unit_test(of_two_records_with_the_same_labels_the_last_counts),
		cmocka_unit_test(
			prometheus_without_labels_has_no_braces_and_no_empty_metrics),
		cmocka_unit_test(many_label_sets_are_each_written_once),
		cmocka_unit_test(nagios_status_words_and_cleaned_messages),
		cmocka_unit_test(nagios_performance_data_follows_the_guidelines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
