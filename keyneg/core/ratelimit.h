/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ratelimit: how much one source may ask before it has proven anything.
 *
 * A fixed table of token buckets, by IPv4 address or IPv6 /64, under a keyed
 * hash; two sources that fall on one bucket share it, so the memory never
 * grows.  One thread.  Time is a parameter.
 */
#ifndef KEYNEG_CORE_RATELIMIT_H
#define KEYNEG_CORE_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ipaddr.h"

enum { RATELIMIT_BUCKETS = 4096 };

struct ratelimit {
	uint32_t burst;      /* at once */
	uint32_t per_second; /* after that */
	uint64_t secret;     /* of the hash */
	uint64_t refused;
	struct {
		uint64_t at_ms;
		uint32_t milli; /* thousandths of a token used up */
	} bucket[RATELIMIT_BUCKETS];
};

/* 0 or -errno (no randomness). */
int ratelimit_init(struct ratelimit *r, uint32_t burst, uint32_t per_second);
/* False: this one is refused, and counted. */
bool ratelimit_take(struct ratelimit *r, const struct ipaddr *source,
		    uint64_t now_ms);

#endif
