/* SPDX-License-Identifier: MIT */
/*
 * labsrv: small servers that misbehave on purpose, many in one process.
 *
 *	labsrv [--ready-fd N] [-S ADDR] [-6] MODE:PORT[:ARG]...
 *	labsrv [-S ADDR] --free		print a port free for TCP and UDP, and exit
 *
 * PORT 0 lets the kernel pick. Once every socket is bound one line is written to the
 * ready fd (default: standard output): "ready PID PORT...", in the order of the
 * arguments (a tcp-many reports its first port), and the fd is closed.
 * The process ends on SIGTERM and when its parent dies.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "labsrv_spec.h"

#define MAX_SPECS	 64
#define MAX_FDS		 (1u << 17)
#define FILL_DEADLINE_MS 2000
#define UDP_RCVBUF_BYTES (16 << 20)

enum role { ROLE_NONE, ROLE_LISTENER, ROLE_UDP, ROLE_CONN };

struct slot {
	const struct spec *spec;
	int64_t close_at_ns; /* 0: never */
	enum role role;
};

struct server {
	struct spec specs[MAX_SPECS];
	struct slot *slots; /* indexed by fd */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	size_t n_specs;
	size_t n_late;
	int epfd;
	int ready_fd;
	bool v6only;
	bool free_port;
};

static void set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		die("getsockname");
	return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
					      : ((struct sockaddr_in *)&ss)->sin_port);
}

static void parse_address(struct server *srv, const char *s)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&srv->addr;
	struct sockaddr_in *in4 = (struct sockaddr_in *)&srv->addr;

	memset(&srv->addr, 0, sizeof(srv->addr));
	if (inet_pton(AF_INET6, s, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		srv->addr_len = sizeof(*in6);
		return;
	}
	memset(&srv->addr, 0, sizeof(srv->addr));
	if (inet_pton(AF_INET, s, &in4->sin_addr) != 1)
		die("bad address '%s'", s);
	in4->sin_family = AF_INET;
	srv->addr_len = sizeof(*in4);
}

