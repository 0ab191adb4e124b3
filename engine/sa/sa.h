/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sa: one Security Association, one direction, as it lies in shared memory.
 *
 * A struct sa lives in a slot of the store (store.h) and in no other place;
 * supervisor, control thread and workers map the same one.  Plain fields are
 * written only while the state is BUSY, by whoever claimed the slot; after
 * that they are constant until the slot is free again.  What changes while it
 * lives is atomic.  Fixed layout, no pointers: a new engine of another build
 * with the same STORE_LAYOUT goes on with it.
 */
#ifndef ENGINE_SA_SA_H
#define ENGINE_SA_SA_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"

/* FREE -> BUSY (claimed, being filled) -> LIVE -> DEAD (no packet may use it;
 * the slot is wiped once no worker can hold it) -> FREE. */
enum sa_state { SA_FREE = 0, SA_BUSY = 1, SA_LIVE = 2, SA_DEAD = 3 };

enum sa_direction { SA_IN = 0, SA_OUT = 1 };
enum sa_protocol { SA_ESP = 50, SA_AH = 51 };
enum sa_mode { SA_TRANSPORT = 1, SA_TUNNEL = 2 };

enum sa_flag {
	SA_FLAG_ESN = 1u << 0,
	SA_FLAG_MANUAL = 1u << 1,   /* keys from the configuration */
	SA_FLAG_ENCAP_UDP = 1u << 2,
	SA_FLAG_SOFT_TOLD = 1u << 3,
	SA_FLAG_BUNDLE = 1u << 4,   /* AH around ESP: never one alone */
	SA_FLAG_REPLACED = 1u << 5, /* dead, for another is there */
};

#define SA_REPLAY_MAX 32768             /* packets */
#define SA_REPLAY_BLOCK 32              /* packets of one word, see replay.h */
#define SA_TFC_PAD_MTU UINT32_MAX
#define SA_NAME_MAX 64                  /* association name with its 0 */
#define SA_PRINCIPAL_MAX 256

/* Octets, packets, seconds; 0 is "no limit". */
struct sa_limits {
	uint64_t soft_secs, soft_octets, soft_packets;
	uint64_t hard_secs, hard_octets, hard_packets;
};

struct sa {
	_Atomic uint32_t state;         /* enum sa_state */
	_Atomic uint32_t generation;    /* +1 whenever the slot is claimed */

	uint32_t spi;                   /* host order */
	uint32_t said;
	uint8_t direction, protocol, mode;
	uint8_t enc, auth;              /* enum algo */
	uint8_t key_octets, auth_key_octets;
	uint8_t reserved;
	uint32_t flags;                 /* enum sa_flag, as installed */
	uint32_t replay_window;         /* packets; 0: off */
	uint32_t replay_offset;         /* words from the store's start */
	uint32_t replay_words;          /* power of two, > window / 32 */
	uint16_t sport, dport;          /* encap udp, host order */
	struct ipaddr local, peer;      /* host addresses */
	uint8_t key[ALGO_KEYMAT_MAX];
	uint8_t auth_key[ALGO_KEYMAT_MAX];
	uint32_t tfc_pad;    /* packets inside are padded up to so many octets,
	                        SA_TFC_PAD_MTU: to what fits; 0: not */
	uint32_t dummy_rate; /* outbound: dummy packets a second */
	struct sa_limits limits;
	uint64_t installed_ms;          /* clock_now_ms at installation */
	uint64_t iv_start;              /* put above seq in the IV, see below */
	uint64_t seq_base;              /* seq_next at installation */
	char association[SA_NAME_MAX];
	char principal[SA_PRINCIPAL_MAX]; /* the peer's, or "" */

	/* Outbound.  A sender takes numbers with fetch_add and then drops the
	 * packet (reason seq_exhausted) if what it got is >= seq_limit: the
	 * end of the counter, or for manual keys the end of the block that
	 * has been made durable on disk.  First number sent is 1. */
	_Alignas(64) _Atomic uint64_t seq_next;
	_Atomic uint64_t seq_limit;
	_Atomic uint32_t peer_mss;      /* of the last SYN opened; 0: none */
	_Atomic uint32_t path_mtu;      /* a router's word, see pmtu.h; 0: none */
	_Atomic uint64_t path_mtu_ms;   /* when it was learnt */
	_Atomic uint64_t told_ms;       /* last "fragmentation needed" to a local
	                                   sender, see pmtu.h; 0: never */

	/* Inbound: the right edge, the highest number accepted. */
	_Alignas(64) _Atomic uint64_t replay_edge;
	_Atomic uint32_t icv_failures; /* in a row, see path/resync.h */

	_Alignas(64) _Atomic uint64_t packets, octets;
	_Atomic uint64_t replays, bad_icv;
	_Atomic uint64_t last_used_ms;
	_Atomic uint32_t flags_live;    /* SA_FLAG_SOFT_TOLD, _REPLACED */
};

/* The 64-bit counter under the IV.  Manual keys: the start counter (how often
 * this key has been started, durable before the first packet) in the high 20
 * bits, packets since that start in the low 44: unique even if the sequence
 * number's reservation was lost with the disk.  Automatic keys: iv_start is 0
 * and the counter is the sequence number. */
#define SA_IV_LOW_BITS 44

#endif
