#!/usr/bin/env bats
# portcheck's ways of working, in the lab: again and again, until, from where, how fast,
# and what monitoring reads.
#
# bats sets stderr; jq, awk and nft have variables of their own.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0

setup() {
	bats_load_library bats-support
	bats_load_library bats-assert
	# shellcheck source=tests/lab/lab.bash
	source "$BATS_TEST_DIRNAME/../lab/lab.bash"
	lab_require
	SCHEMA=$BATS_TEST_DIRNAME/../schema
	# bats' trace of every command makes making a lab several times slower.
	set +T
	lab_up 1
	set -T
	write_signal_after
}

teardown() {
	set +T
	lab_down
}

# ---- helpers -------------------------------------------------------------------------

# signal_after SIGNAL LINES CMD…: in the client. Once CMD has printed so many lines, it gets
# the signal. All that it prints is passed on, and then how it ended.
write_signal_after() {
	cat >"$LAB_DIR/signal_after.py" <<-'END'
		import signal, subprocess, sys
		number = getattr(signal, "SIG" + sys.argv[1])
		signal.alarm(40)
		child = subprocess.Popen(
		    sys.argv[3:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
		    preexec_fn=lambda: [signal.signal(s, signal.SIG_DFL)
		                        for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)])
		for _ in range(int(sys.argv[2])):
		    print(child.stdout.readline(), end="")
		child.send_signal(number)
		print(child.stdout.read(), end="")
		code = child.wait()
		print("died by the signal" if code == -number else f"exit status {code}")
	END
}

signal_after() {
	lab_cl python3 "$LAB_DIR/signal_after.py" "$@"
}

# begin CMD…: in the client, in the background. BG_PID is the command itself; its output
# goes to BG_OUT and BG_ERR. A shell without job control has such a job ignore SIGINT.
begin() {
	BG_OUT=$LAB_DIR/begun.out BG_ERR=$LAB_DIR/begun.err
	ip netns exec "$LAB_CL" setpriv --pdeathsig TERM env --default-signal=INT "$@" \
		</dev/null >"$BG_OUT" 2>"$BG_ERR" 3>&- 4>&- &
	BG_PID=$!
}

is_over() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# finish STATUS: what was begun ends by itself, with this status.
finish() {
	local status=0
	lab_wait_until 30 is_over "$BG_PID" || kill -KILL "$BG_PID"
	wait "$BG_PID" || status=$?
	if [[ $status != "$1" ]]; then
		echo "exit status $status, not $1" >&2
		cat "$BG_OUT" "$BG_ERR" >&2
		return 1
	fi
}

# count NS NAME HOOK MATCH: count packets from now on; counted NS NAME prints how many.
count() {
	lab_nft "$1" <<-END
		table inet $2 {
			chain c {
				type filter hook $3 priority -10
				$4 counter
			}
		}
	END
}

counted() {
	lab_ns "$1" nft list chain inet "$2" c | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

has_counted() {
	(($(counted "$1" "$2") >= $3))
}

drop() {
	lab_nft r1 <<-END
		table inet wall {
			chain c {
				type filter hook forward priority 0
				tcp dport $1 drop
			}
		}
	END
}

line_count() {
	(($(wc -l <"$1") >= $2))
}

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

terminal() {
	run lab_cl env -u NO_COLOR TERM=xterm SHELL=/bin/sh \
		timeout 30 script -qec "$1" /dev/null </dev/null
}

# ---- again and again -----------------------------------------------------------------

@test "-c gives so many records, and one summary for each address and port" {
	lab_serve sv tcp:0
	local closed
	closed=$(lab_closed_port sv)
	lab_hosts web.test "$LAB_SV4" "$LAB_SV6"
	run -1 --separate-stderr lab_cl portcheck -j -c 3 -i 20ms web.test "$LAB_PORT" "$closed"
	assert_equal "$stderr" ''
	echo "$output" >"$LAB_DIR/records"
	run -0 jq -r 'select(.type == "check") | "\(.address) \(.port) \(.state)"' \
		"$LAB_DIR/records"
	assert_equal "$(sort <<<"$output" | uniq -c | sed 's/^ *//')" "$(sort <<-END
		3 $LAB_SV4 $LAB_PORT open
		3 $LAB_SV4 $closed closed
		3 $LAB_SV6 $LAB_PORT open
		3 $LAB_SV6 $closed closed
	END
	)"
	# All of them behind the last check.
	run -0 jq -s -r '.[12:][] | [.type, .target, .address, .port, .sent, .open, .lost] |
		join(" ")' "$LAB_DIR/records"
	assert_equal "$(sort <<<"$output")" "$(sort <<-END
		summary web.test $LAB_SV4 $LAB_PORT 3 3 0
		summary web.test $LAB_SV4 $closed 3 0 3
		summary web.test $LAB_SV6 $LAB_PORT 3 3 0
		summary web.test $LAB_SV6 $closed 3 0 3
	END
	)"
	run -0 "$SCHEMA/validate" "$SCHEMA/portcheck.schema.json" <"$LAB_DIR/records"
	assert_output '16 valid, 0 not'
}

