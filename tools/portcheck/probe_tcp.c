/*
 * TCP: connect(2), and everything that can come of it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "probe_private.h"

/* How often an event may turn out to be no answer, a millisecond apart. By count, not by
 * time: a machine that was stalled still reads what came in the meantime. */
#define LATE_TRIES 100
/* A port of our own that connects to itself gets another source port this often. */
#define SELF_CONNECT_TRIES 8
/* A RST that took longer than this came from outside. */
#define CONFIRM_FAST_NS (2 * NS_PER_MS)
/* How long an own RST may take to come back a second time: it is made inside the call. */
#define CONFIRM_WAIT_NS (3 * NS_PER_MS)

static void tcp_event(struct loop_io *io, uint32_t events);
static void refused(struct probe *p, struct attempt *a);

/* RST instead of FIN on close: no TIME_WAIT is left behind on either side. */
static void abort_on_close(int fd)
{
	static const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

/* DEVICE: bind to it, NULL: as configured. */
static int tcp_connect(struct probe *p, struct attempt *a, const char *device)
{
	const struct check *c = &p->result.check;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&c->addr, c->port, &sa);
	int fd = probe_socket(p, SOCK_STREAM, device);
	int err = 0;

	if (fd < 0)
		return fd;
	a->io.fd = fd;
	a->io.fn = tcp_event;
	a->sent_ns = clock_now_ns();
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		err = -errno;
	if (!err)
		err = loop_io_add(p->owner->loop, &a->io, EPOLLOUT);
	if (err) {
		close(fd);
		a->io.fd = -1;
	}
	return err;
}

/* The same socket again: half the system calls of a new one. Its local port is given up
 * with the old connection, so this is a new SYN from another port. */
static int tcp_reconnect(struct probe *p, struct attempt *a)
{
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	const struct check *c = &p->result.check;
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&c->addr, c->port, &sa);
	int error;
	socklen_t error_len = sizeof(error);

	/* Breaking off leaves ECONNRESET behind, to be read away. */
	if (connect(a->io.fd, &nobody, sizeof(nobody)) < 0 ||
	    getsockopt(a->io.fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
		return -errno;
	a->sent_ns = clock_now_ns();
	if (connect(a->io.fd, (struct sockaddr *)&sa, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return 0;
}

int tcp_send(struct probe *p, struct attempt *a)
{
	bool again = a->io.fd >= 0;
	int err = again ? tcp_reconnect(p, a) : tcp_connect(p, a, NULL);

	/* A socket that is nowhere would hang up in every round of the loop. */
	if (err < 0 && again)
		probe_close(p, a);

	/* A RST to a connection within this machine can be back before connect
	 * returns. */
	if (err == -ECONNREFUSED) {
		refused(p, a);
		return -EALREADY;
	}
	return err;
}

/* ---- connected ---- */

/*
 * A connection within this machine to a port that nobody listens on can still succeed:
 * when the kernel picks the wanted port as source, the socket meets itself (a
 * simultaneous open, RFC 9293 3.5); and two sockets of one sweep can meet each other the
 * same way.
 */
static bool met_itself(int fd)
{
	struct sockaddr_storage self, peer;
	socklen_t self_len = sizeof(self), peer_len = sizeof(peer);
	struct addr a, b;
	uint16_t a_port, b_port;

	if (getsockname(fd, (struct sockaddr *)&self, &self_len) < 0 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&self, self_len, &a, &a_port) < 0 ||
	    addr_from_sockaddr((struct sockaddr *)&peer, peer_len, &b, &b_port) < 0)
		return false;
	return a_port == b_port && addr_equal(&a, &b);
}

/* The same attempt again, with another source port. */
static void connect_again(struct probe *p, struct attempt *a)
{
	int err;

	abort_on_close(a->io.fd);
	probe_close(p, a);
	err = tcp_connect(p, a, NULL);
	if (err < 0)
		probe_finish(p, SEEN_ERROR, -err);
}

/* Two sockets of one sweep can only meet at an address of this machine, in the range
 * that source ports come from. Meeting twice in a row, with new source ports, does not
 * happen. */
static bool could_meet_another(struct probe *p)
{
	return p->owner->sweep && p->result.check.port >= p->owner->ephemeral_low &&
	       probe_route(p)->kind == ROUTE_LOCAL;
}

static void finish_open(struct probe *p)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p->attempts); i++)
		if (p->attempts[i].io.fd >= 0)
			abort_on_close(p->attempts[i].io.fd);
	probe_finish(p, SEEN_CONNECTED, 0);
}

