/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "engine/sa/silence.h"

/* When something came last from a peer under a SAID. */
struct heard {
	uint32_t said; /* 0: empty */
	struct ipaddr peer;
	uint64_t at_ms;
};

struct memory {
	uint32_t generation; /* of the slot */
	bool told;
	uint64_t since_ms; /* sent without an answer; 0: not */
};

struct silence {
	uint32_t max_sa, size; /* of heard, a power of two */
	struct heard *heard;
	struct memory *memory;
};

struct silence *
silence_new(uint32_t max_sa)
{
	struct silence *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->max_sa = max_sa;
	s->memory = calloc(max_sa, sizeof(*s->memory));
	if (s->memory == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
silence_free(struct silence *s)
{
	if (s == NULL)
		return;
	free(s->heard);
	free(s->memory);
	free(s);
}

bool
silence_begin(struct silence *s, uint32_t slots)
{
	uint32_t size = s->size == 0 ? 64 : s->size;

	while (size < 2 * slots)
		size *= 2;
	if (size != s->size) {
		free(s->heard);
		s->size = 0;
		s->heard = malloc(size * sizeof(*s->heard));
		if (s->heard == NULL)
			return false;
		s->size = size;
	}
	memset(s->heard, 0, size * sizeof(*s->heard));
	return true;
}

static struct heard *
find(struct silence *s, const struct sa *sa)
{
	uint32_t hash = sa->said * 0x9e3779b1u;

	for (unsigned i = 0; i < sizeof(sa->peer.octets); i++)
		hash = (hash ^ sa->peer.octets[i]) * 0x01000193u;
	/* At most half full: there is an end. */
	for (hash >>= 8;; hash++) {
		struct heard *h = &s->heard[hash & (s->size - 1)];

		if (h->said == 0 || (h->said == sa->said &&
				     ipaddr_equal(&h->peer, &sa->peer)))
			return h;
	}
}

void
silence_hear(struct silence *s, const struct sa *sa)
{
	uint64_t at_ms =
	    atomic_load_explicit(&sa->last_used_ms, memory_order_relaxed);
	struct heard *h;

	if (sa->direction != SA_IN)
		return;
	h = find(s, sa);
	h->said = sa->said;
	h->peer = sa->peer;
	if (at_ms > h->at_ms)
		h->at_ms = at_ms;
}

bool
silence_judge(struct silence *s, uint32_t slot, const struct sa *sa,
	      uint64_t now_ms)
{
	uint32_t generation =
	    atomic_load_explicit(&sa->generation, memory_order_relaxed);
	uint64_t sent_ms =
	    atomic_load_explicit(&sa->last_used_ms, memory_order_relaxed);
	struct memory *m;

	if (sa->direction != SA_OUT || slot >= s->max_sa)
		return false;
	m = &s->memory[slot];
	if (m->generation != generation)
		*m = (struct memory){ .generation = generation };
	if (sent_ms <= find(s, sa)->at_ms) {
		m->since_ms = 0;
		m->told = false;
		return false;
	}
	if (m->since_ms == 0)
		m->since_ms = now_ms;
	/* It did not stop sending when the silence began. */
	if (m->told || sent_ms <= m->since_ms ||
	    now_ms - m->since_ms < SILENCE_MS)
		return false;
	m->told = true;
	return true;
}
