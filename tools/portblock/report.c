#include "report.h"

#include "out_tree.h"
#include "words.h"

#define MS_DECIMALS 3

static const struct out_column block_columns[] = {
	[BLOCK_TARGET] = { "target", OUT_STRING, 0 },
	[BLOCK_ADDRESS] = { "address", OUT_STRING, 0 },
	[BLOCK_FAMILY] = { "family", OUT_STRING, 0 },
	[BLOCK_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[BLOCK_PORT] = { "port", OUT_INTEGER, 0 },
	[BLOCK_SERVICE] = { "service", OUT_STRING, 0 },
	[BLOCK_STATE] = { "state", OUT_STRING, 0 },
	[BLOCK_REASON] = { "reason", OUT_STRING, 0 },
	[BLOCK_VERDICT] = { "verdict", OUT_STRING, 0 },
	[BLOCK_WHERE] = { "where", OUT_STRING, 0 },
	[BLOCK_METHOD] = { "method", OUT_STRING, 0 },
	[BLOCK_BY] = { "by", OUT_STRING, 0 },
	[BLOCK_LAST_HOP] = { "last_hop", OUT_INTEGER, 0 },
	[BLOCK_LAST_HOP_ADDRESS] = { "last_hop_address", OUT_STRING, 0 },
	[BLOCK_TARGET_HOPS] = { "target_hops", OUT_INTEGER, 0 },
	[BLOCK_CONFIDENCE] = { "confidence", OUT_STRING, 0 },
	[BLOCK_MESSAGE] = { "message", OUT_STRING, 0 },
	[BLOCK_CAPTURED] = { "captured", OUT_BOOL, 0 },
	[BLOCK_RULE] = { "rule", OUT_TREE, 0 },
	[BLOCK_HOPS] = { "hops", OUT_TREE, 0 },
	[BLOCK_EVIDENCE] = { "evidence", OUT_TREE, 0 },
	[BLOCK_RULED_OUT] = { "ruled_out", OUT_TREE, 0 },
	[BLOCK_NEXT] = { "next", OUT_TREE, 0 },
};

const struct out_schema report_blocks = {
	.tool = "portblock",
	.columns = block_columns,
	.n_columns = ARRAY_SIZE(block_columns),
};

/* ---- plain columns ---- */

static void set_addr(struct out_record *r, size_t column, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	if (a->family != AF_UNSPEC)
		out_set_string(r, column, addr_to_text(a, text));
}

/* Counts from 0, or -1 where it is not known. */
static void set_count(struct out_record *r, size_t column, int n)
{
	if (n >= 0)
		out_set_integer(r, column, n);
}

static void set_subject(struct out_record *r, const struct portblock_config *config,
			struct services *services, const struct findings *f)
{
	char service[SERVICES_NAME_SIZE];

	out_set_string(r, BLOCK_TARGET, f->target);
	set_addr(r, BLOCK_ADDRESS, &f->addr);
	if (f->addr.family != AF_UNSPEC)
		out_set_string(r, BLOCK_FAMILY, addr_family_word(&f->addr));
	out_set_string(r, BLOCK_PROTOCOL, protocol_word(f->protocol));
	out_set_integer(r, BLOCK_PORT, f->port);
	if (!config->numeric && services_name(services, f->port, f->protocol, service)[0])
		out_set_string(r, BLOCK_SERVICE, service);
}

static void set_judgement(struct out_record *r, const struct findings *f,
			  const struct judgement *j)
{
	struct buf message = BUF_INIT;

	out_set_string(r, BLOCK_STATE, state_word(j->state));
	out_set_string(r, BLOCK_REASON, reason_word(j->reason));
	out_set_string(r, BLOCK_VERDICT, verdict_word(j->verdict));
	out_set_string(r, BLOCK_WHERE, where_word(j->where));
	out_set_string(r, BLOCK_METHOD, method_word(j->method));
	set_addr(r, BLOCK_BY, &j->by);
	set_count(r, BLOCK_LAST_HOP, j->last_hop);
	if (j->last_hop > 0)
		set_addr(r, BLOCK_LAST_HOP_ADDRESS, &j->last_hop_address);
	set_count(r, BLOCK_TARGET_HOPS, j->target_hops);
	out_set_string(r, BLOCK_CONFIDENCE, confidence_word(j->confidence));
	words_message(&message, f, j);
	if (!message.failed)
		out_set_text(r, BLOCK_MESSAGE, message.data);
	buf_release(&message);
}

/* ---- arrays and objects ---- */

static void add_addr(struct out_tree *t, const struct addr *a)
{
	char text[ADDR_TEXT_SIZE];

	out_tree_string(t, a->family == AF_UNSPEC ? NULL : addr_to_text(a, text));
}

/* TEXT as it came; what was not told is null. */
static void add_told(struct out_tree *t, const char *key, const char *text)
{
	out_tree_key(t, key);
	out_tree_string(t, text[0] ? text : NULL);
}

static void set_rule(struct out_record *r, struct out_tree *t, const struct rule_found *f)
{
	if (!f->found)
		return;
	out_tree_clear(t);
	out_tree_object(t);
	add_told(t, "backend", f->backend);
	add_told(t, "family", f->family);
	add_told(t, "table", f->table);
	add_told(t, "chain", f->chain);
	out_tree_key(t, "handle");
	if (f->handle && !f->policy)
		out_tree_integer(t, (int64_t)f->handle);
	else
		out_tree_null(t);
	add_told(t, "hook", f->hook);
	add_told(t, "verdict", f->verdict);
	add_told(t, "text", f->text);
	out_tree_end(t);
	out_set_tree(r, BLOCK_RULE, t);
}

/* NULL: not asked. */
static const char *hop_word(enum hop_state state)
{
	switch (state) {
	case HOP_UNASKED:
		break;
	case HOP_SILENT:
		return "silent";
	case HOP_EXCEEDED:
		return "time-exceeded";
	case HOP_ANSWERED:
		return "answered";
	case HOP_ERROR:
		return "error";
	}
	return NULL;
}

/* Who answered at hop TTL of W. What the port itself answers has the host's address. */
static struct addr hop_addr(const struct findings *f, const struct walk *w,
			    unsigned int ttl)
{
	const struct hop *hop = &w->hops[ttl];

	if (ttl <= w->n_hops) {
		switch (hop->state) {
		case HOP_UNASKED:
		case HOP_SILENT:
			break;
		case HOP_ANSWERED:
			return f->addr;
		case HOP_EXCEEDED:
		case HOP_ERROR:
			return hop->from;
		}
	}
	return (struct addr){ .family = AF_UNSPEC };
}

static void add_hop(struct out_tree *t, const struct findings *f, unsigned int ttl)
{
	const struct hop *hop = &f->walk.hops[ttl];
	struct addr addr = hop_addr(f, &f->walk, ttl);
	struct addr control = hop_addr(f, &f->control_walk, ttl);

	if (hop->state == HOP_UNASKED)
		return;
	out_tree_object(t);
	out_tree_key(t, "hop");
	out_tree_integer(t, ttl);
	out_tree_key(t, "address");
	add_addr(t, &addr);
	out_tree_key(t, "state");
	out_tree_string(t, hop_word(hop->state));
	out_tree_key(t, "rtt_ms");
	if (hop->state == HOP_SILENT || hop->rtt_ns < 0)
		out_tree_null(t);
	else
		out_tree_number(t, ns_to_ms(hop->rtt_ns), MS_DECIMALS);
	out_tree_key(t, "control_address");
	add_addr(t, &control);
	out_tree_end(t);
}

static void set_hops(struct out_record *r, struct out_tree *t, const struct findings *f)
{
	unsigned int ttl;

	out_tree_clear(t);
	out_tree_array(t);
	for (ttl = 1; ttl <= f->walk.n_hops && ttl <= HOPS_MAX; ttl++)
		add_hop(t, f, ttl);
	out_tree_end(t);
	out_set_tree(r, BLOCK_HOPS, t);
}

static void add_count(struct out_tree *t, const char *key, bool known, int64_t n)
{
	if (!known)
		return;
	out_tree_key(t, key);
	out_tree_integer(t, n);
}

static void add_evidence(struct out_tree *t, const struct evidence *e)
{
	out_tree_object(t);
	out_tree_key(t, "t_ms");
	out_tree_number(t, e->t_ms, MS_DECIMALS);
	out_tree_key(t, "kind");
	out_tree_string(t, e->kind);
	out_tree_key(t, "text");
	out_tree_text(t, e->text);
	add_count(t, "port", e->has_port, e->port);
	add_count(t, "ttl", e->has_ttl, e->ttl);
	add_count(t, "hop", e->has_hop, e->hop);
	if (e->has_rtt) {
		out_tree_key(t, "rtt_ms");
		out_tree_number(t, e->rtt_ms, MS_DECIMALS);
	}
	add_count(t, "count", e->has_count, e->count);
	if (e->address.family != AF_UNSPEC) {
		out_tree_key(t, "address");
		add_addr(t, &e->address);
	}
	out_tree_end(t);
}

static void set_evidence(struct out_record *r, struct out_tree *t,
			 const struct account *a)
{
	size_t i;

	out_tree_clear(t);
	out_tree_array(t);
	for (i = 0; i < a->n_evidence; i++)
		add_evidence(t, &a->evidence[i]);
	out_tree_end(t);
	out_set_tree(r, BLOCK_EVIDENCE, t);
}

static void set_lines(struct out_record *r, size_t column, struct out_tree *t,
		      const struct lines *lines)
{
	size_t i;

	out_tree_clear(t);
	out_tree_array(t);
	for (i = 0; i < lines->n; i++)
		out_tree_text(t, lines->items[i]);
	out_tree_end(t);
	out_set_tree(r, column, t);
}

void report_block(struct out_record *r, const struct portblock_config *config,
		  struct services *services, const struct findings *f,
		  const struct judgement *j, const struct account *a)
{
	struct out_tree t = OUT_TREE_INIT;

	set_subject(r, config, services, f);
	set_judgement(r, f, j);
	out_set_bool(r, BLOCK_CAPTURED, f->captured);
	set_rule(r, &t, &f->local_rule);
	set_hops(r, &t, f);
	set_evidence(r, &t, a);
	set_lines(r, BLOCK_RULED_OUT, &t, &a->ruled_out);
	set_lines(r, BLOCK_NEXT, &t, &a->next);
	out_tree_release(&t);
}
