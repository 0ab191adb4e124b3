# install and the Debian packages.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
.PHONY: install deb
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(filter %/bin/nfipsec,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(filter-out %/bin/nfipsec,$(PROGRAMS)) \
	    $(DESTDIR)$(PREFIX)/sbin
	install -D -m 644 $(B)/lib/libnfipsec.so.0 \
	    $(DESTDIR)$(LIBDIR)/libnfipsec.so.0
	ln -sf libnfipsec.so.0 $(DESTDIR)$(LIBDIR)/libnfipsec.so
	install -D -m 644 engine/client/nfipsec.h \
	    $(DESTDIR)$(PREFIX)/include/nfipsec.h
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig
	sed -e 's,@PREFIX@,$(PREFIX),; s,@LIBDIR@,$(LIBDIR),' \
	    -e 's,@VERSION@,$(VERSION),' engine/client/nfipsec.pc.in \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/nfipsec.pc
	install -D -m 644 packaging/completion/nfipsec \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nfipsec
	install -d $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	sed -e 's,@BASH_COMPLETION@,$(PREFIX)/share/bash-completion/completions/nfipsec,' \
	    packaging/completion/_nfipsec \
	    >$(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_nfipsec
	chmod 644 $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_nfipsec
	set -e; for f in $$(cd packaging/examples && echo README */*); do \
	    install -D -m 644 packaging/examples/$$f \
	    $(DESTDIR)$(PREFIX)/share/doc/nfipsec/examples/$$f; done
	set -e; for page in $(MAN_PAGES); do section=$${page##*.}; \
	    install -D -m 644 $$page \
	    $(DESTDIR)$(PREFIX)/share/man/man$$section/$${page##*/}; done

# From the committed tree, so that two builds of a commit are the same.
deb:
	packaging/install-deps build deb
	packaging/build-deb $(B)/deb
