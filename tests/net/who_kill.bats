#!/usr/bin/env bats
# portwho --kill, with real processes and sockets in a namespace of the lab. Whoever must
# not be hit is looked at afterwards, not only who must.
#
# bats sets stderr; jq has variables of its own.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0

setup() {
	bats_load_library bats-support
	bats_load_library bats-assert
	# shellcheck source=tests/lab/lab.bash
	source "$BATS_TEST_DIRNAME/../lab/lab.bash"
	lab_require
	# One that nobody may run, too; a python3 in somebody's home is not.
	PYTHON=python3
	[[ ! -x /usr/bin/python3 ]] || PYTHON=/usr/bin/python3
	SCHEMA=$BATS_TEST_DIRNAME/../schema
	# bats' trace of every command makes making a lab several times slower.
	set +T
	lab_up 0
	set -T
	write_serve
	write_terminal
}

teardown() {
	set +T
	lab_down
}

# ---- helpers -------------------------------------------------------------------------

# serve.py [OPTION]… PORT[/udp]…: listens, writes its pid, and then those of its children,
# to standard output. Each child has all sockets.
write_serve() {
	cat >"$LAB_DIR/serve.py" <<-'END'
		import argparse, ctypes, os, signal, socket, subprocess, sys
		p = argparse.ArgumentParser()
		p.add_argument("--ignore", default="")
		p.add_argument("--note")          # SIG=FILE: writes FILE at the signal
		p.add_argument("--fork", type=int, default=0)
		p.add_argument("--bound", action="store_true")
		p.add_argument("--close-at-term", action="store_true")
		p.add_argument("--address", default="127.0.0.1")
		p.add_argument("--name")
		p.add_argument("--run", help="a command, its output, how it ended")
		p.add_argument("--inherit", action="store_true")
		p.add_argument("ports", nargs="+")
		a = p.parse_args()
		if a.name is not None:
		    raw = a.name.encode().decode("unicode_escape").encode("latin-1")
		    ctypes.CDLL(None).prctl(15, ctypes.c_char_p(raw), 0, 0, 0)
		for name in filter(None, a.ignore.split(",")):
		    signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN)
		if a.note:
		    name, _, path = a.note.partition("=")
		    signal.signal(getattr(signal, "SIG" + name),
		                  lambda *_: open(path, "a").write("got it\n"))
		socks = []
		for port in a.ports:
		    number, _, protocol = port.partition("/")
		    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
		    s = socket.socket(socket.AF_INET, kind)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind((a.address, int(number)))
		    if kind == socket.SOCK_STREAM and not a.bound:
		        s.listen()
		    s.set_inheritable(a.inherit)
		    socks.append(s)
		if a.close_at_term:
		    signal.signal(signal.SIGTERM, lambda *_: [s.close() for s in socks])
		pids = [os.getpid()]
		for _ in range(a.fork):
		    pid = os.fork()
		    if not pid:
		        pids = None
		        break
		    pids.append(pid)
		if pids:
		    print(*pids, flush=True)
		if a.run:
		    done = subprocess.run(a.run, shell=True, stdin=subprocess.DEVNULL,
		                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
		                          text=True, close_fds=not a.inherit)
		    print(done.stdout, end="")
		    print("status", done.returncode, flush=True)
		while True:
		    signal.pause()
	END
}

# terminal.py ANSWER CMD…: CMD with a terminal. Once it asks, the command in BEFORE (if set)
# is run, and the ANSWER is typed. All that it printed, and how it ended.
write_terminal() {
	cat >"$LAB_DIR/terminal.py" <<-'END'
		import os, pty, signal, subprocess, sys
		signal.alarm(30)
		answer = sys.argv[1].encode().decode("unicode_escape").encode()
		pid, fd = pty.fork()
		if not pid:
		    os.execvp(sys.argv[2], sys.argv[2:])
		text = b""
		asked = False
		while True:
		    try:
		        more = os.read(fd, 4096)
		    except OSError:
		        more = b""
		    if not more:
		        break
		    text += more
		    if not asked and b"[y/N] " in text:
		        asked = True
		        if os.environ.get("BEFORE"):
		            subprocess.run(os.environ["BEFORE"], shell=True, check=True)
		        os.write(fd, answer)
		sys.stdout.write(text.decode().replace("\r", ""))
		print("asked" if asked else "not asked")
		code = os.waitpid(pid, 0)[1]
		print("signal" if os.WIFSIGNALED(code) else "status",
		      os.WTERMSIG(code) if os.WIFSIGNALED(code) else os.WEXITSTATUS(code))
	END
}

