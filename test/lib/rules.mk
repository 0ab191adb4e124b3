# Programs that tests run: they stand in for a part of the real thing.
$(B)/test/lib/ctl_fake: $(B)/obj/test/lib/ctl_fake.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(TEST_ARCHIVES) -Wl,--end-group $(LIBS_all)

$(B)/test/espbox: $(B)/obj/test/lib/espbox.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(TEST_ARCHIVES) -Wl,--end-group $(LIBS_all)

test-programs: $(B)/test/lib/ctl_fake $(B)/test/espbox

# Between entropyd and the kernel's clocks and generator.
$(B)/test/lib/kernel_shim.so: test/lib/kernel_shim.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ $<
test-programs: $(B)/test/lib/kernel_shim.so
