/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/usedkeys.h"

#include <gcrypt.h>
#include <string.h>

#include "base/secret.h"

static uint64_t
print_of(const uint8_t *key, size_t octets)
{
	uint8_t digest[32];
	uint64_t print;

	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, key, octets);
	memcpy(&print, digest, sizeof(print));
	secret_wipe(digest, sizeof(digest));
	return print != 0 ? print : 1; /* 0: a place that is free */
}

static struct store_used *
set_of(const struct store *s, uint64_t print)
{
	return store_used(s, (uint32_t)(print % s->head->used_sets));
}

static bool
has(const struct store_used *set, uint64_t print)
{
	for (unsigned i = 0; i < STORE_USED_KEYS; i++)
		if (atomic_load_explicit(&set->prints[i],
					 memory_order_relaxed) == print)
			return true;
	return false;
}

bool
usedkeys_knows(const struct store *s, const uint8_t *key, size_t octets)
{
	uint64_t print;

	if (octets == 0)
		return false;
	print = print_of(key, octets);
	return has(set_of(s, print), print);
}

void
usedkeys_learn(struct store *s, const uint8_t *key, size_t octets)
{
	struct store_used *set;
	uint64_t print, n;

	if (octets == 0)
		return;
	print = print_of(key, octets);
	set = set_of(s, print);
	if (has(set, print))
		return;
	n = atomic_fetch_add(&set->n, 1);
	atomic_store(&set->prints[n % STORE_USED_KEYS], print);
}
