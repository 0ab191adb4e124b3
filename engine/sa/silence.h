/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * silence: peers from which nothing comes while we send.
 *
 * Owns what it remembers of each slot.  One thread, control's, which looks at
 * all SAs now and then: silence_hear with each live one, then silence_judge
 * with each live one.  No clock.  Never touches an SA.  Whoever is told has to
 * ask the peer: it may have nothing to say.
 */
#ifndef ENGINE_SA_SILENCE_H
#define ENGINE_SA_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/sa.h"

/* Of sending without an answer, until it is told. */
#define SILENCE_MS 10000

struct silence;

/* NULL: no memory. */
struct silence *silence_new(uint32_t max_sa);
void silence_free(struct silence *s);
/* Begins a look at so many SAs at most.  False: no memory, no look. */
bool silence_begin(struct silence *s, uint32_t slots);
void silence_hear(struct silence *s, const struct sa *sa);
/* True once for an outbound SA, until something came from its peer under the
 * same SAID: for SILENCE_MS we sent, and it did not. */
bool silence_judge(struct silence *s, uint32_t slot, const struct sa *sa,
		   uint64_t now_ms);

#endif
