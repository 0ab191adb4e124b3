/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/sa/store.h"
#include "engine/sa/totals.h"

static struct store
make(uint32_t max_sa)
{
	struct store s = { 0 };

	cr_assert_eq(store_create(&s, max_sa, 2), 0);
	return s;
}

static uint32_t
claim(struct store *s, uint32_t window)
{
	uint32_t slot = UINT32_MAX;

	cr_assert_eq(store_claim(s, window, &slot), 0);
	return slot;
}

Test(store, is_sealed_and_mapped_twice)
{
	struct store a = make(8), b = { 0 };
	uint32_t slot = claim(&a, 64);

	cr_assert_lt(ftruncate(a.fd, 4096), 0);
	cr_assert_eq(store_map(&b, dup(a.fd)), 0);
	store_sa(&a, slot)->spi = 0x1001;
	store_publish(&a, slot);
	cr_assert_eq(store_sa(&b, slot)->spi, 0x1001u);
	cr_assert_eq(atomic_load(&store_sa(&b, slot)->state), SA_LIVE);
	store_unmap(&b);
	store_unmap(&a);
}

Test(store, refuses_another_layout)
{
	struct store a = make(8), b = { 0 };

	a.head->layout++;
	cr_assert_eq(store_map(&b, dup(a.fd)), -EPROTO);
	a.head->layout--;
	a.head->size += 4096;
	cr_assert_eq(store_map(&b, dup(a.fd)), -EPROTO);
	a.head->size -= 4096;
	a.head->max_sa++;
	cr_assert_eq(store_map(&b, dup(a.fd)), -EPROTO);
	a.head->max_sa--;
	cr_assert_eq(store_map(&b, dup(a.fd)), 0);
}

Test(store, fills_up_and_frees)
{
	struct store s = make(4);
	uint32_t slot;

	for (int i = 0; i < 4; i++)
		claim(&s, 1024);
	cr_assert_eq(store_claim(&s, 0, &slot), -ENOSPC);
	store_release(&s, 2);
	cr_assert_eq(claim(&s, 0), 2u);
	cr_assert_eq(atomic_load(&store_sa(&s, 2)->generation), 2u);
	cr_assert_eq(store_slots(&s), 4u);
}

/* Every window has its block more, and no two areas overlap. */
Test(store, replay_areas)
{
	static const uint32_t windows[] = { 32,   64,   65,           1024,
					    1985, 4096, SA_REPLAY_MAX };
	struct store s = make(64);

	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		struct sa *sa = store_sa(&s, claim(&s, windows[i]));

		cr_assert_eq(sa->replay_words & (sa->replay_words - 1), 0u);
		cr_assert_geq((sa->replay_words - 1) * SA_REPLAY_BLOCK,
			      windows[i]);
		for (uint32_t w = 0; w < sa->replay_words; w++) {
			cr_assert_eq(store_replay(&s, sa)[w], 0u);
			store_replay(&s, sa)[w] = i + 1;
		}
	}
	for (uint32_t i = 0; i < sizeof(windows) / sizeof(*windows); i++) {
		struct sa *sa = store_sa(&s, i);

		for (uint32_t w = 0; w < sa->replay_words; w++)
			cr_assert_eq(store_replay(&s, sa)[w], i + 1);
	}
	cr_assert_eq(store_claim(&s, SA_REPLAY_MAX + 1, &(uint32_t){ 0 }),
		     -EINVAL);
}

Test(store, replay_space_comes_back)
{
	struct store s = make(4); /* 128 units: two of the longest */
	uint32_t a, b, c;

	for (int i = 0; i < 10; i++) {
		a = claim(&s, SA_REPLAY_MAX);
		b = claim(&s, SA_REPLAY_MAX);
		cr_assert_eq(store_claim(&s, 32, &c), -ENOSPC);
		store_release(&s, a);
		c = claim(&s, 1024);
		cr_assert_eq(store_claim(&s, SA_REPLAY_MAX, &a), -ENOSPC);
		store_release(&s, b);
		store_release(&s, c);
	}
}