@test "-c over several targets sums up each of them" {
	lab_serve sv tcp:0 tcp:0
	run -0 lab_cl portcheck -j -c 2 -i 10ms "$LAB_SV4:${LAB_PORTS[0]}" \
		"[$LAB_SV6]:${LAB_PORTS[1]}"
	echo "$output" >"$LAB_DIR/records"
	run -0 jq -r 'select(.type == "summary") | "\(.target) \(.port) \(.sent) \(.open)"' \
		"$LAB_DIR/records"
	assert_line "$LAB_SV4 ${LAB_PORTS[0]} 2 2"
	assert_line "$LAB_SV6 ${LAB_PORTS[1]} 2 2"
	assert_equal "${#lines[@]}" 2
}

@test "the figures of a summary are in order and within those of the checks" {
	lab_serve sv tcp:0
	run -0 lab_cl portcheck -j -c 40 -i 5ms "$LAB_SV4" "$LAB_PORT"
	echo "$output" >"$LAB_DIR/records"
	run -0 jq -s -c '
		([.[] | select(.type == "check") | .connect_ms] | sort) as $t |
		(.[] | select(.type == "summary")) |
		[.sent == 40 and .open == 40 and .lost == 0,
		 .min_ms > 0 and .min_ms <= .p50_ms and .p50_ms <= .p95_ms and
		 .p95_ms <= .p99_ms and .p99_ms <= .max_ms,
		 .min_ms <= .avg_ms and .avg_ms <= .max_ms,
		 .stddev_ms >= 0 and .stddev_ms <= .max_ms - .min_ms,
		 (.min_ms - $t[0] | fabs) < 0.002, (.max_ms - $t[-1] | fabs) < 0.002,
		 (.avg_ms - ($t | add / length) | fabs) < 0.002,
		 .p50_ms >= $t[18] - 0.002 and .p50_ms <= $t[21] + 0.002]' "$LAB_DIR/records"
	assert_output '[true,true,true,true,true,true,true,true]'
}

@test "a summary of a port that never was open has no times" {
	local closed
	closed=$(lab_closed_port sv)
	run -1 lab_cl portcheck -j -c 2 -i 10ms "$LAB_SV4" "$closed"
	run -0 jq -s -c '.[-1] | [.sent, .open, .lost, .min_ms, .avg_ms, .max_ms, .stddev_ms,
		.p50_ms, .p95_ms, .p99_ms]' <<<"$output"
	assert_output '[2,0,2,null,null,null,null,null,null,null]'
}

@test "checks begin an interval apart" {
	local start
	lab_serve sv tcp:0
	start=$(now_ms)
	run -0 lab_cl portcheck -q -c 4 -i 150ms "$LAB_SV4" "$LAB_PORT"
	(($(now_ms) - start >= 450))
}

@test "-i without -c goes on until SIGINT, prints the summary, and dies by the signal" {
	lab_serve sv tcp:0
	run -0 signal_after INT 5 portcheck -j -i 10ms "$LAB_SV4" "$LAB_PORT"
	assert_line --index -1 'died by the signal'
	run -0 jq -s -r '
		([.[] | select(.type == "check")] | length) as $n |
		[$n >= 5, .[-1].type, .[-1].sent == $n, .[-1].open == $n] | join(" ")' \
		<<<"${output%$'\n'*}"
	assert_output 'true summary true true'
}

@test "SIGINT of a shell is exit status 130 there" {
	lab_serve sv tcp:0
	begin portcheck -i 10ms "$LAB_SV4" "$LAB_PORT"
	lab_wait_until 10 line_count "$BG_OUT" 3
	kill -INT "$BG_PID"
	finish 130
	run cat "$BG_OUT"
	assert_output --partial 'checks, '
	[[ ! -s $BG_ERR ]]
}

@test "SIGTERM and SIGHUP end repeated checks with the summary too" {
	lab_serve sv tcp:0
	local name
	for name in TERM HUP; do
		run -0 signal_after "$name" 3 portcheck -i 10ms "$LAB_SV4" "$LAB_PORT"
		assert_line --index -1 'died by the signal'
		assert_output --partial "$LAB_SV4 port $LAB_PORT: "
		assert_output --partial ' 0 lost (0.0%)'
	done
}

@test "a port that goes down in between counts as lost, and the answer is no" {
	lab_serve sv tcp:0
	begin portcheck -j -c 30 -i 20ms "$LAB_SV4" "$LAB_PORT"
	lab_wait_until 10 line_count "$BG_OUT" 3
	kill "$LAB_PID"
	finish 1
	run -0 jq -s -c '
		[.[] | select(.type == "check") | .state] as $s |
		.[-1] | [.sent, .open >= 3, .lost > 0, .open + .lost,
		 .open == ([$s[] | select(. == "open")] | length), $s[0], $s[-1]]' "$BG_OUT"
	assert_output '[30,true,true,30,true,"open","closed"]'
}

