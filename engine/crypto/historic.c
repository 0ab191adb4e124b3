/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "base/secret.h"
#include "engine/crypto/historic.h"

#define MD5_BLOCK 64 /* octets, RFC 1321 3.1 */

int
historic_md5_init(struct historic_md5 *h, const uint8_t *key, size_t key_octets)
{
	memset(h, 0, sizeof(*h));
	if (key_octets == 0 || key_octets > sizeof(h->key))
		return -EINVAL;
	if (gcry_md_open(&h->hd, GCRY_MD_MD5, 0) != 0) {
		h->hd = NULL;
		return -ENOMEM;
	}
	memcpy(h->key, key, key_octets);
	h->key_octets = key_octets;
	return 0;
}

void
historic_md5_fini(struct historic_md5 *h)
{
	gcry_md_close(h->hd);
	secret_wipe(h, sizeof(*h));
}

/*
 * keyfill is what MD5 itself would append to a message that is the key alone
 * (RFC 1321 3.1, 3.2): one bit, zeros, and the length in bits as 64 bits,
 * least significant octet first.
 */
void
historic_md5_begin(struct historic_md5 *h)
{
	uint8_t block[2 * MD5_BLOCK] = { 0 };
	size_t n =
	    h->key_octets + 1 + 8 <= MD5_BLOCK ? MD5_BLOCK : 2 * MD5_BLOCK;
	uint64_t bits = (uint64_t)h->key_octets * 8;

	gcry_md_reset(h->hd);
	memcpy(block, h->key, h->key_octets);
	block[h->key_octets] = 0x80;
	for (size_t i = 0; i < 8; i++)
		block[n - 8 + i] = (uint8_t)(bits >> (8 * i));
	gcry_md_write(h->hd, block, n);
	secret_wipe(block, sizeof(block));
}

void
historic_md5_add(struct historic_md5 *h, const uint8_t *octets, size_t len)
{
	gcry_md_write(h->hd, octets, len);
}

int
historic_md5_end(struct historic_md5 *h, uint8_t digest[HISTORIC_MD5_OCTETS])
{
	const uint8_t *result;

	gcry_md_write(h->hd, h->key, h->key_octets);
	result = gcry_md_read(h->hd, GCRY_MD_MD5);
	if (result == NULL)
		return -EIO;
	memcpy(digest, result, HISTORIC_MD5_OCTETS);
	return 0;
}

void
historic_des_iv(const uint8_t *wire, unsigned wire_octets,
		uint8_t iv[HISTORIC_DES_IV_OCTETS])
{
	memcpy(iv, wire, wire_octets);
	for (unsigned i = wire_octets; i < HISTORIC_DES_IV_OCTETS; i++)
		iv[i] = (uint8_t)~wire[i - wire_octets];
}
