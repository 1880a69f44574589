#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"

/* Look-ups under way at once. */
#define LOOKUPS 64

enum lookup { LOOKUP_NONE, LOOKUP_WAITING, LOOKUP_RUNNING, LOOKUP_DONE, LOOKUP_FAILED };

struct source {
	struct loop_timer deadline;
	struct plan *plan;
	const struct target *target;
	size_t index;
	enum lookup lookup;
	struct addr *addrs; /* of a name */
	size_t n_addrs;
	int64_t asked_ns;   /* when the look-up began */
	int64_t resolve_ns; /* -1: none */
	uint64_t at;	    /* checks given out so far */
	struct source *next_ready;
};

/* The race for one port of one name. */
struct group {
	size_t source;
	size_t port_index;
	size_t next_addr;
	int64_t start_ns;
	int64_t next_ns;
	bool won;
};

struct plan {
	const struct portcheck_config *config;
	struct loop *loop;
	void (*failed)(void *arg, struct result *r);
	void *arg;
	struct resolver *resolver;
	struct loop_io resolver_io;
	struct source *sources;
	size_t n_sources;
	size_t next_lookup; /* sources before this have been asked */
	size_t lookups;	    /* WAITING or RUNNING */
	size_t lookups_running;
	struct source *ready, **ready_tail;
	struct group *groups; /* all of this round */
	size_t n_groups, cap_groups;
	size_t first_group; /* those before have given out all */
	bool woke;
};

static const struct port_list *ports_of(const struct source *s)
{
	return target_ports(&s->plan->config->targets, s->target);
}

static uint64_t addrs_of(const struct source *s)
{
	return s->target->kind == TARGET_NAME ? s->n_addrs : s->target->n_addrs;
}

uint64_t plan_estimate(const struct portcheck_config *config)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < config->targets.n_targets; i++) {
		const struct target *t = &config->targets.targets[i];
		uint64_t n = t->kind == TARGET_NAME ? 1 : t->n_addrs;

		sum += n * target_ports(&config->targets, t)->n_ports;
	}
	return sum;
}

uint64_t plan_total(const struct plan *p)
{
	uint64_t sum = 0;
	size_t i;

	if (p->lookups)
		return 0;
	for (i = 0; i < p->n_sources; i++)
		sum += addrs_of(&p->sources[i]) * ports_of(&p->sources[i])->n_ports;
	return sum;
}

/* ---- look-ups ---- */

static void make_ready(struct plan *p, struct source *s)
{
	s->next_ready = NULL;
	*p->ready_tail = s;
	p->ready_tail = &s->next_ready;
}

static int add_races(struct plan *p, struct source *s)
{
	size_t n = ports_of(s)->n_ports;
	size_t i;

	if (p->n_groups + n > p->cap_groups) {
		size_t cap = 2 * (p->n_groups + n);
		struct group *groups = realloc(p->groups, cap * sizeof(*groups));

		if (!groups)
			return -ENOMEM;
		p->groups = groups;
		p->cap_groups = cap;
	}
	for (i = 0; i < n; i++)
		p->groups[p->n_groups++] =
			(struct group){ .source = s->index, .port_index = i };
	return 0;
}

static void lookup_failed(struct source *s, enum port_reason reason, const char *why)
{
	struct plan *p = s->plan;
	const struct port_list *ports = ports_of(s);
	size_t i;

	s->lookup = LOOKUP_FAILED;
	for (i = 0; i < ports->n_ports; i++) {
		struct result r = { .state = state_of_reason(reason, 0, false),
				    .reason = reason,
				    .connect_ns = -1,
				    .race_ns = -1,
				    .kernel_rtt_ns = -1,
				    .held_ns = -1,
				    .name_why = why };
		int protocol;

		r.check = (struct check){ .target = s->index,
					  .port_index = i,
					  .resolve_ns = s->resolve_ns };
		port_list_at(ports, i, &r.check.port, &protocol);
		r.check.protocol = (uint8_t)protocol;
		p->failed(p->arg, &r);
	}
}

static void start_lookups(struct plan *p);

static void lookup_over(struct source *s)
{
	loop_timer_cancel(s->plan->loop, &s->deadline);
	s->plan->lookups--;
	s->plan->lookups_running--;
	s->plan->woke = true;
}

static void lookup_late(struct loop_timer *timer)
{
	struct source *s = container_of(timer, struct source, deadline);
	struct plan *p = s->plan;
	char human[CLOCK_HUMAN_SIZE], why[160];

	s->resolve_ns = p->loop->now_ns - s->asked_ns;
	lookup_over(s);
	clock_human(p->config->timeout_ns, human, sizeof(human));
	snprintf(why, sizeof(why), "the resolver gave no answer within %s", human);
	lookup_failed(s, REASON_NAME_FAILURE, why);
	start_lookups(p);
}

