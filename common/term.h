/*
 * Floor 3: the terminal: is there one, how wide, colour, and a progress line.
 */
#ifndef PK_TERM_H
#define PK_TERM_H

#include "base.h"

enum term_when { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

enum term_style {
	TERM_PLAIN,
	TERM_GOOD,  /* green */
	TERM_BAD,   /* red */
	TERM_WARN,  /* yellow */
	TERM_FAINT, /* dim */
	TERM_BOLD,
};

/* Is FD a terminal? */
bool term_is_tty(int fd);
/* Columns of the terminal at FD; $COLUMNS, else 80, where it can't be asked. */
unsigned int term_width(int fd);
/* Colour on FD? AUTO: a terminal, TERM not "dumb", NO_COLOR unset or empty
 * (no-color.org). */
bool term_use_color(enum term_when when, int fd);
/* The escape sequence that begins STYLE, "" when !color or plain. */
const char *term_begin(enum term_style style, bool color);
/* The one that ends any style. */
const char *term_end(enum term_style style, bool color);

/*
 * A progress line on stderr: only on a terminal, only once the work has lasted a second,
 * redrawn at most five times a second, removed by term_progress_clear() before anything
 * else is printed.
 */
struct term_progress {
	int64_t start_ns;
	int64_t last_ns;
	bool enabled;
	bool drawn;
};

void term_progress_init(struct term_progress *p, bool wanted, int64_t now_ns);
/* "12,345 of 65,535 ports, 8,200/s, 6 s left". TOTAL 0: unknown. WHAT: "ports". */
void term_progress_update(struct term_progress *p, int64_t now_ns, uint64_t done,
			  uint64_t total, const char *what);
void term_progress_clear(struct term_progress *p);

#endif
