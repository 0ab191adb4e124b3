/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peers: who last spoke for an address under a SAID.
 *
 * Lies in the store, so that it outlives the engine, and outlives the SAs that
 * it learnt from: a connection may be idle for longer than any SA lives, and
 * must not go on with another principal (RFC 5660 section 2.1).  Of a name
 * only a digest is kept.  A bounded table: what it had to forget is unknown,
 * and the caller takes that as another.  Nobody who has a live SA is ever
 * forgotten, else the connections of a peer would end at its next rekey.
 *
 * Written by the control thread alone, read by it too.  Never allocates.
 */
#ifndef ENGINE_SA_PEERS_H
#define ENGINE_SA_PEERS_H

#include <stdint.h>

#include "engine/sa/store.h"

enum peers_who {
	PEERS_UNKNOWN, /* nobody that is remembered */
	PEERS_SAME,
	PEERS_OTHER,
};

/* Was it this principal ("" for one without a name) that spoke last? */
enum peers_who peers_ask(const struct store *s, uint32_t said,
			 const struct ipaddr *peer, const char *principal);
/* Where peers_learn writes; NULL: each place that it may have is that of
 * somebody who has a live SA. */
struct store_peer *peers_place(const struct store *s, uint32_t said,
			       const struct ipaddr *peer);
void peers_learn(struct store_peer *place, uint32_t said,
		 const struct ipaddr *peer, const char *principal);

#endif
