# fish completion for portwho.
# Made by 'make gen' from tools/portwho/options.c; do not edit.

# The word at the cursor, without the option that it may begin with.
function __portwho_current
    string replace -r -- '^--[^=]*=' '' (commandline -ct)
end

# Names of services, numbers once a digit is there; behind a comma the next.
function __portwho_ports
    set -l before (string match -r -- '.*[,:]' (__portwho_current))
    set -l last (string replace -r -- '.*[,:]' '' (__portwho_current))
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

function __portwho_addresses
    ip -o addr show 2>/dev/null |
        awk '{ sub("/.*", "", $4); print ($4 ~ /^fe80:/) ? $4 "%" $2 : $4 }'
end

# The names in a directory: of interfaces, of network namespaces.
function __portwho_entries
    for path in $argv[1]/*
        string replace -r -- '.*/' '' $path | string match -v bonding_masters
    end
end

# What an operand at the cursor is: command (behind --), first, or later.
function __portwho_context
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
            case --also --pid --user --unit --netns --signal --timeout --source --count --interval --columns --sort --format --color
                set want yes
            case --ports --free --kill
                set want yes
                set ports yes
            case '--ports=*'
                set ports yes
            case '--free=*'
                set ports yes
            case '--kill=*'
                set ports yes
            case '--*'
            case '-*'
                string match -qr -- '^-[-u46njqvhV]*[ptSci]$' $token
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

function __portwho_is
    test (__portwho_context) = $argv[1]
end

complete -c portwho -f
complete -c portwho -n 'not __portwho_is command' -k -a '(__portwho_ports)'
complete -c portwho -s p -l ports -x -k -a '(__portwho_ports)' -d 'only these local ports: numbers, ranges, service names, lists, with /udp or /tcp; operands are process names then'
complete -c portwho -l tcp -d 'TCP only'
complete -c portwho -s u -l udp -d 'UDP only'
complete -c portwho -s 4 -l ipv4 -d 'only sockets that take IPv4'
complete -c portwho -s 6 -l ipv6 -d 'only sockets that take IPv6'
complete -c portwho -l also -x -d 'more kinds of sockets, a list of: sctp, raw, unix, bound (TCP bound and not listening)'
complete -c portwho -l pid -x -d 'only sockets that this process holds'
complete -c portwho -l user -x -d 'only sockets of this user, by name or number'
complete -c portwho -l unit -x -d 'only sockets of this systemd unit or container'
complete -c portwho -l exposed -d 'only what others can reach, as far as addresses go: not loopback'
complete -c portwho -l netns -x -a '(__portwho_entries /run/netns)' -d 'look into this network namespace (as root)'
complete -c portwho -l all-netns -d 'look into every network namespace, containers\' too (as root), and show the ports that are forwarded into them'
complete -c portwho -s n -l numeric -d 'no look-ups: ports without service names, users by number'
complete -c portwho -l free -x -k -a '(__portwho_ports)' -d 'can these ports be bound? If not, why, and what to do'
complete -c portwho -l kill -x -k -a '(__portwho_ports)' -d 'end the processes that listen there, and wait until the port is free'
complete -c portwho -l signal -x -d 'with --kill: this signal instead, by name or number'
complete -c portwho -l force -d 'with --kill: SIGKILL for what is still there after half the timeout'
complete -c portwho -l yes -d 'with --kill: do not ask'
complete -c portwho -s t -l timeout -x -k -a '250ms 1s 3s 10s' -d 'with --kill: how long to wait for the port, 10s where it is not given; with --watch: end after it'
complete -c portwho -s S -l source -x -a '(__portwho_addresses)' -d 'with --free: bind to this local address, not to all'
complete -c portwho -l watch -d 'go on, and show what is opened, closed, or changes its owner'
complete -c portwho -s c -l count -x -d 'with --watch: end after N changes'
complete -c portwho -s i -l interval -x -k -a '250ms 1s 3s 10s' -d 'with --watch: look this often'
complete -c portwho -l firewall -d 'say of each listener whether this machine\'s own input rules let new connections in, where that can be told (needs CAP_NET_ADMIN)'
complete -c portwho -l columns -x -d 'these columns of the table, in this order; +NAME adds one; help lists them'
complete -c portwho -l sort -x -a 'port address process pid user unit exposure since queue drops' -d 'order of the table'
complete -c portwho -l no-headings -d 'no line with the columns\' names'
complete -c portwho -l tree -d 'as a tree: units and containers, their processes, their ports'
complete -c portwho -s j -l json -d 'one JSON object a line; the same as --format=json'
complete -c portwho -l format -x -a 'text json csv prometheus' -d 'how results are written'
complete -c portwho -s q -l quiet -d 'no output, exit status only'
complete -c portwho -s v -l verbose -d 'a page for each port, with all that is known'
complete -c portwho -l color -x -a 'auto always never' -d 'colour the text; NO_COLOR is honoured'
complete -c portwho -s h -l help -d 'show this help'
complete -c portwho -s V -l version -d 'show the version'
