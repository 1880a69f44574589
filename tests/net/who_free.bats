#!/usr/bin/env bats
# portwho --free: each reason why a port can't be bound, with real sockets in a namespace
# of the lab. Whatever it says is compared with servers that really try to start, without
# and with SO_REUSEADDR, and every record with the schema.
#
# bats sets what run gives; jq and Python have variables of their own.
# shellcheck disable=SC2154,SC2016

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

# What the programs of `holds` have besides, or otherwise: sockets without SO_REUSEADDR
# (bare), and connections.
_CONNECT='
def made(kind, address, number, bare=False, reuse=False, v6only=None, device=None,
         protocol=0):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, kind, protocol)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(not bare))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(reuse))
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    s.bind(socket.getaddrinfo(address, number, family, kind, 0,
                              socket.AI_NUMERICHOST)[0][4])
    KEEP.append(s)
    return s

def tcp(address, number, bound=False, **how):
    s = made(socket.SOCK_STREAM, address, number, **how)
    if not bound:
        s.listen(128)
    return s

def udp(address, number, **how):
    return made(socket.SOCK_DGRAM, address, number, bare=True, **how)

def to(s):
    return socket.create_connection(s.getsockname()[:2])

# A connection to the listener: both its ends.
def pair(s):
    client = to(s)
    KEEP.extend([client, s.accept()[0]])
    return KEEP[-2:]

def until(condition, deadline=10):
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "deadline"
        time.sleep(0.01)

def state(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
'

makes() {
	holds "$_CONNECT$1"
}

# servers OPTION PORT…: what comes of servers that start there, "PORT plain reuse", each
# of these "yes" or "no". OPTION: all, 4, 6, or an address; udp: before it, of UDP.
servers() {
	lab_cl python3 - "$@" <<-'END'
		import errno, socket, sys
		args = sys.argv[1:]
		udp = args[0] == "udp"
		where = args.pop(0) if not udp else (args.pop(0), args.pop(0))[1]
		V4, V6 = socket.AF_INET, socket.AF_INET6
		ways = {"all": [(V4, "0.0.0.0", None), (V6, "::", 1), (V6, "::", 0)],
		        "4": [(V4, "0.0.0.0", None)], "6": [(V6, "::", 1)]}.get(
		        where, [(V6 if ":" in where else V4, where, None)])

		def starts(family, address, v6only, port, reuse):
		    s = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
		    if reuse:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    if v6only is not None:
		        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
		    to = socket.getaddrinfo(address, port, family, 0, 0, socket.AI_NUMERICHOST)
		    try:
		        s.bind(to[0][4])
		        if not udp:
		            s.listen()
		    except OSError as e:
		        assert e.errno == errno.EADDRINUSE, e
		        return False
		    finally:
		        s.close()
		    return True

		for port in map(int, args):
		    yes = [all([starts(*way, port, reuse) for way in ways]) for reuse in (0, 1)]
		    print(port, *("yes" if y else "no" for y in yes))
	END
}

# What portwho said of the same, from $output.
said() {
	jq -r 'def word: if . then "yes" else "no" end;
		"\(.port) \(.free | word) \(
		if .reuseaddr_works == null then .free else .reuseaddr_works end | word)"' \
		<<<"$output"
}

valid() {
	"$SCHEMA/validate" "$SCHEMA/portwho-free.schema.json" <<<"$output" >/dev/null
}

# The same as the servers; of UDP, what counts is without SO_REUSEADDR.
agrees() {
	local want have
	want=$(servers "$@") || return 1
	have=$(said)
	if [[ $1 == udp ]]; then
		want=$(cut -d' ' -f1,2 <<<"$want")
		have=$(cut -d' ' -f1,2 <<<"$have")
	fi
	[[ $want == "$have" ]] || _said "servers: $want; portwho: $have"
}

# asks PORT: as root, of TCP on all addresses; checked as far as can be.
asks() {
	who --free "$1" && valid && agrees all "$1"
}

asks_udp() {
	who --free "$1/udp" && valid && agrees udp all "$1"
}

# one KEY=VALUE…: of the only holder.
one() {
	local output=$output
	output=$(jq -c '.holders[]' <<<"$output") && record true "$@"
}

# not_free PORT KEY=VALUE…
not_free() {
	local port=$1
	shift
	asks "$port" && expect 1 "port=$port" protocol=tcp free=false "$@"
}

lines() {
	printf '%s\n' "$@"
}

# ---- free ----------------------------------------------------------------------------

