/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entropyd/health.h"

/* xorshift64: good enough as a healthy source, and the same every time. */
static uint64_t state = 88172645463325252u;

static uint8_t
noise(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint8_t)(state >> 24);
}

static struct health
fresh(unsigned mbits)
{
	struct health h;

	health_init(&h, mbits);
	return h;
}

static enum health_test
feed_one(struct health *h, uint8_t sample)
{
	return health_feed(h, &sample, 1);
}

Test(health, cutoffs_follow_from_the_entropy)
{
	struct health one = fresh(1000), two = fresh(2000), low = fresh(0);

	/* 4.4.1: 1 + ceil(30 / H) */
	cr_assert_eq(one.repetition_cutoff, 31);
	cr_assert_eq(two.repetition_cutoff, 16);
	cr_assert_eq(low.repetition_cutoff, 241);
	/* 4.4.2, table 2: alpha 2^-20, a window of 512 */
	cr_assert_eq(health_binomial_cutoff(512, 500, 20), 410);
	cr_assert_eq(health_binomial_cutoff(512, 1000, 20), 311);
	cr_assert_eq(health_binomial_cutoff(512, 2000, 20), 177);
	cr_assert_eq(health_binomial_cutoff(512, 4000, 20), 62);
	cr_assert_eq(health_binomial_cutoff(512, 8000, 20), 13);
	/* Ours have alpha 2^-30. */
	cr_assert_gt(one.proportion_cutoff, 311);
	cr_assert_lt(two.proportion_cutoff, one.proportion_cutoff);
	cr_assert_gt(one.lag_cutoff, one.proportion_cutoff);
}

/* CRITBINOM from the other end, in another precision: 1 + the smallest k with
 * P(X <= k) >= 1 - alpha. */
static unsigned
critical(unsigned n, unsigned mbits, unsigned alpha_bits)
{
	long double p = exp2l(-(long double)mbits / 1000);
	long double term = powl(1 - p, n), sum = term;
	long double enough = 1 - exp2l(-(long double)alpha_bits);
	unsigned k = 0;

	while (sum < enough) {
		term *= (n - k) * p / ((k + 1) * (1 - p));
		sum += term;
		k++;
	}
	return 1 + k;
}

/* As a Python of 120 digits says: sum of comb(512, k) p^k (1 - p)^(512 - k). */
Test(health, cutoffs_are_those_of_exact_arithmetic)
{
	static const struct {
		unsigned mbits, repetition, proportion, lag, piece;
	} want[] = {
		{ 125, 241, 502, 505, 512 }, { 750, 41, 371, 378, 86 },
		{ 1000, 31, 325, 333, 64 },  { 1500, 21, 248, 257, 43 },
		{ 2000, 16, 190, 198, 32 },  { 2085, 16, 182, 190, 31 },
		{ 3315, 11, 98, 104, 24 },   { 3650, 10, 83, 89, 24 },
		{ 4500, 8, 56, 61, 24 },     { 8000, 5, 16, 18, 24 },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct health h = fresh(want[i].mbits);

		cr_assert_eq(h.repetition_cutoff, want[i].repetition);
		cr_assert_eq(h.proportion_cutoff, want[i].proportion);
		cr_assert_eq(h.lag_cutoff, want[i].lag);
		cr_assert_eq(h.block_len, want[i].piece);
	}
	for (unsigned mbits = 125; mbits <= 8000; mbits += 25) {
		struct health h = fresh(mbits);

		cr_assert_eq(h.proportion_cutoff,
			     critical(HEALTH_WINDOW, mbits, 30), "%u", mbits);
		cr_assert_eq(h.lag_cutoff, critical(HEALTH_WINDOW, mbits, 37),
			     "%u", mbits);
	}
}

Test(health, healthy_noise_passes_a_million_samples)
{
	struct health h = fresh(4000);

	for (int i = 0; i < 1000000; i++)
		cr_assert_eq(feed_one(&h, noise()), HEALTH_PASS);
}

Test(health, repetition_fails_at_the_cutoff_and_not_before)
{
	struct health h = fresh(2000);

	for (unsigned i = 1; i < h.repetition_cutoff; i++)
		cr_assert_eq(feed_one(&h, 7), HEALTH_PASS);
	cr_assert_eq(feed_one(&h, 7), HEALTH_REPETITION);
	h = fresh(2000);
	for (unsigned i = 1; i < h.repetition_cutoff; i++)
		cr_assert_eq(feed_one(&h, 7), HEALTH_PASS);
	cr_assert_eq(feed_one(&h, 8), HEALTH_PASS);
	cr_assert_eq(feed_one(&h, 7), HEALTH_PASS);
}

Test(health, proportion_fails_for_a_biased_source)
{
	struct health h = fresh(2000);
	enum health_test test = HEALTH_PASS;
	unsigned n = 0;

	/* Every other sample is the same: 1 bit at most, 2 claimed. */
	while (test == HEALTH_PASS && n++ < 2 * HEALTH_WINDOW)
		test = feed_one(&h, n % 2 ? 9 : noise());
	cr_assert_eq(test, HEALTH_PROPORTION);
}

