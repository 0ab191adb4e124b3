/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * locals: TCP connections that end on this host, as far as they were seen.
 *
 * What comes for one of our addresses may be somebody else's: address
 * translation forwards it.  A connection is this host's own when this host
 * itself sends on it, and that is seen in the seal queues: the kernel names
 * the device by which a forwarded packet came, and none for one of its own.
 *
 * A table of hashes in the store, any thread.  Never certain of a "no": two
 * connections in one place displace each other, and then segments are not
 * merged.
 */
#ifndef ENGINE_PATH_LOCALS_H
#define ENGINE_PATH_LOCALS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/store.h"
#include "engine/wire/ip.h"
#include "engine/wire/tcp.h"

/* An outbound packet: of this host, or forwarded. */
void locals_see(struct store_head *h, const struct ip4 *ip,
		const struct tcp *tcp, bool is_local);
/* Is an inbound packet of such a connection? */
bool locals_has(const struct store_head *h, const struct ip4 *ip,
		const struct tcp *tcp);

#endif
