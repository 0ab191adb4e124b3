/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usedkeys: which keys SAs had, when those are long gone.
 *
 * The counters of a negotiated SA begin at 1, so that a key which comes again
 * would repeat nonces (RFC 4106 section 2: no IV twice under a key) and let in
 * what was recorded under it.  Lies in the store, so that it outlives the
 * engine and the SA's slot.  Of a key 64 bits of a digest are kept.  Bounded:
 * of the keys that fall into one set the oldest is forgotten, some 4 * max_sa
 * keys later.
 *
 * Manual keys are among them: one that a reload took away is not to come over
 * the control socket.
 *
 * The control thread and the supervisor write, at any time.  Never allocates.
 */
#ifndef ENGINE_SA_USEDKEYS_H
#define ENGINE_SA_USEDKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/sa/store.h"

/* No octets are no key: never known. */
bool usedkeys_knows(const struct store *s, const uint8_t *key, size_t octets);
/* Before the SA is published. */
void usedkeys_learn(struct store *s, const uint8_t *key, size_t octets);

#endif
