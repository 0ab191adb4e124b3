/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/ctl/nfqueue.h"
#include "engine/main/leftovers.h"

/* A worker whose threads stand still for longer is replaced anyway. */
#define PATIENCE_MS 5000
#define STEP_MS     1
/* A worker comes round behind a batch of each queue at least, of which the
 * smallest has so many packets. */
#define READ_A_ROUND 16
/* Rounds that a queue of the usual length is read in. */
#define ROUNDS_MIN 256

struct queued {
	bool known; /* of all */
	uint32_t last[STORE_QUEUE_KINDS][STORE_WORKERS_MAX];
};

static void
look(const struct control *c, struct queued *q)
{
	struct nfqueue_row rows[NFQUEUE_ROWS_MAX];
	unsigned n = nfqueue_read(c->nfqueue_fd, rows, NFQUEUE_ROWS_MAX);

	q->known = true;
	for (unsigned k = 0; k < STORE_QUEUE_DECAP; k++)
		for (unsigned w = 0; w < c->workers; w++) {
			uint32_t number = (uint32_t)STORE_QUEUE_NUMBER(k, w);
			unsigned i = 0;

			while (i < n && rows[i].number != number)
				i++;
			if (i < n)
				q->last[k][w] = rows[i].last_id;
			else
				q->known = false;
		}
}

/* So many rounds read whatever was queued before, also where the kernel does
 * not say what that was, or gave a number to what it could not hand over. */
static unsigned
rounds_of(const struct control *c)
{
	unsigned n = c->store.head->queue_length / READ_A_ROUND + 1;

	return n > ROUNDS_MIN ? n : ROUNDS_MIN;
}

static bool
is_read(const struct control *c, const struct queued *q)
{
	for (unsigned k = 0; k < STORE_QUEUE_DECAP; k++)
		for (unsigned w = 0; w < c->workers; w++) {
			uint32_t id =
			    atomic_load(&c->store.head->queues[k][w].last_id);

			if ((int32_t)(q->last[k][w] - id) > 0)
				return false;
		}
	return q->known;
}

/* Each worker is told, and has obeyed when this returns 0. */
static int
order_all(struct control *c, const struct parking_order *order, uint64_t end_ms)
{
	uint32_t wanted[STORE_WORKERS_MAX];
	uint64_t one = 1;

	for (unsigned w = 0; w < c->workers; w++) {
		/* Nobody else orders meanwhile: full means that it stands. */
		if (!ring_put(&c->rings[w].orders, order))
			return -ETIMEDOUT;
		wanted[w] = ++c->rings[w].ordered;
		(void)!write(c->rings[w].order_fd, &one, sizeof(one));
	}
	for (unsigned w = 0; w < c->workers; w++)
		while ((int32_t)(wanted[w] - atomic_load(&c->rings[w].obeyed)) >
		       0) {
			if (clock_now_ms() > end_ms)
				return -ETIMEDOUT;
			(void)poll(NULL, 0, STEP_MS);
		}
	return 0;
}

int
leftovers_refuse(struct control *c, uint32_t said, const struct ipaddr *peer)
{
	struct parking_order order = { said, *peer };
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	struct queued queued = { .known = false };
	bool was_read = false;
	int err = 0;

	(void)poll(NULL, 0, NFQUEUE_SETTLE_MS);
	look(c, &queued);
	for (unsigned n = rounds_of(c); err == 0 && !was_read && n > 0; n--) {
		was_read = is_read(c, &queued);
		err = order_all(c, &order, end_ms);
	}
	return err;
}
