#!/usr/bin/env bats
# portblock, when a RST comes: the host's kernel, the host's firewall, a router's, or a
# forged one beside the real answer. With a capture and without privilege, IPv4 and IPv6.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# resets NS HOOK PRIORITY MATCH
resets() {
	lab_nft "$1" <<<"table inet t { chain $2 {
		type filter hook $2 priority $3; $4 reject with tcp reset; }; }"
}

@test "the RST of the host's own kernel is no listener, three routers away" {
	lab_up 3
	lab_serve sv tcp:22
	ask 1001
	blocked 1001.wire no-listener target null high state=closed reason=reset by=null \
		target_hops=4
	blocked 1001.user no-listener target null 'high or medium' state=closed \
		reason=reset by=null
}

@test "the RST of the host's own kernel is no listener, on the same network" {
	lab_up 0
	ask 1001
	blocked 1001.wire no-listener target null high state=closed reason=reset by=null
	blocked 1001.user no-listener target null 'high or medium' state=closed by=null
}

@test "a router's RST comes from nearer than the host, whichever router it is" {
	local i
	lab_up 3
	lab_serve sv tcp:22 tcp:1001 tcp:1002 tcp:1003
	for i in 1 2 3; do
		resets "r$i" forward 0 "tcp dport { 100$i, 200$i }"
		ask "100$i" "200$i"
	done
	for i in 1 2 3; do
		# Whether anybody listens there or not.
		blocked "100$i" reset-by-middlebox path tcp-reset high state=filtered \
			"by=@R$i or null" "last_hop=$i" "last_hop_address=@R$i"
		blocked "200$i" reset-by-middlebox path tcp-reset high state=filtered \
			"by=@R$i or null" "last_hop=$i" "last_hop_address=@R$i"
	done
}

# The RST comes even to a SYN that dies at r1: without a capture it could be one's own over
# IPv6, where no connection can be bound to lo to find out.
@test "a RST that the first router makes before routing is not the host's" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	resets r1 prerouting raw 'tcp dport 1001'
	ask 1001
	blocked 1001.wire reset-by-middlebox path tcp-reset high state=filtered
	blocked 1001.user.4 reset-by-middlebox path tcp-reset high state=filtered
	blocked 1001.user.6 reset-by-middlebox 'path or unknown' tcp-reset \
		'high or medium' state=filtered
}

@test "a router that resets every connection is found by the distance of other answers" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	lab_sysctl cl 'net.ipv4.ping_group_range=0 2147483647'
	resets r2 forward 0 'meta l4proto tcp'
	ask 1001
	blocked 1001 reset-by-middlebox path tcp-reset 'high or medium' state=filtered \
		'by=@R2 or null' last_hop=2
}

@test "with no other answer at all the two distances of a router's RST disagree" {
	lab_up 3
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0
		meta l4proto tcp reject with tcp reset
		udp dport 1-65535 drop; icmp type echo-request drop
		icmpv6 type echo-request drop; }; }'
	ask 1001
	blocked 1001.wire reset-by-middlebox path tcp-reset medium state=filtered \
		'by=@R2 or null' last_hop=2
	# Without the type of service, a way back that is a hop shorter would look like this.
	blocked 1001.user reset-by-middlebox path tcp-reset low state=filtered \
		'by=@R2 or null' last_hop=2
}

@test "the RST of the host's firewall is told from its kernel's, with a capture only" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	resets sv input 0 'tcp dport { 1001, 1002 }'
	ask 1001 1002 1003
	for port in 1001 1002; do
		blocked $port.wire rejected target tcp-reset medium state=filtered reason=reset
		# It looks like the kernel's in every way that a socket shows.
		blocked $port.user no-listener target null medium state=closed reason=reset
	done
	blocked 1003.wire no-listener target null high state=closed
	blocked 1003.user no-listener target null medium state=closed
}

@test "a host whose firewall resets everything but one port" {
	lab_up 1
	lab_serve sv tcp:22 tcp:1001
	resets sv input 0 'tcp dport != 22'
	ask 1001
	# No kernel's RST to compare with: this may be a host that never echoes.
	blocked 1001 'no-listener or rejected' target 'null or tcp-reset' 'medium or low'
}

# The box, in front of r1, delays the host's answer by 20 ms there and back; forge stands on
# its near side. 62 is the TTL of the host's own answers here.
@test "a RST injected beside the host's SYN-ACK is a box's, by its distance" {
	lab_up 2 --box 'delay=10ms'
	lab_serve sv tcp:22 tcp:1001 tcp:1002
	lab_forge bx eth0 1001:ttl=64 1002:ttl=63
	ask 1001 1002
	blocked 1001.wire reset-by-middlebox path tcp-reset high state=filtered
	blocked 1001.user.4 reset-by-middlebox path tcp-reset high state=filtered
	# From where r1 stands, or from this machine: not to be known over IPv6.
	blocked 1001.user.6 reset-by-middlebox 'path or unknown' tcp-reset \
		'high or medium' state=filtered
	blocked 1002 reset-by-middlebox path tcp-reset high state=filtered
	block_says 1001.wire 'SYN-ACK'
	block_says 1002.wire 'the port is open'
}

@test "a RST forged with the host's TTL is betrayed by the real SYN-ACK" {
	lab_up 2 --box 'delay=10ms'
	lab_serve sv tcp:22 tcp:1001
	lab_forge bx eth0 1001:ttl=62 1002:ttl=62
	ask 1001 1002
	blocked 1001.wire reset-by-middlebox path tcp-reset high state=filtered
	block_says 1001.wire 'the port is open'
	# Without the wire the walk shows it: this RST comes before any router has the SYN.
	blocked 1001.user reset-by-middlebox path tcp-reset medium state=filtered
	# A second RST, the host's own: nothing listens there, and that is what counts.
	blocked 1002 'no-listener or reset-by-middlebox or rejected' 'target or path' \
		'null or tcp-reset' 'high or medium'
}

@test "RSTs with rising windows are forged, though the host never answers" {
	lab_up 2 --box 'delay=10ms'
	lab_serve sv tcp:22
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 1001 drop; }; }'
	lab_forge bx eth0 1001:ttl=62:window=1980:count=3
	ask 1001
	blocked 1001.wire reset-by-middlebox path tcp-reset medium state=filtered
	block_says 1001.wire 'rising windows'
	blocked 1001.user reset-by-middlebox path tcp-reset medium state=filtered
}
