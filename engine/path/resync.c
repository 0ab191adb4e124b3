/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/path/resync.h"

bool
resync_due(struct sa *sa)
{
	uint32_t failures;

	if ((sa->flags & SA_FLAG_ESN) == 0)
		return false;
	failures = atomic_fetch_add_explicit(&sa->icv_failures, 1,
					     memory_order_relaxed);
	return (failures + 1) % RESYNC_EVERY == 0;
}

void
resync_reset(struct sa *sa)
{
	/* Asked first: the line is not written to for every packet. */
	if (atomic_load_explicit(&sa->icv_failures, memory_order_relaxed) != 0)
		atomic_store_explicit(&sa->icv_failures, 0,
				      memory_order_relaxed);
}

bool
resync_next(uint64_t *seq)
{
	if (*seq >> 32 == UINT32_MAX)
		return false;
	*seq += 1ull << 32;
	return true;
}
