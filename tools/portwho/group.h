/*
 * Rows: listeners that a person takes for one, joined and sorted.
 *
 * Joined are the sockets of a SO_REUSEPORT group, and the wildcards of IPv4 and IPv6 of
 * one owner, where a program opens both.
 */
#ifndef PORTWHO_GROUP_H
#define PORTWHO_GROUP_H

#include "portwho.h"

struct row {
	const struct listener *first; /* whose owner and address are shown */
	unsigned int n_sockets;
	unsigned int n_full; /* of them, TCP: those that drop new connections */
	size_t n_processes;  /* different ones that hold any of them */
	bool both_families;  /* wildcards of IPv4 and of IPv6 */
	uint64_t queue;	     /* of all */
	uint64_t backlog;
	uint64_t drops;
};

/* All zero is an empty list. */
struct rows {
	struct row *items;
	size_t n;
	const struct listener **first_of; /* of each listener of the snapshot: its row's
					     `first` */
};

/* The rows of S in the order of KEY, then port, protocol and address. 0 or -ENOMEM. */
PK_MUST_CHECK int rows_of(const struct snapshot *s, enum sort_key key,
			  struct rows *ret_rows);
void rows_release(struct rows *rows);
/* The listeners of S, of which ROWS are made, one by one in the order of the rows, as an
 * array to be freed. 0 or -ENOMEM. */
PK_MUST_CHECK int rows_listeners(const struct rows *rows, const struct snapshot *s,
				 const struct listener ***ret_listeners);

/* The process to name in one word: the one that has listened longest, systemd last.
 * NULL: none. */
const struct process *listener_process(const struct listener *l);
/* Do the same processes hold both, or workers of one program? What is not known of either
 * is taken for one where user and unit are the same. */
bool listeners_have_one_owner(const struct listener *a, const struct listener *b);
/* How many different processes hold it. */
size_t listener_n_processes(const struct listener *l);

#endif
