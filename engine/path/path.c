/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "engine/path/ahpath.h"
#include "engine/path/in.h"
#include "engine/path/out.h"
#include "engine/path/path.h"
#include "engine/path/pmtu.h"
#include "engine/wire/sighting.h"
#include "engine/sa/life.h"
#include "engine/wire/esp.h"
#include "engine/wire/ip.h"
#include "engine/wire/tcpopt.h"

#define ACQUIRE_EVERY_MS 1000

/* What sealing adds at most: head, IV of a block cipher, trailer, the longest
 * ICV, AH's header, a UDP header. */
_Static_assert(ESP_HEAD_OCTETS + 16 + ESP_TRAILER_MAX + 32 + AHPATH_OCTETS_MAX +
		       8 <=
		   PATH_GROWTH,
	       "raise PATH_GROWTH");

int
path_init(struct path *p, struct store *s, struct sad *sad, unsigned worker,
	  path_notify *notify, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->store = s;
	p->sad = sad;
	p->worker = worker;
	p->notify = notify;
	p->notify_arg = arg;
	p->audit_limit = (struct log_limit){ .burst = PATH_AUDIT_BURST,
					     .every_ms = PATH_AUDIT_EVERY_MS };
	p->packet_limit = p->sent_limit =
	    (struct log_limit){ .burst = PATH_PACKET_BURST,
				.every_ms = PATH_PACKET_EVERY_MS };
	p->suites = suites_new();
	return p->suites == NULL ? -ENOMEM : 0;
}

void
path_fini(struct path *p)
{
	suites_free(p->suites);
	p->suites = NULL;
}

void
path_begin(struct path *p, uint64_t now_ms)
{
	uint32_t generation;

	sad_refresh(p->sad, now_ms);
	p->table = sad_enter(p->sad, p->worker);
	generation = sad_table_generation(p->table);
	if (generation != p->purged) {
		suites_purge(p->suites, p->store);
		p->purged = generation;
	}
}

void
path_end(struct path *p)
{
	p->table = NULL;
	sad_leave(p->sad, p->worker);
}

void
path_drop(struct path *p, enum sa_direction d, enum reason why, uint64_t n)
{
	reason_count(p->store, p->worker, d, why, n);
}

/* RFC 4301 5.2, RFC 4302 and 4303 3.3.3, 3.4.1 to 3.4.4: what is to be
 * recorded, not what happens on a healthy network. */
static bool
is_auditable(enum reason r)
{
	static const bool auditable[REASON_COUNT] = {
		[REASON_fragment] = true,    [REASON_seq_exhausted] = true,
		[REASON_unknown_spi] = true, [REASON_reserved_spi] = true,
		[REASON_address] = true,     [REASON_replay] = true,
		[REASON_replay_old] = true,  [REASON_seq_zero] = true,
		[REASON_bad_icv] = true,     [REASON_bad_padding] = true,
		[REASON_inner] = true,       [REASON_selector] = true,
		[REASON_alignment] = true,   [REASON_ah_length] = true,
		[REASON_bundle] = true,
	};

	return auditable[r];
}

static void
audit(struct path *p, enum sa_direction d, const struct path_result *r,
      uint64_t now_ms)
{
	struct path_event e = {
		.kind = PATH_AUDIT,
		.said = r->about.said,
		.local = r->about.local,
		.peer = r->about.peer,
		.protocol = r->about.protocol,
		.direction = d,
		.reason = r->reason,
		.spi = r->about.spi,
		.seq = r->about.seq,
		.lost = p->audit_lost,
	};

	if (p->notify == NULL || r->about.protocol == 0 ||
	    !is_auditable(r->reason))
		return;
	if (!log_limit_take(&p->audit_limit, now_ms)) {
		p->audit_lost++;
		return;
	}
	p->audit_lost = 0;
	p->notify(p->notify_arg, &e);
}

