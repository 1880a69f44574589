#!/usr/bin/env bats
# portblock, when this machine itself is the cause: its own rules, counters and routes.
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

@test "a drop in OUTPUT is this machine's, whether or not the port would answer" {
	lab_up 2
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0; tcp dport 1001-1002 drop; }; }'
	ask 1001 1002
	for port in 1001 1002; do
		blocked $port dropped local drop 'high or certain' state=filtered by=null \
			last_hop=0 last_hop_address=null
	done
	block_says 1001 'this machine'
}

@test "a drop behind the OUTPUT hook, in POSTROUTING, is this machine's as well" {
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook postrouting priority 0; tcp dport 1001 drop; }; }'
	ask 1001
	blocked 1001 dropped local drop 'high or certain' state=filtered by=null last_hop=0
}

@test "an ICMP reject in OUTPUT is this machine's, of whatever kind" {
	local port
	lab_up 1
	lab_serve sv tcp:1001 tcp:1002 tcp:1003
	lab_nft cl <<-'RULES'
		table inet t { chain c {
			type filter hook output priority 0
			tcp dport 1001 reject
			tcp dport 1002 reject with icmpx type admin-prohibited
			tcp dport 1003 reject with icmpx type host-unreachable
		}; }
	RULES
	ask 1001 1002 1003
	for port in 1001 1002 1003; do
		blocked $port rejected local icmp certain state=filtered by=@CL \
			reason=local-reject last_hop=0 last_hop_address=null
	done
	block_says 1001 'this machine'
}

@test "a RST made in OUTPUT is no answer of the host" {
	lab_up 2
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		tcp dport 1001-1002 reject with tcp reset; }; }'
	ask 1001 1002
	for port in 1001 1002; do
		blocked $port.wire rejected local tcp-reset certain state=filtered \
			reason=local-reject last_hop=0
		blocked $port.user.4 rejected local tcp-reset 'high or certain' \
			state=filtered reason=local-reject last_hop=0
		# Over IPv6, without a capture, nothing proves it: but it is not the host's.
		blocked $port.user.6 'rejected or reset-by-middlebox' \
			'local or unknown or path' tcp-reset 'medium or low' state=filtered
	done
}

@test "a RST made in OUTPUT is known for one with -I as well" {
	lab_up 2
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0; tcp dport 1001 reject with tcp reset; }; }'
	FAMILIES=4 ask_host 1001 @SV -I eth0 1001
	blocked 1001 rejected local tcp-reset 'high or certain' state=filtered \
		reason=local-reject last_hop=0
}

@test "a RST made in OUTPUT is told from that of a host on the same network" {
	lab_up 0
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		tcp dport 1001 reject with tcp reset; }; }'
	ask 1001 1002
	blocked 1001.wire rejected local tcp-reset certain state=filtered
	blocked 1001.user.4 rejected local tcp-reset 'high or certain' state=filtered
	# No distance to compare, no time: unprivileged over IPv6 they are the same.
	blocked 1001.user.6 'rejected or reset-by-middlebox or no-listener' \
		'local or unknown or target' 'tcp-reset or null' 'medium or low'
	blocked 1002 no-listener target null 'high or medium' state=closed
}

# Without a capture, the kernel's counters tell that something vanished here, not what.
sure() {
	if [[ $1 == wire ]]; then echo high; else echo medium; fi
}

# The two families count apart, the two runs of one family do not: one after the other.
@test "answers that INPUT drops are this machine's doing" {
	local mode
	lab_up 2
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook input priority 0; tcp sport 1001-1002 drop; }; }'
	for mode in user wire; do
		MODES=$mode ask 1001
		blocked 1001.$mode dropped local drop "$(sure $mode)" state=filtered by=null
	done
}

