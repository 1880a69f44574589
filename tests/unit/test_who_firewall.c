/*
 * --firewall: what real rules of nftables say about a listener.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "who_firewall.h"

static void no_rules_let_everything_in(void **state)
{
	(void)state;
	ASK({ .rules = "",
	      .asked = { { "tcp 22", OPEN, "no rule of this machine filters input" } } });
}

static void a_table_of_ports_is_told_exactly(void **state)
{
	(void)state;
	ASK({ .rules = "table inet filter {\n"
		       "  set ports { type inet_service; flags interval;\n"
		       "    elements = { 22, 8000-8010 } }\n"
		       "  chain input {\n"
		       "    type filter hook input priority filter; policy drop;\n"
		       "    ct state established,related accept\n"
		       "    ct state invalid drop\n"
		       "    iif lo accept\n"
		       "    iifname \"lo\" accept\n"
		       "    ip protocol icmp accept\n"
		       "    tcp dport 443 counter accept comment \"web\"\n"
		       "    tcp dport @ports accept\n"
		       "    udp dport { 53, 123 } accept\n"
		       "    tcp dport 90-99 reject with tcp reset\n"
		       "    tcp dport != 1-1023 log prefix \"high \" accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 443", OPEN, "rule inet filter input handle" },
			 { "tcp 22", OPEN, NULL },
			 { "tcp 8010", OPEN, NULL },
			 { "tcp 23", BLOCKED, "policy of inet filter input drops it" },
			 { "udp 53", OPEN, NULL },
			 { "udp 443", BLOCKED, NULL },
			 { "tcp 95", BLOCKED, "rejects it" },
			 { "tcp 1024", OPEN, NULL } } });
}

static void what_depends_on_the_sender_is_some(void **state)
{
	(void)state;
	ASK({ .rules = "table ip t {\n"
		       "  set bad { type ipv4_addr; }\n"
		       "  set worse { type ipv4_addr; elements = { 192.0.2.1 } }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0;\n"
		       "    ip saddr @bad drop\n"
		       "    tcp dport 22 ip saddr 10.0.0.0/8 accept\n"
		       "    tcp dport 22 drop\n"
		       "    tcp dport 23 limit rate 3/minute accept\n"
		       "    tcp dport 23 drop\n"
		       "    tcp dport 24 ip saddr @worse drop\n"
		       "    tcp dport 25 ip saddr 127.0.0.0/8 accept\n"
		       "    tcp dport 25 drop\n"
		       "    meta mark 1 tcp dport 26 drop\n"
		       "    tcp sport 1-1023 tcp dport 27 drop\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 22", SOME, "depends on the source address" },
			 { "tcp 23", SOME, "depends on the rate" },
			 { "tcp 24", SOME, "depends on the source address" },
			 { "tcp 25", BLOCKED, NULL },
			 { "tcp 26", SOME, "the packet's mark" },
			 { "tcp 27", SOME, "the source port" },
			 { "tcp 28", OPEN, NULL },
			 /* No rule for IPv6. */
			 { "tcp 22 ::", OPEN, "no rule" } } });
}

static void interfaces_and_addresses_are_told_apart(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    iifname \"eth0\" tcp dport 22 accept\n"
		       "    iifname { \"eth0\", \"eth1\" } tcp dport 23 accept\n"
		       "    iifname \"eth*\" tcp dport 24 accept\n"
		       "    iifname \"docker0\" tcp dport 25 accept\n"
		       "    ip daddr 10.0.0.1 tcp dport 26 accept\n"
		       "    ip daddr { 10.0.0.0/24, 10.9.0.0/16 } tcp dport 27 accept\n"
		       "    ip daddr 127.0.0.1 tcp dport 28 accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 22", SOME, "depends on the interface" },
			 { "tcp 23", OPEN, NULL },
			 { "tcp 24", OPEN, NULL },
			 { "tcp 25", BLOCKED, NULL },
			 { "tcp 26", SOME, "depends on the destination address" },
			 { "tcp 26 10.0.0.1", OPEN, NULL },
			 { "tcp 27", OPEN, NULL },
			 { "tcp 28", BLOCKED, NULL } } });
	ASK({ .rules = "table inet t {\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    iifname \"eth0\" tcp dport 22 accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 22 0.0.0.0 eth0", OPEN, NULL },
			 { "tcp 22 0.0.0.0 eth1", BLOCKED, NULL } } });
}

