/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * info: SAs of the control protocol, taken together as what protects a peer.
 *
 * Pure; any thread.
 */
#ifndef ENGINE_CLIENT_INFO_H
#define ENGINE_CLIENT_INFO_H

#include <stdbool.h>

#include "engine/client/nfipsec.h"
#include "engine/client/proto.h"

/* One more SA of the same SAID and peer; *mixed begins as false and is true
 * once inbound SAs of two principals were seen. */
void info_take(struct nfipsec_info *info, const struct proto_sa *sa,
	       bool *mixed);
/* Behind the last one: a principal that is not the only one is none. */
void info_end(struct nfipsec_info *info, bool mixed);

#endif
