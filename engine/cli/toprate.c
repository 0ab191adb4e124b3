/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli/toprate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct toprate_row *
add(struct toprate *t)
{
	struct toprate_row *more;

	if (t->n == t->room) {
		t->room = t->room == 0 ? 64 : 2 * t->room;
		more = realloc(t->rows, t->room * sizeof(*more));
		if (more == NULL)
			return NULL;
		t->rows = more;
	}
	memset(&t->rows[t->n], 0, sizeof(*t->rows));
	return &t->rows[t->n++];
}

bool
toprate_add_sa(struct toprate *t, const struct proto_sa *sa)
{
	struct toprate_row *row = add(t);

	if (row == NULL)
		return false;
	row->direction = sa->direction;
	row->protocol = sa->protocol;
	row->spi = sa->spi;
	row->said = sa->said;
	row->peer = sa->peer;
	memcpy(row->association, sa->association, sizeof(row->association));
	row->packets = sa->packets;
	row->octets = sa->octets;
	return true;
}

bool
toprate_add_drop(struct toprate *t, const struct proto_drop *drop)
{
	struct toprate_row *row = add(t);

	if (row == NULL)
		return false;
	row->direction = drop->direction;
	memcpy(row->reason, drop->reason, sizeof(row->reason));
	row->packets = drop->packets;
	return true;
}

/* By what a row is about. */
static int
same_first(const void *a, const void *b)
{
	const struct toprate_row *x = a, *y = b;
	int d = strcmp(x->reason, y->reason);

	if (d == 0)
		d = (x->spi > y->spi) - (x->spi < y->spi);
	if (d == 0)
		d = (int)x->direction - (int)y->direction;
	if (d == 0)
		d = (int)x->protocol - (int)y->protocol;
	return d != 0 ? d : memcmp(&x->peer, &y->peer, sizeof(x->peer));
}

static int
fast_first(const void *a, const void *b)
{
	const struct toprate_row *x = a, *y = b;

	if (x->packet_rate > y->packet_rate || x->packet_rate < y->packet_rate)
		return x->packet_rate < y->packet_rate ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return same_first(a, b);
}

static double
rate(uint64_t now, uint64_t before, double secs)
{
	return (double)(now < before ? now : now - before) / secs;
}

void
toprate_compare(struct toprate *now, struct toprate *before)
{
	static const struct toprate_row none;
	double secs = (double)(now->at_ms - before->at_ms) / 1000;

	if (now->at_ms <= before->at_ms)
		secs = 0.001;
	if (before->n > 0)
		qsort(before->rows, before->n, sizeof(none), same_first);
	for (size_t i = 0; i < now->n; i++) {
		struct toprate_row *row = &now->rows[i];
		const struct toprate_row *was =
		    before->n == 0 ? NULL
				   : bsearch(row, before->rows, before->n,
					     sizeof(none), same_first);

		if (was == NULL || was->packets > row->packets)
			was = &none;
		row->packet_rate = rate(row->packets, was->packets, secs);
		row->octet_rate = rate(row->octets, was->octets, secs);
	}
	if (now->n > 0)
		qsort(now->rows, now->n, sizeof(none), fast_first);
}

void
toprate_free(struct toprate *t)
{
	free(t->rows);
	memset(t, 0, sizeof(*t));
}
