# shellcheck shell=bash
#
# What the races of all tools share: rivals, rows, goals, the table. A script sources it
# from the project's folder after setting
#
#   TOOL         the tool; its rows begin with its name
#   OWN          the name of the row that the others are divided by
#   RACES        the names of its races; race_NAME runs one
#   WHAT         what is found or missed, as notes call it
#
# and defines
#
#   enter CMD…   runs the stopwatch where the rivals run
#   lost         prints what the measurement itself has lost so far (0)
#
# then, for each race, sets SCRATCH (a folder) and SCORE (arguments for score.awk), and
# calls begin, rival for each of them, and start.
#
# The variables of the script, and those for it.
# shellcheck disable=SC2034,SC2153,SC2154

: "${PK_BUILD:=$PWD/build}"
[[ $PK_BUILD == /* ]] || PK_BUILD=$PWD/$PK_BUILD
# Of all scripts, since BENCH is for all.
ALL_RACES=(one closed dropped delayed hosts network loss heavy flat typical port nobody)
FULL='' WRITE=''
ROWS=()	    # race|tool|median|ratio|right|wrong|note, in the order of the table
GOALS=()
ABSENT=()   # rivals that are not installed
WRONG=0	    # wrong answers of the tool
declare -A MEDIAN=() CLEAN=()  # by "race tool": µs; are all answers right, all runs ended?

usage() {
	echo "bench: $1" >&2
	echo "usage: ${0#"$PWD"/} [--full] [--write] [RACE...], RACE: ${RACES[*]}" >&2
	exit 2
}

say() {
	printf 'bench: %s\n' "$*" >&2
}

among() {
	[[ " ${*:2} " == *" $1 "* ]]
}

# ---- one race --------------------------------------------------------------------------

# begin NAME TITLE TRUTH: a new race; TRUTH is the file of what there is to be found.
begin() {
	RACE=$1 TRUTH=$3
	RIVAL_NAME=() RIVAL_KIND=() COMMAND=()
	OUTPUT=$SCRATCH/bench
	rm -rf "$OUTPUT"
	install -d -o nobody "$OUTPUT"
	install -d "$SCRATCH/bin"
	install -m 755 "$PK_BUILD/bench/stopwatch" "$SCRATCH/bin/"
	say "$2"
}

absent() {
	among "$1" "${ABSENT[@]-}" || ABSENT+=("$1")
	say "$1 is not installed: '$2' is left out"
}

# rival NAME KIND COMMAND…: joins the race. KIND is how its answers are read: score.awk.
# NEEDS is another program that the command starts.
rival() {
	local name=$1 kind=$2 program
	shift 2
	for program in ${NEEDS-} "$1"; do
		type -P "$program" >/dev/null || type -P "$PK_BUILD/bench/$program" >/dev/null ||
			{ absent "$program" "$name"; return; }
	done
	program=$(type -P "$1" || type -P "$PK_BUILD/bench/$1")
	shift
	# Nobody may be kept out of the build directory.
	if [[ $program == "$PK_BUILD"/* ]]; then
		install -m 755 "$program" "$SCRATCH/bin/"
		program=$SCRATCH/bin/${program##*/}
	fi
	((${#COMMAND[@]} == 0)) || COMMAND+=(--)
	COMMAND+=("$program" "$@")
	RIVAL_NAME+=("$name") RIVAL_KIND+=("$kind")
}

# start RUNS WARMUP DEADLINE_S: runs the rivals that have joined, in turns, and adds
# their rows. The measurement is void if it lost something by its own fault.
start() {
	local try i before=0 gone=0
	for try in 1 2; do
		before=$(lost)
		enter "$SCRATCH/bin/stopwatch" "$1" "$2" "$3" "$OUTPUT" \
			"${COMMAND[@]}" >"$OUTPUT/times" || exit 3
		gone=$(($(lost) - before))
		((gone)) || break
		say "the box dropped $gone packets in try $try"
	done
	for i in "${!RIVAL_NAME[@]}"; do
		row "$i" "$3" "$gone"
	done
	RIVAL_NAME=() RIVAL_KIND=() COMMAND=()
}

# The row of one rival, from its number, the deadline (which makes the median a lower
# bound) and the number of packets that the box dropped.
row() {
	local i=$1 deadline=$2 gone=$3 name=${RIVAL_NAME[$1]} c=$(($1 + 1)) note=''
	local right wrong found open extra failed us cpu key="$RACE ${RIVAL_NAME[$1]}" time
	grep "^$c " "$OUTPUT/times" >"$OUTPUT/times.$c"
	read -r right wrong found open extra failed us cpu < <(
		awk -v kind="${RIVAL_KIND[i]}" "${SCORE[@]}" -f tests/bench/score.awk \
			"$TRUTH" "$OUTPUT/times.$c" \
			"$OUTPUT/$c".*.out "$OUTPUT/$c".*.err) || exit 3
	sed "s/^/$key: /" "$OUTPUT/times.$c" >>"$PK_BUILD/bench/times"
	time=$(show_time "$us")
	MEDIAN[$key]=$us CLEAN[$key]=yes
	((wrong == 0)) || CLEAN[$key]=
	((found == open)) || note+="${note:+; }missed $((open - found)) of $open $WHAT"
	((extra == 0)) || note+="${note:+; }$extra $WHAT that are not"
	if ((failed)); then
		CLEAN[$key]=
		if grep -q timeout "$OUTPUT/times.$c"; then
			((us < deadline * 1000000)) || time=">$deadline s"
			note+="${note:+; }$failed stopped at the deadline"
		else
			note+="${note:+; }crashed"
		fi
	fi
	note+="${note:+; }cpu $(show_time "$cpu")"
	((gone == 0)) || note+="; void: the box dropped $gone packets"
	[[ $name != "$TOOL"* ]] || ((WRONG += wrong))
	ROWS+=("$RACE|$name|$time|$(ratio "$key" "$time")|$right|$wrong|$note")
	say "$(printf '  %-24s %10s  right %s wrong %s  %s' "$name" "$time" \
		"$right" "$wrong" "$note")"
}

show_time() {
	awk -v us="$1" 'BEGIN {
		if (us < 99950)
			printf "%.2f ms", us / 1000
		else
			printf "%.2f s", us / 1000000
	}'
}

# In parentheses when some answers were wrong: that time is no achievement.
ratio() {
	local own=${MEDIAN["$RACE $OWN"]-}
	[[ $own ]] || { echo -; return; }
	awk -v us="${MEDIAN[$1]}" -v own="$own" -v clean="${CLEAN[$1]}" -v shown="$2" 'BEGIN {
		s = sprintf("%.2f", us / own)
		if (shown ~ /^>/)
			s = ">" s
		print clean || shown ~ /^>/ ? s : "(" s ")"
	}'
}

# ---- the table -------------------------------------------------------------------------

# goal TEXT RACE RIVAL FACTOR [ROW]: the time of our row is at most FACTOR times the
# rival's.
goal() {
	local key="$2 ${5:-$OWN}"
	local own=${MEDIAN[$key]-} other=${MEDIAN["$2 $3"]-}
	[[ $own && $other ]] || return 0
	GOALS+=("$(awk -v own="$own" -v other="$other" -v factor="$4" -v text="$1" \
		-v clean="${CLEAN[$key]}" 'BEGIN {
		printf "%s: %s (%.*f)\n", text,
			own <= factor * other && clean ? "met" : "missed",
			own < 0.1 * other ? 3 : 2, own / other
	}')")
}

table() {
	printf '%s\n' 'race|tool|median|ratio|right|wrong|note' "${ROWS[@]}" | awk -F'|' '
	{
		for (i = 1; i <= 7; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i])
				width[i] = length($i)
		}
	}
	function line(r,    i) {
		for (i = 1; i <= 7; i++)
			printf "| %" (i < 3 || i == 7 ? "-" : "") width[i] "s ", cell[r, i]
		print "|"
	}
	END {
		line(1)
		for (i = 1; i <= 7; i++) {
			dashes = sprintf("%" width[i] "s", "")
			gsub(/ /, "-", dashes)
			printf "| %s ", dashes
		}
		print "|"
		for (r = 2; r <= NR; r++)
			line(r)
	}'
}

