/*
 * From the command line to the configuration.
 */
#ifndef PORTBLOCK_CONFIG_H
#define PORTBLOCK_CONFIG_H

#include "portblock.h"

/* CONFIG_RUN: *RET_CONFIG is set and the caller releases it; else the exit status,
 * messages and help are out, and there is nothing to release. */
#define CONFIG_RUN (-1)

int config_parse(struct portblock_config *ret_config, int argc, char **argv);
void config_release(struct portblock_config *config);

#endif
