/*
 * --rule, nftables: from the messages of a trace to what became of the packets.
 */
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule_private.h"

#define OURS   "portblock_1_2"
#define PORT   443
#define SOURCE 50000

static struct rule_chain base_chains[] = {
	{ NFPROTO_INET, "wall", "out", NF_INET_LOCAL_OUT },
	{ NFPROTO_INET, "wall", "in", NF_INET_LOCAL_IN },
	{ NFPROTO_INET, "wall", "post", NF_INET_POST_ROUTING },
	{ NFPROTO_IPV4, "wall", "out", NF_INET_PRE_ROUTING },
	{ NFPROTO_NETDEV, "wall", "dev", NF_NETDEV_EGRESS },
};

static const struct rule_chains all_chains = { .chains = base_chains,
					       .n_chains = ARRAY_SIZE(base_chains) };

static struct rule_history *history(void)
{
	struct rule_history *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	h->table = OURS;
	h->port = PORT;
	h->chains = &all_chains;
	return h;
}

static void add(struct rule_history *h, uint32_t id, const char *chain, uint32_t type,
		uint64_t handle, int32_t verdict)
{
	struct rule_event e = { .id = id,
				.family = NFPROTO_INET,
				.type = type,
				.handle = handle,
				.verdict = verdict };

	snprintf(e.table, sizeof(e.table), "%s", "wall");
	snprintf(e.chain, sizeof(e.chain), "%s", chain);
	rule_history_add(h, &e);
}

static void rule(struct rule_history *h, uint32_t id, const char *chain, uint64_t handle,
		 int32_t verdict)
{
	add(h, id, chain, NFT_TRACETYPE_RULE, handle, verdict);
}

/* Our own chain of MARK, where the packet's ports are told. HANDLE 0: it only marks. */
static void pass(struct rule_history *h, uint32_t id, enum rule_mark mark,
		 uint64_t handle, uint16_t src_port, uint16_t dst_port)
{
	struct rule_event e = { .id = id,
				.family = NFPROTO_INET,
				.type = NFT_TRACETYPE_RULE,
				.handle = handle,
				.verdict = NFT_CONTINUE,
				.has_ports = true,
				.src_port = src_port,
				.dst_port = dst_port };

	snprintf(e.table, sizeof(e.table), "%s", OURS);
	snprintf(e.chain, sizeof(e.chain), "%s", rule_mark_chain(mark));
	rule_history_add(h, &e);
	e.has_ports = false;
	e.handle = 0;
	rule_history_add(h, &e);
	e.type = NFT_TRACETYPE_POLICY;
	e.verdict = NF_ACCEPT;
	rule_history_add(h, &e);
}

static void sends(struct rule_history *h, uint32_t id)
{
	pass(h, id, MARK_OUTPUT, 8, SOURCE, PORT);
}

static void leaves(struct rule_history *h, uint32_t id)
{
	pass(h, id, MARK_POSTROUTING, 0, SOURCE, PORT);
	pass(h, id, MARK_LEFT, 0, SOURCE, PORT);
}

static void gets_answer(struct rule_history *h, uint32_t id)
{
	pass(h, id, MARK_PREROUTING, 9, PORT, SOURCE);
}

static void takes_answer(struct rule_history *h, uint32_t id)
{
	pass(h, id, MARK_INPUT, 0, PORT, SOURCE);
	pass(h, id, MARK_DELIVERED, 0, PORT, SOURCE);
}

static void expect_taken(struct rule_history *h, const char *chain, uint64_t handle,
			 const char *hook)
{
	const struct rule_packet *p = NULL;

	assert_int_equal(rule_history_fate(h, 0, &p), FATE_TAKEN);
	assert_non_null(p);
	assert_string_equal(p->by.chain, chain);
	assert_int_equal(p->by.handle, handle);
	assert_string_equal(rule_packet_hook(p), hook);
	free(h);
}

static void expect_fate(struct rule_history *h, enum rule_fate fate)
{
	const struct rule_packet *p = NULL;

	assert_int_equal(rule_history_fate(h, 0, &p), fate);
	assert_null(p);
	free(h);
}

static void expect_vanished(struct rule_history *h, bool answer, const char *hook)
{
	const struct rule_packet *p = NULL;

	assert_int_equal(rule_history_fate(h, 0, &p), FATE_VANISHED);
	assert_non_null(p);
	assert_int_equal(p->answer, answer);
	assert_string_equal(rule_packet_hook(p), hook);
	free(h);
}

static void a_rule_that_drops_what_is_sent_is_found(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 5, NFT_CONTINUE);
	rule(h, 1, "out", 7, NF_DROP);
	expect_taken(h, "out", 7, "output");
}

