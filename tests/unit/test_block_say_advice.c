/*
 * say: what to do next. Commands are read by a shell as they were meant, whatever the
 * target, the namespace or a table is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_judged.h"
#include "say.h"

#define SHELL_HOSTILE "a b;$(x)`y`"

/* What of LINE stands outside single quotes. */
static void bare(const char *line, char *out, size_t size)
{
	bool quoted = false;
	size_t n = 0;

	for (; *line; line++) {
		if (!quoted && *line == '\\' && line[1])
			line++;
		else if (*line == '\'')
			quoted = !quoted;
		else if (!quoted && n + 1 < size)
			out[n++] = *line;
	}
	out[n] = '\0';
}

static const char *line_with(const struct account *a, const char *part)
{
	for (size_t i = 0; i < a->next.n; i++)
		if (strstr(a->next.items[i], part))
			return a->next.items[i];
	return NULL;
}

static void check_line(const struct sample *s, const char *want)
{
	struct account a;

	say_account(&a, &s->config, &s->f, &s->j);
	for (size_t i = 0; i < a.next.n; i++) {
		if (strcmp(a.next.items[i], want))
			continue;
		account_release(&a);
		return;
	}
	for (size_t i = 0; i < a.next.n; i++)
		print_error("next: %s\n", a.next.items[i]);
	fail_msg("no line: %s", want);
}

static void check_no_line_with(const struct sample *s, const char *part)
{
	struct account a;

	say_account(&a, &s->config, &s->f, &s->j);
	if (line_with(&a, part))
		fail_msg("unwanted: %s", line_with(&a, part));
	account_release(&a);
}

static void no_command_runs_what_a_name_says(void **state)
{
	struct sample s;
	struct account a;
	char out[1024];

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sample_cause(&s, (enum cause)i);
		s.f.target = SHELL_HOSTILE;
		s.config.netns = SHELL_HOSTILE;
		strcpy(s.config.interface, "$(x)");
		strcpy(s.f.local_rule.table, SHELL_HOSTILE);
		strcpy(s.f.local_rule.chain, SHELL_HOSTILE);
		strcpy(s.f.local_rule.family, "$(x)");
		for (int unprivileged = 0; unprivileged < 2; unprivileged++) {
			if (unprivileged)
				sample_unprivileged(&s);
			say_account(&a, &s.config, &s.f, &s.j);
			for (size_t k = 0; k < a.next.n; k++) {
				bare(a.next.items[k], out, sizeof(out));
				if (strstr(out, "$(") || strchr(out, '`') ||
				    strstr(out, "a b"))
					fail_msg("cause %d: %s", i, a.next.items[k]);
			}
			account_release(&a);
		}
	}
}

static void names_are_quoted_only_where_a_shell_needs_it(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_OPEN_LOSSY);
	check_line(&s, "portcheck -c 60 mail.example.com 443");
	s.f.target = "it's";
	check_line(&s, "portcheck -c 60 'it'\\''s' 443");
	s.f.target = "[::1]";
	check_line(&s, "portcheck -c 60 '[::1]' 443");
	sample_cause(&s, CAUSE_DROPPED_LAST_HOP);
	s.f.target = SHELL_HOSTILE;
	check_line(&s, "on 'a b;$(x)`y`': sudo tcpdump -ni any 'tcp port 25 and host "
		       "10.77.0.2' while this is repeated here");
}

/* What looks like an option, many hosts, or nothing for a terminal: the address. */
static void a_name_that_is_of_no_use_in_a_command_is_replaced_by_the_address(void **state)
{
	static const char *const names[] = { "-rf", "10.77.3.0/24", "a\x1b[31mb", "x\ny",
					     "" };
	struct sample s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sample_cause(&s, CAUSE_OPEN_LOSSY);
		s.f.target = names[i];
		check_line(&s, "portcheck -c 60 10.77.3.2 443");
		sample_cause(&s, CAUSE_RESET_BY_HOST_FIREWALL);
		s.f.target = names[i];
		check_line(&s, "on 10.77.3.2: sudo nft list ruleset; sudo iptables -S");
	}
	/* Without an address there is but the name. */
	sample_cause(&s, CAUSE_UNRESOLVED);
	s.f.target = "a\x1b b";
	check_line(&s, "getent ahosts 'a\\x1b b'");
}

