/*
 * --watch: what is opened, closed, or changes hands, as it happens.
 *
 * The sockets are listed again at each interval, which takes milliseconds, and only new
 * ones are looked up among the processes. What is opened and closed between two looks is
 * not seen.
 */
#ifndef PORTWHO_WATCH_H
#define PORTWHO_WATCH_H

#include "owners.h"
#include "portwho.h"

/* The whole job. The exit status. */
int watch_run(const struct portwho_config *config, struct owners *owners);

#endif
