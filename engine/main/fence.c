/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "engine/ctl/nfqueue.h"
#include "engine/main/fence.h"

/* 0: the kernel says nothing of that queue. */
static uint64_t
last_queued(const struct nfqueue_row *rows, unsigned n, uint32_t number)
{
	for (unsigned i = 0; i < n; i++)
		if (rows[i].number == number)
			return STORE_FENCE | rows[i].last_id;
	return 0;
}

/* No more than a queue's length wait behind what was read of it. */
static uint64_t
last_possible(const struct store_head *h, unsigned kind, unsigned worker)
{
	return STORE_FENCE |
	       (uint32_t)(atomic_load(&h->queues[kind][worker].last_id) +
			  h->queue_length);
}

void
fence_raise(struct store *s)
{
	struct nfqueue_row rows[NFQUEUE_ROWS_MAX];
	struct store_head *h = s->head;
	int fd = open(NFQUEUE_PROC, O_RDONLY | O_CLOEXEC);
	unsigned n;

	(void)poll(NULL, 0, NFQUEUE_SETTLE_MS);
	n = nfqueue_read(fd, rows, NFQUEUE_ROWS_MAX);
	if (fd >= 0)
		close(fd);
	for (unsigned k = 0; k < STORE_QUEUE_DECAP; k++)
		for (unsigned w = 0; w < h->workers; w++) {
			uint64_t last = last_queued(
			    rows, n, (uint32_t)STORE_QUEUE_NUMBER(k, w));

			if (last == 0)
				last = last_possible(h, k, w);
			atomic_store(&h->fences[k][w], last);
		}
}
