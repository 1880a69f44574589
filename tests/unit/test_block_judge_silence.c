/*
 * judge, when nothing came: this machine, its link, the way, the host, or loss?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"

#define DROPPED(cause, where, confidence)                                              \
	((struct sample_want){ cause, VERDICT_DROPPED, where, METHOD_DROP, confidence, \
			       STATE_FILTERED, REASON_NO_RESPONSE })
#define PATH(confidence)      DROPPED(CAUSE_DROPPED_PATH, WHERE_PATH, confidence)
#define LAST(confidence)      DROPPED(CAUSE_DROPPED_LAST_HOP, WHERE_LAST_HOP, confidence)
#define TARGET(confidence)    DROPPED(CAUSE_DROPPED_TARGET, WHERE_TARGET, confidence)
#define SOMEWHERE(confidence) DROPPED(CAUSE_DROPPED_SOMEWHERE, WHERE_UNKNOWN, confidence)
#define DROP_IN(confidence)   DROPPED(CAUSE_LOCAL_DROP_IN, WHERE_LOCAL, confidence)
#define DROP_OUT(confidence)                                                       \
	((struct sample_want){ CAUSE_LOCAL_DROP_OUT, VERDICT_DROPPED, WHERE_LOCAL, \
			       METHOD_DROP, confidence, STATE_FILTERED,            \
			       REASON_LOCAL_REJECT })
#define DOWN(cause, where, confidence)                                                   \
	((struct sample_want){ cause, VERDICT_HOST_DOWN, where, METHOD_NONE, confidence, \
			       STATE_UNREACHABLE, REASON_HOST_DOWN })
#define OPEN_QUESTION(cause, state)                                                     \
	((struct sample_want){ cause, VERDICT_INCONCLUSIVE, WHERE_UNKNOWN, METHOD_NONE, \
			       CONFIDENCE_LOW, state, REASON_NO_RESPONSE })

/* On our own link, and silent, though a port and ping of it answer. */
static void on_link(struct sample *s)
{
	sample_init(s, IPPROTO_TCP, 25);
	sample_silence(s);
	sample_controls(s);
	s->f.route.gateway.family = AF_UNSPEC;
	sample_walk(&s->f.walk, IPPROTO_TCP, 25, 0, false);
	sample_walk(&s->f.control_walk, IPPROTO_TCP, 22, 0, false);
	s->f.walk.n_hops = s->f.control_walk.n_hops = 1;
	s->f.control_walk.hops[1].state = HOP_ANSWERED;
	for (size_t i = 0; i < s->f.n_controls; i++)
		s->f.controls[i].ttl = 64;
}

/* ---- this machine ---- */

static void what_never_leaves_is_dropped_here(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	/* The wire and the kernel agree. */
	sample_local_drop(&s);
	j = sample_judged(&s, DROP_OUT(CONFIDENCE_CERTAIN));
	sample_check_addr(&j.by, NULL);
	sample_check_way(&j, 0, NULL, -1);
	sample_unprivileged(&s);
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_HIGH));
	sample_make_v6(&s);
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_HIGH));
}

static void what_the_capture_alone_does_not_show_may_have_left(void **state)
{
	struct sample s;

	(void)state;
	/* The kernel has not sent anything again yet. */
	sample_local_drop(&s);
	s.f.kernel_kept_it = false;
	s.f.resent = 0;
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_MEDIUM));
	/* It has, and says that it worked: IPsec hides it, or a queue took it. */
	s.f.resent = 3;
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_LOW));
	/* Datagrams that the kernel took are the same. */
	sample_udp_silent(&s);
	s.f.wire.syns_out = 0;
	memset(&s.f.walk, 0, sizeof(s.f.walk));
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_LOW));
}

static void a_capture_that_lost_packets_does_not_show_that_none_left(void **state)
{
	struct sample s;

	(void)state;
	sample_local_drop(&s);
	sample_controls(&s);
	s.f.kernel_kept_it = false;
	s.f.capture_dropped = 7;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_LOSS_UNDECIDED, STATE_FILTERED));
	/* What the kernel says does not depend on it, but could be surer. */
	s.f.kernel_kept_it = true;
	(void)sample_judged(&s, DROP_OUT(CONFIDENCE_MEDIUM));
}

static void an_answer_on_the_wire_that_the_socket_never_has_is_dropped_here(void **state)
{
	struct sample s;

	(void)state;
	sample_last_hop(&s);
	s.f.wire.syn_ack = (struct mark){ .seen = true, .ttl = 61, .ack_is_right = true };
	(void)sample_judged(&s, DROP_IN(CONFIDENCE_HIGH));
	s.f.capture_dropped = 1;
	(void)sample_judged(&s, DROP_IN(CONFIDENCE_MEDIUM));
	s.f.capture_dropped = 0;
	s.f.local_drop = LOCAL_DROP_RP_FILTER;
	(void)sample_judged(&s,
			    DROPPED(CAUSE_LOCAL_RP_FILTER, WHERE_LOCAL, CONFIDENCE_HIGH));
	s.f.local_drop = LOCAL_DROP_UNKNOWN;
	s.f.wire.reset = s.f.wire.syn_ack;
	s.f.wire.syn_ack.seen = false;
	(void)sample_judged(&s, DROP_IN(CONFIDENCE_HIGH));
	/* The kernel is right not to take what answers another SYN. */
	s.f.wire.reset.ack_is_right = false;
	(void)sample_judged(&s, LAST(CONFIDENCE_MEDIUM));
}

