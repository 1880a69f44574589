#!/usr/bin/env bats
# portwho --watch: what is opened, closed, and changes its owner, as it happens.
#
# bats sets stderr, and runs each test in a subshell; the programs are Python's and jq's.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/who_sockets.bash
	source "$BATS_TEST_DIRNAME/who_sockets.bash"
	SCHEMA=$BATS_TEST_DIRNAME/../schema
	who_up
}

teardown() {
	set +T
	lab_down
}

# ---- helpers -------------------------------------------------------------------------

# watch ARGS…: portwho --watch in the background, once it has had its first look. Its
# output goes to WATCHED. A shell without job control has such a job ignore SIGINT.
watch() {
	local -
	set +T
	WATCHED=$LAB_DIR/watched
	ip netns exec "$LAB_CL" setpriv --pdeathsig TERM env --default-signal=INT \
		portwho --watch -i 20ms "$@" </dev/null >"$WATCHED" 2>"$LAB_DIR/watched.err" \
		3>&- 4>&- &
	WATCH_PID=$!
	lab_wait_until 10 has_looked || { cat "$LAB_DIR/watched.err" >&2; return 1; }
}

# It sleeps for its interval alone, and a signal would wake it. Or it is over already.
has_looked() {
	! is_gone "$WATCH_PID" || return 0
	grep -q '^State:.S' "/proc/$WATCH_PID/status" 2>/dev/null &&
		[[ $(readlink "/proc/$WATCH_PID/fd/"* 2>/dev/null) == *'[signalfd]'* ]]
}

# change FILTER: jq's, of a record that has come.
change() {
	jq -e -n "[inputs | select($1)] | length > 0" "$WATCHED" >/dev/null 2>&1
}

await() {
	lab_wait_until 10 change "$1" || {
		echo "no change like $1" >&2
		cat "$WATCHED" "$LAB_DIR/watched.err" >&2
		return 1
	}
}

# ended STATUS: it ends by itself, so.
ended() {
	local status=0
	lab_wait_until 60 is_gone "$WATCH_PID" || kill -KILL "$WATCH_PID"
	wait "$WATCH_PID" || status=$?
	if [[ $status != "$1" ]]; then
		echo "exit status $status, not $1" >&2
		cat "$WATCHED" "$LAB_DIR/watched.err" >&2
		return 1
	fi
}

changes() {
	jq -r '"\(.event) \(.port)/\(.protocol)"' "$WATCHED" | tr '\n' ',' | sed 's/,$//'
}

# ---- changes -------------------------------------------------------------------------

@test "what is opened and closed is told, and what was there before is not" {
	holds 'tcp("127.0.0.1", 4001)'
	local old=$PID
	watch -j
	holds 'tcp("0.0.0.0", 4002); udp("::1", 4003)'
	await '.event == "opened" and .port == 4002'
	await '.event == "opened" and .port == 4003'
	output=$(<"$WATCHED")
	record '.port == 4002' protocol=tcp address=0.0.0.0 exposure=all owner=process
	assert_equal "$(pids true)" "$PID"
	kill -KILL "$PID"
	await '.event == "closed" and .port == 4002'
	await '.event == "closed" and .port == 4003'
	kill -KILL "$old"
	await '.event == "closed" and .port == 4001'
	output=$(<"$WATCHED")
	# By the owner that it had.
	assert_equal "$(pids '.event == "closed" and .port != 4001')" "$PID"
	assert_equal "$(pids '.event == "closed" and .port == 4001')" "$old"
	assert_equal "$(wc -l <"$WATCHED")" 5
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <"$WATCHED"
}

@test "a child that keeps a socket when its parent ends is its new owner" {
	holds '
s = tcp("127.0.0.1", 4001)
say(child())'
	local kid=${WORDS[0]}
	watch -j
	kill -KILL "$PID"
	await '.event == "owner"'
	output=$(<"$WATCHED")
	record true event=owner port=4001 owner=process
	assert_equal "$(pids true)" "$kid"
	kill -KILL "$kid"
	await '.event == "closed"'
	assert_equal "$(changes)" 'owner 4001/tcp,closed 4001/tcp'
}

@test "a parent that ended and is not waited for is no owner any more" {
	holds '
pid = os.fork()
if not pid:
    s = tcp("127.0.0.1", 4001)
    kid = child()
    open("'"$LAB_DIR"'/kid", "w").write("%d %d\n" % (os.getpid(), kid))
    while True:
        signal.pause()
'
	lab_wait_until 10 grep -q . "$LAB_DIR/kid"
	local parent kid
	read -r parent kid <"$LAB_DIR/kid"
	watch -j
	kill -KILL "$parent"
	await '.event == "owner"'
	grep -q '^State:.Z' "/proc/$parent/status"
	output=$(<"$WATCHED")
	assert_equal "$(pids true)" "$kid"
}

