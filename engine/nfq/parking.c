/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "engine/nfq/parking.h"
#include "engine/wire/frag.h"
#include "engine/wire/icmp.h"

enum {
	PACKET_OCTETS = HOLD_PACKET_MAX + PATH_GROWTH,
	VERDICT_OCTETS = NLQ_VERDICT_OCTETS + PACKET_OCTETS,
	/* A first one of a flow each; a full hold may speak at once. */
	ICMP_BURST = HOLD_FIRSTS,
	ICMP_EVERY_MS = 10,
	/* The table is being built by somebody else, or it is too soon. */
	STALE_MS = 2,
};

_Static_assert((int)VERDICT_OCTETS >= IP_TOTAL_MAX + PATH_GROWTH,
	       "one segment must fit, whatever the device's MTU says");

#define MAPPING_OCTETS ((size_t)PACKET_OCTETS + VERDICT_OCTETS)

int
parking_init(struct parking *k, struct path *path, struct inject *inject,
	     struct devmtu *devmtu, int icmp_fd)
{
	memset(k, 0, sizeof(*k));
	k->path = path;
	k->inject = inject;
	k->devmtu = devmtu;
	k->icmp_fd = icmp_fd;
	k->icmp_limit = (struct log_limit){ .burst = ICMP_BURST,
					    .every_ms = ICMP_EVERY_MS };
	k->packet = mmap(NULL, MAPPING_OCTETS, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (k->packet == MAP_FAILED) {
		k->packet = NULL;
		return -errno;
	}
	(void)madvise(k->packet, MAPPING_OCTETS, MADV_DONTDUMP);
	k->verdict = k->packet + PACKET_OCTETS;
	k->hold = hold_new(path->store, path->worker);
	return k->hold == NULL ? -ENOMEM : 0;
}

void
parking_lend(struct parking *k, enum store_queue_kind kind,
	     struct nlq_sock *sock, struct store_queue *stats)
{
	k->socks[kind] = sock;
	k->stats[kind] = stats;
}

void
parking_fini(struct parking *k)
{
	hold_free(k->hold);
	if (k->packet != NULL)
		munmap(k->packet, MAPPING_OCTETS);
}

/* The kernel answers for those that still waited (NLQ_DONE). */
static void
drop_unjudged(void *arg, enum store_queue_kind kind, uint32_t id)
{
	struct parking *k = arg;
	struct nlq_verdict v;

	if (kind >= STORE_QUEUE_KINDS || k->socks[kind] == NULL)
		return;
	nlq_verdict_init(&v, k->verdict, VERDICT_OCTETS, k->socks[kind]->queue);
	nlq_verdict_drop_asked(&v, id);
	(void)nlq_sock_write(k->socks[kind], v.buf, v.len);
}

void
parking_restart(struct parking *k)
{
	uint32_t copies =
	    hold_sweep(k->path->store, k->path->worker, drop_unjudged, k);

	path_drop(k->path, SA_OUT, REASON_engine_restart, copies);
}

bool
parking_take(struct parking *k, enum store_queue_kind kind, uint32_t id,
	     const struct pkt *pkt, const struct path_result *r,
	     uint64_t now_ms)
{
	switch (hold_put(k->hold, &r->pair, kind, id, pkt, now_ms)) {
	case HOLD_KEPT:
		return true;
	case HOLD_COPIED:
		return false;
	case HOLD_FULL:
		break;
	}
	path_refuse(k->path, REASON_parked_full, pkt, now_ms);
	return false;
}

/* ---- verdicts and injections ----------------------------------------------
 */

static void
write_verdict(struct parking *k, const struct hold_packet *h,
	      struct nlq_verdict *v)
{
	int err = nlq_sock_write(k->socks[h->kind], v->buf, v->len);

