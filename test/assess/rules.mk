# The estimators of SP 800-90B and the synthetic sources that validate them.
ASSESS_OBJS := $(patsubst %.c,$(B)/obj/%.o,$(addprefix test/assess/,assess.c \
	counting.c tuples.c predict.c windows.c models.c))
$(B)/test/assess/assess: $(ASSESS_OBJS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lm
$(B)/test/assess/noisegen: $(B)/obj/test/assess/noisegen.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^
# Raw samples under entropyd's own health tests.
$(B)/test/assess/alarms: $(B)/obj/test/assess/alarms.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(TEST_ARCHIVES) -Wl,--end-group $(LIBS_all) -lm
test-programs: $(B)/test/assess/alarms
test-programs: $(B)/test/assess/assess $(B)/test/assess/noisegen
