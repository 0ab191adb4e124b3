/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "engine/crypto/aead.h"
#include "engine/crypto/cipher.h"
#include "engine/crypto/kat.h"
#include "engine/crypto/mac.h"
#include "engine/crypto/suite.h"

#define NONCE_OCTETS_MAX 12
#define ICV_OCTETS_MAX   32 /* HMAC-SHA2-512-256 */

struct suite {
	enum algo enc, auth;
	struct suite_sizes sizes;
	bool esn;
	bool implicit_iv;
	bool iv_failed; /* the next seal must not go ahead */
	/* what the nonce starts with: the AEAD's salt, or GMAC's */
	uint8_t salt[4];
	unsigned salt_octets;
	struct aead aead; /* one of: aead; cipher with mac; mac */
	struct cipher cipher;
	struct mac mac;
};

static void
put_be32(uint8_t *at, uint32_t v)
{
	for (unsigned i = 4; i-- > 0; v >>= 8)
		at[i] = (uint8_t)v;
}

static bool
is_aead(const struct suite *s)
{
	return s->aead.hd != NULL;
}

int
suite_library_init(const char **failed)
{
	/* What everything here was measured and tested with. */
	if (gcry_check_version("1.10.0") == NULL) {
		*failed = "libgcrypt is older than 1.10.0";
		return -EPROTO;
	}
	/* Another part of the process may have been first. */
	if (!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
		gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
		gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	}
	return 0;
}

int
suite_init(const char **failed)
{
	const struct kat *kats;
	size_t n;
	int err;

	err = suite_library_init(failed);
	if (err < 0)
		return err;
	kats = kat_table(&n);
	return kat_run(kats, n, failed);
}

struct suite_sizes
suite_sizes(enum algo enc, enum algo auth)
{
	const struct algo_info *e = algo_info(enc), *a = algo_info(auth);
	bool ah = enc == ALGO_NONE;

	if ((ah ? algo_refuse_ah(auth) : algo_refuse_esp(enc, auth, true)) !=
	    NULL)
		return (struct suite_sizes){ 0 };
	return (struct suite_sizes){
		.iv_octets = (unsigned)e->iv_octets + a->iv_octets,
		.icv_octets = (unsigned)e->icv_octets + a->icv_octets,
		.block = ah ? 1 : e->block,
		.seq_octets = e->historic || a->historic ? 0 : 4,
	};
}

static int
init_aead(struct suite *s, const struct suite_params *p)
{
	const struct algo_info *info = algo_info(p->enc);

	if (p->key_octets != algo_keymat_octets(p->enc))
		return -EINVAL;
	s->implicit_iv = info->implicit_iv;
	s->salt_octets = info->salt_octets;
	memcpy(s->salt, p->key + info->key_octets, info->salt_octets);
	return aead_init(&s->aead, p->enc, p->key, info->key_octets);
}

static int
init_mac(struct suite *s, const struct suite_params *p)
{
	const struct algo_info *info = algo_info(p->auth);
	unsigned n = p->auth_key_octets;

	if (n < info->salt_octets)
		return -EINVAL;
	n -= info->salt_octets;
	s->salt_octets = info->salt_octets;
	memcpy(s->salt, p->auth_key + n, info->salt_octets);
	return mac_init(&s->mac, p->auth, p->auth_key, n);
}

static int
init(struct suite *s, const struct suite_params *p)
{
	const struct algo_info *enc = algo_info(p->enc);
	int error = 0;

	s->enc = p->enc;
	s->auth = p->auth;
	s->esn = p->esn;
	s->sizes = suite_sizes(p->enc, p->auth);
	/* zero block: no such combination; no sequence number, no ESN */
	if (s->sizes.block == 0 || (p->esn && s->sizes.seq_octets == 0))
		return -EINVAL;
	if (p->enc != ALGO_NONE &&
	    algo_refuse_esp(p->enc, p->auth, p->inside_ah) != NULL)
		return -EINVAL;
	if (enc->kind == ALGO_KIND_AEAD)
		return init_aead(s, p);
	if (enc->kind == ALGO_KIND_ENC)
		error = cipher_init(&s->cipher, p->enc, p->key, p->key_octets);
	if (error == 0 && p->auth != ALGO_NONE)
		error = init_mac(s, p);
	return error;
}

struct suite *
suite_new(const struct suite_params *params)
{
	struct suite *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return NULL;
	error = init(s, params);
	if (error != 0) {
		suite_free(s);
		errno = -error;
		return NULL;
	}
	return s;
}

