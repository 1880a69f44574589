#!/usr/bin/env bats
# portblock --rule: which rule of this machine's own firewall took the packet. Real rules of
# nftables, iptables-nft and iptables-legacy, over IPv4 and IPv6, as root.
#
# jq has variables of its own.
# shellcheck disable=SC2016

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/net/block_helpers.bash
	source "$BATS_TEST_DIRNAME/block_helpers.bash"
	lab_require
}

teardown() {
	block_down
}

# handle FAMILY TABLE CHAIN TEXT: of the rule that has TEXT in it.
handle() {
	lab_cl nft -a list chain "$1" "$2" "$3" | sed -n "/$4/s/.*# handle //p"
}

# named RUNS KEY=VALUE…: of the rule object.
named() {
	local runs=$1
	shift
	_block_each "$runs" _named "$@"
}

_named() {
	jq -r '.rule as $r | if $r == null then "no rule" else $ARGS.positional[] | index("=") as $i
		| .[:$i] as $k | .[$i + 1:] as $want
		| if ($r[$k] | tostring) == $want then empty
		else "rule.\($k): \($r[$k] | tojson), expected \($want)" end end' \
		--args "$@" <<<"$output" 2>&1
}

# unnamed RUNS WORDS: no rule, and the evidence has these words for why.
unnamed() {
	block_jq "$1" ".rule == null and any(.evidence[];
		.kind == \"rule\" and (.text | contains(\"$2\")))"
}

ask_rule() {
	local port
	for port; do
		MODES=wire ask_host "$port" @SV --rule "$port" || return 1
	done
}

# Handles and all; not the counters, which count what is sent to find out.
ruleset() {
	lab_cl nft -s -a list ruleset
}

@test "the nftables rule that drops or rejects in OUTPUT is named, with handle and text" {
	local before
	lab_up 1
	lab_serve sv tcp:1001 tcp:1002 tcp:1003
	lab_nft cl <<-'RULES'
		table inet wall {
			chain sub {
				tcp dport 1002 counter reject
			}
			chain out {
				type filter hook output priority 0
				tcp dport 9 drop
				tcp dport 1001 drop comment "no mail"
				jump sub
				tcp dport 1003 reject with tcp reset
			}
		}
	RULES
	before=$(ruleset)
	ask_rule 1001 1002 1003
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=nftables family=inet table=wall chain=out hook=output \
		verdict=drop "handle=$(handle inet wall out 'dport 1001')" \
		'text=tcp dport 1001 drop comment "no mail"'
	blocked 1002 rejected local icmp certain
	named 1002 backend=nftables family=inet table=wall chain=sub hook=output \
		verdict=reject "handle=$(handle inet wall sub 'dport 1002')" \
		'text=tcp dport 1002 counter reject'
	blocked 1003 rejected local tcp-reset certain
	named 1003 table=wall chain=out hook=output verdict=reject \
		"handle=$(handle inet wall out 'dport 1003')" \
		'text=tcp dport 1003 reject with tcp reset'
	# Nothing of its own is left, and nothing else is changed.
	[[ $(ruleset) == "$before" ]]
}

@test "of several tables the one that takes the packet is named" {
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<-'RULES'
		table inet early {
			chain out {
				type filter hook output priority -300
				tcp dport 1001 accept
			}
			chain in {
				type filter hook input priority 0
				tcp sport 1001 counter drop
			}
		}
		table ip mid {
			chain out {
				type filter hook output priority -1
				tcp dport 1001-1009 drop
			}
		}
		table ip6 mid6 {
			map ports {
				type inet_service : verdict
				elements = { 22 : accept, 1001 : goto deep }
			}
			chain deep {
				ip6 nexthdr tcp drop
			}
			chain out {
				type filter hook postrouting priority 50
				tcp dport vmap @ports
			}
		}
		table inet late {
			chain out {
				type filter hook output priority 100
				tcp dport 1003 drop
			}
		}
	RULES
	ask_rule 1001
	blocked 1001 dropped local drop 'high or certain'
	named 1001.wire.4 family=ip table=mid chain=out hook=output \
		'text=tcp dport 1001-1009 drop' \
		"handle=$(handle ip mid out 'dport 1001')"
	named 1001.wire.6 family=ip6 table=mid6 chain=deep hook=postrouting \
		'text=ip6 nexthdr tcp drop' \
		"handle=$(handle ip6 mid6 deep nexthdr)"
}

@test "the nftables rule that drops the answer is named: in INPUT, PREROUTING, ingress" {
	lab_up 1
	lab_serve sv tcp:1001 tcp:1002 tcp:1003
	lab_nft cl <<-'RULES'
		table inet wall {
			chain in {
				type filter hook input priority 0
				tcp sport 1001 drop
			}
			chain pre {
				type filter hook prerouting priority raw - 100
				tcp sport 1002 drop
			}
		}
		table netdev dev {
			chain in {
				type filter hook ingress device "eth0" priority -500
				tcp sport 1003 drop
			}
		}
	RULES
	ask_rule 1001 1002 1003
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=nftables family=inet table=wall chain=in hook=input verdict=drop \
		"handle=$(handle inet wall in 'sport 1001')"
	blocked 1002 dropped local drop 'high or certain'
	named 1002 chain=pre hook=prerouting verdict=drop \
		"handle=$(handle inet wall pre 'sport 1002')"
	# Where the wire is watched, too: it saw the answer.
	blocked 1003 dropped local drop 'high or certain'
	named 1003 family=netdev table=dev chain=in hook=ingress verdict=drop \
		"handle=$(handle netdev dev in 'sport 1003')"
}

