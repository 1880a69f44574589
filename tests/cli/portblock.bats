#!/usr/bin/env bats
# The command line of portblock: what it refuses, accepts, prints, and how it exits. Only
# the loopback interface is used, and no privilege is needed. What it concludes about real
# networks is tested in tests/net.
#
# bats sets stderr, and runs each test in a subshell; jq and the commands under test have
# variables of their own; '\' is a backslash that is expected.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC1003

bats_require_minimum_version 1.5.0

setup_file() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_closed
	helpers_serve tcp:0 tcp:0 udp-echo:0
	export TCP_CLOSED UDP_CLOSED CLOSED_PID SERVER_PID
	export OPEN=${PORTS[0]} OPEN_TOO=${PORTS[1]} ECHO=${PORTS[2]}
}

teardown_file() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_end
}

setup() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_load
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	public_remove
}

# no NAMED WHY ARG…: portblock refuses.
no() {
	refused portblock "$@"
}

# asked ARG…: what portblock examines, "target port/protocol" a line, in order.
asked() {
	tool portblock -j -t 500ms "$@"
	((STATUS < 2)) || _helpers_wrong 'expected an answer' || return
	jq -r '"\(.target) \(.port)/\(.protocol)"' "$OUT" | LC_ALL=C sort
}

# asks "LINES" ARG…: these are they.
asks() {
	local want
	want=$(LC_ALL=C sort <<<"$1")
	shift
	run -0 asked "$@"
	assert_output "$want"
}

has_ipv6() {
	grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null
}

repeat() {
	local text
	printf -v text '%*s' "$2" ''
	printf %s "${text// /$1}"
}

# ---- bad input -----------------------------------------------------------------------

@test "a port that cannot be is refused, with what was expected" {
	no "'0'" '1-65535' 127.0.0.1 0
	no "'70000'" '1-65535' 127.0.0.1 70000
	no "'65536'" '1-65535' 127.0.0.1 65536
	no "'0x50'" 'expected a number' 127.0.0.1 0x50
	no "'-5'" 'expected' -p -5 127.0.0.1
	no "'127.0.0.1:0'" '1-65535' 127.0.0.1:0
	no "'[::1]:70000'" '1-65535' '[::1]:70000'
}

@test "a port list with a slip in it is refused" {
	no "'80-'" 'first and the last' 127.0.0.1 80-
	no "'90-80'" 'lower port first' 127.0.0.1 90-80
	no "'80,,90'" 'both sides of a comma' 127.0.0.1 80,,90
	no "'53/sctp'" '/tcp or /udp' 127.0.0.1 53/sctp
}

@test "a service that nobody knows is refused" {
	no "'no-such-service'" 'service' 127.0.0.1 no-such-service
	no "'no-such-service'" 'service' -p no-such-service 127.0.0.1
	no "'ssh'" 'ssh/tcp' -u 127.0.0.1 ssh
}

@test "a target that is missing, and one without ports, are refused" {
	no 'example.com 80' 'expected a target'
	no 'example.com 80' 'expected a target' -p 80
	no 'example.com 80' 'expected a target' --
	no "''" 'expected' ''
	no "'80'" 'expected a target' 80
	no "':80'" 'expected a host' :80
	no "'127.0.0.1'" 'no ports' 127.0.0.1
	no "'127.1'" 'IPv4' 127.1 80
	no "'fe80::1%nosuch0'" 'no interface' fe80::1%nosuch0 80
}

@test "more ports than can be examined are refused, at exactly the number where they are" {
	no "'127.0.0.1'" 'expected at most 64 ports (portcheck checks ranges)' \
		127.0.0.1 1-65
	no "'127.0.0.1'" '65535 ports' 127.0.0.1 1-65535
	no "'127.0.0.1'" 'at most 64' 127.0.0.1 1-64 65/udp
	no "'127.0.0.2'" 'at most 64' 127.0.0.1:80 127.0.0.2:1-65
	no "'127.0.0.1'" 'at most 64' -p 1-65 127.0.0.1
	printf '127.0.0.1 1-65\n' >hosts
	no "'127.0.0.1'" 'at most 64' -f hosts
	# 64 are not too many: only the next operand is wrong.
	no "'0'" '1-65535' 127.0.0.1 1-64 0
	no "'localhost'" 'look-ups' -n 127.0.0.1:1-64 127.0.0.2:1-64 localhost:80
}