@test "a port that nobody has is free, for root and for nobody, TCP and UDP" {
	who --free 3000,3000/udp
	valid
	agrees all 3000 3000 || false
	[ "$status" = 0 ]
	record '.protocol == "tcp"' port=3000 free=true cause=null address=null \
		frees_in_ms=null suggestion=null error=null reuseaddr_works=null \
		free_inet=true free_inet6=true holder_count=0 ephemeral=false \
		reserved=false forwarded=false message='3000/tcp is free'
	record '.protocol == "udp"' port=3000 free=true message='3000/udp is free'
	who_nobody -j --free 3000
	valid
	expect 0 free=true cause=null
	who_text --free 3000
	assert_success
	assert_output '3000/tcp is free'
	[ ! "$stderr" ]
}

@test "-q says nothing, and exits 0 or 1" {
	makes 'tcp("127.0.0.1", 3000)'
	who_text -q --free 3001
	assert_success
	refute_output
	who_text -q --free 3000
	assert_failure 1
	refute_output
	[ ! "$stderr" ]
}

@test "several ports and ranges are asked for in one go, and one that is not free is enough for 1" {
	makes 'tcp("127.0.0.1", 3002); udp("127.0.0.1", 3003)'
	who --free 3000-3003,3003/udp,22
	valid
	[ "$status" = 1 ]
	[ "$(jq -r '"\(.port)/\(.protocol) \(.free)"' <<<"$output")" = "$(lines \
		'3000/tcp true' '3001/tcp true' '3002/tcp false' '3003/tcp true' \
		'3003/udp false' '22/tcp true')" ]
	who --free 3000-3001
	[ "$status" = 0 ]
	who_text --free 3000-3002
	[ "${#lines[@]}" = 5 ]
	assert_line --index 0 '3000/tcp is free'
	assert_line --index 1 '3001/tcp is free'
	assert_line --index 3 '  next free: 3003'
	who_text --format=csv --free 3000-3002
	assert_failure 1
	[ "${#lines[@]}" = 4 ]
	assert_line --index 0 --partial tool,version,time,port,protocol,address,free,cause
	assert_line --index 3 --partial ',3002,tcp,,false,listener,'
}

@test "all 65,535 ports at once: as many records, and what is not free is what ss shows" {
	makes 'for n in range(7000, 7300, 3): tcp("127.0.0.1", n)'
	who --free 1-65535
	[ "$status" = 1 ]
	valid
	[ "$(jq -r .port <<<"$output" | wc -l)" = 65535 ]
	[ "$(jq -r 'select(.free | not).port' <<<"$output")" = "$(lab_cl ss -Htln |
		awk '{ sub(/.*:/, "", $4); print $4 }' | sort -n)" ]
	[ "$(jq -r 'select(.free | not).holders[0].pid' <<<"$output" | uniq)" = "$PID" ]
}

@test "bad ports, and an address that is not there, are one line and 2" {
	local bad
	for bad in 0 70000 80- nosuchservice; do
		who_text --free "$bad"
		assert_failure 2
		refute_output
		[ "$(wc -l <<<"$stderr")" = 1 ]
	done
	who_text -S 192.0.2.1 --free 3000
	assert_failure 2
	refute_output
	[ "$(wc -l <<<"$stderr")" = 1 ]
	[[ $stderr == *192.0.2.1* ]]
}

# ---- somebody listens ----------------------------------------------------------------

@test "a listener on every address is named, with how to end it and the next free port" {
	makes 'called("my server"); tcp("::", 3000, v6only=False); tcp("127.0.0.1", 3001)'
	not_free 3000 cause=listener free_inet=false free_inet6=false suggestion=3002 \
		frees_in_ms=null error=EADDRINUSE holder_count=1 reuseaddr_works=false
	one "pid=$PID" 'comm=my server' user=root owner=process state=listen kind=listener \
		address=:: remote=null expires_ms=null
	[ "$(jq .holders[0].inode <<<"$output")" = "$(lab_cl ss -Htlne sport = :3000 |
		grep -o 'ino:[0-9]*' | cut -d: -f2)" ]
	[ "$(jq -c .next <<<"$output")" = '["portwho --kill 3000"]' ]
	who_text --free 3000
	assert_failure 1
	[ "${#lines[@]}" = 3 ]
	assert_line --index 0 --regexp "^3000/tcp is not free: my server \(pid $PID, user root, since [0-9:]+\) listens on every address\$"
	assert_line --index 1 '  next free: 3002'
	assert_line --index 2 '  to end it: portwho --kill 3000'
}

