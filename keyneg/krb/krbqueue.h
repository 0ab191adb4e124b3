/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbqueue: who is next to have a thread for asking a KDC.
 *
 * A lane for each pair of realms, ours and the peer's: the KDCs that a ticket
 * needs are those of its lane.  A lane has some threads at most, so that a
 * realm whose KDC is silent does not take them all; and one that has none gets
 * one, even where the common ones are in use.
 *
 * Owns the requests until they are done, a bounded number.  No thread, no lock,
 * no clock: the caller has them.
 */
#ifndef KEYNEG_KRB_KRBQUEUE_H
#define KEYNEG_KRB_KRBQUEUE_H

#include <stddef.h>

#include "keyneg/core/krbreq.h"

enum {
	KRBQUEUE_LANE = 8,    /* threads of one lane */
	KRBQUEUE_COMMON = 16, /* of all, but for those that have none */
	KRBQUEUE_MOST = 64,   /* of all */
	KRBQUEUE_WAITING = 1024,
};

struct krbqueue_lane;

struct krbqueue_job {
	struct krbqueue_job *next;
	struct krbqueue_lane *lane;
	struct krbreq r;
};

struct krbqueue {
	struct krbqueue_lane *first, **last; /* served longest ago in front */
	unsigned running, waiting;
};

void krbqueue_init(struct krbqueue *q);
/* Takes a copy of a request of type KRBREQ_MAKE.  0, -ENOBUFS, -ENOMEM. */
int krbqueue_put(struct krbqueue *q, const struct krbreq *r);
/* The next that may have a thread; it counts as running until it is done.
 * NULL: none may. */
struct krbqueue_job *krbqueue_take(struct krbqueue *q);
void krbqueue_done(struct krbqueue *q, struct krbqueue_job *j);
/* So many could be taken now. */
unsigned krbqueue_ready(const struct krbqueue *q);

#endif
