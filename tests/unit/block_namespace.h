/*
 * A network namespace of its own for each test, in a child, and a capture in it. Include
 * after cmocka.h.
 */
#ifndef PK_BLOCK_NAMESPACE_H
#define PK_BLOCK_NAMESPACE_H

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "clock.h"

#define PATIENCE_NS (5 * NS_PER_S)
#define SKIPPED	    77

/* In the child: nothing of cmocka's, which would jump into the parent's copy. */
#define CHECK(what)                                                                \
	do {                                                                       \
		if (!(what)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			_exit(1);                                                  \
		}                                                                  \
	} while (0)

static inline void bring_up(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

/* Run BODY in a namespace of its own. */
static inline void in_namespace(void (*body)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0)
			_exit(SKIPPED);
		alarm(60);
		bring_up("lo");
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static inline struct addr addr_of(const char *text)
{
	struct addr a;

	CHECK(addr_from_text(text, &a) == 0);
	return a;
}

static inline struct capture *opened(void)
{
	struct capture *c = NULL;
	char why[256] = "";
	int err = capture_open(&c, why, sizeof(why));

	if (err)
		fprintf(stderr, "capture_open: %s\n", why);
	CHECK(err == 0 && c);
	return c;
}

static inline void watch(struct capture *c, const char *address)
{
	struct addr a = addr_of(address);

	CHECK(capture_watch(c, &a) == 0);
}

/* The next packet of KIND, waiting for it; false: none came within WAIT_NS. */
static inline bool next_of(struct capture *c, enum packet_kind kind, int64_t wait_ns,
			   struct packet *ret_packet, int64_t *ret_wall_ns)
{
	int64_t until = clock_now_ns() + wait_ns;

	for (;;) {
		struct pollfd p = { .fd = capture_fd(c), .events = POLLIN };
		int rc = capture_next(c, ret_packet, ret_wall_ns);

		CHECK(rc >= 0);
		if (rc == 1 && ret_packet->kind == kind)
			return true;
		if (rc == 1)
			continue;
		if (clock_now_ns() >= until)
			return false;
		poll(&p, 1, 20);
	}
}

static inline struct packet expect(struct capture *c, enum packet_kind kind)
{
	struct packet p;
	int64_t wall_ns;

	CHECK(next_of(c, kind, PATIENCE_NS, &p, &wall_ns));
	/* Stamped just now. */
	CHECK(llabs(clock_wall_ns() - wall_ns) < 60 * NS_PER_S);
	return p;
}

/* connect(2) to a port; its errno. */
static inline int connect_to(const char *address, uint16_t port)
{
	struct addr a = addr_of(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, port, &sa);
	int fd = socket(a.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	CHECK(fd >= 0);
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		err = errno;
	if (err == EINPROGRESS) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		socklen_t err_len = sizeof(err);

		poll(&p, 1, 0);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_len);
	}
	close(fd);
	return err;
}

static inline void check_refusal(struct capture *c, const char *address)
{
	struct addr a = addr_of(address);
	struct packet syn, rst;

	watch(c, address);
	CHECK(connect_to(address, 4711) == ECONNREFUSED);
	syn = expect(c, PACKET_TCP);
	rst = expect(c, PACKET_TCP);
	CHECK(syn.flags == PACKET_SYN);
	CHECK(syn.dst_port == 4711);
	CHECK(rst.flags == (PACKET_RST | PACKET_ACK));
	CHECK(rst.src_port == 4711 && rst.dst_port == syn.src_port);
	CHECK(rst.ack == syn.seq + 1);
	CHECK(syn.ttl == 64 && rst.ttl == 64);
	CHECK(addr_equal(&syn.src, &a) && addr_equal(&syn.dst, &a));
	/* Once, as incoming. */
	CHECK(syn.loopback && rst.loopback);
	CHECK(!syn.outgoing && !rst.outgoing);
	CHECK(syn.interface == (int)if_nametoindex("lo"));
	CHECK(capture_lost(c) == 0);
}

#endif
