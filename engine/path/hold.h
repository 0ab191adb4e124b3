/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold: packets that wait for keys.
 *
 * Owns copies of them, in memory that is taken once, and a worker's row in the
 * store.  One thread, the worker's.  No socket, no clock: time is a parameter,
 * in milliseconds, and never runs backwards.  Never looks for an SA, gives no
 * verdict, counts no drop, allocates nothing after hold_new.
 *
 * Of the packets of one flow that wait the first stays in the kernel, without a
 * verdict, and is kept here as well: its acceptance confirms the connection in
 * conntrack, and should the kernel have lost it, the copy goes.  Those behind
 * it would clash with it there: they are copied, and their originals dropped.
 *
 * The order in which packets of a pair (association, peer) came is the order in
 * which they are given back.  What is bounded:
 *   packets of a pair     store's park_packets, over all workers; two pairs
 *                         whose hashes meet share one count
 *   of a worker           HOLD_PACKETS, HOLD_PAIRS, HOLD_CHUNKS of memory
 *   in the kernel         HOLD_FIRSTS, and a quarter of the queue's length
 */
#ifndef ENGINE_PATH_HOLD_H
#define ENGINE_PATH_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/path/pkt.h"
#include "engine/sa/store.h"

#define HOLD_PACKETS      1024
#define HOLD_PAIRS        STORE_PARK_PAIRS
#define HOLD_FIRSTS       STORE_PARK_FIRSTS
#define HOLD_CHUNKS       8192
#define HOLD_CHUNK_OCTETS 1024
/* Keys are asked for again that often. */
#define HOLD_ASK_MS 1000
/* How long the kernel may take to say that it has lost a packet; it says so
 * before a write of verdicts returns, but it has to be read. */
#define HOLD_TRUST_MS 1000

struct hold;

/* Who waits for whom, as the first packet said it. */
struct hold_pair {
	uint32_t said;
	uint64_t whose; /* that SAID's association, see path_is_moved */
	struct ipaddr local, peer;
	uint8_t protocol;      /* of that packet, */
	uint16_t sport, dport; /* and its ports, or 0 */
};

struct hold_packet {
	struct pkt pkt; /* octets: see hold_head */
	enum store_queue_kind kind;
	uint32_t id;    /* in that queue */
	bool in_kernel; /* the original waits for its verdict */
	uint64_t whose; /* as its pair's */
};

/* NULL: no memory. */
struct hold *hold_new(struct store *s, unsigned worker);
void hold_free(struct hold *h);
/* Octets that the largest packet needs. */
#define HOLD_PACKET_MAX 65536u

enum hold_taken {
	HOLD_FULL,   /* not taken */
	HOLD_KEPT,   /* no verdict now */
	HOLD_COPIED, /* the original may be dropped */
};
/* The packet is one that path_out would not seal yet (PATH_PARK). */
enum hold_taken hold_put(struct hold *h, const struct hold_pair *pair,
			 enum store_queue_kind kind, uint32_t id,
			 const struct pkt *pkt, uint64_t now_ms);

bool hold_is_empty(const struct hold *h);
/* The pairs that have packets, in no order: from 0 on; HOLD_PAIRS: no more.
 * A pair may lose its packets between two calls. */
unsigned hold_pair_from(const struct hold *h, unsigned at);
/* HOLD_PAIRS: none. */
unsigned hold_pair_find(const struct hold *h, uint32_t said,
			const struct ipaddr *peer);
const struct hold_pair *hold_pair_at(const struct hold *h, unsigned pair);

/* The packet that waited longest, its octets copied to buf, which holds
 * HOLD_PACKET_MAX; false: none. */
bool hold_head(const struct hold *h, unsigned pair, uint8_t *buf,
	       struct hold_packet *out);
/* Takes it off, the caller has its verdict.  `sent`: of a packet in the
 * kernel the copy is kept for a while, see hold_lost. */
void hold_pop(struct hold *h, unsigned pair, bool sent, uint64_t now_ms);
/* A pair whose first packet is over its time; HOLD_PAIRS: none. */
unsigned hold_late(const struct hold *h, uint64_t now_ms);
/* A pair for which keys are to be asked for again, which counts as done;
 * HOLD_PAIRS: none. */
unsigned hold_ask(struct hold *h, uint64_t now_ms);
/* Milliseconds until hold_late or hold_ask may say something, at most so
 * many. */
int hold_wait_ms(const struct hold *h, uint64_t now_ms, int at_most);

/* The kernel does not know the packet of a verdict.  True: it was one of
 * those that waited.  Where it was to be sent, hold_lost_head gives it. */
bool hold_lost(struct hold *h, enum store_queue_kind kind, uint32_t id);
/* A packet that the kernel lost, as hold_head; it is forgotten with it. */
bool hold_lost_head(struct hold *h, uint8_t *buf, struct hold_packet *out);

/* What an engine that died held: calls fn for each of its packets in the
 * kernel, returns how many copies are gone, and clears the row. */
uint32_t hold_sweep(struct store *s, unsigned worker,
		    void (*fn)(void *arg, enum store_queue_kind kind,
			       uint32_t id),
		    void *arg);

#endif
