/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "engine/path/locals.h"

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Never 0: that is an empty place. */
static uint64_t
hash_of(const struct ipaddr *here, const struct ipaddr *there, uint16_t port,
	uint16_t other)
{
	uint32_t a, b;

	memcpy(&a, here->octets, sizeof(a));
	memcpy(&b, there->octets, sizeof(b));
	return mix(mix(1, (uint64_t)a << 32 | b),
		   (uint64_t)port << 16 | other) |
	       1;
}

static unsigned
place_of(uint64_t hash)
{
	return (unsigned)(hash >> 32) % STORE_LOCAL_FLOWS;
}

void
locals_see(struct store_head *h, const struct ip4 *ip, const struct tcp *tcp,
	   bool is_local)
{
	uint64_t hash = hash_of(&ip->src, &ip->dst, tcp->sport, tcp->dport);
	_Atomic uint64_t *at = &h->local_flows[place_of(hash)];
	bool is_there = atomic_load_explicit(at, memory_order_relaxed) == hash;

	/* Asked first: the line is not written to for every packet. */
	if (is_there != is_local)
		atomic_store_explicit(at, is_local ? hash : 0,
				      memory_order_relaxed);
}

bool
locals_has(const struct store_head *h, const struct ip4 *ip,
	   const struct tcp *tcp)
{
	uint64_t hash = hash_of(&ip->dst, &ip->src, tcp->dport, tcp->sport);

	return atomic_load_explicit(&h->local_flows[place_of(hash)],
				    memory_order_relaxed) == hash;
}
