#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "parse.h"

static bool takes_zone(const struct addr *a)
{
	return a->family == AF_INET6 && (addr_is_link_local(a) || addr_is_multicast(a));
}

/* The index of ZONE, a name or else a number, of an interface that exists. */
static int zone_index(const char *zone, uint32_t *ret_index)
{
	char name[IF_NAMESIZE];
	uint64_t n = if_nametoindex(zone);

	if (!n) {
		if (parse_u64(zone, 1, INT32_MAX, &n))
			return -ENODEV;
		if (!if_indextoname((unsigned int)n, name))
			return -ENODEV;
	}
	*ret_index = (uint32_t)n;
	return 0;
}

int addr_from_text(const char *text, struct addr *ret_addr)
{
	const char *percent = strchr(text, '%');
	size_t len = percent ? (size_t)(percent - text) : strlen(text);
	char number[INET6_ADDRSTRLEN];
	struct addr a = { 0 };

	if (len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (inet_pton(AF_INET, number, a.ip) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, number, a.ip) == 1)
		a.family = AF_INET6;
	else
		return -EINVAL;
	if (percent) {
		int err;

		if (!percent[1])
			return -EINVAL;
		if (!takes_zone(&a))
			return -EADDRNOTAVAIL;
		err = zone_index(percent + 1, &a.scope);
		if (err)
			return err;
	}
	*ret_addr = a;
	return 0;
}

/* Write N in decimal, with its NUL. */
static void put_number(char *at, uint32_t n)
{
	char digits[10];
	size_t n_digits = 0;

	do {
		digits[n_digits++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (n_digits)
		*at++ = digits[--n_digits];
	*at = '\0';
}

const char *addr_to_text(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	char *at;

	out[0] = '\0';
	if (a->family == AF_UNSPEC)
		return out;
	inet_ntop(a->family, a->ip, out, INET6_ADDRSTRLEN);
	if (!a->scope)
		return out;
	at = out + strlen(out);
	*at++ = '%';
	/* The interface may be gone by now. */
	if (!if_indextoname(a->scope, at))
		put_number(at, a->scope);
	return out;
}

const char *addr_endpoint_text(const struct addr *a, uint16_t port,
			       char out[ADDR_ENDPOINT_SIZE])
{
	bool v6 = a->family == AF_INET6;
	char *at = out;

	if (v6)
		*at++ = '[';
	addr_to_text(a, at);
	at += strlen(at);
	if (v6)
		*at++ = ']';
	*at++ = ':';
	put_number(at, port);
	return out;
}

socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port,
			   struct sockaddr_storage *ret_sa)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	memset(ret_sa, 0, sizeof(*ret_sa));
	if (a->family == AF_INET) {
		sin.sin_port = htons(port);
		memcpy(&sin.sin_addr, a->ip, 4);
		memcpy(ret_sa, &sin, sizeof(sin));
		return sizeof(sin);
	}
	if (a->family == AF_INET6) {
		sin6.sin6_port = htons(port);
		sin6.sin6_scope_id = a->scope;
		memcpy(&sin6.sin6_addr, a->ip, 16);
		memcpy(ret_sa, &sin6, sizeof(sin6));
		return sizeof(sin6);
	}
	return 0;
}

int addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *ret_addr,
		       uint16_t *ret_port)
{
	struct addr a = { 0 };
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	uint16_t port;

	if (len < sizeof(sa->sa_family))
		return -EAFNOSUPPORT;
	/* Copied, as SA may stand unaligned in a control message. */
	memcpy(&a.family, sa, sizeof(a.family));
	if (a.family == AF_INET && len >= sizeof(sin)) {
		memcpy(&sin, sa, sizeof(sin));
		memcpy(a.ip, &sin.sin_addr, 4);
		port = ntohs(sin.sin_port);
	} else if (a.family == AF_INET6 && len >= sizeof(sin6)) {
		memcpy(&sin6, sa, sizeof(sin6));
		memcpy(a.ip, &sin6.sin6_addr, 16);
		/* A scope where none belongs would make equal addresses differ. */
		a.scope = takes_zone(&a) ? sin6.sin6_scope_id : 0;
		port = ntohs(sin6.sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret_addr = a;
	if (ret_port)
		*ret_port = port;
	return 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	int order;

	/* AF_INET is the smaller number (linux/socket.h). */
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (order)
		return order;
	return (a->scope > b->scope) - (a->scope < b->scope);
}

size_t addr_len(const struct addr *a)
{
	return a->family == AF_INET6 ? 16 : 4;
}

const char *addr_family_word(const struct addr *a)
{
	return a->family == AF_INET6 ? "inet6" : "inet";
}

struct addr addr_plus(const struct addr *a, uint64_t n)
{
	struct addr sum = *a;

	for (size_t i = addr_len(a); i-- > 0 && n;) {
		unsigned int byte = sum.ip[i] + (unsigned int)(n & 0xff);

		sum.ip[i] = (uint8_t)byte;
		/* At most 2^56: the carry can't overflow what is left of N. */
		n = (n >> 8) + (byte >> 8);
	}
	return sum;
}

struct addr addr_network(const struct addr *a, unsigned int bits)
{
	struct addr net = *a;

	for (size_t i = 0; i < addr_len(a); i++) {
		if (bits >= 8) {
			bits -= 8;
			continue;
		}
		net.ip[i] &= (uint8_t)(0xff00 >> bits);
		bits = 0;
	}
	return net;
}

/* Are the first LEN bytes of A those at PREFIX? */
static bool begins_with(const struct addr *a, const void *prefix, size_t len)
{
	return memcmp(a->ip, prefix, len) == 0;
}

bool addr_is_loopback(const struct addr *a)
{
	struct addr plain = addr_unmap(a);

	if (plain.family == AF_INET)
		return plain.ip[0] == 127;
	return plain.family == AF_INET6 && begins_with(&plain, &in6addr_loopback, 16);
}

bool addr_is_any(const struct addr *a)
{
	return a->family != AF_UNSPEC && begins_with(a, &in6addr_any, addr_len(a));
}

bool addr_is_multicast(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->ip[0] >> 4 == 0xe;
	return a->family == AF_INET6 && a->ip[0] == 0xff;
}

bool addr_is_broadcast(const struct addr *a)
{
	return a->family == AF_INET && begins_with(a, "\xff\xff\xff\xff", 4);
}

bool addr_is_link_local(const struct addr *a)
{
	if (a->family == AF_INET)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->family == AF_INET6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_v4mapped(const struct addr *a)
{
	return a->family == AF_INET6 &&
	       begins_with(a, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
}

struct addr addr_unmap(const struct addr *a)
{
	struct addr plain = { .family = AF_INET };

	if (!addr_is_v4mapped(a))
		return *a;
	memcpy(plain.ip, a->ip + 12, 4);
	return plain;
}