static void the_choices_of_the_run_are_those_of_the_command(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_DROPPED_PATH);
	s.config.family = AF_INET;
	s.config.numeric = true;
	s.config.netns = "red";
	strcpy(s.config.interface, "eth1");
	s.config.source = sample_addr("10.77.0.3");
	check_line(&s, "sudo portblock --report ticket.html -4 -n --netns red -I eth1 -S "
		       "10.77.0.3 mail.example.com 25");
	sample_cause(&s, CAUSE_NO_ROUTE_LOCAL);
	s.config.netns = "red";
	check_line(&s, "sudo ip netns exec red ip route get 10.77.3.2");
	sample_cause(&s, CAUSE_UDP_SILENT);
	sample_unprivileged(&s);
	check_line(&s,
		   "sudo portblock mail.example.com 161/udp would also see whether the "
		   "datagrams leave, and whether anything comes back");
}

static void the_rule_that_was_found_is_shown_where_it_is(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_LOCAL_DROP_OUT);
	check_line(&s, "sudo nft -a list chain inet filter output");
	strcpy(s.f.local_rule.chain, "my out");
	check_line(&s, "sudo nft -a list chain inet filter 'my out'");
	strcpy(s.f.local_rule.backend, "iptables-legacy");
	strcpy(s.f.local_rule.chain, "OUTPUT");
	check_line(&s, "sudo iptables-legacy -t filter -nvL OUTPUT --line-numbers");
	sample_make_v6(&s);
	check_line(&s, "sudo ip6tables-legacy -t filter -nvL OUTPUT --line-numbers");
	/* Not asked for yet: that is the first thing to do. */
	sample_local_drop(&s);
	check_line(&s, "sudo portblock --rule mail.example.com 25");
	check_line(&s, "sudo iptables -S");
	s.f.local_rule.asked = true;
	check_no_line_with(&s, "--rule");
}

static void the_hop_whose_owner_to_ask_is_named(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_REJECTED_BY_BOX);
	check_line(&s,
		   "ask the owner of hop 2 (10.77.1.2) for its rule about TCP port 25, "
		   "with a ticket as proof");
	/* No registry knows whose a private address is. */
	check_no_line_with(&s, "whois");
	s.f.icmp.from = s.j.by = sample_addr("198.51.100.7");
	check_line(&s, "whois 198.51.100.7");
	s.config.report_file = "ticket.html";
	check_no_line_with(&s, "--report");
	sample_cause(&s, CAUSE_DROPPED_PATH);
	check_line(&s,
		   "ask the owner of hop 2 (10.77.1.2) and of hop 3 (10.77.2.2) for a "
		   "rule about TCP port 25, with a ticket as proof");
}

static void a_dead_machine_behind_the_host_is_looked_for_on_the_host(void **state)
{
	struct sample s;

	(void)state;
	sample_rejected(&s);
	sample_icmp(&s, 3, 1, s.f.addr, 61, 3060);
	s.j = judge(&s.f);
	assert_int_equal(s.j.cause, CAUSE_HOST_UNREACHABLE);
	check_line(&s, "on the host: look where it passes this port on (sudo nft list "
		       "ruleset), and whether that machine or container runs");
	check_no_line_with(&s, "ip neigh");
	sample_cause(&s, CAUSE_HOST_UNREACHABLE);
	check_line(&s, "on the router at hop 2 (10.77.1.2): ip neigh show to 10.77.3.2");
}

static void a_capture_is_offered_where_it_would_add_something(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_RESET_NEAR);
	check_line(&s,
		   "sudo portblock mail.example.com 8080 would also see whether the RST "
		   "comes by lo (this machine) or from the first box");
	/* Not where it was not wanted, or there was one. */
	s.config.no_capture = true;
	check_no_line_with(&s, "would also see");
	s.config.no_capture = false;
	s.f.captured = true;
	check_no_line_with(&s, "would also see");
	sample_cause(&s, CAUSE_REJECTED_BY_BOX);
	sample_unprivileged(&s);
	check_no_line_with(&s, "would also see");
}

static void this_machines_own_ports_are_looked_at_here(void **state)
{
	struct sample s;

	(void)state;
	sample_cause(&s, CAUSE_NO_LISTENER);
	check_line(&s, "on mail.example.com: ss -ltn 'sport = :8080'");
	s.f.route.kind = ROUTE_LOCAL;
	check_line(&s, "ss -ltn 'sport = :8080'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_command_runs_what_a_name_says),
		cmocka_unit_test(names_are_quoted_only_where_a_shell_needs_it),
		cmocka_unit_test(
			a_name_that_is_of_no_use_in_a_command_is_replaced_by_the_address),
		cmocka_unit_test(the_choices_of_the_run_are_those_of_the_command),
		cmocka_unit_test(the_rule_that_was_found_is_shown_where_it_is),
		cmocka_unit_test(the_hop_whose_owner_to_ask_is_named),
		cmocka_unit_test(
			a_dead_machine_behind_the_host_is_looked_for_on_the_host),
		cmocka_unit_test(a_capture_is_offered_where_it_would_add_something),
		cmocka_unit_test(this_machines_own_ports_are_looked_at_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
