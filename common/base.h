/*
 * Floor 0: what every other file may use.
 *
 * Compiler attributes, a few arithmetic helpers and the units of time. No functions that
 * do work live here; see the other headers.
 */
#ifndef PK_BASE_H
#define PK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define PK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define PK_MUST_CHECK	      __attribute__((warn_unused_result))
#define PK_CLEANUP(fn)	      __attribute__((cleanup(fn)))

/* The structure that holds MEMBER at PTR. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static inline int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* To the nearest whole number, halves away from zero. X must fit. */
static inline int64_t round_i64(double x)
{
	return (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline double ns_to_ms(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

#endif
