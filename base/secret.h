/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * secret: memory that holds keys, and octets nobody can guess.
 *
 * Owns nothing.  Any thread.  Never leaves a key behind: the wipe is not
 * optimised away, the comparison takes the same time wherever it differs.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

void secret_wipe(void *octets, size_t n);
/* Constant time in the contents, not in n. */
bool secret_equal(const void *a, const void *b, size_t n);
/* Pages of their own: locked, left out of core dumps.  NULL with errno. */
void *secret_alloc(size_t n);
/* Was memory of secret_alloc's ever not locked, because RLIMIT_MEMLOCK does not
 * allow it?  entropyd's pool says so. */
bool secret_unlocked(void);
void secret_free(void *p, size_t n);
/* getrandom(2), never short; with entropyd's pool mixed in where the process
 * uses one (entropy.h).  0 or -errno. */
int secret_random(void *out, size_t n);

#endif
