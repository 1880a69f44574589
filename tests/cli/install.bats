#!/usr/bin/env bats
# make install and uninstall put everything where it belongs and take it away again, and
# scripts/run runs a tool from anywhere.
#
# bats sets stderr, helpers.bash reads STATUS; what other shells are given is theirs to
# expand.
# shellcheck disable=SC2154,SC2016,SC2034

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/cli/helpers.bash
	source "$BATS_TEST_DIRNAME/helpers.bash"
	helpers_load
	RUN=$HELPERS_ROOT/scripts/run
	DEST=$BATS_TEST_TMPDIR/dest
	mkdir "$DEST"
	unset MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR BINDIR MANDIR
}

# make_it WORD…: make, of the build that is tested.
make_it() {
	[[ $PK_BUILD == "$HELPERS_ROOT/build" ]] || set -- BUILD="$PK_BUILD" "$@"
	run -0 make -s -C "$HELPERS_ROOT" --no-print-directory "$@"
}

tools() {
	local main
	for main in "$HELPERS_ROOT"/tools/*/main.c; do
		main=${main%/main.c}
		echo "${main##*/}"
	done
}

# What is installed below $1: mode and path a line.
installed() {
	find "$1" ! -type d -printf '%m %P\n' | LC_ALL=C sort
}

# What ought to be, with PREFIX $1.
expected() {
	local t
	for t in $(tools); do
		cat <<-END
			755 $1/bin/$t
			644 $1/share/man/man1/$t.1
			644 $1/share/bash-completion/completions/$t
			644 $1/share/zsh/site-functions/_$t
			644 $1/share/fish/vendor_completions.d/$t.fish
		END
	done | LC_ALL=C sort
}

# ---- install -------------------------------------------------------------------------

@test "make install puts program, manual and completions below DESTDIR and PREFIX" {
	make_it install PREFIX=/opt/portkit DESTDIR="$DEST"
	assert_equal "$(installed "$DEST")" "$(expected opt/portkit)"
}

@test "make install without PREFIX means /usr/local" {
	make_it install DESTDIR="$DEST"
	assert_equal "$(installed "$DEST")" "$(expected usr/local)"
}

@test "make install without DESTDIR goes to PREFIX, and what it installs works there" {
	make_it install PREFIX="$DEST/opt"
	assert_equal "$(installed "$DEST")" "$(expected opt)"
	local t
	for t in $(tools); do
		run -0 "$DEST/opt/bin/$t" --version
		assert_output --partial "$t (portkit) "
	done
}

@test "make install gives everybody access, whatever the umask" {
	umask 077
	make_it install PREFIX=/usr DESTDIR="$DEST"
	assert_equal "$(installed "$DEST")" "$(expected usr)"
	run find "$DEST/usr" -type d ! -perm -055
	assert_output ''
}

@test "packagers can say where each thing goes" {
	make_it install PREFIX=/usr DESTDIR="$DEST" BINDIR=/b MANDIR=/m BASHCOMPDIR=/bc \
		ZSHCOMPDIR=/zc FISHCOMPDIR=/fc
	run installed "$DEST"
	assert_line '755 b/portcheck'
	assert_line '644 m/man1/portcheck.1'
	assert_line '644 bc/portcheck'
	assert_line '644 zc/_portcheck'
	assert_line '644 fc/portcheck.fish'
	[[ ! -e $DEST/usr ]]
}

@test "make install a second time replaces what is there" {
	make_it install PREFIX=/usr DESTDIR="$DEST"
	echo old >"$DEST/usr/bin/portcheck"
	echo old >"$DEST/usr/share/man/man1/portcheck.1"
	make_it install PREFIX=/usr DESTDIR="$DEST"
	run -0 "$DEST/usr/bin/portcheck" --version
	refute grep -qx old "$DEST/usr/share/man/man1/portcheck.1"
}

