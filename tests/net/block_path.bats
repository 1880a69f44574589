#!/usr/bin/env bats
# portblock, when something on the way drops or rejects: which router is it? Three of them.
# Each with a capture and without privilege, over IPv4 and IPv6.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# drop_at NS HOOK PRIORITY MATCH
drop_at() {
	lab_nft "$1" <<<"table inet t { chain $2 {
		type filter hook $2 priority $3; $4 drop; }; }"
}

@test "a drop in FORWARD is behind the router that has the rule" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001 tcp:1002 tcp:1003
	drop_at r1 forward 0 'tcp dport 1001'
	drop_at r2 forward 0 'tcp dport 1002'
	drop_at r3 forward 0 'tcp dport 1003'
	ask 1001 1002 1003
	blocked 1001 dropped path drop high state=filtered reason=no-response by=null \
		last_hop=1 last_hop_address=@R1 target_hops=4
	blocked 1002 dropped path drop high state=filtered reason=no-response by=null \
		last_hop=2 last_hop_address=@R2 target_hops=4
	# r3 is the last router: behind it is the host, which could be the one.
	blocked 1003 dropped last-hop drop medium state=filtered by=null \
		last_hop=3 last_hop_address=@R3 target_hops=4
}

@test "a drop before routing is in front of the router that has the rule" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001 tcp:1002 tcp:1003
	drop_at r1 prerouting raw 'tcp dport 1001'
	drop_at r2 prerouting raw 'tcp dport 1002'
	drop_at r3 prerouting raw 'tcp dport 1003'
	ask 1001 1002 1003
	blocked 1001 dropped path drop high state=filtered by=null \
		last_hop=0 last_hop_address=null target_hops=4
	blocked 1002 dropped path drop high state=filtered by=null \
		last_hop=1 last_hop_address=@R1 target_hops=4
	blocked 1003 dropped path drop high state=filtered by=null \
		last_hop=2 last_hop_address=@R2 target_hops=4
}

@test "where no TCP port answers, a port that is closed, UDP or echo shows the way on" {
	lab_up 3
	lab_sysctl cl 'net.ipv4.ping_group_range=0 2147483647'
	drop_at r2 forward 0 'meta l4proto tcp'
	ask 1001
	blocked 1001 dropped path drop high state=filtered last_hop=2 \
		last_hop_address=@R2 target_hops=4
}

@test "a router that lets nothing but echo pass is named by echo alone" {
	lab_up 3
	lab_sysctl cl 'net.ipv4.ping_group_range=0 2147483647'
	drop_at r2 forward 0 'meta l4proto { tcp, udp }'
	ask 1001
	blocked 1001 dropped path drop high state=filtered last_hop=2 \
		last_hop_address=@R2 target_hops=4
}

@test "a router's ICMP reject names the router, for every kind of it" {
	lab_up 3
	lab_serve sv tcp:22
	local i ns
	for i in 1 2 3; do
		lab_nft "r$i" <<-RULES
			table inet t {
				chain four {
					tcp dport 1${i}03 reject with icmp type port-unreachable
					tcp dport 1${i}10 reject with icmp type host-prohibited
					tcp dport 1${i}13 reject with icmp type admin-prohibited
				}
				chain six {
					tcp dport 1${i}03 reject with icmpv6 type port-unreachable
					tcp dport 1${i}10 reject with icmpv6 type policy-fail
					tcp dport 1${i}13 reject with icmpv6 type admin-prohibited
				}
				chain c {
					type filter hook forward priority 0
					meta nfproto vmap { ipv4 : jump four, ipv6 : jump six }
				}
			}
		RULES
		ask "1${i}03" "1${i}10" "1${i}13"
	done
	for i in 1 2 3; do
		blocked "1${i}03" rejected path icmp 'high or certain' state=filtered \
			reason=port-unreach "by=@R$i" "last_hop=$i" "last_hop_address=@R$i"
		blocked "1${i}10.wire.4" rejected path icmp 'high or certain' \
			state=filtered reason=host-prohibited "by=@R$i" "last_hop=$i"
		blocked "1${i}10.user.4" rejected path icmp 'high or certain' \
			state=filtered reason=host-prohibited "by=@R$i" "last_hop=$i"
		blocked "1${i}10.wire.6" rejected path icmp 'high or certain' \
			state=filtered reason=policy-fail "by=@R$i" "last_hop=$i"
		blocked "1${i}10.user.6" rejected path icmp 'high or certain' \
			state=filtered reason=policy-fail "by=@R$i" "last_hop=$i"
		blocked "1${i}13" rejected path icmp 'high or certain' state=filtered \
			reason=admin-prohibited "by=@R$i" "last_hop=$i" "last_hop_address=@R$i"
	done
}

