/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/nfq/judge.h"
#include "engine/wire/icmp.h"

enum {
	/* Verdicts of one write; the largest packet fits. */
	VERDICT_OCTETS = 128 * 1024,
	OPENED_OCTETS = 65536 + PATH_GROWTH,
	ICMP_BURST = 20,
	ICMP_EVERY_MS = 50,
};
_Static_assert(VERDICT_OCTETS >= NLQ_VERDICT_OCTETS + 65536 + PATH_GROWTH,
	       "one verdict must fit");
_Static_assert(VERDICT_OCTETS >= MERGE_ROOM + NLQ_VERDICT_OCTETS,
	       "and an open one, with what closes it");
_Static_assert(VERDICT_OCTETS + OPENED_OCTETS + TRAINS_OCTETS <= JUDGE_OCTETS,
	       "raise JUDGE_OCTETS");

/* ---- verdicts out ---- */

/* One by one, after the kernel took none of them: those it still does not
 * take become drops. */
static void
flush_single(struct judge *j, const struct queue *q)
{
	const uint8_t *msg;
	size_t at = 0, len;
	uint32_t id;

	while ((len = nlq_verdict_next(&j->verdicts, &at, &msg, &id)) != 0) {
		uint8_t buf[NLQ_VERDICT_OCTETS];
		struct nlq_verdict v;

		if (nlq_sock_write(&q->sock, msg, len) == 0)
			continue;
		nlq_verdict_init(&v, buf, sizeof(buf), q->sock.queue);
		nlq_verdict_drop(&v, id);
		(void)nlq_sock_write(&q->sock, buf, v.len);
		atomic_fetch_add(&q->stats->errors, 1);
		path_drop(&j->path, q->direction, REASON_verdict, 1);
	}
}

static void
close_merge(struct judge *j, const struct queue *q)
{
	unsigned added = merge_close(&j->merge, &j->verdicts);

	if (added == 0)
		return;
	atomic_fetch_add_explicit(&q->stats->merged, added,
				  memory_order_relaxed);
	j->in_bulk = true;
}

void
judge_flush(struct judge *j, const struct queue *q)
{
	int err;

	close_merge(j, q);
	trains_flush(&j->trains);
	if (j->verdicts.len == 0)
		return;
	err = nlq_sock_write(&q->sock, j->verdicts.buf, j->verdicts.len);
	if (err < 0) {
		if (log_limit_take(&j->log_limit, clock_now_ms()))
			log_warnx("queue %u: verdicts not taken: %s",
				  q->sock.queue, strerror(-err));
		flush_single(j, q);
	}
	atomic_fetch_add_explicit(&q->stats->verdicts, j->verdicts.count,
				  memory_order_relaxed);
	nlq_verdict_reset(&j->verdicts);
	j->has_accepts = false;
}

/* ---- one packet ---- */

/* "Fragmentation needed" to whoever sent it: over lo if that is this host. */
static void
send_needed(struct judge *j, const struct pkt *pkt, uint32_t mtu,
	    uint64_t now_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t packet[ICMP_ERROR_MAX];
	struct ip4 ip;
	size_t len;

	if (!log_limit_take(&j->icmp_limit, now_ms) ||
	    ip_parse(pkt->octets, pkt->len, &ip) != IP_OK ||
	    ip_is_group(&ip.src))
		return;
	len = icmp_build_needed(packet, pkt->octets, &ip, (uint16_t)mtu);
	memcpy(&to.sin_addr, ip.src.octets, sizeof(to.sin_addr));
	/* Lost like any other ICMP if it can't be sent. */
	(void)sendto(j->icmp_fd, packet, len, MSG_DONTWAIT,
		     (struct sockaddr *)&to, sizeof(to));
}

/* Keys may come for it. */
static void
park(struct judge *j, const struct queue *q, struct nlq_msg *m,
     const struct path_result *r, uint64_t now_ms)
{
	if (!parking_take(&j->parking, q->kind, m->id, &m->pkt, r, now_ms))
		nlq_verdict_drop(&j->verdicts, m->id);
}

/* Segments of a flow stay in order: what verdicts let out leaves before. */
static void
judge_train(struct judge *j, const struct queue *q, struct nlq_msg *m,
	    uint64_t now_ms)
{
	struct path_result r;
	unsigned n;

	if (j->has_accepts || !nlq_verdict_fits(&j->verdicts, 0))
		judge_flush(j, q);
	n = trains_add(&j->trains, q->kind, &m->pkt, now_ms, &r);
	atomic_fetch_add_explicit(&q->stats->injected, n, memory_order_relaxed);
	if (r.action == PATH_PARK)
		park(j, q, m, &r, now_ms);
	else
		nlq_verdict_drop(&j->verdicts, m->id);
}

/* What the path decided; a replacing packet stands at the next verdict's
 * place. */
static void
put_verdict(struct judge *j, const struct queue *q, const struct nlq_msg *m,
	    const struct path_result *r)
{
	j->has_accepts |= r->action != PATH_DROP;
	switch (r->action) {
	case PATH_SENT: /* trains alone */
	case PATH_PARK: /* see park */
	case PATH_DROP:
		nlq_verdict_drop(&j->verdicts, m->id);
		break;
	case PATH_ACCEPT:
		nlq_verdict_accept(&j->verdicts, m->id);
		atomic_fetch_add_explicit(&q->stats->passed, 1,
					  memory_order_relaxed);
		break;
	case PATH_REPLACE:
		nlq_verdict_replace(&j->verdicts, m->id, r->mark, r->len);
		break;
	}
}

