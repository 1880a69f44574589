/*
 * words: what the message of each cause must name, and what no message may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"
#include "say.h"
#include "text.h"

#define MESSAGE_COLUMNS	 200
#define HEADLINE_COLUMNS 100
#define HOSTILE		 "a\x1b[31m\r\nb\xe2\x80\xae\xff c"

/* Is it one sentence for a terminal? */
static void check_sentence(const struct buf *b, size_t columns)
{
	struct buf escaped = BUF_INIT;

	assert_false(b->failed);
	assert_true(b->len > 0);
	if (text_columns(b->data) > columns)
		fail_msg("%zu columns: %s", text_columns(b->data), b->data);
	assert_true(b->data[0] != ' ');
	if (strchr(" .:,;", b->data[b->len - 1]))
		fail_msg("ends oddly: %s", b->data);
	assert_null(strstr(b->data, "  "));
	assert_null(strstr(b->data, "(null)"));
	for (size_t i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 || b->data[i] == 0x7f)
			fail_msg("a control character in: %s", b->data);
	/* Apart from the backslashes of what was escaped already. */
	text_escape(&escaped, b->data, b->len);
	if (!strchr(b->data, '\\'))
		assert_string_equal(escaped.data, b->data);
	buf_release(&escaped);
}

static void check_both(const struct sample *s)
{
	struct buf message = BUF_INIT, headline = BUF_INIT;

	words_message(&message, &s->f, &s->j);
	check_sentence(&message, MESSAGE_COLUMNS);
	words_headline(&headline, &s->f, &s->j);
	check_sentence(&headline, HEADLINE_COLUMNS);
	buf_release(&message);
	buf_release(&headline);
}

/* The message has each of WORDS, up to NULL. */
static void check_words(const struct sample *s, const char *const *words)
{
	struct buf message = BUF_INIT;

	check_both(s);
	words_message(&message, &s->f, &s->j);
	for (; *words; words++)
		if (!strstr(message.data, *words))
			fail_msg("the message lacks '%s': %s", *words, message.data);
	buf_release(&message);
}

#define SAYS(s, ...) check_words(s, (const char *const[]){ __VA_ARGS__, NULL })

static void check_headline(const struct sample *s, const char *text)
{
	struct buf headline = BUF_INIT;

	words_headline(&headline, &s->f, &s->j);
	assert_string_equal(headline.data, text);
	buf_release(&headline);
}

static void rejudge(struct sample *s)
{
	s->j = judge(&s->f);
}

/* ---- every cause ---- */

static void each_message_is_one_line_of_a_terminals_text(void **state)
{
	struct sample s;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sample_cause(&s, (enum cause)i);
		check_both(&s);
		sample_unprivileged(&s);
		check_both(&s);
		sample_make_v6(&s);
		check_both(&s);
		/* Nothing is known but the cause. */
		memset(&s.f.walk, 0, sizeof(s.f.walk));
		memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
		s.f.n_controls = 0;
		s.f.route_known = false;
		s.f.rtt_ns = s.f.answer_after_ns = -1;
		s.f.waited_ns = 0;
		s.j.by = s.j.last_hop_address = (struct addr){ .family = AF_UNSPEC };
		s.j.last_hop = s.j.next_hop = s.j.target_hops = s.j.answer_hops = -1;
		check_both(&s);
	}
}

/* The longest addresses there are, and the longest times and texts. */
static void no_message_is_longer_than_a_few_lines(void **state)
{
	static const char longest[] = "2001:db8:1111:2222:3333:4444:5555:6666";
	struct sample s;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sample_cause(&s, (enum cause)i);
		sample_make_v6(&s);
		for (int hop = 1; hop <= 4; hop++) {
			s.f.walk.hops[hop].from = sample_addr(longest);
			s.f.control_walk.hops[hop].from = sample_addr(longest);
		}
		if (s.j.by.family != AF_UNSPEC)
			s.j.by = sample_addr(longest);
		if (s.j.last_hop > 0)
			s.j.last_hop_address = sample_addr(longest);
		s.f.rtt_ns = s.f.waited_ns = SAMPLE_MS(3515);
		memset(s.f.local_rule.text, 'x', sizeof(s.f.local_rule.text) - 1);
		memset(s.f.local_rule.table, 't', sizeof(s.f.local_rule.table) - 1);
		memset(s.f.local_rule.chain, 'c', sizeof(s.f.local_rule.chain) - 1);
		check_both(&s);
	}
}

