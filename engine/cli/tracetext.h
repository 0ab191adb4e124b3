/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracetext: a packet's story on stdout, for people and as JSON.
 *
 * One thread.
 */
#ifndef ENGINE_CLI_TRACETEXT_H
#define ENGINE_CLI_TRACETEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/cli/traceheard.h"
#include "engine/cli/tracenames.h"
#include "engine/trace/journey.h"
#include "engine/trace/story.h"

struct tracetext {
	uint64_t wall_ms;
	const struct journey *journey;
	const struct story *story;
	const struct tracenames *names;
	struct ruletext *rules;
	bool steps; /* each rule on the way as well */
};

void tracetext_print(const struct tracetext *t);
void tracetext_print_json(const struct tracetext *t);
/* A packet that the engine dropped, and that nft could not trace: what the
 * expression asks for is inside ESP or AH. */
void tracetext_print_stranger(uint64_t wall_ms, const struct journey_drop *d,
			      bool json);
/* Nothing came back for what left protected. */
void tracetext_print_unanswered(uint64_t wall_ms, uint64_t now_ms,
				const struct awaited_sent *sent,
				const char *association,
				const struct traceheard *heard, bool json);

#endif
