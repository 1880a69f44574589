/*
 * One look at everything: the sockets, who holds them, what the filter leaves.
 */
#ifndef PORTWHO_LOOK_H
#define PORTWHO_LOOK_H

#include <errno.h>

#include "owners.h"
#include "portwho.h"

/* Returned instead of another -errno when it was said on stderr what it is. */
#define LOOK_SAID (-ECANCELED)

/* Into S, which is empty: the sockets alone, as far as the filter can tell without
 * processes. 0 or -errno. */
PK_MUST_CHECK int look_sockets(const struct portwho_config *config, struct owners *owners,
			       struct snapshot *s);
/* Say what was asked for and could not be listed. */
void look_warn(const struct snapshot *s);
/* Who holds what look_sockets() found, and what of it is gone by now. 0 or -errno. */
PK_MUST_CHECK int look_owners(const struct portwho_config *config, struct owners *owners,
			      bool all, struct snapshot *s);
/* All of it. ALL: search all processes for holders (owners.h). 0 or -errno. */
PK_MUST_CHECK int look(const struct portwho_config *config, struct owners *owners,
		       bool all, struct snapshot *s);

#endif
