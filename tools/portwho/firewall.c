#include "firewall.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

/* ---- where we are ---- */

static void add_device(struct scene *s, const char *name)
{
	uint32_t index = if_nametoindex(name);
	size_t i;

	if (!index || !strcmp(name, "lo") || strlen(name) >= IF_NAMESIZE)
		return;
	for (i = 0; i < s->n_devices && i < SCENE_DEVICES_MAX; i++)
		if (s->devices[i].index == index)
			return;
	if (s->n_devices < SCENE_DEVICES_MAX) {
		s->devices[i].index = index;
		memcpy(s->devices[i].name, name, strlen(name) + 1);
	}
	s->n_devices++;
}

static void add_address(struct scene *s, const struct addr *a)
{
	size_t i;

	if (addr_is_loopback(a))
		return;
	for (i = 0; i < s->n_addresses && i < SCENE_ADDRESSES_MAX; i++)
		if (addr_equal(&s->addresses[i], a))
			return;
	if (s->n_addresses < SCENE_ADDRESSES_MAX)
		s->addresses[i] = *a;
	s->n_addresses++;
}

static int look_around(struct scene *s)
{
	struct ifaddrs *list = NULL, *i;
	struct addr a;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (i = list; i; i = i->ifa_next) {
		socklen_t len = sizeof(struct sockaddr_in6);

		if (i->ifa_flags & IFF_UP)
			add_device(s, i->ifa_name);
		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			len = sizeof(struct sockaddr_in);
		if (addr_from_sockaddr(i->ifa_addr, len, &a, NULL) < 0)
			continue;
		a.scope = 0;
		add_address(s, &a);
	}
	freeifaddrs(list);
	return 0;
}

/* ---- the listeners ---- */

struct judging {
	struct snapshot *snapshot;
	struct scene scene;
	bool asked, permitted;
};

static bool can_be_judged(const struct listener *l)
{
	return l->sock.family != AF_UNIX && l->sock.protocol != IPPROTO_RAW &&
	       l->exposure != EXPOSURE_LOOPBACK;
}

static bool same_place(const struct listener *a, const struct listener *b)
{
	return a->sock.protocol == b->sock.protocol &&
	       a->sock.local_port == b->sock.local_port &&
	       a->sock.interface == b->sock.interface && a->netns == b->netns &&
	       addr_equal(&a->sock.local, &b->sock.local) &&
	       listener_is_dual_stack(a) == listener_is_dual_stack(b) &&
	       !a->forwarded_to == !b->forwarded_to;
}

static int judge_all(struct judging *j, const struct netns *netns)
{
	struct snapshot *s = j->snapshot;
	const struct listener *last = NULL;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct listener *l = &s->listeners[i];

		if (l->netns != netns || !can_be_judged(l))
			continue;
		/* Members of a group often stand together. */
		if (last && same_place(last, l)) {
			l->firewall = last->firewall;
			l->firewall_why = strdup(last->firewall_why);
		} else {
			l->firewall = firewall_say(&j->scene, l, &l->firewall_why);
		}
		if (!l->firewall_why)
			return -ENOMEM;
		last = l;
	}
	return 0;
}

static bool has_any(const struct snapshot *s, const struct netns *netns)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->listeners[i].netns == netns && can_be_judged(&s->listeners[i]))
			return true;
	return false;
}

static int judge_here(const struct netns *netns, void *arg)
{
	struct judging *j = arg;
	struct ruleset ruleset = { 0 };
	int err;

	if (!has_any(j->snapshot, netns))
		return 0;
	err = ruleset_load(&ruleset);
	j->asked = true;
	j->permitted |= err != -EPERM;
	if (err < 0)
		return err;
	memset(&j->scene, 0, sizeof(j->scene));
	j->scene.ruleset = &ruleset;
	err = look_around(&j->scene);
	if (!err)
		err = judge_all(j, netns);
	ruleset_release(&ruleset);
	return err;
}

int firewall_judge(struct snapshot *s, struct namespaces *ns)
{
	struct judging *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	j->snapshot = s;
	err = ns ? namespaces_each(ns, judge_here, j, "have rules that could not be read")
		 : judge_here(NULL, j);
	if (!err && j->asked && !j->permitted)
		err = -EPERM;
	free(j);
	return err;
}
