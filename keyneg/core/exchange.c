/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "base/log.h"
#include "keyneg/core/exchange.h"

#define TO(s) (1u << EXCHANGE_##s)

/* From each state, where it may go.  FAILED only ends; DONE too, unless the
 * engine refuses what was agreed on. */
static const uint32_t moves[EXCHANGE_STATE_COUNT] = {
	[EXCHANGE_NEW] = TO(WAIT_TICKET) | TO(WAIT_CHECK),
	[EXCHANGE_WAIT_TICKET] = TO(WAIT_REPLY) | TO(FAILED),
	[EXCHANGE_WAIT_REPLY] = TO(DONE) | TO(FAILED),
	[EXCHANGE_WAIT_CHECK] = TO(WAIT_ACK) | TO(DONE) | TO(FAILED),
	[EXCHANGE_WAIT_ACK] = TO(DONE) | TO(FAILED),
	[EXCHANGE_DONE] = TO(FAILED),
	[EXCHANGE_FAILED] = 0,
};

const char *
exchange_state_name(enum exchange_state s)
{
	static const char *const names[EXCHANGE_STATE_COUNT] = {
		[EXCHANGE_NEW] = "new",
		[EXCHANGE_WAIT_TICKET] = "wait-ticket",
		[EXCHANGE_WAIT_REPLY] = "wait-reply",
		[EXCHANGE_WAIT_CHECK] = "wait-check",
		[EXCHANGE_WAIT_ACK] = "wait-ack",
		[EXCHANGE_DONE] = "done",
		[EXCHANGE_FAILED] = "failed",
	};

	return (unsigned)s < EXCHANGE_STATE_COUNT ? names[s] : "?";
}

int
exchange_init(struct exchange_table *t, size_t item, size_t items_max,
	      size_t octets_max, const char *(*kind_name)(uint8_t kind))
{
	memset(t, 0, sizeof(*t));
	t->item = item;
	t->items_max = items_max;
	t->octets_max = octets_max;
	t->kind_name = kind_name;
	t->buckets = 64;
	while (t->buckets < items_max)
		t->buckets *= 2;
	t->by_id = calloc(t->buckets, sizeof(struct exchange *));
	t->by_xid = calloc(t->buckets, sizeof(struct exchange *));
	t->by_peer = calloc(t->buckets, sizeof(struct exchange *));
	if (t->by_id == NULL || t->by_xid == NULL || t->by_peer == NULL) {
		exchange_fini(t);
		return -ENOMEM;
	}
	return 0;
}

void
exchange_fini(struct exchange_table *t)
{
	free(t->by_id);
	free(t->by_xid);
	free(t->by_peer);
	memset(t, 0, sizeof(*t));
}

static struct exchange **
id_bucket(struct exchange_table *t, uint32_t id)
{
	return &t->by_id[id & (t->buckets - 1)];
}

/* XIDs of authenticated peers alone get here, so a plain hash will do. */
static struct exchange **
xid_bucket(struct exchange_table *t, const struct ipaddr *peer, uint32_t xid)
{
	uint32_t h =
	    fnv_add(xid * 2654435761u, peer->octets, sizeof(peer->octets));

	return &t->by_xid[fnv_fold(h) & (t->buckets - 1)];
}

static struct exchange **
peer_bucket(const struct exchange_table *t, const struct ipaddr *peer)
{
	uint32_t h = fnv_add(FNV_BEGIN, peer->octets, sizeof(peer->octets));

	return &t->by_peer[fnv_fold(h) & (t->buckets - 1)];
}

struct exchange *
exchange_new(struct exchange_table *t, enum exchange_role role, uint8_t kind,
	     uint32_t xid, const struct exchange_path *path)
{
	struct exchange *x, **bucket;

	if (t->items == t->items_max || t->octets_max - t->octets < t->item ||
	    (x = calloc(1, t->item)) == NULL) {
		t->refused++;
		return NULL;
	}
	t->items++;
	t->octets += t->item;
	if (++t->last_id == 0)
		t->last_id = 1;
	x->id = t->last_id;
	x->role = role;
	x->kind = kind;
	x->xid = xid;
	x->path = *path;
	bucket = id_bucket(t, x->id);
	x->next_id = *bucket;
	*bucket = x;
	bucket = xid_bucket(t, &path->peer, xid);
	x->next_xid = *bucket;
	*bucket = x;
	bucket = peer_bucket(t, &path->peer);
	x->next_peer = *bucket;
	*bucket = x;
	return x;
}

void
exchange_free(struct exchange_table *t, struct exchange *x)
{
	struct exchange **at = id_bucket(t, x->id);

	while (*at != x)
		at = &(*at)->next_id;
	*at = x->next_id;
	at = xid_bucket(t, &x->path.peer, x->xid);
	while (*at != x)
		at = &(*at)->next_xid;
	*at = x->next_xid;
	at = peer_bucket(t, &x->path.peer);
	while (*at != x)
		at = &(*at)->next_peer;
	*at = x->next_peer;
	t->items--;
	t->octets -= t->item + x->cost;
	free(x);
}

struct exchange *
exchange_by_id(struct exchange_table *t, uint32_t id)
{
	struct exchange *x = *id_bucket(t, id);

	while (x != NULL && x->id != id)
		x = x->next_id;
	return x;
}

struct exchange *
exchange_by_xid(struct exchange_table *t, enum exchange_role role,
		const struct ipaddr *peer, uint32_t xid,
		const struct exchange *after)
{
	struct exchange *x =
	    after == NULL ? *xid_bucket(t, peer, xid) : after->next_xid;

	while (x != NULL && (x->xid != xid || x->role != role ||
			     !ipaddr_equal(&x->path.peer, peer)))
		x = x->next_xid;
	return x;
}

struct exchange *
exchange_by_peer(const struct exchange_table *t, const struct ipaddr *peer,
		 const struct exchange *after)
{
	struct exchange *x =
	    after == NULL ? *peer_bucket(t, peer) : after->next_peer;

	while (x != NULL && !ipaddr_equal(&x->path.peer, peer))
		x = x->next_peer;
	return x;
}

bool
exchange_charge(struct exchange_table *t, struct exchange *x, size_t octets)
{
	if (octets > x->cost && t->octets_max - t->octets < octets - x->cost) {
		t->refused++;
		return false;
	}
	t->octets = t->octets - x->cost + octets;
	x->cost = octets;
	return true;
}

int
exchange_move(struct exchange_table *t, struct exchange *x,
	      enum exchange_state to)
{
	char peer[IPADDR_TEXT];

	ipaddr_format(&x->path.peer, peer);
	if ((moves[x->state] & 1u << to) == 0) {
		log_warnx("exchange %u with %s: %s -> %s is not allowed", x->id,
			  peer, exchange_state_name(x->state),
			  exchange_state_name(to));
		return -EINVAL;
	}
	log_debug("exchange %u (%s, %s) with %s: %s -> %s", x->id,
		  t->kind_name(x->kind),
		  x->role == EXCHANGE_INITIATOR ? "initiator" : "responder",
		  peer, exchange_state_name(x->state), exchange_state_name(to));
	x->state = to;
	return 0;
}
