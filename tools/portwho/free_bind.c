/*
 * --free: the question itself, and what this machine allows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fd.h"
#include "free_private.h"
#include "parse.h"

/* What the kernel begins with (linux net/ipv4/af_inet.c: inet_init_net). */
#define EPHEMERAL_FIRST	 32768
#define EPHEMERAL_LAST	 60999
#define PRIVILEGED_BELOW 1024
/* A list in /proc, and one that a person can be told. */
#define LIST_BYTES_MAX (1u << 19)
#define LIST_TOLD_MAX  300

#define PORT_MAX 65535u

/* ---- lists ---- */

/* The first number of TEXT, of what it consists up to LEN. */
static bool free_range_at(const char *text, size_t len, uint64_t *ret_first,
			  uint64_t *ret_last)
{
	const char *dash = memchr(text, '-', len);
	size_t n = dash ? (size_t)(dash - text) : len;

	if (parse_u64_n(text, n, 0, PORT_MAX, ret_first) < 0)
		return false;
	*ret_last = *ret_first;
	return !dash ||
	       parse_u64_n(dash + 1, len - n - 1, *ret_first, PORT_MAX, ret_last) == 0;
}

bool free_list_has(const char *list, uint16_t port)
{
	const char *at = list;

	while (*at) {
		size_t len = strcspn(at, ",\n");
		uint64_t first, last;

		if (free_range_at(at, len, &first, &last) && first <= port &&
		    port <= last)
			return true;
		at += len + (at[len] != '\0');
	}
	return false;
}

char *free_list_with(const char *list, uint16_t port)
{
	struct buf text = BUF_INIT;
	size_t len = strcspn(list, "\n");

	if (len > LIST_TOLD_MAX)
		return NULL;
	buf_add(&text, list, len);
	buf_addf(&text, "%s%u", len ? "," : "", port);
	return buf_steal(&text);
}

/* ---- the system ---- */

/* A file of /proc/sys/net, which is that of our namespace. NULL: none. */
static char *free_read_sysctl(const char *path)
{
	struct buf text = BUF_INIT;
	char part[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	while ((n = read(fd, part, sizeof(part))) > 0 && text.len < LIST_BYTES_MAX)
		buf_add(&text, part, (size_t)n);
	fd_close(&fd);
	if (n < 0) {
		buf_release(&text);
		return NULL;
	}
	return buf_steal(&text);
}

static void free_read_range(struct free_system *system)
{
	char *text = free_read_sysctl("/proc/sys/net/ipv4/ip_local_port_range");
	size_t n, m, gap;
	uint64_t first, last;

	if (!text)
		return;
	n = strcspn(text, " \t");
	gap = strspn(text + n, " \t");
	m = strcspn(text + n + gap, "\n");
	if (parse_u64_n(text, n, 0, PORT_MAX, &first) == 0 &&
	    parse_u64_n(text + n + gap, m, first, PORT_MAX, &last) == 0) {
		system->ephemeral_first = (uint16_t)first;
		system->ephemeral_last = (uint16_t)last;
	}
	free(text);
}

static void free_read_privileged(struct free_system *system)
{
	char *text = free_read_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	uint64_t n;

	if (!text)
		return;
	/* 65536, which is allowed, makes all ports privileged. */
	if (parse_u64_n(text, strcspn(text, "\n"), 0, PORT_MAX + 1, &n) == 0)
		system->privileged_below = (uint32_t)n;
	free(text);
}

static bool free_has_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return geteuid() == 0;
	return data[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].effective &
	       CAP_TO_MASK(CAP_NET_BIND_SERVICE);
}

/* SOCK_BOUND_INACTIVE came with Linux 6.8. */
static bool free_kernel_shows_bound(void)
{
	struct utsname name;
	unsigned int major = 0, minor = 0;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 6 || (major == 6 && minor >= 8);
}

int free_system_read(struct free_system *ret_system)
{
	struct free_system system = { .ephemeral_first = EPHEMERAL_FIRST,
				      .ephemeral_last = EPHEMERAL_LAST,
				      .privileged_below = PRIVILEGED_BELOW };

	free_read_range(&system);
	free_read_privileged(&system);
	system.reserved = free_read_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports");
	system.capable = free_has_capability();
	system.shows_bound = free_kernel_shows_bound();
	*ret_system = system;
	return 0;
}

void free_system_release(struct free_system *system)
{
	free(system->reserved);
	system->reserved = NULL;
}

/* ---- bind ---- */

enum free_v6only { V6ONLY_DEFAULT, V6ONLY_YES, V6ONLY_NO };

/* Is it the kernel's answer to the question, and not a failure to ask? */
static bool free_is_answer(int error)
{
	return error == EADDRINUSE || error == EACCES || error == EPERM;
}

