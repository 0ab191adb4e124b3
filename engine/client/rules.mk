# libnfipsec.so, for applications: LGPL files alone (test/tool/test_library).
LIBRARY_SRCS := $(addprefix engine/client/,libnfipsec.c nfipsec_random.c \
	info.c run_dir.c client.c proto.c proto_shape.c) \
	$(addprefix base/,builder.c cursor.c secret.c)
LIBRARY_MAP := engine/client/libnfipsec.map
LIBRARY := $(B)/lib/libnfipsec.so.0
# Sanitizers leave symbols to the program.
comma := ,
DEFS := $(if $(filter asan tsan fuzz,$(FLAVOUR)),,-Wl$(comma)-z$(comma)defs)
$(LIBRARY): $(patsubst %.c,$(B)/obj/%.o,$(LIBRARY_SRCS)) $(LIBRARY_MAP)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS_$(FLAVOUR)) -Wl,-soname,$(@F) \
	    -Wl,--version-script=$(LIBRARY_MAP) $(DEFS) -Wl,--as-needed \
	    $(LDFLAGS) -o $@ $(filter %.o,$^)
$(B)/lib/libnfipsec.so: $(LIBRARY)
	ln -sf $(<F) $@
all: $(B)/lib/libnfipsec.so

# The examples, against the library as an application has it.
EXAMPLES := $(patsubst examples/library/%.c,$(B)/examples/%,\
	$(wildcard examples/library/*.c))
$(B)/examples/%: examples/library/%.c $(B)/lib/libnfipsec.so
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -O2 $(WARN) $(CFLAGS_$(FLAVOUR)) \
	    -Iengine/client $(CFLAGS) $(LDFLAGS_$(FLAVOUR)) $(LDFLAGS) -o $@ $< \
	    -L$(B)/lib -lnfipsec
test-programs: $(EXAMPLES)
