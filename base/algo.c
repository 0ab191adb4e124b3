/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "base/algo.h"

#define AEAD(n, key, salt, icv)                                                \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_AEAD, .key_octets = key,          \
		.salt_octets = salt, .iv_octets = 8, .icv_octets = icv,        \
		.block = 1, .counter_mode = true                               \
	}
#define IIV(n, key, salt, icv)                                                 \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_AEAD, .key_octets = key,          \
		.salt_octets = salt, .icv_octets = icv, .block = 1,            \
		.counter_mode = true, .implicit_iv = true                      \
	}
#define AUTH(n, key, icv)                                                      \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_AUTH, .key_octets = key,          \
		.icv_octets = icv, .block = 1                                  \
	}
#define CBC(n, key)                                                            \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_ENC, .key_octets = key,           \
		.iv_octets = 16, .block = 16                                   \
	}
/* RFC 3686: 4 octets of nonce behind the key, 8 of IV on the wire */
#define CTR(n, key)                                                            \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_ENC, .key_octets = key,           \
		.salt_octets = 4, .iv_octets = 8, .block = 1,                  \
		.counter_mode = true                                           \
	}
/* RFC 4543: the IV travels with the ICV */
#define GMAC(n, key)                                                           \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_AUTH, .key_octets = key,          \
		.salt_octets = 4, .iv_octets = 8, .icv_octets = 16,            \
		.block = 1, .counter_mode = true                               \
	}
#define DES(n, iv)                                                             \
	{                                                                      \
		.name = n, .kind = ALGO_KIND_ENC, .key_octets = 8,             \
		.iv_octets = iv, .block = 8, .historic = true                  \
	}

static const struct algo_info table[ALGO_COUNT] = {
	[ALGO_NONE] = { .name = "none" },
	[ALGO_AES128_GCM] = AEAD("aes128-gcm", 16, 4, 16),
	[ALGO_AES192_GCM] = AEAD("aes192-gcm", 24, 4, 16),
	[ALGO_AES256_GCM] = AEAD("aes256-gcm", 32, 4, 16),
	[ALGO_AES128_GCM8] = AEAD("aes128-gcm8", 16, 4, 8),
	[ALGO_AES192_GCM8] = AEAD("aes192-gcm8", 24, 4, 8),
	[ALGO_AES256_GCM8] = AEAD("aes256-gcm8", 32, 4, 8),
	[ALGO_AES128_GCM12] = AEAD("aes128-gcm12", 16, 4, 12),
	[ALGO_AES192_GCM12] = AEAD("aes192-gcm12", 24, 4, 12),
	[ALGO_AES256_GCM12] = AEAD("aes256-gcm12", 32, 4, 12),
	[ALGO_CHACHA20_POLY1305] = AEAD("chacha20-poly1305", 32, 4, 16),
	[ALGO_AES128_CCM] = AEAD("aes128-ccm", 16, 3, 16),
	[ALGO_AES256_CCM] = AEAD("aes256-ccm", 32, 3, 16),
	[ALGO_AES128_CCM8] = AEAD("aes128-ccm8", 16, 3, 8),
	[ALGO_AES256_CCM8] = AEAD("aes256-ccm8", 32, 3, 8),
	[ALGO_AES128_CCM12] = AEAD("aes128-ccm12", 16, 3, 12),
	[ALGO_AES256_CCM12] = AEAD("aes256-ccm12", 32, 3, 12),
	[ALGO_AES128_CBC] = CBC("aes128-cbc", 16),
	[ALGO_AES192_CBC] = CBC("aes192-cbc", 24),
	[ALGO_AES256_CBC] = CBC("aes256-cbc", 32),
	[ALGO_AES128_CTR] = CTR("aes128-ctr", 16),
	[ALGO_AES256_CTR] = CTR("aes256-ctr", 32),
	[ALGO_NULL] = { .name = "null", .kind = ALGO_KIND_ENC, .block = 1 },
	[ALGO_HMAC_SHA256] = AUTH("hmac-sha256", 32, 16),
	[ALGO_HMAC_SHA384] = AUTH("hmac-sha384", 48, 24),
	[ALGO_HMAC_SHA512] = AUTH("hmac-sha512", 64, 32),
	[ALGO_HMAC_SHA1] = AUTH("hmac-sha1", 20, 12),
	[ALGO_AES_CMAC] = AUTH("aes-cmac", 16, 12),
	[ALGO_AES128_GMAC] = GMAC("aes128-gmac", 16),
	[ALGO_AES256_GMAC] = GMAC("aes256-gmac", 32),
	[ALGO_KEYED_MD5] = { .name = "keyed-md5",
			     .kind = ALGO_KIND_AUTH,
			     .icv_octets = 16,
			     .block = 1,
			     .historic = true },
	[ALGO_DES_CBC_1829_IV32] = DES("des-cbc-1829-iv32", 4),
	[ALGO_DES_CBC_1829_IV64] = DES("des-cbc-1829-iv64", 8),
	[ALGO_AES128_GCM_IIV] = IIV("aes128-gcm-iiv", 16, 4, 16),
	[ALGO_AES192_GCM_IIV] = IIV("aes192-gcm-iiv", 24, 4, 16),
	[ALGO_AES256_GCM_IIV] = IIV("aes256-gcm-iiv", 32, 4, 16),
	[ALGO_CHACHA20_POLY1305_IIV] = IIV("chacha20-poly1305-iiv", 32, 4, 16),
	[ALGO_AES128_CCM8_IIV] = IIV("aes128-ccm8-iiv", 16, 3, 8),
	[ALGO_AES256_CCM8_IIV] = IIV("aes256-ccm8-iiv", 32, 3, 8),
};

