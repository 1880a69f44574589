# score.awk: what one rival answered, held against the truth.
#
#	awk -v kind=KIND -v total=N -v rest=closed|filtered -f score.awk TRUTH TIMES OUTPUT...
#
# TRUTH has the open ports, "ADDRESS:PORT" a line; TIMES the lines of stopwatch for this
# rival; OUTPUT its output, C.R.out and C.R.err for run R. All other ports of the TOTAL
# are REST. Prints, summed over the runs:
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

# Files may be empty, so they can't be counted by their first lines.
FNR == 1 {
	n = split(FILENAME, name, /[.]/)
	run = name[n - 1]
}

FILENAME == ARGV[1] {
	truth[$1]
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

END {
	for (r in status) {
		run = r
		if (status[r] !~ /^[0-9]+$/)
			failed++
		else if (kind == "status" && status[r] == 0)
			for (at in truth)
				is_open(at)
		if (others[r] > total - n_open)
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
	print right + 0, n_runs * total - right, all_found + 0, n_runs * n_open, \
		all_extra + 0, failed + 0, order[int((n_runs + 1) / 2)], \
		int(all_cpu / n_runs)
}
