#!/usr/bin/env bats
# What portcheck says of a UDP port: open needs an answer, closed the host's own
# port-unreachable, silence is open|filtered. In the lab, over IPv4 and IPv6, unprivileged.
#
# lab_up sets the addresses of the routers.
# shellcheck disable=SC2153

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	lab_require
}

teardown() {
	lab_down
}

# rejected STATE REASON FROM TYPE CODE ADDRESS PORT
rejected() {
	check -u "$6" "$7"
	expect 1 "state=$1" "reason=$2" "from=$3" "icmp_type=$4" "icmp_code=$5" protocol=udp
}

@test "a service that answers is open, a free port closed by the host's ICMP error" {
	local v port
	lab_up 2
	lab_serve sv udp-echo:0
	port=$(lab_closed_port sv)
	for v in 4 6; do
		family $v
		check -u "$SV" "$LAB_PORT"
		expect 0 state=open reason=udp-response protocol=udp "port=$LAB_PORT" from=null \
			"address=$SV"
		record '.connect_ms > 0 and .attempts >= 1'
		says 'answered in'
	done
	rejected closed port-unreach "$LAB_SV4" 3 3 "$LAB_SV4" "$port"
	says 'port unreachable from the host itself'
	rejected closed port-unreach "$LAB_SV6" 1 4 "$LAB_SV6" "$port"
	says 'port unreachable from the host itself'
}

@test "silence is open|filtered, after more than one datagram, and the answer is no" {
	local v
	lab_up 1
	lab_serve sv udp-silent:0 udp-echo:2000
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; udp dport 2000 drop; }; }'
	for v in 4 6; do
		family $v
		later "silent.$v" -u -t 700ms "$SV" "$LAB_PORT"
		later "dropped.$v" -u -t 700ms "$SV" 2000
	done
	for v in silent.4 silent.6 dropped.4 dropped.6; do
		result $v
		expect 1 'state=open|filtered' reason=no-response from=null connect_ms=null
		record '.attempts >= 2'
		says 'a service that keeps silent, or a filter'
	done
}

@test "a DNS server is asked in its language, and its answer told" {
	need dnsmasq
	local v
	lab_up 1
	lab_dns "web.test=$LAB_SV4"
	for v in 4 6; do
		family $v
		check "$SV" 53/udp
		expect 0 state=open reason=udp-response port=53 service=domain
		says 'DNS answer'
	done
}

@test "the second datagram makes up for a lost first one" {
	local v
	lab_up 1
	lab_serve sv udp-echo:2000
	lab_nft sv <<-'RULES'
		table inet t {
			chain four { numgen inc mod 1000000 0 drop; }
			chain six { numgen inc mod 1000000 0 drop; }
			chain c {
				type filter hook input priority 0
				meta nfproto ipv4 udp dport 2000 jump four
				meta nfproto ipv6 udp dport 2000 jump six
			}
		}
	RULES
	for v in 4 6; do
		family $v
		check -u -t 900ms "$SV" 2000
		expect 0 state=open reason=udp-response attempts=2
	done
}

@test "what this machine's own filter drops or rejects is its own doing" {
	local v port
	lab_up 1
	lab_serve sv udp-echo:80 udp-echo:81 udp-echo:82
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		udp dport 80 drop
		udp dport 81 reject
		udp dport 82 reject with icmpx type admin-prohibited; }; }'
	for v in 4 6; do
		family $v
		for port in 80 81 82; do
			check -u "$SV" $port
			expect 1 state=filtered reason=local-reject
			says "this machine's own filter"
		done
		check -u "$SV" 80
		expect 1 from=null icmp_type=null
		says EPERM
	done
}

@test "an error by a router is filtered and names it, port-unreachable too" {
	lab_up 2
	lab_serve sv udp-echo:80 udp-echo:81
	lab_nft r1 <<<'table inet t { chain c {
		type filter hook forward priority 0
		udp dport 80 reject
		udp dport 81 reject with icmpx type admin-prohibited; }; }'
	rejected filtered port-unreach "$LAB_R1_4" 3 3 "$LAB_SV4" 80
	says "from $LAB_R1_4: a firewall there rejects this"
	rejected filtered port-unreach "$LAB_R1_6" 1 4 "$LAB_SV6" 80
	says "from $LAB_R1_6: a firewall there rejects this"
	rejected filtered admin-prohibited "$LAB_R1_4" 3 13 "$LAB_SV4" 81
	rejected filtered admin-prohibited "$LAB_R1_6" 1 1 "$LAB_SV6" 81
	rejected unreachable net-unreach "$LAB_R2_4" 3 0 "$LAB_NONET4" 82
	rejected unreachable no-route "$LAB_R2_6" 1 0 "$LAB_NONET6" 82
}

