#!/usr/bin/env bats
# portblock -u: closed, open, rejected, dropped, silent. With a capture and without
# privilege, over IPv4 and IPv6.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# ask_udp PORT…
ask_udp() {
	local port
	for port; do
		ask_host "$port" @SV -u "$port"
	done
}

@test "a UDP port without a listener, one that answers, and one that keeps silent" {
	lab_up 2
	lab_serve sv udp-echo:1001 udp-silent:1002 dns-rcode:53:0
	ask_udp 1001 1002 1003 53
	ask_host suffix @SV 53/udp
	for name in 1001 53 suffix; do
		blocked $name open target null 'high or certain' state=open \
			reason=udp-response protocol=udp
	done
	blocked 1003 no-listener target 'icmp or null' 'high or certain' state=closed \
		reason=port-unreach protocol=udp
	blocked 1002 inconclusive unknown null 'low or medium' 'state=open|filtered' \
		reason=no-response protocol=udp
}

@test "a router's reject of UDP names the router, the host's other errors the host" {
	lab_up 3
	lab_nft r2 <<-'RULES'
		table inet t { chain c {
			type filter hook forward priority 0
			udp dport 1001 reject
			udp dport 1002 reject with icmpx type admin-prohibited
		}; }
	RULES
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0
		udp dport 1003 reject with icmpx type admin-prohibited; }; }'
	ask_udp 1001 1002 1003
	blocked 1001 rejected path icmp 'high or certain' state=filtered by=@R2 last_hop=2 \
		last_hop_address=@R2 reason=port-unreach
	blocked 1002 rejected path icmp 'high or certain' state=filtered by=@R2 last_hop=2 \
		reason=admin-prohibited
	blocked 1003 rejected target icmp 'high or certain' state=filtered by=@SV \
		reason=admin-prohibited
}

@test "a drop of UDP on the way is found where another UDP port gets further" {
	lab_up 3
	lab_serve sv udp-echo:1001 udp-echo:1002
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0; udp dport 1001 drop; }; }'
	lab_nft r3 <<<'table inet t { chain c {
		type filter hook prerouting priority raw; udp dport 1002 drop; }; }'
	ask_udp 1001 1002
	blocked 1001 dropped path drop 'high or medium' state=filtered \
		last_hop=2 last_hop_address=@R2 protocol=udp
	blocked 1002 dropped path drop 'high or medium' state=filtered \
		last_hop=2 last_hop_address=@R2
}

@test "a drop of UDP at the host is not told from a service that keeps silent" {
	lab_up 2
	lab_serve sv udp-echo:1001
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; udp dport 1001 drop; }; }'
	ask_udp 1001
	blocked 1001 inconclusive unknown null 'low or medium' 'state=open|filtered' \
		last_hop=2 last_hop_address=@R2
}

@test "UDP that this machine's own rules drop or reject never leaves" {
	lab_up 1
	lab_serve sv udp-echo:1001 udp-echo:1002
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		udp dport 1001 drop; udp dport 1002 reject; }; }'
	ask_udp 1001 1002
	blocked 1001 dropped local drop 'high or certain' state=filtered \
		reason=local-reject last_hop=0
	# sendto fails with EPERM first, whatever comes with it.
	blocked 1002 'rejected or dropped' local 'icmp or drop' 'high or certain' \
		state=filtered reason=local-reject last_hop=0
}

@test "UDP to a host that is down, and without a route" {
	lab_up 1
	lab_fast_arp cl
	ip -n "$LAB_CL" route add unreachable 198.51.100.1
	ip -n "$LAB_CL" route add unreachable 2001:db8:99::1
	ask_host dead @DEAD -u 53
	FAMILIES=4 ask_host noroute 198.51.100.1 -u 53
	FAMILIES=6 ask_host noroute 2001:db8:99::1 -u 53
	blocked dead host-down target null 'high or certain' state=unreachable \
		reason=host-down
	blocked noroute no-route local null 'high or certain' state=unreachable \
		reason=no-route
}
