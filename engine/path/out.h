/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * out: seals one packet: IPv4 in, the same packet under ESP out.
 *
 * RFC 4303 3.3, transport mode: the ESP header goes between the IP header and
 * what follows it.  Worker threads, through path.h.  Never returns anything
 * but a drop for a packet that could not be sealed.  A train of TCP segments
 * is sealed segment by segment, under numbers that were taken in one go.
 *
 *   pkt:  | IP | payload                            |
 *   dst:  | IP | SPI seq | IV | payload pad | ICV   |
 *                              `--- encrypted --'
 */
#ifndef ENGINE_PATH_OUT_H
#define ENGINE_PATH_OUT_H

#include "engine/path/path.h"

/* Each fills r; returns with action DROP and its reason, not counted yet. */
void out_create(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
		uint64_t now_ms, uint8_t *dst, size_t cap,
		struct path_result *r);
void out_train(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	       uint64_t now_ms, const struct path_sink *sink,
	       struct path_result *r);
/* Would a packet to peer find an SA, or both of a bundle? */
bool out_has_layers(const struct path *p, uint32_t said,
		    const struct ipaddr *peer);

#endif
