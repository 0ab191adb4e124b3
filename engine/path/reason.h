/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason: why a packet was dropped; the list is reason.def.
 *
 * Constant data and counters in the store.  Any thread; a worker counts in its
 * own row, so that no two write to one cache line.
 */
#ifndef ENGINE_PATH_REASON_H
#define ENGINE_PATH_REASON_H

#include <stdint.h>

#include "engine/sa/store.h"

enum reason {
#define REASON(name, sentence) REASON_##name,
#include "engine/path/reason.def"
#undef REASON
	REASON_COUNT
};
_Static_assert(REASON_COUNT <= STORE_REASONS_MAX, "raise STORE_REASONS_MAX");

#define REASON_NAME_MAX 24
/* "unknown-said", as `show drops` prints it; returns out. */
const char *reason_name(enum reason r, char out[REASON_NAME_MAX]);
const char *reason_sentence(enum reason r);
/* Adds n; row is a worker's number, STORE_WORKERS_MAX for control. */
void reason_count(const struct store *s, unsigned row, enum sa_direction d,
		  enum reason r, uint64_t n);
/* Over all rows. */
uint64_t reason_total(const struct store *s, enum sa_direction d,
		      enum reason r);

#endif
