/*
 * What the tests of out.h share: a small schema, a second one, and a pipe that shows
 * what has been written. Include after cmocka.h.
 */
#ifndef PK_TEST_OUT_DEMO_H
#define PK_TEST_OUT_DEMO_H

#include <fcntl.h>
#include <unistd.h>

#include "out.h"

/* 2026-01-31T23:59:59.123Z */
#define WHEN_NS (1769903999LL * NS_PER_S + 123 * NS_PER_MS)

enum column { TARGET, PORT, RTT_MS, OPEN, BANNER, N_COLUMNS };

static const struct out_column columns[N_COLUMNS] = {
	[TARGET] = { "target", OUT_STRING, 0 }, [PORT] = { "port", OUT_INTEGER, 0 },
	[RTT_MS] = { "rtt_ms", OUT_NUMBER, 3 }, [OPEN] = { "open", OUT_BOOL, 0 },
	[BANNER] = { "banner", OUT_STRING, 0 },
};
static const struct out_schema schema = { "demo", columns, N_COLUMNS };

static const struct out_column other_columns[] = { { "sent", OUT_INTEGER, 0 } };
static const struct out_schema other_schema = { "demo", other_columns, 1 };

/* Everything OUT would write from here on. */
static inline const char *written(struct out *o)
{
	assert_false(o->pending.failed);
	return o->pending.data;
}

static inline void fill(struct out_record *r, const char *target, int64_t port,
			double rtt_ms)
{
	out_record_clear(r, WHEN_NS);
	out_set_string(r, TARGET, target);
	out_set_integer(r, PORT, port);
	out_set_number(r, RTT_MS, rtt_ms);
}

static inline void open_out(struct out *o, enum out_format format,
			    const struct out_prometheus *prometheus, struct out_record *r)
{
	assert_int_equal(out_open(o, format, &schema, prometheus, -1), 0);
	out_record_init(r, &schema, WHEN_NS);
}

static inline void close_out(struct out *o, struct out_record *r)
{
	out_record_release(r);
	out_release(o);
}

/* A pipe to read back what a flush has written. */
struct reader {
	int fds[2];
	char text[4096];
};

static inline void reader_open(struct reader *p)
{
	assert_int_equal(pipe2(p->fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static inline const char *reader_get(struct reader *p)
{
	ssize_t n = read(p->fds[0], p->text, sizeof(p->text) - 1);

	p->text[n > 0 ? n : 0] = '\0';
	return p->text;
}

static inline void reader_close(struct reader *p)
{
	close(p->fds[0]);
	close(p->fds[1]);
}

#endif
