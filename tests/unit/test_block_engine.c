/*
 * engine: room for a study's probes, and what several of them add up to. (That they ask
 * rightly, the lab shows.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine.h"

static const struct portblock_config config;
static const int no_fds[2] = { -1, -1 };

/* A port that is silent behind silent routers takes more than a hundred, most of them for
 * its walk; one whose RST has to be measured as well some thirty more. */
static void the_probes_of_as_many_ports_as_may_be_asked_have_room(void **state)
{
	struct engine e;
	size_t i;

	(void)state;
	engine_init(&e, &config, NULL, no_fds, -1);
	for (i = 0; i < (size_t)PORTBLOCK_MAX_PORTS * 200; i++)
		assert_non_null(engine_probe(&e, IPPROTO_TCP, 443));
	assert_int_equal(e.error, 0);
	engine_release(&e);
}

static void the_answers_to_two_attempts_are_not_mixed(void **state)
{
	struct wire_view refused = { .watched = true, .syns_out = 2, .n_resets = 1 };
	struct wire_view accepted = { .watched = true, .syns_out = 1, .n_syn_acks = 1 };
	struct wire_view all = refused;

	(void)state;
	all.reset.seen = true;
	accepted.syn_ack.seen = accepted.window_opened = true;
	wire_view_add(&all, &accepted, false);
	assert_int_equal(all.syns_out, 3);
	assert_int_equal(all.n_syn_acks, 1);
	assert_true(all.reset.seen);
	assert_false(all.syn_ack.seen || all.window_opened);
	/* Of none that was answered, whatever was seen is worth knowing. */
	wire_view_add(&all, &accepted, true);
	assert_true(all.syn_ack.seen && all.window_opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_probes_of_as_many_ports_as_may_be_asked_have_room),
		cmocka_unit_test(the_answers_to_two_attempts_are_not_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