static void jumps_maps_and_other_hooks_are_followed(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  map where { type inet_service : verdict;\n"
		       "    elements = { 22 : jump ssh, 23 : drop, 24 : goto out } }\n"
		       "  map pairs { type inet_proto . inet_service : verdict;\n"
		       "    elements = { tcp . 30 : accept, udp . 30 : drop } }\n"
		       "  chain out { tcp dport 99 accept; }\n"
		       "  chain ssh { ip saddr 10.0.0.0/8 return; counter; }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    tcp dport vmap @where\n"
		       "    meta l4proto . th dport vmap @pairs\n"
		       "    tcp dport 22-25 accept\n"
		       "    ip protocol vmap { udp : accept }\n"
		       "  }\n"
		       "  chain early {\n"
		       "    type filter hook prerouting priority -300;\n"
		       "    tcp dport 25 drop\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 22", OPEN, NULL },
			 { "tcp 23", BLOCKED, "rule inet t input" },
			 { "tcp 24", BLOCKED, "policy" },
			 { "tcp 25", BLOCKED, "rule inet t early" },
			 { "tcp 30", OPEN, NULL },
			 { "udp 30", BLOCKED, NULL },
			 { "udp 31", OPEN, NULL } } });
}

static void what_is_sent_elsewhere_or_not_understood_is_unknown(void **state)
{
	(void)state;
	ASK({ .rules = "table ip t {\n"
		       "  chain pre {\n"
		       "    type nat hook prerouting priority dstnat;\n"
		       "    tcp dport 8080 dnat to 172.17.0.2:80\n"
		       "    tcp dport 81 redirect to :8081\n"
		       "  }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0;\n"
		       "    tcp dport 83 @th,160,8 0x41 drop\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 8080", UNKNOWN, "sends it on to 172.17.0.2:80" },
			 { "tcp 81", UNKNOWN, "sends it on to port 8081" },
			 { "tcp 83", SOME, "the packet's contents" },
			 { "tcp 8081", OPEN, NULL } } });
}

static void what_may_be_tracked_counts(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  chain raw {\n"
		       "    type filter hook prerouting priority raw;\n"
		       "    udp dport 53 notrack\n"
		       "  }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    ct state untracked accept\n"
		       "    ct state established accept\n"
		       "    ct state new tcp dport 22 accept\n"
		       "    ct status dnat accept\n"
		       "    tcp dport 23 tcp flags & (fin|syn|rst|ack) == syn accept\n"
		       "    tcp dport 24 tcp flags & (fin|syn|rst|ack) != syn accept\n"
		       "    fib daddr type local tcp dport 25 accept\n"
		       "    fib saddr . iif oif missing drop\n"
		       "    tcp dport 26 accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "udp 53", OPEN, NULL },
			 { "udp 54", BLOCKED, NULL },
			 { "tcp 22", OPEN, NULL },
			 { "tcp 23", OPEN, NULL },
			 { "tcp 24", BLOCKED, NULL },
			 { "tcp 25", OPEN, NULL },
			 { "tcp 26", OPEN, NULL },
			 { "tcp 27", BLOCKED, NULL } } });
}

static void a_table_that_is_switched_off_does_nothing(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  flags dormant\n"
		       "  chain i { type filter hook input priority 0; policy drop; }\n"
		       "}\n",
	      .asked = { { "tcp 22", OPEN, "no rule" } } });
}

static void what_is_tracked_for_some_only_is_not_sure(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  chain raw {\n"
		       "    type filter hook prerouting priority raw;\n"
		       "    ip saddr 192.0.2.0/24 accept\n"
		       "    udp dport 53 notrack\n"
		       "  }\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    ct state new accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "udp 53", SOME, NULL }, { "udp 54", OPEN, NULL } } });
}

static void an_answer_that_can_not_be_taken_is_none(void **state)
{
	(void)state;
	ASK({ .rules = "table inet t {\n"
		       "  chain input {\n"
		       "    type filter hook input priority 0; policy drop;\n"
		       "    ct state new tcp dport 22 accept\n"
		       "    ct state new udp dport 53 accept\n"
		       "    tcp dport 23 accept\n"
		       "  }\n"
		       "}\n",
	      .asked = { { "tcp 22", BLOCKED, "takes the connection's second packet" },
			 { "udp 53", OPEN, NULL },
			 { "tcp 23", OPEN, NULL } } });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_let_everything_in),
		cmocka_unit_test(a_table_of_ports_is_told_exactly),
		cmocka_unit_test(what_depends_on_the_sender_is_some),
		cmocka_unit_test(interfaces_and_addresses_are_told_apart),
		cmocka_unit_test(jumps_maps_and_other_hooks_are_followed),
		cmocka_unit_test(what_is_sent_elsewhere_or_not_understood_is_unknown),
		cmocka_unit_test(what_may_be_tracked_counts),
		cmocka_unit_test(a_table_that_is_switched_off_does_nothing),
		cmocka_unit_test(what_is_tracked_for_some_only_is_not_sure),
		cmocka_unit_test(an_answer_that_can_not_be_taken_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
