/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <gcrypt.h>

#include "base/secret.h"
#include "entropyd/drbg.h"

#define CALLS_MAX (UINT64_C(1) << 48) /* 10.1 table 2: reseed_interval */

int
drbg_library(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return 0;
	if (gcry_check_version("1.9.0") == NULL)
		return -ENOSYS;
	gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
	gcry_control(GCRYCTL_INIT_SECMEM, 16384, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return 0;
}

static gcry_md_hd_t
hmac_open(const uint8_t *key, size_t n)
{
	gcry_md_hd_t h;

	if (gcry_md_open(&h, GCRY_MD_SHA256,
			 GCRY_MD_FLAG_HMAC | GCRY_MD_FLAG_SECURE) != 0)
		return NULL;
	if (gcry_md_setkey(h, key, n) != 0) {
		gcry_md_close(h);
		return NULL;
	}
	return h;
}

int
drbg_hmac(const uint8_t *key, size_t key_n, const struct drbg_octets *runs,
	  size_t n_runs, uint8_t out[DRBG_OCTETS])
{
	gcry_md_hd_t h = hmac_open(key, key_n);

	if (h == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_runs; i++)
		if (runs[i].n != 0)
			gcry_md_write(h, runs[i].octets, runs[i].n);
	memcpy(out, gcry_md_read(h, GCRY_MD_SHA256), DRBG_OCTETS);
	gcry_md_close(h);
	return 0;
}

/* HMAC_DRBG_Update, 10.1.2.2; the input is the concatenation of the runs. */
static int
update(struct drbg *d, const struct drbg_octets in[3])
{
	size_t total = in[0].n + in[1].n + in[2].n;
	int err = 0;

	for (uint8_t step = 0; step < 2 && err == 0; step++) {
		const struct drbg_octets runs[5] = {
			{ d->v, DRBG_OCTETS }, { &step, 1 }, in[0], in[1], in[2]
		};
		const struct drbg_octets v = { d->v, DRBG_OCTETS };
		uint8_t key[DRBG_OCTETS];

		err = drbg_hmac(d->key, DRBG_OCTETS, runs, 5, key);
		if (err == 0) {
			memcpy(d->key, key, DRBG_OCTETS);
			err = drbg_hmac(d->key, DRBG_OCTETS, &v, 1, d->v);
		}
		secret_wipe(key, sizeof(key));
		if (total == 0)
			break;
	}
	if (err != 0)
		drbg_wipe(d);
	return err;
}

int
drbg_instantiate(struct drbg *d, struct drbg_octets entropy,
		 struct drbg_octets nonce, struct drbg_octets personal)
{
	const struct drbg_octets in[3] = { entropy, nonce, personal };
	int err;

	memset(d->key, 0, sizeof(d->key));
	memset(d->v, 1, sizeof(d->v));
	err = update(d, in);
	d->since_seed = 0;
	d->ready = err == 0;
	return err;
}

int
drbg_reseed(struct drbg *d, struct drbg_octets entropy,
	    struct drbg_octets additional)
{
	const struct drbg_octets in[3] = { entropy, additional, { NULL, 0 } };
	int err;

	if (!d->ready)
		return -EAGAIN;
	err = update(d, in);
	if (err == 0)
		d->since_seed = 0;
	return err;
}

int
drbg_mix(struct drbg *d, struct drbg_octets octets)
{
	const struct drbg_octets in[3] = { octets, { NULL, 0 }, { NULL, 0 } };

	return d->ready ? update(d, in) : -EAGAIN;
}

static int
fill(struct drbg *d, uint8_t *out, size_t n)
{
	gcry_md_hd_t h = hmac_open(d->key, DRBG_OCTETS);

	if (h == NULL)
		return -ENOMEM;
	while (n != 0) {
		size_t part = n < DRBG_OCTETS ? n : DRBG_OCTETS;

		gcry_md_reset(h);
		gcry_md_write(h, d->v, DRBG_OCTETS);
		memcpy(d->v, gcry_md_read(h, GCRY_MD_SHA256), DRBG_OCTETS);
		memcpy(out, d->v, part);
		out += part;
		n -= part;
	}
	gcry_md_close(h);
	return 0;
}

int
drbg_generate(struct drbg *d, void *out, size_t n,
	      struct drbg_octets additional)
{
	const struct drbg_octets in[3] = { additional,
					   { NULL, 0 },
					   { NULL, 0 } };
	int err = 0;

	if (n > DRBG_REQUEST_MAX)
		return -EINVAL;
	if (!d->ready || d->since_seed >= CALLS_MAX)
		return -EAGAIN;
	if (additional.n != 0)
		err = update(d, in);
	if (err == 0)
		err = fill(d, out, n);
	if (err == 0)
		err = update(d, in);
	if (err != 0) {
		secret_wipe(out, n);
		drbg_wipe(d);
		return err;
	}
	d->since_seed++;
	return 0;
}

void
drbg_wipe(struct drbg *d)
{
	secret_wipe(d, sizeof(*d));
}
