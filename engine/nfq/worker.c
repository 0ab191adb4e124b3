/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
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
#include "engine/nfq/devmtu.h"
#include "engine/nfq/dummy.h"
#include "engine/nfq/merge.h"
#include "engine/nfq/nlq_msg.h"
#include "engine/nfq/nlq_sock.h"
#include "engine/nfq/nlq_verdict.h"
#include "engine/nfq/parking.h"
#include "engine/nfq/trains.h"
#include "engine/nfq/worker.h"
#include "engine/wire/icmp.h"

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
	/* Verdicts of one write; the largest packet fits. */
	VERDICT_OCTETS = 128 * 1024,
	OPENED_OCTETS = 65536 + PATH_GROWTH,
	ROUND_MS = 1000, /* heard_ms moves that often */
	GATHER_NS = 50 * 1000,
	ICMP_BURST = 20,
	ICMP_EVERY_MS = 50,
};
_Static_assert(VERDICT_OCTETS >= NLQ_VERDICT_OCTETS + 65536 + PATH_GROWTH,
	       "one verdict must fit");
_Static_assert(VERDICT_OCTETS >= MERGE_ROOM + NLQ_VERDICT_OCTETS,
	       "and an open one, with what closes it");

struct queue {
	struct nlq_sock sock;
	struct store_queue *stats;
	enum store_queue_kind kind;
	enum sa_direction direction;
	bool begun;       /* a packet was read since the start */
	uint32_t last_id; /* as the engine before left it */
};

struct worker {
	struct worker_config config;
	struct path path;
	struct queue queues[STORE_QUEUE_KINDS];
	struct devmtu devmtu;
	struct trains trains;
	struct parking parking;
	struct merge merge; /* of the decap queue's batch at work */
	bool in_bulk;       /* segments were merged since the last wait */
	struct dummy dummy; /* the first worker's alone */
	int icmp_fd;
	struct log_limit icmp_limit, log_limit;
	struct nlq_verdict verdicts;
	bool has_accepts; /* among them: what they let out */
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_nl from[BATCH];
	struct nlq_msg parsed[BATCH];
	/* of one mapping */
	uint8_t *buffers, *verdict_buf, *opened_buf;
};

#define MAPPING_OCTETS                                                         \
	((size_t)BATCH * BUFFER_OCTETS + VERDICT_OCTETS + OPENED_OCTETS +      \
	 TRAINS_OCTETS)

/* ---- verdicts out ---- */

/* One by one, after the kernel took none of them: those it still does not
 * take become drops. */
static void
flush_single(struct worker *w, struct queue *q)
{
	const uint8_t *msg;
	size_t at = 0, len;
	uint32_t id;

	while ((len = nlq_verdict_next(&w->verdicts, &at, &msg, &id)) != 0) {
		uint8_t buf[NLQ_VERDICT_OCTETS];
		struct nlq_verdict v;

		if (nlq_sock_write(&q->sock, msg, len) == 0)
			continue;
		nlq_verdict_init(&v, buf, sizeof(buf), q->sock.queue);
		nlq_verdict_drop(&v, id);
		(void)nlq_sock_write(&q->sock, buf, v.len);
		atomic_fetch_add(&q->stats->errors, 1);
		path_drop(&w->path, q->direction, REASON_verdict, 1);
	}
}

static void
close_merge(struct worker *w, struct queue *q)
{
	unsigned added = merge_close(&w->merge, &w->verdicts);

	if (added == 0)
		return;
	atomic_fetch_add_explicit(&q->stats->merged, added,
				  memory_order_relaxed);
	w->in_bulk = true;
}

static void
flush(struct worker *w, struct queue *q)
{
	int err;

	close_merge(w, q);
	trains_flush(&w->trains);
	if (w->verdicts.len == 0)
		return;
	err = nlq_sock_write(&q->sock, w->verdicts.buf, w->verdicts.len);
	if (err < 0) {
		if (log_limit_take(&w->log_limit, clock_now_ms()))
			log_warnx("queue %u: verdicts not taken: %s",
				  q->sock.queue, strerror(-err));
		flush_single(w, q);
	}
	atomic_fetch_add_explicit(&q->stats->verdicts, w->verdicts.count,
				  memory_order_relaxed);
	nlq_verdict_reset(&w->verdicts);
	w->has_accepts = false;
}

/* n ids up to `last` that a dead engine may have read and not judged: of those
 * that wait, and only of those, the kernel says that it dropped them. */
static void
drop_unjudged(struct worker *w, struct queue *q, uint32_t last, uint32_t n)
{
	if (n > RESTART_IDS)
		n = RESTART_IDS;
	if (n > last)
		n = last;
	w->verdicts.queue = q->sock.queue;
	for (uint32_t i = n; i-- > 0;) {
		if (!nlq_verdict_fits(&w->verdicts, 0))
			flush(w, q);
		nlq_verdict_drop_asked(&w->verdicts, last - i);
	}
	flush(w, q);
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
		nlq_verdict_drop_upto(&w->verdicts, q->last_id - RESTART_IDS);
		flush(w, q);
	}
	/* What it had judged and not yet counted is in `received`. */
	atomic_store(&q->stats->verdicts, atomic_load(&q->stats->received));
}

