/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/totals.h"

#include <string.h>

/* Places of two threads for one name do no harm: readers sum up. */
enum { PLACE_FREE, PLACE_TAKEN, PLACE_NAMED };

static struct store_total *
place_of(struct store *s, const char *name)
{
	for (unsigned i = 0; i < STORE_TOTALS; i++) {
		struct store_total *t = &s->head->totals[i];
		uint32_t state = atomic_load(&t->state);

		if (state == PLACE_NAMED && strcmp(t->name, name) == 0)
			return t;
		if (state != PLACE_FREE || !atomic_compare_exchange_strong(
					       &t->state, &state, PLACE_TAKEN))
			continue;
		memcpy(t->name, name, strlen(name) + 1);
		atomic_store(&t->state, PLACE_NAMED);
		return t;
	}
	return NULL;
}

void
totals_keep(struct store *s, const struct sa *sa)
{
	uint64_t packets = atomic_load(&sa->packets);
	struct store_total *t;

	atomic_fetch_add(&s->head->totals_begun, 1);
	if (packets == 0 ||
	    memchr(sa->association, '\0', sizeof(sa->association)) == NULL)
		return;
	t = place_of(s, sa->association);
	if (t == NULL)
		return;
	atomic_fetch_add(&t->packets[sa->direction & 1], packets);
	atomic_fetch_add(&t->octets[sa->direction & 1],
			 atomic_load(&sa->octets));
}

void
totals_kept(struct store *s)
{
	atomic_fetch_add(&s->head->totals_done, 1);
}

uint32_t
totals_begin(const struct store *s)
{
	return atomic_load(&s->head->totals_done);
}

bool
totals_settled(const struct store *s, uint32_t begun)
{
	return atomic_load(&s->head->totals_begun) == begun;
}

void
totals_add(const struct store *s, const char *association, struct totals *to)
{
	for (unsigned i = 0; i < STORE_TOTALS; i++) {
		const struct store_total *t = &s->head->totals[i];
		uint32_t state = atomic_load(&t->state);

		if (state == PLACE_FREE)
			break;
		if (state != PLACE_NAMED || strcmp(t->name, association) != 0)
			continue;
		for (unsigned d = 0; d < 2; d++) {
			to->packets[d] += atomic_load(&t->packets[d]);
			to->octets[d] += atomic_load(&t->octets[d]);
		}
	}
}