@test "a RST that INPUT drops is seen, too, and known for one" {
	local mode
	lab_up 2
	lab_nft cl <<<'table inet t { chain c {
		type filter hook input priority 0; tcp sport 1002 drop; }; }'
	for mode in user wire; do
		MODES=$mode ask 1002
		blocked 1002.$mode dropped local drop "$(sure $mode)" state=filtered
	done
}

@test "answers that are dropped before routing are this machine's doing" {
	local mode
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet t { chain c {
		type filter hook prerouting priority raw; tcp sport 1001 drop; }; }'
	for mode in user wire; do
		MODES=$mode ask 1001
		blocked 1001.$mode dropped local drop "$(sure $mode)" state=filtered
	done
}

# r1 sends the answers of one port over a second link, where the strict reverse-path
# filter does not expect them.
@test "the reverse-path filter of this machine is named" {
	local mode
	lab_up 1
	lab_serve sv tcp:1001 tcp:1002
	ip link add eth9 index 90 netns "$LAB_CL" type veth peer name eth9 index 91 \
		netns "$LAB_R1"
	ip -n "$LAB_CL" addr add 10.88.0.1/24 dev eth9
	ip -n "$LAB_R1" addr add 10.88.0.2/24 dev eth9
	ip -n "$LAB_CL" link set eth9 up
	ip -n "$LAB_R1" link set eth9 up
	ip -n "$LAB_R1" route add default via 10.88.0.1 dev eth9 table 99
	ip -n "$LAB_R1" rule add fwmark 9 table 99
	lab_nft r1 <<<'table ip t { chain c {
		type filter hook prerouting priority mangle; tcp sport 1001 meta mark set 9; }; }'
	lab_sysctl cl net.ipv4.conf.all.rp_filter=1
	for mode in user wire; do
		FAMILIES=4 MODES=$mode ask 1001
		blocked 1001.$mode dropped local drop 'high or certain' state=filtered
		block_says 1001.$mode 'reverse-path filter'
	done
	# It is the way back that is odd, and nothing else.
	FAMILIES=4 ask 1002
	blocked 1002 open target null 'high or certain'
	lab_sysctl cl net.ipv4.conf.all.rp_filter=0
	FAMILIES=4 ask_host loose @SV 1001
	blocked loose open target null 'high or certain'
}

@test "a route of this machine that refuses is no-route, and nobody else is blamed" {
	local v net type
	lab_up 1
	for v in 4 6; do
		net=198.51.100.
		[[ $v == 4 ]] || net=2001:db8:99::
		ip -n "$LAB_CL" route add unreachable "${net}1"
		ip -n "$LAB_CL" route add prohibit "${net}2"
		ip -n "$LAB_CL" route add blackhole "${net}3"
		for type in 1 2 3; do
			FAMILIES=$v ask_host "$type" "$net$type" 80
		done
	done
	for type in 1:unreachable 2:prohibit 3:blackhole; do
		blocked "${type%:*}" no-route local null 'high or certain' state=unreachable \
			reason=no-route by=null last_hop=0
		block_says "${type%:*}" "${type#*:}"
	done
}

@test "without a default route there is no route, here" {
	lab_up 1
	ip -n "$LAB_CL" -4 route del default
	ip -n "$LAB_CL" -6 route del default
	ask 80
	blocked 80 no-route local null 'high or certain' state=unreachable reason=no-route \
		by=null
}

@test "a closed port of this machine itself is closed, and an open one is open" {
	lab_up 0
	lab_serve cl tcp:1001
	ask_host open @CL 1001
	ask_host closed @CL 1002
	lab_nft cl <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 1003 drop; tcp dport 1004 reject; }; }'
	ask_host dropped @CL 1003
	ask_host rejected @CL 1004
	blocked open open target null 'high or certain'
	blocked closed no-listener target null 'high or certain' state=closed
	# The target is this machine: here is there.
	blocked dropped dropped 'local or target' drop 'high or certain' state=filtered
	blocked rejected rejected 'local or target' icmp 'high or certain' state=filtered \
		by=@CL
}
