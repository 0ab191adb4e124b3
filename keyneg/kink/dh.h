/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dh: the key exchange of the KE payload: MODP groups 14 to 16 (RFC 3526) and
 * Curve25519 (RFC 7748).
 *
 * A struct dh owns a secret from dh_new to dh_free, which wipes it.  Any
 * thread, each with its own.  Never accepts a peer's value that makes the
 * result known to outsiders: 0, 1, p - 1, the low-order points.
 */
#ifndef KEYNEG_KINK_DH_H
#define KEYNEG_KINK_DH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DH_OCTETS_MAX 512

/* Group Description values (RFC 2409 appendix A, RFC 3526); Curve25519 has
 * none for IKEv1: 0x8000 and IKEv2's 31, in the private range. */
enum dh_group {
	DH_GROUP_NONE = 0,
	DH_GROUP_MODP2048 = 14,
	DH_GROUP_MODP3072 = 15,
	DH_GROUP_MODP4096 = 16,
	DH_GROUP_CURVE25519 = 0x801f,
};

struct dh;

bool dh_group_known(uint16_t group);
const char *dh_group_name(uint16_t group);
/* Octets of a public value and of the shared secret; 0: unknown group. */
size_t dh_octets(uint16_t group);
/* A fresh secret and its public value, dh_octets long.  NULL: no memory. */
struct dh *dh_new(uint16_t group, uint8_t public[DH_OCTETS_MAX]);
/* The shared secret, padded with zeros in front to the group's length
 * (RFC 2409 section 5).  -EBADMSG for a value of the wrong length or kind. */
int dh_shared(const struct dh *d, const void *peer, size_t n,
	      uint8_t out[DH_OCTETS_MAX]);
void dh_free(struct dh *d);

#endif
