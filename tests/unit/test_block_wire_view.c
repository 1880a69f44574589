/*
 * wire_view: a packet is the probe's whose addresses, ports and sequence number it has,
 * and nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_frame.h"
#include "clock.h"
#include "engine_private.h"

#define PORT	   443
#define LOCAL	   40000
#define ISN	   1000u
#define AT	   (7 * NS_PER_S)
#define EXPECT_TTL 61

static const struct portblock_config config;
static const int no_fds[2] = { -1, -1 };

static void begin(struct engine *e, bool route_is_local)
{
	struct addr server = addr_of(SERVER);

	engine_init(e, &config, NULL, no_fds, -1);
	engine_begin(e, &server, route_is_local);
}

static struct probe *probe(struct engine *e, uint8_t protocol, uint16_t local)
{
	struct probe *p = engine_probe(e, protocol, PORT);

	assert_non_null(p);
	p->local_port = local;
	p->sent_ns = AT;
	return p;
}

/* From us to the server's port, on a real interface. */
static struct packet outgoing(uint8_t flags, uint32_t seq)
{
	return (struct packet){ .kind = PACKET_TCP,
				.outgoing = true,
				.src = addr_of(CLIENT),
				.dst = addr_of(SERVER),
				.ttl = 64,
				.protocol = IPPROTO_TCP,
				.src_port = LOCAL,
				.dst_port = PORT,
				.flags = flags,
				.seq = seq };
}

/* From the server's port to us. */
static struct packet incoming(uint8_t flags, uint32_t seq, uint32_t ack)
{
	return (struct packet){ .kind = PACKET_TCP,
				.src = addr_of(SERVER),
				.dst = addr_of(CLIENT),
				.ttl = EXPECT_TTL,
				.tos = 0x28,
				.ip_id = 0xbeef,
				.protocol = IPPROTO_TCP,
				.src_port = PORT,
				.dst_port = LOCAL,
				.flags = flags,
				.seq = seq,
				.ack = ack,
				.window = flags & PACKET_RST ? 0 : 65160 };
}

static struct packet unreachable(uint16_t local, uint32_t seq)
{
	return (struct packet){ .kind = PACKET_ICMP_ERROR,
				.src = addr_of(ROUTER),
				.dst = addr_of(CLIENT),
				.ttl = 63,
				.protocol = IPPROTO_ICMP,
				.icmp_type = 3,
				.icmp_code = 13,
				.quote = { .there = true,
					   .src = addr_of(CLIENT),
					   .dst = addr_of(SERVER),
					   .protocol = IPPROTO_TCP,
					   .tos = 0x04,
					   .has_ports = true,
					   .src_port = local,
					   .dst_port = PORT,
					   .has_seq = true,
					   .seq = seq } };
}

static void see(struct engine *e, struct packet k, int64_t at_ns)
{
	wire_packet(e, &k, at_ns);
}

static struct probe *with_syn(struct engine *e)
{
	struct probe *p;

	begin(e, false);
	p = probe(e, IPPROTO_TCP, LOCAL);
	see(e, outgoing(PACKET_SYN, ISN), AT + 1000);
	assert_int_equal(p->wire.syns_out, 1);
	return p;
}

/* ---- what left ---- */

static void each_syn_that_leaves_is_counted(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	see(&e, outgoing(PACKET_SYN, ISN), AT + NS_PER_S);
	assert_int_equal(p->wire.syns_out, 2);
	assert_true(p->has_isn && p->isn == ISN);
	/* The rest of the handshake, and our own RST, is no SYN. */
	see(&e, outgoing(PACKET_ACK, ISN + 1), AT + NS_PER_S);
	see(&e, outgoing(PACKET_RST, ISN + 1), AT + NS_PER_S);
	assert_int_equal(p->wire.syns_out, 2);
	engine_release(&e);
}

static void another_port_protocol_or_host_is_not_ours(void **state)
{
	struct engine e;
	struct probe *p;
	struct packet k;

	(void)state;
	begin(&e, false);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	k = outgoing(PACKET_SYN, ISN);
	k.src_port++;
	see(&e, k, AT);
	k = outgoing(PACKET_SYN, ISN);
	k.dst_port++;
	see(&e, k, AT);
	k = outgoing(PACKET_SYN, ISN);
	k.dst = addr_of(ROUTER);
	see(&e, k, AT);
	k = outgoing(PACKET_SYN, ISN);
	k.kind = PACKET_UDP;
	k.protocol = IPPROTO_UDP;
	see(&e, k, AT);
	k = outgoing(PACKET_SYN, ISN);
	k.kind = PACKET_OTHER;
	see(&e, k, AT);
	assert_int_equal(p->wire.syns_out, 0);
	assert_false(p->has_isn);
	engine_release(&e);
}

