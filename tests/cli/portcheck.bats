#!/usr/bin/env bats
# The command line of portcheck: what it refuses, accepts, prints, and how it exits. Only
# the loopback interface is used, and no privilege.
#
# bats sets stderr, and runs each test in a subshell; jq and the commands under test have
# variables of their own; '\' is a backslash that is expected.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC1003

bats_require_minimum_version 1.5.0

setup_file() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_closed
	helpers_serve tcp:0 banner:0:'hi\x1b[31m\x00\r\nthere' full:0 udp-echo:0 \
		udp-silent:0 close:0
	export TCP_CLOSED UDP_CLOSED CLOSED_PID SERVER_PID
	export OPEN=${PORTS[0]} BANNER=${PORTS[1]} FULL=${PORTS[2]} ECHO=${PORTS[3]} \
		SILENT=${PORTS[4]} FIN=${PORTS[5]}
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
	SCHEMA=$BATS_TEST_DIRNAME/../schema
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	public_remove
}

# no NAMED WHY ARG…: portcheck refuses.
no() {
	refused portcheck "$@"
}

# asked ARG…: what portcheck asks for, "target port/protocol" a line, in order.
asked() {
	tool portcheck -j -t 500ms "$@"
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
	no "'99999999999999999999'" '1-65535' 127.0.0.1 99999999999999999999
	no "'0x50'" 'expected a number' 127.0.0.1 0x50
	no "'-5'" 'expected' -p -5 127.0.0.1
	no "'127.0.0.1:0'" '1-65535' 127.0.0.1:0
	no "'127.0.0.1:'" 'expected a port' 127.0.0.1:
	no "'[::1]:70000'" '1-65535' '[::1]:70000'
}

@test "a port list with a slip in it is refused" {
	no "'80-'" 'first and the last' 127.0.0.1 80-
	no "'90-80'" 'lower port first' 127.0.0.1 90-80
	no "'1-70000'" '1-65535' 127.0.0.1 1-70000
	no "'0-80'" '1-65535' 127.0.0.1 0-80
	no "'1-2-3'" 'first and the last' 127.0.0.1 1-2-3
	no "'80,,90'" 'both sides of a comma' 127.0.0.1 80,,90
	no "'80,'" 'both sides of a comma' 127.0.0.1 80,
	no "'80 90'" 'no blanks' 127.0.0.1 '80 90'
	no "'53/sctp'" '/tcp or /udp' 127.0.0.1 53/sctp
	no "'/udp'" 'before the slash' 127.0.0.1 /udp
}

@test "a service that nobody knows is refused" {
	no "'no-such-service'" 'service' 127.0.0.1 no-such-service
	no "'no-such-service'" 'service' -p no-such-service 127.0.0.1
	no "'nosuch/tcp'" 'service' 127.0.0.1 nosuch/tcp
	no "'nosuch'" 'service' 127.0.0.1 80,nosuch
	no "127.0.0.1:nosuch" 'service' 127.0.0.1:nosuch
}

@test "a service of the other protocol is refused, and its own is named" {
	no "'ssh'" 'ssh/tcp' -u 127.0.0.1 ssh
}

@test "a target that is missing or empty is refused" {
	no "''" 'expected' ''
	no "''" 'expected' '' 80
	no "''" 'expected' 127.0.0.1 ''
	no "':80'" 'expected a host' :80
	no "'http://'" 'expected a host' http://
	no "'http://:80" 'expected a host' http://:80/
	no "'80'" 'expected a target' 80
	no "'22,80'" 'expected a target' 22,80
	no "'80'" 'expected a target' -p 22 80
	no 'example.com 80' 'expected a target'
	no 'example.com 80' 'expected a target' -p 80
	no 'example.com 80' 'expected a target' -t 5
}

@test "a target without ports is refused, and so are ports without a target" {
	no "'127.0.0.1'" 'no ports' 127.0.0.1
	no "'127.0.0.2'" 'no ports' 127.0.0.1:80 127.0.0.2
	no "'81'" 'without a target' 127.0.0.1:80 81
}

@test "a name that is too long is refused, at exactly the length where it is" {
	local label63 name253
	label63=$(repeat a 63)
	name253=$label63.$label63.$label63.$(repeat b 61)
	no "'$(repeat a 40)" 'label of more than 63' "$(repeat a 300)" 80
	no "'a$label63.test'" 'label of more than 63' "a$label63.test" 80
	no "'$(repeat a 40)" 'more than 253' "${name253}b" 80
	# No shorter one is: there only the next operand is wrong.
	no "'0'" '1-65535' "$label63.test" 0
	no "'0'" '1-65535' "$name253" 0
	no "'0'" '1-65535' "$name253." 0
}

@test "what is neither a name nor an address is refused" {
	no "'127.1'" 'IPv4' 127.1 80
	no "'2130706433.'" 'IPv4' 2130706433. 80
	no "'256.1.1.1'" 'IPv4' 256.1.1.1 80
	no "'1.2.3.4.5'" 'IPv4' 1.2.3.4.5 80
	no "'010.0.0.1'" 'IPv4' 010.0.0.1 80
	no "'0x7f.1'" 'IPv4' 0x7f.1 80
	no "'a..b'" 'empty label' a..b 80
	no "'.a'" 'empty label' .a 80
	no "'a b'" 'not a host name' 'a b' 80
	no "'a,b'" 'not a host name' a,b 80
	no "'[::1'" 'closing bracket' '[::1' 80
	no "'[::1]x'" 'colon' '[::1]x' 80
	no "'[127.0.0.1]:80'" 'IPv6' '[127.0.0.1]:80'
	no "'1:2:3'" 'IPv6' 1:2:3 80
	no "'fe80::1%nosuch0'" 'no interface' fe80::1%nosuch0 80
	no "'foo://h'" 'scheme' foo://h
}

