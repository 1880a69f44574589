#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "out_tree.h"

static const struct out_column who_columns[] = {
	[WHO_PROTOCOL] = { "protocol", OUT_STRING, 0 },
	[WHO_FAMILY] = { "family", OUT_STRING, 0 },
	[WHO_ADDRESS] = { "address", OUT_STRING, 0 },
	[WHO_PORT] = { "port", OUT_INTEGER, 0 },
	[WHO_SERVICE] = { "service", OUT_STRING, 0 },
	[WHO_STATE] = { "state", OUT_STRING, 0 },
	[WHO_INTERFACE] = { "interface", OUT_STRING, 0 },
	[WHO_DUAL_STACK] = { "dual_stack", OUT_BOOL, 0 },
	[WHO_REUSEPORT_GROUP] = { "reuseport_group", OUT_INTEGER, 0 },
	[WHO_EXPOSURE] = { "exposure", OUT_STRING, 0 },
	[WHO_BACKLOG] = { "backlog", OUT_INTEGER, 0 },
	[WHO_QUEUE] = { "queue", OUT_INTEGER, 0 },
	[WHO_DROPS] = { "drops", OUT_INTEGER, 0 },
	[WHO_UID] = { "uid", OUT_INTEGER, 0 },
	[WHO_USER] = { "user", OUT_STRING, 0 },
	[WHO_OWNER] = { "owner", OUT_STRING, 0 },
	[WHO_UNIT] = { "unit", OUT_STRING, 0 },
	[WHO_CONTAINER] = { "container", OUT_STRING, 0 },
	[WHO_ENGINE] = { "engine", OUT_STRING, 0 },
	[WHO_POD] = { "pod", OUT_STRING, 0 },
	[WHO_SOCKET_ACTIVATED] = { "socket_activated", OUT_BOOL, 0 },
	[WHO_CLIENTS] = { "clients", OUT_INTEGER, 0 },
	[WHO_LOCALHOST] = { "localhost", OUT_TREE, 0 },
	[WHO_NETNS] = { "netns", OUT_STRING, 0 },
	[WHO_INODE] = { "inode", OUT_INTEGER, 0 },
	[WHO_COOKIE] = { "cookie", OUT_STRING, 0 },
	[WHO_FORWARDED_TO] = { "forwarded_to", OUT_STRING, 0 },
	[WHO_FIREWALL] = { "firewall", OUT_STRING, 0 },
	[WHO_FIREWALL_WHY] = { "firewall_why", OUT_STRING, 0 },
	[WHO_EVENT] = { "event", OUT_STRING, 0 },
	[WHO_PROCESSES] = { "processes", OUT_TREE, 0 },
};

const struct out_schema report_listeners = {
	.tool = "portwho",
	.columns = who_columns,
	.n_columns = ARRAY_SIZE(who_columns),
};

static const struct out_metric who_metrics[] = {
	{ "portwho_queue",
	  "one for each listener: connections that wait to be accepted; of UDP: bytes "
	  "unread",
	  "gauge", WHO_QUEUE, 1 },
	{ "portwho_backlog", "connections that may wait at most", "gauge", WHO_BACKLOG,
	  1 },
	{ "portwho_drops_total", "packets or connections dropped by the socket",
	  "counter", WHO_DROPS, 1 },
};

static const size_t who_labels[] = { WHO_PROTOCOL,  WHO_ADDRESS,  WHO_PORT,
				     WHO_INTERFACE, WHO_EXPOSURE, WHO_USER,
				     WHO_UNIT,	    WHO_NETNS,	  WHO_INODE };

const struct out_prometheus report_gauges = {
	.metrics = who_metrics,
	.n_metrics = ARRAY_SIZE(who_metrics),
	.labels = who_labels,
	.n_labels = ARRAY_SIZE(who_labels),
};

/* ---- names ---- */

void naming_init(struct naming *n, bool numeric)
{
	*n = (struct naming){ .numeric = numeric, .users.numeric = numeric };
	services_init(&n->services);
}

void naming_release(struct naming *n)
{
	services_release(&n->services);
	users_release(&n->users);
}