# In the background, in the client: PIDS, the first one being its own.
serve() {
	lab_bg cl "$PYTHON" "$LAB_DIR/serve.py" "$@"
	lab_wait_until 10 grep -qs '^[0-9]' "$LAB_LOG"
	read -r -a PIDS <"$LAB_LOG"
}

# As serve, as nobody.
serve_nobody() {
	lab_bg cl setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" \
		--clear-groups "$PYTHON" "$LAB_DIR/serve.py" "$@"
	lab_wait_until 10 grep -qs '^[0-9]' "$LAB_LOG"
	read -r -a PIDS <"$LAB_LOG"
}

who() {
	lab_cl portwho "$@" </dev/null
}

who_user() {
	lab_cl_user portwho "$@" </dev/null
}

# with_terminal ANSWER CMD…
with_terminal() {
	lab_cl python3 "$LAB_DIR/terminal.py" "$@"
}

# Does it run? What has ended and was not taken note of does not.
runs() {
	local state
	state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
	[[ $state != [ZX]* ]]
}

ended() {
	! runs "$1"
}

listening() {
	[[ $(lab_cl ss -Htln "sport = :$1") ]]
}

# Two opinions, ours and that of a bind.
assert_free() {
	run lab_cl ss -Htlnp "sport = :$1"
	assert_output ''
	run lab_cl python3 -c '
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1])))' "$1"
	assert_success
}

# One value of each record.
values() {
	jq -r "$1" <<<"$output" | tr '\n' ' ' | sed 's/ $//'
}

# ---- the port comes back -------------------------------------------------------------

@test "a server is ended, and its port is free" {
	serve 3000
	run --separate-stderr -0 who --kill 3000 --yes
	assert_line "ended python3 (pid ${PIDS[0]})"
	assert_regex "$stderr" "python3 \(pid ${PIDS[0]}\), user root, since .*, listens on 3000/tcp: [^ ]*python3 .*serve.py 3000"
	run -0 ended "${PIDS[0]}"
	assert_free 3000
}

@test "the second server can start once the first was ended" {
	serve 3000
	run -0 who --kill 3000 --yes
	serve 3000
	run -0 runs "${PIDS[0]}"
	run -0 who -q 3000
}

@test "a developer's session: a port in use is explained, freed, and used again" {
	serve 3000
	local first=${PIDS[0]}
	run lab_ns cl timeout 10 "$PYTHON" "$LAB_DIR/serve.py" 3000
	[[ $status != 0 ]]
	assert_output --partial 'Address already in use'
	run -1 who --free 3000
	assert_line --index 0 --regexp "^3000/tcp is not free: python3 \(pid $first, user root, since .*\) listens on "
	assert_line '  next free: 3001'
	assert_line '  to end it: portwho --kill 3000'
	run -0 with_terminal 'y\n' portwho --kill 3000
	run -0 who --free 3000
	assert_output '3000/tcp is free'
	serve 3000
	run -0 who 3000
	assert_output --partial "pid ${PIDS[0]}, user root"
}

@test "where nothing listens, that is said, and it is no success" {
	run --separate-stderr -1 who --kill 3000 --yes
	assert_output --partial 'nothing listens on 3000/tcp'
	run --separate-stderr -1 who --kill 3000-3005,53/udp --yes
	assert_output 'nothing listens on 3000-3005/tcp, 53/udp'
}

