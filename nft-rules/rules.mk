# The text of the tables as a C string literal.
$(B)/gen/skeleton_text.h: nft-rules/skeleton.nft
	@mkdir -p $(@D)
	sed -e 's/[\\"]/\\&/g' -e 's/^/"/' -e 's/$$/\\n"/' $< >$@
$(B)/obj/policy/skeleton.o: $(B)/gen/skeleton_text.h