@test "a block that is too large to be meant asks for --yes" {
	no "'10.0.0.0/4'" '--yes' 10.0.0.0/4 80
	no "'10.0.0.0/11'" '--yes' 10.0.0.0/11 80
	no "'0'" '1-65535' 10.0.0.0/12 0
	no "'0'" '1-65535' --yes 10.0.0.0/4 0
	no "'0'" '1-65535' 10.0.0.0/4 --yes 0
	no "'2001:db8::/64'" 'at most' --yes 2001:db8::/64 80
}

@test "a prefix length that cannot be is refused" {
	no "'10.0.0.0/33'" '0-32' 10.0.0.0/33 80
	no "'::1/129'" '0-128' ::1/129 80
	no "'10.0.0.0/'" '0-32' 10.0.0.0/ 80
	no "'10.0.0.0/x'" '0-32' 10.0.0.0/x 80
	no "'localhost/24'" 'address before the slash' localhost/24 80
}

@test "a duration that cannot be is refused" {
	local bad
	for bad in 0 -1 x 1x 1..5 .5 5. '1 s' 1e3 9h 1ms 99999999999999999999; do
		no "'$bad'" 'duration' -t "$bad" 127.0.0.1 80
	done
	no '--timeout' 'empty' -t '' 127.0.0.1 80
	no '--timeout' 'missing' 127.0.0.1 80 -t
	no "'0'" 'duration' -i 0 127.0.0.1 80
	no "'0'" 'duration' -W 0 127.0.0.1 80
	no "'x'" 'duration' --hold x 127.0.0.1 80
}

@test "a number outside its bounds is refused" {
	no "'0'" 'from 1 to' -c 0 127.0.0.1 80
	no "'1.5'" 'number' -c 1.5 127.0.0.1 80
	no "'99999999999999999999'" 'number' -c 99999999999999999999 127.0.0.1 80
	no "'0'" 'from 1 to' --top 0 127.0.0.1
	no "'1000'" 'from 1 to' --top 1000 127.0.0.1
	no "'-1'" 'from 1 to' --top -1 127.0.0.1
	no "'94'" 'UDP' -u --top 94 127.0.0.1
	no "'0'" 'from 1 to 255' --ttl 0 127.0.0.1 80
	no "'256'" 'from 1 to 255' --ttl 256 127.0.0.1 80
	no "'0'" 'from 1 to 65535' --source-port 0 127.0.0.1 80
	no "'0'" 'from 1 to' --parallel 0 127.0.0.1 80
	no "'0'" 'from 1 to' --rate 0 127.0.0.1 80
}

@test "an unknown option is refused, with a second line that points to --help" {
	local line='Try '\''portcheck --help'\'' for more information.'
	refused_lines 2 portcheck "'--nosuch'" "$line" --nosuch 127.0.0.1 80
	refused_lines 2 portcheck "'--nosuch'" "$line" 127.0.0.1 80 --nosuch=3
	refused_lines 2 portcheck "'-Z'" "$line" -Z 127.0.0.1 80
	refused_lines 2 portcheck "'-Z'" "$line" -qZ 127.0.0.1 80
}

@test "an option that could be two is refused, and both are named" {
	no "'--co'" "'--count', '--color'" --co 127.0.0.1 80
}

@test "a word that an option does not know is refused, and those it knows are named" {
	no "'xml'" 'text, json, csv, nagios, prometheus' --format=xml 127.0.0.1 80
	no "'JSON'" 'text, json, csv, nagios, prometheus' --format JSON 127.0.0.1 80
	no "'sometimes'" 'auto, always, never' --color=sometimes 127.0.0.1 80
	no "'filtered'" 'open, closed' -W 1 --until filtered 127.0.0.1 80
	no '--format' 'empty' --format= 127.0.0.1 80
	no "'3'" 'no argument' --quiet=3 127.0.0.1 80
}

@test "options that exclude one another are refused, and both are named" {
	no '--ipv4' '--ipv6' -4 -6 127.0.0.1 80
	no '--json' '--format' -j --format=csv 127.0.0.1 80
	no '--format' '--json' --format=csv -j 127.0.0.1 80
	no '--quiet' '--verbose' -q -v 127.0.0.1 80
	no '--count' '--wait' -c 3 -W 3 127.0.0.1 80
	no '--count' '--wait' 127.0.0.1 80 -W 3 -c 3
}

@test "an option that needs another one is refused without it" {
	no '--until' '--wait' --until closed 127.0.0.1 80
	no '--any' '--wait' --any 127.0.0.1 80
	no '--format=nagios' '-c' --format=nagios -c 3 127.0.0.1 80
	no '--format=nagios' '-i' --format=nagios -i 1 127.0.0.1 80
}

@test "an address of the wrong family is refused" {
	no "'127.0.0.1'" 'IPv6' -6 127.0.0.1 80
	no "'::1'" 'IPv4' -4 ::1 80
	no "'::1'" 'IPv4' -S 127.0.0.1 ::1 80
}

@test "a source address of the family that is excluded is refused" {
	no '127.0.0.1' 'IPv6' -6 -S 127.0.0.1 ::1 80
	no '127.0.0.1' 'IPv6' -S 127.0.0.1 -6 localhost 80
	has_ipv6 || return 0
	no '::1' 'IPv4' -4 -S ::1 127.0.0.1 80
}

