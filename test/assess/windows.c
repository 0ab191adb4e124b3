/* SPDX-License-Identifier: GPL-2.0-or-later */
/* windows: the predictors that look at what came last (6.3.7, 6.3.8). */
#include <string.h>

#include "test/assess/estimate.h"
#include "test/assess/predict.h"

#define WINDOWS 4
#define LAGS    128

/* The most common value of the last `size` samples; of several, the one that
 * came last. */
struct window {
	size_t size;
	size_t counts[256];
	unsigned best;
};

static void
find_best(struct window *w, const size_t last[256], unsigned k)
{
	w->best = 0;
	for (unsigned v = 1; v < k; v++)
		if (w->counts[v] > w->counts[w->best] ||
		    (w->counts[v] == w->counts[w->best] &&
		     last[v] > last[w->best]))
			w->best = v;
}

/* Sample i (at least `size`) came; `last` already knows it. */
static void
slide(struct window *w, const struct samples *x, size_t i,
      const size_t last[256])
{
	unsigned in = x->s[i], out = x->s[i - w->size];

	w->counts[in]++;
	w->counts[out]--;
	if (out == w->best && in != out)
		find_best(w, last, x->k);
	else if (w->counts[in] >= w->counts[w->best])
		w->best = in;
}

double
estimate_multi_mcw(const struct samples *x)
{
	struct window windows[WINDOWS] = { { .size = 63 },
					   { .size = 255 },
					   { .size = 1023 },
					   { .size = 4095 } };
	struct predict_score score = { 0 };
	size_t points[WINDOWS] = { 0 }, last[256] = { 0 };
	unsigned winner = 0;

	for (size_t i = 0; i < x->n; i++) {
		unsigned value = x->s[i];

		if (i >= windows[0].size)
			predict_note(&score, i >= windows[winner].size &&
						 windows[winner].best == value);
		for (unsigned w = 0; w < WINDOWS; w++)
			if (i >= windows[w].size && windows[w].best == value &&
			    ++points[w] >= points[winner])
				winner = w;
		last[value] = i + 1;
		for (unsigned w = 0; w < WINDOWS; w++) {
			if (i >= windows[w].size) {
				slide(&windows[w], x, i, last);
			} else {
				windows[w].counts[value]++;
				if (i + 1 == windows[w].size)
					find_best(&windows[w], last, x->k);
			}
		}
	}
	return predict_entropy(&score, x->k);
}

double
estimate_lag(const struct samples *x)
{
	struct predict_score score = { 0 };
	size_t points[LAGS] = { 0 };
	unsigned winner = 0;

	for (size_t i = 1; i < x->n; i++) {
		unsigned lags = i < LAGS ? (unsigned)i : LAGS;

		predict_note(&score, x->s[i - 1 - winner] == x->s[i]);
		for (unsigned d = 0; d < lags; d++)
			if (x->s[i - 1 - d] == x->s[i] &&
			    ++points[d] >= points[winner])
				winner = d;
	}
	return predict_entropy(&score, x->k);
}
