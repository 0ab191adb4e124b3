/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enctype: what a Kerberos session key can do: checksum, encryption, PRF
 * (RFC 3961, 3962, 8009), on libgcrypt.
 *
 * Here and not by libkrb5, so that the process that talks to the network
 * links no Kerberos library; test_enctype compares the two.  Only the AES
 * types exist: with RC4, DES and 3DES nothing here works, which is the
 * refusal.  Owns nothing.  Any thread, after libgcrypt's initialisation.
 */
#ifndef KEYNEG_KINK_ENCTYPE_H
#define KEYNEG_KINK_ENCTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum enctype {
	ENCTYPE_AES128_SHA1 = 17,
	ENCTYPE_AES256_SHA1 = 18,
	ENCTYPE_AES128_SHA256 = 19,
	ENCTYPE_AES256_SHA384 = 20,
};

enum enctype_usage { /* RFC 4120 section 7.5.1, RFC 4430 section 8 */
		     ENCTYPE_USAGE_AP_REP = 12,
		     ENCTYPE_USAGE_KINK_ENCRYPT = 39,
		     ENCTYPE_USAGE_KINK_CKSUM = 40,
};

#define ENCTYPE_KEY_MAX      32
#define ENCTYPE_CKSUM_MAX    24
#define ENCTYPE_PRF_MAX      48
#define ENCTYPE_OVERHEAD_MAX (16 + 24) /* confounder and MAC */

struct enctype_key {
	int32_t etype;
	uint8_t key[ENCTYPE_KEY_MAX];
};

/* One of the four. */
bool enctype_known(int32_t etype);
size_t enctype_key_octets(int32_t etype);
/* The mandatory checksum; octets written, or -EPERM for another type. */
int enctype_cksum(const struct enctype_key *k, uint32_t usage,
		  const void *octets, size_t n, uint8_t out[ENCTYPE_CKSUM_MAX]);
/* Right length and content, compared in constant time. */
bool enctype_verify(const struct enctype_key *k, uint32_t usage,
		    const void *octets, size_t n, const void *cksum,
		    size_t cksum_len);
/* out needs n + ENCTYPE_OVERHEAD_MAX; octets written or -errno. */
int enctype_encrypt(const struct enctype_key *k, uint32_t usage,
		    const void *plain, size_t n, uint8_t *out, size_t cap);
/* out needs n octets; octets of plaintext, or -EBADMSG, -EPERM. */
int enctype_decrypt(const struct enctype_key *k, uint32_t usage,
		    const void *cipher, size_t n, uint8_t *out, size_t cap);
/* Octets written: 16 (types 17, 18), 32 (19), 48 (20). */
int enctype_prf(const struct enctype_key *k, const void *octets, size_t n,
		uint8_t out[ENCTYPE_PRF_MAX]);
/* RFC 3961 section 5.1; `bits` of in, n octets out. */
void enctype_nfold(const uint8_t *in, size_t in_len, uint8_t *out,
		   size_t out_len);

#endif
