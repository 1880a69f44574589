/*
 * --rule: which rule of this machine's own firewall took the packet.
 *
 * nftables and iptables-nft by nftrace: a table of our own (flags owner: the kernel
 * removes it when our socket closes, also after kill -9; since Linux 5.12) sets meta
 * nftrace for one 5-tuple, and marks how far its packets get; the trace comes by
 * nfnetlink; the rule's text from the ruleset. iptables-legacy, which nftrace does not
 * see, by the difference of its counters. Needs CAP_NET_ADMIN, and nothing else: no
 * program is run.
 *
 * libnftables and libnftnl are loaded when this is first used, and not before.
 */
#ifndef PORTBLOCK_RULE_H
#define PORTBLOCK_RULE_H

#include "portblock.h"

struct rule_trace;

/* Begin to trace what goes from this machine to ADDR's PORT of PROTOCOL and what comes
 * back. 0; -errno with RET_WHY in words (-EPERM: CAP_NET_ADMIN, -ENOSYS: a library or the
 * kernel's support is missing). */
PK_MUST_CHECK int rule_begin(struct rule_trace **ret_trace, const struct addr *addr,
			     uint16_t port, uint8_t protocol, char *ret_why,
			     size_t why_size);
/* Look only at packets that were sent from SOURCE_PORT: other programs may talk to the
 * same port meanwhile. 0: at the first that were sent. */
void rule_only(struct rule_trace *t, uint16_t source_port);
/* After packets were sent: read the trace, take the table away again, find the rule that
 * dropped or rejected the first packet, or else the first answer. RET_RULE says whether
 * one was found, else why not. Frees the trace. NULL is accepted. */
void rule_end(struct rule_trace *t, struct rule_found *ret_rule);

#endif
