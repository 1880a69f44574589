#include "out_tree.h"

#include <assert.h>
#include <math.h>

#include "out_private.h"
#include "text.h"

void out_tree_release(struct out_tree *t)
{
	if (!t)
		return;
	buf_release(&t->json);
	out_tree_clear(t);
}

void out_tree_clear(struct out_tree *t)
{
	buf_clear(&t->json);
	t->depth = 0;
	t->comma = false;
}

static bool in_object(const struct out_tree *t)
{
	return t->depth && t->closers[t->depth - 1] == '}';
}

/* A key stands there and waits for its value: only keys end with a colon. After a failed
 * append nobody knows. */
static bool has_key(const struct out_tree *t)
{
	return t->json.failed || (t->json.len && t->json.data[t->json.len - 1] == ':');
}

static void begin_value(struct out_tree *t)
{
	assert(t->depth || !t->comma);
	assert(!in_object(t) || has_key(t));
	if (t->comma)
		buf_addc(&t->json, ',');
	t->comma = true;
}

static void open_level(struct out_tree *t, char opener, char closer)
{
	assert(t->depth < OUT_TREE_MAX_DEPTH);
	begin_value(t);
	buf_addc(&t->json, opener);
	t->closers[t->depth++] = closer;
	t->comma = false;
}

void out_tree_array(struct out_tree *t)
{
	open_level(t, '[', ']');
}

void out_tree_object(struct out_tree *t)
{
	open_level(t, '{', '}');
}

void out_tree_end(struct out_tree *t)
{
	assert(t->depth);
	assert(t->json.failed || !has_key(t));
	buf_addc(&t->json, t->closers[--t->depth]);
	t->comma = true;
}

void out_tree_key(struct out_tree *t, const char *key)
{
	assert(in_object(t));
	assert(t->json.failed || !has_key(t));
	if (t->comma)
		buf_addc(&t->json, ',');
	out_json_string(&t->json, key);
	buf_addc(&t->json, ':');
	t->comma = false;
}

/* S is safe by now, and released. */
static void add_string(struct out_tree *t, struct buf *s)
{
	if (s->failed)
		t->json.failed = true;
	begin_value(t);
	out_json_string(&t->json, s->data);
	buf_release(s);
}

void out_tree_string(struct out_tree *t, const char *s)
{
	struct buf safe = BUF_INIT;

	if (!s) {
		out_tree_null(t);
		return;
	}
	text_escape_str(&safe, s);
	add_string(t, &safe);
}

void out_tree_text(struct out_tree *t, const char *s)
{
	struct buf safe = BUF_INIT;

	if (!s) {
		out_tree_null(t);
		return;
	}
	out_add_words(&safe, s);
	add_string(t, &safe);
}

void out_tree_integer(struct out_tree *t, int64_t n)
{
	begin_value(t);
	out_add_integer(&t->json, n);
}

void out_tree_number(struct out_tree *t, double n, unsigned int decimals)
{
	if (!isfinite(n)) {
		out_tree_null(t);
		return;
	}
	begin_value(t);
	out_add_fixed(&t->json, n, decimals);
}

void out_tree_bool(struct out_tree *t, bool b)
{
	begin_value(t);
	buf_adds(&t->json, b ? "true" : "false");
}

void out_tree_null(struct out_tree *t)
{
	begin_value(t);
	buf_add(&t->json, "null", 4);
}