@test "every round counts for the exit status, not only the last" {
	lab_serve sv tcp:0
	# One connection in six gets through.
	lab_nft sv <<-RULES
		table inet t {
			chain c {
				type filter hook input priority 0
				tcp dport $LAB_PORT tcp flags syn numgen inc mod 6 != 5 reject
			}
		}
	RULES
	run -1 lab_cl portcheck -j -c 6 -i 10ms "$LAB_SV4" "$LAB_PORT"
	run -0 jq -s -r '.[-1] | "\(.sent) \(.open)"' <<<"$output"
	assert_output '6 1'
}

@test "a wait in which nothing could be tested is no answer" {
	lab_serve cl tcp:0
	local taken=$LAB_PORT
	lab_serve sv tcp:0
	run -3 lab_cl portcheck -q -W 300ms --source-port "$taken" 127.0.0.1 "$taken"
	run -0 lab_cl portcheck -q -W 5s "$LAB_SV4" "$LAB_PORT"
}

@test "a wait shows all of its last results, however many" {
	run -0 lab_cl portcheck -j -W 10s --until closed 127.77.0.0/19 1
	assert_equal "${#lines[@]}" 8192
}

@test "a plugin line of a wait speaks of what was waited for, and so does the command" {
	lab_serve sv tcp:0
	run -2 lab_cl portcheck --format=nagios -W 400ms --until closed "$LAB_SV4" \
		"$LAB_PORT" -- touch "$LAB_DIR/ran"
	assert_output --partial 'PORTCHECK CRITICAL'
	[[ ! -e $LAB_DIR/ran ]]
	run -0 lab_cl portcheck --format=nagios -W 5s --until closed "$LAB_SV4" \
		"$(lab_closed_port sv)"
	assert_output --partial 'PORTCHECK OK'
}

@test "few open files end no run late: every silent port gets its verdict" {
	run -1 lab_cl timeout 20 prlimit --nofile=64 portcheck -j -t 1s "$LAB_VOID4" 1-60
	assert_equal "${#lines[@]}" 60
	run -0 jq -r .state <<<"$output"
	assert_equal "$(sort -u <<<"$output")" filtered
}

@test "a sweep of more hosts than there are groups shows each under its own verdict" {
	printf '127.77.%d.%d\n' $(for ((n = 0; n < 1300; n++)); do
		echo $((n / 250)) $((1 + n % 250)); done) >"$LAB_DIR/hosts"
	run -1 lab_cl portcheck -f "$LAB_DIR/hosts" -p 1
	assert_equal "$(grep -c '^closed ' <<<"$output")" 1300
	assert_equal "$(grep -o '127\.77\.[0-9.]*' <<<"$output" | sort -u | wc -l)" 1300
}

@test "the text of repeated checks is numbered and closes with loss and percentiles" {
	lab_serve sv tcp:0
	run -0 --separate-stderr lab_cl portcheck -c 5 -i 10ms "$LAB_SV4" "$LAB_PORT"
	assert_equal "$stderr" ''
	assert_line --index 0 --regexp "^#1 +open +$LAB_SV4:$LAB_PORT .*connected in"
	assert_line --index 4 --regexp '^#5 +open '
	assert_line --index 5 "$LAB_SV4 port $LAB_PORT: 5 checks, 5 open, 0 lost (0.0%)"
	assert_line --index 6 --regexp \
		'^  min [0-9.]+ .*, avg .*, max .*, stddev .*; p50 .*, p95 .*, p99 [0-9.]+ .*s$'
	assert_equal "${#lines[@]}" 7
	refute_output --partial '█'
}

@test "the picture of the times is for a terminal only" {
	lab_serve sv tcp:0
	terminal "portcheck -c 6 -i 10ms $LAB_SV4 $LAB_PORT"
	assert_success
	assert_output --partial '6 checks, 6 open, 0 lost'
	assert_output --partial '█'
	# The bars count all checks.
	run -0 awk '/█|▏|▎|▍|▌|▋|▊|▉/ { sub(/\r$/, ""); n += $NF } END { print n }' <<<"$output"
	assert_output 6
	terminal "portcheck -c 6 -i 10ms $LAB_SV4 $LAB_PORT | cat"
	refute_output --partial '█'
}

# ---- until ---------------------------------------------------------------------------

@test "-W waits for a port that opens later, then runs the command with its exit status" {
	local port
	port=$(lab_closed_port sv)
	count sv seen input "tcp dport $port"
	begin portcheck -j -W 30s "$LAB_SV4" "$port" -- sh -c 'echo "ran with $1"; exit 7' sh x
	lab_wait_until 10 has_counted sv seen 1
	is_over "$BG_PID" && return 1
	lab_serve sv "tcp:$port"
	finish 7
	# One record, of the check that counts, and then the command.
	run -0 head -n 1 "$BG_OUT"
	assert_equal "$(jq -r .state <<<"$output")" open
	run -0 tail -n +2 "$BG_OUT"
	assert_output 'ran with x'
}

