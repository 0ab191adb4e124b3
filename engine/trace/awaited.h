/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * awaited: does anything come back for what left protected?
 *
 * One question for each association and peer at a time: a packet left, and
 * AWAITED_WAIT_MS later somebody looks when the last one came by the inbound
 * SA.  A peer that is silent is told of once, until it is heard again.  Pure:
 * no socket, no clock (milliseconds are a parameter).  One thread.  Bounded:
 * AWAITED_MAX questions, the oldest goes when there are more.
 */
#ifndef ENGINE_TRACE_AWAITED_H
#define ENGINE_TRACE_AWAITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"

#define AWAITED_MAX     32
#define AWAITED_WAIT_MS 1000
/* A packet's way is read a little later than it is gone, and its answer may
 * have been there before. */
#define AWAITED_SLACK_MS 300

struct awaited_sent {
	uint32_t said;
	struct ipaddr peer;
	uint8_t protocol;  /* ESP or AH; 0: in packets of the engine's own */
	uint32_t spi, seq; /* as it left */
	uint64_t left_ms;
};

struct awaited {
	struct awaited_one {
		struct awaited_sent sent;
		bool waits, told;
	} one[AWAITED_MAX];
	size_t n;
};

/* A packet left under an SA. */
void awaited_left(struct awaited *a, const struct awaited_sent *sent);
/* The next question whose time it is; false: none.  Each is given out once. */
bool awaited_due(struct awaited *a, uint64_t now_ms, struct awaited_sent *out);
/* What was found out about it: when a packet last came from there under the
 * same association (0: never).  True: it is silent, which was not told yet. */
bool awaited_silent(struct awaited *a, const struct awaited_sent *sent,
		    uint64_t heard_ms);
/* How long until a question is due; -1: there is none. */
int awaited_wait_ms(const struct awaited *a, uint64_t now_ms);

#endif
