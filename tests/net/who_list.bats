#!/usr/bin/env bats
# portwho's list: every kind of socket, whose it is, how far it is exposed, and what the
# options leave of it; against real processes and sockets in a namespace of their own.
#
# bats sets stderr, and runs each test in a subshell; the programs are Python's, jq's and
# awk's, and '\' is a backslash that is expected.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031,SC1003

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

# ---- sockets -------------------------------------------------------------------------

@test "TCP listeners and UDP sockets are listed with address, family and owner" {
	holds '
for address in "0.0.0.0", "127.0.0.1", "::1", "10.77.0.1", "2001:db8:77::1":
    say(port(tcp(address)), port(udp(address)))'
	who
	assert_equal "$status $stderr" '0 '
	local i=0 address family exposure
	while read -r address family exposure; do
		record ".port == ${WORDS[i]} and .protocol == \"tcp\"" "address=$address" \
			"family=$family" "exposure=$exposure" state=listen backlog=128 queue=0 \
			drops=0 uid=0 user=root owner=process dual_stack=false \
			reuseport_group=null interface=null event=null clients=null
		record ".port == ${WORDS[i + 1]} and .protocol == \"udp\"" "address=$address" \
			"family=$family" "exposure=$exposure" state=unconnected backlog=null \
			queue=0 drops=0 owner=process
		((i += 2))
	done <<-END
		0.0.0.0 inet all
		127.0.0.1 inet loopback
		::1 inet6 loopback
		10.77.0.1 inet address
		2001:db8:77::1 inet6 address
	END
	assert_equal "$(pids true)" "$PID"
	assert_equal "$(wc -l <<<"$output")" 10
	record ".port == ${WORDS[0]} and .protocol == \"tcp\"" \
		"processes=$(jq -c --arg pid "$PID" 'select(.processes[0].fd == 3)
			| .processes | map(select((.pid | tostring) == $pid and .comm == "python3"
			and .cmdline[0] != null and (.exe | startswith("/")) and .user == "root"
			and (.started | endswith("Z"))))' <<<"$output")"
}

@test "dual stack and IPv6 alone are told apart" {
	holds '
say(port(tcp("::", v6only=False)), port(tcp("::", v6only=True)))
say(port(udp("::", v6only=False)), port(udp("::", v6only=True)))'
	who
	record ".port == ${WORDS[0]}" address=:: dual_stack=true exposure=all
	record ".port == ${WORDS[1]}" address=:: dual_stack=false exposure=all
	record ".port == ${WORDS[2]} and .protocol == \"udp\"" dual_stack=true
	record ".port == ${WORDS[3]} and .protocol == \"udp\"" dual_stack=false
	who_text --columns port,address
	assert_line --regexp "^ *${WORDS[0]} +\*$"
	assert_line --regexp "^ *${WORDS[1]} +\[::\]$"
	assert_line --regexp "^ *${WORDS[2]}/udp +\*$"
	assert_line --regexp "^ *${WORDS[3]}/udp +\[::\]$"
}

@test "an IPv4 address inside an IPv6 one is exposed as the IPv4 address is" {
	holds '
say(port(tcp("::ffff:127.0.0.1")), port(tcp("::ffff:10.77.0.1")),
    port(tcp("::ffff:0.0.0.0")))'
	who
	record ".port == ${WORDS[0]}" family=inet6 exposure=loopback dual_stack=false
	record ".port == ${WORDS[1]}" family=inet6 exposure=address
	record ".port == ${WORDS[2]}" family=inet6 exposure=all dual_stack=false
	# They take IPv4, and nothing else.
	who -4
	assert_equal "$(wc -l <<<"$output")" 3
	who -6
	assert_equal "$status" 1
}

@test "a device that a socket is bound to limits its exposure, and is named" {
	holds '
say(port(tcp("0.0.0.0", device="lo")), port(tcp("0.0.0.0", device="eth0")),
    port(udp("::", device="eth0")), port(tcp("127.0.0.1", device="lo")))'
	who
	record ".port == ${WORDS[0]}" exposure=loopback interface=lo address=0.0.0.0
	record ".port == ${WORDS[1]}" exposure=address interface=eth0
	record ".port == ${WORDS[2]}" exposure=address interface=eth0 protocol=udp
	record ".port == ${WORDS[3]}" exposure=loopback interface=lo
	who --exposed
	assert_equal "$(wc -l <<<"$output")" 2
	who_text --columns port,address
	assert_line --regexp "^ *${WORDS[0]} +0\.0\.0\.0%lo$"
	assert_line --regexp "^ *${WORDS[1]} +0\.0\.0\.0%eth0$"
	assert_line --regexp "^ *${WORDS[2]}/udp +\*%eth0$"
}

