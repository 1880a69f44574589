/*
 * Listeners and processes made up, for the tests of portwho's modules. Include after
 * cmocka.h.
 */
#ifndef PK_WHO_SAMPLES_H
#define PK_WHO_SAMPLES_H

#include <stdlib.h>
#include <string.h>

#include "portwho/collect.h"
#include "portwho/portwho.h"

/* A TCP listener on ADDRESS; the cookie is new. */
static inline struct listener sample(const char *address, uint16_t port)
{
	static uint64_t cookie;
	struct listener l = { .sock = { .protocol = IPPROTO_TCP,
					.state = TCP_LISTEN,
					.local_port = port,
					.wqueue = 128,
					.has_drops = true,
					.cookie = ++cookie,
					.inode = (uint32_t)(1000 + cookie) },
			      .owner = OWNER_HIDDEN,
			      .reuseport_group = 1 };

	assert_int_equal(addr_from_text(address, &l.sock.local), 0);
	l.sock.family = (uint8_t)l.sock.local.family;
	l.sock.has_v6only = l.sock.family == AF_INET6;
	l.exposure = exposure_of(&l.sock, "");
	return l;
}

static inline struct listener sample_v6only(const char *address, uint16_t port)
{
	struct listener l = sample(address, port);

	l.sock.v6only = true;
	return l;
}

static inline struct listener sample_udp(const char *address, uint16_t port)
{
	struct listener l = sample(address, port);

	l.sock.protocol = IPPROTO_UDP;
	l.sock.state = TCP_CLOSE;
	l.sock.wqueue = 0;
	return l;
}

static inline struct listener sample_unix(const char *name)
{
	struct listener l = sample("0.0.0.0", 0);

	l.sock.family = AF_UNIX;
	l.sock.protocol = 0;
	l.sock.local = (struct addr){ 0 };
	l.unix_name = name ? strdup(name) : NULL;
	l.exposure = exposure_of(&l.sock, "");
	return l;
}

static inline struct listener sample_raw(uint8_t protocol)
{
	struct listener l = sample("0.0.0.0", 0);

	l.sock.protocol = IPPROTO_RAW;
	l.sock.raw_protocol = protocol;
	l.sock.state = TCP_CLOSE;
	return l;
}

/* Texts stay the caller's. COMMAND: words between '|', each an argument. */
static inline struct process sample_process(pid_t pid, pid_t ppid, const char *comm,
					    const char *command)
{
	struct process p = { .pid = pid,
			     .ppid = ppid,
			     .start_ticks = (uint64_t)pid,
			     .start_wall_ns = NS_PER_S,
			     .has_uid = true,
			     .comm = (char *)(uintptr_t)comm };
	char *at;

	if (command) {
		p.cmdline_len = strlen(command) + 1;
		p.cmdline = strdup(command);
		assert_non_null(p.cmdline);
		for (at = p.cmdline; (at = strchr(at, '|')); at++)
			*at = '\0';
	}
	return p;
}

/* One more holder of L. */
static inline void sample_held(struct listener *l, const struct process *p, int fd)
{
	l->holders = realloc(l->holders, (l->n_holders + 1) * sizeof(*l->holders));
	assert_non_null(l->holders);
	l->holders[l->n_holders++] = (struct holder){ .process = p, .fd = fd };
	l->owner = OWNER_PROCESS;
}

static inline void sample_release(struct listener *items, size_t n)
{
	while (n)
		listener_release(&items[--n]);
}

#endif
