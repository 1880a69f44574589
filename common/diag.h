/*
 * Floor 3: messages to the person, on stderr.
 *
 * One line each, "tool: what failed: 'object': why". Control characters in the formatted
 * text are escaped here (text.h), so callers pass names and operands as they came. The
 * tool is program_invocation_short_name. errno is kept. Nothing here exits.
 */
#ifndef PK_DIAG_H
#define PK_DIAG_H

#include "base.h"

/* "tool: " FMT. */
void diag_error(const char *fmt, ...) PK_PRINTF(1, 2);
/* "tool: warning: " FMT. */
void diag_warn(const char *fmt, ...) PK_PRINTF(1, 2);
/* FMT alone, only when stderr is a terminal: "try: ..." lines. */
void diag_hint(const char *fmt, ...) PK_PRINTF(1, 2);
/* "Try 'tool --help' for more information." */
void diag_try_help(void);

#endif
