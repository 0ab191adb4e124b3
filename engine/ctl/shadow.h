/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shadow: what the store's slots held when they were last looked at.
 *
 * Control thread only.  A slot of the store is near a kilobyte apart from the
 * next; searching all of them for an SPI or a key waits for memory once or
 * twice a slot.  Here what is searched for lies close together, and a change
 * shows as a difference.  Owns its copies; of a key it keeps 32 bits that tell
 * most keys apart.  Never writes to the store.
 */
#ifndef ENGINE_CTL_SHADOW_H
#define ENGINE_CTL_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/store.h"

struct shadow_slot {
	uint32_t generation; /* 0: never live */
	uint32_t spi, said;
	uint32_t key, auth_key; /* prints of them, 0: none */
	bool live;
	uint8_t direction, protocol, enc, auth;
	struct ipaddr local, peer;
};

struct shadow {
	const struct store *store;
	struct shadow_slot *slots; /* max_sa of them */
	uint32_t sa_generation;    /* of the store, when they were looked at */
	uint32_t print;            /* makes the prints this process's own */
	/* Told of a slot that stopped or started being live; or NULL.  `was`
	 * and `now` are not both live with the same generation. */
	void (*changed)(void *arg, const struct shadow_slot *was,
			const struct shadow_slot *now);
	void *arg;
};

/* Looks at the slots there are, telling nobody.  0 or -errno. */
int shadow_init(struct shadow *sh, const struct store *store);
void shadow_fini(struct shadow *sh);
/* Looks at all slots if any changed since the last time. */
void shadow_sync(struct shadow *sh);
/* After this thread published or killed that slot, once for each: looks at it
 * alone, so that the next sync need not look at all. */
void shadow_touch(struct shadow *sh, uint32_t slot);
/* Slots that were ever used: where walks end. */
uint32_t shadow_slots(const struct shadow *sh);
/* Does the SA in that slot, live or dead but not wiped yet, have this key
 * (auth_key)?  Empty keys are the same as none. */
bool shadow_has_key(const struct shadow *sh, uint32_t slot, const uint8_t *key,
		    size_t octets);
bool shadow_has_auth_key(const struct shadow *sh, uint32_t slot,
			 const uint8_t *key, size_t octets);
/* What to compare with before the two above are worth asking. */
uint32_t shadow_print(const struct shadow *sh, const uint8_t *key,
		      size_t octets);

#endif
