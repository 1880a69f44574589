#!/usr/bin/env bats
# portwho and control groups: units, containers, and finding holders by the group in which
# a socket was made. It looks into the lab from outside, where the groups are.
#
# bats sets stderr, and runs each test in a subshell; the programs are Python's.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0

# Where cgroup2 is, if we may make groups there.
find_groups() {
	local path
	for path in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		[[ -e $path/cgroup.procs && -w $path ]] || continue
		GROUPS_ROOT=$path/$LAB_ID.slice
		mkdir "$GROUPS_ROOT" 2>/dev/null && return 0
	done
	return 1
}

setup() {
	# shellcheck source=tests/net/who_sockets.bash
	source "$BATS_TEST_DIRNAME/who_sockets.bash"
	who_up
	# ip-netns(8) hides the groups: it mounts another /sys.
	WHO_WITH="nsenter --net=/run/netns/$LAB_CL"
	HOLDS_WITH="nsenter --mount=/proc/$$/ns/mnt --"
	GROUPS_ROOT=
	find_groups || skip 'no control groups (cgroup2) can be made here'
}

no_groups() {
	find "$GROUPS_ROOT" -depth -type d -exec rmdir {} + 2>/dev/null
	[[ ! -e $GROUPS_ROOT ]]
}

teardown() {
	set +T
	lab_down
	[[ ! ${GROUPS_ROOT-} ]] || lab_wait_until 10 no_groups
}

# group NAME…: made, and how a program moves there: CODE, to begin with.
group() {
	local name
	for name; do
		mkdir -p "$GROUPS_ROOT/$name"
	done
	CODE="
def move(name):
    open('$GROUPS_ROOT/' + name + '/cgroup.procs', 'w').write(str(os.getpid()))
move('$1')
"
}

both() {
	printf '%s\n' "$@" | sort -n | tr '\n' ' ' | sed 's/ $//'
}

@test "a service is named, and found by its name" {
	group web.service
	holds "$CODE"'say(port(tcp("127.0.0.1")), port(udp("127.0.0.1")))'
	group db.service
	local web=("${WORDS[@]}")
	holds "$CODE"'say(port(tcp("127.0.0.1")))'
	who
	record ".port == ${web[0]}" unit=web.service container=null engine=null owner=process \
		socket_activated=false
	record ".port == ${WORDS[0]}" unit=db.service
	local args
	for args in web web.service '--unit web' '--unit web.service'; do
		# Words on purpose.
		# shellcheck disable=SC2086
		who $args
		assert_equal "$(values .port)" "$(both "${web[@]}")"
	done
	who --unit we
	assert_equal "$status,$output" 1,
	who web db
	assert_equal "$(wc -l <<<"$output")" 3
	who_text --columns port,unit
	assert_regex "$(row "${WORDS[0]}")" ' db\.service$'
	who_text
	assert_line --index 0 --partial ' UNIT '
	assert_equal "$(awk '$1 != "PORT" { print $7 }' <<<"$output" | sort -u | tr '\n' ' ')" 'db.service web.service '
	who_text --sort unit --no-headings --columns unit
	assert_equal "$output" $'db.service\nweb.service\nweb.service'
	who_text "${WORDS[0]}"
	assert_line '  unit       db.service'
	assert_line '  to end it  systemctl stop db.service'
	who_text --tree
	assert_line --regexp '^web\.service *$'
	assert_line --regexp "└─python3 \\(pid"
}

@test "a container is named by its engine and short id, and found by it" {
	local id=0123456789ab0123456789ab0123456789ab0123456789ab0123456789abcdef
	group "docker/$id"
	holds "$CODE"'say(port(tcp("0.0.0.0")))'
	who
	record true container=0123456789ab engine=docker pod=null
	who --unit 0123456789ab
	assert_success
	# A digit in front: that is a port.
	who 0123456789ab
	assert_equal "$status" 2
	who -p 1-65535 0123456789ab
	assert_success
	who_text "${WORDS[0]}"
	assert_line '  container  docker:0123456789ab'
	assert_line '  to end it  docker stop 0123456789ab'
}

