/*
 * words: the contract's words, and what findings are asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_samples.h"
#include "words.h"

static void verdicts_have_the_words_of_the_contract(void **state)
{
	static const char *const words[] = { "open",
					     "no-listener",
					     "dropped",
					     "rejected",
					     "reset-by-middlebox",
					     "proxied",
					     "reset-after-accept",
					     "return-path",
					     "host-down",
					     "no-route",
					     "unresolved",
					     "lossy",
					     "inconclusive" };

	(void)state;
	assert_int_equal(ARRAY_SIZE(words), VERDICT_COUNT);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_string_equal(verdict_word((enum verdict)i), words[i]);
}

static void places_methods_and_confidences_have_theirs(void **state)
{
	(void)state;
	assert_string_equal(where_word(WHERE_LOCAL), "local");
	assert_string_equal(where_word(WHERE_PATH), "path");
	assert_string_equal(where_word(WHERE_TARGET), "target");
	assert_string_equal(where_word(WHERE_LAST_HOP), "last-hop");
	assert_string_equal(where_word(WHERE_UNKNOWN), "unknown");
	assert_null(method_word(METHOD_NONE));
	assert_string_equal(method_word(METHOD_DROP), "drop");
	assert_string_equal(method_word(METHOD_TCP_RESET), "tcp-reset");
	assert_string_equal(method_word(METHOD_ICMP), "icmp");
	assert_string_equal(confidence_word(CONFIDENCE_LOW), "low");
	assert_string_equal(confidence_word(CONFIDENCE_MEDIUM), "medium");
	assert_string_equal(confidence_word(CONFIDENCE_HIGH), "high");
	assert_string_equal(confidence_word(CONFIDENCE_CERTAIN), "certain");
}

static void open_and_lossy_are_yes_and_nothing_else_is(void **state)
{
	(void)state;
	for (int i = 0; i < VERDICT_COUNT; i++)
		assert_int_equal(verdict_is_yes((enum verdict)i),
				 i == VERDICT_OPEN || i == VERDICT_LOSSY);
}

static void a_control_is_found_by_protocol_and_answer(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s, IPPROTO_TCP, 25);
	assert_null(findings_control(&s.f, IPPROTO_TCP, ANSWER_RESET));
	sample_controls(&s);
	assert_int_equal(findings_control(&s.f, IPPROTO_TCP, ANSWER_RESET)->port, 41999);
	assert_int_equal(findings_control(&s.f, IPPROTO_TCP, ANSWER_SYN_ACK)->port, 22);
	assert_null(findings_control(&s.f, IPPROTO_UDP, ANSWER_SYN_ACK));
	assert_null(findings_control(&s.f, IPPROTO_TCP, ANSWER_ICMP));
}

static void a_host_is_alive_by_an_answer_of_its_own(void **state)
{
	struct sample s;
	struct control *c;

	(void)state;
	sample_init(&s, IPPROTO_TCP, 25);
	sample_dead_controls(&s);
	assert_null(findings_alive(&s.f));
	sample_control(&s, IPPROTO_TCP, 443, ANSWER_ERROR);
	c = sample_control(&s, IPPROTO_UDP, 41001, ANSWER_ICMP);
	c->icmp.from = sample_hop_addr(3);
	/* What a router says of it is no sign of life. */
	assert_null(findings_alive(&s.f));
	c->icmp.from = s.f.addr;
	assert_ptr_equal(findings_alive(&s.f), c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_have_the_words_of_the_contract),
		cmocka_unit_test(places_methods_and_confidences_have_theirs),
		cmocka_unit_test(open_and_lossy_are_yes_and_nothing_else_is),
		cmocka_unit_test(a_control_is_found_by_protocol_and_answer),
		cmocka_unit_test(a_host_is_alive_by_an_answer_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