Test(store, release_wipes)
{
	struct store s = make(2);
	uint32_t slot = claim(&s, 64);
	struct sa *sa = store_sa(&s, slot);
	uint8_t none[sizeof(struct sa)] = { 0 };

	memset(sa->key, 0xa5, sizeof(sa->key));
	store_replay(&s, sa)[1] = 5;
	store_publish(&s, slot);
	cr_assert(store_kill(&s, slot));
	cr_assert_not(store_kill(&s, slot));
	store_release(&s, slot);
	cr_assert_eq(memcmp((uint8_t *)sa + offsetof(struct sa, spi), none,
			    sizeof(*sa) - offsetof(struct sa, spi)),
		     0);
	sa = store_sa(&s, claim(&s, 64));
	cr_assert_eq(store_replay(&s, sa)[1], 0u);
}

/* What an engine leaves behind that died anywhere between two stores. */
Test(store, sweep_after_death)
{
	struct store s = make(8);
	uint32_t live = claim(&s, 64), busy = claim(&s, 1024);
	uint32_t dead = claim(&s, 4096);
	_Atomic uint32_t *owner =
	    (void *)((uint8_t *)s.head + s.head->unit_offset);
	unsigned taken = 0;

	store_publish(&s, live);
	store_publish(&s, dead);
	cr_assert(store_kill(&s, dead));
	store_sa(&s, busy)->key[0] = 1;
	store_replay(&s, store_sa(&s, live))[0] = 9;
	/* died while it claimed a run for a slot that names none */
	atomic_store(&owner[40], 6 + 1);
	cr_assert_eq(store_sweep(&s), 2u);
	cr_assert_eq(atomic_load(&store_sa(&s, live)->state), SA_LIVE);
	cr_assert_eq(store_replay(&s, store_sa(&s, live))[0], 9u);
	cr_assert_eq(atomic_load(&store_sa(&s, busy)->state), SA_FREE);
	cr_assert_eq(store_sa(&s, busy)->key[0], 0);
	for (uint32_t u = 0; u < s.head->units; u++)
		taken += atomic_load(&owner[u]) != 0;
	cr_assert_eq(taken, 1u);
}

/* One that has counted, for "db". */
static uint32_t
counted(struct store *s, enum sa_direction direction, uint64_t packets)
{
	uint32_t slot = claim(s, 0);
	struct sa *sa = store_sa(s, slot);

	sa->direction = (uint8_t)direction;
	snprintf(sa->association, sizeof(sa->association), "db");
	atomic_store(&sa->packets, packets);
	atomic_store(&sa->octets, 100 * packets);
	store_publish(s, slot);
	return slot;
}

Test(store, keeps_what_is_gone_had_counted)
{
	struct store s = make(8);
	struct totals t = { 0 };
	uint32_t in = counted(&s, SA_IN, 5), out = counted(&s, SA_OUT, 7), n;

	totals_add(&s, "db", &t);
	cr_assert(t.packets[SA_IN] == 0 && t.packets[SA_OUT] == 0);
	n = totals_begin(&s);
	cr_assert(totals_settled(&s, n));
	cr_assert(store_kill(&s, in));
	store_release(&s, in);
	cr_assert_not(totals_settled(&s, n));
	cr_assert(totals_settled(&s, totals_begin(&s)));
	/* one of an engine that died */
	cr_assert(store_kill(&s, out));
	cr_assert_eq(store_sweep(&s), 1);
	out = counted(&s, SA_OUT, 2);
	cr_assert(store_kill(&s, out));
	store_release(&s, out);
	totals_add(&s, "db", &t);
	cr_assert(t.packets[SA_IN] == 5 && t.octets[SA_IN] == 500);
	cr_assert(t.packets[SA_OUT] == 9 && t.octets[SA_OUT] == 900);
	t = (struct totals){ 0 };
	totals_add(&s, "other", &t);
	cr_assert(t.packets[SA_IN] == 0 && t.packets[SA_OUT] == 0);
}

/* One that died while it released. */
Test(store, totals_settle_behind_a_sweep)
{
	struct store s = make(8);

	atomic_fetch_add(&s.head->totals_begun, 1);
	cr_assert_not(totals_settled(&s, totals_begin(&s)));
	(void)store_sweep(&s);
	cr_assert(totals_settled(&s, totals_begin(&s)));
}
