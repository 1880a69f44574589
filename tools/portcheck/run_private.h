/*
 * Inside a run: what run.c, modes.c and summary.c share.
 */
#ifndef PORTCHECK_RUN_PRIVATE_H
#define PORTCHECK_RUN_PRIVATE_H

#include <signal.h>
#include <sys/resource.h>

#include "loop.h"
#include "out.h"
#include "plan.h"
#include "portcheck.h"
#include "probe.h"
#include "report.h"
#include "series.h"
#include "services.h"
#include "show.h"
#include "tally.h"

/* A result kept for later: of the last round of a wait, or for the Nagios line. */
struct kept {
	struct result result;
	char *why;
	uint8_t *banner;
};
/* More than a person reads or a plugin line holds; beyond it, a warning. */
#define KEPT_MAX 65536

struct run {
	struct portcheck_config config; /* a copy: waiting shortens the timeout */
	struct loop loop;
	struct probe_source source;
	struct plan *plan;
	struct prober *prober;
	struct tally tally;
	struct series_set series;
	struct services services;
	struct show show;
	struct out out;
	struct out_record record, metric, summary;
	struct term_progress progress;
	struct loop_io signal_io;
	sigset_t old_mask; /* as they were given to us, for the command */
	void (*old_pipe)(int);
	struct rlimit old_files;
	bool sweep;
	bool keep; /* results are kept, not written */
	struct kept *kept;
	size_t n_kept, cap_kept;
	bool kept_too_many;
	bool reached;		  /* what was waited for came true */
	bool shortened;		  /* this round has less than the asked timeout */
	bool had_no, had_unknown; /* rounds answered so */
	uint64_t round;		  /* 1 .. in repeat mode, else 0 */
	uint64_t n_done;	  /* checks of this round */
	int signal;		  /* that interrupted, 0: none */
	int error;		  /* -errno that ended the run */
	bool hint_wanted;	  /* a result that another tool knows more about */
	struct result hint;
};

/* run.c */
/* Write R in the asked format. */
void run_emit(struct run *run, const struct result *r);
/* Check everything once. 0, or -errno; run->signal may be set. */
int run_round(struct run *run);
/* Wait until AT_NS, or a signal. */
void run_sleep(struct run *run, int64_t at_ns);
bool run_stopped(const struct run *run);

/* modes.c */
void run_once(struct run *run);
void run_repeat(struct run *run);
/* Did what is waited for come true? */
bool run_wait(struct run *run);
void kept_clear(struct run *run);
void kept_add(struct run *run, const struct result *r);

/* summary.c */
/* What stands at the end: groups, series, Nagios line. */
void run_summarize(struct run *run);
enum out_nagios run_nagios_status(const struct run *run);
/* Point to the tool that knows more, if it is installed; on a terminal only. */
void run_hint(const struct run *run);

#endif
