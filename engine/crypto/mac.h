/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mac: a keyed integrity algorithm over scattered octets.
 *
 * HMAC, AES-CMAC, AES-GMAC and the keyed MD5 of RFC 1828 behind one
 * interface: begin, any number of adds, then end.  Owns its handles and, for
 * keyed MD5, the key.  One thread at a time.  The first error sticks and
 * comes out at the end, so that a caller asks once.
 */
#ifndef ENGINE_CRYPTO_MAC_H
#define ENGINE_CRYPTO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/historic.h"

#define MAC_ICV_MAX 64 /* octets before it is cut short: HMAC-SHA2-512 */

struct mac {
	enum algo algo;             /* ALGO_NONE: not open */
	struct gcry_mac_handle *hd; /* HMAC, CMAC */
	struct aead gmac;
	struct historic_md5 md5;
	bool failed;
};

/* key without its salt, of the length that algo.h gives; for keyed MD5 of 1 to
 * HISTORIC_MD5_KEY_MAX octets.  0 or -errno. */
int mac_init(struct mac *m, enum algo algo, const uint8_t *key,
	     size_t key_octets);
void mac_fini(struct mac *m);
/* nonce: 12 octets for GMAC, else unused. */
void mac_begin(struct mac *m, const uint8_t *nonce);
void mac_add(struct mac *m, const uint8_t *octets, size_t len);
/* The first icv_octets of the result.  0 or -EIO. */
int mac_end(struct mac *m, uint8_t *icv, size_t icv_octets);

#endif
