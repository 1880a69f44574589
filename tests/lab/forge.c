/* SPDX-License-Identifier: MIT */
/*
 * forge: a box beside the wire that answers SYNs with a RST in the host's name, while the
 * SYN goes on to the host, whose real answer follows.
 *
 *	forge [--ready-fd N] IF PORT[:ttl=N][:window=N][:count=N]...
 *
 * It listens on IF and answers there, in Ethernet's frames, so that no address or route
 * is needed; IPv4 and IPv6. ttl: with which the RST leaves (64); window (0); count: that
 * many RSTs, each with a window one larger. To come before the real answer it needs a
 * wire with a delay behind it: the end of the box that faces the client is such a place.
 *
 * Once it listens it writes "ready PID" to the ready fd (default: standard output) and
 * closes it. Ends on SIGTERM, and when its parent dies.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lab.h"

#define MAX_SPECS   16
#define FRAME_BYTES 2048
#define MAX_COUNT   16
#define TCP_BYTES   20
#define IP4_BYTES   20
#define IP6_BYTES   40
#define FLAG_SYN    0x02
#define FLAG_RST    0x04
#define FLAG_ACK    0x10

struct spec {
	uint16_t port;
	uint8_t ttl;
	uint16_t window;
	unsigned int count;
};

struct forge {
	const char *ifname;
	struct spec specs[MAX_SPECS];
	size_t n_specs;
	int fd;
	int ready_fd;
};

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* RFC 1071; the parts have even lengths. */
static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 2; n -= 2, p += 2)
		sum += get16(p);
	return sum;
}

static unsigned int fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static const struct spec *spec_of(const struct forge *f, unsigned int port)
{
	size_t i;

	for (i = 0; i < f->n_specs; i++)
		if (f->specs[i].port == port)
			return &f->specs[i];
	return NULL;
}

/* The TCP header of a SYN (and nothing but a SYN) to one of our ports, or NULL. */
static const uint8_t *find_syn(const uint8_t *frame, size_t n, bool *ret_v6)
{
	const uint8_t *ip = frame + ETH_HLEN, *tcp;
	bool v6;
	size_t head;

	if (n < ETH_HLEN + IP4_BYTES)
		return NULL;
	v6 = get16(frame + 12) == ETH_P_IPV6;
	if (!v6 && get16(frame + 12) != ETH_P_IP)
		return NULL;
	head = v6 ? IP6_BYTES : (size_t)(ip[0] & 15) * 4;
	if (n < ETH_HLEN + head + TCP_BYTES || ip[v6 ? 6 : 9] != IPPROTO_TCP)
		return NULL;
	tcp = ip + head;
	if ((tcp[13] & (FLAG_SYN | FLAG_ACK | FLAG_RST)) != FLAG_SYN)
		return NULL;
	*ret_v6 = v6;
	return tcp;
}

static void write_tcp(uint8_t *out, const uint8_t *syn, unsigned int window)
{
	memset(out, 0, TCP_BYTES);
	memcpy(out, syn + 2, 2);
	memcpy(out + 2, syn, 2);
	put32(out + 8, get32(syn + 4) + 1);
	out[12] = TCP_BYTES / 4 << 4;
	out[13] = FLAG_RST | FLAG_ACK;
	put16(out + 14, window);
}

/* Returns the length of the IP header; the addresses of the SYN's are exchanged. */
static size_t write_ip(uint8_t *out, const uint8_t *ip, bool v6, uint8_t ttl)
{
	if (v6) {
		memset(out, 0, IP6_BYTES);
		out[0] = 0x60;
		put16(out + 4, TCP_BYTES);
		out[6] = IPPROTO_TCP;
		out[7] = ttl;
		memcpy(out + 8, ip + 24, 16);
		memcpy(out + 24, ip + 8, 16);
		return IP6_BYTES;
	}
	memset(out, 0, IP4_BYTES);
	out[0] = 0x45;
	put16(out + 2, IP4_BYTES + TCP_BYTES);
	put16(out + 6, 0x4000); /* don't fragment */
	out[8] = ttl;
	out[9] = IPPROTO_TCP;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	put16(out + 10, fold(sum16(0, out, IP4_BYTES)));
	return IP4_BYTES;
}

