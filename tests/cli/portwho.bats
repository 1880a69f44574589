#!/usr/bin/env bats
# The command line of portwho: what it refuses, accepts, prints, and how it exits. Only the
# loopback interface is used, and no privilege; --free and --kill have files of their own
# in tests/net.
#
# bats sets stderr, and runs each test in a subshell; jq and the commands under test have
# variables of their own; '\' is a backslash that is expected.
# shellcheck disable=SC2154,SC2030,SC2031,SC2016,SC1003

bats_require_minimum_version 1.5.0

setup_file() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_closed
	helpers_serve tcp:0 udp-echo:0
	export TCP_CLOSED UDP_CLOSED CLOSED_PID SERVER_PID
	export OPEN=${PORTS[0]} ECHO=${PORTS[1]}
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

# no NAMED WHY ARG…: portwho refuses.
no() {
	refused portwho "$@"
}

# ---- bad input -----------------------------------------------------------------------

@test "a port that cannot be is refused, with what was expected" {
	no "'0'" '1-65535' 0
	no "'70000'" '1-65535' 70000
	no "'65536'" '1-65535' 65536
	no "'99999999999999999999'" '1-65535' 99999999999999999999
	no "'0x50'" 'expected a number' 0x50
	no "'80x'" 'expected a number' 80x
	no "'-5'" 'expected' -p -5
	no "'0/tcp'" '1-65535' 0/tcp
	no "'0'" '1-65535' -u 0
	no "'0'" '1-65535' --watch 0
	no "'80 '" 'expected' '80 '
}

@test "a port list with a slip in it is refused" {
	no "'80-'" 'first and the last' 80-
	no "'90-80'" 'lower port first' 90-80
	no "'1-70000'" '1-65535' 1-70000
	no "'0-80'" '1-65535' 0-80
	no "'1-2-3'" 'first and the last' 1-2-3
	no "'80,,90'" 'both sides of a comma' 80,,90
	no "'80,'" 'both sides of a comma' 80,
	no "','" 'both sides of a comma' ,
	no "'53/sctp'" '/tcp or /udp' 53/sctp
	no "'/udp'" 'before the slash' /udp
	no "'90-80'" 'lower port first' 80 90-80
	no "'90-80'" 'lower port first' 80,90-80
}

@test "a service that nobody knows is refused where it can only be one" {
	no "'no-such-service'" 'service' -p no-such-service
	no "'nosuch/tcp'" 'service' nosuch/tcp
	no "'nosuch'" 'service' 80,nosuch
	# Alone it is a process.
	tool portwho no-such-process
	expect_status 1
	expect_no_output
	expect_error_lines 0
}

@test "a port of one protocol is refused where the other one is asked for" {
	no "'80/tcp'" "'--udp'" -u 80/tcp
	no "'53/udp'" "'--tcp'" --tcp 53/udp
	no "'53/UDP'" "'--tcp'" 53/UDP --tcp
	no "'53/udp'" "'--tcp'" --tcp -p 80,53/udp
	no "'80/tcp'" "'--udp'" --watch -u 53/udp,80/tcp
	no "'ssh'" 'ssh/tcp' -u ssh
}

@test "an empty operand is refused" {
	no "''" 'a port, a service, or a process' ''
	no "''" 'a port, a service, or a process' 80 ''
	no '--ports' 'empty' -p ''
}

@test "a number outside its bounds is refused" {
	no "'0'" 'from 1 to' --pid 0
	no "'-1'" 'from 1 to' --pid -1
	no "'4194305'" 'from 1 to 4194304' --pid 4194305
	no "'x'" 'from 1 to' --pid x
	no "'0'" 'from 1 to' --watch -c 0
	no "'1.5'" 'number' --watch -c 1.5
	no "'99999999999999999999'" 'number' --watch -c 99999999999999999999
}

