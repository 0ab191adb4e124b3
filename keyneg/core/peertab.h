/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peertab: what is remembered of each peer beyond its exchanges and SAs: when
 * it proved itself, how often that worked, and why it last did not.
 *
 * Owns a bounded number of entries, by association and peer address; the one
 * that was touched longest ago makes room.  Those who were refused have a
 * place of their own, so that they push nobody else out.  One thread.  No
 * clock, and no entry for whoever has not proven itself.
 */
#ifndef KEYNEG_CORE_PEERTAB_H
#define KEYNEG_CORE_PEERTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ipaddr.h"
#include "keyneg/core/keyconf.h"

enum { PEERTAB_WHY = 240, PEERTAB_REFUSED = 256 };

struct sapair;

struct peertab_peer {
	char association[KEYCONF_NAME_MAX]; /* "": a refused one's */
	char principal[KEYCONF_PRINCIPAL_MAX];
	struct ipaddr local, peer;
	uint64_t exchanges, failures;
	uint64_t heard_ms, why_ms; /* 0: never */
	char why[PEERTAB_WHY];     /* of the last failure; "": none since */
	uint64_t touched;
	struct peertab_peer *next, *next_hash;
	/* for whoever looks at the whole table */
	const struct sapair *pair;
	bool busy;
};

struct peertab {
	struct peertab_peer *first;
	size_t n, max, refused;
	size_t buckets;
	struct peertab_peer **by_key;
	uint64_t clock;
};

/* 0 or -ENOMEM. */
int peertab_init(struct peertab *t, size_t max);
void peertab_fini(struct peertab *t);
/* NULL: not known. */
struct peertab_peer *peertab_find(const struct peertab *t,
				  const char *association,
				  const struct ipaddr *peer);
/* Finds or makes the entry; "" as association: a refused one.  NULL: no
 * memory. */
struct peertab_peer *peertab_touch(struct peertab *t, const char *association,
				   const struct ipaddr *local,
				   const struct ipaddr *peer,
				   const char *principal);
/* It has proven itself, in an exchange that ended well. */
void peertab_done(struct peertab *t, const char *association,
		  const struct ipaddr *local, const struct ipaddr *peer,
		  const char *principal, uint64_t now_ms);
void peertab_failed(struct peertab *t, const char *association,
		    const struct ipaddr *local, const struct ipaddr *peer,
		    const char *principal, const char *why, uint64_t now_ms);
/* What is likely to make an attempt fail that still goes on. */
void peertab_suspect(struct peertab *t, const char *association,
		     const struct ipaddr *peer, const char *why,
		     uint64_t now_ms);
/* Forgets the entries of associations that are not in c. */
void peertab_prune(struct peertab *t, const struct keyconf *c);

#endif
