/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * predict: how a predictor is scored (6.3.7 to 6.3.10), shared by the four.
 */
#ifndef TEST_ASSESS_PREDICT_H
#define TEST_ASSESS_PREDICT_H

#include <stdbool.h>
#include <stddef.h>

struct predict_score {
	size_t guesses, right;
	size_t run, longest; /* of right guesses one after another */
};

void predict_note(struct predict_score *s, bool right);
/* Min-entropy a sample, for an alphabet of k. */
double predict_entropy(const struct predict_score *s, unsigned k);

#endif