	atomic_fetch_add_explicit(&k->stats[h->kind]->verdicts, 1,
				  memory_order_relaxed);
	k->unwritten = err < 0;
}

/* The packet's verdict is written; if the kernel did not even read it, it is
 * as good as lost. */
static void
take_off(struct parking *k, unsigned pair, const struct hold_packet *h,
	 bool sent, uint64_t now_ms)
{
	hold_pop(k->hold, pair, sent, now_ms);
	if (h->in_kernel && k->unwritten)
		(void)hold_lost(k->hold, h->kind, h->id);
}

static void
drop_original(struct parking *k, const struct hold_packet *h)
{
	struct nlq_verdict v;

	if (!h->in_kernel)
		return;
	nlq_verdict_init(&v, k->verdict, VERDICT_OCTETS,
			 k->socks[h->kind]->queue);
	nlq_verdict_drop(&v, h->id);
	write_verdict(k, h, &v);
}

/* "Administratively prohibited", to whoever sent it. */
static void
tell_prohibited(struct parking *k, const struct pkt *pkt, uint64_t now_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t packet[ICMP_ERROR_MAX];
	struct ip4 ip;
	size_t len;

	if (!log_limit_take(&k->icmp_limit, now_ms) ||
	    ip_parse(pkt->octets, pkt->len, &ip) != IP_OK ||
	    ip_is_group(&ip.src))
		return;
	len = icmp_build_prohibited(packet, pkt->octets, &ip);
	memcpy(&to.sin_addr, ip.src.octets, sizeof(to.sin_addr));
	(void)sendto(k->icmp_fd, packet, len, MSG_DONTWAIT,
		     (struct sockaddr *)&to, sizeof(to));
}

/* In pieces where the device wants them: injected packets are not cut by the
 * kernel. */
static void
send_sealed(struct parking *k, const struct pkt *pkt, uint8_t *sealed,
	    const struct path_result *r, uint64_t now_ms)
{
	struct frag f;

	if (pkt->mtu == 0 || r->len <= pkt->mtu) {
		inject_add(k->inject, sealed, r->len, r->mark, pkt->out);
	} else if (frag_begin(&f, sealed, r->len, pkt->mtu)) {
		/* Each is made in place of the one before. */
		while (frag_next(&f)) {
			inject_add(k->inject, f.octets, f.len, r->mark,
				   pkt->out);
			if (inject_flush(k->inject) != 0)
				break;
		}
	}
	if (inject_flush(k->inject) != 0)
		path_refuse(k->path, REASON_inject, pkt, now_ms);
}

struct train {
	struct parking *k;
	const struct pkt *pkt;
	unsigned refused;
};

/* The kernel would give an identification to what is injected without one,
 * and AH signs it. */
static void
give_id(struct parking *k, const struct pkt *pkt)
{
	struct ip4 ip;

	if (ip_parse(pkt->octets, pkt->len, &ip) != IP_OK || ip.id != 0)
		return;
	if (++k->next_id == 0)
		k->next_id = 1;
	ip.id = k->next_id;
	ip_finish(pkt->octets, &ip);
}

static uint8_t *
place_segment(void *arg, size_t octets)
{
	const struct train *t = arg;

	/* One at a time: what path_out_train asks for always fits. */
	(void)octets;
	return t->k->verdict;
}

static void
send_segment(void *arg, size_t len, uint32_t mark)
{
	struct train *t = arg;

	inject_add(t->k->inject, t->k->verdict, len, mark, t->pkt->out);
	t->refused += inject_flush(t->k->inject);
}

/* TCP that is cut: all of it is injected, and its original dropped. */
static bool
judge_train(struct parking *k, struct hold_packet *h, uint64_t now_ms)
{
	struct train t = { k, &h->pkt, 0 };
	struct path_sink sink = { place_segment, send_segment, &t };
	struct path_result r;

	path_out_train(k->path, h->kind, &h->pkt, now_ms, &sink, &r);
	if (r.action == PATH_PARK)
		return false;
	path_drop(k->path, SA_OUT, REASON_inject, t.refused);
	drop_original(k, h);
	return true;
}

enum judged {
	JUDGED_WAITS,
	JUDGED_DONE,    /* injected or dropped: whatever the kernel lost */
	JUDGED_VERDICT, /* left, if the kernel still had it */
};

static enum judged
judge(struct parking *k, struct hold_packet *h, uint64_t now_ms)
{
	struct path_result r;
	struct nlq_verdict v;
	uint8_t *dst;
	size_t cap;

	h->pkt.mtu = devmtu_get(k->devmtu, h->pkt.out, now_ms);
	h->pkt.room = PATH_GROWTH;
	if (h->pkt.is_train)
		return judge_train(k, h, now_ms) ? JUDGED_DONE : JUDGED_WAITS;
	nlq_verdict_init(&v, k->verdict, VERDICT_OCTETS,
			 k->socks[h->kind]->queue);
	if (!h->in_kernel)
		give_id(k, &h->pkt);
	dst = nlq_verdict_open(&v, &cap);
	path_out(k->path, h->kind, &h->pkt, now_ms, dst, cap, &r);
	switch (r.action) {
	case PATH_PARK:
		return JUDGED_WAITS;
	case PATH_DROP:
	case PATH_ACCEPT: /* path_out never says these */
	case PATH_SENT:
		drop_original(k, h);
		break;
	case PATH_REPLACE:
		if (!h->in_kernel) {
			send_sealed(k, &h->pkt, dst, &r, now_ms);
			break;
		}
		nlq_verdict_replace(&v, h->id, r.mark, r.len);
		write_verdict(k, h, &v);
		return JUDGED_VERDICT;
	}
	return JUDGED_DONE;
}

static void
drop_head(struct parking *k, unsigned pair, enum reason why, uint64_t now_ms)
{
	struct hold_packet h;

	if (!hold_head(k->hold, pair, k->packet, &h))
		return;
	path_refuse(k->path, why, &h.pkt, now_ms);
	/* One word a flow will do. */
	if (h.in_kernel)
		tell_prohibited(k, &h.pkt, now_ms);
	drop_original(k, &h);
	take_off(k, pair, &h, false, now_ms);
}

static void
drop_pair(struct parking *k, unsigned pair, enum reason why, uint64_t now_ms)
{
	struct hold_packet h;

	while (hold_head(k->hold, pair, k->packet, &h))
		drop_head(k, pair, why, now_ms);
}

/* ---- keys are there -------------------------------------------------------
 */

static void
release_pair(struct parking *k, unsigned pair, uint64_t now_ms)
{
	struct hold_packet h;

	while (hold_head(k->hold, pair, k->packet, &h)) {
		enum judged judged = judge(k, &h, now_ms);

		if (judged == JUDGED_WAITS)
			return;
		take_off(k, pair, &h, judged == JUDGED_VERDICT, now_ms);
	}
}

/* Those whose original the kernel lost, sealed anew. */
static void
release_lost(struct parking *k, uint64_t now_ms)
{
	struct hold_packet h;

	while (hold_lost_head(k->hold, k->packet, &h)) {
		uint32_t said = store_said_of(k->path->store->head, h.pkt.mark);

		if (path_is_moved(k->path, said, h.whose))
			path_refuse(k->path, REASON_parked_moved, &h.pkt,
				    now_ms);
		else if (judge(k, &h, now_ms) == JUDGED_WAITS)
			path_refuse(k->path, REASON_no_sa, &h.pkt, now_ms);
	}
}

void
parking_release(struct parking *k, uint64_t now_ms)
{
	uint32_t table = sad_table_generation(k->path->table);
	uint32_t policy = atomic_load(&k->path->store->head->policy_generation);
	bool changed = policy != k->policy;

	if (table == k->table && !changed)
		return;
	k->table = table;
	k->policy = policy;
	for (unsigned i = hold_pair_from(k->hold, 0); i < HOLD_PAIRS;
	     i = hold_pair_from(k->hold, i + 1)) {
		const struct hold_pair *pair = hold_pair_at(k->hold, i);

		/* What it was meant for, or nothing. */
		if (changed && path_is_moved(k->path, pair->said, pair->whose))
			drop_pair(k, i, REASON_parked_moved, now_ms);
		/* An association that is gone has a reason of its own. */
		else if (changed || path_has_keys(k->path, pair))
			release_pair(k, i, now_ms);
	}
}

bool
parking_lost(struct parking *k, enum store_queue_kind kind, uint32_t id)
{
	return hold_lost(k->hold, kind, id);
}

/* ---- no keys --------------------------------------------------------------
 */

void
parking_obey(struct parking *k, const struct parking_order *order,
	     uint64_t now_ms)
{
	unsigned i = hold_pair_find(k->hold, order->said, &order->peer);

	if (i < HOLD_PAIRS)
		drop_pair(k, i, REASON_parked_refused, now_ms);
}

int
parking_run(struct parking *k, uint64_t now_ms, int at_most)
{
	struct store_head *head = k->path->store->head;
	unsigned i;
	bool stale;

	if (hold_is_empty(k->hold))
		return at_most;
	path_begin(k->path, now_ms);
	parking_release(k, now_ms);
	release_lost(k, now_ms);
	stale = sad_table_generation(k->path->table) !=
		atomic_load(&head->sa_generation);
	path_end(k->path);
	while ((i = hold_late(k->hold, now_ms)) < HOLD_PAIRS)
		drop_head(k, i, REASON_parked_late, now_ms);
	while ((i = hold_ask(k->hold, now_ms)) < HOLD_PAIRS)
		path_ask(k->path, hold_pair_at(k->hold, i));
	at_most = hold_wait_ms(k->hold, now_ms, at_most);
	return stale && at_most > STALE_MS ? STALE_MS : at_most;
}
