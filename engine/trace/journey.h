/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journey: one packet's way through the rules and the engine.
 *
 * Puts together what comes in pieces: the steps of nft's trace, whose ids are
 * used again and change when the engine replaces a packet, and what the engine
 * says about packets that it dropped.  Pure: no socket, no clock (time is a
 * parameter, milliseconds).  One thread.  Bounded: JOURNEY_MAX packets at a
 * time, JOURNEY_STEPS of each; the oldest goes when there are more.
 */
#ifndef ENGINE_TRACE_JOURNEY_H
#define ENGINE_TRACE_JOURNEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/trace/traceread.h"

#define JOURNEY_MAX   64
#define JOURNEY_STEPS 96
#define JOURNEY_SILENT_MS                                                      \
	1000                   /* then nothing more is expected of a packet,   \
				*/
#define JOURNEY_QUEUED_MS 3000 /* of one that waits in a queue later */
#define JOURNEY_PARKED_MS                                                      \
	3610000 /* of one that waits in ours: `park seconds` and some */

enum journey_end {
	JOURNEY_UNDERWAY,
	JOURNEY_DROPPED,   /* by the last step's rule or policy */
	JOURNEY_ENGINE,    /* dropped by the engine: `drop` says why */
	JOURNEY_SENT,      /* by the engine, sealed, as packets of its own */
	JOURNEY_LEFT,      /* behind the last hook of postrouting */
	JOURNEY_DELIVERED, /* behind the last hook of input */
	JOURNEY_QUEUED,    /* went into a queue, nothing since; one that is in
			    * nfipsec's (waits) is given out again at its end */
	JOURNEY_UNSEEN,    /* no more news: not dropped by nftables */
};

/* What the engine says (the event `packet` of the control protocol). */
struct journey_drop {
	bool outbound, sent; /* sent: no drop at all */
	struct sighting packet;
	char reason[64], sentence[256];
};

struct journey {
	enum journey_end end;
	uint32_t id;
	uint64_t began_ms, heard_ms;
	bool outbound, forwarded, queued, ours; /* ours: nfipsec's queue */
	bool waits;    /* was given out as QUEUED, and not at its end yet */
	uint64_t waited_ms; /* then: how long it did */
	bool replaced; /* went on behind nfipsec's queue */
	bool opened;   /* and it was ESP or AH: inner is what was inside */
	struct sighting inner;
	uint32_t iif, oif;
	struct sighting first, last;
	struct journey_drop drop;
	size_t n, untold; /* steps, and those that did not fit */
	struct traceread_step steps[JOURNEY_STEPS];
};

struct journeys;
/* `table` is the tracing table's name.  NULL: no memory. */
struct journeys *journey_new(const char *table);
void journey_free(struct journeys *js);
/* A step of anybody's trace. */
void journey_step(struct journeys *js, const struct traceread_step *s,
		  uint64_t now_ms);
/* The engine dropped a packet.  False: none of those that are traced. */
bool journey_dropped(struct journeys *js, const struct journey_drop *d,
		     uint64_t now_ms);
/* One whose end is known, the one that ended first; NULL: none.  Valid until
 * the next call of anything here. */
const struct journey *journey_next(struct journeys *js, uint64_t now_ms);
/* How long until silence ends one; -1: none is under way. */
int journey_wait_ms(const struct journeys *js, uint64_t now_ms);

#endif
