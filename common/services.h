/*
 * Floor 5: port lists and service names.
 *
 * Ports are found by name as applications find them (getservbyname(3), usually from
 * /etc/services); names shown are those of that file. Case does not
 * matter in a service name (RFC 6335 5.1); an exact match wins.
 */
#ifndef PK_SERVICES_H
#define PK_SERVICES_H

#include "base.h"
#include "buf.h"

/* A run of ports of one protocol. */
struct port_range {
	uint16_t first, last; /* 1-65535, first <= last */
	uint8_t protocol;     /* IPPROTO_TCP, IPPROTO_UDP */
	uint32_t index;	      /* the place of `first` in the whole list */
};

/* All zero is an empty list. Changed only by the functions below. */
struct port_list {
	struct port_range *ranges; /* as given: order kept, duplicates removed, neighbours
				      that follow each other joined ("80,81" is 80-81) */
	size_t n_ranges;
	size_t n_ports; /* in all */
	size_t cap_ranges;
	uint64_t *seen; /* the list's own: a bit a port, once there are many ranges */
};

#define SERVICES_NAME_SIZE 64

/*
 * Add what TEXT says: "80", "1-1024,8080", "ssh,https", "53/udp", "1-100/tcp". Without
 * a suffix the protocol is DEFAULT_PROTOCOL. A name is looked up for that protocol, and
 * if it has no entry there, the message says where it has one. Ports already in the
 * list are left out. 0; -EINVAL, -ENOMEM: RET_WHY says in one line what was expected,
 * naming the bad part, and the list is as before.
 */
PK_MUST_CHECK int port_list_add(struct port_list *list, const char *text,
				int default_protocol, char *ret_why, size_t why_size);
/* One range. 0, -EINVAL (not 1 <= FIRST <= LAST, or neither TCP nor UDP), -ENOMEM. */
PK_MUST_CHECK int port_list_add_range(struct port_list *list, uint16_t first,
				      uint16_t last, int protocol);
/* Free the memory; the list is empty then. NULL is accepted. */
void port_list_release(struct port_list *list);
/* The I-th port, 0 <= I < n_ports, in order. Takes O(log n_ranges). */
void port_list_at(const struct port_list *list, size_t i, uint16_t *ret_port,
		  int *ret_protocol);
/*
 * Is TEXT meant as ports? Decides between target and port operand and reports no
 * errors: what begins with a digit, a dash or a comma, or has a comma or slash, and no
 * part of an address in it ('.', ':', '%', '['), was meant as ports, right ("80",
 * "53/udp") or wrong ("70000", "80-", "80x", "80/sctp"); so was a known service name. A
 * host that has such a name is asked for with -p.
 */
bool port_list_looks_like(const char *text);

/* The port of the service NAME for PROTOCOL. 0 or -ENOENT. */
PK_MUST_CHECK int services_port(const char *name, int protocol, uint16_t *ret_port);
/* Has the database NAME, for any protocol? */
bool services_known(const char *name);
/* "tcp" or "udp". */
const char *protocol_word(int protocol);

/*
 * Service names of ports, as the machine's own /etc/services has them, read once when the
 * first is asked for. Not thread-safe.
 */
struct services_entry {
	uint32_t key;  /* protocol and port */
	uint32_t name; /* offset into `names` */
};

struct services {
	bool read; /* `text` is the file */
	struct buf text;
	unsigned int n_asked;
	bool complete;			/* the table is made, and `text` gone */
	struct services_entry *entries; /* sorted */
	size_t n_entries, cap_entries;
	struct buf names;
};

/* Allocates nothing. */
void services_init(struct services *s);
/* As after services_init(). NULL is accepted. */
void services_release(struct services *s);
/* The service name of PORT, "" when there is none, cut to fit. Returns OUT. */
const char *services_name(struct services *s, uint16_t port, int protocol,
			  char out[SERVICES_NAME_SIZE]);

/* LEN bytes of an operand as a message may quote them: all, or the beginning, cut
 * between characters, and "...". Returns OUT. */
#define OPERAND_SHOWN_SIZE 84
const char *operand_shown(const char *text, size_t len, char out[OPERAND_SHOWN_SIZE]);

#endif
