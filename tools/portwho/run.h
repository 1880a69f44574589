/*
 * What portwho does.
 */
#ifndef PORTWHO_RUN_H
#define PORTWHO_RUN_H

#include "portwho.h"

/* The exit status; all messages are out. */
int run_portwho(const struct portwho_config *config);

#endif
