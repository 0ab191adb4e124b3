/* SPDX-License-Identifier: GPL-2.0-or-later */
/* counting: the estimators that only count (6.3.1 to 6.3.3). */
#include <math.h>

#include "test/assess/estimate.h"

#define Z99 2.576 /* half of a 99 % interval, in standard deviations */

double
estimate_from_p(double p, double n)
{
	double upper = p + Z99 * sqrt(p * (1 - p) / (n - 1));

	return upper >= 1 ? 0 : -log2(upper);
}

double
estimate_mcv(const struct samples *x)
{
	size_t counts[256] = { 0 }, most = 0;

	for (size_t i = 0; i < x->n; i++)
		if (++counts[x->s[i]] > most)
			most = counts[x->s[i]];
	return estimate_from_p((double)most / (double)x->n, (double)x->n);
}

/*
 * Of two values the first collision comes after 2 samples (equal) or 3, so
 * the mean is 2 + 2pq; solving that for p is the closed form of the search
 * that 6.3.2 describes.
 */
double
estimate_collision(const struct samples *x)
{
	double sum = 0, squares = 0, mean, deviation, pq;
	size_t at = 0, v = 0;

	while (at + 1 < x->n) {
		size_t t = x->s[at] == x->s[at + 1] ? 2 : 3;

		if (at + t > x->n)
			break;
		sum += (double)t;
		squares += (double)(t * t);
		v++;
		at += t;
	}
	if (v < 2)
		return 0;
	mean = sum / (double)v;
	deviation = sqrt((squares - sum * mean) / ((double)v - 1));
	mean -= Z99 * deviation / sqrt((double)v);
	pq = (mean - 2) / 2;
	if (pq >= 0.25)
		return 1;
	if (pq <= 0)
		return 0;
	return -log2(0.5 + sqrt(0.25 - pq));
}

/* log2 of a product of powers; a factor of 0 that is not used is 1. */
static double
power(double p, double n)
{
	return n == 0 ? 0 : p > 0 ? n * log2(p) : -INFINITY;
}

double
estimate_markov(const struct samples *x)
{
	double count[2] = { 0 }, next[2][2] = { { 0 } }, p[2], t[2][2], best;
	const int length = 128; /* of the likeliest sequence */

	for (size_t i = 0; i < x->n; i++) {
		count[x->s[i]]++;
		if (i != 0)
			next[x->s[i - 1]][x->s[i]]++;
	}
	for (int a = 0; a < 2; a++) {
		double from = next[a][0] + next[a][1];

		p[a] = count[a] / (double)x->n;
		for (int b = 0; b < 2; b++)
			t[a][b] = from > 0 ? next[a][b] / from : 0;
	}
	best = -INFINITY;
	for (int a = 0; a < 2; a++) {
		int b = 1 - a;
		double chains[3] = {
			/* aaaa, abab, abbb */
			power(p[a], 1) + power(t[a][a], length - 1),
			power(p[a], 1) + power(t[a][b], length / 2) +
			    power(t[b][a], length / 2 - 1),
			power(p[a], 1) + power(t[a][b], 1) +
			    power(t[b][b], length - 2),
		};

		for (int i = 0; i < 3; i++)
			if (chains[i] > best)
				best = chains[i];
	}
	best = -best / length;
	return best < 1 ? best + 0.0 : 1;
}
