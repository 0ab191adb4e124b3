/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the mapping, each part on pages of its own:
 *
 *   | head | slots: max_sa * struct sa | peers | used keys | unit owners |
 *   | replay words |
 *
 * Replay areas are runs of units, a power of two long and aligned to their
 * length.  owner[unit] is 0 or slot + 1; a run is claimed unit by unit with
 * compare-and-swap, so that a claimant that dies half way leaves owners whose
 * slot does not name the run, which store_sweep finds.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/sa/store.h"
#include "engine/sa/totals.h"

#define PAGE_OCTETS 4096u
/* Half of the SAs are inbound; so many units hold the longest window for
 * each.  Pages that nobody touches cost nothing. */
#define UNITS_PER_SA 32u
#define MAX_SA_LIMIT (1u << 20)
/* Four keys and more are remembered for each slot. */
#define USED_SA_A_SET (STORE_USED_KEYS / 4)

static uint64_t
page_align(uint64_t n)
{
	return (n + PAGE_OCTETS - 1) / PAGE_OCTETS * PAGE_OCTETS;
}

static _Atomic uint32_t *
owners(const struct store *s)
{
	return (_Atomic uint32_t *)((uint8_t *)s->head + s->head->unit_offset);
}

/* Where everything lies, from max_sa alone. */
static void
lay_out(struct store_head *h, uint32_t max_sa)
{
	uint64_t at = page_align(sizeof(*h));

	h->max_sa = max_sa;
	h->sa_offset = at;
	at = page_align(at + (uint64_t)max_sa * sizeof(struct sa));
	h->peer_offset = at;
	at = page_align(at + (uint64_t)max_sa * sizeof(struct store_peer));
	h->used_offset = at;
	h->used_sets = (max_sa + USED_SA_A_SET - 1) / USED_SA_A_SET;
	at =
	    page_align(at + (uint64_t)h->used_sets * sizeof(struct store_used));
	h->units = max_sa * UNITS_PER_SA;
	h->unit_offset = at;
	at = page_align(at + (uint64_t)h->units * sizeof(uint32_t));
	h->replay_offset = at;
	h->replay_words = (uint64_t)h->units * STORE_UNIT_WORDS;
	h->size = page_align(at + h->replay_words * sizeof(uint64_t));
}

static int
map_fd(struct store *s, int fd, size_t size)
{
	void *at;

	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	/* It holds keys.  RLIMIT_MEMLOCK may forbid the lock. */
	(void)mlock2(at, size, MLOCK_ONFAULT);
	(void)madvise(at, size, MADV_DONTDUMP);
	s->head = at;
	s->fd = fd;
	return 0;
}

int
store_create(struct store *s, uint32_t max_sa, uint32_t workers)
{
	struct store_head plan = { 0 };
	int fd, err;

	if (max_sa == 0 || max_sa > MAX_SA_LIMIT || workers == 0 ||
	    workers > STORE_WORKERS_MAX)
		return -EINVAL;
	lay_out(&plan, max_sa);
	fd = memfd_create("nfipsec-store", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)plan.size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) <
		0) {
		err = -errno;
		close(fd);
		return err;
	}
	err = map_fd(s, fd, plan.size);
	if (err < 0) {
		close(fd);
		return err;
	}
	lay_out(s->head, max_sa);
	s->head->workers = workers;
	s->head->layout = STORE_LAYOUT;
	s->head->magic = STORE_MAGIC;
	return 0;
}

int
store_map(struct store *s, int fd)
{
	struct store_head plan = { 0 };
	const struct store_head *h;
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < (off_t)sizeof(*h))
		return -EPROTO;
	err = map_fd(s, fd, (size_t)st.st_size);
	if (err < 0)
		return err;
	h = s->head;
	if (h->magic == STORE_MAGIC && h->layout == STORE_LAYOUT &&
	    h->max_sa != 0 && h->max_sa <= MAX_SA_LIMIT) {
		lay_out(&plan, h->max_sa);
		if (h->size == plan.size && (off_t)h->size == st.st_size &&
		    h->sa_offset == plan.sa_offset &&
		    h->peer_offset == plan.peer_offset &&
		    h->used_offset == plan.used_offset &&
		    h->used_sets == plan.used_sets &&
		    h->unit_offset == plan.unit_offset &&
		    h->replay_offset == plan.replay_offset && h->workers != 0 &&
		    h->workers <= STORE_WORKERS_MAX)
			return 0;
	}
	munmap(s->head, (size_t)st.st_size);
	s->head = NULL;
	s->fd = -1;
	return -EPROTO;
}