@test "of several ports each is freed" {
	serve 3000
	local first=${PIDS[0]}
	serve 3001
	run -0 who --kill 3000-3005 --yes
	run -0 ended "$first"
	run -0 ended "${PIDS[0]}"
	assert_free 3000
	assert_free 3001
}

@test "what else it listens on is said before" {
	serve 8080 8443 8053/udp
	run --separate-stderr -0 who --kill 8080 --yes
	assert_regex "$stderr" 'listens on 8080/tcp, and also on 8443/tcp, 8053/udp: '
	assert_free 8443
}

@test "what else a process listens on is told in order" {
	serve 8080 9005 9001 9004 8053/udp 9002 9003 9006
	run --separate-stderr -0 who --kill 8080 --yes
	assert_regex "$stderr" 'and also on 9001/tcp, 9002/tcp, 9003/tcp, 9004/tcp, 9005/tcp, 9006/tcp, 8053/udp: '
}

@test "a process that stops listening without ending has freed the port" {
	serve --close-at-term 3000
	run -0 who --kill 3000 --yes
	assert_line "python3 (pid ${PIDS[0]}) has stopped listening on 3000/tcp, and still runs"
	run -0 runs "${PIDS[0]}"
}

@test "a port that is bound without listening comes back, too" {
	serve --bound 3000
	run --separate-stderr who --also bound 3000
	[[ $status == 0 ]] || skip 'this kernel does not show such sockets'
	run --separate-stderr -0 who --kill 3000 --yes
	assert_regex "$stderr" 'bound to 3000/tcp: '
	run -0 ended "${PIDS[0]}"
	assert_free 3000
}

@test "UDP: a bound socket is a server, when it is asked for" {
	serve 3000/udp
	run -1 who --kill 3000 --yes
	run -0 runs "${PIDS[0]}"
	run -0 who --kill 3000/udp --yes
	assert_line "ended python3 (pid ${PIDS[0]})"
	run -0 ended "${PIDS[0]}"
}

@test "quiet: no word, the same end" {
	serve 3000
	run --separate-stderr -0 who -q --kill 3000 --yes
	assert_output ''
	assert_equal "$stderr" ''
	run -0 ended "${PIDS[0]}"
}

# ---- and nobody else -----------------------------------------------------------------

@test "a client of the server stays, and so does one that has the same local port" {
	serve 3000
	local server=${PIDS[0]}
	serve --address 127.0.0.2 4000
	local other=${PIDS[0]}
	# Both are clients; the second one's own port is the one that is asked for.
	lab_bg cl "$PYTHON" -c '
import signal, socket
a = socket.create_connection(("127.0.0.1", 3000))
b = socket.create_connection(("127.0.0.2", 4000), source_address=("127.0.0.3", 3000))
print("connected", flush=True)
signal.pause()'
	local client=$LAB_PID
	lab_wait_until 10 grep -q connected "$LAB_LOG"
	run --separate-stderr -0 who --kill 3000 --yes -j
	assert_equal "$(values 'select(.pid).pid')" "$server"
	# What is left of the connection is in the way of a plain bind.
	assert_equal "$(values '.port_free')" false
	assert_regex "$(values '.port_message')" '3000'
	run -0 ended "$server"
	run -0 runs "$client"
	run -0 runs "$other"
}

@test "another address of the port, of another process, is ended as well: it is shown" {
	serve 3000
	local first=${PIDS[0]}
	serve --address 127.0.0.2 3000
	run --separate-stderr -0 who --kill 3000 --yes
	assert_regex "$stderr" "pid $first"
	assert_regex "$stderr" "pid ${PIDS[0]}"
	run -0 ended "$first"
	run -0 ended "${PIDS[0]}"
}

@test "--pid limits it to one process" {
	serve 3000
	local first=${PIDS[0]}
	serve --address 127.0.0.2 3000
	run --separate-stderr -1 who --kill 3000 --pid "${PIDS[0]}" --yes
	assert_line "ended python3 (pid ${PIDS[0]})"
	assert_line "3000/tcp is still taken by python3 (pid $first)"
	run -0 runs "$first"
	run -0 ended "${PIDS[0]}"
}

