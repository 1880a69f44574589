/*
 * The host, asked elsewhere: is it there, how far, and how does it answer when nothing is
 * in the way?
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "study_private.h"
#include "ttl_search.h"
#include "walk.h"
#include "words.h"

/* Where somebody most often listens. */
static const uint16_t common_ports[] = { 22, 80, 443 };
/* High ports where nobody should listen, outside most systems' ephemeral range (Linux:
 * 32768-60999, RFC 6335: 49152-65535) and away from services. */
#define HIGH_FIRST 61000
#define HIGH_COUNT 4000
#define HIGH_PORTS 2

static bool is_asked(const struct study *s, uint8_t protocol, uint16_t port)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		if (s->subjects[i].f->protocol == protocol &&
		    s->subjects[i].f->port == port)
			return true;
	for (i = 0; i < s->n_controls; i++)
		if (s->controls[i].protocol == protocol && s->controls[i].port == port)
			return true;
	return false;
}

static void add(struct study *s, uint8_t protocol, uint16_t port, bool high)
{
	struct probe *p;

	if (s->n_controls == CONTROLS_MAX || is_asked(s, protocol, port))
		return;
	p = engine_probe(s->engine, protocol, port);
	if (!p)
		return;
	s->controls[s->n_controls] = (struct control){
		.protocol = protocol, .port = port, .high = high, .rtt_ns = -1
	};
	s->control_probes[s->n_controls++] = p;
	engine_start(s->engine, p);
}

static uint16_t high_port(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint16_t)(HIGH_FIRST + (*seed >> 33) % HIGH_COUNT);
}

void controls_start(struct study *s)
{
	uint64_t seed = (uint64_t)clock_now_ns();
	size_t i;

	for (i = 0; i < HIGH_PORTS; i++)
		add(s, IPPROTO_TCP, high_port(&seed), true);
	for (i = 0; i < ARRAY_SIZE(common_ports); i++)
		add(s, IPPROTO_TCP, common_ports[i], false);
	add(s, IPPROTO_UDP, high_port(&seed), true);
	add(s, IPPROTO_ICMP, 0, false);
	/* Other asked ports serve as well; their probes are their subjects'. */
	for (i = 0; i < s->n_subjects && s->n_subjects > 1; i++) {
		if (s->n_controls == CONTROLS_MAX)
			break;
		s->controls[s->n_controls] =
			(struct control){ .protocol = s->subjects[i].f->protocol,
					  .port = s->subjects[i].f->port,
					  .asked = true,
					  .rtt_ns = -1 };
		s->control_probes[s->n_controls++] = NULL;
	}
}

static void take(struct study *s, struct control *c, const struct probe *p)
{
	enum ttl_source source;
	uint8_t ttl = probe_ttl(p, &source);

	c->answer = p->answer;
	c->icmp = p->icmp;
	c->at_ns = p->answered_ns;
	c->rtt_ns = probe_rtt_ns(p);
	if (ttl) {
		c->ttl = ttl;
		c->ttl_source = source;
	}
	c->tries = 1 + p->resent;
	if (p->answer != ANSWER_ERROR && !p->resent && c->rtt_ns > 0 &&
	    (!s->rtt_ns || c->rtt_ns < s->rtt_ns))
		s->rtt_ns = c->rtt_ns;
}

void controls_harvest(struct study *s)
{
	size_t i, k;

	for (i = 0; i < s->n_controls; i++) {
		struct control *c = &s->controls[i];

		if (s->control_probes[i]) {
			if (probe_answered(s->control_probes[i]))
				take(s, c, s->control_probes[i]);
			else
				c->tries = 1;
			continue;
		}
		for (k = 0; k < s->n_subjects; k++)
			if (s->subjects[k].f->port == c->port &&
			    s->subjects[k].f->protocol == c->protocol &&
			    s->subjects[k].first)
				take(s, c, s->subjects[k].first);
	}
}

