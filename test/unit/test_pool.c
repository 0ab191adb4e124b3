/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pool with a kernel of the test's own: what it gives before anything is
 * credited, and that two copies of it part as soon as the kernel has been told
 * of the copy (a virtual machine that was cloned).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "entropyd/drbg.h"
#include "entropyd/pool.h"

static bool kernel_ready = true;
static uint8_t kernel_octet;
static unsigned kernel_asked;

/* In libc's place. */
ssize_t
getrandom(void *out, size_t n, unsigned flags)
{
	(void)flags;
	kernel_asked++;
	if (!kernel_ready) {
		errno = EAGAIN;
		return -1;
	}
	memset(out, kernel_octet, n);
	return (ssize_t)n;
}

static struct pool *
make(void)
{
	struct pool *p;

	cr_assert_eq(drbg_library(), 0);
	p = pool_new();
	cr_assert_not_null(p);
	return p;
}

Test(pool, gives_nothing_before_credit_or_the_kernel)
{
	static const uint8_t block[CONDITIONER_OCTETS] = { 1 };
	uint8_t out[32] = { 0 };
	struct pool *p;

	kernel_ready = false;
	p = make();
	cr_assert_not(pool_ready(p));
	cr_assert_eq(pool_read(p, out, sizeof(out)), -EAGAIN);
	/* Mixing is not crediting. */
	cr_assert_eq(pool_mix(p, block, sizeof(block)), 0);
	cr_assert_not(pool_ready(p));
	cr_assert_eq(pool_reseed(p, block), 0);
	cr_assert(pool_ready(p));
	cr_assert_eq(pool_counts(p).credited_bits, 256);
	cr_assert_eq(pool_read(p, out, sizeof(out)), 0);
	pool_free(p);
}

Test(pool, the_kernel_alone_makes_it_ready)
{
	uint8_t out[32];
	struct pool *p;

	kernel_ready = false;
	p = make();
	cr_assert_not(pool_ready(p));
	kernel_ready = true;
	cr_assert(pool_ready(p));
	cr_assert_eq(pool_read(p, out, sizeof(out)), 0);
	cr_assert_eq(pool_counts(p).credited_bits, 0);
	pool_free(p);
}

Test(pool, every_request_and_reseed_asks_the_kernel)
{
	static const uint8_t block[CONDITIONER_OCTETS] = { 1 };
	struct pool *p = make();
	uint8_t out[32];
	unsigned before = kernel_asked;

	cr_assert_eq(pool_read(p, out, sizeof(out)), 0);
	cr_assert_gt(kernel_asked, before);
	before = kernel_asked;
	cr_assert_eq(pool_reseed(p, block), 0);
	cr_assert_gt(kernel_asked, before);
	before = kernel_asked;
	cr_assert_eq(pool_refresh(p), 0);
	cr_assert_gt(kernel_asked, before);
	pool_free(p);
}

/* Lets a forked child have the pool's pages. */
static void
allow_copy(struct pool *p)
{
	char line[300];
	uintptr_t from, to;
	FILE *maps = fopen("/proc/self/maps", "r");

	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 &&
		    from <= (uintptr_t)p && (uintptr_t)p < to)
			cr_assert_eq(madvise(p, to - (uintptr_t)p, MADV_DOFORK),
				     0);
	fclose(maps);
}

/* What a copy of p reads next, when its kernel gives `octet`. */
static void
read_copy(struct pool *p, uint8_t octet, uint8_t out[32])
{
	int pair[2];
	pid_t pid;

	cr_assert_eq(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		kernel_octet = octet;
		_exit(pool_read(p, out, 32) != 0 ||
		      write(pair[1], out, 32) != 32);
	}
	cr_assert_eq(read(pair[0], out, 32), 32);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	close(pair[0]);
	close(pair[1]);
}

Test(pool, clones_part_with_the_kernels_octets)
{
	struct pool *p = make();
	uint8_t a[32], b[32], c[32];

	allow_copy(p);
	read_copy(p, 1, a);
	read_copy(p, 1, b);
	read_copy(p, 2, c);
	cr_assert_eq(memcmp(a, b, 32), 0, "no copies of one state");
	cr_assert_neq(memcmp(a, c, 32), 0);
	pool_free(p);
}
