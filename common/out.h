/*
 * Floor 4: the record, and the ways it is written.
 *
 * A tool describes its records once, in a table of columns (`struct out_schema`), fills a
 * `struct out_record` per result, and hands it to a `struct out`, which writes the
 * machine formats from it. The text form is the tool's own: it is drawn from the same
 * record, and goes to the screen through out_text().
 *
 * Strings are escaped (text.h) when they are put into the record, so no format can
 * forget; give them as they came, since what is already escaped would be escaped twice
 * (sentences that hold escaped text go through out_set_text()).
 * Everything is collected in memory and written by out_flush(), which the tool calls when
 * its loop is about to wait: results appear as they arrive, in few writes.
 */
#ifndef PK_OUT_H
#define PK_OUT_H

#include "base.h"
#include "buf.h"

enum out_format { OUT_TEXT, OUT_JSON, OUT_CSV, OUT_NAGIOS, OUT_PROMETHEUS };

enum out_type {
	OUT_STRING,
	OUT_INTEGER,
	OUT_NUMBER,
	OUT_BOOL,
	OUT_TREE, /* arrays and objects: out_tree.h */
};

struct out_tree;

struct out_column {
	const char *key; /* snake_case, unit in the name */
	enum out_type type;
	uint8_t decimals; /* OUT_NUMBER: after the point, <= OUT_MAX_DECIMALS */
};

/* Columns a record can have. Every record begins with the common keys tool, version and
 * time, which `out` adds itself; a schema lists the others. */
#define OUT_MAX_COLUMNS	 48
#define OUT_MAX_DECIMALS 9

struct out_schema {
	const char *tool;
	const struct out_column *columns; /* indexed by the tool's enum */
	size_t n_columns;
};

struct out_value {
	bool set; /* false: null */
	union {
		int64_t integer;
		double number;
		bool boolean;
		size_t string; /* offset into strings; of a tree: its JSON text */
	};
};

struct out_record {
	const struct out_schema *schema;
	int64_t wall_ns; /* `time` */
	struct out_value values[OUT_MAX_COLUMNS];
	struct buf strings;
};

/* An empty record: all keys null, time WALL_NS. */
void out_record_init(struct out_record *r, const struct out_schema *schema,
		     int64_t wall_ns);
/* Make it empty again, keeping memory. */
void out_record_clear(struct out_record *r, int64_t wall_ns);
void out_record_release(struct out_record *r);

/* Setters; the column must be of that type (asserted). Null are a NULL string, a number
 * that is not finite, a tree without a value, and a string or tree for which there is no
 * memory (out_record() tells). */
void out_set_string(struct out_record *r, size_t column, const char *s);
/* LEN foreign bytes. */
void out_set_bytes(struct out_record *r, size_t column, const void *bytes, size_t len);
/* A string too: words of our own, in which what came from outside is escaped already.
 * Backslashes stay as they are; what else text.h escapes is escaped here, too. */
void out_set_text(struct out_record *r, size_t column, const char *s);
/* A copy; T is one whole value (asserted), and may be cleared then. */
void out_set_tree(struct out_record *r, size_t column, const struct out_tree *t);
void out_set_integer(struct out_record *r, size_t column, int64_t n);
void out_set_number(struct out_record *r, size_t column, double n);
void out_set_bool(struct out_record *r, size_t column, bool b);

/* Getters for the text form; NULL, 0 or false when null. A string is good until the next
 * one is set. */
const char *out_get_string(const struct out_record *r, size_t column);
/* JSON text. */
const char *out_get_tree(const struct out_record *r, size_t column);
int64_t out_get_integer(const struct out_record *r, size_t column);
double out_get_number(const struct out_record *r, size_t column);
bool out_get_bool(const struct out_record *r, size_t column);
bool out_is_set(const struct out_record *r, size_t column);

/*
 * Prometheus (text exposition format 0.0.4): one metric per entry, HELP and TYPE once,
 * and all its samples together, so records are kept until out_finish().
 *
 * A scrape must not hold the same metric and labels twice. Of records whose labels are
 * all the same the last one counts, with its nulls too, in the first one's place: a gauge
 * is what holds now, and a check that failed must not leave an older check's time
 * standing. A metric without samples is left out, HELP and all.
 */