@test "-W without a command just ends when the port opens" {
	local port
	port=$(lab_closed_port sv)
	count sv seen input "tcp dport $port"
	begin portcheck -W 30s "$LAB_SV4" "$port"
	lab_wait_until 10 has_counted sv seen 1
	lab_serve sv "tcp:$port"
	finish 0
	run -0 cat "$BG_OUT"
	assert_output --regexp "^open .*$LAB_SV4:$port"
	assert_equal "${#lines[@]}" 1
}

@test "-W waits for a filter to open" {
	lab_serve sv tcp:0
	drop "$LAB_PORT"
	count r1 seen prerouting "tcp dport $LAB_PORT"
	begin portcheck -q -t 400ms -W 30s "$LAB_SV4" "$LAB_PORT"
	lab_wait_until 10 has_counted r1 seen 1
	lab_ns r1 nft delete table inet wall
	finish 0
}

@test "-W ends at its deadline with exit 1, and the command is not run" {
	local closed start
	closed=$(lab_closed_port sv)
	start=$(now_ms)
	run -1 lab_cl portcheck -W 400ms "$LAB_SV4" "$closed" -- touch "$LAB_DIR/ran"
	(($(now_ms) - start >= 400))
	[[ ! -e $LAB_DIR/ran ]]
	assert_output --regexp "^closed .*$LAB_SV4:$closed"
	assert_equal "${#lines[@]}" 1
}

@test "-W bounds a port that is silent too, and a name that nobody resolves" {
	run -1 timeout 20 ip netns exec "$LAB_CL" portcheck -t 60s -W 400ms "$LAB_VOID4" 80
	assert_output --partial filtered
	lab_dns_dead
	run -1 timeout 20 ip netns exec "$LAB_CL" portcheck -t 60s -W 400ms web.test 80
	assert_output --partial unresolved
}

@test "-W --until closed waits for a server to go" {
	lab_serve sv tcp:0
	count sv seen input "tcp dport $LAB_PORT"
	begin portcheck -W 30s --until closed "$LAB_SV4" "$LAB_PORT" -- echo gone
	lab_wait_until 10 has_counted sv seen 2
	is_over "$BG_PID" && return 1
	kill "$LAB_PID"
	finish 0
	run -0 tail -n 1 "$BG_OUT"
	assert_output gone
}

@test "-W --until closed ends at its deadline where the port stays open" {
	lab_serve sv tcp:0
	run -1 lab_cl portcheck -W 300ms --until closed "$LAB_SV4" "$LAB_PORT" -- \
		touch "$LAB_DIR/ran"
	[[ ! -e $LAB_DIR/ran ]]
	assert_output --regexp '^open '
}

@test "-W wants all targets and ports, with --any one of them" {
	local closed
	closed=$(lab_closed_port sv)
	lab_serve sv tcp:0
	run -1 lab_cl portcheck -q -W 300ms "$LAB_SV4" "$LAB_PORT" "$closed"
	run -0 lab_cl portcheck -q -W 20s --any "$LAB_SV4" "$LAB_PORT" "$closed"
	run -1 lab_cl portcheck -q -W 300ms "$LAB_SV4:$LAB_PORT" "$LAB_R1_4:$closed"
	run -0 lab_cl portcheck -q -W 20s --any "$LAB_SV4:$LAB_PORT" "$LAB_R1_4:$closed"
	run -1 lab_cl portcheck -q -W 300ms --any "$LAB_SV4:$closed" "$LAB_R1_4:$closed"
	run -0 lab_cl portcheck -q -W 20s --any --until closed "$LAB_SV4" "$LAB_PORT" "$closed"
}

@test "-W waits for a name that does not exist yet" {
	lab_serve sv tcp:0
	lab_hosts other.test "$LAB_SV4"
	# The look-up fails on the client's own loopback, where no resolver listens.
	count cl seen output 'udp dport 53'
	begin portcheck -W 30s later.test "$LAB_PORT" -- echo there
	lab_wait_until 10 has_counted cl seen 1
	lab_hosts later.test "$LAB_SV4"
	finish 0
	run -0 tail -n 1 "$BG_OUT"
	assert_output there
}

@test "-i sets the rhythm of -W" {
	local closed
	closed=$(lab_closed_port sv)
	count sv seen input "tcp dport $closed"
	run -1 lab_cl portcheck -q -W 1s -i 300ms "$LAB_SV4" "$closed"
	# At 0, 300 and 600 ms; what would begin later has too little time.
	run counted sv seen
	((output >= 2 && output <= 4))
}

@test "SIGTERM ends a wait at once, and the command is not run" {
	local closed
	closed=$(lab_closed_port sv)
	count sv seen input "tcp dport $closed"
	begin portcheck -W 300s "$LAB_SV4" "$closed" -- touch "$LAB_DIR/ran"
	lab_wait_until 10 has_counted sv seen 2
	kill -TERM "$BG_PID"
	finish 143
	[[ ! -e $LAB_DIR/ran ]]
}

