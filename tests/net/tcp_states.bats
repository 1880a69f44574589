#!/usr/bin/env bats
# What portcheck says of a TCP port, for every way in which a network can answer or not:
# real firewall rules, routes and servers in the lab, over IPv4 and IPv6, unprivileged.
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

# rejects NS HOOK: ICMP errors of every type by port; the port's last digits are the code.
rejects() {
	lab_nft "$1" <<-RULES
		table inet rejects {
			chain four {
				tcp dport 1000 reject with icmp type net-unreachable
				tcp dport 1001 reject with icmp type host-unreachable
				tcp dport 1002 reject with icmp type prot-unreachable
				tcp dport 1003 reject with icmp type port-unreachable
				tcp dport 1009 reject with icmp type net-prohibited
				tcp dport 1010 reject with icmp type host-prohibited
				tcp dport 1013 reject with icmp type admin-prohibited
			}
			chain six {
				tcp dport 1000 reject with icmpv6 type no-route
				tcp dport 1001 reject with icmpv6 type admin-prohibited
				tcp dport 1003 reject with icmpv6 type addr-unreachable
				tcp dport 1004 reject with icmpv6 type port-unreachable
				tcp dport 1005 reject with icmpv6 type policy-fail
				tcp dport 1006 reject with icmpv6 type reject-route
			}
			chain c {
				type filter hook $2 priority 0
				meta nfproto vmap { ipv4 : jump four, ipv6 : jump six }
			}
		}
	RULES
}

# rejected STATE REASON FROM TYPE CODE ADDRESS PORT
rejected() {
	check "$6" "$7"
	expect 1 "state=$1" "reason=$2" "from=$3" "icmp_type=$4" "icmp_code=$5" \
		attempts=1 closed_by_peer=null
}

# all_rejects FROM4 FROM6
all_rejects() {
	rejected unreachable net-unreach "$1" 3 0 "$LAB_SV4" 1000
	rejected unreachable host-unreach "$1" 3 1 "$LAB_SV4" 1001
	rejected filtered proto-unreach "$1" 3 2 "$LAB_SV4" 1002
	rejected filtered port-unreach "$1" 3 3 "$LAB_SV4" 1003
	rejected filtered net-prohibited "$1" 3 9 "$LAB_SV4" 1009
	rejected filtered host-prohibited "$1" 3 10 "$LAB_SV4" 1010
	rejected filtered admin-prohibited "$1" 3 13 "$LAB_SV4" 1013
	rejected unreachable no-route "$2" 1 0 "$LAB_SV6" 1000
	rejected filtered admin-prohibited "$2" 1 1 "$LAB_SV6" 1001
	rejected unreachable host-unreach "$2" 1 3 "$LAB_SV6" 1003
	rejected filtered port-unreach "$2" 1 4 "$LAB_SV6" 1004
	rejected filtered policy-fail "$2" 1 5 "$LAB_SV6" 1005
	rejected filtered reject-route "$2" 1 6 "$LAB_SV6" 1006
}

time_waits() {
	lab_ns "$1" ss -Htan state time-wait | wc -l
}

some_time_waits() {
	(($(time_waits cl) + $(time_waits sv) > 0))
}

established() {
	(($(lab_ns cl ss -Htn state established "dport = :$1" | wc -l) == $2))
}

# ---- the ordinary answers --------------------------------------------------------------

@test "a listening port is open, a free one is closed by RST" {
	local v port
	lab_up 2
	lab_serve sv tcp:0
	port=$(lab_closed_port sv)
	for v in 4 6; do
		family $v
		check "$SV" "$LAB_PORT"
		expect 0 state=open reason=syn-ack "address=$SV" "port=$LAB_PORT" protocol=tcp \
			from=null icmp_type=null attempts=1 syn_retransmits=0
		record '.connect_ms > 0 and .kernel_rtt_ms > 0'
		says 'connected in'
		check "$SV" "$port"
		expect 1 state=closed reason=reset "address=$SV" "port=$port" from=null \
			icmp_type=null attempts=1
		record '.connect_ms > 0'
		says 'RST'
	done
}

