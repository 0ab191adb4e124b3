/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SA tables: look-ups, replacement, reclamation; seq, life, selector. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/grace.h"
#include "engine/sa/life.h"
#include "engine/sa/selector.h"
#include "engine/sa/seq.h"
#include "test/lib/pair.h"

static struct store
make(uint32_t max_sa)
{
	struct store s;

	cr_assert_eq(store_create(&s, max_sa, 2), 0);
	return s;
}

static uint32_t
add(struct store *s, enum sa_direction d, uint32_t said, uint32_t spi,
    uint32_t peer, uint64_t installed_ms)
{
	uint32_t slot;
	struct sa *sa;

	cr_assert_eq(store_claim(s, 0, &slot), 0);
	sa = store_sa(s, slot);
	sa->direction = (uint8_t)d;
	sa->protocol = SA_ESP;
	sa->said = said;
	sa->spi = spi;
	sa->local = pair_addr(PAIR_A);
	sa->peer = pair_addr(peer);
	sa->installed_ms = installed_ms;
	store_publish(s, slot);
	return slot;
}

static bool
out(struct sad *d, uint32_t said, uint32_t peer, struct sad_hit *hit)
{
	struct ipaddr a = pair_addr(peer);
	bool found;

	sad_refresh(d, 1000);
	found = sad_out(sad_enter(d, 0), said, SA_ESP, &a, hit);
	sad_leave(d, 0);
	return found;
}

Test(sad, newest_wins_and_killed_is_gone)
{
	struct store s = make(8);
	struct sad *d = sad_new(&s);
	struct sad_hit hit;
	uint32_t old, new;

	cr_assert_not(out(d, 0x100, PAIR_B, &hit));
	old = add(&s, SA_OUT, 0x100, 0x1000, PAIR_B, 10);
	cr_assert(out(d, 0x100, PAIR_B, &hit));
	cr_assert_eq(hit.slot, old);
	new = add(&s, SA_OUT, 0x100, 0x2000, PAIR_B, 20);
	cr_assert(out(d, 0x100, PAIR_B, &hit));
	cr_assert_eq(hit.slot, new);
	cr_assert_not(out(d, 0x101, PAIR_B, &hit));
	cr_assert_not(out(d, 0x100, PAIR_B + 1, &hit));
	cr_assert(store_kill(&s, new));
	cr_assert(out(d, 0x100, PAIR_B, &hit));
	cr_assert_eq(hit.slot, old);
	sad_free(d);
	store_unmap(&s);
}

Test(sad, inbound_by_spi_then_addresses)
{
	struct store s = make(8);
	struct sad *d = sad_new(&s);
	struct ipaddr a = pair_addr(PAIR_A), b = pair_addr(PAIR_B),
		      c = pair_addr(PAIR_B + 1), x = pair_addr(PAIR_B + 2);
	const struct sad_table *t;
	struct sad_hit hit;
	uint32_t from_b = add(&s, SA_IN, 1, 0x1000, PAIR_B, 1);
	uint32_t from_c = add(&s, SA_IN, 1, 0x1000, PAIR_B + 1, 1);

	sad_refresh(d, 0);
	t = sad_enter(d, 0);
	cr_assert(sad_in(t, SA_ESP, 0x1000, &a, &b, &hit));
	cr_assert_eq(hit.slot, from_b);
	cr_assert(sad_in(t, SA_ESP, 0x1000, &a, &c, &hit));
	cr_assert_eq(hit.slot, from_c);
	/* known, but for others: the caller looks at the addresses */
	cr_assert(sad_in(t, SA_ESP, 0x1000, &a, &x, &hit));
	cr_assert_not(selector_matches(hit.sa, &a, &x));
	cr_assert_not(sad_in(t, SA_ESP, 0x1001, &a, &b, &hit));
	cr_assert_not(sad_in(t, SA_AH, 0x1000, &a, &b, &hit));
	/* outbound ones by SPI are another index */
	cr_assert_not(sad_out_spi(t, SA_ESP, 0x1000, &b, &hit));
	sad_leave(d, 0);
	sad_free(d);
	store_unmap(&s);
}

