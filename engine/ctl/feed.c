/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/ctl/rows.h"
#include "engine/path/reason.h"

#define WANT_SAS                                                               \
	(PROTO_EVENT_BIT(PROTO_EVENT_SA_ADDED) |                               \
	 PROTO_EVENT_BIT(PROTO_EVENT_SA_DELETED))

int
feed_init(struct feed *f, const struct store *store)
{
	/* Untouched pages cost nothing: most slots are never used. */
	f->slots = calloc(store->head->max_sa, sizeof(*f->slots));
	return f->slots == NULL ? -ENOMEM : 0;
}

void
feed_fini(struct feed *f)
{
	free(f->slots);
	f->slots = NULL;
}

static uint32_t
wanted(const struct server *s)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (s->sessions[i].fd >= 0)
			mask |= s->sessions[i].mask;
	return mask;
}

unsigned
server_listeners(const struct server *s, enum proto_event_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		n += s->sessions[i].fd >= 0 &&
		     (s->sessions[i].mask & PROTO_EVENT_BIT(kind)) != 0;
	return n;
}

unsigned
server_publish(struct server *s, const struct proto_event *event)
{
	struct proto_head head = { .type = PROTO_EVENT };
	struct proto_event e = *event;
	uint8_t msg[2048];
	unsigned told = 0;
	size_t len;

	if (e.kind == PROTO_EVENT_SA_EXPIRED)
		feed_forget(s, &e);
	if (server_listeners(s, (enum proto_event_kind)e.kind) == 0)
		return 0;
	if (e.wall_ms == 0)
		e.wall_ms = clock_wall_ms();
	len = proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&e), &e);
	if (len == 0)
		return 0;
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct session *c = &s->sessions[i];

		if (c->fd >= 0 && (c->mask & PROTO_EVENT_BIT(e.kind)))
			told += session_tell(s, c, msg, len);
	}
	return told;
}

/* ---- SAs ------------------------------------------------------------------
 */

static void
name_association(const struct server *s, uint32_t said,
		 char name[PROTO_NAME_MAX])
{
	struct store_assoc a;

	name[0] = '\0';
	for (uint32_t i = 0; rows_copy_assoc(s->config.store, i, &a) == 0; i++)
		if (a.said == said) {
			memcpy(name, a.name, PROTO_NAME_MAX);
			return;
		}
}

static void
tell_slot(struct server *s, enum proto_event_kind kind,
	  const struct feed_slot *slot, const char *reason)
{
	struct proto_event e = {
		.kind = kind,
		.said = slot->said,
		.local = slot->local,
		.peer = slot->peer,
		.protocol = slot->protocol,
		.direction = slot->direction,
		.spi = slot->spi,
	};

	name_association(s, slot->said, e.association);
	(void)snprintf(e.encryption, sizeof(e.encryption), "%s",
		       rows_algo(slot->enc));
	(void)snprintf(e.integrity, sizeof(e.integrity), "%s",
		       rows_algo(slot->auth));
	(void)snprintf(e.reason, sizeof(e.reason), "%s", reason);
	(void)server_publish(s, &e);
}

/* What is in a slot now; generation 0 when nothing is live. */
static struct feed_slot
look_at(const struct sa *sa)
{
	struct feed_slot now = { .generation = atomic_load(&sa->generation) };

	if (atomic_load(&sa->state) != SA_LIVE)
		return (struct feed_slot){ 0 };
	now.spi = sa->spi;
	now.said = sa->said;
	now.direction = sa->direction;
	now.protocol = sa->protocol;
	now.enc = sa->enc;
	now.auth = sa->auth;
	now.local = sa->local;
	now.peer = sa->peer;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&sa->state) != SA_LIVE ||
	    atomic_load(&sa->generation) != now.generation)
		return (struct feed_slot){ 0 };
	return now;
}

static void
walk_slots(struct server *s, bool tell)
{
	const struct store *store = s->config.store;

	s->feed.sa_generation = atomic_load(&store->head->sa_generation);
	for (uint32_t i = 0; i < store_slots(store); i++) {
		struct feed_slot *was = &s->feed.slots[i];
		struct feed_slot now = look_at(store_sa(store, i));

		if (now.generation == was->generation)
			continue;
		if (tell && was->generation != 0)
			tell_slot(s, PROTO_EVENT_SA_DELETED, was, "");
		if (tell && now.generation != 0)
			tell_slot(s, PROTO_EVENT_SA_ADDED, &now, "");
		*was = now;
	}
}

void
feed_poll_sas(struct server *s)
{
	if (s->feed.watching &&
	    atomic_load(&s->config.store->head->sa_generation) !=
		s->feed.sa_generation)
		walk_slots(s, wanted(s) & WANT_SAS);
}

void
feed_forget(struct server *s, const struct proto_event *e)
{
	if (!s->feed.watching)
		return;
	for (uint32_t i = 0; i < store_slots(s->config.store); i++) {
		struct feed_slot *was = &s->feed.slots[i];

		if (was->generation != 0 && was->spi == e->spi &&
		    was->direction == e->direction &&
		    was->protocol == e->protocol &&
		    ipaddr_equal(&was->peer, &e->peer))
			*was = (struct feed_slot){ 0 };
	}
}