@test "one closed port among open ones makes the answer no" {
	lab_up 0
	lab_serve sv tcp:0 tcp:0
	check "$LAB_SV4" "${LAB_PORTS[0]},${LAB_PORTS[1]}"
	[[ $status == 0 ]]
	check "$LAB_SV4" "${LAB_PORTS[0]},${LAB_PORTS[1]},$(lab_closed_port sv)"
	[[ $status == 1 ]]
	[[ $(values .state) == 'closed open open' ]]
}

@test "the text form names state, port and address, one line each" {
	lab_up 0
	lab_serve sv tcp:0
	check_text "$LAB_SV4" "$LAB_PORT"
	[[ $status == 0 && ${#lines[@]} == 1 ]]
	assert_line --regexp "^open +$LAB_SV4:$LAB_PORT +connected in [0-9.]+ .?s$"
	check_text "$LAB_SV6" 7
	[[ $status == 1 && ${#lines[@]} == 1 ]]
	assert_line --regexp "^closed +\[$LAB_SV6\]:7 .* \(RST\)"
	[[ ! $stderr ]]
}

@test "an IPv4 address mapped into IPv6 is checked as IPv4, errors included" {
	lab_up 1
	lab_serve sv tcp:0
	rejects r1 forward
	check "::ffff:$LAB_SV4" "$LAB_PORT"
	expect 0 state=open family=inet "address=$LAB_SV4"
	check "[::ffff:$LAB_SV4]:7"
	expect 1 state=closed reason=reset family=inet "address=$LAB_SV4"
	rejected filtered port-unreach "$LAB_R1_4" 3 3 "::ffff:$LAB_SV4" 1003
}

# ---- silence ---------------------------------------------------------------------------

@test "a dropped port is filtered, and was asked more than once" {
	local v
	lab_up 1
	lab_serve sv tcp:80
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 80 drop; }; }'
	for v in 4 6; do
		family $v
		later "$v" -t 700ms "$SV" 80
	done
	for v in 4 6; do
		result $v
		expect 1 state=filtered reason=no-response from=null icmp_type=null \
			connect_ms=null
		record '.attempts >= 2'
		says 'dropped on the way or by the host'
	done
}

@test "a full accept queue is filtered" {
	local v
	lab_up 1
	lab_serve sv full:0
	for v in 4 6; do
		family $v
		later "$v" -t 1500ms "$SV" "$LAB_PORT"
	done
	for v in 4 6; do
		result $v
		expect 1 state=filtered reason=no-response
		record '.attempts >= 2'
	done
}

@test "one lost SYN is repeated, and the port is open" {
	local v
	lab_up 1
	lab_serve sv tcp:80
	lab_nft sv <<-'RULES'
		table inet t {
			chain four { numgen inc mod 1000000 0 drop; }
			chain six { numgen inc mod 1000000 0 drop; }
			chain c {
				type filter hook input priority 0
				meta nfproto ipv4 tcp dport 80 tcp flags syn jump four
				meta nfproto ipv6 tcp dport 80 tcp flags syn jump six
			}
		}
	RULES
	for v in 4 6; do
		family $v
		check "$SV" 80
		expect 0 state=open reason=syn-ack attempts=2
		record '.connect_ms >= 50'
		says 'after a lost packet'
	done
}

@test "one lost SYN-ACK is made up for, and the port is open" {
	local v
	lab_up 1
	lab_serve sv tcp:80
	lab_nft r1 <<-'RULES'
		table inet t {
			chain four { numgen inc mod 1000000 0 drop; }
			chain six { numgen inc mod 1000000 0 drop; }
			chain c {
				type filter hook forward priority 0
				tcp flags != syn|ack accept
				meta nfproto ipv4 tcp sport 80 jump four
				meta nfproto ipv6 tcp sport 80 jump six
			}
		}
	RULES
	for v in 4 6; do
		family $v
		check "$SV" 80
		expect 0 state=open reason=syn-ack attempts=2
	done
}

@test "a lost SYN of a closed port still ends as closed" {
	local v
	lab_up 1
	lab_nft sv <<-'RULES'
		table inet t {
			chain four { numgen inc mod 1000000 0 drop; }
			chain six { numgen inc mod 1000000 0 drop; }
			chain c {
				type filter hook input priority 0
				meta nfproto ipv4 tcp dport 7 jump four
				meta nfproto ipv6 tcp dport 7 jump six
			}
		}
	RULES
	for v in 4 6; do
		family $v
		check "$SV" 7
		expect 1 state=closed reason=reset attempts=2
	done
}

# ---- ICMP errors -----------------------------------------------------------------------

@test "ICMP errors of the host's own firewall are filtered, each with type and code" {
	lab_up 1
	lab_serve sv tcp:1003 tcp:1004
	rejects sv input
	all_rejects "$LAB_SV4" "$LAB_SV6"
	rejected filtered port-unreach "$LAB_SV4" 3 3 "$LAB_SV4" 1003
	says 'port unreachable from the host itself'
	says 'firewall'
}

@test "the default reject of nftables is filtered, never closed" {
	local v
	lab_up 1
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 81 reject; }; }'
	rejected filtered port-unreach "$LAB_SV4" 3 3 "$LAB_SV4" 81
	rejected filtered port-unreach "$LAB_SV6" 1 4 "$LAB_SV6" 81
}

@test "the default REJECT of iptables is filtered, never closed, its tcp-reset is closed" {
	need iptables-nft
	need ip6tables-nft
	lab_up 1
	local tool
	for tool in iptables-nft ip6tables-nft; do
		lab_ns sv $tool -A INPUT -p tcp --dport 81 -j REJECT
		lab_ns sv $tool -A INPUT -p tcp --dport 82 -j REJECT --reject-with tcp-reset
	done
	rejected filtered port-unreach "$LAB_SV4" 3 3 "$LAB_SV4" 81
	rejected filtered port-unreach "$LAB_SV6" 1 4 "$LAB_SV6" 81
	check "$LAB_SV4" 82
	expect 1 state=closed reason=reset from=null
	says 'or a firewall resets it'
	check "$LAB_SV6" 82
	expect 1 state=closed reason=reset from=null
}

@test "a router's reject names the router, whatever its ICMP type" {
	lab_up 2
	lab_serve sv tcp:1003 tcp:1004
	rejects r1 forward
	all_rejects "$LAB_R1_4" "$LAB_R1_6"
	rejected filtered admin-prohibited "$LAB_R1_4" 3 13 "$LAB_SV4" 1013
	says "from $LAB_R1_4: a firewall there rejects this"
	rejected unreachable host-unreach "$LAB_R1_6" 1 3 "$LAB_SV6" 1003
	says "from $LAB_R1_6: it says that the host can't be reached"
	lab_nft_clear r1
	rejects r2 forward
	rejected filtered admin-prohibited "$LAB_R2_4" 3 13 "$LAB_SV4" 1013
	rejected filtered port-unreach "$LAB_R2_6" 1 4 "$LAB_SV6" 1004
}

@test "a router's unreachable and prohibit routes are told, its blackhole is silence" {
	lab_up 1
	ip -n "$LAB_R1" -batch - <<-'ROUTES'
		route add unreachable 198.51.100.1/32
		route add prohibit 198.51.100.2/32
		route add blackhole 198.51.100.3/32
		route add unreachable 2001:db8:99::1/128
		route add prohibit 2001:db8:99::2/128
		route add blackhole 2001:db8:99::3/128
	ROUTES
	later four -t 700ms 198.51.100.3 80
	later six -t 700ms 2001:db8:99::3 80
	rejected unreachable host-unreach "$LAB_R1_4" 3 1 198.51.100.1 80
	rejected filtered admin-prohibited "$LAB_R1_4" 3 13 198.51.100.2 80
	rejected unreachable no-route "$LAB_R1_6" 1 0 2001:db8:99::1 80
	rejected filtered admin-prohibited "$LAB_R1_6" 1 1 2001:db8:99::2 80
	result four
	expect 1 state=filtered reason=no-response
	result six
	expect 1 state=filtered reason=no-response
}

@test "a network that the last router does not know is unreachable" {
	lab_up 2
	rejected unreachable net-unreach "$LAB_R2_4" 3 0 "$LAB_NONET4" 80
	rejected unreachable no-route "$LAB_R2_6" 1 0 "$LAB_NONET6" 80
}

@test "a small --ttl runs out at that router" {
	lab_up 2
	lab_serve sv tcp:0
	local v
	for v in 4 6; do
		family $v
		check --ttl 1 "$SV" "$LAB_PORT"
		expect 1 state=unreachable reason=time-exceeded "from=$R1" icmp_code=0 \
			icmp_type=$((v == 4 ? 11 : 3))
		says 'the hop limit ran out there'
		check --ttl 2 "$SV" "$LAB_PORT"
		expect 1 state=unreachable reason=time-exceeded "from=$R2"
		check --ttl 3 "$SV" "$LAB_PORT"
		expect 0 state=open
	done
}

# ---- this machine ----------------------------------------------------------------------

@test "what this machine's own filter drops never left it" {
	local v
	lab_up 1
	lab_serve sv tcp:80
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0; tcp dport 80 drop; }; }'
	for v in 4 6; do
		family $v
		later "$v" -t 1500ms "$SV" 80
	done
	for v in 4 6; do
		result $v
		expect 1 state=filtered reason=local-reject from=null icmp_type=null
		says 'never left this machine'
	done
}