Test(sad, many)
{
	enum { N = 20000 };
	struct store s = make(N);
	struct sad *d = sad_new(&s);
	struct sad_hit hit;

	for (uint32_t i = 0; i < N; i++)
		add(&s, SA_OUT, 0x100 + i % 7, 0x1000 + i, PAIR_B + i, 1);
	for (uint32_t i = 0; i < N; i += 97) {
		cr_assert(out(d, 0x100 + i % 7, PAIR_B + i, &hit));
		cr_assert_eq(hit.sa->spi, 0x1000 + i);
	}
	cr_assert_not(out(d, 0x100, PAIR_B + N, &hit));
	sad_free(d);
	store_unmap(&s);
}

/* A dead slot is released when no batch can hold it, and once only. */
Test(sad, dead_slots_wait_for_batches)
{
	struct store s = make(4);
	struct sad *d = sad_new(&s);
	uint32_t slot = add(&s, SA_OUT, 0x100, 0x1000, PAIR_B, 1), again;
	struct sa *sa = store_sa(&s, slot);

	sad_refresh(d, 0);
	sad_enter(d, 1); /* a worker that takes its time */
	cr_assert(store_kill(&s, slot));
	for (int i = 0; i < 5; i++) {
		sad_refresh(d, 1000);
		add(&s, SA_OUT, 0x200, 0x3000, PAIR_B, 1);
		cr_assert_eq(atomic_load(&sa->state), SA_DEAD);
		sad_refresh(d, 2000);
		if (i == 2)
			break;
	}
	cr_assert_eq(atomic_load(&sa->state), SA_DEAD);
	sad_leave(d, 1);
	sad_refresh(d, 3000);
	cr_assert_eq(atomic_load(&sa->state), SA_FREE);
	/* its next tenant is left alone */
	again = add(&s, SA_OUT, 0x300, 0x4000, PAIR_B, 1);
	cr_assert_eq(again, slot);
	for (int i = 0; i < 3; i++)
		sad_refresh(d, 4000 + (uint64_t)i);
	cr_assert_eq(atomic_load(&sa->state), SA_LIVE);
	cr_assert_eq(sa->said, 0x300u);
	sad_free(d);
	store_unmap(&s);
}

/* Two workers look up while a third thread installs and kills: whoever finds
 * an SA finds a whole one. */
struct churn {
	struct store *s;
	struct sad *d;
	unsigned worker;
	_Atomic bool *stop;
	_Atomic unsigned long found;
	bool torn;
};

static void *
look_up(void *arg)
{
	struct churn *c = arg;
	struct ipaddr peer = pair_addr(PAIR_B);
	uint64_t now = 0;

	while (!atomic_load(c->stop)) {
		const struct sad_table *t;
		struct sad_hit hit;

		sad_refresh(c->d, now++);
		t = sad_enter(c->d, c->worker);
		for (int i = 0; i < 20; i++)
			if (sad_out(t, 0x100, SA_ESP, &peer, &hit)) {
				c->found++;
				if (hit.sa->said != 0x100 ||
				    hit.sa->key[0] != 0x77)
					c->torn = true;
			}
		sad_leave(c->d, c->worker);
	}
	return NULL;
}

