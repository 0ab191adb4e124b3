/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * said: SAIDs and the packet marks that carry them.
 *
 * Pure; any thread.  A SAID lies in the bits of said-mask, lowest bit first;
 * the other bits of a mark belong to others and are kept.
 */
#ifndef POLICY_SAID_H
#define POLICY_SAID_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

/* One run of bits, at least two: SAIDs need DONE and PROBE beside them. */
bool said_mask_good(uint32_t mask);
/* The bits of the mark that say `said`; said must fit into the mask. */
uint32_t said_to_mark(const struct policy_options *o, uint32_t said);
/* What the mark carries, a SAID or not. */
uint32_t said_from_mark(const struct policy_options *o, uint32_t mark);
/* All ones of the mask, as a SAID: what the engine has finished. */
uint32_t said_done(const struct policy_options *o);
/* One less: the engine's own test packet. */
uint32_t said_probe(const struct policy_options *o);
bool said_in_range(const struct policy_options *o, uint32_t said);
bool said_is_dynamic(const struct policy_options *o, uint32_t said);
/* Could a mark with some SAID of the range in it satisfy
 * (mark & mask) == value?  For `ip rule`s and fwmarks of others.  False when
 * the mask looks at none of our bits.  *said is the lowest such SAID. */
bool said_meets(const struct policy_options *o, uint32_t value, uint32_t mask,
		uint32_t *said);

#endif
