/*
 * What all results together answer.
 *
 * A question is one port of one address, or, for a name, one port of the name: there one
 * open address is enough, as for a client, unless every one is demanded.
 */
#ifndef PORTCHECK_TALLY_H
#define PORTCHECK_TALLY_H

#include "portcheck.h"

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_UNKNOWN };

struct tally {
	const struct portcheck_config *config;
	uint8_t **names; /* one a name: seen bits of each port; else NULL */
	/* Questions of other targets, already answered. */
	uint64_t open, not_open, unknown;
	bool resolver_failed;
};

struct tally_counts {
	uint64_t open;	     /* questions answered yes */
	uint64_t not_open;   /* no, seen on the network */
	uint64_t unresolved; /* no, for want of an address */
	uint64_t unknown;    /* could not be tested */
};

/* 0 or -ENOMEM. */
PK_MUST_CHECK int tally_init(struct tally *t, const struct portcheck_config *config);
void tally_release(struct tally *t);
/* Forget all results: a new round. */
void tally_clear(struct tally *t);
void tally_add(struct tally *t, const struct result *r);
struct tally_counts tally_count(const struct tally *t);
/* NO as soon as one question is; UNKNOWN if none is, but some could not be tested. */
enum answer tally_answer(const struct tally *t);
/* Has what --wait, --until and --any ask for come true? */
bool tally_reached(const struct tally *t);

#endif
