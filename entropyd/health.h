/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * health: the continuous tests of SP 800-90B 4.4 on raw noise, and two more.
 *
 * Pure: owns its counters, no clock, no I/O; one thread.  Never corrects or
 * drops a sample: it says whether the source still looks worth the
 * min-entropy that it was assessed at, and with which test it failed.
 *
 * Cut-offs.  H is the assessed min-entropy of a sample, so that the most
 * likely value has probability p = 2^-H at most.  H is the lower one of
 *  - what noise.c has for the source: for jitter the lowest assessment on
 *    hardware (entropyd(8)), 4.5 bits; for hwrng, cpu and streams what is
 *    stated for them, 1.5 and 0.125 bits and BITS, for what is conditioned
 *    inside shows no estimator more;
 *  - half of what its start-up samples showed today (quality.h): 3.2 bits for
 *    jitter on the Xeon of entropyd(8), 1.3 to 1.8 under an emulated one.
 * A healthy source may fail a test by chance with probability alpha = 2^-30 a
 * test, of the standard's 2^-20 to 2^-40 the middle: at 60 batches an hour
 * less than once in a thousand years.  A sample has more than two values, so
 * a window has W = 512 samples (4.4.2).
 *  - repetition count (4.4.1): C = 1 + ceil(30 / H) equal samples in a row,
 *    for P(C - 1 more of the same) <= p^(C - 1) <= alpha;
 *  - adaptive proportion (4.4.2): in a window of W samples the first one
 *    comes C times at least, itself counted, C = 1 + the smallest k for which
 *    P(Binomial(W, p) > k) <= alpha, the CRITBINOM(W, p, 1 - alpha) of 4.4.2;
 *  - lag: the same count for "equal to the sample L before", for every L of
 *    1..128, in windows of W; alpha / 128, because there are 128 counts.
 *    A generator with a short period passes the first two for ever;
 *       H      repetition  proportion  lag   piece of the block test
 *     0.125       241         502      505       512
 *     1.5          21         248      257        43
 *     2            16         190      198        32
 *     3.65         10          83       89        24
 *     4.5           8          56       61        24
 *  - block: a piece worth 64 bits by H (24..512 samples) was seen before
 *    among the last 16384 samples, at whatever offset it was then and comes
 *    now: the last block_len - 7 samples are compared with those that ended
 *    at each eighth sample, so that a repeated piece of block_len holds one.
 *    Finds longer periods and a device that hands out one buffer twice.
 *    Chance is below 2048 * 2^-45 a sample at H, and H is half of what was
 *    seen at most.  What was seen outlasts the closing
 *    of the source, and so do the beginnings of its last 32 openings: a
 *    device that starts over each time earns nothing by it.
 * Because H is at most half of what the start-up showed, a healthy source stays
 * far from each of them; test/assess/alarms says how far on raw samples.
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
#define HEALTH_BLOCKS    2048
#define HEALTH_STRIDE    8
#define HEALTH_FIRSTS    32
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
	/* block: the last `window` samples (a ring), their rolling hash, the
	 * hashes at each eighth sample and at the openings (rings) */
	uint8_t block[HEALTH_BLOCK_MAX];
	unsigned window, block_at, block_seen, phase;
	uint64_t block_hash, oldest_factor, blocks[HEALTH_BLOCKS];
	uint64_t firsts[HEALTH_FIRSTS];
	unsigned blocks_at, blocks_n, firsts_at, firsts_n;
	bool known; /* these samples were seen by the block test already */
};

/* mbits: assessed min-entropy of a sample in thousandths of a bit; below 125
 * the cut-offs of 125 are used, the least at which they still mean much. */
void health_init(struct health *h, unsigned mbits);
/* The source was opened again: all counters begin anew, with cut-offs of
 * `mbits`; what the block test has seen stays. */
void health_reopen(struct health *h, unsigned mbits);
/* The samples that were fed since health_reopen or health_init once more,
 * now that their worth is known: with its cut-offs.  The block test keeps
 * what it has seen unless its length changes. */
enum health_test health_judge(struct health *h, unsigned mbits,
			      const uint8_t *samples, size_t n);
/* Feeds n samples; stops at the first failure and says which. */
enum health_test health_feed(struct health *h, const uint8_t *samples,
			     size_t n);
/* "repetition", "proportion", "lag", "block"; "none" for HEALTH_PASS. */
const char *health_name(enum health_test test);
/* 1 + the smallest k with P(Binomial(n, 2^-H) > k) <= 2^-alpha_bits. */
unsigned health_binomial_cutoff(unsigned n, unsigned mbits,
				unsigned alpha_bits);

#endif
