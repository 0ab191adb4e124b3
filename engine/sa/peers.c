/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/peers.h"

#include <gcrypt.h>
#include <string.h>

#define PROBES 8u /* places that a peer may have */

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

void
peers_learn(struct store *s, uint32_t said, const struct ipaddr *peer,
	    const char *principal)
{
	uint32_t n = s->head->max_sa, at = place_of(said, peer, n);
	struct store_peer *e = find(s, said, peer);

	for (uint32_t i = 0; e == NULL && i < PROBES; i++) {
		struct store_peer *free = store_peer(s, (at + i) % n);

		if (atomic_load(&free->used) == 0)
			e = free;
	}
	if (e == NULL) /* somebody is forgotten */
		e = store_peer(s, at);
	/* An engine that dies here has forgotten this one. */
	atomic_store(&e->used, 0);
	e->said = said;
	e->peer = *peer;
	digest(principal, e->who);
	atomic_store(&e->used, 1);
}