@test "a rule at the egress of an interface is named" {
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<<'table netdev dev { chain out {
		type filter hook egress device "eth0" priority 0; tcp dport 1001 drop; }; }' ||
		skip 'this kernel has no egress hook'
	ask_rule 1001
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=nftables family=netdev table=dev chain=out hook=egress \
		verdict=drop 'text=tcp dport 1001 drop'
}

@test "a rule that takes datagrams is named" {
	lab_up 1
	lab_serve sv udp-echo:1001
	lab_nft cl <<<'table inet wall { chain out {
		type filter hook output priority 0; udp dport 1001 drop; }; }'
	MODES=wire ask_host udp @SV --rule 1001/udp
	named udp table=wall chain=out hook=output verdict=drop 'text=udp dport 1001 drop'
}

@test "a chain's policy is named where no rule took the packet" {
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet wall { chain out {
		type filter hook output priority 0; policy drop
		meta l4proto { icmp, ipv6-icmp } accept; udp dport 1-65535 accept; }; }'
	ask_rule 1001
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=nftables family=inet table=wall chain=out hook=output verdict=drop
	block_jq 1001 '.rule.text | test("policy drop")'
}

@test "a rule of iptables-nft is named, with the comment that tells who made it" {
	local command
	need iptables-nft
	lab_up 1
	lab_serve sv tcp:1001 tcp:1002 tcp:1003
	for command in iptables-nft ip6tables-nft; do
		lab_cl $command -A OUTPUT -p tcp --dport 1001 -j DROP
		lab_cl $command -A OUTPUT -p tcp --dport 1002 -j REJECT --reject-with tcp-reset
		# No name that nft could read.
		lab_cl $command -N f2b:x
		lab_cl $command -A OUTPUT -p tcp -j f2b:x
		lab_cl $command -A f2b:x -p tcp -m multiport --dports 1003,1004 \
			-m comment --comment 'made by hand' -j REJECT
	done
	ask_rule 1001 1002 1003
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=iptables-nft table=filter chain=OUTPUT hook=output verdict=drop
	named 1001.wire.4 family=ip
	named 1001.wire.6 family=ip6
	block_jq 1001 '.rule.text | test("tcp dport 1001.* drop")'
	blocked 1002 rejected local tcp-reset certain
	named 1002 backend=iptables-nft table=filter chain=OUTPUT hook=output verdict=reject \
		"handle=$(handle ip filter OUTPUT 'dport 1002')"
	blocked 1003 rejected local icmp certain
	named 1003 backend=iptables-nft table=filter chain=f2b:x hook=output verdict=reject
	block_jq 1003 '.rule.text | test("1003, 1004.* reject.*made by hand")'
}

@test "a rule of iptables-legacy is named as iptables writes it" {
	local command
	need iptables-legacy
	lab_up 1
	lab_cl iptables-legacy -S >/dev/null 2>&1 ||
		skip 'this kernel has no iptables-legacy'
	lab_serve sv tcp:1001 tcp:1002 tcp:1003
	for command in iptables-legacy ip6tables-legacy; do
		lab_cl $command -A OUTPUT -p tcp --dport 9 -j DROP
		lab_cl $command -A OUTPUT -o eth+ -p tcp --dport 1000:1001 -j DROP
		lab_cl $command -N sub
		lab_cl $command -A OUTPUT -j sub
		lab_cl $command -A sub -p tcp -m multiport --dports 22,1002 -j REJECT
		lab_cl $command -t mangle -A PREROUTING -p tcp --sport 1003 -j DROP
	done
	ask_rule 1001 1002 1003
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=iptables-legacy table=filter chain=OUTPUT hook=output \
		verdict=drop handle=2 \
		'text=-A OUTPUT -o eth+ -p tcp -m tcp --dport 1000:1001 -j DROP'
	named 1001.wire.6 family=ip6
	blocked 1002 rejected local icmp certain
	named 1002 backend=iptables-legacy table=filter chain=sub hook=output \
		verdict=reject handle=1
	block_jq 1002 '.rule.text | startswith("-A sub -p tcp -m multiport --dports 22,1002 -j REJECT --reject-with icmp")'
	# Each text is one of the lines that iptables-save prints.
	lab_cl iptables-legacy-save >"$LAB_DIR/saved"
	grep -qxF -e "$(jq -r .rule.text "$LAB_DIR/block.1002.wire.4.json")" "$LAB_DIR/saved"
	blocked 1003 dropped local drop 'high or certain'
	named 1003 backend=iptables-legacy table=mangle chain=PREROUTING hook=prerouting \
		verdict=drop handle=1 'text=-A PREROUTING -p tcp -m tcp --sport 1003 -j DROP'
}

