/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/nfq/dummy.h"
#include "engine/nfq/judge.h"
#include "engine/nfq/worker.h"

enum {
	ROUNDS = 16, /* of batches, until the clock is read again */
	/* More than any engine reads at once. */
	RESTART_IDS = 256,
	BATCH = 64, /* packets of one recvmmsg */
	/* The longest packet with its attributes.  Not a power of two, so
	 * that the packets of a batch do not share one set of the cache. */
	BUFFER_OCTETS = 65536 + 4096 + 320,
	/* Trains of segments are read so many at a time: what they take
	 * stays in the cache. */
	TRAINS = 8,
	ROUND_MS = 1000, /* heard_ms moves that often */
	GATHER_NS = 50 * 1000,
};
struct worker {
	struct worker_config config;
	struct queue queues[STORE_QUEUE_KINDS];
	struct judge judge;
	struct dummy dummy; /* the first worker's alone */
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_nl from[BATCH];
	struct nlq_msg parsed[BATCH];
	uint8_t *buffers; /* one mapping */
};

#define BUFFERS_OCTETS ((size_t)BATCH * BUFFER_OCTETS)
#define MAPPING_OCTETS (BUFFERS_OCTETS + JUDGE_OCTETS)

/* n ids up to `last` that a dead engine may have read and not judged: of those
 * that wait, and only of those, the kernel says that it dropped them. */
static void
drop_unjudged(struct worker *w, struct queue *q, uint32_t last, uint32_t n)
{
	if (n > RESTART_IDS)
		n = RESTART_IDS;
	if (n > last)
		n = last;
	w->judge.verdicts.queue = q->sock.queue;
	for (uint32_t i = n; i-- > 0;) {
		if (!nlq_verdict_fits(&w->judge.verdicts, 0))
			judge_flush(&w->judge, q);
		nlq_verdict_drop_asked(&w->judge.verdicts, last - i);
	}
	judge_flush(&w->judge, q);
}

/* The dead engine's last batch, as far as it had said what it read. */
static void
restart(struct worker *w, struct queue *q)
{
	q->last_id = atomic_load(&q->stats->last_id);
	q->begun = false;
	drop_unjudged(w, q, q->last_id, RESTART_IDS);
	if (q->last_id > RESTART_IDS) {
		/* Of older ones there are none; if there were, they would
		 * wait for ever. */
		nlq_verdict_drop_upto(&w->judge.verdicts,
				      q->last_id - RESTART_IDS);
		judge_flush(&w->judge, q);
	}
	/* What it had judged and not yet counted is in `received`. */
	atomic_store(&q->stats->verdicts, atomic_load(&q->stats->received));
}

/* ---- a batch ---- */

/* Parses what was read; publishes the last id before a packet is worked on. */
static void
take_batch(struct worker *w, struct queue *q, unsigned n)
{
	uint32_t first = 0, last = 0, packets = 0;

	for (unsigned i = 0; i < n; i++) {
		struct nlq_msg *m = &w->parsed[i];
		size_t len = w->msgs[i].msg_len;

		nlq_msg_parse(w->iov[i].iov_base, len, BUFFER_OCTETS - len, m);
		if (len == 0)
			m->kind = NLQ_IGNORED;
		if (m->kind != NLQ_PACKET)
			continue;
		if (packets++ == 0)
			first = m->id;
		last = m->id;
	}
	if (packets == 0)
		return;
	atomic_store_explicit(&q->stats->last_id, last, memory_order_release);
	atomic_fetch_add_explicit(&q->stats->received, packets,
				  memory_order_relaxed);
	/* Ids are handed out in order and read in order: those that are missing
	 * were read by an engine that died before it could say so. */
	if (!q->begun)
		drop_unjudged(w, q, first - 1, first - 1 - q->last_id);
	q->begun = true;
}

static unsigned
batch_of(const struct queue *q)
{
	return q->kind == STORE_QUEUE_SEAL_TCP ? TRAINS : BATCH;
}

/* Returns how many messages were read, or -errno. */
static int
work(struct worker *w, struct queue *q)
{
	uint64_t now_ms;
	int n;

	for (unsigned i = 0; i < BATCH; i++)
		w->msgs[i].msg_hdr.msg_namelen = sizeof(w->from[i]);
	n = nlq_sock_read(&q->sock, w->msgs, batch_of(q));
	if (n == -ENOBUFS) {
		/* Packets were lost on the way here; the kernel counts them. */
		atomic_fetch_add(&q->stats->errors, 1);
		return 0;
	}
	if (n <= 0)
		return n;
	w->judge.verdicts.queue = q->sock.queue;
	take_batch(w, q, (unsigned)n);
	now_ms = clock_now_ms();
	path_begin(&w->judge.path, now_ms);
	parking_release(&w->judge.parking, now_ms);
	for (int i = 0; i < n; i++) {
		switch (w->parsed[i].kind) {
		case NLQ_PACKET:
			judge_packet(&w->judge, q, &w->parsed[i], now_ms);
			break;
		case NLQ_ERROR:
			judge_error(&w->judge, q, &w->parsed[i], now_ms);
			break;
		case NLQ_DONE:
			path_drop(&w->judge.path, q->direction,
				  REASON_engine_restart, 1);
			break;
		case NLQ_BROKEN:
			atomic_fetch_add(&q->stats->errors, 1);
			break;
		case NLQ_IGNORED:
			break;
		}
	}
	judge_flush(&w->judge, q);
	path_end(&w->judge.path);
	return n;
}

/* ---- life ---- */

static void
close_all(struct worker *w)
{
	judge_fini(&w->judge);
	dummy_fini(&w->dummy);
	if (w->buffers != NULL)
		munmap(w->buffers, MAPPING_OCTETS);
	free(w);
}

