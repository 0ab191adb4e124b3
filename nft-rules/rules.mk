# The text of the tables as a C string literal.
$(B)/gen/skeleton_text.h: nft-rules/skeleton.nft nft-rules/rules.mk
	@mkdir -p $(@D)
	{ echo 'static const char skeleton_text[] ='; \
	    sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $<; \
	    echo ';'; } >$@
$(B)/obj/policy/skeleton.o: $(B)/gen/skeleton_text.h
