/*
 * A whole run: open what needs privilege, drop it, resolve, study, judge, report.
 */
#ifndef PORTBLOCK_RUN_H
#define PORTBLOCK_RUN_H

#include "portblock.h"

/* Returns the exit status; messages are out. */
int run_portblock(const struct portblock_config *config);

#endif
