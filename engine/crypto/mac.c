/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "base/secret.h"
#include "engine/crypto/mac.h"

#define GMAC_NONCE_OCTETS 12 /* RFC 4543 3.2: salt and IV */

/* libgcrypt's number, 0 for what its MAC interface is not used for. */
static int
gcry_algo_of(enum algo algo)
{
	switch ((unsigned)algo) {
	case ALGO_HMAC_SHA256:
		return GCRY_MAC_HMAC_SHA256;
	case ALGO_HMAC_SHA384:
		return GCRY_MAC_HMAC_SHA384;
	case ALGO_HMAC_SHA512:
		return GCRY_MAC_HMAC_SHA512;
	case ALGO_HMAC_SHA1:
		return GCRY_MAC_HMAC_SHA1;
	case ALGO_AES_CMAC:
		return GCRY_MAC_CMAC_AES;
	}
	return 0;
}

static bool
is_gmac(const struct mac *m)
{
	return m->algo == ALGO_AES128_GMAC || m->algo == ALGO_AES256_GMAC;
}

int
mac_init(struct mac *m, enum algo algo, const uint8_t *key, size_t key_octets)
{
	const struct algo_info *info = algo_info(algo);
	int number = gcry_algo_of(algo), error;

	memset(m, 0, sizeof(*m));
	if (info == NULL || info->kind != ALGO_KIND_AUTH)
		return -EINVAL;
	if (info->key_octets != 0 && key_octets != info->key_octets)
		return -EINVAL;
	m->algo = algo;
	if (is_gmac(m))
		error = aead_init(&m->gmac, algo, key, key_octets);
	else if (algo == ALGO_KEYED_MD5)
		error = historic_md5_init(&m->md5, key, key_octets);
	else if (gcry_mac_open(&m->hd, number, 0, NULL) != 0)
		error = -ENOMEM;
	else
		error =
		    gcry_mac_setkey(m->hd, key, key_octets) == 0 ? 0 : -EINVAL;
	if (error != 0)
		mac_fini(m);
	return error;
}

void
mac_fini(struct mac *m)
{
	aead_fini(&m->gmac);
	historic_md5_fini(&m->md5);
	gcry_mac_close(m->hd);
	memset(m, 0, sizeof(*m));
}

void
mac_begin(struct mac *m, const uint8_t *nonce)
{
	m->failed = false;
	if (is_gmac(m))
		m->failed =
		    aead_mac_begin(&m->gmac, nonce, GMAC_NONCE_OCTETS) != 0;
	else if (m->algo == ALGO_KEYED_MD5)
		historic_md5_begin(&m->md5);
	else
		m->failed = gcry_mac_reset(m->hd) != 0;
}

void
mac_add(struct mac *m, const uint8_t *octets, size_t len)
{
	if (m->failed || len == 0)
		return;
	if (is_gmac(m))
		m->failed = aead_mac_add(&m->gmac, octets, len) != 0;
	else if (m->algo == ALGO_KEYED_MD5)
		historic_md5_add(&m->md5, octets, len);
	else
		m->failed = gcry_mac_write(m->hd, octets, len) != 0;
}

int
mac_end(struct mac *m, uint8_t *icv, size_t icv_octets)
{
	uint8_t whole[MAC_ICV_MAX];
	size_t n = sizeof(whole);

	if (m->failed)
		return -EIO;
	if (is_gmac(m)) {
		n = AEAD_TAG_OCTETS;
		m->failed = aead_mac_end(&m->gmac, whole) != 0;
	} else if (m->algo == ALGO_KEYED_MD5) {
		n = HISTORIC_MD5_OCTETS;
		m->failed = historic_md5_end(&m->md5, whole) != 0;
	} else {
		m->failed = gcry_mac_read(m->hd, whole, &n) != 0;
	}
	if (m->failed || n < icv_octets) {
		secret_wipe(whole, sizeof(whole));
		return -EIO;
	}
	memcpy(icv, whole, icv_octets);
	secret_wipe(whole, sizeof(whole));
	return 0;
}
