#!/usr/bin/env bats
# What bash, zsh and fish offer, asked of the real shells, for every kind of value.
#
# Names of hosts, services and namespaces are the test's own: a mount namespace hides the
# machine's. Nothing is typed at a time: each shell is asked once a line and has a deadline.

bats_require_minimum_version 1.5.0

# s, for a shell to start and answer once
readonly DEADLINE=30

setup() {
	bats_load_library bats-support
	bats_load_library bats-assert
	COMPLETIONS=${BATS_TEST_DIRNAME%/*/*}/completions
	TOOL=portcheck
	export COMPLETIONS TOOL
	cd "$BATS_TEST_TMPDIR" || return
	ON=()
	mkdir -p files run/netns
	touch files/targets.txt files/taken.txt
	# shellcheck disable=SC2016 # nobody is to expand these
	touch run/netns/{blue,blink,'b$(touch pwned)','b`touch pwned`','b;x'}
	printf '127.0.0.1 localhost\n192.0.2.1 alpha.example\n192.0.2.2 alps.example\n' >hosts
	printf 'web 80/tcp\nweb-tls 443/tcp\nweb 80/udp\n# comment\nwhisky 8100/udp w\n' >services
	# shellcheck disable=SC2016
	printf 'b$(touch${IFS}pwned) 81/tcp\n' >>services
}

# Skip unless the shell $1 is here and has completion.
need() {
	command -v "$1" >/dev/null || skip "no $1 here"
	[[ $1 != bash || -r /usr/share/bash-completion/bash_completion ]] ||
		skip "no bash-completion here"
}

# Run a command where hosts, services and namespaces are the test's.
on_our_machine() {
	# shellcheck disable=SC2016 # expanded inside
	unshare --user --map-root-user --mount sh -c '
		mount --bind hosts /etc/hosts && mount --bind services /etc/services &&
		mount --bind run /run && exec "$@"' sh "$@"
}

can_be_our_machine() {
	on_our_machine true 2>/dev/null || skip "no mount namespaces for this user"
}

# The words of a line as readline breaks them, then the function that completes them.
write_bash_driver() {
	cat >driver.bash <<'END'
[[ $1 == bare ]] || . /usr/share/bash-completion/bash_completion
shift
. "$COMPLETIONS/bash/$TOOL"
compopt() { :; }  # works under readline only
COMP_LINE=$1
COMP_POINT=${#COMP_LINE}
COMP_TYPE=9
COMP_KEY=9
COMP_WORDS=()
rest=$COMP_LINE
while [[ $rest =~ ^([[:space:]]*)([=:]+|[^=:[:space:]]+)(.*)$ ]]; do
	COMP_WORDS+=("${BASH_REMATCH[2]}")
	rest=${BASH_REMATCH[3]}
done
[[ $COMP_LINE == *[=:[:space:]] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"_$TOOL" "$TOOL" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
END
}

# A shell on a terminal of its own, where compadd also writes down what it is given.
write_zsh_driver() {
	cat >inner.zsh <<'END'
PS1= PS2= RPS1=
fpath=($COMPLETIONS/zsh $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
	local -a hits
	if (( ! ${@[(I)-[OAD]*]} )); then
		builtin compadd -O hits "$@"
		print -rl -- $hits >>|offered
	fi
	builtin compadd "$@"
}
offer() {
	_main_complete
	compstate[insert]= compstate[list]=
	print -rn -- '<EN''D>'
}
zle -C offer complete-word offer
bindkey '^I' offer
print -rn -- '<REA''DY>'
END
	cat >driver.zsh <<'END'
zmodload zsh/zpty
: >|offered
zpty -b shell 'zsh -f -i'
zpty -w shell '. ./inner.zsh'
zpty -r shell seen '*<READY>*' || exit
zpty -w -n shell $1$'\t'
zpty -r shell seen '*<END>*' || exit
zpty -d shell
grep . offered
exit 0
END
}

# The candidates that shell $1 offers at the end of "$TOOL $2", one a line.
candidates() {
	local line="$TOOL $2"
	case $1 in
	bash | bare)
		write_bash_driver
		"${ON[@]}" timeout "$DEADLINE" bash --norc driver.bash "$1" "$line"
		;;
	zsh)
		write_zsh_driver
		"${ON[@]}" timeout "$DEADLINE" zsh -f driver.zsh "$line"
		;;
	fish)
		# shellcheck disable=SC2016 # expanded by fish
		HOME=$PWD "${ON[@]}" timeout "$DEADLINE" fish --no-config -c '
			source $COMPLETIONS/fish/$TOOL.fish
			complete -C $argv[1]' "$line" | cut -f1
		;;
	esac
}

# Does shell $1 at "$TOOL $2" offer exactly the words that follow, in any order? Shells
# differ in how much of the word they repeat: "csv", "--format=csv", "-pcsv", "80,csv".
offers() {
	local shell=$1 line=$2 glued=${2##* } got want
	shift 2
	want=$(printf '%s\n' "$@" | sort -u)
	got=$(candidates "$shell" "$line" | while IFS= read -r word; do
		if [[ $word != -* || $glued != -* || $glued == - || $1 == -* ]]; then
			:
		elif [[ $word == --* ]]; then
			word=${word#*=}
		else
			word=${word:2}
		fi
		[[ $glued != *[,:]* ]] || word=${word##*[,:]}
		printf '%s\n' "$word"
	done | sort -u)
	[[ $got == "$want" ]] || fail "$shell: $TOOL $line: offered
$got
-- expected
$want"
}

# Does it offer at least those?
offers_among() {
	local shell=$1 line=$2 word
	shift 2
	run candidates "$shell" "$line"
	assert_success
	for word; do
		assert_line "$word"
	done
}

check_options() {
	need "${1/bare/bash}"
	local equals=
	[[ $1 != ba* ]] || equals='='
	offers "$1" '--form' "--format$equals"
	offers "$1" '--qui' '--quiet'
	offers "$1" '--i' "--interval$equals" "--interface$equals" --ipv4 --ipv6
	offers "$1" 'example.com 80 --qui' '--quiet'
	offers "$1" '--timeout 3 --qui' '--quiet'
	offers_among "$1" '-' '--quiet' '--json'
}

check_words() {
	need "${1/bare/bash}"
	offers "$1" '--format ' text json csv nagios prometheus
	offers "$1" '--format=' text json csv nagios prometheus
	offers "$1" '--format=c' csv
	offers "$1" '--color a' auto always
}

check_durations() {
	need "${1/bare/bash}"
	offers "$1" '-t ' 250ms 1s 3s 10s
	offers "$1" '--timeout ' 250ms 1s 3s 10s
	offers "$1" '--timeout=1' 1s 10s
	offers "$1" '-t1' 1s 10s
	offers "$1" '-q -t 3' 3s
}

check_numbers_have_no_candidates() {
	need "${1/bare/bash}"
	offers "$1" '--count ' ''
	offers "$1" '-c ' ''
}

check_files() {
	need "${1/bare/bash}"
	local dir=
	# zsh lists names without their folder.
	[[ $1 == zsh ]] || dir=files/
	offers "$1" '-f files/ta' "${dir}targets.txt" "${dir}taken.txt"
	offers "$1" '--file files/tar' "${dir}targets.txt"
	offers "$1" '--file=files/tar' "${dir}targets.txt"
}

check_interfaces_and_addresses() {
	need "${1/bare/bash}"
	[[ -d /sys/class/net/lo ]] || skip "no loopback interface here"
	offers_among "$1" '-I l' lo
	offers_among "$1" '--interface ' lo
	command -v ip >/dev/null || skip "no ip here"
	ip -o addr show | grep -q 127.0.0.1/ || skip "the loopback interface is down"
	offers "$1" '--source 127.0.0.1' 127.0.0.1
	offers "$1" '-S 127.0.0.1' 127.0.0.1
}

check_namespaces() {
	need "${1/bare/bash}"
	can_be_our_machine
	ON=(on_our_machine)
	offers "$1" '--netns bl' blue blink
	offers "$1" '--netns=blu' blue
}

check_services() {
	need "${1/bare/bash}"
	can_be_our_machine
	ON=(on_our_machine)
	offers "$1" '-p we' web web-tls
	offers "$1" '--ports=w' web web-tls whisky
	offers "$1" '-p 22,wh' whisky
	offers "$1" '-p 4' 443
	offers "$1" '-p 22,8' 80 81 8100
}

check_operands() {
	need "${1/bare/bash}"
	can_be_our_machine
	ON=(on_our_machine)
	offers "$1" 'al' alpha.example alps.example
	offers "$1" 'alpha.example w' web web-tls whisky
	offers "$1" '-t 3 alpha.example 22 w' web web-tls whisky
	offers "$1" 'alpha.example:wh' whisky
	offers "$1" 'alpha.example:80 alp' alpha.example alps.example
	offers "$1" '-p 80 alpha.example alp' alpha.example alps.example
	offers "$1" '-qp80 alpha.example alp' alpha.example alps.example
}

check_commands() {
	need "${1/bare/bash}"
	offers_among "$1" '-W 3s --format=json localhost 80 -- unsha' unshare
	offers_among "$1" 'localhost:80 -- ls files/tak' "$2"
}

# Its own options; that it is there at all beside another tool.
check_portblock() {
	need "${1/bare/bash}"
	local dir=
	[[ $1 == zsh ]] || dir=files/
	TOOL=portblock
	offers "$1" '--expl' --explain
	offers "$1" '--no-' --no-capture
	offers "$1" '--first-bytes ' auto none http tls
	offers "$1" '--format ' text json csv
	offers "$1" '--max-hops ' ''
	offers "$1" '-w files/tak' "${dir}taken.txt"
	offers "$1" '--report files/tak' "${dir}taken.txt"
	can_be_our_machine
	ON=(on_our_machine)
	offers "$1" 'al' alpha.example alps.example
	offers "$1" '--rule alpha.example w' web web-tls whisky
}

check_nothing_is_expanded() {
	need "${1/bare/bash}"
	can_be_our_machine
	ON=(on_our_machine)
	run candidates "$1" '--netns b'
	assert_success
	assert_line blue
	run candidates "$1" '-p b'
	assert_success
	[[ ! -e pwned ]] || fail "$1 ran what stood in a name"
}

@test "bash: options" {
	check_options bash
}

@test "bash: words of a list" {
	check_words bash
}

@test "bash: durations" {
	check_durations bash
}

@test "bash: nothing where only a number fits" {
	check_numbers_have_no_candidates bash
}

@test "bash: files" {
	check_files bash
}

@test "bash: interfaces and addresses" {
	check_interfaces_and_addresses bash
}

@test "bash: network namespaces" {
	check_namespaces bash
}

@test "bash: services and ports, also in lists" {
	check_services bash
}

@test "bash: hosts first, then ports" {
	check_operands bash
}

@test "bash: a command behind two dashes" {
	check_commands bash files/taken.txt
}

@test "bash: names are never expanded" {
	check_nothing_is_expanded bash
}

@test "bash: the options and operands of portblock" {
	check_portblock bash
}

@test "bash: without bash-completion" {
	check_options bare
	check_words bare
	check_durations bare
	check_interfaces_and_addresses bare
	check_operands bare
}

@test "zsh: options" {
	check_options zsh
}

@test "zsh: words of a list" {
	check_words zsh
}

@test "zsh: durations" {
	check_durations zsh
}

@test "zsh: nothing where only a number fits" {
	check_numbers_have_no_candidates zsh
}

@test "zsh: files" {
	check_files zsh
}

@test "zsh: interfaces and addresses" {
	check_interfaces_and_addresses zsh
}

@test "zsh: network namespaces" {
	check_namespaces zsh
}

@test "zsh: services and ports, also in lists" {
	check_services zsh
}

@test "zsh: hosts first, then ports" {
	check_operands zsh
}

@test "zsh: a command behind two dashes" {
	check_commands zsh taken.txt
}

@test "zsh: names are never expanded" {
	check_nothing_is_expanded zsh
}

@test "zsh: the options and operands of portblock" {
	check_portblock zsh
}

@test "zsh: an option that excludes others removes them" {
	need zsh
	offers zsh '--json --form' ''
	offers zsh '-4 --ipv' ''
	offers zsh '-c 3 --wai' ''
	offers zsh '-t 3 --time' ''
}

@test "fish: options" {
	check_options fish
}

@test "fish: words of a list" {
	check_words fish
}

@test "fish: durations" {
	check_durations fish
}

@test "fish: nothing where only a number fits" {
	check_numbers_have_no_candidates fish
}

@test "fish: files" {
	check_files fish
}

@test "fish: interfaces and addresses" {
	check_interfaces_and_addresses fish
}

@test "fish: network namespaces" {
	check_namespaces fish
}

@test "fish: services and ports, also in lists" {
	check_services fish
}

@test "fish: hosts first, then ports" {
	check_operands fish
}

@test "fish: a command behind two dashes" {
	check_commands fish files/taken.txt
}

@test "fish: names are never expanded" {
	check_nothing_is_expanded fish
}

@test "fish: the options and operands of portblock" {
	check_portblock fish
}
