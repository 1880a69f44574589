#include <pcap/dlt.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_frame.h"

#define SENT	 4 /* PACKET_OUTGOING */
#define RECEIVED 0
#define ETHER	 1 /* ARPHRD_ETHER */
#define LOOPBACK 772

static void put_sll(struct frame *f, unsigned int direction, unsigned int arphrd,
		    unsigned int protocol)
{
	put16(f, direction);
	put16(f, arphrd);
	put16(f, 6);
	put_zeros(f, 8);
	put16(f, protocol);
}

static void put_sll2(struct frame *f, unsigned int direction, unsigned int arphrd,
		     unsigned int protocol)
{
	put16(f, protocol);
	put16(f, 0);
	put32(f, 7);
	put16(f, arphrd);
	put8(f, direction);
	put8(f, 6);
	put_zeros(f, 8);
}

static void put_ethernet(struct frame *f, unsigned int type)
{
	put_zeros(f, 12);
	put16(f, type);
}

static void a_cooked_frame_tells_interface_and_direction(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_sll2(&f, SENT, ETHER, 0x0800);
	put_syn4(&f);
	p = decoded(DLT_LINUX_SLL2, &f);
	check_syn(&p, false);
	assert_int_equal(p.interface, 7);
	assert_true(p.outgoing);
	assert_false(p.loopback);
	check_cuts(DLT_LINUX_SLL2, &f, 60);

	f.len = 0;
	put_sll2(&f, RECEIVED, LOOPBACK, 0x86dd);
	put_syn6(&f);
	p = decoded(DLT_LINUX_SLL2, &f);
	check_syn(&p, true);
	assert_false(p.outgoing);
	assert_true(p.loopback);
	check_cuts(DLT_LINUX_SLL2, &f, 80);
}

static void the_older_cooked_frame_tells_the_direction(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_sll(&f, SENT, LOOPBACK, 0x0800);
	put_syn4(&f);
	p = decoded(DLT_LINUX_SLL, &f);
	check_syn(&p, false);
	assert_int_equal(p.interface, 0);
	assert_true(p.outgoing);
	assert_true(p.loopback);
	check_cuts(DLT_LINUX_SLL, &f, 56);

	f.len = 0;
	put_sll(&f, RECEIVED, ETHER, 0x86dd);
	put_syn6(&f);
	p = decoded(DLT_LINUX_SLL, &f);
	check_syn(&p, true);
	assert_false(p.outgoing);
	assert_false(p.loopback);
}

static void vlan_tags_are_passed_over_on_every_link(void **state)
{
	static const unsigned int tags[] = { 0x8100, 0x88a8, 0x9100 };
	struct frame f;
	struct packet p;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		f.len = 0;
		put_ethernet(&f, tags[i]);
		put16(&f, 100);
		put16(&f, 0x8100);
		put16(&f, 200);
		put16(&f, 0x0800);
		put_syn4(&f);
		p = decoded(DLT_EN10MB, &f);
		check_syn(&p, false);
		check_cuts(DLT_EN10MB, &f, 22 + 40);

		f.len = 0;
		put_sll(&f, SENT, ETHER, tags[i]);
		put16(&f, 100);
		put16(&f, 0x86dd);
		put_syn6(&f);
		p = decoded(DLT_LINUX_SLL, &f);
		check_syn(&p, true);

		f.len = 0;
		put_sll2(&f, SENT, ETHER, tags[i]);
		put16(&f, 100);
		put16(&f, 0x0800);
		put_syn4(&f);
		p = decoded(DLT_LINUX_SLL2, &f);
		check_syn(&p, false);
	}
}

static void ethernet_carries_ip_by_type_or_by_snap(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_ethernet(&f, 0x0800);
	put_syn4(&f);
	put_zeros(&f, 6); /* the padding of a short frame */
	p = decoded(DLT_EN10MB, &f);
	check_syn(&p, false);
	assert_false(p.outgoing);

	f.len = 0;
	put_ethernet(&f, 8 + 60); /* a length */
	put16(&f, 0xaaaa);
	put8(&f, 3);
	put16(&f, 0);
	put8(&f, 0);
	put16(&f, 0x86dd);
	put_syn6(&f);
	p = decoded(DLT_EN10MB, &f);
	check_syn(&p, true);
}

static void raw_ip_goes_by_its_version(void **state)
{
	struct frame v4 = { .len = 0 }, v6 = { .len = 0 }, other = { .len = 0 };
	struct packet p;

	(void)state;
	put_syn4(&v4);
	put_syn6(&v6);
	p = decoded(DLT_RAW, &v4);
	check_syn(&p, false);
	p = decoded(DLT_RAW, &v6);
	check_syn(&p, true);
	p = decoded(DLT_IPV4, &v4);
	check_syn(&p, false);
	p = decoded(DLT_IPV6, &v6);
	check_syn(&p, true);
	check_cuts(DLT_RAW, &v4, 40);
	check_cuts(DLT_RAW, &v6, 60);
	put8(&other, 0x50);
	assert_int_equal(decoded(DLT_RAW, &other).kind, PACKET_OTHER);
	assert_int_equal(decode_packet(DLT_IPV4, v6.bytes, v6.len, &p), -EBADMSG);
	assert_int_equal(decode_packet(DLT_IPV6, v4.bytes, v4.len, &p), -EBADMSG);
}

