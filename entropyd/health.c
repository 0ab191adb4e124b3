/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>

#include "entropyd/health.h"

#define ALPHA_BITS       30 /* chance of a false alarm, 2^-30 a test */
#define LAG_ALPHA_BITS   (ALPHA_BITS + 7) /* 2^7 lags */
#define MBITS_MIN        125
#define BLOCK_MBITS      64000
#define BLOCK_LEN_MIN    16
#define HEALTH_BLOCK_MAX 512

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

void
health_init(struct health *h, unsigned mbits)
{
	unsigned len;

	memset(h, 0, sizeof(*h));
	if (mbits < MBITS_MIN)
		mbits = MBITS_MIN;
	h->repetition_cutoff = 1 + (ALPHA_BITS * 1000 + mbits - 1) / mbits;
	h->proportion_cutoff =
	    health_binomial_cutoff(HEALTH_WINDOW, mbits, ALPHA_BITS);
	h->lag_cutoff =
	    health_binomial_cutoff(HEALTH_WINDOW, mbits, LAG_ALPHA_BITS);
	len = (BLOCK_MBITS + mbits - 1) / mbits;
	if (len < BLOCK_LEN_MIN)
		len = BLOCK_LEN_MIN;
	if (len > HEALTH_BLOCK_MAX)
		len = HEALTH_BLOCK_MAX;
	h->block_len = len;
	h->oldest_factor = 1;
	for (unsigned i = 0; i < len; i++)
		h->oldest_factor *= HASH_FACTOR;
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
fails_block(struct health *h, uint8_t sample)
{
	bool failed = false;

	/* 1 more than the octet, so that leading zeros count. */
	h->block_hash = h->block_hash * HASH_FACTOR + sample + 1;
	if (h->block_seen >= h->block_len)
		h->block_hash -=
		    h->oldest_factor * (h->block[h->block_at] + UINT64_C(1));
	h->block[h->block_at] = sample;
	h->block_at = (h->block_at + 1) % h->block_len;
	if (++h->block_seen < h->block_len)
		return false;
	for (unsigned i = 0; i < h->blocks_n; i++)
		if (h->blocks[i] == h->block_hash)
			failed = true;
	if (h->block_at != 0)
		return failed;
	h->block_seen = h->block_len; /* never wraps */
	h->blocks[h->blocks_at] = h->block_hash;
	h->blocks_at = (h->blocks_at + 1) % HEALTH_BLOCKS;
	if (h->blocks_n < HEALTH_BLOCKS)
		h->blocks_n++;
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
		if (fails_block(h, samples[i]))
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
