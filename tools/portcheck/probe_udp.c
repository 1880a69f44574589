/*
 * UDP: a datagram in the language of the usual service, and what comes of it.
 *
 * Open needs an answer; closed needs a port-unreachable, which hosts send about once a
 * second after a small burst (Linux: icmp_ratelimit, six at once). So when a host has
 * answered for some ports and then falls silent, the silent ones are asked again one by
 * one, slowly, before silence is believed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "probe_private.h"

/* Between two datagrams to a host that limits its answers to one a second. */
#define TURN_NS (1050 * NS_PER_MS)
/* Turns before silence is believed. */
#define TURNS 2
/* Beyond this many ports a host, turns would take hours: silence stays "don't know". */
#define TURN_MAX_PORTS 1000

static void udp_event(struct loop_io *io, uint32_t events);

static bool turns_apply(const struct probe *p)
{
	const struct target_set *set = &p->owner->config->targets;
	const struct target *t = &set->targets[p->result.check.target];

	return target_ports(set, t)->n_ports <= TURN_MAX_PORTS;
}

void udp_prepare(struct probe *p)
{
	int64_t budget_ns = p->result.check.budget_ns;

	/* splitmix64: distinct transaction ids from one random seed. */
	p->nonce = p->owner->nonce_seed += 0x9e3779b97f4a7c15ULL;
	p->nonce = (p->nonce ^ p->nonce >> 30) * 0xbf58476d1ce4e5b9ULL;
	p->nonce = (p->nonce ^ p->nonce >> 27) * 0x94d049bb133111ebULL;
	p->nonce ^= p->nonce >> 31;
	p->service = udp_service_of_port(p->result.check.port);
	/* Three datagrams over the budget: one is lost easily, and answers to them are
	 * not repeated by anybody. */
	p->schedule = (struct schedule){ .n = TIMING_ATTEMPTS,
					 .at_ns = { 0, budget_ns / 3, budget_ns / 3 * 2 },
					 .give_up_ns = budget_ns };
}

/* The socket sends to itself when the kernel gave it the asked port of an own address. */
static bool met_itself(int fd, const struct check *c)
{
	struct sockaddr_storage self;
	socklen_t len = sizeof(self);
	struct addr a;
	uint16_t port;

	return getsockname(fd, (struct sockaddr *)&self, &len) == 0 &&
	       addr_from_sockaddr((struct sockaddr *)&self, len, &a, &port) == 0 &&
	       port == c->port && addr_equal(&a, &c->addr);
}

static bool connects(const struct probe *p)
{
	return !p->service || !p->service->replies_from_other_port;
}

static int open_socket(struct probe *p, struct attempt *a)
{
	const struct check *c = &p->result.check;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&c->addr, c->port, &sa);
	int err = 0;
	int tries;

	for (tries = 0; tries < 8; tries++) {
		int fd = probe_socket(p, SOCK_DGRAM, NULL);

		if (fd < 0)
			return fd;
		if (connects(p) && connect(fd, (struct sockaddr *)&sa, len) < 0)
			err = -errno;
		a->io.fd = fd;
		if (err || !met_itself(fd, c))
			break;
		close(fd);
		a->io.fd = -1;
	}
	if (!err && a->io.fd < 0)
		err = -EADDRNOTAVAIL;
	a->io.fn = udp_event;
	if (!err)
		err = loop_io_add(p->owner->loop, &a->io, EPOLLIN);
	if (err && a->io.fd >= 0) {
		close(a->io.fd);
		a->io.fd = -1;
	}
	return err;
}

/* All attempts share the first socket: an answer to any of them counts. */
int udp_send(struct probe *p, struct attempt *a)
{
	const struct check *c = &p->result.check;
	uint8_t payload[UDP_PAYLOAD_MAX];
	size_t size = p->service && p->service->build
			      ? p->service->build(payload, p->nonce)
			      : 0;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&c->addr, c->port, &sa);
	ssize_t n;

	if (a->io.fd < 0) {
		int err = open_socket(p, a);

		if (err)
			return err;
	}
	a->sent_ns = clock_now_ns();
	p->host->udp_next_ns = max_i64(p->host->udp_next_ns, a->sent_ns + TURN_NS);
	if (connects(p))
		n = send(a->io.fd, payload, size, MSG_NOSIGNAL);
	else
		n = sendto(a->io.fd, payload, size, MSG_NOSIGNAL, (struct sockaddr *)&sa,
			   len);
	if (n >= 0)
		return 0;
	/* The answer to an earlier one may still come, and an ICMP error for it is told
	 * here too: its event is due. */
	if (p->n_sent > 1)
		return 0;
	n = -errno;
	probe_close(p, a);
	return (int)n;
}

