# entropyd: the daemon, and the character device where libfuse3 is there.
LIBS_entropyd := $(call pc,libgcrypt libseccomp) -lcap-ng -lm
$(eval $(call program_rule,entropyd,entropyd/entropyd.c,entropyd base,$(LIBS_entropyd)))
