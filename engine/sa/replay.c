/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/replay.h"

struct place {
	_Atomic uint64_t *word;
	uint32_t lap, bit;
};

static struct place
place_of(const struct replay *r, uint64_t seq)
{
	uint64_t block = seq / SA_REPLAY_BLOCK;

	return (struct place){
		.word = &r->words[block & (r->n_words - 1)],
		.lap = (uint32_t)(block / r->n_words),
		.bit = 1u << (seq % SA_REPLAY_BLOCK),
	};
}

static uint64_t
word_make(uint32_t lap, uint32_t bits)
{
	return (uint64_t)lap << 32 | bits;
}

/* Laps are compared modulo 2^32.  To be misread a word of the smallest ring
 * would have to stay unused over 2^31 laps, 2^37 packets. */
static bool
lap_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

struct replay
replay_make(struct sa *sa, _Atomic uint64_t *words)
{
	return (struct replay){
		.edge = &sa->replay_edge,
		.words = sa->replay_window == 0 ? NULL : words,
		.n_words = sa->replay_words,
		.window = sa->replay_window,
	};
}

bool
replay_guess(const struct replay *r, bool esn, uint32_t low, uint64_t *seq)
{
	uint64_t edge;
	uint32_t top, high, bottom;

	if (!esn || r->window == 0) {
		*seq = low;
		return true;
	}
	edge = atomic_load_explicit(r->edge, memory_order_relaxed);
	top = (uint32_t)edge;
	high = (uint32_t)(edge >> 32);
	bottom = top - r->window + 1; /* modulo 2^32 */
	if (top >= r->window - 1) {
		/* A: the window lies within one subspace of 2^32 */
		if (low < bottom) {
			if (high == UINT32_MAX)
				return false;
			high++;
		}
	} else if (low >= bottom) {
		/* B: its left part lies in the subspace before */
		if (high == 0)
			return false;
		high--;
	}
	*seq = (uint64_t)high << 32 | low;
	return true;
}

static bool
left_of_window(const struct replay *r, uint64_t seq)
{
	uint64_t edge = atomic_load_explicit(r->edge, memory_order_acquire);

	return seq <= edge && edge - seq >= r->window;
}

/* What can be said without the bits. */
static enum replay_answer
judge_number(const struct replay *r, uint64_t seq)
{
	if (seq == 0)
		return REPLAY_ZERO;
	return left_of_window(r, seq) ? REPLAY_OLD : REPLAY_OK;
}

enum replay_answer
replay_check(const struct replay *r, uint64_t seq)
{
	enum replay_answer answer;
	struct place at;
	uint64_t word;

	if (r->words == NULL)
		return REPLAY_OK;
	answer = judge_number(r, seq);
	if (answer != REPLAY_OK)
		return answer;
	at = place_of(r, seq);
	word = atomic_load_explicit(at.word, memory_order_relaxed);
	if (lap_newer((uint32_t)(word >> 32), at.lap))
		return REPLAY_OLD;
	if ((uint32_t)(word >> 32) == at.lap && (word & at.bit) != 0)
		return REPLAY_SEEN;
	return REPLAY_OK;
}

enum replay_answer
replay_commit(const struct replay *r, uint64_t seq)
{
	enum replay_answer answer;
	uint64_t word, marked, edge;
	struct place at;

	if (r->words == NULL)
		return REPLAY_OK;
	answer = judge_number(r, seq);
	if (answer != REPLAY_OK)
		return answer;
	at = place_of(r, seq);
	word = atomic_load_explicit(at.word, memory_order_relaxed);
	do {
		uint32_t lap = (uint32_t)(word >> 32);

		if (lap_newer(lap, at.lap))
			return REPLAY_OLD;
		if (lap != at.lap)
			marked = word_make(at.lap, at.bit);
		else if ((word & at.bit) != 0)
			return REPLAY_SEEN;
		else
			marked = word | at.bit;
	} while (!atomic_compare_exchange_weak_explicit(at.word, &word, marked,
							memory_order_acq_rel,
							memory_order_relaxed));
	edge = atomic_load_explicit(r->edge, memory_order_relaxed);
	while (edge < seq && !atomic_compare_exchange_weak_explicit(
				 r->edge, &edge, seq, memory_order_acq_rel,
				 memory_order_relaxed))
		;
	return REPLAY_OK;
}

void
replay_restore(const struct replay *r, uint64_t edge)
{
	uint64_t last = edge / SA_REPLAY_BLOCK;
	uint64_t first = last + 1 >= r->n_words ? last + 1 - r->n_words : 0;

	for (uint64_t b = first; r->words != NULL && b <= last; b++) {
		uint32_t bits = UINT32_MAX;

		if (b == last && edge % SA_REPLAY_BLOCK != SA_REPLAY_BLOCK - 1)
			bits = (1u << (edge % SA_REPLAY_BLOCK + 1)) - 1;
		atomic_store_explicit(
		    &r->words[b & (r->n_words - 1)],
		    word_make((uint32_t)(b / r->n_words), bits),
		    memory_order_relaxed);
	}
	atomic_store_explicit(r->edge, edge, memory_order_release);
}
