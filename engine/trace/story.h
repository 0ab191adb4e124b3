/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * story: what a packet's journey means, in words.
 *
 * Reads the rules of nfipsec's two tables by what stands in them (counters'
 * names, chains' names), so that a rule which is not known here is still told
 * by its text.  One thread; asks nft for texts (ruletext.h), else pure.
 */
#ifndef ENGINE_TRACE_STORY_H
#define ENGINE_TRACE_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/trace/journey.h"
#include "engine/trace/ruletext.h"

/* What the marks are. */
struct story_marks {
	uint32_t mask, first, last; /* said-mask, said-range */
};

struct story_flow {
	bool known, inbound;
	char target[64];
	char expression[1024]; /* as nft prints it */
	size_t place;          /* how many of its direction stand before it */
};

enum story_outcome {
	STORY_DROPPED,
	STORY_LEFT,
	STORY_DELIVERED,
	STORY_WAITING,
	STORY_UNSEEN,
};

struct story {
	enum story_outcome outcome;
	bool inbound;  /* it came from outside: to us, or to be forwarded */
	bool secured;  /* at its end: under ESP or AH, or opened from them */
	uint32_t said; /* 0: none */
	uint32_t came_said;     /* what it came under; a hub may change it */
	struct sighting sealed; /* ESP or AH as it came or left */
	bool has_sealed;
	struct story_flow flow;
	char by[200];       /* who dropped it: "the engine", "table ..." */
	char reason[64];    /* of a drop by nfipsec; "" for others' */
	char what[1000];    /* the sentence */
	char rule[600];     /* of others: the rule's text, or "policy drop" */
	const char *advice; /* NULL: none */
};

void story_tell(struct ruletext *rules, const struct story_marks *marks,
		const struct journey *j, struct story *out);
const char *story_outcome_name(enum story_outcome o);

#endif
