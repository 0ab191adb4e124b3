/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seq: hands out an outbound SA's sequence numbers, each once.
 *
 * The counter is in the store and only grows; any thread.  Never hands out a
 * number at or above seq_limit, and so never a number that a later engine
 * could hand out again.
 */
#ifndef ENGINE_SA_SEQ_H
#define ENGINE_SA_SEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/sa/sa.h"

/* n numbers in a row, the first in *first.  False: not enough are left. */
bool seq_take(struct sa *sa, uint32_t n, uint64_t *first);
/* The counter under the IV for a number taken (sa.h).  False: a manual key's
 * 2^44 packets since its start are used up. */
bool seq_iv_counter(const struct sa *sa, uint64_t seq, uint64_t *counter);

#endif