/* 0 and the error of bind(2), 0; ENOSYS: no such family here. Or -errno. */
static int free_bind_one(const struct free_answer *a, const struct addr *addr, bool reuse,
			 enum free_v6only v6only, int *ret_error)
{
	const int type = a->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	const int on = 1, only = v6only == V6ONLY_YES;
	int fd = socket(addr->family, type | SOCK_CLOEXEC, a->protocol);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, a->port, &sa);
	int error = 0;

	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) {
		*ret_error = ENOSYS;
		return 0;
	}
	if (fd < 0)
		return -errno;
	if ((reuse && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0) ||
	    (v6only != V6ONLY_DEFAULT &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)) {
		error = errno;
		fd_close(&fd);
		return -error;
	}
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		error = errno;
	fd_close(&fd);
	/* The wildcard is there unless the family is not. */
	if (error == EADDRNOTAVAIL && addr_is_any(addr))
		error = ENOSYS;
	if (error && error != ENOSYS && !free_is_answer(error))
		return -error;
	*ret_error = error;
	return 0;
}

int free_try(const struct free_answer *a, bool reuse, struct free_tries *ret_tries)
{
	static const struct addr any4 = { .family = AF_INET },
				 any6 = { .family = AF_INET6 };
	struct free_tries t = { ENOSYS, ENOSYS, ENOSYS };
	int err;

	if (a->addr.family == AF_INET) {
		err = free_bind_one(a, &a->addr, reuse, V6ONLY_DEFAULT, &t.v4);
	} else if (a->addr.family == AF_INET6) {
		err = free_bind_one(a, &a->addr, reuse,
				    a->v6only ? V6ONLY_YES : V6ONLY_DEFAULT, &t.v6);
	} else {
		/* Servers do one or the other: two sockets, or one for both families. */
		err = free_bind_one(a, &any4, reuse, V6ONLY_DEFAULT, &t.v4);
		if (!err)
			err = free_bind_one(a, &any6, reuse, V6ONLY_YES, &t.v6);
		if (!err)
			err = free_bind_one(a, &any6, reuse, V6ONLY_NO, &t.dual);
	}
	if (err)
		return err;
	if (t.v4 == ENOSYS && t.v6 == ENOSYS)
		return -EAFNOSUPPORT;
	*ret_tries = t;
	return 0;
}

int free_tries_error(const struct free_tries *t)
{
	const int errors[] = { t->v4, t->v6, t->dual };
	size_t i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] != ENOSYS && (!error || errors[i] == EADDRINUSE))
			error = errors[i];
	return error;
}

int free_bind(struct free_answer *a)
{
	struct free_tries t;
	int err = free_try(a, false, &t);

	if (err)
		return err;
	a->error = free_tries_error(&t);
	a->asked_v4 = t.v4 != ENOSYS;
	a->asked_v6 = t.v6 != ENOSYS;
	a->free_v4 = !t.v4;
	a->free_v6 = !t.v6;
	a->reuse_asked = a->error == EADDRINUSE && a->protocol == IPPROTO_TCP;
	a->reuse_works = false;
	if (!a->reuse_asked)
		return 0;
	err = free_try(a, true, &t);
	if (!err)
		a->reuse_works = !free_tries_error(&t);
	return err;
}

/* ---- another port ---- */

static uint16_t free_search(const struct free_system *system, const struct free_answer *a,
			    uint32_t from)
{
	struct free_answer other = *a;
	struct free_tries t;
	uint32_t port;

	for (port = from; port <= PORT_MAX; port++) {
		/* Somewhere else than where the kernel takes ports at random. */
		if (!a->ephemeral && port >= system->ephemeral_first &&
		    port <= system->ephemeral_last) {
			port = system->ephemeral_last;
			continue;
		}
		/* It is kept for another server, which is not up perhaps. */
		if (!a->reserved && system->reserved &&
		    free_list_has(system->reserved, (uint16_t)port))
			continue;
		other.port = (uint16_t)port;
		if (free_try(&other, false, &t) < 0)
			return 0;
		if (!free_tries_error(&t))
			return other.port;
	}
	return 0;
}

uint16_t free_suggest(struct free_system *system, const struct free_answer *a)
{
	uint32_t from = a->port + 1u;

	if (a->error == EACCES && !a->capable && from < system->privileged_below)
		from = system->privileged_below;
	if (system->last.from && system->last.protocol == a->protocol &&
	    system->last.ephemeral == a->ephemeral &&
	    system->last.reserved == a->reserved && system->last.from <= from &&
	    (!system->last.found || from <= system->last.found))
		return system->last.found;
	system->last.protocol = a->protocol;
	system->last.ephemeral = a->ephemeral;
	system->last.reserved = a->reserved;
	system->last.from = from;
	system->last.found = free_search(system, a, from);
	return system->last.found;
}
