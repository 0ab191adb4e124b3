# The builder of the packet path's corpora.  `make corpus-packet` writes them
# anew; they are committed.
$(B)/test/gen_packet: $(B)/obj/test/fuzz/gen_packet.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(TEST_ARCHIVES) -Wl,--end-group $(LIBS_all)

test-programs: $(B)/test/gen_packet

.PHONY: corpus-packet
corpus-packet: $(B)/test/gen_packet
	$(B)/test/gen_packet test/corpus
