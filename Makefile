# nfipsec: one Makefile, no recursion.  `make help` lists the targets.
#
# A room is a folder of C files that becomes one archive.  What each room may
# include stands in test/rooms; what each program links stands below.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/bash
.DELETE_ON_ERROR:

VERSION := 0.1.0

# ---- flavours ---------------------------------------------------------------
# release (default) builds into build/, every other one into build/FLAVOUR/.
FLAVOUR ?= release
ifeq ($(FLAVOUR),release)
B := build
else
B := build/$(FLAVOUR)
endif

CC := gcc
AR := ar
PKG_CONFIG := pkg-config
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 \
	-Wno-unused-parameter -Werror
CFLAGS_all := -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen -g -fPIC -MMD -MP \
	-fno-strict-aliasing -DNFIPSEC_VERSION='"$(VERSION)"' $(WARN)
CFLAGS_release := -O2 -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection
LDFLAGS_release := -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS_debug := -O0
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
LDFLAGS_asan := -fsanitize=address,undefined
# Criterion dies under it: a stand-in for its header comes first.  A fence is
# something it knows nothing of, and says so.
CFLAGS_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer \
	-Itest/lib/tsan -Wno-tsan
LDFLAGS_tsan := -fsanitize=thread
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -Wno-unknown-warning-option
LDFLAGS_fuzz := -fsanitize=address,undefined
# Threads count, too.
CFLAGS_cov := -O0 --coverage -fprofile-update=atomic
LDFLAGS_cov := --coverage
ifeq ($(FLAVOUR),fuzz)
CC := clang
endif
ifndef CFLAGS_$(FLAVOUR)
$(error unknown FLAVOUR "$(FLAVOUR)": release debug asan tsan fuzz cov)
endif

# What a distribution adds comes last and wins.
ALL_CFLAGS = $(CFLAGS_all) $(CFLAGS_$(FLAVOUR)) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(FLAVOUR)) -pie -pthread -Wl,--as-needed $(LDFLAGS)

# ---- rooms ------------------------------------------------------------------
ROOMS := base policy engine/wire engine/crypto engine/sa engine/path \
	engine/nfq engine/divert engine/vet engine/trace engine/client \
	engine/ctl engine/main engine/cli entropyd keyneg keyneg/core keyneg/kink keyneg/krb

