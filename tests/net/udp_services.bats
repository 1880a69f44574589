#!/usr/bin/env bats
# portcheck asks UDP services in their own protocols: real servers must answer.
#
# dnsmasq and openssl are there wherever the tests run; chronyd, snmpd, memcached and
# rpcbind are welcome, and their tests skip without them.

bats_require_minimum_version 1.5.0

setup() {
	bats_load_library bats-support
	bats_load_library bats-assert
	# shellcheck source=tests/lab/lab.bash
	source "$BATS_TEST_DIRNAME/../lab/lab.bash"
	lab_require
}

teardown() {
	lab_down
}

need() {
	type -P "$1" >/dev/null || skip "$1 is not installed"
}

udp_bound() {
	local hex
	printf -v hex ':%04X ' "$1"
	lab_ns sv grep -qsh "$hex" /proc/net/udp /proc/net/udp6
}

# serve PORT CMD…: run a server and wait for its socket.
serve() {
	local port=$1
	shift
	lab_bg sv "$@"
	lab_wait_until 10 udp_bound "$port" || { cat "$LAB_LOG" >&2; return 1; }
}

# answers ADDRESS PORT WORDS: the port is open, and the message has the words of the answer.
answers() {
	run -0 lab_cl portcheck -j -t 5s "$1" "$2/udp"
	assert_output --partial '"state":"open"'
	assert_output --partial '"reason":"udp-response"'
	assert_output --partial "$3"
}

serve_dnsmasq() {
	need dnsmasq
	serve 53 dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv \
		--user=root --pid-file= --log-facility=- "$@"
}

certificate() {
	need openssl
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj /CN=lab -keyout "$LAB_DIR/key.pem" -out "$LAB_DIR/cert.pem" 2>/dev/null
}

@test "a DNS server answers, over IPv4 and IPv6, and its refusal is told" {
	lab_up 1
	serve_dnsmasq
	answers "$LAB_SV4" 53 'DNS answer, REFUSED'
	answers "$LAB_SV6" 53 'DNS answer, REFUSED'
}

@test "a TFTP server answers from another port than the one asked" {
	lab_up 1
	mkdir "$LAB_DIR/tftp"
	serve_dnsmasq --enable-tftp --tftp-root="$LAB_DIR/tftp"
	lab_wait_until 5 udp_bound 69
	answers "$LAB_SV4" 69 'TFTP answer, file not found'
	answers "$LAB_SV6" 69 'TFTP answer, file not found'
}

@test "an NTP server tells its stratum" {
	need chronyd
	lab_up 1
	printf '%s\n' 'local stratum 8' allow 'cmdport 0' 'bindcmdaddress /' \
		"pidfile $LAB_DIR/chrony.pid" >"$LAB_DIR/chrony.conf"
	serve 123 chronyd -x -d -u root -f "$LAB_DIR/chrony.conf"
	answers "$LAB_SV4" 123 'NTP stratum 8'
}

@test "an SNMP agent answers the discovery, whatever its community" {
	need snmpd
	lab_up 1
	echo 'rocommunity nobody-knows 127.0.0.1' >"$LAB_DIR/snmpd.conf"
	serve 161 env SNMP_PERSISTENT_DIR="$LAB_DIR" snmpd -f -Lo -C \
		-c "$LAB_DIR/snmpd.conf" -p "$LAB_DIR/snmpd.pid" udp:161
	answers "$LAB_SV4" 161 'SNMPv3 agent, enterprise 8072'
}

@test "memcached tells its version" {
	need memcached
	lab_up 1
	serve 11211 memcached -u root -U 11211 -l 0.0.0.0
	answers "$LAB_SV4" 11211 'memcached 1.'
}

@test "rpcbind answers a call that does nothing" {
	need rpcbind
	lab_up 1
	# With a /run of its own: it would take over the machine's socket there.
	serve 111 unshare -m sh -c \
		'mount -t tmpfs none /run && mkdir /run/rpcbind && exec rpcbind -f'
	answers "$LAB_SV4" 111 'rpcbind answer, success'
}

@test "a DTLS server greets, or sends a cookie" {
	lab_up 1
	certificate
	serve 4433 openssl s_server -dtls -listen -quiet -accept 4433 \
		-cert "$LAB_DIR/cert.pem" -key "$LAB_DIR/key.pem"
	answers "$LAB_SV4" 4433 'DTLS answer'
}

@test "whatever answers opens the port, but only the service itself is named" {
	lab_up 1
	lab_serve sv udp-echo:123 udp-reply:3478:68656c6c6f
	run -0 lab_cl portcheck -j -t 5s "$LAB_SV4" 123/udp 3478/udp
	assert_line --index 0 --partial '"state":"open"'
	assert_line --index 1 --partial '"state":"open"'
	refute_output --partial 'NTP stratum'
	refute_output --partial 'STUN answer'
}

@test "silence where silence is usual says so" {
	lab_up 1
	lab_serve sv udp-silent:51820
	run -1 lab_cl portcheck -j -t 1s "$LAB_SV4" 51820/udp
	assert_output --partial '"state":"open|filtered"'
	assert_output --partial 'WireGuard never answers'
}