@test "unreachable, said by a router about one port of a host that lives, is a rule" {
	lab_up 3
	lab_serve sv tcp:22
	lab_nft r2 <<-'RULES'
		table inet t { chain c {
			type filter hook forward priority 0
			tcp dport 1001 reject with icmpx type host-unreachable
			tcp dport 1002 reject with icmpx type no-route
		}; }
	RULES
	ask 1001 1002
	blocked 1001 rejected path icmp 'high or certain' by=@R2 last_hop=2
	blocked 1002 rejected path icmp 'high or certain' by=@R2 last_hop=2
}

# The box in front of a dropping one, or this itself, does not speak.
@test "a router that never says time exceeded is not taken for the cause" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	lab_nft r1 <<<'table inet t { chain c {
		type filter hook output priority 0
		icmp type time-exceeded drop; icmpv6 type time-exceeded drop; }; }'
	drop_at r2 forward 0 'tcp dport 1001'
	ask 1001
	blocked 1001 dropped path drop high last_hop=2 last_hop_address=@R2 target_hops=4
}

@test "a dropping router that never says time exceeded widens the place to itself" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook output priority 0
		icmp type time-exceeded drop; icmpv6 type time-exceeded drop; }; }'
	drop_at r2 forward 0 'tcp dport 1001'
	ask 1001
	blocked 1001 dropped path drop medium last_hop=1 last_hop_address=@R1 target_hops=4
}

@test "a silent last router leaves it open whether that, the host, or neither drops" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001 tcp:1002
	lab_nft r3 <<<'table inet t { chain c {
		type filter hook output priority 0
		icmp type time-exceeded drop; icmpv6 type time-exceeded drop; }; }'
	drop_at r2 forward 0 'tcp dport 1001'
	drop_at sv input 0 'tcp dport 1002'
	ask 1001 1002
	blocked 1001 dropped 'unknown or path' drop 'medium or low' last_hop=2 \
		last_hop_address=@R2 target_hops=4
	blocked 1002 dropped 'unknown or last-hop' drop 'medium or low' last_hop=2 \
		target_hops=4
}

# Empties the routers' allowance of ICMP errors for the client.
drain() {
	local ttl addr
	for addr in "$LAB_SV4" "$LAB_SV6"; do
		for ttl in 1 2 3; do
			lab_cl ping -q -n -t "$ttl" -c 8 -i 0.002 -W 0.01 "$addr" >/dev/null || :
		done
	done
}

# Linux sends a client six such errors at once, then one a second. One run at a time, each
# for itself against empty allowances, or the runs would take one another's.
rate_limited() {
	local mode=$1 port=$2 ns
	for ns in r1 r2 r3; do
		lab_icmp_limit on "$ns"
	done
	drain
	MODES=$mode ask "$port"
}

@test "a drop at r2 is right where the routers' errors are limited, with a capture" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	drop_at r2 forward 0 'tcp dport 1001'
	rate_limited wire 1001
	# Either the place is found, or it is said that it is not known.
	blocked 1001 dropped 'path or unknown' drop 'high or medium or low' target_hops=4
	block_jq 1001 'if .where == "path" then .last_hop == 2 or .confidence != "high" else true end'
	block_jq 1001 '.last_hop <= 2'
}