@test "a block that is for a sweep is refused, at exactly the size where it is" {
	no "'10.0.0.0/23'" 'at most 256 addresses in all blocks (portcheck sweeps networks)' \
		10.0.0.0/23 80
	no "'10.0.0.0/4'" 'at most 256 addresses' 10.0.0.0/4 80
	no "'2001:db8::/119'" 'at most 256 addresses' 2001:db8::/119 80
	no "'10.0.1.0/30'" 'at most 256 addresses' 10.0.0.0/24 10.0.1.0/30 80
	no "'10.0.0.0/33'" '0-32' 10.0.0.0/33 80
	# 256 are not too many.
	no "'localhost'" 'look-ups' -n 10.0.0.0/25 10.0.0.128/25 localhost 80
	no "'localhost'" 'look-ups' -n 2001:db8::/120 localhost 80
	# And there is no --yes here to ask for.
	tool portblock 10.0.0.0/4 80
	refute grep -q -e --yes "$ERR"
}

@test "a duration that cannot be is refused" {
	local bad
	for bad in 0 -1 x 1x 1..5 '1 s' 9h 499ms 10ms 99999999999999999999; do
		no "'$bad'" 'duration' -t "$bad" 127.0.0.1 80
	done
	no '--timeout' 'empty' -t '' 127.0.0.1 80
	no '--timeout' 'missing' 127.0.0.1 80 -t
	# The least that is taken: only the next operand is wrong.
	no "'0'" '1-65535' -t 500ms 127.0.0.1 0
}

@test "a number of hops outside its bounds is refused" {
	no "'0'" 'from 1 to 64' --max-hops 0 127.0.0.1 80
	no "'65'" 'from 1 to 64' --max-hops 65 127.0.0.1 80
	no "'x'" 'number' --max-hops=x 127.0.0.1 80
	no "'0'" '1-65535' --max-hops 64 127.0.0.1 0
}

@test "an unknown option is refused, with a second line that points to --help" {
	local line='Try '\''portblock --help'\'' for more information.'
	refused_lines 2 portblock "'--nosuch'" "$line" --nosuch 127.0.0.1 80
	refused_lines 2 portblock "'-Z'" "$line" -qZ 127.0.0.1 80
	# What only portcheck has.
	refused_lines 2 portblock "'--top'" "$line" --top 3 127.0.0.1
	refused_lines 2 portblock "'-c'" "$line" -c 3 127.0.0.1 80
}

@test "an option that could be two is refused, and both are named" {
	no "'--ver'" "'--verbose', '--version'" --ver 127.0.0.1 80
	no "'--n'" "'--netns', '--no-capture'" --n 127.0.0.1 80
}

@test "a word that an option does not know is refused, and those it knows are named" {
	no "'xml'" 'text, json, csv' --format=xml 127.0.0.1 80
	no "'nagios'" 'text, json, csv' --format=nagios 127.0.0.1 80
	no "'smtp'" 'auto, none, http, tls' --first-bytes smtp 127.0.0.1 80
	no "'sometimes'" 'auto, always, never' --color=sometimes 127.0.0.1 80
	no "'3'" 'no argument' --explain=3 127.0.0.1 80
}

@test "options that exclude one another are refused, and both are named" {
	no '--ipv4' '--ipv6' -4 -6 127.0.0.1 80
	no '--json' '--format' -j --format=csv 127.0.0.1 80
	no '--quiet' '--verbose' -q -v 127.0.0.1 80
	# What is kept has to be captured.
	no '--write' '--no-capture' -w x.pcap --no-capture 127.0.0.1 80
	[[ ! -e x.pcap ]]
}

@test "a report in a format that nobody knows is refused, and those known are named" {
	local name
	for name in foo.txt foo md html .pdf foo.md.txt foo.html/ - 'a b'; do
		no "'$name'" 'ends in .md, .markdown, .html or .htm' --report "$name" 127.0.0.1 80
	done
	no '--report' 'empty' --report '' 127.0.0.1 80
	# These are known: only the operand is wrong.
	for name in a.md a.markdown a.html a.htm ./b.c/a.md; do
		no "'0'" '1-65535' --report "$name" 127.0.0.1 0
		[[ ! -e $name ]] || fail "made $name"
	done
}

