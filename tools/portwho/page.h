/*
 * A port's page: all that is known of the listeners of one port.
 */
#ifndef PORTWHO_PAGE_H
#define PORTWHO_PAGE_H

#include "buf.h"
#include "portwho.h"
#include "report.h"
#include "traffic.h"

/* The port that is asked for, of one protocol or several; 0: none, or more than one. */
uint16_t page_port(const struct port_list *ports);
/* Is the answer a page, not a table: one port number was asked for, or -v? */
bool page_is_wanted(const struct portwho_config *config);

/* Append the page of all of S's listeners to OUT, TRAFFIC as traffic_find() gave it.
 * 0 or -errno. */
PK_MUST_CHECK int page_draw(struct buf *out, const struct portwho_config *config,
			    struct naming *names, const struct snapshot *s,
			    const struct traffic *traffic, bool color);

#endif
