/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * models: the predictors that learn what follows what (6.3.9, 6.3.10).
 *
 * A table holds contexts (the last 1..16 samples, by a 64-bit hash of them)
 * with their likeliest successor, and one for each pair of a context and a
 * successor with its count.  Two contexts share a hash once in 2^64; that is
 * taken for never.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/assess/estimate.h"
#include "test/assess/predict.h"

#define ORDERS      16
#define MMC_PAIRS   100000 /* of one order */
#define LZ_CONTEXTS 65536

struct entry {
	uint64_t key; /* 0: free */
	uint32_t count;
	uint8_t best; /* contexts only: count is the best pair's */
};

struct table {
	struct entry *entries;
	size_t mask, n;
};

static struct table
table_new(size_t room)
{
	struct table t = { .mask = room - 1 };

	t.entries = calloc(room, sizeof(*t.entries));
	if (t.entries == NULL) {
		fprintf(stderr, "assess: no memory\n");
		exit(1);
	}
	return t;
}

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}

/* The entry of `key`, or the free place where it belongs. */
static struct entry *
find(const struct table *t, uint64_t key)
{
	size_t at = (size_t)key & t->mask;

	while (t->entries[at].key != 0 && t->entries[at].key != key)
		at = (at + 1) & t->mask;
	return &t->entries[at];
}

static struct entry *
add(struct table *t, struct entry *place, uint64_t key)
{
	*place = (struct entry){ .key = key };
	t->n++;
	return place;
}

/* Hashes of the last 1..ORDERS samples before i. */
static void
contexts_before(const struct samples *x, size_t i, uint64_t keys[ORDERS])
{
	uint64_t h = 1;

	for (unsigned d = 0; d < ORDERS && d < i; d++) {
		h = mix(h, x->s[i - 1 - d] + 1u);
		keys[d] = h | 1; /* never 0 */
	}
}

static uint64_t
pair_key(uint64_t context, unsigned value)
{
	return mix(context, value + 1000u) | 1;
}

/* After a pair was counted: is it the likeliest now?  Of equals the larger
 * value wins. */
static void
update_best(struct entry *context, const struct entry *pair, unsigned value)
{
	if (pair->count > context->count ||
	    (pair->count == context->count && value > context->best)) {
		context->count = pair->count;
		context->best = (uint8_t)value;
	}
}

struct mmc {
	struct table contexts, pairs;
};

static void
mmc_learn(struct mmc *m, uint64_t context_key, unsigned value)
{
	uint64_t key = pair_key(context_key, value);
	struct entry *pair = find(&m->pairs, key), *context;

	if (pair->key == 0) {
		if (m->pairs.n >= MMC_PAIRS)
			return;
		add(&m->pairs, pair, key);
	}
	pair->count++;
	context = find(&m->contexts, context_key);
	if (context->key == 0)
		add(&m->contexts, context, context_key);
	update_best(context, pair, value);
}

double
estimate_multi_mmc(const struct samples *x)
{
	struct predict_score score = { 0 };
	struct mmc models[ORDERS];
	size_t points[ORDERS] = { 0 };
	uint64_t before[ORDERS] = { 0 }, now[ORDERS] = { 0 };
	unsigned winner = 0;

	for (int d = 0; d < ORDERS; d++)
		models[d] =
		    (struct mmc){ table_new(1 << 18), table_new(1 << 18) };
	for (size_t i = 2; i < x->n; i++) {
		unsigned value = x->s[i];
		bool hit[ORDERS] = { false };

		contexts_before(x, i - 1, before);
		contexts_before(x, i, now);
		for (unsigned d = 0; d < ORDERS && d + 1 < i; d++) {
			const struct entry *e;

			mmc_learn(&models[d], before[d], x->s[i - 1]);
			e = find(&models[d].contexts, now[d]);
			hit[d] = e->key != 0 && e->best == value;
		}
		predict_note(&score, hit[winner]);
		for (unsigned d = 0; d < ORDERS; d++)
			if (hit[d] && ++points[d] >= points[winner])
				winner = d;
	}
	for (int d = 0; d < ORDERS; d++) {
		free(models[d].contexts.entries);
		free(models[d].pairs.entries);
	}
	return predict_entropy(&score, x->k);
}

struct lz {
	struct table contexts, pairs;
};

/* What came at i - 1 after each of its contexts, the longest first. */
static void
lz_learn(struct lz *lz, const uint64_t before[ORDERS], unsigned value)
{
	for (int d = ORDERS - 1; d >= 0; d--) {
		struct entry *context = find(&lz->contexts, before[d]);
		struct entry *pair;
		uint64_t key;

		if (context->key == 0) {
			if (lz->contexts.n >= LZ_CONTEXTS)
				continue;
			add(&lz->contexts, context, before[d]);
		}
		key = pair_key(before[d], value);
		pair = find(&lz->pairs, key);
		if (pair->key == 0) {
			if (lz->pairs.n > lz->pairs.mask / 4 * 3) {
				fprintf(stderr, "assess: table is full\n");
				exit(1);
			}
			add(&lz->pairs, pair, key);
		}
		pair->count++;
		update_best(context, pair, value);
	}
}

double
estimate_lz78y(const struct samples *x)
{
	struct predict_score score = { 0 };
	/* At most 256 successors for each context. */
	struct lz lz = { table_new(1 << 18), table_new(1 << 24) };
	uint64_t before[ORDERS], now[ORDERS];

	for (size_t i = ORDERS + 1; i < x->n; i++) {
		const struct entry *best = NULL;

		contexts_before(x, i - 1, before);
		lz_learn(&lz, before, x->s[i - 1]);
		contexts_before(x, i, now);
		for (int d = ORDERS - 1; d >= 0; d--) {
			const struct entry *e = find(&lz.contexts, now[d]);

			if (e->key != 0 &&
			    (best == NULL || e->count > best->count))
				best = e;
		}
		predict_note(&score, best != NULL && best->best == x->s[i]);
	}
	free(lz.contexts.entries);
	free(lz.pairs.entries);
	return predict_entropy(&score, x->k);
}
