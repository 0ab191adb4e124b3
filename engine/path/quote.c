/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/path/pmtu.h"
#include "engine/path/quote.h"
#include "engine/sa/selector.h"
#include "engine/wire/icmp.h"

/* Was the number with these low 32 bits among the last ones sent? */
static bool
is_recent(const struct sa *sa, uint32_t low)
{
	uint64_t next =
	    atomic_load_explicit(&sa->seq_next, memory_order_relaxed);
	uint32_t behind = (uint32_t)next - 1 - low;

	return behind < QUOTE_RECENT && behind < next - 1;
}

bool
quote_consume(struct path *p, const struct pkt *pkt, const uint8_t *icmp,
	      size_t len, uint64_t now_ms)
{
	struct icmp_error e;
	struct sad_hit hit;

	if (!icmp_parse_error(icmp, len, &e) || e.protocol != IP_ESP ||
	    !sad_out_spi(p->table, IP_ESP, e.word[0], &e.dst, &hit) ||
	    !selector_matches(hit.sa, &e.src, &e.dst) ||
	    !is_recent(hit.sa, e.word[1]))
		return false;
	if (!e.fragmentation_needed)
		return true;
	/* Over lo it is our own kernel, which names the MTU that it remembers
	 * of packets before sealing: not the path's. */
	if (pkt->in == PKT_LOOPBACK)
		pmtu_tell(hit.sa, now_ms);
	else
		pmtu_learn(hit.sa, e.mtu, pkt->mtu, now_ms);
	return true;
}