/* Looked at before the packet is worked on, for that changes it. */
static bool
is_watched(const struct path *p, const struct pkt *pkt, struct sighting *s)
{
	return p->notify != NULL && p->packets_wanted != NULL &&
	       atomic_load_explicit(p->packets_wanted, memory_order_relaxed) &&
	       sighting_take(pkt->octets, pkt->len, s);
}

static void
tell_packet(struct path *p, enum sa_direction d, const struct path_result *r,
	    const struct sighting *s, uint64_t now_ms)
{
	struct path_event e = {
		.kind = PATH_PACKET,
		.said = r->about.said,
		.local = d == SA_OUT ? s->src : s->dst,
		.peer = d == SA_OUT ? s->dst : s->src,
		.protocol = s->protocol,
		.sport = s->sport,
		.dport = s->dport,
		.direction = d,
		.reason = r->reason,
		.spi = s->spi,
		.lost = p->packet_lost,
		.seq = s->seq,
		.id = s->id,
		.sent = r->action == PATH_SENT,
	};

	if (!e.sent && r->reason == REASON_probe)
		return;
	/* What goes well hides nothing that does not. */
	if (!log_limit_take(e.sent ? &p->sent_limit : &p->packet_limit,
			    now_ms)) {
		p->packet_lost++;
		return;
	}
	p->packet_lost = 0;
	p->notify(p->notify_arg, &e);
}

void
path_refuse(struct path *p, enum reason why, const struct pkt *pkt,
	    uint64_t now_ms)
{
	struct path_result r = {
		.reason = why,
		.about.said = store_said_of(p->store->head, pkt->mark),
	};
	struct sighting seen;

	path_drop(p, SA_OUT, why, 1);
	if (is_watched(p, pkt, &seen))
		tell_packet(p, SA_OUT, &r, &seen, now_ms);
}

void
path_out(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	 uint64_t now_ms, uint8_t *dst, size_t cap, struct path_result *r)
{
	struct sighting seen;
	bool watched = is_watched(p, pkt, &seen);

	out_create(p, kind, pkt, now_ms, dst, cap, r);
	if (r->action == PATH_DROP) {
		path_drop(p, SA_OUT, r->reason, 1);
		audit(p, SA_OUT, r, now_ms);
		if (watched)
			tell_packet(p, SA_OUT, r, &seen, now_ms);
	}
}

void
path_out_train(struct path *p, enum store_queue_kind kind, struct pkt *pkt,
	       uint64_t now_ms, const struct path_sink *sink,
	       struct path_result *r)
{
	struct sighting seen;
	bool watched = is_watched(p, pkt, &seen);

	out_train(p, kind, pkt, now_ms, sink, r);
	if (r->action == PATH_DROP) {
		path_drop(p, SA_OUT, r->reason, 1);
		audit(p, SA_OUT, r, now_ms);
	}
	/* What waits is told of when it goes. */
	if (watched && r->action != PATH_PARK)
		tell_packet(p, SA_OUT, r, &seen, now_ms);
}

void
path_in(struct path *p, struct pkt *pkt, uint64_t now_ms, uint8_t *dst,
	size_t cap, struct path_result *r)
{
	struct sighting seen;
	bool watched = is_watched(p, pkt, &seen);

	in_consume(p, pkt, now_ms, dst, cap, r);
	if (r->action == PATH_DROP) {
		path_drop(p, SA_IN, r->reason, 1);
		audit(p, SA_IN, r, now_ms);
		if (watched)
			tell_packet(p, SA_IN, r, &seen, now_ms);
	}
}

/* False: nothing has changed since this table. */
static bool
catch_up(struct path *p, uint64_t now_ms)
{
	if (atomic_load(&p->store->head->sa_generation) ==
	    sad_table_generation(p->table))
		return false;
	path_end(p);
	(void)sad_catch_up(p->sad, now_ms);
	path_begin(p, now_ms);
	return true;
}

