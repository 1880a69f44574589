#!/usr/bin/env bats
# portwho's page of a port: who holds it, who is connected, and who answers on localhost.
#
# bats sets stderr, and runs each test in a subshell; the programs are Python's, jq's and
# awk's.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/who_sockets.bash
	source "$BATS_TEST_DIRNAME/who_sockets.bash"
	who_up
}

teardown() {
	set +T
	lab_down
}

# says_line REGEXP: the page has one such line.
says_line() {
	(($(grep -c -E -e "$1" <<<"$output") == 1)) || _said "not one line like '$1'"
}

# ---- what it says --------------------------------------------------------------------

@test "a page tells all of a listener" {
	holds shop.py '
os.chdir("/usr")
called("shop")
say(port(tcp("127.0.0.1", 3306)), child("called(\"helper\")"))'
	who_text mysql
	assert_equal "$status $stderr" '0 '
	assert_line --index 0 '3306/tcp (mysql) on 127.0.0.1: only this machine can reach it'
	says_line "^  process    shop, pid $PID, user root, since [0-9:]{5} \(.+\)\$"
	says_line "^  command    [^ ]*python3[^ ]* $LAB_DIR/shop\.py\$"
	says_line '^  directory  /usr$'
	says_line "^  shared by  helper \(pid ${WORDS[1]}\)\$"
	says_line '^  queue      0 of 128 connections wait to be accepted; 0 dropped so far$'
	says_line '^  clients    none connected now$'
	says_line '^  to end it  portwho --kill 3306$'
	says_line "^127\.0\.0\.1:3306 is answered by shop \(pid $PID\), \[::1\]:3306 by nobody\$"
	refute_output --partial warning
	assert_equal "$(wc -l <<<"$output")" 10
}

@test "one port has a page, and so has every port with -v; others have a table" {
	holds 'tcp("127.0.0.1", 4001); udp("0.0.0.0", 4001); tcp("::1", 4002)'
	local args
	for args in 4001 4001/tcp '-u 4001' '4001/tcp 4001/udp' '-p 4001' '-v' '-v 4001-4002'; do
		# Words on purpose.
		# shellcheck disable=SC2086
		who_text $args
		assert_line --partial '  process    python3'
		refute_output --partial EXPOSURE
	done
	for args in '' 4001-4002 '4001 4002' '4001 python3' python3 '--columns port 4001' \
		'--tree 4001'; do
		# Words on purpose.
		# shellcheck disable=SC2086
		who_text $args
		assert_success
		refute_output --partial '  process    '
	done
	who_text -v
	assert_equal "$(grep -c '^[0-9]*/' <<<"$output")" 3
	who_text 4001
	assert_line --index 0 --partial '4001/tcp on 127.0.0.1: only this machine'
	says_line '^4001/udp on 0\.0\.0\.0: others can reach it by every IPv4 address'
	says_line '^  queue      0 bytes unread; 0 dropped so far$'
	says_line '^  to end it  portwho --kill 4001/udp$'
	# A UDP socket that is not connected has no clients.
	says_line '^  clients '
}

@test "how far a listener is exposed is said in words" {
	holds '
say(port(tcp("10.77.0.1")), port(tcp("::")), port(tcp("0.0.0.0", device="eth0")))
say(port(tcp("0.0.0.0")), port(tcp("::", v6only=True)), port(tcp("::", device="eth0")))'
	who_text "${WORDS[0]}"
	assert_line --index 0 --partial 'on 10.77.0.1: others can reach it by that address alone'
	who_text "${WORDS[1]}"
	assert_line --index 0 --partial 'on every address, IPv4 and IPv6: others can reach it by every'
	who_text "${WORDS[2]}"
	assert_line --index 0 --partial 'on 0.0.0.0%eth0: others can reach it by that device alone'
	who_text "${WORDS[3]}"
	assert_line --index 0 --partial 'on 0.0.0.0: others can reach it by every IPv4 address'
	who_text "${WORDS[4]}"
	assert_line --index 0 --partial 'on [::]: others can reach it by every IPv6 address'
	who_text "${WORDS[5]}"
	assert_line --index 0 --partial \
		'on every address of eth0, IPv4 and IPv6: others can reach it by that device alone'
}

