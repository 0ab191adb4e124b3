/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/grace.h"

/*
 * All operations are sequentially consistent.  A reader stores `seen`, then
 * loads the pointer; a writer swaps the pointer, raises the epoch, then loads
 * `seen`.  If the writer sees "outside" or an older epoch's absence, the
 * reader's store comes later in the one order, and so its load of the pointer
 * finds the new thing.
 */

void
grace_init(struct grace *g)
{
	atomic_store(&g->epoch, 1);
	for (unsigned r = 0; r < GRACE_READERS_MAX; r++)
		atomic_store(&g->readers[r].seen, 0);
}

void
grace_enter(struct grace *g, unsigned reader)
{
	atomic_store(&g->readers[reader].seen, atomic_load(&g->epoch));
}

void
grace_leave(struct grace *g, unsigned reader)
{
	atomic_store_explicit(&g->readers[reader].seen, 0,
			      memory_order_release);
}

uint64_t
grace_retire(struct grace *g)
{
	return atomic_fetch_add(&g->epoch, 1) + 1;
}

bool
grace_passed(struct grace *g, uint64_t ticket)
{
	for (unsigned r = 0; r < GRACE_READERS_MAX; r++) {
		uint64_t seen = atomic_load(&g->readers[r].seen);

		if (seen != 0 && seen < ticket)
			return false;
	}
	return true;
}
