#include <string.h>

#include "clock.h"
#include "out_private.h"

/*
 * Strings in records are valid UTF-8 without control characters (text.h, at the one place
 * where they come in), so of all that JSON wants escaped (RFC 8259 7) only quotes and
 * backslashes are left; a library would have nothing more to do, and costs every run its
 * loading.
 */
void out_json_string(struct buf *b, const char *s)
{
	buf_addc(b, '"');
	while (*s) {
		size_t plain = strcspn(s, "\"\\");

		buf_add(b, s, plain);
		s += plain;
		if (*s) {
			buf_addc(b, '\\');
			buf_addc(b, *s++);
		}
	}
	buf_addc(b, '"');
}

/* Keys are ours: snake_case. BEFORE is the comma or the brace. */
static void add_key(struct buf *b, char before, const char *key)
{
	buf_addc(b, before);
	buf_addc(b, '"');
	buf_adds(b, key);
	buf_add(b, "\":", 2);
}

void out_json_record(struct buf *b, const struct out_record *r)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_rfc3339(r->wall_ns, time);
	add_key(b, '{', "tool");
	out_json_string(b, r->schema->tool);
	add_key(b, ',', "version");
	out_json_string(b, PK_VERSION);
	add_key(b, ',', "time");
	out_json_string(b, time);
	for (size_t i = 0; i < r->schema->n_columns; i++) {
		add_key(b, ',', r->schema->columns[i].key);
		if (!out_is_set(r, i))
			buf_add(b, "null", 4);
		else if (r->schema->columns[i].type == OUT_STRING)
			out_json_string(b, out_get_string(r, i));
		else if (r->schema->columns[i].type == OUT_TREE)
			buf_adds(b, out_get_tree(r, i));
		else
			out_add_scalar(b, r, i);
	}
	buf_add(b, "}\n", 2);
}
