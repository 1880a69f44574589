#include "groups.h"

#include <errno.h>
#include <stdlib.h>

#include "show.h"
#include "text.h"

/* Verdicts beyond this many get a line each; senders of ICMP are told apart in the first
 * half. */
#define GROUPS_MAX 1024
/* Ranges shown of one group. */
#define RANGES_MAX 12
/* Members that a group can name: all ports, or the addresses of a /16. */
#define MEMBERS 65536

struct verdict_group {
	size_t target;
	struct addr addr; /* of a name: each address apart; else AF_UNSPEC */
	enum port_state state;
	enum port_reason reason;
	struct addr from; /* AF_UNSPEC: no ICMP, or the hosts themselves */
	bool from_itself;
	uint64_t n;
	uint64_t *members; /* bit set: ports, or offsets into the block; NULL: too many */
};

struct group_set {
	const struct portcheck_config *config;
	struct verdict_group groups[GROUPS_MAX];
	size_t n;
};

int group_set_create(struct group_set **ret_set, const struct portcheck_config *config)
{
	struct group_set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	set->config = config;
	*ret_set = set;
	return 0;
}

void group_set_destroy(struct group_set *set)
{
	size_t i;

	if (!set)
		return;
	for (i = 0; i < set->n; i++)
		free(set->groups[i].members);
	free(set);
}

static bool by_address(const struct group_set *set, size_t target)
{
	return set->config->targets.targets[target].kind == TARGET_BLOCK;
}

static struct verdict_group *find(struct group_set *set, const struct result *r)
{
	bool name = set->config->targets.targets[r->check.target].kind == TARGET_NAME;
	struct addr from = { .family = AF_UNSPEC }, addr = from;
	bool itself = false;
	size_t i;

	if (name)
		addr = r->check.addr;

	if (r->seen.has_icmp) {
		itself = addr_equal(&r->seen.icmp.from, &r->check.addr);
		if (!itself && set->n < GROUPS_MAX / 2)
			from = r->seen.icmp.from;
	}
	for (i = 0; i < set->n; i++) {
		struct verdict_group *g = &set->groups[i];

		if (g->target == r->check.target && g->state == r->state &&
		    g->reason == r->reason && g->from_itself == itself &&
		    addr_equal(&g->from, &from) && addr_equal(&g->addr, &addr))
			return g;
	}
	if (set->n == GROUPS_MAX)
		return NULL;
	set->groups[set->n] = (struct verdict_group){ .target = r->check.target,
						      .addr = addr,
						      .state = r->state,
						      .reason = r->reason,
						      .from = from,
						      .from_itself = itself };
	if (!by_address(set, r->check.target) ||
	    set->config->targets.targets[r->check.target].n_addrs <= MEMBERS)
		set->groups[set->n].members = calloc(MEMBERS / 64, sizeof(uint64_t));
	return &set->groups[set->n++];
}

/* How far A lies behind the first address of its block. */
static size_t offset_in_block(const struct target *t, const struct addr *a)
{
	size_t len = addr_len(a);
	uint32_t low = 0, first = 0;
	size_t i;

	for (i = len - 4; i < len; i++) {
		low = low << 8 | a->ip[i];
		first = first << 8 | t->addr.ip[i];
	}
	return (low - first) % MEMBERS;
}

bool group_set_add(struct group_set *set, const struct result *r)
{
	struct verdict_group *g = find(set, r);
	size_t i = r->check.port;

	if (!g)
		return false;
	g->n++;
	if (!g->members)
		return true;
	if (by_address(set, r->check.target))
		i = offset_in_block(&set->config->targets.targets[r->check.target],
				    &r->check.addr);
	g->members[i / 64] |= 1ULL << i % 64;
	return true;
}

static bool is_member(const struct verdict_group *g, size_t i)
{
	return i < MEMBERS && g->members[i / 64] >> i % 64 & 1;
}

static void say_member(const struct group_set *set, const struct verdict_group *g,
		       size_t i, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];
	struct addr a;

	if (!by_address(set, g->target)) {
		buf_addf(out, "%zu", i);
		return;
	}
	a = target_addr(&set->config->targets.targets[g->target], i);
	buf_adds(out, addr_to_text(&a, text));
}

static void say_ranges(const struct group_set *set, const struct verdict_group *g,
		       struct buf *out)
{
	size_t shown = 0, more = 0;
	size_t i = 0;

	while (i < MEMBERS) {
		size_t last = i;

		if (!is_member(g, i)) {
			i++;
			continue;
		}
		while (is_member(g, last + 1))
			last++;
		if (shown < RANGES_MAX) {
			buf_adds(out, shown ? "," : "");
			say_member(set, g, i, out);
			if (last > i) {
				buf_addc(out, '-');
				say_member(set, g, last, out);
			}
			shown++;
		} else {
			more++;
		}
		i = last + 1;
	}
	if (more)
		buf_addf(out, " and %zu more ranges (-v lists all)", more);
}

static void say_why(const struct verdict_group *g, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	buf_addf(out, ": %s", reason_word(g->reason));
	if (g->from_itself)
		buf_adds(out, " from the host itself");
	else if (g->from.family != AF_UNSPEC)
		buf_addf(out, " from %s", addr_to_text(&g->from, text));
}

static void say_group(const struct group_set *set, const struct verdict_group *g,
		      struct buf *out, bool color)
{
	const struct target *t = &set->config->targets.targets[g->target];
	const struct port_list *ports = target_ports(&set->config->targets, t);
	bool addresses = by_address(set, g->target);
	const char *what = !addresses		 ? "port"
			   : ports->n_ports == 1 ? "address"
						 : "check";
	char text[ADDR_TEXT_SIZE];

	show_state(out, g->state, color);
	text_escape_str(out, t->text);
	if (addresses && ports->n_ports == 1)
		buf_addf(out, " port %u", ports->ranges[0].first);
	if (g->addr.family != AF_UNSPEC)
		buf_addf(out, " at %s", addr_to_text(&g->addr, text));
	buf_adds(out, "  ");
	buf_add_grouped(out, g->n);
	buf_addf(out, " %s%s", what, g->n == 1 ? "" : what[0] == 'a' ? "es" : "s");
	say_why(g, out);
	if (g->members) {
		buf_adds(out, " (");
		say_ranges(set, g, out);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
}

static int compare(const void *a, const void *b)
{
	const struct verdict_group *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (!addr_equal(&x->addr, &y->addr))
		return addr_compare(&x->addr, &y->addr);
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	return x->n > y->n ? -1 : x->n < y->n;
}

void group_set_say(struct group_set *set, struct buf *out, bool color)
{
	size_t i;

	qsort(set->groups, set->n, sizeof(set->groups[0]), compare);
	for (i = 0; i < set->n; i++)
		say_group(set, &set->groups[i], out, color);
}
