/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grace: when is it safe to free what readers without locks may still hold?
 *
 * A reader (a worker, by its number) enters before it loads shared pointers
 * and leaves when it holds none: one batch of packets.  A writer unlinks the
 * old thing first, then takes a ticket with grace_retire; once grace_passed
 * says so, every reader that could have seen the old thing has left.
 * Readers never wait.  Any number of writers.  Never frees anything itself.
 */
#ifndef BASE_GRACE_H
#define BASE_GRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GRACE_READERS_MAX 16

struct grace {
	_Atomic uint64_t epoch;
	struct {
		_Alignas(64) _Atomic uint64_t seen; /* 0: outside */
	} readers[GRACE_READERS_MAX];
};

void grace_init(struct grace *g);
void grace_enter(struct grace *g, unsigned reader);
void grace_leave(struct grace *g, unsigned reader);
/* After the old thing can no longer be found. */
uint64_t grace_retire(struct grace *g);
bool grace_passed(struct grace *g, uint64_t ticket);

#endif