# ---- signals -------------------------------------------------------------------------

@test "an interrupted check prints what is known so far" {
	lab_serve sv tcp:0
	local name
	for name in INT TERM; do
		run -0 signal_after "$name" 1 portcheck -j -t 300s "$LAB_SV4:$LAB_PORT" \
			"$LAB_VOID4:80"
		assert_line --index 0 --partial '"state":"open"'
		assert_line --index -1 'died by the signal'
		assert_equal "${#lines[@]}" 2
	done
}

@test "an interrupted sweep says so and counts what is known" {
	lab_serve sv tcp:0
	lab_nft r1 <<-END
		table inet wall {
			chain c {
				type filter hook forward priority 0
				ip saddr $LAB_CL4 tcp dport != $LAB_PORT drop
			}
		}
	END
	# Ten seconds of work; the line comes after the first.
	run -0 signal_after INT 1 portcheck --rate 20 "$LAB_SV4" "$LAB_PORT" 1-200
	assert_line --index 0 --regexp "^open .*:$LAB_PORT"
	assert_line --index -2 --regexp '^[0-9]+ checks? in .*, interrupted: 1 open'
	assert_line --index -1 'died by the signal'
}

# ---- from where ----------------------------------------------------------------------

@test "--netns works in another network namespace, with its names" {
	lab_serve sv tcp:0
	lab_hosts web.test "$LAB_SV4"
	run -0 portcheck -j --netns "$LAB_CL" web.test "$LAB_PORT"
	assert_equal "$(jq -r '"\(.address) \(.state)"' <<<"$output")" "$LAB_SV4 open"
	run -0 portcheck -j --netns "$LAB_CL" -S "$LAB_CL4" -I eth0 "$LAB_SV4" "$LAB_PORT"
	# A zone is an interface of the namespace's too.
	run -0 portcheck --netns "$LAB_CL" -W 5s "$LAB_SV6" "$LAB_PORT" -- ip -br link
	assert_output --partial 'eth0@'
}

@test "--netns takes a name, not a path" {
	lab_serve sv tcp:0
	run -2 portcheck --netns ../../proc/self/ns/net "$LAB_SV4" "$LAB_PORT"
	assert_output "portcheck: option '--netns': '../../proc/self/ns/net': no such network \
namespace"
	run -2 portcheck --netns . "$LAB_SV4" "$LAB_PORT"
	run -2 portcheck --netns "../netns/$LAB_CL" "$LAB_SV4" "$LAB_PORT"
}

@test "--netns without privilege is a clear error and exit 3" {
	lab_serve sv tcp:0
	cp "$(type -P portcheck)" "$LAB_DIR/bin/portcheck"
	chmod 755 "$LAB_DIR/bin/portcheck"
	run -3 --separate-stderr setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" \
		--clear-groups --bounding-set=-all --inh-caps=-all \
		"$LAB_DIR/bin/portcheck" --netns "$LAB_CL" "$LAB_SV4" "$LAB_PORT"
	assert_equal "$output" ''
	assert_regex "$stderr" "^portcheck: option '--netns': '$LAB_CL': .*root"
	[[ $stderr != *$'\n'* ]]
}

@test "-S is the address that the server sees" {
	lab_serve sv tcp:0 udp-echo:0
	lab_addr cl 10.77.0.77/24
	count sv other input "ip saddr 10.77.0.77 tcp dport ${LAB_PORTS[0]}"
	count sv usual input "ip saddr $LAB_CL4 tcp dport ${LAB_PORTS[0]}"
	count sv datagram input "ip saddr 10.77.0.77 udp dport ${LAB_PORTS[1]}"
	run -0 lab_cl_user portcheck -S 10.77.0.77 "$LAB_SV4" "${LAB_PORTS[0]}"
	has_counted sv other 1
	run counted sv usual
	assert_output 0
	run -0 lab_cl_user portcheck -S 10.77.0.77 "$LAB_SV4" "${LAB_PORTS[1]}/udp"
	has_counted sv datagram 1
	run -0 lab_cl_user portcheck "$LAB_SV4" "${LAB_PORTS[0]}"
	has_counted sv usual 1
}

@test "-S chooses the family of a name's addresses" {
	lab_serve sv tcp:0
	lab_hosts web.test "$LAB_SV4" "$LAB_SV6"
	run -0 lab_cl portcheck -j -S "$LAB_CL6" web.test "$LAB_PORT"
	assert_equal "$(jq -r .address <<<"$output")" "$LAB_SV6"
	run -0 lab_cl portcheck -j -S "$LAB_CL4" web.test "$LAB_PORT"
	assert_equal "$(jq -r .address <<<"$output")" "$LAB_SV4"
}