@test "a listener of one family leaves the other free, and it is said" {
	makes 'tcp("0.0.0.0", 3000); tcp("::", 3001, v6only=True); tcp("127.0.0.1", 3002)
tcp("::1", 3003); tcp("::ffff:127.0.0.1", 3004)'
	not_free 3000 free_inet=false free_inet6=true cause=listener
	says 'listens on every IPv4 address; for IPv6 alone it is free'
	not_free 3001 free_inet=true free_inet6=false cause=listener
	says 'listens on every IPv6 address; for IPv4 alone it is free'
	not_free 3002 free_inet=false free_inet6=true cause=listener
	says 'listens on 127.0.0.1; for IPv6'
	not_free 3003 free_inet=true free_inet6=false cause=listener
	says 'listens on ::1; for IPv4'
	not_free 3004 free_inet=false free_inet6=true cause=listener
}

@test "two programs on one port are both named" {
	makes 'called("four"); tcp("127.0.0.1", 3000)'
	local four=$PID
	makes 'called("six"); tcp("::1", 3000)'
	not_free 3000 cause=listener holder_count=2 free_inet=false free_inet6=false
	says "four (pid $four,"
	says "listens on 127.0.0.1, six (pid $PID,"
	says 'listens on ::1'
	[ "$(jq -c .next <<<"$output")" = '["portwho --kill 3000"]' ]
}

@test "a group that shares the port is one owner, and a socket shared by fork has all its processes" {
	makes 'tcp("0.0.0.0", 3000, reuse=True); tcp("0.0.0.0", 3000, reuse=True)
s = tcp("127.0.0.1", 3001); say(child(""), child(""))'
	not_free 3000 cause=listener holder_count=2
	[ "$(jq -r .message <<<"$output" | grep -o "pid $PID" | wc -l)" = 1 ]
	not_free 3001 cause=listener holder_count=1
	[ "$(jq -c '[.holders[].pid] | sort' <<<"$output")" = \
		"$(jq -nc '$ARGS.positional | sort' --jsonargs "$PID" "${WORDS[@]}")" ]
	says 'shared with 2 other processes'
}

@test "a listener on one device is in the way of every address" {
	makes 'tcp("0.0.0.0", 3000, device="lo")'
	not_free 3000 cause=listener
	one interface=lo
	says 'every IPv4 address of lo'
}

@test "names from outside can't act on the terminal" {
	makes 'called(b"\x1b[31m) (x\n"); tcp("127.0.0.1", 3000)'
	not_free 3000 cause=listener
	who_text --free 3000
	assert_output --partial '\x1b[31m) (x\n (pid '
	who_text --color=always --free 3000
	assert_output --partial $'\e[31mnot free\e[0m'
}

@test "nobody sees that it is used, by whose user, but never calls it free" {
	makes 'tcp("127.0.0.1", 3000); tcp("127.0.0.1", 3001, bound=True); udp("::1", 3002)
s = tcp("127.0.0.1", 3003); pair(s); s.close()'
	who_nobody -j --free 3000,3001,3002/udp,3003
	valid
	[ "$status" = 1 ]
	[ "$(jq -r '"\(.free) \(.cause) \(.holders[0] | "\(.owner) \(.user) \(.pid)")"' \
		<<<"$output")" = "$(lines 'false listener hidden root null' \
		'false bound hidden root null' 'false listener hidden root null' \
		'false connection hidden root null')" ]
	who_nobody --free 3000
	assert_line --index 0 --partial 'a hidden process (user root; root sees it)'
	assert_line '  to end it: sudo portwho --kill 3000'
	who_nobody --free 3003
	assert_line '  whose it is: sudo portwho --free 3003'
}

@test "the kernel's own socket is not called hidden" {
	lab_cl ip link add vx0 type vxlan id 1 dstport 4789 local "$LAB_CL4" 2>/dev/null &&
		lab_cl ip link set vx0 up || skip 'no vxlan here'
	asks_udp 4789
	expect 1 cause=listener free=false
	one pid=null comm=null
	# Where there are processes that even root can't see, it could be one's.
	if [ "$(lab_cl portwho -j 4789/udp | jq -r .owner)" = kernel ]; then
		one owner=kernel
		says 'the kernel itself'
		[ "$(jq -c .next <<<"$output")" = '[]' ]
	else
		one owner=hidden
	fi
}

# ---- nobody listens ------------------------------------------------------------------

