/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "test/assess/predict.h"

void
predict_note(struct predict_score *s, bool right)
{
	s->guesses++;
	s->right += right;
	s->run = right ? s->run + 1 : 0;
	if (s->run > s->longest)
		s->longest = s->run;
}

/* log of the chance that no run of r right guesses comes in n, each right
 * with probability p (Feller). */
static double
log_no_run(double p, double r, double n)
{
	double q = 1 - p, x = 1;

	for (int i = 0; i < 10; i++)
		x = 1 + q * pow(p, r) * pow(x, r + 1);
	return log(1 - p * x) - log((r + 1 - r * x) * q) - (n + 1) * log(x);
}

/* The p for which a run as long as the one seen is a 1 % surprise. */
static double
local_p(double r, double n)
{
	double low = 0, high = 1;

	for (int i = 0; i < 60; i++) {
		double p = (low + high) / 2, chance = log_no_run(p, r, n);

		/* A NaN is beyond the largest p that has a solution. */
		if (chance > log(0.99))
			low = p;
		else
			high = p;
	}
	return low;
}

double
predict_entropy(const struct predict_score *s, unsigned k)
{
	double n = (double)s->guesses, p = (double)s->right / n, local;

	if (s->right == 0)
		p = 1 - pow(0.01, 1 / n);
	else
		p += 2.576 * sqrt(p * (1 - p) / (n - 1));
	local = local_p((double)s->longest + 1, n);
	if (local > p)
		p = local;
	if (p < 1.0 / k)
		p = 1.0 / k;
	return p >= 1 ? 0 : -log2(p);
}