struct out_metric {
	const char *name; /* "portcheck_connect_seconds" */
	const char *help;
	const char *type; /* "gauge", "counter" */
	size_t column; /* OUT_INTEGER, OUT_NUMBER or OUT_BOOL; a null makes no sample */
	double scale; /* value times this: 0.001 for ms to s; bools are 0 or 1 times it */
};

struct out_prometheus {
	const struct out_metric *metrics;
	size_t n_metrics;
	/* Columns that become labels by their keys, all but OUT_TREE; null: "". */
	const size_t *labels;
	size_t n_labels;
};

struct out_samples; /* out_prometheus.c's own */

struct out {
	enum out_format format;
	const struct out_schema *schema;
	const struct out_prometheus *prometheus;
	int fd;
	struct buf pending;	     /* written at the next flush */
	struct out_samples *samples; /* prometheus */
	bool header_done;	     /* csv */
	bool closed;		     /* the reader went away (EPIPE): be quiet and end */
	int error; /* the first -errno other than EPIPE, of a write or of memory */
};

/* Write to FD, which stays the caller's; so do SCHEMA and PROMETHEUS, which have to
 * live as long. SCHEMA may be NULL for text and Nagios, PROMETHEUS for all but that
 * format. 0, -ENOMEM, or -EINVAL: the tables are missing or break the rules above or
 * the format's. */
PK_MUST_CHECK int out_open(struct out *o, enum out_format format,
			   const struct out_schema *schema,
			   const struct out_prometheus *prometheus, int fd);
/*
 * Add R in the machine formats. In OUT_TEXT and OUT_NAGIOS it does nothing: their lines
 * come by out_text(). Once the reader is gone or an error is kept, it does nothing
 * either.
 *
 * JSON: one object a line, UTF-8: tool, version, time, then all keys of R's own schema in
 * its order, null when unset. Numbers have exactly the column's decimals, so that a
 * reader that guesses types from the first record takes them for reals. Trees are arrays
 * and objects in it.
 *
 * CSV: RFC 4180 with LF line ends, for grep, cut and awk. One table with one header, so
 * only records of the schema given to out_open() are written; likewise for Prometheus.
 * The header comes even when no record does. Null is an empty field, an empty string a
 * quoted one. A string beginning with = + - or @ would be a formula to a spreadsheet, and
 * may come from the other end's banner; quotes would not help. Its first character is
 * written as \x3d, \x2b, \x2d or \x40, in the escapes that text.h uses anyway, so what
 * undoes those undoes this. A tree is one field with its JSON text.
 */
void out_record(struct out *o, const struct out_record *r);
/* Add text as it is: already safe for a terminal. */
void out_text(struct out *o, const char *s);
void out_textf(struct out *o, const char *fmt, ...) PK_PRINTF(2, 3);
/* Write what is pending. 0, -EPIPE once the reader is gone, or o->error. After either,
 * nothing is written any more. SIGPIPE is to be ignored by the tool. */
int out_flush(struct out *o);
/* Write what is left, Prometheus tables included. As out_flush(). */
int out_finish(struct out *o);
/* Free the memory; nothing is written. NULL is accepted. */
void out_release(struct out *o);

/*
 * Nagios plugins (monitoring-plugins guidelines, "Plugin Output for Nagios" and
 * "Performance data"): "PORTCHECK OK - message | label=value[UOM];warn;crit;min;max ...".
 * Status words in order of their codes.
 */
enum out_nagios {
	OUT_NAGIOS_OK,
	OUT_NAGIOS_WARNING,
	OUT_NAGIOS_CRITICAL,
	OUT_NAGIOS_UNKNOWN
};
struct out_perf {
	const char *label;
	double value;
	const char *unit;	     /* "s", "%", "" or NULL */
	double warn, crit, min, max; /* NAN: not given */
	bool known;		     /* false, or a value that is not finite: "U" */
};
/*
 * Append the line (with newline). MESSAGE (may be NULL) is cleaned: a '|' would begin the
 * performance data and becomes '/', control characters become blanks. Labels are quoted
 * where blanks or quotes ask for it; '=' and '|', which they can't hold, become '_'.
 * Numbers have up to six decimals and never an exponent; empty fields at the end are left
 * out.
 */
void out_nagios_line(struct buf *out, const char *tool, enum out_nagios status,
		     const char *message, const struct out_perf *perfs, size_t n_perfs);

#endif