# Its port-unreachable looks just as that of a port where nothing listens.
@test "the host's own firewall is filtered when it says so" {
	lab_up 1
	lab_serve sv udp-echo:80 udp-echo:81
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0
		udp dport 80 reject
		udp dport 81 reject with icmpx type admin-prohibited; }; }'
	rejected filtered admin-prohibited "$LAB_SV4" 3 13 "$LAB_SV4" 81
	says 'its firewall rejects this'
	rejected filtered admin-prohibited "$LAB_SV6" 1 1 "$LAB_SV6" 81
	says 'its firewall rejects this'
	rejected closed port-unreach "$LAB_SV4" 3 3 "$LAB_SV4" 80
	says 'or its firewall rejects it'
	rejected closed port-unreach "$LAB_SV6" 1 4 "$LAB_SV6" 80
	says 'or its firewall rejects it'
}

@test "a hop limit that runs out, a dead host and a missing route are unreachable" {
	local v
	lab_up 1
	lab_serve sv udp-echo:80
	for v in 4 6; do
		family $v
		later $v.dead -u "$DEAD" 80
		later $v.short -u -t 1500ms "$DEAD" 81
		later $v.behind -u "$NOHOST" 80
		check -u --ttl 1 "$SV" 80
		expect 1 state=unreachable reason=time-exceeded "from=$R1"
	done
	for v in 4 6; do
		family $v
		result $v.dead
		expect 1 state=unreachable reason=host-down
		result $v.short
		expect 1 state=unreachable reason=host-down
		result $v.behind
		expect 1 state=unreachable reason=host-unreach "from=$R1"
		ip -n "$LAB_CL" -$v route del default
		check -u "$SV" 80
		expect 1 state=unreachable reason=no-route from=null
	done
}

# The kernel of the server answers six closed ports, then about one a second.
@test "closed ports stay closed behind the kernel's limit of ICMP errors" {
	local v
	lab_up 1
	lab_icmp_limit on sv
	lab_serve sv udp-silent:2015
	for v in 4 6; do
		family $v
		later $v -u -t 1s "$SV" 2000-2015
	done
	for v in 4 6; do
		result $v
		[[ $status == 1 ]]
		[[ $(values 'select(.state == "closed" and .reason == "port-unreach").port') == \
			"$(echo {2000..2014})" ]]
		record '.port == 2015' 'state=open|filtered' reason=no-response
	done
}

@test "a socket that could only hear itself never makes a port open" {
	local addr i
	lab_up 0
	for addr in 127.0.0.1 ::1 "$LAB_CL4" "$LAB_CL6"; do
		check -u -t 300ms --source-port 40000 "$addr" 40000
		[[ $status == 1 || $status == 3 ]]
		record '.state != "open"' port=40000
	done
	# A range so narrow that the kernel picks the asked port again and again.
	lab_sysctl cl 'net.ipv4.ip_local_port_range=40000 40003'
	for addr in 127.0.0.1 ::1; do
		for i in 1 2 3; do
			check -u -t 300ms "$addr" 40000-40003
			[[ $status != 0 && $(values .port) == '40000 40001 40002 40003' ]]
			[[ ! $(values 'select(.state == "open").port') ]]
		done
	done
}

@test "a sweep of loopback finds the one that answers, among ports it sends from" {
	local addr
	lab_up 0
	lab_serve cl udp-echo:40500
	for addr in 127.0.0.1 ::1; do
		check -u -t 500ms --open "$addr" 40000-41000
		[[ $status == 1 ]]
		record true port=40500 state=open "address=$addr"
	done
}

@test "a service that never answers strangers is named" {
	local v
	lab_up 1
	lab_serve sv udp-silent:51820
	for v in 4 6; do
		family $v
		check -t 300ms "$SV" 51820/udp
		expect 1 'state=open|filtered' reason=no-response
		says 'WireGuard never answers'
	done
}

@test "-u is for ports without a suffix, and both protocols go in one run" {
	local v port tcp
	lab_up 1
	lab_serve sv udp-echo:0 tcp:0
	port=${LAB_PORTS[0]} tcp=${LAB_PORTS[1]}
	for v in 4 6; do
		family $v
		check "$SV" "$port/udp,$tcp"
		[[ $status == 0 ]]
		record ".port == $port" protocol=udp state=open
		record ".port == $tcp" protocol=tcp state=open
		check -u "$SV" "$port" "$tcp/tcp"
		[[ $status == 0 ]]
		record ".port == $port" protocol=udp state=open
		record ".port == $tcp" protocol=tcp state=open
		check "$SV" "$port/udp" 7/tcp 9/udp
		[[ $status == 1 ]]
		record '.port == 7' protocol=tcp state=closed reason=reset
		record '.port == 9' protocol=udp state=closed reason=port-unreach
	done
}
