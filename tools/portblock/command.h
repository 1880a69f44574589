/*
 * How portblock was run, as one line that a shell would read in the same way. Pure.
 */
#ifndef PORTBLOCK_COMMAND_H
#define PORTBLOCK_COMMAND_H

#include "buf.h"

/* Append "portblock WORD..." with the words of ARGV behind its first, quoted where they
 * need it, printable whatever is in them, and cut at a length that nobody reads on from.
 * A URL keeps its scheme, host and port only: this is for reports that others get to see,
 * and the rest, which portblock does not use, may hold a password. */
void command_text(struct buf *out, int argc, char *const *argv);

#endif
