/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "policy/unique.h"

struct unique_entry {
	uint8_t octets[UNIQUE_OCTETS_MAX];
	size_t len, order;
	const struct policy_place *at, *first;
};

void
unique_add(struct unique *u, const void *octets, size_t len,
	   const struct policy_place *at)
{
	struct unique_entry *e = u->entries;

	if (len > UNIQUE_OCTETS_MAX)
		len = UNIQUE_OCTETS_MAX;
	if ((u->n & (u->n - 1)) == 0) { /* room is a power of two */
		e = calloc(u->n == 0 ? 1 : 2 * u->n, sizeof(*e));
		if (e == NULL) {
			u->no_memory = true;
			return;
		}
		if (u->n != 0) {
			memcpy(e, u->entries, u->n * sizeof(*e));
			secret_wipe(u->entries, u->n * sizeof(*e));
		}
		free(u->entries);
		u->entries = e;
	}
	e += u->n;
	memset(e, 0, sizeof(*e));
	memcpy(e->octets, octets, len);
	e->len = len;
	e->order = u->n++;
	e->at = at;
}

static int
compare_octets(const void *va, const void *vb)
{
	const struct unique_entry *a = va, *b = vb;
	int diff;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	diff = memcmp(a->octets, b->octets, a->len);
	if (diff != 0)
		return diff;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
compare_order(const void *va, const void *vb)
{
	const struct unique_entry *a = va, *b = vb;

	return a->order < b->order ? -1 : a->order > b->order;
}

static void
mark_repeated(struct unique *u)
{
	struct unique_entry *first = u->entries;

	for (size_t i = 1; i < u->n; i++) {
		struct unique_entry *e = &u->entries[i];

		if (e->len == first->len &&
		    memcmp(e->octets, first->octets, e->len) == 0)
			e->first = first->at;
		else
			first = e;
	}
}

void
unique_report(struct unique *u, struct diag *d, const char *what)
{
	if (u->no_memory)
		diag_error(d, NULL, "out of memory");
	if (u->n > 1) {
		qsort(u->entries, u->n, sizeof(*u->entries), compare_octets);
		mark_repeated(u);
		qsort(u->entries, u->n, sizeof(*u->entries), compare_order);
	}
	for (size_t i = 0; i < u->n; i++) {
		const struct unique_entry *e = &u->entries[i];

		if (e->first != NULL)
			diag_error(d, e->at, "%s, first in %s:%u", what,
				   e->first->file, e->first->line);
	}
	if (u->n != 0)
		secret_wipe(u->entries, u->n * sizeof(*u->entries));
	free(u->entries);
	*u = (struct unique){ 0 };
}