static void bsd_loopback_is_read_in_both_byte_orders(void **state)
{
	static const int types[] = { DLT_NULL, DLT_LOOP };
	static const uint8_t families6[] = { 10, 24, 28, 30 };
	struct packet p;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		for (k = 0; k < 2 * ARRAY_SIZE(families6); k++) {
			struct frame f = { .len = 0 };

			put32(&f, (uint32_t)families6[k / 2] << (k % 2 ? 24 : 0));
			put_syn6(&f);
			p = decoded(types[i], &f);
			check_syn(&p, true);
		}
		for (k = 0; k < 2; k++) {
			struct frame f = { .len = 0 };

			put32(&f, 2u << (k ? 24 : 0));
			put_syn4(&f);
			p = decoded(types[i], &f);
			check_syn(&p, false);
			check_cuts(types[i], &f, 44);
		}
	}
}

static void what_is_not_ip_is_other(void **state)
{
	static const struct {
		unsigned int arphrd, protocol;
	} cooked[] = {
		{ ETHER, 0x0806 }, /* ARP */
		{ ETHER, 0x0004 }, /* LLC */
		{ 824, 0x0800 },   /* netlink */
		{ 803, 0x0800 },   /* radiotap */
		{ 770, 0x0800 },   /* frame relay */
	};
	struct frame f = { .len = 0 };
	size_t i;

	(void)state;
	put_ethernet(&f, 0x0806);
	put_zeros(&f, 46);
	assert_int_equal(decoded(DLT_EN10MB, &f).kind, PACKET_OTHER);
	f.len = 0;
	put_ethernet(&f, 38); /* spanning tree: LLC without SNAP */
	put32(&f, 0x42420300);
	put_zeros(&f, 35);
	assert_int_equal(decoded(DLT_EN10MB, &f).kind, PACKET_OTHER);
	for (i = 0; i < ARRAY_SIZE(cooked); i++) {
		f.len = 0;
		put_sll2(&f, SENT, cooked[i].arphrd, cooked[i].protocol);
		put_syn4(&f);
		assert_int_equal(decoded(DLT_LINUX_SLL2, &f).kind, PACKET_OTHER);
		assert_true(decoded(DLT_LINUX_SLL2, &f).outgoing);
		f.len = 0;
		put_sll(&f, SENT, cooked[i].arphrd, cooked[i].protocol);
		put_syn4(&f);
		assert_int_equal(decoded(DLT_LINUX_SLL, &f).kind, PACKET_OTHER);
	}
	f.len = 0;
	put32(&f, 7);
	assert_int_equal(decoded(DLT_NULL, &f).kind, PACKET_OTHER);
}

static void an_unknown_link_type_is_said_to_be_one(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_syn4(&f);
	assert_int_equal(decode_packet(DLT_IEEE802_11, f.bytes, f.len, &p), -ENOTSUP);
	assert_int_equal(decode_packet(-1, f.bytes, f.len, &p), -ENOTSUP);
}

static void link_local_addresses_have_their_interface(void **state)
{
	struct frame f = { .len = 0 };
	struct packet p;

	(void)state;
	put_sll2(&f, RECEIVED, ETHER, 0x86dd);
	put_ip6(&f, IPPROTO_ICMPV6, 48 + 8, "fe80::1", "fe80::2");
	put_icmp(&f, 1, 4, 0);
	put_ip6(&f, IPPROTO_TCP, 20, "fe80::2", "fe80::1");
	put_zeros(&f, 8);
	p = decoded(DLT_LINUX_SLL2, &f);
	assert_int_equal(p.src.scope, 7);
	assert_int_equal(p.dst.scope, 7);
	assert_int_equal(p.quote.src.scope, 7);
	assert_int_equal(p.quote.dst.scope, 7);
	f.len = 0;
	put_sll2(&f, RECEIVED, ETHER, 0x86dd);
	put_syn6(&f);
	p = decoded(DLT_LINUX_SLL2, &f);
	assert_int_equal(p.src.scope, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cooked_frame_tells_interface_and_direction),
		cmocka_unit_test(the_older_cooked_frame_tells_the_direction),
		cmocka_unit_test(vlan_tags_are_passed_over_on_every_link),
		cmocka_unit_test(ethernet_carries_ip_by_type_or_by_snap),
		cmocka_unit_test(raw_ip_goes_by_its_version),
		cmocka_unit_test(bsd_loopback_is_read_in_both_byte_orders),
		cmocka_unit_test(what_is_not_ip_is_other),
		cmocka_unit_test(an_unknown_link_type_is_said_to_be_one),
		cmocka_unit_test(link_local_addresses_have_their_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