@test "a source address or interface that is not this machine's is refused" {
	no "'192.0.2.1'" 'address of this machine' -S 192.0.2.1 127.0.0.1 80
	no "'localhost'" 'address' -S localhost 127.0.0.1 80
	no "'nosuch0'" 'no such network interface' -I nosuch0 127.0.0.1 80
	no "'$(repeat i 40)'" 'no such network interface' -I "$(repeat i 40)" 127.0.0.1 80
}

@test "a network namespace that does not exist is refused" {
	no "'no-such-netns'" 'no such network namespace' --netns no-such-netns 127.0.0.1 80
	no "'../ns'" 'no such network namespace' --netns ../ns 127.0.0.1 80
	no '--netns' 'empty' --netns '' 127.0.0.1 80
}

@test "a -- without a command behind it is refused, and so is one that nothing starts" {
	no "'--'" 'expected a command' 127.0.0.1 80 --
	no "'--'" 'expected a command' -W 1 127.0.0.1 80 --
	no "'--'" '-c' -c 2 127.0.0.1 80 -- true
	no "'--'" '-i' -i 1 127.0.0.1 80 -- true
}

@test "a name is refused with -n, as it would have to be looked up" {
	no "'localhost'" 'look-ups' -n localhost 80
}

@test "a file of targets that cannot be read is refused" {
	mkdir dir
	no "'missing'" 'No such file' -f missing 80
	no "'dir'" 'Is a directory' -f dir 80
	: >empty
	no '80' 'expected a target' -f empty 80
}

@test "a junk line in a file is named by its number, and nothing is checked" {
	printf '127.0.0.1:%s\n\n# comment\n:80\n' "$OPEN" >hosts
	no "':80'" 'line 4' -f hosts
	expect_error "'hosts'"
	printf '127.0.0.1 90-80\n' >hosts
	no "'90-80'" 'line 1' -f hosts
	printf '127.0.0.1:%s\n127.0.0.1 127.0.0.2 80\n' "$OPEN" >hosts
	no "'127.0.0.2'" 'line 2' -f hosts
	printf '127.0.0.1\r\n256.1.1.1\r\n' >hosts
	no "'256.1.1.1'" 'line 2' -f hosts 80
	printf '127.0.0.1\n10.0.0.0/4' >hosts
	no "'10.0.0.0/4'" 'line 2' -f hosts 80
	{ printf '127.0.0.1\n' && repeat a 5000; } >hosts
	no "'hosts'" 'line 2' -f hosts 80
}

@test "a NUL byte in a file is refused where it stands" {
	printf '127.0.0.1\n127.0\0.0.1\n' >hosts
	no "'hosts'" 'line 2: a NUL byte' -f hosts 80
	printf '127.0.0.1\n\0' >hosts
	no "'hosts'" 'line 2: a NUL byte' -f hosts 80
	head -c 100 /dev/zero >hosts
	no "'hosts'" 'line 1: a NUL byte' -f hosts 80
}

@test "a junk line on standard input is named by its number" {
	STATUS=0
	printf '127.0.0.1\n\n90-80\n' | portcheck -f - 80 >"$OUT" 2>"$ERR" || STATUS=$?
	expect_status 2
	expect_no_output
	expect_error_lines 1
	expect_error "standard input line 3: '90-80'"
}

@test "control characters of an operand never reach the terminal as they are" {
	local evil
	for evil in $'\e[31mred' $'a\nb' $'a\rb' $'a\x7fb' $'a\xc2\x9bb' $'a\xe2\x80\xaeb' \
		$'a\xff\xfeb'; do
		no "portcheck: " '\' "$evil" 80
		no "portcheck: " '\' 127.0.0.1 "80$evil"
		no "portcheck: " '\' "127.0.0.1:$evil"
		no "portcheck: " '\' "http://$evil/"
		no 'portcheck: ' '\' -p "$evil" 127.0.0.1
		no "--timeout" '\' -t "$evil" 127.0.0.1 80
		no "--format" '\' --format "$evil" 127.0.0.1 80
		no "--source" '\' -S "$evil" 127.0.0.1 80
		no "--interface" '\' -I "$evil" 127.0.0.1 80
		no "--netns" '\' --netns "$evil" 127.0.0.1 80
		no "cannot open" '\' -f "$evil" 80
		refused_lines 2 portcheck 'unknown option' '\' "--$evil" 127.0.0.1 80
		# Where lines end is another matter.
		[[ $evil != *[$'\r\n']* ]] || continue
		printf '%s 80\n' "$evil" >hosts
		no "line 1" '\' -f hosts
	done
}

# ---- help, version, options ----------------------------------------------------------

@test "--help is on standard output, in 80 columns, and exits 0" {
	local arg
	for arg in --help -h; do
		tool portcheck "$arg"
		expect_status 0
		expect_error_lines 0
		(($(wc -l <"$OUT") > 50)) || _helpers_wrong 'expected the whole help'
		run -1 grep -n -E '.{81}|[[:space:]]$|[^ -~]' "$OUT"
		assert_output ''
	done
}

@test "--help names every long option, the exit statuses, and the manual" {
	local word
	tool portcheck --help
	for word in ports top file udp ipv4 ipv6 all-addresses numeric yes timeout count \
		interval wait until any hold banner source interface source-port ttl netns \
		parallel rate json format open quiet verbose color help version; do
		run -0 grep -c -E "^  (-[[:alnum:]],|   ) --$word( |\$)" "$OUT"
		assert_output 1
	done
	# And no other: whoever adds one adds it above.
	run -0 grep -c -E '^  (-[[:alnum:]],|   ) --' "$OUT"
	assert_output 32
	for word in 0 1 2 3; do
		grep -q -E "^  $word  [a-z]" "$OUT" || _helpers_wrong "no exit status $word"
	done
	grep -q 'man portcheck' "$OUT"
}

