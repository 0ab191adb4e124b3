/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/secret.h"
#include "engine/ctl/rows.h"
#include "engine/path/reason.h"

/* Slots may be released while they are summed up.  If that does not end, what
 * is told may be less than the time before. */
#define TOTALS_TRIES 5

_Static_assert((int)PROTO_IN == (int)SA_IN && (int)PROTO_OUT == (int)SA_OUT,
	       "directions go over as they are");
_Static_assert((int)PROTO_TRANSPORT == (int)SA_TRANSPORT &&
		   (int)PROTO_TUNNEL == (int)SA_TUNNEL,
	       "modes go over as they are");
_Static_assert((int)PROTO_LIVE == (int)SA_LIVE &&
		   (int)PROTO_DEAD == (int)SA_DEAD,
	       "states go over as they are");
_Static_assert((int)PROTO_QUEUE_DECAP == (int)STORE_QUEUE_DECAP,
	       "kinds of queue go over as they are");
_Static_assert(PROTO_NAME_MAX == SA_NAME_MAX &&
		   PROTO_PRINCIPAL_MAX == SA_PRINCIPAL_MAX,
	       "names fit");
_Static_assert(PROTO_SENTENCE_MAX >= STORE_TEXT_MAX, "sentences fit");
_Static_assert(NFQUEUE_ROWS_MAX >= STORE_QUEUE_KINDS * STORE_WORKERS_MAX,
	       "all queues fit");

static uint64_t
load64(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

const char *
rows_algo(uint8_t algo)
{
	const struct algo_info *info = algo_info((enum algo)algo);

	return algo == ALGO_NONE || info == NULL ? "" : info->name;
}

/* "" first, so that a text without its 0 can't run on. */
static void
copy_text(char *to, size_t cap, const char *from)
{
	(void)snprintf(to, cap, "%s", from);
}

int
rows_copy_assoc(const struct store *store, uint32_t i, struct store_assoc *out)
{
	const struct store_head *h = store->head;

	/* A change takes microseconds, and somebody may have died in it. */
	for (unsigned tries = 0; tries < 1000; tries++) {
		uint32_t before = atomic_load(&h->policy_generation);

		if (before % 2 != 0)
			continue;
		if (i >= atomic_load(&h->n_assocs))
			return -ENOENT;
		memcpy(out, &h->assocs[i], sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&h->policy_generation) == before) {
			out->name[sizeof(out->name) - 1] = '\0';
			return 0;
		}
	}
	return -EAGAIN;
}

int
rows_find_assoc(const struct store *store, const char *name,
		struct store_assoc *out)
{
	int err = 0;

	for (uint32_t i = 0; err == 0; i++) {
		err = rows_copy_assoc(store, i, out);
		if (err == 0 && strcmp(out->name, name) == 0)
			return 0;
	}
	return err;
}

int
rows_find_said(const struct store *store, uint32_t said,
	       struct store_assoc *out)
{
	int err = 0;

	for (uint32_t i = 0; err == 0; i++) {
		err = rows_copy_assoc(store, i, out);
		if (err == 0 && out->said == said)
			return 0;
	}
	return err;
}

bool
rows_protects(const struct sa *sa, uint32_t said, const struct ipaddr *peer)
{
	return atomic_load(&sa->state) == SA_LIVE && sa->said == said &&
	       ipaddr_equal(&sa->peer, peer);
}

static struct proto_limits
limits_of(const struct sa_limits *l)
{
	return (struct proto_limits){
		.soft_secs = l->soft_secs,
		.soft_octets = l->soft_octets,
		.soft_packets = l->soft_packets,
		.hard_secs = l->hard_secs,
		.hard_octets = l->hard_octets,
		.hard_packets = l->hard_packets,
	};
}

/* ---- one kind of row each -------------------------------------------------
 */

static size_t
build(const struct session *c, const struct proto_shape *shape,
      const void *record, void *buf, size_t cap)
{
	struct proto_head head = {
		.type = c->type,
		.flags = PROTO_FLAG_REPLY | PROTO_FLAG_MORE,
		.serial = c->serial,
	};

	return proto_build(buf, cap, &head, shape, record);
}

static uint32_t
count_live(const struct store *store)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < store_slots(store); i++)
		n += atomic_load_explicit(&store_sa(store, i)->state,
					  memory_order_relaxed) == SA_LIVE;
	return n;
}