@test "--pid limits it to one of those that share a socket" {
	serve --fork 1 3000
	run --separate-stderr -1 who --kill 3000 --pid "${PIDS[1]}" --yes
	run -0 ended "${PIDS[1]}"
	run -0 runs "${PIDS[0]}"
}

@test "--user limits it to that user's processes" {
	serve 3000
	local root=${PIDS[0]}
	serve_nobody --address 127.0.0.2 3000
	run --separate-stderr -1 who --kill 3000 --user nobody --yes
	run -0 runs "$root"
	run -0 ended "${PIDS[0]}"
}

@test "this command's own ancestors are never ended" {
	lab_bg cl "$PYTHON" "$LAB_DIR/serve.py" --run "portwho --kill 3000 --yes" 3000
	lab_wait_until 10 grep -q status "$LAB_LOG"
	run cat "$LAB_LOG"
	assert_line --partial "refused: python3 (pid $LAB_PID): this command was started from it"
	assert_line 'status 1'
	run -0 runs "$LAB_PID"
	run -0 listening 3000
}

@test "a socket that an ancestor shares is of no use to end: all are left alone" {
	lab_bg cl "$PYTHON" "$LAB_DIR/serve.py" --fork 1 --inherit \
		--run "portwho --kill 3000 --yes -j" 3000
	lab_wait_until 10 grep -q status "$LAB_LOG"
	# Parent and child run it; one of them is the other's sibling then.
	# What they print may stand on one line.
	lab_wait_until 10 eval '[[ $(grep -o status "$LAB_LOG" | wc -l) == 2 ]]'
	run grep -c '"action":"signalled"' "$LAB_LOG"
	assert_output 0
	run grep -c '"reason":"self"' "$LAB_LOG"
	refute_output 0
	run -0 runs "$LAB_PID"
}

@test "process 1 is never ended" {
	lab_bg cl unshare --pid --fork --kill-child --mount-proc \
		"$PYTHON" "$LAB_DIR/serve.py" --run "portwho --kill 3000 --yes" 3000
	lab_wait_until 10 grep -q status "$LAB_LOG"
	run cat "$LAB_LOG"
	assert_line --partial 'refused: python3 (pid 1): process 1 is never ended'
	assert_line 'status 1'
	run -0 listening 3000
}

@test "the kernel's own socket is refused" {
	lab_cl ip link add vx type vxlan id 7 dstport 4789 local 127.0.0.1 2>/dev/null ||
		skip 'no VXLAN here'
	lab_cl ip link set vx up
	run -1 who --kill 4789/udp --yes
	assert_output --partial 'refused: 4789/udp: '
	# Where one process can't be looked at, it may be that one's.
	if readlink /proc/1/fd/0 >/dev/null; then
		assert_output --partial "no process holds it, it is the kernel's own"
	else
		assert_output --partial 'no process is seen to hold it'
	fi
}

@test "nobody ends no process of others, and says so" {
	serve 3000
	run --separate-stderr -1 who_user --kill 3000 --yes
	assert_output --partial 'refused: 3000/tcp: its process is hidden from us'
	assert_output --partial 'try: sudo portwho --kill 3000/tcp'
	run -0 runs "${PIDS[0]}"
}

@test "who may look and may not signal says so" {
	serve 3000
	install -m 755 "$(type -P portwho)" "$LAB_DIR/portwho"
	local caps=-all,+sys_ptrace,+dac_read_search
	run --separate-stderr -1 lab_cl setpriv --reuid="$(id -u nobody)" \
		--regid="$(id -g nobody)" --clear-groups --bounding-set=$caps \
		--inh-caps=$caps --ambient-caps=$caps "$LAB_DIR/portwho" --kill 3000 --yes
	assert_line --partial "not permitted: python3 (pid ${PIDS[0]}) is of user root; try: sudo"
	run -0 runs "${PIDS[0]}"
}