@test "--help and --version win over everything that comes behind, even without a target" {
	tool portcheck -j --help --nosuch
	expect_status 0
	tool portcheck 127.0.0.1 0 --version
	expect_status 0
	(($(wc -l <"$OUT") == 1)) || _helpers_wrong 'expected one line'
}

@test "--version is one line with the name and a number" {
	local arg
	for arg in --version -V; do
		run -0 --separate-stderr portcheck "$arg"
		assert_regex "$output" '^portcheck \(portkit\) [0-9]+\.[0-9]+\.[0-9]+[^ ]*$'
		assert_equal "$stderr" ''
	done
}

@test "long options may be abbreviated, and take their values both ways" {
	local form
	for form in '--form=json' '--form json' '--js' '--timeo 2s --json' '-t2s -j' '-jt 2s'; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portcheck $form 127.0.0.1 "$OPEN"
		expect_status 0
		run -0 jq -r .state "$OUT"
		assert_output open
	done
}

@test "options may stand behind the operands" {
	tool portcheck 127.0.0.1 -t 2s "$OPEN" --json
	expect_status 0
	run -0 jq -r .state "$OUT"
	assert_output open
}

@test "durations are taken with and without a unit" {
	local t
	for t in 3 3s 250ms 2m 1h 0.5 1.5s 1min 20000us; do
		tool portcheck -q -t "$t" 127.0.0.1 "$OPEN"
		expect_status 0
	done
}

# ---- operands ------------------------------------------------------------------------

@test "ports come as numbers, lists, ranges, services and with a protocol" {
	asks '127.0.0.1 1/tcp' 127.0.0.1 1
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp\n127.0.0.1 3/tcp' 127.0.0.1 1 2,3
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp\n127.0.0.1 3/tcp' 127.0.0.1 1-3
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp\n127.0.0.1 9/tcp' 127.0.0.1 1-2,9
	asks $'127.0.0.1 22/tcp\n127.0.0.1 443/tcp' 127.0.0.1 ssh,https
	asks $'127.0.0.1 53/tcp\n127.0.0.1 53/udp' 127.0.0.1 domain domain/udp
	asks $'127.0.0.1 1/tcp\n127.0.0.1 1/udp\n127.0.0.1 2/udp' 127.0.0.1 1/tcp 1-2/udp
	asks $'127.0.0.1 1/udp\n127.0.0.1 2/tcp' -u 127.0.0.1 1 2/tcp
	asks $'127.0.0.1 1/udp\n127.0.0.1 2/tcp' 127.0.0.1 1 2/TCP -u
}

@test "a port that is asked for twice is checked once" {
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp\n127.0.0.1 3/tcp' 127.0.0.1 1-3 2,1 3
}

@test "targets come as addresses, names, pairs, URLs and blocks" {
	asks '127.0.0.1 1/tcp' 127.0.0.1:1
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/udp' 127.0.0.1:1,2/udp
	asks '127.0.0.1 80/tcp' http://127.0.0.1
	asks '127.0.0.1 443/tcp' 'https://user:secret@127.0.0.1/path?q=1#f'
	asks '127.0.0.1 1/tcp' http://127.0.0.1:1/
	asks '127.0.0.1 1/udp' udp://127.0.0.1:1
	asks '127.0.0.1 22/tcp' ssh://127.0.0.1
	asks 'localhost 1/tcp' -4 localhost 1
	run -0 asked 127.0.0.0/30 1
	assert_output "$(printf '127.0.0.0/30 1/tcp\n%.0s' 1 2 3 4)"
	run -0 jq -r .address "$OUT"
	assert_equal "$(sort <<<"$output")" "$(printf '127.0.0.%d\n' 0 1 2 3)"
}

@test "IPv6 addresses come bare, in brackets, as a pair and in a URL" {
	has_ipv6 || skip 'no ::1 here'
	asks '::1 1/tcp' ::1 1
	asks '::1 1/tcp' '[::1]' 1
	asks '::1 1/tcp' '[::1]:1'
	asks '::1 1/tcp' 'http://[::1]:1/'
	asks '::1 1/tcp' '[0:0:0:0:0:0:0:1]:1' || asks '0:0:0:0:0:0:0:1 1/tcp' \
		'[0:0:0:0:0:0:0:1]:1'
}

@test "an address in another spelling is reported in the usual one" {
	has_ipv6 || skip 'no ::1 here'
	tool portcheck -j '[0:0:0:0:0:0:0:1]:1'
	run -0 jq -r .address "$OUT"
	assert_output ::1
}

@test "a mapped IPv4 address is asked as what it is" {
	tool portcheck -j "::ffff:127.0.0.1" "$OPEN"
	expect_status 0
	run -0 jq -r '"\(.address) \(.family) \(.state)"' "$OUT"
	assert_output '127.0.0.1 inet open'
}

@test "several targets share the ports that stand alone, pairs keep their own" {
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/tcp\n127.0.0.2 1/tcp\n127.0.0.2 2/tcp' \
		127.0.0.1 127.0.0.2 1 2
	asks $'127.0.0.1 1/tcp\n127.0.0.2 9/tcp\n127.0.0.3 1/tcp' \
		127.0.0.1 127.0.0.2:9 127.0.0.3 1
}

@test "with -p every operand is a target" {
	asks $'127.0.0.1 1/tcp\n127.0.0.1 2/udp\n127.0.0.2 1/tcp\n127.0.0.2 2/udp' \
		-p 1,2/udp 127.0.0.1 127.0.0.2
	asks $'127.0.0.1 1/tcp\n127.0.0.2 1/tcp' 127.0.0.1 127.0.0.2 --ports=1
}

