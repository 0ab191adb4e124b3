/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/secret.h"
#include "keyneg/core/ratelimit.h"

int
ratelimit_init(struct ratelimit *r, uint32_t burst, uint32_t per_second)
{
	memset(r, 0, sizeof(*r));
	r->burst = burst;
	r->per_second = per_second;
	return secret_random(&r->secret, sizeof(r->secret));
}

/* Keyed and mixed; the odd multipliers are those of splitmix64. */
static uint32_t
bucket_of(const struct ratelimit *r, const struct ipaddr *a)
{
	uint64_t v;

	memcpy(&v, a->octets, sizeof(v)); /* all of IPv4, the /64 of IPv6 */
	v ^= r->secret + a->family;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((v ^ v >> 31) % RATELIMIT_BUCKETS);
}

bool
ratelimit_take(struct ratelimit *r, const struct ipaddr *source,
	       uint64_t now_ms)
{
	uint32_t i = bucket_of(r, source);
	uint64_t gone_ms = now_ms - r->bucket[i].at_ms;
	uint64_t back =
	    gone_ms > 3600000 ? UINT32_MAX : gone_ms * r->per_second;
	uint32_t used = r->bucket[i].milli;

	used = back >= used ? 0 : used - (uint32_t)back;
	r->bucket[i].at_ms = now_ms;
	r->bucket[i].milli = used;
	if (used + 1000 > r->burst * 1000) {
		r->refused++;
		return false;
	}
	r->bucket[i].milli = used + 1000;
	return true;
}
