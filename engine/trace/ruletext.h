/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruletext: the text of a rule by its handle.
 *
 * Owns a copy of each table that was asked about, as `nft -a list table`
 * prints it, and asks again when a handle is not in it.  One thread.
 */
#ifndef ENGINE_TRACE_RULETEXT_H
#define ENGINE_TRACE_RULETEXT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/trace/tracetable.h"

struct ruletext_rule {
	uint64_t handle;
	char *chain;
	char *text; /* one line; an anonymous chain in { } */
};

struct ruletext_table {
	char family[8], name[64];
	struct ruletext_rule *rules;
	size_t n;
	struct ruletext_table *next;
};

struct ruletext {
	struct tracetable *table; /* whom to ask */
	struct ruletext_table *tables;
};

/* "ip", "inet", ... of a family number (NFPROTO_*). */
const char *ruletext_family(uint8_t family);
/* NULL: not known. */
const struct ruletext_rule *ruletext_find(struct ruletext *r, uint8_t family,
					  const char *table, uint64_t handle);
/* How many rules of its chain stand before this one. */
size_t ruletext_place(struct ruletext *r, uint8_t family, const char *table,
		      const struct ruletext_rule *rule);
void ruletext_free(struct ruletext *r);

/* A listing taken apart; *n rules, or NULL without memory or rules.  Pure. */
struct ruletext_rule *ruletext_parse(const char *listing, size_t *n);
void ruletext_free_rules(struct ruletext_rule *rules, size_t n);

#endif
