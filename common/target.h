/*
 * Floor 5: operands become targets.
 *
 * A target is a name, an address or a block of addresses, with the ports asked of it.
 * The syntax is the contract's: TARGET [PORTS...], HOST:PORT, [V6]:PORT, URL, CIDR;
 * with a common port list (-p), every operand is a target.
 */
#ifndef PK_TARGET_H
#define PK_TARGET_H

#include "addr.h"
#include "base.h"
#include "services.h"

enum target_kind { TARGET_NAME, TARGET_ADDRESS, TARGET_BLOCK };

struct target {
	enum target_kind kind;
	char *text;	  /* as given, without port: "example.com", "10.0.0.0/24" */
	struct addr addr; /* ADDRESS: it; BLOCK: the first one probed */
	uint64_t n_addrs; /* BLOCK: how many; ADDRESS: 1; NAME: 0 */
	bool own_ports;	  /* `ports` below is its own, else the set's common list holds */
	struct port_list ports;
};

struct target_set {
	struct target *targets;
	size_t n_targets, cap_targets;
	struct port_list ports; /* common to all targets without their own */
	int default_protocol;	/* IPPROTO_TCP or IPPROTO_UDP, set before adding */
	bool ports_given;	/* -p or equivalent: every operand is a target */
	bool allow_huge;	/* --yes: blocks beyond TARGET_HUGE_BITS are meant */
	size_t doubtful; /* the set's own: 1 + place of the last such word; 0: none */
};

/* Blocks with more than 2^20 addresses ask for --yes. */
#define TARGET_HUGE_BITS 20
/* More than this many addresses in one block are refused in any case. */
#define TARGET_MAX_BITS 32

/* Targets in one set. */
#define TARGET_MAX_TARGETS ((size_t)1 << 20)
/* Bytes in a line of a file, without its end. */
#define TARGET_LINE_BYTES ((size_t)4096)

/* Every message fits, whatever the operand: what it quotes is cut (operand_shown). */
#define TARGET_WHY_SIZE 512

/*
 * Read one operand as a target, without regard to others:
 *
 *	example.com  192.0.2.1  2001:db8::1  [2001:db8::1]  fe80::1%eth0  10.0.0.0/24
 *	example.com:80  192.0.2.1:22,80  [2001:db8::1]:ssh  10.0.0.0/24:53/udp
 *	https://user:secret@example.com:8443/path?query#fragment
 *
 * - More than one colon and no brackets: an IPv6 address, never a pair.
 * - A URL's port is the one it names, else its scheme's (services database, then a
 *   table of customary ones). Of the rest only the host counts; messages never quote
 *   its user and password. udp://HOST:PORT and tcp://HOST:PORT say the protocol.
 * - A name has labels of 1-63 characters, at most 253 bytes in all, not counting one
 *   dot at the end: ASCII letters, digits, '-' (not first), '_', and any other UTF-8
 *   but blanks, control and direction characters. What inet_aton(3) could take for an
 *   address ("127.1", "0x7f.1", "1.2.3.4.5", "010.0.0.1") is refused: applications
 *   differ in how they read it.
 * - A block holds all its addresses, the first and last too. Host bits may be set.
 *
 * 0; -EINVAL, -ENOMEM: RET_WHY is a whole message without the tool's name that names the
 * operand and what was expected.
 */
PK_MUST_CHECK int target_parse(const char *operand, int default_protocol, bool allow_huge,
			       struct target *ret_target, char ret_why[TARGET_WHY_SIZE]);
/* Free what T owns; T is all zero then. NULL is accepted. */
void target_release(struct target *t);

void target_set_init(struct target_set *set, int default_protocol);
void target_set_release(struct target_set *set);

/*
 * Take one operand, in the order of the command line. -p, --yes and -f come before:
 * tools keep the operands until the options are read.
 *
 * With ports_given every operand is a target. Otherwise:
 * - Pairs and URLs are targets with their own ports, wherever they stand.
 * - The first operand is a target. What can only be ports there ("80", "1-1024",
 *   "53/udp", "ssh,https") is an error; a lone word ("ssh") is a host's name.
 * - A later one that looks like ports (port_list_looks_like) is added to the common
 *   list, which holds for all targets without their own, before it and after. It is an
 *   error while there is no such target: "host:22 80" may mean two ports of host, or
 *   forgot a target.
 * - Any other is one more target. A word without a dot there ("htpp") is remembered: if
 *   no ports ever come, target_set_finish() says that it is no service.
 * Targets from a file count: "-f hosts.txt 22" asks for port 22 of each.
 *
 * 0; -EINVAL, -ENOMEM and RET_WHY as for target_parse(); the set is as before.
 */
PK_MUST_CHECK int target_set_add(struct target_set *set, const char *operand,
				 char ret_why[TARGET_WHY_SIZE]);
/* -p PORTS. As above. */
PK_MUST_CHECK int target_set_ports(struct target_set *set, const char *ports,
				   char ret_why[TARGET_WHY_SIZE]);
/* Move T to the end of the set; T is all zero then. As above. */
PK_MUST_CHECK int target_set_take(struct target_set *set, struct target *t,
				  char ret_why[TARGET_WHY_SIZE]);
/*
 * -f FILE ("-": standard input): one target a line (host, pair, URL, CIDR, or host
 * followed by ports, which are then its own). Blank lines, and what follows a '#' at
 * the beginning of a line or word, are passed over; CRLF and a UTF-8 BOM are tolerated.
 * A bad line is named by its number; nothing is added then. As above, or another -errno
 * when the file can't be read (RET_WHY is set too; -EINTR: a signal came).
 */
PK_MUST_CHECK int target_set_file(struct target_set *set, const char *path,
				  char ret_why[TARGET_WHY_SIZE]);
/* After the last operand: is there a target, has each one ports? If not, -EINVAL. */
PK_MUST_CHECK int target_set_finish(struct target_set *set,
				    char ret_why[TARGET_WHY_SIZE]);
/* The list that holds for T. */
const struct port_list *target_ports(const struct target_set *set,
				     const struct target *t);

/* The I-th address of an ADDRESS or BLOCK target. */
struct addr target_addr(const struct target *t, uint64_t i);

#endif
