/*
 * The text form: verdict, path with the block at its place, evidence, what to do next.
 */
#ifndef PORTBLOCK_SHOW_H
#define PORTBLOCK_SHOW_H

#include "buf.h"
#include "picture.h"
#include "portblock.h"
#include "say.h"

struct show_style {
	bool color;
	bool utf8;	    /* the locale's; else the picture is ASCII */
	unsigned int width; /* columns; evidence is wrapped to it */
	bool first;	    /* no blank line in front */
};

/*
 * Append the whole block for one port to OUT:
 *
 *	example.com:25 (smtp) at 10.77.3.2: dropped on the path, after hop 2 [high]
 *	  <message>
 *
 *	  (the picture: this machine, hops, target, top to bottom, the block marked)
 *
 *	  Evidence
 *	     0.0 ms  ...
 *	  Next
 *	    ...
 *	  Other causes          (--explain)
 *	    ...
 *
 * SERVICE: "smtp" or "". An open port is one line and no picture, unless verbose or
 * --explain.
 */
void show_block(struct buf *out, const struct show_style *style,
		const struct portblock_config *config, const char *service,
		const struct findings *f, const struct judgement *j,
		const struct account *a);

/* The picture alone: a line for each of the N stations, and what is between them. */
void show_picture(struct buf *out, const struct show_style *style,
		  const struct picture_item *items, size_t n);

#endif