const char *naming_service(struct naming *n, const struct listener *l,
			   char out[SERVICES_NAME_SIZE])
{
	int protocol = l->sock.protocol;

	out[0] = '\0';
	if (n->numeric || !l->sock.local_port ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return out;
	return services_name(&n->services, l->sock.local_port, protocol, out);
}

/* ---- processes ---- */

static void add_arguments(struct out_tree *t, const struct process *p)
{
	const char *at = p->cmdline, *end = p->cmdline + p->cmdline_len;

	out_tree_key(t, "cmdline");
	if (!p->cmdline) {
		out_tree_null(t);
		return;
	}
	out_tree_array(t);
	for (; at < end; at += strlen(at) + 1)
		out_tree_string(t, at);
	out_tree_end(t);
}

static void add_string(struct out_tree *t, const char *key, const char *value)
{
	out_tree_key(t, key);
	out_tree_string(t, value);
}

static void add_process(struct out_tree *t, struct naming *names, const struct holder *h)
{
	const struct process *p = h->process;
	char user[USER_TEXT_SIZE], started[CLOCK_RFC3339_SIZE];

	clock_rfc3339(p->start_wall_ns, started);
	out_tree_object(t);
	out_tree_key(t, "pid");
	out_tree_integer(t, p->pid);
	add_string(t, "comm", p->comm);
	add_arguments(t, p);
	add_string(t, "exe", p->exe);
	add_string(t, "cwd", p->cwd);
	add_string(t, "user",
		   p->has_uid ? users_name(&names->users, p->uid, user) : NULL);
	add_string(t, "started", p->start_wall_ns ? started : NULL);
	out_tree_key(t, "fd");
	out_tree_integer(t, h->fd);
	out_tree_end(t);
}

static void set_processes(struct out_record *r, struct naming *names,
			  const struct listener *l)
{
	struct out_tree t = OUT_TREE_INIT;
	size_t i;

	out_tree_array(&t);
	for (i = 0; i < l->n_holders; i++)
		add_process(&t, names, &l->holders[i]);
	out_tree_end(&t);
	out_set_tree(r, WHO_PROCESSES, &t);
	out_tree_release(&t);
}

/* ---- the socket ---- */

static const char *family_word(const struct listener *l)
{
	switch (l->sock.family) {
	case AF_INET:
		return "inet";
	case AF_INET6:
		return "inet6";
	default:
		return "unix";
	}
}

static void set_told(struct out_record *r, size_t column, const char *text)
{
	if (text[0])
		out_set_string(r, column, text);
}

static void set_place(struct out_record *r, struct naming *names,
		      const struct listener *l)
{
	char service[SERVICES_NAME_SIZE], address[ADDR_TEXT_SIZE];

	out_set_string(r, WHO_PROTOCOL, listener_protocol_word(l));
	out_set_string(r, WHO_FAMILY, family_word(l));
	out_set_string(r, WHO_STATE, listener_state_word(l));
	set_told(r, WHO_INTERFACE, l->interface);
	out_set_string(r, WHO_EXPOSURE, exposure_word(l->exposure));
	if (l->sock.family == AF_UNIX) {
		out_set_text(r, WHO_ADDRESS, l->unix_name);
		return;
	}
	out_set_string(r, WHO_ADDRESS, addr_to_text(&l->sock.local, address));
	out_set_integer(r, WHO_PORT, l->sock.local_port);
	set_told(r, WHO_SERVICE, naming_service(names, l, service));
	out_set_bool(r, WHO_DUAL_STACK, listener_is_dual_stack(l));
	if (l->reuseport_group > 1)
		out_set_integer(r, WHO_REUSEPORT_GROUP, l->reuseport_group);
}

static void set_counts(struct out_record *r, const struct listener *l)
{
	bool listens = l->sock.state == TCP_LISTEN;

	if (l->forwarded_to)
		return;
	out_set_integer(r, WHO_QUEUE, l->sock.rqueue);
	if (listens)
		out_set_integer(r, WHO_BACKLOG, l->sock.wqueue);
	if (l->sock.has_drops)
		out_set_integer(r, WHO_DROPS, l->sock.drops);
}

static void set_owner(struct out_record *r, struct naming *names,
		      const struct listener *l)
{
	char user[USER_TEXT_SIZE];

	if (l->forwarded_to)
		return;
	if (l->sock.uid != SOCK_NO_UID) {
		out_set_integer(r, WHO_UID, l->sock.uid);
		out_set_string(r, WHO_USER, users_name(&names->users, l->sock.uid, user));
	}
	out_set_string(r, WHO_OWNER, owner_word(l->owner));
	set_told(r, WHO_UNIT, l->place.unit);
	set_told(r, WHO_CONTAINER, l->place.container);
	set_told(r, WHO_ENGINE, l->place.engine);
	set_told(r, WHO_POD, l->place.pod);
	out_set_bool(r, WHO_SOCKET_ACTIVATED, l->socket_activated);
}

static const char *firewall_word(enum firewall_says says)
{
	switch (says) {
	case FIREWALL_UNKNOWN:
		break;
	case FIREWALL_OPEN:
		return "open";
	case FIREWALL_BLOCKED:
		return "blocked";
	case FIREWALL_SOME:
		return "some";
	}
	return "unknown";
}

static void set_traffic(struct out_record *r, const struct listener *l)
{
	struct out_tree t = OUT_TREE_INIT;

	if (!l->traffic_known)
		return;
	if (l->sock.state == TCP_LISTEN)
		out_set_integer(r, WHO_CLIENTS, l->n_clients);
	out_tree_array(&t);
	if (l->gets_localhost4)
		out_tree_string(&t, "127.0.0.1");
	if (l->gets_localhost6)
		out_tree_string(&t, "::1");
	out_tree_end(&t);
	out_set_tree(r, WHO_LOCALHOST, &t);
	out_tree_release(&t);
}

static void set_ids(struct out_record *r, const struct listener *l)
{
	char text[32];

	if (l->netns && l->netns->name[0]) {
		out_set_text(r, WHO_NETNS, l->netns->name);
	} else if (l->netns) {
		snprintf(text, sizeof(text), "%" PRIu64, l->netns->inode);
		out_set_string(r, WHO_NETNS, text);
	}
	if (l->forwarded_to)
		return;
	out_set_integer(r, WHO_INODE, l->sock.inode);
	snprintf(text, sizeof(text), "%" PRIx64, l->sock.cookie);
	out_set_string(r, WHO_COOKIE, text);
}

void report_listener(struct out_record *r, struct naming *names, const struct listener *l)
{
	set_place(r, names, l);
	set_counts(r, l);
	set_owner(r, names, l);
	set_traffic(r, l);
	set_ids(r, l);
	out_set_text(r, WHO_FORWARDED_TO, l->forwarded_to);
	if (l->firewall_why) {
		out_set_string(r, WHO_FIREWALL, firewall_word(l->firewall));
		out_set_text(r, WHO_FIREWALL_WHY, l->firewall_why);
	}
	set_processes(r, names, l);
}
