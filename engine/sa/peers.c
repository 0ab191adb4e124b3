/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/peers.h"

#include <gcrypt.h>
#include <string.h>

/* Places that a peer may have, a bit each in a word.  A pair takes two SAs, so
 * that half of the table at most is of peers who have one. */
#define PROBES 64u

/* Of (SAID, address) where it lies, of the name what is kept. */
static uint32_t
place_of(uint32_t said, const struct ipaddr *peer, uint32_t n)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ said;

	for (size_t i = 0; i < sizeof(peer->octets); i++)
		h = (h ^ peer->octets[i]) * 0x100000001b3u;
	return (uint32_t)((h ^ h >> 29) % n);
}

static void
digest(const char *principal, uint8_t out[STORE_WHO_OCTETS])
{
	uint8_t whole[32];

	gcry_md_hash_buffer(GCRY_MD_SHA256, whole, principal,
			    strnlen(principal, SA_PRINCIPAL_MAX));
	memcpy(out, whole, STORE_WHO_OCTETS);
}

/* The entry of (SAID, address); NULL: none. */
static struct store_peer *
find(const struct store *s, uint32_t said, const struct ipaddr *peer)
{
	uint32_t n = s->head->max_sa, at = place_of(said, peer, n);

	for (uint32_t i = 0; i < PROBES; i++) {
		struct store_peer *e = store_peer(s, (at + i) % n);

		if (atomic_load(&e->used) != 0 && e->said == said &&
		    ipaddr_equal(&e->peer, peer))
			return e;
	}
	return NULL;
}

enum peers_who
peers_ask(const struct store *s, uint32_t said, const struct ipaddr *peer,
	  const char *principal)
{
	const struct store_peer *e = find(s, said, peer);
	uint8_t who[STORE_WHO_OCTETS];

	if (e == NULL)
		return PEERS_UNKNOWN;
	digest(principal, who);
	return memcmp(e->who, who, sizeof(who)) == 0 ? PEERS_SAME : PEERS_OTHER;
}

/* A bit for each of the places from `at` on whose peer has a live SA. */
static uint64_t
in_use(const struct store *s, uint32_t at)
{
	uint32_t n = s->head->max_sa, slots = store_slots(s);
	uint64_t used = 0;

	for (uint32_t i = 0; i < slots; i++) {
		const struct sa *sa = store_sa(s, i);

		if (atomic_load(&sa->state) != SA_LIVE)
			continue;
		for (uint32_t j = 0; j < PROBES; j++) {
			const struct store_peer *e =
			    store_peer(s, (at + j) % n);

			if (e->said == sa->said &&
			    ipaddr_equal(&e->peer, &sa->peer))
				used |= 1ull << j;
		}
	}
	return used;
}

struct store_peer *
peers_place(const struct store *s, uint32_t said, const struct ipaddr *peer)
{
	uint32_t n = s->head->max_sa, at = place_of(said, peer, n);
	struct store_peer *e = find(s, said, peer);
	uint64_t used;

	if (e != NULL)
		return e;
	for (uint32_t i = 0; i < PROBES; i++) {
		e = store_peer(s, (at + i) % n);
		if (atomic_load(&e->used) == 0)
			return e;
	}
	used = in_use(s, at); /* somebody is forgotten */
	for (uint32_t i = 0; i < PROBES; i++)
		if (!(used >> i & 1))
			return store_peer(s, (at + i) % n);
	return NULL;
}

void
peers_learn(struct store_peer *place, uint32_t said, const struct ipaddr *peer,
	    const char *principal)
{
	/* An engine that dies here has forgotten this one. */
	atomic_store(&place->used, 0);
	place->said = said;
	place->peer = *peer;
	digest(principal, place->who);
	atomic_store(&place->used, 1);
}
