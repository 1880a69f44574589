/*
 * Inside the judgement: what its files share.
 */
#ifndef PORTBLOCK_JUDGE_PRIVATE_H
#define PORTBLOCK_JUDGE_PRIVATE_H

#include "judge.h"

void conclude(struct judgement *j, enum cause cause, enum verdict verdict,
	      enum where where, enum method method, enum confidence confidence);

/* ---- judge_distance.c ---- */

/* Routers that the controls' answers passed, the farthest of each kind; -1: none. */
struct distances {
	int own; /* of the address's owner: ping, its ICMP errors */
	int own_least;
	int closed; /* RSTs */
	int open;   /* services, which may be forwarded to somebody farther away */
	int host;   /* of all */
};

struct distances judge_distances(const struct findings *f);
/* The hop at which the target's own address said time exceeded: it passes packets on, as
 * NAT does. 0: none. */
unsigned int judge_own_hop(const struct findings *f);

enum nearness {
	NEARNESS_NONE,	/* not nearer than the host, or not known */
	NEARNESS_MAYBE, /* nearer than what may be forwarded */
	NEARNESS_SURE,
};

/* Was an answer that passed D routers made by somebody in front of the host? */
enum nearness judge_nearness(const struct findings *f, int d);
/* Has a farther answer of the host the same initial TTL as this one? */
bool judge_is_comparable(const struct findings *f, uint8_t ttl);
/* Who answered stands D routers away. */
void blame_box_at(struct judgement *j, const struct findings *f, int d);
/* The same of the answer to a SYN, unless the hop at which it came says otherwise. */
void blame_box_on_way(struct judgement *j, const struct findings *f, int d);
/* It came for a SYN that could pass fewer routers than its TTL says (or it has none). */
bool judge_came_too_early(const struct findings *f, int d);
/* It came only for SYNs that could pass more than even a router's answer would need. */
bool judge_came_too_late(const struct findings *f, int d);

/* ---- by what was answered ---- */

void judge_silence(struct judgement *j, const struct findings *f);
void judge_reset(struct judgement *j, const struct findings *f);
void judge_icmp(struct judgement *j, const struct findings *f);
void judge_error(struct judgement *j, const struct findings *f);

#endif