/* Returns a bound socket, or -1 with errno when the port is taken. */
static int bind_socket(const struct server *srv, bool udp, uint16_t port)
{
	int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(srv->addr.ss_family, type, 0), on = 1, v6only = srv->v6only;
	const int udp_bytes = UDP_RCVBUF_BYTES;
	struct sockaddr_storage ss = srv->addr;

	if (fd < 0)
		die("socket");
	if (!udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else /* a burst must not look like loss; without root it stays small */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &udp_bytes, sizeof(udp_bytes));
	if (ss.ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
		/* A wildcard socket must answer from the address that was asked. */
		if (udp)
			setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else if (udp) {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	set_port(&ss, port);
	if (bind(fd, (struct sockaddr *)&ss, srv->addr_len)) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static void watch(struct server *srv, int fd, enum role role, const struct spec *spec)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if ((unsigned)fd >= MAX_FDS)
		die("too many sockets");
	srv->slots[fd] = (struct slot){ .role = role, .spec = spec };
	if (epoll_ctl(srv->epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

/* A listener's tcpi_unacked is its accept queue, tcpi_sacked the limit: net/ipv4/tcp.c */
static bool queue_is_full(int fd)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		die("TCP_INFO");
	return ti.tcpi_unacked > ti.tcpi_sacked;
}

/* Connects to the listener itself and never accepts; those sockets stay open. */
static void fill_queue(const struct server *srv, int fd)
{
	int64_t deadline = now_ns() + FILL_DEADLINE_MS * NSEC_PER_MSEC;
	struct sockaddr_storage ss = srv->addr;

	set_port(&ss, bound_port(fd));
	for (int tries = 0; !queue_is_full(fd); tries++) {
		struct timespec ms = { .tv_nsec = 1000000 };
		int c;

		if (now_ns() > deadline) {
			errno = ETIMEDOUT;
			die("full: the accept queue does not fill");
		}
		if (tries < 4) {
			c = socket(ss.ss_family,
				   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
			/* To a wildcard means to this host. */
			if (c < 0 || (connect(c, (struct sockaddr *)&ss, srv->addr_len) &&
				      errno != EINPROGRESS))
				die("full: connect");
		}
		if (!queue_is_full(fd))
			nanosleep(&ms, NULL);
	}
}

static uint16_t open_spec(struct server *srv, const struct spec *spec)
{
	bool udp = mode_info[spec->mode].udp;
	unsigned port = spec->port;
	uint16_t first = 0;

	for (; port <= spec->last; port += spec->step) {
		int fd = bind_socket(srv, udp, (uint16_t)port);

		if (fd < 0)
			die("bind port %u", port);
		/*
		 * The kernel holds one more than the backlog. Not 0: a SYN to a backlog
		 * of 0 needs syncookies, which may be off.
		 */
		if (!udp && listen(fd, spec->mode == MODE_FULL ? 1 : 4096))
			die("listen on port %u", port);
		if (!first)
			first = bound_port(fd);
		if (spec->mode == MODE_FULL)
			fill_queue(srv, fd);
		else
			watch(srv, fd, udp ? ROLE_UDP : ROLE_LISTENER, spec);
	}
	return first;
}

static void drop_conn(struct server *srv, int fd)
{
	if (srv->slots[fd].close_at_ns)
		srv->n_late--;
	srv->slots[fd].role = ROLE_NONE;
	srv->slots[fd].close_at_ns = 0;
	close(fd);
}

static void put_text(int fd, const struct spec *spec)
{
	/* Fits the send buffer of a fresh connection; a peer that is gone is no error. */
	if (send(fd, spec->text, spec->text_bytes, MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		fputs("labsrv: text cut\n", stderr);
}

static void on_accept(struct server *srv, int lfd)
{
	const struct spec *spec = srv->slots[lfd].spec;
	const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
	int fd;

	while ((fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (spec->mode == MODE_RESET) {
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
			close(fd);
			continue;
		}
		watch(srv, fd, ROLE_CONN, spec);
		/* shutdown, not close: closing with unread data would send a RST. */
		if (spec->mode == MODE_CLOSE)
			shutdown(fd, SHUT_WR);
		if (spec->mode == MODE_BANNER)
			put_text(fd, spec);
		if (spec->mode == MODE_LATE_CLOSE) {
			srv->slots[fd].close_at_ns =
				now_ns() + spec->number * NSEC_PER_MSEC + 1;
			srv->n_late++;
		}
	}
}

static void on_conn(struct server *srv, int fd)
{
	const struct spec *spec = srv->slots[fd].spec;
	char sink[65536];
	ssize_t n = recv(fd, sink, sizeof(sink), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_conn(srv, fd);
		return;
	}
	if (spec->mode == MODE_ANSWER) {
		put_text(fd, spec);
		shutdown(fd, SHUT_WR);
	}
}

/* The cmsg goes back as it came, so that the reply has the asked address as source. */
static void keep_source(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo *pi = (struct in6_pktinfo *)CMSG_DATA(c);

		/* Let routing choose the interface, except where the scope needs it. */
		if (!IN6_IS_ADDR_LINKLOCAL(&pi->ipi6_addr))
			pi->ipi6_ifindex = 0;
		if (IN6_IS_ADDR_MULTICAST(&pi->ipi6_addr))
			msg->msg_controllen = 0;
	} else if (c && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo *pi = (struct in_pktinfo *)CMSG_DATA(c);

		pi->ipi_ifindex = 0;
	} else {
		msg->msg_controllen = 0;
	}
}

static void on_datagram(struct server *srv, int fd)
{
	const struct spec *spec = srv->slots[fd].spec;
	struct sockaddr_storage from;
	union {
		char bytes[128];
		struct cmsghdr align;
	} control;
	unsigned char data[65536];
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0 || spec->mode == MODE_UDP_SILENT)
		return;
	iov.iov_len = (size_t)n;
	if (spec->mode == MODE_UDP_REPLY) {
		iov.iov_base = spec->text;
		iov.iov_len = spec->text_bytes;
	} else if (spec->mode == MODE_DNS_RCODE) {
		if (n < 12) /* RFC 1035 4.1.1: the header */
			return;
		data[2] |= 0x80;				/* QR */
		data[3] = (unsigned char)(0x80 | spec->number); /* RA, rcode */
	}
	keep_source(&msg);
	sendmsg(fd, &msg, 0); /* best effort, as UDP is */
}

/* Closes what is due; returns the epoll timeout until the next one. */
static int run_late(struct server *srv)
{
	int64_t now = now_ns(), next = 0;
	size_t left = srv->n_late;

	for (int fd = 0; left && (unsigned)fd < MAX_FDS; fd++) {
		struct slot *slot = &srv->slots[fd];

		if (!slot->close_at_ns)
			continue;
		left--;
		if (slot->close_at_ns <= now) {
			shutdown(fd, SHUT_WR);
			slot->close_at_ns = 0;
			srv->n_late--;
		} else if (!next || slot->close_at_ns < next) {
			next = slot->close_at_ns;
		}
	}
	return next ? (int)((next - now) / 1000000 + 1) : -1;
}

static void serve(struct server *srv)
{
	struct epoll_event ev[256];

	for (;;) {
		int n = epoll_wait(srv->epfd, ev, 256, run_late(srv));

		for (int i = 0; i < n; i++) {
			int fd = ev[i].data.fd;

			switch (srv->slots[fd].role) {
			case ROLE_NONE:
				break;
			case ROLE_LISTENER:
				on_accept(srv, fd);
				break;
			case ROLE_UDP:
				on_datagram(srv, fd);
				break;
			case ROLE_CONN:
				on_conn(srv, fd);
				break;
			}
		}
	}
}

/* A port that nobody has, neither in TCP nor in UDP. */
static void print_free_port(const struct server *srv)
{
	for (int tries = 0; tries < 1000; tries++) {
		int tcp = bind_socket(srv, false, 0), udp;

		if (tcp < 0)
			die("bind");
		udp = bind_socket(srv, true, bound_port(tcp));
		if (udp >= 0) {
			printf("%u\n", bound_port(tcp));
			return;
		}
		close(tcp);
	}
	die("no free port");
}

static void parse_args(struct server *srv, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!strcmp(arg, "--ready-fd") && i + 1 < argc)
			srv->ready_fd = (int)parse_number(argv[++i], "", 1023, NULL);
		else if (!strcmp(arg, "-S") && i + 1 < argc)
			parse_address(srv, argv[++i]);
		else if (!strcmp(arg, "-6"))
			srv->v6only = true;
		else if (!strcmp(arg, "--free"))
			srv->free_port = true;
		else if (*arg == '-')
			die("unknown option '%s'", arg);
		else if (srv->n_specs == MAX_SPECS)
			die("more than %d servers", MAX_SPECS);
		else
			parse_spec(arg, &srv->specs[srv->n_specs++]);
	}
	if (!srv->n_specs && !srv->free_port)
		die("nothing to do: expected MODE:PORT[:ARG]");
}

static void open_all(struct server *srv)
{
	/* tcp-many wants a file for every port; only root may lift the hard limit. */
	const struct rlimit files = { MAX_FDS, MAX_FDS };
	char line[32 + MAX_SPECS * sizeof(" 65535")];
	int len;

	if (setrlimit(RLIMIT_NOFILE, &files))
		errno = 0;
	srv->slots = calloc(MAX_FDS, sizeof(*srv->slots));
	srv->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!srv->slots || srv->epfd < 0)
		die("set-up");
	len = snprintf(line, sizeof(line), "ready %d", (int)getpid());
	for (size_t i = 0; i < srv->n_specs; i++)
		len += snprintf(line + len, sizeof(line) - (size_t)len, " %u",
				open_spec(srv, &srv->specs[i]));
	snprintf(line + len, sizeof(line) - (size_t)len, "\n");
	say_ready(srv->ready_fd, line);
}

int main(int argc, char **argv)
{
	static struct server srv = { .ready_fd = STDOUT_FILENO };

	die_with_parent();
	parse_address(&srv, "::");
	parse_args(&srv, argc, argv);
	if (srv.free_port) {
		print_free_port(&srv);
		return 0;
	}
	open_all(&srv);
	serve(&srv);
}
