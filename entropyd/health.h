/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health: the continuous tests of SP 800-90B 4.4 on raw noise, and two more.
 *
 * Pure: owns its counters, no clock, no I/O; one thread.  Never corrects or
 * drops a sample: it says whether the source still looks worth the
 * min-entropy that it is credited, and with which test it failed.
 *
 * Cut-offs.  H is the credited min-entropy of a sample, so that the most
 * likely value has probability p = 2^-H at most.  A healthy source may fail a
 * test by chance with probability alpha = 2^-30 a test.
 *  - repetition count (4.4.1): C = 1 + ceil(30 / H) equal samples in a row;
 *  - adaptive proportion (4.4.2): in a window of 512 samples the first one
 *    comes C times at least, itself counted, C = 1 + the smallest k for which
 *    P(Binomial(512, p) > k) <= alpha;
 *  - lag: the same count for "equal to the sample L before", for every L of
 *    1..128, in windows of 512; alpha / 128, because there are 128 counts.
 *    A generator with a short period passes the first two for ever;
 *  - block: the last samples, worth at least 64 credited bits (16..512 of
 *    them), were seen before as one of the last 256 blocks, at whatever
 *    offset they come now.  Finds longer periods and a device that hands out
 *    one buffer twice.  Chance is below 256 * 2^-64 a sample.
 * Because H is at most half of what was assessed, a healthy source stays far
 * from each of them.
 */
#ifndef ENTROPYD_HEALTH_H
#define ENTROPYD_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_test {
	HEALTH_PASS,
	HEALTH_REPETITION,
	HEALTH_PROPORTION,
	HEALTH_LAG,
	HEALTH_BLOCK,
	HEALTH_TESTS
};

#define HEALTH_WINDOW    512
#define HEALTH_LAGS      128
#define HEALTH_BLOCKS    256
#define HEALTH_BLOCK_MAX 512

struct health {
	unsigned repetition_cutoff, proportion_cutoff, lag_cutoff;
	unsigned block_len;
	/* repetition count */
	unsigned run;
	uint8_t run_sample;
	/* adaptive proportion */
	unsigned in_window, equal;
	uint8_t window_sample;
	/* lag: `past` is a ring, past_n of it are filled */
	uint8_t past[HEALTH_LAGS];
	unsigned past_at, past_n, lag_samples;
	uint16_t lag_equal[HEALTH_LAGS];
	/* block: the last block_len samples (a ring), their rolling hash, and
	 * the hashes of the last blocks (a ring) */
	uint8_t block[HEALTH_BLOCK_MAX];
	unsigned block_at, block_seen;
	uint64_t block_hash, oldest_factor, blocks[HEALTH_BLOCKS];
	unsigned blocks_at, blocks_n;
};

/* mbits: credited min-entropy of a sample in thousandths of a bit; below 125
 * the cut-offs of 125 are used, the least at which they still mean much. */
void health_init(struct health *h, unsigned mbits);
/* Feeds n samples; stops at the first failure and says which. */
enum health_test health_feed(struct health *h, const uint8_t *samples,
			     size_t n);
/* "repetition", "proportion", "lag", "block"; "none" for HEALTH_PASS. */
const char *health_name(enum health_test test);
/* 1 + the smallest k with P(Binomial(n, 2^-H) > k) <= 2^-alpha_bits. */
unsigned health_binomial_cutoff(unsigned n, unsigned mbits,
				unsigned alpha_bits);

#endif
