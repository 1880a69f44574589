/*
 * --firewall: what real rules of iptables say about a listener, by either of its kinds.
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

#define IPTABLES_RULES                                                                 \
	"*filter\n"                                                                    \
	":INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"             \
	":sub - [0:0]\n"                                                               \
	"-A INPUT -i lo -j ACCEPT\n"                                                   \
	"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"              \
	"-A INPUT -m conntrack --ctstate INVALID -j DROP\n"                            \
	"-A INPUT -p icmp -j ACCEPT\n"                                                 \
	"-A INPUT -p tcp -m tcp --dport 22 -m comment --comment ssh -j ACCEPT\n"       \
	"-A INPUT -p tcp -m multiport --dports 80,8000:8010 -j ACCEPT\n"               \
	"-A INPUT -p udp -m udp --dport 53 -j sub\n"                                   \
	"-A INPUT -p tcp -m tcp --dport 23 -j REJECT --reject-with tcp-reset\n"        \
	"-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 24 -j ACCEPT\n"                  \
	"-A INPUT -p tcp -m tcp --dport 25 -m state --state NEW -j ACCEPT\n"           \
	"-A INPUT -d 10.0.0.1/32 -p tcp -m tcp --dport 26 -j ACCEPT\n"                 \
	"-A INPUT -p tcp -m tcp --dport 27 -m string --algo bm --string x -j ACCEPT\n" \
	"-A sub -m addrtype --dst-type LOCAL -j ACCEPT\n"                              \
	"COMMIT\n"

#define IPTABLES_ASKED(start)                                                          \
	{                                                                              \
		{ "tcp 22", OPEN, start }, { "tcp 8005", OPEN, NULL },                 \
			{ "udp 53", OPEN, NULL }, { "tcp 23", BLOCKED, "rejects it" }, \
			{ "tcp 24", SOME, "the source address" },                      \
			{ "tcp 26 10.0.0.1", OPEN, NULL },                             \
			{ "tcp 27", UNKNOWN, "string" },                               \
			{ "tcp 28", BLOCKED, "policy" },                               \
	}

static void iptables_nft_is_understood(void **state)
{
	(void)state;
	ASK({ .command = IPT_NFT,
	      .rules = IPTABLES_RULES,
	      .asked = IPTABLES_ASKED("rule ip filter INPUT handle") });
}

static void iptables_legacy_is_understood(void **state)
{
	(void)state;
	ASK({ .command = IPT_LEGACY,
	      .rules = IPTABLES_RULES,
	      .asked = IPTABLES_ASKED("rule iptables-legacy filter INPUT number 5") });
}

/* As ufw has it, shortened. */
static void a_firewall_of_ufw_is_understood(void **state)
{
	(void)state;
	ASK({ .command = IPT_NFT,
	      .rules =
		      "*filter\n"
		      ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
		      ":ufw-before-input - [0:0]\n:ufw-user-input - [0:0]\n"
		      ":ufw-not-local - [0:0]\n:ufw-skip-to-policy-input - [0:0]\n"
		      ":ufw-logging-deny - [0:0]\n:ufw-user-limit - [0:0]\n"
		      "-A INPUT -j ufw-before-input\n"
		      "-A ufw-before-input -i lo -j ACCEPT\n"
		      "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED "
		      "-j ACCEPT\n"
		      "-A ufw-before-input -m conntrack --ctstate INVALID "
		      "-j ufw-logging-deny\n"
		      "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
		      "-A ufw-before-input -p udp -m udp --sport 67 --dport 68 "
		      "-j ACCEPT\n"
		      "-A ufw-before-input -j ufw-not-local\n"
		      "-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 "
		      "-j ACCEPT\n"
		      "-A ufw-before-input -j ufw-user-input\n"
		      "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
		      "-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN\n"
		      "-A ufw-not-local -m limit --limit 3/min --limit-burst 10 "
		      "-j ufw-logging-deny\n"
		      "-A ufw-not-local -j DROP\n"
		      "-A ufw-logging-deny -m limit --limit 3/min -j LOG "
		      "--log-prefix \"[UFW BLOCK] \"\n"
		      "-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack "
		      "--ctstate NEW -m recent --set --name DEFAULT "
		      "--mask 255.255.255.255 --rsource\n"
		      "-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack "
		      "--ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name "
		      "DEFAULT --mask 255.255.255.255 --rsource -j DROP\n"
		      "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
		      "-A ufw-user-input -p tcp -m tcp --dport 443 -j ACCEPT\n"
		      "COMMIT\n",
	      .asked = { { "tcp 443", OPEN, "ufw-user-input" },
			 { "tcp 22", SOME, "depends on earlier packets" },
			 { "udp 68", SOME, "the source port" },
			 { "udp 5353", BLOCKED, NULL },
			 { "tcp 80", BLOCKED, "the policy of ip filter INPUT" } } });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iptables_nft_is_understood),
		cmocka_unit_test(iptables_legacy_is_understood),
		cmocka_unit_test(a_firewall_of_ufw_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