@test "what this machine's own filter rejects is its own doing" {
	lab_up 1
	lab_serve sv tcp:80
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		tcp dport 80 reject
		tcp dport 81 reject with icmpx type admin-prohibited; }; }'
	rejected filtered local-reject "$LAB_CL4" 3 3 "$LAB_SV4" 80
	says "this machine's own filter rejects it"
	rejected filtered local-reject "$LAB_CL6" 1 4 "$LAB_SV6" 80
	says "this machine's own filter rejects it"
	rejected filtered local-reject "$LAB_CL4" 3 13 "$LAB_SV4" 81
	rejected filtered local-reject "$LAB_CL6" 1 1 "$LAB_SV6" 81
}

# The kernel sends the same error when a neighbour does not answer.
@test "a host-unreachable of this machine's own filter is not a neighbour that is down" {
	lab_up 1
	lab_serve sv tcp:80
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		tcp dport 80 reject with icmpx type host-unreachable; }; }'
	rejected filtered local-reject "$LAB_CL4" 3 1 "$LAB_SV4" 80
	says "this machine's own filter rejects it"
	rejected filtered local-reject "$LAB_CL6" 1 3 "$LAB_SV6" 80
	says "this machine's own filter rejects it"
}

# Over IPv6 the RST of one's own filter can't be told from the host's: a known limit.
@test "a RST made by this machine's own filter is known over IPv4, not over IPv6" {
	lab_up 1
	lab_serve sv tcp:80
	lab_nft cl <<<'table inet t { chain c {
		type filter hook output priority 0
		tcp dport 80 reject with tcp reset; }; }'
	check "$LAB_SV4" 80
	expect 1 state=filtered reason=local-reject from=null icmp_type=null
	says 'the RST was made here'
	check "$LAB_SV6" 80
	expect 1 state=closed reason=reset
	# The real thing is not taken for it, even as a near neighbour's.
	lab_nft_clear cl
	check "$LAB_SV4" 81
	expect 1 state=closed reason=reset
	check 127.0.0.1 81
	expect 1 state=closed reason=reset
}

