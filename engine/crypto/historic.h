/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * historic: what the first RFCs of 1995 did with a key.
 *
 * RFC 1828: MD5(key, keyfill, datagram, key), for AH.  RFC 1829: DES in CBC
 * mode with an IV of 32 or 64 bits, for ESP.  Both are broken and stay off
 * unless the administrator asks.  Owns its handles and a copy of the MD5 key.
 * One thread at a time.
 */
#ifndef ENGINE_CRYPTO_HISTORIC_H
#define ENGINE_CRYPTO_HISTORIC_H

#include <stddef.h>
#include <stdint.h>

#define HISTORIC_MD5_OCTETS    16
#define HISTORIC_MD5_KEY_MAX   64 /* octets; RFC 1828 asks for 16 at least */
#define HISTORIC_DES_IV_OCTETS 8

struct historic_md5 {
	struct gcry_md_handle *hd;
	uint8_t key[HISTORIC_MD5_KEY_MAX];
	size_t key_octets;
};

/* 0, -EINVAL for no key or one that is too long, -ENOMEM. */
int historic_md5_init(struct historic_md5 *h, const uint8_t *key,
		      size_t key_octets);
void historic_md5_fini(struct historic_md5 *h);
void historic_md5_begin(struct historic_md5 *h);
void historic_md5_add(struct historic_md5 *h, const uint8_t *octets,
		      size_t len);
/* 0 or -EIO */
int historic_md5_end(struct historic_md5 *h,
		     uint8_t digest[HISTORIC_MD5_OCTETS]);

/* RFC 1829 2: 8 octets are the IV itself, 4 stand for themselves followed by
 * their complement. */
void historic_des_iv(const uint8_t *wire, unsigned wire_octets,
		     uint8_t iv[HISTORIC_DES_IV_OCTETS]);

#endif
