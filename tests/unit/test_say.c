#include <errno.h>
#include <time.h> /* linux/errqueue.h needs it */

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "verdict.h"

#define MS(n)	  ((n)*NS_PER_MS)
#define SAY_BYTES 400 /* one line of a terminal that is not too small */

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_from_text(text, &a), 0);
	return a;
}

/* What a probe of ADDRESS over PROTOCOL has when nothing came of it. */
static struct result result_of(const char *address, int protocol)
{
	struct result r = { .connect_ns = -1,
			    .race_ns = -1,
			    .kernel_rtt_ns = -1,
			    .held_ns = -1,
			    .attempts = 3 };

	r.check.addr = addr_of(address);
	r.check.port = 80;
	r.check.protocol = (uint8_t)protocol;
	r.seen.waited_ns = MS(3000);
	return r;
}

static void set_icmp(struct result *r, uint8_t origin, uint8_t type, uint8_t code,
		     const char *from)
{
	r->seen.has_icmp = true;
	r->seen.icmp = (struct icmp_error){ .origin = origin,
					    .type = type,
					    .code = code,
					    .error = EHOSTUNREACH,
					    .from = addr_of(from) };
}

/* Decide, say, and compare with the whole sentence. */
static void check_sentence(struct result *r, const char *sentence)
{
	struct buf out = BUF_INIT;

	verdict_decide(r);
	verdict_say(r, &out);
	assert_string_equal(out.data, sentence);
	buf_release(&out);
}

/* Say, and look for a part. */
static void check_part(const struct result *r, const char *part)
{
	struct buf out = BUF_INIT;

	verdict_say(r, &out);
	if (!strstr(out.data, part))
		fail_msg("'%s' lacks '%s'", out.data, part);
	buf_release(&out);
}

static void check_shape(const struct result *r)
{
	struct buf out = BUF_INIT;

	verdict_say(r, &out);
	if (out.failed || out.len == 0 || out.len >= SAY_BYTES ||
	    strpbrk(out.data, "\n\r\t") || strstr(out.data, "(null)") ||
	    strstr(out.data, "  ") || out.data[out.len - 1] == ' ')
		fail_msg("%s, detail %d: '%s'", reason_word(r->reason), r->detail,
			 out.data);
	buf_release(&out);
}

/* Every reason with every detail, over both protocols and families, with and without
 * an ICMP error, beside a live address and alone. */
static void there_is_always_one_line_to_say(void **state)
{
	enum { COMBINATIONS = REASON_COUNT * (DETAIL_SILENT_SERVICE + 1) * 32 };
	unsigned int n;

	(void)state;
	for (n = 0; n < COMBINATIONS; n++) {
		bool udp = n & 1, v6 = n & 2, icmp = n & 4, other = n & 8;
		struct result r = result_of(v6 ? "2001:db8::80" : "192.0.2.80",
					    udp ? IPPROTO_UDP : IPPROTO_TCP);

		r.beside_live = n & 16;
		r.reason = (enum port_reason)(n / 32 % REASON_COUNT);
		r.detail = (enum detail)(n / 32 / REASON_COUNT);
		if (icmp)
			set_icmp(&r, v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
				 v6 ? 1 : 3, 3,
				 other ? "198.51.100.1"
				 : v6  ? "2001:db8::80"
				       : "192.0.2.80");
		r.state = state_of_reason(r.reason, r.check.protocol, icmp && !other);
		r.seen.error = EHOSTUNREACH;
		r.seen.has_gateway = true;
		r.seen.gateway = addr_of("192.0.2.1");
		if (r.detail == DETAIL_SILENT_SERVICE)
			r.silent_note = "it never answers strangers";
		check_shape(&r);
	}
}

static void every_icmp_error_is_said_in_one_line(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 0; n < 2 * 65536; n++) {
		bool v6 = n & 65536;
		struct result r =
			result_of(v6 ? "2001:db8::80" : "192.0.2.80", IPPROTO_TCP);

		r.seen.seen = SEEN_ERROR;
		set_icmp(&r, v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
			 (uint8_t)(n >> 8), (uint8_t)n, v6 ? "fe80::1" : "192.0.2.1");
		if (n % 7 == 0)
			r.seen.icmp.from = (struct addr){ .family = AF_UNSPEC };
		verdict_decide(&r);
		check_shape(&r);
	}
}

