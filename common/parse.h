/*
 * Floor 2: strict numbers and durations. Pure.
 *
 * The whole string has to fit: no leading blanks, no sign unless said, no trailing text.
 * All return 0, -EINVAL (not such a thing) or -ERANGE (one, but out of bounds), and leave
 * the result untouched on failure.
 */
#ifndef PK_PARSE_H
#define PK_PARSE_H

#include "base.h"

/* Decimal digits only, MIN..MAX. */
PK_MUST_CHECK int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret_n);
/* The same on the LEN bytes at S, which need no NUL. */
PK_MUST_CHECK int parse_u64_n(const char *s, size_t len, uint64_t min, uint64_t max,
			      uint64_t *ret_n);
/*
 * A duration: digits, optionally a decimal fraction, optionally a unit (ns, us, ms, s, m,
 * min, h, d; none means seconds): "3", "0.5", "250ms", "2m". What is finer than a
 * nanosecond is cut off. At most 365 days, else -ERANGE.
 */
PK_MUST_CHECK int parse_duration_ns(const char *s, int64_t *ret_ns);

#endif
