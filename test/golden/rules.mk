# The program that the golden tests of the configuration run.
$(B)/test/confbox: $(B)/obj/test/golden/confbox.o \
    $(foreach r,$(CLI_ROOMS),$(call archive,$(r)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(filter %.a,$^) -Wl,--end-group $(LIBS_engine)

tests: $(B)/test/confbox
