/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * selector: is this packet what the SA is for?  (RFC 4301 5.2 step 4)
 *
 * Addresses only: ports, protocols and the rest are nft's, which sees every
 * opened packet with its SAID (flow in).  Pure; any thread.
 */
#ifndef ENGINE_SA_SELECTOR_H
#define ENGINE_SA_SELECTOR_H

#include <stdbool.h>

#include "engine/sa/sa.h"

/* Ends of a packet as this host sees them: its own and the peer's address. */
bool selector_matches(const struct sa *sa, const struct ipaddr *local,
		      const struct ipaddr *peer);

#endif
