/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge: opened TCP segments that follow each other, let in as one packet.
 *
 * One worker's thread, between the packets of a batch.  The first one's
 * verdict stays open at the end of the verdicts and takes the payload of those
 * that follow; then they are dropped, for they have arrived with it.  Of one
 * SA, one device, one mark, and of a connection that ends on this host
 * (locals.h) alone: a packet that is forwarded must keep its size.
 */
#ifndef ENGINE_NFQ_MERGE_H
#define ENGINE_NFQ_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_verdict.h"
#include "engine/path/path.h"
#include "engine/wire/tcpmerge.h"

/* Room for an open verdict, and for that which drops the rest. */
#define MERGE_ROOM (TCPMERGE_MAX + NLQ_VERDICT_OCTETS)

struct merge {
	bool is_open;
	struct tcpmerge tcp;
	uint32_t first, last; /* ids */
	uint32_t in, mark, spi;
	uint8_t protocol;
};

/* The packet in m, opened to r at the place of the next verdict, where there
 * is MERGE_ROOM.  False: nothing can be added to it, judge it alone. */
bool merge_begin(struct merge *g, const struct store_head *h,
		 const struct nlq_msg *m, const struct path_result *r,
		 uint8_t *octets);
/* The next one, opened somewhere else.  True: it is a part now. */
bool merge_add(struct merge *g, const struct nlq_msg *m,
	       const struct path_result *r, const uint8_t *octets);
/* Its verdicts, on all of the parts; how many were added to the first. */
unsigned merge_close(struct merge *g, struct nlq_verdict *v);

#endif
