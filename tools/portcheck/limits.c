/*
 * How much the engine may have under way, from what this machine allows.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"
#include "parse.h"
#include "probe_private.h"

/* Checks under way at most when --parallel does not say: each is a socket of some 4 kB
 * in the kernel and perhaps an entry in somebody's connection table. */
#define WINDOW_DEFAULT 16384
/* Open files left to everything else. */
#define FDS_SPARE 32
/* Used where the kernel's figures can't be read. */
#define NEIGHBOURS_DEFAULT 1024
#define EPHEMERAL_DEFAULT  32768

/* The first number in a file of /proc/sys. */
static uint64_t read_sysctl(const char *path, uint64_t fallback)
{
	char text[64];
	uint64_t n = fallback;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return fallback;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return fallback;
	text[len] = '\0';
	if (parse_u64_n(text, strspn(text, "0123456789"), 0, UINT32_MAX, &n) < 0)
		return fallback;
	return n;
}

void prober_set_limits(struct prober *o)
{
	size_t each = o->sweep ? 1 : TIMING_ATTEMPTS;
	size_t limit = 1024, open_now;

	fd_raise_limit(&limit);
	/* A small run needs few files, and no look at anything else. */
	if (!o->sweep) {
		o->window = limit > FDS_SPARE + each ? (limit - FDS_SPARE) / each : 1;
		o->window = min_size(o->window, PORTCHECK_SMALL);
		if (o->config->parallel)
			o->window = min_size(o->window, o->config->parallel);
		o->ephemeral_low = EPHEMERAL_DEFAULT;
		o->on_link_max = SIZE_MAX;
		return;
	}
	open_now = fd_count_open();

	limit = limit > open_now + FDS_SPARE + each ? limit - open_now - FDS_SPARE : each;
	o->window = o->config->parallel ? o->config->parallel : WINDOW_DEFAULT;
	o->window = min_size(o->window, limit / each);
	/* Per-family tables have the same default; a quarter leaves room for everybody
	 * else. */
	o->on_link_max =
		(size_t)read_sysctl("/proc/sys/net/ipv4/neigh/default/gc_thresh3",
				    NEIGHBOURS_DEFAULT) /
		4;
	o->ephemeral_low = (uint16_t)read_sysctl("/proc/sys/net/ipv4/ip_local_port_range",
						 EPHEMERAL_DEFAULT);
}
