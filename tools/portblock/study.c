#include "study.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "study_private.h"
#include "udp_payload.h"
#include "walk.h"

/* When silent ports are tried again, from new source ports; the kernel repeats each SYN
 * as well. */
static const int64_t try_again_ns[] = { 500 * NS_PER_MS, 1200 * NS_PER_MS,
					2400 * NS_PER_MS };
/* Nothing that matters is later, once other answers came: a multiple of their time. */
#define PATIENCE_MIN_NS (150 * NS_PER_MS)
#define PATIENCE_RTTS	4
/* What is silent until then is probably blocked: the walk need not wait longer. */
#define SILENT_AFTER_NS (1 * NS_PER_S)
/* Behind a RST the real answer may still come. */
#define AFTERMATH_NS (150 * NS_PER_MS)
/* AF11 with no ECN bits (RFC 2597): harmless where it is known, and not zero. */
#define TOS_MARK      0x28
#define TOS_DSCP_BITS 0xfc

/* ---- one port ---- */

void subject_try(struct study *s, struct subject *t)
{
	struct probe *p;

	if (t->n_tries == TRIES_MAX)
		return;
	p = engine_probe(s->engine, t->f->protocol, t->f->port);
	if (!p)
		return;
	t->tries[t->n_tries++] = p;
	engine_start(s->engine, p);
}

/* Was P given enough time to be answered? Else it says nothing about loss. */
static bool had_time(const struct study *s, const struct probe *p, int64_t now_ns)
{
	return now_ns - p->sent_ns > 2 * s->rtt_ns + PATIENCE_MIN_NS;
}

void subject_harvest(struct study *s, struct subject *t)
{
	struct findings *f = t->f;
	int64_t now_ns = clock_now_ns();
	const struct probe *first = NULL;
	size_t i;

	f->tries = f->answered = f->resent = 0;
	f->kernel_kept_it = false;
	for (i = 0; i < t->n_tries; i++) {
		struct probe *p = t->tries[i];

		engine_look(p);
		f->kernel_kept_it |= p->kernel_kept_it;
		f->resent += p->resent;
		if (i < ARRAY_SIZE(f->sent_at_ns))
			f->sent_at_ns[i] = p->sent_ns;
		if (probe_answered(p) || had_time(s, p, now_ns))
			f->tries++;
		if (probe_answered(p) && !p->resent)
			f->answered++;
		if (probe_answered(p) && (!first || p->answered_ns < first->answered_ns))
			first = p;
	}
	t->first = first;
	/* Of several ways and machines behind a balancer each try may have met another: a
	 * RST to one is not contradicted by a SYN-ACK to the next. */
	f->wire = first ? first->wire : (struct wire_view){ 0 };
	for (i = 0; i < t->n_tries; i++)
		if (t->tries[i] != first)
			wire_view_add(&f->wire, &t->tries[i]->wire, !first);
	f->waited_ns = t->n_tries ? now_ns - t->tries[0]->sent_ns : 0;
	f->rtt_ns = f->answer_after_ns = -1;
	f->source = t->n_tries ? t->tries[0]->source
			       : (struct addr){ .family = AF_UNSPEC };
	f->source_port = t->n_tries ? t->tries[0]->local_port : 0;
	if (!first)
		return;
	f->answer = first->answer;
	f->error = first->error;
	f->icmp = first->icmp;
	f->icmp_ttl = first->icmp.ttl;
	f->rtt_ns = probe_rtt_ns(first);
	f->answer_after_ns = first->answered_ns - t->tries[0]->sent_ns;
	f->ttl = probe_ttl(first, &f->ttl_source);
	f->source = first->source;
	f->source_port = first->local_port;
	memcpy(f->said, first->said, sizeof(f->said));
	if (!first->resent && (!s->rtt_ns || f->rtt_ns < s->rtt_ns))
		s->rtt_ns = f->rtt_ns;
}

bool study_tos(struct study *s, uint16_t port, bool *ret_echoed)
{
	struct probe *p = engine_probe(s->engine, IPPROTO_TCP, port);

	if (!p)
		return false;
	p->tos = TOS_MARK;
	if (!engine_ask(s->engine, p, 4 * s->rtt_ns + PATIENCE_MIN_NS))
		return false;
	engine_run(s->engine, clock_now_ns() + NS_PER_MS, NULL, NULL);
	if (p->answer != ANSWER_RESET || !p->wire.reset.seen)
		return false;
	*ret_echoed = (p->wire.reset.tos & TOS_DSCP_BITS) == TOS_MARK;
	return true;
}