static void lookup_done(struct source *s, struct resolve_result *res)
{
	struct plan *p = s->plan;
	size_t i;

	s->resolve_ns = res->took_ns;
	lookup_over(s);
	if (res->status == 0 && !res->n_addrs) {
		lookup_failed(s, REASON_NAME_NO_ADDRESS, "the name has no IP address");
		return;
	}
	if (res->status != 0) {
		lookup_failed(s, res->reason, res->why);
		return;
	}
	s->addrs = res->addrs;
	s->n_addrs = res->n_addrs;
	res->addrs = NULL;
	for (i = 0; i < s->n_addrs; i++)
		s->addrs[i] = addr_unmap(&s->addrs[i]);
	s->lookup = LOOKUP_DONE;
	if (s->n_addrs > 1 && ports_of(s)->n_ports <= PLAN_RACE_PORTS) {
		if (add_races(p, s) < 0)
			lookup_failed(s, REASON_RESOURCE_LIMIT, "out of memory");
	} else {
		make_ready(p, s);
	}
}

static void resolver_event(struct loop_io *io, uint32_t events)
{
	struct plan *p = container_of(io, struct plan, resolver_io);
	struct resolve_result res;

	(void)events;
	while (resolver_take(p->resolver, &res)) {
		struct source *s = res.arg;

		/* A late one was given up already, perhaps in an earlier round. */
		if (s->lookup == LOOKUP_RUNNING &&
		    s->asked_ns <= clock_now_ns() - res.took_ns)
			lookup_done(s, &res);
		resolve_result_release(&res);
	}
	start_lookups(p);
}

static void start_lookups(struct plan *p)
{
	while (p->next_lookup < p->n_sources && p->lookups_running < LOOKUPS) {
		struct source *s = &p->sources[p->next_lookup++];
		int err;

		if (s->lookup != LOOKUP_WAITING)
			continue;
		s->lookup = LOOKUP_RUNNING;
		s->asked_ns = clock_now_ns();
		p->lookups_running++;
		err = resolver_submit(p->resolver, s->target->text, p->config->family, s);
		if (!err)
			err = loop_timer_set(p->loop, &s->deadline,
					     s->asked_ns + p->config->timeout_ns);
		if (err < 0) {
			lookup_over(s);
			lookup_failed(s, REASON_RESOURCE_LIMIT, strerror(-err));
		}
	}
}

/* ---- the round ---- */

int plan_create(struct plan **ret_plan, const struct portcheck_config *config,
		struct loop *loop, void (*failed)(void *arg, struct result *r), void *arg)
{
	struct plan *p = calloc(1, sizeof(*p));
	size_t i;

	if (!p)
		return -ENOMEM;
	p->config = config;
	p->loop = loop;
	p->failed = failed;
	p->arg = arg;
	p->resolver_io.fd = -1;
	p->n_sources = config->targets.n_targets;
	p->sources = calloc(p->n_sources, sizeof(*p->sources));
	if (!p->sources) {
		free(p);
		return -ENOMEM;
	}
	for (i = 0; i < p->n_sources; i++) {
		p->sources[i].plan = p;
		p->sources[i].index = i;
		p->sources[i].target = &config->targets.targets[i];
		p->sources[i].deadline.fn = lookup_late;
	}
	*ret_plan = p;
	return 0;
}

void plan_destroy(struct plan *p)
{
	size_t i;

	if (!p)
		return;
	loop_io_forget(p->loop, &p->resolver_io);
	resolver_destroy(p->resolver);
	for (i = 0; i < p->n_sources; i++) {
		loop_timer_cancel(p->loop, &p->sources[i].deadline);
		free(p->sources[i].addrs);
	}
	free(p->sources);
	free(p->groups);
	free(p);
}

/* The resolver's descriptor belongs to it, so the loop only borrows it. */
static int need_resolver(struct plan *p)
{
	int err;

	if (p->resolver)
		return 0;
	err = resolver_create(&p->resolver);
	if (err < 0)
		return err;
	p->resolver_io =
		(struct loop_io){ .fd = resolver_fd(p->resolver), .fn = resolver_event };
	err = loop_io_add(p->loop, &p->resolver_io, EPOLLIN);
	if (err < 0) {
		p->resolver_io.fd = -1;
		resolver_destroy(p->resolver);
		p->resolver = NULL;
	}
	return err;
}