@test "without privilege the unit is known, though the process is not" {
	group web.service
	holds "$CODE"'say(port(tcp("127.0.0.1")))'
	who_nobody -j
	record true owner=hidden unit=web.service 'processes=[]'
	who_nobody -j --unit web
	assert_success
	who_nobody --tree
	assert_line --regexp '^web\.service *$'
}

@test "two hidden units that share a port are two rows" {
	group web.service
	holds "$CODE"'say(port(tcp("127.0.0.1", reuse=True)))'
	local port=${WORDS[0]}
	group other.service
	holds "$CODE""tcp('127.0.0.1', $port, reuse=True)"
	who_nobody --columns port,sockets,unit
	assert_line --regexp "^$port +1 web.service\$"
	assert_line --regexp "^$port +1 other.service\$"
}

@test "a socket whose process moved on is found, with the unit where it is now" {
	group web.service old.service
	holds "${CODE/%"move('web.service')"$'\n'/}
move('old.service')
s = tcp('127.0.0.1')
move('web.service')
say(port(s))"
	who
	assert_equal "$(pids true)" "$PID"
	record true unit=web.service
	who_nobody -j
	record true unit=old.service owner=hidden
}

@test "who shares a socket from another group is found where processes are asked for" {
	group web.service side.service
	holds "$CODE"'
s = tcp("127.0.0.1")
say(port(s), child("move(\"side.service\")"))'
	local port=${WORDS[0]} kid=${WORDS[1]}
	is_moved() {
		grep -q "^$kid\$" "$GROUPS_ROOT/side.service/cgroup.procs"
	}
	lab_wait_until 10 is_moved
	who --pid "$kid"
	assert_equal "$(pids true)" "$(both "$PID" "$kid")"
	record true "port=$port"
	who --unit side
	record true "port=$port" unit=web.service
	who side
	record true "port=$port"
	who_text -v
	assert_line --partial "shared by  python3 (pid $kid)"
	# By the group alone it would take two looks at the same few processes.
	who
	assert_regex " $(pids true) " " $PID "
}

@test "a child in another group is named once the process that made the socket is gone" {
	group web.service side.service
	holds "$CODE"'
s = tcp("127.0.0.1")
say(port(s), child("move(\"side.service\")"))'
	local port=${WORDS[0]} kid=${WORDS[1]}
	kill -KILL "$PID"
	lab_wait_until 10 is_gone "$PID"
	has_moved() {
		who "$port"
		[[ $(jq -r .unit <<<"$output") == side.service ]]
	}
	lab_wait_until 10 has_moved
	assert_equal "$(pids true)" "$kid"
	record true owner=process
}

@test "a socket that was made in a .socket group is its service's" {
	group web.service web.socket
	holds "${CODE/%"move('web.service')"$'\n'/}
move('web.socket')
s = tcp('127.0.0.1')
move('web.service')
say(port(s))"
	who
	assert_equal "$(pids true)" "$PID"
	record true unit=web.service socket_activated=true
	who_text "${WORDS[0]}"
	assert_line '  unit       web.service, started by systemd on demand'
	who_nobody -j web
	record true unit=web.socket owner=hidden socket_activated=true
}

@test "narrowed by groups or not, it finds what ss finds" {
	group a.service b.service c.service
	local name
	for name in a b c; do
		holds "${CODE/a.service/$name.service}"'
for address in "0.0.0.0", "127.0.0.1", "::1", "10.77.0.1":
    tcp(address); udp(address); child()'
	done
	nsenter --net="/run/netns/$LAB_CL" ss -Htulnpe >"$LAB_DIR/ss"
	local args
	for args in '' -v; do
		who $args
		assert_equal "$(jq -r '"\(.inode) \(.cookie) \([.processes[].pid] | unique | map(tostring) | join(" "))"' <<<"$output" | sort)" \
			"$(while read -r line; do
				ino=${line#*ino:} sk=${line#*sk:}
				echo "${ino%% *} ${sk%% *} $(grep -o 'pid=[0-9]*' <<<"$line" | cut -d= -f2 | sort -n | uniq | tr '\n' ' ' | sed 's/ $//')"
			done <"$LAB_DIR/ss" | sort)"
	done
}
