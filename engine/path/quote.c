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

/* SPI and sequence number of what is quoted.  RFC 4302 2: AH has them in its
 * second and third word, and routers of before RFC 1812 quote only two. */
static bool
read_head(const struct icmp_error *e, uint32_t *spi, uint32_t *seq)
{
	bool ah = e->protocol == IP_AH;

	if (e->protocol != IP_ESP && !(ah && e->has_third))
		return false;
	*spi = e->word[ah ? 1 : 0];
	*seq = e->word[ah ? 2 : 1];
	return true;
}

bool
quote_consume(struct path *p, const struct pkt *pkt, const uint8_t *icmp,
	      size_t len, uint64_t now_ms)
{
	struct icmp_error e;
	struct sad_hit hit;
	uint32_t spi, seq;

	if (!icmp_parse_error(icmp, len, &e) || !read_head(&e, &spi, &seq) ||
	    !sad_out_spi(p->table, e.protocol, spi, &e.dst, &hit) ||
	    !selector_matches(hit.sa, &e.src, &e.dst) ||
	    !is_recent(hit.sa, seq))
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