@test "a drop at r2 is right where the routers' errors are limited, unprivileged" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	drop_at r2 forward 0 'tcp dport 1001'
	rate_limited user 1001
	blocked 1001 dropped 'path or unknown' drop 'high or medium or low' target_hops=4
	block_jq 1001 'if .where == "path" then .last_hop == 2 or .confidence != "high" else true end'
	block_jq 1001 '.last_hop <= 2'
}

@test "a drop at the host is not blamed on a router whose errors are limited" {
	local mode
	for mode in wire user; do
		lab_up 3
		lab_serve sv tcp:22 tcp:1001
		drop_at sv input 0 'tcp dport 1001'
		rate_limited $mode 1001
		blocked 1001.$mode dropped 'last-hop or unknown' drop 'medium or low' \
			target_hops=4
		[[ $mode == user ]] || { _block_validate && lab_down; }
	done
}

@test "where a router says that it has no way, that is no-route on the path" {
	lab_up 3
	FAMILIES=6 ask_host nonet @NONET 80
	MODES=user FAMILIES=4 ask_host nonet @NONET 80
	blocked nonet no-route path icmp 'high or certain' state=unreachable by=@R3 last_hop=3
}

@test "with a capture, too, a router without a way is named over IPv4" {
	lab_up 3
	MODES=wire FAMILIES=4 ask_host nonet @NONET 80
	blocked nonet no-route path icmp 'high or certain' state=unreachable by=@R3 last_hop=3
}

@test "a routing loop is no-route on the path" {
	local v
	lab_up 3
	ip -n "$LAB_R2" route add 198.51.100.0/24 via "$LAB_R3_4"
	ip -n "$LAB_R1" route add 198.51.100.0/24 via "$LAB_R2_4"
	ip -n "$LAB_R3" route add 198.51.100.0/24 via 10.77.2.1
	ip -n "$LAB_R2" route add 2001:db8:99::/64 via "$LAB_R3_6"
	ip -n "$LAB_R1" route add 2001:db8:99::/64 via "$LAB_R2_6"
	ip -n "$LAB_R3" route add 2001:db8:99::/64 via 2001:db8:77:2::1
	FAMILIES=4 ask_host loop 198.51.100.1 80
	FAMILIES=6 ask_host loop 2001:db8:99::1 80
	blocked loop no-route path icmp 'high or medium' reason=time-exceeded
	block_says loop loop
}

# By satellite: 340 ms to the first router, and no other answer from which to know.
@test "routers that answer late are heard where the host answers nothing" {
	lab_up 2 --box 'delay=170ms'
	drop_at sv input 0 'meta l4proto { tcp, udp }'
	drop_at sv input 0 'icmp type echo-request'
	drop_at sv input 0 'icmpv6 type echo-request'
	ask 1001
	blocked 1001 'inconclusive or dropped' 'unknown or target' 'drop or null' \
		'low or medium' state=filtered last_hop=2 last_hop_address=@R2
	block_jq 1001 '[.hops[].address] | index("@R1") != null and index("@R2") != null'
}

# With no ping sockets (ping_group_range, as it is here), all echo requests share one.
@test "the way of a ping is told hop by hop where routers keep silent" {
	local r
	lab_up 4
	for r in r1 r2; do
		drop_at "$r" output 0 'icmp type time-exceeded'
		drop_at "$r" output 0 'icmpv6 type time-exceeded'
	done
	drop_at sv input 0 'meta l4proto { tcp, udp }'
	MODES=wire ask 1001
	blocked 1001 dropped 'last-hop or target' drop 'low or medium or high' last_hop=4 \
		target_hops=5
	block_jq 1001 '[.hops[].control_address] | .[:2] == [null, null] and .[2] == "@R3"
		and .[4] == "@SV"'
}