@test "a duration that cannot be is refused" {
	local bad
	for bad in 0 -1 x 1x 1..5 .5 5. '1 s' 1e3 99999999999999999999; do
		no "'$bad'" 'duration' --watch -t "$bad"
		no "'$bad'" 'duration' --watch -i "$bad"
	done
	no "'1ms'" 'duration' --watch -i 1ms
	no "'2h'" 'duration' --watch -i 2h
	no '--timeout' 'empty' --watch -t ''
	no '--timeout' 'missing' --watch -t
}

@test "a user that does not exist is refused" {
	no "'no-such-user'" 'a user of this machine' --user no-such-user
	no "'-1'" 'a user of this machine' --user -1
	no "'4294967295'" 'a user of this machine' --user 4294967295
	no "'4294967296'" 'a user of this machine' --user 4294967296
	no '--user' 'empty' --user ''
	no '--unit' 'empty' --unit ''
	tool portwho --user 4294967294
	expect_status 1
}

@test "an unknown kind of socket is refused, and the kinds are named" {
	no "'tcp'" 'sctp, raw, unix, bound' --also tcp
	no "'unix,x'" 'sctp, raw, unix, bound' --also unix,x
	no "'unix,'" 'sctp, raw, unix, bound' --also unix,
	no "',unix'" 'sctp, raw, unix, bound' --also ,unix
	no "'uni'" 'sctp, raw, unix, bound' --also uni
	no '--also' 'empty' --also ''
}

@test "an unknown column is refused, with the way to the list of them" {
	no "'nosuch'" '--columns=help' --columns nosuch
	no "'nosuch'" '--columns=help' --columns port,nosuch
	no "'+nosuch'" '--columns=help' --columns +nosuch
	no "'+nosuch'" '--columns=help' --columns +pid,+nosuch
	no "'por'" '--columns=help' --columns por,pid
	no "''" '--columns=help' --columns port,
	no "'+'" '--columns=help' --columns +
	no "'help'" '--columns=help' --columns port,help
	no '--columns' 'empty' --columns=
}

@test "an unknown option is refused, with a second line that points to --help" {
	local line='Try '\''portwho --help'\'' for more information.'
	refused_lines 2 portwho "'--nosuch'" "$line" --nosuch
	refused_lines 2 portwho "'--nosuch'" "$line" 80 --nosuch=3
	refused_lines 2 portwho "'-Z'" "$line" -Z
	refused_lines 2 portwho "'-Z'" "$line" -qZ 80
	refused_lines 2 portwho "'-f'" "$line" -f hosts
}

@test "an option that could be two is refused, and both are named" {
	no "'--co'" "'--count', '--columns', '--color'" --co
}

@test "a word that an option does not know is refused, and those it knows are named" {
	no "'xml'" 'text, json, csv, prometheus' --format=xml
	no "'nagios'" 'text, json, csv, prometheus' --format=nagios
	no "'JSON'" 'text, json, csv, prometheus' --format JSON
	no "'sometimes'" 'auto, always, never' --color=sometimes
	no "'name'" 'port, address, process, pid, user, unit, exposure, since, queue, drops' \
		--sort name
	no '--format' 'empty' --format=
	no "'3'" 'no argument' --quiet=3
}

@test "options that exclude one another are refused, and both are named" {
	no '--ipv4' '--ipv6' -4 -6
	no '--tcp' '--udp' --tcp -u
	no '--json' '--format' -j --format=csv
	no '--quiet' '--verbose' -q -v
	no '--free' '--kill' --free 80 --kill 80
	no '--free' '--watch' --free 80 --watch
	no '--kill' '--watch' --watch --kill 80
	no '--netns' '--all-netns' --netns x --all-netns
	no '--columns' '--tree' --columns port --tree
}

