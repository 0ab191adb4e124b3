/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed: events for those who subscribed.
 *
 * Control thread only.  Learns from the shadow which SAs came or went, whoever
 * installed them; looks at the store only while somebody listens.  Never
 * writes to the store.
 */
#ifndef ENGINE_CTL_FEED_H
#define ENGINE_CTL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/client/proto.h"
#include "engine/ctl/server.h"

#define FEED_RULES_MAX 64
#define FEED_DROPS_MS  1000 /* between two looks at the drop counters */

struct feed_rule { /* a drop counter of the nft rules */
	uint32_t direction;
	char reason[PROTO_NAME_MAX];
	uint64_t packets;
};

struct feed {
	bool watching;
	uint32_t policy_generation, ready;
	uint64_t drops[2][STORE_REASONS_MAX];
	uint64_t drops_ms;
	struct feed_rule rules[FEED_RULES_MAX];
	unsigned n_rules;
	bool rules_asked, rules_known;
};

/* The ticket under which the feed itself asks for the rules' counters. */
#define FEED_CLIENT UINT32_MAX

/* Has the shadow tell of the slots that change. */
void feed_init(struct server *s);
/* Somebody subscribed or left: starts or stops looking. */
void feed_listeners_changed(struct server *s);
/* Looks for what changed and publishes it. */
void feed_poll(struct server *s, uint64_t now_ms);
/* Publishes SA_SOFT, reason "rekey", for the outbound SAs of the association
 * towards peer (or any).  Returns how many there are. */
unsigned feed_ask_rekey(struct server *s, const struct store_assoc *assoc,
			const struct ipaddr *peer);
/* A row of the answer to the feed's own ticket, and its end. */
void feed_rule_drop(struct server *s, const struct proto_drop *drop);
void feed_rule_end(struct server *s);

#endif
