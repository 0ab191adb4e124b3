/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/said.h"

static unsigned
shift(uint32_t mask)
{
	return mask == 0 ? 0 : (unsigned)__builtin_ctz(mask);
}

bool
said_mask_good(uint32_t mask)
{
	uint32_t run = mask >> shift(mask);

	return run >= 3 && (run & (run + 1)) == 0;
}

uint32_t
said_to_mark(const struct policy_options *o, uint32_t said)
{
	return said << shift(o->said_mask) & o->said_mask;
}

uint32_t
said_from_mark(const struct policy_options *o, uint32_t mark)
{
	return (mark & o->said_mask) >> shift(o->said_mask);
}

uint32_t
said_done(const struct policy_options *o)
{
	return o->said_mask >> shift(o->said_mask);
}

uint32_t
said_probe(const struct policy_options *o)
{
	return said_done(o) - 1;
}

bool
said_in_range(const struct policy_options *o, uint32_t said)
{
	return said >= o->said_first && said <= o->said_last;
}

bool
said_is_dynamic(const struct policy_options *o, uint32_t said)
{
	return said >= o->dynamic_first && said <= o->dynamic_last;
}

/* The least v >= low with (v & mask) == value.  It shares low's upper bits
 * down to some bit, has that bit where low has none, and below it only what
 * value asks for: 33 candidates. */
static bool
least_match(uint32_t low, uint32_t value, uint32_t mask, uint32_t *out)
{
	bool found = (low & mask) == value;
	uint32_t least = low;

	for (unsigned i = 0; i < 32; i++) {
		uint32_t bit = 1u << i;
		uint32_t v = (low & ~(bit - 1)) | bit | (value & (bit - 1));

		if ((low & bit) != 0 || (v & mask) != value)
			continue;
		if (!found || v < least)
			least = v;
		found = true;
	}
	*out = least;
	return found;
}

bool
said_meets(const struct policy_options *o, uint32_t value, uint32_t mask,
	   uint32_t *said)
{
	if ((mask & o->said_mask) == 0)
		return false;
	return least_match(o->said_first, said_from_mark(o, value & mask),
			   said_from_mark(o, mask), said) &&
	       *said <= o->said_last;
}
