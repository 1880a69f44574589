/*
 * Published ports without a socket: what rules of Docker, Podman and by hand forward.
 */
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "forwards.h"
#include "who_rules.h"

struct question {
	const char *command;
	const char *rules;
	int family;
	const char *expected; /* a line each */
	bool wide, unnamed;
};

static void answer(const void *arg)
{
	const struct question *q = arg;
	struct addr addresses[2];
	struct forwards found;
	struct ruleset r;
	struct buf text = BUF_INIT;
	char address[ADDR_TEXT_SIZE];
	size_t i;

	feed(q->command, q->rules);
	r = loaded();
	CHECK(addr_from_text(q->family == AF_INET ? "10.0.0.1" : "2001:db8::1",
			     &addresses[0]) == 0);
	CHECK(addr_from_text(q->family == AF_INET ? "10.9.0.1" : "2001:db8::2",
			     &addresses[1]) == 0);
	CHECK(forwards_scan(&r, q->family, addresses, 2, &found) == 0);
	for (i = 0; i < found.n; i++) {
		const struct forward *f = &found.items[i];

		buf_addf(&text, "%s %u %s -> %s\n",
			 f->protocol == IPPROTO_TCP ? "tcp" : "udp", f->port,
			 f->to.family ? addr_to_text(&f->to, address) : "*", f->target);
	}
	if (strcmp(text.data, q->expected))
		fprintf(stderr, "found:\n%sexpected:\n%s", text.data, q->expected);
	CHECK(!strcmp(text.data, q->expected));
	CHECK(found.wide == q->wide);
	CHECK(found.unnamed == q->unnamed);
	buf_release(&text);
	forwards_release(&found);
	ruleset_release(&r);
}

#define ASK(...)                                              \
	do {                                                  \
		static const struct question q = __VA_ARGS__; \
		in_namespace(answer, &q);                     \
	} while (0)

/* As dockerd writes them for -p 8080:80 -p 10.0.0.1:53:53/udp -p 127.0.0.1:9000:9000. */
#define DOCKER                                                                       \
	"*nat\n"                                                                     \
	":PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"      \
	":POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"                               \
	"-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"                     \
	"-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n"        \
	"-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"               \
	"-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 " \
	"-j MASQUERADE\n"                                                            \
	"-A DOCKER -i docker0 -j RETURN\n"                                           \
	"-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "                 \
	"--to-destination 172.17.0.2:80\n"                                           \
	"-A DOCKER -d 10.0.0.1/32 ! -i docker0 -p udp -m udp --dport 53 -j DNAT "    \
	"--to-destination 172.17.0.3:53\n"                                           \
	"-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 9000 -j DNAT " \
	"--to-destination 172.17.0.4:9000\n"                                         \
	"COMMIT\n"

#define DOCKER_FORWARDS                 \
	"tcp 8080 * -> 172.17.0.2:80\n" \
	"udp 53 10.0.0.1 -> 172.17.0.3:53\n"

static void dockers_rules_of_iptables_nft_are_read(void **state)
{
	(void)state;
	ASK({ IPT_NFT, DOCKER, AF_INET, DOCKER_FORWARDS, false, false });
}

static void dockers_rules_of_iptables_legacy_are_read(void **state)
{
	(void)state;
	ASK({ IPT_LEGACY, DOCKER, AF_INET, DOCKER_FORWARDS, false, false });
}

static void dockers_rules_for_ipv6_are_read(void **state)
{
	(void)state;
	ASK({ IP6T_NFT,
	      "*nat\n"
	      ":PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
	      "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
	      "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
	      "--to-destination [fd00::2]:80\n"
	      "COMMIT\n",
	      AF_INET6, "tcp 8080 * -> [fd00::2]:80\n", false, false });
}

/* As netavark writes them by iptables. */
static void podmans_rules_of_iptables_are_read(void **state)
{
	(void)state;
	ASK({ IPT_NFT,
	      "*nat\n"
	      ":PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
	      ":NETAVARK-DN-1D8721804F16F - [0:0]\n:NETAVARK-HOSTPORT-DNAT - [0:0]\n"
	      ":NETAVARK-HOSTPORT-SETMARK - [0:0]\n"
	      "-A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT\n"
	      "-A OUTPUT -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT\n"
	      "-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8080 -m comment "
	      "--comment \"dnat name: podman id: 12\" -j NETAVARK-DN-1D8721804F16F\n"
	      "-A NETAVARK-HOSTPORT-DNAT -d 127.0.0.1/32 -p tcp -m tcp --dport 9000 "
	      "-j NETAVARK-DN-1D8721804F16F\n"
	      "-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000\n"
	      "-A NETAVARK-DN-1D8721804F16F -s 10.88.0.0/16 -p tcp -m tcp --dport 8080 "
	      "-j NETAVARK-HOSTPORT-SETMARK\n"
	      "-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 8080 -j DNAT "
	      "--to-destination 10.88.0.5:80\n"
	      "-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 9000 -j DNAT "
	      "--to-destination 10.88.0.5:90\n"
	      "COMMIT\n",
	      AF_INET,
	      "tcp 8080 * -> 10.88.0.5:80\n"
	      "tcp 9000 127.0.0.1 -> 10.88.0.5:90\n",
	      false, false });
}