@test "packets and results do not share standard output" {
	no '--write' 'only with -q' -w - 127.0.0.1 80
	no '--write' 'only with -q' -j -w - 127.0.0.1 80
	no "'0'" '1-65535' -q -w - 127.0.0.1 0
}

@test "an address of the wrong family is refused" {
	no "'127.0.0.1'" 'IPv6' -6 127.0.0.1 80
	no "'::1'" 'IPv4' -4 ::1 80
	no "'::1'" 'IPv4' -S 127.0.0.1 ::1 80
	no '127.0.0.1' 'IPv6' -6 -S 127.0.0.1 ::1 80
}

@test "a source address or interface that is not this machine's is refused" {
	no "'192.0.2.1'" 'no address of this machine' -S 192.0.2.1 127.0.0.1 80
	no "'localhost'" 'expected an IPv4 or IPv6 address' -S localhost 127.0.0.1 80
	no "'nosuch0'" 'no such network interface' -I nosuch0 127.0.0.1 80
	no "'$(repeat i 40)'" 'no such network interface' -I "$(repeat i 40)" 127.0.0.1 80
}

@test "a network namespace that does not exist is refused" {
	no "'no-such-netns'" 'no such network namespace' --netns no-such-netns 127.0.0.1 80
	no "'../ns'" 'no such network namespace' --netns ../ns 127.0.0.1 80
	no '--netns' 'empty' --netns '' 127.0.0.1 80
}

@test "a name is refused with -n, as it would have to be looked up" {
	no "'localhost'" 'look-ups' -n localhost 80
}

@test "a file of targets that cannot be read is refused, and a junk line is named" {
	no "'missing'" 'No such file' -f missing 80
	: >empty
	no 'example.com 80' 'expected a target' -f empty
	no "'80'" 'expected a target' -f empty 80
	printf '127.0.0.1:%s\n\n# comment\n:80\n' "$OPEN" >hosts
	no "':80'" 'line 4' -f hosts
}

@test "control characters of an operand never reach the terminal as they are" {
	local evil
	for evil in $'\e[31mred' $'a\nb' $'a\x7fb' $'a\xc2\x9bb' $'a\xe2\x80\xaeb' \
		$'a\xff\xfeb'; do
		no 'portblock: ' '\' "$evil" 80
		no 'portblock: ' '\' 127.0.0.1 "80$evil"
		no '--first-bytes' '\' --first-bytes "$evil" 127.0.0.1 80
		no '--report' '\' --report "$evil" 127.0.0.1 80
		no '--source' '\' -S "$evil" 127.0.0.1 80
		no '--interface' '\' -I "$evil" 127.0.0.1 80
		no '--netns' '\' --netns "$evil" 127.0.0.1 80
		no 'cannot open' '\' -f "$evil" 80
		refused_lines 2 portblock 'unknown option' '\' "--$evil" 127.0.0.1 80
	done
}

# ---- help, version, options ----------------------------------------------------------

@test "--help is on standard output, in 80 columns, and exits 0" {
	local arg
	for arg in --help -h; do
		tool portblock "$arg"
		expect_status 0
		expect_error_lines 0
		(($(wc -l <"$OUT") > 50)) || _helpers_wrong 'expected the whole help'
		run -1 grep -n -E '.{81}|[[:space:]]$|[^ -~]' "$OUT"
		assert_output ''
	done
}

@test "--help names every long option, the exit statuses, and the manual" {
	local word
	tool portblock --help
	for word in ports file udp ipv4 ipv6 numeric timeout max-hops first-bytes source \
		interface netns no-capture rule write report explain json format quiet \
		verbose color help version; do
		run -0 grep -c -E "^  (-[[:alnum:]],|   ) --$word( |\$)" "$OUT"
		assert_output 1
	done
	# And no other: whoever adds one adds it above.
	run -0 grep -c -E '^  (-[[:alnum:]],|   ) --' "$OUT"
	assert_output 24
	for word in 0 1 2 3; do
		grep -q -E "^  $word  [a-z]" "$OUT" || _helpers_wrong "no exit status $word"
	done
	grep -q 'man portblock' "$OUT"
}

@test "the letters mean what they mean in every tool" {
	local pair
	tool portblock --help
	for pair in p:ports f:file u:udp 4:ipv4 6:ipv6 n:numeric t:timeout S:source \
		I:interface w:write j:json q:quiet v:verbose h:help V:version; do
		grep -q -E "^  -${pair%:*}, --${pair#*:}( |\$)" "$OUT" || fail "no -${pair%:*}"
	done
	run -0 grep -c -E '^  -[[:alnum:]], --' "$OUT"
	assert_output 15
}

