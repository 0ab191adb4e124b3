/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drbg: HMAC_DRBG with SHA-256 (SP 800-90A 10.1.2), 256 bits of strength.
 *
 * A plain struct that its owner places in memory fit for secrets.  One
 * thread.  Never asks for entropy itself, and never leaves a copy of its
 * state behind: cipher handles live for one call.  After each call the state
 * that made the output is gone (backtracking resistance, 10.1.2.2).
 */
#ifndef ENTROPYD_DRBG_H
#define ENTROPYD_DRBG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRBG_OCTETS      32
#define DRBG_REQUEST_MAX 65536 /* octets a call; 10.1 table 2: 2^19 bits */

struct drbg {
	uint8_t key[DRBG_OCTETS], v[DRBG_OCTETS];
	uint64_t since_seed; /* calls since instantiated or reseeded */
	bool ready;
};

/* A run of octets; n 0 is left out. */
struct drbg_octets {
	const void *octets;
	size_t n;
};

/* Once a process, before anything else here: libgcrypt, with its own locked
 * memory.  0 or -ENOSYS (library too old). */
int drbg_library(void);

/* All return 0, or -ENOMEM when libgcrypt has no memory; the state is then
 * not ready. */
int drbg_instantiate(struct drbg *d, struct drbg_octets entropy,
		     struct drbg_octets nonce, struct drbg_octets personal);
int drbg_reseed(struct drbg *d, struct drbg_octets entropy,
		struct drbg_octets additional);
/* What nobody vouches for: changes the state, and is no reseeding. */
int drbg_mix(struct drbg *d, struct drbg_octets octets);
/* Also -EINVAL (n > DRBG_REQUEST_MAX) and -EAGAIN: not instantiated, or
 * 2^48 calls since the last seed. */
int drbg_generate(struct drbg *d, void *out, size_t n,
		  struct drbg_octets additional);
void drbg_wipe(struct drbg *d);

/* One HMAC-SHA-256 over the runs, in order. */
int drbg_hmac(const uint8_t *key, size_t key_n, const struct drbg_octets *runs,
	      size_t n_runs, uint8_t out[DRBG_OCTETS]);

#endif