@test "in another network namespace, how it is ended says so" {
	holds 'tcp("127.0.0.1", 4001)'
	run --separate-stderr portwho --netns "$LAB_CL" 4001
	says_line "^  to end it  portwho --netns $LAB_CL --kill 4001\$"
}

@test "of many processes that share it, the first are named and the rest counted" {
	holds 'say(port(tcp("127.0.0.1"))); [child() for i in range(12)]'
	are_there() {
		who "${WORDS[0]}"
		[[ $(pids true | wc -w) == 13 ]]
	}
	lab_wait_until 10 are_there
	who_text "${WORDS[0]}"
	says_line '^  shared by  (python3 \(pid [0-9]+\), ){7}python3 \(pid [0-9]+\) and 4 more$'
	refute_line --regexp "shared by.*pid $PID\\)"
}

@test "a process that holds it twice is one process" {
	holds 's = tcp("127.0.0.1"); say(port(s)); KEEP.append(s.dup())'
	who "${WORDS[0]}"
	assert_equal "$(jq '.processes | length' <<<"$output")" 2
	who_text "${WORDS[0]}"
	refute_output --partial 'shared by'
	who_text "${WORDS[0]}" --columns pid --no-headings
	assert_output "$PID"
}

@test "a full queue of one socket of a group is told" {
	holds '
s = tcp("127.0.0.1", backlog=50, reuse=True)
t = tcp("127.0.0.1", port(s), backlog=0, reuse=True)
say(port(s))
# One at least comes to each: the kernel goes by the port of the client.
for i in range(40):
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(("127.0.0.1", port(s)))
    KEEP.append(c)'
	is_full() {
		who_text "${WORDS[0]}"
		[[ $output == *'1 of 2 sockets are full, and drop new connections: '* ]]
	}
	lab_wait_until 10 is_full
	says_line '^  queue      .* wait to be accepted, 50 may'
	says_line '^  sockets    2 that share the port$'
}

@test "what a process is hidden from us is said, and so is its user" {
	holds 'say(port(tcp("127.0.0.1")))'
	who_nobody "${WORDS[0]}"
	assert_equal "$status" 0
	says_line '^  process    hidden: of user root; root sees it \(try sudo\)$'
	says_line '^127\.0\.0\.1:[0-9]+ is answered by a hidden process, \[::1\]:[0-9]+ by nobody$'
	says_line '^  clients    none'
	refute_output --partial 'to end it'
}

@test "a unix socket has a page without what it does not have" {
	holds "
u = socket.socket(socket.AF_UNIX)
u.bind('\\0who-page')
u.listen(3)
KEEP.append(u)"
	who_text -v --also unix
	assert_line --index 0 'unix @who-page'
	says_line '^  queue      0 of 3 connections wait to be accepted'
	refute_output --partial 'to end it'
	refute_output --partial clients
	refute_output --partial answered
}

# ---- clients -------------------------------------------------------------------------

@test "clients are counted by address, accepted or not, of both families" {
	holds '
s = tcp("::", v6only=False)
say(port(s))
for i in range(3):
    KEEP.append(socket.create_connection(("127.0.0.1", port(s))))
KEEP.append(socket.create_connection(("::1", port(s))))
KEEP.append(s.accept())'
	lab_ns sv python3 -c "
import socket, sys, signal
s = socket.create_connection(('10.77.0.1', ${WORDS[0]}))
print('up', flush=True)
signal.alarm(100)
signal.pause()" >"$LAB_DIR/up" 3>&- 4>&- &
	lab_wait_until 10 grep -q up "$LAB_DIR/up"
	who "${WORDS[0]}"
	record true clients=5
	who_text "${WORDS[0]}"
	says_line '^  clients    5 connected now: 127\.0\.0\.1 \(3\), '
	assert_line --regexp 'clients .*[ ,]::1(,|$)'
	assert_line --regexp 'clients .*[ ,]10\.77\.0\.2(,|$)'
	# The other end of a connection is no listener's client.
	who_text -v
	assert_equal "$(grep -c ' connected now' <<<"$output")" 1
}

