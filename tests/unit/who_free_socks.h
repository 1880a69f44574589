/*
 * Sockets made up for the tests of portwho --free. Included by those alone.
 */
#ifndef WHO_FREE_SOCKS_H
#define WHO_FREE_SOCKS_H

#include "free_private.h"

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

static struct sock sock_of(int protocol, int state, const char *local, uint16_t port)
{
	struct sock s = { .protocol = (uint8_t)protocol,
			  .state = (uint8_t)state,
			  .local = addr_of(local),
			  .local_port = port,
			  .inode = 7,
			  .has_v6only = state == TCP_LISTEN || state == TCP_CLOSE };

	s.family = (uint8_t)s.local.family;
	return s;
}

#endif