static void nothing_from_outside_reaches_a_terminal_as_it_is(void **state)
{
	struct sample s;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sample_cause(&s, (enum cause)i);
		s.f.target = HOSTILE;
		if (s.f.name_why)
			s.f.name_why = HOSTILE;
		strcpy(s.f.said, HOSTILE);
		strcpy(s.f.local_rule.text, HOSTILE);
		strcpy(s.f.local_rule.table, HOSTILE);
		strcpy(s.f.local_rule.chain, HOSTILE);
		check_both(&s);
	}
	sample_cause(&s, CAUSE_UNRESOLVED);
	s.f.name_why = HOSTILE;
	SAYS(&s, "a\\x1b[31m\\r\\nb\\u202e\\xff c: nothing was sent");
}

static void each_message_names_what_and_where(void **state)
{
	static const struct {
		enum cause cause;
		const char *words[4];
	} cases[] = {
		{ CAUSE_OPEN, { "connected in 1.20 ms", "nothing blocks it" } },
		{ CAUSE_OPEN_BY_PROXY, { "hop 2 (10.77.1.2)", "in the host's stead" } },
		{ CAUSE_OPEN_LOSSY, { "3 of 6 attempts", "no filter" } },
		{ CAUSE_ANSWERS_ALL, { "every port", "port 61234", "can't be known" } },
		{ CAUSE_PROXY_REFUSES, { "hop 2 (10.77.1.2)", "then resets" } },
		{ CAUSE_RESET_AFTER, { "after 8.00 ms", "HTTP request", "by the host" } },
		{ CAUSE_RESET_AFTER_BOX, { "by hop 2 (10.77.1.2)", "nearer" } },
		{ CAUSE_LOCAL_DROP_OUT,
		  { "this machine's own firewall", "inet filter output, handle 7",
		    "tcp dport 25 counter drop" } },
		{ CAUSE_LOCAL_REJECT, { "this machine's own firewall", "prohibited" } },
		{ CAUSE_LOCAL_DROP_IN, { "this machine's own input filter" } },
		{ CAUSE_LOCAL_RP_FILTER, { "reverse-path filter", "(eth0)" } },
		{ CAUSE_NO_ROUTE_LOCAL, { "no IPv4 route", "nothing is sent" } },
		{ CAUSE_NEIGHBOUR_DOWN, { "own link", "ARP on eth0", "down" } },
		{ CAUSE_GATEWAY_DOWN, { "gateway 10.77.0.1", "ARP on eth0" } },
		{ CAUSE_NO_LISTENER,
		  { "nothing listens there: the RST", "host itself" } },
		{ CAUSE_NO_LISTENER_MAYBE, { "or a firewall", "exactly like the host" } },
		{ CAUSE_RESET_BY_HOST_FIREWALL, { "the host's own firewall", "RST" } },
		{ CAUSE_RESET_BY_BOX,
		  { "hop 2 (10.77.1.2)", "or a bridge", "2 hops nearer than the host" } },
		{ CAUSE_RESET_INJECTED, { "hop 2 (10.77.1.2)", "TTL 63", "TTL 61" } },
		{ CAUSE_RESET_NEAR, { "this machine itself or by the very first box" } },
		{ CAUSE_REJECTED_BY_HOST, { "the host's own firewall", "prohibited" } },
		{ CAUSE_REJECTED_BY_BOX, { "at hop 2 (10.77.1.2)", "prohibited" } },
		{ CAUSE_NET_UNREACHABLE, { "hop 2 (10.77.1.2)", "no way" } },
		{ CAUSE_HOST_UNREACHABLE, { "hop 2 (10.77.1.2)", "or a firewall" } },
		{ CAUSE_TIME_EXCEEDED, { "hop 2 (10.77.1.2)", "routing loop" } },
		{ CAUSE_DROPPED_PATH, { "hop 2 (10.77.1.2)", "hop 3 (10.77.2.2)" } },
		{ CAUSE_DROPPED_LAST_HOP,
		  { "hop 3 (10.77.2.2)", "or by the host", "way back",
		    "can't be told apart" } },
		{ CAUSE_DROPPED_TARGET, { "host itself", "hypervisor", "port 22" } },
		{ CAUSE_DROPPED_SOMEWHERE, { "hop 2 (10.77.1.2)", "can't be told" } },
		{ CAUSE_HOST_SILENT, { "3 others", "no ping", "hop 2 (10.77.1.2)" } },
		{ CAUSE_UDP_SILENT, { "4 datagrams", "SNMP agents", "or a filter" } },
		{ CAUSE_LOSS_UNDECIDED, { "get lost", "says little" } },
		{ CAUSE_LOCAL_ERROR, { "not tested", "open files" } },
		{ CAUSE_INTERRUPTED, { "interrupted", "4 SYNs" } },
		{ CAUSE_UNRESOLVED, { "no such name", "nothing was sent" } },
	};
	struct sample s;

	(void)state;
	assert_int_equal(ARRAY_SIZE(cases), CAUSE_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *words[ARRAY_SIZE(cases[i].words) + 1] = { NULL };

		memcpy(words, cases[i].words, sizeof(cases[i].words));
		sample_cause(&s, cases[i].cause);
		check_words(&s, words);
	}
}