@test "a local route that refuses says which type it is" {
	local v net type
	lab_up 1
	for v in 4 6; do
		net=198.51.100.
		[[ $v == 4 ]] || net=2001:db8:99::
		ip -n "$LAB_CL" route add unreachable "${net}1"
		ip -n "$LAB_CL" route add prohibit "${net}2"
		ip -n "$LAB_CL" route add blackhole "${net}3"
		for type in 1:unreachable 2:prohibit 3:blackhole; do
			check "$net${type%:*}" 80
			expect 1 state=unreachable reason=no-route from=null icmp_type=null
			says "this machine's route to it says ${type#*:}"
		done
	done
}

@test "without a route nothing is sent, and the words say so" {
	local v
	lab_up 1
	ip -n "$LAB_CL" -4 route del default
	ip -n "$LAB_CL" -6 route del default
	for v in 4 6; do
		family $v
		check "$SV" 80
		expect 1 state=unreachable reason=no-route from=null icmp_type=null
		says "this machine has no IPv$v route to it"
	done
}

@test "with IPv6 switched off an IPv6 address has no route, and IPv4 works" {
	lab_up 1
	lab_serve sv tcp:0
	lab_sysctl cl net.ipv6.conf.all.disable_ipv6=1
	check "$LAB_SV6" "$LAB_PORT"
	expect 1 state=unreachable reason=no-route from=null
	check ::1 "$LAB_PORT"
	expect 1 state=unreachable reason=no-route
	check "$LAB_SV4" "$LAB_PORT"
	expect 0 state=open
}

