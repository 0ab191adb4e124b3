/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three open-addressed indexes of one shape, at most half full:
 *   out  (SAID, protocol), peer   newest SA only
 *   spi  (SPI, protocol), peer    outbound, for ICMP errors
 *   in   (SPI, protocol)          inbound, all that have it
 * Hashes are seeded, so that nobody who may choose an SPI or an address can
 * choose a long chain.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/grace.h"
#include "base/secret.h"
#include "engine/sa/sad.h"
#include "engine/sa/selector.h"

struct entry {
	uint32_t slot; /* + 1; 0: empty */
	uint32_t generation;
	uint32_t key; /* SAID or SPI */
	uint8_t protocol, family;
	uint8_t pad[2];
	uint8_t addr[16]; /* the peer's */
};

struct index {
	struct entry *entries;
	uint32_t mask;
};

struct sad_table {
	const struct store *store;
	struct index out, spi, in;
	uint64_t seed;
	uint32_t generation;
	/* What waits for the end of the batches that may use this table. */
	struct sad_table *next;
	uint64_t ticket;
	uint32_t *dead; /* slots that the table after this one left out */
	uint32_t n_dead;
};

struct sad {
	struct store *store;
	_Atomic(struct sad_table *) current;
	_Atomic uint32_t generation; /* of current */
	_Atomic bool waiting;        /* retired is not empty */
	pthread_mutex_t lock;        /* builders, below */
	struct sad_table *retired;
	uint8_t *leaving; /* a bit per slot in some dead list */
	uint64_t built_ms;
	struct grace grace;
};

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint32_t
hash_of(uint64_t seed, uint32_t key, uint8_t protocol, const uint8_t *addr)
{
	uint64_t a[2] = { 0, 0 };
	uint64_t h = mix(seed, (uint64_t)protocol << 32 | key);

	if (addr != NULL)
		memcpy(a, addr, sizeof(a));
	h = mix(mix(h, a[0]), a[1]);
	return (uint32_t)(h >> 32);
}

static void
index_free(struct index *x)
{
	free(x->entries);
	x->entries = NULL;
}

static bool
index_init(struct index *x, uint32_t n)
{
	uint32_t size = 16;

	while (size < 2 * n)
		size *= 2;
	x->entries = calloc(size, sizeof(*x->entries));
	x->mask = size - 1;
	return x->entries != NULL;
}

static struct entry *
index_put(struct index *x, uint32_t hash, const struct entry *e)
{
	uint32_t i = hash & x->mask;

	while (x->entries[i].slot != 0)
		i = (i + 1) & x->mask;
	x->entries[i] = *e;
	return &x->entries[i];
}

/* The next entry of a chain with this key and address (NULL: any); starts at
 * hash, goes on behind *at. */
static struct entry *
index_find(const struct index *x, uint32_t *at, uint32_t key, uint8_t protocol,
	   const struct ipaddr *peer)
{
	for (;; ++*at) {
		struct entry *e = &x->entries[*at & x->mask];

		if (e->slot == 0)
			return NULL;
		if (e->key != key || e->protocol != protocol)
			continue;
		if (peer != NULL &&
		    (e->family != peer->family ||
		     memcmp(e->addr, peer->octets, sizeof(e->addr)) != 0))
			continue;
		++*at;
		return e;
	}
}

static void
table_free(struct sad_table *t)
{
	if (t == NULL)
		return;
	index_free(&t->out);
	index_free(&t->spi);
	index_free(&t->in);
	free(t->dead);
	free(t);
}

/* Is a newer than b?  Of the same millisecond the higher slot wins, so that
 * every build decides alike. */
static bool
is_newer(const struct store *s, uint32_t a, uint32_t b)
{
	const struct sa *x = store_sa(s, a), *y = store_sa(s, b);

	if (x->installed_ms != y->installed_ms)
		return x->installed_ms > y->installed_ms;
	return a > b;
}

static void
table_add_out(struct sad_table *t, const struct store *s, const struct sa *sa,
	      struct entry e)
{
	uint32_t at, hash;
	struct entry *old;

	hash = hash_of(t->seed, e.key, e.protocol, e.addr);
	index_put(&t->spi, hash, &e);
	e.key = sa->said;
	hash = at = hash_of(t->seed, e.key, e.protocol, e.addr);
	old = index_find(&t->out, &at, e.key, e.protocol, &sa->peer);
	if (old == NULL)
		index_put(&t->out, hash, &e);
	else if (is_newer(s, e.slot - 1, old->slot - 1))
		*old = e;
}

