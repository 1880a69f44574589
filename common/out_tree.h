/*
 * Floor 4: arrays and objects inside a record (a column of type OUT_TREE).
 *
 * Built as JSON text from the first call on: strings are escaped (text.h) as they enter,
 * numbers are written as out.h writes them. Memory errors are sticky, as in buf.h; a tree
 * that failed makes its column null and the record fail (out.h). A tree is one value:
 * usually an array or an object, and nothing behind it (asserted, as is the order of keys
 * and values).
 *
 *	struct out_tree t = OUT_TREE_INIT;
 *	out_tree_array(&t);
 *	out_tree_object(&t);
 *	out_tree_key(&t, "kind");
 *	out_tree_string(&t, "hop");
 *	out_tree_end(&t);
 *	out_tree_end(&t);
 *	out_set_tree(r, COLUMN, &t);
 *	out_tree_release(&t);
 */
#ifndef PK_OUT_TREE_H
#define PK_OUT_TREE_H

#include "base.h"
#include "buf.h"

#define OUT_TREE_MAX_DEPTH 8

struct out_tree {
	struct buf json;
	char closers[OUT_TREE_MAX_DEPTH]; /* what each open level ends with */
	unsigned int depth;
	bool comma; /* the next item follows another */
};

#define OUT_TREE_INIT            \
	{                        \
		.json = BUF_INIT \
	}

void out_tree_release(struct out_tree *t);
/* Forget the contents, keep the memory. */
void out_tree_clear(struct out_tree *t);
/* Open a level; nesting beyond the depth is asserted against. */
void out_tree_array(struct out_tree *t);
void out_tree_object(struct out_tree *t);
/* Close the innermost level. */
void out_tree_end(struct out_tree *t);
/* In an object: the key of the value that follows. Keys are the tool's own:
 * snake_case. */
void out_tree_key(struct out_tree *t, const char *key);
/* Foreign text, escaped here; NULL is null. */
void out_tree_string(struct out_tree *t, const char *s);
/* Words of our own, in which foreign text is escaped already, as out_set_text() takes
 * them; NULL is null. */
void out_tree_text(struct out_tree *t, const char *s);
void out_tree_integer(struct out_tree *t, int64_t n);
/* DECIMALS digits after the point; what is not finite is null. */
void out_tree_number(struct out_tree *t, double n, unsigned int decimals);
void out_tree_bool(struct out_tree *t, bool b);
void out_tree_null(struct out_tree *t);

#endif