void
store_unmap(struct store *s)
{
	if (s->head == NULL)
		return;
	munmap(s->head, s->head->size);
	close(s->fd);
	s->head = NULL;
	s->fd = -1;
}

struct sa *
store_sa(const struct store *s, uint32_t slot)
{
	if (slot >= s->head->max_sa)
		return NULL;
	return (struct sa *)((uint8_t *)s->head + s->head->sa_offset) + slot;
}

struct store_peer *
store_peer(const struct store *s, uint32_t i)
{
	return (struct store_peer *)((uint8_t *)s->head +
				     s->head->peer_offset) +
	       i;
}

struct store_used *
store_used(const struct store *s, uint32_t i)
{
	return (struct store_used *)((uint8_t *)s->head +
				     s->head->used_offset) +
	       i;
}

uint32_t
store_slots(const struct store *s)
{
	return atomic_load(&s->head->slot_high);
}

_Atomic uint64_t *
store_replay(const struct store *s, const struct sa *sa)
{
	if (sa->replay_words == 0)
		return NULL;
	return (_Atomic uint64_t *)((uint8_t *)s->head +
				    s->head->replay_offset) +
	       sa->replay_offset;
}

/* Words of a window: one block more than it needs (RFC 6479 section 2), a
 * power of two. */
static uint32_t
words_for(uint32_t window)
{
	uint32_t need, words = 2;

	if (window == 0)
		return 0;
	need = (window + SA_REPLAY_BLOCK - 1) / SA_REPLAY_BLOCK + 1;
	while (words < need)
		words *= 2;
	return words;
}

/* Claims units [first, first + n) for the slot, all or none. */
static bool
claim_run(struct store *s, uint32_t slot, uint32_t first, uint32_t n)
{
	_Atomic uint32_t *owner = owners(s);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t none = 0;

		if (atomic_compare_exchange_strong(&owner[first + i], &none,
						   slot + 1))
			continue;
		while (i-- > 0)
			atomic_store(&owner[first + i], 0);
		return false;
	}
	return true;
}

static int
claim_replay(struct store *s, struct sa *sa, uint32_t slot, uint32_t words)
{
	uint32_t n = (words + STORE_UNIT_WORDS - 1) / STORE_UNIT_WORDS;
	uint32_t runs = s->head->units / n;
	uint32_t from = atomic_load(&s->head->unit_hint) / n;

	for (uint32_t i = 0; i < runs; i++) {
		uint32_t first = (from + i) % runs * n;

		if (!claim_run(s, slot, first, n))
			continue;
		atomic_store(&s->head->unit_hint, first + n);
		sa->replay_offset = first * STORE_UNIT_WORDS;
		sa->replay_words = words;
		return 0;
	}
	return -ENOSPC;
}

/* Forgets all of a slot but its state and generation. */
static void
wipe(struct store *s, struct sa *sa)
{
	_Atomic uint64_t *words = store_replay(s, sa);

	if (words != NULL) {
		_Atomic uint32_t *owner = owners(s);
		uint32_t first = sa->replay_offset / STORE_UNIT_WORDS;
		uint32_t n = (sa->replay_words + STORE_UNIT_WORDS - 1) /
			     STORE_UNIT_WORDS;

		for (uint32_t i = 0; i < sa->replay_words; i++)
			atomic_store_explicit(&words[i], 0,
					      memory_order_relaxed);
		/* The slot lets go of the area first: after a death half way
		 * store_sweep finds owners without an area, and never an area
		 * that somebody else has claimed by then. */
		sa->replay_words = 0;
		for (uint32_t i = 0; i < n; i++)
			atomic_store(&owner[first + i], 0);
	}
	secret_wipe((uint8_t *)sa + offsetof(struct sa, spi),
		    sizeof(*sa) - offsetof(struct sa, spi));
}

/* The first free slot from `from` on, made BUSY. */
static bool
claim_slot(struct store *s, uint32_t from, uint32_t *slot)
{
	for (uint32_t i = from; i < s->head->max_sa; i++) {
		uint32_t free_state = SA_FREE;
		uint32_t high = atomic_load(&s->head->slot_high);

		/* Before the state, for a walk must not miss a slot. */
		while (high <= i && !atomic_compare_exchange_weak(
					&s->head->slot_high, &high, i + 1))
			;
		if (!atomic_compare_exchange_strong(&store_sa(s, i)->state,
						    &free_state, SA_BUSY))
			continue;
		atomic_store(&s->head->slot_hint, i + 1);
		*slot = i;
		return true;
	}
	return false;
}