static void a_drop_that_carries_an_errno_is_a_drop(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 7, NF_DROP | 13 << 16);
	expect_taken(h, "out", 7, "output");
}

static void a_rule_in_a_chain_of_the_users_has_the_hook_of_its_base_chain(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	pass(h, 1, MARK_POSTROUTING, 0, SOURCE, PORT);
	rule(h, 1, "post", 5, NFT_JUMP);
	rule(h, 1, "sub", 6, NFT_GOTO);
	rule(h, 1, "deep", 9, NF_DROP);
	expect_taken(h, "deep", 9, "postrouting");
}

static void a_policy_that_drops_is_found_and_has_no_handle(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 5, NFT_RETURN);
	add(h, 1, "out", NFT_TRACETYPE_POLICY, 0, NF_DROP);
	expect_taken(h, "out", 0, "output");
}

static void a_rule_that_drops_the_answer_is_found(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 5, NF_ACCEPT);
	leaves(h, 1);
	gets_answer(h, 2);
	pass(h, 2, MARK_INPUT, 0, PORT, SOURCE);
	rule(h, 2, "in", 4, NF_DROP);
	expect_taken(h, "in", 4, "input");
}

static void a_drop_behind_the_last_hook_of_ip_is_found(void **state)
{
	struct rule_history *h = history();
	struct rule_event e = { .id = 1,
				.family = NFPROTO_NETDEV,
				.table = "wall",
				.chain = "dev",
				.type = NFT_TRACETYPE_RULE,
				.handle = 3,
				.verdict = NF_DROP };

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	rule_history_add(h, &e);
	expect_taken(h, "dev", 3, "egress");
}

static void a_chain_that_is_gone_has_the_hook_that_the_packet_was_in(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "new", 3, NF_DROP);
	expect_taken(h, "new", 3, "output");
}

static void chains_of_the_same_name_in_other_families_are_others(void **state)
{
	struct rule_history *h = history();
	const struct rule_packet *p = NULL;
	struct rule_event e = { .id = 1,
				.family = NFPROTO_IPV4,
				.table = "wall",
				.chain = "out",
				.type = NFT_TRACETYPE_RULE,
				.handle = 3,
				.verdict = NF_DROP };

	(void)state;
	sends(h, 1);
	rule_history_add(h, &e);
	assert_int_equal(rule_history_fate(h, 0, &p), FATE_TAKEN);
	assert_string_equal(rule_packet_hook(p), "prerouting");
	free(h);
}

/* The kernel makes the id of the address in memory, which is used again. */
static void a_repeat_with_the_same_id_is_another_packet(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	sends(h, 1);
	rule(h, 1, "out", 5, NF_DROP);
	/* A limit, say, took the repeat: that is not why the first was not answered. */
	assert_int_equal(h->n_packets, 2);
	expect_fate(h, FATE_NO_ANSWER);
}

static void an_answer_that_is_taken_late_explains_nothing(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	gets_answer(h, 2);
	takes_answer(h, 2);
	gets_answer(h, 3);
	rule(h, 3, "in", 4, NF_DROP);
	expect_fate(h, FATE_DELIVERED);
}

static void packets_of_other_programs_do_not_count(void **state)
{
	struct rule_history *h = history();
	const struct rule_packet *p = NULL;

	(void)state;
	pass(h, 1, MARK_OUTPUT, 8, 40000, PORT);
	rule(h, 1, "out", 5, NF_DROP);
	sends(h, 2);
	leaves(h, 2);
	assert_int_equal(rule_history_fate(h, SOURCE, &p), FATE_NO_ANSWER);
	assert_null(p);
	assert_int_equal(rule_history_fate(h, 40000, &p), FATE_TAKEN);
	assert_int_equal(p->local_port, 40000);
	assert_int_equal(rule_history_fate(h, 40001, &p), FATE_UNSEEN);
	free(h);
}

static void messages_about_unknown_packets_are_passed_over(void **state)
{
	struct rule_history *h = history();

	(void)state;
	rule(h, 99, "out", 5, NF_DROP);
	assert_int_equal(h->n_packets, 0);
	sends(h, 1);
	rule(h, 98, "out", 5, NF_DROP);
	leaves(h, 1);
	expect_fate(h, FATE_NO_ANSWER);
}

static void a_table_of_the_same_name_in_another_family_is_not_ours(void **state)
{
	struct rule_history *h = history();
	struct rule_event e = { .id = 1,
				.family = NFPROTO_IPV4,
				.table = OURS,
				.type = NFT_TRACETYPE_RULE,
				.handle = 8,
				.verdict = NFT_CONTINUE,
				.has_ports = true,
				.src_port = SOURCE,
				.dst_port = PORT };

	(void)state;
	snprintf(e.chain, sizeof(e.chain), "%s", rule_mark_chain(MARK_OUTPUT));
	rule_history_add(h, &e);
	expect_fate(h, FATE_UNSEEN);
}

