/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frag: cuts an IPv4 packet into fragments (RFC 791 3.2).
 *
 * Pure; any thread.  Each fragment is made in the packet's own octets, its
 * header over the end of what the fragment before it held: it is good until
 * frag_next is called again, and the packet is gone when the first was made.
 */
#ifndef ENGINE_WIRE_FRAG_H
#define ENGINE_WIRE_FRAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/wire/ip.h"

struct frag {
	uint8_t *octets; /* the fragment */
	size_t len;
	struct ip4 ip; /* of the packet */
	uint8_t header[IP_HEADER_MIN];
	uint8_t *packet;
	size_t at, each; /* octets of payload */
};

/* False: it has options, is a fragment or must not be one (DF), or the MTU is
 * too small for anything. */
bool frag_begin(struct frag *f, uint8_t *packet, size_t len, uint32_t mtu);
/* False: that was the last. */
bool frag_next(struct frag *f);

#endif