@test "nobody ends a process of his own" {
	serve_nobody 3000
	run --separate-stderr -0 who_user --kill 3000 --yes
	assert_line "ended python3 (pid ${PIDS[0]})"
	run -0 ended "${PIDS[0]}"
}

# ---- shared sockets ------------------------------------------------------------------

@test "all that share a socket since a fork are ended, the parent first" {
	serve --fork 3 3000
	run --separate-stderr -0 who --kill 3000 --yes -j
	assert_equal "$(values .pid)" "${PIDS[*]}"
	assert_equal "$(values .ended)" 'true true true true'
	for pid in "${PIDS[@]}"; do
		run -0 ended "$pid"
	done
	assert_free 3000
}

@test "a process that only inherited the socket of a dead parent is found" {
	lab_bg cl "$PYTHON" -c '
import os, socket
s = socket.create_server(("127.0.0.1", 3000))
s.set_inheritable(True)
if os.fork():
    os._exit(0)
os.execvp("sleep", ["sleep", "1000"])'
	lab_wait_until 10 eval 'lab_cl ss -Htlnp "sport = :3000" | grep -q sleep'
	run --separate-stderr -0 who --kill 3000 --yes
	assert_line --regexp '^ended sleep \(pid [0-9]+\)$'
	assert_free 3000
}

# ---- patience and force --------------------------------------------------------------

@test "what ignores SIGTERM stays without --force, and that is said" {
	serve --ignore TERM 3000
	run --separate-stderr -1 who --kill 3000 --yes -t 300ms
	assert_line "still there after 300 ms: python3 (pid ${PIDS[0]}); with --force it is sent SIGKILL"
	run -0 runs "${PIDS[0]}"
	run -0 listening 3000
}

@test "--force ends what ignores SIGTERM after half of the time" {
	serve --ignore TERM 3000
	run --separate-stderr -0 who --kill 3000 --yes --force -t 600ms -j
	assert_equal "$(values '.forced, .ended, (.ended_ms >= 300)')" 'true true true'
	run -0 ended "${PIDS[0]}"
	assert_free 3000
}

@test "--force does not hurry what ends by itself" {
	serve 3000
	run --separate-stderr -0 who --kill 3000 --yes --force -j
	assert_equal "$(values '.forced, .ended')" 'false true'
}

@test "a process that is stopped is still there" {
	serve 3000
	kill -STOP "${PIDS[0]}"
	run --separate-stderr -1 who --kill 3000 --yes -t 200ms
	assert_line --partial "still there after 200 ms: python3 (pid ${PIDS[0]})"
	kill -KILL "${PIDS[0]}"
}

@test "SIGINT while it waits: what is known, and the end by the signal" {
	serve --ignore TERM 3000
	lab_bg cl env --default-signal=INT portwho --kill 3000 --yes -t 60s
	local who=$LAB_PID log=$LAB_LOG
	# It waits once it has signalled, and blocks the signal by then: bit 2 of SigBlk.
	lab_wait_until 10 grep -q '^SigBlk:.*[2367abef]$' "/proc/$who/status"
	kill -INT "$who"
	lab_wait_until 10 ended "$who"
	run cat "$log"
	assert_line "interrupted, still there: python3 (pid ${PIDS[0]})"
	run -0 runs "${PIDS[0]}"
}

# ---- signals -------------------------------------------------------------------------

@test "--signal HUP is sent instead of TERM, and is waited for" {
	serve 3000
	run --separate-stderr -0 who --kill 3000 --yes --signal HUP -j
	assert_equal "$(values '.signal, .ended')" 'HUP true'
	run -0 ended "${PIDS[0]}"
}

@test "a server that reloads at SIGHUP is still there" {
	serve --note "HUP=$LAB_DIR/note" 3000
	run --separate-stderr -1 who --kill 3000 --yes --signal SIGHUP -t 200ms
	assert_line --partial "still there after 200 ms: python3 (pid ${PIDS[0]}); many servers take SIGHUP"
	run -0 runs "${PIDS[0]}"
	lab_wait_until 10 grep -q 'got it' "$LAB_DIR/note"
}

