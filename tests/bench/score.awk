# score.awk: what one rival answered, held against the truth.
#
#	awk -v kind=KIND -v total=N -v rest=closed|filtered -f score.awk TRUTH TIMES OUTPUT...
#	awk -v kind=KIND [-v port=PORT] [-v unowned=1] -f score.awk TRUTH TIMES OUTPUT...
#
# TRUTH has the open ports, "ADDRESS:PORT" a line; TIMES the lines of stopwatch for this
# rival; OUTPUT its output, C.R.out and C.R.err for run R. All other ports of the TOTAL
# are REST. Without a TOTAL the truth is who listens, "PORT PID" a line, or "PORT -"
# where UNOWNED, and nothing else is right; PORT is for those that don't repeat it.
# Prints, summed over the runs:
#	RIGHT WRONG FOUND OPEN EXTRA FAILED MEDIAN_US CPU_US
# FAILED: runs that a signal or the deadline ended. What a rival did not say is wrong.

function number(s) {
	gsub(/,/, "", s)
	return s + 0
}

function is_open(at) {
	if (seen[run, at]++)
		return
	if (at in truth)
		found[run]++
	else
		extra[run]++
}

# "20 open, 65,515 closed": of the part after the last colon.
function counts(line,    n, i, word, pair) {
	sub(/^.*: /, "", line)
	n = split(line, word, /, /)
	for (i = 1; i <= n; i++)
		if (split(word[i], pair, / /) == 2 && pair[2] == rest)
			others[run] += number(pair[1])
}

# Host: 10.0.0.1 ()	Ports: 80/open/tcp//http///, 81/…	Ignored State: closed (65534)
function nmap(line,    n, i, part, field, addr) {
	split(line, part, " ")
	addr = part[2]
	if (match(line, /Ignored State: [a-z|]+ \([0-9]+\)/)) {
		split(substr(line, RSTART, RLENGTH), part, " ")
		if (part[3] == rest)
			others[run] += number(substr(part[4], 2))
	}
	if (!match(line, /Ports: [^\t]*/))
		return
	n = split(substr(line, RSTART + 7, RLENGTH - 7), part, /, /)
	for (i = 1; i <= n; i++) {
		split(part[i], field, "/")
		if (field[2] == "open")
			is_open(addr ":" field[1])
		else if (field[2] == rest)
			others[run]++
	}
}

# ---- who listens ----

function holds(port, pid) {
	is_open(port " " (unowned ? "-" : pid))
}

function port_of(address) {
	sub(/^.*:/, "", address)
	return address
}

# Every LABEL with a number behind it is a holder; none is one that is not told.
function labelled(line, port, label,    n) {
	while (match(line, label "[0-9]+")) {
		holds(port, substr(line, RSTART + length(label), RLENGTH - length(label)))
		line = substr(line, RSTART + RLENGTH)
		n++
	}
	if (!n)
		holds(port, "?")
}

# "12+2": the number of a process, and of how many others.
function counted(port, pid,    part, n, told, i) {
	told = split(pid, part, /[+]/) > 1 ? part[2] + 1 : 1
	pid = part[1]
	n = split(holders[port], part, " ")
	if (told != n || !((port " " pid) in truth)) {
		holds(port, pid)
		return
	}
	for (i = 1; i <= n; i++)
		holds(port, part[i])
}

# ----

# Files may be empty, so they can't be counted by their first lines.
FNR == 1 {
	n = split(FILENAME, name, /[.]/)
	run = name[n - 1]
}

FILENAME == ARGV[1] {
	truth[$0]
	holders[$1] = holders[$1] " " $2
	n_open++
	next
}

FILENAME == ARGV[2] {
	wall[$2] = $3
	cpu[$2] = $4
	status[$2] = $5
	n_runs++
	next
}

# Nothing is printed: exit status 0 says that all are open.
kind == "status" { next }
kind == "nmap" && /^Host: .*Ports: / { nmap($0) }
kind == "list" && /^open / { is_open($2) }
kind == "list" && /^[0-9,]+ (open,|checks? in )/ { counts($0) }
kind == "ss" && /^LISTEN/ { labelled($0, port_of($4), "pid=") }
kind == "lsof" && /\(LISTEN\)$/ { holds(port_of($(NF - 1)), $2) }
kind == "netstat" && $6 == "LISTEN" { holds(port_of($4), $7 + 0) }
kind == "fuser" {
	for (i = 1; i <= NF; i++)
		if ($i ~ /^[0-9]+$/)
			holds(port, $i)
}
kind == "json" && match($0, /"port":[0-9]+/) {
	labelled($0, substr($0, RSTART + 7, RLENGTH - 7), "\"pid\":")
}
# Of its cells only the service may be empty.
kind == "table" && $1 ~ /^[0-9]+$/ {
	for (i = 2; i < NF && $i != "crowd"; i++)
		;
	counted($1, $(i + 1))
}

END {
	for (r in status) {
		run = r
		if (status[r] !~ /^[0-9]+$/)
			failed++
		else if (kind == "status" && status[r] == 0)
			for (at in truth)
				is_open(at)
		if (total && others[r] > total - n_open)
			others[r] = total - n_open
		right += found[r] + others[r]
		all_found += found[r]
		all_extra += extra[r]
		all_cpu += cpu[r]
		# Insertion: the runs are few, and not every awk can sort.
		for (i = ++sorted; i > 1 && order[i - 1] + 0 > wall[r] + 0; i--)
			order[i] = order[i - 1]
		order[i] = wall[r]
	}
	if (!n_runs)
		exit 1
	wrong = total ? n_runs * total - right : n_runs * n_open - right + all_extra
	print right + 0, wrong, all_found + 0, n_runs * n_open, all_extra + 0, \
		failed + 0, order[int((n_runs + 1) / 2)], int(all_cpu / n_runs)
}
