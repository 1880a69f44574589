# shellcheck shell=bash
#
# What the portblock tests in this directory share, on top of helpers.bash. Source it in
# setup; it brings the lab. A silent port takes seconds, so cases run side by side: first
# all are asked, then their verdicts are looked at.
#
#   ask PORT…                      portblock -j, in the background, of each port of the
#                                  server: as root with a capture ("wire") and as nobody
#                                  ("user"), over IPv4 and over IPv6. The four runs are
#                                  called PORT.wire.4, PORT.user.4, PORT.wire.6, …
#   ask_host NAME HOST ARGS…       the same of HOST (@VOID, @NOHOST, …, or a name), called
#                                  NAME.wire.4, …
#   MODES=user FAMILIES=4 ask…     not all four
#   blocked RUNS VERDICT WHERE METHOD CONFIDENCE [KEY=VALUE…]
#                                  each run whose name is RUNS or begins with "RUNS." has
#                                  this as its only record, and the exit status that
#                                  goes with the verdict
#   block_says RUNS WORDS          each message has these words
#   block_jq RUNS FILTER           the jq FILTER is true of each record
#   block_result RUN               wait for it: $status $output $stderr
#   block_down                     for teardown: every record fits the schema; lab_down
#
# "high or certain": either will do. @R2 in a value is the address that has this name in
# the run's family: CL SV GW R1 R2 R3 DEAD NOHOST VOID NONET. Else a value is as in
# helpers.bash: null, 3, "text".
#
# bats sets what run gives.
# shellcheck disable=SC2154

# shellcheck source=tests/net/helpers.bash
source "${BASH_SOURCE[0]%/*}/helpers.bash"

BLOCK_SCHEMA=$LAB_ROOT/tests/schema/portblock.schema.json
BLOCK_VALIDATE=$LAB_ROOT/tests/schema/validate

declare -gA _BLOCK_PIDS=() _BLOCK_STATUS=()
declare -ga _BLOCK_RUNS=()

# helpers.bash knows two routers.
block_family() {
	local from=LAB_R3_$1
	family "$1"
	R3=${!from-}
}

# A copy that nobody may run, made once: runs are side by side.
_portblock() {
	local src
	PORTBLOCK=$LAB_DIR/portblock
	[[ ! -x $PORTBLOCK ]] || return 0
	src=$(type -P portblock) || { echo 'portblock is not built' >&2; return 1; }
	install -m 755 "$src" "$PORTBLOCK"
}

# block_run wire|user ARGS…
block_run() {
	local mode=$1
	shift
	_portblock || return 1
	case $mode in
	wire) lab_cl "$PORTBLOCK" "$@" ;;
	user) lab_cl_user "$PORTBLOCK" "$@" ;;
	esac
}

