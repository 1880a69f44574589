# shellcheck shell=bash
#
# The network lab: source it from a bats file (or any bash). README.md has the picture.
#
#   lab_can | lab_require                     can labs be made here? / skip, fail on CI
#   lab_up N [--box "delay=20ms loss=2%"]     client, N routers (0-4), server
#   lab_down | lab_sweep_stale                end this lab / labs whose maker is dead
#   lab_ns NS CMD… | lab_cl | lab_cl_user     run: anywhere, in the client, as nobody
#   lab_bg NS CMD…                            run in the background: LAB_PID, LAB_LOG
#   lab_nft NS <<<RULES | lab_nft_clear NS    firewall
#   lab_addr NS ADDR/LEN | lab_anyip NS NET   more addresses, routed through the lab
#   lab_sysctl NS KEY=VALUE… | lab_icmp_limit on|off NS | lab_fast_arp NS
#   lab_hosts NAME ADDR…                      the client's /etc/hosts
#   lab_dns NAME=ADDR[,ADDR]… | lab_dns_dead | lab_dns_rcode servfail|refused|nxdomain
#   lab_serve NS SPEC…                        labsrv: LAB_PORT, LAB_PORTS, LAB_PID
#   lab_closed_port NS                        prints a port where nothing listens
#   lab_forge NS IF PORT[:ttl=N]…             forged RSTs beside the real answer
#   lab_box_stats | lab_box_clean             the box's counters / it lost nothing itself
#   lab_wait_until SECONDS CMD…               poll a condition, with a deadline
#
# NS is cl, bx, r1…r4, sv or the full name. Variables: LAB_CL LAB_BX LAB_SV LAB_R1…
# (names), LAB_NS (all), LAB_DIR (scratch), LAB_{CL,SV,GW,R1…,DEAD,NOHOST,VOID,NONET}4
# and …6 for addresses (routers: LAB_R1_4, LAB_R1_6).
#
# The variables are for the files that source this one.
# shellcheck disable=SC2034

LAB_ROOT=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
: "${PK_BUILD:=$LAB_ROOT/build}"
LAB_TOOLS=$PK_BUILD/lab
PATH=$PK_BUILD/bin:$PATH:/usr/sbin:/sbin
LAB_ID=
LAB_NS=()
LAB_PORTS=()

_lab_fail() {
	printf 'lab: %s\n' "$*" >&2
	return 1
}

_lab_name() {
	case $1 in
	cl | bx | sv | r[1-4]) printf -v "$2" %s "$LAB_ID-$1" ;;
	*) printf -v "$2" %s "$1" ;;
	esac
}

# ---- can we, and up ------------------------------------------------------------------

lab_can() {
	local c probe="pk-$$x$RANDOM-can" rc=0
	[[ $(id -u) == 0 ]] || { echo 'lab: needs root'; return 1; }
	for c in ip nft ethtool setpriv; do
		type -P "$c" >/dev/null || { echo "lab: $c is not installed"; return 1; }
	done
	for c in labsrv box; do
		[[ -x $LAB_TOOLS/$c ]] || { echo "lab: $LAB_TOOLS/$c is not built"; return 1; }
	done
	{ ip netns add "$probe" && ip netns exec "$probe" true &&
		ip -n "$probe" link add eth0 type veth peer name eth1; } &>/dev/null || rc=1
	ip netns del "$probe" &>/dev/null || :
	[[ $rc == 0 ]] || echo 'lab: network namespaces with veth pairs cannot be made here'
	return "$rc"
}

# For setup or setup_file. On CI (CI set) a lab that cannot be made is a failure.
lab_require() {
	local why
	why=$(lab_can) && return 0
	[[ -z ${CI:-} ]] || { _lab_fail "${why#lab: }"; return 1; }
	skip "$why"
}

