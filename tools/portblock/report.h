/*
 * From judgement to record: the columns of portblock's output.
 */
#ifndef PORTBLOCK_REPORT_H
#define PORTBLOCK_REPORT_H

#include "out.h"
#include "portblock.h"
#include "say.h"
#include "services.h"

enum block_column {
	BLOCK_TARGET,
	BLOCK_ADDRESS,
	BLOCK_FAMILY,
	BLOCK_PROTOCOL,
	BLOCK_PORT,
	BLOCK_SERVICE,
	BLOCK_STATE,
	BLOCK_REASON,
	BLOCK_VERDICT,
	BLOCK_WHERE,
	BLOCK_METHOD,
	BLOCK_BY,
	BLOCK_LAST_HOP,
	BLOCK_LAST_HOP_ADDRESS,
	BLOCK_TARGET_HOPS,
	BLOCK_CONFIDENCE,
	BLOCK_MESSAGE,
	BLOCK_CAPTURED,	 /* bool: the wire was watched */
	BLOCK_RULE,	 /* object or null: backend, family, table, chain, handle, hook,
			   verdict, text */
	BLOCK_HOPS,	 /* array: hop, address, state, rtt_ms, control_address */
	BLOCK_EVIDENCE,	 /* array: t_ms, kind, text, and port, ttl, hop, rtt_ms, count,
			   address where measured */
	BLOCK_RULED_OUT, /* array of strings */
	BLOCK_NEXT,	 /* array of strings */
};

extern const struct out_schema report_blocks;

/* Fill R (of report_blocks). */
void report_block(struct out_record *r, const struct portblock_config *config,
		  struct services *services, const struct findings *f,
		  const struct judgement *j, const struct account *a);

#endif
