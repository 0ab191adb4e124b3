/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: the start-up's proof that the rules bite.
 *
 * Sends packets of its own through the tables and asks the engine's counters
 * whether they arrived where they must:
 *   seal-tcp, seal   TCP and UDP with the mark PROBE towards 127.0.0.1
 *   decap            ESP with an SPI of 1-255 and the token, to 127.0.0.1
 * Both end at the engine's verdict.  (Over IPv4 alone: the rules are the same
 * ones for both families, and the counters do not tell them apart.)  One more
 * goes towards each peer that is one address, ESP marked DONE: it must pass
 * the OUTPUT and POSTROUTING rules of others, and our rule behind them drops
 * and counts it; if it does not come so far, nft's trace tells whose rule it
 * was.  Nothing leaves the host.  Then the flows are read back.
 *
 * The supervisor's, one thread; never blocks for more than a few system calls:
 *
 *	probe_start(&pr, table, policy, token, seen, arg)
 *	every 20 ms: probe_step(pr, now_ms, &why)
 *	    -EAGAIN go on; 0 proven; else refuse to report ready, and say why
 *	probe_free(pr)
 */
#ifndef ENGINE_DIVERT_PROBE_H
#define ENGINE_DIVERT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/divert/table.h"

#define PROBE_TOKEN_OCTETS 16
#define PROBE_LIMIT_MS     3000 /* probe_step gives up after this */

struct probe;

/* Has the engine seen a probe in a queue of this kind since probe_start?  The
 * caller remembers what the counters were. */
typedef bool probe_seen_fn(void *arg, enum nftgen_queue kind);

int probe_start(struct probe **out, struct table *t, const struct policy *p,
		const uint8_t token[PROBE_TOKEN_OCTETS], probe_seen_fn *seen,
		void *arg);
/* `why` lists everything that was not proven, a line each.  A table of others
 * that blocks injected packets is a warning, not an error: 0 with text in
 * `warning`, because packets that are sealed in place still pass. */
int probe_step(struct probe *pr, uint64_t now_ms, struct table_why *why,
	       struct table_why *warning);
void probe_free(struct probe *pr);

#endif