@test "bound and not listening: over both families, with and without SO_REUSEADDR" {
	makes 'tcp("127.0.0.1", 3000, bound=True, bare=True); tcp("::", 3001, bound=True)
tcp("0.0.0.0", 3002, bound=True)'
	not_free 3000 cause=bound holder_count=1 free_inet6=true reuseaddr_works=false
	one "pid=$PID" state=bound kind=bound address=127.0.0.1 owner=process
	says 'has bound 127.0.0.1 and does not listen'
	not_free 3001 cause=bound free_inet=false free_inet6=false reuseaddr_works=true
	says 'has bound every address and does not listen; a server that sets SO_REUSEADDR, as most do, can start now'
	not_free 3002 cause=bound reuseaddr_works=true free_inet6=true
	[ ! "$(lab_cl ss -Htln)" ]
}

@test "MPTCP takes a TCP port, listening or bound" {
	makes 'P = 262
try: socket.socket(socket.AF_INET, socket.SOCK_STREAM, P)
except OSError: say("none"); ready()
tcp("127.0.0.1", 3000, protocol=P); tcp("127.0.0.1", 3001, protocol=P, bound=True)'
	[[ ! ${WORDS[0]-} ]] || skip 'no MPTCP here'
	not_free 3000 cause=listener
	one "pid=$PID"
	not_free 3001 cause=bound
	one "pid=$PID"
}

# left_ms PORT: of the longest of its TIME_WAITs, as ss has it, in whole seconds or ms.
left_ms() {
	lab_cl ss -Htno state time-wait sport = ":$1" | jq -Rrn '[inputs
		| capture("timewait,(?<n>[0-9.]+)(?<unit>ms|sec|min)")
		| (.n | tonumber) * {ms: 1, sec: 1000, min: 60000}[.unit]] | max'
}

@test "TIME_WAIT: how long, and whether SO_REUSEADDR is enough, over both families" {
	makes 'for n, address, bare in ((3000, "127.0.0.1", False), (3001, "127.0.0.1", True),
                         (3002, "::1", False)):
    s = tcp(address, n, bare=bare)
    client, server = pair(s)
    s.close(); server.close(); client.close()
s = tcp("127.0.0.1", 3003)
for i in range(100):
    client, server = pair(s)
    server.close(); client.close()
s.close()'
	local port ms
	for port in 3000 3001 3002; do
		not_free "$port" cause=time-wait holder_count=1 "suggestion=3004"
		one pid=null comm=null user=null owner=null kind=time-wait state=time-wait \
			inode=null
		ms=$(jq .frees_in_ms <<<"$output")
		((ms > 0 && ms <= 60000))
		((ms - $(left_ms "$port") < 3000 && ms - $(left_ms "$port") > -1000))
		says "is remembered for $(((ms + 999) / 1000)) s more (TIME_WAIT)"
	done
	who --free 3000
	expect 1 reuseaddr_works=true free_inet=false free_inet6=true
	says '; a server that sets SO_REUSEADDR, as most do, can start now'
	who --free 3001
	expect 1 reuseaddr_works=false
	says 'SO_REUSEADDR has to wait as well, since the one before did not set it'
	who --free 3002
	expect 1 reuseaddr_works=true free_inet=true free_inet6=false
	not_free 3003 cause=time-wait holder_count=100
	[ "$(jq '.holders | length' <<<"$output")" = 64 ]
	says '100 connections, closed here, are remembered'
	who_nobody -j --free 3000
	expect 1 cause=time-wait reuseaddr_works=true
}

@test "accepted connections that outlive their listener: open, or closed by the other end" {
	makes 'for n, address, bare in ((3000, "127.0.0.1", True), (3001, "::1", False)):
    s = tcp(address, n, bare=bare)
    pair(s); s.close()
s = tcp("127.0.0.1", 3002, bare=True)
client, server = pair(s)
s.close(); client.close()
until(lambda: state(server) == 8)   # CLOSE_WAIT
s = tcp("127.0.0.1", 3003)
for i in range(3): pair(s)
s.close()'
	not_free 3000 cause=connection reuseaddr_works=false holder_count=1
	one kind=accepted state=established "pid=$PID" address=127.0.0.1
	[[ $(jq -r .holders[0].remote <<<"$output") == 127.0.0.1:* ]]
	says "nothing listens there, but python3 (pid $PID,"
	says 'still has a connection that came in from 127.0.0.1:'
	says 'SO_REUSEADDR does not help'
	[ "$(jq -c .next <<<"$output")" = "[\"kill $PID\"]" ]
	not_free 3001 cause=connection reuseaddr_works=true free_inet=true
	[[ $(jq -r .holders[0].remote <<<"$output") == '[::1]:'* ]]
	not_free 3002 cause=connection reuseaddr_works=false
	one kind=accepted state=close-wait
	says 'the other end has closed, the program has not (CLOSE_WAIT)'
	not_free 3003 cause=connection holder_count=3
	says 'still has 3 connections that came in from 127.0.0.1:'
	who_text -v --free 3003
	[ "$(grep -c '^  established 127.0.0.1:3003 with 127.0.0.1:' <<<"$output")" = 3 ]
}

