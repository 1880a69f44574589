/*
 * judge, when the call to send failed at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define NO_ROUTE                                                                    \
	((struct sample_want){ CAUSE_NO_ROUTE_LOCAL, VERDICT_NO_ROUTE, WHERE_LOCAL, \
			       METHOD_NONE, CONFIDENCE_CERTAIN, STATE_UNREACHABLE,  \
			       REASON_NO_ROUTE })
#define NOT_TESTED(reason)                                                           \
	((struct sample_want){ CAUSE_LOCAL_ERROR, VERDICT_INCONCLUSIVE, WHERE_LOCAL, \
			       METHOD_NONE, CONFIDENCE_CERTAIN, STATE_ERROR, reason })
#define DOWN(cause, where, confidence)                                                   \
	((struct sample_want){ cause, VERDICT_HOST_DOWN, where, METHOD_NONE, confidence, \
			       STATE_UNREACHABLE, REASON_HOST_DOWN })

static void failed(struct sample *s, int error, enum route_kind kind)
{
	sample_init(s, IPPROTO_TCP, 25);
	s->f.answer = ANSWER_ERROR;
	s->f.error = error;
	s->f.route.kind = kind;
	s->f.wire.syns_out = 0;
}

static void eperm_is_this_machines_own_firewall(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	failed(&s, EPERM, ROUTE_UNICAST);
	s.f.capture_dropped = 1;
	j = sample_judged(&s, (struct sample_want){ CAUSE_LOCAL_DROP_OUT, VERDICT_DROPPED,
						    WHERE_LOCAL, METHOD_DROP,
						    CONFIDENCE_CERTAIN, STATE_FILTERED,
						    REASON_LOCAL_REJECT });
	sample_check_addr(&j.by, NULL);
	sample_check_way(&j, 0, NULL, -1);
	s.f.protocol = IPPROTO_UDP;
	assert_int_equal(judge(&s.f).state, STATE_FILTERED);
}

static void a_route_that_is_missing_or_refuses_is_no_route_here(void **state)
{
	static const struct {
		int error;
		enum route_kind kind;
	} cases[] = { { ENETUNREACH, ROUTE_NONE },	  { EHOSTUNREACH, ROUTE_NONE },
		      { EADDRNOTAVAIL, ROUTE_NONE },	  { EAFNOSUPPORT, ROUTE_UNICAST },
		      { EACCES, ROUTE_PROHIBIT },	  { EINVAL, ROUTE_BLACKHOLE },
		      { EHOSTUNREACH, ROUTE_UNREACHABLE } };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		failed(&s, cases[i].error, cases[i].kind);
		(void)sample_judged(&s, NO_ROUTE);
	}
}

static void errors_that_routes_do_not_explain_are_no_verdict(void **state)
{
	static const struct {
		int error;
		enum port_reason reason;
	} cases[] = { { EACCES, REASON_PERMISSION },
		      { EINVAL, REASON_PERMISSION },
		      { EADDRNOTAVAIL, REASON_RESOURCE_LIMIT },
		      { EADDRINUSE, REASON_ADDRESS_IN_USE },
		      { EMFILE, REASON_RESOURCE_LIMIT },
		      { ENOBUFS, REASON_RESOURCE_LIMIT },
		      { ECONNREFUSED, REASON_RESOURCE_LIMIT } };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		failed(&s, cases[i].error, ROUTE_UNICAST);
		(void)sample_judged(&s, NOT_TESTED(cases[i].reason));
		/* A route that nobody could look up explains nothing either. */
		failed(&s, cases[i].error, ROUTE_BLACKHOLE);
		s.f.route_known = false;
		(void)sample_judged(&s, NOT_TESTED(cases[i].reason));
	}
}

static void unreachable_by_errno_alone_is_down_only_if_the_neighbour_is(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	failed(&s, EHOSTUNREACH, ROUTE_UNICAST);
	s.f.neighbour = ROUTE_NEIGH_FAILED;
	(void)sample_judged(&s, DOWN(CAUSE_GATEWAY_DOWN, WHERE_PATH, CONFIDENCE_HIGH));
	s.f.route.gateway.family = AF_UNSPEC;
	(void)sample_judged(&s,
			    DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET, CONFIDENCE_HIGH));
	s.f.neighbour = ROUTE_NEIGH_UNKNOWN;
	(void)sample_judged(&s,
			    DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET, CONFIDENCE_MEDIUM));
	/* It answers: some router or firewall said so, and errno does not say who. */
	s.f.neighbour = ROUTE_NEIGH_PRESENT;
	j = sample_judged(
		&s, (struct sample_want){ CAUSE_HOST_UNREACHABLE, VERDICT_HOST_DOWN,
					  WHERE_UNKNOWN, METHOD_ICMP, CONFIDENCE_LOW,
					  STATE_UNREACHABLE, REASON_HOST_UNREACH });
	sample_check_addr(&j.by, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eperm_is_this_machines_own_firewall),
		cmocka_unit_test(a_route_that_is_missing_or_refuses_is_no_route_here),
		cmocka_unit_test(errors_that_routes_do_not_explain_are_no_verdict),
		cmocka_unit_test(
			unreachable_by_errno_alone_is_down_only_if_the_neighbour_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