/* A packet for elsewhere that shows on lo only has not left. */
static void lo_is_a_wire_only_to_this_machine_itself(void **state)
{
	struct packet k = outgoing(PACKET_SYN, ISN);
	struct engine e;
	struct probe *p;

	(void)state;
	k.loopback = true;
	begin(&e, false);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	see(&e, k, AT);
	assert_int_equal(p->wire.syns_out, 0);
	engine_release(&e);
	begin(&e, true);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	see(&e, k, AT);
	assert_int_equal(p->wire.syns_out, 1);
	engine_release(&e);
}

static void a_datagram_that_leaves_is_counted(void **state)
{
	struct packet k = outgoing(0, 0);
	struct engine e;
	struct probe *p;

	(void)state;
	begin(&e, false);
	p = probe(&e, IPPROTO_UDP, LOCAL);
	k.kind = PACKET_UDP;
	k.protocol = IPPROTO_UDP;
	see(&e, k, AT);
	assert_int_equal(p->wire.syns_out, 1);
	engine_release(&e);
}

/* A walk sends from one port again and again. */
static void a_packet_is_of_the_newest_probe_that_was_there(void **state)
{
	struct engine e;
	struct probe *first, *second;

	(void)state;
	begin(&e, false);
	first = probe(&e, IPPROTO_TCP, LOCAL);
	second = probe(&e, IPPROTO_TCP, LOCAL);
	second->sent_ns = AT + NS_PER_S;
	see(&e, outgoing(PACKET_SYN, ISN), AT + 1000);
	see(&e, outgoing(PACKET_SYN, ISN + 500), AT + NS_PER_S + 1000);
	assert_int_equal(first->isn, ISN);
	assert_int_equal(second->isn, ISN + 500);
	/* The two clocks may be a little apart, not more. */
	see(&e, outgoing(PACKET_SYN, ISN + 500), AT + NS_PER_S - 4 * NS_PER_MS);
	assert_int_equal(second->wire.syns_out, 2);
	see(&e, outgoing(PACKET_SYN, ISN), AT + NS_PER_S - 6 * NS_PER_MS);
	assert_int_equal(first->wire.syns_out, 2);
	/* The late answer to the first is told by what it acknowledges. */
	see(&e, incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1), AT + 2 * NS_PER_S);
	assert_true(first->wire.reset.seen && first->wire.reset.ack_is_right);
	assert_false(second->wire.reset.seen);
	engine_release(&e);
}

/* ---- what came ---- */

static void a_syn_ack_leaves_its_mark(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);
	const struct mark *m = &p->wire.syn_ack;

	(void)state;
	see(&e, incoming(PACKET_SYN | PACKET_ACK, 5, ISN + 1), AT + NS_PER_MS);
	assert_true(m->seen && m->ack_is_right && !m->by_loopback);
	assert_int_equal(m->at_ns, AT + NS_PER_MS);
	assert_int_equal(m->ttl, EXPECT_TTL);
	assert_int_equal(m->tos, 0x28);
	assert_int_equal(m->ip_id, 0xbeef);
	assert_int_equal(m->window, 65160);
	/* The first counts; a repetition is counted only. */
	see(&e, incoming(PACKET_SYN | PACKET_ACK, 5, ISN + 1), AT + NS_PER_S);
	assert_int_equal(p->wire.n_syn_acks, 2);
	assert_int_equal(m->at_ns, AT + NS_PER_MS);
	assert_false(p->wire.reset.seen);
	engine_release(&e);
}

static void an_answer_to_another_syn_is_marked_as_such(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	see(&e, incoming(PACKET_SYN | PACKET_ACK, 5, ISN), AT + NS_PER_MS);
	assert_true(p->wire.syn_ack.seen);
	assert_false(p->wire.syn_ack.ack_is_right);
	engine_release(&e);
}

/* Whoever forges without seeing the SYN guesses; a connection of before may have a late
 * answer. The kernel passes over either, and so do we once there is the right one. */