report() {
	table
	if ((${#GOALS[@]})); then
		printf '\nGoals (%s divided by the other in parentheses):\n\n' "$TOOL"
		printf -- '- %s\n' "${GOALS[@]}"
	fi
	((${#ABSENT[@]} == 0)) || printf '\nNot installed, left out: %s\n' "${ABSENT[*]}"
}

# versions PEER…: the machine, the tool, and what the peers call themselves ("": absent).
versions() {
	local peer
	echo "Linux $(uname -r), $(getconf _NPROCESSORS_ONLN) CPUs, $(date -u +%Y-%m-%d)."
	printf '%s %s' "$TOOL" \
		"$("$PK_BUILD/bin/$TOOL" --version | awk 'NR == 1 { print $NF }')"
	for peer; do
		[[ ! $peer ]] || printf ', %s' "$peer"
	done
	echo .
}

# Between "<!-- TOOL -->" and the next such line; what is there for other tools stays.
write_results() {
	{
		printf '\n%s\n\n' "$(versions "$@")"
		report
	} >"$PK_BUILD/bench/section" &&
		awk -v start="<!-- $TOOL -->" -v section="$PK_BUILD/bench/section" '
		/^<!-- .* -->$/ {
			if (skipping)
				print ""
			skipping = 0
		}
		!skipping { print }
		$0 == start {
			while ((getline line < section) > 0)
				print line
			skipping = 1
		}' tests/bench/RESULTS.md >"$PK_BUILD/bench/RESULTS.md" &&
		cp "$PK_BUILD/bench/RESULTS.md" tests/bench/RESULTS.md
}

# ---- the command line ------------------------------------------------------------------

# Sets FULL, WRITE and WANTED. In BENCH there may be races of other tools.
parse_arguments() {
	local arg elsewhere=''
	WANTED=()
	# Words on purpose.
	# shellcheck disable=SC2086
	for arg in ${BENCH-} "$@"; do
		case $arg in
		--full) export FULL=yes ;;
		--write) WRITE=yes ;;
		-*) usage "unknown option: '$arg'" ;;
		*)
			if among "$arg" "${RACES[@]}"; then
				WANTED+=("$arg")
			elif among "$arg" "${BENCH-}" && among "$arg" "${ALL_RACES[@]}"; then
				elsewhere=yes
			else
				usage "unknown race: '$arg'"
			fi
			;;
		esac
	done
	[[ ! $WRITE || ${#WANTED[@]} == 0 && ! $elsewhere ]] || usage '--write needs all races'
	((${#WANTED[@]})) || [[ ! $elsewhere ]] || exit 0
	((${#WANTED[@]})) || WANTED=("${RACES[@]}")
}

# built PROGRAM…, as paths in the build folder.
built() {
	local program
	for program; do
		[[ -x $PK_BUILD/$program ]] || { say "$PK_BUILD/$program is not built"; exit 3; }
	done
}
