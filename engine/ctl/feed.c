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

/* An SA_EXPIRED is being published: it will not be "deleted" as well. */
static void
forget(struct server *s, const struct proto_event *e)
{
	for (uint32_t i = 0; i < shadow_slots(&s->shadow); i++) {
		struct shadow_slot *was = &s->shadow.slots[i];

		if (was->live && was->spi == e->spi &&
		    was->direction == e->direction &&
		    was->protocol == e->protocol &&
		    ipaddr_equal(&was->peer, &e->peer))
			was->live = false;
	}
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
		forget(s, &e);
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
	  const struct shadow_slot *slot, const char *reason)
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

static void
slot_changed(void *arg, const struct shadow_slot *was,
	     const struct shadow_slot *now)
{
	struct server *s = arg;

	if (!s->feed.watching || !(wanted(s) & WANT_SAS))
		return;
	if (was->live)
		tell_slot(s, PROTO_EVENT_SA_DELETED, was, "");
	if (now->live)
		tell_slot(s, PROTO_EVENT_SA_ADDED, now, "");
}

void
feed_init(struct server *s)
{
	s->shadow.changed = slot_changed;
	s->shadow.arg = s;
}

unsigned
feed_ask_rekey(struct server *s, const struct store_assoc *assoc,
	       const struct ipaddr *peer)
{
	unsigned told = 0;

	shadow_sync(&s->shadow);
	for (uint32_t i = 0; i < shadow_slots(&s->shadow); i++) {
		const struct shadow_slot *sa = &s->shadow.slots[i];

		if (!sa->live || sa->direction != SA_OUT ||
		    sa->said != assoc->said ||
		    !ipaddr_contains(peer, &sa->peer))
			continue;
		tell_slot(s, PROTO_EVENT_SA_SOFT, sa, "rekey");
		told++;
	}
	return told;
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
		shadow_sync(&s->shadow);
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
	shadow_sync(&s->shadow);
	poll_state(s);
	if (now_ms - s->feed.drops_ms < FEED_DROPS_MS)
		return;
	s->feed.drops_ms = now_ms;
	walk_drops(s, true);
	if (wanted(s) & PROTO_EVENT_BIT(PROTO_EVENT_DROP))
		ask_rules(s);
}
