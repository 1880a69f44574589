/*
 * portwho's command line.
 */
#ifndef PORTWHO_CONFIG_H
#define PORTWHO_CONFIG_H

#include "portwho.h"

/* Returned by who_config_parse() when there is work to do. */
#define WHO_CONFIG_RUN (-1)

/* Parse and check. WHO_CONFIG_RUN, and RET_CONFIG is to be released; or the exit status,
 * and what had to be said is out. ARGV must outlive the configuration. */
int who_config_parse(struct portwho_config *ret_config, int argc, char **argv);
void who_config_release(struct portwho_config *config);

#endif