Test(sad, churn)
{
	struct store s = make(16);
	struct sad *d = sad_new(&s);
	_Atomic bool stop = false;
	struct churn c[2];
	pthread_t id[2];
	unsigned long turns = 0;

	for (unsigned i = 0; i < 2; i++) {
		c[i] = (struct churn){ &s, d, i, &stop, 0, false };
		pthread_create(&id[i], NULL, look_up, &c[i]);
	}
	/* On a busy machine one worker may come late. */
	while (turns < 3000 || atomic_load(&c[0].found) == 0 ||
	       atomic_load(&c[1].found) == 0) {
		uint32_t slot;
		struct sa *sa;

		if (store_claim(&s, 0, &slot) < 0)
			continue; /* until the workers gave some back */
		sa = store_sa(&s, slot);
		sa->direction = SA_OUT;
		sa->protocol = SA_ESP;
		sa->said = 0x100;
		sa->spi = 0x1000 + slot;
		sa->key[0] = 0x77;
		sa->peer = pair_addr(PAIR_B);
		sa->installed_ms = ++turns;
		store_publish(&s, slot);
		if (turns % 3 != 0)
			store_kill(&s, slot);
		else
			for (uint32_t i = 0; i < 16; i++)
				if (i != slot)
					store_kill(&s, i);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(id[i], NULL);
		cr_assert_not(c[i].torn);
	}
	sad_free(d);
	store_unmap(&s);
}

Test(grace, waits_for_who_was_inside)
{
	static struct grace g;
	uint64_t ticket;

	grace_init(&g);
	cr_assert(grace_passed(&g, grace_retire(&g)));
	grace_enter(&g, 3);
	ticket = grace_retire(&g);
	cr_assert_not(grace_passed(&g, ticket));
	grace_enter(&g, 4); /* came after */
	cr_assert_not(grace_passed(&g, ticket));
	grace_leave(&g, 3);
	cr_assert(grace_passed(&g, ticket));
	cr_assert_not(grace_passed(&g, grace_retire(&g)));
	grace_leave(&g, 4);
}

/* Numbers: each once, none at or past the limit, over two threads. */
struct taker {
	struct sa *sa;
	uint8_t *taken;
	unsigned long n;
};

static void *
take(void *arg)
{
	struct taker *t = arg;
	uint64_t first;
	uint32_t n = 1;

	while (seq_take(t->sa, n, &first)) {
		for (uint32_t i = 0; i < n; i++)
			t->taken[first + i]++;
		t->n += n;
		n = n % 5 + 1;
	}
	return NULL;
}

