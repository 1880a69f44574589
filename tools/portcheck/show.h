/*
 * Results on the screen.
 *
 * Small runs: a line a result, state first. Lines that come close together are sorted by
 * target and port before they are shown. Sweeps: a line for each open port, the rest in
 * groups.
 */
#ifndef PORTCHECK_SHOW_H
#define PORTCHECK_SHOW_H

#include "groups.h"
#include "loop.h"
#include "out.h"
#include "portcheck.h"
#include "term.h"

struct show {
	const struct portcheck_config *config;
	struct loop *loop;
	struct out *out;
	bool sweep;
	bool color;
	struct loop_timer timer;
	struct line {
		size_t target;
		struct addr addr;
		uint16_t port;
		uint8_t protocol;
		bool warns;
		char *text;
	} * lines;
	size_t n_lines, cap_lines;
	struct group_set *groups; /* sweep only */
	uint64_t n_results;
	uint64_t by_state[STATE_COUNT];
	int64_t start_ns;
};

/* The state, coloured and padded to its column. */
void show_state(struct buf *out, enum port_state state, bool color);

/* 0 or -ENOMEM. */
PK_MUST_CHECK int show_init(struct show *s, const struct portcheck_config *config,
			    struct loop *loop, struct out *out, bool sweep);
void show_release(struct show *s);
/* Count R in a group of a sweep, without a record; false: it wants to be shown. */
bool show_grouped(struct show *s, const struct result *r);
/* One result; REC is its record. ROUND > 0: number of the repetition, shown in front. */
void show_result(struct show *s, const struct result *r, const struct out_record *rec,
		 uint64_t round);
/* Print the lines that are held back. */
void show_flush(struct show *s);
/* The end: groups and totals of a sweep. INTERRUPTED: say what is missing. */
void show_end(struct show *s, bool interrupted);

#endif