@test "a link-local address has its zone, once" {
	local ll
	ip -n "$LAB_CL" addr add 169.254.7.7/16 dev eth0
	ll=$(ip -n "$LAB_CL" -o -6 addr show dev eth0 scope link | awk '{ sub("/.*", "", $4); print $4 }')
	holds "
say(port(tcp('$ll%eth0')), port(udp('$ll%eth0')), port(tcp('169.254.7.7')))"
	who
	record ".port == ${WORDS[0]}" "address=$ll%eth0" exposure=link-local interface=eth0
	record ".port == ${WORDS[1]}" "address=$ll%eth0" exposure=link-local protocol=udp
	record ".port == ${WORDS[2]}" address=169.254.7.7 exposure=link-local
	who_text --columns port,address "${WORDS[0]}"
	assert_line --regexp "^${WORDS[0]} +\[$ll%eth0\]$"
}

@test "a bound socket that does not listen is shown with --also bound only" {
	holds '
say(port(tcp("0.0.0.0", bound=True)), port(tcp("::1", bound=True)), port(tcp("127.0.0.1")))'
	who --also bound
	if [[ $(wc -l <<<"$output") == 1 ]]; then
		skip 'this kernel does not list bound sockets (before 6.8)'
	fi
	record ".port == ${WORDS[0]}" state=bound backlog=null owner=process
	record ".port == ${WORDS[1]}" state=bound address=::1
	record ".port == ${WORDS[2]}" state=listen
	who_text --also bound
	assert_line --regexp "^ *PORT .* STATE$"
	assert_regex "$(row "${WORDS[0]}")" 'python3 .* bound$'
	who "${WORDS[0]}"
	assert_equal "$status" 1
	who --also bound "${WORDS[0]}"
	assert_equal "$(pids true)" "$PID"
	who_text --also bound "${WORDS[0]}"
	assert_line --index 0 "${WORDS[0]}/tcp on 0.0.0.0: bound, but it does not listen: nobody can reach it"
	refute_output --partial queue
}

@test "an MPTCP listener is one record" {
	[[ $(lab_cl cat /proc/sys/net/mptcp/enabled 2>/dev/null) == 1 ]] ||
		skip 'this kernel has no MPTCP'
	holds '
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
s.bind(("127.0.0.1", 0))
s.listen(5)
say(port(s), port(tcp("127.0.0.1")))'
	who
	record ".port == ${WORDS[0]}" protocol=mptcp state=listen
	record ".port == ${WORDS[1]}" protocol=tcp
	assert_equal "$(pids true)" "$PID"
	who "${WORDS[0]}/tcp"
	assert_equal "$status" 0
	who_text "${WORDS[0]}" --columns port
	assert_line "${WORDS[0]}/mptcp"
}

