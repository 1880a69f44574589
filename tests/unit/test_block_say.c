/*
 * say: the evidence is in order, short, and fit for a terminal; what is ruled out is only
 * said when it is asked for, and never the verdict itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"
#include "say.h"
#include "text.h"

#define HOSTILE "a\x1b[31m\r\nb\xe2\x80\xae\xff c"
/* "At most about fifteen lines." */
#define EVIDENCE_MAX 16

static void tell(struct account *a, struct sample *s)
{
	say_account(a, &s->config, &s->f, &s->j);
	assert_false(a->failed);
}

static void check_text(const char *text)
{
	size_t len = strlen(text);

	assert_true(len > 0);
	assert_true(text[0] != ' ' && text[len - 1] != ' ' && text[len - 1] != '.');
	assert_null(strstr(text, "  "));
	assert_null(strstr(text, "(null)"));
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			fail_msg("a control character in: %s", text);
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_null(strchr(text, '\xff'));
}

static bool is_kind(const char *kind)
{
	static const char *const kinds[] = { "syn",	"answer", "wire",      "control",
					     "hop",	"route",  "neighbour", "counter",
					     "ttl",	"tos",	  "after",     "rule",
					     "capture", "name" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

static void check_account(const struct sample *s, const struct account *a)
{
	assert_true(a->n_evidence > 0);
	if (a->n_evidence > EVIDENCE_MAX)
		fail_msg("cause %d: %zu lines of evidence", (int)s->j.cause,
			 a->n_evidence);
	for (size_t i = 0; i < a->n_evidence; i++) {
		const struct evidence *e = &a->evidence[i];

		assert_true(is_kind(e->kind));
		assert_true(e->t_ms >= 0);
		if (i)
			assert_true(e->t_ms >= a->evidence[i - 1].t_ms);
		check_text(e->text);
		assert_true(text_columns(e->text) < 600);
		if (e->has_hop)
			assert_true(e->hop > 0);
		if (e->has_ttl)
			assert_true(e->ttl > 0);
	}
	for (size_t i = 0; i < a->next.n; i++)
		check_text(a->next.items[i]);
	for (size_t i = 0; i < a->ruled_out.n; i++) {
		check_text(a->ruled_out.items[i]);
		assert_true(!strncmp(a->ruled_out.items[i], "not ", 4));
	}
}

/* The lines of the account's list that begin with PREFIX. */
static unsigned int count_lines(const struct lines *lines, const char *prefix)
{
	unsigned int n = 0;

	for (size_t i = 0; i < lines->n; i++)
		n += !strncmp(lines->items[i], prefix, strlen(prefix));
	return n;
}

static const struct evidence *find(const struct account *a, const char *kind,
				   const char *part)
{
	for (size_t i = 0; i < a->n_evidence; i++)
		if (!strcmp(a->evidence[i].kind, kind) &&
		    strstr(a->evidence[i].text, part))
			return &a->evidence[i];
	return NULL;
}

static void rejudge(struct sample *s)
{
	s->j = judge(&s->f);
}

/* ---- every cause ---- */

static void every_account_is_short_in_order_and_fit_for_a_terminal(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		for (int how = 0; how < 6; how++) {
			sample_cause(&s, (enum cause)i);
			s.config.explain = how & 1;
			if (how >= 2)
				sample_unprivileged(&s);
			if (how >= 4)
				sample_make_v6(&s);
			tell(&a, &s);
			check_account(&s, &a);
			/* There is always something to do, unless it works. */
			assert_true(a.next.n > 0 || i == CAUSE_OPEN);
			if (!s.config.explain)
				assert_int_equal(a.ruled_out.n, 0);
			account_release(&a);
		}
	}
}

static void what_comes_from_outside_is_escaped_everywhere(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sample_cause(&s, (enum cause)i);
		s.config.explain = true;
		s.f.target = HOSTILE;
		if (s.f.name_why)
			s.f.name_why = HOSTILE;
		strcpy(s.f.said, HOSTILE);
		strcpy(s.f.local_rule.why, HOSTILE);
		strcpy(s.f.local_rule.text, HOSTILE);
		strcpy(s.f.local_rule.table, HOSTILE);
		strcpy(s.f.local_rule.chain, HOSTILE);
		s.f.local_rule.asked = true;
		tell(&a, &s);
		check_account(&s, &a);
		account_release(&a);
	}
}