@test "without the interface up there is no route" {
	lab_up 0
	ip -n "$LAB_CL" link set eth0 down
	local v
	for v in 4 6; do
		family $v
		check "$SV" 80
		expect 1 state=unreachable reason=no-route
	done
}

# ---- neighbours ------------------------------------------------------------------------

@test "on this network, an address that nobody has is host-down, also when time is short" {
	local v t
	lab_up 1
	for v in 4 6; do
		family $v
		later "$v.short" -t 1500ms "$DEAD" 80
		later "$v.default" "$DEAD" 81
	done
	for v in 4 6; do
		family $v
		for t in short default; do
			result "$v.$t"
			expect 1 state=unreachable reason=host-down "address=$DEAD"
			if ((v == 4)); then says ARP; else says 'neighbour discovery'; fi
			says 'nobody has the address'
		done
	done
}

@test "a dead gateway is named, and not taken for the host" {
	local v t
	lab_up 1
	ip -n "$LAB_CL" route replace default via "$LAB_DEAD4"
	ip -n "$LAB_CL" -6 route replace default via "$LAB_DEAD6"
	for v in 4 6; do
		family $v
		later $v.short -t 1500ms "$SV" 80
		later $v.default "$SV" 81
	done
	for v in 4 6; do
		family $v
		for t in short default; do
			result "$v.$t"
			expect 1 state=unreachable reason=host-down
			says "the gateway $DEAD does not answer"
		done
	done
}

# Linux passes over an IPv6 route whose gateway has failed and takes a wider one, so the
# route as it is afterwards is not the one that was used.
@test "a dead gateway is named even when the default route has another one" {
	local v
	lab_up 1
	ip -n "$LAB_CL" route add 198.51.100.0/24 via "$LAB_DEAD4"
	ip -n "$LAB_CL" route add 2001:db8:99::/64 via "$LAB_DEAD6"
	lab_fast_arp cl
	later 4 -t 1500ms 198.51.100.1 80
	later 6 -t 1500ms 2001:db8:99::1 80
	for v in 4 6; do
		family $v
		result $v
		expect 1 state=unreachable reason=host-down
		says "the gateway $DEAD does not answer"
	done
}

# Three requests, a second apart: only the default timeout is long enough to hear it.
@test "behind a router, an address that nobody has is host-unreach, told by the router" {
	local v
	lab_up 2
	for v in 4 6; do
		family $v
		later "$v" "$NOHOST" 80
		later "$v.short" -t 700ms "$NOHOST" 80
	done
	for v in 4 6; do
		family $v
		result $v
		expect 1 state=unreachable reason=host-unreach "from=$R2"
		result $v.short
		expect 1 state=filtered reason=no-response
	done
}

@test "a link-local address is reached with its zone, and an error without" {
	lab_up 0
	lab_serve sv tcp:0
	local ll
	ll=$(ip -n "$LAB_SV" -j -6 addr show dev eth0 scope link |
		jq -r '.[].addr_info[]?.local // empty')
	[[ $ll == fe80::* ]]
	check "$ll%eth0" "$LAB_PORT"
	expect 0 state=open "target=$ll%eth0" family=inet6
	check "[$ll%eth0]:$LAB_PORT"
	expect 0 state=open
	check "$ll%eth0" 7
	expect 1 state=closed reason=reset
	check "$ll" "$LAB_PORT"
	expect 3 state=error
	says 'fe80::1%eth0'
	check -t 1500ms fe80::dead%eth0 7
	expect 1 state=unreachable reason=host-down
	check "$ll%nowhere" 7
	[[ $status == 2 && ! $output ]]
	[[ $stderr == *"no interface 'nowhere'"* ]]
}

# ---- after the handshake ---------------------------------------------------------------

@test "a server that accepts and resets at once is open, and --hold tells the reset" {
	local v i
	lab_up 1
	lab_serve sv reset:0
	for v in 4 6; do
		family $v
		for ((i = 0; i < 5; i++)); do
			check "$SV" "$LAB_PORT"
			expect 0 state=open reason=syn-ack
			check --hold 5s "$SV" "$LAB_PORT"
			expect 0 state=open reason=syn-ack closed_by_peer=reset
			record '.held_ms >= 0 and .held_ms < 5000'
			says 'the peer reset it'
		done
	done
}

