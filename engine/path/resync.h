/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resync: finds an ESN sender again that went on for 2^32 packets unheard.
 *
 * RFC 4303 A3, RFC 4302 B3.  The state is a count in the SA's slot; any
 * thread.  Each RESYNC_EVERY-th packet in a row that fails its ICV is tried
 * with the next RESYNC_TRIES values of the high half as well: whoever forges
 * packets costs at most RESYNC_TRIES / RESYNC_EVERY more than he did before.
 */
#ifndef ENGINE_PATH_RESYNC_H
#define ENGINE_PATH_RESYNC_H

#include <stdbool.h>

#include "engine/sa/sa.h"

#define RESYNC_EVERY 64u
#define RESYNC_TRIES 8u

/* Counts a failure.  True: this packet is to be tried with other numbers. */
bool resync_due(struct sa *sa);
/* A packet was genuine. */
void resync_reset(struct sa *sa);
/* The number to try after seq.  False: the counter ends before. */
bool resync_next(uint64_t *seq);

#endif
