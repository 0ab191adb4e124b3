# keyneg: the key negotiation daemon, and what its tests need.

$(B)/test/gen_kink: $(B)/obj/test/fuzz/gen_kink.o \
    $(call archive,keyneg/kink) $(call archive,base)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(filter %.a,$^) -Wl,--end-group $(LIBS_all)

test-programs: $(B)/test/gen_kink

# Writes the seeds of the corpora anew; run when a builder changes.
.PHONY: corpus-kink
corpus-kink: $(B)/test/gen_kink
	mkdir -p $(addprefix test/corpus/fuzz_,kinkmsg isakmp kinkpeer krbmsg)
	$(B)/test/gen_kink test/corpus/fuzz_kinkmsg
	$(B)/test/gen_kink test/corpus/fuzz_isakmp operations
	$(B)/test/gen_kink test/corpus/fuzz_kinkpeer peer
	$(B)/test/gen_kink test/corpus/fuzz_krbmsg kerberos

# libkrb5 is linked by keynegd's Kerberos half and, as a second opinion, by
# the unit tests.
LIBS_krb5 := $(call pc,krb5)
LIBS_all += $(LIBS_krb5)

$(eval $(call program_rule,keynegd,keyneg/keynegd.c,keyneg keyneg/kink \
    keyneg/krb keyneg/core engine/client policy base,\
    $(call pc,libgcrypt libseccomp) -lcap-ng $(LIBS_krb5)))
