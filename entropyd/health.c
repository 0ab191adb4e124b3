/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "entropyd/health.h"

#define ALPHA_BITS     30 /* chance of a false alarm, 2^-30 a test */
#define LAG_ALPHA_BITS (ALPHA_BITS + 7) /* 2^7 lags */
#define MBITS_MIN      125
#define BLOCK_MBITS    64000
#define BLOCK_LEN_MIN  24

/* Rolling polynomial hash modulo 2^64: nobody chooses these octets against
 * us. */
#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

unsigned
health_binomial_cutoff(unsigned n, unsigned mbits, unsigned alpha_bits)
{
	double p = exp2(-(double)mbits / 1000);
	double alpha = exp2(-(double)alpha_bits), tail = 0;

	/* From the far end: the tail grows until it passes alpha. */
	for (unsigned k = n; k > 0; k--) {
		tail +=
		    exp(lgamma(n + 1.0) - lgamma(k + 1.0) -
			lgamma(n - k + 1.0) + k * log(p) + (n - k) * log1p(-p));
		if (tail > alpha)
			return k + 1; /* P(X > k) <= alpha < P(X >= k) */
	}
	return 1;
}

static unsigned
block_len(unsigned mbits)
{
	unsigned len = (BLOCK_MBITS + mbits - 1) / mbits;

	if (len < BLOCK_LEN_MIN)
		return BLOCK_LEN_MIN;
	return len < HEALTH_BLOCK_MAX ? len : HEALTH_BLOCK_MAX;
}

/* Everything but the block test. */
static void
begin(struct health *h, unsigned mbits)
{
	h->run = h->in_window = h->equal = 0;
	h->past_at = h->past_n = h->lag_samples = 0;
	memset(h->lag_equal, 0, sizeof(h->lag_equal));
	h->repetition_cutoff = 1 + (ALPHA_BITS * 1000 + mbits - 1) / mbits;
	h->proportion_cutoff =
	    health_binomial_cutoff(HEALTH_WINDOW, mbits, ALPHA_BITS);
	h->lag_cutoff =
	    health_binomial_cutoff(HEALTH_WINDOW, mbits, LAG_ALPHA_BITS);
}

void
health_init(struct health *h, unsigned mbits)
{
	memset(h, 0, sizeof(*h));
	if (mbits < MBITS_MIN)
		mbits = MBITS_MIN;
	begin(h, mbits);
	h->block_len = block_len(mbits);
	h->window = h->block_len - (HEALTH_STRIDE - 1);
	h->oldest_factor = 1;
	for (unsigned i = 0; i < h->window; i++)
		h->oldest_factor *= HASH_FACTOR;
}

void
health_reopen(struct health *h, unsigned mbits)
{
	begin(h, mbits < MBITS_MIN ? MBITS_MIN : mbits);
	/* No piece reaches over the gap. */
	h->block_at = h->block_seen = h->phase = 0;
	h->block_hash = 0;
}

enum health_test
health_judge(struct health *h, unsigned mbits, const uint8_t *samples, size_t n)
{
	enum health_test test;

	if (mbits < MBITS_MIN)
		mbits = MBITS_MIN;
	h->known = block_len(mbits) == h->block_len;
	if (h->known)
		begin(h, mbits);
	else
		health_init(h, mbits);
	test = health_feed(h, samples, n);
	h->known = false;
	return test;
}

static bool
fails_repetition(struct health *h, uint8_t sample)
{
	if (h->run == 0 || sample != h->run_sample) {
		h->run_sample = sample;
		h->run = 1;
		return false;
	}
	return ++h->run >= h->repetition_cutoff;
}

static bool
fails_proportion(struct health *h, uint8_t sample)
{
	bool failed = false;

	if (h->in_window == 0) {
		h->window_sample = sample;
		h->equal = 1;
	} else if (sample == h->window_sample) {
		failed = ++h->equal >= h->proportion_cutoff;
	}
	h->in_window = (h->in_window + 1) % HEALTH_WINDOW;
	return failed;
}

static bool
fails_lag(struct health *h, uint8_t sample)
{
	bool failed = false;

	for (unsigned lag = 1; lag <= h->past_n; lag++) {
		unsigned at = (h->past_at + HEALTH_LAGS - lag) % HEALTH_LAGS;

		if (h->past[at] == sample &&
		    ++h->lag_equal[lag - 1] >= h->lag_cutoff)
			failed = true;
	}
	h->past[h->past_at] = sample;
	h->past_at = (h->past_at + 1) % HEALTH_LAGS;
	if (h->past_n < HEALTH_LAGS)
		h->past_n++;
	if (++h->lag_samples == HEALTH_WINDOW) {
		h->lag_samples = 0;
		memset(h->lag_equal, 0, sizeof(h->lag_equal));
	}
	return failed;
}

static bool
is_among(const uint64_t *hashes, unsigned n, uint64_t hash)
{
	bool found = false;

	/* No early end: so the compiler may compare several at once. */
	for (unsigned i = 0; i < n; i++)
		found |= hashes[i] == hash;
	return found;
}

static void
keep(uint64_t *ring, unsigned size, unsigned *at, unsigned *n, uint64_t hash)
{
	ring[*at] = hash;
	*at = (*at + 1) % size;
	if (*n < size)
		++*n;
}

static bool
fails_block(struct health *h, uint8_t sample)
{
	bool failed;

	/* 1 more than the octet, so that leading zeros count. */
	h->block_hash = h->block_hash * HASH_FACTOR + sample + 1;
	if (h->block_seen >= h->window)
		h->block_hash -=
		    h->oldest_factor * (h->block[h->block_at] + UINT64_C(1));
	h->block[h->block_at] = sample;
	h->block_at = (h->block_at + 1) % h->window;
	if (h->block_seen <= h->window)
		h->block_seen++; /* never wraps */
	/* Equal samples in a row are the repetition count's to judge. */
	if (h->block_seen < h->window || h->run >= h->window)
		return false;
	failed = is_among(h->blocks, h->blocks_n, h->block_hash);
	if (h->block_seen == h->window) {
		failed |= is_among(h->firsts, h->firsts_n, h->block_hash);
		keep(h->firsts, HEALTH_FIRSTS, &h->firsts_at, &h->firsts_n,
		     h->block_hash);
	}
	if (h->phase == 0)
		keep(h->blocks, HEALTH_BLOCKS, &h->blocks_at, &h->blocks_n,
		     h->block_hash);
	h->phase = (h->phase + 1) % HEALTH_STRIDE;
	return failed;
}

enum health_test
health_feed(struct health *h, const uint8_t *samples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fails_repetition(h, samples[i]))
			return HEALTH_REPETITION;
		if (fails_proportion(h, samples[i]))
			return HEALTH_PROPORTION;
		if (fails_lag(h, samples[i]))
			return HEALTH_LAG;
		if (!h->known && fails_block(h, samples[i]))
			return HEALTH_BLOCK;
	}
	return HEALTH_PASS;
}

const char *
health_name(enum health_test test)
{
	switch (test) {
	case HEALTH_PASS:
		return "none";
	case HEALTH_REPETITION:
		return "repetition";
	case HEALTH_PROPORTION:
		return "proportion";
	case HEALTH_LAG:
		return "lag";
	case HEALTH_BLOCK:
		return "block";
	case HEALTH_TESTS:
		break;
	}
	return "unknown";
}