static void what_vanishes_is_placed_between_two_marks(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 5, NF_ACCEPT);
	expect_vanished(h, false, "output");

	h = history();
	sends(h, 1);
	pass(h, 1, MARK_POSTROUTING, 0, SOURCE, PORT);
	expect_vanished(h, false, "postrouting");

	h = history();
	sends(h, 1);
	leaves(h, 1);
	gets_answer(h, 2);
	expect_vanished(h, true, "prerouting");

	h = history();
	sends(h, 1);
	leaves(h, 1);
	gets_answer(h, 2);
	pass(h, 2, MARK_INPUT, 0, PORT, SOURCE);
	expect_vanished(h, true, "input");
}

static void a_packet_that_no_program_gave_back_was_taken_by_its_queue(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	rule(h, 1, "out", 5, NF_QUEUE | 3 << 16);
	expect_taken(h, "out", 5, "output");

	h = history();
	sends(h, 1);
	rule(h, 1, "out", 5, NF_QUEUE);
	leaves(h, 1);
	expect_fate(h, FATE_NO_ANSWER);
}

static void an_answer_met_at_ingress_is_the_same_behind_it(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	pass(h, 2, MARK_INGRESS, 10, PORT, SOURCE);
	pass(h, 2, MARK_PREROUTING, 9, PORT, SOURCE);
	takes_answer(h, 2);
	assert_int_equal(h->n_packets, 2);
	expect_fate(h, FATE_DELIVERED);
}

static void what_this_machine_sends_to_itself_is_followed(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	pass(h, 2, MARK_PREROUTING, 9, SOURCE, PORT);
	pass(h, 2, MARK_INPUT, 0, SOURCE, PORT);
	rule(h, 2, "in", 4, NF_DROP);
	expect_taken(h, "in", 4, "input");
}

static void a_redirected_packet_is_known_by_its_source_port(void **state)
{
	struct rule_history *h = history();

	(void)state;
	sends(h, 1);
	leaves(h, 1);
	pass(h, 2, MARK_INPUT, 0, SOURCE, 8080);
	rule(h, 2, "in", 4, NF_DROP);
	expect_taken(h, "in", 4, "input");
}

static void nothing_sent_is_nothing_seen(void **state)
{
	struct rule_history *h = history();

	(void)state;
	gets_answer(h, 2);
	expect_fate(h, FATE_UNSEEN);
}

static void more_packets_than_there_is_room_for_are_passed_over(void **state)
{
	struct rule_history *h = history();
	uint32_t id;

	(void)state;
	for (id = 1; id < 3 * RULE_PACKETS_MAX; id++)
		sends(h, id);
	assert_int_equal(h->n_packets, RULE_PACKETS_MAX);
	rule(h, 1, "out", 5, NF_DROP);
	expect_taken(h, "out", 5, "output");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_that_drops_what_is_sent_is_found),
		cmocka_unit_test(a_drop_that_carries_an_errno_is_a_drop),
		cmocka_unit_test(
			a_rule_in_a_chain_of_the_users_has_the_hook_of_its_base_chain),
		cmocka_unit_test(a_policy_that_drops_is_found_and_has_no_handle),
		cmocka_unit_test(a_rule_that_drops_the_answer_is_found),
		cmocka_unit_test(a_drop_behind_the_last_hook_of_ip_is_found),
		cmocka_unit_test(
			a_chain_that_is_gone_has_the_hook_that_the_packet_was_in),
		cmocka_unit_test(chains_of_the_same_name_in_other_families_are_others),
		cmocka_unit_test(a_repeat_with_the_same_id_is_another_packet),
		cmocka_unit_test(an_answer_that_is_taken_late_explains_nothing),
		cmocka_unit_test(packets_of_other_programs_do_not_count),
		cmocka_unit_test(messages_about_unknown_packets_are_passed_over),
		cmocka_unit_test(a_table_of_the_same_name_in_another_family_is_not_ours),
		cmocka_unit_test(what_vanishes_is_placed_between_two_marks),
		cmocka_unit_test(
			a_packet_that_no_program_gave_back_was_taken_by_its_queue),
		cmocka_unit_test(an_answer_met_at_ingress_is_the_same_behind_it),
		cmocka_unit_test(what_this_machine_sends_to_itself_is_followed),
		cmocka_unit_test(a_redirected_packet_is_known_by_its_source_port),
		cmocka_unit_test(nothing_sent_is_nothing_seen),
		cmocka_unit_test(more_packets_than_there_is_room_for_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
