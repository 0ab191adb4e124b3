/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool: the one generator that everybody draws from.
 *
 * Owns the DRBG and the conditioner, in pages that are locked, left out of
 * core dumps, and not there in a forked child.  One thread.  Never blocks,
 * and never gives out an octet before either 256 credited bits went in or the
 * kernel's own generator is ready.
 *
 * Every request draws 32 octets from the kernel as additional input, and so
 * does every reseed: when the kernel has reseeded after a virtual machine was
 * cloned, the clones part at the next request.
 */
#ifndef ENTROPYD_POOL_H
#define ENTROPYD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entropyd/conditioner.h"

struct pool;

/* What an outsider may know. */
struct pool_counts {
	uint64_t credited_bits; /* by conditioned blocks */
	uint64_t reseeds;
	uint64_t requests, octets;
	bool kernel_ready; /* getrandom answers */
};

/* NULL with errno. */
struct pool *pool_new(void);
void pool_free(struct pool *p);

/* Uncredited: a seed file, what a client of EGD wrote.  0 or -errno. */
int pool_mix(struct pool *p, const uint8_t *octets, size_t n);
/* The conditioner, for credited samples. */
struct conditioner *pool_conditioner(struct pool *p);
/* A conditioned block: reseeds. */
int pool_reseed(struct pool *p, const uint8_t block[CONDITIONER_OCTETS]);
/* Without a block: only the kernel's octets. */
int pool_refresh(struct pool *p);
/* Also asks the kernel once more while it was not ready. */
bool pool_ready(struct pool *p);
/* The generator is lost (no memory): only a new process helps. */
bool pool_broken(const struct pool *p);
/* n up to 65536.  0; -EAGAIN: not ready; -errno. */
int pool_read(struct pool *p, void *out, size_t n);
struct pool_counts pool_counts(const struct pool *p);

#endif