@test "a parent that closes its socket and lives on is no owner any more" {
	holds '
s = tcp("127.0.0.1", 4001)
say(child())
signal.signal(signal.SIGUSR1, lambda *_: s.close())'
	watch -j
	kill -USR1 "$PID"
	await '.event == "owner"'
	output=$(<"$WATCHED")
	assert_equal "$(pids true)" "${WORDS[0]}"
}

@test "a descriptor that moves within its process is no change" {
	holds '
s = tcp("127.0.0.1", 4001)
def move(*_):
    global s
    t = s.dup()
    s.close()
    s = t
    open("'"$LAB_DIR"'/moved", "w").write("x\n")
signal.signal(signal.SIGUSR1, move)'
	watch -j
	kill -USR1 "$PID"
	lab_wait_until 10 grep -q x "$LAB_DIR/moved"
	holds 'tcp("127.0.0.1", 4002)'
	await '.port == 4002'
	kill -KILL "$PID"
	await '.port == 4002 and .event == "closed"'
	assert_equal "$(changes)" 'opened 4002/tcp,closed 4002/tcp'
}

@test "a socket that is on its way between processes has no owner, after a while" {
	holds '
s = tcp("127.0.0.1", 4001)
def send(*_):
    a, b = socket.socketpair()
    KEEP.extend([a, b])
    socket.send_fds(a, [b"x"], [s.fileno()])
    s.close()
signal.signal(signal.SIGUSR1, send)'
	watch -j
	kill -USR1 "$PID"
	await '.event == "owner"'
	output=$(<"$WATCHED")
	record true 'processes=[]'
	assert_regex "$(jq -r .owner <<<"$output")" '^(kernel|hidden)$'
	kill -KILL "$PID"
	await '.event == "closed"'
	assert_equal "$(changes)" 'owner 4001/tcp,closed 4001/tcp'
}

@test "one that ends with its process is closed, and has no other owner before" {
	local i
	watch -j
	for i in 1 2 3 4 5; do
		holds "tcp('127.0.0.1', $((4000 + i)))"
		await ".event == \"opened\" and .port == $((4000 + i))"
		kill -KILL "$PID"
		await ".event == \"closed\" and .port == $((4000 + i))"
	done
	assert_equal "$(jq -r .event "$WATCHED" | sort | uniq -c | tr -s ' ' | tr '\n' ',')" ' 5 closed, 5 opened,'
	assert_equal "$(jq -r .owner "$WATCHED" | sort -u)" process
}

@test "sockets that come and go while it looks are never called the kernel's" {
	holds '
def churn():
    while True:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
threads = [threading.Thread(target=churn, daemon=True) for i in range(2)]
for t in threads:
    t.start()'
	watch -j -c 8 -t 60s
	ended 0
	assert_equal "$(jq -r 'select(.event == "owner") | .owner' "$WATCHED")" ''
	# As the last word, where no process is hidden.
	assert_equal "$(jq -r 'select(.owner == "kernel") | .event' "$WATCHED")" ''
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <"$WATCHED"
	assert_output '8 valid, 0 not'
}

@test "text has a line a change, with time, port, address, owner and user" {
	watch
	holds 'called(b"x\x1b[1m"); tcp("::", 4001, v6only=False); tcp("127.0.0.1", 4002, device="lo")'
	lab_wait_until 10 grep -q 'opened 4002' "$WATCHED"
	kill -KILL "$PID"
	lab_wait_until 10 grep -q 'closed 4002' "$WATCHED"
	lab_wait_until 10 grep -q 'closed 4001' "$WATCHED"
	output=$(<"$WATCHED")
	local event
	for event in opened closed; do
		[[ $output =~ [0-9]{2}:[0-9]{2}:[0-9]{2}\ $event\ 4001/tcp\ on\ \*:\ 'x\x1b[1m'\ \(pid\ $PID\),\ user\ root ]]
		[[ $output =~ $event\ 4002/tcp\ on\ 127.0.0.1%lo:\ x ]]
	done
	refute_output --partial $'\e'
}

# ---- filters, ends -------------------------------------------------------------------

