/*
 * Where a test takes an interface that is not lo, it is a TUN device whose far end is the
 * test.
 */
#include <fcntl.h>
#include <linux/if_tun.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_namespace.h"
#include "fd.h"
#include "priv.h"
#include "wire.h"

static void refuse_on_loopback(void)
{
	struct capture *c = opened();

	check_refusal(c, "127.0.0.1");
	check_refusal(c, "::1");
	capture_close(c);
}

static void a_refused_connection_is_seen_on_loopback(void **state)
{
	(void)state;
	in_namespace(refuse_on_loopback);
}

/* ---- an interface whose far end is this test ---- */

static void set_address(int fd, unsigned long request, const char *name, const char *text)
{
	struct addr a = addr_of(text);
	struct sockaddr_storage sa;
	struct ifreq ifreq = { 0 };

	addr_to_sockaddr(&a, 0, &sa);
	snprintf(ifreq.ifr_name, sizeof(ifreq.ifr_name), "%s", name);
	memcpy(&ifreq.ifr_addr, &sa, sizeof(ifreq.ifr_addr));
	CHECK(ioctl(fd, request, &ifreq) == 0);
}

/* "far0" with 192.0.2.1/24; what is sent there is read from the descriptor. */
static int open_far(void)
{
	struct ifreq request = { .ifr_name = "far0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (tun < 0)
		_exit(SKIPPED);
	CHECK(fd >= 0);
	CHECK(ioctl(tun, TUNSETIFF, &request) == 0);
	set_address(fd, SIOCSIFADDR, "far0", "192.0.2.1");
	set_address(fd, SIOCSIFNETMASK, "far0", "255.255.255.0");
	bring_up("far0");
	close(fd);
	return tun;
}

static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	struct wire w = wire_of(bytes, len);
	uint32_t sum = 0;

	while (wire_left(&w))
		sum += wire_u16(&w);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A TCP header from FROM port 25 to 192.0.2.1, as a router of TTL would leave it. */
static void answer(int tun, const char *from, uint8_t ttl, uint8_t flags, uint16_t port)
{
	struct addr src = addr_of(from), dst = addr_of("192.0.2.1");
	uint8_t packet[40] = { 0x45, 0, 0, 40, 0, 9, 0, 0, ttl, IPPROTO_TCP };

	memcpy(packet + 12, src.ip, 4);
	memcpy(packet + 16, dst.ip, 4);
	wire_put_u16(packet + 10, checksum(packet, 20));
	wire_put_u16(packet + 20, 25);
	wire_put_u16(packet + 22, port);
	packet[32] = 0x50;
	packet[33] = flags;
	CHECK(write(tun, packet, sizeof(packet)) == sizeof(packet));
}

/* Host unreachable, from ROUTER, about a SYN from 192.0.2.1 port 40000 to 192.0.2.9. */
static void complain(int tun, const char *router)
{
	struct addr src = addr_of(router), self = addr_of("192.0.2.1"),
		    far = addr_of("192.0.2.9");
	uint8_t packet[56] = { 0x45, 0, 0, 56, 0, 0, 0, 0, 63, IPPROTO_ICMP };
	uint8_t *quote = packet + 28;

	memcpy(packet + 12, src.ip, 4);
	memcpy(packet + 16, self.ip, 4);
	wire_put_u16(packet + 10, checksum(packet, 20));
	packet[20] = 3;
	packet[21] = 1;
	quote[0] = 0x45;
	quote[3] = 40;
	quote[8] = 1;
	quote[9] = IPPROTO_TCP;
	memcpy(quote + 12, self.ip, 4);
	memcpy(quote + 16, far.ip, 4);
	wire_put_u16(quote + 20, 40000);
	wire_put_u16(quote + 22, 25);
	wire_put_u16(packet + 22, checksum(packet + 20, 36));
	CHECK(write(tun, packet, sizeof(packet)) == sizeof(packet));
}

static void tell_directions(void)
{
	int tun = open_far();
	struct capture *c = opened();
	struct packet p;

	watch(c, "192.0.2.9");
	CHECK(connect_to("192.0.2.9", 25) == 0);
	p = expect(c, PACKET_TCP);
	CHECK(p.flags == PACKET_SYN);
	CHECK(p.outgoing && !p.loopback);
	CHECK(p.interface == (int)if_nametoindex("far0"));
	answer(tun, "192.0.2.9", 57, PACKET_RST, p.src_port);
	p = expect(c, PACKET_TCP);
	CHECK(p.flags == PACKET_RST);
	CHECK(!p.outgoing && !p.loopback);
	CHECK(p.ttl == 57);
	CHECK(p.ip_id == 9);
	capture_close(c);
}

static void what_we_send_is_marked_outgoing(void **state)
{
	(void)state;
	in_namespace(tell_directions);
}

static void filter(void)
{
	int tun = open_far();
	struct capture *c = opened();
	struct packet p;

	watch(c, "192.0.2.9");
	answer(tun, "192.0.2.8", 60, PACKET_RST, 40000); /* not asked about */
	complain(tun, "203.0.113.1");			 /* by whom it may be */
	p = expect(c, PACKET_ICMP_ERROR);
	CHECK(p.icmp_type == 3 && p.icmp_code == 1);
	CHECK(p.ttl == 63);
	CHECK(p.quote.there && p.quote.has_seq);
	CHECK(p.quote.src_port == 40000 && p.quote.dst_port == 25);
	/* Nothing of 192.0.2.8 came before it, and does not come after it. */
	answer(tun, "192.0.2.9", 61, PACKET_RST, 40000);
	p = expect(c, PACKET_TCP);
	CHECK(p.ttl == 61);
	capture_close(c);
}

static void only_the_host_and_icmp_are_taken(void **state)
{
	(void)state;
	in_namespace(filter);
}

static void turn_elsewhere(void)
{
	int tun = open_far();
	struct capture *c = opened();
	struct packet p;
	int64_t wall_ns;
	int i;

	/* Nothing is taken before the first watch... */
	answer(tun, "192.0.2.9", 50, PACKET_RST, 40000);
	CHECK(!next_of(c, PACKET_TCP, 100 * NS_PER_MS, &p, &wall_ns));
	/* ...and what waits when the next one begins is gone, even of the same host. */
	watch(c, "192.0.2.9");
	for (i = 0; i < 100; i++)
		answer(tun, "192.0.2.9", 51, PACKET_RST, 40000);
	watch(c, "192.0.2.9");
	answer(tun, "192.0.2.9", 52, PACKET_RST, 40000);
	p = expect(c, PACKET_TCP);
	CHECK(p.ttl == 52);
	watch(c, "192.0.2.8");
	answer(tun, "192.0.2.9", 53, PACKET_RST, 40000);
	answer(tun, "192.0.2.8", 54, PACKET_RST, 40000);
	p = expect(c, PACKET_TCP);
	CHECK(p.ttl == 54);
	capture_close(c);
}

static void packets_of_an_earlier_watch_are_thrown_away(void **state)
{
	(void)state;
	in_namespace(turn_elsewhere);
}

static void overrun(void)
{
	int tun = open_far();
	struct capture *c = opened();
	struct packet p;
	int64_t wall_ns;
	unsigned int n, i;

	watch(c, "192.0.2.9");
	for (i = 0; i < 40000; i++)
		answer(tun, "192.0.2.9", 60, PACKET_RST, 40000);
	for (n = 0; capture_next(c, &p, &wall_ns) == 1;)
		n += p.kind == PACKET_TCP;
	CHECK(n > 1000);
	/* On a busy machine some never get as far as the capture. */
	CHECK(capture_lost(c) <= 40000 - n);
	CHECK(capture_lost(c) > 0);
	/* Old losses are not held against what is watched next. */
	watch(c, "192.0.2.9");
	CHECK(capture_lost(c) == 0);
	answer(tun, "192.0.2.9", 61, PACKET_RST, 40000);
	p = expect(c, PACKET_TCP);
	CHECK(p.ttl == 61);
	CHECK(capture_lost(c) == 0);
	capture_close(c);
}

static void lost_packets_are_counted_for_each_watch(void **state)
{
	(void)state;
	in_namespace(overrun);
}

static void watch_link_local(void)
{
	struct addr a = addr_of("fe80::1%lo");
	struct capture *c = opened();

	/* The zone is not part of the filter. */
	CHECK(capture_watch(c, &a) == 0);
	capture_close(c);
}

static void an_address_with_a_zone_can_be_watched(void **state)
{
	(void)state;
	in_namespace(watch_link_local);
}

/* ---- privilege, descriptors ---- */

static void drop_and_watch(void)
{
	struct capture *c = opened(), *second = NULL;
	char why[256] = "";

	CHECK(priv_drop(-1) == 0);
	check_refusal(c, "127.0.0.1");
	CHECK(capture_open(&second, why, sizeof(why)) == -EPERM);
	CHECK(strstr(why, "CAP_NET_RAW"));
	CHECK(!second);
	capture_close(c);
}

static void privilege_is_needed_for_opening_only(void **state)
{
	(void)state;
	in_namespace(drop_and_watch);
}

static void look_at_descriptors(void)
{
	size_t before = fd_count_open();
	struct capture *c = opened();
	int fd, n = 0;

	for (fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (fd == capture_fd(c))
			CHECK(flags == FD_CLOEXEC);
		n += fd == capture_fd(c);
	}
	CHECK(n == 1);
	CHECK(fd_count_open() == before + 1);
	capture_close(c);
	CHECK(fd_count_open() == before);
}

static void its_one_descriptor_is_not_inherited(void **state)
{
	(void)state;
	in_namespace(look_at_descriptors);
}

static void closing_nothing_does_nothing(void **state)
{
	(void)state;
	capture_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_connection_is_seen_on_loopback),
		cmocka_unit_test(what_we_send_is_marked_outgoing),
		cmocka_unit_test(only_the_host_and_icmp_are_taken),
		cmocka_unit_test(packets_of_an_earlier_watch_are_thrown_away),
		cmocka_unit_test(lost_packets_are_counted_for_each_watch),
		cmocka_unit_test(an_address_with_a_zone_can_be_watched),
		cmocka_unit_test(privilege_is_needed_for_opening_only),
		cmocka_unit_test(its_one_descriptor_is_not_inherited),
		cmocka_unit_test(closing_nothing_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