@test "-I chooses the way out" {
	lab_serve sv tcp:0
	# A better route, into a network where nobody is.
	ip -n "$LAB_CL" link add other0 type veth peer name other1
	ip -n "$LAB_CL" link set other0 up
	ip -n "$LAB_CL" link set other1 up
	ip -n "$LAB_CL" addr add 192.0.2.1/24 dev other0
	ip -n "$LAB_CL" route add "$LAB_SV4/32" via 192.0.2.2
	count sv seen input "tcp dport $LAB_PORT"
	run -1 lab_cl_user portcheck -t 300ms "$LAB_SV4" "$LAB_PORT"
	run counted sv seen
	assert_output 0
	run -0 lab_cl_user portcheck -I eth0 "$LAB_SV4" "$LAB_PORT"
	has_counted sv seen 1
}

@test "--source-port is the port that the server sees, time after time" {
	local port
	lab_serve sv tcp:0 tcp:0 udp-echo:0
	port=$(lab_closed_port cl)
	count sv same input "meta l4proto { tcp, udp } th sport $port"
	count sv other input "meta l4proto { tcp, udp } th sport != $port"
	# No TIME_WAIT is left behind that would be in the way.
	run -0 lab_cl_user portcheck -c 3 -i 10ms --source-port "$port" "$LAB_SV4" \
		"${LAB_PORTS[0]}"
	run -0 lab_cl_user portcheck --source-port "$port" "$LAB_SV4" "${LAB_PORTS[@]:0:2}"
	run -0 lab_cl_user portcheck --source-port "$port" "$LAB_SV4" "${LAB_PORTS[2]}/udp"
	has_counted sv same 6
	run counted sv other
	assert_output 0
	run -0 lab_cl ss -Htan state time-wait
	assert_output ''
}

@test "a source port that is in use or privileged is told, not taken for a verdict" {
	lab_serve sv tcp:0
	local target=$LAB_PORT
	lab_serve cl tcp:0
	run -3 lab_cl_user portcheck -j --source-port "$LAB_PORT" "$LAB_SV4" "$target"
	assert_equal "$(jq -r '"\(.state) \(.reason)"' <<<"$output")" 'error address-in-use'
	lab_sysctl cl net.ipv4.ip_unprivileged_port_start=1024
	run -3 lab_cl_user portcheck -j --source-port 1023 "$LAB_SV4" "$target"
	assert_equal "$(jq -r '"\(.state) \(.reason)"' <<<"$output")" 'error permission'
}

@test "--ttl is how far it goes" {
	lab_serve sv tcp:0
	run -1 lab_cl_user portcheck -j --ttl 1 "$LAB_SV4" "$LAB_PORT"
	assert_equal "$(jq -r '"\(.state) \(.reason) \(.from)"' <<<"$output")" \
		"unreachable time-exceeded $LAB_R1_4"
	run -0 lab_cl_user portcheck -j --ttl 2 "$LAB_SV4" "$LAB_PORT"
	run -1 lab_cl_user portcheck -j --ttl 1 "$LAB_SV6" "$LAB_PORT"
	assert_equal "$(jq -r '"\(.state) \(.reason) \(.from)"' <<<"$output")" \
		"unreachable time-exceeded $LAB_R1_6"
	run -0 lab_cl_user portcheck -j --ttl 2 "$LAB_SV6" "$LAB_PORT"
}

# ---- how fast, and which -------------------------------------------------------------

@test "--rate holds the pace" {
	local start
	lab_serve sv tcp:0
	start=$(now_ms)
	run lab_cl portcheck -j --rate 100 "$LAB_SV4" 1-50
	(($(now_ms) - start >= 300))
	assert_equal "${#lines[@]}" 50
}

@test "--parallel 1 checks one after the other" {
	local start
	lab_serve sv tcp:0 tcp:0 tcp:0
	start=$(now_ms)
	run -0 lab_cl portcheck -j --parallel 1 --hold 200ms "$LAB_SV4" "${LAB_PORTS[@]}"
	(($(now_ms) - start >= 600))
	assert_equal "$(jq -r .state <<<"$output" | uniq -c | tr -s ' ')" ' 3 open'
}

@test "--top asks for the first so many ports of its list, and fewer are the same ones" {
	local n want=''
	for n in 1 5 20 94; do
		run -1 lab_cl portcheck -j -v --top "$n" "$LAB_SV4"
		run jq -r .port <<<"$output"
		assert_equal "$(sort -u <<<"$output" | wc -l)" "$n"
		assert_equal "$(sort <<<"$want" | comm -23 - <(sort <<<"$output"))" ''
		want=$output
	done
	run -1 lab_cl portcheck -j --top 5 "$LAB_SV4"
	run jq -r .port <<<"$output"
	assert_line 22
	assert_line 80
	assert_line 443
	# More ports can be asked for beside.
	run -1 lab_cl portcheck -j --top 5 -p 1 "$LAB_SV4"
	assert_equal "${#lines[@]}" 6
}

