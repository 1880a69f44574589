/* SPDX-License-Identifier: MIT */
/*
 * The floor of sweeping with connect(2): many at once, each tried once, all given the
 * same fixed time. No adaptation, no second SYN, no reason given.
 *
 *	floor_epoll WINDOW TIMEOUT_MS FIRST_IPV4 N_ADDRESSES FIRST_PORT LAST_PORT
 *
 * Prints "open ADDRESS:PORT" lines and at last "N open, N closed, N filtered, N error".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	  512
#define SPARE_FDS 8
#define START_MAX 256 /* connects between two looks at the answers */

/* One connect under way. The time is the same for all, so the oldest ends first: slots
 * are a ring in the order of their start. */
struct slot {
	int fd; /* -1: answered */
	uint64_t check;
	int64_t end_ms;
};

struct sweep {
	struct slot *ring;
	uint64_t n_ring, head, tail; /* head: next to start, tail: oldest under way */
	uint64_t n_checks, next, n_ports, in_flight;
	uint32_t first_addr;
	uint16_t first_port;
	int64_t timeout_ms;
	int epoll_fd;
	uint64_t n_open, n_closed, n_filtered, n_error;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct sockaddr_in address_of(const struct sweep *s, uint64_t check)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(s->first_addr + (uint32_t)(check / s->n_ports)),
		.sin_port = htons((uint16_t)(s->first_port + check % s->n_ports)),
	};
}

static void say_open(struct sweep *s, uint64_t check)
{
	struct sockaddr_in sin = address_of(s, check);
	char text[INET_ADDRSTRLEN];

	s->n_open++;
	printf("open %s:%u\n", inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text)),
	       ntohs(sin.sin_port));
}

static void take(struct sweep *s, struct slot *slot, int error)
{
	static const struct linger reset = { .l_onoff = 1 };

	if (!error) {
		say_open(s, slot->check);
		setsockopt(slot->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	} else if (error == ECONNREFUSED) {
		s->n_closed++;
	} else if (error == ETIMEDOUT) {
		s->n_filtered++;
	} else {
		s->n_error++;
	}
	close(slot->fd);
	slot->fd = -1;
	s->in_flight--;
}

static void start(struct sweep *s, int64_t end_ms)
{
	struct slot *slot = &s->ring[s->head % s->n_ring];
	struct sockaddr_in sin = address_of(s, s->next);
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = slot };

	slot->check = s->next++;
	slot->end_ms = end_ms;
	slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->head++;
	s->in_flight++;
	if (slot->fd < 0)
		take(s, slot, errno);
	else if (connect(slot->fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		take(s, slot, 0);
	else if (errno != EINPROGRESS)
		take(s, slot, errno);
	else if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, slot->fd, &ev) < 0)
		take(s, slot, errno);
}

static void collect(struct sweep *s, int wait_ms)
{
	struct epoll_event events[BATCH];
	int i, n = epoll_wait(s->epoll_fd, events, BATCH, wait_ms);

	for (i = 0; i < n; i++) {
		struct slot *slot = events[i].data.ptr;
		int error = 0;
		socklen_t len = sizeof(error);

		if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		take(s, slot, error);
	}
}

/* Milliseconds until the oldest one's time is up. */
static int oldest_ms(const struct sweep *s)
{
	int64_t left = s->ring[s->tail % s->n_ring].end_ms - now_ms();

	return left > 0 ? (int)left : 0;
}

static void expire(struct sweep *s)
{
	int64_t now = now_ms();

	for (; s->tail < s->head; s->tail++) {
		struct slot *slot = &s->ring[s->tail % s->n_ring];

		if (slot->fd >= 0 && slot->end_ms > now)
			break;
		if (slot->fd >= 0)
			take(s, slot, ETIMEDOUT);
	}
}

static void run(struct sweep *s)
{
	while (s->next < s->n_checks || s->in_flight) {
		int64_t end_ms = now_ms() + s->timeout_ms;
		int n = 0;

		while (n < START_MAX && s->next < s->n_checks &&
		       s->head - s->tail < s->n_ring) {
			start(s, end_ms);
			n++;
		}
		collect(s, n || s->tail == s->head ? 0 : oldest_ms(s));
		expire(s);
	}
}

int main(int argc, char **argv)
{
	struct sweep s = { 0 };
	struct in_addr first;
	struct rlimit limit;

	if (argc != 7 || inet_pton(AF_INET, argv[3], &first) != 1) {
		fputs("usage: floor_epoll WINDOW TIMEOUT_MS IPV4 COUNT PORT PORT\n",
		      stderr);
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	s.n_ring = strtoul(argv[1], NULL, 10);
	if (s.n_ring + SPARE_FDS > limit.rlim_cur)
		s.n_ring = limit.rlim_cur - SPARE_FDS;
	s.timeout_ms = (int64_t)strtoul(argv[2], NULL, 10);
	s.first_addr = ntohl(first.s_addr);
	s.first_port = (uint16_t)strtoul(argv[5], NULL, 10);
	s.n_ports = strtoul(argv[6], NULL, 10) - s.first_port + 1;
	s.n_checks = strtoul(argv[4], NULL, 10) * s.n_ports;
	s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s.ring = calloc(s.n_ring, sizeof(*s.ring));
	if (s.epoll_fd < 0 || !s.ring) {
		perror("floor_epoll");
		return 3;
	}
	run(&s);
	printf("%llu open, %llu closed, %llu filtered, %llu error\n",
	       (unsigned long long)s.n_open, (unsigned long long)s.n_closed,
	       (unsigned long long)s.n_filtered, (unsigned long long)s.n_error);
	free(s.ring);
	return 0;
}