int
store_claim(struct store *s, uint32_t window, uint32_t *slot)
{
	uint32_t words = words_for(window);
	struct sa *sa;

	if (window > SA_REPLAY_MAX)
		return -EINVAL;
	if (!claim_slot(s, atomic_load(&s->head->slot_hint), slot) &&
	    !claim_slot(s, 0, slot))
		return -ENOSPC;
	sa = store_sa(s, *slot);
	atomic_fetch_add(&sa->generation, 1);
	sa->replay_window = window;
	if (words != 0 && claim_replay(s, sa, *slot, words) < 0) {
		store_release(s, *slot);
		return -ENOSPC;
	}
	return 0;
}

void
store_publish(struct store *s, uint32_t slot)
{
	atomic_store_explicit(&store_sa(s, slot)->state, SA_LIVE,
			      memory_order_release);
	atomic_fetch_add(&s->head->sa_generation, 1);
}

bool
store_kill(struct store *s, uint32_t slot)
{
	struct sa *sa = store_sa(s, slot);
	uint32_t live = SA_LIVE;

	if (sa == NULL ||
	    !atomic_compare_exchange_strong(&sa->state, &live, SA_DEAD))
		return false;
	atomic_fetch_add(&s->head->sa_generation, 1);
	return true;
}

bool
store_replace(struct store *s, uint32_t slot)
{
	struct sa *sa = store_sa(s, slot);

	if (sa == NULL)
		return false;
	atomic_fetch_or(&sa->flags_live, SA_FLAG_REPLACED);
	return store_kill(s, slot);
}

void
store_release(struct store *s, uint32_t slot)
{
	struct sa *sa = store_sa(s, slot);
	uint32_t hint = atomic_load(&s->head->slot_hint);

	totals_keep(s, sa);
	wipe(s, sa);
	atomic_store_explicit(&sa->state, SA_FREE, memory_order_release);
	totals_kept(s);
	while (slot < hint &&
	       !atomic_compare_exchange_weak(&s->head->slot_hint, &hint, slot))
		;
}

/* Units that a dead claimant took and no slot names. */
static void
sweep_units(struct store *s)
{
	_Atomic uint32_t *owner = owners(s);

	for (uint32_t u = 0; u < s->head->units; u++) {
		uint32_t taken = atomic_load(&owner[u]);
		const struct sa *sa;
		uint32_t word = u * STORE_UNIT_WORDS;

		if (taken == 0)
			continue;
		sa = store_sa(s, taken - 1);
		if (sa != NULL && atomic_load(&sa->state) != SA_FREE &&
		    sa->replay_words != 0 && word >= sa->replay_offset &&
		    word - sa->replay_offset < sa->replay_words)
			continue;
		atomic_store(&owner[u], 0);
	}
}

unsigned
store_sweep(struct store *s)
{
	unsigned released = 0;

	/* Somebody may have died half way. */
	atomic_store(&s->head->totals_done,
		     atomic_load(&s->head->totals_begun));
	for (uint32_t i = 0; i < store_slots(s); i++) {
		struct sa *sa = store_sa(s, i);

		switch ((enum sa_state)atomic_load(&sa->state)) {
		case SA_BUSY:
		case SA_DEAD:
			store_release(s, i);
			released++;
			break;
		case SA_FREE:
		case SA_LIVE:
			break;
		}
	}
	sweep_units(s);
	if (released != 0)
		atomic_fetch_add(&s->head->sa_generation, 1);
	return released;
}

static unsigned
mark_shift(const struct store_head *h)
{
	return h->said_mask == 0 ? 0 : (unsigned)__builtin_ctz(h->said_mask);
}

uint32_t
store_said_of(const struct store_head *h, uint32_t mark)
{
	return (mark & h->said_mask) >> mark_shift(h);
}

uint32_t
store_mark_of(const struct store_head *h, uint32_t said)
{
	return said << mark_shift(h) & h->said_mask;
}

void
store_policy_begin(struct store *s)
{
	if (store_policy_is_whole(s))
		atomic_fetch_add(&s->head->policy_generation, 1);
}

bool
store_policy_is_whole(const struct store *s)
{
	return atomic_load(&s->head->policy_generation) % 2 == 0;
}

void
store_policy_end(struct store *s)
{
	atomic_fetch_add(&s->head->policy_generation, 1);
}