/* ---- all ports, first answers ---- */

static bool subject_answered(const struct subject *t)
{
	size_t i;

	for (i = 0; i < t->n_tries; i++)
		if (probe_answered(t->tries[i]))
			return true;
	return false;
}

static bool subjects_answered(void *arg)
{
	const struct study *s = arg;
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		if (!subject_answered(&s->subjects[i]))
			return false;
	return true;
}

static bool everything_answered(void *arg)
{
	const struct study *s = arg;
	size_t i;

	for (i = 0; i < s->n_controls; i++)
		if (s->control_probes[i] && !probe_answered(s->control_probes[i]))
			return false;
	return subjects_answered(arg);
}

static void harvest_all(struct study *s)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		subject_harvest(s, &s->subjects[i]);
	controls_harvest(s);
}

static void try_silent_again(struct study *s)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		if (!subject_answered(&s->subjects[i]))
			subject_try(s, &s->subjects[i]);
}

/* Until all have answered, or those that have not are probably blocked. */
static void ask_first(struct study *s)
{
	struct engine *e = s->engine;
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		subject_try(s, &s->subjects[i]);
	controls_start(s);
	engine_run(e, s->start_ns + try_again_ns[0], everything_answered, s);
	if (!everything_answered(s)) {
		try_silent_again(s);
		engine_run(e, s->start_ns + SILENT_AFTER_NS, subjects_answered, s);
	}
	harvest_all(s);
	if (subjects_answered(s) && !everything_answered(s)) {
		engine_run(e,
			   clock_now_ns() + PATIENCE_RTTS * s->rtt_ns + PATIENCE_MIN_NS,
			   everything_answered, s);
		harvest_all(s);
	}
}

/* A RST, and the real SYN-ACK behind it: only the wire can show that. */
static void watch_aftermath(struct study *s)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++) {
		if (s->subjects[i].f->answer != ANSWER_RESET || !s->engine->capture)
			continue;
		engine_run(s->engine, clock_now_ns() + AFTERMATH_NS + 2 * s->rtt_ns, NULL,
			   NULL);
		harvest_all(s);
		return;
	}
}

/* ---- the way ---- */

/* Whether the way to the port can teach anything. */
static bool wants_walk(const struct findings *f)
{
	switch (f->answer) {
	case ANSWER_ERROR:
		return false;
	case ANSWER_SYN_ACK:
	case ANSWER_REPLY:
		return false; /* study_answer.c walks when something is odd */
	case ANSWER_ICMP:
		return !f->icmp_from_self;
	case ANSWER_RESET:
		return !f->reset_is_local && !f->wire.reset.by_loopback;
	case ANSWER_NONE:
		break;
	}
	if (f->kernel_kept_it || (f->wire.watched && !f->wire.syns_out))
		return false;
	return f->neighbour != ROUTE_NEIGH_FAILED && f->neighbour != ROUTE_NEIGH_WAITING;
}

static void look_at_neighbour(struct study *s, struct findings *f)
{
	const struct route *r = &f->route;
	bool via = r->gateway.family != AF_UNSPEC;

	if (!s->routes || !f->route_known || r->kind != ROUTE_UNICAST || !r->interface)
		return;
	if (route_neighbour(s->routes, via ? &r->gateway : &s->engine->addr, r->interface,
			    &f->neighbour) < 0)
		f->neighbour = ROUTE_NEIGH_UNKNOWN;
}

static bool is_self(const struct study *s, const struct addr *addr)
{
	struct route route;

	return s->routes && addr->family != AF_UNSPEC &&
	       route_lookup(s->routes, addr, NULL, 0, &route) == 0 &&
	       route.kind == ROUTE_LOCAL;
}

/* What the machine itself knows, before anything is walked. */
static void look_around(struct study *s)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++) {
		struct findings *f = s->subjects[i].f;

		if (f->answer == ANSWER_ICMP)
			f->icmp_from_self = is_self(s, &f->icmp.from);
		look_at_neighbour(s, f);
	}
}

static void walk_all(struct study *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		any = any || wants_walk(s->subjects[i].f);
	if (!any)
		return;
	controls_walk(s);
	for (i = 0; i < s->n_subjects; i++) {
		struct findings *f = s->subjects[i].f;

		if (wants_walk(f) && !engine_stopped(s->engine))
			walk_run(s->engine, &f->walk, f->protocol, f->port,
				 &s->control_walk, s->rtt_ns, f->answer != ANSWER_NONE);
	}
}