int plan_start(struct plan *p)
{
	size_t i;

	p->ready = NULL;
	p->ready_tail = &p->ready;
	p->n_groups = p->first_group = 0;
	p->next_lookup = p->lookups = p->lookups_running = 0;
	for (i = 0; i < p->n_sources; i++) {
		struct source *s = &p->sources[i];

		loop_timer_cancel(p->loop, &s->deadline);
		free(s->addrs);
		s->addrs = NULL;
		s->n_addrs = 0;
		s->at = 0;
		s->resolve_ns = -1;
		s->lookup = LOOKUP_NONE;
		if (s->target->kind == TARGET_NAME) {
			int err = need_resolver(p);

			if (err < 0)
				return err;
			s->lookup = LOOKUP_WAITING;
			p->lookups++;
		} else {
			make_ready(p, s);
		}
	}
	start_lookups(p);
	return 0;
}

static void fill(const struct source *s, size_t port_index, const struct addr *addr,
		 struct check *ret_check)
{
	int64_t left = s->plan->config->timeout_ns - max_i64(s->resolve_ns, 0);
	int protocol;

	*ret_check = (struct check){ .target = s->index,
				     .addr = addr_unmap(addr),
				     .port_index = port_index,
				     .resolve_ns = s->resolve_ns,
				     /* A look-up that took nearly all leaves a little. */
				     .budget_ns = max_i64(left, 10 * NS_PER_MS) };
	port_list_at(ports_of(s), port_index, &ret_check->port, &protocol);
	ret_check->protocol = (uint8_t)protocol;
}

/* With very many addresses they follow closer, so that the last has half the time. */
static int64_t race_delay_ns(const struct source *s)
{
	return min_i64(PLAN_RACE_DELAY_NS,
		       s->plan->config->timeout_ns / (2 * (int64_t)s->n_addrs));
}

/* The next address of a race whose time has come. */
static bool next_in_race(struct plan *p, int64_t now_ns, struct check *ret_check,
			 int64_t *ret_when_ns)
{
	size_t i;

	for (i = p->first_group; i < p->n_groups; i++) {
		struct group *g = &p->groups[i];
		struct source *s = &p->sources[g->source];

		if (g->next_addr >= s->n_addrs) {
			if (i == p->first_group)
				p->first_group++;
			continue;
		}
		if (g->next_ns > now_ns) {
			*ret_when_ns = min_i64(*ret_when_ns, g->next_ns);
			continue;
		}
		if (!g->start_ns)
			g->start_ns = now_ns;
		fill(s, g->port_index, &s->addrs[g->next_addr], ret_check);
		ret_check->group = i + 1;
		g->next_addr++;
		g->next_ns = g->won ? now_ns : now_ns + race_delay_ns(s);
		ret_check->budget_ns = max_i64(
			ret_check->budget_ns - (now_ns - g->start_ns), 10 * NS_PER_MS);
		return true;
	}
	return false;
}

int plan_next(struct plan *p, int64_t now_ns, struct check *ret_check,
	      int64_t *ret_when_ns)
{
	struct source *s;

	*ret_when_ns = INT64_MAX;
	if (next_in_race(p, now_ns, ret_check, ret_when_ns))
		return 1;
	while ((s = p->ready)) {
		size_t n_ports = ports_of(s)->n_ports;
		uint64_t i = s->at / n_ports;

		if (i < addrs_of(s)) {
			struct addr a = s->addrs ? s->addrs[i]
						 : target_addr(s->target, i);

			fill(s, (size_t)(s->at % n_ports), &a, ret_check);
			s->at++;
			return 1;
		}
		p->ready = s->next_ready;
		if (!p->ready)
			p->ready_tail = &p->ready;
	}
	if (p->lookups || p->first_group < p->n_groups)
		return 0;
	return -1;
}

void plan_done(struct plan *p, struct result *r)
{
	struct group *g;

	if (!r->check.group)
		return;
	g = &p->groups[r->check.group - 1];
	/* A failure starts the next at once; so does success, for its verdict only. */
	g->next_ns = 0;
	if (r->state == STATE_OPEN && !g->won) {
		g->won = true;
		r->race_ns = p->loop->now_ns - g->start_ns;
	}
	/* One that fails quickly costs clients nothing. */
	r->beside_live = g->won && r->state != STATE_OPEN && r->state != STATE_ERROR &&
			 r->seen.waited_ns > PLAN_RACE_DELAY_NS;
}

bool plan_woke(struct plan *p)
{
	bool woke = p->woke;

	p->woke = false;
	return woke;
}
