/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "engine/path/reason.h"

static const struct {
	const char *name, *sentence;
} table[REASON_COUNT] = {
#define REASON(name, sentence) { #name, sentence },
#include "engine/path/reason.def"
#undef REASON
};

#define REASON(name, sentence)                                                 \
	_Static_assert(sizeof(#name) <= REASON_NAME_MAX,                       \
		       "raise REASON_NAME_MAX");
#include "engine/path/reason.def"
#undef REASON

const char *
reason_name(enum reason r, char out[REASON_NAME_MAX])
{
	const char *name = (unsigned)r < REASON_COUNT ? table[r].name : "none";
	size_t n = 0;

	for (; name[n] != '\0'; n++)
		out[n] = name[n] == '_' ? '-' : name[n];
	out[n] = '\0';
	return out;
}

const char *
reason_sentence(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? table[r].sentence : "";
}

void
reason_count(const struct store *s, unsigned row, enum sa_direction d,
	     enum reason r, uint64_t n)
{
	atomic_fetch_add_explicit(&s->head->drops[row].packets[d][r], n,
				  memory_order_relaxed);
}

uint64_t
reason_total(const struct store *s, enum sa_direction d, enum reason r)
{
	uint64_t n = 0;

	for (unsigned row = 0; row <= STORE_WORKERS_MAX; row++)
		n += atomic_load_explicit(&s->head->drops[row].packets[d][r],
					  memory_order_relaxed);
	return n;
}
