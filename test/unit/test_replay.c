/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sa/replay.h"

struct box {
	_Atomic uint64_t edge;
	_Atomic uint64_t words[2048];
	struct replay r;
};

static struct box *
make(uint32_t window, uint64_t edge)
{
	struct box *b = calloc(1, sizeof(*b));

	b->r = (struct replay){ .edge = &b->edge,
				.words = b->words,
				.n_words = 2,
				.window = window };
	while ((b->r.n_words - 1) * SA_REPLAY_BLOCK < window)
		b->r.n_words *= 2;
	if (edge != 0)
		replay_restore(&b->r, edge);
	return b;
}

static const uint32_t windows[] = { 32,  33,   63,   64,   65,
				    128, 1000, 1024, 4096, 32768 };
#define N_WINDOWS (sizeof(windows) / sizeof(windows[0]))

Test(replay, edges)
{
	for (size_t i = 0; i < N_WINDOWS; i++) {
		uint32_t w = windows[i];
		struct box *b = make(w, 0);
		uint64_t top = 3 * (uint64_t)w + 17;

		cr_assert_eq(replay_commit(&b->r, 0), REPLAY_ZERO);
		cr_assert_eq(replay_commit(&b->r, 1), REPLAY_OK);
		cr_assert_eq(replay_commit(&b->r, 1), REPLAY_SEEN);
		cr_assert_eq(replay_commit(&b->r, top), REPLAY_OK);
		cr_assert_eq(atomic_load(&b->edge), top);
		/* the left edge, and one and two further */
		cr_assert_eq(replay_check(&b->r, top - w + 1), REPLAY_OK);
		cr_assert_eq(replay_check(&b->r, top - w), REPLAY_OLD);
		cr_assert_eq(replay_check(&b->r, top - w - 1), REPLAY_OLD);
		cr_assert_eq(replay_commit(&b->r, top - w), REPLAY_OLD);
		cr_assert_eq(replay_commit(&b->r, top - w + 1), REPLAY_OK);
		cr_assert_eq(replay_commit(&b->r, top - w + 1), REPLAY_SEEN);
		cr_assert_eq(replay_commit(&b->r, top), REPLAY_SEEN);
		cr_assert_eq(atomic_load(&b->edge), top);
		/* everything between, once */
		for (uint64_t s = top - w + 2; s < top; s++)
			cr_assert_eq(replay_commit(&b->r, s), REPLAY_OK);
		for (uint64_t s = top - w + 1; s <= top; s++)
			cr_assert_eq(replay_commit(&b->r, s), REPLAY_SEEN);
		/* jumps: by 2^31, over 2^32, to where the laps wrap */
		for (uint64_t jump = (uint64_t)1 << 31; jump < 1ull << 45;
		     jump <<= 7) {
			uint64_t to = atomic_load(&b->edge) + jump;

			if (to / SA_REPLAY_BLOCK / b->r.n_words -
				(to - jump) / SA_REPLAY_BLOCK / b->r.n_words >=
			    1u << 31)
				break;
			cr_assert_eq(replay_commit(&b->r, to), REPLAY_OK);
			cr_assert_eq(replay_commit(&b->r, to), REPLAY_SEEN);
			cr_assert_eq(replay_commit(&b->r, to - w), REPLAY_OLD);
			cr_assert_eq(replay_commit(&b->r, to - w + 1),
				     REPLAY_OK);
			cr_assert_eq(replay_check(&b->r, to - jump),
				     REPLAY_OLD);
		}
		free(b);
	}
}

/* Against the simplest thing that is right: a list of what was accepted. */
Test(replay, like_a_model)
{
	static uint8_t seen[200000];
	uint64_t base = ((uint64_t)7 << 32) - 90000;

	srandom(4303);
	for (size_t i = 0; i < N_WINDOWS; i++) {
		uint32_t w = windows[i];
		struct box *b = make(w, base);
		uint64_t edge = base;

		memset(seen, 0, sizeof(seen));
		for (int n = 0; n < 200000; n++) {
			uint64_t spread = random() % 8 == 0 ? 3 * w : w + 40;
			uint64_t seq = edge + (uint64_t)random() % 40 + 1;
			enum replay_answer want, got;

			seq -= (uint64_t)random() % spread;
			if (seq <= base || seq - base >= sizeof(seen))
				continue;
			if (seq + w <= edge)
				want = REPLAY_OLD;
			else
				want =
				    seen[seq - base] ? REPLAY_SEEN : REPLAY_OK;
			if (random() % 4 == 0) {
				got = replay_check(&b->r, seq);
			} else {
				got = replay_commit(&b->r, seq);
				seen[seq - base] |= got == REPLAY_OK;
				if (got == REPLAY_OK && seq > edge)
					edge = seq;
			}
			cr_assert_eq(got, want, "window %u number %lu", w,
				     (unsigned long)(seq - base));
			cr_assert_eq(atomic_load(&b->edge), edge);
		}
		free(b);
	}
}