@test "--signal USR1 is sent, and not waited for" {
	serve --note "USR1=$LAB_DIR/note" 3000
	run --separate-stderr -0 who --kill 3000 --yes --signal usr1
	assert_output "sent SIGUSR1 to python3 (pid ${PIDS[0]})"
	lab_wait_until 10 grep -q 'got it' "$LAB_DIR/note"
	run -0 runs "${PIDS[0]}"
}

# ---- consent -------------------------------------------------------------------------

@test "without a terminal --yes is needed: one line, and nothing is touched" {
	serve 3000
	run --separate-stderr -2 who --kill 3000
	assert_output ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" 'expected --yes'
	run -0 runs "${PIDS[0]}"
	run -0 listening 3000
}

@test "on a terminal it asks: no" {
	serve 3000
	run -0 with_terminal 'n\n' portwho --kill 3000
	assert_line --partial "python3 (pid ${PIDS[0]}), user root"
	assert_line "End it? [y/N] n"
	assert_line "left alone: python3 (pid ${PIDS[0]})"
	assert_line 'status 1'
	run -0 runs "${PIDS[0]}"
}

@test "on a terminal it asks: nothing is no, and so is nonsense" {
	serve 3000
	for answer in '\n' 'yess\n' 'no y\n' '\x04'; do
		run -0 with_terminal "$answer" portwho --kill 3000
		assert_line 'asked'
		assert_line 'status 1'
		run -0 runs "${PIDS[0]}"
	done
}

@test "on a terminal it asks: yes" {
	serve 3000
	run -0 with_terminal 'y\n' portwho --kill 3000
	assert_line "ended python3 (pid ${PIDS[0]})"
	assert_line 'status 0'
	run -0 ended "${PIDS[0]}"
}

@test "on a terminal it asks: Ctrl-C ends it and touches nothing" {
	serve 3000
	run -0 with_terminal '\x03' portwho --kill 3000
	assert_line 'signal 2'
	run -0 runs "${PIDS[0]}"
}

@test "who came to the port while it asked is not ended" {
	serve 3000
	local first=${PIDS[0]}
	lab_bg cl sh -c "while ! test -e $LAB_DIR/go; do sleep 0.02; done
		exec $LAB_TOOLS/labsrv tcp:3000"
	local second=$LAB_PID
	# It answers once the first one's port is the second one's.
	export BEFORE="kill $first; : >$LAB_DIR/go
		until ss -Htlnp 'sport = :3000' | grep -q pid=$second; do sleep 0.02; done"
	run -0 with_terminal 'y\n' portwho --kill 3000
	assert_line "gone already: python3 (pid $first) has ended by itself"
	assert_line "3000/tcp is taken again by labsrv (pid $second)"
	assert_line 'status 1'
	run -0 runs "$second"
}

@test "a process that got the number of the one that was shown is not ended" {
	# In a PID namespace of its own the next number can be chosen.
	cat >"$LAB_DIR/reuse.py" <<-'END'
		import os, signal, subprocess, sys
		folder = sys.argv[1]
		def start():
		    p = subprocess.Popen([sys.executable, folder + "/serve.py", "3000"],
		                         stdout=subprocess.PIPE, text=True)
		    return p, int(p.stdout.readline())
		first, pid = start()
		os.environ["BEFORE"] = f"kill -USR1 {os.getpid()}; until test -e {folder}/again; do sleep 0.02; done"
		again = None
		def replace(*_):
		    global again
		    first.kill()
		    first.wait()
		    with open("/proc/sys/kernel/ns_last_pid", "w") as f:
		        f.write(str(pid - 1))
		    again, number = start()
		    print("the same number" if number == pid else "another number", flush=True)
		    open(folder + "/again", "w").close()
		signal.signal(signal.SIGUSR1, replace)
		asker = subprocess.Popen([sys.executable, folder + "/terminal.py", "y\\n",
		                          "portwho", "--kill", "3000"])
		asker.wait()
		print("stays" if again.poll() is None else "ended", flush=True)
	END
	run lab_cl timeout 60 unshare --pid --fork --kill-child --mount-proc \
		"$PYTHON" "$LAB_DIR/reuse.py" "$LAB_DIR"
	assert_line 'the same number'
	assert_line --partial 'gone already: python3'
	assert_line 'status 1'
	assert_line 'stays'
}

