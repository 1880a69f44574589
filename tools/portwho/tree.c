#include "tree.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "table.h"
#include "text.h"

enum { TREE_OWNER, TREE_ADDRESS, TREE_EXPOSURE, TREE_USER, TREE_SINCE, TREE_COLUMNS };

static const struct {
	const char *heading;
	double share;
	int flags;
} columns[TREE_COLUMNS] = {
	[TREE_OWNER] = { "OWNER", 0.4, SCOLS_FL_TREE },
	[TREE_ADDRESS] = { "ADDRESS", 0.2, 0 },
	[TREE_EXPOSURE] = { "EXPOSURE", 0.1, 0 },
	[TREE_USER] = { "USER", 0.1, SCOLS_FL_TRUNC },
	[TREE_SINCE] = { "SINCE", 0.1, 0 },
};

struct drawing {
	struct naming *names;
	struct libscols_table *table;
	int64_t now_wall_ns;
	bool color;
	int err; /* sticky */
};

static struct libscols_line *add_line(struct drawing *d, struct libscols_line *parent)
{
	struct libscols_line *line = d->err ? NULL
					    : scols_table_new_line(d->table, parent);

	if (!line && !d->err)
		d->err = -ENOMEM;
	return line;
}

/* TEXT is emptied. */
static void set(struct drawing *d, struct libscols_line *line, size_t column,
		struct buf *text)
{
	if (text->failed)
		d->err = -ENOMEM;
	else if (!d->err)
		d->err = scols_line_set_data(line, column, text->data);
	buf_release(text);
}

/* ---- the three levels ---- */

static struct libscols_line *add_unit(struct drawing *d, const struct listener *l)
{
	struct libscols_line *line = add_line(d, NULL);
	struct buf text = BUF_INIT;

	cell_unit(&text, l);
	if (!text.len)
		buf_adds(&text, l->owner == OWNER_KERNEL ? "(kernel)"
				: l->owner == OWNER_HIDDEN && !l->n_holders
					? "(hidden)"
					: "(no unit)");
	set(d, line, TREE_OWNER, &text);
	return line;
}

static struct libscols_line *add_process(struct drawing *d, struct libscols_line *parent,
					 const struct row *row)
{
	const struct process *p = listener_process(row->first);
	char user[USER_TEXT_SIZE];
	struct libscols_line *line;
	struct buf text = BUF_INIT;

	if (!p)
		return parent;
	line = add_line(d, parent);
	text_escape_str(&text, p->comm);
	buf_addf(&text, " (pid %d", (int)p->pid);
	if (row->n_processes > 1)
		buf_addf(&text, " and %zu more", row->n_processes - 1);
	buf_addc(&text, ')');
	set(d, line, TREE_OWNER, &text);
	if (p->has_uid)
		text_escape_str(&text, users_name(&d->names->users, p->uid, user));
	set(d, line, TREE_USER, &text);
	cell_since(&text, p->start_wall_ns, d->now_wall_ns);
	set(d, line, TREE_SINCE, &text);
	return line;
}

static void add_port(struct drawing *d, struct libscols_line *parent,
		     const struct row *row)
{
	const struct listener *l = row->first;
	struct libscols_line *line = add_line(d, parent);
	char service[SERVICES_NAME_SIZE];
	struct buf text = BUF_INIT;

	cell_name(&text, l);
	if (naming_service(d->names, l, service)[0])
		buf_addf(&text, " %s", service);
	set(d, line, TREE_OWNER, &text);
	cell_address(&text, row);
	set(d, line, TREE_ADDRESS, &text);
	buf_adds(&text, exposure_word(l->exposure));
	set(d, line, TREE_EXPOSURE, &text);
	if (!d->err && d->color && l->exposure >= EXPOSURE_ADDRESS)
		d->err = scols_line_set_color(line, l->exposure == EXPOSURE_ALL ? "yellow"
										: "cyan");
}

/* ---- order ---- */

static int compare_units(const struct listener *a, const struct listener *b)
{
	int d = strcmp(a->place.engine, b->place.engine);

	if (!d)
		d = strcmp(a->place.container, b->place.container);
	if (!d && !a->place.container[0])
		d = strcmp(a->place.unit, b->place.unit);
	if (!d && !a->place.container[0] && !a->place.unit[0])
		d = (int)a->owner - (int)b->owner;
	return d;
}

static int compare(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a,
			 *y = *(const struct row *const *)b;
	const struct process *p = listener_process(x->first),
			     *q = listener_process(y->first);
	int d = compare_units(x->first, y->first);

	if (d)
		return d;
	if (p != q)
		return !p ? 1 : !q ? -1 : p->pid < q->pid ? -1 : 1;
	/* As rows_of() had them. */
	return x < y ? -1 : x > y;
}

static void add_all(struct drawing *d, const struct row *const *order, size_t n)
{
	struct libscols_line *unit = NULL, *process = NULL;
	size_t i;

	for (i = 0; i < n && !d->err; i++) {
		const struct listener *l = order[i]->first;
		bool same_unit = i && !compare_units(order[i - 1]->first, l);

		if (!same_unit)
			unit = add_unit(d, l);
		if (!same_unit ||
		    listener_process(order[i - 1]->first) != listener_process(l))
			process = add_process(d, unit, order[i]);
		add_port(d, process, order[i]);
	}
}

int tree_draw(struct buf *out, const struct portwho_config *config, struct naming *names,
	      const struct rows *rows, bool color, unsigned int width)
{
	struct drawing d = { .names = names,
			     .table = scols_new_table(),
			     .now_wall_ns = clock_wall_ns(),
			     .color = color };
	const struct row **order = calloc(rows->n + 1, sizeof(*order));
	size_t i;

	if (!d.table || !order)
		d.err = -ENOMEM;
	for (i = 0; !d.err && i < TREE_COLUMNS; i++)
		if (!scols_table_new_column(d.table, columns[i].heading, columns[i].share,
					    columns[i].flags))
			d.err = -ENOMEM;
	for (i = 0; !d.err && i < rows->n; i++)
		order[i] = &rows->items[i];
	if (!d.err) {
		table_manner(d.table, config, color, width);
		qsort(order, rows->n, sizeof(*order), compare);
		add_all(&d, order, rows->n);
	}
	if (!d.err)
		d.err = table_print(d.table, out);
	free(order);
	scols_unref_table(d.table);
	return d.err;
}
