/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: all that must outlive the engine, in one memfd.
 *
 * Made and held by the supervisor, mapped by supervisor and engine.  Slots of
 * SAs, associations, queues and counters; the truth, from which each engine
 * builds its private look-up tables.  Who may write:
 *   assocs       supervisor alone (between two bumps of `policy_generation`)
 *   SA slots     whoever claimed the slot (compare-and-swap FREE -> BUSY)
 *   queues, drops  the worker that owns the row; anybody reads
 *   fences       raised by the supervisor, taken away by that worker
 * No lock outlives a process: claims of a dead engine are swept by
 * store_sweep before the next one starts.
 */
#ifndef ENGINE_SA_STORE_H
#define ENGINE_SA_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/sa/sa.h"

#define STORE_MAGIC        0x6e666970u /* "nfip" */
#define STORE_LAYOUT       11u         /* +1 whenever a struct here changes */
#define STORE_WORKERS_MAX  16
#define STORE_REASONS_MAX  96
#define STORE_ASSOCS_MAX   1024
#define STORE_TOKEN_OCTETS 16
/* Packets that wait for keys, see engine/path/hold.h. */
#define STORE_PARK_PAIRS  256  /* of a worker */
#define STORE_PARK_FIRSTS 256  /* of a worker, in the kernel */
#define STORE_PARK_PLACES 4096 /* a power of two */
#define STORE_TEXT_MAX    256
#define STORE_LOCAL_FLOWS 4096
#define STORE_BIND_MAX    16 /* users, and groups, of an association */
#define STORE_WHO_OCTETS  16
/* What replay areas are handed out in: 1024 packets less one block. */
#define STORE_UNIT_WORDS 32u

/* How packets are diverted; written by the supervisor. */
enum store_divert { STORE_DIVERT_NONE, STORE_DIVERT_NFT, STORE_DIVERT_XT };

enum store_queue_kind {
	STORE_QUEUE_SEAL_TCP = 0, /* outbound TCP */
	STORE_QUEUE_SEAL = 1,     /* outbound, everything else */
	STORE_QUEUE_DECAP = 2,    /* inbound AH, ESP and ICMP about them */
	STORE_QUEUE_KINDS = 3
};

/* Queue number of a worker's queue of a kind.  4303 is ESP's own RFC. */
#define STORE_QUEUE_BASE 4303
#define STORE_QUEUE_NUMBER(kind, worker)                                       \
	(STORE_QUEUE_BASE + (kind)*STORE_WORKERS_MAX + (worker))

struct store_queue {
	_Atomic uint32_t last_id; /* last packet id read, see nfq */
	_Atomic uint64_t received;
	_Atomic uint64_t verdicts;
	_Atomic uint64_t passed;   /* accepted as they were */
	_Atomic uint64_t injected; /* packets sent beside the queue */
	_Atomic uint64_t merged;   /* packets that became part of another */
	_Atomic uint64_t errors;   /* netlink errors to our verdicts */
	_Atomic uint64_t heard_ms; /* when the worker last came round */
};

#define STORE_FENCE (1ull << 63)

enum store_assoc_flag {
	/* Its keys come over the control socket. */
	STORE_ASSOC_NEGOTIATED = 1u << 0,
	/* Its SAID was not its own when what is before a fence was queued. */
	STORE_ASSOC_GIVEN_ON = 1u << 1,
};

/* What the engine has to know of an association; names for the CLI. */
struct store_assoc {
	char name[SA_NAME_MAX];
	uint32_t said;
	uint8_t mode, enc, auth, ah_auth, keying, esn;
	uint8_t flags; /* enum store_assoc_flag */
	uint8_t reserved;
	uint32_t replay_window;
	struct ipaddr local, peer; /* prefixes or any */
	struct sa_limits limits;
	char instance_of[SA_NAME_MAX];    /* "": configured */
	char principal[SA_PRINCIPAL_MAX]; /* whose instance it is */
	uint32_t has_in_flows;            /* a packet under it must match one */
	uint32_t tfc_pad, dummy_rate;     /* as in struct sa */
	/* Who may bind sockets to it, beside root. */
	uint32_t n_bind_uids, n_bind_gids;
	uint32_t bind_uids[STORE_BIND_MAX], bind_gids[STORE_BIND_MAX];
};

/* Who spoke last for an address under a SAID, see peers.h. */
struct store_peer {
	_Atomic uint32_t used;
	uint32_t said;
	struct ipaddr peer;
	uint8_t who[STORE_WHO_OCTETS];
};

/* Prints of keys, see usedkeys.h: a set. */
#define STORE_USED_KEYS 63u
struct store_used {
	_Atomic uint64_t n; /* ever learnt; the oldest gives its place */
	_Atomic uint64_t prints[STORE_USED_KEYS];
};

/* What an association's SAs had counted that are gone, see totals.h. */
#define STORE_TOTALS 4096
struct store_total {
	_Atomic uint32_t state;
	char name[SA_NAME_MAX];
	_Atomic uint64_t packets[2], octets[2]; /* enum sa_direction */
};

/* What waits at one worker. */
struct store_parked {
	_Atomic uint32_t packets; /* in all */
	_Atomic uint32_t copies;  /* in its memory alone */
	struct {
		_Atomic uint32_t said, packets;
	} pairs[STORE_PARK_PAIRS];
	/* Ids in the kernel: 1 << 63 | queue kind << 32 | id; 0: none. */
	_Atomic uint64_t firsts[STORE_PARK_FIRSTS];
};

