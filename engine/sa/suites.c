/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "engine/sa/suites.h"

struct suites {
	struct suites_entry entries[SUITES_SETS][SUITES_WAYS];
	uint8_t turn[SUITES_SETS]; /* the way that goes next */
};

struct suites *
suites_new(void)
{
	return calloc(1, sizeof(struct suites));
}

static void
empty(struct suites_entry *e)
{
	suite_free(e->suite);
	*e = (struct suites_entry){ 0 };
}

void
suites_free(struct suites *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < SUITES_SETS; i++)
		for (unsigned w = 0; w < SUITES_WAYS; w++)
			empty(&c->entries[i][w]);
	free(c);
}

static struct suites_entry *
fill(struct suites_entry *e, const struct sad_hit *hit)
{
	const struct sa *sa = hit->sa;
	struct suite_params p = {
		.enc = (enum algo)sa->enc,
		.auth = (enum algo)sa->auth,
		.esn = (sa->flags & SA_FLAG_ESN) != 0,
		.inside_ah = (sa->flags & SA_FLAG_BUNDLE) != 0,
		.key = sa->key,
		.key_octets = sa->key_octets,
		.auth_key = sa->auth_key,
		.auth_key_octets = sa->auth_key_octets,
	};

	empty(e);
	/* The slot is shared memory: no length in it is taken on trust. */
	if (p.key_octets > sizeof(sa->key) ||
	    p.auth_key_octets > sizeof(sa->auth_key))
		return NULL;
	e->suite = suite_new(&p);
	if (e->suite == NULL)
		return NULL;
	e->sizes = suite_sizes(p.enc, p.auth);
	e->slot = hit->slot;
	e->generation = hit->generation;
	return e;
}

struct suites_entry *
suites_get(struct suites *c, const struct sad_hit *hit)
{
	unsigned set = hit->slot % SUITES_SETS;
	struct suites_entry *e = c->entries[set], *place = NULL;

	for (unsigned w = 0; w < SUITES_WAYS; w++) {
		if (e[w].suite == NULL) {
			if (place == NULL)
				place = &e[w];
			continue;
		}
		if (e[w].slot != hit->slot)
			continue;
		if (e[w].generation == hit->generation)
			return &e[w];
		place = &e[w]; /* the slot's former tenant */
		break;
	}
	if (place == NULL)
		place = &e[c->turn[set]++ % SUITES_WAYS];
	return fill(place, hit);
}

void
suites_purge(struct suites *c, const struct store *s)
{
	for (unsigned i = 0; i < SUITES_SETS; i++)
		for (unsigned w = 0; w < SUITES_WAYS; w++) {
			struct suites_entry *e = &c->entries[i][w];
			const struct sa *sa;

			if (e->suite == NULL)
				continue;
			sa = store_sa(s, e->slot);
			if (atomic_load(&sa->state) != SA_LIVE ||
			    atomic_load(&sa->generation) != e->generation)
				empty(e);
		}
}
