#include <netinet/in.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state.h"

/* What the contract says of each reason: states of a TCP port, of a UDP port when the
 * target answers itself, and of a UDP port when somebody else answers. */
struct meaning {
	enum port_reason reason;
	const char *word;
	const char *tcp, *udp_target, *udp_other;
};

static const struct meaning meanings[] = {
	{ REASON_SYN_ACK, "syn-ack", "open", "open", "open" },
	{ REASON_RESET, "reset", "closed", "closed", "closed" },
	{ REASON_NO_RESPONSE, "no-response", "filtered", "open|filtered",
	  "open|filtered" },
	{ REASON_UDP_RESPONSE, "udp-response", "open", "open", "open" },
	{ REASON_PORT_UNREACH, "port-unreach", "filtered", "closed", "filtered" },
	{ REASON_HOST_UNREACH, "host-unreach", "unreachable", "unreachable",
	  "unreachable" },
	{ REASON_NET_UNREACH, "net-unreach", "unreachable", "unreachable",
	  "unreachable" },
	{ REASON_PROTO_UNREACH, "proto-unreach", "filtered", "filtered", "filtered" },
	{ REASON_ADMIN_PROHIBITED, "admin-prohibited", "filtered", "filtered",
	  "filtered" },
	{ REASON_HOST_PROHIBITED, "host-prohibited", "filtered", "filtered", "filtered" },
	{ REASON_NET_PROHIBITED, "net-prohibited", "filtered", "filtered", "filtered" },
	{ REASON_TIME_EXCEEDED, "time-exceeded", "unreachable", "unreachable",
	  "unreachable" },
	{ REASON_FRAG_NEEDED, "frag-needed", "filtered", "filtered", "filtered" },
	{ REASON_REJECT_ROUTE, "reject-route", "filtered", "filtered", "filtered" },
	{ REASON_POLICY_FAIL, "policy-fail", "filtered", "filtered", "filtered" },
	{ REASON_NO_ROUTE, "no-route", "unreachable", "unreachable", "unreachable" },
	{ REASON_LOCAL_REJECT, "local-reject", "filtered", "filtered", "filtered" },
	{ REASON_HOST_DOWN, "host-down", "unreachable", "unreachable", "unreachable" },
	{ REASON_NAME_NOT_FOUND, "name-not-found", "unresolved", "unresolved",
	  "unresolved" },
	{ REASON_NAME_NO_ADDRESS, "name-no-address", "unresolved", "unresolved",
	  "unresolved" },
	{ REASON_NAME_FAILURE, "name-failure", "unresolved", "unresolved", "unresolved" },
	{ REASON_ADDRESS_IN_USE, "address-in-use", "error", "error", "error" },
	{ REASON_PERMISSION, "permission", "error", "error", "error" },
	{ REASON_RESOURCE_LIMIT, "resource-limit", "error", "error", "error" },
};

static void every_reason_has_the_word_of_the_contract(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(ARRAY_SIZE(meanings), REASON_COUNT);
	for (i = 0; i < ARRAY_SIZE(meanings); i++) {
		assert_int_equal(meanings[i].reason, i);
		assert_string_equal(reason_word(meanings[i].reason), meanings[i].word);
	}
}

static void check_state(const struct meaning *m, int protocol, bool from_target,
			const char *expected)
{
	const char *got = state_word(state_of_reason(m->reason, protocol, from_target));

	if (strcmp(got, expected))
		fail_msg("%s over %s from %s: %s instead of %s", m->word,
			 protocol == IPPROTO_UDP ? "udp" : "tcp",
			 from_target ? "the target" : "another", got, expected);
}

static void a_reason_means_the_same_over_tcp_whoever_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(meanings); i++) {
		check_state(&meanings[i], IPPROTO_TCP, true, meanings[i].tcp);
		check_state(&meanings[i], IPPROTO_TCP, false, meanings[i].tcp);
	}
}

static void over_udp_a_port_unreachable_closes_only_when_the_target_sent_it(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(meanings); i++) {
		check_state(&meanings[i], IPPROTO_UDP, true, meanings[i].udp_target);
		check_state(&meanings[i], IPPROTO_UDP, false, meanings[i].udp_other);
	}
}

static void every_state_has_the_word_of_the_contract(void **state)
{
	static const char *const words[STATE_COUNT] = {
		"open",	       "closed",     "filtered", "open|filtered",
		"unreachable", "unresolved", "error",
	};
	static const enum port_state states[STATE_COUNT] = {
		STATE_OPEN,	   STATE_CLOSED,     STATE_FILTERED, STATE_OPEN_FILTERED,
		STATE_UNREACHABLE, STATE_UNRESOLVED, STATE_ERROR,
	};
	size_t i;

	(void)state;
	for (i = 0; i < STATE_COUNT; i++)
		assert_string_equal(state_word(states[i]), words[i]);
}

static void no_two_reasons_share_a_word(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(reason_word((enum port_reason)i),
						reason_word((enum port_reason)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_the_word_of_the_contract),
		cmocka_unit_test(a_reason_means_the_same_over_tcp_whoever_answers),
		cmocka_unit_test(
			over_udp_a_port_unreachable_closes_only_when_the_target_sent_it),
		cmocka_unit_test(every_state_has_the_word_of_the_contract),
		cmocka_unit_test(no_two_reasons_share_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
