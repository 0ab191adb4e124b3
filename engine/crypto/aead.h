/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aead: a keyed combined mode: GCM, CCM, ChaCha20-Poly1305, and GMAC.
 *
 * Owns a libgcrypt handle.  One thread at a time.  Knows nonce, associated
 * data and text, not what they mean: the layouts of RFC 4106, 4309, 4543 and
 * 7634 are suite's.  Never leaves plaintext behind when the tag was wrong or
 * the library failed.
 */
#ifndef ENGINE_CRYPTO_AEAD_H
#define ENGINE_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"

#define AEAD_TAG_OCTETS 16 /* of every mode before it is cut short */

struct aead {
	struct gcry_cipher_handle *hd; /* NULL: not open */
	bool is_ccm;                   /* wants all lengths in advance */
	unsigned tag_octets;           /* of them 8, 12 or 16 travel */
};

struct aead_job {
	const uint8_t *nonce;
	size_t nonce_octets; /* 12; 11 for CCM in ESP */
	const uint8_t *aad;
	size_t aad_octets;
	const uint8_t *src; /* dst itself, or apart from it */
	uint8_t *dst;
	size_t len;
	uint8_t *tag; /* seal writes, open reads */
};

/* algo: a combined mode or a GMAC; key without salt.  0 or -errno. */
int aead_init(struct aead *a, enum algo algo, const uint8_t *key,
	      size_t key_octets);
void aead_fini(struct aead *a);
/* 0, or -EIO with dst wiped. */
int aead_seal(struct aead *a, const struct aead_job *job);
/* 0, -EBADMSG or -EIO, both with dst wiped. */
int aead_open(struct aead *a, const struct aead_job *job);

/* GMAC over scattered octets: begin, any number of adds, then end, which
 * writes AEAD_TAG_OCTETS.  0 or -EIO. */
int aead_mac_begin(struct aead *a, const uint8_t *nonce, size_t nonce_octets);
int aead_mac_add(struct aead *a, const uint8_t *octets, size_t len);
int aead_mac_end(struct aead *a, uint8_t tag[AEAD_TAG_OCTETS]);

#endif
