/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * life: how long an SA may be used: seconds, octets, packets; soft and hard.
 *
 * RFC 4301 4.4.2.1: time and octets together, the first to come counts.  Any
 * thread; counters are in the store.  Octets are those of the packet inside,
 * from its IP header on.  Never frees a slot.
 */
#ifndef ENGINE_SA_LIFE_H
#define ENGINE_SA_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/sa.h"

enum life_state {
	LIFE_OK,
	LIFE_SOFT, /* first time over a soft limit: tell control, go on */
	LIFE_HARD, /* over: not to be used */
};

/* Counts one packet, unless the SA is over. */
enum life_state life_use(struct sa *sa, uint32_t octets, uint64_t now_ms);
/* The same question without a packet, for a walk over idle SAs. */
enum life_state life_check(struct sa *sa, uint64_t now_ms);

#endif