static void answer(const struct forge *f, const struct spec *s, const uint8_t *frame,
		   const uint8_t *syn, bool v6)
{
	uint8_t out[ETH_HLEN + IP6_BYTES + TCP_BYTES];
	uint8_t *ip = out + ETH_HLEN, *tcp;
	unsigned int i;
	size_t head;
	uint32_t sum;

	memcpy(out, frame + ETH_ALEN, ETH_ALEN);
	memcpy(out + ETH_ALEN, frame, ETH_ALEN);
	memcpy(out + 2 * ETH_ALEN, frame + 2 * ETH_ALEN, 2);
	for (i = 0; i < s->count; i++) {
		head = write_ip(ip, frame + ETH_HLEN, v6, s->ttl);
		tcp = ip + head;
		write_tcp(tcp, syn, s->window + i);
		/* The pseudo-header: both addresses, the protocol, the length. */
		sum = v6 ? sum16(0, ip + 8, 32) : sum16(0, ip + 12, 8);
		sum = sum16(sum + IPPROTO_TCP + TCP_BYTES, tcp, TCP_BYTES);
		put16(tcp + 16, fold(sum));
		if (send(f->fd, out, ETH_HLEN + head + TCP_BYTES, 0) < 0)
			die("send");
	}
}

__attribute__((noreturn)) static void serve(const struct forge *f)
{
	uint8_t frame[FRAME_BYTES];

	for (;;) {
		ssize_t n = recv(f->fd, frame, sizeof(frame), 0);
		const struct spec *s;
		const uint8_t *syn;
		bool v6 = false;

		if (n < 0 && errno != EINTR)
			die("recv");
		if (n < 0)
			continue;
		syn = find_syn(frame, (size_t)n, &v6);
		s = syn ? spec_of(f, get16(syn + 2)) : NULL;
		if (s)
			answer(f, s, frame, syn, v6);
	}
}

static int listen_on(const char *ifname)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;

	ll.sll_ifindex = (int)if_nametoindex(ifname);
	if (!ll.sll_ifindex)
		die("no interface '%s'", ifname);
	if (fd < 0)
		die("packet socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		die("PACKET_IGNORE_OUTGOING");
	if (bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		die("bind");
	return fd;
}

static void parse_spec(struct forge *f, const char *arg)
{
	struct spec s = { .ttl = 64, .count = 1 };
	const char *at;

	if (f->n_specs == MAX_SPECS)
		die("more than %d ports", MAX_SPECS);
	s.port = (uint16_t)parse_number(arg, ":", 65535, &at);
	while (*at == ':') {
		at++;
		if (strncmp(at, "ttl=", 4) == 0)
			s.ttl = (uint8_t)parse_number(at + 4, ":", 255, &at);
		else if (strncmp(at, "window=", 7) == 0)
			s.window = (uint16_t)parse_number(at + 7, ":", 65535 - MAX_COUNT,
							  &at);
		else if (strncmp(at, "count=", 6) == 0)
			s.count = (unsigned int)parse_number(at + 6, ":", MAX_COUNT, &at);
		else
			die("what is '%s'?", at);
	}
	f->specs[f->n_specs++] = s;
}

int main(int argc, char **argv)
{
	struct forge f = { .ready_fd = STDOUT_FILENO };
	char line[32];
	int i;

	die_with_parent();
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--ready-fd") == 0 && i + 1 < argc)
			f.ready_fd = (int)parse_number(argv[++i], "", 1023, NULL);
		else if (!f.ifname)
			f.ifname = argv[i];
		else
			parse_spec(&f, argv[i]);
	}
	if (!f.n_specs)
		die("usage: forge [--ready-fd N] IF PORT[:ttl=N][:window=N][:count=N]");
	f.fd = listen_on(f.ifname);
	snprintf(line, sizeof(line), "ready %ld\n", (long)getpid());
	say_ready(f.ready_fd, line);
	serve(&f);
}
