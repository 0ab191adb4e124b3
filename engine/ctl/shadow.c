/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "engine/ctl/shadow.h"

uint32_t
shadow_print(const struct shadow *sh, const uint8_t *key, size_t octets)
{
	/* FNV-1a.  Keys are random: anything that takes in all octets does. */
	uint32_t print = sh->print;

	if (octets == 0)
		return 0;
	for (size_t i = 0; i < octets; i++)
		print = (print ^ key[i]) * 16777619u;
	return print == 0 ? 1 : print;
}

/* What is in a slot now.  False: nothing live. */
static bool
look(const struct shadow *sh, const struct sa *sa, struct shadow_slot *now)
{
	*now = (struct shadow_slot){
		.generation = atomic_load(&sa->generation),
	};
	if (atomic_load(&sa->state) != SA_LIVE)
		return false;
	now->live = true;
	now->spi = sa->spi;
	now->said = sa->said;
	now->direction = sa->direction;
	now->protocol = sa->protocol;
	now->enc = sa->enc;
	now->auth = sa->auth;
	now->local = sa->local;
	now->peer = sa->peer;
	if (sa->key_octets <= sizeof(sa->key))
		now->key = shadow_print(sh, sa->key, sa->key_octets);
	if (sa->auth_key_octets <= sizeof(sa->auth_key))
		now->auth_key =
		    shadow_print(sh, sa->auth_key, sa->auth_key_octets);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&sa->state) == SA_LIVE &&
	       atomic_load(&sa->generation) == now->generation;
}

static void
look_again(struct shadow *sh, uint32_t slot)
{
	const struct sa *sa = store_sa(sh->store, slot);
	struct shadow_slot *at = &sh->slots[slot], was = *at, now;
	uint32_t generation = atomic_load(&sa->generation);
	bool live = atomic_load(&sa->state) == SA_LIVE;

	if (was.generation == generation && was.live == live)
		return;
	if (look(sh, sa, &now)) {
		*at = now;
	} else {
		/* Dead, perhaps not wiped: its key is still to be found. */
		now = (struct shadow_slot){ 0 };
		at->live = false;
	}
	if (sh->changed != NULL && (was.live || now.live))
		sh->changed(sh->arg, &was, &now);
}

int
shadow_init(struct shadow *sh, const struct store *store)
{
	int err;

	memset(sh, 0, sizeof(*sh));
	sh->store = store;
	err = secret_random(&sh->print, sizeof(sh->print));
	if (err < 0)
		return err;
	/* Untouched pages cost nothing: most slots are never used. */
	sh->slots = calloc(store->head->max_sa, sizeof(*sh->slots));
	if (sh->slots == NULL)
		return -ENOMEM;
	sh->sa_generation = atomic_load(&store->head->sa_generation) - 1;
	shadow_sync(sh);
	return 0;
}

void
shadow_fini(struct shadow *sh)
{
	free(sh->slots);
	sh->slots = NULL;
}

uint32_t
shadow_slots(const struct shadow *sh)
{
	return store_slots(sh->store);
}

void
shadow_sync(struct shadow *sh)
{
	uint32_t generation = atomic_load(&sh->store->head->sa_generation);

	if (generation == sh->sa_generation)
		return;
	/* Before the walk: what changes behind it shows the next time. */
	sh->sa_generation = generation;
	for (uint32_t i = 0; i < shadow_slots(sh); i++)
		look_again(sh, i);
}

void
shadow_touch(struct shadow *sh, uint32_t slot)
{
	/* That was our own change; others' make the two differ for good, and
	 * the next sync walks. */
	sh->sa_generation++;
	look_again(sh, slot);
}

/* Is the slot still what the shadow says, live or dead? */
static const struct sa *
same_sa(const struct shadow *sh, uint32_t slot)
{
	const struct sa *sa = store_sa(sh->store, slot);
	uint32_t state = atomic_load(&sa->state);

	return (state == SA_LIVE || state == SA_DEAD) &&
		       atomic_load(&sa->generation) ==
			   sh->slots[slot].generation
		   ? sa
		   : NULL;
}

bool
shadow_has_key(const struct shadow *sh, uint32_t slot, const uint8_t *key,
	       size_t octets)
{
	const struct sa *sa = same_sa(sh, slot);

	return sa != NULL && octets != 0 && sa->key_octets == octets &&
	       secret_equal(sa->key, key, octets);
}

bool
shadow_has_auth_key(const struct shadow *sh, uint32_t slot, const uint8_t *key,
		    size_t octets)
{
	const struct sa *sa = same_sa(sh, slot);

	return sa != NULL && octets != 0 && sa->auth_key_octets == octets &&
	       secret_equal(sa->auth_key, key, octets);
}
