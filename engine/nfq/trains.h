/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trains: what becomes of TCP that the kernel has not cut into segments yet.
 *
 * Owns the socket and the place from which a worker sends beside its queues;
 * one worker's thread.  A train goes through path_out_train into that place,
 * and from there to the wire; the caller drops the train itself, after
 * trains_flush: its sender gets room for more when it is gone, so what came of
 * it should be on its way by then.
 */
#ifndef ENGINE_NFQ_TRAINS_H
#define ENGINE_NFQ_TRAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/nfq/devmtu.h"
#include "engine/nfq/inject.h"
#include "engine/path/path.h"

#define TRAINS_OCTETS (192 * 1024)

struct trains {
	struct inject inject;
	struct path *path;
	struct devmtu *devmtu;
	struct log_limit log_limit;
	uint8_t *buf;   /* TRAINS_OCTETS, the caller's */
	size_t len;     /* of them wait to be sent */
	uint32_t out;   /* the device of the train at work */
	uint64_t count; /* segments that were added */
};

/* buf: TRAINS_OCTETS.  0 or -errno. */
int trains_init(struct trains *t, struct path *path, struct devmtu *devmtu,
		uint8_t *buf);
void trains_fini(struct trains *t);
/* Cuts, seals and adds; returns how many segments.  r: of path_out_train; a
 * PARK has not been touched. */
unsigned trains_add(struct trains *t, enum store_queue_kind kind,
		    struct pkt *pkt, uint64_t now_ms, struct path_result *r);
static inline bool
trains_wait(const struct trains *t)
{
	return t->inject.n != 0;
}
/* Sends what waits; what the kernel refuses is counted (reason inject). */
void trains_flush(struct trains *t);

#endif