_lab_names() {
	local n=$1 box=$2 i
	printf -v LAB_ID 'pk-%dx%04x%04x' "$$" "$RANDOM" "$RANDOM"
	LAB_N=$n LAB_CL=$LAB_ID-cl LAB_SV=$LAB_ID-sv LAB_BX=
	LAB_CHAIN=("$LAB_CL")
	for ((i = 1; i <= n; i++)); do
		printf -v "LAB_R$i" %s "$LAB_ID-r$i"
		printf -v "LAB_R${i}_4" %s "10.77.$((i - 1)).2"
		printf -v "LAB_R${i}_6" %s "2001:db8:77:$((i - 1))::2"
		LAB_CHAIN+=("$LAB_ID-r$i")
	done
	LAB_CHAIN+=("$LAB_SV")
	LAB_NS=("${LAB_CHAIN[@]}")
	[[ -z $box ]] || { LAB_BX=$LAB_ID-bx; LAB_NS+=("$LAB_BX"); }
	LAB_CL4=10.77.0.1 LAB_CL6=2001:db8:77::1
	LAB_GW4=10.77.0.2 LAB_GW6=2001:db8:77::2
	LAB_SV4=10.77.$n.2 LAB_SV6=2001:db8:77:$n::2
	((n > 0)) || LAB_SV6=2001:db8:77::2
	((n == 0)) || LAB_R1_6=2001:db8:77::2	# as tools print it, not 77:0::2
	LAB_DEAD4=10.77.0.99 LAB_DEAD6=2001:db8:77::99
	LAB_NOHOST4=10.77.$n.99 LAB_NOHOST6=2001:db8:77:$n::99
	((n > 0)) || LAB_NOHOST6=2001:db8:77::99
	LAB_VOID4=10.77.200.99 LAB_VOID6=2001:db8:77:200::99
	LAB_NONET4=203.0.113.99 LAB_NONET6=2001:db8:dead::99
}

# Runs in a namespace before it has interfaces, so that they inherit. The ICMP limits
# are kept for lab_icmp_limit. No IPv6 autoconfiguration: addresses work at once, and
# captures hold no router solicitations. It expands in the namespace, not here.
# shellcheck disable=SC2016
_LAB_SYSCTL='
cd /proc/sys/net
for f in ipv4/icmp_ratelimit ipv4/icmp_ratemask ipv4/icmp_msgs_per_sec \
	ipv4/icmp_msgs_burst ipv6/icmp/ratelimit ipv6/icmp/ratemask; do
	[[ ! -w $f ]] || echo "${f//\//.}=$(<$f)"
done
for d in all default; do
	echo 0 >ipv4/conf/$d/rp_filter
	[[ -d ipv6 ]] || continue
	echo 0 >ipv6/conf/$d/accept_dad
	echo 0 >ipv6/conf/$d/accept_ra
	echo 0 >ipv6/conf/$d/router_solicitations
done
case $1 in
r) echo 1 >ipv4/conf/all/forwarding; echo 1 >ipv4/conf/default/forwarding
	echo 1 >ipv6/conf/all/forwarding ;;
b) echo 1 >ipv6/conf/all/disable_ipv6; echo 1 >ipv6/conf/default/disable_ipv6 ;;
esac'

