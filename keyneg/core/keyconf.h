/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyconf: the part of the configuration that key negotiation needs, and the
 * decisions that it makes: whom we expect at an address, who may speak for it.
 *
 * The lines are flat values without pointers between them, so that the parent
 * can send them to the network process.  A struct keyconf owns its arrays.
 * One thread.  Never resolves a name.
 */
#ifndef KEYNEG_CORE_KEYCONF_H
#define KEYNEG_CORE_KEYCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algo.h"
#include "base/ipaddr.h"

enum { KEYCONF_NAME_MAX = 64, KEYCONF_PRINCIPAL_MAX = 256 };

/* Whether forward secrecy (a Diffie-Hellman exchange) is part of the deal. */
enum keyconf_secrecy {
	KEYCONF_SECRECY_PREFER, /* when both ends have it */
	KEYCONF_SECRECY_REQUIRE,
	KEYCONF_SECRECY_OFF,
};

struct keyconf_limits { /* 0: none */
	uint64_t soft_secs, soft_octets, soft_packets;
	uint64_t hard_secs, hard_octets, hard_packets;
};

struct keyconf_assoc {
	char name[KEYCONF_NAME_MAX];
	uint32_t said;
	struct ipaddr local, peer; /* family NONE: any */
	char local_principal[KEYCONF_PRINCIPAL_MAX];
	char peer_pattern[KEYCONF_PRINCIPAL_MAX]; /* a `*` is within a part */
	uint8_t accept_any_address;
	uint8_t enc, auth; /* enum algo; enc NONE: AH */
	uint8_t esn;
	uint8_t secrecy; /* enum keyconf_secrecy */
	uint8_t reserved[3];
	uint32_t replay_window;
	struct keyconf_limits limits;
};

struct keyconf_map { /* a line of principals */
	struct ipaddr address;
	char principal[KEYCONF_PRINCIPAL_MAX];
};

struct keyconf {
	struct keyconf_assoc *assoc;
	struct keyconf_map *map;
	size_t assocs, maps;
	/* Where a host's address is in map: numbers, from 1, in a table of
	 * open addressing; and the lines that are prefixes, in order. */
	uint32_t *slot, *prefix;
	size_t slots, prefixes;
};

int keyconf_add_assoc(struct keyconf *c, const struct keyconf_assoc *a);
int keyconf_add_map(struct keyconf *c, const struct keyconf_map *m);
void keyconf_fini(struct keyconf *c);
/* NULL: no such association. */
const struct keyconf_assoc *keyconf_by_name(const struct keyconf *c,
					    const char *name);

/* `*` stands for any octets but `/` and `@`, at least one. */
bool keyconf_match(const char *pattern, const char *principal);
/* The principal that the map gives for this address; NULL: it knows none. */
const char *keyconf_principal_at(const struct keyconf *c,
				 const struct ipaddr *address);
/* Whom an initiator asks a ticket for.  NULL with *why when nobody is
 * expected there. */
const char *keyconf_expected(const struct keyconf *c,
			     const struct keyconf_assoc *a,
			     const struct ipaddr *address, const char **why);
/* May this authenticated principal speak for this address under a? */
bool keyconf_may_speak(const struct keyconf *c, const struct keyconf_assoc *a,
		       const struct ipaddr *address, const char *principal,
		       const char **why);

#endif
