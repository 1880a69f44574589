#!/usr/bin/env bats
# portwho --all-netns: the listeners of every network namespace in one list, and published
# ports that have no socket. Real namespaces, real rules, real connections.
#
# bats sets stderr; jq has variables of its own.
# shellcheck disable=SC2154,SC2016

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	lab_require
}

teardown() {
	set +T
	lab_down
}

# Of other labs, too, so that what is asked for has to be chosen by namespace.
everywhere() {
	lab_run_visitor lab_ns sv timeout 60 portwho -j --all-netns "$@"
}

# in_namespace NS FILTER: of the records of that namespace.
of_namespace() {
	jq -c --arg ns "$1" "select(.netns == \$ns) | $2" <<<"$output" | sort
}

@test "listeners of every named namespace are listed, each with its name" {
	lab_up 1
	lab_serve sv tcp:8001 udp-echo:8002
	lab_serve r1 -S 127.0.0.1 tcp:8003
	lab_serve cl -6 tcp:8001
	everywhere
	[[ $status == 0 ]]
	[[ $(of_namespace "$LAB_SV" .port) == $'8001\n8002' ]]
	[[ $(of_namespace "$LAB_R1" '[.port, .address, .exposure]') == \
		'[8003,"127.0.0.1","loopback"]' ]]
	[[ $(of_namespace "$LAB_CL" '[.port, .dual_stack]') == '[8001,false]' ]]
	# The holders are found wherever they are.
	[[ $(of_namespace "$LAB_CL" '.processes[0].comm') == '"labsrv"' ]]
	# As ss sees it there.
	[[ $(lab_ns r1 ss -Hltn | awk '{print $4}') == 127.0.0.1:8003 ]]
}

@test "a namespace without a name is found by its process, and called by its inode" {
	local inode
	lab_up 0
	lab_bg sv unshare --net sh -c 'ip link set lo up; exec "$1" --ready-fd 3 -S 127.0.0.1 \
		tcp:8004 3>"$2"' - "$LAB_TOOLS/labsrv" "$LAB_DIR/ready"
	lab_wait_until 5 test -s "$LAB_DIR/ready"
	everywhere 8004
	[[ $status == 0 ]]
	inode=$(jq -r 'select(.port == 8004) | .netns' <<<"$output")
	[[ $inode =~ ^[0-9]+$ ]]
	[[ $(stat -Lc %i "/proc/$(jq '.processes[0].pid' <<<"$output")/ns/net") == "$inode" ]]
}

@test "the filter holds in every namespace" {
	lab_up 0
	lab_serve sv tcp:8001 udp-echo:8002
	lab_serve cl -S 127.0.0.1 tcp:8001
	everywhere --exposed 8001/tcp
	[[ $(of_namespace "$LAB_SV" .port) == 8001 ]]
	[[ ! $(of_namespace "$LAB_CL" .port) ]]
}

@test "who may enter no namespace is told so in one line, exit status 3" {
	lab_up 0
	run --separate-stderr lab_cl_user portwho --all-netns
	[[ $status == 3 && ! $output ]]
	[[ $stderr == "portwho: option '--all-netns': needs CAP_SYS_ADMIN (try sudo)" ]]
}

@test "namespaces of processes that may not be seen are said to be missing" {
	lab_up 0
	lab_bg sv unshare --net sleep 300
	lab_run_visitor lab_ns sv timeout 60 setpriv --inh-caps -sys_ptrace \
		--bounding-set -sys_ptrace portwho -j --all-netns
	((status <= 1))
	[[ $stderr == *'warning: the network namespaces of '*' processes could not be seen: not permitted'* ]]
}

# A router whose port 8080 is the server's 80.
published() {
	lab_up 1
	lab_serve sv tcp:80 udp-echo:53
}

@test "a port published by Docker's rules is listed without a socket, and answers" {
	local tool
	published
	need iptables-nft
	for tool in iptables-nft iptables-legacy; do
		lab_ns r1 "$tool" -S >/dev/null 2>&1 || continue
		lab_ns r1 "$tool-restore" <<-RULES
			*nat
			:DOCKER - [0:0]
			-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
			-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
			-A DOCKER -i docker0 -j RETURN
			-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination $LAB_SV4:80
			-A DOCKER -d $LAB_R1_4/32 ! -i docker0 -p udp -m udp --dport 5353 -j DNAT --to-destination $LAB_SV4:53
			COMMIT
		RULES
		everywhere
		[[ $(of_namespace "$LAB_R1" '[.protocol, .address, .port, .exposure, .forwarded_to]') == \
			'["tcp","0.0.0.0",8080,"all","'"$LAB_SV4"':80"]
["udp","'"$LAB_R1_4"'",5353,"address","'"$LAB_SV4"':53"]' ]]
		# No socket: nothing is known of one.
		[[ $(of_namespace "$LAB_R1" 'select(.port == 8080) |
			[.inode, .cookie, .uid, .owner, .processes]') == '[null,null,null,null,[]]' ]]
		check "$LAB_R1_4" 8080
		expect 0 state=open
		lab_ns r1 "$tool" -t nat -F
	done
}

@test "a port published by rules of nftables is listed; where there is a socket, the socket" {
	published
	lab_nft r1 <<-RULES
		table inet netavark {
			chain PREROUTING {
				type nat hook prerouting priority dstnat
				fib daddr type local jump NETAVARK-HOSTPORT-DNAT
			}
			chain NETAVARK-HOSTPORT-DNAT {
				tcp dport 8080 jump nv_dnat
				tcp dport 8081 jump nv_dnat
			}
			chain nv_dnat {
				ip saddr 10.88.0.0/16 tcp dport 8080 meta mark set 0x2000
				tcp dport 8080 dnat ip to $LAB_SV4:80
				tcp dport 8081 dnat ip to $LAB_SV4:80
				tcp dport 8080 dnat ip6 to [$LAB_SV6]:80
			}
		}
	RULES
	lab_serve r1 -S 0.0.0.0 tcp:8081
	everywhere
	[[ $(of_namespace "$LAB_R1" '[.address, .port, .forwarded_to]') == \
		'["0.0.0.0",8080,"'"$LAB_SV4"':80"]
["0.0.0.0",8081,null]
["::",8080,"['"$LAB_SV6"']:80"]' ]]
	check "$LAB_R1_4" 8080
	expect 0 state=open
	check "$LAB_R1_6" 8080
	expect 0 state=open
	# In the table, the arrow tells.
	lab_run_visitor lab_ns sv timeout 60 portwho --all-netns 8080
	[[ $output == *"-> $LAB_SV4:80"* ]]
}

@test "forwarding of ports that no rule names is said, not listed" {
	published
	lab_nft r1 <<-RULES
		table ip t {
			chain pre {
				type nat hook prerouting priority dstnat
				ip daddr $LAB_R1_4 dnat to $LAB_SV4
			}
		}
	RULES
	everywhere
	[[ $stderr == *'rules forward ports that they do not name; these are not shown'* ]]
	[[ ! $(of_namespace "$LAB_R1" .port) ]]
}
