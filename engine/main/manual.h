/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manual: what a policy says about associations and manual keys, written into
 * the store.
 *
 * The supervisor's thread.  A second call with another policy changes what
 * differs and nothing else: an SA whose parameters are the same keeps its slot
 * and counters.  Never publishes an SA whose numbers are not durable.
 */
#ifndef ENGINE_MAIN_MANUAL_H
#define ENGINE_MAIN_MANUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/sa/persist.h"
#include "engine/sa/store.h"
#include "policy/policy.h"

struct manual_report {
	bool quiet; /* set by the caller: a retry, failures are not logged */
	unsigned kept, added, removed;
	unsigned failed;          /* SAs that should be there and are not */
	char why[STORE_TEXT_MAX]; /* the first of them */
};

/* Marks, ranges and associations.  -E2BIG: more than STORE_ASSOCS_MAX. */
int manual_write_policy(struct store *s, const struct policy *p);
/* Ends all SAs under a SAID, before it is another association's.  How many. */
unsigned manual_end_said(struct store *s, struct persist *persist,
			 uint32_t said);
/* Ends negotiated SAs of associations whose keying or principals differ
 * between the two: who may speak under them is another now.  How many. */
unsigned manual_revoke(struct store *s, const struct policy *was,
		       const struct policy *p);
/* What manual_revoke and manual_apply would do, a line for each SA.  Changes
 * nothing. */
void manual_plan(const struct store *s, const struct policy *was,
		 const struct policy *p, FILE *out);
/* Manual SAs; SAs of associations that are gone or have other algorithms are
 * removed.  May be called again to try what failed. */
void manual_apply(struct store *s, struct persist *persist,
		  const struct policy *p, struct manual_report *report);

#endif
