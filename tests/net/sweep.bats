#!/usr/bin/env bats
# Many ports, many addresses: every one gets its right verdict, through delay and loss too.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	lab_require
}

teardown() {
	lab_down
}

# drop_all_but PORT…: the server answers on these TCP ports and is silent on all others.
drop_all_but() {
	lab_nft sv <<-RULES
		table inet t {
			chain c {
				type filter hook input priority 0
				meta l4proto != tcp accept
				tcp dport != { $(IFS=,; echo "$*") } drop
			}
		}
	RULES
}

# numbers FILTER: the selected ports, in order, on one line.
numbers() {
	jq "select($1).port" <<<"$output" | sort -n | xargs
}

count() {
	jq "select($1).port" <<<"$output" | wc -l
}

# Each of FIRST-LAST was told exactly once.
complete() {
	diff <(jq .port <<<"$output" | sort -n) <(seq "$1" "$2")
}

@test "1-1024: three open, twenty dropped, the rest closed, exactly" {
	local v
	lab_up 1
	lab_serve sv tcp:22 tcp:80 tcp:1024
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 500-519 drop; }; }'
	for v in 4 6; do
		family $v
		later $v "$SV" 1-1024
	done
	for v in 4 6; do
		result $v
		[[ $status == 1 ]]
		complete 1 1024
		[[ $(numbers '.state == "open" and .reason == "syn-ack"') == '22 80 1024' ]]
		[[ $(numbers '.state == "filtered" and .reason == "no-response"') == \
			"$(echo {500..519})" ]]
		[[ $(count '.state == "closed" and .reason == "reset"') == 1001 ]]
		[[ $(count '.state == "filtered" and .attempts >= 2') == 20 ]]
	done
}

@test "five open among a thousand silent ones are found, 20 ms away" {
	local v
	lab_up 1 --box 'delay=20ms'
	lab_serve sv tcp:1 tcp:111 tcp:222 tcp:999 tcp:1000
	drop_all_but 1 111 222 999 1000
	for v in 4 6; do
		family $v
		later $v "$SV" 1-1000
	done
	for v in 4 6; do
		result $v
		[[ $status == 1 ]]
		complete 1 1000
		[[ $(numbers '.state == "open"') == '1 111 222 999 1000' ]]
		[[ $(count '.state == "filtered" and .attempts >= 2') == 995 ]]
		[[ $(count '.state == "open" and .connect_ms >= 40') == 5 ]]
	done
	lab_box_clean
}

# One attempt of three must come through: that they are all lost happens to one port in
# 125,000, and 200 are looked for.
@test "loss of two per cent hides no open port among two thousand silent ones" {
	local direction ports
	ports=$(seq -s ' ' 1000 40 2999)
	for direction in up down; do
		lab_up 1 --box "delay=2ms loss-$direction=2% seed=$RANDOM"
		lab_serve sv tcp-many:1000-2999/40
		# shellcheck disable=SC2086
		drop_all_but $ports
		later 4 --open "$LAB_SV4" 1000-2999
		later 6 --open "$LAB_SV6" 1000-2999
		result 4
		[[ $(numbers true) == "$ports" ]]
		result 6
		[[ $(numbers true) == "$ports" ]]
		run lab_box_stats
		assert_line --regexp "^box: $direction .* lost=[1-9]"
		lab_box_clean
		lab_down
	done
}

@test "rejects of a firewall keep their ports apart from closed and open ones" {
	local v
	lab_up 1
	lab_serve sv tcp:150
	lab_nft r1 <<<'table inet t { chain c {
		type filter hook forward priority 0
		tcp dport 200-299 reject with icmpx type admin-prohibited; }; }'
	for v in 4 6; do
		family $v
		check "$SV" 100-300
		[[ $status == 1 ]]
		complete 100 300
		[[ $(numbers '.state == "open"') == 150 ]]
		[[ $(numbers ".reason == \"admin-prohibited\" and .from == \"$R1\"") == \
			"$(echo {200..299})" ]]
		[[ $(count '.state == "closed"') == 100 ]]
	done
}

