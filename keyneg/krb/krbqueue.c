/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyneg/krb/krbqueue.h"

struct krbqueue_lane {
	struct krbqueue_lane *next;
	char realms[2 * KRBREQ_PRINCIPAL_MAX];
	struct krbqueue_job *first, **last;
	unsigned running, waiting;
};

void
krbqueue_init(struct krbqueue *q)
{
	*q = (struct krbqueue){ 0 };
	q->last = &q->first;
}

static const char *
realm_of(const char *principal)
{
	const char *at = strrchr(principal, '@');

	return at == NULL ? "" : at + 1;
}

static struct krbqueue_lane *
lane_of(struct krbqueue *q, const struct krbreq *r)
{
	char realms[2 * KRBREQ_PRINCIPAL_MAX];
	struct krbqueue_lane *l;

	snprintf(realms, sizeof(realms), "%s@%s", realm_of(r->local),
		 realm_of(r->peer));
	for (l = q->first; l != NULL; l = l->next)
		if (strcmp(l->realms, realms) == 0)
			return l;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	memcpy(l->realms, realms, sizeof(l->realms));
	l->last = &l->first;
	*q->last = l;
	q->last = &l->next;
	return l;
}

static void
unlink_lane(struct krbqueue *q, struct krbqueue_lane *l)
{
	struct krbqueue_lane **at = &q->first;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	if (q->last == &l->next)
		q->last = at;
}

static void
forget_if_empty(struct krbqueue *q, struct krbqueue_lane *l)
{
	if (l->running != 0 || l->waiting != 0)
		return;
	unlink_lane(q, l);
	free(l);
}

/* One lane's requests do not shut the others out: who has none waiting may
 * have one. */
static bool
has_room(const struct krbqueue *q, const struct krbqueue_lane *l)
{
	if (l->waiting == 0)
		return q->waiting < 2 * KRBQUEUE_WAITING;
	return q->waiting < KRBQUEUE_WAITING;
}

int
krbqueue_put(struct krbqueue *q, const struct krbreq *r)
{
	struct krbqueue_lane *l = lane_of(q, r);
	struct krbqueue_job *j;

	if (l == NULL)
		return -ENOMEM;
	j = has_room(q, l) ? calloc(1, sizeof(*j)) : NULL;
	if (j == NULL) {
		int ret = has_room(q, l) ? -ENOMEM : -ENOBUFS;

		forget_if_empty(q, l);
		return ret;
	}
	memcpy(&j->r, r, offsetof(struct krbreq, der));
	j->lane = l;
	*l->last = j;
	l->last = &j->next;
	l->waiting++;
	q->waiting++;
	return 0;
}

static bool
may_run(const struct krbqueue *q, const struct krbqueue_lane *l)
{
	if (l->waiting == 0 || l->running >= KRBQUEUE_LANE)
		return false;
	return q->running < (l->running == 0 ? KRBQUEUE_MOST : KRBQUEUE_COMMON);
}

struct krbqueue_job *
krbqueue_take(struct krbqueue *q)
{
	struct krbqueue_lane *best = NULL;
	struct krbqueue_job *j;

	for (struct krbqueue_lane *l = q->first; l != NULL; l = l->next)
		if (may_run(q, l) &&
		    (best == NULL || l->running < best->running))
			best = l;
	if (best == NULL)
		return NULL;
	j = best->first;
	best->first = j->next;
	if (best->first == NULL)
		best->last = &best->first;
	best->waiting--;
	q->waiting--;
	best->running++;
	q->running++;
	unlink_lane(q, best);
	best->next = NULL;
	*q->last = best;
	q->last = &best->next;
	return j;
}

void
krbqueue_done(struct krbqueue *q, struct krbqueue_job *j)
{
	j->lane->running--;
	q->running--;
	forget_if_empty(q, j->lane);
	free(j);
}

unsigned
krbqueue_ready(const struct krbqueue *q)
{
	unsigned common =
	    q->running < KRBQUEUE_COMMON ? KRBQUEUE_COMMON - q->running : 0;
	unsigned firsts = 0, all = 0;

	for (const struct krbqueue_lane *l = q->first; l != NULL; l = l->next) {
		unsigned free_of_it = KRBQUEUE_LANE - l->running;

		all += l->waiting < free_of_it ? l->waiting : free_of_it;
		firsts += l->running == 0 && l->waiting != 0;
	}
	if (firsts > KRBQUEUE_MOST - q->running)
		firsts = KRBQUEUE_MOST - q->running;
	return all < firsts || common < firsts ? firsts
	       : all < common                  ? all
					       : common;
}