/* Who answers in the host's stead is nearer, never farther. */
static const struct control *farthest(const struct study *s)
{
	const struct control *best = NULL;
	size_t i;

	for (i = 0; i < s->n_controls; i++) {
		const struct control *c = &s->controls[i];

		if (!c->ttl || !control_is_of_host(&s->engine->addr, c))
			continue;
		if (!best || ttl_distance(c->ttl) > ttl_distance(best->ttl))
			best = c;
	}
	return best;
}

int host_distance(const struct study *s)
{
	const struct control *c = farthest(s);

	return c ? ttl_distance(c->ttl) : -1;
}

uint8_t host_ttl(const struct study *s)
{
	const struct control *c = farthest(s);

	return c ? c->ttl : 0;
}

static bool any_answer(const struct study *s, enum answer answer)
{
	size_t i;

	for (i = 0; i < s->n_subjects; i++)
		if (s->subjects[i].f->protocol == IPPROTO_TCP &&
		    s->subjects[i].f->answer == answer)
			return true;
	return false;
}

/* A closed port's RST, and an open port's SYN-ACK, for comparison. */
static struct control *tcp_control(struct study *s, enum answer answer)
{
	size_t i;

	for (i = 0; i < s->n_controls; i++)
		if (s->controls[i].protocol == IPPROTO_TCP && !s->controls[i].asked &&
		    s->controls[i].answer == answer)
			return &s->controls[i];
	return NULL;
}

void controls_measure(struct study *s)
{
	struct control *reset = tcp_control(s, ANSWER_RESET);
	struct control *accept = tcp_control(s, ANSWER_SYN_ACK);
	struct control *both[] = { accept, reset };
	size_t i;

	if (!any_answer(s, ANSWER_RESET))
		return;
	if (s->engine->capture && reset)
		reset->tos_known = study_tos(s, reset->port, &reset->tos_echoed);
	for (i = 0; i < ARRAY_SIZE(both) && !engine_stopped(s->engine); i++) {
		if (!both[i] || both[i]->ttl)
			continue;
		both[i]->ttl = ttl_search(s->engine, both[i]->port, s->rtt_ns);
		if (both[i]->ttl)
			both[i]->ttl_source = TTL_BISECTED;
	}
}

bool host_accepts_all(const struct study *s)
{
	size_t i;

	for (i = 0; i < s->n_controls; i++)
		if (s->controls[i].high && s->controls[i].answer == ANSWER_SYN_ACK)
			return true;
	return false;
}

/* The more surely the answer is the host's own, the better; among those TCP, since rules
 * differ by protocol. 0: no use. */
static int walk_rank(const struct study *s, const struct control *c)
{
	bool near = c->ttl && ttl_distance(c->ttl) < host_distance(s);

	if (c->answer == ANSWER_ERROR)
		return 0;
	if (control_is_of_host(&s->engine->addr, c) && !near) {
		if (c->protocol == IPPROTO_UDP)
			return 5;
		if (c->protocol == IPPROTO_ICMP)
			return 4;
		return c->ttl || (c->answer == ANSWER_SYN_ACK && !host_accepts_all(s))
			       ? 6
			       : 3;
	}
	/* Nothing answers, but another port may get further than the asked one. */
	return c->protocol == IPPROTO_TCP && c->high ? 1 : 0;
}

static const struct control *best_for_walk(const struct study *s)
{
	const struct control *best = NULL;
	size_t i;

	for (i = 0; i < s->n_controls; i++)
		if (walk_rank(s, &s->controls[i]) > (best ? walk_rank(s, best) : 0))
			best = &s->controls[i];
	return best;
}

void controls_walk(struct study *s)
{
	const struct control *c = best_for_walk(s);

	if (c && !engine_stopped(s->engine))
		walk_run(s->engine, &s->control_walk, c->protocol, c->port, NULL,
			 s->rtt_ns, control_is_of_host(&s->engine->addr, c));
}
