# The program that the vector tests ask: engine/crypto behind a line protocol.
$(B)/test/vectorbox: $(B)/obj/test/vector/vectorbox.o \
    $(call archive,engine/crypto) $(call archive,base)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(filter %.a,$^) -Wl,--end-group $(LIBS_engine)

test-programs: $(B)/test/vectorbox
