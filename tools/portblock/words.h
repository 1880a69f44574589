/*
 * The words of the contract, and the one-line message. Pure.
 */
#ifndef PORTBLOCK_WORDS_H
#define PORTBLOCK_WORDS_H

#include "buf.h"
#include "portblock.h"

/* "reset-by-middlebox", "last-hop", "tcp-reset" (NULL for METHOD_NONE), "high".
 * Static. */
const char *verdict_word(enum verdict verdict);
const char *where_word(enum where where);
const char *method_word(enum method method);
const char *confidence_word(enum confidence confidence);

/* Is the answer yes (exit 0)? VERDICT_OPEN and VERDICT_LOSSY. */
bool verdict_is_yes(enum verdict verdict);

/*
 * The verdict with its place in a few words, for the head of a report: "dropped on the
 * path, after hop 2", "no listener at the target". Appends to OUT.
 */
void words_headline(struct buf *out, const struct findings *f, const struct judgement *j);

/*
 * One sentence for a person, without full stop at its end, no longer than about 200
 * columns: what happens to packets for this port, where, and by whom, e.g. "dropped on
 * the path: hop 2 (10.77.1.2) still has the SYN, hop 3 (10.77.2.2) never sees it". Does
 * not repeat target and port. Appends to OUT; what comes from outside is not in it
 * unescaped.
 */
void words_message(struct buf *out, const struct findings *f, const struct judgement *j);

#endif