@test "a server that accepts and closes is open, and --hold tells the FIN" {
	local v
	lab_up 1
	lab_serve sv close:0 late-close:0:150
	for v in 4 6; do
		family $v
		check --hold 5s "$SV" "${LAB_PORTS[0]}"
		expect 0 state=open closed_by_peer=fin
		record '.held_ms >= 0 and .held_ms < 5000'
		says 'the peer closed it'
		check --hold 5s "$SV" "${LAB_PORTS[1]}"
		expect 0 state=open closed_by_peer=fin
		check "$SV" "${LAB_PORTS[0]}"
		expect 0 state=open
	done
}

@test "--hold keeps the connection of a quiet or talking server for as long as asked" {
	local v port
	lab_up 1
	lab_serve sv tcp:0 banner:0:hello
	for v in 4 6; do
		family $v
		for port in "${LAB_PORTS[@]}"; do
			later "$v.$port" --hold 300ms "$SV" "$port"
		done
		check "$SV" "${LAB_PORTS[0]}"
		expect 0 closed_by_peer=null held_ms=null
	done
	for v in 4 6; do
		for port in "${LAB_PORTS[@]}"; do
			result "$v.$port"
			expect 0 state=open closed_by_peer=null banner=null
			record '.held_ms >= 300'
			says 'held for'
		done
	done
}

@test "--banner shows what the server says first, and nothing when it says nothing" {
	local v
	lab_up 1
	lab_serve sv 'banner:0:SSH-2.0-lab\r\n' tcp:0
	for v in 4 6; do
		family $v
		check --banner "$SV" "${LAB_PORTS[0]}"
		expect 0 state=open 'banner=SSH-2.0-lab\r\n'
		check --banner -t 400ms "$SV" "${LAB_PORTS[1]}"
		expect 0 state=open banner=null
	done
	check_text --banner "$LAB_SV4" "${LAB_PORTS[0]}"
	assert_output --partial 'says "SSH-2.0-lab\r\n"'
}