@test "with --yes it does not ask, on a terminal neither" {
	serve 3000
	run -0 with_terminal 'n\n' portwho --kill 3000 --yes
	assert_line 'not asked'
	assert_line 'status 0'
	run -0 ended "${PIDS[0]}"
}

@test "where all is refused there is no question" {
	lab_cl ip link add vx type vxlan id 7 dstport 4789 local 127.0.0.1 2>/dev/null ||
		skip 'no VXLAN here'
	lab_cl ip link set vx up
	run -0 with_terminal 'y\n' portwho --kill 4789/udp
	assert_line 'not asked'
	assert_line 'status 1'
}

@test "JSON on a terminal: the question is not among the records" {
	serve 3000
	run -0 with_terminal 'y\n' sh -c "portwho -j --kill 3000 >$LAB_DIR/records"
	assert_line --partial 'End it? [y/N]'
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho-kill.schema.json" <"$LAB_DIR/records"
	run -0 ended "${PIDS[0]}"
}

# ---- supervisors ---------------------------------------------------------------------

@test "a loop that starts the server again is noticed" {
	lab_bg cl sh -c "while :; do $LAB_TOOLS/labsrv tcp:3000; done"
	local loop=$LAB_PID
	lab_wait_until 10 listening 3000
	run --separate-stderr -1 who --kill 3000 --yes
	assert_line --regexp '^ended labsrv \(pid [0-9]+\)$'
	assert_line --regexp "^3000/tcp is taken again: sh \(pid $loop\) has started labsrv \(pid [0-9]+\)"
	run -0 runs "$loop"
	run --separate-stderr -1 who --kill 3000 --yes -j
	assert_equal "$(values .action)" 'signalled restarted'
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho-kill.schema.json" <<<"$output"
}

# ---- text from outside ---------------------------------------------------------------

@test "names and arguments with control characters are escaped" {
	serve --name 'a\x1b[31m\nb' --note $'HUP=/x\e]0;\n\u202e' 3000
	run --separate-stderr -0 who --kill 3000 --yes
	assert_line "ended a\\x1b[31m\\nb (pid ${PIDS[0]})"
	refute_regex "$output$stderr" $'\e'
	assert_regex "$stderr" 'HUP=/x\\x1b\]0;\\n\\u202e'
	run bash -c "grep -c 'pid' <<<'${stderr//\'/}'"
	assert_output 1
}

# ---- records -------------------------------------------------------------------------

@test "every record is as the schema says" {
	serve --fork 1 3000 3001
	serve --ignore TERM 3002
	serve 3003
	lab_cl ip link add vx type vxlan id 7 dstport 4789 local 127.0.0.1 2>/dev/null &&
		lab_cl ip link set vx up
	{
		who -j --kill 3000 --yes || :
		who -j --kill 3002 --yes -t 100ms || :
		who -j --kill 3003 --yes --signal WINCH || :
		who -j --kill 3009 --yes || :
		who -j --kill 3009-3012 --yes || :
		who -j --kill 4789/udp --yes || :
		who_user -j --kill 3003 --yes || :
	} >"$LAB_DIR/records"
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho-kill.schema.json" <"$LAB_DIR/records"
	output=$(<"$LAB_DIR/records")
	assert_equal "$(values 'select(.port == 3000).also[]')" '3001/tcp 3001/tcp'
	assert_equal "$(values 'select(.port == 3002) | .ended, .ended_ms')" 'false null'
}

@test "CSV has one table of all" {
	serve 3000
	run --separate-stderr -0 who --format=csv --kill 3000 --yes
	assert_equal "${#lines[@]}" 2
	assert_line --index 0 --partial 'tool,version,time,port,protocol,ports,also,pid,'
}
