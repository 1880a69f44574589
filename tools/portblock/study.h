/*
 * The experiments: everything that is asked about the ports of one address.
 *
 * In this order, each only where it can still teach something: connections to the ports
 * and to a few control ports of the same host; the way to a control and to each port, hop
 * by hop; then what the answer calls for: where a RST was made, whether an accepted
 * connection stays, whether silence is this machine's own doing. What was seen is in the
 * findings; nothing is concluded here that judge.h concludes.
 */
#ifndef PORTBLOCK_STUDY_H
#define PORTBLOCK_STUDY_H

#include "engine.h"
#include "rule.h"

#define TRIES_MAX 8

/* One port under study. */
struct subject {
	struct findings *f;
	struct probe *tries[TRIES_MAX];
	size_t n_tries;
	const struct probe *first; /* the try that was answered first */
};

struct study {
	struct engine *engine;
	const struct portblock_config *config;
	struct route_table *routes; /* NULL: none to be had */
	struct subject subjects[PORTBLOCK_MAX_PORTS];
	size_t n_subjects;
	struct control controls[CONTROLS_MAX];
	struct probe *control_probes[CONTROLS_MAX];
	size_t n_controls;
	struct walk control_walk;
	int64_t start_ns;
	int64_t rtt_ns; /* the shortest round trip to the host so far, 0: unknown */
};

/*
 * Study the N ports of ADDR whose findings stand in F, each with target, port, protocol
 * and name fields set and the rest zero; fill them in. Cut short by a signal (findings
 * say interrupted). 0 or -errno.
 */
int study_host(struct engine *e, const struct portblock_config *config,
	       struct route_table *routes, const struct addr *addr, struct findings *f,
	       size_t n);

#endif