static void connected(struct probe *p, struct attempt *a)
{
	const struct portcheck_config *config = p->owner->config;
	int64_t now_ns = probe_now(p);
	int64_t until_ns;

	if (met_itself(a->io.fd)) {
		if (++p->n_self < SELF_CONNECT_TRIES)
			connect_again(p, a);
		else
			probe_finish(p, SEEN_ERROR, ECONNREFUSED);
		return;
	}
	if (!p->confirmed && could_meet_another(p)) {
		p->confirmed = true;
		connect_again(p, a);
		return;
	}
	observe_connected(p, a->io.fd);
	p->result.late = a->number > 0 || p->result.resent;
	if (!p->result.resent)
		probe_answered(p, a);
	p->result.connect_ns = max_i64(now_ns - p->start_ns, 1);
	probe_close_others(p, a);
	if (!config->hold_ns && !config->banner) {
		finish_open(p);
		return;
	}
	until_ns = config->hold_ns ? now_ns + config->hold_ns
				   : p->start_ns + p->result.check.budget_ns;
	p->phase = PHASE_HOLDING;
	p->phase_ns = now_ns;
	if (loop_io_modify(p->owner->loop, &a->io, EPOLLIN | EPOLLRDHUP) < 0)
		finish_open(p);
	else
		probe_arm(p, until_ns);
}

/* ---- held ---- */

/* Read what the peer says, keep its beginning. Returns false once it has ended. */
static bool drain(struct probe *p, struct attempt *a)
{
	uint8_t bytes[4096];
	int rounds;

	/* Bounded, so that a flood can't keep the loop: epoll comes back for the rest. */
	for (rounds = 0; rounds < 16; rounds++) {
		ssize_t n = recv(a->io.fd, bytes, sizeof(bytes), 0);
		size_t room = PROBE_BANNER_BYTES - p->banner_len;
		size_t i;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n <= 0) {
			p->result.closed_by_peer = n == 0		 ? CLOSED_FIN
						   : errno == ECONNRESET ? CLOSED_RESET
									 : CLOSED_NOT;
			return false;
		}
		if (!p->banner)
			p->banner = malloc(PROBE_BANNER_BYTES);
		for (i = 0; p->banner && i < min_size((size_t)n, room); i++)
			p->banner[p->banner_len++] = bytes[i];
	}
	return true;
}

static void held_event(struct probe *p, struct attempt *a)
{
	const struct portcheck_config *config = p->owner->config;
	bool alive = drain(p, a);

	if (!alive)
		p->result.held_ns = max_i64(probe_now(p) - p->phase_ns, 0);
	if (!alive || (!config->hold_ns && p->banner_len))
		finish_open(p);
}

/* ---- refused ---- */

/*
 * Is this RST our own? A filter rule of this machine can answer a SYN to somewhere else
 * with a RST that looks as if it came from there. So the connection is tried once more,
 * bound to the loopback interface: nothing leaves the machine by that, and if a RST comes
 * back all the same, it was made here. (IPv6 finds no route by loopback: there it can't
 * be told.) An own RST is back before connect(2) returns, so answers that took longer
 * need no second look.
 */
static bool start_confirming(struct probe *p, struct attempt *a)
{
	const struct portcheck_config *config = p->owner->config;
	int err;

	if (p->owner->sweep || config->interface[0] || config->source_port ||
	    p->result.check.addr.family != AF_INET ||
	    p->result.connect_ns > CONFIRM_FAST_NS ||
	    probe_route(p)->kind != ROUTE_UNICAST)
		return false;
	probe_close_all(p);
	err = tcp_connect(p, a, "lo");
	p->result.seen.reset_is_local = err == -ECONNREFUSED;
	if (err < 0)
		return false; /* binding to a device needs Linux 5.7, or privilege */
	p->phase = PHASE_CONFIRMING;
	probe_arm(p, clock_now_ns() + CONFIRM_WAIT_NS);
	return true;
}

static void refused(struct probe *p, struct attempt *a)
{
	/* Whoever sent it, the answer took that long. */
	p->result.connect_ns = max_i64(probe_now(p) - p->start_ns, 1);
	probe_answered(p, a);
	if (!start_confirming(p, a))
		probe_finish(p, SEEN_ERROR, ECONNREFUSED);
}

/* A connection that was there, and was reset before we came to look (a RST in answer
 * to the SYN is ECONNREFUSED): the port is open, what stands behind it is another
 * question. */
