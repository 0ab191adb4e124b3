/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <string.h>

#include "base/secret.h"
#include "engine/crypto/aead.h"

static bool
is_chacha(enum algo algo)
{
	return algo == ALGO_CHACHA20_POLY1305 ||
	       algo == ALGO_CHACHA20_POLY1305_IIV;
}

static bool
is_ccm(enum algo algo)
{
	switch (algo) {
	case ALGO_AES128_CCM:
	case ALGO_AES256_CCM:
	case ALGO_AES128_CCM8:
	case ALGO_AES256_CCM8:
	case ALGO_AES128_CCM12:
	case ALGO_AES256_CCM12:
	case ALGO_AES128_CCM8_IIV:
	case ALGO_AES256_CCM8_IIV:
		return true;
	default: /* a question about eight members, not a dispatch */
		return false;
	}
}

static int
cipher_of(enum algo algo, size_t key_octets)
{
	if (is_chacha(algo))
		return GCRY_CIPHER_CHACHA20;
	if (key_octets == 16)
		return GCRY_CIPHER_AES128;
	return key_octets == 24 ? GCRY_CIPHER_AES192 : GCRY_CIPHER_AES256;
}

int
aead_init(struct aead *a, enum algo algo, const uint8_t *key, size_t key_octets)
{
	const struct algo_info *info = algo_info(algo);
	int mode = GCRY_CIPHER_MODE_GCM;

	memset(a, 0, sizeof(*a));
	if (info == NULL || key_octets != info->key_octets)
		return -EINVAL;
	if (is_chacha(algo))
		mode = GCRY_CIPHER_MODE_POLY1305;
	else if (is_ccm(algo))
		mode = GCRY_CIPHER_MODE_CCM;
	a->is_ccm = mode == GCRY_CIPHER_MODE_CCM;
	a->tag_octets = info->icv_octets;
	if (gcry_cipher_open(&a->hd, cipher_of(algo, key_octets), mode, 0) !=
	    0) {
		a->hd = NULL;
		return -ENOMEM;
	}
	if (gcry_cipher_setkey(a->hd, key, key_octets) != 0) {
		aead_fini(a);
		return -EINVAL;
	}
	return 0;
}

void
aead_fini(struct aead *a)
{
	gcry_cipher_close(a->hd); /* wipes its key schedule */
	a->hd = NULL;
}

/* Nonce and associated data: all that comes before the text. */
static bool
begin(struct aead *a, const struct aead_job *job)
{
	if (gcry_cipher_setiv(a->hd, job->nonce, job->nonce_octets) != 0)
		return false;
	if (a->is_ccm) {
		/* text, associated data, tag (RFC 3610 2.2: B_0 holds them) */
		uint64_t lengths[3] = { job->len, job->aad_octets,
					a->tag_octets };

		if (gcry_cipher_ctl(a->hd, GCRYCTL_SET_CCM_LENGTHS, lengths,
				    sizeof(lengths)) != 0)
			return false;
	}
	return gcry_cipher_authenticate(a->hd, job->aad, job->aad_octets) == 0;
}

/* gcry_cipher_encrypt or _decrypt over the job's text. */
static bool
turn(struct aead *a, const struct aead_job *job,
     gcry_error_t (*with)(gcry_cipher_hd_t, void *, size_t, const void *,
			  size_t))
{
	bool in_place = job->src == job->dst;

	/* With no text at all GCM may go straight to its tag, the others want
	 * the call that ends the associated data. */
	return with(a->hd, job->dst, job->len, in_place ? NULL : job->src,
		    in_place ? 0 : job->len) == 0;
}

static bool
read_tag(struct aead *a, uint8_t tag[AEAD_TAG_OCTETS])
{
	/* CCM's tag depends on its length and is asked for at that one; the
	 * other modes' short tags are the long one's beginning. */
	size_t n = a->is_ccm ? a->tag_octets : AEAD_TAG_OCTETS;

	return gcry_cipher_gettag(a->hd, tag, n) == 0;
}

int
aead_seal(struct aead *a, const struct aead_job *job)
{
	uint8_t tag[AEAD_TAG_OCTETS];

	if (!begin(a, job) || !turn(a, job, gcry_cipher_encrypt) ||
	    !read_tag(a, tag)) {
		secret_wipe(job->dst, job->len);
		return -EIO;
	}
	memcpy(job->tag, tag, a->tag_octets);
	return 0;
}

int
aead_open(struct aead *a, const struct aead_job *job)
{
	uint8_t tag[AEAD_TAG_OCTETS];
	int error = 0;

	if (!begin(a, job) || !turn(a, job, gcry_cipher_decrypt) ||
	    !read_tag(a, tag))
		error = -EIO;
	else if (!secret_equal(tag, job->tag, a->tag_octets))
		error = -EBADMSG;
	if (error != 0)
		secret_wipe(job->dst, job->len);
	/* The right tag of a forged packet would be worth something. */
	secret_wipe(tag, sizeof(tag));
	return error;
}

int
aead_mac_begin(struct aead *a, const uint8_t *nonce, size_t nonce_octets)
{
	return gcry_cipher_setiv(a->hd, nonce, nonce_octets) == 0 ? 0 : -EIO;
}

int
aead_mac_add(struct aead *a, const uint8_t *octets, size_t len)
{
	return gcry_cipher_authenticate(a->hd, octets, len) == 0 ? 0 : -EIO;
}

int
aead_mac_end(struct aead *a, uint8_t tag[AEAD_TAG_OCTETS])
{
	return read_tag(a, tag) ? 0 : -EIO;
}