static void an_account_that_was_released_twice_is_empty(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_PATH);
	tell(&a, &s);
	account_release(&a);
	account_release(&a);
	assert_int_equal(a.n_evidence, 0);
	assert_int_equal(a.next.n, 0);
	account_release(NULL);
}

/* ---- what the evidence has ---- */

static void a_drop_on_the_path_shows_the_hops_that_matter(void **state)
{
	struct sample s;
	struct account a;
	const struct evidence *e;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_PATH);
	tell(&a, &s);
	e = find(&a, "syn", "4 SYNs in 3.50 s from 10.77.0.2:41234");
	assert_non_null(e);
	assert_true(e->has_count && e->count == 4);
	e = find(&a, "hop", "hop 2 (10.77.1.2) returned time exceeded");
	assert_non_null(e);
	assert_true(e->has_hop && e->hop == 2 && e->has_port && e->port == 25);
	sample_check_addr(&e->address, "10.77.1.2");
	e = find(&a, "hop", "hop 3 (10.77.2.2) stays silent for this port");
	assert_non_null(e);
	assert_non_null(strstr(e->text, "but answers for port 22"));
	assert_non_null(find(&a, "hop", "the host is hop 4"));
	assert_non_null(find(&a, "control", "port 22 of the same host answered"));
	account_release(&a);
}

static void time_begins_with_the_study_and_what_has_none_comes_last(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_cause(&s, CAUSE_REJECTED_BY_BOX);
	s.f.controls[0].at_ns = s.f.start_ns + SAMPLE_MS(3);
	tell(&a, &s);
	assert_float_equal(find(&a, "syn", "1 SYN")->t_ms, 1, 0.01);
	assert_float_equal(find(&a, "answer", "prohibited")->t_ms, 1.8, 0.01);
	assert_float_equal(find(&a, "control", "port 22")->t_ms, 3, 0.01);
	assert_float_equal(find(&a, "control", "ping")->t_ms, 6200, 0.01);
	account_release(&a);
}

static void without_a_capture_the_evidence_says_why(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_PATH);
	sample_unprivileged(&s);
	tell(&a, &s);
	assert_non_null(find(&a, "capture", "CAP_NET_RAW is missing"));
	account_release(&a);
	/* It does not matter for everything. */
	sample_cause(&s, CAUSE_REJECTED_BY_BOX);
	sample_unprivileged(&s);
	tell(&a, &s);
	assert_null(find(&a, "capture", ""));
	account_release(&a);
	s.f.captured = true;
	s.f.capture_dropped = 3;
	tell(&a, &s);
	assert_non_null(find(&a, "capture", "lost 3 packets"));
	account_release(&a);
}

/* The evidence must not tell another story than the verdict. */
static void a_host_that_forwards_a_port_is_compared_by_its_own_answers(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_refused(&s, 61);
	s.f.tos_echoed = true;
	s.f.controls[0].ttl = 60;
	rejudge(&s);
	assert_int_equal(s.j.cause, CAUSE_NO_LISTENER);
	s.config.explain = true;
	tell(&a, &s);
	assert_non_null(find(&a, "ttl", "made at the host's distance"));
	assert_null(find(&a, "ttl", "nearer"));
	assert_int_equal(count_lines(&a.ruled_out, "not a box in between"), 1);
	account_release(&a);
}

static void a_mark_of_another_distance_makes_no_firewall_of_a_rst(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_refused(&s, 59);
	rejudge(&s);
	assert_int_equal(s.j.cause, CAUSE_NO_LISTENER_MAYBE);
	s.config.explain = true;
	tell(&a, &s);
	assert_null(find(&a, "tos", "made by a firewall"));
	assert_non_null(find(&a, "ttl", "2 hops farther"));
	assert_int_equal(count_lines(&a.ruled_out, "not a box in between"), 0);
	account_release(&a);
}

/* ---- what is ruled out ---- */

