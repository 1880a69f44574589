#!/usr/bin/env bats
# portblock's ways of working, in the lab: names, several ports, formats, files, signals.
#
# bats sets stderr; jq has variables of its own.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# drop_at NS HOOK MATCH
drop_at() {
	lab_nft "$1" <<<"table inet t { chain $2 {
		type filter hook $2 priority 0; $3 drop; }; }"
}

# portblock wire|user ARGS…: $status $output $stderr, and nothing of it is put to one side.
portblock() {
	# bats' run uses it, and would change that of a test.
	# shellcheck disable=SC2034
	local i
	run --separate-stderr block_run "$@"
}

valid() {
	"$BLOCK_VALIDATE" "$BLOCK_SCHEMA" <<<"$output"
}

# ---- targets ---------------------------------------------------------------------------

@test "a name that does not exist is unresolved, and nothing is sent" {
	local mode
	lab_up 1
	lab_dns here.test="$LAB_SV4"
	for mode in wire user; do
		portblock $mode -j nowhere.test 80 443
		[[ $status == 1 ]]
		valid
		[[ $(values .port) == '443 80' ]]
		[[ $(values '"\(.target) \(.address) \(.verdict) \(.state) \(.reason) \(.where) \(.method)"' | uniq) == \
			*'nowhere.test null unresolved unresolved name-not-found unknown null'* ]]
		[[ $(values '.evidence | length > 0') == 'true true' ]]
	done
}

@test "a resolver that does not answer is unresolved within the timeout" {
	lab_up 1
	lab_dns_dead
	portblock user -j -t 800ms here.test 80
	[[ $status == 1 ]]
	valid
	[[ $(values '"\(.verdict) \(.reason)"') == 'unresolved name-failure' ]]
}

@test "of a name with two addresses one that works is enough, and both are told" {
	lab_up 1
	lab_addr sv 10.99.0.1/32
	lab_serve sv -S "$LAB_SV4" tcp:1001
	lab_hosts two.test 10.99.0.1 "$LAB_SV4"
	portblock user -j two.test 1001
	[[ $status == 0 ]]
	valid
	[[ $(values '"\(.address) \(.verdict)"') == "10.77.1.2 open 10.99.0.1 no-listener" ]]
	portblock user -j two.test 1001 1002
	[[ $status == 1 ]]
	# Two addresses that were asked for are two questions.
	portblock user -j -p 1001 "$LAB_SV4" 10.99.0.1
	[[ $status == 1 ]]
	[[ $(values .verdict) == 'no-listener open' ]]
}

@test "-4 and -6 choose among a name's addresses" {
	lab_up 0
	lab_serve sv tcp:1001
	lab_hosts both.test "$LAB_SV4" "$LAB_SV6"
	portblock user -j -4 both.test 1001
	[[ $status == 0 && $(values .address) == "$LAB_SV4" ]]
	portblock user -j -6 both.test 1001
	[[ $status == 0 && $(values .address) == "$LAB_SV6" ]]
	valid
}

@test "several ports in one run get the verdicts that they get alone" {
	local mode
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	drop_at r2 forward 'tcp dport 1002'
	drop_at sv input 'tcp dport 1003'
	lab_nft r1 <<<'table inet t { chain c { type filter hook forward priority 0
		tcp dport 1004 reject; tcp dport 1005 reject with tcp reset; }; }'
	drop_at cl output 'tcp dport 1006'
	for mode in wire user; do
		MODES=$mode FAMILIES=4 ask_host all4 @SV 1001-1007 1008/udp
	done
	for mode in wire user; do
		block_result "all4.$mode.4"
		[[ $status == 1 ]]
		[[ $(jq -r '"\(.port) \(.verdict) \(.where)"' <<<"$output") == \
'1001 open target
1002 dropped path
1003 dropped last-hop
1004 rejected path
1005 reset-by-middlebox path
1006 dropped local
1007 no-listener target
1008 no-listener target' ]]
		record .port==1002 last_hop=2 target_hops=4 confidence=high
		record .port==1005 confidence=high
	done
}

@test "--max-hops limits the walk, and what is concluded from it" {
	lab_up 3
	lab_serve sv tcp:22
	drop_at sv input 'tcp dport 1001'
	ask_host short @SV --max-hops 2 1001
	blocked short dropped unknown drop 'medium or low' last_hop=2 last_hop_address=@R2
}

@test "-S asks from another address of this machine" {
	lab_up 1
	lab_addr cl 10.99.0.7/32
	lab_serve sv tcp:22 tcp:1001
	lab_nft sv <<<'table ip t { chain c { type filter hook input priority 0
		ip saddr 10.99.0.7 tcp dport 1001 reject; }; }'
	FAMILIES=4 ask_host from @SV -S 10.99.0.7 1001
	FAMILIES=4 ask 1001
	blocked from rejected target icmp 'high or certain' by=@SV
	blocked 1001 open target null 'high or certain'
}