/* ---- what is said with care ---- */

static void what_the_host_may_pass_on_is_said_beside_the_box(void **state)
{
	struct sample s;

	(void)state;
	sample_refused(&s, 61);
	s.f.n_controls = 0;
	sample_control(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK)->ttl = 60;
	s.f.tos_known = false;
	rejudge(&s);
	assert_int_equal(s.j.confidence, CONFIDENCE_LOW);
	SAYS(&s, "1 hop nearer than port 443", "unless the host passes that on");
}

static void a_rst_that_came_too_early_is_told_by_its_syn(void **state)
{
	struct sample s;

	(void)state;
	sample_refused(&s, 61);
	s.f.walk = (struct walk){ .protocol = IPPROTO_TCP, .port = 8080, .n_hops = 1 };
	s.f.walk.hops[1].state = HOP_ANSWERED;
	s.f.tos_known = false;
	rejudge(&s);
	SAYS(&s, "for a SYN that ends at hop 1 (10.77.0.1)", "the host is hop 4");
	check_headline(&s, "reset by hop 1 (10.77.0.1)");
}

static void a_rst_from_behind_the_host_is_said_to_be_that(void **state)
{
	struct sample s;

	(void)state;
	sample_refused(&s, 59);
	rejudge(&s);
	SAYS(&s, "or a firewall", "2 hops behind the host's other answers");
}

static void a_udp_answer_of_a_box_says_nothing_of_the_host(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, IPPROTO_UDP, 53);
	s.f.answer = ANSWER_REPLY;
	s.f.ttl = 63;
	sample_control(&s, IPPROTO_ICMP, 0, ANSWER_REPLY);
	rejudge(&s);
	SAYS(&s, "answered, but by a box in between", "nothing about a service");
}

static void a_closed_window_is_no_reset(void **state)
{
	struct sample s;

	(void)state;
	sample_accepted(&s);
	s.f.wire.syn_ack.window = 0;
	rejudge(&s);
	assert_int_equal(s.j.cause, CAUSE_PROXY_REFUSES);
	SAYS(&s, "a box in between accepts", "window of 0");
}

static void a_reset_that_was_not_placed_is_not_said_to_be_the_hosts(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_RESET_AFTER);
	s.f.reset_is_placed = false;
	rejudge(&s);
	SAYS(&s, "then reset after 8.00 ms", "unless a box in between does it");
}

static void a_drop_here_that_the_kernel_does_not_notice_may_be_ipsec(void **state)
{
	struct sample s;

	(void)state;
	sample_local_drop(&s);
	s.f.kernel_kept_it = false;
	rejudge(&s);
	SAYS(&s, "no SYN is seen on any interface", "IPsec");
	s.f.resent = 0;
	rejudge(&s);
	SAYS(&s, "no SYN is seen on any interface");
}