/* Packets that wait for keys; said 0: of all associations. */
static uint64_t
count_parked(const struct store *store, uint32_t said)
{
	const struct store_head *h = store->head;
	uint64_t n = 0;

	for (uint32_t w = 0; w < h->workers && w < STORE_WORKERS_MAX; w++) {
		const struct store_parked *row = &h->parked[w];

		if (said == 0)
			n += atomic_load(&row->packets);
		if (said == 0 || atomic_load(&row->packets) == 0)
			continue;
		for (unsigned i = 0; i < STORE_PARK_PAIRS; i++)
			if (atomic_load(&row->pairs[i].said) == said)
				n += atomic_load(&row->pairs[i].packets);
	}
	return n;
}

static size_t
next_status(struct server *s, struct session *c, void *buf, size_t cap)
{
	const struct store_head *h = s->config.store->head;
	struct proto_status row = {
		.ready = atomic_load(&h->ready),
		.workers = h->workers,
		.max_sa = h->max_sa,
		.n_assocs = atomic_load(&h->n_assocs),
		.said_mask = h->said_mask,
		.said_first = h->said_first,
		.said_last = h->said_last,
		.generation = atomic_load(&h->policy_generation) / 2,
		.started = load64(&h->engine_started_wall),
		.service_started = h->supervisor_started_wall,
		.starts = load64(&h->engine_starts),
		.goes_back = load64(&h->goes_back_wall),
	};

	if (c->at++ != 0)
		return 0;
	row.n_sas = count_live(s->config.store);
	row.parked = count_parked(s->config.store, 0);
	copy_text(row.randomness, sizeof(row.randomness), entropy_sources());
	switch ((enum store_divert)h->divert) {
	case STORE_DIVERT_NONE:
		break;
	case STORE_DIVERT_NFT:
		copy_text(row.divert, sizeof(row.divert), "nft queue");
		break;
	case STORE_DIVERT_XT:
		copy_text(row.divert, sizeof(row.divert), "xt NFQUEUE");
		break;
	}
	if (!row.ready) {
		memcpy(row.text, h->not_ready, sizeof(row.text));
		row.text[sizeof(row.text) - 1] = '\0';
	}
	return build(c, PROTO_SHAPE(&row), &row, buf, cap);
}

static void
add_sa(struct server *s, const struct sa *sa, bool live, uint32_t n)
{
	const struct store_assoc *a = s->config.store->head->assocs;
	unsigned d = sa->direction & 1;

	for (uint32_t i = 0; i < n; i++) {
		if (a[i].said != sa->said)
			continue;
		s->sas_of[i] += live;
		if (strcmp(a[i].name, sa->association) != 0)
			return;
		s->totals_of[i].packets[d] += load64(&sa->packets);
		s->totals_of[i].octets[d] += load64(&sa->octets);
		return;
	}
}

/* Live SAs by association, in one walk over the slots; and what all SAs that
 * there are and were have counted. */
static void
count_by_assoc(struct server *s)
{
	const struct store *store = s->config.store;
	uint32_t n = atomic_load(&store->head->n_assocs), begun;
	unsigned tries = 0;

	s->counted_for = atomic_load(&store->head->policy_generation);
	if (n > STORE_ASSOCS_MAX)
		n = STORE_ASSOCS_MAX;
	do {
		begun = totals_begin(store);
		memset(s->sas_of, 0, sizeof(s->sas_of));
		memset(s->totals_of, 0, sizeof(s->totals_of));
		for (uint32_t slot = 0; slot < store_slots(store); slot++) {
			const struct sa *sa = store_sa(store, slot);
			uint32_t state = atomic_load(&sa->state);

			if (state == SA_LIVE || state == SA_DEAD)
				add_sa(s, sa, state == SA_LIVE, n);
		}
		for (uint32_t i = 0; i < n; i++)
			totals_add(store, store->head->assocs[i].name,
				   &s->totals_of[i]);
	} while (!totals_settled(store, begun) && tries++ < TOTALS_TRIES);
}

