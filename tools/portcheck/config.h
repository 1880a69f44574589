/*
 * From the command line to the configuration.
 */
#ifndef PORTCHECK_CONFIG_H
#define PORTCHECK_CONFIG_H

#include "portcheck.h"

/* CONFIG_RUN: *RET_CONFIG is set and the caller releases it; else the exit status,
 * messages and help are out, and there is nothing to release. */
#define CONFIG_RUN (-1)

int config_parse(struct portcheck_config *ret_config, int argc, char **argv);
void config_release(struct portcheck_config *config);

#endif