bool
path_find_in(struct path *p, uint8_t protocol, uint32_t spi,
	     const struct ip4 *ip, uint64_t now_ms, struct sad_hit *hit)
{
	/* Of two that belong together the other one may be newer. */
	if (sad_in(p->table, protocol, spi, &ip->dst, &ip->src, hit) &&
	    (hit->sa->flags & SA_FLAG_BUNDLE) == 0)
		return true;
	(void)catch_up(p, now_ms);
	return sad_in(p->table, protocol, spi, &ip->dst, &ip->src, hit);
}

void
path_see_probe(struct path *p, enum store_queue_kind kind)
{
	atomic_fetch_add_explicit(&p->store->head->probe_seen[kind][p->worker],
				  1, memory_order_release);
}

static void
tell(struct path *p, enum path_event_kind kind, const struct sad_hit *hit)
{
	struct path_event e = { .kind = kind,
				.said = hit->sa->said,
				.local = hit->sa->local,
				.peer = hit->sa->peer,
				.protocol = hit->sa->protocol,
				.direction = hit->sa->direction,
				.spi = hit->sa->spi,
				.packets = atomic_load(&hit->sa->packets),
				.octets = atomic_load(&hit->sa->octets) };

	if (p->notify != NULL)
		p->notify(p->notify_arg, &e);
}

bool
path_use(struct path *p, const struct sad_hit *hit, uint32_t octets,
	 uint64_t now_ms)
{
	switch (life_use(hit->sa, octets, now_ms)) {
	case LIFE_OK:
		return true;
	case LIFE_SOFT:
		tell(p, PATH_SOFT, hit);
		return true;
	case LIFE_HARD:
		if (store_kill(p->store, hit->slot))
			tell(p, PATH_HARD, hit);
		return false;
	}
	return false;
}

/* Of its name, and whose instance it is: what a SAID stands for. */
static uint64_t
whose_it_is(const struct store_assoc *a)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(a->name) && a->name[i] != '\0'; i++)
		h = (h ^ (uint8_t)a->name[i]) * 0x100000001b3u;
	h *= 0x100000001b3u; /* where the name ends */
	for (size_t i = 0; i < sizeof(a->principal) && a->principal[i] != '\0';
	     i++)
		h = (h ^ (uint8_t)a->principal[i]) * 0x100000001b3u;
	return h;
}

/* What a SAID stands for. */
struct meaning {
	struct ipaddr peer;
	bool negotiated;
	bool given_on; /* since a fence was raised */
	uint64_t whose;
};

/* The association with this SAID, as the supervisor wrote it; false when there
 * is none.  Retried while it is writing. */
static bool
find_assoc(struct store_head *h, uint32_t said, struct meaning *m)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		uint32_t before = atomic_load(&h->policy_generation);
		uint32_t n = atomic_load(&h->n_assocs);
		bool found = false;

		if (before % 2 != 0)
			continue;
		for (uint32_t i = 0; i < n && i < STORE_ASSOCS_MAX; i++)
			if (h->assocs[i].said == said) {
				uint8_t flags = h->assocs[i].flags;

				m->peer = h->assocs[i].peer;
				m->negotiated =
				    (flags & STORE_ASSOC_NEGOTIATED) != 0;
				m->given_on =
				    (flags & STORE_ASSOC_GIVEN_ON) != 0;
				m->whose = whose_it_is(&h->assocs[i]);
				found = true;
				break;
			}
		/* Adds nothing, but keeps the reads above before it. */
		if (atomic_fetch_add(&h->policy_generation, 0) == before)
			return found;
	}
	return false;
}

/* At most one a second for the same SAID and peer, as far as PATH_RECENT
 * places tell them apart. */
static bool
is_asked_already(struct path *p, uint32_t said, const struct ipaddr *peer,
		 uint64_t now_ms)
{
	uint32_t h = said * 0x9e3779b1u;
	struct path_recent *at;

	for (unsigned i = 0; i < sizeof(peer->octets); i++)
		h = (h ^ peer->octets[i]) * 0x01000193u;
	at = &p->recent[(h >> 16) % PATH_RECENT];
	if (at->said == said && ipaddr_equal(&at->peer, peer) &&
	    now_ms - at->at_ms < ACQUIRE_EVERY_MS)
		return true;
	*at = (struct path_recent){ said, *peer, now_ms };
	return false;
}