static void
table_add(struct sad_table *t, const struct store *s, uint32_t slot,
	  uint32_t generation)
{
	const struct sa *sa = store_sa(s, slot);
	struct entry e = {
		.slot = slot + 1,
		.generation = generation,
		.key = sa->spi,
		.protocol = sa->protocol,
		.family = sa->peer.family,
	};

	memcpy(e.addr, sa->peer.octets, sizeof(e.addr));
	if (sa->direction == SA_OUT)
		table_add_out(t, s, sa, e);
	else
		index_put(&t->in, hash_of(t->seed, e.key, e.protocol, NULL),
			  &e);
}

/* What stands in the slots now; the dead ones that are in no list yet go into
 * `dead`. */
static struct sad_table *
table_build(struct sad *d, uint32_t **dead, uint32_t *n_dead)
{
	struct store *s = d->store;
	uint32_t slots, n[2] = { 0, 0 }, room = 0;
	struct sad_table *t = calloc(1, sizeof(*t));

	*dead = NULL;
	*n_dead = 0;
	if (t == NULL)
		return NULL;
	t->store = s;
	t->generation = atomic_load(&s->head->sa_generation);
	slots = store_slots(s);
	for (uint32_t i = 0; i < slots; i++) {
		uint32_t state = atomic_load_explicit(&store_sa(s, i)->state,
						      memory_order_acquire);

		if (state == SA_LIVE)
			n[store_sa(s, i)->direction == SA_OUT]++;
		room += state == SA_DEAD || state == SA_LIVE;
	}
	/* Slots may come to life until the second walk; their number is
	 * bounded by what was counted here, the rest wait for the next build:
	 * their publishing raises the generation once more. */
	*dead = malloc((room + 1) * sizeof(**dead));
	if (*dead == NULL || secret_random(&t->seed, sizeof(t->seed)) < 0 ||
	    !index_init(&t->in, n[0]) || !index_init(&t->out, n[1]) ||
	    !index_init(&t->spi, n[1])) {
		free(*dead);
		*dead = NULL;
		table_free(t);
		return NULL;
	}
	for (uint32_t i = 0; i < slots; i++) {
		const struct sa *sa = store_sa(s, i);
		uint32_t state =
		    atomic_load_explicit(&sa->state, memory_order_acquire);

		if (state == SA_LIVE && n[sa->direction == SA_OUT] > 0) {
			n[sa->direction == SA_OUT]--;
			table_add(t, s, i, atomic_load(&sa->generation));
		}
		if (state == SA_DEAD && *n_dead < room &&
		    (d->leaving[i / 8] & 1u << i % 8) == 0)
			(*dead)[(*n_dead)++] = i;
	}
	return t;
}

struct sad *
sad_new(struct store *s)
{
	struct sad *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->store = s;
	d->leaving = calloc(s->head->max_sa / 8 + 1, 1);
	pthread_mutex_init(&d->lock, NULL);
	grace_init(&d->grace);
	/* An empty table, of a generation that the store does not have. */
	if (d->leaving != NULL) {
		struct sad_table *t = calloc(1, sizeof(*t));

		if (t != NULL)
			t->store = s;
		if (t != NULL && index_init(&t->in, 0) &&
		    index_init(&t->out, 0) && index_init(&t->spi, 0)) {
			t->generation =
			    atomic_load(&s->head->sa_generation) - 1;
			atomic_store(&d->generation, t->generation);
			atomic_store(&d->current, t);
			return d;
		}
		table_free(t);
	}
	pthread_mutex_destroy(&d->lock);
	free(d->leaving);
	free(d);
	return NULL;
}

/* Frees the tables whose batches are over and releases their dead slots.
 * Under the lock. */
static void
reclaim(struct sad *d)
{
	struct sad_table **link = &d->retired, *t;

	while ((t = *link) != NULL) {
		if (!grace_passed(&d->grace, t->ticket)) {
			link = &t->next;
			continue;
		}
		*link = t->next;
		for (uint32_t i = 0; i < t->n_dead; i++) {
			uint32_t slot = t->dead[i];

			d->leaving[slot / 8] &= (uint8_t) ~(1u << slot % 8);
			store_release(d->store, slot);
		}
		table_free(t);
	}
	atomic_store(&d->waiting, d->retired != NULL);
}

/* Under the lock. */
static bool
replace(struct sad *d)
{
	struct sad_table *next, *old;
	uint32_t *dead, n_dead;

	next = table_build(d, &dead, &n_dead);
	if (next == NULL)
		return false;
	for (uint32_t i = 0; i < n_dead; i++)
		d->leaving[dead[i] / 8] |= (uint8_t)(1u << dead[i] % 8);
	old = atomic_exchange(&d->current, next);
	atomic_store(&d->generation, next->generation);
	old->dead = dead;
	old->n_dead = n_dead;
	old->ticket = grace_retire(&d->grace);
	old->next = d->retired;
	d->retired = old;
	return true;
}

