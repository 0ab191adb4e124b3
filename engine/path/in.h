/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * in: opens one packet: IPv4 under ESP in, the packet that was sealed out.
 *
 * RFC 4303 3.4.  Worker threads, through path.h.  Never writes to an SA before
 * the ICV was found good (but counters of what was refused), never reads an
 * opened octet before that either.  What it can't know is left to the kernel:
 * PATH_ACCEPT, no SAID.
 */
#ifndef ENGINE_PATH_IN_H
#define ENGINE_PATH_IN_H

#include "engine/path/path.h"

/* Fills r; returns with action DROP and its reason, not counted yet. */
void in_consume(struct path *p, struct pkt *pkt, uint64_t now_ms, uint8_t *dst,
		size_t cap, struct path_result *r);

#endif