/* As netavark writes them for nftables. */
static void podmans_rules_of_nftables_are_read(void **state)
{
	(void)state;
	ASK({ NFT,
	      "table inet netavark {\n"
	      "  chain INPUT { type filter hook input priority filter; }\n"
	      "  chain PREROUTING {\n"
	      "    type nat hook prerouting priority dstnat;\n"
	      "    fib daddr type local jump NETAVARK-HOSTPORT-DNAT\n"
	      "  }\n"
	      "  chain OUTPUT {\n"
	      "    type nat hook output priority -100;\n"
	      "    fib daddr type local jump NETAVARK-HOSTPORT-DNAT\n"
	      "  }\n"
	      "  chain NETAVARK-HOSTPORT-SETMARK {\n"
	      "    meta mark set meta mark or 0x2000\n"
	      "  }\n"
	      "  chain NETAVARK-HOSTPORT-DNAT {\n"
	      "    tcp dport 8080 jump nv_2f259bab_10_88_0_0_nm16_dnat\n"
	      "    ip daddr 10.0.0.1 udp dport 53 jump nv_2f259bab_10_88_0_0_nm16_dnat\n"
	      "    tcp dport 7000-7001 jump nv_2f259bab_10_88_0_0_nm16_dnat\n"
	      "  }\n"
	      "  chain nv_2f259bab_10_88_0_0_nm16_dnat {\n"
	      "    ip saddr 10.88.0.0/16 tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK\n"
	      "    ip saddr 127.0.0.1 tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK\n"
	      "    tcp dport 8080 dnat ip to 10.88.0.5:80\n"
	      "    udp dport 53 dnat ip to 10.88.0.6:53\n"
	      "    tcp dport 7000-7001 dnat ip to 10.88.0.7\n"
	      "  }\n"
	      "}\n",
	      AF_INET,
	      "tcp 7000 * -> 10.88.0.7:7000\n"
	      "tcp 7001 * -> 10.88.0.7:7001\n"
	      "tcp 8080 * -> 10.88.0.5:80\n"
	      "udp 53 10.0.0.1 -> 10.88.0.6:53\n",
	      false, false });
}

static void maps_sets_and_redirects_are_read(void **state)
{
	(void)state;
	ASK({ NFT,
	      "table ip t {\n"
	      "  map to { type inet_service : ipv4_addr . inet_service;\n"
	      "    elements = { 81 : 10.1.0.1 . 8081, 82 : 10.1.0.2 . 8082 } }\n"
	      "  map services { type inet_proto . inet_service : verdict;\n"
	      "    elements = { udp . 90 : goto udp90 } }\n"
	      "  chain udp90 { meta l4proto udp dnat to 10.1.0.9:90; }\n"
	      "  chain pre {\n"
	      "    type nat hook prerouting priority dstnat;\n"
	      "    dnat ip addr . port to tcp dport map @to\n"
	      "    meta l4proto . th dport vmap @services\n"
	      "    tcp dport { 83, 84 } redirect to :8083\n"
	      "    tcp dport 85 dnat to numgen random mod 2 map "
	      "{ 0 : 10.1.0.5, 1 : 10.1.0.6 }\n"
	      "    tcp dport 86 accept\n"
	      "    tcp dport 86 dnat to 10.1.0.7\n"
	      "  }\n"
	      "}\n",
	      AF_INET,
	      "tcp 81 * -> 10.1.0.1:8081\n"
	      "tcp 82 * -> 10.1.0.2:8082\n"
	      "tcp 83 * -> :8083\n"
	      "tcp 84 * -> :8083\n"
	      "tcp 85 * -> several\n"
	      "udp 90 * -> 10.1.0.9:90\n",
	      false, false });
}

static void what_names_no_ports_or_too_many_is_noted(void **state)
{
	(void)state;
	ASK({ NFT,
	      "table ip t {\n"
	      "  chain pre {\n"
	      "    type nat hook prerouting priority dstnat;\n"
	      "    tcp dport 20000-40000 dnat to 10.1.0.7\n"
	      "    udp dport != 53 dnat to 10.1.0.8\n"
	      "  }\n"
	      "}\n",
	      AF_INET,
	      "tcp 20000 * -> 10.1.0.7:20000\n"
	      "tcp 40000 * -> 10.1.0.7:40000\n"
	      "udp 20000 * -> 10.1.0.8:20000\n"
	      "udp 40000 * -> 10.1.0.8:40000\n",
	      true, true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dockers_rules_of_iptables_nft_are_read),
		cmocka_unit_test(dockers_rules_of_iptables_legacy_are_read),
		cmocka_unit_test(dockers_rules_for_ipv6_are_read),
		cmocka_unit_test(podmans_rules_of_iptables_are_read),
		cmocka_unit_test(podmans_rules_of_nftables_are_read),
		cmocka_unit_test(maps_sets_and_redirects_are_read),
		cmocka_unit_test(what_names_no_ports_or_too_many_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
