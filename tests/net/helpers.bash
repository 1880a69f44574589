# shellcheck shell=bash
#
# What the portcheck tests in this directory share. Source it in setup; it brings the lab.
#
#   check ARGS…               portcheck -j in the client, as nobody: $status $output $stderr
#   check_text ARGS…          the same, as people see it
#   expect STATUS KEY=VALUE…  of the last check: exit status, and its only record
#   record FILTER KEY=VALUE…  the one record that the jq FILTER selects
#   values FILTER             a jq FILTER over all records, sorted, on one line
#   says WORDS                the message of the only record has these words
#   family 4|6                sets SV CL GW R1 R2 DEAD NOHOST VOID NONET to that family's
#   later NAME ARGS…          a check in the background …
#   result NAME               … its end: $status $output $stderr, as after check
#
# A VALUE is JSON where it can be, else a string: null, 3, 10.77.1.2, "3".
#
# bats sets what run gives.
# shellcheck disable=SC2154

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
# shellcheck source=tests/lab/lab.bash
source "${BASH_SOURCE[0]%/*}/../lab/lab.bash"

declare -gA _LATER=()

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

family() {
	local name from
	for name in CL SV GW R1 R2 DEAD NOHOST VOID NONET; do
		from=LAB_$name$1
		[[ $name != R? ]] || from=LAB_${name}_$1
		printf -v "$name" %s "${!from-}"
	done
}

# A copy that nobody may run, made once: checks run side by side.
_portcheck() {
	local src
	PORTCHECK=$LAB_DIR/portcheck
	[[ ! -x $PORTCHECK ]] || return 0
	src=$(type -P portcheck) || { echo 'portcheck is not built' >&2; return 1; }
	install -m 755 "$src" "$PORTCHECK"
}

# WITH: words before portcheck, such as "prlimit --nofile=64", or LC_ALL=C.
_run_check() {
	# Words on purpose.
	# shellcheck disable=SC2086
	lab_cl_user env ${WITH-} "$PORTCHECK" "$@"
}

check_text() {
	# bats' run uses it, and would change that of a test.
	# shellcheck disable=SC2034
	local i
	_portcheck || return 1
	run --separate-stderr _run_check "$@"
}

check() {
	check_text -j "$@"
}

later() {
	local name=$1
	shift
	_portcheck || return 1
	_run_check -j "$@" </dev/null >"$LAB_DIR/later.$name.out" \
		2>"$LAB_DIR/later.$name.err" 3>&- 4>&- &
	_LATER[$name]=$!
}

# For those who read: bats' run sets them likewise.
# shellcheck disable=SC2034
result() {
	status=0
	wait "${_LATER[$1]}" || status=$?
	output=$(<"$LAB_DIR/later.$1.out")
	stderr=$(<"$LAB_DIR/later.$1.err")
}

_said() {
	{
		printf '%s\n' "$*" "status: $status" "stdout: ${output:0:4000}"
		printf 'stderr: %s\n' "${stderr:0:1000}"
	} >&2
	return 1
}

# One string of KEY=VALUE is matched against each selected record, in jq: jq knows null
# from "null", and says what it had.
record() {
	local filter=$1 bad
	shift
	# The program is jq's.
	# shellcheck disable=SC2016
	bad=$(jq -rn '[inputs | select('"$filter"')] as $r
		| if ($r | length) != 1 then "\($r | length) records"
		else ($ARGS.positional[] | index("=") as $i
			| .[:$i] as $k | .[$i + 1:] as $text
			| ($text | try fromjson catch $text) as $v
			| $r[0][$k] as $is
			| if $r[0] | has($k) | not then "no key \($k)"
			elif $is == $v or ($is | type) == "string" and $is == $text then empty
			else "\($k): \($is | tojson), expected \($v | tojson)" end)
		end' --args "$@" <<<"$output") ||
		{ _said "no JSON"; return 1; }
	[[ ! $bad ]] || _said "$filter: $bad"
}

expect() {
	local want=$1
	shift
	[[ $status == "$want" ]] || { _said "exit status $status, expected $want"; return 1; }
	record true "$@"
}

says() {
	local message
	message=$(jq -r .message <<<"$output")
	[[ $message == *"$1"* ]] || _said "the message lacks '$1'"
}

values() {
	jq -r "$1" <<<"$output" | sort | tr '\n' ' ' | sed 's/ $//'
}