@test "--help and --version win over everything that comes behind, even without a target" {
	tool portblock -j --help --nosuch
	expect_status 0
	tool portblock 127.0.0.1 0 --version
	expect_status 0
	(($(wc -l <"$OUT") == 1)) || _helpers_wrong 'expected one line'
}

@test "--version is one line with the name and a number" {
	local arg
	for arg in --version -V; do
		run -0 --separate-stderr portblock "$arg"
		assert_regex "$output" '^portblock \(portkit\) [0-9]+\.[0-9]+\.[0-9]+[^ ]*$'
		assert_equal "$stderr" ''
	done
}

# ---- operands ------------------------------------------------------------------------

@test "targets and ports come in all the forms that portcheck knows" {
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp' 127.0.0.1 1-2
	asks $'127.0.0.1 1/tcp\n127.0.0.1 9/udp' 127.0.0.1 1 9/udp
	asks '127.0.0.1 1/udp' -u 127.0.0.1 1
	asks '127.0.0.1 22/tcp' 127.0.0.1 ssh
	asks '127.0.0.1 1/tcp' 127.0.0.1:1
	asks '127.0.0.1 1/tcp' http://127.0.0.1:1/path
	asks $'127.0.0.1 1/tcp\n127.0.0.2 1/tcp' -p 1 127.0.0.1 127.0.0.2
	asks 'localhost 1/tcp' -4 localhost 1
	printf '127.0.0.1 1 # one\n' >hosts
	asks $'127.0.0.1 1/tcp\n127.0.0.2 2/tcp' -f hosts 127.0.0.2:2
	run -0 asked 127.0.0.0/31 1
	assert_output "$(printf '127.0.0.0/31 1/tcp\n%.0s' 1 2)"
}

@test "what stands behind -- is an operand" {
	asks '127.0.0.1 1/tcp' -- 127.0.0.1 1
	asks '127.0.0.1 1/tcp' 127.0.0.1 -- 1
	no "'-j'" 'expected' -- 127.0.0.1 -j
}

# ---- answers -------------------------------------------------------------------------

# verdict ARG…: "port state verdict where confidence" a line, in order of the ports.
verdict() {
	tool portblock -j "$@"
	jq -r '"\(.port) \(.state) \(.verdict) \(.where)"' "$OUT" | LC_ALL=C sort
}

@test "the exit status is 0 for yes" {
	tool portblock 127.0.0.1 "$OPEN"
	expect_status 0
	grep -q "127.0.0.1:$OPEN.* open" "$OUT" || _helpers_wrong 'expected an open port'
	tool portblock 127.0.0.1 "$OPEN" "$OPEN_TOO" "$ECHO/udp"
	expect_status 0
	tool portblock -4 "localhost:$OPEN"
	expect_status 0
}

@test "the exit status is 1 for no, also when only one of several says no" {
	tool portblock 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
	tool portblock 127.0.0.1 "$OPEN" "$TCP_CLOSED"
	expect_status 1
	tool portblock -u 127.0.0.1 "$UDP_CLOSED"
	expect_status 1
	tool portblock -t 2s no-such-name.invalid "$OPEN"
	expect_status 1
}

@test "a listening port, a closed one and a name that is none each get their verdict" {
	run verdict 127.0.0.1 "$OPEN"
	assert_output "$OPEN open open target"
	run verdict 127.0.0.1 "$TCP_CLOSED"
	assert_output "$TCP_CLOSED closed no-listener target"
	run verdict -u 127.0.0.1 "$UDP_CLOSED"
	assert_output "$UDP_CLOSED closed no-listener target"
	run verdict -t 2s no-such-name.invalid 80
	assert_output --partial '80 unresolved unresolved '
	has_ipv6 || return 0
	run verdict ::1 "$TCP_CLOSED"
	assert_output "$TCP_CLOSED closed no-listener target"
}

@test "it concludes the same without the capture" {
	run verdict --no-capture 127.0.0.1 "$OPEN"
	assert_output "$OPEN open open target"
	run verdict --no-capture 127.0.0.1 "$TCP_CLOSED"
	assert_output "$TCP_CLOSED closed no-listener target"
	run -0 jq -r .captured "$OUT"
	assert_output false
}

