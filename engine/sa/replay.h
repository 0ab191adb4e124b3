/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay: an inbound SA's anti-replay window, used by several threads.
 *
 * RFC 6479's ring of blocks that never shifts, with 64-bit numbers, and with
 * the block's lap kept in the word beside its bits, so that no block is ever
 * cleared ahead of use and one compare-and-swap decides:
 *
 *    63            32 31             0
 *   +----------------+----------------+
 *   | lap            | 32 packets     |   word (seq / 32) mod words
 *   +----------------+----------------+
 *
 * lap = seq / 32 / words, its low 32 bits.  A word of an older lap is empty;
 * a word of a newer lap means that the number lies left of the window.
 * The window lives in the store: wherever a process is killed, no number is
 * accepted twice; at worst an unseen one is refused.  No lock.
 *
 * replay_check before the ICV is verified, for a quick no; replay_commit
 * after it, which is the answer: of two copies of a packet on two threads
 * exactly one is accepted.
 */
#ifndef ENGINE_SA_REPLAY_H
#define ENGINE_SA_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/sa.h"

struct replay {
	_Atomic uint64_t *edge;  /* highest number accepted */
	_Atomic uint64_t *words; /* n_words, a power of two; NULL: off */
	uint32_t n_words;
	uint32_t window; /* accepted: edge - window + 1 and up */
};

enum replay_answer { REPLAY_OK, REPLAY_ZERO, REPLAY_OLD, REPLAY_SEEN };

struct replay replay_make(struct sa *sa, _Atomic uint64_t *words);
/* The 64-bit number for the low 32 bits on the wire (RFC 4303 A2.2); the
 * number itself without ESN or without a window.  False: it would lie before
 * 0 or past 2^64. */
bool replay_guess(const struct replay *r, bool esn, uint32_t low,
		  uint64_t *seq);
enum replay_answer replay_check(const struct replay *r, uint64_t seq);
enum replay_answer replay_commit(const struct replay *r, uint64_t seq);
/* Before the SA is live: everything up to edge counts as seen. */
void replay_restore(const struct replay *r, uint64_t edge);

#endif
