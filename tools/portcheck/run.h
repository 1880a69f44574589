/*
 * One run of the tool: once, repeatedly, or until something comes true.
 */
#ifndef PORTCHECK_RUN_H
#define PORTCHECK_RUN_H

#include "portcheck.h"

/* Returns the exit status; or runs the configuration's command in this process's
 * place, or ends by the signal that interrupted it. */
int run_portcheck(const struct portcheck_config *config);

#endif