Test(health, proportion_counts_within_one_window_only)
{
	struct health h = fresh(2000);

	/* 150 equal samples in 512, again and again, stay below 4.4.2. */
	cr_assert_gt(h.proportion_cutoff, 180);
	for (unsigned i = 0; i < 20 * HEALTH_WINDOW; i++)
		cr_assert_eq(feed_one(&h, i % HEALTH_WINDOW < 150 && i % 2
					      ? 9
					      : noise()),
			     HEALTH_PASS);
}

Test(health, lag_finds_every_short_period)
{
	for (unsigned period = 3; period <= HEALTH_LAGS; period++) {
		struct health h = fresh(2000);
		enum health_test test = HEALTH_PASS;
		uint8_t round[HEALTH_LAGS];
		unsigned n = 0;

		for (unsigned i = 0; i < period; i++)
			round[i] = noise();
		while (test == HEALTH_PASS && n++ < 1024)
			test = feed_one(&h, round[n % period]);
		cr_assert_neq(test, HEALTH_PASS, "period %u", period);
	}
}

Test(health, block_finds_a_buffer_handed_out_twice)
{
	struct health h = fresh(2000);
	uint8_t buffer[64];

	cr_assert_eq(h.block_len, 32);
	for (int i = 0; i < 64; i++)
		buffer[i] = noise();
	cr_assert_eq(health_feed(&h, buffer, 64), HEALTH_PASS);
	for (int i = 0; i < 645; i++)
		cr_assert_eq(feed_one(&h, noise()), HEALTH_PASS);
	cr_assert_eq(health_feed(&h, buffer, 64), HEALTH_BLOCK);
}

/* At the credit of hwrng a piece worth 64 bits has 43 octets. */
Test(health, block_finds_a_short_piece_at_every_offset)
{
	for (unsigned at = 0; at < 64; at++) {
		struct health h = fresh(1500);
		enum health_test test = HEALTH_PASS;
		uint8_t piece[43];

		cr_assert_eq(h.block_len, sizeof(piece));
		for (unsigned i = 0; i < sizeof(piece); i++)
			piece[i] = noise();
		for (unsigned i = 0; i < at; i++)
			cr_assert_eq(feed_one(&h, noise()), HEALTH_PASS);
		cr_assert_eq(health_feed(&h, piece, sizeof(piece)),
			     HEALTH_PASS);
		for (unsigned i = 0; i < 700 + 3 * at; i++)
			cr_assert_eq(feed_one(&h, noise()), HEALTH_PASS);
		test = health_feed(&h, piece, sizeof(piece));
		cr_assert_eq(test, HEALTH_BLOCK, "offset %u", at);
	}
}

Test(health, block_remembers_over_a_reopening)
{
	struct health h = fresh(1500);
	static uint8_t all[30000];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = noise();
	cr_assert_eq(health_feed(&h, all, sizeof(all)), HEALTH_PASS);
	/* The end of it. */
	health_reopen(&h, 750);
	cr_assert_eq(health_feed(&h, all + sizeof(all) - 500, 300),
		     HEALTH_BLOCK);
	/* From the beginning, which is longer ago than the last samples. */
	health_reopen(&h, 750);
	cr_assert_eq(health_feed(&h, all, 200), HEALTH_BLOCK);
	health_reopen(&h, 750);
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(feed_one(&h, noise()), HEALTH_PASS);
}

Test(health, block_finds_a_long_period)
{
	struct health h = fresh(2000);
	enum health_test test = HEALTH_PASS;
	static uint8_t round[4099];

	for (size_t i = 0; i < sizeof(round); i++)
		round[i] = noise();
	for (int i = 0; i < 3 && test == HEALTH_PASS; i++)
		test = health_feed(&h, round, sizeof(round));
	cr_assert_eq(test, HEALTH_BLOCK);
}

/* Recorded (test/assess/samples): the jitter source with a timer of 4 ms, an
 * early design of it whose walk stayed in the cache, and as it is. */
static enum health_test
replay(const char *name, unsigned mbits)
{
	const char *top = getenv("NFIPSEC_TOP");
	struct health h = fresh(mbits);
	static uint8_t samples[65536];
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/test/assess/samples/%s",
		 top != NULL ? top : ".", name);
	f = fopen(path, "rb");
	cr_assert_not_null(f, "%s", path);
	n = fread(samples, 1, sizeof(samples), f);
	fclose(f);
	cr_assert_geq(n, 4096);
	return health_feed(&h, samples, n);
}

Test(health, recorded_bad_sources_fail_and_a_good_one_passes)
{
	cr_assert_neq(replay("coarse-timer.raw", 1000), HEALTH_PASS);
	cr_assert_neq(replay("cached-walk.raw", 1000), HEALTH_PASS);
	/* by what is credited, by half of what was seen, by what was assessed
	 */
	cr_assert_eq(replay("jitter.raw", 1000), HEALTH_PASS);
	cr_assert_eq(replay("jitter.raw", 2446), HEALTH_PASS);
	cr_assert_eq(replay("jitter.raw", 4500), HEALTH_PASS);
}

Test(health, names_are_those_of_the_manual)
{
	cr_assert_str_eq(health_name(HEALTH_PASS), "none");
	cr_assert_str_eq(health_name(HEALTH_REPETITION), "repetition");
	cr_assert_str_eq(health_name(HEALTH_PROPORTION), "proportion");
	cr_assert_str_eq(health_name(HEALTH_LAG), "lag");
	cr_assert_str_eq(health_name(HEALTH_BLOCK), "block");
}
