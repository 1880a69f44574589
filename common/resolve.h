/*
 * Floor 5: names to addresses as applications see them, with a deadline.
 *
 * getaddrinfo(3) runs on worker threads (at most RESOLVE_MAX_THREADS) and can be given up
 * at any time: a look-up that is cancelled or late frees itself when it comes back.
 * Results are announced through a descriptor that the caller's loop watches.
 */
#ifndef PK_RESOLVE_H
#define PK_RESOLVE_H

#include "addr.h"
#include "base.h"
#include "state.h"

/* Look-ups that were given up keep their thread until the resolver lets go of it. */
#define RESOLVE_MAX_THREADS   512
#define RESOLVE_MAX_ADDRESSES 64

struct resolve_result {
	void *arg;		 /* as given to resolver_submit() */
	int status;		 /* 0, or the EAI_* of netdb.h */
	enum port_reason reason; /* when status != 0: which name-* word */
	char why[160];		 /* when status != 0: for people */
	struct addr *addrs;	 /* in the order of RFC 6724; owned by the result */
	size_t n_addrs;
	int64_t took_ns;
};

struct resolver;

/* 0 or -errno. */
PK_MUST_CHECK int resolver_create(struct resolver **ret_resolver);
/* Late look-ups are left to finish alone. NULL accepted. */
void resolver_destroy(struct resolver *r);
/* Readable when resolver_take() has something. */
int resolver_fd(const struct resolver *r);
/* Queue NAME (copied; IDN accepted, UTF-8) for FAMILY (AF_UNSPEC, AF_INET, AF_INET6).
 * 0 or -errno. */
PK_MUST_CHECK int resolver_submit(struct resolver *r, const char *name, int family,
				  void *arg);
/* 1 and a finished look-up, which the caller releases; 0: none now. */
int resolver_take(struct resolver *r, struct resolve_result *ret_result);
void resolve_result_release(struct resolve_result *result);

#endif
