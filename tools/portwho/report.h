/*
 * From listener to record: the columns of portwho's output.
 */
#ifndef PORTWHO_REPORT_H
#define PORTWHO_REPORT_H

#include "out.h"
#include "portwho.h"
#include "users.h"

enum who_column {
	WHO_PROTOCOL,
	WHO_FAMILY,
	WHO_ADDRESS,
	WHO_PORT,
	WHO_SERVICE,
	WHO_STATE,
	WHO_INTERFACE,
	WHO_DUAL_STACK,
	WHO_REUSEPORT_GROUP, /* null when alone */
	WHO_EXPOSURE,
	WHO_BACKLOG,
	WHO_QUEUE, /* connections that wait to be accepted; of UDP: bytes */
	WHO_DROPS,
	WHO_UID,
	WHO_USER,
	WHO_OWNER,
	WHO_UNIT,
	WHO_CONTAINER,
	WHO_ENGINE,
	WHO_POD,
	WHO_SOCKET_ACTIVATED,
	WHO_CLIENTS,   /* connections to it that are established; null: not counted */
	WHO_LOCALHOST, /* array: "127.0.0.1", "::1", where it gets what is sent there;
			  null: not asked */
	WHO_NETNS,
	WHO_INODE,
	WHO_COOKIE,	  /* hex, as ss prints it */
	WHO_FORWARDED_TO, /* no socket: the firewall forwards the port there */
	WHO_FIREWALL,	  /* with --firewall */
	WHO_FIREWALL_WHY,
	WHO_EVENT,     /* with --watch: "opened", "closed", "owner" */
	WHO_PROCESSES, /* array: pid, comm, cmdline (array), exe, cwd, user, started,
			  fd */
};

extern const struct out_schema report_listeners;
extern const struct out_prometheus report_gauges;

/* Looks up names. */
struct naming {
	struct services services;
	struct users users;
	bool numeric;
};
void naming_init(struct naming *n, bool numeric);
void naming_release(struct naming *n);
/* "" when it has none or none is wanted. Returns OUT. */
const char *naming_service(struct naming *n, const struct listener *l,
			   char out[SERVICES_NAME_SIZE]);

/* Fill R (of report_listeners). */
void report_listener(struct out_record *r, struct naming *names,
		     const struct listener *l);

#endif
