/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unique: finds what may stand once and stands twice.
 *
 * Owns copies of the octets it compares (wiped when it is freed: they may be
 * keys).  One thread.  Sorts, so that tens of thousands cost no square.
 */
#ifndef POLICY_UNIQUE_H
#define POLICY_UNIQUE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"
#include "policy/policy.h"

#define UNIQUE_OCTETS_MAX 72

struct unique_entry;

/* Zero initialised. */
struct unique {
	struct unique_entry *entries;
	size_t n;
	bool no_memory;
};

/* At most UNIQUE_OCTETS_MAX octets; `at` must stay where it is. */
void unique_add(struct unique *u, const void *octets, size_t len,
		const struct policy_place *at);
/* "WHAT, first in FILE:LINE" for each that was there before, in the order
 * of adding; then frees everything. */
void unique_report(struct unique *u, struct diag *d, const char *what);

#endif
