# shellcheck shell=bash
#
# What the portwho tests in this directory share: programs with sockets, made to order, in
# the client of a lab without routers. Source it in setup; it brings the lab.
#
#   who_up                    the lab; its sockets are all that portwho can find there
#   holds [FILE] CODE         a Python program that runs CODE, then lives on: PID and WORDS,
#                             the words that it gave to say(). FILE: its name. Started by
#                             the words in HOLDS_WITH. It has
#     tcp(ADDRESS, PORT=0, …)   a listener; backlog=N, bound=True (does not listen), and …
#     udp(ADDRESS, PORT=0, …)   … a bound socket; reuse=True (SO_REUSEPORT), v6only=True or
#                               False, device="lo"
#     port(SOCKET), inode(SOCKET), say(WORD…)
#     called(NAME)              the process is called so (prctl)
#     child(CODE)               a forked child that runs it and lives on; its pid
#   who ARGS…                 portwho -j as root there: $status $output $stderr. WHO_WITH:
#                             words instead of lab_cl
#   who_text ARGS…            the same without -j, as in a pipe
#   who_nobody ARGS…          portwho as nobody
#   row WORD                  the only line of $output whose first word it is
#   pids FILTER               of the processes of the records that the jq FILTER selects
#   is_gone PID               it ended
#
# bats sets what run gives.
# shellcheck disable=SC2034,SC2154

# shellcheck source=tests/net/helpers.bash
source "${BASH_SOURCE[0]%/*}/helpers.bash"

_WHO_N=0
_WHO_PRELUDE='
import ctypes, os, signal, socket, struct, sys, threading, time
KEEP, WORDS = [], []
LIBC = ctypes.CDLL(None, use_errno=True)
signal.alarm(300)

def say(*words):
    WORDS.extend(str(word) for word in words)

def port(s):
    return s.getsockname()[1]

def inode(s):
    return os.fstat(s.fileno()).st_ino

def called(name):
    LIBC.prctl(15, name if isinstance(name, bytes) else name.encode(), 0, 0, 0)

def child(code=""):
    pid = os.fork()
    if not pid:
        signal.alarm(300)
        exec(code, globals())
        while True:
            signal.pause()
    return pid

def made(kind, address, number, reuse=False, v6only=None, device=None, protocol=0,
         reusable=False):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, kind, protocol)
    if reusable:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if v6only is not None:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    address, _, zone = address.partition("%")
    if family == socket.AF_INET6:
        s.bind((address, number, 0, socket.if_nametoindex(zone) if zone else 0))
    else:
        s.bind((address, number))
    KEEP.append(s)
    return s

def tcp(address, number=0, backlog=128, bound=False, **how):
    s = made(socket.SOCK_STREAM, address, number, reusable=True, **how)
    if not bound:
        s.listen(backlog)
    return s

def udp(address, number=0, **how):
    return made(socket.SOCK_DGRAM, address, number, **how)

def ready():
    print("ready", os.getpid(), *WORDS, flush=True)
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    while True:
        signal.pause()
'

who_up() {
	bats_load_library bats-support
	bats_load_library bats-assert
	lab_require
	set +T
	lab_up 0
	set -T
}

# Not under run or in $( ): it dies with the shell that started it.
holds() {
	local -
	set +T
	local file=program$((_WHO_N += 1)).py
	(($# < 2)) || { file=$1; shift; }
	printf '%s\n%s\nready()\n' "$_WHO_PRELUDE" "$1" >"$LAB_DIR/$file" || return 1
	# Words on purpose.
	# shellcheck disable=SC2086
	_lab_ready "$LAB_CL" "$LAB_DIR/holds.log" ${HOLDS_WITH-} \
		setpriv --pdeathsig TERM python3 "$LAB_DIR/$file" || return 1
	PID=$LAB_PID WORDS=("${LAB_PORTS[@]}")
}

who_text() {
	# Words on purpose.
	# shellcheck disable=SC2086
	run --separate-stderr ${WHO_WITH:-lab_cl} timeout 60 portwho "$@"
}

who() {
	who_text -j "$@"
}

who_nobody() {
	local program
	_lab_public portwho program || return 1
	# Words on purpose.
	# shellcheck disable=SC2086
	run --separate-stderr ${WHO_WITH:-lab_cl} timeout 60 setpriv \
		--reuid="$(id -u nobody)" --regid="$(id -g nobody)" --clear-groups \
		--bounding-set=-all --inh-caps=-all "$program" "$@"
}

# The line of the table that begins with the word, and is the only one.
row() {
	local found
	found=$(awk -v first="$1" '$1 == first' <<<"$output")
	if [[ ! $found || $found == *$'\n'* ]]; then
		_said "not one row of $1"
		return 1
	fi
	echo "$found"
}

# pids FILTER: of the record that jq selects, its processes.
pids() {
	jq -r "select($1) | .processes[].pid" <<<"$output" | sort -n | uniq | tr '\n' ' ' |
		sed 's/ $//'
}

is_gone() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
