# entropyd: the daemon, and the character device where libfuse3 is there.
LIBS_entropyd := $(call pc,libgcrypt libseccomp) -lcap-ng -lm
$(eval $(call program_rule,entropyd,entropyd/entropyd.c,entropyd policy base,$(LIBS_entropyd)))

# The character device, where libfuse3 is installed.
ifneq ($(call pc,fuse3),)
$(eval $(call program_rule,entropyd-device,entropyd/entropyd_device.c,\
	entropyd base,$(call pc,fuse3) $(LIBS_entropyd)))
endif