@test "connections that are closed but not over have no process, and it says what they wait for" {
	makes 's = tcp("127.0.0.1", 3000)
client, server = pair(s)
s.close(); server.close()
until(lambda: state(client) == 8)
s = tcp("::1", 3001); pair(s); s.close()
signal.signal(signal.SIGUSR1, lambda *_: KEEP[-1].close())'
	not_free 3000 cause=connection holder_count=1 reuseaddr_works=true frees_in_ms=null
	one kind=closed state=fin-wait-2 pid=null inode=null owner=null
	says 'closed here, is not over: the other end has not closed it (FIN_WAIT2)'
	[ "$(jq -c .next <<<"$output")" = '[]' ]
	lab_nft cl <<-RULES
		table inet t {
			chain c {
				type filter hook output priority 0
				tcp sport 3001 drop
			}
		}
	RULES
	kill -USR1 "$PID"
	fin_wait_1() { [[ $(lab_cl ss -Htn state fin-wait-1 sport = :3001) ]]; }
	lab_wait_until 5 fin_wait_1
	not_free 3001 cause=connection holder_count=1
	one kind=closed state=fin-wait-1 pid=null
	says 'the other end has not confirmed it (FIN_WAIT1)'
}

@test "an outgoing connection on an ephemeral port: who, where to, and the sysctl that keeps it" {
	lab_serve sv tcp:443
	lab_sysctl cl 'net.ipv4.ip_local_reserved_ports=8080,9000-9010'
	makes "
for address in ('$LAB_SV4', '$LAB_SV6'):
    s = socket.create_connection((address, 443)); KEEP.append(s); say(port(s))"
	local port
	for port in "${WORDS[@]}"; do
		not_free "$port" cause=connection ephemeral=true reserved=false \
			reuseaddr_works=false holder_count=1
		one kind=outgoing state=established "pid=$PID"
		[ "$(jq -r .next[1] <<<"$output")" = \
			"sysctl net.ipv4.ip_local_reserved_ports=8080,9000-9010,$port" ]
		says 'has it for a connection to '
		says ':443; the port is of the ephemeral range (32768-60999)'
		(($(jq .suggestion <<<"$output") > port))
	done
	port=${WORDS[0]}
	who_text --free "$port"
	assert_line "  to end it: kill $PID"
	assert_line "  to keep it: sysctl net.ipv4.ip_local_reserved_ports=8080,9000-9010,$port"
	# It does what it is said to do.
	lab_cl sysctl -q "net.ipv4.ip_local_reserved_ports=8080,9000-9010,$port"
	who --free "$port"
	expect 1 reserved=true
	[ "$(jq -c .next <<<"$output")" = "[\"kill $PID\"]" ]
	kill "$PID"
	lab_wait_until 5 is_gone "$PID"
}

@test "a free port that an outgoing connection may take, and one that is kept" {
	lab_sysctl cl 'net.ipv4.ip_local_reserved_ports=40000' 'net.ipv4.ip_local_port_range=40000 40100'
	who --free 40001
	valid
	expect 0 free=true ephemeral=true reserved=false
	says 'is free; but a connection that goes out may take it, since it is of the ephemeral range (40000-40100)'
	[ "$(jq -r .next[0] <<<"$output")" = \
		'sysctl net.ipv4.ip_local_reserved_ports=40000,40001' ]
	who --free 40000
	expect 0 ephemeral=true reserved=true
	says 'it is kept for a server, by net.ipv4.ip_local_reserved_ports'
	who --free 40101
	expect 0 ephemeral=false message='40101/tcp is free'
}

# ---- UDP -----------------------------------------------------------------------------