@test "clients from many addresses are summed up" {
	holds '
s = tcp("0.0.0.0")
say(port(s))
for i in range(1, 21):
    for k in range(2 if i == 20 else 1):
        KEEP.append(socket.create_connection(("127.0.0.1", port(s)), None, ("127.0.7.%d" % i, 0)))'
	who_text "${WORDS[0]}"
	says_line '^  clients    21 connected now: 127\.0\.7\.20 \(2\), (127\.0\.7\.[0-9]+, ){6}127\.0\.7\.[0-9]+ and 12 from elsewhere$'
}

@test "a client is that of the listener whose address and device it came by" {
	holds a.py '
s = tcp("0.0.0.0", device="lo")
say(port(s))'
	local port=${WORDS[0]} a=$PID
	holds b.py "tcp('0.0.0.0', $port, device='eth0')"
	local b=$PID
	holds c.py "
KEEP.append(socket.create_connection(('127.0.0.1', $port)))
KEEP.append(socket.create_connection(('127.0.0.1', $port)))"
	lab_ns sv python3 -c "
import socket, signal
s = socket.create_connection(('10.77.0.1', $port))
print('up', flush=True)
signal.alarm(100)
signal.pause()" >"$LAB_DIR/up" 3>&- 4>&- &
	lab_wait_until 10 grep -q up "$LAB_DIR/up"
	who "$port"
	record '.interface == "lo"' clients=2 'localhost=["127.0.0.1"]'
	record '.interface == "eth0"' clients=1 'localhost=[]'
	assert_equal "$(pids '.interface == "lo"') $(pids '.interface == "eth0"')" "$a $b"
	who_text "$port"
	says_line '^  clients    2 connected now: 127\.0\.0\.1 \(2\)$'
	says_line '^  clients    1 connected now: 10\.77\.0\.2$'
	says_line "^127\.0\.0\.1:$port is answered by python3 \(pid $a\), .* by nobody\$"
}

@test "an exact address has the clients that a wildcard would have got" {
	holds a.py '
s = tcp("0.0.0.0", reuse=True)
say(port(s))'
	local port=${WORDS[0]}
	holds b.py "
tcp('127.0.0.1', $port, reuse=True)
KEEP.append(socket.create_connection(('127.0.0.1', $port)))
KEEP.append(socket.create_connection(('127.0.0.2', $port)))
KEEP.append(socket.create_connection(('10.77.0.1', $port)))"
	who "$port"
	record '.address == "127.0.0.1"' clients=1 'localhost=["127.0.0.1"]'
	record '.address == "0.0.0.0"' clients=2 'localhost=[]'
	who_text "$port"
	says_line "^127\.0\.0\.1:$port is answered by python3 \(pid $PID\), "
}

@test "clients of a listener on an IPv4 address inside an IPv6 one are counted" {
	holds '
s = tcp("::ffff:0.0.0.0")
KEEP.append(socket.create_connection(("127.0.0.1", port(s))))
say(port(s))'
	who "${WORDS[0]}"
	record true clients=1 'localhost=["127.0.0.1"]'
}

# ---- localhost -----------------------------------------------------------------------

@test "localhost that is two programs, though one shell started both, is warned of" {
	holds a.py 'say(port(tcp("127.0.0.1")))'
	local port=${WORDS[0]} first=$PID
	holds b.py "tcp('::1', $port)"
	who_text "$port"
	says_line "^127\.0\.0\.1:$port is answered by python3 \(pid $first\), \[::1\]:$port by python3 \(pid $PID\)\$"
	says_line "^warning: localhost:$port is two different programs: which one answers depends"
	who "$port"
	record '.address == "127.0.0.1"' 'localhost=["127.0.0.1"]'
	record '.address == "::1"' 'localhost=["::1"]'
	# By their names, too.
	holds c.py "called('vite'); say(port(tcp('0.0.0.0')))"
	port=${WORDS[0]} first=$PID
	holds d.py "called('proxy'); tcp('::1', $port)"
	who_text "$port"
	says_line "^127\.0\.0\.1:$port is answered by vite \(pid $first\), \[::1\]:$port by proxy \(pid $PID\)\$"
	says_line '^warning: '
}

