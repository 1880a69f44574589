#!/usr/bin/env bats
# portwho --firewall: what it says of each listener has to agree with what happens when a
# client connects. Real rules of nftables, iptables-nft and iptables-legacy, in the server's
# namespace; the client is portcheck.
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

judge() {
	lab_run_visitor lab_ns sv timeout 60 portwho -j --firewall "$@"
}

# says PORT[/udp] WORD [WHY]: of the listener of that port in the last judge.
said() {
	local port=${1%/*} protocol=tcp verdict why
	[[ $1 != */udp ]] || protocol=udp
	verdict=$(jq -r --arg protocol "$protocol" "select(.port == $port and
		.protocol == \$protocol) | .firewall" <<<"$output")
	why=$(jq -r --arg protocol "$protocol" "select(.port == $port and
		.protocol == \$protocol) | .firewall_why" <<<"$output")
	[[ $verdict == "$2" && $why == *"${3-}"* ]] || {
		echo "$1: $verdict ($why), expected $2 (${3-})" >&2
		return 1
	}
}

# Each listener that is said to be open or blocked is asked from outside, by the addresses
# that it has; how many, in ASKED.
agrees() {
	local records=$output port protocol verdict address addresses dual state
	ASKED=0
	while IFS=$'\t' read -r port protocol verdict address dual; do
		case $address:$dual in
		::*true) addresses="$LAB_SV4 $LAB_SV6" ;;
		:::*) addresses=$LAB_SV6 ;;
		0.0.0.0:*) addresses=$LAB_SV4 ;;
		*) addresses=$address ;;
		esac
		for address in $addresses; do
			check_text -j -t 400ms "$address" "$port/$protocol"
			state=$(jq -r .state <<<"$output")
			[[ $verdict:$state == open:open ||
				$verdict:$state =~ ^blocked:(filtered|closed|open.filtered)$ ]] || {
				echo "$address $port/$protocol: said $verdict, is $state" >&2
				return 1
			}
			ASKED=$((ASKED + 1))
		done
	done < <(jq -r 'select(.firewall == "open" or .firewall == "blocked") |
		[.port, .protocol, .firewall, .address, (.dual_stack | tostring)] | @tsv' \
		<<<"$records")
	output=$records
}

@test "without rules everything is open, and what only this machine reaches is not judged" {
	lab_up 0
	lab_serve sv tcp:22 udp-echo:53
	lab_serve sv -S 127.0.0.1 tcp:25
	judge
	[[ $status == 0 && ! $stderr ]]
	said 22 open 'no rule of this machine filters input'
	said 53/udp open
	said 25 null
	agrees
	((ASKED == 4))
}

@test "nftables: ports, sets, maps, jumps, states and policies come out as they are" {
	lab_up 0
	lab_serve sv tcp:22 tcp:80 tcp:443 tcp:3000 tcp:3001 tcp:5432 tcp:8000 udp-echo:53 \
		udp-echo:123
	lab_nft sv <<-'RULES'
		table inet filter {
			set open_ports {
				type inet_service; flags interval
				elements = { 80, 440-450 }
			}
			map v {
				type inet_service : verdict
				elements = { 3000 : drop, 3001 : jump later, 5432 : goto never }
			}
			chain later {
				ip6 nexthdr tcp return
				meta nfproto ipv4 return
			}
			chain never { }
			chain input {
				type filter hook input priority filter; policy drop;
				ct state { established, related } accept
				ct state invalid drop
				iifname "lo" accept
				icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
				tcp dport @open_ports counter accept
				tcp dport vmap @v
				tcp dport { 22, 3001 } ct state new accept
				udp dport 53 accept
				tcp dport 5432 accept
				tcp dport 8000 reject with tcp reset
			}
		}
		table inet early {
			chain pre {
				type filter hook prerouting priority -300
				tcp dport 443 drop
			}
		}
	RULES
	judge
	[[ $status == 0 && ! $stderr ]]
	said 22 open 'rule inet filter input handle'
	said 80 open
	said 443 blocked 'rule inet early pre handle'
	said 3000 blocked
	said 3001 open
	said 5432 blocked 'the policy of inet filter input drops it'
	said 8000 blocked 'rejects it'
	said 53/udp open
	said 123/udp blocked
	agrees
	((ASKED == 18))
}

@test "nftables: what is dropped at the device's own hook is not open" {
	lab_up 0
	lab_serve sv tcp:22 tcp:80
	lab_nft sv <<-'RULES'
		table netdev t {
			chain in {
				type filter hook ingress device eth0 priority 0
				tcp dport 22 drop
			}
		}
	RULES
	judge
	said 22 some 'depends on the device'
	said 80 open
	agrees
	check "$LAB_SV4" 22 -t 400ms
	expect 1 state=filtered
}