@test "UDP: bound, connected, over both families; TCP of that port stays free" {
	makes "udp('127.0.0.1', 3000); udp('::', 3001, v6only=False); udp('::1', 3002)
s = udp('127.0.0.1', 3003); s.connect(('127.0.0.1', 53))
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('$LAB_SV4', 53))
KEEP.append(s); say(port(s))"
	local port
	for port in 3000 3001 3002; do
		asks_udp "$port"
		expect 1 cause=listener reuseaddr_works=null protocol=udp holder_count=1
		one state=unconnected "pid=$PID"
	done
	says 'receives on ::1; for IPv4 alone it is free'
	asks_udp 3003
	expect 1 cause=connection
	one kind=connected state=established remote=127.0.0.1:53
	asks_udp "${WORDS[0]}"
	expect 1 cause=connection ephemeral=true
	one kind=outgoing "remote=$LAB_SV4:53"
	says "has it for a connection to $LAB_SV4:53"
	who --free 3000-3003
	[ "$status" = 0 ]
	who_text --free 3000/udp
	assert_line '  to end it: portwho --kill 3000/udp'
}

# ---- privilege -----------------------------------------------------------------------

@test "a privileged port is free for root, not for nobody, and a sysctl changes it" {
	who --free 80,80/udp
	[ "$status" = 0 ]
	who_nobody -j --free 80
	valid
	expect 1 cause=privileged free=false error=EACCES suggestion=1024 holder_count=0 \
		reuseaddr_works=null free_inet=false free_inet6=false
	says 'ports below 1024 are for root and for programs with CAP_NET_BIND_SERVICE; nothing else is in the way'
	who_nobody --free 80
	assert_failure 1
	assert_line '  next free: 1024'
	assert_line '  or: sudo sysctl net.ipv4.ip_unprivileged_port_start=80'
	who_nobody -j --free 80/udp
	expect 1 cause=privileged protocol=udp
	lab_sysctl cl net.ipv4.ip_unprivileged_port_start=80
	who_nobody -j --free 80
	expect 0 free=true cause=null
	who_nobody -j --free 79
	expect 1 cause=privileged suggestion=80
	says 'ports below 80 are'
}

@test "a privileged port that is in use as well: the use comes first" {
	makes 'tcp("127.0.0.1", 80); s = tcp("127.0.0.1", 81); client, server = pair(s)
s.close(); server.close(); client.close()'
	who_nobody -j --free 80
	valid
	expect 1 cause=listener error=EACCES
	one owner=hidden
	says 'besides, ports below 1024 are for root'
	who_nobody -j --free 81
	valid
	expect 1 cause=privileged holder_count=1 frees_in_ms=null
	not_free 81 cause=time-wait
}

@test "a refusal that is not for privilege is not called one" {
	need unshare
	# Root of a user namespace that does not own the network.
	run --separate-stderr lab_cl unshare --user --map-root-user "$(type -P portwho)" \
		-j --free 80
	[[ $stderr != unshare:* ]] || skip 'no user namespaces here'
	valid
	expect 1 cause=unknown error=EACCES holder_count=0
	says 'does not let us bind it (EACCES)'
}

# ---- which address -------------------------------------------------------------------

@test "-S asks for one address: others' listeners are not in the way" {
	makes "tcp('127.0.0.1', 3000); tcp('::', 3001, v6only=True); tcp('0.0.0.0', 3002)
tcp('$LAB_CL4', 3003); tcp('$LAB_CL6', 3003); tcp('::', 3004, v6only=False)"
	local a line ports=(3000 3001 3002 3003 3004)
	for a in 127.0.0.1 127.0.0.2 ::1 0.0.0.0 :: "$LAB_CL4" "$LAB_CL6"; do
		who -S "$a" --free 3000-3004
		[ "$(jq -r .address <<<"$output" | uniq)" = "$a" ]
		agrees "$a" "${ports[@]}"
		for line in $(jq -c 'select(.free | not) | .holders | length' <<<"$output"); do
			((line >= 1))
		done
	done
	who -S 127.0.0.1 --free 3000
	expect 1 cause=listener free_inet=false free_inet6=null \
		"message=$(jq -r .message <<<"$output")"
	says '3000/tcp is not free on 127.0.0.1: '
	who -S ::1 --free 3000
	expect 0 free=true free_inet=null free_inet6=true 'message=3000/tcp is free on [::1]'
	who -S :: --free 3000
	says 'is not free on [::]: '
}

@test "-S with a link-local address is of its own device" {
	local ll
	lab_cl ip addr add fe80::77/64 dev eth0 nodad
	lab_cl ip addr add fe80::77/64 dev lo nodad
	ll=fe80::77%eth0
	makes 'tcp("fe80::77%eth0", 3000)'
	who -S "$ll" --free 3000
	valid
	expect 1 cause=listener "address=$ll"
	agrees "$ll" 3000
	who -S fe80::77%lo --free 3000
	agrees fe80::77%lo 3000
	expect 0 free=true
}