void
suite_free(struct suite *s)
{
	if (s == NULL)
		return;
	aead_fini(&s->aead);
	cipher_fini(&s->cipher);
	mac_fini(&s->mac);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void
suite_make_iv(struct suite *s, uint64_t counter, uint8_t *iv)
{
	s->iv_failed = false;
	/* the cipher's, unless the IV is the counter: combined modes, GMAC */
	if (s->cipher.info != NULL && s->cipher.info->iv_octets != 0) {
		s->iv_failed = cipher_make_iv(&s->cipher, counter, iv) != 0;
	} else if (s->sizes.iv_octets != 0) {
		put_be32(iv, (uint32_t)(counter >> 32));
		put_be32(iv + 4, (uint32_t)counter);
	}
}

/* salt | IV (RFC 4106 4, 4309 4, 4543 3.2, 7634 2); with an implicit IV the
 * sequence number, zeros before it without ESN (RFC 8750 4). */
static void
make_nonce(const struct suite *s, const uint8_t *iv, uint64_t seq,
	   uint8_t nonce[NONCE_OCTETS_MAX])
{
	memcpy(nonce, s->salt, s->salt_octets);
	if (!s->implicit_iv) {
		memcpy(nonce + s->salt_octets, iv, 8);
		return;
	}
	put_be32(nonce + s->salt_octets, s->esn ? (uint32_t)(seq >> 32) : 0);
	put_be32(nonce + s->salt_octets + 4, (uint32_t)seq);
}

/* SPI | seq, or SPI | all 64 bits of it (RFC 4106 5, 4543 3.3). */
static size_t
make_aad(const struct suite *s, const struct suite_job *job, uint8_t aad[12])
{
	size_t n = 0;

	put_be32(aad, job->spi);
	n += 4;
	if (s->esn) {
		put_be32(aad + n, (uint32_t)(job->seq >> 32));
		n += 4;
	}
	put_be32(aad + n, (uint32_t)job->seq);
	return n + 4;
}

static int
run_aead(struct suite *s, const struct suite_job *job,
	 int (*with)(struct aead *, const struct aead_job *))
{
	uint8_t nonce[NONCE_OCTETS_MAX], aad[12];
	struct aead_job j = {
		.nonce = nonce,
		.nonce_octets = s->salt_octets + 8,
		.aad = aad,
		.aad_octets = make_aad(s, job, aad),
		.src = job->src,
		.dst = job->dst,
		.len = job->len,
		.tag = job->icv,
	};

	make_nonce(s, job->iv, job->seq, nonce);
	return with(&s->aead, &j);
}

static bool
is_gmac(const struct suite *s)
{
	return s->auth == ALGO_AES128_GMAC || s->auth == ALGO_AES256_GMAC;
}

static void
begin_mac(struct suite *s, const uint8_t *iv, uint64_t seq)
{
	uint8_t nonce[NONCE_OCTETS_MAX];

	if (!is_gmac(s)) {
		mac_begin(&s->mac, NULL);
		return;
	}
	make_nonce(s, iv, seq, nonce);
	mac_begin(&s->mac, nonce);
}

/*
 * What RFC 4303 2.8 puts under the ICV: SPI, sequence number, IV, ciphertext,
 * and last the high half of the sequence number that is not sent (2.2.1).
 * GMAC counts as a combined mode and has the high half in its place instead.
 */
static int
compute_icv(struct suite *s, const struct suite_job *job, const uint8_t *text,
	    uint8_t *icv)
{
	uint8_t head[12], high[4];
	size_t n;

	begin_mac(s, job->iv, job->seq);
	if (is_gmac(s)) {
		n = make_aad(s, job, head);
	} else {
		put_be32(head, job->spi);
		put_be32(head + 4, (uint32_t)job->seq);
		n = 8;
	}
	mac_add(&s->mac, head, n);
	mac_add(&s->mac, job->iv, s->sizes.iv_octets);
	mac_add(&s->mac, text, job->len);
	if (s->esn && !is_gmac(s)) {
		put_be32(high, (uint32_t)(job->seq >> 32));
		mac_add(&s->mac, high, sizeof(high));
	}
	return mac_end(&s->mac, icv, s->sizes.icv_octets);
}

int
suite_seal(struct suite *s, const struct suite_job *job)
{
	int error;

	if (s->iv_failed || s->enc == ALGO_NONE)
		return -EIO;
	if (is_aead(s))
		return run_aead(s, job, aead_seal);
	error =
	    cipher_encrypt(&s->cipher, job->iv, job->src, job->dst, job->len);
	if (error == 0 && s->sizes.icv_octets != 0)
		error = compute_icv(s, job, job->dst, job->icv);
	if (error != 0)
		secret_wipe(job->dst, job->len);
	return error;
}

/* 0 or -EBADMSG, in the same time wherever they differ. */
static int
compare_icv(const struct suite *s, uint8_t icv[ICV_OCTETS_MAX],
	    const uint8_t *received)
{
	bool good = secret_equal(icv, received, s->sizes.icv_octets);

	secret_wipe(icv, ICV_OCTETS_MAX);
	return good ? 0 : -EBADMSG;
}

int
suite_open(struct suite *s, const struct suite_job *job)
{
	uint8_t icv[ICV_OCTETS_MAX];
	int error = 0;

	if (s->enc == ALGO_NONE)
		return -EIO;
	if (is_aead(s))
		return run_aead(s, job, aead_open);
	if (job->len % s->sizes.block != 0)
		return -EBADMSG;
	if (s->sizes.icv_octets != 0) {
		error = compute_icv(s, job, job->src, icv);
		if (error == 0)
			error = compare_icv(s, icv, job->icv);
	}
	if (error != 0)
		return error;
	error =
	    cipher_decrypt(&s->cipher, job->iv, job->src, job->dst, job->len);
	if (error != 0)
		secret_wipe(job->dst, job->len);
	return error;
}

static int
compute_scatter(struct suite *s, const struct suite_scatter *what, uint8_t *icv)
{
	uint8_t high[4];

	if (s->enc != ALGO_NONE)
		return -EIO;
	begin_mac(s, what->iv, what->seq);
	for (unsigned i = 0; i < what->n_pieces; i++)
		mac_add(&s->mac, what->pieces[i].at, what->pieces[i].len);
	if (s->esn) {
		put_be32(high, (uint32_t)(what->seq >> 32));
		mac_add(&s->mac, high, sizeof(high));
	}
	return mac_end(&s->mac, icv, s->sizes.icv_octets);
}

int
suite_sign(struct suite *s, const struct suite_scatter *what)
{
	return compute_scatter(s, what, what->icv);
}

int
suite_verify(struct suite *s, const struct suite_scatter *what)
{
	uint8_t icv[ICV_OCTETS_MAX];
	int error = compute_scatter(s, what, icv);

	return error != 0 ? error : compare_icv(s, icv, what->icv);
}