/* It waited in the queue for what its SAID meant then. */
static void
refuse_given_on(struct judge *j, const struct queue *q, struct nlq_msg *m,
		uint64_t now_ms)
{
	path_refuse(&j->path, REASON_parked_moved, &m->pkt, now_ms);
	if (!nlq_verdict_fits(&j->verdicts, 0))
		judge_flush(j, q);
	nlq_verdict_drop(&j->verdicts, m->id);
}

static void
judge_out(struct judge *j, const struct queue *q, struct nlq_msg *m,
	  uint64_t now_ms)
{
	struct path_result r;
	uint8_t *dst;
	size_t cap, need;

	if (path_is_before(&j->path, q->kind, m->id) &&
	    path_was_given_on(&j->path, m->pkt.mark)) {
		refuse_given_on(j, q, m, now_ms);
		return;
	}
	m->pkt.mtu = devmtu_get(&j->devmtu, m->pkt.out, now_ms);
	if (m->pkt.is_train) {
		judge_train(j, q, m, now_ms);
		return;
	}
	if (trains_wait(&j->trains))
		trains_flush(&j->trains);
	/* Padding may make it as long as the MTU. */
	need = m->pkt.mtu > m->pkt.len && m->pkt.mtu < 65536 ? m->pkt.mtu
							     : m->pkt.len;
	if (!nlq_verdict_fits(&j->verdicts, need + PATH_GROWTH))
		judge_flush(j, q);
	dst = nlq_verdict_open(&j->verdicts, &cap);
	path_out(&j->path, q->kind, &m->pkt, now_ms, dst, cap, &r);
	if (r.action == PATH_PARK) {
		park(j, q, m, &r, now_ms);
		return;
	}
	put_verdict(j, q, m, &r);
	if (r.tell_mtu != 0)
		send_needed(j, &m->pkt, r.tell_mtu, now_ms);
}

/* Where the next packet may be opened, and more be added to it. */
static uint8_t *
open_verdict(struct judge *j, const struct queue *q, size_t len, size_t *cap)
{
	if (!nlq_verdict_fits(&j->verdicts,
			      len > MERGE_ROOM ? len : MERGE_ROOM))
		judge_flush(j, q);
	return nlq_verdict_open(&j->verdicts, cap);
}

static void
judge_in(struct judge *j, const struct queue *q, struct nlq_msg *m,
	 uint64_t now_ms)
{
	struct path_result r;
	uint8_t *dst = j->opened_buf, *at;
	size_t cap = OPENED_OCTETS;

	m->pkt.mtu = devmtu_get(&j->devmtu, m->pkt.in, now_ms);
	if (!j->merge.is_open)
		dst = open_verdict(j, q, m->pkt.len, &cap);
	path_in(&j->path, &m->pkt, now_ms, dst, cap, &r);
	if (j->merge.is_open) {
		if (merge_add(&j->merge, m, &r, dst))
			return;
		close_merge(j, q);
		at = open_verdict(j, q, m->pkt.len, &cap);
		if (r.action == PATH_REPLACE)
			memcpy(at, dst, r.len);
		dst = at;
	}
	if (!merge_begin(&j->merge, j->path.store->head, m, &r, dst))
		put_verdict(j, q, m, &r);
}

void
judge_packet(struct judge *j, const struct queue *q, struct nlq_msg *m,
	     uint64_t now_ms)
{
	if (q->direction == SA_OUT)
		judge_out(j, q, m, now_ms);
	else
		judge_in(j, q, m, now_ms);
}

void
judge_error(struct judge *j, const struct queue *q, const struct nlq_msg *m,
	    uint64_t now_ms)
{
	/* Number 0: not a packet of this engine's, see restart. */
	if (m->id == 0 || parking_lost(&j->parking, q->kind, m->id))
		return;
	atomic_fetch_add(&q->stats->errors, 1);
	path_drop(&j->path, q->direction, REASON_verdict, 1);
	if (log_limit_take(&j->log_limit, now_ms))
		log_warnx("queue %u: verdict on packet %u: %s", q->sock.queue,
			  m->id, strerror(m->error));
}

/* ---- life ---- */

int
judge_init(struct judge *j, const struct judge_config *c, uint8_t *buf)
{
	int err;

	j->icmp_fd = j->devmtu.fd = j->trains.inject.fd = -1;
	j->icmp_limit = (struct log_limit){ .burst = ICMP_BURST,
					    .every_ms = ICMP_EVERY_MS };
	j->log_limit = (struct log_limit){ .burst = 5, .every_ms = 2000 };
	nlq_verdict_init(&j->verdicts, buf, VERDICT_OCTETS, 0);
	j->opened_buf = buf + VERDICT_OCTETS;
	err = path_init(&j->path, c->store, c->sad, c->index, c->notify,
			c->notify_arg);
	j->path.packets_wanted = c->packets_wanted;
	if (err == 0)
		err = devmtu_init(&j->devmtu);
	if (err == 0)
		err = trains_init(&j->trains, &j->path, &j->devmtu,
				  j->opened_buf + OPENED_OCTETS);
	/* IPPROTO_RAW: sends whole packets, receives none. */
	if (err == 0) {
		j->icmp_fd =
		    socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   IPPROTO_RAW);
		err = j->icmp_fd < 0 ? -errno : 0;
	}
	if (err == 0)
		err = parking_init(&j->parking, &j->path, &j->trains.inject,
				   &j->devmtu, j->icmp_fd);
	return err;
}

void
judge_fini(struct judge *j)
{
	parking_fini(&j->parking);
	path_fini(&j->path);
	devmtu_fini(&j->devmtu);
	trains_fini(&j->trains);
	if (j->icmp_fd >= 0)
		close(j->icmp_fd);
	j->icmp_fd = -1;
}