@test "make uninstall removes what make install installed, and nothing else" {
	mkdir -p "$DEST/usr/bin" "$DEST/usr/share/bash-completion/completions"
	echo theirs >"$DEST/usr/bin/portcheck2"
	echo theirs >"$DEST/usr/share/bash-completion/completions/other"
	make_it install PREFIX=/usr DESTDIR="$DEST"
	[[ -x $DEST/usr/bin/portcheck ]]
	make_it uninstall PREFIX=/usr DESTDIR="$DEST"
	run installed "$DEST"
	assert_equal "$(sed 's/^[0-9]* //' <<<"$output")" \
		"$(printf 'usr/%s\n' bin/portcheck2 share/bash-completion/completions/other)"
	# Once more is no error.
	make_it uninstall PREFIX=/usr DESTDIR="$DEST"
}

@test "the installed manuals name the version and every long option" {
	local t manual version word
	make_it install PREFIX=/usr DESTDIR="$DEST"
	for t in $(tools); do
		manual=$DEST/usr/share/man/man1/$t.1
		run -0 "$DEST/usr/bin/$t" --version
		version=${output##* }
		grep -q -F "$version" "$manual"
		word=
		for word in $("$DEST/usr/bin/$t" --help |
			sed -n 's/^  [-a-zA-Z0-9, ]\{4\}--\([a-z0-9-]*\).*/\1/p'); do
			# In mdoc a hyphen may be escaped.
			sed 's/\\-/-/g' "$manual" |
				grep -q -E "^\.It .*Fl Fl $word( |\$)" ||
				fail "no --$word in the manual of $t"
		done
		[[ $word ]]
	done
}

# ---- SETCAP --------------------------------------------------------------------------

# A setcap that writes down what it is asked for, and fails if $1 is 1.
fake_setcap() {
	mkdir -p "$DEST/fake"
	cat >"$DEST/fake/setcap" <<-END
		#!/bin/sh
		echo "\$*" >>'$DEST/asked'
		exit $1
	END
	chmod +x "$DEST/fake/setcap"
	PATH=$DEST/fake:$PATH
}

@test "make install SETCAP=1 gives portblock cap_net_raw and nothing to other tools" {
	fake_setcap 0
	make_it install PREFIX=/usr DESTDIR="$DEST" SETCAP=1
	assert_equal "$(<"$DEST/asked")" "cap_net_raw+ep $DEST/usr/bin/portblock"
}

@test "make install gives no capabilities that nobody asked for" {
	local word
	fake_setcap 0
	for word in '' SETCAP= SETCAP=0 SETCAP=no; do
		make_it install PREFIX=/usr DESTDIR="$DEST" ${word:+"$word"}
		[[ ! -e $DEST/asked ]] || fail "make install $word called setcap"
	done
}

@test "make install SETCAP=1 fails where the capability cannot be given, and says so" {
	fake_setcap 1
	local args=(make -s -C "$HELPERS_ROOT" --no-print-directory BUILD="$PK_BUILD")
	run -2 "${args[@]}" install PREFIX=/usr DESTDIR="$DEST" SETCAP=1
	assert_output --partial 'setcap failed: portblock has no cap_net_raw'
	# Everything is installed all the same.
	[[ -x $DEST/usr/bin/portblock && -e $DEST/usr/share/man/man1/portblock.1 ]]
}

@test "the kernel has the capability that make install SETCAP=1 gave" {
	((EUID == 0)) || skip 'not root'
	type -P setcap getcap >/dev/null || skip 'no setcap here'
	cp "$(type -P true)" "$DEST/probe"
	setcap cap_net_raw+ep "$DEST/probe" 2>/dev/null ||
		skip 'no file capabilities on this file system'
	make_it install PREFIX=/usr DESTDIR="$DEST" SETCAP=1
	run -0 getcap "$DEST/usr/bin/portblock"
	assert_output --regexp 'cap_net_raw[=+]ep$'
	run -0 getcap "$DEST/usr/bin/portcheck"
	assert_output ''
}

@test "portcheck links none of the libraries that only other tools use" {
	type -P ldd >/dev/null || skip 'no ldd here'
	run -0 ldd "$PK_BUILD/bin/portcheck"
	refute_output --regexp 'pcap|cap-ng|nftables|nftnl'
	# libnftables is loaded only once --rule wants it: it would double the start-up.
	run -0 ldd "$PK_BUILD/bin/portblock"
	assert_output --partial 'libpcap'
	refute_output --regexp 'nftables|nftnl'
}

# ---- man and shells ------------------------------------------------------------------

@test "man finds the manual" {
	type -P man >/dev/null || skip 'no man here'
	make_it install PREFIX=/usr DESTDIR="$DEST"
	run env MANPATH="$DEST/usr/share/man" man -w portcheck
	((status == 0)) || [[ ! $output == *unminimize* ]] || skip 'man does nothing here'
	assert_success
	assert_output "$DEST/usr/share/man/man1/portcheck.1"
}

@test "bash finds the completion where it is installed" {
	local main=/usr/share/bash-completion/bash_completion
	[[ -e $main ]] || skip 'no bash-completion here'
	make_it install PREFIX=/usr DESTDIR="$DEST"
	# Its loader has had two names.
	run -0 env XDG_DATA_DIRS="$DEST/usr/share" HOME="$DEST" bash --norc -c '
		. "$1"
		for load in _comp_load __load_completion; do
			! declare -F "$load" >/dev/null || { "$load" portcheck; break; }
		done
		complete -p portcheck' bash "$main"
	assert_output --regexp '^complete .*portcheck$'
}

@test "zsh finds the completion where it is installed" {
	type -P zsh >/dev/null || skip 'no zsh here'
	make_it install PREFIX=/usr DESTDIR="$DEST"
	run -0 zsh -fc '
		fpath=("$1" $fpath)
		autoload -Uz compinit && compinit -D -u
		print -r -- "$_comps[portcheck]"' zsh "$DEST/usr/share/zsh/site-functions"
	assert_output _portcheck
}

@test "fish finds the completion where it is installed" {
	type -P fish >/dev/null || skip 'no fish here'
	make_it install PREFIX=/usr DESTDIR="$DEST"
	mkdir "$DEST/home"
	local env=(env -i "HOME=$DEST/home" "PATH=$DEST/usr/bin:$PATH" TERM=dumb)
	run -0 "${env[@]}" XDG_DATA_DIRS="$DEST/usr/share" fish -c 'complete -C "portcheck --verb"'
	assert_output --regexp '^--verbose'
	# It is this file that says so.
	run "${env[@]}" XDG_DATA_DIRS="$DEST/nowhere" fish -c 'complete -C "portcheck --verb"'
	refute_output --partial '--verbose'
}

# ---- scripts/run ---------------------------------------------------------------------

@test "scripts/run runs a tool from another directory" {
	cd / || return
	run -0 --separate-stderr "$RUN" portcheck --version
	assert_regex "$output" '^portcheck \(portkit\) [0-9.]+$'
	assert_equal "$stderr" ''
}

@test "scripts/run works through a symlink, also one to a symlink" {
	ln -s "$RUN" "$DEST/run"
	mkdir "$DEST/bin"
	ln -s ../run "$DEST/bin/portkit"
	cd "$DEST/bin" || return
	run -0 --separate-stderr ./portkit portcheck --version
	assert_regex "$output" '^portcheck \(portkit\) [0-9.]+$'
	PATH=$DEST/bin:$PATH run -0 --separate-stderr portkit portcheck --version
	assert_regex "$output" '^portcheck \(portkit\) [0-9.]+$'
}

@test "scripts/run passes on arguments, standard input and the exit status" {
	cd / || return
	run -2 --separate-stderr "$RUN" portcheck 'a b' 80
	assert_equal "$output" ''
	assert_regex "$stderr" "^portcheck: 'a b': "
	STATUS=0
	echo ':80' | "$RUN" portcheck -f - >"$OUT" 2>"$ERR" || STATUS=$?
	expect_status 2
	expect_no_output
	expect_error_lines 1
	expect_error "standard input line 1: ':80'"
	run -0 "$RUN" portcheck --help
	assert_output --partial '--timeout'
}

@test "scripts/run of a tool that does not exist is exit 2, and names those that do" {
	local name
	for name in nosuchtool port portchec ../portcheck 'port check' ' ' '*'; do
		refused "$RUN" "'$name'" 'portcheck' "$name" --version
	done
	refused "$RUN" 'no tool' 'portcheck'
}

@test "scripts/run --help is on standard output" {
	run -0 --separate-stderr "$RUN" --help
	assert_output --partial 'usage: scripts/run TOOL'
	assert_output --partial portcheck
	assert_equal "$stderr" ''
}