static void this_machines_own_port_is_called_its_own(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_TARGET);
	s.f.route.kind = ROUTE_LOCAL;
	rejudge(&s);
	SAYS(&s, "this machine's own firewall", "no more connections");
	check_headline(&s, "dropped by this machine");
	sample_local_rule(&s);
	s.f.route.kind = ROUTE_LOCAL;
	strcpy(s.f.local_rule.hook, "input");
	rejudge(&s);
	SAYS(&s, "this machine's own firewall: nftables inet filter output, handle 7");
	sample_cause(&s, CAUSE_RESET_BY_HOST_FIREWALL);
	s.f.route.kind = ROUTE_LOCAL;
	rejudge(&s);
	SAYS(&s, "this machine's own firewall", "did not make the RST");
	check_headline(&s, "rejected by this machine");
}

static void a_port_that_the_host_passes_on_is_said_to_be_that(void **state)
{
	struct sample s;

	(void)state;
	sample_last_hop(&s);
	s.f.walk.hops[4] = s.f.walk.hops[3];
	s.f.walk.hops[4].from = s.f.addr;
	rejudge(&s);
	SAYS(&s, "by the host or behind it",
	     "hop 4 (10.77.3.2, the host) passes the SYN on");
	check_headline(&s, "dropped by the host or behind it");
	sample_rejected(&s);
	sample_icmp(&s, 3, 1, s.f.addr, 61, 3060);
	rejudge(&s);
	SAYS(&s, "the host passes this port on", "ICMP host unreachable after 3.06 s");
	check_headline(&s, "what is behind the host is down");
}

static void a_way_that_was_not_examined_is_said_to_be_that(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_SOMEWHERE);
	s.f.walk.n_hops = 2;
	rejudge(&s);
	SAYS(&s, "behind hop 2 (10.77.1.2)", "not examined to its end");
	memset(&s.f.walk, 0, sizeof(s.f.walk));
	rejudge(&s);
	SAYS(&s, "on the way or by the host: the way was not examined");
}

static void what_came_in_the_walk_alone_is_told(void **state)
{
	struct sample s;

	(void)state;
	sample_last_hop(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 3, true);
	rejudge(&s);
	SAYS(&s, "it answered once while its way was examined");
	s.f.walk.hops[4].from = sample_hop_addr(3);
	s.f.walk.hops[4].state = HOP_ERROR;
	s.f.walk.hops[4].icmp_origin = SO_EE_ORIGIN_ICMP;
	s.f.walk.hops[4].icmp_type = 3;
	s.f.walk.hops[4].icmp_code = 10;
	rejudge(&s);
	SAYS(&s, "at hop 3 (10.77.2.2): it answers ICMP host prohibited");
}

static void a_capture_that_lost_packets_is_the_reason_only_where_it_is(void **state)
{
	struct sample s;

	(void)state;
	sample_local_drop(&s);
	s.f.kernel_kept_it = false;
	s.f.capture_dropped = 7;
	rejudge(&s);
	SAYS(&s, "the capture lost 7 packets");
	sample_cause(&s, CAUSE_LOSS_UNDECIDED);
	s.f.capture_dropped = 7;
	rejudge(&s);
	SAYS(&s, "packets get lost on this way");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_is_one_line_of_a_terminals_text),
		cmocka_unit_test(no_message_is_longer_than_a_few_lines),
		cmocka_unit_test(nothing_from_outside_reaches_a_terminal_as_it_is),
		cmocka_unit_test(each_message_names_what_and_where),
		cmocka_unit_test(what_the_host_may_pass_on_is_said_beside_the_box),
		cmocka_unit_test(a_rst_that_came_too_early_is_told_by_its_syn),
		cmocka_unit_test(a_rst_from_behind_the_host_is_said_to_be_that),
		cmocka_unit_test(a_udp_answer_of_a_box_says_nothing_of_the_host),
		cmocka_unit_test(a_closed_window_is_no_reset),
		cmocka_unit_test(a_reset_that_was_not_placed_is_not_said_to_be_the_hosts),
		cmocka_unit_test(
			a_drop_here_that_the_kernel_does_not_notice_may_be_ipsec),
		cmocka_unit_test(this_machines_own_port_is_called_its_own),
		cmocka_unit_test(a_port_that_the_host_passes_on_is_said_to_be_that),
		cmocka_unit_test(a_way_that_was_not_examined_is_said_to_be_that),
		cmocka_unit_test(what_came_in_the_walk_alone_is_told),
		cmocka_unit_test(
			a_capture_that_lost_packets_is_the_reason_only_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