/* ---- one packet ---- */

/* "Fragmentation needed" to whoever sent it: over lo if that is this host. */
static void
send_needed(struct worker *w, const struct pkt *pkt, uint32_t mtu,
	    uint64_t now_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t packet[ICMP_ERROR_MAX];
	struct ip4 ip;
	size_t len;

	if (!log_limit_take(&w->icmp_limit, now_ms) ||
	    ip_parse(pkt->octets, pkt->len, &ip) != IP_OK ||
	    ip_is_group(&ip.src))
		return;
	len = icmp_build_needed(packet, pkt->octets, &ip, (uint16_t)mtu);
	memcpy(&to.sin_addr, ip.src.octets, sizeof(to.sin_addr));
	/* Lost like any other ICMP if it can't be sent. */
	(void)sendto(w->icmp_fd, packet, len, MSG_DONTWAIT,
		     (struct sockaddr *)&to, sizeof(to));
}

/* Keys may come for it. */
static void
park(struct worker *w, struct queue *q, struct nlq_msg *m,
     const struct path_result *r, uint64_t now_ms)
{
	if (!parking_take(&w->parking, q->kind, m->id, &m->pkt, r, now_ms))
		nlq_verdict_drop(&w->verdicts, m->id);
}

/* Segments of a flow stay in order: what verdicts let out leaves before. */
static void
judge_train(struct worker *w, struct queue *q, struct nlq_msg *m,
	    uint64_t now_ms)
{
	struct path_result r;
	unsigned n;

	if (w->has_accepts || !nlq_verdict_fits(&w->verdicts, 0))
		flush(w, q);
	n = trains_add(&w->trains, q->kind, &m->pkt, now_ms, &r);
	atomic_fetch_add_explicit(&q->stats->injected, n, memory_order_relaxed);
	if (r.action == PATH_PARK)
		park(w, q, m, &r, now_ms);
	else
		nlq_verdict_drop(&w->verdicts, m->id);
}

/* What the path decided; a replacing packet stands at the next verdict's
 * place. */
static void
put_verdict(struct worker *w, struct queue *q, const struct nlq_msg *m,
	    const struct path_result *r)
{
	w->has_accepts |= r->action != PATH_DROP;
	switch (r->action) {
	case PATH_SENT: /* trains alone */
	case PATH_PARK: /* see park */
	case PATH_DROP:
		nlq_verdict_drop(&w->verdicts, m->id);
		break;
	case PATH_ACCEPT:
		nlq_verdict_accept(&w->verdicts, m->id);
		atomic_fetch_add_explicit(&q->stats->passed, 1,
					  memory_order_relaxed);
		break;
	case PATH_REPLACE:
		nlq_verdict_replace(&w->verdicts, m->id, r->mark, r->len);
		break;
	}
}

static void
judge_out(struct worker *w, struct queue *q, struct nlq_msg *m, uint64_t now_ms)
{
	struct path_result r;
	uint8_t *dst;
	size_t cap, need;

	m->pkt.mtu = devmtu_get(&w->devmtu, m->pkt.out, now_ms);
	if (m->pkt.is_train) {
		judge_train(w, q, m, now_ms);
		return;
	}
	if (trains_wait(&w->trains))
		trains_flush(&w->trains);
	/* Padding may make it as long as the MTU. */
	need = m->pkt.mtu > m->pkt.len && m->pkt.mtu < 65536 ? m->pkt.mtu
							     : m->pkt.len;
	if (!nlq_verdict_fits(&w->verdicts, need + PATH_GROWTH))
		flush(w, q);
	dst = nlq_verdict_open(&w->verdicts, &cap);
	path_out(&w->path, q->kind, &m->pkt, now_ms, dst, cap, &r);
	if (r.action == PATH_PARK) {
		park(w, q, m, &r, now_ms);
		return;
	}
	put_verdict(w, q, m, &r);
	if (r.tell_mtu != 0)
		send_needed(w, &m->pkt, r.tell_mtu, now_ms);
}

/* Where the next packet may be opened, and more be added to it. */
static uint8_t *
open_verdict(struct worker *w, struct queue *q, size_t len, size_t *cap)
{
	if (!nlq_verdict_fits(&w->verdicts,
			      len > MERGE_ROOM ? len : MERGE_ROOM))
		flush(w, q);
	return nlq_verdict_open(&w->verdicts, cap);
}

