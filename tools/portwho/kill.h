/*
 * --kill: get a port back.
 *
 * Only processes that hold a listening socket (UDP: a bound one) are ever signalled,
 * never clients, never process 1, never this process or one that it descends from. Each
 * is held by a pidfd from before its descriptors are looked at again until the signal is
 * sent, so that a process that took over the number is never hit.
 */
#ifndef PORTWHO_KILL_H
#define PORTWHO_KILL_H

#include "owners.h"
#include "portwho.h"

/* The whole job. The exit status. */
int kill_run(const struct portwho_config *config, struct owners *owners);

#endif
