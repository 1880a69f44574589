/*
 * The way from this machine to the target as a list of stations, with the block at its
 * place; show.c and the ticket draw it. Pure.
 */
#ifndef PORTBLOCK_PICTURE_H
#define PORTBLOCK_PICTURE_H

#include "portblock.h"

enum picture_kind {
	PICTURE_SELF,
	PICTURE_HOP,
	PICTURE_SILENT, /* a hop, or several, whose address nobody told */
	PICTURE_TARGET,
	PICTURE_BLOCK, /* the place where it is blocked: a mark between two stations */
	PICTURE_BLOCK_HERE, /* the block is at the station before */
};

/* All texts are printable as they are. */
struct picture_item {
	enum picture_kind kind;
	char name[ADDR_TEXT_SIZE];    /* "this machine", "hop 2", "hops 3-5", "target" */
	char address[ADDR_TEXT_SIZE]; /* "" if not known */
	char note[120]; /* "1.2 ms", "port 22 answers", "the SYN is dropped here" */
	bool beyond;	/* the SYN is not seen there: drawn faint */
};

#define PICTURE_MAX (HOPS_MAX + 8)

/* Returns how many items it wrote: none where there is nothing to draw, because the name
 * has no address or the test did not come about. The first is PICTURE_SELF, the last
 * PICTURE_TARGET or a PICTURE_BLOCK_HERE behind it; at most one is a block. */
size_t picture_of(const struct findings *f, const struct judgement *j,
		  struct picture_item items[PICTURE_MAX]);

#endif