@test "a hostile banner reaches neither terminal nor JSON unescaped" {
	local raw
	raw=$(printf '[\001-\010\013-\037\177\200-\237\377]')
	lab_up 0
	lab_serve sv 'banner:0:\x1b]0;x\a\x1b[31mred\xe2\x80\xaegnp\xff\xc2\x85\r\n{"a":1}\x7f'
	check --banner "$LAB_SV4" "$LAB_PORT"
	expect 0 state=open
	record '.banner | contains("\\x1b[31mred\\u202egnp\\xff\\u0085\\r\\n{\"a\":1}\\x7f")'
	LC_ALL=C run ! grep -q "$raw" <<<"$output"
	check_text --banner "$LAB_SV4" "$LAB_PORT"
	[[ $status == 0 && ${#lines[@]} == 2 ]]
	assert_output --partial '\x1b]0;x\x07\x1b[31mred\u202egnp\xff\u0085\r\n{"a":1}\x7f'
	LC_ALL=C run ! grep -q "$raw" <<<"$output"
}

# ---- what it does to the machines ------------------------------------------------------

@test "200 connections leave no TIME_WAIT behind, on either side" {
	lab_up 1
	lab_serve sv tcp-many:20000-20199 close:0 banner:0:hello tcp:0
	local v
	for v in 4 6; do
		family $v
		check --open "$SV" 20000-20199
		[[ $status == 0 && $(values .port | wc -w) == 200 ]]
		check -c 20 -i 1ms "$SV" "${LAB_PORTS[1]}"
		[[ $status == 0 ]]
		check --banner "$SV" "${LAB_PORTS[2]}"
		[[ $status == 0 ]]
		check --hold 20ms "$SV" "${LAB_PORTS[3]}"
		[[ $status == 0 ]]
	done
	[[ $(time_waits cl) == 0 ]]
	[[ $(time_waits sv) == 0 ]]
	# The counting itself is in order: an ordinary client leaves one.
	lab_cl nc -N -w 5 "$LAB_SV4" "${LAB_PORTS[2]}" </dev/null
	lab_wait_until 5 some_time_waits
}

syns() {
	lab_ns r1 nft -j list counter inet t "$1" | jq '.nftables[].counter? // empty | .packets'
}

@test "the SYN asks for no TCP Fast Open, even where the machine allows it" {
	lab_up 1
	lab_serve sv tcp:80 answer:81:bye
	lab_sysctl cl net.ipv4.tcp_fastopen=3
	lab_sysctl sv net.ipv4.tcp_fastopen=3
	lab_nft r1 <<-'RULES'
		table inet t {
			counter asked { }
			counter fast { }
			chain c {
				type filter hook forward priority 0
				tcp flags != syn accept
				counter name asked
				tcp option fastopen exists counter name fast
			}
		}
	RULES
	check "$LAB_SV4" 80
	check "$LAB_SV6" 80
	check "$LAB_SV4" 79
	[[ $(syns asked) == 3 ]]
	[[ $(syns fast) == 0 ]]
	# The rule does see one.
	lab_cl curl -s --http0.9 --tcp-fastopen -m 5 -o "$LAB_DIR/out" "http://$LAB_SV4:81/"
	[[ $(syns fast) == 1 ]]
}

# ---- traps of many ports ---------------------------------------------------------------

@test "a sweep of all ephemeral ports on loopback finds the listener and no ghost" {
	local addr i
	lab_up 0
	lab_serve cl tcp:45678
	for addr in 127.0.0.1 ::1; do
		for i in 1 2 3; do
			check --open "$addr" 32768-60999
			[[ $status == 1 ]]
			record true port=45678 state=open "address=$addr"
		done
	done
}

@test "a port that can only connect to itself is never open" {
	local addr
	lab_up 0
	for addr in 127.0.0.1 ::1 "$LAB_CL4" "$LAB_CL6"; do
		check --source-port 40000 "$addr" 40000
		[[ $status == 1 || $status == 3 ]]
		record '.state != "open"' port=40000
	done
	# A range so narrow that the kernel picks the asked port again and again.
	lab_sysctl cl 'net.ipv4.ip_local_port_range=40000 40003'
	for addr in 127.0.0.1 ::1; do
		check --open "$addr" 40000-40003
		[[ $status != 0 && ! $output ]]
	done
}

@test "a sweep with few file descriptors is exact" {
	lab_up 1
	lab_serve sv tcp:2001 tcp:3333 tcp:5000
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 4000-4009 drop; }; }'
	local v
	for v in 4 6; do
		family $v
		WITH='prlimit --nofile=64:64' check "$SV" 2001-5000
		[[ $status == 1 ]]
		[[ $(values .port | wc -w) == 3000 ]]
		[[ $(values 'select(.state == "open").port') == '2001 3333 5000' ]]
		[[ $(values 'select(.state == "filtered").port') == "$(echo {4000..4009})" ]]
		[[ $(values 'select(.state == "closed" and .reason == "reset").port' |
			wc -w) == 2987 ]]
	done
}

@test "few local ports slow a sweep down but change no verdict" {
	lab_up 1
	lab_serve sv tcp:2001 tcp:2222 tcp:2400
	lab_sysctl cl 'net.ipv4.ip_local_port_range=40000 40009'
	local v
	for v in 4 6; do
		family $v
		check "$SV" 2001-2400
		[[ $(values .state | tr ' ' '\n' | uniq -c | xargs) == '397 closed 3 open' ]]
		[[ $(values 'select(.state == "open").port') == '2001 2222 2400' ]]
		check -S "$CL" "$SV" 2001-2400
		[[ $(values .state | tr ' ' '\n' | uniq -c | xargs) == '397 closed 3 open' ]]
	done
}

@test "with no local port left the port was not tested, and the words say so" {
	lab_up 1
	lab_serve sv tcp:2001 tcp:2002
	lab_sysctl cl 'net.ipv4.ip_local_port_range=40000 40009'
	# Ten connections to one port use all there are for it.
	# shellcheck disable=SC2016
	lab_bg cl bash -c 'for a in "$@"; do
		for i in {1..10}; do exec {fd}<>"/dev/tcp/$a/2001"; done
	done; exec sleep 60' bash "$LAB_SV4" "$LAB_SV6"
	lab_wait_until 10 established 2001 20
	local v
	for v in 4 6; do
		family $v
		check -t 500ms "$SV" 2001
		expect 3 state=error reason=resource-limit attempts=0
		says 'no local port is free'
		check -t 500ms "$SV" 2001,2002
		[[ $status == 3 ]]
		[[ $(values '"\(.port)=\(.state)"') == '2001=error 2002=open' ]]
	done
}