@test "--netns works in another namespace, with a capture there" {
	lab_up 1
	lab_serve sv tcp:1001
	_portblock
	run --separate-stderr "$PORTBLOCK" -j --netns "$LAB_CL" "$LAB_SV4" 1001
	[[ $status == 0 ]]
	valid
	record true verdict=open captured=true
}

@test "--no-capture works as without the privilege, and says so" {
	lab_up 2
	lab_serve sv tcp:22 tcp:1001
	lab_nft sv <<<'table inet t { chain c { type filter hook input priority 0
		tcp dport 1001 reject with tcp reset; }; }'
	portblock wire -j --no-capture "$LAB_SV4" 1001
	[[ $status == 1 ]]
	valid
	record true verdict=no-listener captured=false confidence=medium
}

# ---- what is written -------------------------------------------------------------------

@test "-q says nothing, and the exit status is the answer" {
	local mode
	lab_up 1
	lab_serve sv tcp:1001
	for mode in wire user; do
		portblock $mode -q "$LAB_SV4" 1001
		[[ $status == 0 && ! $output && ! $stderr ]]
		portblock $mode -q "$LAB_SV6" 1001 1002
		[[ $status == 1 && ! $output && ! $stderr ]]
		portblock $mode -q nowhere.invalid 80
		[[ $status == 1 && ! $output && ! $stderr ]]
		portblock $mode -q "$LAB_SV4" 0
		[[ $status == 2 && ! $output && $stderr ]]
	done
}

@test "what could not be tested is exit status 3" {
	lab_up 0
	portblock user -w "$LAB_DIR/x.pcap" "$LAB_SV4" 80
	[[ $status == 3 && ! $output && $stderr == *capture* ]]
	portblock user --rule "$LAB_SV4" 80
	[[ $status == 3 && ! $output && $stderr == *CAP_NET_ADMIN* ]]
	portblock wire -w "$LAB_DIR/nowhere/x.pcap" "$LAB_SV4" 80
	[[ $status == 3 && ! $output && $stderr == *nowhere/x.pcap* ]]
	portblock wire --report "$LAB_DIR/nowhere/x.md" "$LAB_SV4" 80
	[[ $status == 3 && ! $output && $stderr == *nowhere/x.md* ]]
}

