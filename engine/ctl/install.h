/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * install: SAs that came over the control socket, into the store.
 *
 * Control thread only.  A pair is installed whole or not at all, the inbound
 * SA first, so that nothing is sent that could not be answered.  Never
 * touches SAs with manual keys: those are the configuration's, and their
 * counters are kept on disk by the supervisor.  The same key is never
 * installed twice: its nonces would repeat.
 */
#ifndef ENGINE_CTL_INSTALL_H
#define ENGINE_CTL_INSTALL_H

#include "engine/client/proto.h"
#include "engine/ctl/shadow.h"
#include "engine/sa/store.h"

/* Ends the connections under a SAID with a peer: another principal speaks for
 * it now.  known: it is known who did before.  0 or -errno: then the pair is
 * refused. */
struct install_cutter {
	int (*cut)(void *ctx, uint32_t said, const struct ipaddr *peer,
		   bool known);
	void *ctx;
};

/* `shadow` is the store's, and knows of the change afterwards.  0 or -errno,
 * with *why a sentence:
 *   -ENOENT      no such association
 *   -EOPNOTSUPP  its keys stand in the configuration
 *   -EINVAL      an address, SPI, algorithm or key that does not fit it
 *   -EEXIST      SPI or key in use, or an SA for this peer and no REPLACE
 *   -ENOSPC      no free slot
 *   -EAGAIN      the configuration is being changed: ask again
 *   other        what the former principal had could not be ended
 * When another principal spoke for the peer before, or may have, its SAs die
 * and its connections are cut before the new SA is there (RFC 5660). */
int install_pair(struct store *store, struct shadow *shadow,
		 const struct install_cutter *cutter,
		 const struct proto_pair *pair, uint64_t now_ms,
		 const char **why);
/* -ENOENT, -EOPNOTSUPP as above. */
int install_delete(struct store *store, struct shadow *shadow,
		   const struct proto_delete *request, const char **why);

#endif
