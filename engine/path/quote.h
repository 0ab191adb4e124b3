/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quote: an ICMP error that quotes a packet we may have sealed, ESP or AH.
 *
 * RFC 4301 8.2.1: whoever sends one is not authenticated.  So it is believed
 * only about a live outbound SA whose SPI and both addresses it quotes, with a
 * sequence number among the last QUOTE_RECENT handed out, and then only as far
 * as pmtu.h goes.  Worker threads, through in.c.
 */
#ifndef ENGINE_PATH_QUOTE_H
#define ENGINE_PATH_QUOTE_H

#include <stdbool.h>

#include "engine/path/path.h"

#define QUOTE_RECENT 65536u

/* `icmp` is the message behind the IP header of pkt.  True: about a packet of
 * ours, and dealt with. */
bool quote_consume(struct path *p, const struct pkt *pkt, const uint8_t *icmp,
		   size_t len, uint64_t now_ms);

#endif
