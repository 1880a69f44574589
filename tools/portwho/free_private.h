/*
 * What free_bind.c (asking), free_why.c (looking for the reason), free_say.c and
 * free_report.c (words and records) share.
 */
#ifndef PORTWHO_FREE_PRIVATE_H
#define PORTWHO_FREE_PRIVATE_H

#include "free.h"

/* ---- free_bind.c: what this machine allows ---- */

struct free_system {
	uint16_t ephemeral_first, ephemeral_last; /* net.ipv4.ip_local_port_range */
	uint32_t privileged_below; /* net.ipv4.ip_unprivileged_port_start */
	char *reserved; /* net.ipv4.ip_local_reserved_ports, owned; NULL: unknown */
	bool capable;
	bool shows_bound;
	/* The last search for another port, which serves the next one as well. */
	struct {
		uint8_t protocol;
		bool ephemeral, reserved;
		uint32_t from;
		uint16_t found; /* 0: none */
	} last;
};

/* In the network namespace of the calling thread. 0 or -ENOMEM. */
PK_MUST_CHECK int free_system_read(struct free_system *ret_system);
void free_system_release(struct free_system *system);
/* Pure: is PORT in LIST, as "8080,9000-9010" of the kernel? */
bool free_list_has(const char *list, uint16_t port);
/* Pure: LIST with PORT; the caller frees it. NULL: no memory, or too long. */
char *free_list_with(const char *list, uint16_t port);

/* ---- free_bind.c: the question ---- */

/* Errors of bind(2), 0, and ENOSYS where there is no such family. */
struct free_tries {
	int v4, v6, dual;
};

/* Bind as A asks, with SO_REUSEADDR if REUSE. 0, or -errno: it could not be asked. */
PK_MUST_CHECK int free_try(const struct free_answer *a, bool reuse,
			   struct free_tries *ret_tries);
/* The error of all of them, 0. */
int free_tries_error(const struct free_tries *t);
/* Ask, and put into A what came of it. 0 or -errno. */
PK_MUST_CHECK int free_bind(struct free_answer *a);
/* The next port that is free for what A asks; 0: none. */
uint16_t free_suggest(struct free_system *system, const struct free_answer *a);

/* ---- free_why.c ---- */

/* Pure: does S stand in the way of a bind as A asks for? LENIENTLY: perhaps. */
bool free_is_in_way(const struct free_answer *a, const struct sock *s, bool leniently);
/* Pure: what S does with A's port. */
enum free_kind free_kind_of(const struct free_answer *a, const struct sock *s);
/* Pure: the cause, of error and holders. */
enum free_cause free_cause_of(const struct free_answer *a);

/* ---- free_words.c ---- */

/* NULL for free. */
const char *free_cause_word(enum free_cause cause);
const char *free_kind_word(enum free_kind kind);
/* "listen", "time-wait" ...; as ss(8) has it. */
const char *free_state_word(const struct sock *s);
/* "node (pid 4711, user alice, since 12:31)": who has L, which is one of A's. */
void free_say_owner(struct buf *out, struct naming *names, const struct free_answer *a,
		    const struct listener *l);
/* "every address", "127.0.0.1 and ::1": of those of the N holders that FIRST's owner
 * has. */
void free_say_addresses(struct buf *out, const struct free_holder *holders, size_t n,
			const struct listener *first);
/* Is it the same program that has both? */
bool free_same_owner(const struct listener *a, const struct listener *b);

/* ---- free_say.c ---- */

/* free_message(), in colour. */
void free_say(struct buf *out, struct naming *names, const struct free_answer *a,
	      bool color);
/* The holders that the message is about: all of one kind. Their number. */
size_t free_main_holders(const struct free_answer *a, const struct free_holder **ret);

/* ---- free_advise.c ---- */

/* Where the commands are to work, and who asks. */
struct free_context {
	const char *netns;	   /* of --netns, NULL */
	struct cgroup_place place; /* of this process */
	bool root;
	bool verbose, single; /* only one port was asked for */
	bool color;
};

struct free_advice {
	const char *label; /* "to end it" */
	struct buf text;   /* a command, or words */
};

#define FREE_ADVICE_MAX 4

/* Pure. Their number; each text is to be released. */
size_t free_advise(const struct free_answer *a, const struct free_context *c,
		   struct free_advice ret_advice[FREE_ADVICE_MAX]);

/* ---- free_report.c ---- */

enum free_column {
	FREE_COLUMN_PORT,
	FREE_COLUMN_PROTOCOL,
	FREE_COLUMN_ADDRESS, /* null: every address */
	FREE_COLUMN_FREE,
	FREE_COLUMN_CAUSE,
	FREE_COLUMN_HOLDERS,
	FREE_COLUMN_HOLDER_COUNT, /* sockets; all that there are */
	FREE_COLUMN_FREES_IN_MS,
	FREE_COLUMN_SUGGESTION,
	FREE_COLUMN_REUSEADDR_WORKS, /* null: not in use, or UDP */
	FREE_COLUMN_FREE_INET,	     /* null: not asked */
	FREE_COLUMN_FREE_INET6,
	FREE_COLUMN_EPHEMERAL,
	FREE_COLUMN_RESERVED,
	FREE_COLUMN_FORWARDED,
	FREE_COLUMN_ERROR, /* "EADDRINUSE" */
	FREE_COLUMN_NEXT,  /* array of commands */
	FREE_COLUMN_MESSAGE,
};

extern const struct out_schema free_schema;

void free_report(struct out_record *r, struct naming *names, const struct free_context *c,
		 const struct free_answer *a);
/* ---- free.c ---- */

/* The text: one line, and what can be done on lines of their own. */
void free_text(struct buf *out, struct naming *names, const struct free_context *c,
	       const struct free_answer *a);

#endif
