# Manual pages: man/NAME.SECTION.scd becomes build/man/NAME.SECTION.
MAN_PAGES := $(patsubst man/%.scd,$(B)/man/%,$(wildcard man/*.scd))
$(B)/man/%: man/%.scd
	@mkdir -p $(@D)
	scdoc <$< >$@

.PHONY: man
man: $(MAN_PAGES)
