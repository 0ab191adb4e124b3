/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/secret.h"

static atomic_bool unlocked;

void
secret_wipe(void *octets, size_t n)
{
	explicit_bzero(octets, n);
}

bool
secret_equal(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differs = 0;

	for (size_t i = 0; i < n; i++)
		differs |= x[i] ^ y[i];
	return differs == 0;
}

void *
secret_alloc(size_t n)
{
	void *p;

	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	/* RLIMIT_MEMLOCK may forbid the lock; the rest still holds. */
	if (mlock(p, n) != 0)
		unlocked = true;
	(void)madvise(p, n, MADV_DONTDUMP);
	return p;
}

bool
secret_unlocked(void)
{
	return unlocked;
}

void
secret_free(void *p, size_t n)
{
	if (p == NULL)
		return;
	secret_wipe(p, n);
	munmap(p, n);
}
