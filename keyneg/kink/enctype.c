/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include <gcrypt.h>

#include "base/builder.h"
#include "base/secret.h"
#include "keyneg/kink/enctype.h"

enum { BLOCK = 16, HASH_MAX = 48 };

/* Octets that follow the usage number in a derivation (RFC 3961 5.3). */
enum purpose { FOR_CKSUM = 0x99, FOR_ENCRYPT = 0xaa, FOR_INTEGRITY = 0x55 };

struct profile {
	int32_t etype;
	uint8_t key; /* octets of the base key and Ke */
	uint8_t sub; /* octets of Kc and Ki */
	uint8_t mac; /* octets of a truncated MAC */
	uint8_t prf; /* octets of PRF output */
	bool sha2;   /* RFC 8009, not the simplified profile */
	int hash, hmac;
};

static const struct profile profiles[] = {
	{ ENCTYPE_AES128_SHA1, 16, 16, 12, 16, false, GCRY_MD_SHA1,
	  GCRY_MAC_HMAC_SHA1 },
	{ ENCTYPE_AES256_SHA1, 32, 32, 12, 16, false, GCRY_MD_SHA1,
	  GCRY_MAC_HMAC_SHA1 },
	{ ENCTYPE_AES128_SHA256, 16, 16, 16, 32, true, GCRY_MD_SHA256,
	  GCRY_MAC_HMAC_SHA256 },
	{ ENCTYPE_AES256_SHA384, 32, 24, 24, 48, true, GCRY_MD_SHA384,
	  GCRY_MAC_HMAC_SHA384 },
};

static const struct profile *
profile_of(int32_t etype)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++)
		if (profiles[i].etype == etype)
			return &profiles[i];
	return NULL;
}

bool
enctype_known(int32_t etype)
{
	return profile_of(etype) != NULL;
}

size_t
enctype_key_octets(int32_t etype)
{
	const struct profile *p = profile_of(etype);

	return p == NULL ? 0 : p->key;
}

