# Programs that tests of the tables drive, without an engine.
$(B)/test/net/divert_driver: $(B)/obj/test/net/divert_driver.o \
    $(B)/obj/test/net/fake_engine.o $(call archive,engine/divert) \
    $(call archive,policy) $(call archive,base)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(filter %.a,$^) -Wl,--end-group \
	    $(call pc,libnftables libnftnl libmnl libnetfilter_queue libgcrypt)
test-programs: $(B)/test/net/divert_driver

# A death in the middle of a write.
$(B)/test/net/half_policy: $(B)/obj/test/net/half_policy.o \
    $(call archive,engine/sa) $(call archive,base)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group \
	    $(filter %.a,$^) -Wl,--end-group $(call pc,libgcrypt)
test-programs: $(B)/test/net/half_policy

# Another client of a Kerberos realm, and a wrong clock, for keynegd's tests.
$(B)/test/net/krb_forge: $(B)/obj/test/net/krb_forge.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(call pc,krb5)
$(B)/test/net/clock_off.so: test/net/clock_off.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ $<
test-programs: $(B)/test/net/krb_forge $(B)/test/net/clock_off.so