# Every link: a namespace towards the client has it as eth1 (the client: eth0), the one
# behind as eth0. All indexes differ: the kernel treats a veth end with the index of its
# peer as no stacked device, and its coming up then waits for up to a second.
_lab_veth() {
	local i k chain=("${LAB_CHAIN[@]}") left=eth0
	[[ ! $LAB_BX ]] || chain=("$LAB_CL" "$LAB_BX" "${chain[@]:1}")
	for ((i = 0, k = 10; i < ${#chain[@]} - 1; i++, k += 2)); do
		printf 'link add %s index %d netns %s ' "$left" "$k" "${chain[i]}"
		printf 'type veth peer name eth0 index %d netns %s\n' "$((k + 1))" "${chain[i + 1]}"
		left=eth1
	done
}

_lab_addresses() {
	local i=$1 j
	echo 'link set lo up'
	if ((i > 0)); then
		echo "addr add 10.77.$((i - 1)).2/24 dev eth0"
		echo "addr add 2001:db8:77:$((i - 1))::2/64 dev eth0 nodad"
	fi
	if ((i <= LAB_N)); then
		local dev=eth1
		((i > 0)) || dev=eth0
		echo "addr add 10.77.$i.1/24 dev $dev"
		echo "addr add 2001:db8:77:$i::1/64 dev $dev nodad"
	fi
	if ((i < LAB_N || i == 0)); then
		echo "route add default via 10.77.$i.2"
		echo "route add default via 2001:db8:77:$i::2"
	elif ((i == LAB_N)); then
		# No default: an unknown network is "net unreachable" here.
		echo "route add 10.77.200.0/24 via 10.77.$i.2"
		echo "route add 2001:db8:77:200::/64 via 2001:db8:77:$i::2"
	fi
	if ((i > LAB_N)); then
		echo "route add default via 10.77.$((i - 1)).1"
		echo "route add default via 2001:db8:77:$((i - 1))::1"
		return
	fi
	for ((j = 0; j < i - 1; j++)); do
		echo "route add 10.77.$j.0/24 via 10.77.$((i - 1)).1"
		echo "route add 2001:db8:77:$j::/64 via 2001:db8:77:$((i - 1))::1"
	done
}

_lab_links_up() {
	local ns out state
	for ns in "${LAB_NS[@]}"; do
		out=$(ip -n "$ns" -br link show type veth) || return 1
		while read -r _ state _; do
			[[ $state == UP ]] || return 1
		done <<<"$out"
	done
}

_lab_build() {
	local i ns kind
	mkdir "$LAB_DIR" "$LAB_DIR/bin" || return 1
	chmod 755 "$LAB_DIR" "$LAB_DIR/bin"
	printf 'netns add %s\n' "${LAB_NS[@]}" | ip -batch - || return 1
	for ns in "${LAB_NS[@]}"; do
		kind=${ns##*-}
		ip netns exec "$ns" bash -c "$_LAB_SYSCTL" lab "${kind:0:1}" \
			>"$LAB_DIR/icmp.$ns" || return 1
		lab_icmp_limit off "$ns" || return 1
	done
	_lab_veth | ip -batch - || return 1
	# All interfaces first: an address on a link whose other end is down comes late.
	for ns in "${LAB_NS[@]}"; do
		{
			echo 'link set eth0 up'
			[[ $ns == "$LAB_CL" || $ns == "$LAB_SV" ]] || echo 'link set eth1 up'
		} | ip -n "$ns" -batch - || return 1
	done
	for i in "${!LAB_CHAIN[@]}"; do
		_lab_addresses "$i" | ip -n "${LAB_CHAIN[i]}" -batch - || return 1
	done
	lab_wait_until 5 _lab_links_up || _lab_fail 'links do not come up'
}

_lab_start_box() {
	local ns
	# The box needs whole packets with whole checksums, as on a wire.
	for ns in "$LAB_CL" "${LAB_CHAIN[1]}"; do
		ip netns exec "$ns" ethtool -K eth0 tx off tso off gso off gro off \
			>/dev/null || return 1
	done
	# Words on purpose: the box's arguments.
	# shellcheck disable=SC2086
	_lab_ready "$LAB_BX" "$LAB_DIR/box.log" "$LAB_TOOLS/box" --ready-fd 1 eth0 eth1 $1 ||
		return 1
	LAB_BOX_PID=$LAB_PID
}

# The kernel may look at new links as late as a second after they are there; until then
# what is sent on them is lost or waits.
_lab_links_up() {
	local ns links
	for ns in "${LAB_NS[@]}"; do
		links=$(ip -n "$ns" -o link show type veth) || return 1
		[[ ! $links =~ 'qdisc noop'|'state DOWN'|'state LOWERLAYERDOWN' ]] || return 1
	done
}

# bats traces every command of functions (set -T), which makes these four times slower.
lab_up() {
	local -
	set +T
	local n=${1-} box='' with_box=''
	[[ $n == [0-4] ]] || { _lab_fail 'lab_up: 0 to 4 routers'; return 1; }
	shift
	while (($#)); do
		case $1 in
		--box) with_box=1 box=${2-}; shift ;;
		*) _lab_fail "lab_up: what is '$1'?"; return 1 ;;
		esac
		shift
	done
	[[ ! $LAB_ID ]] || { _lab_fail 'lab_up: a lab is up already'; return 1; }
	lab_sweep_stale
	_lab_names "$n" "$with_box"
	LAB_DIR=$(_lab_base)/$LAB_ID
	if ! { _lab_build && lab_wait_until 5 _lab_links_up &&
		{ [[ ! $with_box ]] || _lab_start_box "$box"; }; }; then
		lab_down
		_lab_fail 'lab_up failed'
	fi
}

# run, for what visits other namespaces: a lab that ends meanwhile may end it, too.
lab_run_visitor() {
	for _ in 1 2 3 4 5 6; do
		run --separate-stderr "$@"
		# bats sets it.
		# shellcheck disable=SC2154
		[[ $status == 137 || $status == 143 ]] || return 0
	done
}

# ---- down ----------------------------------------------------------------------------

_lab_base() {
	echo "${TMPDIR:-/tmp}"
}

# The processes in the given namespaces, by inode: a process may have been started
# by anything, and one scan serves all namespaces.
_lab_scan() {
	local -A mine=()
	local ns ino path
	for ns in "$@"; do
		[[ -e /run/netns/$ns ]] || continue
		ino=$(stat -Lc %i "/run/netns/$ns" 2>/dev/null) && mine[$ino]=1
	done
	((${#mine[@]})) || return 0
	while read -r ino path; do
		[[ ${mine[$ino]-} ]] || continue
		path=${path#/proc/}
		echo "${path%%/*}"
	done < <(stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>/dev/null)
}

# Those that two scans see: portwho --all-netns of another lab looks in for a moment, and is
# not to die of that.
_lab_pids() {
	local first
	first=$(_lab_scan "$@" | sort)
	[[ ! $first ]] || comm -12 - <(_lab_scan "$@" | sort) <<<"$first"
}

_lab_no_pids() {
	[[ ! $(_lab_pids "$@") ]]
}

_lab_kill() {
	local sig pids
	# The box says its counters on TERM; who does not listen gets KILL.
	for sig in TERM KILL KILL; do
		mapfile -t pids < <(_lab_pids "$@")
		((${#pids[@]})) || return 0
		kill "-$sig" "${pids[@]}" 2>/dev/null || :
		lab_wait_until 1 _lab_no_pids "$@" || :
	done
	_lab_no_pids "$@"
}

_lab_remove() {
	local ns
	_lab_kill "$@" || _lab_fail "processes left in $*" || :
	for ns in "$@"; do
		rm -rf "/etc/netns/${ns:?}"
	done
	# With -force it goes on behind a name that is gone already.
	printf 'netns del %s\n' "$@" | ip -force -batch - 2>/dev/null || :
	rmdir /etc/netns 2>/dev/null || :
}

lab_down() {
	local -
	set +T
	[[ $LAB_ID ]] || return 0
	_lab_remove "${LAB_NS[@]}"
	rm -rf "${LAB_DIR:?}"
	LAB_ID='' LAB_NS=() LAB_BOX_PID='' LAB_DNS_PID=''
}

# The maker's pid is in the name: pk-PIDxRAND-cl. A pid in use again delays the sweep.
lab_sweep_stale() {
	local path id pid stale=()
	for path in /run/netns/pk-*x* /etc/netns/pk-*x* "$(_lab_base)"/pk-*x*; do
		id=${path##*/}
		pid=${id#pk-} pid=${pid%%x*}
		[[ -e $path && $pid =~ ^[0-9]+$ && ! -e /proc/$pid ]] || continue
		case $path in
		/run/netns/* | /etc/netns/*) stale+=("$id") ;;
		*) rm -rf "$path" ;;
		esac
	done
	((${#stale[@]} == 0)) || _lab_remove "${stale[@]}"
}

# ---- run -----------------------------------------------------------------------------

lab_ns() {
	local ns
	_lab_name "$1" ns
	shift
	ip netns exec "$ns" "$@"
}

lab_cl() {
	ip netns exec "$LAB_CL" "$@"
}

# nobody often cannot traverse the directory of a build, so what is outside the system's
# directories is run from a copy in the lab's own directory, which everybody can enter.
_lab_public() {
	local src copy
	src=$(type -P "$1") || { _lab_fail "no command '$1'"; return 1; }
	case $src in
	/bin/* | /sbin/* | /usr/*) printf -v "$2" %s "$src"; return 0 ;;
	esac
	copy=$LAB_DIR/bin/${src##*/}
	# Several may want it at once, and one may run it already: it appears whole.
	if [[ ! -e $copy || $src -nt $copy ]]; then
		install -m 755 -p "$src" "$copy.$BASHPID" && mv -f "$copy.$BASHPID" "$copy" ||
			return 1
	fi
	printf -v "$2" %s "$copy"
}

lab_cl_user() {
	local bin
	_lab_public "$1" bin || return 127
	shift
	ip netns exec "$LAB_CL" setpriv --reuid="$(id -u nobody)" --regid="$(id -g nobody)" \
		--clear-groups --bounding-set=-all --inh-caps=-all "$bin" "$@"
}

# In the background, dead with this shell, its output in LAB_LOG. Descriptors 3 and 4
# are closed, or bats would wait for the process.
lab_bg() {
	local ns
	_lab_name "$1" ns
	shift
	LAB_BG=$((${LAB_BG:-0} + 1)) LAB_LOG=$LAB_DIR/bg.$LAB_BG.log
	ip netns exec "$ns" setpriv --pdeathsig TERM "$@" \
		</dev/null >"$LAB_LOG" 2>&1 3>&- 4>&- &
	LAB_PID=$!
	disown "$LAB_PID"
}

# Starts a program that writes "ready PID WORD…" and closes its output; a program that
# fails ends the wait at once by closing it too.
_lab_ready() {
	local ns=$1 log=$2 fd line=''
	shift 2
	exec {fd}< <(exec ip netns exec "$ns" "$@" </dev/null 2>>"$log" 3>&- 4>&-)
	read -r -t 10 -u "$fd" line || :
	exec {fd}<&-
	if [[ $line != ready\ * ]]; then
		cat "$log" >&2
		_lab_fail "not ready: $*"
		return 1
	fi
	read -r _ LAB_PID line <<<"$line"
	read -r -a LAB_PORTS <<<"$line"
}

# Not in a subshell or under run: the server dies with the shell that started it.
lab_serve() {
	local -
	set +T
	local ns
	_lab_name "$1" ns
	shift
	_lab_ready "$ns" "$LAB_DIR/labsrv.log" "$LAB_TOOLS/labsrv" --ready-fd 1 "$@" ||
		return 1
	LAB_PORT=${LAB_PORTS[0]}
}

# Like lab_serve; it has no ports of its own.
lab_forge() {
	local -
	set +T
	local ns LAB_PORTS
	_lab_name "$1" ns
	shift
	_lab_ready "$ns" "$LAB_DIR/forge.log" "$LAB_TOOLS/forge" --ready-fd 1 "$@"
}

lab_closed_port() {
	lab_ns "$1" "$LAB_TOOLS/labsrv" --free
}

lab_wait_until() {
	local -
	set +T
	local end=${EPOCHREALTIME/[.,]/}
	end=$((end + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/[.,]/} < end)) || return 1
		sleep 0.02
	done
}

# ---- the network ---------------------------------------------------------------------

lab_nft() {
	lab_ns "$1" nft -f -
}

lab_nft_clear() {
	lab_ns "$1" nft flush ruleset
}

lab_sysctl() {
	local ns
	_lab_name "$1" ns
	shift
	# Expands in the namespace.
	# shellcheck disable=SC2016
	ip netns exec "$ns" bash -c 'for kv; do
		k=${kv%%=*}; echo "${kv#*=}" >"/proc/sys/${k//.//}" || exit 1
	done' lab "$@"
}

# on: what the kernel gave the namespace. off: no limit. IPv6 names contain dots only
# as separators here, so the plain translation holds.
lab_icmp_limit() {
	local ns kv set=()
	_lab_name "$2" ns
	while read -r kv; do
		case $1:$kv in
		on:*) set+=("net.$kv") ;;
		off:ipv4.icmp_ratelimit=* | off:ipv4.icmp_ratemask=* | off:ipv6.icmp.ratelimit=*)
			set+=("net.${kv%%=*}=0") ;;
		# Type 2, packet too big, is never limited anyway: an empty mask.
		off:ipv6.icmp.ratemask=*) set+=("net.${kv%%=*}=2") ;;
		off:*) set+=("net.${kv%%=*}=1000000") ;;
		*) _lab_fail 'lab_icmp_limit on|off NS'; return 1 ;;
		esac
	done <"$LAB_DIR/icmp.$ns"
	lab_sysctl "$ns" "${set[@]}"
}

# ARP and ND give up after 0.3 s, not 3 s, so that host-unreachable comes soon.
lab_fast_arp() {
	local ns
	_lab_name "$1" ns
	# Expands in the namespace.
	# shellcheck disable=SC2016
	ip netns exec "$ns" bash -c 'for f in /proc/sys/net/ipv?/neigh/eth*/retrans_time_ms; do
		echo 100 >"$f" || exit 1
	done'
}

# Routes a prefix to its namespace on every other node but the ends, which have defaults.
_lab_routes() {
	local ns=$1 prefix=$2 at=-1 i via
	for i in "${!LAB_CHAIN[@]}"; do
		[[ ${LAB_CHAIN[i]} != "$ns" ]] || at=$i
	done
	((at >= 0)) || { _lab_fail "'$ns' is not in the chain"; return 1; }
	for ((i = 1; i <= LAB_N; i++)); do
		((i != at)) || continue
		if ((i < at)); then via=$i::2; else via=$((i - 1))::1; fi
		if [[ $prefix == *:* ]]; then
			via=2001:db8:77:$via
		else
			via=10.77.${via/::/.}
		fi
		ip -n "${LAB_CHAIN[i]}" route replace "$prefix" via "$via" || return 1
	done
}

lab_addr() {
	local ns nodad='' len=32
	_lab_name "$1" ns
	[[ $2 != *:* ]] || nodad=nodad len=128
	ip -n "$ns" addr add "$2" dev eth0 $nodad || return 1
	_lab_routes "$ns" "${2%/*}/$len"
}

# Every address of a prefix is the namespace's own.
lab_anyip() {
	local ns
	_lab_name "$1" ns
	ip -n "$ns" route add local "$2" dev lo || return 1
	_lab_routes "$ns" "$2"
}

# ---- names ---------------------------------------------------------------------------

# ip netns exec mounts what is here over /etc. nsswitch.conf too: a resolver daemon of
# the host would be reached through its socket, which no network namespace stops.
_lab_etc() {
	local dir=/etc/netns/$LAB_CL tries
	for tries in 1 2 3 4 5; do	# another lab may remove /etc/netns between
		! mkdir -p "$dir" 2>/dev/null || break
	done
	[[ -e $dir/nsswitch.conf ]] ||
		printf '%s\n' 'passwd: files' 'group: files' 'services: files' \
			'protocols: files' 'hosts: files dns' >"$dir/nsswitch.conf" || return 1
	[[ -e $dir/hosts ]] ||
		printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >"$dir/hosts" || return 1
	# Nothing outside the lab is ever asked.
	[[ -e $dir/resolv.conf ]] || echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
}

lab_hosts() {
	local name=$1 addr
	shift
	_lab_etc || return 1
	for addr; do
		echo "$addr $name" >>"/etc/netns/$LAB_CL/hosts"
	done
}

_lab_nameserver() {
	_lab_etc && echo "nameserver $1" >"/etc/netns/$LAB_CL/resolv.conf"
}

_lab_dns_bound() {
	local tables=(/proc/"$LAB_DNS_PID"/net/udp)
	grep -q ':0035 ' "${tables[@]}" 2>/dev/null
}

# NAME=ADDR[,ADDR…] for A and AAAA, NAME=OTHER for a CNAME of a name given before. What
# is not listed is NXDOMAIN, a family that is not listed an empty answer.
lab_dns() {
	local rec name value part hosts=$LAB_DIR/dns.hosts args=()
	: >"$hosts"
	for rec; do
		name=${rec%%=*} value=${rec#*=}
		for part in ${value//,/ }; do
			if [[ $part == *:* || $part =~ ^[0-9.]+$ ]]; then
				echo "$part $name" >>"$hosts"
			else
				args+=("--cname=$name,$part")
			fi
		done
	done
	chmod 644 "$hosts"
	_lab_dns_stop || return 1
	lab_bg sv dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts \
		--addn-hosts="$hosts" --no-resolv --local=/#/ --user=root --pid-file= \
		--log-facility=- --bind-interfaces --interface=eth0 "${args[@]}"
	LAB_DNS_PID=$LAB_PID
	lab_wait_until 5 _lab_dns_bound || { cat "$LAB_LOG" >&2; return 1; }
	_lab_nameserver "$LAB_SV4"
}

_lab_dns_gone() {
	[[ ! -e /proc/$LAB_DNS_PID/ns/net ]] || ! _lab_dns_bound
}

_lab_dns_stop() {
	[[ ${LAB_DNS_PID-} ]] || return 0
	kill "$LAB_DNS_PID" 2>/dev/null || :
	lab_wait_until 5 _lab_dns_gone && LAB_DNS_PID=
}

# The queries vanish without an error.
lab_dns_dead() {
	_lab_nameserver "$LAB_VOID4"
}

lab_dns_rcode() {
	local code
	case $1 in
	servfail) code=2 ;;
	nxdomain) code=3 ;;
	refused) code=5 ;;
	*) _lab_fail "lab_dns_rcode: what is '$1'?"; return 1 ;;
	esac
	_lab_dns_stop || return 1
	lab_serve sv "dns-rcode:53:$code" || return 1
	LAB_DNS_PID=$LAB_PID
	_lab_nameserver "$LAB_SV4"
}

# ---- the box -------------------------------------------------------------------------

_lab_box_lines() {
	(($(grep -c '^box: ' "$LAB_DIR/box.log") >= $1))
}

lab_box_stats() {
	local have
	have=$(grep -c '^box: ' "$LAB_DIR/box.log") || :
	kill -USR1 "$LAB_BOX_PID" || return 1
	lab_wait_until 2 _lab_box_lines $((have + 2)) || return 1
	tail -n 2 "$LAB_DIR/box.log"
}

# Fails when the box lost packets on its own account: such a measurement is void.
lab_box_clean() {
	local stats
	stats=$(lab_box_stats) || return 1
	! grep -q 'drop_[a-z]*=[1-9]' <<<"$stats" || { echo "$stats" >&2; return 1; }
}