@test "localhost of one program is not warned of, whatever it opened" {
	holds '
s = tcp("127.0.0.1")
tcp("::1", port(s))
t = tcp("::", v6only=False)
w = tcp("127.0.0.1", reuse=True)
child("tcp(\"::1\", %d, reuse=True)" % port(w))
say(port(s), port(t), port(w))'
	local port=${WORDS[2]}
	are_there() {
		who "$port"
		[[ $(wc -l <<<"$output") == 2 ]]
	}
	lab_wait_until 10 are_there
	for port in "${WORDS[@]}"; do
		who_text "$port"
		says_line '^127\.0\.0\.1:[0-9]+ is answered by python3 \(pid [0-9]+\), \[::1\]:[0-9]+ by python3'
		refute_output --partial warning
	done
	who "${WORDS[1]}"
	record true 'localhost=["127.0.0.1","::1"]'
}

@test "localhost that nobody answers is not mentioned" {
	holds 'say(port(tcp("10.77.0.1")), port(tcp("0.0.0.0", device="eth0")))'
	who_text "${WORDS[0]}"
	assert_success
	refute_output --partial answered
	who_text "${WORDS[1]}"
	assert_success
	refute_output --partial answered
	who "${WORDS[1]}"
	record true 'localhost=[]'
}

@test "a socket that was not asked for is not taken for nobody on localhost" {
	holds a.py 'say(port(tcp("127.0.0.1")))'
	local port=${WORDS[0]} first=$PID
	holds b.py "called('other'); tcp('::1', $port)"
	local args
	for args in -4 "--pid $first"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		who_text $args "$port"
		says_line "^127\.0\.0\.1:$port is answered by python3 \(pid $first\), \[::1\]:$port by a socket that is not shown here\$"
	done
	who_text -v other
	says_line "^127\.0\.0\.1:$port is answered by a socket that is not shown here, \[::1\]:$port by other"
	who_text "$port"
	refute_output --partial 'not shown'
}

@test "a client that is connected, from whatever port, does not hide who answers localhost" {
	holds '
say(port(tcp("127.0.0.1")))
KEEP.append(socket.create_connection(("127.0.0.1", int(WORDS[0])),
                                     source_address=("127.0.0.1", 40000)))'
	who_text "${WORDS[0]}"
	says_line "^127\.0\.0\.1:${WORDS[0]} is answered by python3 \(pid $PID\), \[::1\]:"
	who "${WORDS[0]}"
	record true 'localhost=["127.0.0.1"]' clients=1
}

@test "localhost of UDP is told as well" {
	holds a.py 'say(port(udp("127.0.0.1")))'
	local port=${WORDS[0]} first=$PID
	holds b.py "udp('::', $port, v6only=True)"
	who_text "$port/udp"
	says_line "^127\.0\.0\.1:$port is answered by python3 \(pid $first\), \[::1\]:$port by python3 \(pid $PID\)\$"
	says_line '^warning: '
}

# ---- forwarded ports -----------------------------------------------------------------

@test "a port that rules forward elsewhere has a page, and --free says so, as root" {
	lab_nft cl <<-RULES
		table ip t {
			chain c {
				type nat hook prerouting priority dstnat
				tcp dport 8080 dnat to 10.88.0.5:80
			}
		}
	RULES
	who_text 8080
	assert_equal "$status $stderr" '0 '
	says_line '^8080/tcp \(http-alt\) on 0\.0\.0\.0: '
	says_line "^  forwarded  to 10\.88\.0\.5:80 by this machine's rules: no program here\$"
	refute_output --partial localhost
	who_text --free 8080
	assert_equal "$status $stderr" '0 '
	assert_output "8080/tcp is free; but this machine's rules forward to 10.88.0.5:80 what comes for it from elsewhere"
	who_text 8081
	assert_equal "$status $output" '1 '
}
