#!/usr/bin/env bats
# Names: every address of a name gets its verdict, look-ups fail in words and in time.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	lab_require
}

teardown() {
	lab_down
}

# unresolved REASON ARGS…: one record of state unresolved, exit 1, nothing sent.
unresolved() {
	local reason=$1
	shift
	check "$@"
	expect 1 state=unresolved "reason=$reason" address=null family=null connect_ms=null \
		attempts=0
}

both_open() {
	check both.test "$LAB_PORT"
	[[ $status == 0 ]]
	[[ $(values .address) == "$LAB_SV4 $LAB_SV6" ]]
	record '.family == "inet"' target=both.test state=open reason=syn-ack \
		"address=$LAB_SV4"
	record '.family == "inet6"' target=both.test state=open reason=syn-ack \
		"address=$LAB_SV6"
	[[ $(values 'select(.resolve_ms >= 0) | "timed"') == 'timed timed' ]]
	# One of them won the race.
	record '.race_ms != null' state=open
}

@test "a name's addresses are both checked, from the hosts file and from DNS" {
	need dnsmasq
	lab_up 1
	lab_serve sv tcp:0
	lab_hosts both.test "$LAB_SV4" "$LAB_SV6"
	both_open
	rm "/etc/netns/$LAB_CL/hosts"
	lab_dns "both.test=$LAB_SV4,$LAB_SV6"
	both_open
}