static void an_open_port_says_how_fast(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.attempts = 1;
	r.connect_ns = MS(12);
	check_sentence(&r, "connected in 12.0 ms");
	/* The first SYN was answered, only later than the second was sent. */
	r.attempts = 2;
	check_sentence(&r, "connected in 12.0 ms");
	r.late = true;
	check_sentence(&r, "connected in 12.0 ms, after a lost packet");
}

static void a_held_connection_says_how_it_ended(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.attempts = 1;
	r.connect_ns = MS(12);
	r.held_ns = MS(2000);
	check_sentence(&r, "connected in 12.0 ms, held for 2.00 s");
	r.closed_by_peer = CLOSED_FIN;
	check_sentence(&r, "connected in 12.0 ms, but the peer closed it after 2.00 s");
	r.closed_by_peer = CLOSED_RESET;
	check_sentence(&r, "connected in 12.0 ms, but the peer reset it after 2.00 s");
}

static void an_udp_answer_is_quoted(void **state)
{
	static const char said[] = "NTPv4, stratum 2";
	struct result r = result_of("192.0.2.80", IPPROTO_UDP);

	(void)state;
	r.seen.seen = SEEN_REPLY;
	r.connect_ns = MS(5);
	check_sentence(&r, "answered in 5.00 ms");
	memcpy(r.said, said, sizeof(said));
	check_sentence(&r, "answered in 5.00 ms: NTPv4, stratum 2");
}

static void a_reset_is_refused_and_says_what_it_may_mean(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_ERROR;
	r.seen.error = ECONNREFUSED;
	r.connect_ns = MS(1);
	check_sentence(&r, "refused in 1.00 ms (RST): nothing listens there, or a "
			   "firewall resets it");
	r.seen.reset_is_local = true;
	check_sentence(&r, "this machine's own filter rejects it: the RST was made here");
}

static void silence_says_how_often_and_how_long_was_asked(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_SILENCE;
	check_sentence(&r, "no answer to 3 SYNs in 3.00 s: dropped on the way or by the "
			   "host");
	r.attempts = 1;
	check_sentence(&r, "no answer to 1 SYN in 3.00 s: dropped on the way or by the "
			   "host");
	r.detail = DETAIL_RATE_LIMIT;
	check_part(&r, "or rejected by a host that limits its rejects");
	r = result_of("192.0.2.80", IPPROTO_UDP);
	r.seen.seen = SEEN_SILENCE;
	r.attempts = 2;
	check_sentence(&r, "no answer to 2 datagrams in 3.00 s: a service that keeps "
			   "silent, or a filter");
}

static void an_icmp_error_names_its_sender(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_ERROR;
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 3, 3, "198.51.100.1");
	check_sentence(&r, "ICMP port unreachable from 198.51.100.1: a firewall there "
			   "rejects this");
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 3, 13, "192.0.2.80");
	check_sentence(&r, "ICMP administratively prohibited from the host itself: its "
			   "firewall rejects this");
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 3, 1, "198.51.100.1");
	check_sentence(&r, "ICMP host unreachable from 198.51.100.1: it says that the "
			   "host can't be reached");
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 11, 0, "198.51.100.1");
	check_part(&r, "from 198.51.100.1");
	verdict_decide(&r);
	check_part(&r, "the hop limit ran out there");
	r = result_of("192.0.2.80", IPPROTO_UDP);
	r.seen.seen = SEEN_ERROR;
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 3, 3, "192.0.2.80");
	check_sentence(&r, "ICMP port unreachable from the host itself: nothing listens "
			   "there, or its firewall rejects it");
}

static void what_this_machine_does_is_said_of_this_machine(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_UDP);

	(void)state;
	r.seen.seen = SEEN_SYNC_ERROR;
	r.seen.error = EPERM;
	check_sentence(&r, "this machine's own filter forbids sending (EPERM)");
	r.seen.error = EACCES;
	r.seen.route = ROUTE_PROHIBIT;
	check_sentence(&r, "this machine's route to it says prohibit");
	r.seen.error = EINVAL;
	r.seen.route = ROUTE_BLACKHOLE;
	check_sentence(&r, "this machine's route to it says blackhole");
	r.seen.error = EHOSTUNREACH;
	r.seen.route = ROUTE_UNREACHABLE;
	check_sentence(&r, "this machine's route to it says unreachable");
	r = result_of("192.0.2.80", IPPROTO_TCP);
	r.seen.seen = SEEN_SILENCE;
	r.seen.kernel_kept_it = true;
	check_sentence(&r, "no answer, and the SYN never left this machine: its own "
			   "filter drops it");
	r = result_of("192.0.2.80", IPPROTO_TCP);
	r.seen.seen = SEEN_ERROR;
	set_icmp(&r, SO_EE_ORIGIN_ICMP, 3, 13, "192.0.2.2");
	r.seen.icmp_from_self = true;
	check_sentence(&r, "this machine's own filter rejects it: ICMP administratively "
			   "prohibited from its own address");
}

