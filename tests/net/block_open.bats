#!/usr/bin/env bats
# portblock, when the connection is made: really, by somebody in the host's stead, only to
# be cut off, or not every time. With a capture and without privilege, IPv4 and IPv6.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

@test "an open port is open, with whatever the service does" {
	local port
	lab_up 3
	lab_serve sv tcp:1001 banner:1002:hello close:1003 answer:80:bye late-close:1005:100
	ask 1001 1002 1003 80 1005
	for port in 1001 1002 1003 80 1005; do
		blocked $port open target null 'high or certain' state=open reason=syn-ack \
			by=null
	done
}

@test "an open port is never called lossy, however busy this machine is" {
	local i
	lab_up 1
	lab_serve sv tcp:1001
	for i in {1..8}; do
		ask_host "busy.$i" @SV 1001
	done
	blocked busy open target null 'high or certain' state=open
}

@test "a service that resets what it accepts is told from a filter" {
	lab_up 3
	lab_serve sv reset:1001
	ask 1001
	blocked 1001 reset-after-accept target tcp-reset 'high or medium' state=open
}

@test "a router that resets at the first bytes is nearer than the host" {
	lab_up 3
	lab_serve sv answer:80:bye answer:8080:bye
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0
		tcp dport 80 tcp flags & psh == psh reject with tcp reset; }; }'
	ask 80 8080
	blocked 80 reset-by-middlebox path tcp-reset 'high or medium' state=filtered \
		'by=@R2 or null'
	block_says 80 'HTTP request'
	blocked 8080 open target null 'high or certain'
	# Nothing is said, nothing happens.
	ask_host mute @SV --first-bytes none 80
	blocked mute open target null 'high or certain'
}

@test "a router that resets at a TLS hello is found on any port with --first-bytes=tls" {
	lab_up 2
	lab_serve sv tcp:1001
	lab_nft r1 <<<'table inet t { chain c {
		type filter hook forward priority 0
		tcp dport 1001 tcp flags & psh == psh @ih,0,8 0x16 reject with tcp reset; }; }'
	ask_host tls @SV --first-bytes tls 1001
	ask_host http @SV --first-bytes http 1001
	blocked tls reset-by-middlebox path tcp-reset 'high or medium' state=filtered \
		'by=@R1 or null'
	blocked http open target null 'high or certain'
}

# sends NS PROTOCOL TTL: what NS itself sends of PROTOCOL begins with this TTL.
sends() {
	lab_nft "$1" <<-RULES
		table ip t { chain out { type filter hook output priority 0
			meta l4proto $2 ip ttl set $3; }; }
		table ip6 t { chain out { type filter hook output priority 0
			meta l4proto ${2/icmp/ipv6-icmp} ip6 hoplimit set $3; }; }
	RULES
}

@test "a router that resets is nearer than the host, whatever TTL either begins with" {
	lab_up 3
	lab_serve sv answer:80:bye
	lab_nft r2 <<<'table inet t { chain c {
		type filter hook forward priority 0
		tcp dport 80 tcp flags & psh == psh reject with tcp reset; }; }'
	# Solaris: errors and echoes with another than TCP. Then Windows, all with 128.
	sends sv icmp 255
	ask_host solaris @SV 80
	blocked solaris reset-by-middlebox path tcp-reset 'high or medium' state=filtered
	sends sv tcp 128
	ask_host windows @SV 80
	blocked windows reset-by-middlebox path tcp-reset 'high or medium' state=filtered
}

# ---- in the host's stead ---------------------------------------------------------------

# synproxy NS PORTS
synproxy() {
	lab_nft "$1" <<-RULES
		table inet t {
			chain pre {
				type filter hook prerouting priority raw
				iifname eth0 tcp dport $2 tcp flags syn notrack
			}
			chain c {
				type filter hook forward priority 0
				tcp dport $2 ct state invalid,untracked synproxy mss 1460 wscale 7 \
					timestamp sack-perm
				tcp dport $2 ct state invalid drop
			}
		}
	RULES
	lab_sysctl "$1" net.netfilter.nf_conntrack_tcp_loose=0
}

@test "a SYN proxy before a closed port is no open port, before an open one it is" {
	lab_up 2
	lab_serve sv tcp:22 tcp:1001
	synproxy r1 '{ 1001, 1002 }'
	ask 1001 1002
	blocked 1002.wire proxied path 'tcp-reset or null' 'high or medium' state=open \
		'by=@R1 or null'
	blocked 1002.user 'proxied or reset-after-accept' 'path or target' \
		'tcp-reset or null' 'high or medium' state=open
	blocked 1001 open target null 'high or certain' state=open
}

@test "a router that accepts every port hides the host, and stands nearer" {
	lab_up 3
	lab_serve r1 tcp:9999
	lab_sysctl cl 'net.ipv4.ping_group_range=0 2147483647'
	lab_nft r1 <<<'table inet t { chain c {
		type nat hook prerouting priority dstnat
		iifname eth0 meta l4proto tcp redirect to :9999; }; }'
	ask 1001
	blocked 1001 proxied 'path or unknown' null 'high or medium' state=open \
		'by=@R1 or null'
	block_says 1001 'every port'
}

@test "a host that accepts every port says nothing about this one" {
	lab_up 2
	lab_serve sv tcp:9999
	lab_nft sv <<<'table inet t { chain c {
		type nat hook prerouting priority dstnat
		meta l4proto tcp redirect to :9999; }; }'
	ask 1001
	blocked 1001 proxied 'target or unknown' null 'high or medium' state=open
}

# ---- loss ------------------------------------------------------------------------------

# Of each run's SYNs every second is lost: each has a port and a counter of its own.
@test "a port that answers every second SYN is open, and lossy" {
	local port mode v i=0
	lab_up 2
	lab_serve sv tcp:22 tcp:1001 tcp:1002 tcp:1003 tcp:1004
	for port in 1001 1002 1003 1004; do
		lab_nft r1 <<<"table inet t$port { chain c {
			type filter hook forward priority 0
			tcp dport $port tcp flags & (syn | ack) == syn \
				numgen inc mod 2 == 0 drop; }; }"
	done
	for v in 4 6; do
		for mode in wire user; do
			i=$((i + 1))
			FAMILIES=$v MODES=$mode ask_host lossy @SV "100$i"
		done
	done
	blocked lossy lossy 'unknown or path' null 'high or medium' state=open
	block_says lossy 'lost'
}

@test "random loss makes no filter out of an open, a closed or a blocked port" {
	lab_up 2 --box 'loss=12% seed=7 delay=1ms'
	lab_serve sv tcp:22 tcp:1001
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 1003 drop; }; }'
	ask 1001 1002 1003
	blocked 1001 'open or lossy' 'target or unknown or path' null \
		'high or certain or medium' state=open
	blocked 1002 no-listener target null 'high or medium or low' state=closed
	blocked 1003 'dropped or inconclusive' 'last-hop or unknown' 'drop or null' \
		'medium or low' state=filtered
}