@test "-4 and -6 ask for one family" {
	makes 'tcp("0.0.0.0", 3000); tcp("::", 3001, v6only=True); tcp("::", 3002, v6only=False)
tcp("127.0.0.1", 3003); tcp("::1", 3004); tcp("::ffff:127.0.0.1", 3005)'
	who -4 --free 3000-3005
	valid
	agrees 4 {3000..3005}
	[ "$(jq -r .address <<<"$output" | uniq)" = 0.0.0.0 ]
	who -6 --free 3000-3005
	valid
	agrees 6 {3000..3005}
	[ "$(jq -r .address <<<"$output" | uniq)" = :: ]
	who -6 --free 3000
	expect 0 'message=3000/tcp is free for IPv6' free_inet=null free_inet6=true
}

@test "another namespace's port does not count, and commands are for the one that was asked for" {
	lab_serve sv tcp:3000
	who --free 3000
	expect 0 free=true
	run --separate-stderr lab_cl portwho --netns "$LAB_SV" -j --free 3000
	valid
	expect 1 cause=listener
	[ "$(jq -r .next[0] <<<"$output")" = "portwho --netns $LAB_SV --kill 3000" ]
	run --separate-stderr lab_cl portwho --netns "$LAB_SV" -j --free 40000
	[ "$(jq -r .next[0] <<<"$output")" = \
		"ip netns exec $LAB_SV sysctl net.ipv4.ip_local_reserved_ports=40000" ]
}

# ---- the next free port --------------------------------------------------------------

@test "the suggestion is free, upwards, and stays out of the ranges that others have" {
	lab_sysctl cl 'net.ipv4.ip_local_port_range=3010 3019' \
		net.ipv4.ip_local_reserved_ports=3020-3021
	makes 'for n in (3008, 3009, 3012, 65534, 65535): tcp("127.0.0.1", n)
tcp("::1", 3022)'
	# Past the ephemeral range, what is kept for others, and what IPv6 alone has.
	not_free 3008 suggestion=3023
	not_free 3009 suggestion=3023
	# Of that range itself, the next of it.
	not_free 3012 suggestion=3013
	not_free 65534 suggestion=null
	not_free 65535 suggestion=null
	who_text --free 65535
	refute_output --partial 'next free'
	who --free 3008-3009,65534-65535
	[ "$(jq -c .suggestion <<<"$output" | tr '\n' ' ')" = '3023 3023 null null ' ]
	who -S ::1 --free 3022
	expect 1 suggestion=3023
}

# ---- all at once ---------------------------------------------------------------------

@test "whatever is there: in a crowd of sockets each answer is that of real servers" {
	makes 'import random
seed = random.randrange(1 << 32); say(seed); R = random.Random(seed)
def some(n):
    address = R.choice(["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"])
    how = dict(bare=R.random() < .5, reuse=R.random() < .3)
    if address == "::": how["v6only"] = R.random() < .5
    kind = R.choice(["listen", "bound", "child", "closed", "time-wait", "half", "client", "none"])
    if kind == "none": return
    s = tcp(address, n, bound=kind in ("bound", "client"), **how)
    if kind in ("listen", "bound"): return
    if kind == "client":
        if address in ("::1", "::"): s.connect(("::1", 4999))
        else: s.connect((address[:7] * (address[0] == ":") + "127.0.0.1", 4999))
        return
    to = "127.0.0.1" if address in ("0.0.0.0", "::ffff:127.0.0.1") else "::1" if address == "::" else address
    client = socket.create_connection((to, n)); server = s.accept()[0]
    s.close()
    if kind == "child": KEEP.extend([client, server])
    elif kind == "closed": client.close(); KEEP.append(server)
    elif kind == "half": server.close(); KEEP.append(client)
    else: server.close(); client.close()
tcp("::", 4999, v6only=False)
for n in range(5000, 5120):
    for i in range(R.choice([1, 1, 2])):
        try: some(n)
        except OSError: pass'
	echo "seed ${WORDS[0]}" >&2
	local where option all='' before root nobody after
	for where in all 4 6 127.0.0.1 127.0.0.2 ::1 ::; do
		case $where in
		all) option=() ;;
		[46]) option=("-$where") ;;
		*) option=(-S "$where") ;;
		esac
		before=$(servers "$where" {5000..5119})
		who "${option[@]}" --free 5000-5119
		all+=$output$'\n' root=$(said)
		who_nobody -j "${option[@]}" --free 5000-5119
		all+=$output$'\n' nobody=$(said)
		# TIME_WAITs end meanwhile.
		after=$(servers "$where" {5000..5119})
		diff <(paste -d/ <(echo "$before") <(echo "$root") <(echo "$nobody") \
			<(echo "$after") |
			awk -F/ '($2 != $1 && $2 != $4) || ($3 != $1 && $3 != $4)') /dev/null
	done
	output=${all%$'\n'}
	valid
	[ "$(jq -r 'select(.cause == "unknown").port' <<<"$output")" = '' ]
	# Who holds it, as ss has it.
	who --free 5000-5119
	[ "$(jq -r 'select(.cause == "listener").port' <<<"$output")" = "$(lab_cl ss -Htln |
		awk '{ sub(/.*:/, "", $4); print $4 }' | sort -nu | grep -vx 4999)" ]
}