# Every @NAME in the arguments, for the family that is set: the array ADDRESSED.
_block_addressed() {
	local name word
	ADDRESSED=()
	for word; do
		for name in CL SV GW R1 R2 R3 DEAD NOHOST VOID NONET; do
			word=${word//@$name/${!name-}}
		done
		ADDRESSED+=("$word")
	done
}

_block_start() {
	local run=$1 mode=$2
	shift 2
	[[ ! ${_BLOCK_PIDS[$run]-} ]] || { echo "asked twice: $run" >&2; return 1; }
	block_run "$mode" -j "$@" </dev/null >"$LAB_DIR/block.$run.json" \
		2>"$LAB_DIR/block.$run.err" 3>&- 4>&- &
	_BLOCK_PIDS[$run]=$!
	_BLOCK_RUNS+=("$run")
}

ask_host() {
	local name=$1 mode v
	shift
	_portblock || return 1
	for v in ${FAMILIES:-4 6}; do
		block_family "$v"
		_block_addressed "$@"
		for mode in ${MODES:-wire user}; do
			_block_start "$name.$mode.$v" "$mode" "${ADDRESSED[@]}" || return 1
		done
	done
}

ask() {
	local port
	for port; do
		ask_host "$port" @SV "$port" || return 1
	done
}

# Also sets the names of the run's family, and MODE.
# shellcheck disable=SC2034
block_result() {
	local run=$1
	if [[ ! ${_BLOCK_STATUS[$run]-} ]]; then
		status=0
		wait "${_BLOCK_PIDS[$run]}" || status=$?
		_BLOCK_STATUS[$run]=$status
	fi
	status=${_BLOCK_STATUS[$run]}
	output=$(<"$LAB_DIR/block.$run.json")
	stderr=$(<"$LAB_DIR/block.$run.err")
	block_family "${run##*.}"
	MODE=${run%.*} MODE=${MODE##*.}
}

# What holds for every record, whatever the verdict; empty, or what is wrong.
_BLOCK_SANE='
	(if .message | test("^[^ ].*[^ .]$") then empty else "message: \(.message)" end),
	(if (.last_hop // 0) > 0 and .last_hop_address == null
		or (.last_hop // 0) == 0 and .last_hop_address != null
	then "last_hop: \(.last_hop) at \(.last_hop_address)" else empty end),
	(if .evidence | length == 0 then "no evidence" else empty end),
	(if [.evidence[].t_ms] != ([.evidence[].t_ms] | sort)
	then "evidence: not in order of time" else empty end),
	(if .verdict != "open" and (.next | length) == 0 then "next: nothing" else empty end),
	(if (.confidence == "certain" or .confidence == "high") and .verdict == "inconclusive"
		and .state != "error"
	then "inconclusive, but \(.confidence)" else empty end)'

# _block_record KEY=VALUE…: the only record of $output.
_block_record() {
	# The program is jq's.
	# shellcheck disable=SC2016
	jq -rn '[inputs] as $r
		| if ($r | length) != 1 then "\($r | length) records"
		else ($ARGS.positional[] | index("=") as $i
			| .[:$i] as $k | .[$i + 1:] as $text
			| $r[0][$k] as $is
			| if $r[0] | has($k) | not then "no key \($k)"
			elif any($text | splits(" or ");
				(. as $t | try fromjson catch $t) == $is or . == $is) then empty
			else "\($k): \($is | tojson), expected \($text)" end),
			($r[0] | '"$_BLOCK_SANE"')
		end' --args "$@" <<<"$output" 2>&1 || echo 'no JSON'
}

# _block_each RUNS COMMAND…: COMMAND for each of the runs, which prints what is wrong.
_block_each() {
	local runs=$1 run what n=0 bad=0
	shift
	for run in "${_BLOCK_RUNS[@]}"; do
		[[ $run == "$runs" || $run == "$runs".* ]] || continue
		n=$((n + 1))
		block_result "$run"
		what=$("$@")
		[[ $what ]] || continue
		bad=$((bad + 1))
		_said "$run: $what" || :
	done
	((n)) || echo "no such run: $runs" >&2
	((n && !bad))
}

_block_verdict() {
	local want=1 captured=true family=inet
	[[ $MODE == wire ]] || captured=false
	[[ $CL != *:* ]] || family=inet6
	_block_addressed "verdict=$1" "where=$2" "method=$3" "confidence=$4" \
		"captured=$captured" "family=$family" "${@:5}"
	_block_record "${ADDRESSED[@]}"
	case $(jq -r .verdict <<<"$output" 2>/dev/null) in
	open | lossy) want=0 ;;
	esac
	[[ $status == "$want" ]] || echo "exit status $status, expected $want"
}

blocked() {
	_block_each "$1" _block_verdict "${@:2}"
}

_block_says() {
	local message
	message=$(jq -r .message <<<"$output")
	[[ $message == *"$1"* ]] || echo "the message lacks '$1'"
}

block_says() {
	_block_each "$1" _block_says "$2"
}

_block_jq() {
	_block_addressed "$1"
	jq -e "${ADDRESSED[0]}" <<<"$output" >/dev/null 2>&1 || echo "not so: ${ADDRESSED[0]}"
}

block_jq() {
	_block_each "$1" _block_jq "$2"
}

# All records of a test at once: starting Python takes longer than anything else.
_block_validate() {
	local run files=()
	for run in "${_BLOCK_RUNS[@]}"; do
		files+=("$LAB_DIR/block.$run.json")
	done
	((${#files[@]})) || return 0
	cat "${files[@]}" | "$BLOCK_VALIDATE" "$BLOCK_SCHEMA"
}

block_down() {
	local bad=0
	[[ ! ${BATS_TEST_COMPLETED-} || ! $LAB_ID ]] || _block_validate || bad=1
	lab_down
	return "$bad"
}