# Six errors, then one a second: the rest of the same rule looks like silence.
@test "rejects that the kernel's limit swallows are filtered all the same" {
	local v
	lab_up 1
	lab_icmp_limit on sv
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0; tcp dport 1000-1039 reject; }; }'
	later few -t 1500ms "$LAB_SV4" 1000-1039
	result few
	[[ $status == 1 ]]
	[[ $(numbers '.state == "filtered"') == "$(echo {1000..1039})" ]]
	(($(count '.reason == "port-unreach"') > 0))
	(($(count '.reason == "no-response" and
		(.message | contains("a host that limits its rejects"))') > 0))
	for v in 4 6; do
		family $v
		later $v "$SV" 940-1039
	done
	for v in 4 6; do
		result $v
		[[ $(numbers '.state == "closed"') == "$(echo {940..999})" ]]
		[[ $(numbers '.state == "filtered"') == "$(echo {1000..1039})" ]]
	done
}

@test "a block of addresses on this network: who is there, who refuses, who is not" {
	local a n
	lab_up 0
	lab_serve sv tcp:8080
	for a in 10 11 100 200; do
		printf 'addr add 10.77.0.%d/24 dev eth0\n' "$a"
		printf 'addr add 2001:db8:77::%x/64 dev eth0 nodad\n' "$a"
	done | ip -n "$LAB_SV" -batch -
	later 4 10.77.0.0/24 8080
	result 4
	[[ $status == 1 ]]
	[[ $(jq -r .address <<<"$output" | sort -u | wc -l) == 256 ]]
	[[ $(values 'select(.state == "open").address') == \
		'10.77.0.10 10.77.0.100 10.77.0.11 10.77.0.2 10.77.0.200' ]]
	record '.state == "closed"' "address=$LAB_CL4" reason=reset
	n=$(count '.state == "unreachable" and .reason == "host-down"')
	# The network's own address and the broadcast address are nobody's.
	((n >= 248 && n <= 250))
	later 6 2001:db8:77::/120 8080
	result 6
	[[ $status == 1 ]]
	[[ $(jq -r .address <<<"$output" | sort -u | wc -l) == 256 ]]
	[[ $(values 'select(.state == "open").address') == \
		'2001:db8:77::2 2001:db8:77::64 2001:db8:77::a 2001:db8:77::b 2001:db8:77::c8' ]]
	record '.state == "closed"' "address=$LAB_CL6" reason=reset
	((n = $(count '.state == "unreachable" and .reason == "host-down"')))
	((n >= 249 && n <= 250))
}

# The kernel's table of neighbours holds 1,024 for the whole machine, and each dead one
# takes its place for seconds: beyond that, packets vanish, and live hosts with them.
@test "1,500 dead neighbours hide none that lives" {
	local a
	lab_up 0
	# The kernel gives up on one after 2.1 seconds here.
	lab_sysctl cl net.ipv4.neigh.eth0.retrans_time_ms=700
	lab_serve sv tcp:8080
	ip -n "$LAB_CL" addr add 10.88.0.1/21 dev eth0
	for a in 0.2 2.200 3.9 4.7 5.254; do
		ip -n "$LAB_SV" addr add "10.88.$a/21" dev eth0
	done
	check -p 8080 10.88.0.0/22 10.88.4.0/23
	[[ $status == 1 && $(values .address | wc -w) == 1536 ]]
	[[ $(values 'select(.state == "open").address') == \
		'10.88.0.2 10.88.2.200 10.88.3.9 10.88.4.7 10.88.5.254' ]]
	record '.state == "closed"' address=10.88.0.1
	[[ $(count '.reason == "host-down"') == 1530 ]]
}

@test "a block behind a router, all alive, is all open" {
	lab_up 1
	lab_serve sv tcp:8080
	lab_anyip sv 10.200.0.0/22
	lab_anyip sv 2001:db8:200::/118
	check --open 10.200.0.0/22 8080
	[[ $status == 0 ]]
	[[ $(jq -r .address <<<"$output" | sort -u | wc -l) == 1024 ]]
	check --open 2001:db8:200::/118 8080
	[[ $status == 0 ]]
	[[ $(jq -r .address <<<"$output" | sort -u | wc -l) == 1024 ]]
}

@test "the text form gives open ports a line and the others their ranges" {
	local v ranges
	lab_up 1
	lab_serve sv tcp:100 tcp:150
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0
		tcp dport 110-119 drop
		tcp dport 105 drop
		tcp dport { 130-131, 135 } reject; }; }'
	for v in 4 6; do
		family $v
		check_text "$SV" 100-199
		[[ $status == 1 ]]
		assert_line --regexp "^open +\[?$SV\]?:100 .*connected in"
		assert_line --regexp "^open +\[?$SV\]?:150 .*connected in"
		ranges='\(101-104,106-109,120-129,132-134,136-149,151-199\)'
		assert_line --regexp "^closed +$SV  84 ports: reset $ranges$"
		assert_line --regexp "^filtered +$SV  11 ports: no-response \(105,110-119\)$"
		assert_line --regexp "^filtered +$SV  3 ports: port-unreach from the host itself \(130-131,135\)$"
		assert_line --regexp '^100 checks in .*: 2 open, 84 closed, 14 filtered$'
		[[ ${#lines[@]} == 6 ]]
		check_text -v "$SV" 100-199
		[[ $(grep -cE '^(open|closed|filtered) ' <<<"$output") == 100 ]]
	done
}

@test "the text form of a block has the addresses that are alive and ranges of the others" {
	lab_up 1
	lab_serve sv tcp:8080
	lab_anyip sv 10.200.0.8/29
	ip -n "$LAB_R1" route add 10.200.0.0/24 via "$LAB_SV4"
	lab_nft sv <<<'table inet t { chain c {
		type filter hook input priority 0
		ip daddr != 10.200.0.8/29 drop; }; chain f {
		type filter hook prerouting priority 0
		ip daddr 10.200.0.0/24 ip daddr != 10.200.0.8/29 drop; }; }'
	check_text 10.200.0.0/24 8080
	[[ $status == 1 ]]
	[[ $(grep -cE '^open +10\.200\.0\.(8|9|1[0-5]):8080 ' <<<"$output") == 8 ]]
	assert_line --regexp '^filtered +10.200.0.0/24 port 8080  248 addresses: no-response '
	assert_line --partial ' (10.200.0.0-10.200.0.7,10.200.0.16-10.200.0.255)'
	assert_line --regexp '^256 checks in .*: 8 open, 248 filtered$'
}

@test "--open shows open ports only, and the exit status is of all" {
	lab_up 1
	lab_serve sv tcp:100 tcp:150
	check --open "$LAB_SV4" 90-160
	[[ $status == 1 && $(numbers true) == '100 150' ]]
	check_text --open "$LAB_SV4" 90-160
	[[ $status == 1 && $(grep -c '^open ' <<<"$output") == 2 ]]
	refute_output --partial refused
	check --open "$LAB_SV4" 100,150
	[[ $status == 0 && $(numbers true) == '100 150' ]]
	check --open "$LAB_SV4" 7
	[[ $status == 1 && ! $output ]]
}

@test "several targets and both protocols in one run are kept apart" {
	lab_up 1
	lab_serve sv tcp:300 udp-echo:310
	check -p 295-305,310/udp "$LAB_SV4" "$LAB_SV6"
	[[ $status == 1 && $(values .target | wc -w) == 24 ]]
	[[ $(values 'select(.state == "open") | "\(.target),\(.port)/\(.protocol)"') == \
		"$LAB_SV4,300/tcp $LAB_SV4,310/udp $LAB_SV6,300/tcp $LAB_SV6,310/udp" ]]
	[[ $(count '.state == "closed"') == 20 ]]
}

@test "--rate is not exceeded" {
	local begin ms
	lab_up 1
	begin=${EPOCHREALTIME/[.,]/}
	check --rate 100 "$LAB_SV4" 1000-1199
	ms=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
	complete 1000 1199
	# 200 SYNs, of which a fiftieth of a second's worth may go at once.
	((ms >= 1900))
}

# interrupted SIGNAL CONDITION ARGS…: the signal comes once the condition holds; a check
# that goes on is killed. Job control starts it with the signals of a terminal, and the
# shell's own words tell a death by signal from an exit status of 130: $LAB_DIR/ended.
interrupted() {
	local signal=$1 condition=$2 pid
	shift 2
	_portcheck
	: >"$LAB_DIR/out"
	(
		set -m
		ip netns exec "$LAB_CL" "$PORTCHECK" "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/err" \
			3>&- 4>&- &
		pid=$!
		lab_wait_until 20 eval "$condition" || :
		kill "-$signal" "$pid"
		lab_wait_until 20 gone || kill -KILL "$pid"
		wait "$pid"
	) 2>"$LAB_DIR/ended"
}

gone() {
	[[ ! $(jobs -r) ]]
}

@test "SIGINT during a sweep prints what is known and dies by the signal" {
	lab_up 1
	lab_serve sv tcp:100
	drop_all_but 100
	run -130 interrupted INT "grep -q . '$LAB_DIR/out'" -j --rate 50 -t 60s "$LAB_SV4" 100-4000
	assert_equal "$(jq -c '[.port, .state]' "$LAB_DIR/out")" '[100,"open"]'
	grep -q Interrupt "$LAB_DIR/ended"

	run -130 interrupted INT "grep -q . '$LAB_DIR/out'" --rate 50 -t 60s "$LAB_SV4" 100-4000
	run -0 cat "$LAB_DIR/out"
	assert_line --regexp "^open +$LAB_SV4:100 "
	assert_line --regexp '^[0-9]+ checks? in .*, interrupted: 1 open'
	grep -q Interrupt "$LAB_DIR/ended"
	[[ ! -s $LAB_DIR/err ]]
}

@test "SIGTERM ends it likewise, and each line written is whole" {
	lab_up 1
	lab_serve sv tcp:100
	run -143 interrupted TERM "(( \$(wc -l <'$LAB_DIR/out') > 20 ))" -j --rate 200 \
		"$LAB_SV4" 100-4000
	run -0 jq -r .state "$LAB_DIR/out"
	[[ $(sort -u <<<"$output" | xargs) == 'closed open' ]]
	grep -q Terminated "$LAB_DIR/ended"
}

@test "a reader that has enough ends it quietly" {
	lab_up 1
	_portcheck
	_run_check -j "$LAB_SV4" 1-20000 2>"$LAB_DIR/err" | head -n 3 >"$LAB_DIR/out"
	[[ $(wc -l <"$LAB_DIR/out") == 3 && ! -s $LAB_DIR/err ]]
}
