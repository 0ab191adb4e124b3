/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a disk does to a supervisor's writes, and wherever a life ends: no
 * sequence number and no IV is used twice.
 */
#include "test/unit/persistbox.h"

TestSuite(persistlives, .fini = clean);

struct used {
	uint64_t from, to; /* sequence numbers [from, to) */
	uint64_t iv;       /* the IV of `from` */
};

static struct used history[512];
static size_t n_history;

static void
use(const struct life *l, uint64_t from, uint64_t to)
{
	struct used u = { from, to, 0 };

	if (from == to)
		return;
	cr_assert(seq_iv_counter(out(l), from, &u.iv));
	for (size_t i = 0; i < n_history; i++) {
		const struct used *h = &history[i];

		cr_assert(to <= h->from || from >= h->to,
			  "numbers %lu-%lu were used as %lu-%lu", from, to,
			  h->from, h->to);
		cr_assert(u.iv + (to - from) <= h->iv ||
			      u.iv >= h->iv + (h->to - h->from),
			  "IVs from %lx on were used from %lx on", u.iv, h->iv);
	}
	cr_assert_lt(n_history, 512u);
	history[n_history++] = u;
}

/* Sends all it may: the worst that can have happened before a cut. */
static void
use_up(const struct life *l)
{
	uint64_t from = atomic_load(&out(l)->seq_next);
	uint64_t to = atomic_load(&out(l)->seq_limit);

	if (from >= to)
		return;
	atomic_store(&out(l)->seq_next, to);
	use(l, from, to);
}

static uint32_t die;

/* 0 .. n - 1, the same series for the same seed (xorshift). */
static unsigned
dice(unsigned n)
{
	die ^= die << 13;
	die ^= die >> 17;
	die ^= die << 5;
	return die % n;
}

/* Lives of random length with one fault each, ended by a cut or a stop; every
 * number is used as soon as it may be. */
static void
lives(unsigned seed, enum fault only)
{
	n_history = 0;
	for (size_t i = 0; i < 8; i++) {
		free(disk.files[i].octets);
		disk.files[i] = (struct file){ 0 };
	}
	die = seed;
	for (int life = 0; life < 12; life++) {
		struct life l;
		unsigned ticks = dice(6);

		disk.writes = 0;
		disk.fault = only;
		/* a fault in every other life: the one after sees it */
		disk.fault_at = life % 2 ? 0 : 1 + dice(8);
		if (try_begin(&l) == 0) {
			use_up(&l);
			for (unsigned t = 0; t < ticks; t++) {
				(void)persist_tick(l.p, &l.store, 100);
				use_up(&l);
			}
			if (dice(3) == 0)
				(void)persist_close(l.p, &l.store);
		}
		cut(&l);
	}
	disk.fault_at = 0;
}

Test(persistlives, nothing_twice_after_a_lost_write)
{
	for (unsigned seed = 1; seed <= 60; seed++)
		lives(seed, FAULT_LOST);
}

Test(persistlives, nothing_twice_after_a_torn_write)
{
	for (unsigned seed = 1; seed <= 60; seed++)
		lives(seed, FAULT_TORN);
}

Test(persistlives, nothing_twice_with_a_full_disk)
{
	for (unsigned seed = 1; seed <= 60; seed++)
		lives(seed, FAULT_FULL);
}
