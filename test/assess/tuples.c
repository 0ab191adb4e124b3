/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tuples: t-tuple (6.3.5) and longest repeated substring (6.3.6).
 *
 * A suffix array by prefix doubling with counting sorts, the common prefixes
 * of neighbours by Kasai's way.  A tuple of length w that occurs c times is a
 * run of c - 1 neighbours with a common prefix of at least w.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/assess/estimate.h"

#define OFTEN 35 /* occurrences that a t-tuple needs */
/* Lengths looked at one by one; a source that repeats longer pieces than
 * this is judged by its longest one as well. */
#define LENGTHS_MAX 2000

static void *
get(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL) {
		fprintf(stderr, "assess: no memory\n");
		exit(1);
	}
	return p;
}

/* Sorts `from` by key[from[i]] into `to`, stable. */
static void
sort_by(const uint32_t *from, uint32_t *to, const uint32_t *key, size_t n,
	size_t keys, uint32_t *count)
{
	memset(count, 0, (keys + 1) * sizeof(*count));
	for (size_t i = 0; i < n; i++)
		count[key[from[i]] + 1]++;
	for (size_t i = 0; i < keys; i++)
		count[i + 1] += count[i];
	for (size_t i = 0; i < n; i++)
		to[count[key[from[i]]]++] = from[i];
}

/* rank: of each suffix, in; sa: out. */
static void
sort_suffixes(uint32_t *sa, uint32_t *rank, size_t n, size_t classes)
{
	uint32_t *second = get(n, 4), *next = get(n, 4);
	uint32_t *count = get((n > classes ? n : classes) + 2, 4);

	for (size_t i = 0; i < n; i++)
		second[i] = (uint32_t)i;
	sort_by(second, sa, rank, n, classes, count);
	for (size_t w = 1;; w *= 2) {
		size_t at = 0, found = 0;

		/* By the half behind: those without one come first. */
		for (size_t i = n > w ? n - w : 0; i < n; i++)
			second[at++] = (uint32_t)i;
		for (size_t i = 0; i < n; i++)
			if (sa[i] >= w)
				second[at++] = sa[i] - (uint32_t)w;
		sort_by(second, sa, rank, n, classes, count);
		for (size_t i = 0; i < n; i++) {
			size_t a = sa[i], b = i != 0 ? sa[i - 1] : 0;
			bool same = i != 0 && rank[a] == rank[b] &&
				    (a + w < n) == (b + w < n) &&
				    (a + w >= n || rank[a + w] == rank[b + w]);

			found += !same;
			next[a] = (uint32_t)(found - 1);
		}
		memcpy(rank, next, n * sizeof(*rank));
		classes = found;
		if (found == n || w >= n)
			break;
	}
	free(second);
	free(next);
	free(count);
}

/* common[i]: octets that suffix i of the order shares with the one before. */
static uint32_t *
common_prefixes(const struct samples *x)
{
	uint32_t *sa = get(x->n, 4), *rank = get(x->n, 4);
	uint32_t *common = get(x->n + 1, 4);
	size_t h = 0;

	for (size_t i = 0; i < x->n; i++)
		rank[i] = x->s[i];
	sort_suffixes(sa, rank, x->n, 256);
	for (size_t i = 0; i < x->n; i++)
		rank[sa[i]] = (uint32_t)i;
	for (size_t i = 0; i < x->n; i++) {
		size_t j;

		if (rank[i] == 0) {
			h = 0;
			continue;
		}
		j = sa[rank[i] - 1];
		while (i + h < x->n && j + h < x->n &&
		       x->s[i + h] == x->s[j + h])
			h++;
		common[rank[i]] = (uint32_t)h;
		if (h != 0)
			h--;
	}
	free(sa);
	free(rank);
	return common;
}

/* Over all tuples of length w: how often the most common one occurs, and the
 * number of pairs of equal ones. */
static size_t
count_tuples(const uint32_t *common, size_t n, size_t w, double *pairs)
{
	size_t most = 1, run = 1;

	*pairs = 0;
	for (size_t i = 1; i <= n; i++) {
		if (i < n && common[i] >= w) {
			run++;
			continue;
		}
		*pairs += (double)run * (double)(run - 1) / 2;
		if (run > most)
			most = run;
		run = 1;
	}
	return most;
}

void
estimate_tuples(const struct samples *x, double *t_tuple, double *lrs)
{
	uint32_t *common = common_prefixes(x);
	double best_t = 0, best_lrs = 0, n = (double)x->n, pairs;
	size_t longest = 0, w;

	for (size_t i = 1; i < x->n; i++)
		if (common[i] > longest)
			longest = common[i];
	for (w = 1; w <= LENGTHS_MAX; w++) {
		size_t most = count_tuples(common, x->n, w, &pairs);
		double p;

		if (most < OFTEN)
			break;
		p = pow((double)most / (n - (double)w + 1), 1 / (double)w);
		if (p > best_t)
			best_t = p;
	}
	for (size_t end = w + LENGTHS_MAX; w <= longest; w++) {
		double m, p;

		if (w > end)
			w = longest;
		m = n - (double)w + 1;
		(void)count_tuples(common, x->n, w, &pairs);
		p = pow(pairs / (m * (m - 1) / 2), 1 / (double)w);
		if (p > best_lrs)
			best_lrs = p;
	}
	free(common);
	*t_tuple = estimate_from_p(best_t, n);
	*lrs = best_lrs == 0 ? log2(x->k) : estimate_from_p(best_lrs, n);
}