static void
judge_in(struct worker *w, struct queue *q, struct nlq_msg *m, uint64_t now_ms)
{
	struct path_result r;
	uint8_t *dst = w->opened_buf, *at;
	size_t cap = OPENED_OCTETS;

	m->pkt.mtu = devmtu_get(&w->devmtu, m->pkt.in, now_ms);
	if (!w->merge.is_open)
		dst = open_verdict(w, q, m->pkt.len, &cap);
	path_in(&w->path, &m->pkt, now_ms, dst, cap, &r);
	if (w->merge.is_open) {
		if (merge_add(&w->merge, m, &r, dst))
			return;
		close_merge(w, q);
		at = open_verdict(w, q, m->pkt.len, &cap);
		if (r.action == PATH_REPLACE)
			memcpy(at, dst, r.len);
		dst = at;
	}
	if (!merge_begin(&w->merge, w->config.store->head, m, &r, dst))
		put_verdict(w, q, m, &r);
}

/* ---- a batch ---- */

static void
note_error(struct worker *w, struct queue *q, const struct nlq_msg *m,
	   uint64_t now_ms)
{
	/* Number 0: not a packet of this engine's, see restart. */
	if (m->id == 0 || parking_lost(&w->parking, q->kind, m->id))
		return;
	atomic_fetch_add(&q->stats->errors, 1);
	path_drop(&w->path, q->direction, REASON_verdict, 1);
	if (log_limit_take(&w->log_limit, now_ms))
		log_warnx("queue %u: verdict on packet %u: %s", q->sock.queue,
			  m->id, strerror(m->error));
}

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
	w->verdicts.queue = q->sock.queue;
	take_batch(w, q, (unsigned)n);
	now_ms = clock_now_ms();
	path_begin(&w->path, now_ms);
	parking_release(&w->parking, now_ms);
	for (int i = 0; i < n; i++) {
		switch (w->parsed[i].kind) {
		case NLQ_PACKET:
			if (q->direction == SA_OUT)
				judge_out(w, q, &w->parsed[i], now_ms);
			else
				judge_in(w, q, &w->parsed[i], now_ms);
			break;
		case NLQ_ERROR:
			note_error(w, q, &w->parsed[i], now_ms);
			break;
		case NLQ_DONE:
			path_drop(&w->path, q->direction, REASON_engine_restart,
				  1);
			break;
		case NLQ_BROKEN:
			atomic_fetch_add(&q->stats->errors, 1);
			break;
		case NLQ_IGNORED:
			break;
		}
	}
	flush(w, q);
	path_end(&w->path);
	return n;
}

/* ---- life ---- */

static void
close_all(struct worker *w)
{
	parking_fini(&w->parking);
	path_fini(&w->path);
	devmtu_fini(&w->devmtu);
	dummy_fini(&w->dummy);
	trains_fini(&w->trains);
	if (w->icmp_fd >= 0)
		close(w->icmp_fd);
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
	w->verdict_buf = w->buffers + (size_t)BATCH * BUFFER_OCTETS;
	w->opened_buf = w->verdict_buf + VERDICT_OCTETS;
	w->trains.buf = w->opened_buf + OPENED_OCTETS;
	nlq_verdict_init(&w->verdicts, w->verdict_buf, VERDICT_OCTETS, 0);
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
		parking_lend(&w->parking, q->kind, &q->sock, q->stats);
	}
	return 0;
}

static int
init(struct worker *w)
{
	const struct worker_config *c = &w->config;
	int err;

	w->icmp_fd = w->devmtu.fd = w->trains.inject.fd = -1;
	w->icmp_limit = (struct log_limit){ .burst = ICMP_BURST,
					    .every_ms = ICMP_EVERY_MS };
	w->log_limit = (struct log_limit){ .burst = 5, .every_ms = 2000 };
	err = path_init(&w->path, c->store, c->sad, c->index, c->notify,
			c->notify_arg);
	w->path.packets_wanted = c->packets_wanted;
	if (err == 0)
		err = devmtu_init(&w->devmtu);
	if (err == 0)
		err = trains_init(&w->trains, &w->path, &w->devmtu);
	/* IPPROTO_RAW: sends whole packets, receives none. */
	if (err == 0) {
		w->icmp_fd = socket(AF_INET,
				    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    IPPROTO_RAW);
		err = w->icmp_fd < 0 ? -errno : 0;
	}
	if (err == 0)
		err = parking_init(&w->parking, &w->path, &w->trains.inject,
				   &w->devmtu, w->icmp_fd);
	if (err == 0)
		err = init_buffers(w);
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
	while (w->config.orders != NULL && ring_get(w->config.orders, &order))
		parking_obey(&w->parking, &order, now_ms);
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

	parking_restart(&w->parking);
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
		w->in_bulk = false;
		err = work_all(w, fds);
		if (w->in_bulk)
			gather();
		now_ms = clock_now_ms();
		if (fds[STORE_QUEUE_KINDS + 1].revents != 0)
			listen_to_control(w, now_ms);
		wait_ms = ROUND_MS;
		if (w->dummy.sas != NULL)
			wait_ms = dummy_run(&w->dummy, &w->trains.inject,
					    &w->path, now_ms, wait_ms);
		wait_ms = parking_run(&w->parking, now_ms, wait_ms);
	}
	return err;
}
