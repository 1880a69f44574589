/*
 * From observation to verdict. Pure: no I/O, no clock.
 */
#ifndef PORTCHECK_VERDICT_H
#define PORTCHECK_VERDICT_H

#include "portcheck.h"

/*
 * Fill state, reason and detail of R from its check and observation. errno alone is never
 * a verdict where the error queue or the routing table knows more.
 */
void verdict_decide(struct result *r);
/* The sentence for people: what was seen and what it means, without target and state.
 * Foreign text in it is not escaped yet. */
void verdict_say(const struct result *r, struct buf *out);

#endif
