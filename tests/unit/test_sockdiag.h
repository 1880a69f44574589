/*
 * Real sockets of this process and what the kernel's list says about them. Include after
 * cmocka.h.
 */
#ifndef PK_TEST_SOCKDIAG_H
#define PK_TEST_SOCKDIAG_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "sockdiag.h"

/* The sockets asked for are this process's own, on loopback; others come and go. */

#define LISTEN_BIT  SOCK_STATE_BIT(TCP_LISTEN)
#define ANY_STATE   UINT32_MAX
#define PATIENCE_NS (5 * NS_PER_S)

static inline struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

static inline struct sockdiag *opened(void)
{
	struct sockdiag *sd = NULL;

	assert_int_equal(sockdiag_open(&sd), 0);
	assert_non_null(sd);
	return sd;
}

static inline void set(int fd, int level, int option, int value)
{
	assert_int_equal(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

static inline int try_bind(int fd, const char *address, uint16_t port)
{
	struct addr a = addr_of(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, port, &sa);

	return bind(fd, (struct sockaddr *)&sa, len) == 0 ? 0 : -errno;
}

/* A new socket on ADDRESS, PORT 0: the kernel picks. */
static inline int bound(int type, const char *address, uint16_t port)
{
	struct addr a = addr_of(address);
	int fd = socket(a.family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(try_bind(fd, address, port), 0);
	return fd;
}

static inline int listening(const char *address, uint16_t port, int backlog)
{
	int fd = bound(SOCK_STREAM, address, port);

	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static inline uint16_t port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr a;
	uint16_t port;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, len, &a, &port), 0);
	return port;
}

static inline int connected(int type, const char *address, uint16_t port)
{
	struct addr a = addr_of(address);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, port, &sa);
	int fd = socket(a.family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static inline void need_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && try_bind(fd, "::1", 0) == 0;

	if (fd >= 0)
		close(fd);
	if (!have)
		skip();
}

static inline uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

static inline uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
	return cookie;
}

/* What a dump said. */
struct seen {
	struct sock *socks;
	size_t n, room;
	size_t stop_after; /* 0: never */
	int stop_with;
	char unix_name[128]; /* of the socket with unix_inode */
	size_t unix_name_len;
	uint32_t unix_inode;
};

static inline int see(const struct sock *s, void *arg)
{
	struct seen *seen = arg;

	if (seen->n == seen->room) {
		seen->room = seen->room ? 2 * seen->room : 64;
		seen->socks = realloc(seen->socks, seen->room * sizeof(*seen->socks));
		assert_non_null(seen->socks);
	}
	if (s->unix_name && s->inode == seen->unix_inode &&
	    s->unix_name_len <= sizeof(seen->unix_name)) {
		memcpy(seen->unix_name, s->unix_name, s->unix_name_len);
		seen->unix_name_len = s->unix_name_len;
	}
	seen->socks[seen->n++] = *s;
	return seen->n == seen->stop_after ? seen->stop_with : 0;
}

static inline int dump(struct seen *seen, int family, int protocol, uint32_t states,
		       uint16_t port)
{
	struct sockdiag_query q = {
		.family = family, .protocol = protocol, .states = states, .port = port
	};
	struct sockdiag *sd = opened();
	int err;

	*seen = (struct seen){ .n = 0 };
	err = sockdiag_dump(sd, &q, see, seen);
	sockdiag_close(sd);
	return err;
}

/* The one with FD's cookie, which must not be there twice, or NULL. */
static inline const struct sock *seen_as(const struct seen *seen, int fd)
{
	uint64_t cookie = cookie_of(fd);
	const struct sock *found = NULL;
	size_t i;

	for (i = 0; i < seen->n; i++) {
		if (seen->socks[i].cookie != cookie)
			continue;
		assert_null(found);
		found = &seen->socks[i];
	}
	return found;
}

/* The only socket of such a kind on FD's port is FD's. */
static inline struct sock only(int fd, int protocol, uint32_t states)
{
	const struct sock *found;
	struct seen seen;
	struct sock s;

	assert_int_equal(dump(&seen, AF_UNSPEC, protocol, states, port_of(fd)), 0);
	assert_int_equal(seen.n, 1);
	found = seen_as(&seen, fd);
	assert_non_null(found);
	s = *found;
	free(seen.socks);
	assert_int_equal(s.inode, inode_of(fd));
	assert_int_equal(s.uid, getuid());
	assert_int_equal(s.local_port, port_of(fd));
	return s;
}

#endif