@test "what depends on who asks is some, and where it depends on the family, too" {
	lab_up 0
	lab_serve sv tcp:22 tcp:80 tcp:81
	lab_nft sv <<-RULES
		table inet t {
			chain in {
				type filter hook input priority 0
				tcp dport 22 ip saddr != 192.0.2.0/24 drop
				tcp dport 80 meta nfproto ipv6 drop
				iifname "nosuch" tcp dport 81 drop
			}
		}
	RULES
	judge
	said 22 some
	said 80 some 'depends on the family'
	said 81 open
	agrees
	check "$LAB_SV4" 80
	expect 0 state=open
	check -t 400ms "$LAB_SV6" 80
	expect 1 state=filtered
}

# The rules of a host, as iptables-save writes them.
host_rules() {
	cat <<-'RULES'
		*filter
		:INPUT DROP [0:0]
		:allow - [0:0]
		-A INPUT -i lo -j ACCEPT
		-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A INPUT -m conntrack --ctstate INVALID -j DROP
		-A INPUT -p tcp -m multiport --dports 80,440:450 -j allow
		-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "ssh" -j ACCEPT
		-A INPUT -p tcp -m tcp --dport 3000 -j REJECT --reject-with tcp-reset
		-A INPUT -p udp -m udp --dport 53 -j ACCEPT
		-A INPUT -p tcp -m tcp --dport 5432 -m string --algo bm --string x -j ACCEPT
		-A allow -p tcp -m tcp ! --dport 443 -j ACCEPT
		-A allow -j LOG --log-prefix "no "
		COMMIT
	RULES
}

host_is_judged() {
	local tool=$1 place=$2
	need "$tool-restore"
	lab_up 0
	lab_ns sv "$tool" -S >/dev/null 2>&1 || skip "this kernel has no $tool"
	# IPv4 alone has rules.
	lab_serve sv -S 0.0.0.0 tcp:22 tcp:80 tcp:443 tcp:3000 tcp:5432 tcp:8000 \
		udp-echo:53 udp-echo:123
	host_rules | lab_ns sv "$tool-restore"
	judge
	[[ $status == 0 && ! $stderr ]]
	said 22 open "rule $place filter INPUT"
	said 80 open "rule $place filter allow"
	said 443 blocked "the policy of $place filter INPUT drops it"
	said 3000 blocked 'rejects it'
	said 5432 unknown string
	said 8000 blocked
	said 53/udp open
	said 123/udp blocked
	agrees
	((ASKED == 7))
}

@test "iptables-nft: a host's rules come out as they are" {
	host_is_judged iptables-nft ip
}

@test "iptables-legacy: a host's rules come out as they are" {
	host_is_judged iptables-legacy iptables-legacy
}

@test "of a listener whose packets are sent elsewhere nothing is claimed" {
	lab_up 0
	lab_serve sv tcp:80 tcp:8080
	lab_nft sv <<-'RULES'
		table ip t {
			chain pre {
				type nat hook prerouting priority dstnat
				tcp dport 80 redirect to :8080
			}
		}
	RULES
	judge
	said 80 unknown 'sends it on to port 8080'
	said 8080 open
	agrees
}

@test "each namespace is judged by its own rules" {
	lab_up 0
	lab_serve sv tcp:22
	lab_serve cl tcp:22
	lab_nft sv <<-'RULES'
		table inet t {
			chain in {
				type filter hook input priority 0; policy drop;
			}
		}
	RULES
	judge --all-netns 22
	[[ $(jq -r --arg ns "$LAB_SV" 'select(.netns == $ns) | .firewall' <<<"$output") == blocked ]]
	[[ $(jq -r --arg ns "$LAB_CL" 'select(.netns == $ns) | .firewall' <<<"$output") == open ]]
}

@test "who may not read the rules is told so in one line, exit status 3" {
	lab_up 0
	lab_serve cl tcp:22
	run --separate-stderr lab_cl_user portwho --firewall
	[[ $status == 3 && ! $output ]]
	[[ $stderr == "portwho: option '--firewall': needs CAP_NET_ADMIN (try sudo)" ]]
}

@test "nothing of this changes the rules" {
	local before
	lab_up 0
	lab_serve sv tcp:22
	lab_nft sv <<<'table inet t { chain in { type filter hook input priority 0; tcp dport 22 counter accept; }; }'
	before=$(lab_ns sv nft -a list ruleset)
	judge
	[[ $status == 0 ]]
	[[ $(lab_ns sv nft -a list ruleset) == "$before" ]]
	# Tables of iptables-legacy are not made by looking.
	[[ ! $(lab_ns sv cat /proc/net/ip_tables_names 2>/dev/null) ]]
}

@test "the page of a port says what the firewall makes of it" {
	lab_up 0
	lab_serve sv tcp:3000 tcp:3001
	lab_nft sv <<<'table inet t { chain c { type filter hook input priority 0
		tcp dport 3000 drop; }; }'
	run --separate-stderr lab_ns sv portwho --firewall 3000
	[[ $status == 0 ]]
	assert_line --index 0 --partial "others can't reach it: this machine's firewall blocks them"
	assert_line --regexp '^  firewall   rule inet t c handle [0-9]+ drops it$'
	run --separate-stderr lab_ns sv portwho --firewall 3001
	assert_line --index 0 --partial 'others can reach it by every address'
}
