/*
 * Inside a study: what study.c shares with study_host.c, study_answer.c and
 * study_silence.c.
 */
#ifndef PORTBLOCK_STUDY_PRIVATE_H
#define PORTBLOCK_STUDY_PRIVATE_H

#include "study.h"

/* ---- study_control.c: the host, asked elsewhere ---- */

void controls_start(struct study *s);
/* Read what the controls' probes have by now. */
void controls_harvest(struct study *s);
/* Measure what only takes time where it is needed: the TTL of a RST without a capture,
 * whether a RST echoes the type of service. */
void controls_measure(struct study *s);
/* The way to the control that tells the most. */
void controls_walk(struct study *s);
/* How many routers away the host is, by the answers that are its own; -1: not known. */
int host_distance(const struct study *s);
/* The TTL that goes with it, 0: not known. */
uint8_t host_ttl(const struct study *s);

/* A high port, where nobody should listen, was accepted: an accept says nothing here. */
bool host_accepts_all(const struct study *s);

/* ---- study_answer.c: after an answer ---- */

void after_reset(struct study *s, struct subject *t);
void after_accept(struct study *s);

/* ---- study_silence.c: after none ---- */

void after_silence(struct study *s, struct subject *t);

/* ---- study.c ---- */

/* Start one more try of T, unless it has enough. */
void subject_try(struct study *s, struct subject *t);
/* Read what T's tries have by now. */
void subject_harvest(struct study *s, struct subject *t);
/* A SYN with this type of service to PORT: did the RST echo it? Sets *RET_ECHOED and
 * returns true when a RST was seen on the wire. */
bool study_tos(struct study *s, uint16_t port, bool *ret_echoed);

#endif