static void the_kernels_counters_tell_what_vanishes_here(void **state)
{
	struct sample s;

	(void)state;
	sample_last_hop(&s);
	sample_unprivileged(&s);
	s.f.local_drop = LOCAL_DROP_YES;
	(void)sample_judged(&s, DROP_IN(CONFIDENCE_MEDIUM));
	s.f.local_drop = LOCAL_DROP_RP_FILTER;
	(void)sample_judged(&s,
			    DROPPED(CAUSE_LOCAL_RP_FILTER, WHERE_LOCAL, CONFIDENCE_HIGH));
	s.f.local_drop = LOCAL_DROP_NO;
	(void)sample_judged(&s, LAST(CONFIDENCE_MEDIUM));
}

static void a_rule_that_took_it_is_certain_in_either_direction(void **state)
{
	static const char *const out[] = { "output", "postrouting", "egress" };
	static const char *const in[] = { "input", "prerouting", "ingress" };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(out); i++) {
		sample_local_rule(&s);
		s.f.capture_dropped = 1;
		strcpy(s.f.local_rule.hook, out[i]);
		(void)sample_judged(&s, DROP_OUT(CONFIDENCE_CERTAIN));
		strcpy(s.f.local_rule.hook, in[i]);
		(void)sample_judged(&s, DROP_IN(CONFIDENCE_CERTAIN));
		/* Of this machine's own port it is the SYN that is dropped. */
		s.f.route.kind = ROUTE_LOCAL;
		(void)sample_judged(&s, TARGET(CONFIDENCE_CERTAIN));
	}
	/* None was found: then it is not by a rule. */
	sample_dropped_path(&s);
	s.f.local_rule.asked = true;
	(void)sample_judged(&s, PATH(CONFIDENCE_HIGH));
}

static void silence_of_this_machines_own_address_is_its_own(void **state)
{
	struct sample s;

	(void)state;
	on_link(&s);
	s.f.route.kind = ROUTE_LOCAL;
	(void)sample_judged(&s, TARGET(CONFIDENCE_HIGH));
	/* Even if it drops everything. */
	s.f.n_controls = 0;
	memset(&s.f.control_walk, 0, sizeof(s.f.control_walk));
	sample_dead_controls(&s);
	(void)sample_judged(&s, TARGET(CONFIDENCE_HIGH));
	s.f.protocol = IPPROTO_UDP;
	(void)sample_judged(&s, OPEN_QUESTION(CAUSE_UDP_SILENT, STATE_OPEN_FILTERED));
}

/* ---- the link ---- */

static void a_neighbour_that_does_not_answer_is_down(void **state)
{
	struct sample s;
	struct judgement j;

	(void)state;
	sample_host_down(&s);
	j = sample_judged(&s, DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET, CONFIDENCE_HIGH));
	sample_check_addr(&j.by, NULL);
	s.f.route.gateway = sample_hop_addr(1);
	(void)sample_judged(&s, DOWN(CAUSE_GATEWAY_DOWN, WHERE_PATH, CONFIDENCE_HIGH));
	sample_make_v6(&s);
	(void)sample_judged(&s, DOWN(CAUSE_GATEWAY_DOWN, WHERE_PATH, CONFIDENCE_HIGH));
}

static void a_neighbour_that_is_still_asked_for_is_given_a_second(void **state)
{
	struct sample s;

	(void)state;
	sample_host_down(&s);
	s.f.neighbour = ROUTE_NEIGH_WAITING;
	s.f.waited_ns = SAMPLE_MS(1000);
	(void)sample_judged(&s,
			    DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET, CONFIDENCE_HIGH));
	/* That nothing has left yet is not this machine's firewall. */
	s.f.waited_ns = SAMPLE_MS(999);
	(void)sample_judged(&s, DOWN(CAUSE_NEIGHBOUR_DOWN, WHERE_TARGET, CONFIDENCE_LOW));
}

static void a_host_that_answers_elsewhere_is_not_down(void **state)
{
	struct sample s;

	(void)state;
	sample_host_down(&s);
	s.f.n_controls = 0;
	sample_controls(&s);
	s.f.wire.syns_out = 4;
	(void)sample_judged(&s, SOMEWHERE(CONFIDENCE_LOW));
	s.f.route.gateway = sample_hop_addr(1);
	(void)sample_judged(&s, SOMEWHERE(CONFIDENCE_LOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_never_leaves_is_dropped_here),
		cmocka_unit_test(what_the_capture_alone_does_not_show_may_have_left),
		cmocka_unit_test(
			a_capture_that_lost_packets_does_not_show_that_none_left),
		cmocka_unit_test(
			an_answer_on_the_wire_that_the_socket_never_has_is_dropped_here),
		cmocka_unit_test(the_kernels_counters_tell_what_vanishes_here),
		cmocka_unit_test(a_rule_that_took_it_is_certain_in_either_direction),
		cmocka_unit_test(silence_of_this_machines_own_address_is_its_own),
		cmocka_unit_test(a_neighbour_that_does_not_answer_is_down),
		cmocka_unit_test(a_neighbour_that_is_still_asked_for_is_given_a_second),
		cmocka_unit_test(a_host_that_answers_elsewhere_is_not_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