Test(replay, restore_counts_as_seen)
{
	static const uint64_t edges[] = {
		1,    31,        32,
		33,   1000,      1023,
		1024, 123456789, ((uint64_t)1 << 32) + 5
	};

	for (size_t i = 0; i < N_WINDOWS; i++)
		for (size_t e = 0; e < sizeof(edges) / sizeof(edges[0]); e++) {
			struct box *b = make(windows[i], edges[e]);
			uint64_t edge = edges[e];

			for (uint64_t s = 1; s <= edge && s < 70000; s++)
				cr_assert_neq(
				    replay_commit(&b->r, edge - s + 1),
				    REPLAY_OK);
			for (uint64_t s = 1; s <= 2 * windows[i]; s++)
				cr_assert_eq(replay_commit(&b->r, edge + s),
					     REPLAY_OK);
			free(b);
		}
}

/* RFC 4303 A2.2, window 64; the number that is meant for what is sent. */
Test(replay, guess)
{
	const uint64_t sub = (uint64_t)1 << 32;
	struct {
		uint64_t edge;
		uint32_t low;
		bool good;
		uint64_t seq;
	} rows[] = {
		/* at the start */
		{ 0, 1, true, 1 },
		{ 0, 0x7fffffff, true, 0x7fffffff },
		{ 0, 0xffffffc0, true, 0xffffffc0 },
		{ 0, 0xffffffc1, false, 0 }, /* -63 */
		{ 0, 0xffffffff, false, 0 },
		/* case A: the window within one subspace */
		{ 63, 0, true, 0 },
		{ 63, 0xffffffff, true, 0xffffffff },
		{ 64, 0, true, sub },
		{ 1000, 937, true, 937 },
		{ 1000, 936, true, sub + 936 },
		{ 1000, 0xffffffff, true, 0xffffffff },
		{ sub - 1, 0xffffffff, true, sub - 1 },
		{ sub - 1, 0xffffffc0, true, sub - 64 },
		{ sub - 1, 0xffffffbf, true, 2 * sub - 65 },
		{ sub - 1, 0, true, sub },
		/* case B: over two */
		{ 5 * sub, 0xffffffff, true, 5 * sub - 1 },
		{ 5 * sub, 0xffffffc1, true, 5 * sub - 63 },
		{ 5 * sub, 0xffffffc0, true, 6 * sub - 64 },
		{ 5 * sub + 62, 0xffffffff, true, 5 * sub - 1 },
		{ 5 * sub + 62, 0xfffffffe, true, 6 * sub - 2 },
		{ 5 * sub + 63, 0xffffffff, true, 6 * sub - 1 },
		{ 5 * sub + 10, 9, true, 5 * sub + 9 },
		/* the very end */
		{ UINT64_MAX, 0xffffffff, true, UINT64_MAX },
		{ UINT64_MAX, 0, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct box *b = make(64, 0);
		uint64_t seq = 0;
		bool good;

		atomic_store(&b->edge, rows[i].edge);
		good = replay_guess(&b->r, true, rows[i].low, &seq);
		cr_assert_eq(good, rows[i].good, "row %zu", i);
		if (good)
			cr_assert_eq(seq, rows[i].seq, "row %zu", i);
		cr_assert(replay_guess(&b->r, false, rows[i].low, &seq));
		cr_assert_eq(seq, rows[i].low);
		free(b);
	}
}

Test(replay, off)
{
	struct replay r = { .edge = &(_Atomic uint64_t){ 0 } };

	for (int i = 0; i < 3; i++)
		cr_assert_eq(replay_commit(&r, 5), REPLAY_OK);
}

/* Every number offered by every thread: accepted once in all. */
#define THREADS 2
#define NUMBERS 200000u

struct runner {
	struct box *b;
	uint8_t *accepted;
	unsigned skew;
};

static void *
offer(void *arg)
{
	struct runner *t = arg;

	for (uint64_t s = 1; s <= NUMBERS; s++) {
		/* a thread runs a little out of order, each in its own way */
		uint64_t seq = (s ^ t->skew) + 1;

		if (replay_check(&t->b->r, seq) == REPLAY_OK &&
		    replay_commit(&t->b->r, seq) == REPLAY_OK)
			t->accepted[seq]++;
	}
	return NULL;
}

Test(replay, two_threads_accept_once)
{
	for (unsigned round = 0; round < 4; round++) {
		struct box *b = make(round % 2 == 0 ? 64 : 32768, 0);
		struct runner t[THREADS];
		pthread_t id[THREADS];
		unsigned long n = 0;

		for (int i = 0; i < THREADS; i++) {
			t[i] = (struct runner){ b, calloc(NUMBERS + 64, 1),
						i == 0 ? 0 : 7 + round };
			pthread_create(&id[i], NULL, offer, &t[i]);
		}
		for (int i = 0; i < THREADS; i++)
			pthread_join(id[i], NULL);
		for (size_t s = 0; s < NUMBERS + 64; s++) {
			unsigned times = 0;

			for (int i = 0; i < THREADS; i++)
				times += t[i].accepted[s];
			cr_assert_leq(times, 1u, "number %zu", s);
			n += times;
		}
		/* none is lost but to the smaller window */
		if (b->r.window == 32768)
			cr_assert_geq(n, NUMBERS - 32768u);
		for (int i = 0; i < THREADS; i++)
			free(t[i].accepted);
		free(b);
	}
}
