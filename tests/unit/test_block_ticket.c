#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block_tickets.h"

static void a_name_tells_the_format_by_its_end(void **state)
{
	static const struct {
		const char *path;
		int format;
	} tests[] = {
		{ "a.md", TICKET_MARKDOWN }, { "/b/a.markdown", TICKET_MARKDOWN },
		{ "a.html", TICKET_HTML },   { "a.md.htm", TICKET_HTML },
		{ ".md", TICKET_MARKDOWN },  { "", -EINVAL },
		{ "md", -EINVAL },	     { "a.pdf", -EINVAL },
		{ "a.html ", -EINVAL },	     { "a.html/b", -EINVAL },
		{ "a.MD.txt", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		enum ticket_format format = TICKET_HTML;
		int err = ticket_format_of(tests[i].path, &format);

		assert_int_equal(err, tests[i].format < 0 ? -EINVAL : 0);
		if (!err)
			assert_int_equal(format, tests[i].format);
	}
}

static void a_ticket_says_what_happens_where_and_how_sure_that_is(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	assert_both(&s, "Dropped on the path, after hop 2");
	assert_both(&s, "Dropped on the path: hop 2 (10.77.1.2) still has the SYN");
	assert_both(&s, "Confidence: high");
	assert_both(&s, "several independent observations agree");
	assert_both(&s, "smtp, TCP, at 10.77.3.2");
	assert_both(&s, "verdict=dropped where=path method=drop state=filtered");
	assert_both(&s, "portblock " PK_VERSION);
}

static void a_ticket_has_all_that_a_log_is_searched_by(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	assert_both(&s, "TCP over IPv4");
	assert_both(&s, "10.77.0.2:41234");
	assert_both(&s, "10.77.3.2:25");
	assert_both(&s, "2026-01-31T23:59:59.123Z");
	assert_both(&s, "2026-02-01T00:00:05.323Z");
	assert_both(&s, "41300"); /* the walk's source port */
	assert_both(&s, "tcp port 25 and host 10.77.3.2 and host 10.77.0.2");
	s.f.tries = 3;
	assert_both(&s, "the first of 3 attempts");
}

static void addresses_of_ipv6_stand_in_brackets_and_not_in_the_filter(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	s.f.target = "2001:db8::19";
	s.f.addr = sample_addr("2001:db8::19");
	s.f.source = sample_addr("2001:db8::2");
	assert_both(&s, "[2001:db8::19]:25");
	assert_both(&s, "[2001:db8::2]:41234");
	assert_both(&s, "tcp port 25 and host 2001:db8::19 and host 2001:db8::2");
	assert_both(&s, "TCP over IPv6");
}

static void of_a_block_of_addresses_the_address_is_the_name(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	s.f.target = "10.77.3.0/29";
	assert_both(&s, "10.77.3.2:25");
	assert_both(&s, "smtp, TCP");
}

static void the_request_goes_to_whoever_owns_the_place(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	assert_both(&s, "To the owner of hop 2 (10.77.1.2), of hop 3 (10.77.2.2), or of "
			"a box between them: please find the rule that drops TCP from "
			"10.77.0.2 to 10.77.3.2 port 25");
	sample_reset_by_box(&s);
	assert_both(&s, "To the owner of hop 2 (10.77.1.2): please find the rule that "
			"resets TCP");
	sample_rejected(&s);
	assert_both(&s, "please find the rule that rejects TCP");
	sample_no_listener(&s);
	assert_both(&s, "To the administrator of mail.example.com (10.77.3.2): please "
			"check that the service runs");
	sample_local_rule(&s);
	assert_both(&s, "To the administrator of the machine that tested (10.77.0.2): "
			"please look at the rule named below");
	sample_local_drop(&s);
	assert_both(&s, "please find the rule of that machine");
	sample_last_hop(&s);
	assert_both(&s, "To the administrator of mail.example.com (10.77.3.2), and to "
			"the owner of hop 3 (10.77.2.2)");
	sample_host_down(&s);
	assert_both(&s, "To the administrator of 10.77.0.9: please check that it runs");
	sample_udp_silent(&s);
	assert_both(&s, "a rule that drops UDP from");
	sample_unresolved(&s);
	assert_both(&s, "No packet was sent");
}

static void what_the_request_says_is_not_said_again(void **state)
{
	struct sample s;
	char *md;

	(void)state;
	sample_dropped_path(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	assert_lacks(md, "with a ticket as proof");
	free(md);
}

static void commands_are_code_and_sentences_are_not(void **state)
{
	struct sample s;
	char *md, *html;

	(void)state;
	sample_no_listener(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	html = ticket_of(TICKET_HTML, &s, "");
	assert_has(md, "\n1. On mail.example.com: `ss -ltn 'sport = :8080'`\n");
	assert_has(md, "\n1. If that shows nothing, start the service;");
	assert_has(html, "<li>On mail.example.com: <code>ss -ltn &#39;sport = "
			 ":8080&#39;</code></li>");
	free(md);
	free(html);
	sample_last_hop(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	assert_has(md, "`sudo tcpdump -ni any 'tcp port 25 and host 10.77.0.2'` while "
		       "this is repeated here.");
	free(md);
	sample_unprivileged(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	assert_has(md, "1. `sudo portblock mail.example.com 25` would also see");
	free(md);
}

static void other_explanations_are_there_when_they_were_asked_for(void **state)
{
	struct sample s;
	char *md;

	(void)state;
	sample_dropped_path(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	assert_lacks(md, "Other explanations");
	free(md);
	s.config.explain = true;
	assert_both(&s, "Other explanations");
	assert_both(&s, "Not a host that is down: port 22 of it answers.");
}

static void the_picture_has_the_mark_between_the_hops(void **state)
{
	struct sample s;
	char *md, *html;

	(void)state;
	sample_dropped_path(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	html = ticket_of(TICKET_HTML, &s, "");
	assert_has(md, "\n```text\n  this machine  10.77.0.2\n    |\n  hop 1 ");
	assert_has(md, "\n    X           the SYN is dropped here\n  hop 3 ");
	assert_has(md, "\n    :\n  target        10.77.3.2  port 22 answers\n```\n");
	assert_has(html, "<svg role=\"img\" aria-labelledby=\"title-1 desc-1\"");
	assert_has(html, "<title id=\"title-1\">The path to mail.example.com:25</title>");
	assert_has(html, "blocked here: the SYN is dropped here; hop 3 10.77.2.2");
	assert_int_equal(count(html, "class=\"mark\""), 1);
	assert_int_equal(count(html, "class=\"way\""), 3); /* to hops 1, 2, the mark */
	assert_int_equal(count(html, "class=\"unseen\""), 2);
	free(md);
	free(html);
	sample_local_drop(&s);
	md = ticket_of(TICKET_MARKDOWN, &s, "");
	assert_has(md, "```text\nX this machine  10.77.0.2  drops it before it leaves\n");
	free(md);
	sample_unresolved(&s);
	html = ticket_of(TICKET_HTML, &s, "");
	assert_lacks(html, "<svg");
	free(html);
}

static void a_long_note_of_the_picture_is_broken_into_lines(void **state)
{
	struct sample s;
	char *html;

	(void)state;
	sample_udp_silent(&s);
	html = ticket_of(TICKET_HTML, &s, "");
	assert_has(html, ">not seen any more from here on: lost,</text>");
	assert_has(html, ">dropped, or not answered</text>");
	free(html);
}

static void several_ports_are_summed_up_at_the_top(void **state)
{
	struct sample s;
	int format;

	(void)state;
	for (format = TICKET_MARKDOWN; format <= TICKET_HTML; format++) {
		struct ticket t = TICKET_INIT;
		char *text, *first;

		t.format = (enum ticket_format)format;
		sample_open(&s);
		ticket_with(&t, &s, "https");
		sample_dropped_path(&s);
		ticket_with(&t, &s, "smtp");
		sample_udp_silent(&s);
		ticket_with(&t, &s, "snmp");
		text = ticket_finished(&t, NULL);
		assert_has(text, "3 ports were examined, 1 can be reached");
		assert_lacks(text, "To repeat it");
		first = strstr(text, "Connected in");
		assert_non_null(first);
		assert_true(strstr(text, "Inconclusive") < first);
		if (format == TICKET_HTML) {
			assert_has(text, "<a href=\"#port-3\">mail.example.com:161</a>");
			assert_has(text, "<section id=\"port-3\" class=\"warn\">");
			assert_has(text, "<title>3 ports were examined");
		} else {
			assert_has(text, "\n| `mail.example.com:161` (snmp, UDP, at "
					 "10.77.3.2) | Inconclusive | low |\n");
		}
		free(text);
	}
}

static void the_command_can_be_copied_as_it_was(void **state)
{
	struct sample s;

	(void)state;
	sample_dropped_path(&s);
	assert_both(&s, "To repeat it");
	assert_both(&s, "portblock --explain mail.example.com 25");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_tells_the_format_by_its_end),
		cmocka_unit_test(a_ticket_says_what_happens_where_and_how_sure_that_is),
		cmocka_unit_test(a_ticket_has_all_that_a_log_is_searched_by),
		cmocka_unit_test(
			addresses_of_ipv6_stand_in_brackets_and_not_in_the_filter),
		cmocka_unit_test(of_a_block_of_addresses_the_address_is_the_name),
		cmocka_unit_test(the_request_goes_to_whoever_owns_the_place),
		cmocka_unit_test(what_the_request_says_is_not_said_again),
		cmocka_unit_test(commands_are_code_and_sentences_are_not),
		cmocka_unit_test(other_explanations_are_there_when_they_were_asked_for),
		cmocka_unit_test(the_picture_has_the_mark_between_the_hops),
		cmocka_unit_test(a_long_note_of_the_picture_is_broken_into_lines),
		cmocka_unit_test(several_ports_are_summed_up_at_the_top),
		cmocka_unit_test(the_command_can_be_copied_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