unsigned
feed_ask_rekey(struct server *s, uint32_t slot, const struct store_assoc *assoc,
	       const struct ipaddr *peer)
{
	struct feed_slot now = look_at(store_sa(s->config.store, slot));

	if (now.generation == 0 || now.direction != SA_OUT ||
	    now.said != assoc->said || !ipaddr_contains(peer, &now.peer))
		return 0;
	tell_slot(s, PROTO_EVENT_SA_SOFT, &now, "rekey");
	return 1;
}

/* ---- drops ----------------------------------------------------------------
 */

static void
tell_drop(struct server *s, uint32_t direction, const char *reason,
	  uint64_t before, uint64_t now)
{
	struct proto_event e = {
		.kind = PROTO_EVENT_DROP,
		.direction = direction,
		.packets = now - before,
		.total = now,
	};

	(void)snprintf(e.reason, sizeof(e.reason), "%s", reason);
	(void)server_publish(s, &e);
}

static void
walk_drops(struct server *s, bool tell)
{
	char name[REASON_NAME_MAX];

	for (unsigned d = 0; d < 2; d++)
		for (unsigned r = 0; r < REASON_COUNT; r++) {
			uint64_t before = s->feed.drops[d][r];
			uint64_t now =
			    reason_total(s->config.store, (enum sa_direction)d,
					 (enum reason)r);

			s->feed.drops[d][r] = now;
			if (tell && now > before)
				tell_drop(s, d,
					  reason_name((enum reason)r, name),
					  before, now);
		}
}

static void
ask_rules(struct server *s)
{
	const struct ctl_ops *ops = s->config.ops;
	struct server_ticket t = { .client = FEED_CLIENT };

	if (ops->rule_drops == NULL || s->feed.rules_asked)
		return;
	s->feed.rules_asked = true;
	if (ops->rule_drops(s->config.ctx, t) != 0)
		s->feed.rules_asked = false;
}

void
feed_rule_drop(struct server *s, const struct proto_drop *drop)
{
	struct feed *f = &s->feed;
	unsigned i;

	for (i = 0; i < f->n_rules; i++)
		if (f->rules[i].direction == drop->direction &&
		    strcmp(f->rules[i].reason, drop->reason) == 0)
			break;
	if (i == FEED_RULES_MAX)
		return;
	if (i == f->n_rules) {
		f->n_rules++;
		f->rules[i].direction = drop->direction;
		memcpy(f->rules[i].reason, drop->reason, PROTO_NAME_MAX);
		f->rules[i].packets = f->rules_known ? 0 : drop->packets;
	}
	if (drop->packets > f->rules[i].packets)
		tell_drop(s, drop->direction, drop->reason, f->rules[i].packets,
			  drop->packets);
	f->rules[i].packets = drop->packets;
}

void
feed_rule_end(struct server *s)
{
	s->feed.rules_asked = false;
	s->feed.rules_known = true;
}

/* ---- readiness, and all together ------------------------------------------
 */

static void
poll_state(struct server *s)
{
	const struct store_head *h = s->config.store->head;
	uint32_t policy = atomic_load(&h->policy_generation);
	struct proto_event e = {
		.kind = PROTO_EVENT_STATE,
		.ready = atomic_load(&h->ready),
	};

	if (policy % 2 != 0 ||
	    (e.ready == s->feed.ready && policy == s->feed.policy_generation))
		return;
	if (e.ready != s->feed.ready)
		(void)snprintf(e.text, sizeof(e.text), "%s",
			       e.ready ? "ready" : h->not_ready);
	else
		(void)snprintf(e.text, sizeof(e.text), "policy changed");
	s->feed.ready = e.ready;
	s->feed.policy_generation = policy;
	(void)server_publish(s, &e);
}

void
feed_listeners_changed(struct server *s)
{
	const struct store_head *h = s->config.store->head;
	bool watch = wanted(s) != 0;

	if (watch && !s->feed.watching) {
		/* What is there now is no news. */
		walk_slots(s, false);
		walk_drops(s, false);
		s->feed.ready = atomic_load(&h->ready);
		s->feed.policy_generation = atomic_load(&h->policy_generation);
		s->feed.n_rules = 0;
		s->feed.rules_known = false;
		s->feed.drops_ms = clock_now_ms();
		if (wanted(s) & PROTO_EVENT_BIT(PROTO_EVENT_DROP))
			ask_rules(s);
	}
	s->feed.watching = watch;
}

void
feed_poll(struct server *s, uint64_t now_ms)
{
	if (!s->feed.watching)
		return;
	feed_poll_sas(s);
	poll_state(s);
	if (now_ms - s->feed.drops_ms < FEED_DROPS_MS)
		return;
	s->feed.drops_ms = now_ms;
	walk_drops(s, true);
	if (wanted(s) & PROTO_EVENT_BIT(PROTO_EVENT_DROP))
		ask_rules(s);
}