@test "unix sockets are shown with --also unix, whatever their names are" {
	mkdir -m 777 "$LAB_DIR/u"
	holds "
def unix(name, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(name)
    if kind != socket.SOCK_DGRAM:
        s.listen(7)
    KEEP.append(s)
os.chdir('$LAB_DIR/u')
unix('plain')
unix('\\0abstract\\0name')
unix('\\x1b[31m\\n\\xe2', socket.SOCK_DGRAM)
unix('\\0' + '\\x1b]0;' + '\\0')
say(port(tcp('127.0.0.1')))"
	who
	assert_equal "$(wc -l <<<"$output")" 1
	who --also unix
	record '.address == "plain"' protocol=unix family=unix state=listen backlog=7 \
		port=null exposure=loopback owner=process dual_stack=null
	record '.address == "@abstract\\x00name"' state=listen
	record '.address == "@\\x1b]0;\\x00"' state=listen
	record '.address == "\\x1b[31m\\nâ"' state=unconnected
	assert_equal "$(pids '.protocol == "unix"')" "$PID"
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <<<"$output"
	who_text --also unix --columns port,address,process
	assert_line --regexp '^ *unix +@abstract\\x00name +python3$'
	refute_output --partial $'\e'
	# They have no port, no family, and nobody else reaches them.
	who --also unix "${WORDS[0]}"
	assert_equal "$(jq -r .protocol <<<"$output")" tcp
	who --also unix -4
	assert_equal "$(jq -r .protocol <<<"$output")" tcp
	who --also unix --exposed
	assert_equal "$status" 1
}

@test "raw sockets are shown with --also raw, by their protocol" {
	holds '
made(socket.SOCK_RAW, "0.0.0.0", 0, protocol=1)
made(socket.SOCK_RAW, "::1", 0, protocol=58)
say(port(tcp("127.0.0.1")))'
	who
	assert_equal "$(wc -l <<<"$output")" 1
	who --also raw
	if [[ $(wc -l <<<"$output") == 1 ]]; then
		assert_equal "$stderr" \
			'portwho: warning: raw sockets are not shown: this kernel cannot list them (no raw_diag)'
		skip 'this kernel has no raw_diag'
	fi
	record '.protocol == "raw" and .family == "inet"' port=0 address=0.0.0.0 exposure=all \
		state=unconnected owner=process reuseport_group=null
	record '.protocol == "raw" and .family == "inet6"' address=::1 exposure=loopback
	who_text --also raw --columns port,address,process
	assert_line --regexp '^ *raw:1 +0\.0\.0\.0 +python3$'
	assert_line --regexp '^ *raw:58 +\[::1\] +python3$'
	who_text --also raw --tree
	assert_output --partial 'raw:58'
	who_text -v --also raw
	assert_line --partial 'raw:1 on 0.0.0.0'
	refute_output --partial '/raw'
	# Its protocol is no port.
	who --also raw 1
	assert_equal "$status" 1
}

@test "a kernel's own socket is the kernel's, or hidden where we cannot know" {
	lab_cl ip link add vx0 type vxlan id 7 dstport 4789 dev eth0 2>/dev/null ||
		skip 'this kernel has no VXLAN'
	lab_cl ip link set vx0 up
	who 4789/udp
	assert_equal "$status" 0
	local owners
	owners=$(jq -r .owner <<<"$output" | sort -u)
	assert_regex "$owners" '^(kernel|hidden)$'
	assert_equal "$(jq -c .processes <<<"$output" | sort -u)" '[]'
	# Nothing else may be said where a process is not to be seen: root's view of all, in
	# the first pid namespace.
	if [[ $(readlink /proc/self/ns/pid) != 'pid:[4026531836]' ]]; then
		assert_equal "$owners" hidden
	fi
	who_text 4789/udp --columns port,process
	assert_regex "$(row 4789/udp)" "\\($owners\\)"
	who_text 4789/udp
	if [[ $owners == kernel ]]; then
		assert_output --partial 'none: the kernel itself'
	else
		assert_output --partial 'process    hidden: of user root'
	fi
}

# ---- queues --------------------------------------------------------------------------

has_drops() {
	who "$1"
	[[ $(jq -r .drops <<<"$output") -gt 0 ]]
}

@test "a full accept queue and what it dropped are counted" {
	holds '
s = tcp("127.0.0.1", backlog=1)
for i in range(2):
    c = socket.create_connection(("127.0.0.1", port(s)))
    KEEP.append(c)
# No more fits; the SYN is dropped, and sent again.
late = socket.socket()
late.setblocking(False)
late.connect_ex(("127.0.0.1", port(s)))
KEEP.append(late)
say(port(s))'
	lab_wait_until 10 has_drops "${WORDS[0]}"
	record true queue=2 backlog=1
	who_text "${WORDS[0]}"
	assert_output --partial 'full: 2 connections wait to be accepted, 1 may: new ones are dropped;'
	refute_output --partial '; 0 dropped'
	who_text --columns port,queue,drops
	assert_regex "$(row "${WORDS[0]}")" ' 2/1 +[1-9]'
}

@test "what a UDP socket has not read is its queue, in bytes" {
	holds '
s = udp("127.0.0.1")
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
c = udp("127.0.0.2")
for i in range(200):
    c.sendto(b"x" * 500, s.getsockname())
say(port(s))'
	who "${WORDS[0]}/udp"
	assert_equal "$(jq '.queue >= 500 and .drops > 0' <<<"$output")" true
	who_text "${WORDS[0]}/udp"
	assert_output --regexp 'queue +[0-9]+ bytes unread; [0-9]+ dropped so far'
}

# ---- owners --------------------------------------------------------------------------

@test "workers that share a port by SO_REUSEPORT are one row, and each has its record" {
	holds '
s = tcp("0.0.0.0", reuse=True)
say(port(s), *(child("tcp(\"0.0.0.0\", %d, reuse=True)" % port(s)) for i in range(3)))'
	are_there() {
		who "${WORDS[0]}"
		[[ $(wc -l <<<"$output") == 4 ]]
	}
	lab_wait_until 10 are_there
	assert_equal "$(jq -r .reuseport_group <<<"$output" | sort -u)" 4
	# The children have the parent's as well.
	assert_equal "$(jq -r '.processes | length' <<<"$output" | sort | tr '\n' ' ')" '1 1 1 4 '
	assert_equal "$(pids true)" "$(printf '%s\n' "$PID" "${WORDS[@]:1}" | sort -n | tr '\n' ' ' | sed 's/ $//')"
	who_text --columns port,sockets,pid
	assert_regex "$(row "${WORDS[0]}")" "^ *${WORDS[0]} +4 +$PID\\+3\$"
	who_text "${WORDS[0]}"
	assert_output --partial '4 that share the port'
	local pid
	for pid in "${WORDS[@]:1}"; do
		assert_output --partial "python3 (pid $pid)"
	done
}

@test "workers with a socket each, and none of their parent's, are all named on the page" {
	holds '
free = tcp("127.0.0.1")
number = port(free)
free.close()
KEEP.clear()
say(number, *(child("tcp(\"127.0.0.1\", %d, reuse=True)" % number) for i in range(3)))'
	are_there() {
		who "${WORDS[0]}"
		[[ $(wc -l <<<"$output") == 3 ]]
	}
	lab_wait_until 10 are_there
	assert_equal "$(jq -r '.processes | length' <<<"$output" | sort -u)" 1
	who_text --columns port,sockets,pid
	assert_regex "$(row "${WORDS[0]}")" "^ *${WORDS[0]} +3 +[0-9]+\\+2\$"
	who_text "${WORDS[0]}"
	assert_equal "$(grep -o "pid [0-9]*" <<<"$output" | sort -u | grep -c -E " (${WORDS[1]}|${WORDS[2]}|${WORDS[3]})$")" 3
}

@test "two programs that share a port are two rows, though one shell started both" {
	holds a.py 'say(port(tcp("0.0.0.0", reuse=True)))'
	local port=${WORDS[0]} first=$PID
	holds b.py "tcp('0.0.0.0', $port, reuse=True)"
	who "$port"
	assert_equal "$(jq -r .reuseport_group <<<"$output" | sort | tr '\n' ' ')" '2 2 '
	who_text --columns port,sockets,pid "$port"
	assert_line --regexp "^$port +1 +$first\$"
	assert_line --regexp "^$port +1 +$PID\$"
	who_text "$port"
	assert_line --regexp "process +python3, pid $first,"
	assert_line --regexp "process +python3, pid $PID,"
}

@test "a program and another one that it started are two rows on one port" {
	holds a.py '
s = tcp("0.0.0.0", reuse=True)
KEEP.append(os.pipe())
r, w = KEEP[-1]
os.set_inheritable(w, True)
if not os.fork():
    os.execv(sys.executable, [sys.executable, "-c", """
import os, signal, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("0.0.0.0", int(sys.argv[1])))
s.listen()
os.write(int(sys.argv[2]), str(os.getpid()).encode())
signal.alarm(300)
signal.pause()""", str(port(s)), str(w)])
say(port(s), os.read(r, 20).decode())'
	who_text --columns port,pid "${WORDS[0]}"
	assert_line --regexp "^${WORDS[0]} +$PID\$"
	assert_line --regexp "^${WORDS[0]} +${WORDS[1]}\$"
}

@test "both wildcards of one program are one row, those of two are two" {
	holds a.py '
s = tcp("0.0.0.0")
tcp("::", port(s), v6only=True)
say(port(s), port(tcp("0.0.0.0")))'
	local one=${WORDS[0]} two=${WORDS[1]} first=$PID
	holds b.py "tcp('::', $two, v6only=True)"
	who_text --columns port,address,sockets,pid
	assert_regex "$(row "$one")" "^ *$one +\\* +2 +$first\$"
	assert_line --regexp "^ *$two +0\.0\.0\.0 +1 +$first\$"
	assert_line --regexp "^ *$two +\[::\] +1 +$PID\$"
	who_text "$one"
	assert_output --partial "$one/tcp on every address, IPv4 and IPv6:"
}

@test "a socket that was inherited has both processes, and the child alone once the parent ended" {
	holds '
s = tcp("127.0.0.1")
say(port(s), child())'
	local port=${WORDS[0]} kid=${WORDS[1]}
	who "$port"
	assert_equal "$(pids true)" "$(printf '%s\n' "$PID" "$kid" | sort -n | tr '\n' ' ' | sed 's/ $//')"
	who_text --columns port,pid "$port"
	assert_line --regexp "^$port +$PID\\+1\$"
	who_text "$port"
	assert_line --regexp "process +python3, pid $PID,"
	assert_line --regexp "shared by +python3 \(pid $kid\)\$"
	kill -KILL "$PID"
	lab_wait_until 10 is_gone "$PID"
	who "$port"
	assert_equal "$(pids true)" "$kid"
	who_text --columns port,process,pid "$port"
	assert_line --regexp "^$port +python3 +$kid\$"
}

@test "a descriptor that was passed to another process makes it a holder" {
	holds "
s = tcp('127.0.0.1')
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
u.bind('$LAB_DIR/pass')
KEEP.append(u)
say(port(s))
def hand_over():
    who = u.recvfrom(10)[1]
    u.connect(who)
    socket.send_fds(u, [b'x'], [s.fileno()])
    s.close()
threading.Thread(target=hand_over, daemon=True).start()"
	local port=${WORDS[0]} first=$PID
	holds "
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
u.bind('$LAB_DIR/take')
u.sendto(b'x', '$LAB_DIR/pass')
KEEP.append(socket.recv_fds(u, 10, 1))"
	has_passed() {
		who "$port"
		[[ $(pids true) == "$PID" ]]
	}
	lab_wait_until 10 has_passed
	assert_equal "$(jq -r .owner <<<"$output")" process
}

@test "names of processes are shown as they are, with what could harm escaped" {
	local port
	holds '
called("a) (b c")
say(port(tcp("127.0.0.1")))'
	port=${WORDS[0]}
	who "$port"
	assert_equal "$(jq -r '.processes[0].comm' <<<"$output")" 'a) (b c'
	who 'a) (b c'
	record true "port=$port"
	holds '
called(b"\x1b[31m\n\xff\x9b")
say(port(tcp("127.0.0.1")))'
	who "${WORDS[0]}"
	assert_equal "$(jq -r '.processes[0].comm' <<<"$output")" '\x1b[31m\n\xff\x9b'
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <<<"$output"
	who_text
	assert_line --regexp "^ *$port .* a\) \(b c +[0-9]+ root"
	assert_line --regexp "^ *${WORDS[0]} .* \\\\x1b\[31m\\\\n\\\\xff\\\\x9b +$PID root"
	who_text "${WORDS[0]}"
	assert_line --regexp 'process +\\x1b\[31m\\n\\xff\\x9b, pid '
	who_text --tree
	assert_output --partial '\x1b[31m\n\xff\x9b (pid '
	refute_output --partial $'\e'
	who "$(printf '\x1b[31m\n\xff\x9b')"
	record true "port=${WORDS[0]}"
}

@test "arguments are shown as a shell would take them, and escaped" {
	local script="$LAB_DIR/it's \$5"$'\e'.py
	holds pass
	sed '$d' "$LAB_DIR/program$_WHO_N.py" >"$script"
	printf '%s\n' 's = tcp("127.0.0.1")' 'say(port(s))' 'ready()' >>"$script"
	_lab_ready "$LAB_CL" "$LAB_DIR/holds.log" setpriv --pdeathsig TERM python3 "$script" \
		'' 'a b' '*' $'\n' plain
	who "${LAB_PORTS[0]}"
	assert_equal "$(jq -c '.processes[0].cmdline[2:]' <<<"$output")" '["","a b","*","\\n","plain"]'
	who_text "${LAB_PORTS[0]}"
	assert_line --partial "/it'\\''s \$5\\x1b.py' '' 'a b' '*' '\\n' plain"
	refute_output --partial $'\e'
}

# ---- filters -------------------------------------------------------------------------

# ports ARGS…: of the records, sorted.
ports() {
	who "$@"
	jq -r '"\(.port)/\(.protocol)"' <<<"$output" | sort -n | uniq | tr '\n' ' ' | sed 's/ $//'
}

@test "ports, ranges, lists and service names choose" {
	holds '
for n in 22, 80, 3000, 3001, 3010:
    tcp("127.0.0.1", n)
for n in 53, 3000:
    udp("127.0.0.1", n)'
	assert_equal "$(ports)" '22/tcp 53/udp 80/tcp 3000/tcp 3000/udp 3001/tcp 3010/tcp'
	assert_equal "$(ports 3000)" '3000/tcp 3000/udp'
	assert_equal "$(ports 3000/udp)" '3000/udp'
	assert_equal "$(ports 3000/tcp)" '3000/tcp'
	assert_equal "$(ports -u 3000)" '3000/udp'
	assert_equal "$(ports --tcp 3000)" '3000/tcp'
	assert_equal "$(ports 3000-3005)" '3000/tcp 3000/udp 3001/tcp'
	assert_equal "$(ports 3001-3010/tcp 53/udp)" '53/udp 3001/tcp 3010/tcp'
	assert_equal "$(ports ssh,http)" '22/tcp 80/tcp'
	assert_equal "$(ports domain)" '53/udp'
	assert_equal "$(ports -p 22,80 python3)" '22/tcp 80/tcp'
	assert_equal "$(ports 22 80)" '22/tcp 80/tcp'
	assert_equal "$(ports --tcp)" '22/tcp 80/tcp 3000/tcp 3001/tcp 3010/tcp'
	assert_equal "$(ports -u)" '53/udp 3000/udp'
	assert_equal "$(ports 1-21 23-79)" '53/udp'
	who 81
	assert_equal "$status,$output" 1,
	who 53/tcp
	assert_equal "$status,$output" 1,
	who -p 81 python3
	assert_equal "$status,$output" 1,
}

@test "of several operands one has to fit, of options all" {
	holds 'called("web-one"); tcp("127.0.0.1", 4001); tcp("127.0.0.1", 4002)'
	local one=$PID
	holds 'called("web-two"); tcp("127.0.0.1", 4003); tcp("0.0.0.0", 4004)'
	assert_equal "$(ports web-one)" '4001/tcp 4002/tcp'
	assert_equal "$(ports web-one web-two)" '4001/tcp 4002/tcp 4003/tcp 4004/tcp'
	assert_equal "$(ports web-one 4003)" '4001/tcp 4002/tcp 4003/tcp'
	assert_equal "$(ports 4001,4004 web-two)" '4001/tcp 4003/tcp 4004/tcp'
	assert_equal "$(ports web-one --pid "$one" 4003)" '4001/tcp 4002/tcp'
	assert_equal "$(ports -p 4001,4004 web-two)" '4004/tcp'
	assert_equal "$(ports --exposed web-two 4001)" '4004/tcp'
	assert_equal "$(ports --pid "$PID" --user root)" '4003/tcp 4004/tcp'
	assert_equal "$(ports --user 0 --exposed)" '4004/tcp'
	who --pid "$PID" --user nobody
	assert_equal "$status,$output" 1,
	who --pid 4194304
	assert_equal "$status,$output" 1,
	who web
	assert_equal "$status,$output" 1,
	# More than one port, or a name: a table.
	who_text web-one 4003
	assert_line --regexp '^PORT '
	assert_equal "$(wc -l <<<"$output")" 4
	# An executable's name is a process's, too; a name that is a service's is with -p.
	assert_equal "$(ports "$(basename "$(readlink "/proc/$PID/exe")")")" '4001/tcp 4002/tcp 4003/tcp 4004/tcp'
	holds 'called("ssh"); tcp("127.0.0.1", 4005)'
	who ssh
	assert_equal "$status" 1
	assert_equal "$(ports -p 1-65535 ssh)" '4005/tcp'
}

@test "families are those that a socket takes" {
	holds '
tcp("0.0.0.0", 4001)
tcp("::", 4002, v6only=False)
tcp("::", 4003, v6only=True)
tcp("::1", 4004)
udp("127.0.0.1", 4005)'
	assert_equal "$(ports -4)" '4001/tcp 4002/tcp 4005/udp'
	assert_equal "$(ports -6)" '4002/tcp 4003/tcp 4004/tcp'
	assert_equal "$(ports -6 -u)" ''
	assert_equal "$(ports -4 --exposed)" '4001/tcp 4002/tcp'
}

@test "--user takes the socket's user and the process's" {
	local nobody
	nobody=$(id -u nobody)
	holds "
tcp('127.0.0.1', 4001)
tcp('127.0.0.1', 4002)
os.setresuid($nobody, $nobody, $nobody)
tcp('127.0.0.1', 4003)"
	assert_equal "$(ports --user nobody)" '4001/tcp 4002/tcp 4003/tcp'
	assert_equal "$(ports --user root)" '4001/tcp 4002/tcp'
	who 4003
	record true "uid=$nobody" user=nobody
	who -n 4003
	record true "user=$nobody" service=null
	who 4001
	record true uid=0 user=root
	assert_equal "$(jq -r '.processes[0].user' <<<"$output")" nobody
}

# ---- order and form ------------------------------------------------------------------

# column N ARGS…: of the table without headings, its cells in order.
column() {
	local n=$1
	shift
	who_text --no-headings "$@"
	awk -v n="$n" '{ print $n }' <<<"$output" | tr '\n' ' ' | sed 's/ $//'
}

@test "the table is sorted by port, or as --sort says" {
	holds a.py '
called("bbb")
s = tcp("127.0.0.1", 4003)
for i in range(2):
    KEEP.append(socket.create_connection(("127.0.0.1", 4003)))
udp("0.0.0.0", 4001)
tcp("0.0.0.0", 4001)'
	local one=$PID
	holds b.py "
called('aaa')
tcp('10.77.0.1', 4002)
os.setresuid($(id -u nobody), -1, -1)
tcp('::', 4000)"
	assert_equal "$(column 1 --columns port)" '4000 4001 4001/udp 4002 4003'
	assert_equal "$(column 1 --columns process --sort process)" 'aaa aaa bbb bbb bbb'
	assert_equal "$(column 1 --columns port --sort exposure)" '4000 4001 4001/udp 4002 4003'
	assert_equal "$(column 1 --columns exposure --sort exposure)" 'all all all address loopback'
	assert_equal "$(column 1 --columns queue --sort queue | cut -d' ' -f1)" '2/128'
	assert_equal "$(column 1 --columns address --sort address)" '0.0.0.0 0.0.0.0 10.77.0.1 127.0.0.1 *'
	assert_equal "$(column 1 --columns pid --sort since | cut -d' ' -f1,5)" "$PID $one"
	assert_equal "$(column 1 --columns pid --sort pid)" \
		"$(printf '%s\n' "$one" "$one" "$one" "$PID" "$PID" | sort -n | tr '\n' ' ' | sed 's/ $//')"
}

@test "records are in the order of the table" {
	holds a.py '
called("bbb")
for n in 4005, 4003, 4001:
    tcp("127.0.0.1", n)
for i in range(2):
    tcp("0.0.0.0", 4002, reuse=True)'
	holds b.py 'called("aaa"); tcp("127.0.0.1", 4004)'
	who
	assert_equal "$(jq -r .port <<<"$output" | tr '\n' ' ')" '4001 4002 4002 4003 4004 4005 '
	who --sort process
	assert_equal "$(jq -r .port <<<"$output" | tr '\n' ' ')" '4004 4001 4002 4002 4003 4005 '
	who_text --format=csv --sort exposure
	assert_equal "$(python3 -c 'import csv, sys
print(*(row["port"] for row in csv.DictReader(sys.stdin)))' <<<"$output")" \
		'4002 4002 4001 4003 4004 4005'
}

@test "--columns chooses and orders columns, and +NAME adds one" {
	holds 'tcp("127.0.0.1", 3306)'
	who_text --columns pid,PORT,protocol,state,sockets,inode
	assert_line --index 0 --regexp '^ *PID +PORT +PROTOCOL +STATE +SOCKETS +INODE$'
	assert_line --index 1 --regexp "^ *$PID +3306 +tcp +listen +1 +[0-9]+\$"
	who_text --columns +command,queue
	assert_line --index 0 --regexp '^ *PORT +SERVICE +ADDRESS .* SINCE +COMMAND +QUEUE$'
	who_text --no-headings --columns service,port,service
	assert_output --regexp '^mysql +3306$'
	who_text -n --no-headings --columns port,service
	assert_output 3306
}

@test "the table fits the width of a terminal, and is as wide as it gets in a pipe" {
	holds '
called("a-long-name-ab")
tcp("2001:db8:77::1", 40000)
udp("127.0.0.1", 40001)'
	run lab_cl env -u NO_COLOR TERM=xterm SHELL=/bin/sh timeout 30 script -qec \
		'stty cols 80; portwho --color=never --columns +command' /dev/null </dev/null
	assert_output --partial '[2001:db8:77::1]'
	run -1 grep -n -E '.{81}' <<<"${output//$'\r'/}"
	who_text --columns +command
	assert_line --partial "$LAB_DIR/program"
	refute_output --regexp ' $'
}

@test "--tree shows units, processes and their ports" {
	holds '
called("served")
tcp("127.0.0.1", 3306)
udp("0.0.0.0", 4000)
say(child())'
	who_text --tree
	assert_line --index 0 --regexp '^OWNER +ADDRESS +EXPOSURE +USER +SINCE$'
	assert_line --regexp "served \\(pid $PID and 1 more\\) +root"
	assert_line --regexp '3306/tcp mysql +127\.0\.0\.1 +loopback$'
	assert_line --regexp '4000/udp +0\.0\.0\.0 +all$'
	who_text --tree --no-headings
	refute_output --partial OWNER
	who_text --tree 3306
	refute_output --partial 4000/udp
}

# ---- formats -------------------------------------------------------------------------

many_kinds() {
	mkdir -m 777 "$LAB_DIR/u"
	holds "
called(b'x\\x1b\\n')
for address in '0.0.0.0', '127.0.0.1', '::1', '::':
    tcp(address)
    udp(address)
tcp('0.0.0.0', device='eth0')
tcp('127.0.0.1', bound=True)
s = tcp('127.0.0.1', reuse=True)
tcp('127.0.0.1', port(s), reuse=True)
KEEP.append(socket.create_connection(s.getsockname()))
made(socket.SOCK_RAW, '0.0.0.0', 0, protocol=1)
u = socket.socket(socket.AF_UNIX)
u.bind('$LAB_DIR/u/\\x1b')
u.listen(1)
child()
say(port(s))"
}

@test "every JSON record is as the schema says" {
	many_kinds
	lab_cl ip link add vx0 type vxlan id 7 dstport 4789 dev eth0 2>/dev/null &&
		lab_cl ip link set vx0 up
	local n all="$LAB_DIR/all"
	{
		lab_cl portwho -j --also unix,raw,bound,sctp
		lab_cl portwho -j -v --also unix,raw,bound
		lab_cl portwho -j "${WORDS[0]}"
		lab_cl portwho -j -n
		lab_cl_user portwho -j --also unix,raw,bound
		lab_cl_user portwho -j "${WORDS[0]}"
	} >"$all"
	n=$(wc -l <"$all")
	((n >= 50))
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <"$all"
	assert_output "$n valid, 0 not"
}

@test "CSV has the columns of JSON, one header, and parses" {
	many_kinds
	cat >"$LAB_DIR/read.py" <<-'END'
		import csv, json, sys
		rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
		records = [json.loads(line) for line in open(sys.argv[2])]
		assert rows[0] == list(records[0]), "not the same columns"
		assert all(len(row) == len(rows[0]) for row in rows), "uneven rows"
		assert len(rows) == len(records) + 1, "not as many rows"
		for row, record in zip(csv.DictReader(open(sys.argv[1], newline="")), records):
		    for key in "protocol", "address", "port", "inode", "cookie":
		        assert row[key] == str(record[key] if record[key] is not None else ""), key
		    assert json.loads(row["processes"]) == record["processes"]
	END
	lab_cl portwho --format=csv --also unix,raw,bound >"$LAB_DIR/csv"
	lab_cl portwho -j --also unix,raw,bound >"$LAB_DIR/json"
	run -0 python3 "$LAB_DIR/read.py" "$LAB_DIR/csv" "$LAB_DIR/json"
	# A header even where nothing is found.
	run -1 lab_cl portwho --format=csv 1
	assert_output --regexp '^tool,version,time,protocol,[^[:space:]]*$'
}

@test "Prometheus can read it" {
	many_kinds
	cat >"$LAB_DIR/read.py" <<-'END'
		import re, sys
		seen, types = set(), {}
		label = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
		for line in sys.stdin.read().split("\n")[:-1]:
		    if line.startswith("# TYPE "):
		        _, _, name, kind = line.split(" ")
		        assert name not in types, name
		        types[name] = kind
		        continue
		    if line.startswith("# HELP "):
		        continue
		    m = re.fullmatch(r"([a-z_]+)(\{%s(?:,%s)*\}) ([0-9.]+)" % (label, label), line)
		    assert m, line
		    assert m.group(1) in types, line
		    assert (m.group(1), m.group(2)) not in seen, line
		    seen.add((m.group(1), m.group(2)))
		for name in sorted(types):
		    print(name, types[name], sum(n == name for n, _ in seen))
	END
	lab_cl portwho --format=prometheus >"$LAB_DIR/metrics"
	who
	run -0 python3 "$LAB_DIR/read.py" <"$LAB_DIR/metrics"
	assert_line --regexp '^portwho_backlog gauge 7$'
	assert_line --regexp '^portwho_drops_total counter 11$'
	assert_line --regexp '^portwho_queue gauge 11$'
	run -0 grep -c "^portwho_queue{.*port=\"${WORDS[0]}\".*} 1\$" "$LAB_DIR/metrics"
	assert_output 1
}

# ---- without privilege ---------------------------------------------------------------

@test "without privilege all sockets are there, our own are named and others hidden" {
	local nobody
	nobody=$(id -u nobody)
	holds 'tcp("0.0.0.0", 4001); udp("127.0.0.1", 4002)'
	local root=$PID
	holds "
os.setresgid($(id -g nobody), $(id -g nobody), $(id -g nobody))
os.setresuid($nobody, $nobody, $nobody)
tcp('127.0.0.1', 4003)
LIBC.prctl(4, 1, 0, 0, 0)"
	who_nobody -j
	assert_equal "$status" 0
	assert_equal "$(values '"\(.port)/\(.protocol)"')" '4001/tcp 4002/udp 4003/tcp'
	record '.port == 4001' owner=hidden uid=0 user=root 'processes=[]' exposure=all
	record '.port == 4002' owner=hidden uid=0
	record '.port == 4003' owner=process "uid=$nobody"
	assert_equal "$(pids '.port == 4003')" "$PID"
	who_nobody
	assert_regex "$(row 4001)" '\(hidden\) +root'
	assert_regex "$(row 4003)" "python3 +$PID nobody"
	who_nobody 4001
	assert_equal "$status" 0
	assert_output --partial 'hidden: of user root; root sees it (try sudo)'
	refute_output --partial 'to end it'
	# What may not be seen fits no name, but its user.
	who_nobody -j --user root
	assert_equal "$(values .port)" '4001 4002'
	who_nobody --pid "$root"
	assert_equal "$status,$output" 1,
	who_nobody -q 4001
	assert_equal "$status" 0
}

@test "two hidden sockets of one port and user are not taken for nobody's" {
	holds 'tcp("0.0.0.0", 4001, reuse=True)'
	holds 'tcp("0.0.0.0", 4001, reuse=True)'
	who_nobody -j 4001
	assert_equal "$(jq -r '"\(.owner) \(.reuseport_group)"' <<<"$output" | sort | uniq -c | sed 's/^ *//')" '2 hidden 2'
	who_nobody --columns port,process,sockets 4001
	assert_line --regexp '^4001 +\(hidden\) +2$'
}

# ---- against ss ----------------------------------------------------------------------

@test "what it lists is what ss lists: protocol, address, port, processes, inode, cookie" {
	cat >"$LAB_DIR/same.py" <<-'END'
		import json, re, sys
		def ss():
		    for line in open(sys.argv[1]):
		        f = line.split()
		        address, _, port = f[4].rpartition(":")
		        address, _, device = address.partition("%")
		        address = address.strip("[]").replace("*", "::")
		        yield (f[0], address, device, int(port), int(re.search(r"ino:(\d+)", line).group(1)),
		               re.search(r"sk:([0-9a-f]+)", line).group(1),
		               tuple(sorted(set(map(int, re.findall(r"pid=(\d+)", line))))),
		               int(f[2]), int(f[3]) if f[0] == "tcp" else None,
		               "v6only:0" in line and address == "::")
		def ours():
		    for line in open(sys.argv[2]):
		        r = json.loads(line)
		        yield (r["protocol"], r["address"].partition("%")[0], r["interface"] or "",
		               r["port"], r["inode"], r["cookie"],
		               tuple(sorted({p["pid"] for p in r["processes"]})), r["queue"],
		               r["backlog"], r["dual_stack"])
		a, b = list(ss()), list(ours())
		assert len(a) > 50, len(a)
		assert len(b) == len(set(b)), "twice"
		for x in set(a) ^ set(b):
		    print("ss" if x in a else "portwho", x)
		sys.exit(set(a) != set(b))
	END
	local i
	for i in 1 2 3; do
		holds '
import random
r = random.Random(os.urandom(8))
addresses = ["0.0.0.0", "127.0.0.1", "127.0.0.9", "::", "::1", "10.77.0.1", "2001:db8:77::1",
             "::ffff:10.77.0.1"]
for i in range(18):
    how = {"reuse": True} if r.random() < 0.5 else {}
    address = r.choice(addresses)
    if address == "::":
        how["v6only"] = r.random() < 0.5
    if address in ("::", "0.0.0.0") and r.random() < 0.5:
        how["device"] = r.choice(["lo", "eth0"])
    if r.random() < 0.6:
        s = tcp(address, backlog=r.randrange(1, 100), **how)
        for k in range(r.randrange(3)):
            if how.get("reuse"):
                tcp(address, port(s), backlog=5, **how)
    else:
        udp(address, **how)
    if r.random() < 0.2:
        child()'
	done
	lab_cl ss -Htulnpe >"$LAB_DIR/ss"
	lab_cl portwho -j >"$LAB_DIR/ours"
	run -0 python3 "$LAB_DIR/same.py" "$LAB_DIR/ss" "$LAB_DIR/ours"
	lab_cl portwho -j -v >"$LAB_DIR/ours"
	run -0 python3 "$LAB_DIR/same.py" "$LAB_DIR/ss" "$LAB_DIR/ours"
}