bool
sad_refresh(struct sad *d, uint64_t now_ms)
{
	bool stale = atomic_load_explicit(&d->store->head->sa_generation,
					  memory_order_relaxed) !=
		     atomic_load_explicit(&d->generation, memory_order_relaxed);
	bool good = true;

	if (!stale && !atomic_load_explicit(&d->waiting, memory_order_relaxed))
		return true;
	if (pthread_mutex_trylock(&d->lock) != 0)
		return true;
	if (atomic_load(&d->store->head->sa_generation) !=
		atomic_load(&d->generation) &&
	    now_ms - d->built_ms >= store_slots(d->store) / SAD_SLOTS_PER_MS) {
		good = replace(d);
		d->built_ms = now_ms;
	}
	reclaim(d);
	pthread_mutex_unlock(&d->lock);
	return good;
}

bool
sad_catch_up(struct sad *d, uint64_t now_ms)
{
	bool good = true;

	pthread_mutex_lock(&d->lock);
	if (atomic_load(&d->store->head->sa_generation) !=
	    atomic_load(&d->generation)) {
		good = replace(d);
		d->built_ms = now_ms;
	}
	reclaim(d);
	pthread_mutex_unlock(&d->lock);
	return good;
}

void
sad_free(struct sad *d)
{
	if (d == NULL)
		return;
	reclaim(d);
	table_free(atomic_load(&d->current));
	pthread_mutex_destroy(&d->lock);
	free(d->leaving);
	free(d);
}

const struct sad_table *
sad_enter(struct sad *d, unsigned worker)
{
	grace_enter(&d->grace, worker);
	return atomic_load(&d->current);
}

void
sad_leave(struct sad *d, unsigned worker)
{
	grace_leave(&d->grace, worker);
}

uint32_t
sad_table_generation(const struct sad_table *t)
{
	return t->generation;
}

/* Killed, and its successor is not in this table yet: the slot stays until
 * nobody holds the table. */
static bool
is_replaced(const struct sa *sa, uint32_t state)
{
	return state == SA_DEAD && sa->direction == SA_OUT &&
	       (atomic_load_explicit(&sa->flags_live, memory_order_relaxed) &
		SA_FLAG_REPLACED) != 0;
}

/* False when it was killed since the table was built. */
static bool
set_hit(const struct sad_table *t, const struct entry *e, struct sad_hit *hit)
{
	struct sa *sa = store_sa(t->store, e->slot - 1);
	uint32_t state = atomic_load_explicit(&sa->state, memory_order_acquire);

	if ((state != SA_LIVE && !is_replaced(sa, state)) ||
	    atomic_load_explicit(&sa->generation, memory_order_relaxed) !=
		e->generation)
		return false;
	*hit = (struct sad_hit){
		.sa = sa,
		.slot = e->slot - 1,
		.generation = e->generation,
	};
	return true;
}

bool
sad_out(const struct sad_table *t, uint32_t said, uint8_t protocol,
	const struct ipaddr *peer, struct sad_hit *hit)
{
	uint32_t at = hash_of(t->seed, said, protocol, peer->octets);
	const struct entry *e = index_find(&t->out, &at, said, protocol, peer);

	return e != NULL && set_hit(t, e, hit);
}

bool
sad_out_spi(const struct sad_table *t, uint8_t protocol, uint32_t spi,
	    const struct ipaddr *peer, struct sad_hit *hit)
{
	uint32_t at = hash_of(t->seed, spi, protocol, peer->octets);
	const struct entry *e = index_find(&t->spi, &at, spi, protocol, peer);

	return e != NULL && set_hit(t, e, hit);
}

bool
sad_in(const struct sad_table *t, uint8_t protocol, uint32_t spi,
       const struct ipaddr *local, const struct ipaddr *peer,
       struct sad_hit *hit)
{
	uint32_t at = hash_of(t->seed, spi, protocol, NULL);
	const struct entry *e;
	struct sad_hit one;
	bool known = false;

	while ((e = index_find(&t->in, &at, spi, protocol, NULL)) != NULL) {
		if (!set_hit(t, e, &one))
			continue;
		if (selector_matches(one.sa, local, peer)) {
			*hit = one;
			return true;
		}
		if (!known)
			*hit = one;
		known = true;
	}
	return known;
}