@test "a file may have comments, blank lines, CRLF, a byte order mark and no last newline" {
	printf '\xef\xbb\xbf# who\r\n127.0.0.1\r\n\r\n  \t127.0.0.2:9\t# a pair\r\n' >hosts
	printf '127.0.0.3 5 6/udp #7\nhttp://127.0.0.4/' >>hosts
	asks $'127.0.0.1 1/tcp\n127.0.0.2 9/tcp\n127.0.0.3 5/tcp\n127.0.0.3 6/udp\n127.0.0.4 80/tcp' \
		-f hosts 1
	asks $'127.0.0.1 1/tcp\n127.0.0.2 9/tcp\n127.0.0.3 5/tcp\n127.0.0.3 6/udp\n127.0.0.4 80/tcp' \
		-p 1 --file=hosts
	asks $'127.0.0.1 1/tcp\n127.0.0.2 9/tcp\n127.0.0.3 5/tcp\n127.0.0.3 6/udp\n127.0.0.4 80/tcp\n127.0.0.5 1/tcp' \
		127.0.0.5 1 -f hosts
}

@test "a file whose lines all have ports needs none on the command line" {
	printf '127.0.0.1:1\n127.0.0.2 2\n' >hosts
	asks $'127.0.0.1 1/tcp\n127.0.0.2 2/tcp' -f hosts
}

@test "targets come from standard input with -f -" {
	printf '127.0.0.1\n127.0.0.2:2\n' >hosts
	portcheck -j -f - 1 <hosts >"$OUT" || assert_equal $? 1
	run -0 jq -r '"\(.target) \(.port)"' "$OUT"
	assert_equal "$(sort <<<"$output")" $'127.0.0.1 1\n127.0.0.2 2'
}

# ---- answers -------------------------------------------------------------------------

@test "the exit status is 0 for yes" {
	tool portcheck 127.0.0.1 "$OPEN"
	expect_status 0
	grep -q "^open  .*127.0.0.1:$OPEN.*connected in" "$OUT" ||
		_helpers_wrong 'expected an open port'
	expect_error_lines 0
	tool portcheck 127.0.0.1 "$OPEN" "$BANNER" "$ECHO/udp"
	expect_status 0
	tool portcheck "localhost:$OPEN"
	expect_status 0
}

@test "the exit status is 1 for no, also when only one of several says no" {
	tool portcheck 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
	grep -q "^closed  .*127.0.0.1:$TCP_CLOSED.*refused in" "$OUT" ||
		_helpers_wrong 'expected a closed port'
	expect_error_lines 0
	tool portcheck 127.0.0.1 "$OPEN" "$TCP_CLOSED"
	expect_status 1
	tool portcheck -t 300ms 127.0.0.1 "$OPEN" "$FULL"
	expect_status 1
	tool portcheck -u 127.0.0.1 "$UDP_CLOSED"
	expect_status 1
	tool portcheck -u -t 300ms 127.0.0.1 "$SILENT"
	expect_status 1
	tool portcheck -t 2s no-such-name.invalid "$OPEN"
	expect_status 1
}

@test "the exit status is 3 where the check could not be made" {
	# The source port is somebody else's, who listens there.
	tool portcheck -j --source-port "$OPEN" 127.0.0.1 "$BANNER"
	expect_status 3
	run -0 jq -r '"\(.state) \(.reason)"' "$OUT"
	assert_output 'error address-in-use'
}

@test "what could be tested and is closed outweighs what could not be tested" {
	tool portcheck --source-port "$OPEN" 127.0.0.1 "$BANNER" no-such-name.invalid:80 -t 2s
	expect_status 1
}

@test "each state is told with its reason" {
	tool portcheck -j -t 500ms 127.0.0.1 "$OPEN" "$TCP_CLOSED" "$FULL" "$ECHO/udp" \
		"$UDP_CLOSED/udp" "$SILENT/udp"
	expect_status 1
	run -0 jq -r '"\(.port) \(.state) \(.reason)"' "$OUT"
	assert_equal "$(sort <<<"$output")" "$(sort <<-END
		$OPEN open syn-ack
		$TCP_CLOSED closed reset
		$FULL filtered no-response
		$ECHO open udp-response
		$UDP_CLOSED closed port-unreach
		$SILENT open|filtered no-response
	END
	)"
}

@test "--open shows open ports only, and the answer stays the same" {
	tool portcheck --open -j 127.0.0.1 "$TCP_CLOSED" "$OPEN"
	expect_status 1
	run -0 jq -r '"\(.port) \(.state)"' "$OUT"
	assert_output "$OPEN open"
	tool portcheck --open 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
	expect_no_output
}

@test "-q prints nothing, whatever the answer" {
	local args
	for args in "$OPEN" "$TCP_CLOSED" "-j $TCP_CLOSED" "--format=csv $OPEN" \
		"--format=nagios $OPEN" "--format=prometheus $OPEN" "-c 2 -i 1ms $OPEN" \
		"-W 100ms $TCP_CLOSED" "$OPEN,$TCP_CLOSED --banner -t 100ms"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portcheck -q 127.0.0.1 $args
		((STATUS < 3)) || _helpers_wrong 'expected an answer'
		expect_no_output
		expect_error_lines 0
	done
	tool portcheck -q 127.0.0.1 "$OPEN"
	expect_status 0
	tool portcheck -q 127.0.0.1 "$TCP_CLOSED"
	expect_status 1
}

@test "-q still says what is wrong with the command line" {
	no "'0'" '1-65535' -q 127.0.0.1 0
}

@test "-n shows no service names" {
	tool portcheck -j 127.0.0.1 22
	run -0 jq -r .service "$OUT"
	assert_output ssh
	tool portcheck -j -n 127.0.0.1 22
	run -0 jq -r .service "$OUT"
	assert_output null
	tool portcheck -n 127.0.0.1 22
	refute grep -q ssh "$OUT"
}

