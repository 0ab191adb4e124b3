/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * estimate: the estimators of SP 800-90B 6.3, without compression.
 *
 * Pure functions over a run of samples; each returns min-entropy in bits a
 * sample.  Memory they take is freed before they return; without memory the
 * program ends.
 */
#ifndef TEST_ASSESS_ESTIMATE_H
#define TEST_ASSESS_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

/* n samples with values below k. */
struct samples {
	const uint8_t *s;
	size_t n;
	unsigned k;
};

double estimate_mcv(const struct samples *x);       /* 6.3.1 */
double estimate_collision(const struct samples *x); /* 6.3.2, k 2 only */
double estimate_markov(const struct samples *x);    /* 6.3.3, k 2 only */
/* 6.3.5 and 6.3.6 share a suffix array. */
void estimate_tuples(const struct samples *x, double *t_tuple, double *lrs);
double estimate_multi_mcw(const struct samples *x); /* 6.3.7 */
double estimate_lag(const struct samples *x);       /* 6.3.8 */
double estimate_multi_mmc(const struct samples *x); /* 6.3.9 */
double estimate_lz78y(const struct samples *x);     /* 6.3.10 */

/* -log2 of the upper end of p's 99 % interval over n - 1. */
double estimate_from_p(double p, double n);

#endif