@test "the text form has a line for each address of the name" {
	lab_up 1
	lab_serve sv tcp:0
	lab_hosts both.test "$LAB_SV4" "$LAB_SV6"
	check_text both.test "$LAB_PORT"
	[[ $status == 0 && ${#lines[@]} == 2 ]]
	assert_line --regexp "^open +both.test:$LAB_PORT at $LAB_SV4  connected in"
	assert_line --regexp "^open +both.test:$LAB_PORT at $LAB_SV6  connected in"
}

@test "example.com and port 80, as a new user asks" {
	need dnsmasq
	lab_up 2
	lab_serve sv tcp:80
	lab_dns "example.com=$LAB_SV4,$LAB_SV6"
	check_text example.com 80
	[[ $status == 0 && ${#lines[@]} == 2 && ! $stderr ]]
	assert_line --regexp "^open +example.com:80 \(http\) at $LAB_SV4  connected in"
}

@test "a dead IPv6 address beside a live one: yes, but clients are slow" {
	lab_up 1
	lab_serve sv tcp:0
	lab_hosts half.test "$LAB_VOID6" "$LAB_SV4"
	later some -t 1500ms half.test "$LAB_PORT"
	later all -t 1500ms --all-addresses half.test "$LAB_PORT"
	result some
	[[ $status == 0 && $(values .address) == "$LAB_SV4 $LAB_VOID6" ]]
	# RFC 8305: the second address is tried 250 ms after the first.
	record '.family == "inet" and .race_ms >= 250' state=open
	record '.family == "inet6"' state=filtered reason=no-response race_ms=null
	output=$(jq -c 'select(.family == "inet6")' <<<"$output")
	says 'clients that try this address first are slow'
	result all
	[[ $status == 1 && $(values .state) == 'filtered open' ]]
}

@test "an address that refuses hands the race on at once" {
	lab_up 1
	lab_serve sv -S "$LAB_SV4" tcp:0
	lab_hosts half.test "$LAB_SV6" "$LAB_SV4"
	check half.test "$LAB_PORT"
	[[ $status == 0 ]]
	record '.family == "inet"' state=open
	record '.family == "inet6"' state=closed reason=reset race_ms=null
	check --all-addresses half.test "$LAB_PORT"
	[[ $status == 1 && $(values .state) == 'closed open' ]]
}

# A refusal comes at once, whichever address is asked first.
@test "an address that refuses beside a live one slows nobody down, and is not blamed" {
	local live
	lab_up 1
	lab_serve sv -S "$LAB_SV4" tcp:80
	lab_serve sv -S "$LAB_SV6" tcp:81
	lab_hosts half.test "$LAB_SV6" "$LAB_SV4"
	check half.test 80,81
	[[ $status == 0 ]]
	for live in 80:inet 81:inet6; do
		record ".port == ${live%:*} and .family == \"${live#*:}\"" state=open
	done
	[[ $(values 'select(.state == "closed").reason') == 'reset reset' ]]
	refute_output --partial slow
}

@test "when no address is open the answer is no, and nothing is said of a live one" {
	lab_up 1
	lab_hosts none.test "$LAB_SV6" "$LAB_SV4"
	check none.test 7
	[[ $status == 1 && $(values .state) == 'closed closed' ]]
	refute_output --partial slow
}

@test "many ports of a name are all checked on all addresses" {
	lab_up 1
	lab_serve sv tcp:1500
	lab_hosts both.test "$LAB_SV4" "$LAB_SV6"
	check both.test 1480-1520
	[[ $status == 1 ]]
	[[ $(values '"\(.address),\(.port)"' | wc -w) == 82 ]]
	[[ $(values 'select(.state == "open") | "\(.address),\(.port)"') == \
		"$LAB_SV4,1500 $LAB_SV6,1500" ]]
	[[ $(values 'select(.state == "closed").reason' | tr ' ' '\n' | uniq -c | xargs) == \
		'80 reset' ]]
	check both.test 1500
	[[ $status == 0 ]]
}

@test "-4 and -6 ask for one family" {
	need dnsmasq
	lab_up 1
	lab_serve sv tcp:0
	lab_dns "both.test=$LAB_SV4,$LAB_SV6"
	check -4 both.test "$LAB_PORT"
	expect 0 state=open family=inet "address=$LAB_SV4"
	check -6 both.test "$LAB_PORT"
	expect 0 state=open family=inet6 "address=$LAB_SV6"
}

@test "an alias leads to the addresses of its name" {
	need dnsmasq
	lab_up 1
	lab_serve sv tcp:0
	lab_dns "both.test=$LAB_SV4,$LAB_SV6" alias.test=both.test
	check alias.test "$LAB_PORT"
	[[ $status == 0 && $(values .address) == "$LAB_SV4 $LAB_SV6" ]]
	[[ $(values .target) == 'alias.test alias.test' ]]
}

@test "a name that does not exist is told from one without an address of the family" {
	need dnsmasq
	lab_up 1
	lab_dns "four.test=$LAB_SV4" "six.test=$LAB_SV6"
	unresolved name-not-found nowhere.test 80
	says 'no such name'
	unresolved name-not-found -6 nowhere.test 80
	unresolved name-no-address -6 four.test 80
	says 'has no IPv6 address'
	unresolved name-no-address -4 six.test 80
	says 'has no IPv4 address'
	check -4 four.test 7
	expect 1 state=closed
}

@test "a name of the hosts file has no address of the other family either" {
	need dnsmasq
	lab_up 1
	lab_dns "other.test=$LAB_SV4"
	lab_hosts four.test "$LAB_SV4"
	lab_hosts six.test "$LAB_SV6"
	unresolved name-no-address -6 four.test 80
	unresolved name-no-address -4 six.test 80
	check four.test 7
	expect 1 state=closed "address=$LAB_SV4"
}

@test "a resolver that fails or refuses is a failure of the resolver, not of the name" {
	lab_up 1
	lab_dns_rcode servfail
	unresolved name-failure web.test 80
	says resolver
	lab_dns_rcode refused
	unresolved name-failure web.test 80
	lab_dns_rcode nxdomain
	unresolved name-not-found web.test 80
}

@test "a dead resolver costs no more than the timeout" {
	lab_up 1
	lab_dns_dead
	WITH='timeout 8' check -t 2s web.test 80
	expect 1 state=unresolved reason=name-failure address=null
	record '.resolve_ms >= 1900'
	says 'the resolver gave no answer within 2'
	# As long for many names as for one, and addresses are checked meanwhile.
	lab_serve sv tcp:0
	WITH='timeout 8' check -t 2s -p "$LAB_PORT" a.test b.test c.test "$LAB_SV4"
	[[ $status == 1 ]]
	[[ $(values .reason) == 'name-failure name-failure name-failure syn-ack' ]]
}

@test "what the look-up takes is part of the timeout" {
	need dnsmasq
	lab_up 1
	lab_dns "void.test=$LAB_VOID4"
	# The first server is dead, the second is asked after three seconds.
	printf '%s\n' "nameserver $LAB_VOID4" "nameserver $LAB_SV4" \
		'options timeout:3 attempts:1' >"/etc/netns/$LAB_CL/resolv.conf"
	WITH='timeout 6.5' check -t 4s void.test 80
	expect 1 state=filtered reason=no-response "address=$LAB_VOID4"
	record '.resolve_ms >= 2900'
}

@test "one name that fails leaves the others their verdict" {
	need dnsmasq
	lab_up 1
	lab_serve sv tcp:0
	lab_dns "four.test=$LAB_SV4"
	check -p "$LAB_PORT" nowhere.test four.test
	[[ $status == 1 ]]
	record '.target == "four.test"' state=open
	record '.target == "nowhere.test"' state=unresolved reason=name-not-found
}

@test "an international name resolves in any locale" {
	need dnsmasq
	local locale
	lab_up 1
	lab_serve sv tcp:0
	lab_dns "xn--bcher-kva.example=$LAB_SV4"
	for locale in C POSIX C.UTF-8; do
		WITH="LC_ALL=$locale" check bücher.example "$LAB_PORT"
		expect 0 state=open target=bücher.example "address=$LAB_SV4"
	done
	WITH=LC_ALL=C check xn--bcher-kva.example "$LAB_PORT"
	expect 0 state=open
}

@test "a hostile name is refused, and comes back escaped" {
	local raw name
	raw=$(printf '[\001-\010\013-\037\177\200-\377]')
	lab_up 0
	for name in $'\e[31mred.test' $'a\u202Egnp.test' $'a\xffb.test' $'a\nb.test' \
		$'a\x7fb.test' $'a\u0085b.test'; do
		check "$name" 80
		[[ $status == 2 && ! $output ]]
		[[ $(wc -l <<<"$stderr") == 1 && $stderr == *\\* ]]
		LC_ALL=C run ! grep -q "$raw" <<<"$stderr"
	done
}