@test "filters hold for changes, too" {
	holds 'called("other"); child("signal.pause()")'
	watch -j 4001-4009/tcp web
	holds 'called("web"); tcp("127.0.0.1", 4001); udp("127.0.0.1", 5001)'
	local web=$PID
	holds 'udp("127.0.0.1", 4002); tcp("127.0.0.1", 4003); tcp("127.0.0.1", 4010)'
	await '.port == 4003'
	kill -KILL "$web"
	await '.event == "closed" and .port == 4001'
	await '.event == "closed" and .port == 5001'
	assert_equal "$(jq -r '"\(.event) \(.port)/\(.protocol)"' "$WATCHED" | sort | tr '\n' ',')" \
		'closed 4001/tcp,closed 5001/udp,opened 4001/tcp,opened 4003/tcp,opened 5001/udp,'
}

@test "only what fits --exposed, -u and --user is told" {
	watch -j --exposed -u --user nobody
	local nobody
	nobody=$(id -u nobody)
	holds "udp('0.0.0.0', 4001); tcp('0.0.0.0', 4001)
os.setresuid($nobody, $nobody, $nobody)
tcp('0.0.0.0', 4002); udp('127.0.0.1', 4002); udp('0.0.0.0', 4003)"
	await '.port == 4003'
	# The process is nobody's now, and so is what it made before.
	assert_equal "$(jq -r '"\(.port)/\(.protocol)"' "$WATCHED" | sort | tr '\n' ' ')" '4001/udp 4003/udp '
}

@test "-c ends it after so many changes, exit 0" {
	watch -j -c 3 -t 60s
	holds '[tcp("127.0.0.1", 4000 + i) for i in range(1, 6)]'
	ended 0
	assert_equal "$(wc -l <"$WATCHED")" 3
	assert_equal "$(jq -r .event "$WATCHED" | sort -u)" opened
}

@test "-t ends it, exit 1 where nothing changed and 0 where something did" {
	watch -j -t 300ms
	ended 1
	assert_equal "$(<"$WATCHED")" ''
	watch -q -t 3s
	holds 'tcp("127.0.0.1", 4001)'
	ended 0
	assert_equal "$(<"$WATCHED")" ''
}

@test "SIGINT and SIGTERM end it by the signal, and all that was known is out" {
	local signal number
	for signal in INT TERM HUP; do
		watch -j
		holds 'tcp("127.0.0.1", 4001)'
		await '.event == "opened"'
		kill "-$signal" "$WATCH_PID"
		number=$(kill -l "$signal")
		ended $((128 + number))
		run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <"$WATCHED"
		assert_equal "$(<"$LAB_DIR/watched.err")" ''
		kill -KILL "$PID"
		lab_wait_until 10 is_gone "$PID"
	done
}

@test "a reader that goes away ends it quietly" {
	holds '
def churn():
    while True:
        time.sleep(0.02)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            time.sleep(0.02)
threading.Thread(target=churn, daemon=True).start()'
	{ lab_cl timeout 20 portwho --watch -j -i 10ms 2>"$LAB_DIR/err" ||
		echo $? >"$LAB_DIR/ended"; } | head -n 1 >"$LAB_DIR/out"
	assert_equal "$(<"$LAB_DIR/ended")" 3
	assert_equal "$(wc -l <"$LAB_DIR/out")" 1
	assert_equal "$(<"$LAB_DIR/err")" ''
}

@test "CSV has one header, and an event in each row" {
	watch --format=csv
	holds 'tcp("127.0.0.1", 4001)'
	lab_wait_until 10 grep -q ',4001,' "$WATCHED"
	run -0 python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
print(len(rows), rows[0]["event"], rows[0]["port"])' "$WATCHED"
	assert_output '1 opened 4001'
}

@test "without privilege changes are told, and a hidden owner is no change of owner" {
	local unprivileged
	_lab_public portwho unprivileged
	ip netns exec "$LAB_CL" setpriv --pdeathsig TERM env --default-signal=INT setpriv \
		--reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups \
		--bounding-set=-all --inh-caps=-all "$unprivileged" --watch -j -i 20ms -c 2 -t 60s \
		</dev/null >"$LAB_DIR/watched" 2>"$LAB_DIR/watched.err" 3>&- 4>&- &
	WATCH_PID=$! WATCHED=$LAB_DIR/watched
	# Whose descriptors are not to be seen.
	sleeps() { grep -q '^State:.S' "/proc/$WATCH_PID/status" &&
		[[ $(<"/proc/$WATCH_PID/comm") == portwho ]]; }
	lab_wait_until 10 sleeps
	holds 's = tcp("127.0.0.1", 4001); say(child())'
	await '.event == "opened"'
	kill -KILL "$PID"
	lab_wait_until 10 is_gone "$PID"
	kill -KILL "${WORDS[0]}"
	ended 0
	assert_equal "$(changes)" 'opened 4001/tcp,closed 4001/tcp'
	assert_equal "$(jq -r .owner "$WATCHED" | sort -u)" hidden
}