static size_t
next_assoc(struct server *s, struct session *c, void *buf, size_t cap)
{
	struct store_assoc a;
	struct proto_assoc row = { 0 };
	const struct totals *t;
	int err;

	/* The numbers are by row of the table, of which there is one. */
	if (c->at == 0 ||
	    s->counted_for !=
		atomic_load(&s->config.store->head->policy_generation))
		count_by_assoc(s);
	err = rows_copy_assoc(s->config.store, c->at, &a);
	if (err == -EAGAIN)
		session_end(c, err, "the configuration is being changed");
	if (err < 0)
		return 0;
	copy_text(row.name, sizeof(row.name), a.name);
	row.said = a.said;
	row.mode = a.mode;
	row.keying = a.keying;
	t = &s->totals_of[c->at];
	row.in_packets = t->packets[SA_IN];
	row.in_octets = t->octets[SA_IN];
	row.out_packets = t->packets[SA_OUT];
	row.out_octets = t->octets[SA_OUT];
	row.n_sas = s->sas_of[c->at++];
	row.replay_window = a.replay_window;
	row.flags = a.esn ? PROTO_SA_ESN : 0;
	row.local = a.local;
	row.peer = a.peer;
	copy_text(row.encryption, sizeof(row.encryption), rows_algo(a.enc));
	copy_text(row.integrity, sizeof(row.integrity), rows_algo(a.auth));
	copy_text(row.ah_integrity, sizeof(row.ah_integrity),
		  rows_algo(a.ah_auth));
	row.limits = limits_of(&a.limits);
	row.parked = count_parked(s->config.store, a.said);
	copy_text(row.instance_of, sizeof(row.instance_of), a.instance_of);
	copy_text(row.principal, sizeof(row.principal), a.principal);
	return build(c, PROTO_SHAPE(&row), &row, buf, cap);
}

static void
fill_counters(struct proto_sa *row, const struct sa *sa, uint64_t now)
{
	uint64_t next = load64(&sa->seq_next);
	uint64_t used = load64(&sa->last_used_ms);

	row->packets = load64(&sa->packets);
	row->octets = load64(&sa->octets);
	/* The last one sent; the first one is 1. */
	row->sequence = sa->direction == SA_IN ? load64(&sa->replay_edge)
			: next == 0            ? 0
					       : next - 1;
	row->replays = load64(&sa->replays);
	row->bad_icv = load64(&sa->bad_icv);
	row->age_ms = now > sa->installed_ms ? now - sa->installed_ms : 0;
	row->idle_ms = used != 0 && now > used ? now - used : 0;
	if (used == 0)
		row->idle_ms = row->age_ms;
}

static void
fill_sa(struct proto_sa *row, const struct sa *sa, bool keys)
{
	uint32_t live = atomic_load(&sa->flags_live);

	copy_text(row->association, sizeof(row->association), sa->association);
	copy_text(row->principal, sizeof(row->principal), sa->principal);
	row->said = sa->said;
	row->direction = sa->direction;
	row->protocol = sa->protocol;
	row->spi = sa->spi;
	row->mode = sa->mode;
	row->flags = (sa->flags & SA_FLAG_ESN ? PROTO_SA_ESN : 0) |
		     (sa->flags & SA_FLAG_MANUAL ? PROTO_SA_MANUAL : 0) |
		     (sa->flags & SA_FLAG_ENCAP_UDP ? PROTO_SA_ENCAP_UDP : 0) |
		     (live & SA_FLAG_SOFT_TOLD ? PROTO_SA_SOFT : 0);
	copy_text(row->encryption, sizeof(row->encryption), rows_algo(sa->enc));
	copy_text(row->integrity, sizeof(row->integrity), rows_algo(sa->auth));
	row->local = sa->local;
	row->peer = sa->peer;
	row->sport = sa->sport;
	row->dport = sa->dport;
	row->replay_window = sa->replay_window;
	row->limits = limits_of(&sa->limits);
	if (!keys)
		return;
	if (sa->key_octets <= sizeof(row->key.at)) {
		row->key.len = sa->key_octets;
		memcpy(row->key.at, sa->key, sa->key_octets);
	}
	if (sa->auth_key_octets <= sizeof(row->auth_key.at)) {
		row->auth_key.len = sa->auth_key_octets;
		memcpy(row->auth_key.at, sa->auth_key, sa->auth_key_octets);
	}
}

/* A slot's row, if it is one and stayed the same while it was copied. */
static bool
copy_sa(const struct session *c, const struct sa *sa, struct proto_sa *row)
{
	uint32_t generation = atomic_load(&sa->generation);
	uint32_t state = atomic_load(&sa->state);

	/* A dead one is gone as soon as no worker can hold it. */
	if (state != SA_LIVE)
		return false;
	memset(row, 0, sizeof(*row));
	row->state = state;
	fill_sa(row, sa, c->flags & PROTO_SHOW_KEYS);
	fill_counters(row, sa, clock_now_ms());
	atomic_thread_fence(memory_order_acquire);
	return atomic_load(&sa->state) == SA_LIVE &&
	       atomic_load(&sa->generation) == generation &&
	       (c->association[0] == '\0' ||
		strcmp(c->association, row->association) == 0);
}