static void the_right_answer_replaces_one_to_another_syn(void **state)
{
	struct packet wrong = incoming(PACKET_RST | PACKET_ACK, 0, ISN + 7);
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	wrong.ttl = 200;
	see(&e, wrong, AT + NS_PER_MS);
	see(&e, incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1), AT + 2 * NS_PER_MS);
	assert_true(p->wire.reset.ack_is_right);
	assert_int_equal(p->wire.reset.ttl, EXPECT_TTL);
	assert_int_equal(p->wire.reset.at_ns, AT + 2 * NS_PER_MS);
	assert_int_equal(p->wire.n_resets, 2);
	/* Not the other way round. */
	see(&e, wrong, AT + 3 * NS_PER_MS);
	assert_int_equal(p->wire.reset.ttl, EXPECT_TTL);
	engine_release(&e);
}

static void a_rst_behind_a_syn_ack_cuts_the_connection_off(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	see(&e, incoming(PACKET_SYN | PACKET_ACK, 5, ISN + 1), AT + NS_PER_MS);
	see(&e, incoming(PACKET_RST, 6, 0), AT + 2 * NS_PER_MS);
	assert_true(p->wire.late_reset.seen);
	assert_int_equal(p->wire.late_reset.ttl, EXPECT_TTL);
	assert_false(p->wire.reset.seen);
	assert_int_equal(p->wire.n_resets, 0);
	/* One that answers the SYN is about that, however late. */
	see(&e, incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1), AT + 3 * NS_PER_MS);
	assert_true(p->wire.reset.seen && p->wire.reset.ack_is_right);
	assert_int_equal(p->wire.n_resets, 1);
	engine_release(&e);
}

static void several_rsts_with_rising_windows_are_noticed(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);
	struct packet k = incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1);

	(void)state;
	k.window = 1980;
	see(&e, k, AT + NS_PER_MS);
	see(&e, k, AT + NS_PER_MS);
	assert_false(p->wire.reset_windows_rise);
	k.window = 1979;
	see(&e, k, AT + NS_PER_MS);
	assert_false(p->wire.reset_windows_rise);
	k.window = 1981;
	see(&e, k, AT + NS_PER_MS);
	assert_true(p->wire.reset_windows_rise);
	assert_int_equal(p->wire.n_resets, 4);
	engine_release(&e);
}

static void a_window_of_0_that_opens_later_is_noticed(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);
	struct packet k = incoming(PACKET_SYN | PACKET_ACK, 5, ISN + 1);

	(void)state;
	k.window = 0;
	see(&e, k, AT + NS_PER_MS);
	k = incoming(PACKET_ACK, 6, ISN + 1);
	k.window = 0;
	see(&e, k, AT + 2 * NS_PER_MS);
	assert_false(p->wire.window_opened);
	k.window = 512;
	see(&e, k, AT + 3 * NS_PER_MS);
	assert_true(p->wire.window_opened);
	engine_release(&e);
}

static void an_answer_by_lo_is_marked_unless_the_target_is_here(void **state)
{
	struct packet k = incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1);
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	k.loopback = true;
	see(&e, k, AT + NS_PER_MS);
	assert_true(p->wire.reset.by_loopback);
	engine_release(&e);
	begin(&e, true);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	see(&e, k, AT + NS_PER_MS);
	assert_true(p->wire.reset.seen);
	assert_false(p->wire.reset.by_loopback);
	engine_release(&e);
}

static void what_another_host_sends_is_no_answer(void **state)
{
	struct packet k = incoming(PACKET_RST | PACKET_ACK, 0, ISN + 1);
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	k.src = addr_of(ROUTER);
	see(&e, k, AT + NS_PER_MS);
	k.src = addr_of(SERVER);
	k.dst_port++;
	see(&e, k, AT + NS_PER_MS);
	assert_false(p->wire.reset.seen);
	engine_release(&e);
}

/* A capture may not tell the interface, and a group's address has none on the wire. */
static void a_scope_that_only_one_side_has_makes_no_difference(void **state)
{
	struct packet k = outgoing(PACKET_SYN, ISN);
	struct addr host = addr_of("ff02::1");
	struct engine e;
	struct probe *p;

	(void)state;
	k.dst = host;
	host.scope = 3;
	engine_init(&e, &config, NULL, no_fds, -1);
	engine_begin(&e, &host, false);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	see(&e, k, AT + 1000);
	assert_int_equal(p->wire.syns_out, 1);
	k.dst.scope = 4;
	see(&e, k, AT + 1000);
	assert_int_equal(p->wire.syns_out, 1);
	engine_release(&e);
}

