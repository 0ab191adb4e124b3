/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Apart from secret.c: a library that has keys in its memory need not bring
 * what entropyd's pool takes.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/entropy.h"
#include "base/secret.h"

int
secret_random(void *out, size_t n)
{
	uint8_t *at = out;
	size_t left = n;

	while (left != 0) {
		ssize_t got = getrandom(at, left, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		at += got;
		left -= (size_t)got;
	}
	/* On top, and never instead: a pool that lies takes nothing away. */
	(void)entropy_mix(out, n);
	return 0;
}