struct store_drops {
	_Atomic uint64_t packets[2][STORE_REASONS_MAX]; /* enum sa_direction */
};

struct store_head {
	uint32_t magic, layout;
	uint64_t size; /* octets of the whole mapping */
	uint32_t max_sa, workers;
	/* The supervisor's alone: a successor compares them. */
	uint32_t queue_length, keying_uid;
	uint64_t sa_offset, replay_offset, peer_offset, used_offset;
	uint32_t used_sets;
	uint64_t replay_words; /* of the whole replay area */
	uint32_t said_mask, done_mark, probe_mark; /* of marks */
	uint32_t said_first, said_last;
	uint32_t unknown_spi_drop; /* 1: drop, 0: left to the kernel */
	uint32_t park_packets, park_secs;
	/* Start-up's proof that the rules bite (engine/path/path.h): the
	 * prover's ESP of SPI 1-255 carries this behind its sequence number;
	 * workers count what reached them, by queue kind. */
	uint8_t probe_token[STORE_TOKEN_OCTETS];
	_Atomic uint64_t probe_seen[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
	_Atomic uint32_t policy_generation; /* odd while assocs change */
	_Atomic uint32_t sa_generation;     /* +1: a slot came or went */
	_Atomic uint64_t engine_starts;
	uint64_t supervisor_started_wall;
	_Atomic uint64_t engine_started_wall;
	_Atomic uint32_t ready;         /* rules in place and proven */
	uint32_t divert;                /* enum store_divert */
	char not_ready[STORE_TEXT_MAX]; /* why not, while ready is 0 */
	/* When an unconfirmed reload goes back; 0: none. */
	_Atomic uint64_t goes_back_wall;
	/* Allocation, see store.c. */
	uint64_t unit_offset;
	uint32_t units;
	_Atomic uint32_t slot_high, slot_hint, unit_hint;
	_Atomic uint32_t n_assocs;
	struct store_assoc assocs[STORE_ASSOCS_MAX];
	_Atomic uint64_t local_flows[STORE_LOCAL_FLOWS]; /* path/locals.h */
	struct store_queue queues[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
	/* STORE_FENCE | the last packet id that was queued when SAIDs were
	 * given on; 0: no such packet is unread.  The supervisor raises one,
	 * its worker takes it away. */
	_Atomic uint64_t fences[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
	struct store_drops drops[STORE_WORKERS_MAX + 1]; /* last: control */
	struct store_parked parked[STORE_WORKERS_MAX];
	/* Slots that are being released, and were. */
	_Atomic uint32_t totals_begun, totals_done;
	struct store_total totals[STORE_TOTALS];
	/* Of all workers together, by a hash of SAID and peer. */
	_Atomic uint32_t park_places[STORE_PARK_PLACES];
};

struct store {
	struct store_head *head;
	int fd;
};

/* A new memfd (sealed against resizing, left out of core dumps, locked when
 * the limit allows).  0 or -errno. */
int store_create(struct store *s, uint32_t max_sa, uint32_t workers);
/* Maps an inherited one; -EPROTO when magic, layout or size do not fit. */
int store_map(struct store *s, int fd);
void store_unmap(struct store *s);

/* NULL for a slot outside the store. */
struct sa *store_sa(const struct store *s, uint32_t slot);
/* One of max_sa; see peers.h. */
struct store_peer *store_peer(const struct store *s, uint32_t i);
/* One of used_sets; see usedkeys.h. */
struct store_used *store_used(const struct store *s, uint32_t i);
/* No slot at or above this number has ever been claimed: where walks end. */
uint32_t store_slots(const struct store *s);
/* Claims a free slot (state BUSY, fields zero, generation raised, a replay
 * area for `window` packets).  0 with *slot, -ENOSPC. */
int store_claim(struct store *s, uint32_t window, uint32_t *slot);
/* BUSY -> LIVE, after everything else was written; bumps sa_generation. */
void store_publish(struct store *s, uint32_t slot);
/* LIVE -> DEAD; bumps sa_generation.  False if somebody was quicker. */
bool store_kill(struct store *s, uint32_t slot);
/* The same of an outbound SA that has a successor: a worker that has not seen
 * that one yet may still seal with this one, see sad.h. */
bool store_replace(struct store *s, uint32_t slot);
/* DEAD or BUSY -> FREE, wiped.  Only when no worker can hold the slot. */
void store_release(struct store *s, uint32_t slot);
/* Before a new engine starts: releases what a dead one left BUSY or DEAD and
 * resets locks.  Returns how many slots. */
unsigned store_sweep(struct store *s);
/* The words of its replay window; NULL when it has none. */
_Atomic uint64_t *store_replay(const struct store *s, const struct sa *sa);

/* SAID and mark: the SAID's lowest bit is the mask's lowest. */
uint32_t store_said_of(const struct store_head *h, uint32_t mark);
uint32_t store_mark_of(const struct store_head *h, uint32_t said);

/* The supervisor changes associations between these two; a reader that saw an
 * odd generation, or another one afterwards, reads again.  What a supervisor
 * began that died is whole when its successor has begun and ended. */
void store_policy_begin(struct store *s);
void store_policy_end(struct store *s);
bool store_policy_is_whole(const struct store *s);

#endif