@test "an option that needs another one is refused without it" {
	no "'--count'" '--watch' -c 3
	no "'--interval'" '--watch' -i 3
	no "'--interval'" '--watch' --free 80 -i 3
	no "'--timeout'" '--kill or --watch' -t 3
	no "'--timeout'" '--kill or --watch' --free 80 -t 3
	no "'--signal'" '--kill' --signal HUP
	no "'--force'" '--kill' --force
	no "'--yes'" '--kill' --watch --yes
	no "'--source'" '--free' -S 127.0.0.1
	no "'--source'" '--free' --kill 80 -S 127.0.0.1
	no "'prometheus'" '--watch' --watch --format=prometheus
	no "'prometheus'" '--free' --free 80 --format=prometheus
	no "'--all-netns'" '--netns NAME' --free 80 --all-netns
}

@test "what is no port is refused beside --free and --kill" {
	no "'nginx'" 'service' --free 80 nginx
	no "'nginx'" 'service' nginx --kill 80
	no "'81'" '--free' -p 81 --free 80
}

@test "a network namespace that does not exist is refused" {
	no "'no-such-netns'" 'no such network namespace' --netns no-such-netns
	no "'../ns'" 'no such network namespace' --netns ../ns
	no '--netns' 'empty' --netns ''
}

@test "control characters of an operand never reach the terminal as they are" {
	local evil
	for evil in $'\e[31mred' $'a\nb' $'a\rb' $'a\x7fb' $'a\xc2\x9bb' $'a\xe2\x80\xaeb' \
		$'a\xff\xfeb'; do
		no 'portwho: ' '\' -p "$evil"
		no 'portwho: ' '\' -p "80,$evil"
		no 'portwho: ' '\' -u -p "80$evil/tcp"
		# With a bracket in it, it is a name.
		[[ $evil == *'['* ]] || no 'portwho: ' '\' "80$evil"
		no '--timeout' '\' --watch -t "$evil"
		no '--format' '\' --format "$evil"
		no '--also' '\' --also "$evil"
		no '--user' '\' --user "$evil"
		no '--columns' '\' --columns "$evil"
		no '--sort' '\' --sort "$evil"
		no '--netns' '\' --netns "$evil"
		no '--signal' '\' --kill 80 --signal "$evil"
		no "'" '\' --free 80 "$evil"
		refused_lines 2 portwho 'unknown option' '\' "--$evil"
		# Of a name that nobody has there is nothing to say.
		tool portwho "$evil"
		expect_status 1
		expect_no_output
		expect_error_lines 0
	done
}

# ---- help, version, options ----------------------------------------------------------

@test "--help is on standard output, in 80 columns, and exits 0" {
	local arg
	for arg in --help -h; do
		tool portwho "$arg"
		expect_status 0
		expect_error_lines 0
		(($(wc -l <"$OUT") > 50)) || _helpers_wrong 'expected the whole help'
		run -1 grep -n -E '.{81}|[[:space:]]$|[^ -~]' "$OUT"
		assert_output ''
	done
}

@test "--help names every long option and the exit statuses" {
	local word
	tool portwho --help
	for word in ports tcp udp ipv4 ipv6 also pid user unit exposed netns all-netns \
		numeric free kill signal force yes timeout source watch count interval \
		firewall columns sort no-headings tree json format quiet verbose color help \
		version; do
		grep -q -E -e "--$word([ =,[]|\$)" "$OUT" || _helpers_wrong "expected --$word"
	done
	for word in 0 1 2 3; do
		grep -q -E "^ +$word  " "$OUT" || _helpers_wrong "expected exit status $word"
	done
}