void
path_ask(const struct path *p, const struct hold_pair *pair)
{
	struct path_event e = { .kind = PATH_ACQUIRE,
				.said = pair->said,
				.local = pair->local,
				.peer = pair->peer,
				.protocol = pair->protocol,
				.sport = pair->sport,
				.dport = pair->dport };

	if (p->notify != NULL)
		p->notify(p->notify_arg, &e);
}

void
path_missing(struct path *p, uint32_t said, const struct pkt *pkt,
	     const struct ip4 *ip, uint64_t now_ms, struct path_result *r)
{
	struct hold_pair *pair = &r->pair;
	struct cursor c = cursor_make(pkt->octets + ip->header,
				      (size_t)ip->total - ip->header);
	struct meaning m;

	r->reason = REASON_unknown_said;
	if (!find_assoc(p->store->head, said, &m))
		return;
	r->reason = REASON_peer_mismatch;
	if (!ipaddr_contains(&m.peer, &ip->dst))
		return;
	r->reason = REASON_no_sa;
	*pair = (struct hold_pair){ .said = said,
				    .whose = m.whose,
				    .local = ip->src,
				    .peer = ip->dst,
				    .protocol = ip->protocol };
	if ((ip->protocol == IP_TCP || ip->protocol == IP_UDP) &&
	    !(cursor_u16(&c, &pair->sport) && cursor_u16(&c, &pair->dport)))
		pair->sport = pair->dport = 0;
	if (!is_asked_already(p, said, &ip->dst, now_ms))
		path_ask(p, pair);
	if (m.negotiated && p->store->head->park_packets != 0)
		r->action = PATH_PARK;
}

bool
path_is_moved(const struct path *p, uint32_t said, uint64_t whose)
{
	struct meaning m;

	return find_assoc(p->store->head, said, &m) && m.whose != whose;
}

bool
path_is_before(const struct path *p, enum store_queue_kind kind, uint32_t id)
{
	_Atomic uint64_t *at = &p->store->head->fences[kind][p->worker];
	uint64_t fence = atomic_load_explicit(at, memory_order_acquire);

	while (fence != 0) {
		/* Ids rise, and come round. */
		if ((int32_t)(id - (uint32_t)fence) <= 0)
			return true;
		/* All before it are read, unless it was raised just now. */
		if (atomic_compare_exchange_strong(at, &fence, 0))
			break;
	}
	return false;
}

bool
path_was_given_on(const struct path *p, uint32_t mark)
{
	struct store_head *h = p->store->head;
	struct meaning m;

	return find_assoc(h, store_said_of(h, mark), &m) && m.given_on;
}

bool
path_has_keys(const struct path *p, const struct hold_pair *pair)
{
	return out_has_layers(p, pair->said, &pair->peer);
}

void
path_see_syn(const struct path *p, uint32_t said, const struct ipaddr *peer,
	     uint8_t *tcp, size_t len, struct pmtu_cost cost, uint32_t device,
	     uint64_t now_ms)
{
	uint32_t mtu = device == 0 ? PMTU_DEFAULT : device;
	struct sad_hit hit;
	uint16_t mss;

	if (!tcpopt_read_mss(tcp, len, &mss))
		return;
	if (sad_out(p->table, said, SA_AH, peer, &hit) ||
	    sad_out(p->table, said, SA_ESP, peer, &hit)) {
		mtu = pmtu_effective(hit.sa, device, now_ms);
		if (mss < TCPOPT_MSS_MIN)
			mss = TCPOPT_MSS_MIN;
		atomic_store_explicit(&hit.sa->peer_mss, mss,
				      memory_order_relaxed);
	}
	pmtu_lower_mss(tcp, len, cost, mtu);
}