Test(seq, two_threads_each_number_once)
{
	enum { LIMIT = 300000 };
	static struct sa sa;
	struct taker t[2];
	pthread_t id[2];

	atomic_store(&sa.seq_next, 1);
	atomic_store(&sa.seq_limit, LIMIT);
	for (int i = 0; i < 2; i++) {
		t[i] = (struct taker){ &sa, calloc(LIMIT + 64, 1), 0 };
		pthread_create(&id[i], NULL, take, &t[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
	for (size_t s = 0; s < LIMIT + 64; s++)
		cr_assert_leq(t[0].taken[s] + t[1].taken[s],
			      s == 0 || s >= LIMIT ? 0 : 1, "number %zu", s);
	cr_assert_gt(t[0].n + t[1].n, LIMIT - 32);
	for (int i = 0; i < 2; i++)
		free(t[i].taken);
}

Test(seq, never_zero_never_past_the_end)
{
	static struct sa sa;
	uint64_t first, counter;

	cr_assert_not(seq_take(&sa, 1, &first)); /* nobody set it up */
	atomic_store(&sa.seq_next, UINT64_MAX - 2);
	atomic_store(&sa.seq_limit, UINT64_MAX);
	cr_assert_not(seq_take(&sa, 3, &first));
	cr_assert(seq_take(&sa, 2, &first));
	cr_assert_eq(first, UINT64_MAX - 2);
	cr_assert_not(seq_take(&sa, 1, &first));
	cr_assert(seq_iv_counter(&sa, 77, &counter));
	cr_assert_eq(counter, 77u);
	sa.iv_start = (uint64_t)3 << SA_IV_LOW_BITS;
	sa.seq_base = 100;
	cr_assert_not(seq_iv_counter(&sa, 99, &counter));
	cr_assert(seq_iv_counter(&sa, 100, &counter));
	cr_assert_eq(counter, sa.iv_start);
	cr_assert_not(seq_iv_counter(&sa, 100 + ((uint64_t)1 << 44), &counter));
}

Test(life, limits)
{
	struct {
		struct sa_limits l;
		unsigned soft, hard; /* packet of 100 octets, one a second */
	} rows[] = {
		{ { 0 }, 0, 0 },
		{ { .soft_packets = 3, .hard_packets = 5 }, 3, 6 },
		{ { .soft_octets = 300, .hard_octets = 500 }, 3, 6 },
		{ { .soft_octets = 301, .hard_octets = 499 }, 4, 5 },
		{ { .soft_secs = 3, .hard_secs = 5 }, 3, 5 },
		{ { .soft_secs = 7, .hard_octets = 200 }, 0, 3 },
		{ { .soft_packets = 1, .hard_secs = 2 }, 1, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sa *sa = calloc(1, sizeof(*sa));
		unsigned soft = 0, hard = 0, softs = 0;

		sa->limits = rows[i].l;
		sa->installed_ms = 5000;
		for (unsigned n = 1; n <= 10; n++) {
			uint64_t now = 5000 + n * 1000;
			enum life_state st = life_use(sa, 100, now);

			if (st == LIFE_SOFT && softs++ == 0)
				soft = n;
			if (st == LIFE_HARD && hard == 0) {
				hard = n;
				/* what was refused is not counted */
				cr_assert_eq(atomic_load(&sa->packets), n - 1);
			}
		}
		cr_assert_eq(soft, rows[i].soft, "row %zu", i);
		cr_assert_leq(softs, 1u, "row %zu", i);
		cr_assert_eq(hard, rows[i].hard, "row %zu", i);
		free(sa);
	}
}

/* The walk over idle ones sees time, and a clock that stands before. */
Test(life, check)
{
	static struct sa sa = { .limits = { .soft_secs = 2, .hard_secs = 4 },
				.installed_ms = 10000 };

	cr_assert_eq(life_check(&sa, 9000), LIFE_OK);
	cr_assert_eq(life_check(&sa, 11999), LIFE_OK);
	cr_assert_eq(life_check(&sa, 12000), LIFE_SOFT);
	cr_assert_eq(life_check(&sa, 12001), LIFE_OK);
	cr_assert_eq(life_check(&sa, 13999), LIFE_OK);
	cr_assert_eq(life_check(&sa, 14000), LIFE_HARD);
}

/* Between two tables: who was replaced is still good for a batch that began
 * before, who was killed is not, and neither is in the next table. */
Test(sad, replaced_until_the_next_table)
{
	struct store s = make(8);
	struct sad *d = sad_new(&s);
	struct ipaddr b = pair_addr(PAIR_B), c = pair_addr(PAIR_B + 1);
	const struct sad_table *t;
	struct sad_hit hit;
	uint32_t old, gone, in, new;

	old = add(&s, SA_OUT, 0x100, 0x1000, PAIR_B, 10);
	gone = add(&s, SA_OUT, 0x100, 0x1001, PAIR_B + 1, 10);
	in = add(&s, SA_IN, 0x100, 0x1002, PAIR_B, 10);
	sad_refresh(d, 0);
	t = sad_enter(d, 0);
	new = add(&s, SA_OUT, 0x100, 0x2000, PAIR_B, 20);
	cr_assert(store_replace(&s, old));
	cr_assert_not(store_replace(&s, old));
	cr_assert(store_kill(&s, gone));
	cr_assert(store_replace(&s, in));
	sad_refresh(d, 0);
	cr_assert(sad_out(t, 0x100, SA_ESP, &b, &hit));
	cr_assert_eq(hit.slot, old);
	cr_assert_eq(hit.sa->spi, 0x1000u);
	cr_assert_not(sad_out(t, 0x100, SA_ESP, &c, &hit));
	cr_assert_not(sad_in(t, SA_ESP, 0x1002, &b, &b, &hit));
	sad_leave(d, 0);
	cr_assert(out(d, 0x100, PAIR_B, &hit));
	cr_assert_eq(hit.slot, new);
	sad_refresh(d, 0);
	cr_assert_eq(atomic_load(&store_sa(&s, old)->state), SA_FREE);
	sad_free(d);
	store_unmap(&s);
}