@test "--version says tool, project and version" {
	local arg
	for arg in --version -V; do
		tool portwho "$arg"
		expect_status 0
		[[ $(<"$OUT") =~ ^portwho\ \(portkit\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]] ||
			_helpers_wrong 'expected the version'
	done
}

@test "--columns=help lists the columns, and nothing else is done" {
	local name
	tool portwho --columns=help
	expect_status 0
	expect_error_lines 0
	run -0 awk '{ print $1 }' "$OUT"
	assert_output "$(printf '%s\n' port protocol service address exposure state process \
		pid user unit since queue drops sockets command netns firewall inode)"
	run -1 grep -n -E '.{81}|[[:space:]]$|[^ -~]' "$OUT"
	# Each of them is one.
	while read -r name; do
		tool portwho --no-headings --columns "$name" "$OPEN"
		expect_status 0
	done <<<"$(awk '{ print $1 }' "$OUT")"
	tool portwho --columns help --watch -t 60s
	expect_status 0
	grep -q '^port ' "$OUT"
}

@test "options may be anywhere, and be shortened" {
	tool portwho "$OPEN" --js
	expect_status 0
	run -0 jq -r .port "$OUT"
	assert_output "$OPEN"
	tool portwho -nj4 --ports="$OPEN"
	expect_status 0
	tool portwho --also unix --also bound -j "$TCP_CLOSED/tcp"
	((STATUS < 2)) || _helpers_wrong 'expected an answer'
	tool portwho -j -- "$OPEN"
	expect_status 0
}

# ---- answers -------------------------------------------------------------------------

@test "the exit status is 0 where something listens and 1 where nothing does" {
	tool portwho "$OPEN"
	expect_status 0
	expect_error_lines 0
	tool portwho "$ECHO/udp"
	expect_status 0
	tool portwho -u "$ECHO"
	expect_status 0
	tool portwho "$OPEN" "$TCP_CLOSED/tcp"
	expect_status 0
	# Bound, and not listening; connected.
	tool portwho "$TCP_CLOSED/tcp"
	expect_status 1
	expect_no_output
	tool portwho "$UDP_CLOSED/udp"
	expect_status 1
	tool portwho -j "$TCP_CLOSED/tcp"
	expect_status 1
	expect_no_output
	tool portwho --pid 4194304
	expect_status 1
}

@test "a listener is shown with its process" {
	tool portwho -j "$OPEN"
	run -0 jq -r '"\(.address) \(.protocol) \(.state) \(.exposure) \(.owner) \(.processes[0].pid) \(.processes[0].comm)"' "$OUT"
	assert_output "127.0.0.1 tcp listen loopback process $SERVER_PID labsrv"
	tool portwho --columns port,process,pid --no-headings "$OPEN"
	run -0 tr -s ' ' <"$OUT"
	assert_output "$OPEN labsrv $SERVER_PID"
	tool portwho --pid "$SERVER_PID" -j
	run -0 jq -r '"\(.port)/\(.protocol)"' "$OUT"
	assert_equal "$(sort <<<"$output")" "$(printf '%s\n' "$OPEN/tcp" "$ECHO/udp" | sort)"
	tool portwho labsrv -j
	run -0 jq -r .port "$OUT"
	assert_line "$OPEN"
	assert_line "$ECHO"
}

@test "-q prints nothing, whatever the answer" {
	local args
	for args in "$OPEN" "$TCP_CLOSED/tcp" "-j $OPEN" "--format=csv $OPEN" \
		"--format=prometheus $OPEN" "--tree $OPEN" "--also unix" \
		"--watch -t 50ms -i 10ms $TCP_CLOSED/tcp"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portwho -q $args
		((STATUS < 2)) || _helpers_wrong 'expected an answer'
		expect_no_output
		expect_error_lines 0
	done
	tool portwho -q "$OPEN"
	expect_status 0
	tool portwho -q "$TCP_CLOSED/tcp"
	expect_status 1
	no "'0'" '1-65535' -q 0
}

@test "every JSON record is as the schema says" {
	local n
	{
		portwho -j
		portwho -j -v "$OPEN" "$ECHO/udp"
		portwho -j "$OPEN"
		portwho -j -n --also unix,bound
		portwho --watch -j -t 50ms -i 10ms || :
	} >"$OUT"
	n=$(wc -l <"$OUT")
	((n >= 5))
	run -0 "$SCHEMA/validate" "$SCHEMA/portwho.schema.json" <"$OUT"
	assert_output "$n valid, 0 not"
}

@test "CSV and JSON have the same keys in the same order" {
	tool portwho --format=csv "$OPEN"
	local header
	header=$(head -n 1 "$OUT")
	tool portwho -j "$OPEN"
	run -0 jq -r 'keys_unsorted | join(",")' "$OUT"
	assert_output "$header"
}

@test "the formats that cannot be empty are not" {
	tool portwho --format=csv "$TCP_CLOSED/tcp"
	expect_status 1
	(($(wc -l <"$OUT") == 1)) || _helpers_wrong 'expected a header alone'
	tool portwho --format=prometheus "$TCP_CLOSED/tcp"
	expect_status 1
	expect_no_output
}

@test "nobody, without an environment, gets all of it" {
	[[ $(id -u) == 0 ]] || skip 'needs root, to be nobody'
	public_copy portwho
	local args
	for args in '' "$OPEN" "-j $OPEN" '--tree' '--also unix,bound' '-v'; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
			--inh-caps=-all env -i "$COPY" $args
		expect_status 0
		expect_error_lines 0
		[[ -s $OUT ]] || _helpers_wrong 'expected output'
	done
	tool setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \
		--inh-caps=-all env -i "$COPY" -j "$OPEN"
	run -0 jq -r '"\(.owner) \(.uid)"' "$OUT"
	assert_output "hidden $(stat -c %u "/proc/$SERVER_PID")"
}

@test "whatever the locale, it works, and says the same" {
	local locale
	portwho --columns port,process "$OPEN" >want
	for locale in C POSIX C.UTF-8 no_SUCH.locale ''; do
		tool env LC_ALL="$locale" portwho --columns port,process "$OPEN"
		expect_status 0
		diff want "$OUT" || _helpers_wrong "expected the same in '$locale'"
	done
}

# ---- the terminal --------------------------------------------------------------------

@test "there is no colour where standard output is no terminal" {
	local args
	for args in '' -j --format=csv --format=prometheus --tree -v "$OPEN"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		tool portwho $args
		refute grep -q $'\e' "$OUT"
	done
}

@test "there is colour on a terminal, unless NO_COLOR, TERM=dumb or --color forbid it" {
	on_terminal "portwho $OPEN"
	assert_success
	assert_output --partial $'\e['
	on_terminal "NO_COLOR=1 portwho $OPEN"
	assert_output --partial "$OPEN/tcp"
	refute_output --partial $'\e'
	on_terminal "NO_COLOR= portwho $OPEN"
	assert_output --partial $'\e['
	on_terminal "TERM=dumb portwho $OPEN"
	refute_output --partial $'\e'
	on_terminal "portwho --color=never $OPEN"
	refute_output --partial $'\e'
	on_terminal "portwho $OPEN | cat"
	assert_output --partial "$OPEN/tcp"
	refute_output --partial $'\e'
	for args in '' --tree -v; do
		on_terminal "portwho --color=never $args"
		refute_output --partial $'\e'
		on_terminal "NO_COLOR=1 portwho $args"
		refute_output --partial $'\e'
	done
}

@test "--color=always colours a pipe, even against NO_COLOR" {
	tool env NO_COLOR=1 portwho --color=always "$OPEN"
	grep -q $'\e\[' "$OUT"
}

@test "the machine formats have no colour, whatever is asked" {
	tool portwho -j --color=always "$OPEN"
	refute grep -q $'\e' "$OUT"
	on_terminal "portwho -j $OPEN"
	refute_output --partial $'\e'
}

@test "hints go to a terminal only" {
	[[ $(id -u) == 0 ]] || skip 'needs root, to be nobody'
	public_copy portwho
	local nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all'
	on_terminal "$nobody '$COPY' --columns port,process $OPEN $ECHO"
	assert_output --partial 'sudo portwho'
	# Words on purpose.
	# shellcheck disable=SC2086
	tool $nobody "$COPY" --columns port,process "$OPEN" "$ECHO"
	expect_error_lines 0
}

# hints TEXT COMMAND: on a terminal that is all it prints.
hints() {
	on_terminal "$2"
	assert_equal "${output//$'\r'/}" "$1"
}

@test "where nothing listens, a terminal is told so, and nothing else is" {
	[[ $(id -u) == 0 ]] || skip 'needs root, to have a network of its own'
	local none='unshare --net portwho'
	local ask='can a server start there? try: portwho --free'
	hints "nothing listens on 3000; $ask 3000" "$none 3000"
	hints "nothing listens on 53/udp; $ask 53/udp" "$none 53/udp"
	hints 'nothing listens on these ports' "$none 3000-3010"
	hints 'nothing listens here' "$none"
	hints 'nothing that listens here fits' "$none no-such-program"
	hints 'nothing that listens here fits' "$none -4 3000"
	hints '' "$none -j 3000; $none -q 3000"
	tool unshare --net portwho 3000
	expect_error_lines 0
}

@test "who may not see other processes is told that what was asked for may be among them" {
	[[ $(id -u) == 0 ]] || skip 'needs root, to be nobody'
	public_copy portwho
	local nobody='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all'
	hints 'nothing that we may see fits; try: sudo portwho' "$nobody '$COPY' no-such-program"
}

@test "a terminal is told that changes are waited for, and other things are not" {
	hints 'waiting for changes; Ctrl-C ends it' "portwho --watch -t 100ms $TCP_CLOSED"
	hints '' "portwho --watch -q -t 100ms $TCP_CLOSED; portwho --watch -j -t 100ms $TCP_CLOSED"
	tool portwho --watch -t 100ms "$TCP_CLOSED"
	expect_error_lines 0
}

@test "root is not sent to sudo" {
	[[ $(id -u) == 0 ]] || skip 'needs root'
	on_terminal "portwho"
	refute_output --partial sudo
}

# ---- standard streams ----------------------------------------------------------------

@test "a full disk is told, once, and is exit 3" {
	[[ -c /dev/full ]] || skip 'no /dev/full here'
	local args
	for args in "$OPEN" "-j $OPEN" "--format=csv $OPEN" "--format=prometheus $OPEN" \
		"--tree $OPEN" '--columns=help' '--help' '--version' '-v' \
		"--format=csv --watch -t 5s -i 10ms $OPEN"; do
		STATUS=0
		# Words on purpose.
		# shellcheck disable=SC2086
		timeout 20 portwho $args >/dev/full 2>"$ERR" || STATUS=$?
		: >"$OUT"
		expect_status 3
		expect_error_lines 1
		expect_error 'portwho: cannot write to standard output: No space left'
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
		sys.exit(0 if p.returncode in (0, 3, -signal.SIGPIPE) else 1)
	END
	local args
	for args in "$OPEN" "-j $OPEN" "--format=csv $OPEN" "--format=prometheus $OPEN" --tree \
		-v --help --version --columns=help; do
		# Words on purpose.
		# shellcheck disable=SC2086
		run -0 python3 gone.py portwho $args
		assert_output ''
	done
}

@test "closed standard streams do no harm" {
	STATUS=0
	portwho -j "$OPEN" >&- 2>"$ERR" || STATUS=$?
	: >"$OUT"
	((STATUS == 0 || STATUS == 3)) || _helpers_wrong 'expected an answer'
	STATUS=0
	portwho -j "$OPEN" <&- >"$OUT" 2>"$ERR" || STATUS=$?
	expect_status 0
	STATUS=0
	portwho -j "$OPEN" 2>&- >"$OUT" || STATUS=$?
	: >"$ERR"
	expect_status 0
	run -0 jq -r .port "$OUT"
	assert_output "$OPEN"
}