@test "--all-addresses wants every address of a name" {
	lab_serve sv -S "$LAB_SV4" tcp:0
	lab_hosts web.test "$LAB_SV4" "$LAB_SV6"
	run -0 lab_cl portcheck web.test "$LAB_PORT"
	run -1 lab_cl portcheck --all-addresses web.test "$LAB_PORT"
	run -0 lab_cl portcheck -4 --all-addresses web.test "$LAB_PORT"
}

@test "bad usage sends nothing" {
	lab_serve sv tcp:0
	count cl sent output 'meta l4proto { tcp, udp }'
	run -2 lab_cl portcheck "$LAB_SV4" "$LAB_PORT" 0
	run -2 lab_cl portcheck "$LAB_SV4:$LAB_PORT" 256.1.1.1:80
	run -2 lab_cl portcheck "$LAB_SV4" "$LAB_PORT" --nosuch
	printf '%s:%s\n:80\n' "$LAB_SV4" "$LAB_PORT" >"$LAB_DIR/hosts"
	run -2 lab_cl portcheck -f "$LAB_DIR/hosts"
	run counted cl sent
	assert_output 0
	run -0 lab_cl portcheck "$LAB_SV4" "$LAB_PORT"
	has_counted cl sent 1
}

# ---- monitoring ----------------------------------------------------------------------

@test "--format=nagios says OK and exits 0, with the time as performance data" {
	lab_serve sv tcp:0 tcp:0
	run -0 --separate-stderr lab_cl portcheck --format=nagios -t 2s "$LAB_SV4" \
		"${LAB_PORTS[0]}"
	assert_equal "$stderr" ''
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "^PORTCHECK OK - [^|]*$LAB_SV4:${LAB_PORTS[0]} open[^|]* \
\\| $LAB_SV4:${LAB_PORTS[0]}=0\\.[0-9]{1,6}s;;;0;2\$"
	run -0 lab_cl portcheck --format=nagios "$LAB_SV4" "${LAB_PORTS[@]}"
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "^PORTCHECK OK - 2 of 2 open \\| \
$LAB_SV4:${LAB_PORTS[0]}=[0-9.]+s;;;0;3.5 $LAB_SV4:${LAB_PORTS[1]}=[0-9.]+s;;;0;3.5\$"
}

@test "--format=nagios says CRITICAL and exits 2 when one port is not open" {
	local closed
	closed=$(lab_closed_port sv)
	lab_serve sv tcp:0
	run -2 lab_cl portcheck --format=nagios "$LAB_SV4" "$LAB_PORT" "$closed"
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "^PORTCHECK CRITICAL - 1 of 2 open; $LAB_SV4:$closed closed: .* \
\\| .*$LAB_SV4:$closed=U;;;0;3.5"
	run -2 lab_cl portcheck --format=nagios -t 300ms "$LAB_VOID4" 80
	assert_regex "$output" '^PORTCHECK CRITICAL - .*filtered'
	lab_hosts other.test "$LAB_SV4"
	lab_dns web.test="$LAB_SV4"
	run -2 lab_cl portcheck --format=nagios none.test 80
	assert_regex "$output" '^PORTCHECK CRITICAL - none.test:80 unresolved'
	run -2 lab_cl portcheck -q --format=nagios "$LAB_SV4" "$closed"
	assert_output ''
}

@test "--format=nagios says UNKNOWN and exits 3 when it could not be tested" {
	lab_serve sv tcp:0
	local target=$LAB_PORT
	lab_serve cl tcp:0
	run -3 lab_cl portcheck --format=nagios --source-port "$LAB_PORT" "$LAB_SV4" "$target"
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" '^PORTCHECK UNKNOWN - .* \| .*=U;'
	lab_dns_dead
	run -3 lab_cl portcheck --format=nagios -t 300ms web.test 80
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" '^PORTCHECK UNKNOWN - web.test:80 unresolved'
}

@test "--format=nagios with -W reports the end of the wait" {
	lab_serve sv tcp:0
	run -0 lab_cl portcheck --format=nagios -W 10s "$LAB_SV4" "$LAB_PORT"
	assert_regex "$output" '^PORTCHECK OK - '
	run -2 lab_cl portcheck --format=nagios -W 200ms "$LAB_SV4" "$(lab_closed_port sv)"
	assert_regex "$output" '^PORTCHECK CRITICAL - '
	assert_equal "${#lines[@]}" 1
}

# Strictly by the text exposition format: every metric's HELP, TYPE and samples together,
# once each; no label set twice. Prints "name{labels} value", sorted.
prometheus_check() {
	python3 -c '
import re, sys
text = sys.stdin.read()
assert text.endswith("\n"), "the last line does not end"
seen, metric, samples, state = set(), None, {}, None
for line in text[:-1].split("\n"):
    m = re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)", line)
    if m:
        assert state in (None, "samples"), "HELP behind " + str(state)
        metric, state = m[1], "help"
        assert metric not in seen, "HELP twice: " + line
        seen.add(metric)
        continue
    m = re.fullmatch(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (gauge|counter)", line)
    if m:
        assert state == "help" and m[1] == metric, "TYPE out of place: " + line
        state = "samples"
        continue
    m = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="
                     r"\"(?:[^\"\\\n]|\\[\\\"n])*\",?)*)\} (\S+)", line)
    assert m, "neither comment nor sample: " + line
    assert state == "samples" and m[1] == metric, "sample out of place: " + line
    labels = re.findall(r"(\w+)=(\"(?:[^\"\\]|\\.)*\")", m[2])
    key = (m[1], tuple(sorted(labels)))
    assert key not in samples, "the same sample twice: " + line
    samples[key] = float(m[3])