# $(call archive,ROOM): build/lib/engine_wire.a
archive = $(B)/lib/$(subst /,_,$(1)).a
srcs = $(wildcard $(1)/*.c)
objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

# Files with a main() are programs, not part of their room's archive.
MAINS := $(wildcard engine/main/nfipsecd.c engine/cli/nfipsec.c \
	entropyd/entropyd.c entropyd/entropyd_device.c keyneg/keynegd.c)

define room_rule
$(call archive,$(1)): $(call objs,$(filter-out $(MAINS),$(call srcs,$(1))))
	@mkdir -p $$(@D) && rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS_$(subst /,_,$(*D))) -c -o $@ $<

# Libraries by room: only what the room's arrows allow.
pc = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
LIBS_engine := $(call pc,libnetfilter_queue libmnl libnftables libnftnl) \
	$(call pc,libgcrypt jansson libseccomp) -lcap-ng
LIBS_all := $(LIBS_engine)

PROGRAMS :=
# $(call program,NAME,MAIN,ROOMS,LIBS)
define program_rule
ifneq ($(wildcard $(2)),)
PROGRAMS += $(B)/bin/$(1)
$(B)/bin/$(1): $(call objs,$(2)) $(foreach r,$(3),$(call archive,$(r)))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) \
	    -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(4)
endif
endef
ENGINE_ROOMS := engine/main engine/ctl engine/divert engine/vet engine/nfq \
	engine/path engine/sa engine/crypto engine/wire engine/client policy base
$(eval $(call program_rule,nfipsecd,engine/main/nfipsecd.c,$(ENGINE_ROOMS),$(LIBS_engine)))
CLI_ROOMS := engine/cli engine/client engine/vet engine/trace engine/wire \
	policy base
$(eval $(call program_rule,nfipsec,engine/cli/nfipsec.c,$(CLI_ROOMS),$(LIBS_engine)))

# What tests link: every room.
TEST_ARCHIVES := $(foreach r,$(ROOMS),$(call archive,$(r)))

# Each part that brings more (a program, a generated file, a test kind) says
# so in a fragment of its own.
-include $(wildcard entropyd/rules.mk keyneg/rules.mk engine/*/rules.mk \
	policy/rules.mk nft-rules/rules.mk test/*/rules.mk man/rules.mk \
	packaging/rules.mk)

.PHONY: all
all: $(PROGRAMS)

# ---- unit tests: one Criterion program per test/unit/test_*.c ----------------
UNIT_SRCS := $(wildcard test/unit/test_*.c)
UNIT_BINS := $(patsubst test/unit/%.c,$(B)/test/unit/%,$(UNIT_SRCS))

$(B)/test/unit/%: $(B)/obj/test/unit/%.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(TEST_ARCHIVES) -Wl,--end-group $(LIBS_all) \
	    $(if $(filter tsan,$(FLAVOUR)),,-lcriterion) -lm

# ---- fuzz targets: libFuzzer in FLAVOUR=fuzz, corpus replay elsewhere --------
FUZZ_SRCS := $(wildcard test/fuzz/fuzz_*.c)
FUZZ_BINS := $(patsubst test/fuzz/%.c,$(B)/test/fuzz/%,$(FUZZ_SRCS))
$(B)/test/fuzz/%: $(B)/obj/test/fuzz/%.o $(TEST_ARCHIVES) \
    $(if $(filter fuzz,$(FLAVOUR)),,$(B)/obj/test/fuzz/replay.o)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer) \
	    -o $@ $(filter %.o,$^) -Wl,--start-group $(TEST_ARCHIVES) \
	    -Wl,--end-group $(LIBS_all) -lm

.PHONY: tests test-programs
tests: all test-programs $(UNIT_BINS) $(FUZZ_BINS)
test-programs: # what tests of other kinds run; fragments add theirs

# ---- checks ------------------------------------------------------------------
# What the tests need is installed first, from the one list in packaging/deps.
.PHONY: deps check check-unit check-golden check-net check-vm check-asan \
	check-tsan check-mutants check-newcomer rooms
deps:
	packaging/install-deps

RUN := test/run

check: deps
	$(MAKE) -j$$(nproc) tests
	$(RUN) --all

check-unit check-golden check-net check-vm: check-%: tests
	$(RUN) $*

check-mutants: tests
	$(RUN) mutants

# Two fresh machines, installed and rebooted: a quarter of an hour.
check-newcomer: deps
	$(RUN) newcomer

# The kinds that a sanitizer can watch; what a kernel runs stays as it is.
SANITIZED := unit fuzz vector golden tool net
check-asan check-tsan: check-%: deps
	$(MAKE) -j$$(nproc) FLAVOUR=$* tests
	B=build/$* $(RUN) $(SANITIZED)

rooms:
	test/rooms

# Lines of each room that the unit, vector, golden and fuzz tests reach.
.PHONY: cov fuzz
cov: deps
	$(MAKE) -j$$(nproc) FLAVOUR=cov tests
	B=build/cov $(RUN) unit fuzz vector golden
	test/cov

# FUZZ_SECS of each target, from the corpus kept in the tree and on.
FUZZ_SECS ?= 60
fuzz:
	$(MAKE) FLAVOUR=fuzz fuzz-programs
	test/fuzz/fuzz-all $(FUZZ_SECS)
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_BINS)

# ---- demo ---------------------------------------------------------------------
.PHONY: demo
demo:
	packaging/install-deps build demo
	$(MAKE) -s -j$$(nproc) $(B)/bin/nfipsecd $(B)/bin/nfipsec
	test/demo/demo

.PHONY: demo-kerberos
demo-kerberos:
	packaging/install-deps build demo kerberos
	$(MAKE) -s -j$$(nproc) $(B)/bin/nfipsecd $(B)/bin/nfipsec $(B)/bin/keynegd
	test/demo/demo_kerberos

# ---- the rest ----------------------------------------------------------------
.PHONY: fmt lint clean help
C_FILES = $(shell git ls-files '*.c' '*.h')
fmt:
	clang-format -i $(C_FILES)

lint:
	test/lint

clean:
	rm -rf build

help:
	@echo 'all          programs into $(B)/bin, libraries into $(B)/lib'
	@echo 'demo         installs what is missing, builds, shows a download'
	@echo 'demo-kerberos  the same with a Kerberos realm that makes the keys'
	@echo 'check        installs what is missing, builds, runs every test'
	@echo 'check-unit   check-golden  check-net  check-vm: one kind of test'
	@echo 'check-asan   check-tsan: what a sanitizer can watch, under it'
	@echo 'check-mutants  do the tests notice when a property breaks?'
	@echo 'check-newcomer  README.md on two fresh machines, and a reboot'
	@echo 'fuzz         each target for FUZZ_SECS (60) seconds'
	@echo 'cov          lines that tests reach, by room'
	@echo 'bench        measures throughput beside contestants'
	@echo 'rooms        no include goes against the arrows'
	@echo 'fmt lint     formats; looks for what compilers let pass'
	@echo 'man          manual pages into $(B)/man'
	@echo 'install      into DESTDIR, PREFIX (/usr/local)'
	@echo 'deb          Debian packages into $(B)/deb'
	@echo 'clean        removes build/'
	@echo 'FLAVOUR=     release debug asan tsan fuzz cov'

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
.SECONDARY:
