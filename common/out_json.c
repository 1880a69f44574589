#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "out_private.h"

/* Printable ASCII that JSON leaves as it is (RFC 8259 7). */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\')
			return false;
	return true;
}

static int add_bytes(const char *bytes, size_t len, void *data)
{
	struct buf *b = data;

	buf_add(b, bytes, len);
	return b->failed ? -1 : 0;
}

/*
 * Words and addresses, nearly all there is, need no escaping and are copied; the rest is
 * jansson's. A json_t tree for each record would take more time than all else that a scan
 * does for a port.
 */
static void add_string(struct buf *b, const char *s)
{
	json_t *json;

	if (is_plain(s)) {
		buf_addc(b, '"');
		buf_adds(b, s);
		buf_addc(b, '"');
		return;
	}
	/* NULL for want of memory; bad UTF-8 has not come past text.h. */
	json = json_string(s);
	if (!json || json_dump_callback(json, add_bytes, b, JSON_ENCODE_ANY) < 0)
		b->failed = true;
	json_decref(json);
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
	add_string(b, r->schema->tool);
	add_key(b, ',', "version");
	add_string(b, PK_VERSION);
	add_key(b, ',', "time");
	add_string(b, time);
	for (size_t i = 0; i < r->schema->n_columns; i++) {
		add_key(b, ',', r->schema->columns[i].key);
		if (!out_is_set(r, i))
			buf_add(b, "null", 4);
		else if (r->schema->columns[i].type == OUT_STRING)
			add_string(b, out_get_string(r, i));
		else
			out_add_scalar(b, r, i);
	}
	buf_add(b, "}\n", 2);
}