@test "-v adds a line of evidence" {
	tool portcheck -v 127.0.0.1 "$OPEN"
	expect_status 0
	(($(wc -l <"$OUT") == 2)) || _helpers_wrong 'expected two lines'
	grep -q 'reason syn-ack, 1 attempt, kernel RTT .* 0 SYNs resent' "$OUT" ||
		_helpers_wrong 'expected the evidence'
}

@test "--banner shows what the server says first, escaped" {
	tool portcheck --banner -t 2s 127.0.0.1 "$BANNER"
	expect_status 0
	grep -q -F 'says "hi\x1b[31m\x00\r\nthere"' "$OUT" || _helpers_wrong 'expected the banner'
	_helpers_plain "$OUT" || _helpers_wrong 'expected plain lines'
}

@test "--hold says that the peer closed the connection" {
	tool portcheck -j --hold 5s 127.0.0.1 "$FIN"
	expect_status 0
	run -0 jq -r .closed_by_peer "$OUT"
	assert_output fin
	tool portcheck -j --hold 50ms 127.0.0.1 "$OPEN"
	run -0 jq -r '.closed_by_peer, .held_ms >= 50' "$OUT"
	assert_output $'null\ntrue'
}

@test "-4 and -6 limit the addresses of a name" {
	tool portcheck -4 -j localhost "$OPEN"
	expect_status 0
	run -0 jq -r '.address' "$OUT"
	assert_output 127.0.0.1
	# Where localhost has an IPv6 address, nobody listens there; else it has none.
	tool portcheck -6 -j localhost "$OPEN"
	expect_status 1
	run -0 jq -r '"\(.family) \(.state)"' "$OUT"
	assert_regex "$output" '^(inet6 (closed|unreachable)|null unresolved)$'
}

@test "a command behind -- is run when the port is open, with its exit status" {
	tool portcheck -q 127.0.0.1 "$OPEN" -- sh -c 'echo "ran $1"; exit 7' sh -x
	expect_status 7
	assert_equal "$(<"$OUT")" 'ran -x'
	tool portcheck -W 5s 127.0.0.1 "$OPEN" -- sh -c 'exit 0'
	expect_status 0
}

@test "a command behind -- is not run when the port is not open" {
	tool portcheck 127.0.0.1 "$TCP_CLOSED" -- touch ran
	expect_status 1
	[[ ! -e ran ]] || _helpers_wrong 'expected no command'
}

@test "a command that does not exist is an error of our own" {
	tool portcheck -q 127.0.0.1 "$OPEN" -- ./no-such-command
	expect_status 3
	expect_error_lines 1
	expect_error "'./no-such-command': No such file"
}

# With a soft limit that is below the hard one.
limited() {
	(ulimit -Sn 100 && "$@")
}

@test "a command gets the limit of open files that was given to us" {
	run -0 limited portcheck -q 127.0.0.1 "$OPEN" -- sh -c 'ulimit -Sn'
	assert_output 100
}

@test "a command gets that limit also behind a sweep, which takes all that it can have" {
	run -0 limited portcheck -q -W 5s --until closed 127.77.0.0/24 "$TCP_CLOSED" -- \
		sh -c 'ulimit -Sn'
	assert_output 100
}

# signals ARG…: what a command finds, behind env with these arguments.
signals() {
	env "$@" grep -E '^Sig(Blk|Ign)' /proc/self/status
}

@test "a command gets the signals, ignored or not, as they were given to us" {
	local ignored want
	for ignored in --default-signal --ignore-signal=PIPE --ignore-signal=INT,HUP,PIPE; do
		run -0 signals "$ignored"
		want=$output
		run -0 signals "$ignored" portcheck -q 127.0.0.1 "$OPEN" --
		assert_equal "$output" "$want"
	done
}

# ---- formats -------------------------------------------------------------------------

@test "every JSON record is as the schema says" {
	local n
	{
		portcheck -j -v -t 500ms 127.0.0.1 "$OPEN" "$TCP_CLOSED" "$FULL" "$ECHO/udp" \
			"$UDP_CLOSED/udp" "$SILENT/udp" || :
		portcheck -j --banner --hold 20ms 127.0.0.1 "$BANNER" "$FIN"
		portcheck -j -t 2s no-such-name.invalid 80,443/udp || :
		portcheck -j -c 3 -i 1ms 127.0.0.1 "$OPEN" "$TCP_CLOSED" || :
		portcheck -j --source-port "$OPEN" 127.0.0.1 "$BANNER" || :
		portcheck -j -n 127.0.0.1 1 || :
		portcheck -j -t 300ms --open -W 50ms 127.0.0.1 "$OPEN" || :
	} >"$OUT"
	n=$(wc -l <"$OUT")
	((n >= 21))
	run -0 "$SCHEMA/validate" "$SCHEMA/portcheck.schema.json" <"$OUT"
	assert_output "$n valid, 0 not"
	run -0 jq -s -r '[.[] | .state // .type] | unique | join(" ")' "$OUT"
	assert_output 'closed error filtered open open|filtered summary unresolved'
}

@test "a hostile banner is escaped in JSON" {
	tool portcheck -j --banner -t 2s 127.0.0.1 "$BANNER"
	run -0 jq -r .banner "$OUT"
	assert_output 'hi\x1b[31m\x00\r\nthere'
}