@test "whatever is there, of UDP" {
	makes 'import random
seed = random.randrange(1 << 32); say(seed); R = random.Random(seed)
ADDRESSES = ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"]
for n in range(5000, 5120):
    for i in range(R.choice([0, 1, 1, 2])):
        address = R.choice(ADDRESSES)
        how = dict(reuse=R.random() < .3)
        if address == "::": how["v6only"] = R.random() < .5
        try:
            s = udp(address, n, **how)
            if R.random() < .4:
                s.connect(("::1" if address in ("::1", "::") else
                           "::ffff:127.0.0.1" if ":" in address else "127.0.0.1", 53))
        except OSError: pass'
	echo "seed ${WORDS[0]}" >&2
	local where option all=''
	for where in all 4 6 127.0.0.1 127.0.0.2 ::1 ::; do
		case $where in
		all) option=() ;;
		[46]) option=("-$where") ;;
		*) option=(-S "$where") ;;
		esac
		who "${option[@]}" --free 5000-5119/udp
		agrees udp "$where" {5000..5119}
		[ "$(jq -r 'select(.cause == "unknown").port' <<<"$output")" = '' ]
		all+=$output$'\n'
	done
	output=${all%$'\n'}
	valid
}

@test "a holder that comes and goes never leaves an answer without a reason" {
	makes 'def flap():
    while True:
        try:
            s = socket.socket(); s.bind(("127.0.0.1", 3000)); s.listen(); s.close()
        except OSError: pass
threading.Thread(target=flap, daemon=True).start()'
	run --separate-stderr lab_cl bash -c 'for ((i = 0; i < 60; i++)); do
		timeout 60 portwho -j --free 3000
	done'
	valid
	[ "$(jq -r .cause <<<"$output" | sort -u | grep -cxE 'null|listener|bound')" = \
		"$(jq -r .cause <<<"$output" | sort -u | wc -l)" ]
	[ "$(wc -l <<<"$output")" = 60 ]
}

# ---- a web developer's day -----------------------------------------------------------

serves() {
	[[ $(lab_cl ss -Htln "sport = :$1") ]]
}

@test "a server on 3000, a second one, the conflict explained, the port given back" {
	lab_bg cl python3 -m http.server --bind 127.0.0.1 3000
	lab_wait_until 10 serves 3000
	run lab_cl python3 -m http.server --bind 127.0.0.1 3000
	assert_failure
	assert_output --partial 'Address already in use'
	who_text --free 3000
	assert_failure 1
	assert_line --index 0 --regexp '^3000/tcp is not free: python3 \(pid [0-9]+, user root, since [0-9:]+\) listens on 127\.0\.0\.1; for IPv6 alone it is free$'
	local pid suggestion
	pid=$(grep -o 'pid [0-9]*' <<<"$output" | cut -d' ' -f2)
	suggestion=$(sed -n 's/^  next free: //p' <<<"$output")
	lab_bg cl python3 -m http.server --bind 127.0.0.1 "$suggestion"
	lab_wait_until 10 serves "$suggestion"
	# One that has served leaves TIME_WAITs, and can be started again all the same.
	lab_cl python3 -c 'import socket
s = socket.create_connection(("127.0.0.1", 3000)); s.sendall(b"GET / HTTP/1.0\r\n\r\n")
while s.recv(4096): pass'
	kill "$pid"
	lab_wait_until 5 is_gone "$pid"
	not_free 3000 cause=time-wait reuseaddr_works=true
	lab_bg cl python3 -m http.server --bind 127.0.0.1 3000
	lab_wait_until 10 serves 3000
}