@test "CSV has the columns of the contract, in their order, and one line a port" {
	lab_up 0
	lab_serve sv tcp:1001
	portblock user --format=csv "$LAB_SV4" 1001 1002
	[[ $status == 1 && ${#lines[@]} == 3 ]]
	assert_line --index 0 --partial \
		'target,address,family,protocol,port,service,state,reason,verdict,where,method,by,last_hop,last_hop_address,target_hops,confidence,message'
	assert_line --index 1 --regexp "$LAB_SV4,$LAB_SV4,inet,tcp,1001,[^,]*,open,syn-ack,open,target,,"
	assert_line --index 2 --regexp "$LAB_SV4,$LAB_SV4,inet,tcp,1002,[^,]*,closed,reset,no-listener,target,,"
}

@test "the record has the walk of the port beside that of the control" {
	lab_up 3
	lab_serve sv tcp:22 tcp:1001
	drop_at r2 forward 'tcp dport 1001'
	ask 1001
	blocked 1001 dropped path drop high last_hop=2
	block_jq 1001 '[.hops[] | .hop] == [range(1; (.hops | length) + 1)]'
	block_jq 1001 '[.hops[:2][].address] == ["@R1", "@R2"]'
	block_jq 1001 '[.hops[:3][].control_address] == ["@R1", "@R2", "@R3"]'
	block_jq 1001 '.hops[2].address == null'
	block_jq 1001 '[.hops[:2][].rtt_ms] | all(. > 0)'
	block_jq 1001 'any(.evidence[]; .kind == "hop") and any(.evidence[]; .kind == "control")'
}

@test "the text has the verdict, the way with the block at its place, and what to do" {
	local mode
	lab_up 3
	lab_serve sv tcp:22 tcp:25
	drop_at r2 forward 'tcp dport 25'
	for mode in wire user; do
		portblock $mode "$LAB_SV4" 25
		[[ $status == 1 && ! $stderr ]]
		assert_line --index 0 --regexp "^$LAB_SV4:25 \(smtp\).*dropped .*hop 2.*\[high\]$"
		assert_line --regexp "^ +hop 1 +$LAB_R1_4"
		assert_line --regexp "^ +hop 2 +$LAB_R2_4"
		assert_line --regexp "^ +hop 3 +$LAB_R3_4"
		assert_line --regexp "^ +target +$LAB_SV4"
		assert_line --regexp '^ +Evidence$'
		assert_line --regexp '^ +Next$'
		refute_line --regexp '^ +Other causes'
		# The mark stands between hop 2 and hop 3, and nowhere else.
		run grep -nE '^ +(hop [23]|target|X|✗|×)' <<<"$output"
		assert_line --index 0 --partial 'hop 2'
		assert_line --index 1 --regexp 'X|✗|×'
		assert_line --index 2 --partial 'hop 3'
		assert_line --index 3 --partial 'target'
		[[ ${#lines[@]} == 4 ]]
	done
}

@test "an open port is one line, with -v also the evidence" {
	lab_up 1
	lab_serve sv tcp:1001
	portblock user "$LAB_SV4" 1001
	[[ $status == 0 && ! $stderr ]]
	assert_line --index 0 --regexp "^$LAB_SV4:1001.* open .*\[(high|certain)\]$"
	refute_line --regexp 'Evidence'
	portblock user -v "$LAB_SV4" 1001
	[[ $status == 0 ]]
	assert_line --regexp '^ +Evidence$'
}

@test "--explain says why it is not something else" {
	lab_up 2
	lab_serve sv tcp:22 tcp:1001
	drop_at sv input 'tcp dport 1001'
	portblock wire --explain "$LAB_SV4" 1001
	[[ $status == 1 ]]
	assert_line --regexp '^ +Other causes'
	ask_host explained @SV --explain 1001
	ask_host plain @SV 1001
	blocked explained dropped last-hop drop medium
	block_jq explained '.ruled_out | length >= 2'
}

@test "no control character and no colour reaches a pipe, and NO_COLOR is honoured" {
	lab_up 0
	portblock user "$LAB_SV4" 1001
	run ! grep -q $'\e' <<<"$output"
	portblock user --color=always "$LAB_SV4" 1001
	run grep -c $'\e' <<<"$output"
	[[ $output != 0 ]]
}

# ---- files -----------------------------------------------------------------------------

@test "-w keeps the packets in a file that tcpdump reads" {
	lab_up 2
	lab_serve sv tcp:22 tcp:1001
	drop_at r1 forward 'tcp dport 1002'
	portblock wire -j -w "$LAB_DIR/proof.pcap" "$LAB_SV4" 1001 1002
	[[ $status == 1 ]]
	valid
	run --separate-stderr tcpdump -nr "$LAB_DIR/proof.pcap"
	[[ $status == 0 ]]
	assert_line --regexp "$LAB_CL4\.[0-9]+ > $LAB_SV4\.1002: Flags \[S\]"
	assert_line --regexp "$LAB_SV4\.1001 > $LAB_CL4\.[0-9]+: Flags \[S\.\]"
	assert_line --regexp "$LAB_R1_4 > $LAB_CL4: ICMP time exceeded"
	# Whole packets' heads, of nobody else's traffic.
	refute_line --regexp 'truncated|ARP'
	# To standard output.
	block_run wire -q -w - "$LAB_SV4" 1001 >"$LAB_DIR/out.pcap"
	run --separate-stderr tcpdump -nr "$LAB_DIR/out.pcap"
	assert_line --regexp "$LAB_SV4\.1001 > $LAB_CL4\.[0-9]+: Flags \[S\.\]"
}

@test "--report writes a ticket that needs nothing else, in Markdown and in HTML" {
	local name
	lab_up 3
	lab_serve sv tcp:22 tcp:25
	drop_at r2 forward 'tcp dport 25'
	FAMILIES=4 MODES=wire ask_host md @SV --report "$LAB_DIR/t.md" 25
	FAMILIES=4 MODES=wire ask_host html @SV --report "$LAB_DIR/t.html" 25
	blocked md dropped path drop high last_hop=2
	blocked html dropped path drop high last_hop=2
	for name in md html; do
		run cat "$LAB_DIR/t.$name"
		assert_output --partial "$LAB_CL4"
		assert_output --partial "$LAB_SV4"
		assert_output --partial "$LAB_R2_4"
		assert_output --partial portblock
		assert_output --regexp '20[0-9][0-9]-[01][0-9]-[0-3][0-9].*(UTC|Z)'
		refute_output --regexp '<script|src=|@import|url\('
		# For the text it says first: the port is dropped behind hop 2.
		assert_output --regexp '[Dd]ropped'
	done
	grep -q '<svg' "$LAB_DIR/t.html"
	xmllint --html --noout "$LAB_DIR/t.html" 2>"$LAB_DIR/lint" || :
	# libxml2 knows no HTML 5: of what it says only that counts as an error.
	run grep -vE "Tag (svg|g|path|rect|line|circle|text|title|main|section|header|footer|figure|figcaption|time|tspan|details|summary|nav|article|marker|defs|style|polygon|polyline|desc|use) invalid|^ *\^|^ *<|^[^:]*$" "$LAB_DIR/lint"
	refute_output --partial error
}

@test "--report may not end in anything, and is not begun then" {
	lab_up 0
	portblock user --report "$LAB_DIR/t.doc" "$LAB_SV4" 80
	[[ $status == 2 && ! $output && ${#stderr_lines[@]} -ge 1 && ! -e $LAB_DIR/t.doc ]]
}

# ---- signals ---------------------------------------------------------------------------

asks() {
	[[ $(lab_cl ss -Htn state syn-sent "dport = :$1") ]]
}

@test "SIGINT prints what is known so far, and portblock ends by the signal" {
	local pid name rc number
	lab_up 1
	lab_serve sv tcp:1001
	drop_at sv input 'tcp dport 1002'
	_portblock
	for name in INT:130 TERM:143 HUP:129; do
		ip netns exec "$LAB_CL" env --default-signal=INT "$PORTBLOCK" -j -t 60s \
			"$LAB_SV4" 1001 1002 </dev/null >"$LAB_DIR/out" 2>"$LAB_DIR/err" \
			3>&- 4>&- &
		pid=$!
		lab_wait_until 10 asks 1002
		kill "-${name%:*}" "$pid"
		rc=0
		wait "$pid" || rc=$?
		number=${name#*:}
		assert_equal "$rc" "$number"
		output=$(<"$LAB_DIR/out")
		valid
		record .port==1002 verdict=inconclusive confidence=low
		record .port==1001 verdict=open
		[[ ! -s $LAB_DIR/err ]]
	done
}

@test "a reader that goes away ends it quietly" {
	lab_up 0
	_portblock
	run --separate-stderr bash -c \
		'ip netns exec "$1" "$2" "$3" 1001-1020 | head -n 1' sh "$LAB_CL" "$PORTBLOCK" \
		"$LAB_SV4"
	[[ $status == 0 && ${#lines[@]} == 1 && ! $stderr ]]
}

# ---- what it leaves behind -------------------------------------------------------------

@test "nothing is left behind: no TIME_WAIT, no connection, on either side" {
	lab_up 1
	lab_serve sv tcp:22 tcp:1001 banner:1003:hello
	drop_at r1 forward 'tcp dport 1002'
	MODES=user ask 1001 1002 1003
	blocked 1001 open target null 'high or certain'
	blocked 1003 open target null 'high or certain'
	blocked 1002 dropped last-hop drop medium
	run lab_cl ss -Htan
	refute_output --regexp '.'
	run lab_ns sv ss -Htan state connected
	refute_output --regexp 'ESTAB|TIME-WAIT|CLOSE-WAIT'
}

# lent ARGS…: as nobody, the program being root's and set-user-ID.
lent() {
	run --separate-stderr ip netns exec "$LAB_CL" setpriv --reuid="$(id -u nobody)" \
		--regid="$(id -g nobody)" --clear-groups "$LAB_DIR/lent" "$@"
}

@test "files are opened with the rights of who runs it, not with those the program lends" {
	local option mine
	lab_up 0
	mine=$LAB_DIR/root.md
	_portblock
	install -m 4755 "$PORTBLOCK" "$LAB_DIR/lent"
	echo 'root: only' >"$mine"
	chmod 600 "$mine"
	for option in -w --report -f; do
		lent "$option" "$mine" -p 9 "$LAB_SV4"
		[[ $stderr == *"Permission denied"* && $status != [01] ]] ||
			_said "$option: not refused"
		[[ $(<"$mine") == 'root: only' ]] || _said "$option: written to"
	done
	# It sees the wire all the same.
	lent -j "$LAB_SV4" 9
	[[ $(jq .captured <<<"$output") == true ]] || _said 'nothing captured'
}