static int
init_buffers(struct worker *w)
{
	/* Pages that no packet was long enough for are never touched. */
	w->buffers = mmap(NULL, MAPPING_OCTETS, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->buffers == MAP_FAILED) {
		w->buffers = NULL;
		return -errno;
	}
	/* Opened packets lie in there. */
	(void)madvise(w->buffers, MAPPING_OCTETS, MADV_DONTDUMP);
	for (unsigned i = 0; i < BATCH; i++) {
		struct msghdr *h = &w->msgs[i].msg_hdr;

		w->iov[i].iov_base = w->buffers + (size_t)i * BUFFER_OCTETS;
		w->iov[i].iov_len = BUFFER_OCTETS;
		h->msg_iov = &w->iov[i];
		h->msg_iovlen = 1;
		h->msg_name = &w->from[i];
	}
	return 0;
}

static int
init_queues(struct worker *w)
{
	const struct worker_config *c = &w->config;

	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++) {
		struct queue *q = &w->queues[k];
		int err;

		q->kind = (enum store_queue_kind)k;
		q->direction = q->kind == STORE_QUEUE_DECAP ? SA_IN : SA_OUT;
		q->stats = &c->store->head->queues[k][c->index];
		err = nlq_sock_adopt(&q->sock,
				     (uint16_t)STORE_QUEUE_NUMBER(k, c->index),
				     c->queue_fd[k]);
		if (err < 0)
			return err;
		parking_lend(&w->judge.parking, q->kind, &q->sock, q->stats);
	}
	return 0;
}

static int
init(struct worker *w)
{
	const struct worker_config *c = &w->config;
	struct judge_config jc = {
		.store = c->store,
		.sad = c->sad,
		.index = c->index,
		.notify = c->notify,
		.notify_arg = c->notify_arg,
		.packets_wanted = c->packets_wanted,
	};
	int err;

	w->judge.icmp_fd = w->judge.devmtu.fd = w->judge.trains.inject.fd = -1;
	err = init_buffers(w);
	if (err == 0)
		err = judge_init(&w->judge, &jc, w->buffers + BUFFERS_OCTETS);
	if (err == 0)
		err = init_queues(w);
	if (err == 0 && c->index == 0)
		err = dummy_init(&w->dummy, c->store);
	return err;
}

struct worker *
worker_new(const struct worker_config *config)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (w == NULL)
		return NULL;
	w->config = *config;
	err = init(w);
	if (err < 0) {
		close_all(w);
		errno = -err;
		return NULL;
	}
	return w;
}

void
worker_free(struct worker *w)
{
	if (w != NULL)
		close_all(w);
}

/* The queues that poll found something in, again and again while one of them
 * fills whole batches. */
static int
work_all(struct worker *w, const struct pollfd *fds)
{
	bool full[STORE_QUEUE_KINDS], more = true;

	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
		full[k] = fds[k].revents != 0;
	for (unsigned round = 0; round < ROUNDS && more; round++) {
		more = false;
		for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++) {
			int n;

			if (!full[k])
				continue;
			n = work(w, &w->queues[k]);
			if (n < 0)
				return n;
			full[k] = n == (int)batch_of(&w->queues[k]);
			more = more || full[k];
		}
	}
	return 0;
}

/* SAs came, or will not: what waits is looked at behind this. */
static void
listen_to_control(struct worker *w, uint64_t now_ms)
{
	struct parking_order order;
	uint64_t n;

	(void)!read(w->config.wake_fd, &n, sizeof(n));
	while (w->config.orders != NULL && ring_get(w->config.orders, &order)) {
		parking_obey(&w->judge.parking, &order, now_ms);
		if (w->config.obeyed != NULL)
			atomic_fetch_add(w->config.obeyed, 1);
	}
}

/* While a stream comes in, woken for each packet, a worker would be done with
 * it before the next one is there: neither would ever be merged. */
static void
gather(void)
{
	struct timespec t = { .tv_nsec = GATHER_NS };

	(void)nanosleep(&t, NULL);
}

int
worker_run(struct worker *w)
{
	struct pollfd fds[STORE_QUEUE_KINDS + 2];
	int err = 0, wait_ms = ROUND_MS;

	parking_restart(&w->judge.parking);
	for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++) {
		fds[k] = (struct pollfd){ w->queues[k].sock.fd, POLLIN, 0 };
		restart(w, &w->queues[k]);
	}
	fds[STORE_QUEUE_KINDS] =
	    (struct pollfd){ w->config.stop_fd, POLLIN, 0 };
	fds[STORE_QUEUE_KINDS + 1] =
	    (struct pollfd){ w->config.wake_fd, POLLIN, 0 };
	while (err == 0) {
		uint64_t now_ms = clock_now_ms();

		for (unsigned k = 0; k < STORE_QUEUE_KINDS; k++)
			atomic_store_explicit(&w->queues[k].stats->heard_ms,
					      now_ms, memory_order_relaxed);
		if (poll(fds, STORE_QUEUE_KINDS + 2, wait_ms) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fds[STORE_QUEUE_KINDS].revents != 0)
			return 0;
		w->judge.in_bulk = false;
		err = work_all(w, fds);
		if (w->judge.in_bulk)
			gather();
		now_ms = clock_now_ms();
		if (fds[STORE_QUEUE_KINDS + 1].revents != 0)
			listen_to_control(w, now_ms);
		wait_ms = ROUND_MS;
		if (w->dummy.sas != NULL)
			wait_ms = dummy_run(&w->dummy, &w->judge.trains.inject,
					    &w->judge.path, now_ms, wait_ms);
		wait_ms = parking_run(&w->judge.parking, now_ms, wait_ms);
	}
	return err;
}
