/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "entropyd/quality.h"

static double
most_common_bits(const size_t counts[256], size_t n)
{
	size_t most = 0;
	double p, upper;

	for (int i = 0; i < 256; i++)
		if (counts[i] > most)
			most = counts[i];
	p = (double)most / (double)n;
	/* 2.576: half-width of a 99 % interval in standard deviations */
	upper = p + 2.576 * sqrt(p * (1 - p) / ((double)n - 1));
	return upper >= 1 ? 0 : -log2(upper);
}

unsigned
quality_estimate(const uint8_t *samples, size_t n)
{
	size_t values[256] = { 0 }, steps[256] = { 0 };
	double a, b;

	if (n < 3)
		return 0;
	for (size_t i = 0; i < n; i++) {
		values[samples[i]]++;
		if (i != 0)
			steps[(uint8_t)(samples[i] - samples[i - 1])]++;
	}
	a = most_common_bits(values, n);
	b = most_common_bits(steps, n - 1);
	return (unsigned)(1000 * (a < b ? a : b));
}

unsigned
quality_tested(unsigned assessed_mbits, unsigned estimate_mbits)
{
	unsigned half = estimate_mbits / 2;

	return half < assessed_mbits ? half : assessed_mbits;
}

unsigned
quality_credit(unsigned ceiling_mbits, unsigned estimate_mbits)
{
	unsigned quarter = estimate_mbits / 4;

	return quarter < ceiling_mbits ? quarter : ceiling_mbits;
}
