/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suites: one worker's keyed ciphers, as many as are in use at a time.
 *
 * A cache by (slot, generation), 4 ways a set, SUITES_SETS sets; owns the
 * handles and wipes them (suite_free) on eviction.  One thread.  This is the
 * one place on the packet path that may allocate: when an SA is met for the
 * first time on this worker or after it was evicted.
 */
#ifndef ENGINE_SA_SUITES_H
#define ENGINE_SA_SUITES_H

#include <stddef.h>
#include <stdint.h>

#include "engine/crypto/suite.h"
#include "engine/sa/sad.h"
#include "engine/sa/store.h"

#define SUITES_SETS 256
#define SUITES_WAYS 4

struct suites;

struct suites_entry {
	struct suite *suite; /* NULL: empty */
	struct suite_sizes sizes;
	uint32_t slot, generation;
};

struct suites *suites_new(void);
void suites_free(struct suites *c);
/* NULL when the library refuses the SA's keys or has no memory. */
struct suites_entry *suites_get(struct suites *c, const struct sad_hit *hit);
/* Drops the handles of SAs that live no longer. */
void suites_purge(struct suites *c, const struct store *s);

#endif
