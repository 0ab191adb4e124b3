/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "keyneg/core/peertab.h"

int
peertab_init(struct peertab *t, size_t max)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
	t->buckets = 64;
	while (t->buckets < max / 8) /* as in sapair.c */
		t->buckets *= 2;
	t->by_key = calloc(t->buckets, sizeof(struct peertab_peer *));
	return t->by_key == NULL ? -ENOMEM : 0;
}

void
peertab_fini(struct peertab *t)
{
	while (t->first != NULL) {
		struct peertab_peer *p = t->first;

		t->first = p->next;
		free(p);
	}
	free(t->by_key);
	memset(t, 0, sizeof(*t));
}

/* The entries are ours or proven members', not just anybody's. */
static struct peertab_peer **
bucket_of(const struct peertab *t, const char *association,
	  const struct ipaddr *peer)
{
	uint32_t h = fnv_add(fnv_add_text(FNV_BEGIN, association), peer->octets,
			     sizeof(peer->octets));

	return &t->by_key[fnv_fold(h) & (t->buckets - 1)];
}

struct peertab_peer *
peertab_find(const struct peertab *t, const char *association,
	     const struct ipaddr *peer)
{
	struct peertab_peer *p = *bucket_of(t, association, peer);

	while (p != NULL && (strcmp(p->association, association) != 0 ||
			     !ipaddr_equal(&p->peer, peer)))
		p = p->next_hash;
	return p;
}

static void
forget(struct peertab *t, struct peertab_peer *p)
{
	struct peertab_peer **at = &t->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	at = bucket_of(t, p->association, &p->peer);
	while (*at != p)
		at = &(*at)->next_hash;
	*at = p->next_hash;
	t->n--;
	t->refused -= p->association[0] == '\0';
	free(p);
}

/* Room for one more of this sort. */
static void
make_room(struct peertab *t, bool refused)
{
	struct peertab_peer *oldest = NULL;

	if (refused ? t->refused < PEERTAB_REFUSED : t->n - t->refused < t->max)
		return;
	for (struct peertab_peer *p = t->first; p != NULL; p = p->next)
		if ((p->association[0] == '\0') == refused &&
		    (oldest == NULL || p->touched < oldest->touched))
			oldest = p;
	if (oldest != NULL)
		forget(t, oldest);
}

struct peertab_peer *
peertab_touch(struct peertab *t, const char *association,
	      const struct ipaddr *local, const struct ipaddr *peer,
	      const char *principal)
{
	struct peertab_peer *p = peertab_find(t, association, peer), **bucket;

	if (p == NULL) {
		make_room(t, association[0] == '\0');
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return NULL;
		snprintf(p->association, sizeof(p->association), "%s",
			 association);
		p->peer = *peer;
		p->next = t->first;
		t->first = p;
		bucket = bucket_of(t, association, peer);
		p->next_hash = *bucket;
		*bucket = p;
		t->n++;
		t->refused += association[0] == '\0';
	}
	p->touched = ++t->clock;
	p->local = *local;
	if (principal[0] != '\0')
		snprintf(p->principal, sizeof(p->principal), "%s", principal);
	return p;
}

void
peertab_done(struct peertab *t, const char *association,
	     const struct ipaddr *local, const struct ipaddr *peer,
	     const char *principal, uint64_t now_ms)
{
	struct peertab_peer *p =
	    peertab_touch(t, association, local, peer, principal);

	if (p == NULL)
		return;
	p->exchanges++;
	p->heard_ms = now_ms;
	p->why[0] = '\0';
	p->why_ms = 0;
}

void
peertab_failed(struct peertab *t, const char *association,
	       const struct ipaddr *local, const struct ipaddr *peer,
	       const char *principal, const char *why, uint64_t now_ms)
{
	struct peertab_peer *p =
	    peertab_touch(t, association, local, peer, principal);

	if (p == NULL)
		return;
	p->failures++;
	p->why_ms = now_ms;
	snprintf(p->why, sizeof(p->why), "%s", why);
}

void
peertab_suspect(struct peertab *t, const char *association,
		const struct ipaddr *peer, const char *why, uint64_t now_ms)
{
	struct peertab_peer *p = peertab_find(t, association, peer);

	if (p == NULL)
		return;
	p->why_ms = now_ms;
	snprintf(p->why, sizeof(p->why), "%s", why);
}

void
peertab_prune(struct peertab *t, const struct keyconf *c)
{
	struct peertab_peer *next;

	for (struct peertab_peer *p = t->first; p != NULL; p = next) {
		next = p->next;
		if (p->association[0] != '\0' &&
		    keyconf_by_name(c, p->association) == NULL)
			forget(t, p);
	}
}