/* What must not be ruled out where it is the verdict, or a part of it. */
static void the_verdict_itself_is_never_ruled_out(void **state)
{
	static const struct {
		enum cause cause;
		const char *not_it;
	} cases[] = {
		{ CAUSE_LOCAL_DROP_OUT,
		  "not this machine's own firewall on the way out" },
		{ CAUSE_LOCAL_REJECT, "not this machine's own firewall on the way out" },
		{ CAUSE_LOCAL_DROP_IN, "not this machine's own firewall on the way in" },
		{ CAUSE_LOCAL_RP_FILTER,
		  "not this machine's own firewall on the way in" },
		{ CAUSE_RESET_NEAR, "not this machine's own firewall on the way out" },
		{ CAUSE_NEIGHBOUR_DOWN, "not a host that is down" },
		{ CAUSE_HOST_UNREACHABLE, "not a host that is down" },
		{ CAUSE_HOST_SILENT, "not a host that is down" },
		{ CAUSE_NO_LISTENER, "not a missing listener" },
		{ CAUSE_NO_LISTENER_MAYBE, "not a missing listener" },
		{ CAUSE_NO_LISTENER_MAYBE, "not a firewall on the host" },
		{ CAUSE_RESET_BY_HOST_FIREWALL, "not a firewall on the host" },
		{ CAUSE_RESET_BY_BOX, "not a box in between" },
		{ CAUSE_RESET_INJECTED, "not a box in between" },
		{ CAUSE_OPEN_BY_PROXY, "not a proxy" },
		{ CAUSE_ANSWERS_ALL, "not a proxy" },
		{ CAUSE_PROXY_REFUSES, "not a proxy" },
		{ CAUSE_DROPPED_PATH, "not a router" },
		{ CAUSE_DROPPED_LAST_HOP, "not a router on the path" },
		{ CAUSE_DROPPED_LAST_HOP, "not an answer that is lost" },
		{ CAUSE_DROPPED_SOMEWHERE, "not a router" },
		{ CAUSE_DROPPED_SOMEWHERE, "not an answer that is lost" },
		{ CAUSE_UDP_SILENT, "not a missing listener" },
		{ CAUSE_LOSS_UNDECIDED, "not packet loss" },
	};
	struct sample s;
	struct account a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sample_cause(&s, cases[i].cause);
		s.config.explain = true;
		tell(&a, &s);
		if (count_lines(&a.ruled_out, cases[i].not_it))
			fail_msg("cause %d: %s", (int)cases[i].cause, cases[i].not_it);
		account_release(&a);
	}
}

static void what_can_not_be_told_apart_is_said_to_be_possible(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_LAST_HOP);
	s.config.explain = true;
	tell(&a, &s);
	assert_int_equal(
		count_lines(&a.ruled_out, "not excluded: an answer that is lost"), 1);
	assert_int_equal(count_lines(&a.ruled_out, "not a host that is down: port 22"),
			 1);
	assert_int_equal(count_lines(&a.ruled_out, "not packet loss"), 1);
	account_release(&a);
	/* A port that may be forwarded rules no listener out. */
	sample_refused(&s, 61);
	s.f.n_controls = 0;
	sample_control(&s, IPPROTO_TCP, 443, ANSWER_SYN_ACK)->ttl = 60;
	s.f.tos_known = false;
	rejudge(&s);
	s.config.explain = true;
	tell(&a, &s);
	assert_int_equal(count_lines(&a.ruled_out, "not excluded: a missing listener"),
			 1);
	assert_int_equal(
		count_lines(&a.ruled_out, "not excluded: a firewall on the host"), 1);
	account_release(&a);
}

static void a_port_that_the_host_passes_on_reached_the_host(void **state)
{
	struct sample s;
	struct account a;

	(void)state;
	sample_last_hop(&s);
	s.f.walk.hops[4] = s.f.walk.hops[3];
	s.f.walk.hops[4].from = s.f.addr;
	rejudge(&s);
	s.config.explain = true;
	tell(&a, &s);
	assert_int_equal(count_lines(&a.ruled_out, "not a router on the path: hop 4"), 1);
	account_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_account_is_short_in_order_and_fit_for_a_terminal),
		cmocka_unit_test(what_comes_from_outside_is_escaped_everywhere),
		cmocka_unit_test(an_account_that_was_released_twice_is_empty),
		cmocka_unit_test(a_drop_on_the_path_shows_the_hops_that_matter),
		cmocka_unit_test(time_begins_with_the_study_and_what_has_none_comes_last),
		cmocka_unit_test(without_a_capture_the_evidence_says_why),
		cmocka_unit_test(
			a_host_that_forwards_a_port_is_compared_by_its_own_answers),
		cmocka_unit_test(a_mark_of_another_distance_makes_no_firewall_of_a_rst),
		cmocka_unit_test(the_verdict_itself_is_never_ruled_out),
		cmocka_unit_test(what_can_not_be_told_apart_is_said_to_be_possible),
		cmocka_unit_test(a_port_that_the_host_passes_on_reached_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
