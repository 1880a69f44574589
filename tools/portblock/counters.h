/*
 * Does this machine drop what arrives? The kernel's own counters, no privilege needed.
 *
 * /proc/net/snmp and snmp6 (RFC 4293: ipSystemStatsInReceives, InDelivers,
 * OutForwDatagrams): what was received, and neither delivered nor forwarded, was dropped
 * in between, by the input filter or by the reverse-path filter, which counts in
 * /proc/net/netstat (IPReversePathFilter).
 */
#ifndef PORTBLOCK_COUNTERS_H
#define PORTBLOCK_COUNTERS_H

#include "base.h"

struct counters {
	int64_t vanished; /* received, not delivered, not forwarded */
	int64_t rp_filter;
};

/* Of this network namespace. FAMILY: AF_INET, AF_INET6. 0 or -errno. */
PK_MUST_CHECK int counters_read(int family, struct counters *ret_counters);
/* The value of NAME in the text of such a file: LINES of names and values in pairs with
 * GROUP in front ("Ip", "IpExt"), or, GROUP NULL, a name and a value a line. 0 or
 * -ENOENT. Pure. */
PK_MUST_CHECK int counters_find(const char *text, const char *group, const char *name,
				int64_t *ret_value);

#endif
