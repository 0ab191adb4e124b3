/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "entropyd/conditioner.h"
#include "entropyd/drbg.h"

/* A full buffer is replaced by its HMAC, which holds nearly all of what went
 * in, up to 256 bits: 64 less than that are counted, the margin of a block.
 * One source of little worth takes nothing from the others by filling it. */
#define FOLD_MBITS ((CONDITIONER_BITS - 64) * UINT64_C(1000))

static int
fold(struct conditioner *c)
{
	const uint8_t label = 'F';
	const struct drbg_octets runs[2] = { { &label, 1 },
					     { c->buffer, c->n } };
	uint8_t digest[CONDITIONER_OCTETS];
	int err = drbg_hmac(c->key, sizeof(c->key), runs, 2, digest);

	if (err == 0) {
		secret_wipe(c->buffer, c->n);
		memcpy(c->buffer, digest, sizeof(digest));
		c->n = sizeof(digest);
		if (c->credited_mbits > FOLD_MBITS)
			c->credited_mbits = FOLD_MBITS;
	}
	secret_wipe(digest, sizeof(digest));
	return err;
}

/* The key after a block: what was in the old one and in the buffer can't be
 * found from it. */
static int
next_key(struct conditioner *c)
{
	const uint8_t label = 'N';
	const struct drbg_octets runs[2] = { { &label, 1 },
					     { c->buffer, c->n } };
	uint8_t key[CONDITIONER_OCTETS];
	int err;

	err = drbg_hmac(c->key, sizeof(c->key), runs, 2, key);
	if (err == 0) {
		memcpy(c->key, key, sizeof(key));
		secret_wipe(c->buffer, c->n);
		c->n = 0;
		c->credited_mbits = 0;
	}
	secret_wipe(key, sizeof(key));
	return err;
}

void
conditioner_init(struct conditioner *c, const uint8_t key[CONDITIONER_OCTETS])
{
	memset(c, 0, sizeof(*c));
	memcpy(c->key, key, CONDITIONER_OCTETS);
}

int
conditioner_add(struct conditioner *c, uint8_t id, const uint8_t *octets,
		size_t n, uint64_t mbits)
{
	/* Each run begins with its source and length: nothing a source says
	 * can look like another's. */
	const uint8_t head[3] = { id, (uint8_t)(n >> 8), (uint8_t)n };

	if (n > sizeof(c->buffer) - sizeof(head) - CONDITIONER_OCTETS)
		return -EINVAL;
	if (sizeof(c->buffer) - c->n < n + sizeof(head)) {
		int err = fold(c);

		if (err != 0)
			return err;
	}
	memcpy(c->buffer + c->n, head, sizeof(head));
	memcpy(c->buffer + c->n + sizeof(head), octets, n);
	c->n += n + sizeof(head);
	c->credited_mbits += mbits;
	return 0;
}

bool
conditioner_ready(const struct conditioner *c)
{
	return c->credited_mbits >= CONDITIONER_IN * UINT64_C(1000);
}

int
conditioner_take(struct conditioner *c, uint8_t out[CONDITIONER_OCTETS])
{
	const uint8_t label = 'B';
	const struct drbg_octets runs[2] = { { &label, 1 },
					     { c->buffer, c->n } };
	int err;

	if (!conditioner_ready(c))
		return -EAGAIN;
	err = drbg_hmac(c->key, sizeof(c->key), runs, 2, out);
	if (err == 0)
		err = next_key(c);
	return err;
}

void
conditioner_rest(struct conditioner *c)
{
	c->credited_mbits = 0;
}

void
conditioner_wipe(struct conditioner *c)
{
	secret_wipe(c, sizeof(*c));
}