@test "CSV has one header, a row a record, and parses" {
	cat >read.py <<-'END'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline=""), strict=True))
		print(",".join(rows[0]))
		assert all(len(row) == len(rows[0]) for row in rows), "uneven rows"
		for row in csv.DictReader(open(sys.argv[1], newline="")):
		    print(row["port"], row["protocol"], row["state"], row["banner"])
	END
	tool portcheck --format=csv --banner -t 500ms 127.0.0.1 "$BANNER" "$TCP_CLOSED" \
		"$SILENT/udp"
	expect_status 1
	run -0 python3 read.py "$OUT"
	assert_line --index 0 "tool,version,time,type,target,address,family,protocol,port,\
service,state,reason,from,icmp_type,icmp_code,resolve_ms,connect_ms,race_ms,attempts,\
kernel_rtt_ms,syn_retransmits,banner,closed_by_peer,held_ms,message"
	assert_line "$BANNER tcp open hi\\x1b[31m\\x00\\r\\nthere"
	assert_line "$TCP_CLOSED tcp closed "
	assert_line "$SILENT udp open|filtered "
	assert_equal "${#lines[@]}" 4
}

@test "CSV and JSON have the same keys in the same order" {
	tool portcheck --format=csv 127.0.0.1 "$OPEN"
	local header
	header=$(head -n 1 "$OUT")
	tool portcheck -j 127.0.0.1 "$OPEN"
	run -0 jq -r 'keys_unsorted | join(",")' "$OUT"
	assert_output "$header"
}

@test "CSV has its header even where no port is shown, and no summary in the table" {
	tool portcheck --format=csv --open 127.0.0.1 "$TCP_CLOSED"
	(($(wc -l <"$OUT") == 1)) || _helpers_wrong 'expected a header alone'
	tool portcheck --format=csv -c 3 -i 1ms 127.0.0.1 "$OPEN"
	(($(wc -l <"$OUT") == 4)) || _helpers_wrong 'expected a header and three rows'
	refute grep -q summary "$OUT"
}

@test "JSON comes as results arrive, not at the end" {
	local fd line
	exec {fd}< <(exec portcheck -j -t 60s 127.0.0.1 "$FULL" "$OPEN" 3>&-)
	local pid=$!
	read -r -t 20 -u "$fd" line || :
	kill "$pid"
	exec {fd}<&-
	run -0 jq -r .port <<<"$line"
	assert_output "$OPEN"
}

# ---- the terminal --------------------------------------------------------------------

@test "there is no colour where standard output is no terminal" {
	local format
	for format in text json csv nagios prometheus; do
		tool portcheck --format="$format" 127.0.0.1 "$OPEN"
		refute grep -q $'\e' "$OUT"
	done
}

@test "there is colour on a terminal, unless NO_COLOR, TERM=dumb or --color forbid it" {
	on_terminal "portcheck 127.0.0.1 $OPEN"
	assert_success
	assert_output --partial $'\e[32mopen\e[0m'
	on_terminal "NO_COLOR=1 portcheck 127.0.0.1 $OPEN"
	assert_output --partial "127.0.0.1:$OPEN"
	refute_output --partial $'\e'
	on_terminal "NO_COLOR= portcheck 127.0.0.1 $OPEN"
	assert_output --partial $'\e[32m'
	on_terminal "TERM=dumb portcheck 127.0.0.1 $OPEN"
	refute_output --partial $'\e'
	on_terminal "portcheck --color=never 127.0.0.1 $OPEN"
	refute_output --partial $'\e'
	on_terminal "portcheck 127.0.0.1 $OPEN | cat"
	assert_output --partial "127.0.0.1:$OPEN"
	refute_output --partial $'\e'
}

@test "--color=always colours a pipe, even against NO_COLOR" {
	tool env NO_COLOR=1 portcheck --color=always 127.0.0.1 "$OPEN" "$TCP_CLOSED"
	grep -q $'^\e\[32mopen\e\[0m ' "$OUT"
	grep -q $'^\e\[31mclosed\e\[0m ' "$OUT"
}

@test "the machine formats have no colour, whatever is asked" {
	tool portcheck -j --color=always 127.0.0.1 "$OPEN"
	refute grep -q $'\e' "$OUT"
	on_terminal "portcheck -j 127.0.0.1 $OPEN"
	refute_output --partial $'\e'
}