const struct algo_info *
algo_info(enum algo a)
{
	if ((unsigned)a >= ALGO_COUNT)
		return NULL;
	return &table[a];
}

enum algo
algo_by_name(const char *name)
{
	for (unsigned a = 1; a < ALGO_COUNT; a++)
		if (strcmp(table[a].name, name) == 0)
			return (enum algo)a;
	return ALGO_NONE;
}

unsigned
algo_keymat_octets(enum algo a)
{
	const struct algo_info *info = algo_info(a);

	return info == NULL ? 0u
			    : (unsigned)info->key_octets + info->salt_octets;
}

static enum algo_kind
kind_of(enum algo a)
{
	const struct algo_info *info = algo_info(a);

	return info == NULL ? ALGO_KIND_NONE : info->kind;
}

static bool
is_gmac(enum algo a)
{
	return a == ALGO_AES128_GMAC || a == ALGO_AES256_GMAC;
}

const char *
algo_refuse_esp(enum algo enc, enum algo auth, bool inside_ah)
{
	enum algo_kind e = kind_of(enc), a = kind_of(auth);

	if (e != ALGO_KIND_AEAD && e != ALGO_KIND_ENC)
		return "ESP begins with an encryption algorithm or null";
	if (auth != ALGO_NONE && a != ALGO_KIND_AUTH)
		return "the second algorithm of ESP is one for integrity";
	if (e == ALGO_KIND_AEAD)
		return auth == ALGO_NONE ? NULL
					 : "a combined mode has its own "
					   "integrity (RFC 4303 3.2.3)";
	if (algo_info(enc)->historic)
		return auth == ALGO_NONE ? NULL
					 : "the transform of RFC 1829 carries "
					   "no integrity value";
	if (auth == ALGO_NONE && inside_ah && enc != ALGO_NULL)
		return NULL;
	if (auth == ALGO_NONE)
		return enc == ALGO_NULL ? "null with no integrity protects "
					  "nothing (RFC 4303 3.2)"
					: "encryption without integrity is "
					  "refused (RFC 8221 4)";
	if (algo_info(auth)->historic)
		return "keyed MD5 belongs to AH alone (RFC 1828)";
	if (is_gmac(auth) && enc != ALGO_NULL)
		return "GMAC goes with null alone, encryption has GCM "
		       "(RFC 4543 3)";
	return NULL;
}

const char *
algo_refuse_ah(enum algo auth)
{
	return kind_of(auth) == ALGO_KIND_AUTH
		   ? NULL
		   : "AH takes an algorithm for integrity (RFC 4302 3.2)";
}