@test "-q prints nothing, whatever the answer" {
	local args
	for args in "$OPEN" "$TCP_CLOSED" "-j $TCP_CLOSED" "--format=csv $OPEN" \
		"--explain $TCP_CLOSED"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portblock -q 127.0.0.1 $args
		((STATUS < 2)) || _helpers_wrong 'expected an answer'
		expect_no_output
		expect_error_lines 0
	done
	tool portblock -q 127.0.0.1 "$OPEN"
	expect_status 0
	no "'0'" '1-65535' -q 127.0.0.1 0
}

@test "-n shows no service names" {
	tool portblock -j 127.0.0.1 22
	run -0 jq -r .service "$OUT"
	assert_output ssh
	tool portblock -j -n 127.0.0.1 22
	run -0 jq -r .service "$OUT"
	assert_output null
}

@test "--explain with a machine format changes nothing about it" {
	tool portblock -j --explain 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
	run -0 jq -r '.verdict, (.ruled_out | type)' "$OUT"
	assert_output $'no-listener\narray'
}

@test "--report writes a file that names target, port and verdict" {
	local name
	for name in ticket.md ticket.html; do
		tool portblock -q --report "$name" 127.0.0.1 "$TCP_CLOSED"
		expect_status 1
		expect_error_lines 0
		grep -q "127\.0\.0\.1.*$TCP_CLOSED" "$name" || fail "$name names no port"
		grep -q 'no-listener\|no listener\|nothing listens' "$name" || fail "no verdict"
	done
}

@test "a report that cannot be written is exit 3 and one line" {
	tool portblock --report missing/ticket.md 127.0.0.1 "$OPEN"
	expect_status 3
	expect_error_lines 1
	expect_error "'missing/ticket.md': No such file"
}

@test "every format is written, and CSV has the columns of JSON" {
	tool portblock --format=csv 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
	head -n 1 "$OUT" | tr -d '\r' | tr , '\n' >csv
	tool portblock -j 127.0.0.1 "$TCP_CLOSED"
	jq -r 'keys_unsorted[]' "$OUT" >json
	run -0 diff csv json
	tool portblock 127.0.0.1 "$TCP_CLOSED"
	_helpers_plain "$OUT" || _helpers_wrong 'expected plain lines, no colour'
}

# ---- standard streams and surroundings -----------------------------------------------

@test "a full disk is told, once, and is exit 3" {
	[[ -c /dev/full ]] || skip 'no /dev/full here'
	local args
	for args in --help --version "127.0.0.1 $OPEN" "-j 127.0.0.1 $OPEN" \
		"--format=csv 127.0.0.1 $OPEN"; do
		STATUS=0
		# Words on purpose.
		# shellcheck disable=SC2086
		timeout 20 portblock $args >/dev/full 2>"$ERR" || STATUS=$?
		: >"$OUT"
		expect_status 3
		expect_error_lines 1
		expect_error 'portblock: cannot write to standard output: No space left'
	done
}

@test "it works for nobody, with an empty environment" {
	local as=()
	public_copy portblock
	if ((EUID == 0)); then
		as=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups
			--bounding-set=-all --inh-caps=-all)
	fi
	run -0 "${as[@]}" env -i "$COPY" -j 127.0.0.1 "$OPEN"
	assert_equal "$(jq -r '"\(.verdict) \(.captured)"' <<<"$output")" 'open false'
	run -1 "${as[@]}" env -i "$COPY" -j 127.0.0.1 "$TCP_CLOSED"
	assert_equal "$(jq -r .verdict <<<"$output")" no-listener
	run -2 "${as[@]}" env -i "$COPY" 127.0.0.1 0
}

@test "colour is for terminals, and NO_COLOR is honoured" {
	on_terminal "portblock 127.0.0.1 $TCP_CLOSED"
	assert_output --partial $'\e['
	on_terminal "NO_COLOR=1 portblock 127.0.0.1 $TCP_CLOSED"
	refute_output --partial $'\e[3'
	tool portblock --color=always 127.0.0.1 "$TCP_CLOSED"
	grep -q $'\e\[' "$OUT" || _helpers_wrong 'expected colour'
	tool portblock -j --color=always 127.0.0.1 "$TCP_CLOSED"
	refute grep -q $'\e' "$OUT"
}
