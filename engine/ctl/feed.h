/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed: events for those who subscribed.
 *
 * Control thread only.  Owns a shadow of the store's slots, so that SAs which
 * come or go are noticed whoever installed them; looks at the store only
 * while somebody listens.  Never writes to the store.
 */
#ifndef ENGINE_CTL_FEED_H
#define ENGINE_CTL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/client/proto.h"
#include "engine/ctl/server.h"

#define FEED_RULES_MAX 64
#define FEED_DROPS_MS  1000 /* between two looks at the drop counters */

/* What a slot held when it was last looked at. */
struct feed_slot {
	uint32_t generation; /* 0: nothing live */
	uint32_t spi, said;
	uint8_t direction, protocol, enc, auth;
	struct ipaddr local, peer;
};

struct feed_rule { /* a drop counter of the nft rules */
	uint32_t direction;
	char reason[PROTO_NAME_MAX];
	uint64_t packets;
};

struct feed {
	struct feed_slot *slots; /* max_sa of them */
	bool watching;
	uint32_t sa_generation, policy_generation, ready;
	uint64_t drops[2][STORE_REASONS_MAX];
	uint64_t drops_ms;
	struct feed_rule rules[FEED_RULES_MAX];
	unsigned n_rules;
	bool rules_asked, rules_known;
};

/* The ticket under which the feed itself asks for the rules' counters. */
#define FEED_CLIENT UINT32_MAX

int feed_init(struct feed *f, const struct store *store); /* 0, -ENOMEM */
void feed_fini(struct feed *f);
/* Somebody subscribed or left: starts or stops looking. */
void feed_listeners_changed(struct server *s);
/* Looks for what changed and publishes it. */
void feed_poll(struct server *s, uint64_t now_ms);
/* SAs alone, at once: after this server installed or deleted some. */
void feed_poll_sas(struct server *s);
/* An SA_EXPIRED is being published: it will not be "deleted" as well. */
void feed_forget(struct server *s, const struct proto_event *e);
/* Publishes SA_SOFT, reason "rekey", if this slot is an outbound SA of the
 * association towards peer (or any).  Returns 1 or 0. */
unsigned feed_ask_rekey(struct server *s, uint32_t slot,
			const struct store_assoc *assoc,
			const struct ipaddr *peer);
/* A row of the answer to the feed's own ticket, and its end. */
void feed_rule_drop(struct server *s, const struct proto_drop *drop);
void feed_rule_end(struct server *s);

#endif
