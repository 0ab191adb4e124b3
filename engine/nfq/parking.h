/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parking: what a worker does with packets that wait for keys.
 *
 * Owns a struct hold and the buffers to seal in; what it sends through is the
 * worker's, lent at parking_init.  One thread, the worker's.  A packet leaves
 * sealed, by verdict where its original still waits in the kernel and by
 * injection where it does not, or it is dropped under a name: never in clear,
 * never twice.  Never waits.
 *
 *   parking_take                  instead of a verdict, for PATH_PARK
 *   parking_release               in a batch, before its packets are judged:
 *                                 what waited goes first
 *   parking_run                   between batches: keys, deadlines, orders
 *
 * Of a flow whose packets wait longer than `park seconds`, or whose keys the
 * key daemon has given up, the sender is told: ICMP "administratively
 * prohibited".
 */
#ifndef ENGINE_NFQ_PARKING_H
#define ENGINE_NFQ_PARKING_H

#include "base/log.h"
#include "engine/nfq/devmtu.h"
#include "engine/nfq/inject.h"
#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/nfq/nlq_verdict.h"
#include "engine/path/path.h"

/* From control: there will be no keys for this pair now. */
struct parking_order {
	uint32_t said;
	struct ipaddr peer;
};

struct parking {
	struct hold *hold;
	struct path *path;
	struct inject *inject;
	struct devmtu *devmtu;
	struct nlq_sock *socks[STORE_QUEUE_KINDS];
	struct store_queue *stats[STORE_QUEUE_KINDS];
	int icmp_fd;
	struct log_limit icmp_limit;
	uint32_t table, policy;    /* generations of the last look */
	uint8_t *packet, *verdict; /* buffers, of one mapping */
	bool unwritten;            /* the last verdict */
	uint16_t next_id;          /* for packets that have none */
};

/* The path is initialised, the sockets are adopted.  0 or -errno. */
int parking_init(struct parking *k, struct path *path, struct inject *inject,
		 struct devmtu *devmtu, int icmp_fd);
void parking_lend(struct parking *k, enum store_queue_kind kind,
		  struct nlq_sock *sock, struct store_queue *stats);
void parking_fini(struct parking *k);
/* What an engine that died held is dropped and counted. */
void parking_restart(struct parking *k);

/* True: no verdict now.  False: drop the original, which was counted where it
 * is lost by that. */
bool parking_take(struct parking *k, enum store_queue_kind kind, uint32_t id,
		  const struct pkt *pkt, const struct path_result *r,
		  uint64_t now_ms);
/* Between path_begin and path_end. */
void parking_release(struct parking *k, uint64_t now_ms);
/* The kernel does not know the packet of a verdict.  True: it was one of
 * these, and is taken care of. */
bool parking_lost(struct parking *k, enum store_queue_kind kind, uint32_t id);
void parking_obey(struct parking *k, const struct parking_order *order,
		  uint64_t now_ms);
/* Outside of batches.  How long the worker may sleep, at most so long. */
int parking_run(struct parking *k, uint64_t now_ms, int at_most);

#endif
