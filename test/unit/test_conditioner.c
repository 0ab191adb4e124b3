/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "entropyd/conditioner.h"
#include "entropyd/drbg.h"
#include "entropyd/pool.h"

static struct conditioner c;
static const uint8_t key[CONDITIONER_OCTETS] = { 'k' };
static uint8_t out[CONDITIONER_OCTETS];

static void
start(void)
{
	cr_assert_eq(drbg_library(), 0);
	conditioner_init(&c, key);
}

Test(conditioner, no_block_before_320_credited_bits, .init = start)
{
	uint8_t samples[100] = { 1 };

	cr_assert_eq(conditioner_add(&c, 0, samples, 100, 319999), 0);
	cr_assert_not(conditioner_ready(&c));
	cr_assert_eq(conditioner_take(&c, out), -EAGAIN);
	cr_assert_eq(conditioner_add(&c, 0, samples, 1, 1), 0);
	cr_assert(conditioner_ready(&c));
	cr_assert_eq(conditioner_take(&c, out), 0);
}

Test(conditioner, nothing_counts_twice, .init = start)
{
	uint8_t samples[100] = { 1 };

	cr_assert_eq(conditioner_add(&c, 0, samples, 100, 900000), 0);
	cr_assert_eq(conditioner_take(&c, out), 0);
	cr_assert_not(conditioner_ready(&c));
	cr_assert_eq(conditioner_take(&c, out), -EAGAIN);
	cr_assert_eq(c.credited_mbits, 0);
	for (size_t i = 0; i < sizeof(c.buffer); i++)
		cr_assert_eq(c.buffer[i], 0, "samples stay behind");
}

Test(conditioner, what_nobody_wanted_is_mixed_and_counts_nothing, .init = start)
{
	const uint8_t all[] = { 'B', 3, 0, 1, 'x', 4, 0, 1, 'z' };
	const struct drbg_octets run = { all, sizeof(all) };
	uint8_t want[CONDITIONER_OCTETS];

	cr_assert_eq(conditioner_add(&c, 3, (const uint8_t *)"x", 1, 900000),
		     0);
	conditioner_rest(&c);
	cr_assert_not(conditioner_ready(&c));
	cr_assert_eq(conditioner_add(&c, 4, (const uint8_t *)"z", 1, 319999),
		     0);
	cr_assert_not(conditioner_ready(&c));
	conditioner_init(&c, key);
	cr_assert_eq(conditioner_add(&c, 3, (const uint8_t *)"x", 1, 900000),
		     0);
	conditioner_rest(&c);
	cr_assert_eq(conditioner_add(&c, 4, (const uint8_t *)"z", 1, 320000),
		     0);
	cr_assert_eq(conditioner_take(&c, out), 0);
	cr_assert_eq(drbg_hmac(key, sizeof(key), &run, 1, want), 0);
	cr_assert_arr_eq(out, want, sizeof(want));
}

Test(conditioner, is_hmac_sha256_of_everything_that_came, .init = start)
{
	const uint8_t all[] = { 'B', 3, 0, 2, 'x', 'y', 4, 0, 1, 'z' };
	const struct drbg_octets run = { all, sizeof(all) };
	uint8_t want[CONDITIONER_OCTETS];

	cr_assert_eq(conditioner_add(&c, 3, (const uint8_t *)"xy", 2, 0), 0);
	cr_assert_eq(conditioner_add(&c, 4, (const uint8_t *)"z", 1, 320000),
		     0);
	cr_assert_eq(conditioner_take(&c, out), 0);
	cr_assert_eq(drbg_hmac(key, sizeof(key), &run, 1, want), 0);
	cr_assert_arr_eq(out, want, sizeof(want));
}

Test(conditioner, full_buffer_keeps_credit_for_what_its_hmac_holds,
     .init = start)
{
	uint8_t samples[4096] = { 1 };

	for (int i = 0; i < 3; i++)
		cr_assert_eq(conditioner_add(&c, 0, samples, 4096, 100000), 0);
	cr_assert_eq(c.credited_mbits, 300000);
	cr_assert_eq(conditioner_add(&c, 0, samples, 4096, 100000), 0);
	cr_assert_eq(c.credited_mbits, 192000 + 100000);
	cr_assert_not(conditioner_ready(&c));
	cr_assert_eq(conditioner_add(&c, 0, samples, SIZE_MAX, 0), -EINVAL);
}

Test(conditioner, one_of_little_worth_takes_nothing_from_others, .init = start)
{
	uint8_t samples[512] = { 1 };

	/* A good batch, then a stream of 0.01 bits an octet. */
	cr_assert_eq(conditioner_add(&c, 0, samples, 100, 150000), 0);
	for (int i = 0; i < 64 && !conditioner_ready(&c); i++) {
		cr_assert_eq(conditioner_add(&c, 1, samples, 512, 5120), 0);
		cr_assert_gt(c.credited_mbits, 150000);
	}
	cr_assert(conditioner_ready(&c));
	cr_assert_eq(conditioner_take(&c, out), 0);
	/* And that stream alone gets there. */
	for (int i = 0; i < 128 && !conditioner_ready(&c); i++)
		cr_assert_eq(conditioner_add(&c, 1, samples, 512, 5120), 0);
	cr_assert(conditioner_ready(&c));
}

Test(conditioner, same_samples_after_a_block_give_another, .init = start)
{
	uint8_t first[CONDITIONER_OCTETS], samples[100] = { 1 };

	cr_assert_eq(conditioner_add(&c, 0, samples, 100, 400000), 0);
	cr_assert_eq(conditioner_take(&c, first), 0);
	cr_assert_eq(conditioner_add(&c, 0, samples, 100, 400000), 0);
	cr_assert_eq(conditioner_take(&c, out), 0);
	cr_assert_neq(memcmp(first, out, sizeof(out)), 0);
}

Test(pool, gives_nothing_twice_and_counts, .init = start)
{
	struct pool *p = pool_new();
	uint8_t block[CONDITIONER_OCTETS] = { 7 }, a[48], b[48];
	struct pool_counts counts;

	cr_assert_not_null(p);
	cr_assert_eq(pool_reseed(p, block), 0);
	cr_assert(pool_ready(p));
	cr_assert_eq(pool_read(p, a, sizeof(a)), 0);
	cr_assert_eq(pool_read(p, b, sizeof(b)), 0);
	cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
	counts = pool_counts(p);
	cr_assert_eq(counts.credited_bits, 256);
	cr_assert_eq(counts.requests, 2);
	cr_assert_eq(counts.octets, 96);
	/* Mixing is not crediting. */
	cr_assert_eq(pool_mix(p, block, sizeof(block)), 0);
	cr_assert_eq(pool_refresh(p), 0);
	cr_assert_eq(pool_counts(p).credited_bits, 256);
	cr_assert_not(pool_broken(p));
	pool_free(p);
}
