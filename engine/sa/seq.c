/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/seq.h"

bool
seq_take(struct sa *sa, uint32_t n, uint64_t *first)
{
	uint64_t limit =
	    atomic_load_explicit(&sa->seq_limit, memory_order_acquire);
	uint64_t next =
	    atomic_load_explicit(&sa->seq_next, memory_order_relaxed);

	/* Asked first, so that a used-up counter stays where it is.  Number 0
	 * is never sent (RFC 4303 3.3.3): a slot that nobody set up has none
	 * to give. */
	if (next == 0 || next >= limit || limit - next < n)
		return false;
	next =
	    atomic_fetch_add_explicit(&sa->seq_next, n, memory_order_relaxed);
	if (next >= limit || limit - next < n)
		return false;
	*first = next;
	return true;
}

bool
seq_iv_counter(const struct sa *sa, uint64_t seq, uint64_t *counter)
{
	uint64_t low;

	if (sa->iv_start == 0) {
		*counter = seq;
		return true;
	}
	low = seq - sa->seq_base;
	if (seq < sa->seq_base || low >> SA_IV_LOW_BITS != 0)
		return false;
	*counter = sa->iv_start | low;
	return true;
}
