/*
 * Who stands where: the routers that answers passed, by their TTL, and the hops at
 * which they came.
 *
 * Who answers in the host's stead stands nearer. But a host can also pass a port on, to
 * a container or to a machine behind it, and then that port's answers come from farther
 * than the host's own. What the owner of the address says itself (ping, its errors) and
 * the RSTs of ports that nobody forwards tell that from a box in front.
 */
#include "judge_private.h"
#include "walk.h"

static int *distance_of_kind(struct distances *d, const struct control *c)
{
	if (c->answer == ANSWER_RESET)
		return &d->closed;
	if (c->answer == ANSWER_ICMP || c->protocol == IPPROTO_ICMP)
		return &d->own;
	return &d->open;
}

struct distances judge_distances(const struct findings *f)
{
	struct distances all = {
		.own = -1, .own_least = -1, .closed = -1, .open = -1, .host = -1
	};
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];
		int d = control_is_of_host(&f->addr, c) ? ttl_distance(c->ttl) : -1;
		int *kind = distance_of_kind(&all, c);

		if (d > *kind)
			*kind = d;
		if (d > all.host)
			all.host = d;
		if (d >= 0 && kind == &all.own &&
		    (all.own_least < 0 || d < all.own_least))
			all.own_least = d;
	}
	return all;
}

unsigned int judge_own_hop(const struct findings *f)
{
	const struct walk *walks[] = { &f->walk, &f->control_walk };
	unsigned int ttl;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(walks); i++)
		for (ttl = 1; ttl <= walks[i]->n_hops; ttl++)
			if (walks[i]->hops[ttl].state == HOP_EXCEEDED &&
			    addr_equal(&walks[i]->hops[ttl].from, &f->addr))
				return ttl;
	return 0;
}

enum nearness judge_nearness(const struct findings *f, int d)
{
	struct distances all = judge_distances(f);
	bool forwards = d >= 0 && (int)judge_own_hop(f) == d + 1;

	if (d < 0)
		return NEARNESS_NONE;
	if (all.own > d || all.closed > d)
		return forwards ? NEARNESS_MAYBE : NEARNESS_SURE;
	if (all.open > d)
		return forwards || all.own == d ? NEARNESS_NONE : NEARNESS_MAYBE;
	return NEARNESS_NONE;
}

static unsigned int initial_ttl(uint8_t ttl)
{
	return ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

bool judge_is_comparable(const struct findings *f, uint8_t ttl)
{
	size_t i;

	for (i = 0; i < f->n_controls; i++) {
		const struct control *c = &f->controls[i];

		if (c->ttl && control_is_of_host(&f->addr, c) &&
		    ttl_distance(c->ttl) > ttl_distance(ttl) &&
		    initial_ttl(c->ttl) == initial_ttl(ttl))
			return true;
	}
	return false;
}

/* The box that stands D routers away: hop D + 1, if the walk saw it. */
static struct addr box_at(const struct findings *f, int d)
{
	const struct walk *walks[] = { &f->walk, &f->control_walk };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(walks); i++)
		if (d >= 0 && d + 1 <= (int)walks[i]->n_hops &&
		    walks[i]->hops[d + 1].state == HOP_EXCEEDED)
			return walks[i]->hops[d + 1].from;
	return (struct addr){ .family = AF_UNSPEC };
}

void blame_box_at(struct judgement *j, const struct findings *f, int d)
{
	j->by = box_at(f, d);
	j->by_inferred = j->by.family != AF_UNSPEC;
	if (d >= 0)
		j->answer_hops = d + 1;
}

bool judge_came_too_early(const struct findings *f, int d)
{
	unsigned int answered = walk_answered(&f->walk);

	return answered && (d < 0 || d + 1 > (int)answered);
}

bool judge_came_too_late(const struct findings *f, int d)
{
	unsigned int answered = walk_answered(&f->walk);

	return answered && d >= 0 && d + 2 < (int)answered;
}

void blame_box_on_way(struct judgement *j, const struct findings *f, int d)
{
	bool early = judge_came_too_early(f, d);

	if (!early && !judge_came_too_late(f, d))
		blame_box_at(j, f, d);
	/* Before the first router there is but one place; else it is one of two. */
	else if (early && walk_answered(&f->walk) == 1)
		blame_box_at(j, f, 0);
}