assert samples, "no samples"
for (name, labels), value in samples.items():
    assert value == value and value >= 0, name
    if name.endswith("_open"):
        assert value in (0, 1), value
    if name.endswith("_seconds"):
        assert value < 60, value
    d = {k: v[1:-1] for k, v in labels}
    print(name, d["target"], d["address"] or "-", d["protocol"], d["port"],
          f"{value:g}" if not name.endswith("_seconds") else "some")
' <<<"$1" | LC_ALL=C sort
}

@test "--format=prometheus is valid, and says 1 for open and 0 for all else" {
	local closed
	closed=$(lab_closed_port sv)
	lab_serve sv tcp:0 udp-echo:0
	lab_hosts web.test "$LAB_SV4" "$LAB_SV6"
	run -1 --separate-stderr lab_cl portcheck --format=prometheus -t 500ms web.test \
		"${LAB_PORTS[0]}" "$closed" "${LAB_PORTS[1]}/udp" "$LAB_VOID4:80" none.test:80
	assert_equal "$stderr" ''
	run -0 prometheus_check "$output"
	local a
	for a in "$LAB_SV4" "$LAB_SV6"; do
		assert_line "portcheck_open web.test $a tcp ${LAB_PORTS[0]} 1"
		assert_line "portcheck_open web.test $a tcp $closed 0"
		assert_line "portcheck_open web.test $a udp ${LAB_PORTS[1]} 1"
		assert_line "portcheck_connect_seconds web.test $a tcp ${LAB_PORTS[0]} some"
		assert_line "portcheck_connect_seconds web.test $a udp ${LAB_PORTS[1]} some"
		refute_line "portcheck_connect_seconds web.test $a tcp $closed some"
		assert_line "portcheck_resolve_seconds web.test $a tcp $closed some"
	done
	assert_line "portcheck_open $LAB_VOID4 $LAB_VOID4 tcp 80 0"
	assert_line "portcheck_open none.test - tcp 80 0"
	assert_equal "$(grep -c '^portcheck_open ' <<<"$output")" 8
}

@test "--format=prometheus has a label set once, also of repeated checks" {
	lab_serve sv tcp:0
	run -0 lab_cl portcheck --format=prometheus -c 3 -i 10ms "$LAB_SV4" "$LAB_PORT"
	run -0 prometheus_check "$output"
	assert_line "portcheck_open $LAB_SV4 $LAB_SV4 tcp $LAB_PORT 1"
	assert_equal "$(grep -c '^portcheck_open ' <<<"$output")" 1
}

# ---- the hint ------------------------------------------------------------------------

@test "a hint to the next tool is for a terminal, and only when that tool is there" {
	lab_serve sv tcp:0
	drop "$LAB_PORT"
	local dir=$LAB_DIR/hint run="-t 100ms $LAB_SV4 $LAB_PORT"
	mkdir "$dir" "$dir/bin"
	cp "$(type -P portcheck)" "$dir/bin/portcheck"
	# Alone.
	terminal "PATH=/nowhere $dir/bin/portcheck $run"
	assert_failure 1
	assert_output --partial filtered
	refute_output --partial 'try:'
	# Beside it.
	printf '#!/bin/sh\n' >"$dir/bin/portblock"
	chmod 755 "$dir/bin/portblock"
	terminal "PATH=/nowhere $dir/bin/portcheck $run"
	assert_failure 1
	assert_line $'try: sudo portblock '"$LAB_SV4 $LAB_PORT"$'\r'
	assert_equal "$(grep -c 'try:' <<<"$output")" 1
	# In PATH.
	mkdir "$dir/path"
	mv "$dir/bin/portblock" "$dir/path/portblock"
	terminal "PATH=/nowhere:$dir/path $dir/bin/portcheck $run"
	assert_output --partial 'try: sudo portblock'
	# No terminal, no question, no hint.
	PATH=$PATH:$dir/path run -1 lab_cl "$dir/bin/portcheck" -t 100ms "$LAB_SV4" "$LAB_PORT"
	assert_output --partial filtered
	refute_output --partial 'try:'
	local args
	for args in -q -j --format=csv --format=nagios; do
		terminal "PATH=/nowhere:$dir/path $dir/bin/portcheck $args $run"
		refute_output --partial 'try:'
	done
	lab_nft_clear r1
	terminal "PATH=/nowhere:$dir/path $dir/bin/portcheck $run"
	assert_success
	refute_output --partial 'try:'
}
