# portkit: one Makefile, everything it makes lies in build/.
#
#   make            build/bin/<tool>, man pages        make check   all tests (scripts/test)
#   make install    PREFIX=/usr/local DESTDIR=         make bench   against the peers
#                   SETCAP=1: let portblock watch the wire without sudo (setcap)
#   make gen        completions from option tables     make lint    style, static analysis
#   make asan       the same in build-asan/, with address and undefined sanitizers
#   make V=1        show the commands

VERSION := 0.1.0
DATE    := November 22, 2026

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
INSTALL    ?= install
PKG_CONFIG ?= pkg-config

B := $(or $(BUILD),build)
TOOLS := $(sort $(patsubst tools/%/main.c,%,$(wildcard tools/*/main.c)))

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wswitch-enum -Wvla -Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers
HARDEN   := -fstack-protector-strong $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
CPPFLAGS += -D_GNU_SOURCE -DPK_VERSION='"$(VERSION)"' -Icommon
# The option tables leave fields out on purpose, and every loop counter is checked anyway.
ALL_CFLAGS = -std=c11 $(WARNINGS) $(HARDEN) $(SANITIZE) $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = -Wl,--as-needed $(SANITIZE) $(LDFLAGS)

# What each tool links, by pkg-config's names; HEADERS are of what it loads at run time.
PKGS_common       := libmnl
PKGS_portcheck    := libmnl
PKGS_portblock    := libmnl libpcap libcap-ng
PKGS_portwho      := libmnl smartcols
HEADERS_portblock := libnftables libnftnl
PKGS_test         := $(sort cmocka jansson $(foreach t,$(TOOLS),$(PKGS_$t)))
HEADERS_test      := $(foreach t,$(TOOLS),$(HEADERS_$t))

# $(call pkg,libs,WHO) and $(call pkg,cflags,WHO): asked for once, and only when used. Most
# headers live in the default place, and then there are no flags.
pkg = $(if $(filter undefined,$(origin PKG_$1_$2)),$(eval PKG_$1_$2 := $(shell \
  $(PKG_CONFIG) --$1 $(PKGS_$2) $(if $(filter cflags,$1),$(HEADERS_$2)))))$(PKG_$1_$2)
# dlopen(3) had a library of its own before glibc 2.34.
SYS_LIBS := -lm -pthread -ldl

EMIT_SRC   := $(wildcard common/opt_emit*.c)
COMMON_SRC := $(filter-out $(EMIT_SRC),$(wildcard common/*.c))
COMMON_OBJ := $(COMMON_SRC:%.c=$B/%.o)
EMIT_OBJ   := $(EMIT_SRC:%.c=$B/%.o)
LAB_BIN    := $(patsubst tests/lab/%.c,$B/lab/%,$(wildcard tests/lab/*.c))
BENCH_BIN  := $(patsubst tests/bench/%.c,$B/bench/%,$(wildcard tests/bench/*.c))
UNIT_BIN   := $(patsubst tests/unit/%.c,$B/unit/%,$(wildcard tests/unit/test_*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all test-bins check bench lint gen asan install uninstall clean

all: $(TOOLS:%=$B/bin/%) $(TOOLS:%=$B/man/%.1)
test-bins: $(UNIT_BIN) $(LAB_BIN) $(BENCH_BIN)

$B/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(call pkg,cflags,$(notdir $(<D))) \
	  -MMD -MP -c -o $@ $<

$B/libcommon.a: $(COMMON_OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# One tool: every C file of its folder, the common library, only the libraries it uses.
# Its pure modules also make an archive for the unit tests.
define tool_rules
$B/bin/$(1): $(patsubst %.c,$B/%.o,$(wildcard tools/$(1)/*.c)) $B/libcommon.a
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ \
	  $$(call pkg,libs,$(1)) $$(SYS_LIBS)
$B/gen/$(1): $B/tools/$(1)/options.o $(EMIT_OBJ) $B/libcommon.a
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ \
	  $$(call pkg,libs,common) $$(SYS_LIBS)
$B/man/$(1).1: tools/$(1)/$(1).1.in $B/gen/$(1) Makefile
	$$(call say,GEN,$$@)mkdir -p $$(@D) && $B/gen/$(1) man $$< '$(VERSION)' '$(DATE)' >$$@
$B/tools/$(1)/lib$(1).a: $(patsubst %.c,$B/%.o,$(filter-out %/main.c %/options.c,$(wildcard tools/$(1)/*.c)))
	$$(call say,AR,$$@)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rules,$(t))))

# A unit test may include headers of any tool ("TOOL/name.h" where two have that name); it
# links the tools' modules as archives.
$B/unit/%: CPPFLAGS += -Itools $(TOOLS:%=-Itools/%)
$B/unit/%: tests/unit/%.c $(EMIT_OBJ) \
           $(foreach t,$(TOOLS),$B/tools/$(t)/lib$(t).a) $B/libcommon.a
	$(call say,TEST,$@)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(call pkg,cflags,test) -MMD -MP \
	  -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(filter-out %/opt_emit_main.o,$(filter %.o,$^)) \
	  $(filter %.a,$^) $(call pkg,libs,test) $(SYS_LIBS)

$B/lab/%: tests/lab/%.c
	$(call say,LAB,$@)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -pthread

$B/bench/%: tests/bench/%.c
	$(call say,BENCH,$@)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -pthread

check:
	scripts/test

bench: all test-bins
	@status=0; for races in run who; do tests/bench/$$races || status=$$?; done; exit $$status

lint:
	scripts/check-style
	scripts/check-gen
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability -D_GNU_SOURCE \
	  --inline-suppr -Icommon common tools

# The completions are committed, so that a clone has them before anything is built.
GEN_OUT ?= completions
gen: $(TOOLS:%=$B/gen/%)
	$Qmkdir -p $(GEN_OUT)/bash $(GEN_OUT)/zsh $(GEN_OUT)/fish
	$Qset -e; for t in $(TOOLS); do \
	  $B/gen/$$t bash >$(GEN_OUT)/bash/$$t; \
	  $B/gen/$$t zsh >$(GEN_OUT)/zsh/_$$t; \
	  $B/gen/$$t fish >$(GEN_OUT)/fish/$$t.fish; done

asan:
	$(MAKE) BUILD=build-asan SANITIZE='-fsanitize=address,undefined -fno-omit-frame-pointer' \
	  CFLAGS='-O1 -g' all test-bins

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(BASHCOMPDIR) \
	  $(DESTDIR)$(ZSHCOMPDIR) $(DESTDIR)$(FISHCOMPDIR)
	$Qset -e; for t in $(TOOLS); do \
	  $(INSTALL) -m 755 $B/bin/$$t $(DESTDIR)$(BINDIR)/$$t; \
	  $(INSTALL) -m 644 $B/man/$$t.1 $(DESTDIR)$(MANDIR)/man1/$$t.1; \
	  $(INSTALL) -m 644 completions/bash/$$t $(DESTDIR)$(BASHCOMPDIR)/$$t; \
	  $(INSTALL) -m 644 completions/zsh/_$$t $(DESTDIR)$(ZSHCOMPDIR)/_$$t; \
	  $(INSTALL) -m 644 completions/fish/$$t.fish $(DESTDIR)$(FISHCOMPDIR)/$$t.fish; done
ifneq ($(filter-out 0 no,$(SETCAP)),)
	$QPATH="$$PATH:/usr/sbin:/sbin" setcap cap_net_raw+ep $(DESTDIR)$(BINDIR)/portblock || { \
	  echo 'make install: installed, but setcap failed: portblock has no cap_net_raw' \
	    '(needs root, and a file system with capabilities)' >&2; exit 1; }
endif

uninstall:
	$Qfor t in $(TOOLS); do rm -f $(DESTDIR)$(BINDIR)/$$t $(DESTDIR)$(MANDIR)/man1/$$t.1 \
	  $(DESTDIR)$(BASHCOMPDIR)/$$t $(DESTDIR)$(ZSHCOMPDIR)/_$$t \
	  $(DESTDIR)$(FISHCOMPDIR)/$$t.fish; done

clean:
	rm -rf build build-asan

-include $(COMMON_OBJ:.o=.d) $(EMIT_OBJ:.o=.d) $(wildcard $B/tools/*/*.d $B/unit/*.d $B/lab/*.d $B/bench/*.d)
