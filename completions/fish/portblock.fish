# fish completion for portblock.
# Made by 'make gen' from tools/portblock/options.c; do not edit.

# The word at the cursor, without the option that it may begin with.
function __portblock_current
    string replace -r -- '^--[^=]*=' '' (commandline -ct)
end

# Names of services, numbers once a digit is there; behind a comma the next.
function __portblock_ports
    set -l before (string match -r -- '.*[,:]' (__portblock_current))
    set -l last (string replace -r -- '.*[,:]' '' (__portblock_current))
    set -l program '!/^#/ && NF > 1 && !seen[$1]++ { print $1 }'
    if string match -qr -- '^-?[A-Za-z]*[0-9]' "$last"
        set program '!/^#/ && NF > 1 && !seen[$1]++ { print $1 }
            !/^#/ && NF > 1 { sub("/.*", "", $2); if (!seen[$2]++) print $2 }'
    end
    set -l names (begin
            getent services; or cat /etc/services
        end 2>/dev/null | awk $program)
    for name in $names
        echo -- "$before$name"
    end
end

function __portblock_addresses
    ip -o addr show 2>/dev/null |
        awk '{ sub("/.*", "", $4); print ($4 ~ /^fe80:/) ? $4 "%" $2 : $4 }'
end

# The names in a directory: of interfaces, of network namespaces.
function __portblock_entries
    for path in $argv[1]/*
        string replace -r -- '.*/' '' $path | string match -v bonding_masters
    end
end

# What an operand at the cursor is: command (behind --), first, or later.
function __portblock_context
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l want
    set -l context first
    set -l ports
    for token in $tokens
        if test -n "$want"
            set want
            continue
        end
        switch $token
            case --
                echo command
                return
            case --file --timeout --max-hops --first-bytes --source --interface --netns --write --report --format --color
                set want yes
            case --ports
                set want yes
                set ports yes
            case '--ports=*'
                set ports yes
            case '--*'
            case '-*'
                string match -qr -- '^-[-u46njqvhV]*[pftSIw]$' $token
                and set want yes
                string match -qr -- '^-[-u46njqvhV]*[p]' $token
                and set ports yes
            case '*://*' '*]:*'
            case '*:*:*'
                set context later
            case '*:*'
            case '*'
                set context later
        end
    end
    test -n "$ports"; and set context first
    echo $context
end

function __portblock_is
    test (__portblock_context) = $argv[1]
end

complete -c portblock -f
complete -c portblock -n '__portblock_is first' -a 'localhost (__fish_print_hostnames)'
complete -c portblock -n 'not __portblock_is command; and string match -qr -- "^[^:]+:[^:]*\$" (commandline -ct)' -k -a '(__portblock_ports)'
complete -c portblock -n '__portblock_is later' -k -a '(__portblock_ports)'
complete -c portblock -s p -l ports -x -k -a '(__portblock_ports)' -d 'ports of every target: numbers, ranges, service names, lists, with /udp or /tcp; all operands are targets then'
complete -c portblock -s f -l file -r -F -d 'read targets from FILE, one a line, # for comments; - is standard input'
complete -c portblock -s u -l udp -d 'ports without a suffix are UDP'
complete -c portblock -s 4 -l ipv4 -d 'IPv4 addresses of names only'
complete -c portblock -s 6 -l ipv6 -d 'IPv6 addresses of names only'
complete -c portblock -s n -l numeric -d 'no look-ups: targets are addresses, ports are shown without service names'
complete -c portblock -s t -l timeout -x -k -a '1s 3s 10s 1m' -d 'how long silence is waited for before it is believed'
complete -c portblock -l max-hops -x -d 'walk the way this far at most'
complete -c portblock -l first-bytes -x -a 'auto none http tls' -d 'what to say over an accepted connection, to see whether that is cut off; auto: HTTP or TLS on ports known for it'
complete -c portblock -s S -l source -x -a '(__portblock_addresses)' -d 'use this local address'
complete -c portblock -s I -l interface -x -a '(__portblock_entries /sys/class/net)' -d 'use this network interface'
complete -c portblock -l netns -x -a '(__portblock_entries /run/netns)' -d 'work in this network namespace (as root)'
complete -c portblock -l no-capture -d 'do not watch the wire, even where that is permitted'
complete -c portblock -l rule -d 'name the rule of this machine\'s own firewall that took the packet; adds a table to its ruleset meanwhile (needs CAP_NET_ADMIN)'
complete -c portblock -s w -l write -r -F -d 'keep the packets in FILE, in pcap format (needs CAP_NET_RAW)'
complete -c portblock -l report -r -F -d 'write a ticket for the firewall\'s owner: FILE ends in .md, .markdown, .html or .htm'
complete -c portblock -l explain -d 'say also why it is not something else'
complete -c portblock -s j -l json -d 'one JSON object a line; the same as --format=json'
complete -c portblock -l format -x -a 'text json csv' -d 'how results are written'
complete -c portblock -s q -l quiet -d 'no output, exit status only'
complete -c portblock -s v -l verbose -d 'path and evidence of open ports as well'
complete -c portblock -l color -x -a 'auto always never' -d 'colour the text; NO_COLOR is honoured'
complete -c portblock -s h -l help -d 'show this help'
complete -c portblock -s V -l version -d 'show the version'
