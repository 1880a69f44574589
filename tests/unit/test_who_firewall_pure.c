/*
 * --firewall: rules and messages that no kernel gives.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include "firewall.h"
#include "firewall_eval.h"
#include "ruleset_private.h"

/* A chain at the hook input with a rule for each of the N STEPS. */
static struct ruleset made(const struct step *steps, size_t n)
{
	struct ruleset r = { 0 };
	struct chain *c = ruleset_add_chain(&r, NFPROTO_INET, "t", "input");
	size_t i;

	assert_non_null(c);
	c->base = true;
	c->hook = NF_INET_LOCAL_IN;
	c->policy = NF_ACCEPT;
	for (i = 0; i < n; i++) {
		struct rule rule = { .handle = i + 1, .n = 1 };

		rule.steps = ruleset_keep(&r, &steps[i], sizeof(*steps));
		assert_non_null(rule.steps);
		assert_int_equal(ruleset_add_rule(c, &rule), 0);
	}
	assert_int_equal(ruleset_link(&r), 0);
	return r;
}

static void expect_said(const struct step *steps, size_t n, enum firewall_says expected,
			const char *expected_why)
{
	struct ruleset r = made(steps, n);
	struct scene scene = { .ruleset = &r };
	struct listener l = { .sock = { .family = AF_INET,
					.protocol = IPPROTO_TCP,
					.state = TCP_LISTEN,
					.local.family = AF_INET,
					.local_port = 22 } };
	char *why = NULL;

	assert_int_equal(firewall_say(&scene, &l, &why), expected);
	assert_string_equal(why, expected_why);
	free(why);
	ruleset_release(&r);
}

static void what_is_not_known_is_said_to_be_unknown(void **state)
{
	const struct step queue = { .kind = STEP_VERDICT, .verdict = NF_QUEUE };
	const struct step strange = { .kind = STEP_OPAQUE, .name = "new\n" };
	const struct step steps[] = { strange,
				      { .kind = STEP_VERDICT, .verdict = NF_DROP } };

	(void)state;
	expect_said(&queue, 1, FIREWALL_UNKNOWN,
		    "rule inet t input handle 1: handed to a program by queue");
	expect_said(steps, 2, FIREWALL_UNKNOWN,
		    "rule inet t input handle 1 has something that is not understood: "
		    "new\\n");
}

static void a_loop_of_jumps_ends(void **state)
{
	const struct step jump = { .kind = STEP_VERDICT,
				   .verdict = NFT_JUMP,
				   .name = "input" };
	const struct step many[] = { jump, jump, jump, jump };

	(void)state;
	expect_said(many, ARRAY_SIZE(many), FIREWALL_UNKNOWN,
		    "rule inet t input handle 1 has something that is not understood: a "
		    "jump");
}

/* A rule of the kernel's, cut off and changed everywhere: nothing breaks. */
static void broken_messages_are_refused_or_survived(void **state)
{
	char buffer[1024] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	struct nlattr *list, *elem, *data, *value;
	uint32_t whole, i;

	(void)state;
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE;
	nfg->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, "input");
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, 0);
	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "cmp");
	data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	mnl_attr_put_u32(nlh, NFTA_CMP_SREG, 0xffffffff);
	mnl_attr_put_u32(nlh, NFTA_CMP_OP, 0);
	value = mnl_attr_nest_start(nlh, NFTA_CMP_DATA);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, 4, "abcd");
	mnl_attr_nest_end(nlh, value);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	whole = nlh->nlmsg_len;
	for (i = 0; i < 2 * whole; i++) {
		const struct packet p = { .family = AF_INET, .protocol = IPPROTO_TCP };
		/* On the heap, as long as it is: a reader beyond is caught. */
		uint32_t len = i < whole ? i : whole;
		char *copy = calloc(1, whole);
		struct ruleset r = { 0 };
		struct chain *c = ruleset_add_chain(&r, NFPROTO_INET, "t", "input");
		struct fate fate;

		assert_non_null(copy);
		assert_non_null(c);
		c->base = true;
		c->hook = NF_INET_LOCAL_IN;
		memcpy(copy, buffer, whole);
		if (i >= whole && i - whole >= sizeof(*nlh))
			copy[i - whole] ^= 0x1c;
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = len;
		if (len >= sizeof(*nlh))
			(void)!ruleset_parse(&r, (struct nlmsghdr *)(void *)copy);
		assert_int_equal(ruleset_link(&r), 0);
		firewall_follow(&r, &p, &fate);
		assert_true(fate.fates);
		ruleset_release(&r);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_said_to_be_unknown),
		cmocka_unit_test(a_loop_of_jumps_ends),
		cmocka_unit_test(broken_messages_are_refused_or_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
