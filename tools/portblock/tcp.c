/*
 * TCP probes: connect(2), and what becomes of the connection while it is held.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <linux/tcp.h>

#include "clock.h"
#include "engine_private.h"

/* TCP_SYN_SENT of linux/tcp_states.h (the values of RFC 9293's states in TCP_INFO). */
#define STATE_SYN_SENT 2

void tcp_start(struct engine *e, struct probe *p)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&e->addr, p->port, &sa);
	int rc;

	p->sent_ns = clock_now_ns();
	p->fd = probe_socket(e, p, SOCK_STREAM, 0);
	if (p->fd < 0) {
		probe_answer(p, ANSWER_ERROR, -p->fd);
		p->fd = -1;
		return;
	}
	p->running = true;
	p->sent_ns = clock_now_ns();
	rc = connect(p->fd, (struct sockaddr *)&sa, len) < 0 ? errno : 0;
	probe_note_source(p);
	if (!rc || rc == EINPROGRESS)
		return;
	/* A RST or an ICMP error of this machine's own can be back already. */
	if (probe_take_icmp(p))
		;
	else if (rc == ECONNREFUSED)
		probe_answer(p, ANSWER_RESET, rc);
	else
		probe_answer(p, ANSWER_ERROR, rc);
	engine_stop(e, p);
}

/*
 * TCP_INFO. The kernel counts a SYN that it sends again in tcpi_total_retrans in any
 * case, but in tcpi_retrans only when sending worked (tcp_retransmit_skb() in
 * net/ipv4/tcp_output.c): a filter of this machine that drops it makes sending fail,
 * which connect(2) never tells.
 */
static void read_info(struct probe *p)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_total_retrans) +
			    sizeof(info.tcpi_total_retrans))
		return;
	/* A socket that has ended counts nothing any more. */
	if (info.tcpi_total_retrans)
		p->resent = info.tcpi_total_retrans;
	p->kernel_kept_it = info.tcpi_state == STATE_SYN_SENT &&
			    info.tcpi_total_retrans > 0 && info.tcpi_retrans == 0;
}

void engine_look(struct probe *p)
{
	if (p->running && p->protocol == IPPROTO_TCP && !probe_answered(p))
		read_info(p);
}

static void held(struct probe *p, enum after_accept after)
{
	p->after = after;
	p->after_ns = clock_now_ns() - p->answered_ns;
	p->holding = false;
}

/* From here on only nearer senders are heard. False: the end came before that. */
static bool raise_min_ttl(const struct engine *e, const struct probe *p)
{
	bool v6 = e->addr.family == AF_INET6;
	int least = p->hold_min_ttl;
	uint8_t byte;

	if (!least)
		return true;
	return setsockopt(p->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  v6 ? IPV6_MINHOPCOUNT : IP_MINTTL, &least,
			  sizeof(least)) == 0 &&
	       recv(p->fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void hold(struct engine *e, struct probe *p)
{
	p->holding = true;
	if (!raise_min_ttl(e, p)) {
		held(p, AFTER_UNKNOWN);
		engine_stop(e, p);
		return;
	}
	if (p->say)
		(void)!send(p->fd, p->say, p->say_len, MSG_NOSIGNAL);
}

static void connected(struct engine *e, struct probe *p)
{
	probe_answer(p, ANSWER_SYN_ACK, 0);
	read_info(p);
	if (p->hold_ns)
		hold(e, p);
	else
		engine_stop(e, p);
}

static void hold_event(struct engine *e, struct probe *p)
{
	uint8_t bytes[512];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		held(p, AFTER_DATA);
	else
		held(p, n == 0		      ? AFTER_FIN
			: errno == ECONNRESET ? AFTER_RESET
					      : AFTER_UNKNOWN);
	engine_stop(e, p);
}

void tcp_hold_ends(struct engine *e, struct probe *p)
{
	held(p, AFTER_QUIET);
	engine_stop(e, p);
}

void tcp_event(struct engine *e, struct probe *p, short events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (p->holding) {
		hold_event(e, p);
		return;
	}
	/* An ICMP error may leave no errno behind, or only a soft one. */
	if (events & POLLERR && probe_take_icmp(p)) {
		engine_stop(e, p);
		return;
	}
	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (!error && events & POLLOUT && !(events & POLLHUP)) {
		connected(e, p);
		return;
	}
	if (error == ECONNRESET || error == EPIPE) {
		/* The connection was made, and reset before we came to look. */
		probe_answer(p, ANSWER_SYN_ACK, 0);
		/* Before the minimum was raised, a RST says nothing about its sender. */
		p->after = p->hold_min_ttl ? AFTER_UNKNOWN : AFTER_RESET;
	} else if (error == ECONNREFUSED) {
		probe_answer(p, ANSWER_RESET, error);
	} else if (error && error != ETIMEDOUT) {
		probe_answer(p, ANSWER_ERROR, error);
	} else if (!error) {
		return; /* a soft error was read away: the handshake goes on */
	}
	engine_stop(e, p);
}

void tcp_stop(struct probe *p)
{
	static const struct linger now = { .l_onoff = 1 };

	if (!probe_answered(p))
		read_info(p);
	/* RST instead of FIN: no TIME_WAIT stays behind on either side. */
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}
