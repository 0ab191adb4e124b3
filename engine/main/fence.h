/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fence: which packets were queued before SAIDs were given on.
 *
 * A packet waits in the kernel's queue with its SAID as mark while a worker is
 * busy, or there is no engine.  When that SAID becomes another association's
 * meanwhile, the packet must not leave by that one's keys.  The kernel numbers
 * what it queues: here the last number of each seal queue goes into the store,
 * behind the new rules and before the new SAs, and workers drop what has not
 * more than that and a SAID that was given on (STORE_ASSOC_GIVEN_ON).
 *
 * The supervisor's thread.
 */
#ifndef ENGINE_MAIN_FENCE_H
#define ENGINE_MAIN_FENCE_H

#include "engine/sa/store.h"

void fence_raise(struct store *s);

#endif
