/*
 * What rule_nft.c and rule_ruleset.c share.
 */
#ifndef PORTBLOCK_RULE_NFT_H
#define PORTBLOCK_RULE_NFT_H

#include "rule_private.h"
#include "rule_load.h"

struct rule_nft {
	struct rule_load load;
	struct nft_ctx *owner; /* its socket owns our table: gone with it */
	struct mnl_socket *trace;
	struct mnl_socket *asking;
	unsigned int sequence;
	struct rule_chains chains;
	struct rule_history history;
	char table[48];
	bool lost;
	unsigned int n_messages;
};

/* Begin a message of nftables (NFT_MSG_*) in BUFFER. */
struct nlmsghdr *rule_nft_message(struct rule_nft *nft, char *buffer, int type,
				  uint8_t family, int flags);
/* Send NLH and give what is answered to FN. 0 or -errno. */
PK_MUST_CHECK int rule_nft_ask(struct rule_nft *nft, const struct nlmsghdr *nlh,
			       mnl_cb_t fn, void *arg);

#endif