static void a_missing_route_names_the_family(void **state)
{
	struct result r = result_of("2001:db8::80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_SYNC_ERROR;
	r.seen.error = ENETUNREACH;
	r.seen.route = ROUTE_NONE;
	check_sentence(&r, "this machine has no IPv6 route to it");
	r.check.addr = addr_of("192.0.2.80");
	check_sentence(&r, "this machine has no IPv4 route to it");
	r.check.addr = addr_of("2001:db8::80");
	r.seen.error = EAFNOSUPPORT;
	check_sentence(&r, "this machine has no IPv6");
	r.seen.error = EADDRNOTAVAIL;
	check_sentence(&r, "this machine has no address to reach it from");
}

static void a_host_that_is_down_says_who_was_asked(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_SILENCE;
	r.seen.neighbour = ROUTE_NEIGH_FAILED;
	check_sentence(&r, "does not answer ARP on this network: down, or nobody has the "
			   "address");
	r.check.addr = addr_of("2001:db8::80");
	check_sentence(&r,
		       "does not answer neighbour discovery on this network: down, or "
		       "nobody has the address");
	r.seen.has_gateway = true;
	r.seen.gateway = addr_of("fe80::1");
	check_sentence(&r, "the gateway fe80::1 does not answer neighbour discovery");
	r.check.addr = addr_of("203.0.113.9");
	r.seen.gateway = addr_of("198.51.100.1");
	r.detail = DETAIL_NONE;
	check_sentence(&r, "the gateway 198.51.100.1 does not answer ARP");
}

static void what_was_not_tested_is_not_called_blocked(void **state)
{
	static const int errors[] = { EMFILE,	  ENOBUFS, EADDRNOTAVAIL,
				      EADDRINUSE, EACCES,  EINVAL };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		struct result r = result_of("192.0.2.80", IPPROTO_TCP);

		r.seen.seen = SEEN_SYNC_ERROR;
		r.seen.error = errors[i];
		verdict_decide(&r);
		check_part(&r, "not tested: ");
	}
}

static void a_link_local_address_is_told_how_to_name_its_interface(void **state)
{
	struct result r = result_of("fe80::1", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_SYNC_ERROR;
	r.seen.error = EINVAL;
	check_sentence(&r, "not tested: a link-local address needs its interface, as in "
			   "fe80::1%eth0");
}

static void a_name_that_failed_says_what_the_resolver_said(void **state)
{
	struct result r = { .state = STATE_UNRESOLVED, .reason = REASON_NAME_NOT_FOUND };

	(void)state;
	check_part(&r, "the name can't be resolved");
	r.name_why = "no such name";
	check_part(&r, "no such name");
}

static void a_dead_address_beside_a_live_one_slows_clients(void **state)
{
	struct result r = result_of("192.0.2.80", IPPROTO_TCP);

	(void)state;
	r.seen.seen = SEEN_SILENCE;
	r.beside_live = true;
	check_sentence(&r, "no answer to 3 SYNs in 3.00 s: dropped on the way or by the "
			   "host; clients that try this address first are slow");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_always_one_line_to_say),
		cmocka_unit_test(every_icmp_error_is_said_in_one_line),
		cmocka_unit_test(an_open_port_says_how_fast),
		cmocka_unit_test(a_held_connection_says_how_it_ended),
		cmocka_unit_test(an_udp_answer_is_quoted),
		cmocka_unit_test(a_reset_is_refused_and_says_what_it_may_mean),
		cmocka_unit_test(silence_says_how_often_and_how_long_was_asked),
		cmocka_unit_test(an_icmp_error_names_its_sender),
		cmocka_unit_test(what_this_machine_does_is_said_of_this_machine),
		cmocka_unit_test(a_missing_route_names_the_family),
		cmocka_unit_test(a_host_that_is_down_says_who_was_asked),
		cmocka_unit_test(what_was_not_tested_is_not_called_blocked),
		cmocka_unit_test(a_link_local_address_is_told_how_to_name_its_interface),
		cmocka_unit_test(a_name_that_failed_says_what_the_resolver_said),
		cmocka_unit_test(a_dead_address_beside_a_live_one_slows_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
