#include "forwards.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "diag.h"

/* More addresses are not told apart. */
#define ADDRESSES_MAX 64

static size_t local_addresses(int family, struct addr out[ADDRESSES_MAX])
{
	struct ifaddrs *list = NULL, *i;
	size_t n = 0;

	if (getifaddrs(&list) < 0)
		return 0;
	for (i = list; i && n < ADDRESSES_MAX; i = i->ifa_next) {
		socklen_t len = family == AF_INET6 ? sizeof(struct sockaddr_in6)
						   : sizeof(struct sockaddr_in);
		struct addr a;

		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    addr_from_sockaddr(i->ifa_addr, len, &a, NULL) < 0 ||
		    addr_is_loopback(&a) || addr_is_link_local(&a))
			continue;
		a.scope = 0;
		out[n++] = a;
	}
	freeifaddrs(list);
	return n;
}

static struct listener listener_of(const struct forward *f, const struct netns *netns)
{
	struct listener l = { .owner = OWNER_KERNEL, .reuseport_group = 1 };

	l.netns = netns;
	l.sock.family = (uint8_t)f->family;
	l.sock.protocol = f->protocol;
	l.sock.state = f->protocol == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE;
	l.sock.local = f->to;
	l.sock.local.family = (uint16_t)f->family;
	l.sock.local_port = f->port;
	l.sock.uid = SOCK_NO_UID;
	l.sock.v6only = l.sock.has_v6only = f->family == AF_INET6;
	l.exposure = exposure_of(&l.sock, "");
	return l;
}

/* Does a socket stand there, too? Then it is shown, and this is not. */
static bool has_socket(const struct snapshot *s, const struct listener *l)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct listener *o = &s->listeners[i];
		struct addr at = addr_unmap(&o->sock.local);
		bool covers = addr_equal(&at, &l->sock.local) ||
			      (addr_is_any(&at) && (at.family == l->sock.family ||
						    listener_is_dual_stack(o)));

		if (!o->forwarded_to && o->netns == l->netns &&
		    o->sock.family != AF_UNIX && o->sock.protocol == l->sock.protocol &&
		    o->sock.local_port == l->sock.local_port && covers)
			return true;
	}
	return false;
}

static int add(struct snapshot *s, const struct filter *f, const struct netns *netns,
	       struct forward *forward)
{
	struct listener l = listener_of(forward, netns);
	int err;

	if (!(forward->protocol == IPPROTO_TCP ? f->tcp : f->udp) ||
	    !filter_admits_socket(f, &l) || has_socket(s, &l))
		return 0;
	err = snapshot_copy_socket(s, &l);
	if (err < 0)
		return err;
	s->listeners[s->n - 1].forwarded_to = forward->target;
	forward->target = NULL;
	return 0;
}

static int find_family(struct snapshot *s, const struct filter *f,
		       const struct netns *netns, const struct ruleset *r, int family,
		       bool *wide, bool *unnamed)
{
	struct addr addresses[ADDRESSES_MAX];
	size_t n = local_addresses(family, addresses), i;
	struct forwards found;
	int err = forwards_scan(r, family, addresses, n, &found);

	if (err < 0)
		return err;
	for (i = 0; !err && i < found.n; i++)
		err = add(s, f, netns, &found.items[i]);
	*wide |= found.wide;
	*unnamed |= found.unnamed;
	forwards_release(&found);
	return err;
}

int forwards_find(struct snapshot *s, const struct filter *f, const struct netns *netns,
		  bool tell)
{
	bool wide = false, unnamed = false;
	struct ruleset ruleset;
	int err = ruleset_load(&ruleset);

	if (err < 0)
		return err;
	err = find_family(s, f, netns, &ruleset, AF_INET, &wide, &unnamed);
	if (!err)
		err = find_family(s, f, netns, &ruleset, AF_INET6, &wide, &unnamed);
	ruleset_release(&ruleset);
	if (tell && wide)
		diag_warn("of wide ranges of forwarded ports only the ends are shown");
	if (tell && unnamed)
		diag_warn(
			"rules forward ports that they do not name; these are not shown");
	return err;
}

struct finding {
	struct snapshot *snapshot;
	const struct filter *filter;
};

static int find_in(const struct netns *netns, void *arg)
{
	const struct finding *f = arg;

	return forwards_find(f->snapshot, f->filter, netns, true);
}

int forwards_find_all(struct snapshot *s, const struct filter *f, struct namespaces *ns)
{
	struct finding finding = { s, f };

	return namespaces_each(ns, find_in, &finding,
			       "may forward ports that are not shown");
}