static void reset_at_once(struct probe *p, struct attempt *a)
{
	p->result.connect_ns = max_i64(probe_now(p) - p->start_ns, 1);
	p->result.closed_by_peer = CLOSED_RESET;
	p->result.held_ns = 0;
	probe_answered(p, a);
	finish_open(p);
}

static void confirm_event(struct probe *p, struct attempt *a)
{
	struct icmp_error icmp;
	int error = 0;
	socklen_t len = sizeof(error);

	/* An ICMP error here is a rule about loopback, not the RST again. */
	if (icmp_read(a->io.fd, &icmp) == 0 &&
	    getsockopt(a->io.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		p->result.seen.reset_is_local = error == ECONNREFUSED;
	probe_finish(p, SEEN_ERROR, ECONNREFUSED);
}

/* ---- events ---- */

static void tcp_event(struct loop_io *io, uint32_t events)
{
	struct attempt *a = container_of(io, struct attempt, io);
	struct probe *p = a->probe;
	int error = 0;
	socklen_t len = sizeof(error);

	if (p->phase == PHASE_HOLDING) {
		held_event(p, a);
		return;
	}
	if (p->phase == PHASE_CONFIRMING) {
		confirm_event(p, a);
		return;
	}
	if (events & EPOLLERR && observe_icmp(p, a->io.fd)) {
		p->result.connect_ns = max_i64(probe_now(p) - p->start_ns, 1);
		if (addr_equal(&p->result.seen.icmp.from, &p->result.check.addr))
			probe_answered(p, a);
		probe_finish(p, SEEN_ERROR, p->result.seen.icmp.error);
		return;
	}
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == ETIMEDOUT) {
		/* The kernel gave up on this socket; others may be under way. */
		probe_close(p, a);
		return;
	}
	if (error == ECONNREFUSED)
		refused(p, a);
	else if (error == ECONNRESET || error == EPIPE)
		reset_at_once(p, a);
	else if (error)
		probe_finish(p, SEEN_ERROR, error);
	else if (events & EPOLLOUT && !(events & EPOLLHUP))
		connected(p, a);
	/* Else a soft error was read away: the handshake goes on. */
}

/* In a sweep, where a small run's sockets would still be open, and the kernel repeat. */
static bool deserves_more(const struct probe *p)
{
	return p->owner->sweep && !p->owner->config->source_port &&
	       p->n_sent < pace_attempts(&p->owner->pace) &&
	       probe_now(p) + TIMING_RTO_MIN_NS < p->start_ns + p->result.check.budget_ns;
}

/* An answer that came while the loop was busy with others counts. */
static bool take_late_answer(struct probe *p)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(p->attempts); i++) {
		struct attempt *a = &p->attempts[i];
		struct pollfd poll_fd = { .fd = a->io.fd, .events = POLLOUT };

		if (a->io.fd < 0 || poll(&poll_fd, 1, 0) <= 0)
			continue;
		/* POLL* and EPOLL* are the same bits. The event may end the probe, or be
		 * nothing after all: then the timer comes again. */
		p->n_late++;
		probe_arm(p, probe_now(p) + NS_PER_MS);
		tcp_event(&a->io, (uint32_t)poll_fd.revents);
		return true;
	}
	return false;
}

void tcp_timer(struct probe *p)
{
	switch (p->phase) {
	case PHASE_HOLDING:
		if (p->owner->config->hold_ns)
			p->result.held_ns = max_i64(probe_now(p) - p->phase_ns, 0);
		finish_open(p);
		return;
	case PHASE_CONFIRMING:
		probe_finish(p, SEEN_ERROR, ECONNREFUSED);
		return;
	case PHASE_WAITING:
	case PHASE_BLOCKED:
	case PHASE_PACED:
		break;
	}
	/* The host's round-trip time may be known by now. */
	p->schedule = timing_schedule(&p->host->rtt, p->host->network,
				      p->result.check.budget_ns, p->owner->size);
	if (p->owner->config->source_port)
		probe_try_once(p);
	if (p->n_sent < p->schedule.n && probe_now(p) < probe_give_up_ns(p))
		probe_send(p);
	else if (probe_now(p) < probe_give_up_ns(p))
		probe_arm(p, probe_give_up_ns(p));
	else if (p->n_late < LATE_TRIES && take_late_answer(p))
		return;
	else if (deserves_more(p))
		probe_send(p);
	else
		probe_finish(p, SEEN_SILENCE, 0);
}
