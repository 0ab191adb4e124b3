/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cipher: encryption without integrity: AES-CBC, AES-CTR, DES-CBC of RFC
 * 1829, and null.
 *
 * Owns its libgcrypt handles.  One thread at a time.  Only suite may use it,
 * behind or before a MAC.  Knows the IV as it stands on the wire and makes of
 * it what the mode wants.
 */
#ifndef ENGINE_CRYPTO_CIPHER_H
#define ENGINE_CRYPTO_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"

#define CIPHER_SALT_OCTETS 4 /* RFC 3686 4: the nonce behind the key */

struct cipher {
	const struct algo_info *info;     /* NULL: not open */
	struct gcry_cipher_handle *hd;    /* NULL for null */
	struct gcry_cipher_handle *iv_hd; /* CBC: makes IVs */
	uint8_t salt[CIPHER_SALT_OCTETS];
};

/* key: with its salt behind it.  0 or -errno. */
int cipher_init(struct cipher *c, enum algo algo, const uint8_t *key,
		size_t key_octets);
void cipher_fini(struct cipher *c);
/* iv_octets of the algorithm, different for every counter.  0 or -EIO. */
int cipher_make_iv(struct cipher *c, uint64_t counter, uint8_t *iv);
/* len: a multiple of the block; src is dst, or apart from it.  0 or -EIO. */
int cipher_encrypt(struct cipher *c, const uint8_t *iv, const uint8_t *src,
		   uint8_t *dst, size_t len);
int cipher_decrypt(struct cipher *c, const uint8_t *iv, const uint8_t *src,
		   uint8_t *dst, size_t len);

#endif