@test "the policy of iptables-legacy is named, and no other rule that counts meanwhile" {
	need iptables-legacy
	lab_up 1
	lab_cl iptables-legacy -S >/dev/null 2>&1 ||
		skip 'this kernel has no iptables-legacy'
	lab_serve sv tcp:1001
	lab_cl iptables-legacy -A OUTPUT -p udp -j DROP
	lab_cl iptables-legacy -A OUTPUT -p icmp -j ACCEPT
	lab_cl iptables-legacy -P OUTPUT DROP
	lab_bg cl bash -c 'while :; do echo >/dev/udp/10.77.0.2/9; sleep 0.02; done'
	FAMILIES=4 ask_rule 1001
	blocked 1001 dropped local drop 'high or certain'
	named 1001 backend=iptables-legacy table=filter chain=OUTPUT hook=output verdict=drop
	block_jq 1001 '.rule.text == "-P OUTPUT DROP"'
}

@test "a block that is not here has no rule, and the words do not claim one" {
	lab_up 2
	lab_serve sv tcp:22
	lab_nft cl <<<'table inet wall { chain out {
		type filter hook output priority 0; tcp dport 9 drop; }; }'
	lab_nft r1 <<<'table inet t { chain c {
		type filter hook forward priority 0
		tcp dport 1001 drop; tcp dport 1002 reject with tcp reset; }; }'
	ask_rule 1001 1002
	blocked 1001 dropped path drop high rule=null last_hop=1
	unnamed 1001 'left this machine past all rules, and no answer came back'
	block_jq 1002 '.where != "local"'
	unnamed 1002 'neither the packet nor its answer was taken by a rule here'
}

# r1 sends the answers over a second link, where the strict reverse-path filter does not
# expect them.
@test "what something else than a rule took, is said to have been taken here" {
	lab_up 1
	lab_serve sv tcp:1001
	ip link add eth9 index 90 netns "$LAB_CL" type veth peer name eth9 index 91 \
		netns "$LAB_R1"
	ip -n "$LAB_CL" addr add 10.88.0.1/24 dev eth9
	ip -n "$LAB_R1" addr add 10.88.0.2/24 dev eth9
	ip -n "$LAB_CL" link set eth9 up
	ip -n "$LAB_R1" link set eth9 up
	ip -n "$LAB_R1" route add default via 10.88.0.1 dev eth9 table 99
	ip -n "$LAB_R1" rule add fwmark 9 table 99
	lab_nft r1 <<<'table ip t { chain c {
		type filter hook prerouting priority mangle; tcp sport 1001 meta mark set 9; }; }'
	lab_sysctl cl net.ipv4.conf.all.rp_filter=1
	FAMILIES=4 ask_rule 1001
	unnamed 1001 'reverse-path filter'
}

@test "touching the ruleset is announced first, and never happens unasked" {
	lab_up 1
	lab_serve sv tcp:1001
	lab_nft cl <<<'table inet wall { chain out {
		type filter hook output priority 0; tcp dport 1001 drop; }; }'
	lab_bg cl nft monitor ruleset
	lab_wait_until 5 _monitors
	FAMILIES=4 MODES=wire ask 1001
	blocked 1001 dropped local drop 'high or certain' rule=null
	[[ ! -s $LAB_LOG ]]
	FAMILIES=4 MODES=wire ask_host asked @SV --rule 1001
	block_result asked.wire.4
	[[ $stderr == *'--rule'*ruleset* ]]
	lab_wait_until 5 grep -q 'delete table' "$LAB_LOG"
	run cat "$LAB_LOG"
	assert_output --regexp 'add table inet portblock_'
	assert_output --regexp 'delete table inet portblock_'
	# All that was touched is its own.
	run grep -v portblock_ "$LAB_LOG"
	refute_output --partial wall
}

_monitors() {
	[[ $(lab_cl ss -Hf netlink 2>/dev/null | grep -c 'nft') != 0 ]]
}

@test "its table is gone even after kill -9" {
	local pid
	lab_up 1
	lab_nft cl <<<'table inet wall { chain out {
		type filter hook output priority 0; tcp dport 1001 drop; }; }'
	_portblock
	ip netns exec "$LAB_CL" "$PORTBLOCK" -j --rule "$LAB_SV4" 1001 </dev/null \
		>/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	lab_wait_until 20 _tables 2
	kill -KILL "$pid"
	wait "$pid" || :
	lab_wait_until 5 _tables 1
	run lab_cl nft list tables
	assert_output 'table inet wall'
}

_tables() {
	(($(lab_cl nft list tables | wc -l) == $1))
}

@test "without CAP_NET_ADMIN nothing is tried" {
	lab_up 0
	run --separate-stderr block_run user --rule "$LAB_SV4" 1001
	((status == 3))
	[[ $stderr == *CAP_NET_ADMIN* ]]
}
