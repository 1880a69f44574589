#!/usr/bin/env bats
# The lab tests itself: what the other files build on must be true.
#
# lab_up assigns the addresses by name.
# shellcheck disable=SC2153

bats_require_minimum_version 1.5.0

setup() {
	bats_load_library bats-support
	bats_load_library bats-assert
	# shellcheck source=tests/lab/lab.bash
	source "$BATS_TEST_DIRNAME/lab.bash"
	lab_require
}

teardown() {
	lab_down
}

# The smallest round-trip time in microseconds.
min_rtt_us() {
	lab_cl ping -q -c 5 -i 0.01 -W 5 "$1" |
		awk -F '[ /]+' '/^rtt/ { found = 1; printf "%d\n", $7 * 1000 }
			END { exit !found }'
}

received() {
	lab_cl ping -q -c "$1" -i 0.002 -W 0.3 "$2" | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}

# Connections of the client that a RST ended.
resets() {
	lab_cl nstat -asz TcpEstabResets | awk '/Resets/ { print $2 }'
}

labs_left() {
	local left=()
	mapfile -t left < <(compgen -G "/run/netns/$1*"; compgen -G "/etc/netns/$1*"
		compgen -G "${TMPDIR:-/tmp}/$1*")
	((${#left[@]})) || return 1
	printf '%s\n' "${left[@]}"
}

@test "zero, one and four routers: the server answers over IPv4 and IPv6" {
	local n addr
	for n in 0 1 4; do
		lab_up "$n"
		for addr in "$LAB_SV4" "$LAB_SV6" "$LAB_GW4" "$LAB_GW6"; do
			lab_cl ping -q -c 1 -W 5 "$addr"
		done
		lab_ns sv ping -q -c 1 -W 5 "$LAB_CL4"
		lab_ns sv ping -q -c 1 -W 5 "$LAB_CL6"
		lab_down
	done
}

@test "every router is a hop, known by the address that faces the client" {
	local i v4 v6
	lab_up 4
	for i in 1 2 3 4; do
		v4=LAB_R${i}_4 v6=LAB_R${i}_6
		run lab_cl ping -n -c 1 -W 5 -t "$i" "$LAB_SV4"
		assert_line --partial "From ${!v4} icmp_seq=1 Time to live exceeded"
		run lab_cl ping -n -c 1 -W 5 -t "$i" "$LAB_SV6"
		assert_line --regexp "From ${!v6} icmp_seq=1 Time exceeded"
	done
}

@test "a reject rule on a router answers in the server's stead, until it is cleared" {
	lab_up 1
	lab_nft r1 <<-'RULES'
		table inet t {
			chain c {
				type filter hook forward priority 0
				meta l4proto { icmp, icmpv6 } reject with icmpx admin-prohibited
			}
		}
	RULES
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_SV4"
	assert_line --partial "From $LAB_R1_4 icmp_seq=1 Packet filtered"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_SV6"
	assert_line --partial "From $LAB_R1_6 icmp_seq=1 Destination unreachable: Admin"
	lab_nft_clear r1
	lab_cl ping -q -c 1 -W 5 "$LAB_SV4"
}

@test "the special addresses do what their names say" {
	lab_up 2
	lab_fast_arp r2
	lab_fast_arp cl
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_NONET4"
	assert_line --partial "From $LAB_R2_4 icmp_seq=1 Destination Net Unreachable"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_NONET6"
	assert_line --partial "From $LAB_R2_6 icmp_seq=1 Destination unreachable: No route"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_NOHOST4"
	assert_line --partial "From $LAB_R2_4 icmp_seq=1 Destination Host Unreachable"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_NOHOST6"
	assert_line --partial "From $LAB_R2_6 icmp_seq=1 Destination unreachable: Address"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_DEAD4"
	assert_line --partial "From $LAB_CL4 icmp_seq=1 Destination Host Unreachable"
	run ! lab_cl ping -n -c 1 -W 5 "$LAB_DEAD6"
	assert_line --partial "From $LAB_CL6 icmp_seq=1 Destination unreachable: Address"
	run ! lab_cl ping -n -c 1 -W 0.3 "$LAB_VOID4"
	refute_line --partial From
	run ! lab_cl ping -n -c 1 -W 0.3 "$LAB_VOID6"
	refute_line --partial From
}

@test "ICMP errors are not limited, until the kernel's limit is asked for" {
	lab_up 1
	# By a rule: the errors of a missing route have a limit of their own, not ours to set.
	lab_nft r1 <<-'RULES'
		table inet t {
			chain c {
				type filter hook forward priority 0
				reject with icmpx admin-prohibited
			}
		}
	RULES
	run ! lab_cl ping -q -c 40 -i 0.002 -W 0.3 "$LAB_SV4"
	assert_line --partial '+40 errors'
	run ! lab_cl ping -q -c 40 -i 0.002 -W 0.3 "$LAB_SV6"
	assert_line --partial '+40 errors'
	lab_icmp_limit on r1
	run ! lab_cl ping -q -c 40 -i 0.002 -W 0.3 "$LAB_SV4"
	refute_line --partial '+40 errors'
	lab_icmp_limit off r1
	run ! lab_cl ping -q -c 40 -i 0.002 -W 0.3 "$LAB_SV4"
	assert_line --partial '+40 errors'
}

@test "added addresses and prefixes are reached through the routers" {
	local addr
	lab_up 2
	lab_addr sv 10.99.0.1/32
	lab_addr sv 2001:db8:99::1/128
	lab_addr r1 10.98.0.1/32
	lab_anyip sv 10.200.0.0/16
	lab_anyip sv 2001:db8:200::/48
	for addr in 10.99.0.1 2001:db8:99::1 10.98.0.1 10.200.7.9 2001:db8:200::7; do
		lab_cl ping -q -c 1 -W 5 "$addr"
	done
}

@test "the box delays each direction by no less than its delay" {
	lab_up 1 --box 'delay=20ms'
	(($(min_rtt_us "$LAB_SV4") >= 40000))
	(($(min_rtt_us "$LAB_SV6") >= 40000))
	lab_down
	lab_up 0 --box 'delay=20ms jitter=5ms'
	(($(min_rtt_us "$LAB_SV4") >= 30000))
	lab_box_clean
}

@test "a box that loses all still lets neighbours be found" {
	lab_up 1 --box 'loss=100%'
	[[ $(received 3 "$LAB_SV4") == 0 ]]
	[[ $(received 3 "$LAB_SV6") == 0 ]]
	run lab_cl ip -4 neigh show "$LAB_GW4"
	assert_output --partial lladdr
	run lab_box_stats
	assert_line --regexp '^box: up .* lost=[1-9]'
}

@test "with the same seed the same packets are lost, with another one others" {
	local got=() i
	for i in 7 7 8; do
		lab_up 1 --box "loss=30% seed=$i"
		got+=("$(received 100 "$LAB_SV4") $(lab_box_stats | grep -o 'lost=[0-9]*')")
		lab_down
	done
	[[ ${got[0]} == "${got[1]}" ]]
	[[ ${got[0]} != "${got[2]}" ]]
	# 49 are to be expected; these are eight standard deviations away.
	((${got[0]%% *} > 9 && ${got[0]%% *} < 89))
}

@test "loss can be in one direction only" {
	lab_up 0 --box 'loss-down=100%'
	[[ $(received 3 "$LAB_SV4") == 0 ]]
	run lab_box_stats
	assert_line --regexp '^box: up .* lost=0 '
	assert_line --regexp '^box: down .* lost=[1-9]'
}

@test "50 MB of TCP come through the box whole" {
	local sum
	lab_up 1 --box 'delay=1ms'
	lab_bg sv sh -c 'socat -u TCP6-LISTEN:5001 - | sha1sum'
	lab_wait_until 5 lab_ns sv sh -c 'ss -Hltn sport = :5001 | grep -q .'
	head -c 50000000 /dev/urandom >"$LAB_DIR/data"
	lab_cl socat -u "FILE:$LAB_DIR/data" "TCP:$LAB_SV4:5001"
	lab_wait_until 10 grep -q . "$LAB_LOG"
	sum=$(sha1sum <"$LAB_DIR/data")
	[[ $(<"$LAB_LOG") == "$sum" ]]
	lab_box_clean
}

@test "labsrv: the TCP modes do what they promise" {
	lab_up 1
	lab_serve sv tcp:0 close:0 reset:0 'banner:0:hi\x01:\n' 'answer:0:bye' \
		late-close:0:30 full:0 tcp-many:30000-30010/5
	((${#LAB_PORTS[@]} == 8))
	lab_cl nc -z -w 5 "$LAB_SV4" "${LAB_PORTS[0]}"
	lab_cl nc -z -w 5 "$LAB_SV6" "${LAB_PORTS[0]}"
	run -0 lab_cl socat -u "TCP:$LAB_SV4:${LAB_PORTS[1]}" -
	assert_output ''
	[[ $(resets) == 0 ]]
	run lab_cl socat -u "TCP:$LAB_SV4:${LAB_PORTS[2]}" -
	[[ $(resets) == 1 ]]
	run lab_cl timeout 1 socat -u "TCP:$LAB_SV4:${LAB_PORTS[3]}" -
	assert_output $'hi\x01:'
	run -0 lab_cl socat -t 5 - "TCP:[$LAB_SV6]:${LAB_PORTS[4]}" <<<hello
	assert_output bye
	run -0 lab_cl socat -u "TCP:$LAB_SV4:${LAB_PORTS[5]}" -
	run ! lab_cl nc -z -w 1 "$LAB_SV4" "${LAB_PORTS[6]}"
	run ! lab_cl nc -z -w 1 "$LAB_SV6" "${LAB_PORTS[6]}"
	lab_cl nc -z -w 5 "$LAB_SV4" 30010
	run ! lab_cl nc -z -w 5 "$LAB_SV4" 30001
}

@test "labsrv: the UDP modes do what they promise, from the address that was asked" {
	lab_up 1
	lab_addr sv 10.99.0.1/32
	lab_addr sv 2001:db8:99::1/128
	lab_serve sv udp-echo:0 udp-reply:0:686921 udp-silent:0
	local addr
	for addr in "$LAB_SV4" "[$LAB_SV6]" 10.99.0.1 '[2001:db8:99::1]'; do
		run lab_cl socat -t 0.2 - "UDP:$addr:${LAB_PORTS[0]}" <<<ping
		assert_output ping
	done
	run lab_cl socat -t 0.2 - "UDP:$LAB_SV4:${LAB_PORTS[1]}" <<<ping
	assert_output 'hi!'
	run lab_cl socat -t 0.2 - "UDP:$LAB_SV4:${LAB_PORTS[2]}" <<<ping
	assert_output ''
}

@test "labsrv: -S gives a listener of one family, one address" {
	lab_up 0
	lab_serve sv -S "$LAB_SV4" tcp:0
	lab_cl nc -z -w 5 "$LAB_SV4" "$LAB_PORT"
	run ! lab_cl nc -z -w 5 "$LAB_SV6" "$LAB_PORT"
	run ! lab_serve sv -S 192.0.2.1 tcp:0
	assert_output --partial 'bind port 0'
}

@test "a closed port is closed" {
	local port
	lab_up 1
	port=$(lab_closed_port sv)
	run ! lab_cl nc -v -z -w 5 "$LAB_SV4" "$port"
	assert_output --partial refused
}

@test "names resolve from the hosts file" {
	lab_up 1
	lab_hosts web.test "$LAB_SV4" "$LAB_SV6"
	run -0 lab_cl getent ahosts web.test
	assert_line --partial "$LAB_SV4"
	assert_line --partial "$LAB_SV6"
	run -0 lab_cl getent hosts localhost
}

@test "names resolve from the DNS server, each with its families" {
	lab_up 1
	lab_dns "four.test=$LAB_SV4" "six.test=$LAB_SV6" "both.test=$LAB_SV4,$LAB_SV6" \
		alias.test=both.test
	run -0 lab_cl getent ahosts four.test
	refute_output --partial :
	run -0 lab_cl getent ahosts six.test
	refute_output --partial "$LAB_SV4"
	run -0 lab_cl getent ahosts alias.test
	assert_line --partial "$LAB_SV4"
	assert_line --partial "$LAB_SV6"
	run -2 lab_cl getent ahosts none.test
	run -2 lab_cl getent ahosts none.example
}

@test "a resolver that is dead, refuses, or fails can be had" {
	lab_up 1
	lab_dns "web.test=$LAB_SV4"
	lab_dns_rcode servfail
	run -2 lab_cl getent ahosts web.test
	lab_dns_rcode refused
	run -2 lab_cl getent ahosts web.test
	lab_dns_dead
	RES_OPTIONS='timeout:1 attempts:1' run -2 lab_cl getent ahosts web.test
	lab_dns "web.test=$LAB_SV4"
	run -0 lab_cl getent ahosts web.test
}

@test "an unprivileged user of the lab has no capability, and can run any build" {
	lab_up 0
	run -0 lab_cl_user grep CapEff /proc/self/status
	assert_output --regexp '	0+$'
	run -0 lab_cl_user id -un
	assert_output nobody
	mkdir -m 700 "$BATS_TEST_TMPDIR/closed"
	cp "$(type -P true)" "$BATS_TEST_TMPDIR/closed/tool"
	run -0 lab_cl_user "$BATS_TEST_TMPDIR/closed/tool"
}

@test "lab_down leaves no namespace, no file and no process, and may be repeated" {
	local id pid box
	lab_up 2 --box 'delay=1ms'
	id=$LAB_ID box=$LAB_BOX_PID
	lab_hosts web.test "$LAB_SV4"
	lab_serve sv tcp:0
	pid=$LAB_PID
	# One that does not listen to TERM.
	lab_bg r1 bash -c 'trap "" TERM; while :; do sleep 1; done'
	run -0 labs_left "$id"
	lab_down
	run -1 labs_left "$id"
	local p
	for p in "$pid" "$box" "$LAB_PID"; do
		[[ ! -e /proc/$p/ns/net || ! $(readlink "/proc/$p/ns/net") ]]
	done
	lab_down
}

@test "a lab whose maker died is swept by the next one, and its servers died with it" {
	local id pid
	read -r id pid < <(bash -c 'source "$0"; lab_up 1 --box "" >&2
		lab_serve sv tcp:0 >&2; echo "$LAB_ID $LAB_PID"; kill -KILL $$' \
		"$BATS_TEST_DIRNAME/lab.bash" 3>&- || :)
	[[ $id ]]
	lab_wait_until 5 eval "[[ ! -e /proc/$pid ]]"
	lab_up 0
	run -1 labs_left "$id"
}
