/*
 * portwho: what its modules share.
 *
 * The data goes one way: the kernel's sockets (sockdiag.h) of a network namespace that
 * fit the filter become listeners (collect.h); owners.h finds the processes that hold
 * them, and the unit or container; then each is one record (report.h), and table.h,
 * page.h or tree.h draw the text from listeners, rows of which group.h joins. --free,
 * --kill and --watch stand on the same listeners.
 */
#ifndef PORTWHO_H
#define PORTWHO_H

#include <net/if.h>

#include "addr.h"
#include "cgroup.h"
#include "out.h"
#include "proc.h"
#include "services.h"
#include "sockdiag.h"
#include "term.h"

/* ---- what was asked ---- */

enum job { JOB_LIST, JOB_FREE, JOB_KILL, JOB_WATCH };

enum sort_key {
	SORT_PORT,
	SORT_ADDRESS,
	SORT_PROCESS,
	SORT_PID,
	SORT_USER,
	SORT_UNIT,
	SORT_EXPOSURE,
	SORT_SINCE,
	SORT_QUEUE,
	SORT_DROPS,
};

/* Kinds of sockets beside TCP listeners and UDP. */
enum {
	ALSO_SCTP = 1 << 0,
	ALSO_RAW = 1 << 1,
	ALSO_UNIX = 1 << 2,
	ALSO_BOUND = 1 << 3,
};

/* All that is set has to fit; of several names or ports, one. */
struct filter {
	struct port_list ports;
	const char *const *names; /* of processes, units or containers */
	size_t n_names;
	bool either; /* a port or a name has to fit, not both */
	pid_t pid;   /* 0: any */
	bool has_uid;
	uint32_t uid;
	const char *unit;
	bool exposed;
	bool tcp, udp;	   /* which are wanted */
	int family;	   /* AF_UNSPEC, AF_INET, AF_INET6: that takes such connections */
	unsigned int also; /* ALSO_... */
};

struct portwho_config {
	enum job job;
	struct filter filter;
	struct port_list job_ports; /* of --free and --kill */
	const char *netns;
	bool all_netns;
	bool numeric;
	bool firewall;
	struct addr source; /* --free; AF_UNSPEC: all addresses */
	int signal;
	bool force, yes;
	int64_t timeout_ns; /* 0: not given */
	int64_t interval_ns;
	int64_t count; /* 0: no end */
	const char *columns;
	enum sort_key sort;
	bool no_headings, tree;
	enum out_format format;
	bool quiet, verbose;
	enum term_when color;
};

/* ---- what is there ---- */

enum exposure {
	EXPOSURE_LOOPBACK,   /* this machine only */
	EXPOSURE_LINK_LOCAL, /* its own network only */
	EXPOSURE_ADDRESS,    /* one address, or one device */
	EXPOSURE_ALL,	     /* every address */
};

enum owner {
	OWNER_PROCESS,
	OWNER_KERNEL,  /* no process ever held it: VXLAN, NFS, WireGuard */
	OWNER_SYSTEMD, /* only systemd holds it, for a service that it starts on demand */
	OWNER_HIDDEN,  /* we may not see whose it is */
	OWNER_GONE,    /* closed while we looked */
};

/* A process that holds a listener, by one of its descriptors. */
struct holder {
	const struct process *process; /* shared, of the snapshot */
	int fd;
};

/* A network namespace that was looked into. */
struct netns {
	char name[64];	/* of `ip netns`, escaped; "" if it has none there */
	uint64_t inode; /* of its nsfs file: what /proc/PID/ns/net points to */
};

enum firewall_says { FIREWALL_UNKNOWN, FIREWALL_OPEN, FIREWALL_BLOCKED, FIREWALL_SOME };

struct listener {
	struct sock sock;	     /* without unix_name */
	char *unix_name;	     /* escaped, NULL if not AF_UNIX or unnamed */
	char interface[IF_NAMESIZE]; /* the device that it is bound to, "" */
	enum exposure exposure;
	unsigned int reuseport_group; /* sockets that share address and port; 1: alone */
	enum owner owner;
	struct holder *holders;
	size_t n_holders;
	const char *cgroup; /* path, of the snapshot; NULL */
	struct cgroup_place place;
	bool socket_activated; /* systemd holds it, too */
	bool traffic_known;    /* traffic.h looked: */
	unsigned int n_clients;
	bool gets_localhost4, gets_localhost6;
	bool other_localhost4, other_localhost6; /* a socket that is not of the snapshot
						    gets it */
	const struct netns *netns; /* outlives the snapshot; NULL: the one we are in */
	char *forwarded_to;	   /* not a socket: packets to it are forwarded (DNAT) to
			       "10.88.0.5:80"; owned; NULL */
	enum firewall_says firewall;
	char *firewall_why; /* owned; NULL: not asked */
};

/* Everything that one look has found. Owns what the listeners point to. */
struct snapshot {
	struct listener *listeners;
	size_t n, cap;
	struct process **processes; /* sorted by pid */
	size_t n_processes, cap_processes;
	bool owners_hidden;    /* some processes could not be looked at */
	unsigned int unlisted; /* ALSO_...: asked for, but the kernel can't list them */
	int64_t wall_ns;       /* when */
};

/* ---- words ---- */

const char *exposure_word(enum exposure exposure);
const char *owner_word(enum owner owner);
/* "listen", "unconnected", "bound". */
const char *listener_state_word(const struct listener *l);
/* "tcp", "udp", "sctp", "raw", "unix", "mptcp". */
const char *listener_protocol_word(const struct listener *l);
/* Does it take IPv4 as well as IPv6? */
bool listener_is_dual_stack(const struct listener *l);

#endif
