# shellcheck shell=bash
#
# The races, each a function race_NAME: make the network, write the truth, name the
# rivals, start. run has race, rival and start.
#
# The lab's client runs everything as nobody, so that nmap -sT and portcheck meet as
# equals. Dropped means dropped by a rule on the server, without connection tracking.
#
# FULL, LAB_* and TRUTH come from the files that source this one.
# shellcheck disable=SC2154

NMAP=(nmap -sT -Pn -n -oG -)
# For a network of a few milliseconds only, and deaf to a lost packet.
NMAP_TUNED=("${NMAP[@]}" -T5 --min-parallelism 1000 --max-retries 0
	--initial-rtt-timeout 100ms --max-rtt-timeout 100ms)
SLOW_DEADLINE_S=150

# open_ports FIRST LAST STEP ADDR: servers there, and the truth.
open_ports() {
	lab_serve sv "tcp-many:$1-$2/$3" || exit 3
	seq -f "$4:%.0f" "$1" "$3" "$2" >"$LAB_DIR/truth"
}

# Everything but our ports is silently dropped.
drop_others() {
	lab_nft sv <<-RULES || exit 3
		table inet bench {
			chain input {
				type filter hook input priority 0
				meta l4proto tcp tcp dport != { $(seq -s, "$1" "$3" "$2") } drop
			}
		}
	RULES
}

# addresses FIRST COUNT STEP: IPv4 addresses, one a line.
addresses() {
	awk -v first="$1" -v count="$2" -v step="${3:-1}" 'BEGIN {
		split(first, b, ".")
		n = b[3] * 256 + b[4]
		for (i = 0; i < count; i++)
			printf "%s.%s.%d.%d\n", b[1], b[2], (n + i * step) / 256,
				(n + i * step) % 256
	}'
}

race_one() {
	lab_up 0 || exit 3
	open_ports 8080 8080 1 "$LAB_SV4"
	race one 'one open port' 1 closed
	rival portcheck list portcheck "$LAB_SV4" 8080
	rival floor status floor_connect "$LAB_SV4" 8080
	rival nc status nc -z "$LAB_SV4" 8080
	start 301 20 5
	rival nmap nmap "${NMAP[@]}" -p 8080 "$LAB_SV4"
	start 31 2 5
}

race_closed() {
	lab_up 0 || exit 3
	: >"$LAB_DIR/truth"
	race closed '65,535 closed ports' 65535 closed
	rival portcheck list portcheck "$LAB_SV4" 1-65535
	rival 'epoll floor' list floor_epoll 1000 300 "$LAB_SV4" 1 1 65535
	rival 'nmap -sT' nmap "${NMAP[@]}" -p- "$LAB_SV4"
	start 7 1 60
}

# The floor is left out where the box would be flooded by it.
dropped_rivals() {
	rival portcheck list portcheck "$LAB_SV4" 1-65535
	[[ $LAB_BX ]] ||
		rival 'epoll floor, 1 try' list floor_epoll 16000 100 "$LAB_SV4" 1 1 65535
	rival 'nmap -sT tuned' nmap "${NMAP_TUNED[@]}" -p- "$LAB_SV4"
	start 5 1 60
	[[ $FULL ]] || return 0
	rival 'nmap -sT default' nmap "${NMAP[@]}" -p- "$LAB_SV4"
	start 1 0 "$SLOW_DEADLINE_S"
}

race_dropped() {
	lab_up 0 || exit 3
	open_ports 1000 58000 3000 "$LAB_SV4"
	drop_others 1000 58000 3000
	race dropped '65,535 ports, 20 open, the rest dropped' 65535 filtered
	dropped_rivals
}

race_delayed() {
	lab_up 0 --box delay=20ms || exit 3
	open_ports 1000 58000 3000 "$LAB_SV4"
	drop_others 1000 58000 3000
	race delayed 'the same through 20 ms each way' 65535 filtered
	dropped_rivals
}

race_hosts() {
	lab_up 0 || exit 3
	lab_anyip sv 10.200.0.0/16 || exit 3
	open_ports 8080 8080 1 "$LAB_SV4"
	addresses 10.200.0.1 1000 >"$LAB_DIR/hosts"
	sed 's/$/:8080/' "$LAB_DIR/hosts" >"$LAB_DIR/truth"
	race hosts '1,000 hosts, one open port' 1000 closed
	rival portcheck list portcheck -p 8080 -f "$LAB_DIR/hosts"
	rival 'epoll floor' list floor_epoll 1000 300 10.200.0.1 1000 8080 8080
	rival 'nmap -sT' nmap "${NMAP[@]}" -p 8080 -iL "$LAB_DIR/hosts"
	NEEDS=nc rival 'xargs -P64 nc' status xargs -a "$LAB_DIR/hosts" -P64 -I@ nc -z -w2 @ 8080
	start 11 1 20
}

race_network() {
	lab_up 0 || exit 3
	lab_anyip sv 10.201.0.0/16 || exit 3
	open_ports 8080 8080 1 "$LAB_SV4"
	lab_nft sv <<-'RULES' || exit 3
		table ip bench {
			chain input {
				type filter hook input priority 0
				ip protocol tcp ip daddr & 0.0.0.15 != 0.0.0.7 drop
			}
		}
	RULES
	addresses 10.201.0.7 4096 16 | sed 's/$/:8080/' >"$LAB_DIR/truth"
	race network '65,536 addresses, 1 in 16 alive' 65536 filtered
	rival portcheck list portcheck -p 8080 10.201.0.0/16
	rival 'epoll floor, 1 try' list floor_epoll 16000 100 10.201.0.0 65536 8080 8080
	rival 'nmap -sT tuned' nmap "${NMAP_TUNED[@]}" --min-hostgroup 4096 -p 8080 \
		10.201.0.0/16
	start 3 1 60
	[[ $FULL ]] || return 0
	rival 'nmap -sT -T4' nmap "${NMAP[@]}" -T4 -p 8080 10.201.0.0/16
	start 1 0 "$SLOW_DEADLINE_S"
}

race_loss() {
	lab_up 0 --box 'loss=2%' || exit 3
	lab_anyip sv 10.200.0.0/16 || exit 3
	open_ports 8080 8080 1 "$LAB_SV4"
	addresses 10.200.0.1 1000 >"$LAB_DIR/hosts"
	sed 's/$/:8080/' "$LAB_DIR/hosts" >"$LAB_DIR/truth"
	race loss-hosts '1,000 hosts, one open port, 2% loss each way' 1000 closed
	rival portcheck list portcheck -p 8080 -f "$LAB_DIR/hosts"
	rival 'nmap -sT' nmap "${NMAP[@]}" -p 8080 -iL "$LAB_DIR/hosts"
	rival 'nmap -sT tuned' nmap "${NMAP_TUNED[@]}" -p 8080 -iL "$LAB_DIR/hosts"
	start 11 1 20
	lab_down

	lab_up 0 --box 'loss=2%' || exit 3
	open_ports 1000 58000 3000 "$LAB_SV4"
	drop_others 1000 58000 3000
	race loss-ports '65,535 ports, 20 open, the rest dropped, 2% loss' 65535 filtered
	rival portcheck list portcheck "$LAB_SV4" 1-65535
	rival 'nmap -sT tuned' nmap "${NMAP_TUNED[@]}" -p- "$LAB_SV4"
	start 7 0 60
}
