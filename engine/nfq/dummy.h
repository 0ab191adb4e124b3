/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dummy: packets that mean nothing, sent so that silence can't be told from
 * traffic (RFC 4303 2.6).
 *
 * Owns the list of SAs that have a dummy rate.  One worker's thread, between
 * its batches.  A dummy goes the ordinary way of a packet
 * (path_out: numbers, lifetime, padding, AH around it), as an IP packet of
 * protocol 59 that only the peer's engine sees, and drops.
 */
#ifndef ENGINE_NFQ_DUMMY_H
#define ENGINE_NFQ_DUMMY_H

#include <stddef.h>
#include <stdint.h>

#include "engine/nfq/inject.h"
#include "engine/path/path.h"

#define DUMMY_BURST 64u /* of one SA at a time, when the thread was late */

struct dummy_sa {
	uint32_t slot, generation;
	uint32_t credit; /* thousandths of a packet */
	uint32_t mtu;    /* what the way out has taken, so far */
};

struct dummy {
	struct store *store;
	struct dummy_sa *sas; /* room for all slots */
	uint32_t n;
	uint32_t table; /* generation of the table that the list is of */
	uint64_t last_ms;
	uint8_t *octets, *sealed; /* a packet each */
};

/* 0 or -ENOMEM. */
int dummy_init(struct dummy *d, struct store *s);
void dummy_fini(struct dummy *d);
/* Sends what is due.  Milliseconds until the next one at the earliest, or
 * `at_most`. */
int dummy_run(struct dummy *d, struct inject *out, struct path *p,
	      uint64_t now_ms, int at_most);

/* A packet of protocol 59 and `len` octets, 20 at least, between the SA's
 * ends; a local end that is not one address is left 0. */
void dummy_build(const struct sa *sa, size_t len, uint8_t *octets);

#endif