static size_t
next_sa(struct server *s, struct session *c, void *buf, size_t cap)
{
	const struct store *store = s->config.store;
	struct proto_sa row;
	size_t len = 0;

	while (len == 0 && c->at < store_slots(store)) {
		if (!copy_sa(c, store_sa(store, c->at++), &row))
			continue;
		len = build(c, PROTO_SHAPE(&row), &row, buf, cap);
		secret_wipe(&row, sizeof(row));
	}
	return len;
}

/* The SAs behind somebody's socket: not what others sent through them. */
static size_t
next_peer(struct server *s, struct session *c, void *buf, size_t cap)
{
	const struct store *store = s->config.store;
	size_t len = 0;

	while (len == 0 && c->at < store_slots(store)) {
		const struct sa *sa = store_sa(store, c->at++);
		uint32_t generation = atomic_load(&sa->generation);
		struct proto_sa row = { 0 };

		if (!rows_protects(sa, c->said, &c->peer))
			continue;
		row.state = PROTO_LIVE;
		fill_sa(&row, sa, false);
		atomic_thread_fence(memory_order_acquire);
		if (rows_protects(sa, c->said, &c->peer) &&
		    atomic_load(&sa->generation) == generation)
			len = build(c, PROTO_SHAPE(&row), &row, buf, cap);
	}
	return len;
}

static size_t
next_drop(struct server *s, struct session *c, void *buf, size_t cap)
{
	uint32_t n = c->at;
	struct proto_drop row = { 0 };
	char name[REASON_NAME_MAX];

	if (n >= 2 * REASON_COUNT)
		return 0;
	c->at++;
	row.direction = n / REASON_COUNT;
	n %= REASON_COUNT;
	copy_text(row.reason, sizeof(row.reason),
		  reason_name((enum reason)n, name));
	copy_text(row.sentence, sizeof(row.sentence),
		  reason_sentence((enum reason)n));
	row.packets = reason_total(
	    s->config.store, (enum sa_direction)row.direction, (enum reason)n);
	return build(c, PROTO_SHAPE(&row), &row, buf, cap);
}

static size_t
next_queue(struct server *s, struct session *c, void *buf, size_t cap)
{
	const struct store_head *h = s->config.store->head;
	struct proto_queue row = { 0 };
	const struct store_queue *q;
	uint32_t worker, kind;
	uint64_t now, heard;

	if (c->at == 0)
		s->n_queues = nfqueue_read(s->config.nfqueue_fd, s->queues,
					   NFQUEUE_ROWS_MAX);
	if (c->at >= h->workers * STORE_QUEUE_KINDS)
		return 0;
	worker = c->at / STORE_QUEUE_KINDS;
	kind = c->at++ % STORE_QUEUE_KINDS;
	q = &h->queues[kind][worker];
	row.number = STORE_QUEUE_NUMBER(kind, worker);
	row.kind = kind;
	row.received = load64(&q->received);
	row.verdicts = load64(&q->verdicts);
	row.passed = load64(&q->passed);
	row.injected = load64(&q->injected);
	row.merged = load64(&q->merged);
	row.errors = load64(&q->errors);
	heard = load64(&q->heard_ms);
	now = clock_now_ms();
	row.heard_ms = heard != 0 && now > heard ? now - heard : 0;
	for (unsigned i = 0; i < s->n_queues; i++) {
		if (s->queues[i].number != row.number)
			continue;
		row.length = s->queues[i].length;
		row.kernel_drops = s->queues[i].kernel_drops;
		row.user_drops = s->queues[i].user_drops;
	}
	return build(c, PROTO_SHAPE(&row), &row, buf, cap);
}

size_t
rows_next(struct server *s, struct session *c, void *buf, size_t cap)
{
	switch (c->type) {
	case PROTO_STATUS:
		return next_status(s, c, buf, cap);
	case PROTO_ASSOCS:
		return next_assoc(s, c, buf, cap);
	case PROTO_SAS:
		return next_sa(s, c, buf, cap);
	case PROTO_DROPS:
		return next_drop(s, c, buf, cap);
	case PROTO_QUEUES:
		return next_queue(s, c, buf, cap);
	case PROTO_PEER:
		return next_peer(s, c, buf, cap);
	}
	return 0;
}
