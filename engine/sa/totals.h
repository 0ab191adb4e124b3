/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * totals: what SAs that are gone had counted, by association.
 *
 * A counter that somebody watches must not fall when an SA is replaced.  So a
 * slot that is released adds its packets and octets to its association's, by
 * name, in the store.  Whoever sums up what there is and what was asks before
 * and behind whether a slot was released meanwhile, and does it again then.
 * An engine that dies in the middle may have one SA counted twice, none not at
 * all.  Of STORE_TOTALS names; a later one's gone SAs are not counted.
 *
 * Any thread.  Never allocates.
 */
#ifndef ENGINE_SA_TOTALS_H
#define ENGINE_SA_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/store.h"

struct totals {
	uint64_t packets[2], octets[2]; /* enum sa_direction */
};

/* For store_release alone, around what it does. */
void totals_keep(struct store *s, const struct sa *sa);
void totals_kept(struct store *s);

/* A reader's walk: what it has read is of one moment if this number is the
 * same behind it and totals_settled says so. */
uint32_t totals_begin(const struct store *s);
bool totals_settled(const struct store *s, uint32_t begun);
/* Adds what is gone of this association. */
void totals_add(const struct store *s, const char *association,
		struct totals *to);

#endif
