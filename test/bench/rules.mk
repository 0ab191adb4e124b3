# Programs that the benchmarks compare ours with.
BENCH_BINS := $(patsubst test/bench/%.c,$(B)/test/bench/%,\
	$(wildcard test/bench/*.c))
$(B)/test/bench/%: $(B)/obj/test/bench/%.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< -Wl,--start-group $(TEST_ARCHIVES) \
	    -Wl,--end-group $(LIBS_all)
# Both ends in one program, with the unit tests' Kerberos and a main of our own.
$(B)/obj/test/bench/kink_rate.o: CFLAGS += -Itest/lib/tsan -Itest/unit

.PHONY: bench
bench:
	packaging/install-deps build demo kerberos bench
	$(MAKE) all $(BENCH_BINS)
	test/bench/bench $(BENCH_ARGS)
	test/bench/bench_entropy
	$(B)/test/bench/kink_rate
	test/bench/bench_keyneg
	test/bench/bench_sa
	test/bench/bench_rules
	test/bench/bench_broker
