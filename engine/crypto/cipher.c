/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "base/secret.h"
#include "engine/crypto/cipher.h"
#include "engine/crypto/historic.h"

#define AES_BLOCK     16
#define IV_KEY_OCTETS 16

static bool
is_ctr(const struct cipher *c)
{
	return c->info->counter_mode;
}

static bool
is_aes_cbc(const struct cipher *c)
{
	return c->info->block == AES_BLOCK;
}

static int
gcry_algo_of(const struct algo_info *info)
{
	if (info->historic)
		return GCRY_CIPHER_DES;
	if (info->key_octets == 16)
		return GCRY_CIPHER_AES128;
	return info->key_octets == 24 ? GCRY_CIPHER_AES192 : GCRY_CIPHER_AES256;
}

static int
open_keyed(struct gcry_cipher_handle **hd, int algo, int mode,
	   const uint8_t *key, size_t key_octets)
{
	if (gcry_cipher_open(hd, algo, mode, 0) != 0) {
		*hd = NULL;
		return -ENOMEM;
	}
	/* Refuses DES's weak keys too. */
	return gcry_cipher_setkey(*hd, key, key_octets) == 0 ? 0 : -EINVAL;
}

/*
 * RFC 3602 2 wants an IV that nobody can predict: an encrypted counter.  Its
 * key is derived from the packets' key, apart from it, so that no packet's
 * text can ask for a future IV, and so that every worker and every restart
 * makes the same IV for the same counter, never one twice.
 */
static int
open_iv_maker(struct cipher *c, const uint8_t *key, size_t key_octets)
{
	static const char label[] = "nfipsec cbc iv";
	uint8_t derived[32];
	gcry_mac_hd_t mac;
	size_t n = sizeof(derived);
	int error = -EIO;

	if (gcry_mac_open(&mac, GCRY_MAC_HMAC_SHA256, 0, NULL) != 0)
		return -ENOMEM;
	if (gcry_mac_setkey(mac, key, key_octets) == 0 &&
	    gcry_mac_write(mac, label, sizeof(label) - 1) == 0 &&
	    gcry_mac_read(mac, derived, &n) == 0)
		error =
		    open_keyed(&c->iv_hd, GCRY_CIPHER_AES128,
			       GCRY_CIPHER_MODE_ECB, derived, IV_KEY_OCTETS);
	gcry_mac_close(mac);
	secret_wipe(derived, sizeof(derived));
	return error;
}

int
cipher_init(struct cipher *c, enum algo algo, const uint8_t *key,
	    size_t key_octets)
{
	const struct algo_info *info = algo_info(algo);
	int error;

	memset(c, 0, sizeof(*c));
	if (info == NULL || info->kind != ALGO_KIND_ENC ||
	    key_octets != algo_keymat_octets(algo))
		return -EINVAL;
	c->info = info;
	if (algo == ALGO_NULL)
		return 0;
	memcpy(c->salt, key + info->key_octets, info->salt_octets);
	error =
	    open_keyed(&c->hd, gcry_algo_of(info),
		       is_ctr(c) ? GCRY_CIPHER_MODE_CTR : GCRY_CIPHER_MODE_CBC,
		       key, info->key_octets);
	if (error == 0 && is_aes_cbc(c))
		error = open_iv_maker(c, key, info->key_octets);
	if (error != 0)
		cipher_fini(c);
	return error;
}

void
cipher_fini(struct cipher *c)
{
	gcry_cipher_close(c->hd);
	gcry_cipher_close(c->iv_hd);
	secret_wipe(c, sizeof(*c));
}

int
cipher_make_iv(struct cipher *c, uint64_t counter, uint8_t *iv)
{
	unsigned n = c->info->iv_octets;

	memset(iv, 0, n);
	for (unsigned i = 0; i < n && i < 8; i++)
		iv[n - 1 - i] = (uint8_t)(counter >> (8 * i));
	if (!is_aes_cbc(c))
		return 0;
	return gcry_cipher_encrypt(c->iv_hd, iv, n, NULL, 0) == 0 ? 0 : -EIO;
}

static bool
set_iv(struct cipher *c, const uint8_t *iv)
{
	uint8_t whole[AES_BLOCK] = { 0 };

	if (is_aes_cbc(c))
		return gcry_cipher_setiv(c->hd, iv, AES_BLOCK) == 0;
	if (is_ctr(c)) {
		/* RFC 3686 4: nonce, IV, block counter from 1 */
		memcpy(whole, c->salt, CIPHER_SALT_OCTETS);
		memcpy(whole + CIPHER_SALT_OCTETS, iv, c->info->iv_octets);
		whole[AES_BLOCK - 1] = 1;
		return gcry_cipher_setctr(c->hd, whole, AES_BLOCK) == 0;
	}
	historic_des_iv(iv, c->info->iv_octets, whole);
	return gcry_cipher_setiv(c->hd, whole, HISTORIC_DES_IV_OCTETS) == 0;
}

static int
turn(struct cipher *c, const uint8_t *iv, const uint8_t *src, uint8_t *dst,
     size_t len,
     gcry_error_t (*with)(gcry_cipher_hd_t, void *, size_t, const void *,
			  size_t))
{
	bool in_place = src == dst;

	if (c->hd == NULL) {
		if (!in_place)
			memcpy(dst, src, len);
		return 0;
	}
	if (!set_iv(c, iv))
		return -EIO;
	return with(c->hd, dst, len, in_place ? NULL : src,
		    in_place ? 0 : len) == 0
		   ? 0
		   : -EIO;
}

int
cipher_encrypt(struct cipher *c, const uint8_t *iv, const uint8_t *src,
	       uint8_t *dst, size_t len)
{
	return turn(c, iv, src, dst, len, gcry_cipher_encrypt);
}

int
cipher_decrypt(struct cipher *c, const uint8_t *iv, const uint8_t *src,
	       uint8_t *dst, size_t len)
{
	return turn(c, iv, src, dst, len, gcry_cipher_decrypt);
}
