/*
 * What TCP and datagram probes share: sockets, their options, their error queue.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "engine_private.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* The same four knobs, by their names of either family. */
static int set_header(int fd, const struct engine *e, const struct probe *p)
{
	bool v6 = e->addr.family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int err = 0;

	if (p->ttl)
		err = set_int(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, p->ttl);
	if (!err && p->tos)
		err = set_int(fd, level, v6 ? IPV6_TCLASS : IP_TOS, p->tos);
	if (!err && p->min_ttl)
		err = set_int(fd, level, v6 ? IPV6_MINHOPCOUNT : IP_MINTTL, p->min_ttl);
	return err;
}

static int bind_source(int fd, const struct engine *e, const struct probe *p)
{
	const struct addr *source = &e->config->source;
	struct addr any = { .family = e->addr.family };
	struct sockaddr_storage sa;
	socklen_t len;

	if (source->family == AF_UNSPEC && !p->source_port)
		return 0;
	/* The same flow again and again, each time with another TTL. */
	if (p->source_port && set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0)
		return -errno;
	len = addr_to_sockaddr(source->family == AF_UNSPEC ? &any : source,
			       p->source_port, &sa);
	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

static int bind_device(int fd, const char *name)
{
	if (!name[0])
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name,
			  (socklen_t)strlen(name) + 1) < 0
		       ? -errno
		       : 0;
}

int probe_socket(const struct engine *e, const struct probe *p, int type, int protocol)
{
	int fd = socket(e->addr.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int err;

	if (fd < 0)
		return -errno;
	err = icmp_enable(fd, e->addr.family);
	if (!err)
		err = icmp_enable_ttl(fd, e->addr.family);
	if (!err)
		err = set_header(fd, e, p);
	if (!err)
		err = bind_device(fd, p->by_loopback ? "lo" : e->config->interface);
	if (!err)
		err = bind_source(fd, e, p);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

void probe_answer(struct probe *p, enum answer answer, int error)
{
	p->answer = answer;
	p->error = error;
	p->answered_ns = clock_now_ns();
}

bool probe_take_icmp(struct probe *p)
{
	struct icmp_error icmp = { .from.family = AF_UNSPEC };

	while (icmp_read(p->fd, &icmp) == 1) {
		if (!icmp_is_final(icmp.origin, icmp.type, icmp.code))
			continue;
		p->icmp = icmp;
		probe_answer(p, ANSWER_ICMP, icmp.error);
		return true;
	}
	return false;
}

void probe_note_source(struct probe *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(p->fd, (struct sockaddr *)&sa, &len) == 0 &&
	    addr_from_sockaddr((struct sockaddr *)&sa, len, &p->source, &p->local_port) <
		    0)
		p->source = (struct addr){ .family = AF_UNSPEC };
}
