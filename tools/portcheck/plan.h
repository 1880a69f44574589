/*
 * Targets and ports become checks, in order, as they are asked for.
 *
 * Names are looked up first, several at a time, each within the timeout. The addresses of
 * a name race for each port as RFC 8305 5 says: the next one starts 250 ms after the one
 * before, or as soon as that one failed; once one is open the others start at once, since
 * every address gets its own verdict. Where a name is asked for many ports, nothing is
 * gained by racing and all addresses are taken as they come.
 */
#ifndef PORTCHECK_PLAN_H
#define PORTCHECK_PLAN_H

#include "loop.h"
#include "portcheck.h"
#include "resolve.h"

/* RFC 8305 5: Connection Attempt Delay, recommended value. */
#define PLAN_RACE_DELAY_NS (250 * NS_PER_MS)
#define PLAN_RACE_PORTS	   16

struct plan;

/* FAILED is called for each target that can't be looked up, once for each of its
 * ports, with a result of state unresolved. 0 or -errno. */
PK_MUST_CHECK int plan_create(struct plan **ret_plan,
			      const struct portcheck_config *config, struct loop *loop,
			      void (*failed)(void *arg, struct result *r), void *arg);
void plan_destroy(struct plan *p);

/* Begin (again): names are looked up anew. 0 or -errno. */
PK_MUST_CHECK int plan_start(struct plan *p);
/* As probe_source.next. */
int plan_next(struct plan *p, int64_t now_ns, struct check *ret_check,
	      int64_t *ret_when_ns);
/* Tell the plan of a result: races go on, race_ns and beside_live are set in R. */
void plan_done(struct plan *p, struct result *r);
/* Since the last call, did a look-up end? Then plan_next() may have something new. */
bool plan_woke(struct plan *p);
/* Checks in all; 0 while names are still looked up. */
uint64_t plan_total(const struct plan *p);
/* An upper estimate known before anything is looked up: names count with one address. */
uint64_t plan_estimate(const struct portcheck_config *config);

#endif
