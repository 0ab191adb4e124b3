/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pmtu: how large a packet may be so that it still fits when sealed.
 *
 * State is in the SA's slot; time is a parameter; any thread.  Never believes
 * a router's word below PMTU_FLOOR or above what it knows already, never for
 * longer than PMTU_AGE_MS (RFC 1191 6.3).
 *
 * Told: once a local sender was told "fragmentation needed", the kernel
 * remembers the MTU of packets *before* sealing for the destination, and
 * would drop sealed packets with DF that are larger (with an ICMP error to
 * nobody).  For as long as it remembers, such packets are sent without DF.
 */
#ifndef ENGINE_PATH_PMTU_H
#define ENGINE_PATH_PMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/crypto/suite.h"
#include "engine/sa/sa.h"

#define PMTU_FLOOR   576u
#define PMTU_DEFAULT 1500u
#define PMTU_AGE_MS  (10u * 60 * 1000)
/* net.ipv4.route.mtu_expires, and some more */
#define PMTU_TOLD_MS (11u * 60 * 1000)

/* What sealing adds. */
struct pmtu_cost {
	struct suite_sizes esp; /* block 0: no ESP */
	unsigned ah_octets;     /* of the AH header; 0: no AH */
};

/* Octets of the sealed packet for one of `header` octets of IP header and
 * `payload` octets behind it (RFC 4303 2.4). */
uint32_t pmtu_sealed(struct pmtu_cost c, uint32_t header, uint32_t payload);
/* The longest packet that is `mtu` or less when sealed; at least the header. */
uint32_t pmtu_inner(struct pmtu_cost c, uint32_t header, uint32_t mtu);
/* The device's MTU, less if the path is known to be narrower. */
uint32_t pmtu_effective(const struct sa *sa, uint32_t device, uint64_t now_ms);
/* A router says so about a packet of this SA.  True when it was news. */
bool pmtu_learn(struct sa *sa, uint32_t mtu, uint32_t device, uint64_t now_ms);
/* A TCP segment; the MSS of a SYN becomes what fits when sealed. */
void pmtu_lower_mss(uint8_t *tcp, size_t len, struct pmtu_cost c, uint32_t mtu);
/* What was learnt about the way and the peer, for the SA that follows. */
void pmtu_inherit(struct sa *sa, struct sa *before);
void pmtu_tell(struct sa *sa, uint64_t now_ms);
bool pmtu_told(const struct sa *sa, uint64_t now_ms);

#endif
