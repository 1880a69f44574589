# fish completion for portcheck.
# Made by 'make gen' from tools/portcheck/options.c; do not edit.

# The word at the cursor, without the option that it may begin with.
function __portcheck_current
    string replace -r -- '^--[^=]*=' '' (commandline -ct)
end

# Names of services, numbers once a digit is there; behind a comma the next.
function __portcheck_ports
    set -l before (string match -r -- '.*[,:]' (__portcheck_current))
    set -l last (string replace -r -- '.*[,:]' '' (__portcheck_current))
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

function __portcheck_addresses
    ip -o addr show 2>/dev/null |
        awk '{ sub("/.*", "", $4); print ($4 ~ /^fe80:/) ? $4 "%" $2 : $4 }'
end

# The names in a directory: of interfaces, of network namespaces.
function __portcheck_entries
    for path in $argv[1]/*
        string replace -r -- '.*/' '' $path | string match -v bonding_masters
    end
end

# What an operand at the cursor is: command (behind --), first, or later.
function __portcheck_context
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
            case --top --file --timeout --count --interval --wait --until --hold --source --interface --source-port --ttl --netns --parallel --rate --format --color
                set want yes
            case --ports
                set want yes
                set ports yes
            case '--ports=*'
                set ports yes
            case '--*'
            case '-*'
                string match -qr -- '^-[-u46njqvhV]*[pftciWSI]$' $token
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

function __portcheck_is
    test (__portcheck_context) = $argv[1]
end

function __portcheck_command
    set -l tokens (commandline -opc)
    set -l dash (contains -i -- -- $tokens); or return
    set -e tokens[1..$dash]
    set -l line (string escape -- $tokens) (commandline -ct)
    complete -C (string join ' ' -- $line)
end

complete -c portcheck -f
complete -c portcheck -n '__portcheck_is command' -a '(__portcheck_command)'
complete -c portcheck -n '__portcheck_is first' -a 'localhost (__fish_print_hostnames)'
complete -c portcheck -n 'not __portcheck_is command; and string match -qr -- "^[^:]+:[^:]*\$" (commandline -ct)' -k -a '(__portcheck_ports)'
complete -c portcheck -n '__portcheck_is later' -k -a '(__portcheck_ports)'
complete -c portcheck -s p -l ports -x -k -a '(__portcheck_ports)' -d 'ports of every target: numbers, ranges, service names, lists, with /udp or /tcp; all operands are targets then'
complete -c portcheck -l top -x -d 'the first N of the ports that servers most often listen on'
complete -c portcheck -s f -l file -r -F -d 'read targets from FILE, one a line, # for comments; - is standard input'
complete -c portcheck -s u -l udp -d 'ports without a suffix are UDP'
complete -c portcheck -s 4 -l ipv4 -d 'IPv4 addresses of names only'
complete -c portcheck -s 6 -l ipv6 -d 'IPv6 addresses of names only'
complete -c portcheck -l all-addresses -d 'the answer is yes only when every address of a name is open'
complete -c portcheck -s n -l numeric -d 'no look-ups: targets are addresses, ports are shown without service names'
complete -c portcheck -l yes -d 'a block of more than 1048576 addresses is meant'
complete -c portcheck -s t -l timeout -x -k -a '250ms 1s 3s 10s' -d 'the most that one check may take, name resolution included'
complete -c portcheck -s c -l count -x -d 'check N times, then print a summary'
complete -c portcheck -s i -l interval -x -k -a '250ms 1s 3s 10s' -d 'time between repeated checks; without -c they go on until interrupted'
complete -c portcheck -s W -l wait -x -k -a '250ms 1s 3s 10s' -d 'check again and again until open, at most this long, then run the command behind --'
complete -c portcheck -l until -x -a 'open closed' -d 'with --wait: what to wait for; closed means no longer open'
complete -c portcheck -l any -d 'with --wait: one of the targets and ports is enough'
complete -c portcheck -l hold -x -k -a '250ms 1s 3s 10s' -d 'keep the connection this long and say whether the peer closes it'
complete -c portcheck -l banner -d 'wait for what the server says first, within the timeout, and show it'
complete -c portcheck -s S -l source -x -a '(__portcheck_addresses)' -d 'use this local address'
complete -c portcheck -s I -l interface -x -a '(__portcheck_entries /sys/class/net)' -d 'use this network interface'
complete -c portcheck -l source-port -x -d 'use this local port'
complete -c portcheck -l ttl -x -d 'time to live (hop limit) of what is sent'
complete -c portcheck -l netns -x -a '(__portcheck_entries /run/netns)' -d 'work in this network namespace (as root)'
complete -c portcheck -l parallel -x -d 'at most N checks at once (as many as open files allow, at most 16384)'
complete -c portcheck -l rate -x -d 'send at most N packets a second (adapts to the network on its own)'
complete -c portcheck -s j -l json -d 'one JSON object a line; the same as --format=json'
complete -c portcheck -l format -x -a 'text json csv nagios prometheus' -d 'how results are written'
complete -c portcheck -l open -d 'show open ports only'
complete -c portcheck -s q -l quiet -d 'no output, exit status only'
complete -c portcheck -s v -l verbose -d 'more evidence: kernel round-trip time, retransmitted SYNs, attempts; every result on a line'
complete -c portcheck -l color -x -a 'auto always never' -d 'colour the text; NO_COLOR is honoured'
complete -c portcheck -s h -l help -d 'show this help'
complete -c portcheck -s V -l version -d 'show the version'
