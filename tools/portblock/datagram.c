/*
 * UDP and echo probes.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "engine_private.h"
#include "udp_payload.h"
#include "wire.h"

/* Echo request: type, code, checksum, identifier, sequence, and the nonce (RFC 792,
 * RFC 4443 4.1). */
#define ECHO_BYTES 16

/* RFC 1071. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A ping socket fills in identifier and checksum itself; for a raw IPv6 one the kernel
 * does the checksum. */
static size_t build_echo(const struct engine *e, const struct probe *p, uint8_t *out)
{
	bool v6 = e->addr.family == AF_INET6;

	memset(out, 0, ECHO_BYTES);
	out[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	wire_put_u16(out + 4, (uint16_t)p->nonce);
	wire_put_u16(out + 6, p->ttl);
	wire_put_u32(out + 8, (uint32_t)(p->nonce >> 32));
	wire_put_u32(out + 12, (uint32_t)p->nonce);
	if (!v6)
		wire_put_u16(out + 2, checksum(out, ECHO_BYTES));
	return ECHO_BYTES;
}

static size_t build_payload(const struct engine *e, const struct probe *p, uint8_t *out)
{
	const struct udp_service *service = udp_service_of_port(p->port);

	if (p->protocol == IPPROTO_ICMP)
		return build_echo(e, p, out);
	return service ? service->build(out, p->nonce) : 0;
}

static int open_echo(struct engine *e, struct probe *p)
{
	bool v6 = e->addr.family == AF_INET6;
	int fd = probe_socket(e, p, SOCK_DGRAM, v6 ? (int)IPPROTO_ICMPV6 : IPPROTO_ICMP);
	int ttl = p->ttl ? p->ttl : 64;

	if (fd >= 0 || e->raw_fd[v6] < 0)
		return fd;
	fd = e->raw_fd[v6];
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL,
		   &ttl, sizeof(ttl));
	return fd;
}

static bool is_raw(const struct engine *e, const struct probe *p)
{
	return p->fd >= 0 && (p->fd == e->raw_fd[0] || p->fd == e->raw_fd[1]);
}

/* The raw socket is every echo probe's: the identifier and the sequence number that are
 * quoted tell whose error it is. */
static void raw_errors(struct engine *e, int fd)
{
	struct icmp_error icmp = { .from.family = AF_UNSPEC };
	uint8_t quote[ECHO_BYTES];
	size_t len, i;

	while (icmp_read_quoted(fd, &icmp, quote, sizeof(quote), &len) == 1) {
		struct wire w = wire_of(quote, len);
		uint16_t id, sequence;

		wire_skip(&w, 4);
		id = wire_u16(&w);
		sequence = wire_u16(&w);
		if (w.bad || !icmp_is_final(icmp.origin, icmp.type, icmp.code))
			continue;
		for (i = e->n_probes; i-- > 0;) {
			struct probe *p = e->probes[i];

			if (!p->running || p->fd != fd || (uint16_t)p->nonce != id ||
			    p->ttl != sequence)
				continue;
			p->icmp = icmp;
			probe_answer(p, ANSWER_ICMP, icmp.error);
			engine_stop(e, p);
			break;
		}
	}
}

static int send_it(struct engine *e, const struct probe *p, const uint8_t *payload,
		   size_t len)
{
	if (send(p->fd, payload, len, 0) >= 0)
		return 0;
	if (!is_raw(e, p))
		return -errno;
	/* Another probe's error, of which the socket tells whoever comes next. */
	raw_errors(e, p->fd);
	return send(p->fd, payload, len, 0) < 0 ? -errno : 0;
}

void datagram_start(struct engine *e, struct probe *p)
{
	uint8_t payload[UDP_PAYLOAD_MAX];
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&e->addr, p->port, &sa);
	size_t len;
	int err;

	p->sent_ns = clock_now_ns();
	/* Not secret: it only tells this probe's answers from others'. */
	p->nonce = ((uint64_t)p->sent_ns * 6364136223846793005u) ^ (uint64_t)getpid();
	p->fd = p->protocol == IPPROTO_ICMP ? open_echo(e, p)
					    : probe_socket(e, p, SOCK_DGRAM, 0);
	if (p->fd < 0) {
		probe_answer(p, ANSWER_ERROR, -p->fd);
		p->fd = -1;
		return;
	}
	p->running = true;
	len = build_payload(e, p, payload);
	p->sent_ns = clock_now_ns();
	err = connect(p->fd, (struct sockaddr *)&sa, sa_len) < 0 ? -errno : 0;
	if (!err)
		err = send_it(e, p, payload, len);
	probe_note_source(p);
	if (!err)
		return;
	/* Sent or not, an ICMP error of this machine's own may be here. */
	if (is_raw(e, p))
		raw_errors(e, p->fd);
	else
		(void)probe_take_icmp(p);
	if (!probe_answered(p))
		probe_answer(p, ANSWER_ERROR, -err);
	engine_stop(e, p);
}

/* Is it the reply to our request? A raw socket sees all echo replies from there. */
static bool is_our_echo(const struct engine *e, const struct probe *p,
			const uint8_t *bytes, size_t len)
{
	bool v6 = e->addr.family == AF_INET6;
	struct wire w = wire_of(bytes, len);

	/* IPv4 raw sockets hand out the IP header, too (raw(7)). */
	if (p->fd == e->raw_fd[0] && len > 0)
		wire_skip(&w, (size_t)(bytes[0] & 15) * 4);
	if (wire_u8(&w) != (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
		return false;
	wire_skip(&w, 7);
	return wire_u32(&w) == (uint32_t)(p->nonce >> 32) &&
	       wire_u32(&w) == (uint32_t)p->nonce && !w.bad;
}

static struct probe *echo_owner(struct engine *e, int fd, const uint8_t *bytes,
				size_t len)
{
	size_t i;

	for (i = e->n_probes; i-- > 0;)
		if (e->probes[i]->running && e->probes[i]->fd == fd &&
		    is_our_echo(e, e->probes[i], bytes, len))
			return e->probes[i];
	return NULL;
}

static void describe_reply(struct probe *p, const uint8_t *bytes, size_t len)
{
	const struct udp_service *service = udp_service_of_port(p->port);

	if (service && service->matches(bytes, len, p->nonce))
		service->describe(bytes, len, p->said, sizeof(p->said));
	else
		snprintf(p->said, sizeof(p->said), "%zu bytes", len);
}

void datagram_event(struct engine *e, struct probe *p, short events)
{
	uint8_t bytes[2048];
	union {
		struct cmsghdr align;
		char bytes[256];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	if (events & POLLERR && is_raw(e, p))
		raw_errors(e, p->fd);
	else if (events & POLLERR && probe_take_icmp(p))
		engine_stop(e, p);
	if (!p->running)
		return;
	n = recvmsg(p->fd, &msg, MSG_DONTWAIT);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR || is_raw(e, p))
			return;
		/* A kernel without the queue tells by errno alone. */
		probe_answer(p, ANSWER_ERROR, errno);
		engine_stop(e, p);
		return;
	}
	if (p->protocol == IPPROTO_ICMP)
		p = echo_owner(e, p->fd, bytes, (size_t)n);
	if (!p)
		return;
	p->ttl_got = icmp_ttl_of(&msg);
	if (p->protocol == IPPROTO_UDP)
		describe_reply(p, bytes, (size_t)n);
	probe_answer(p, ANSWER_REPLY, 0);
	engine_stop(e, p);
}