static void keep_banner(struct probe *p, const uint8_t *bytes, size_t len)
{
	if (!p->owner->config->banner || p->banner)
		return;
	p->banner = malloc(PROBE_BANNER_BYTES);
	if (!p->banner)
		return;
	p->banner_len = min_size(len, PROBE_BANNER_BYTES);
	memcpy(p->banner, bytes, p->banner_len);
}

static void answered(struct probe *p, const uint8_t *bytes, size_t len)
{
	struct result *r = &p->result;
	const struct udp_service *s = p->service;

	r->connect_ns = max_i64(probe_now(p) - p->start_ns, 1);
	if (p->n_sent == 1)
		probe_answered(p, &p->attempts[0]);
	if (s && s->matches && s->describe && s->matches(bytes, len, p->nonce))
		s->describe(bytes, len, r->said, sizeof(r->said));
	keep_banner(p, bytes, len);
	probe_finish(p, SEEN_REPLY, 0);
}

/* An unconnected socket hears everybody: only the asked host counts. */
static bool from_target(const struct probe *p, const struct sockaddr_storage *sa,
			socklen_t len)
{
	struct addr from;

	return addr_from_sockaddr((const struct sockaddr *)sa, len, &from, NULL) == 0 &&
	       (from.scope = p->result.check.addr.scope,
		addr_equal(&from, &p->result.check.addr));
}

static void refused(struct probe *p)
{
	struct observation *o = &p->result.seen;

	p->result.connect_ns = max_i64(probe_now(p) - p->start_ns, 1);
	if (addr_equal(&o->icmp.from, &p->result.check.addr)) {
		p->host->udp_closed++;
		if (p->n_sent == 1)
			probe_answered(p, &p->attempts[0]);
	}
	probe_finish(p, SEEN_ERROR, o->icmp.error);
}

static void udp_event(struct loop_io *io, uint32_t events)
{
	struct attempt *a = container_of(io, struct attempt, io);
	struct probe *p = a->probe;
	uint8_t bytes[2048];
	int rounds;

	if (events & EPOLLERR && observe_icmp(p, io->fd)) {
		refused(p);
		return;
	}
	for (rounds = 0; rounds < 16; rounds++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		ssize_t n = recvfrom(io->fd, bytes, sizeof(bytes), 0,
				     (struct sockaddr *)&sa, &len);

		if (n >= 0 && from_target(p, &sa, len)) {
			answered(p, bytes, (size_t)n);
			return;
		}
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		/* Other errors repeat what the error queue said; a kernel without one
		 * leaves errno alone to go by. */
		if (n < 0 && errno == ECONNREFUSED && !observe_icmp(p, io->fd)) {
			p->host->udp_closed++;
			probe_finish(p, SEEN_ERROR, ECONNREFUSED);
			return;
		}
		if (n < 0 && p->result.seen.has_icmp) {
			refused(p);
			return;
		}
	}
}

/* Wait for this host's next turn. */
static void take_turn(struct probe *p)
{
	struct host *h = p->host;

	int64_t at_ns = max_i64(h->udp_next_ns, probe_now(p));

	h->udp_next_ns = at_ns + TURN_NS;
	p->phase = PHASE_PACED;
	probe_arm(p, at_ns);
}

static void turn_came(struct probe *p)
{
	p->n_paced++;
	p->phase = PHASE_WAITING;
	if (p->n_sent < TIMING_ATTEMPTS)
		p->n_sent++;
	if (udp_send(p, &p->attempts[0]) < 0) {
		probe_finish(p, SEEN_SILENCE, 0);
		return;
	}
	probe_arm(p,
		  probe_now(p) + max_i64(2 * rtt_rto_ns(&p->host->rtt), 500 * NS_PER_MS));
}

void udp_timer(struct probe *p)
{
	struct host *h = p->host;

	if (p->phase == PHASE_PACED) {
		turn_came(p);
		return;
	}
	if (h->udp_closed && !h->udp_limited && turns_apply(p))
		h->udp_limited = true;
	if (h->udp_limited && p->n_paced < TURNS)
		take_turn(p);
	else if (!h->udp_limited && p->n_sent < p->schedule.n)
		probe_send(p);
	else
		probe_finish(p, SEEN_SILENCE, 0);
}
