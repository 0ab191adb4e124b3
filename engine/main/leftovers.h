/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leftovers: what ended connections had sent, and what is still on its way.
 *
 * It waits in the kernel's queues or for keys, under a SAID and for a peer
 * that somebody else is about to speak for, and must not leave by his keys.
 * The SAs of before are dead: workers park what they still read, and then are
 * ordered to refuse it.  When each has read what was queued at the beginning,
 * and after that has obeyed, there is nothing left.
 *
 * The control thread's, which waits meanwhile: for workers, that are busy with
 * a batch at most.
 */
#ifndef ENGINE_MAIN_LEFTOVERS_H
#define ENGINE_MAIN_LEFTOVERS_H

#include "engine/main/control.h"

/* 0, or -ETIMEDOUT: a worker does not come round; something may be left. */
int leftovers_refuse(struct control *c, uint32_t said,
		     const struct ipaddr *peer);

#endif
