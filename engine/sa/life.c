/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/life.h"

static bool
time_over(const struct sa *sa, uint64_t secs, uint64_t now_ms)
{
	return secs != 0 && now_ms > sa->installed_ms &&
	       (now_ms - sa->installed_ms) / 1000 >= secs;
}

/* Would `octets` and `packets` in all be more than the limits allow? */
static bool
hard_over(const struct sa *sa, uint64_t octets, uint64_t packets)
{
	const struct sa_limits *l = &sa->limits;

	return (l->hard_octets != 0 && octets > l->hard_octets) ||
	       (l->hard_packets != 0 && packets > l->hard_packets);
}

static enum life_state
soft(struct sa *sa, uint64_t octets, uint64_t packets, uint64_t now_ms)
{
	const struct sa_limits *l = &sa->limits;

	if (!((l->soft_octets != 0 && octets >= l->soft_octets) ||
	      (l->soft_packets != 0 && packets >= l->soft_packets) ||
	      time_over(sa, l->soft_secs, now_ms)))
		return LIFE_OK;
	if ((atomic_load_explicit(&sa->flags_live, memory_order_relaxed) &
	     SA_FLAG_SOFT_TOLD) != 0)
		return LIFE_OK;
	/* Of several threads here one tells. */
	if ((atomic_fetch_or(&sa->flags_live, SA_FLAG_SOFT_TOLD) &
	     SA_FLAG_SOFT_TOLD) != 0)
		return LIFE_OK;
	return LIFE_SOFT;
}

enum life_state
life_use(struct sa *sa, uint32_t octets, uint64_t now_ms)
{
	uint64_t all_octets =
	    atomic_load_explicit(&sa->octets, memory_order_relaxed) + octets;
	uint64_t all_packets =
	    atomic_load_explicit(&sa->packets, memory_order_relaxed) + 1;

	/* Asked first, so that what is refused is not counted. */
	if (time_over(sa, sa->limits.hard_secs, now_ms) ||
	    hard_over(sa, all_octets, all_packets))
		return LIFE_HARD;
	all_octets = atomic_fetch_add_explicit(&sa->octets, octets,
					       memory_order_relaxed) +
		     octets;
	all_packets =
	    atomic_fetch_add_explicit(&sa->packets, 1, memory_order_relaxed) +
	    1;
	atomic_store_explicit(&sa->last_used_ms, now_ms, memory_order_relaxed);
	if (hard_over(sa, all_octets, all_packets))
		return LIFE_HARD;
	return soft(sa, all_octets, all_packets, now_ms);
}

enum life_state
life_check(struct sa *sa, uint64_t now_ms)
{
	uint64_t octets =
	    atomic_load_explicit(&sa->octets, memory_order_relaxed);
	uint64_t packets =
	    atomic_load_explicit(&sa->packets, memory_order_relaxed);

	if (time_over(sa, sa->limits.hard_secs, now_ms) ||
	    hard_over(sa, octets, packets))
		return LIFE_HARD;
	return soft(sa, octets, packets, now_ms);
}
