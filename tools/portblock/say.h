/*
 * What supports the judgement, what else it could have been, what to do. Pure.
 */
#ifndef PORTBLOCK_SAY_H
#define PORTBLOCK_SAY_H

#include "buf.h"
#include "portblock.h"

/* One piece of evidence; what was measured stands beside the text, so that a program need
 * not read it. */
struct evidence {
	double t_ms;	  /* since the study began */
	const char *kind; /* "syn", "answer", "wire", "control", "hop", "route",
			     "neighbour", "counter", "ttl", "tos", "after", "rule",
			     "capture", "name". Static. */
	char *text;	  /* one clause for a person; owned */
	/* What was measured; set where `has_…`, the rest is left out of the record. */
	bool has_port, has_ttl, has_hop, has_rtt, has_count;
	uint16_t port;
	uint8_t ttl;
	int hop;
	double rtt_ms;
	unsigned int count;
	struct addr address; /* AF_UNSPEC: none */
};

/* A list of lines. */
struct lines {
	char **items; /* owned */
	size_t n, cap;
	bool failed;
};

struct account {
	struct evidence *evidence;
	size_t n_evidence, cap_evidence;
	struct lines next;	/* commands to run, or advice; the most useful first */
	struct lines ruled_out; /* --explain: "not X: because Y" */
	bool failed;		/* memory */
};

/*
 * Tell it: the evidence in order of time, but each kind only as far as it bears on the
 * judgement (one line for a walk's ordinary hops together, one for each hop that
 * matters); at most about fifteen lines. CONFIG for the commands (-4, --netns, ...),
 * which are quoted for a shell and name tools that exist.
 */
void say_account(struct account *ret_account, const struct portblock_config *config,
		 const struct findings *f, const struct judgement *j);
void account_release(struct account *a);

#endif