static bool
bit_of(const uint8_t *in, size_t len, size_t i)
{
	i %= len * 8;
	return (in[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* Copies of the input, each turned right by 13 bits more than the one before,
 * are laid end to end and added in pieces of the output's length, in ones'
 * complement. */
void
enctype_nfold(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	size_t a = in_len, b = out_len, total, bits = in_len * 8;
	unsigned carry = 0;

	while (b != 0) {
		size_t t = a % b;

		a = b;
		b = t;
	}
	total = in_len / a * out_len; /* least common multiple */
	memset(out, 0, out_len);
	for (size_t at = total; at-- > 0;) {
		size_t copy = at / in_len, first = at % in_len * 8;
		/* bit i of the copy is bit i - 13 * copy of the input */
		size_t turn = bits - 13 * copy % bits;
		unsigned octet = 0;

		for (size_t i = 0; i < 8; i++)
			octet = octet << 1 |
				(bit_of(in, in_len, first + i + turn) ? 1 : 0);
		carry += out[at % out_len] + octet;
		out[at % out_len] = (uint8_t)carry;
		carry >>= 8;
	}
	for (size_t at = out_len; carry != 0;) {
		at = at == 0 ? out_len - 1 : at - 1;
		carry += out[at];
		out[at] = (uint8_t)carry;
		carry >>= 8;
	}
}

static int
hmac(int algo, const uint8_t *key, size_t key_len, const struct iovec *iov,
     size_t n_iov, uint8_t out[64])
{
	gcry_mac_hd_t h;
	size_t len = 64;
	int ret = -EIO;

	if (gcry_mac_open(&h, algo, 0, NULL) != 0)
		return -ENOMEM;
	if (gcry_mac_setkey(h, key, key_len) != 0)
		goto out;
	for (size_t i = 0; i < n_iov; i++)
		if (gcry_mac_write(h, iov[i].iov_base, iov[i].iov_len) != 0)
			goto out;
	if (gcry_mac_read(h, out, &len) == 0)
		ret = 0;
out:
	gcry_mac_close(h);
	return ret;
}

/* One AES operation over n octets from in to out; mode ECB or CBC-CS3 with a
 * zero IV, as every use here has it. */
static int
aes(const uint8_t *key, size_t key_len, bool cts, bool decrypt,
    const uint8_t *in, size_t n, uint8_t *out)
{
	gcry_cipher_hd_t h;
	gcry_error_t err;
	int ret = -EIO;

	if (gcry_cipher_open(
		&h, key_len == 16 ? GCRY_CIPHER_AES128 : GCRY_CIPHER_AES256,
		cts ? GCRY_CIPHER_MODE_CBC : GCRY_CIPHER_MODE_ECB,
		cts ? GCRY_CIPHER_CBC_CTS : 0) != 0)
		return -ENOMEM;
	if (gcry_cipher_setkey(h, key, key_len) != 0)
		goto out;
	if (cts) {
		static const uint8_t zero[BLOCK];

		if (gcry_cipher_setiv(h, zero, sizeof(zero)) != 0)
			goto out;
	}
	err = decrypt ? gcry_cipher_decrypt(h, out, n, in, n)
		      : gcry_cipher_encrypt(h, out, n, in, n);
	if (err == 0)
		ret = 0;
out:
	gcry_cipher_close(h);
	return ret;
}

/* DK of the simplified profile (RFC 3961 section 5.1). */
static int
derive_sha1(const struct profile *p, const uint8_t *base,
	    const uint8_t *constant, size_t n, uint8_t *out)
{
	uint8_t block[BLOCK];
	int ret = 0;

	enctype_nfold(constant, n, block, sizeof(block));
	for (size_t at = 0; ret == 0 && at < p->key; at += BLOCK) {
		ret = aes(base, p->key, false, false, block, BLOCK, out + at);
		memcpy(block, out + at, BLOCK);
	}
	secret_wipe(block, sizeof(block));
	return ret;
}

/* KDF-HMAC-SHA2 (RFC 8009 section 3); octets wanted, at most one hash. */
static int
derive_sha2(const struct profile *p, const uint8_t *base, const void *label,
	    size_t label_len, const void *context, size_t context_len,
	    size_t want, uint8_t *out)
{
	uint8_t head[16], tail[4], full[64];
	struct builder h = builder_make(head, sizeof(head)),
		       t = builder_make(tail, sizeof(tail));
	struct iovec iov[3];
	int ret;

	builder_u32(&h, 1);
	builder_octets(&h, label, label_len);
	builder_u8(&h, 0);
	builder_u32(&t, (uint32_t)want * 8);
	iov[0] = (struct iovec){ head, h.len };
	iov[1] = (struct iovec){ (void *)(uintptr_t)context, context_len };
	iov[2] = (struct iovec){ tail, t.len };
	ret = hmac(p->hmac, base, p->key, iov, 3, full);
	if (ret == 0)
		memcpy(out, full, want);
	secret_wipe(full, sizeof(full));
	return ret;
}

static size_t
subkey_octets(const struct profile *p, enum purpose purpose)
{
	return purpose == FOR_ENCRYPT ? p->key : p->sub;
}

static int
derive(const struct profile *p, const struct enctype_key *k, uint32_t usage,
       enum purpose purpose, uint8_t out[ENCTYPE_KEY_MAX])
{
	uint8_t constant[5];
	struct builder b = builder_make(constant, sizeof(constant));

	builder_u32(&b, usage);
	builder_u8(&b, (uint8_t)purpose);
	if (!p->sha2)
		return derive_sha1(p, k->key, constant, b.len, out);
	return derive_sha2(p, k->key, constant, b.len, NULL, 0,
			   subkey_octets(p, purpose), out);
}

/* The truncated MAC over two pieces. */
static int
mac(const struct profile *p, const struct enctype_key *k, uint32_t usage,
    enum purpose purpose, const void *one, size_t one_len, const void *two,
    size_t two_len, uint8_t out[ENCTYPE_CKSUM_MAX])
{
	struct iovec iov[2] = { { (void *)(uintptr_t)one, one_len },
				{ (void *)(uintptr_t)two, two_len } };
	uint8_t key[ENCTYPE_KEY_MAX], full[64];
	int ret = derive(p, k, usage, purpose, key);

	if (ret == 0)
		ret =
		    hmac(p->hmac, key, subkey_octets(p, purpose), iov, 2, full);
	if (ret == 0)
		memcpy(out, full, p->mac);
	secret_wipe(key, sizeof(key));
	return ret;
}

int
enctype_cksum(const struct enctype_key *k, uint32_t usage, const void *octets,
	      size_t n, uint8_t out[ENCTYPE_CKSUM_MAX])
{
	const struct profile *p = profile_of(k->etype);
	int ret;

	if (p == NULL)
		return -EPERM;
	ret = mac(p, k, usage, FOR_CKSUM, octets, n, NULL, 0, out);
	return ret != 0 ? ret : p->mac;
}

bool
enctype_verify(const struct enctype_key *k, uint32_t usage, const void *octets,
	       size_t n, const void *cksum, size_t cksum_len)
{
	uint8_t right[ENCTYPE_CKSUM_MAX];
	int len = enctype_cksum(k, usage, octets, n, right);

	return len > 0 && (size_t)len == cksum_len &&
	       secret_equal(right, cksum, cksum_len);
}

/* Where the MAC is taken: SHA-1 types over confounder and plaintext, RFC 8009
 * over the zero cipher state and the ciphertext. */
static int
mac_of(const struct profile *p, const struct enctype_key *k, uint32_t usage,
       const uint8_t *plain, const uint8_t *cipher, size_t n,
       uint8_t out[ENCTYPE_CKSUM_MAX])
{
	static const uint8_t state[BLOCK];

	if (p->sha2)
		return mac(p, k, usage, FOR_INTEGRITY, state, sizeof(state),
			   cipher, n, out);
	return mac(p, k, usage, FOR_INTEGRITY, plain, n, NULL, 0, out);
}

int
enctype_encrypt(const struct enctype_key *k, uint32_t usage, const void *plain,
		size_t n, uint8_t *out, size_t cap)
{
	const struct profile *p = profile_of(k->etype);
	uint8_t key[ENCTYPE_KEY_MAX], tag[ENCTYPE_CKSUM_MAX], *mixed;
	size_t len = n + BLOCK;
	int ret;

	if (p == NULL)
		return -EPERM;
	if (n > UINT16_MAX || cap < len + p->mac)
		return -EMSGSIZE;
	mixed = gcry_malloc(len);
	if (mixed == NULL)
		return -ENOMEM;
	ret = secret_random(mixed, BLOCK);
	memcpy(mixed + BLOCK, plain, n);
	if (ret == 0)
		ret = derive(p, k, usage, FOR_ENCRYPT, key);
	if (ret == 0)
		ret = aes(key, p->key, true, false, mixed, len, out);
	if (ret == 0)
		ret = mac_of(p, k, usage, mixed, out, len, tag);
	if (ret == 0)
		memcpy(out + len, tag, p->mac);
	secret_wipe(key, sizeof(key));
	secret_wipe(mixed, len);
	gcry_free(mixed);
	return ret != 0 ? ret : (int)(len + p->mac);
}

int
enctype_decrypt(const struct enctype_key *k, uint32_t usage, const void *cipher,
		size_t n, uint8_t *out, size_t cap)
{
	const struct profile *p = profile_of(k->etype);
	uint8_t key[ENCTYPE_KEY_MAX], tag[ENCTYPE_CKSUM_MAX], *mixed;
	const uint8_t *in = cipher;
	size_t len;
	int ret;

	if (p == NULL)
		return -EPERM;
	if (n < (size_t)BLOCK + p->mac || n > UINT16_MAX)
		return -EBADMSG;
	len = n - p->mac;
	if (cap < len - BLOCK)
		return -EMSGSIZE;
	mixed = gcry_malloc(len);
	if (mixed == NULL)
		return -ENOMEM;
	ret = derive(p, k, usage, FOR_ENCRYPT, key);
	if (ret == 0)
		ret = aes(key, p->key, true, true, in, len, mixed);
	if (ret == 0)
		ret = mac_of(p, k, usage, mixed, in, len, tag);
	if (ret == 0 && !secret_equal(tag, in + len, p->mac))
		ret = -EBADMSG;
	if (ret == 0)
		memcpy(out, mixed + BLOCK, len - BLOCK);
	secret_wipe(key, sizeof(key));
	secret_wipe(mixed, len);
	gcry_free(mixed);
	return ret != 0 ? ret : (int)(len - BLOCK);
}

int
enctype_prf(const struct enctype_key *k, const void *octets, size_t n,
	    uint8_t out[ENCTYPE_PRF_MAX])
{
	const struct profile *p = profile_of(k->etype);
	uint8_t key[ENCTYPE_KEY_MAX], hash[64];
	int ret;

	if (p == NULL)
		return -EPERM;
	if (p->sha2) {
		ret = derive_sha2(p, k->key, "prf", 3, octets, n, p->prf, out);
		return ret != 0 ? ret : p->prf;
	}
	/* RFC 3962 calls the message block one octet, by which all 20 of the
	 * hash would be encrypted; every implementation takes the cipher's
	 * block and so 16, and so do we. */
	gcry_md_hash_buffer(p->hash, hash, octets, n);
	ret = derive_sha1(p, k->key, (const uint8_t *)"prf", 3, key);
	if (ret == 0)
		ret = aes(key, p->key, false, false, hash, BLOCK, out);
	secret_wipe(key, sizeof(key));
	return ret != 0 ? ret : p->prf;
}