@test "progress is shown on a terminal once work lasts, and nowhere else" {
	# 256 addresses of this machine, 200 a second.
	local sweep="portcheck --rate 200 127.77.0.0/24 $TCP_CLOSED"
	tool sh -c "$sweep"
	expect_status 1
	expect_error_lines 0
	on_terminal "$sweep >'$OUT'"
	assert_output --regexp '[0-9]+ of 256 checks, [0-9]+/s'
	# It begins after a second, is wiped away at the end, and is never among the results.
	local first=${output%%' of 256'*}
	((${first##*K} >= 100))
	[[ ${output%try: *} == *$'\r\e[K' ]]
	refute grep -q 'checks,' "$OUT"
	on_terminal "$sweep 2>'$ERR'"
	assert_output --partial '256 checks in'
	[[ ! -s $ERR ]]
	on_terminal "$sweep -q"
	assert_output ''
}

@test "a short run shows no progress" {
	on_terminal "portcheck 127.77.0.0/24 $TCP_CLOSED >'$OUT'"
	refute_output --partial checks
}

@test "a closed port of this machine points on to portwho, on a terminal only" {
	on_terminal "portcheck 127.0.0.1 $TCP_CLOSED >'$OUT'"
	assert_output --partial "try: portwho $TCP_CLOSED"
	tool portcheck 127.0.0.1 "$TCP_CLOSED"
	expect_error_lines 0
}

# ---- standard streams ----------------------------------------------------------------

@test "a full disk is told, once, and is exit 3" {
	[[ -c /dev/full ]] || skip 'no /dev/full here'
	local args
	for args in "127.0.0.1 $OPEN" "-j 127.0.0.1 $OPEN" "--format=csv 127.0.0.1 $OPEN" \
		"--format=nagios 127.0.0.1 $OPEN" "--format=prometheus 127.0.0.1 $OPEN" \
		"-j -c 5 -i 1ms 127.0.0.1 $OPEN" '--help' '--version'; do
		STATUS=0
		# Words on purpose.
		# shellcheck disable=SC2086
		timeout 20 portcheck $args >/dev/full 2>"$ERR" || STATUS=$?
		: >"$OUT"
		expect_status 3
		expect_error_lines 1
		expect_error 'portcheck: cannot write to standard output: No space left'
	done
}

@test "a reader that is gone ends it quietly and at once" {
	cat >gone.py <<-'END'
		# usage: gone.py CMD…: run it with a standard output that nobody reads.
		import os, signal, subprocess, sys
		r, w = os.pipe()
		os.close(r)
		p = subprocess.run(sys.argv[1:], stdout=w, stderr=subprocess.PIPE, timeout=20,
		                   preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
		sys.stdout.buffer.write(p.stderr)
		sys.exit(0 if p.returncode in (3, -signal.SIGPIPE) else 1)
	END
	local args
	for args in "127.0.0.1 $OPEN" "-j 127.0.0.1 $OPEN" "--format=csv 127.0.0.1 $OPEN" \
		"--format=prometheus 127.0.0.1 $OPEN" "-i 10ms 127.0.0.1 $OPEN" \
		"-j -i 10ms 127.0.0.1 $OPEN" "-j -t 60s 127.0.0.1 $OPEN $FULL" --help \
		--version; do
		# Words on purpose.
		# shellcheck disable=SC2086
		run -0 python3 gone.py portcheck $args
		assert_output ''
	done
}

@test "a reader that takes only the first line ends it quietly" {
	{ timeout 20 portcheck -j -i 1ms 127.0.0.1 "$OPEN" 2>"$ERR" || echo $? >ended; } |
		head -n 1 >"$OUT"
	# Not 124, which would be that it went on.
	assert_regex "$(<ended)" '^(3|141)$'
	assert_equal "$(wc -l <"$OUT")" 1
	assert_equal "$(<"$ERR")" ''
}

@test "closed standard streams do not change the answer" {
	local args
	for args in "$OPEN" "$TCP_CLOSED" "-j $OPEN" "-v $TCP_CLOSED"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portcheck 127.0.0.1 $args
		local want=$STATUS
		for how in '<&-' '>&-' '2>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
			STATUS=0
			eval "timeout 20 portcheck 127.0.0.1 $args $how" >"$OUT" 2>"$ERR" || STATUS=$?
			expect_status "$want"
			expect_error_lines 0
		done
	done
}

# on_null PID: its descriptor 3 or above is a socket that holds a connection, and 0 to 2
# lead to /dev/null.
has_socket() {
	[[ $(readlink "/proc/$1/fd/"* 2>/dev/null) == *socket:* ]]
}

@test "no socket ever gets the number of a standard stream that was closed" {
	local pid n i
	portcheck --hold 60s 127.0.0.1 "$OPEN" <&- >&- 2>&- 3>&- 4>&- &
	pid=$!
	for ((i = 0; i < 500; i++)); do
		! has_socket "$pid" || break
		sleep 0.02
	done
	for n in 0 1 2; do
		assert_equal "$(readlink "/proc/$pid/fd/$n")" /dev/null
	done
	run has_socket "$pid"
	kill "$pid"
	assert_success
}

# ---- surroundings --------------------------------------------------------------------

@test "it works for nobody, with an empty environment" {
	local as=()
	public_copy portcheck
	if ((EUID == 0)); then
		as=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups
			--bounding-set=-all --inh-caps=-all)
	fi
	run -0 "${as[@]}" env -i "$COPY" -j 127.0.0.1 "$OPEN"
	assert_equal "$(jq -r .state <<<"$output")" open
	run -1 "${as[@]}" env -i "$COPY" 127.0.0.1 "$TCP_CLOSED"
	assert_output --partial closed
	run -1 "${as[@]}" env -i "$COPY" -u 127.0.0.1 "$UDP_CLOSED"
	assert_output --partial 'port unreachable'
	run -0 "${as[@]}" env -i "$COPY" localhost:"$OPEN"
	run -2 "${as[@]}" env -i "$COPY" 127.0.0.1 0
}

# said CMD…: all it prints, without the times, which differ from run to run.
said() {
	"$@" 2>&1 | sed -E 's/[0-9.]+ (ns|us|µs|ms|s)\b/TIME/g'
}

@test "the locale changes nothing" {
	local utf8 args
	utf8=$(locale -a 2>/dev/null | grep -i -m 1 'utf-\?8') || utf8=C.UTF-8
	for args in --help "127.0.0.1 $OPEN $TCP_CLOSED" "127.0.0.1 grün" 'bücher.example:0' \
		"-c 2 -i 1ms 127.0.0.1 $TCP_CLOSED" "-t 1.5s 127.0.0.1 $OPEN" \
		"--banner 127.0.0.1 $BANNER" "--format=nagios 127.0.0.1 $TCP_CLOSED" \
		"-f grün 1"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		LC_ALL=C run said portcheck $args
		local c=$output
		# shellcheck disable=SC2086
		LC_ALL=$utf8 run said portcheck $args
		assert_equal "$output" "$c"
		# shellcheck disable=SC2086
		LC_ALL=xx_XX.nonsense run said portcheck $args
		assert_equal "$output" "$c"
	done
	assert_output --partial "'grün'"
}
