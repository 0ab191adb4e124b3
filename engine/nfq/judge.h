/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge: a packet of a queue -> its verdict, among those of its batch.
 *
 * Owns all that a worker judges with: the path, the verdicts that wait, what
 * is sent beside the queues, the packets that wait for keys, a raw socket for
 * ICMP to local senders, a socket to ask for MTUs.  One worker's thread.  Each
 * packet gets one verdict, DROP unless the path said otherwise, or is parked;
 * verdicts leave with judge_flush, those of a queue on its own socket.
 */
#ifndef ENGINE_NFQ_JUDGE_H
#define ENGINE_NFQ_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "engine/nfq/devmtu.h"
#include "engine/nfq/merge.h"
#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/nfq/nlq_verdict.h"
#include "engine/nfq/parking.h"
#include "engine/nfq/trains.h"
#include "engine/path/path.h"

/* Octets that judge_init is lent. */
#define JUDGE_OCTETS (400u * 1024)

struct queue {
	struct nlq_sock sock;
	struct store_queue *stats;
	enum store_queue_kind kind;
	enum sa_direction direction;
	bool begun;       /* a packet was read since the start */
	uint32_t last_id; /* as the engine before left it */
};

struct judge {
	struct path path;
	struct devmtu devmtu;
	struct trains trains;
	struct parking parking;
	struct merge merge; /* of the decap queue's batch at work */
	bool in_bulk;       /* segments were merged; the worker resets it */
	int icmp_fd;
	struct log_limit icmp_limit, log_limit;
	struct nlq_verdict verdicts;
	bool has_accepts; /* among them: what they let out */
	uint8_t *opened_buf;
};

struct judge_config {
	struct store *store;
	struct sad *sad;
	unsigned index; /* of the worker */
	path_notify *notify;
	void *notify_arg;
	const _Atomic bool *packets_wanted;
};

/* j is zeros.  0 or -errno; then judge_fini all the same. */
int judge_init(struct judge *j, const struct judge_config *c, uint8_t *buf);
void judge_fini(struct judge *j);
/* Between path_begin and path_end, in the order of the queue. */
void judge_packet(struct judge *j, const struct queue *q, struct nlq_msg *m,
		  uint64_t now_ms);
/* What the kernel says to a verdict. */
void judge_error(struct judge *j, const struct queue *q,
		 const struct nlq_msg *m, uint64_t now_ms);
/* Everything that waits is sent: at the end of a batch. */
void judge_flush(struct judge *j, const struct queue *q);

#endif
