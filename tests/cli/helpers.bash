# shellcheck shell=bash
#
# For the tests of the command line, which need no network but the loopback interface
# and no privilege: where the tools are, small servers, and what every tool promises.
#
#   helpers_load                 in setup: bats' libraries, the tools in PATH
#   helpers_serve SPEC…          labsrv on 127.0.0.1 (setup_file or a test): PORTS
#   helpers_closed               TCP_CLOSED, UDP_CLOSED: nobody else can get them either
#   helpers_end                  in teardown_file: ends what helpers_closed began
#   tool TOOL ARG…               run it: STATUS, and the files OUT and ERR
#   refused TOOL NAMED WHY ARG…  exit 2, nothing on stdout, one line that names NAMED
#   on_terminal CMD              run a shell command with a terminal: $output, $status
#   public_copy TOOL             COPY: the program, where any user can run it
#
# The variables are for the files that source this one.
# shellcheck disable=SC2034

HELPERS_ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${PK_BUILD:=$HELPERS_ROOT/build}"
PATH=$PK_BUILD/bin:$PATH:/usr/sbin:/sbin

helpers_load() {
	bats_load_library bats-support
	bats_load_library bats-assert
	OUT=$BATS_TEST_TMPDIR/out ERR=$BATS_TEST_TMPDIR/err
}

# ---- peers ---------------------------------------------------------------------------

# _helpers_ready CMD…: start a program that writes "ready PID WORD…" and then lives on;
# it dies with this shell. READY_PID and READY hold what it wrote. Descriptors 3 and 4 are
# closed, or bats would wait for it.
_helpers_ready() {
	local fd line=''
	exec {fd}< <(exec setpriv --pdeathsig TERM "$@" </dev/null 3>&- 4>&-)
	read -r -t 10 -u "$fd" line || :
	exec {fd}<&-
	[[ $line == ready\ * ]] || { echo "not ready: $*" >&2; return 1; }
	read -r _ READY_PID line <<<"$line"
	read -r -a READY <<<"$line"
}

# Not under run or in $( ): it dies with the shell that started it.
helpers_serve() {
	_helpers_ready "$PK_BUILD/lab/labsrv" --ready-fd 1 -S 127.0.0.1 "$@" || return 1
	PORTS=("${READY[@]}") SERVER_PID=$READY_PID
}

# A socket that is bound but does not listen keeps its port from everybody else and
# refuses; so does one of UDP that is connected, to all but its peer.
helpers_closed() {
	# Python's, not the shell's.
	# shellcheck disable=SC2016
	_helpers_ready python3 -c '
import os, signal, socket, sys
tcp = socket.socket()
tcp.bind(("127.0.0.1", 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
udp.connect(("127.0.0.2", 9))
print("ready", os.getpid(), tcp.getsockname()[1], udp.getsockname()[1], flush=True)
os.close(1)
signal.pause()' || return 1
	TCP_CLOSED=${READY[0]} UDP_CLOSED=${READY[1]} CLOSED_PID=$READY_PID
}

helpers_end() {
	[[ ! ${CLOSED_PID-} ]] || kill "$CLOSED_PID" 2>/dev/null || :
	[[ ! ${SERVER_PID-} ]] || kill "$SERVER_PID" 2>/dev/null || :
}

# ---- running -------------------------------------------------------------------------

# Into files and not variables, which would lose NUL bytes and line ends.
tool() {
	STATUS=0
	timeout 30 "$@" </dev/null >"$OUT" 2>"$ERR" || STATUS=$?
}

_helpers_wrong() {
	{
		printf '%s\n' "$@"
		echo "exit status $STATUS; standard output:"
		cat -A "$OUT"
		echo 'standard error:'
		cat -A "$ERR"
	} >&2
	return 1
}

# A file is what a terminal may see: lines of printable text, and each one ends.
_helpers_plain() {
	! LC_ALL=C grep -q -a '[[:cntrl:]]' "$1" &&
		[[ ! -s $1 || -z $(tail -c 1 "$1") ]]
}

expect_status() {
	[[ $STATUS == "$1" ]] || _helpers_wrong "expected exit status $1"
}

expect_no_output() {
	[[ ! -s $OUT ]] || _helpers_wrong 'expected nothing on standard output'
}

# expect_error_lines N: on standard error, the first by the tool.
expect_error_lines() {
	(($(wc -l <"$ERR") == $1)) || _helpers_wrong "expected $1 lines on standard error"
	_helpers_plain "$ERR" || _helpers_wrong 'expected plain lines on standard error'
}

expect_error() {
	grep -q -F -e "$1" "$ERR" || _helpers_wrong "expected on standard error: $1"
}

refused_lines() {
	local lines=$1 tool=$2 named=$3 why=$4
	shift 4
	tool "$tool" "$@"
	expect_status 2 && expect_no_output && expect_error_lines "$lines" || return
	[[ $(head -n 1 "$ERR") == "${tool##*/}: "* ]] ||
		_helpers_wrong "expected '${tool##*/}: ' in front" || return
	expect_error "$named" && expect_error "$why"
}

refused() {
	refused_lines 1 "$@"
}

# on_terminal CMD: a shell command whose stdin, stdout and stderr are a terminal, of which
# $output has all there is, with CR at the ends of lines. 80 columns, no NO_COLOR.
on_terminal() {
	run env -u NO_COLOR TERM=xterm SHELL=/bin/sh COLUMNS=80 \
		timeout 30 script -qec "$1" /dev/null </dev/null
}

# nobody often cannot traverse the directories of a build, nor bats' own.
public_copy() {
	PUBLIC_DIR=$(mktemp -d "${TMPDIR:-/tmp}/portkit-cli.XXXXXX") || return 1
	chmod 755 "$PUBLIC_DIR"
	cp "$(type -P "$1")" "$PUBLIC_DIR/$1" && chmod 755 "$PUBLIC_DIR/$1" || return 1
	COPY=$PUBLIC_DIR/$1
}

public_remove() {
	[[ ! ${PUBLIC_DIR-} ]] || rm -rf "${PUBLIC_DIR:?}"
}

# seconds_since START: START and now are EPOCHREALTIME, the answer is milliseconds.
ms_since() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $(((now - ${1/[.,]/}) / 1000))
}
