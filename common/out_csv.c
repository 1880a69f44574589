#include <string.h>

#include "clock.h"
#include "out_private.h"

static void add_field(struct buf *b, const char *s)
{
	/* What a spreadsheet takes for the beginning of a formula (CWE-1236). A tab or
	 * CR, which some of them skip first, was escaped on the way into the record. */
	bool formula = *s && strchr("=+-@", *s);
	/* Blanks at the ends belong to the field (RFC 4180 2.4); quotes keep them. */
	bool quote = !*s || strpbrk(s, ",\"\r\n") || *s == ' ' || s[strlen(s) - 1] == ' ';

	if (quote)
		buf_addc(b, '"');
	if (formula) {
		buf_addf(b, "\\x%02x", (unsigned int)*s);
		s++;
	}
	while (*s) {
		size_t len = strcspn(s, "\"");

		buf_add(b, s, len);
		s += len;
		if (*s) {
			buf_add(b, "\"\"", 2);
			s++;
		}
	}
	if (quote)
		buf_addc(b, '"');
}

void out_csv_header(struct buf *b, const struct out_schema *schema)
{
	buf_adds(b, "tool,version,time");
	for (size_t i = 0; i < schema->n_columns; i++) {
		buf_addc(b, ',');
		buf_adds(b, schema->columns[i].key);
	}
	buf_addc(b, '\n');
}

void out_csv_record(struct buf *b, const struct out_record *r)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_rfc3339(r->wall_ns, time);
	buf_adds(b, r->schema->tool);
	buf_adds(b, "," PK_VERSION ",");
	buf_adds(b, time);
	for (size_t i = 0; i < r->schema->n_columns; i++) {
		buf_addc(b, ',');
		if (!out_is_set(r, i))
			continue;
		if (r->schema->columns[i].type == OUT_STRING)
			add_field(b, out_get_string(r, i));
		else if (r->schema->columns[i].type == OUT_TREE)
			add_field(b, out_get_tree(r, i));
		else
			out_add_scalar(b, r, i);
	}
	buf_addc(b, '\n');
}