/* ---- the rest of the silence ---- */

static void wait_out(struct study *s)
{
	int64_t end_ns = s->start_ns + s->config->timeout_ns;
	size_t i;

	for (i = 1; i < ARRAY_SIZE(try_again_ns) && !subjects_answered(s); i++) {
		int64_t at_ns = s->start_ns + try_again_ns[i];

		if (at_ns + PATIENCE_MIN_NS > end_ns)
			break;
		engine_run(s->engine, at_ns, subjects_answered, s);
		if (!subjects_answered(s))
			try_silent_again(s);
	}
	engine_run(s->engine, end_ns, subjects_answered, s);
	/* The last try gets its time, too, when the walk took most of the timeout. */
	if (!subjects_answered(s))
		engine_run(s->engine, clock_now_ns() + PATIENCE_MIN_NS + 2 * s->rtt_ns,
			   subjects_answered, s);
	harvest_all(s);
	look_around(s);
}

static void stop_tries(struct study *s)
{
	size_t i, k;

	for (i = 0; i < s->n_subjects; i++)
		for (k = 0; k < s->subjects[i].n_tries; k++)
			engine_stop(s->engine, s->subjects[i].tries[k]);
	for (i = 0; i < s->n_controls; i++)
		if (s->control_probes[i])
			engine_stop(s->engine, s->control_probes[i]);
}

static void after_answers(struct study *s)
{
	size_t i;

	after_accept(s);
	for (i = 0; i < s->n_subjects && !engine_stopped(s->engine); i++) {
		struct subject *t = &s->subjects[i];

		if (t->f->answer == ANSWER_RESET)
			after_reset(s, t);
		else if (t->f->answer == ANSWER_NONE)
			after_silence(s, t);
	}
}

/* ---- beginning and end ---- */

static void begin(struct study *s, const struct addr *addr)
{
	int interface =
		s->config->interface[0] ? (int)if_nametoindex(s->config->interface) : 0;
	struct route route = { .kind = ROUTE_UNICAST };
	bool known = s->routes && route_lookup(s->routes, addr, &s->config->source,
					       interface, &route) == 0;
	size_t i;

	for (i = 0; i < s->n_subjects; i++) {
		struct findings *f = s->subjects[i].f;
		const struct udp_service *service = udp_service_of_port(f->port);

		f->addr = *addr;
		f->start_ns = clock_now_ns();
		f->start_wall_ns = clock_wall_ns();
		f->route = route;
		f->route_known = known;
		if (f->protocol == IPPROTO_UDP && service)
			f->silent_note = service->silent_note;
	}
	engine_begin(s->engine, addr, known && route.kind == ROUTE_LOCAL);
	s->start_ns = clock_now_ns();
}

static void finish(struct study *s)
{
	struct engine *e = s->engine;
	unsigned int lost = e->capture ? capture_lost(e->capture) : 0;
	size_t i;

	for (i = 0; i < s->n_subjects; i++) {
		struct findings *f = s->subjects[i].f;

		memcpy(f->controls, s->controls, sizeof(f->controls));
		f->n_controls = s->n_controls;
		f->control_walk = s->control_walk;
		f->captured = e->capture != NULL;
		f->capture_dropped = lost;
		f->interrupted = e->signal != 0;
		f->end_ns = clock_now_ns();
		f->end_wall_ns = clock_wall_ns();
	}
}

int study_host(struct engine *e, const struct portblock_config *config,
	       struct route_table *routes, const struct addr *addr, struct findings *f,
	       size_t n)
{
	struct study s = { .engine = e, .config = config, .routes = routes };
	struct addr scoped = *addr;
	size_t i;

	/* -I says on which link it is; what answers has this scope. */
	if (addr->family == AF_INET6 && addr_is_link_local(addr) && !addr->scope)
		scoped.scope = if_nametoindex(config->interface);
	for (i = 0; i < n && i < PORTBLOCK_MAX_PORTS; i++)
		s.subjects[s.n_subjects++].f = &f[i];
	begin(&s, &scoped);
	ask_first(&s);
	watch_aftermath(&s);
	look_around(&s);
	controls_measure(&s);
	walk_all(&s);
	wait_out(&s);
	stop_tries(&s);
	if (!engine_stopped(e))
		after_answers(&s);
	finish(&s);
	return e->error;
}