/* ---- ICMP errors ---- */

static void an_icmp_error_that_quotes_our_syn_is_ours(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);

	(void)state;
	see(&e, unreachable(LOCAL, ISN), AT + NS_PER_MS);
	assert_true(p->wire.icmp_seen && p->wire.has_quoted_tos);
	assert_int_equal(p->wire.icmp_ttl, 63);
	assert_int_equal(p->wire.quoted_tos, 0x04);
	assert_int_equal(p->wire.n_stray_icmp, 0);
	engine_release(&e);
}

/* RFC 5927: whoever does not see the SYN can only guess. */
static void an_icmp_error_with_another_sequence_number_or_port_is_stray(void **state)
{
	struct engine e;
	struct probe *p = with_syn(&e);
	struct packet k;

	(void)state;
	see(&e, unreachable(LOCAL, ISN + 1), AT + NS_PER_MS);
	assert_int_equal(p->wire.n_stray_icmp, 1);
	see(&e, unreachable(LOCAL + 1, ISN), AT + NS_PER_MS);
	assert_int_equal(p->wire.n_stray_icmp, 1);
	assert_int_equal(e.n_stray_icmp, 2);
	/* About another host, or quoting too little: not even that. */
	k = unreachable(LOCAL, ISN);
	k.quote.dst = addr_of(ROUTER);
	see(&e, k, AT + NS_PER_MS);
	k = unreachable(LOCAL, ISN);
	k.quote.has_ports = false;
	see(&e, k, AT + NS_PER_MS);
	k = unreachable(LOCAL, ISN);
	k.quote.there = false;
	see(&e, k, AT + NS_PER_MS);
	assert_int_equal(e.n_stray_icmp, 2);
	assert_false(p->wire.icmp_seen);
	engine_release(&e);
}

/* ---- from the bytes on ---- */

static void frames_are_decoded_to_the_same(void **state)
{
	struct frame syn = { .len = 0 }, error = { .len = 0 };
	struct packet k;
	struct engine e;
	struct probe *p;

	(void)state;
	begin(&e, false);
	p = probe(&e, IPPROTO_TCP, LOCAL);
	put_syn4(&syn);
	k = decoded(12 /* DLT_RAW */, &syn);
	k.outgoing = true;
	see(&e, k, AT + 1000);
	assert_int_equal(p->wire.syns_out, 1);
	assert_int_equal(p->isn, 0x01020304);
	put_error4(&error, 3, 13, 0, 40);
	put_syn4(&error);
	see(&e, decoded(12, &error), AT + NS_PER_MS);
	assert_true(p->wire.icmp_seen);
	assert_int_equal(p->wire.icmp_ttl, EXPECT_TTL);
	assert_int_equal(p->wire.quoted_tos, 0x28);
	engine_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_syn_that_leaves_is_counted),
		cmocka_unit_test(another_port_protocol_or_host_is_not_ours),
		cmocka_unit_test(lo_is_a_wire_only_to_this_machine_itself),
		cmocka_unit_test(a_datagram_that_leaves_is_counted),
		cmocka_unit_test(a_packet_is_of_the_newest_probe_that_was_there),
		cmocka_unit_test(a_syn_ack_leaves_its_mark),
		cmocka_unit_test(an_answer_to_another_syn_is_marked_as_such),
		cmocka_unit_test(the_right_answer_replaces_one_to_another_syn),
		cmocka_unit_test(a_rst_behind_a_syn_ack_cuts_the_connection_off),
		cmocka_unit_test(several_rsts_with_rising_windows_are_noticed),
		cmocka_unit_test(a_window_of_0_that_opens_later_is_noticed),
		cmocka_unit_test(an_answer_by_lo_is_marked_unless_the_target_is_here),
		cmocka_unit_test(what_another_host_sends_is_no_answer),
		cmocka_unit_test(a_scope_that_only_one_side_has_makes_no_difference),
		cmocka_unit_test(an_icmp_error_that_quotes_our_syn_is_ours),
		cmocka_unit_test(
			an_icmp_error_with_another_sequence_number_or_port_is_stray),
		cmocka_unit_test(frames_are_decoded_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
