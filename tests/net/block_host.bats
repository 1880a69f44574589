#!/usr/bin/env bats
# portblock, when the host itself drops, rejects, or is not there. With a capture and
# without privilege, over IPv4 and IPv6.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# input NS RULES
input() {
	lab_nft "$1" <<<"table inet t { chain c {
		type filter hook input priority 0; $2; }; }"
}

@test "a drop at the host can't be told from one at the last router" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	input sv 'tcp dport { 1001, 1002 } drop'
	ask 1001 1002
	blocked 1001 dropped last-hop drop medium state=filtered reason=no-response by=null \
		last_hop=3 last_hop_address=@R3 target_hops=4
	blocked 1002 dropped last-hop drop medium state=filtered last_hop=3 target_hops=4
}

@test "with one router in between it is that or the host" {
	lab_up 1
	lab_serve sv tcp:22 tcp:1001
	input sv 'tcp dport 1001 drop'
	ask 1001
	blocked 1001 dropped last-hop drop medium state=filtered by=null last_hop=1 \
		last_hop_address=@R1 target_hops=2
}

@test "without a router in between a drop is the host's" {
	lab_up 0
	lab_serve sv tcp:22 tcp:1001
	input sv 'tcp dport { 1001, 1002 } drop'
	ask 1001 1002
	blocked 1001 dropped target drop 'high or medium' state=filtered by=null last_hop=0 \
		last_hop_address=null target_hops=1
	blocked 1002 dropped target drop 'high or medium' state=filtered by=null last_hop=0
}

@test "the host's ICMP reject is the host's, of whatever kind" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	input sv 'tcp dport 1001 reject
		tcp dport 1002 reject with icmpx type admin-prohibited
		tcp dport 1003 reject with icmpx type host-unreachable'
	ask 1001 1002 1003
	blocked 1001 rejected target icmp 'high or certain' state=filtered by=@SV \
		reason=port-unreach target_hops=4
	blocked 1002 rejected target icmp 'high or certain' state=filtered by=@SV \
		reason=admin-prohibited
	blocked 1003 rejected target icmp 'high or certain' by=@SV reason=host-unreach
}

@test "without a router in between the host's ICMP reject is the host's" {
	lab_up 0
	input sv 'tcp dport 1001 reject'
	ask 1001
	blocked 1001 rejected target icmp 'high or certain' state=filtered by=@SV \
		reason=port-unreach
}

@test "an answer that a router drops on its way back looks like a drop at the end" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0; tcp sport 1001 drop; }; }'
	ask 1001
	# From here the SYN is seen to pass r3, and nothing more; the words say it.
	blocked 1001 dropped last-hop drop medium state=filtered by=null last_hop=3 \
		last_hop_address=@R3 target_hops=4
	block_says 1001 'way back'
}

@test "a full accept queue is silence at the end of the way" {
	lab_up 1
	lab_serve sv full:1001 tcp:22
	ask 1001
	blocked 1001 dropped last-hop drop medium state=filtered last_hop=1 target_hops=2
}

@test "a host that drops everything but echo is there, and drops by default" {
	lab_up 3
	lab_sysctl cl 'net.ipv4.ping_group_range=0 2147483647'
	lab_serve sv tcp:1001
	lab_nft sv <<-'RULES'
		table inet t { chain c {
			type filter hook input priority 0; policy drop
			icmp type echo-request accept
			icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept
		}; }
	RULES
	ask 1001
	blocked 1001 dropped last-hop drop medium state=filtered by=null last_hop=3 \
		last_hop_address=@R3 target_hops=4
}

@test "a host that drops TCP and answers closed UDP ports is there, without echo too" {
	lab_up 3
	lab_serve sv tcp:1001
	input sv 'meta l4proto tcp drop
		icmp type echo-request drop
		icmpv6 type echo-request drop'
	ask 1001
	blocked 1001 dropped last-hop drop medium state=filtered by=null last_hop=3 \
		last_hop_address=@R3 target_hops=4
}

@test "where nothing of the host answers it stays open what is wrong" {
	lab_up 2
	ask_host void @VOID 80
	blocked void inconclusive unknown null low state=filtered reason=no-response \
		by=null last_hop=2 last_hop_address=@R2
}

@test "a router that drops everything for the host: the last one seen is said, no more" {
	lab_up 3
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0; iifname eth0 drop; }; }'
	ask 80
	blocked 80 'inconclusive or dropped' unknown 'null or drop' low \
		last_hop=2 last_hop_address=@R2
}

# ---- not there at all ------------------------------------------------------------------

@test "an address on this network that nobody has is a host that is down" {
	lab_up 1
	ask_host dead @DEAD 80
	blocked dead host-down target null 'high or certain' state=unreachable \
		reason=host-down by=null last_hop=0
}

@test "a host that is down on this network is that, too, when ARP gives up soon" {
	lab_up 1
	lab_fast_arp cl
	ask_host dead @DEAD 80
	blocked dead host-down target null 'high or certain' state=unreachable \
		reason=host-down by=null last_hop=0
}

@test "a gateway that is down is named, and not taken for the host" {
	lab_up 1
	ip -n "$LAB_CL" route replace default via "$LAB_DEAD4"
	ip -n "$LAB_CL" -6 route replace default via "$LAB_DEAD6"
	ask 80
	blocked 80 host-down path null 'high or certain' state=unreachable reason=host-down
	MODES='wire user' FAMILIES=4
	block_says 80.wire.4 "the gateway $LAB_DEAD4"
	block_says 80.user.6 "the gateway $LAB_DEAD6"
}

@test "behind a router a host that is down is reported by the router" {
	lab_up 2
	ask_host nohost @NOHOST 80
	blocked nohost host-down target icmp 'medium or high' state=unreachable \
		reason=host-unreach by=@R2
}

@test "a router that says so at once may have a rule: less is sure" {
	lab_up 2
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0
		iifname eth0 reject with icmpx type host-unreachable; }; }'
	ask 80
	blocked 80 host-down 'target or unknown or path' icmp low state=unreachable by=@R2
}

@test "a link-local address with -I is the same as one with a zone" {
	local ll
	lab_up 0
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 1001 drop; }; }'
	ll=$(ip -n "$LAB_SV" -6 -j addr show dev eth0 scope link |
		jq -r '.[].addr_info[] | select(.local) | .local')
	FAMILIES=6 ask_host zone "$ll%eth0" 1001
	FAMILIES=6 ask_host option "$ll" -I eth0 1001
	for run in zone option; do
		blocked $run dropped target drop 'medium or high' state=filtered target_hops=1
	done
}
