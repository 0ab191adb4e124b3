/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * algo: the algorithms of ESP and AH, their names and sizes, in one table.
 *
 * Configuration, SA store, crypto and key negotiation all speak of an
 * algorithm by its enum algo, and read sizes here and nowhere else.
 * Constant data; any thread.
 */
#ifndef BASE_ALGO_H
#define BASE_ALGO_H

#include <stdbool.h>
#include <stdint.h>

/* Values are stored in shared memory and control messages: append only. */
enum algo {
	ALGO_NONE = 0,
	/* combined mode: encryption with integrity (RFC 4106, 4309, 7634) */
	ALGO_AES128_GCM = 1,
	ALGO_AES192_GCM,
	ALGO_AES256_GCM,
	ALGO_AES128_GCM8,
	ALGO_AES192_GCM8,
	ALGO_AES256_GCM8,
	ALGO_AES128_GCM12,
	ALGO_AES192_GCM12,
	ALGO_AES256_GCM12,
	ALGO_CHACHA20_POLY1305,
	ALGO_AES128_CCM,
	ALGO_AES256_CCM,
	ALGO_AES128_CCM8,
	ALGO_AES256_CCM8,
	ALGO_AES128_CCM12,
	ALGO_AES256_CCM12,
	/* encryption alone (RFC 3602, 3686, 2410) */
	ALGO_AES128_CBC,
	ALGO_AES192_CBC,
	ALGO_AES256_CBC,
	ALGO_AES128_CTR,
	ALGO_AES256_CTR,
	ALGO_NULL,
	/* integrity alone (RFC 4868, 2404, 4494, 4543) */
	ALGO_HMAC_SHA256,
	ALGO_HMAC_SHA384,
	ALGO_HMAC_SHA512,
	ALGO_HMAC_SHA1,
	ALGO_AES_CMAC,
	ALGO_AES128_GMAC,
	ALGO_AES256_GMAC,
	/* historic (RFC 1828, 1829) */
	ALGO_KEYED_MD5,
	ALGO_DES_CBC_1829_IV32,
	ALGO_DES_CBC_1829_IV64,
	/* combined mode, the nonce made from the sequence number (RFC 8750) */
	ALGO_AES128_GCM_IIV,
	ALGO_AES192_GCM_IIV,
	ALGO_AES256_GCM_IIV,
	ALGO_CHACHA20_POLY1305_IIV,
	ALGO_AES128_CCM8_IIV,
	ALGO_AES256_CCM8_IIV,
	ALGO_COUNT
};

enum algo_kind {
	ALGO_KIND_NONE,
	ALGO_KIND_AEAD,      /* esp ENC, no AUTH */
	ALGO_KIND_ENC,       /* esp ENC AUTH */
	ALGO_KIND_AUTH,      /* ah AUTH, or the AUTH of esp ENC AUTH */
};

struct algo_info {
	const char *name;    /* as in the configuration */
	enum algo_kind kind;
	uint8_t key_octets;  /* of the cipher or MAC, without salt; 0: any */
	uint8_t salt_octets; /* of KEYMAT behind the key */
	uint8_t iv_octets;   /* explicit IV on the wire */
	uint8_t icv_octets;  /* for AEAD and AUTH */
	uint8_t block;       /* ciphertext is a multiple of it; 1 for none */
	bool counter_mode;   /* a repeated IV under one key is fatal */
	bool implicit_iv;    /* nothing on the wire, the nonce is the seq */
	bool historic;
};

#define ALGO_KEYMAT_MAX 64 /* octets of the longest key with its salt */

/* NULL for a value outside the table. */
const struct algo_info *algo_info(enum algo a);
/* ALGO_NONE when no algorithm has this name. */
enum algo algo_by_name(const char *name);
/* Key and salt octets together, what `key` in the configuration holds. */
unsigned algo_keymat_octets(enum algo a);
/* NULL when `esp ENC AUTH` (or `ah AUTH`) makes sense, else one sentence that
 * says why not and names the RFC.  inside_ah: AH around it brings integrity,
 * the third way of RFC 8221 4.  An algorithm of the wrong kind is refused
 * here too.  Historic algorithms pass: whether the administrator allowed them
 * is not known here. */
const char *algo_refuse_esp(enum algo enc, enum algo auth, bool inside_ah);
const char *algo_refuse_ah(enum algo auth);

#endif
